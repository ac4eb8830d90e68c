//! A scope's rows through its variables.

use super::{
    extracted::{Extracted, SetAside},
    scope::{Compiled, Scope},
};
use crate::{
    engine::{OutputReader, OutputRow},
    error::Code,
    execution::{StageKind, outcome::Message},
    load::{self, diff::RowSet},
    runner::job::{Job, Stop},
    variable::{Value, cut},
};

/// Reads every row of a scope but the `unchanged` ones and parses its variables. With `extracted`, sets rows
/// aside for the report and counts them.
pub(in crate::runner) fn pass(
    job: &Job<'_>,
    reader: &OutputReader,
    scope: &Scope<'_>,
    mut extracted: Option<Extracted>,
    unchanged: Option<&RowSet>,
    mut each: impl FnMut(&OutputRow, &mut [load::Cell], Vec<Message>) -> Result<(), Stop>,
) -> Result<Option<SetAside>, Stop> {
    let name = scope.table.scope.as_str();
    let (mut valid, mut invalid) = (0, 0);
    let mut values: Vec<load::Cell> = Vec::with_capacity(scope.variables.len());
    let mut texts = Texts::default();
    reader.stream(&scope.table, &scope.column_names(), |row| -> Result<(), Stop> {
        if unchanged.is_some_and(|rows| rows.contains(row.number())) {
            return Ok(());
        }
        values.clear();
        let mut warnings = scope.odd_lines.of(row.line(), row.table()).to_vec();
        let mut is_valid = true;
        for compiled in &scope.variables {
            let cell = evaluate(compiled, row, &mut warnings);
            is_valid &= cell.is_ok();
            values.push(cell);
        }
        *(if is_valid { &mut valid } else { &mut invalid }) += 1;
        if let Some(extracted) = extracted.as_mut() {
            if extracted.wants(!is_valid) {
                texts.fill(row, scope, &values);
                extracted.keep(!is_valid, texts.cells())?;
            }
            if (valid + invalid) % 10_000 == 0 {
                job.progress.count(StageKind::VariableEval, 0, Some(name), valid, invalid, scope.table.rows);
            }
        }
        each(row, &mut values, warnings)
    })?;
    match extracted {
        Some(extracted) => {
            job.progress.count(StageKind::VariableEval, 0, Some(name), valid, invalid, scope.table.rows);
            Ok(Some(extracted.finish()?))
        }
        None => Ok(None),
    }
}

fn evaluate(compiled: &Compiled<'_>, row: &OutputRow, warnings: &mut Vec<Message>) -> load::Cell {
    let Some(column) = compiled.column else {
        return Ok(compiled.parser.literal().cloned().unwrap_or(Value::Null));
    };
    if let Some(error) = row.errors().iter().find(|error| error.column == column) {
        return Err(Box::new(Message {
            message: format!("{}: {}; expected {}", compiled.variable.name, error.message, error.expected),
            code: Code::Invalid.as_str().to_owned(),
            variable: Some(compiled.variable.name.clone()),
            column: compiled.variable.data_source.clone(),
            field: None,
            value: Some(cut(&error.found).to_owned()),
            expected: Some(error.expected.to_owned()),
        }));
    }
    let cell = row.cell(column);
    match compiled.parser.parse(cell) {
        Ok(parsed) => {
            if let Some(warning) = parsed.warning {
                warnings.push(Message::warning(warning, compiled.variable, cell.unwrap_or_default()));
            }
            Ok(parsed.value)
        }
        Err(fault) => Err(Box::new(Message::fault(&fault, compiled.variable, cell))),
    }
}

/// A row as text for the report; the same memory is used for the next one.
#[derive(Default)]
struct Texts {
    cells: Vec<String>,
}

impl Texts {
    fn fill(&mut self, row: &OutputRow, scope: &Scope<'_>, values: &[load::Cell]) {
        use std::fmt::Write as _;
        self.cells.resize_with(values.len() + 3, String::new);
        for cell in &mut self.cells {
            cell.clear();
        }
        // Writing into a string can't fail.
        let _ = write!(self.cells[0], "{}", row.number());
        if let Some(line) = row.line() {
            let _ = write!(self.cells[1], "{line}");
        }
        let last = values.len() + 2;
        for (n, (compiled, value)) in scope.variables.iter().zip(values).enumerate() {
            match value {
                Ok(value) => compiled.parser.render(value, &mut self.cells[n + 2]),
                Err(error) => {
                    if let Some(found) = &error.value {
                        self.cells[n + 2].push_str(found);
                    }
                    let separator = if self.cells[last].is_empty() { "" } else { "; " };
                    let _ = write!(self.cells[last], "{separator}{}", error.message);
                }
            }
        }
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(String::as_str)
    }
}
