//! What was odd in a file and did not stop it: every oddity is counted, the first of each kind are kept.
//!
//! A million short rows must not cost a million sentences, and must not hide the one NUL byte: so the
//! bound is per kind.

use std::fmt;

use super::{encoding::Encoding, error::Unit};
use crate::script::ColumnType;

/// How many of each kind are kept with their facts.
pub(super) const KEPT_PER_KIND: u64 = 100;

/// How many of each kind are kept for the rows that they are about: bounds memory, whatever the file.
const ROWS_PER_KIND: u64 = 10_000;

/// How much of a cell a warning repeats, in characters.
const VALUE_CHARS: usize = 200;

/// One odd thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// Fewer cells than the header: the rest are NULL.
    ShortRow {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// More cells than the header: they are left out.
    LongRow {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// Bytes that are nothing in the file's encoding: replaced.
    Undecodable {
        /// How many.
        bytes: u64,
        /// The encoding.
        encoding: Encoding,
    },
    /// NUL bytes: removed.
    Nul {
        /// How many.
        bytes: u64,
    },
    /// A cell that does not convert to its column's type: NULL.
    NotConverted {
        /// The column.
        column: String,
        /// The cell, cut at 200 characters.
        value: String,
        /// The type.
        kind: ColumnType,
    },
    /// A column that the script's mapping does not have: added as text.
    ExtraColumn {
        /// Its name.
        column: String,
    },
    /// A cell that shows an error: NULL.
    ErrorCell {
        /// The column.
        column: String,
        /// The error's name.
        error: String,
    },
    /// Bytes behind the end of an archive: left out.
    Trailing {
        /// How many.
        bytes: u64,
    },
}

impl Oddity {
    const KINDS: usize = 8;
    const NOT_CONVERTED: usize = 4;
    const ERROR_CELL: usize = 6;

    const fn kind(&self) -> usize {
        match self {
            Self::ShortRow { .. } => 0,
            Self::LongRow { .. } => 1,
            Self::Undecodable { .. } => 2,
            Self::Nul { .. } => 3,
            Self::NotConverted { .. } => Self::NOT_CONVERTED,
            Self::ExtraColumn { .. } => 5,
            Self::ErrorCell { .. } => Self::ERROR_CELL,
            Self::Trailing { .. } => 7,
        }
    }

    /// Its word, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ShortRow { .. } => "short_row",
            Self::LongRow { .. } => "long_row",
            Self::Undecodable { .. } => "undecodable",
            Self::Nul { .. } => "nul",
            Self::NotConverted { .. } => "not_converted",
            Self::ExtraColumn { .. } => "extra_column",
            Self::ErrorCell { .. } => "error_cell",
            Self::Trailing { .. } => "trailing_bytes",
        }
    }
}

/// What [`Warnings::summary`] calls each kind, by [`Oddity::kind`]: of one, of several.
const KIND_WORDS: [(&str, &str); Oddity::KINDS] = [
    ("short row was padded with NULL", "short rows were padded with NULL"),
    ("row lost the cells past the header", "rows lost the cells past the header"),
    ("row had undecodable bytes replaced", "rows had undecodable bytes replaced"),
    ("row had NUL bytes removed", "rows had NUL bytes removed"),
    ("cell did not convert and became NULL", "cells did not convert and became NULL"),
    (
        "column is not in the mapping and was added as str",
        "columns are not in the mapping and were added as str",
    ),
    ("cell shows an error and became NULL", "cells show an error and became NULL"),
    (
        "archive has bytes behind its end, which were left out",
        "archives have bytes behind their ends, which were left out",
    ),
];

/// An oddity and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line where the record starts, or the row; `None`: about the file as a whole.
    pub line: Option<u64>,
    /// Which of both.
    pub unit: Unit,
    /// What is odd.
    pub oddity: Oddity,
}

fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "{} {line}: ", self.unit)?;
        }
        self.oddity.fmt(f)
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortRow { found, expected } => {
                let cells = count(*found as u64, "cell", "cells");
                write!(f, "{cells}, expected {expected}; the missing ones are NULL.")
            }
            Self::LongRow { found, expected } => {
                let cells = count(*found as u64, "cell", "cells");
                write!(f, "{cells}, expected {expected}; the extra ones were left out.")
            }
            Self::Undecodable { bytes, encoding } => {
                let bytes = count(*bytes, "byte is", "bytes are");
                write!(f, "{bytes} not {encoding}; replaced with \u{fffd}.")
            }
            Self::Nul { bytes } => {
                write!(f, "{} removed.", count(*bytes, "NUL byte was", "NUL bytes were"))
            }
            Self::NotConverted { column, value, kind } => {
                write!(f, "column {column}: {value:?} is not {}; NULL was used.", expected(*kind))
            }
            Self::ExtraColumn { column } => {
                write!(f, "The column {column} is not in the script's mapping; it was added as str.")
            }
            Self::ErrorCell { column, error } => {
                write!(f, "column {column}: the cell shows the error {error}; NULL was used.")
            }
            Self::Trailing { bytes } => {
                let bytes = count(*bytes, "byte stands", "bytes stand");
                write!(f, "{bytes} behind the end of the gzip archive; left out.")
            }
        }
    }
}

const fn expected(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Str => "text",
        ColumnType::Int => "a 64 bit integer (int)",
        ColumnType::Float => "a number (float)",
        ColumnType::Bool => "a boolean (bool)",
        ColumnType::Date => "a date as 2026-01-31 (date)",
        ColumnType::Datetime => "a date and time as 2026-01-31T23:59:59 (datetime)",
        ColumnType::Uuid => "a UUID (uuid)",
        ColumnType::Json => "JSON (json)",
        ColumnType::ArrayString => "a comma separated list (array[string])",
    }
}

/// All oddities of one file: counted without bound, kept with one.
#[derive(Debug, Default)]
pub struct Warnings {
    unit: Unit,
    counts: [u64; Oddity::KINDS],
    kept: Vec<Warning>,
    /// Those after the ones kept, of kinds that are about a row.
    more: Vec<Warning>,
}

impl Warnings {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet, in a sheet.
    pub(super) fn in_a_sheet() -> Self {
        Self { unit: Unit::Row, ..Self::default() }
    }

    /// Counts an oddity and keeps it when it is among the first of its kind.
    pub(super) fn add(&mut self, line: Option<u64>, oddity: Oddity) {
        let unit = self.unit;
        if let Some(place) = self.wants(oddity.kind()) {
            place.push(Warning { line, unit, oddity });
        }
    }

    /// The same for a cell that did not convert, without copying what is only counted: a whole column may
    /// be of the wrong type.
    pub(super) fn add_not_converted(&mut self, line: u64, column: &str, cell: &str, kind: ColumnType) {
        let unit = self.unit;
        if let Some(place) = self.wants(Oddity::NOT_CONVERTED) {
            let value = cell.chars().take(VALUE_CHARS).collect();
            let oddity = Oddity::NotConverted { column: column.to_owned(), value, kind };
            place.push(Warning { line: Some(line), unit, oddity });
        }
    }

    /// The same for a cell that shows an error: a whole column may.
    pub(super) fn add_error_cell(&mut self, line: u64, column: &str, error: &str) {
        let unit = self.unit;
        if let Some(place) = self.wants(Oddity::ERROR_CELL) {
            let error = error.chars().take(VALUE_CHARS).collect();
            let oddity = Oddity::ErrorCell { column: column.to_owned(), error };
            place.push(Warning { line: Some(line), unit, oddity });
        }
    }

    /// Where the next of this kind goes; `None`: it is only counted.
    fn wants(&mut self, kind: usize) -> Option<&mut Vec<Warning>> {
        let count = &mut self.counts[kind];
        *count += 1;
        if *count <= KEPT_PER_KIND {
            Some(&mut self.kept)
        } else if *count <= ROWS_PER_KIND {
            Some(&mut self.more)
        } else {
            None
        }
    }

    /// How many there were, kept or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The first 100 of each kind, as they came.
    #[must_use]
    pub fn kept(&self) -> &[Warning] {
        &self.kept
    }

    /// What is odd about single rows, the first 10,000 of each kind.
    pub fn of_rows(&self) -> impl Iterator<Item = (u64, &Oddity)> {
        let all = self.kept.iter().chain(&self.more);
        all.filter_map(|warning| Some((warning.line?, &warning.oddity)))
    }

    /// One sentence per kind that occurred, saying how many were and how many are kept.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let occurred = self.counts.iter().zip(KIND_WORDS).filter(|(n, _)| **n > 0);
        occurred
            .map(|(n, (one, many))| {
                let listed = if *n > ROWS_PER_KIND {
                    format!(
                        " (the first {KEPT_PER_KIND} are listed, the first {ROWS_PER_KIND} told of their rows)"
                    )
                } else if *n > KEPT_PER_KIND {
                    format!(" (the first {KEPT_PER_KIND} are listed)")
                } else {
                    String::new()
                };
                format!("{}{listed}.", count(*n, one, many))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_counted_and_hides_no_other() {
        let mut warnings = Warnings::new();
        for line in 2..=251 {
            warnings.add(Some(line), Oddity::ShortRow { found: 1, expected: 2 });
        }
        warnings.add(Some(252), Oddity::Nul { bytes: 1 });
        assert_eq!(warnings.total(), 251);
        assert_eq!(warnings.kept().len(), 101);
        assert_eq!(warnings.kept()[100].to_string(), "Line 252: 1 NUL byte was removed.");
        assert_eq!(
            warnings.summary(),
            [
                "250 short rows were padded with NULL (the first 100 are listed).",
                "1 row had NUL bytes removed."
            ]
        );
    }
}
