//! `.xlsx` and `.xlsm` (ECMA-376 part 1, §18), in the transitional form and the strict one.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};

use super::{
    cells::{Cells, Found, Sheet},
    office::{self, Contents, Format, Parts, Relationships},
    room::Room,
    strings::Strings,
    style::{self, Style},
    xml::{self, Xml},
};
use crate::{
    cancel::CancelToken,
    input::{
        MAX_RECORD_BYTES,
        archive::Zip,
        error::{InputError, Unit},
    },
};

/// An open workbook: styles and shared strings are read, sheets are not.
pub(super) struct Xlsx(Parts);

const FORMAT: Format = Format { workbook: "xl/workbook.xml", read_workbook, read_styles, read_strings };

impl Xlsx {
    pub(super) fn open(zip: Zip, room: Room, cancel: &CancelToken) -> Result<Self, InputError> {
        Parts::open(zip, &FORMAT, room, cancel).map(Self)
    }

    pub(super) fn sheets(&self) -> &[Sheet] {
        &self.0.sheets
    }

    pub(super) const fn is_1904(&self) -> bool {
        self.0.is_1904
    }

    pub(super) fn cells(&mut self, n: usize, cancel: &CancelToken) -> Result<XlsxCells<'_>, InputError> {
        let Self(parts) = self;
        let path = &parts.sheets[n].path;
        let at = office::part(&parts.zip, path)?;
        let xml = Xml::new(parts.zip.read(at)?, path, cancel);
        Ok(XlsxCells {
            xml,
            strings: &parts.strings,
            styles: &parts.styles,
            is_1904: parts.is_1904,
            next_row: 0,
            next_column: 0,
            in_data: false,
        })
    }
}

fn read_workbook(
    zip: &mut Zip,
    path: &str,
    parts: &Relationships,
    room: &mut Room,
    cancel: &CancelToken,
) -> Contents {
    let at = office::part(zip, path)?;
    let mut xml = Xml::new(zip.read(at)?, path, cancel);
    let (mut sheets, mut is_1904) = (Vec::new(), false);
    loop {
        match xml.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "workbookPr" => is_1904 = xml::is_true(xml::raw(&element, "date1904")),
                "sheet" => {
                    // Sheets of charts, dialogs and macros are related otherwise.
                    let id = xml::raw(&element, "id").unwrap_or_default();
                    if let Some(path) = parts.named(id, "worksheet") {
                        let title = xml::text(&element, "name").unwrap_or_default();
                        room.add_sheet(&mut sheets, &title, path)?;
                    }
                }
                _ => {}
            },
            Event::Eof => return Ok((sheets, is_1904)),
            _ => {}
        }
    }
}

fn read_styles(
    zip: &mut Zip,
    path: &str,
    room: &mut Room,
    cancel: &CancelToken,
) -> Result<Vec<Style>, InputError> {
    let Some(at) = zip.find(path) else { return Ok(Vec::new()) };
    let mut xml = Xml::new(zip.read(at)?, path, cancel);
    let (mut formats, mut styles, mut in_cells) = (HashMap::new(), Vec::new(), false);
    loop {
        match xml.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "numFmt" => {
                    let code = xml::text(&element, "formatCode").unwrap_or_default();
                    room.take("number formats", office::FORMAT_BYTES)?;
                    formats.insert(number(&element, "numFmtId"), Style::of_format(&code));
                }
                "cellXfs" => in_cells = true,
                "xf" if in_cells => {
                    let id = number(&element, "numFmtId");
                    room.take("styles", size_of::<Style>())?;
                    styles.push(formats.get(&id).copied().unwrap_or_else(|| Style::built_in(id)));
                }
                _ => {}
            },
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => in_cells = false,
            Event::Eof => return Ok(styles),
            _ => {}
        }
    }
}

fn number(element: &BytesStart<'_>, name: &str) -> u32 {
    xml::raw(element, name).and_then(|value| value.parse().ok()).unwrap_or_default()
}

fn read_strings(
    zip: &mut Zip,
    path: &str,
    strings: &mut Strings,
    cancel: &CancelToken,
) -> Result<(), InputError> {
    let Some(at) = zip.find(path) else { return Ok(()) };
    let mut xml = Xml::new(zip.read(at)?, path, cancel);
    loop {
        match xml.next()? {
            Event::Start(element) if element.local_name().as_ref() == "si" => {
                let start = strings.text().len();
                let longest = strings.longest();
                if !read_rich_text(&mut xml, "si", strings.text(), longest)? {
                    return Err(strings.exceeded().into());
                }
                unescape_from(strings.text(), start);
                strings.end()?;
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Appends the text of an element of rich text, up to its end: the pieces in `t`, without their furigana.
/// `false`: the text became longer than it may, and was not read to its end.
fn read_rich_text(
    xml: &mut Xml<'_>,
    end: &str,
    text: &mut String,
    longest: usize,
) -> Result<bool, InputError> {
    let (mut in_text, mut in_reading) = (false, false);
    loop {
        let event = xml.next()?;
        match &event {
            Event::Start(element) => match element.local_name().as_ref() {
                "t" => in_text = true,
                "rPh" => in_reading = true,
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "t" => in_text = false,
                "rPh" => in_reading = false,
                name if name == end => return Ok(true),
                _ => {}
            },
            Event::Eof => return Err(xml.cut_short()),
            piece if in_text && !in_reading => xml::push(piece, text),
            _ => {}
        }
        if text.len() > longest {
            return Ok(false);
        }
    }
}

/// What XML can't hold stands as `_x000D_`, in UTF-16 units; that text itself as `_x005F_x000D_`.
fn unescape_from(text: &mut String, start: usize) {
    if !text[start..].contains("_x") {
        return;
    }
    let written = text.split_off(start);
    let mut rest = written.as_str();
    while let Some(at) = rest.find("_x") {
        let (before, behind) = rest.split_at(at);
        text.push_str(before);
        let mut units = [0; 2];
        let mut count = 0;
        let mut after = behind;
        while count < 2
            && let Some((unit, next)) = escaped(after)
        {
            units[count] = unit;
            count += 1;
            after = next;
            if !(0xd800..0xdc00).contains(&unit) {
                break;
            }
        }
        if count == 0 {
            text.push_str("_x");
            rest = &behind[2..];
        } else {
            text.push_str(&String::from_utf16_lossy(&units[..count]));
            rest = after;
        }
    }
    text.push_str(rest);
}

fn escaped(text: &str) -> Option<(u16, &str)> {
    let digits = text.strip_prefix("_x")?;
    let (digits, rest) = (digits.get(..4)?, digits.get(4..)?);
    let rest = rest.strip_prefix('_')?;
    let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten().map(|unit| (unit, rest))
}

/// The cells of one sheet.
pub(super) struct XlsxCells<'w> {
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

impl XlsxCells<'_> {
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

    #[test]
    fn escapes_are_characters_again() {
        for (written, text) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xD83C__xDF81_!", "🎁!"),
            ("_xD83C_x", "\u{fffd}x"),
            ("_x00_x_xyz_", "_x00_x_xyz_"),
            ("größe_x0", "größe_x0"),
        ] {
            let mut got = format!("before{written}");
            unescape_from(&mut got, "before".len());
            assert_eq!(got, format!("before{text}"));
        }
    }
}
