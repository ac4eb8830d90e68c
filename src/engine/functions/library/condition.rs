//! ClickHouse's aggregates that count and add up what fulfils a condition, and what differs.

use std::collections::HashSet;

use rusqlite::{Error, types::ValueRef};

use super::{
    Answer, Call, Function,
    fold::{Budget, Fold},
    rows,
};
use crate::engine::functions::refused;

pub(super) const FUNCTIONS: &[Function] = rows! { "clickhouse";
    countIf "(condition)" [1] Aggregate(|| Box::new(Count(0))):
        "How many rows fulfil the condition.";
        "countIf(column1 > 1) FROM (VALUES (1), (2), (NULL), (3))" => "2";
    sumIf "(x, condition)" [2] Aggregate(|| Box::new(Sum::Whole(0))):
        "The sum of x over the rows that fulfil the condition; 0 when there are none. x is a number, no text.";
        "sumIf(column1, column2 = 'paid') FROM (VALUES (1, 'paid'), (2, 'open'), (4, 'paid'))" => "5";
    uniqExact "(x[, …])" [-1] Aggregate(|| Box::new(Distinct::default())):
        "How many different values, or combinations of values, there are. Rows with a NULL don't count.";
        "uniqExact(column1) FROM (VALUES ('a'), ('b'), ('a'), (NULL))" => "2";
};

/// Whether the argument `n` holds; NULL does not.
pub(super) fn holds(call: &Call<'_>, n: usize) -> Result<bool, Error> {
    match call.raw(n) {
        ValueRef::Null => Ok(false),
        ValueRef::Integer(number) => Ok(number != 0),
        ValueRef::Real(number) => Ok(number != 0.0),
        ValueRef::Text(_) | ValueRef::Blob(_) => Err(call.wrong(format_args!(
            "argument {} is {}, and a condition is a number or a comparison",
            n + 1,
            call.shown(n)
        ))),
    }
}

struct Count(i64);

impl Fold for Count {
    fn step(&mut self, call: &Call<'_>, _: &mut Budget) -> Result<(), Error> {
        self.0 += i64::from(holds(call, 0)?);
        Ok(())
    }

    fn answer(self: Box<Self>) -> Result<Answer, Error> {
        Ok(Answer::Integer(self.0))
    }
}

/// A sum is whole until a REAL comes.
enum Sum {
    Whole(i128),
    Real(f64),
}

impl Fold for Sum {
    fn step(&mut self, call: &Call<'_>, _: &mut Budget) -> Result<(), Error> {
        if !holds(call, 1)? {
            return Ok(());
        }
        *self = match (call.raw(0), &*self) {
            (ValueRef::Null, _) => return Ok(()),
            // 2^64 rows would be needed to overflow this.
            (ValueRef::Integer(x), Self::Whole(sum)) => Self::Whole(sum + i128::from(x)),
            (ValueRef::Integer(x), Self::Real(sum)) => Self::Real(sum + x as f64),
            (ValueRef::Real(x), Self::Whole(sum)) => Self::Real(*sum as f64 + x),
            (ValueRef::Real(x), Self::Real(sum)) => Self::Real(sum + x),
            (ValueRef::Text(_) | ValueRef::Blob(_), _) => {
                return Err(call.wrong(format_args!(
                    "{} is text, not a number: convert it, for example by toInt64OrNull",
                    call.shown(0)
                )));
            }
        };
        Ok(())
    }

    fn answer(self: Box<Self>) -> Result<Answer, Error> {
        match *self {
            Self::Real(sum) => Ok(Answer::Real(sum)),
            Self::Whole(sum) => match i64::try_from(sum) {
                Ok(sum) => Ok(Answer::Integer(sum)),
                Err(_) => Err(refused("sumIf: integer overflow")),
            },
        }
    }
}

/// The values seen, as bytes that tell their types apart.
#[derive(Default)]
struct Distinct {
    seen: HashSet<Box<[u8]>>,
    key: Vec<u8>,
}

/// What one value costs beside its bytes: its place in the table, and the allocator's own.
const OVERHEAD: usize = 48;

impl Fold for Distinct {
    fn step(&mut self, call: &Call<'_>, budget: &mut Budget) -> Result<(), Error> {
        if call.len() == 0 {
            return Err(call.wrong(format_args!("there is no argument")));
        }
        self.key.clear();
        for n in 0..call.len() {
            match call.raw(n) {
                ValueRef::Null => return Ok(()),
                ValueRef::Integer(number) => self.push(1, &number.to_le_bytes()),
                ValueRef::Real(number) => match as_whole(number) {
                    Some(whole) => self.push(1, &whole.to_le_bytes()),
                    None => self.push(2, &number.to_bits().to_le_bytes()),
                },
                ValueRef::Text(bytes) => self.push(3, bytes),
                ValueRef::Blob(bytes) => self.push(4, bytes),
            }
        }
        if !self.seen.contains(self.key.as_slice()) {
            budget.take(self.key.len() + OVERHEAD, call)?;
            self.seen.insert(self.key.as_slice().into());
        }
        Ok(())
    }

    fn answer(self: Box<Self>) -> Result<Answer, Error> {
        Ok(Answer::Integer(i64::try_from(self.seen.len()).unwrap_or(i64::MAX)))
    }
}

impl Distinct {
    fn push(&mut self, tag: u8, bytes: &[u8]) {
        self.key.push(tag);
        self.key.extend_from_slice(&bytes.len().to_le_bytes());
        self.key.extend_from_slice(bytes);
    }
}

/// 2.0 and 2 are the same value.
#[expect(clippy::cast_possible_truncation, reason = "only where it gives the same number")]
fn as_whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}
