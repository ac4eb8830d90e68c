//! What was odd about lines of the file, told again by the rows that the script made of them.

use std::collections::HashMap;

use crate::{
    execution::outcome::Message,
    input::{self, Paired, Table, Warnings},
};

/// Warnings by source line, a table at a time. Bounded as [`Warnings`] is.
#[derive(Debug, Default)]
pub(in crate::runner) struct OddLines {
    /// The tables, where there are several: then a line alone does not say which it is in.
    several: Option<(Vec<Paired>, Vec<Table>)>,
    /// By table of `several`; the only one is 0.
    lines: HashMap<usize, HashMap<i64, Vec<Message>>>,
}

impl OddLines {
    /// Of a file with these tables, of which nothing is odd yet.
    pub fn new(paired: &[Paired], tables: &[Table]) -> Self {
        let several = (paired.len() > 1).then(|| (paired.to_vec(), tables.to_vec()));
        Self { several, lines: HashMap::new() }
    }

    /// The `n`th table was read.
    pub fn add(&mut self, n: usize, warnings: &Warnings) {
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
        if !lines.is_empty() {
            self.lines.insert(n, lines);
        }
    }

    /// What is odd about the line that a row comes from. `table` is what it says about its table.
    pub fn of(&self, line: Option<i64>, table: Option<&str>) -> &[Message] {
        // The usual file has none.
        if self.lines.is_empty() {
            return &[];
        }
        let place = match &self.several {
            None => Some(0),
            Some((paired, tables)) => table.and_then(|table| input::origin(paired, tables, table)),
        };
        let lines = place.and_then(|place| self.lines.get(&place));
        line.zip(lines).and_then(|(line, lines)| lines.get(&line)).map_or(&[], Vec::as_slice)
    }
}
