//! `.xls` ([MS-XLS]) as Excel 5 to 2003 write it: one stream of records in a compound file.

use std::collections::{HashMap, VecDeque};

use cfb::CompoundFile;
use encoding_rs::{Encoding, WINDOWS_1252};

use super::{
    WorkbookError, biff,
    cells::{Cells, Found, Sheet},
    reading,
    records::Records,
    room::Room,
    strings::Strings,
    style::{self, Style},
};
use crate::{
    cancel::CancelToken,
    input::{error::InputError, source::Source},
};

/// Where the records are: since Excel 97, and before.
const STREAMS: [&str; 2] = ["/Workbook", "/Book"];

/// The records that are read ([MS-XLS] §2.3).
mod record {
    pub const FORMULA: u16 = 0x0006;
    pub const EOF: u16 = 0x000a;
    pub const DATE_MODE: u16 = 0x0022;
    pub const FILE_PASS: u16 = 0x002f;
    pub const CODE_PAGE: u16 = 0x0042;
    pub const BOUND_SHEET: u16 = 0x0085;
    pub const MUL_RK: u16 = 0x00bd;
    pub const RICH_STRING: u16 = 0x00d6;
    pub const XF: u16 = 0x00e0;
    pub const SST: u16 = 0x00fc;
    pub const LABEL_SST: u16 = 0x00fd;
    pub const NUMBER: u16 = 0x0203;
    pub const LABEL: u16 = 0x0204;
    pub const BOOL_ERR: u16 = 0x0205;
    pub const STRING: u16 = 0x0207;
    pub const RK: u16 = 0x027e;
    pub const FORMAT: u16 = 0x041e;
    pub const BOF: u16 = 0x0809;
}

/// An open workbook: styles and shared strings are read, sheets are not.
pub(super) struct Xls {
    compound: CompoundFile<Box<dyn Source>>,
    stream: &'static str,
    globals: Globals,
}

/// What stands before the sheets.
struct Globals {
    sheets: Vec<Sheet>,
    /// Where in the stream each sheet starts.
    starts: Vec<u64>,
    strings: Strings,
    styles: Vec<Style>,
    is_1904: bool,
    /// How texts are written: `None`: in UTF-16, as since Excel 97.
    encoding: Option<&'static Encoding>,
}

impl Xls {
    pub(super) fn open(
        source: Box<dyn Source>,
        room: Room,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let mut compound =
            CompoundFile::open(source).map_err(|error| reading("the compound file", &error))?;
        if compound.exists("/EncryptedPackage") {
            return Err(WorkbookError::Encrypted.into());
        }
        let stream = STREAMS.into_iter().find(|name| compound.is_stream(name));
        let stream = stream.ok_or(WorkbookError::NoWorkbook)?;
        let mut records = Records::open(&mut compound, stream, 0, cancel)?;
        let globals = Globals::read(&mut records, room)?;
        Ok(Self { compound, stream, globals })
    }

    pub(super) fn sheets(&self) -> &[Sheet] {
        &self.globals.sheets
    }

    pub(super) const fn is_1904(&self) -> bool {
        self.globals.is_1904
    }

    pub(super) fn cells(&mut self, n: usize, cancel: &CancelToken) -> Result<XlsCells<'_>, InputError> {
        let records = Records::open(&mut self.compound, self.stream, self.globals.starts[n], cancel)?;
        Ok(XlsCells { records, globals: &self.globals, depth: 0, packed: VecDeque::new(), formula: None })
    }
}

impl Globals {
    fn read(records: &mut Records, room: Room) -> Result<Self, InputError> {
        let mut globals = Self {
            sheets: Vec::new(),
            starts: Vec::new(),
            strings: Strings::new(room),
            styles: Vec::new(),
            is_1904: false,
            encoding: None,
        };
        let (mut formats, mut styles) = (HashMap::new(), Vec::new());
        let mut code_page = WINDOWS_1252;
        while let Some(kind) = records.next()? {
            match kind {
                record::BOF if records.u16()? < 0x0600 => globals.encoding = Some(code_page),
                record::FILE_PASS => return Err(WorkbookError::Encrypted.into()),
                record::CODE_PAGE => {
                    code_page = encoding_of(records.u16()?);
                    globals.encoding = globals.encoding.map(|_| code_page);
                }
                record::DATE_MODE => globals.is_1904 = records.u16()? == 1,
                record::FORMAT => {
                    let (id, mut code) = (records.u16()?, String::new());
                    records.push_string(globals.encoding, globals.encoding.is_some(), &mut code)?;
                    formats.insert(id, Style::of_format(&code));
                }
                record::XF => {
                    records.u16()?;
                    globals.strings.room().take("styles", size_of::<u16>() + size_of::<Style>())?;
                    styles.push(records.u16()?);
                }
                record::BOUND_SHEET => globals.add_sheet(records)?,
                record::SST => read_strings(records, &mut globals.strings)?,
                record::EOF => break,
                _ => {}
            }
        }
        let style = |id: &u16| formats.get(id).copied().unwrap_or_else(|| Style::built_in((*id).into()));
        globals.styles = styles.iter().map(style).collect();
        Ok(globals)
    }

    /// Sheets of charts and macros are of another kind.
    fn add_sheet(&mut self, records: &mut Records) -> Result<(), InputError> {
        const WORKSHEET: u8 = 0;
        let start = records.u32()?;
        let (_, kind) = (records.u8()?, records.u8()?);
        let mut title = String::new();
        records.push_string(self.encoding, true, &mut title)?;
        if kind == WORKSHEET {
            self.strings.room().add_sheet(&mut self.sheets, &title, "")?;
            self.starts.push(start.into());
        }
        Ok(())
    }
}

fn read_strings(records: &mut Records, strings: &mut Strings) -> Result<(), InputError> {
    let (_, count) = (records.u32()?, records.u32()?);
    for _ in 0..count {
        records.push_rich_string(strings.text())?;
        strings.end()?;
    }
    Ok(())
}

/// The encoding of a code page, as far as the web knows it; others are read as Windows-1252.
fn encoding_of(code_page: u16) -> &'static Encoding {
    let label = match code_page {
        874 => "windows-874",
        932 => "shift_jis",
        936 => "gbk",
        949 => "euc-kr",
        950 => "big5",
        1250 => "windows-1250",
        1251 => "windows-1251",
        1253 => "windows-1253",
        1254 => "windows-1254",
        1255 => "windows-1255",
        1256 => "windows-1256",
        1257 => "windows-1257",
        1258 => "windows-1258",
        10_000 | 32_768 => "macintosh",
        _ => "windows-1252",
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

/// The cells of one sheet.
pub(super) struct XlsCells<'w> {
    records: Records,
    globals: &'w Globals,
    /// How many streams within the stream are open: the sheet, and charts in it.
    depth: u32,
    /// Numbers of one record: place, style, value.
    packed: VecDeque<(Place, u16, u32)>,
    /// The formula whose text comes next.
    formula: Option<Place>,
}

/// Row and column, from 0.
type Place = (u32, u32);

impl Cells for XlsCells<'_> {
    fn next(&mut self, text: &mut String) -> Result<Option<Found>, InputError> {
        loop {
            text.clear();
            if let Some((place, style, packed)) = self.packed.pop_front() {
                self.push_number(biff::rk(packed), style, text);
                return Ok(Some(found(place, false)));
            }
            let Some(kind) = self.records.next()? else { return Ok(None) };
            match kind {
                record::BOF => self.depth += 1,
                record::EOF if self.depth <= 1 => return Ok(None),
                record::EOF => self.depth -= 1,
                _ if self.depth > 1 => {}
                kind => {
                    if let Some(cell) = self.read(kind, text)?
                        && !text.is_empty()
                    {
                        return Ok(Some(cell));
                    }
                }
            }
        }
    }
}

fn found((row, column): Place, is_error: bool) -> Found {
    Found { row, column, is_error }
}

impl XlsCells<'_> {
    fn read(&mut self, kind: u16, text: &mut String) -> Result<Option<Found>, InputError> {
        match kind {
            record::STRING => {
                let Some(place) = self.formula.take() else { return Ok(None) };
                self.records.push_string(self.globals.encoding, false, text)?;
                return Ok(Some(found(place, false)));
            }
            record::MUL_RK => {
                self.unpack()?;
                return Ok(None);
            }
            record::NUMBER
            | record::RK
            | record::LABEL
            | record::RICH_STRING
            | record::LABEL_SST
            | record::BOOL_ERR
            | record::FORMULA => {}
            _ => return Ok(None),
        }
        let place = (self.records.u16()?.into(), self.records.u16()?.into());
        let style = self.records.u16()?;
        let mut is_error = false;
        match kind {
            record::NUMBER => {
                let value = f64::from_le_bytes(self.records.bytes()?);
                self.push_number(value, style, text);
            }
            record::RK => {
                let value = biff::rk(self.records.u32()?);
                self.push_number(value, style, text);
            }
            record::LABEL | record::RICH_STRING => {
                self.records.push_string(self.globals.encoding, false, text)?;
            }
            record::LABEL_SST => {
                let n = self.records.u32()? as usize;
                text.push_str(self.globals.strings.get(n).unwrap_or_default());
            }
            record::BOOL_ERR => {
                let value = self.records.u8()?;
                is_error = self.records.u8()? != 0;
                text.push_str(if is_error { biff::error(value) } else { biff::boolean(value) });
            }
            _ => is_error = self.read_formula(place, style, text)?,
        }
        Ok(Some(found(place, is_error)))
    }

    /// What a formula gave; a text stands in a record of its own behind it.
    fn read_formula(&mut self, place: Place, style: u16, text: &mut String) -> Result<bool, InputError> {
        let value: [u8; 8] = self.records.bytes()?;
        self.formula = None;
        if value[6..] != [0xff, 0xff] {
            self.push_number(f64::from_le_bytes(value), style, text);
            return Ok(false);
        }
        match value[0] {
            0 => self.formula = Some(place),
            1 => text.push_str(biff::boolean(value[2])),
            2 => text.push_str(biff::error(value[2])),
            _ => {}
        }
        Ok(value[0] == 2)
    }

    fn unpack(&mut self) -> Result<(), InputError> {
        let row = self.records.u16()?.into();
        let mut column = self.records.u16()?.into();
        // The last column ends the record.
        while self.records.left() >= 6 {
            self.packed.push_back(((row, column), self.records.u16()?, self.records.u32()?));
            column += 1;
        }
        Ok(())
    }

    fn push_number(&self, value: f64, style: u16, text: &mut String) {
        let style = self.globals.styles.get(usize::from(style)).copied().unwrap_or(Style::Number);
        style::push(value, style, self.globals.is_1904, text);
    }
}
