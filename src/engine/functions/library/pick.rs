//! Aggregates that answer one of the values. Rows with a NULL among the arguments don't count, as in
//! ClickHouse, whose names stand beside ours.

use std::cmp::Ordering;

use rusqlite::{
    Error,
    types::{Value, ValueRef},
};

use super::{
    Answer, Call, Function,
    fold::{Budget, Fold},
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "aggregate";
    any_value "(x)" [1] Aggregate(|| Box::new(Pick::new(Which::First))):
        "The first value that is not NULL, in the order in which the rows are read.";
        "any_value(column1) FROM (VALUES (NULL), ('a'), ('b'))" => "a";
    arg_min "(x, by)" [2] Aggregate(|| Box::new(Pick::new(Which::Least))):
        "The x of the row with the least by; the first one of several. Rows with a NULL don't count.";
        "arg_min(column1, column2) FROM (VALUES ('a', 2), ('b', 1), ('c', NULL))" => "b";
    arg_max "(x, by)" [2] Aggregate(|| Box::new(Pick::new(Which::Greatest))):
        "The x of the row with the greatest by; the first one of several. Rows with a NULL don't count.";
        "arg_max(column1, column2) FROM (VALUES ('a', 2), ('b', 1), ('c', 2))" => "a";
};

/// The same under the names of ClickHouse.
pub(super) fn first() -> Box<dyn Fold> {
    Box::new(Pick::new(Which::First))
}

pub(super) fn last() -> Box<dyn Fold> {
    Box::new(Pick::new(Which::Last))
}

pub(super) fn least() -> Box<dyn Fold> {
    Box::new(Pick::new(Which::Least))
}

pub(super) fn greatest() -> Box<dyn Fold> {
    Box::new(Pick::new(Which::Greatest))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Last,
    Least,
    Greatest,
}

/// The value that leads so far, and what it is compared by.
struct Pick {
    which: Which,
    value: Value,
    by: Value,
    is_empty: bool,
}

impl Pick {
    const fn new(which: Which) -> Self {
        Self { which, value: Value::Null, by: Value::Null, is_empty: true }
    }

    fn is_better(&self, call: &Call<'_>) -> bool {
        match self.which {
            Which::First => false,
            Which::Last => true,
            Which::Least => compare(call.raw(1), (&self.by).into()) == Ordering::Less,
            Which::Greatest => compare(call.raw(1), (&self.by).into()) == Ordering::Greater,
        }
    }
}

impl Fold for Pick {
    fn step(&mut self, call: &Call<'_>, budget: &mut Budget) -> Result<(), Error> {
        if (0..call.len()).any(|n| call.raw(n) == ValueRef::Null) || !(self.is_empty || self.is_better(call))
        {
            return Ok(());
        }
        budget.give_back(size((&self.value).into()) + size((&self.by).into()));
        budget.take((0..call.len()).map(|n| size(call.raw(n))).sum(), call)?;
        self.is_empty = false;
        self.value = Value::try_from(call.raw(0))?;
        if call.len() == 2 {
            self.by = Value::try_from(call.raw(1))?;
        }
        Ok(())
    }

    fn answer(self: Box<Self>) -> Result<Answer, Error> {
        Ok(Answer::Value(self.value))
    }
}

fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        _ => 0,
    }
}

/// SQLite's order: numbers, then text by its bytes, then blobs.
fn compare(a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
    use ValueRef::{Blob, Integer, Real, Text};
    let rank = |value| match value {
        ValueRef::Null => 0,
        Integer(_) | Real(_) => 1,
        Text(_) => 2,
        Blob(_) => 3,
    };
    match (a, b) {
        (Integer(a), Integer(b)) => a.cmp(&b),
        (Real(a), Real(b)) => a.total_cmp(&b),
        (Integer(a), Real(b)) => whole_with_real(a, b),
        (Real(a), Integer(b)) => whole_with_real(b, a).reverse(),
        (Text(a), Text(b)) | (Blob(a), Blob(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Exact also where a REAL can't hold the whole number.
#[expect(clippy::cast_possible_truncation, reason = "the ends of i64 are told apart before")]
fn whole_with_real(whole: i64, real: f64) -> Ordering {
    if real >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if real < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    whole.cmp(&(real.trunc() as i64)).then_with(|| 0.0_f64.total_cmp(&(real.fract() + 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_as_in_sqlite() {
        use ValueRef::{Blob, Integer, Real, Text};
        let ascending = [
            Real(f64::NEG_INFINITY),
            Integer(i64::MIN),
            Real(-1.5),
            Integer(-1),
            Real(-0.5),
            Integer(0),
            Real(0.5),
            Integer(1),
            Integer((1 << 53) + 1),
            Real(9_007_199_254_740_994.0),
            Integer(i64::MAX),
            Real(1e19),
            Text(b"10"),
            Text(b"9"),
            Blob(b""),
        ];
        for (n, a) in ascending.iter().enumerate() {
            for (m, b) in ascending.iter().enumerate() {
                assert_eq!(compare(*a, *b), n.cmp(&m), "{a:?} {b:?}");
            }
        }
        assert_eq!(compare(Integer(2), Real(2.0)), Ordering::Equal);
        assert_eq!(compare(Integer(0), Real(-0.0)), Ordering::Equal);
    }
}
