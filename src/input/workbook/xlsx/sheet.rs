//! A sheet, a cell at a time.

use quick_xml::events::{BytesStart, Event};

use super::text::{read_rich_text, unescape_from};
use crate::input::{
    MAX_RECORD_BYTES,
    error::{InputError, Unit},
    workbook::{
        cells::{Cells, Found},
        strings::Strings,
        style::{self, Style},
        xml::{self, Xml},
    },
};

/// The cells of one sheet.
pub(in crate::input::workbook) struct XlsxCells<'w> {
    xml: Xml<'w>,
    strings: &'w Strings,
    styles: &'w [Style],
    is_1904: bool,
    next_row: u32,
    next_column: u32,
    in_data: bool,
}

/// What a cell's element says.
struct Cell {
    row: u32,
    column: u32,
    kind: Kind,
    style: Style,
}

impl Cell {
    fn too_large(&self) -> InputError {
        InputError::RecordTooLarge {
            unit: Unit::Row,
            line: u64::from(self.row) + 1,
            column: self.column as usize + 1,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Shared,
    Text,
    Boolean,
    Error,
}

impl Cells for XlsxCells<'_> {
    fn next(&mut self, text: &mut String) -> Result<Option<Found>, InputError> {
        loop {
            let cell = match self.xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "sheetData" => {
                        self.in_data = true;
                        continue;
                    }
                    "row" if self.in_data => {
                        let row = xml::raw(&element, "r").and_then(|r| r.parse::<u32>().ok());
                        self.next_row = row.map_or(self.next_row, |row| row.saturating_sub(1));
                        self.next_column = 0;
                        continue;
                    }
                    "c" if self.in_data => cell(&element, self.next_row, self.next_column, self.styles),
                    _ => continue,
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "row" => {
                        self.next_row = self.next_row.saturating_add(1);
                        continue;
                    }
                    "sheetData" => return Ok(None),
                    _ => continue,
                },
                Event::Eof if self.in_data => return Err(self.xml.cut_short()),
                Event::Eof => return Ok(None),
                _ => continue,
            };
            self.next_column = cell.column.saturating_add(1);
            text.clear();
            self.read_value(&cell, text)?;
            if !text.is_empty() {
                let is_error = cell.kind == Kind::Error;
                return Ok(Some(Found { row: cell.row, column: cell.column, is_error }));
            }
        }
    }
}

impl<'w> XlsxCells<'w> {
    /// Those of a sheet's part that begins.
    pub(super) const fn new(xml: Xml<'w>, strings: &'w Strings, styles: &'w [Style], is_1904: bool) -> Self {
        Self { xml, strings, styles, is_1904, next_row: 0, next_column: 0, in_data: false }
    }

    /// Reads up to the cell's end. Its formula is left out: what it gave is its value.
    fn read_value(&mut self, cell: &Cell, text: &mut String) -> Result<(), InputError> {
        let (mut in_value, mut start) = (false, 0);
        loop {
            if text.len() > MAX_RECORD_BYTES {
                return Err(cell.too_large());
            }
            let event = self.xml.next()?;
            match &event {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => (in_value, start) = (true, text.len()),
                    "is" => {
                        start = text.len();
                        if !read_rich_text(&mut self.xml, "is", text, MAX_RECORD_BYTES)? {
                            return Err(cell.too_large());
                        }
                        unescape_from(text, start);
                    }
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "v" => {
                        in_value = false;
                        if cell.kind == Kind::Text {
                            unescape_from(text, start);
                        }
                    }
                    "c" => break,
                    _ => {}
                },
                Event::Eof => return Err(self.xml.cut_short()),
                piece if in_value => xml::push(piece, text),
                _ => {}
            }
        }
        self.convert(cell, text);
        Ok(())
    }

    fn convert(&self, cell: &Cell, text: &mut String) {
        match cell.kind {
            Kind::Number => {
                let written = std::mem::take(text);
                if !written.trim().is_empty() {
                    style::push_written(&written, cell.style, self.is_1904, text);
                }
            }
            Kind::Shared => {
                let shared = text.trim().parse().ok().and_then(|n| self.strings.get(n)).unwrap_or_default();
                text.clear();
                text.push_str(shared);
            }
            Kind::Boolean => {
                let value = if xml::is_true(Some(text.trim())) { "TRUE" } else { "FALSE" };
                if !text.is_empty() {
                    text.clear();
                    text.push_str(value);
                }
            }
            Kind::Text | Kind::Error => {}
        }
    }
}

fn cell(element: &BytesStart<'_>, row: u32, column: u32, styles: &[Style]) -> Cell {
    let (row, column) = xml::raw(element, "r").and_then(place).unwrap_or((row, column));
    let kind = match xml::raw(element, "t") {
        None | Some("n") => Kind::Number,
        Some("s") => Kind::Shared,
        Some("b") => Kind::Boolean,
        Some("e") => Kind::Error,
        // `str`, `inlineStr`, and `d`, which is an ISO date.
        Some(_) => Kind::Text,
    };
    let style = xml::raw(element, "s").and_then(|s| styles.get(s.parse::<usize>().ok()?));
    Cell { row, column, kind, style: style.copied().unwrap_or(Style::Number) }
}

/// `B3` as row and column from 0.
fn place(reference: &str) -> Option<(u32, u32)> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = reference.split_at(letters);
    let mut column = 0_u32;
    for letter in letters.bytes() {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(digit)?;
    }
    Some((digits.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_places() {
        for (reference, expected) in [
            ("A1", Some((0, 0))),
            ("b3", Some((2, 1))),
            ("XFD1048576", Some((1_048_575, 16_383))),
            ("A0", None),
            ("1", None),
            ("A", None),
            ("ZZZZZZZZZ1", None),
        ] {
            assert_eq!(place(reference), expected, "{reference}");
        }
    }
}
