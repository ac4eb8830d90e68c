//! `group_array`: the values of many rows as one JSON array.

use rusqlite::{Error, types::ValueRef};

use super::{
    Answer, Call, Function,
    call::real_text,
    fold::{Budget, Fold},
    other::push_json_text,
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "aggregate";
    group_array "(x)" [1] Aggregate(|| Box::new(Array(String::new()))):
        "The values that are not NULL as a JSON array, in the order in which the rows are read; [] when there are none.";
        "group_array(column1) FROM (VALUES ('a'), (NULL), (2), ('b'))" => "[\"a\",2,\"b\"]";
};

/// The array so far, without its closing bracket.
struct Array(String);

impl Fold for Array {
    fn step(&mut self, call: &Call<'_>, budget: &mut Budget) -> Result<(), Error> {
        let before = self.0.len();
        let sign = if before == 0 { '[' } else { ',' };
        match call.raw(0) {
            ValueRef::Null => return Ok(()),
            ValueRef::Real(number) if !number.is_finite() => {
                return Err(call.wrong(format_args!("JSON has no infinite numbers")));
            }
            ValueRef::Integer(number) => {
                self.0.push(sign);
                self.0.push_str(&number.to_string());
            }
            ValueRef::Real(number) => {
                self.0.push(sign);
                self.0.push_str(&real_text(number));
            }
            ValueRef::Text(_) | ValueRef::Blob(_) => {
                let text = call.text(0)?.unwrap_or_default();
                self.0.push(sign);
                if call.is_json(0) {
                    self.0.push_str(&text);
                } else {
                    push_json_text(&text, &mut self.0);
                }
            }
        }
        budget.take(self.0.len() - before, call)?;
        call.fits(self.0.len())
    }

    fn answer(mut self: Box<Self>) -> Result<Answer, Error> {
        if self.0.is_empty() {
            self.0.push('[');
        }
        self.0.push(']');
        Ok(Answer::Json(self.0))
    }
}
