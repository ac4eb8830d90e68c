//! What was odd about lines of the file, told again by the rows that the script made of them.

use std::collections::HashMap;

use crate::{execution::outcome::Message, input::Warnings};

/// Warnings by source line. Bounded as [`Warnings`] is.
#[derive(Debug, Default)]
pub(in crate::runner) struct OddLines(HashMap<i64, Vec<Message>>);

impl OddLines {
    /// Of a file that was read.
    pub fn new(warnings: &Warnings) -> Self {
        let mut lines: HashMap<i64, Vec<Message>> = HashMap::new();
        for (line, oddity) in warnings.of_rows() {
            let Ok(line) = i64::try_from(line) else { continue };
            lines.entry(line).or_default().push(Message {
                message: oddity.to_string(),
                code: oddity.code().to_owned(),
                variable: None,
                column: None,
                field: None,
                value: None,
                expected: None,
            });
        }
        Self(lines)
    }

    /// What is odd about the line that a row comes from.
    pub fn of(&self, line: Option<i64>) -> &[Message] {
        // The usual file has none.
        if self.0.is_empty() {
            return &[];
        }
        line.and_then(|line| self.0.get(&line)).map_or(&[], Vec::as_slice)
    }
}
