//! The WHERE of a list: one part per filter that is set, each with its value bound.

use rusqlite::types::Value;

/// Parts that must all hold.
#[derive(Debug)]
pub struct Condition {
    parts: Vec<&'static str>,
    values: Vec<Value>,
}

impl Condition {
    /// Holds for every row.
    pub fn any() -> Self {
        Self { parts: vec!["1"], values: Vec::new() }
    }

    /// Adds a part with one `?`, and its value.
    pub fn and(&mut self, part: &'static str, value: impl Into<Value>) {
        self.parts.push(part);
        self.values.push(value.into());
    }

    /// Adds a part with as many `?` as there are values.
    pub fn and_all<const N: usize>(&mut self, part: &'static str, values: [String; N]) {
        self.parts.push(part);
        self.values.extend(values.map(Value::Text));
    }

    /// Adds a part without a value: an index over some rows is used only for a condition that says which.
    pub fn and_plain(&mut self, part: &'static str) {
        self.parts.push(part);
    }

    /// The same when there is something to compare with.
    pub fn and_if(&mut self, part: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(part, value);
        }
    }

    /// Whether nothing was added.
    pub fn is_any(&self) -> bool {
        self.parts.len() == 1
    }

    /// The SQL, and the values in the order of its `?`.
    pub fn finish(self) -> (String, Vec<Value>) {
        (self.parts.join(" AND "), self.values)
    }
}
