//! Which cell of the file becomes which column of the script's table (spec: sql §1).
//!
//! In a run the script decides what its tables and columns are called, whatever the file is called. One
//! file takes the first entry of `config_metadata.input_tables`, and its columns are paired by normalised
//! header, in any order. A script without entries (or whose entry maps no columns) takes the file's names.

use std::collections::{HashMap, HashSet};

use super::{
    convert::{Cell, convert},
    csv::{Header, RowBuf},
    error::InputError,
    names::{name_at, table_name},
    warning::{Oddity, Warnings},
};
use crate::{
    id::FileId,
    script::{ColumnMapping, ColumnType, InputTable},
};

/// The last column of a `rejected.csv`: a corrected file is uploaded with it.
const ERRORS_COLUMN: &str = "_errors";

/// One column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedColumn {
    /// Its name.
    pub name: String,
    /// What its cells are converted to.
    pub kind: ColumnType,
    /// The file's column that it is read from, from 0.
    pub source: usize,
}

/// How a file is loaded into `input`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The table's name.
    pub table: String,
    /// The mapped columns in the mapping's order, then the file's extra ones.
    pub columns: Vec<PlannedColumn>,
}

/// Pairs a file with the tables that a script expects. Extra columns are added as text and warned of;
/// `_errors`, unless mapped, is left out.
///
/// # Errors
/// [`InputError::MissingColumns`] and [`InputError::MappedTwice`].
pub fn pair(
    tables: &[InputTable],
    file_name: &str,
    header: &Header,
    warnings: &mut Warnings,
) -> Result<Plan, InputError> {
    let Some(entry) = tables.first() else {
        return Ok(Plan { table: table_name(file_name), columns: all_columns(header) });
    };
    let table = entry.table_name.clone();
    if entry.columns_mapping.is_empty() {
        return Ok(Plan { table, columns: all_columns(header) });
    }
    let mut columns = mapped_columns(entry, header)?;
    let mapped: HashSet<usize> = columns.iter().map(|c| c.source).collect();
    for (source, column) in header.columns.iter().enumerate() {
        if mapped.contains(&source) || column.name == ERRORS_COLUMN {
            continue;
        }
        warnings.add(None, Oddity::ExtraColumn { column: column.name.clone() });
        columns.push(PlannedColumn { name: column.name.clone(), kind: ColumnType::Str, source });
    }
    Ok(Plan { table, columns })
}

fn all_columns(header: &Header) -> Vec<PlannedColumn> {
    let columns = header.columns.iter().enumerate();
    columns
        .map(|(source, column)| PlannedColumn { name: column.name.clone(), kind: ColumnType::Str, source })
        .collect()
}

fn mapped_columns(entry: &InputTable, header: &Header) -> Result<Vec<PlannedColumn>, InputError> {
    let sources: HashMap<&str, usize> =
        header.columns.iter().enumerate().map(|(source, column)| (column.name.as_str(), source)).collect();
    let (mut columns, mut missing) = (Vec::with_capacity(header.columns.len()), Vec::new());
    let mut seen = HashSet::new();
    for (position, ColumnMapping { col, kind, .. }) in entry.columns_mapping.iter().enumerate() {
        // A mapping edited by hand may hold the header as it stands.
        let name = name_at(col, position);
        match sources.get(name.as_str()) {
            Some(source) => columns.push(PlannedColumn { name: col.clone(), kind: *kind, source: *source }),
            None => missing.push(col.clone()),
        }
        if !seen.insert(name) {
            return Err(InputError::MappedTwice { table: entry.table_name.clone(), column: col.clone() });
        }
    }
    if missing.is_empty() {
        return Ok(columns);
    }
    let found = header.columns.iter().map(|c| c.name.clone()).collect();
    Err(InputError::MissingColumns { table: entry.table_name.clone(), missing, found })
}

/// The entry of `input_tables` that a file makes: for templates and reference files.
#[must_use]
pub fn describe(file_name: &str, file_id: Option<FileId>, header: &Header) -> InputTable {
    let columns_mapping = header
        .columns
        .iter()
        .map(|column| ColumnMapping {
            col: column.name.clone(),
            kind: ColumnType::Str,
            original: (column.original != column.name).then(|| column.original.clone()),
        })
        .collect();
    InputTable {
        name: file_name.to_owned(),
        file_id,
        database: "input".to_owned(),
        page_idx: 0,
        file_path: None,
        table_name: table_name(file_name),
        columns_mapping,
    }
}

impl Plan {
    /// The value of the table's column `n` in a row, converted. A cell that does not convert is NULL and
    /// a warning.
    ///
    /// # Panics
    /// If the plan has no column `n`.
    pub fn cell<'r>(&self, n: usize, row: &'r RowBuf, warnings: &mut Warnings) -> Cell<'r> {
        let column = &self.columns[n];
        let Some(cell) = row.get(column.source) else { return Cell::Null };
        // White space is blank to every type but text.
        if column.kind != ColumnType::Str && cell.trim().is_empty() {
            return Cell::Null;
        }
        convert(cell, column.kind).unwrap_or_else(|| {
            warnings.add_not_converted(row.line(), &column.name, cell, column.kind);
            Cell::Null
        })
    }
}
