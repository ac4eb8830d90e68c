//! Which cell of the file becomes which column of the script's table (spec: sql §1).
//!
//! In a run the script decides what its tables and columns are called, whatever the file is called. A file
//! of one table takes the first entry of `config_metadata.input_tables`; of several they are paired by name
//! when all expected names are found, else by `page_idx`. Columns are paired by normalised header, in any
//! order. A script without entries (or whose entry maps no columns) takes the file's names.

use std::collections::{HashMap, HashSet};

use super::{
    convert::{Cell, convert},
    csv::Header,
    error::InputError,
    file::Table,
    names::{Taken, name_at, stem, table_name, table_names},
    row::RowBuf,
    warning::{Oddity, Warnings},
};
use crate::{
    id::FileId,
    script::{ColumnMapping, ColumnType, InputTable},
};

/// The last column of a `rejected.csv`: a corrected file is uploaded with it.
const ERRORS_COLUMN: &str = "_errors";

/// A column of a `rejected.csv` that was made of a workbook which counts days from 1904-01-01: its numbers still
/// do, and nothing else of a text could say so.
pub const DAYS_FROM_1904_COLUMN: &str = "_days_from_1904";

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

/// A table of a file and what it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// Which of the file's tables, from 0.
    pub table: usize,
    /// Which of the script's entries it fills; `None`: it is extra.
    pub entry: Option<usize>,
    /// What it is called in `input`.
    pub name: String,
    /// The number of its second name.
    pub page: u32,
}

/// Pairs the tables of a file with the entries that a script expects: these in their order, then the file's
/// extra tables, under names of their own.
///
/// # Errors
/// [`InputError::MissingTables`].
pub fn pair_tables(entries: &[InputTable], tables: &[Table]) -> Result<Vec<Paired>, InputError> {
    let places = by_name(entries, tables).unwrap_or_else(|| by_page(entries, tables));
    let missing: Vec<String> = entries
        .iter()
        .zip(&places)
        .filter(|(_, place)| place.is_none())
        .map(|(entry, _)| entry.table_name.clone())
        .collect();
    if !missing.is_empty() {
        let found = tables.iter().map(|table| table.title.clone()).collect();
        return Err(InputError::MissingTables { missing, found });
    }
    let pages = pages(entries);
    let mut paired: Vec<Paired> = places
        .into_iter()
        .enumerate()
        .filter_map(|(n, place)| {
            let name = entries[n].table_name.clone();
            place.map(|table| Paired { table, entry: Some(n), name, page: pages[n] })
        })
        .collect();
    let mut taken: Taken = paired.iter().map(|one| one.name.to_ascii_lowercase()).collect();
    let mut free_pages = (0..).filter(|page| !pages.contains(page));
    let used: HashSet<usize> = paired.iter().map(|one| one.table).collect();
    for (n, table) in tables.iter().enumerate().filter(|(n, _)| !used.contains(n)) {
        let name = taken.add(table.name.clone());
        let page = free_pages.next().unwrap_or(u32::MAX);
        paired.push(Paired { table: n, entry: None, name, page });
    }
    Ok(paired)
}

/// Which of the paired tables a row's `_table` names: by its name in `input`, else by what it is called in the
/// file.
#[must_use]
pub fn origin(paired: &[Paired], tables: &[Table], told: &str) -> Option<usize> {
    let by_name = paired.iter().position(|one| one.name.eq_ignore_ascii_case(told));
    by_name.or_else(|| paired.iter().position(|one| tables[one.table].title == told))
}

/// The names, without an extension, that files of a ZIP archive have to have to be paired as these tables were.
#[must_use]
pub fn stems(entries: &[InputTable], paired: &[Paired]) -> Vec<String> {
    let of = |one: &Paired| one.entry.map_or(&*one.name, |n| stem(&entries[n])).to_owned();
    table_names(&paired.iter().map(of).collect::<Vec<_>>())
}

/// One table takes the first entry; several, each the one that has its name. `None`: a name is not found.
fn by_name(entries: &[InputTable], tables: &[Table]) -> Option<Vec<Option<usize>>> {
    if let [_] = tables {
        return Some((0..entries.len()).map(|n| (n == 0).then_some(0)).collect());
    }
    let mut used = HashSet::new();
    entries
        .iter()
        .map(|entry| {
            let is_it = |name: &str| name == entry.table_name || name == table_name(&entry.name);
            let found = tables.iter().position(|table| is_it(&table.name))?;
            used.insert(found).then_some(Some(found))
        })
        .collect()
}

fn by_page(entries: &[InputTable], tables: &[Table]) -> Vec<Option<usize>> {
    let place = |page: &u32| usize::try_from(*page).ok().filter(|place| *place < tables.len());
    pages(entries).iter().map(place).collect()
}

/// The pages of the entries; where two have the same, their order.
fn pages(entries: &[InputTable]) -> Vec<u32> {
    let pages: Vec<u32> = entries.iter().map(|entry| entry.page_idx).collect();
    let distinct: HashSet<&u32> = pages.iter().collect();
    if distinct.len() == pages.len() { pages } else { (0..).zip(&pages).map(|(n, _)| n).collect() }
}

/// Pairs a table's columns with those of the entry that it fills. Extra columns are added as text and warned
/// of; what `rejected.csv` adds, unless mapped, is left out.
///
/// # Errors
/// [`InputError::MissingColumns`] and [`InputError::MappedTwice`].
pub fn pair(
    entry: Option<&InputTable>,
    name: &str,
    header: &Header,
    warnings: &mut Warnings,
) -> Result<Plan, InputError> {
    let table = name.to_owned();
    let Some(entry) = entry else { return Ok(Plan { table, columns: all_columns(header) }) };
    if entry.columns_mapping.is_empty() {
        return Ok(Plan { table, columns: all_columns(header) });
    }
    let mut columns = mapped_columns(entry, header)?;
    let mapped: HashSet<usize> = columns.iter().map(|c| c.source).collect();
    for (source, column) in header.columns.iter().enumerate() {
        if mapped.contains(&source) || [ERRORS_COLUMN, DAYS_FROM_1904_COLUMN].contains(&column.name.as_str())
        {
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

/// The entry of `input_tables` that the `position`th table of a file makes: for templates and reference
/// files.
#[must_use]
pub fn describe(table: &Table, position: usize, file_id: Option<FileId>, header: &Header) -> InputTable {
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
        name: table.title.clone(),
        file_id,
        database: "input".to_owned(),
        page_idx: u32::try_from(position).unwrap_or(u32::MAX),
        file_path: None,
        table_name: table.name.clone(),
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
