//! `.xlsb` ([MS-XLSB]): the parts of an `.xlsx`, as binary records.

use std::{
    collections::HashMap,
    io::{self, BufReader, Read},
};

use super::{
    WorkbookError, biff,
    cells::{Cells, Found, Sheet},
    office::{self, Contents, Format, Parts, Relationships},
    reading,
    room::Room,
    strings::Strings,
    style::{self, Style},
};
use crate::{
    cancel::CancelToken,
    input::{
        MAX_RECORD_BYTES,
        archive::{Part, Zip},
        error::InputError,
    },
};

const BUFFER: usize = 64 * 1024;

/// The records that are read ([MS-XLSB] §2.3.2).
mod record {
    pub const ROW: u16 = 0;
    pub const RK: u16 = 2;
    pub const ERROR: u16 = 3;
    pub const BOOLEAN: u16 = 4;
    pub const REAL: u16 = 5;
    pub const TEXT: u16 = 6;
    pub const SHARED: u16 = 7;
    pub const FORMULA_TEXT: u16 = 8;
    pub const FORMULA_NUMBER: u16 = 9;
    pub const FORMULA_BOOLEAN: u16 = 10;
    pub const FORMULA_ERROR: u16 = 11;
    pub const STRING_ITEM: u16 = 19;
    pub const FORMAT: u16 = 44;
    pub const XF: u16 = 47;
    pub const RICH_TEXT: u16 = 62;
    pub const BEGIN_DATA: u16 = 145;
    pub const END_DATA: u16 = 146;
    pub const WORKBOOK: u16 = 153;
    pub const SHEET: u16 = 156;
    pub const BEGIN_CELL_XFS: u16 = 617;
    pub const END_CELL_XFS: u16 = 618;
}

/// An open workbook.
pub(super) struct Xlsb(Parts);

const FORMAT: Format = Format { workbook: "xl/workbook.bin", read_workbook, read_styles, read_strings };

impl Xlsb {
    pub(super) fn open(zip: Zip, room: Room, cancel: &CancelToken) -> Result<Self, InputError> {
        Parts::open(zip, &FORMAT, room, cancel).map(Self)
    }

    pub(super) fn sheets(&self) -> &[Sheet] {
        &self.0.sheets
    }

    pub(super) const fn is_1904(&self) -> bool {
        self.0.is_1904
    }

    pub(super) fn cells(&mut self, n: usize, cancel: &CancelToken) -> Result<XlsbCells<'_>, InputError> {
        let Self(parts) = self;
        let path = &parts.sheets[n].path;
        let at = office::part(&parts.zip, path)?;
        Ok(XlsbCells {
            records: Records::new(parts.zip.read(at)?, path, cancel),
            strings: &parts.strings,
            styles: &parts.styles,
            is_1904: parts.is_1904,
            row: 0,
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
    let mut records = Records::new(zip.read(at)?, path, cancel);
    let (mut sheets, mut is_1904) = (Vec::new(), false);
    while let Some(kind) = records.next()? {
        match kind {
            record::WORKBOOK => is_1904 = records.u32_at(0)? & 1 == 1,
            record::SHEET => {
                let (id, next) = records.string_at(8)?;
                let (title, _) = records.string_at(next)?;
                if let Some(path) = parts.named(&id, "worksheet") {
                    room.add_sheet(&mut sheets, &title, path)?;
                }
            }
            _ => {}
        }
    }
    Ok((sheets, is_1904))
}

fn read_styles(
    zip: &mut Zip,
    path: &str,
    room: &mut Room,
    cancel: &CancelToken,
) -> Result<Vec<Style>, InputError> {
    let Some(at) = zip.find(path) else { return Ok(Vec::new()) };
    let mut records = Records::new(zip.read(at)?, path, cancel);
    let (mut formats, mut styles, mut in_cells) = (HashMap::new(), Vec::new(), false);
    while let Some(kind) = records.next()? {
        match kind {
            record::FORMAT => {
                let (code, _) = records.string_at(2)?;
                formats.insert(records.u16_at(0)?, Style::of_format(&code));
            }
            record::BEGIN_CELL_XFS => in_cells = true,
            record::END_CELL_XFS => in_cells = false,
            record::XF if in_cells => {
                let id = records.u16_at(2)?;
                room.take("styles", size_of::<Style>())?;
                styles.push(formats.get(&id).copied().unwrap_or_else(|| Style::built_in(id.into())));
            }
            _ => {}
        }
    }
    Ok(styles)
}

fn read_strings(
    zip: &mut Zip,
    path: &str,
    strings: &mut Strings,
    cancel: &CancelToken,
) -> Result<(), InputError> {
    let Some(at) = zip.find(path) else { return Ok(()) };
    let mut records = Records::new(zip.read(at)?, path, cancel);
    while let Some(kind) = records.next()? {
        if kind == record::STRING_ITEM {
            records.push_string_at(1, strings.text())?;
            strings.end()?;
        }
    }
    Ok(())
}

/// The records of a part.
struct Records<'z> {
    source: BufReader<Part<'z>>,
    data: Vec<u8>,
    name: String,
    cancel: CancelToken,
}

impl<'z> Records<'z> {
    fn new(part: Part<'z>, name: &str, cancel: &CancelToken) -> Self {
        let source = BufReader::with_capacity(BUFFER, part);
        Self { source, data: Vec::new(), name: name.to_owned(), cancel: cancel.clone() }
    }

    /// Reads the next record; `None`: there is none.
    fn next(&mut self) -> Result<Option<u16>, InputError> {
        self.cancel.check()?;
        let Some(first) = self.byte()? else { return Ok(None) };
        let mut kind = u16::from(first & 0x7f);
        if first & 0x80 != 0 {
            kind |= u16::from(self.must()? & 0x7f) << 7;
        }
        let mut length = 0_usize;
        for n in 0..4 {
            let byte = self.must()?;
            length |= usize::from(byte & 0x7f) << (7 * n);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > 2 * MAX_RECORD_BYTES {
            return Err(self.damaged(&"one record is larger than a row can be"));
        }
        self.data.resize(length, 0);
        let read = self.source.read_exact(&mut self.data);
        read.map_err(|error| reading(&self.name, &error))?;
        Ok(Some(kind))
    }

    fn byte(&mut self) -> Result<Option<u8>, InputError> {
        let mut byte = [0];
        loop {
            match self.source.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(Some(byte[0])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(reading(&self.name, &error)),
            }
        }
    }

    fn must(&mut self) -> Result<u8, InputError> {
        self.byte()?.ok_or_else(|| self.damaged(&"it ends within a record"))
    }

    fn damaged(&self, reason: &dyn std::fmt::Display) -> InputError {
        WorkbookError::damaged(&self.name, reason).into()
    }

    fn short(&self) -> InputError {
        self.damaged(&"a record is shorter than it should be")
    }

    fn bytes_at<const N: usize>(&self, at: usize) -> Result<[u8; N], InputError> {
        self.data.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(|| self.short())
    }

    fn u16_at(&self, at: usize) -> Result<u16, InputError> {
        self.bytes_at(at).map(u16::from_le_bytes)
    }

    fn u32_at(&self, at: usize) -> Result<u32, InputError> {
        self.bytes_at(at).map(u32::from_le_bytes)
    }

    /// The text at a place, and the place behind it.
    fn string_at(&self, at: usize) -> Result<(String, usize), InputError> {
        let mut text = String::new();
        let end = self.push_string_at(at, &mut text)?;
        Ok((text, end))
    }

    fn push_string_at(&self, at: usize, text: &mut String) -> Result<usize, InputError> {
        let units = self.u32_at(at)?;
        // An absent text has this length.
        let units = if units == u32::MAX { 0 } else { units as usize };
        let start = at + 4;
        let end = units.checked_mul(2).and_then(|length| start.checked_add(length));
        let bytes = end.and_then(|end| self.data.get(start..end)).ok_or_else(|| self.short())?;
        biff::push_utf16(bytes, text);
        Ok(start + bytes.len())
    }
}

/// The cells of one sheet.
pub(super) struct XlsbCells<'w> {
    records: Records<'w>,
    strings: &'w Strings,
    styles: &'w [Style],
    is_1904: bool,
    row: u32,
    in_data: bool,
}

impl Cells for XlsbCells<'_> {
    fn next(&mut self, text: &mut String) -> Result<Option<Found>, InputError> {
        while let Some(kind) = self.records.next()? {
            match kind {
                record::BEGIN_DATA => self.in_data = true,
                record::END_DATA => return Ok(None),
                record::ROW if self.in_data => self.row = self.records.u32_at(0)?,
                record::RK..=record::FORMULA_ERROR | record::RICH_TEXT if self.in_data => {
                    text.clear();
                    self.read_value(kind, text)?;
                    if !text.is_empty() {
                        let is_error = matches!(kind, record::ERROR | record::FORMULA_ERROR);
                        return Ok(Some(Found { row: self.row, column: self.records.u32_at(0)?, is_error }));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl XlsbCells<'_> {
    fn read_value(&self, kind: u16, text: &mut String) -> Result<(), InputError> {
        const VALUE: usize = 8;
        let records = &self.records;
        match kind {
            record::RK => self.push_number(biff::rk(records.u32_at(VALUE)?), text)?,
            record::REAL | record::FORMULA_NUMBER => {
                self.push_number(f64::from_le_bytes(records.bytes_at(VALUE)?), text)?;
            }
            record::BOOLEAN | record::FORMULA_BOOLEAN => {
                text.push_str(biff::boolean(records.bytes_at::<1>(VALUE)?[0]));
            }
            record::ERROR | record::FORMULA_ERROR => {
                text.push_str(biff::error(records.bytes_at::<1>(VALUE)?[0]));
            }
            record::TEXT | record::FORMULA_TEXT => {
                records.push_string_at(VALUE, text)?;
            }
            record::RICH_TEXT => {
                records.push_string_at(VALUE + 1, text)?;
            }
            record::SHARED => {
                text.push_str(self.strings.get(records.u32_at(VALUE)? as usize).unwrap_or_default());
            }
            _ => {}
        }
        Ok(())
    }

    fn push_number(&self, value: f64, text: &mut String) -> Result<(), InputError> {
        // 24 bits behind the column.
        let style = self.styles.get((self.records.u32_at(4)? & 0x00ff_ffff) as usize);
        style::push(value, style.copied().unwrap_or(Style::Number), self.is_1904, text);
        Ok(())
    }
}
