//! `.ods` (`OpenDocument` 1.3 part 3, §9): all sheets stand in one part, one behind the other.
//!
//! Equal rows and cells are written once with a number. They are given out that often, one at a time: a
//! number is written more easily than a million rows are held.
//!
//! Which sheets have a header is found out in one pass over the part. A run reads it once more for each sheet, up to
//! its end: that takes as long as it takes, and is what the run's time is for.

use quick_xml::events::{BytesStart, Event};

use super::{
    WorkbookError,
    cells::{Cells, Found, Sheet},
    office,
    room::Room,
    sheet::SheetReader,
    style::{self, Style},
    xml::{self, Xml},
};
use crate::{
    cancel::CancelToken,
    connector::InputOptions,
    input::{
        MAX_RECORD_BYTES,
        archive::{Given, Zip},
        error::{InputError, Unit},
    },
};

const CONTENT: &str = "content.xml";
/// More than any program makes.
const MAX_ROWS: u32 = 1 << 24;
const MAX_CELLS: u32 = 1 << 16;

/// An open workbook: its sheets are known, nothing else is read.
pub(super) struct Ods {
    zip: Zip,
    sheets: Vec<Sheet>,
    is_1904: bool,
}

impl Ods {
    pub(super) fn open(mut zip: Zip, mut room: Room, cancel: &CancelToken) -> Result<Self, InputError> {
        if is_encrypted(&mut zip, cancel)? {
            return Err(WorkbookError::Encrypted.into());
        }
        let (mut sheets, mut is_1904, mut depth) = (Vec::new(), false, 0);
        let mut xml = content(&mut zip, cancel)?;
        loop {
            match xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "table" => {
                        if depth == 0 {
                            let title = xml::text(&element, "table:name").unwrap_or_default();
                            room.add_sheet(&mut sheets, &title, "")?;
                        }
                        depth += 1;
                    }
                    "null-date" => {
                        let first = xml::raw(&element, "table:date-value").unwrap_or_default();
                        is_1904 = first.starts_with("1904-01-01");
                    }
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "table" => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        drop(xml);
        Ok(Self { zip, sheets, is_1904 })
    }

    pub(super) fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    pub(super) const fn is_1904(&self) -> bool {
        self.is_1904
    }

    pub(super) fn cells(&mut self, n: usize, cancel: &CancelToken) -> Result<OdsCells<'_>, InputError> {
        let mut xml = content(&mut self.zip, cancel)?;
        for _ in 0..n {
            begin_table(&mut xml)?;
            end_table(&mut xml)?;
        }
        begin_table(&mut xml)?;
        Ok(OdsCells::new(xml))
    }

    /// As [`Workbook::headed`](super::Workbook::headed).
    pub(super) fn headed(
        &mut self,
        options: &InputOptions,
        given: &mut Given,
        cancel: &CancelToken,
    ) -> Result<Vec<usize>, (usize, InputError)> {
        let mut headed = Vec::new();
        let mut xml = content(&mut self.zip, cancel).map_err(|error| (0, error))?;
        for n in 0..self.sheets.len() {
            let within = |error| (n, error);
            begin_table(&mut xml).map_err(within)?;
            let mut cells = OdsCells::new(xml);
            if SheetReader::open(Box::new(&mut cells), options, given).map_err(within)?.is_some() {
                headed.push(n);
            }
            let has_ended = cells.has_ended;
            xml = cells.xml;
            if !has_ended {
                end_table(&mut xml).map_err(within)?;
            }
        }
        Ok(headed)
    }
}

/// Reads up to the begin of the next table.
fn begin_table(xml: &mut Xml<'_>) -> Result<(), InputError> {
    loop {
        match xml.next()? {
            Event::Start(element) if element.local_name().as_ref() == "table" => return Ok(()),
            Event::Eof => return Err(xml.cut_short()),
            _ => {}
        }
    }
}

/// Reads up to the end of the table that has begun, over those that stand in its cells.
fn end_table(xml: &mut Xml<'_>) -> Result<(), InputError> {
    let mut depth = 1;
    while depth > 0 {
        match xml.next()? {
            Event::Start(element) if element.local_name().as_ref() == "table" => depth += 1,
            Event::End(element) if element.local_name().as_ref() == "table" => depth -= 1,
            Event::Eof => return Err(xml.cut_short()),
            _ => {}
        }
    }
    Ok(())
}

fn content<'z>(zip: &'z mut Zip, cancel: &CancelToken) -> Result<Xml<'z>, InputError> {
    let at = office::part(zip, CONTENT)?;
    Ok(Xml::new(zip.read(at)?, CONTENT, cancel))
}

fn is_encrypted(zip: &mut Zip, cancel: &CancelToken) -> Result<bool, InputError> {
    const MANIFEST: &str = "META-INF/manifest.xml";
    let Some(at) = zip.find(MANIFEST) else { return Ok(false) };
    let mut xml = Xml::new(zip.read(at)?, MANIFEST, cancel);
    loop {
        match xml.next()? {
            Event::Start(element) if element.local_name().as_ref() == "encryption-data" => return Ok(true),
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

/// The cells of one sheet.
pub(super) struct OdsCells<'w> {
    xml: Xml<'w>,
    /// The row of the held cells, or the next one.
    row: u32,
    held: Vec<Held>,
    texts: String,
    /// How often the held row is still to be given out.
    rows_left: u32,
    /// Which held cell is next, and how often it was given out.
    at: usize,
    repeated: u32,
    /// The table's end was read.
    has_ended: bool,
}

/// A cell that holds something.
struct Held {
    column: u32,
    repeat: u32,
    start: usize,
    end: usize,
    is_error: bool,
}

impl Cells for OdsCells<'_> {
    fn next(&mut self, text: &mut String) -> Result<Option<Found>, InputError> {
        loop {
            if let Some(held) = self.held.get(self.at) {
                self.xml.step()?;
                let found =
                    Found { row: self.row, column: held.column + self.repeated, is_error: held.is_error };
                text.clear();
                text.push_str(&self.texts[held.start..held.end]);
                self.repeated += 1;
                if self.repeated == held.repeat {
                    (self.at, self.repeated) = (self.at + 1, 0);
                }
                return Ok(Some(found));
            }
            if self.rows_left > 0 {
                self.rows_left -= 1;
                self.row += 1;
            }
            self.at = 0;
            if self.rows_left == 0 && (self.has_ended || !self.read_row()?) {
                return Ok(None);
            }
        }
    }
}

impl<'w> OdsCells<'w> {
    /// Those of the table that has begun.
    const fn new(xml: Xml<'w>) -> Self {
        Self {
            xml,
            row: 0,
            held: Vec::new(),
            texts: String::new(),
            rows_left: 0,
            at: 0,
            repeated: 0,
            has_ended: false,
        }
    }

    /// Holds the next row that has something. `false`: there is none.
    fn read_row(&mut self) -> Result<bool, InputError> {
        self.held.clear();
        self.texts.clear();
        loop {
            let repeat = match self.xml.next()? {
                Event::Start(element) if element.local_name().as_ref() == "table-row" => {
                    repeated(&element, "table:number-rows-repeated")
                }
                Event::End(element) if element.local_name().as_ref() == "table" => {
                    self.has_ended = true;
                    return Ok(false);
                }
                Event::Eof => return Err(self.xml.cut_short()),
                _ => continue,
            };
            self.read_cells()?;
            if !self.held.is_empty() {
                if repeat > MAX_ROWS - self.row.min(MAX_ROWS) {
                    return Err(
                        WorkbookError::damaged(CONTENT, &"a sheet has more rows than sheets have").into()
                    );
                }
                self.rows_left = repeat;
                return Ok(true);
            }
            self.row = self.row.saturating_add(repeat);
        }
    }

    fn read_cells(&mut self) -> Result<(), InputError> {
        let mut column = 0_u32;
        loop {
            let (value, repeat) = match self.xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "table-cell" | "covered-table-cell" => {
                        (Value::of(&element), repeated(&element, "table:number-columns-repeated"))
                    }
                    _ => continue,
                },
                Event::End(element) if element.local_name().as_ref() == "table-row" => return Ok(()),
                Event::Eof => return Err(self.xml.cut_short()),
                _ => continue,
            };
            let start = self.texts.len();
            let is_error = self.read_value(value)?;
            let end = self.texts.len();
            if end > MAX_RECORD_BYTES {
                let line = u64::from(self.row) + 1;
                let column = column as usize + 1;
                return Err(InputError::RecordTooLarge { unit: Unit::Row, line, column });
            }
            if end > start {
                if repeat > MAX_CELLS - column.min(MAX_CELLS) {
                    return Err(
                        WorkbookError::damaged(CONTENT, &"a row has more cells than rows have").into()
                    );
                }
                self.held.push(Held { column, repeat, start, end, is_error });
            }
            column = column.saturating_add(repeat);
        }
    }

    /// Appends what a cell holds, up to its end, or as far as a row can hold it; answers whether that is an error's name.
    fn read_value(&mut self, value: Value) -> Result<bool, InputError> {
        let start = self.texts.len();
        let is_error = matches!(value, Value::Error);
        let is_shown = is_error || matches!(value, Value::Shown);
        read_shown(&mut self.xml, is_shown.then_some(&mut self.texts))?;
        match value {
            Value::Error if self.texts.len() == start => self.texts.push_str("#ERROR!"),
            Value::Shown | Value::Error => {}
            Value::Number(written) => style::push_written(&written, Style::Number, false, &mut self.texts),
            Value::Text(text) => self.texts.push_str(&text),
            Value::Time(period) => push_time(&period, &mut self.texts),
            Value::Boolean(is_true) => self.texts.push_str(if is_true { "TRUE" } else { "FALSE" }),
        }
        Ok(is_error)
    }
}

fn repeated(element: &BytesStart<'_>, name: &str) -> u32 {
    xml::raw(element, name).and_then(|n| n.parse().ok()).unwrap_or(1).max(1)
}

/// What a cell's element says.
enum Value {
    /// What it shows is its value.
    Shown,
    Error,
    Number(String),
    Text(String),
    Time(String),
    Boolean(bool),
}

impl Value {
    fn of(element: &BytesStart<'_>) -> Self {
        let value = |name| xml::text(element, name);
        if xml::raw(element, "calcext:value-type") == Some("error") {
            return Self::Error;
        }
        match xml::raw(element, "office:value-type") {
            Some("float" | "percentage" | "currency") => value("office:value").map(Self::Number),
            Some("date") => value("office:date-value").map(Self::Text),
            Some("time") => value("office:time-value").map(Self::Time),
            Some("boolean") => value("office:boolean-value").map(|value| Self::Boolean(value == "true")),
            Some("string") => value("office:string-value").map(Self::Text),
            _ => None,
        }
        .unwrap_or(Self::Shown)
    }
}

/// Reads up to the cell's end. What it shows, without notes, is appended to `text`, if that is wanted, and no further
/// than a row can hold.
fn read_shown(xml: &mut Xml<'_>, mut text: Option<&mut String>) -> Result<(), InputError> {
    let (mut paragraphs, mut in_paragraph, mut notes, mut tables) = (0, 0_u32, 0_u32, 0_u32);
    loop {
        if text.as_ref().is_some_and(|text| text.len() > MAX_RECORD_BYTES) {
            return Ok(());
        }
        let event = xml.next()?;
        match &event {
            Event::Start(element) => match element.local_name().as_ref() {
                "annotation" => notes += 1,
                "table" => tables += 1,
                "p" | "h" if notes == 0 => {
                    if paragraphs > 0 && in_paragraph == 0 {
                        push(&mut text, "\n");
                    }
                    paragraphs += 1;
                    in_paragraph += 1;
                }
                "s" if in_paragraph > 0 => {
                    let count = repeated(element, "text:c").min(1_000) as usize;
                    push(&mut text, &" ".repeat(count));
                }
                "tab" if in_paragraph > 0 => push(&mut text, "\t"),
                "line-break" if in_paragraph > 0 => push(&mut text, "\n"),
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "annotation" => notes = notes.saturating_sub(1),
                "table" => tables = tables.saturating_sub(1),
                "p" | "h" if notes == 0 => in_paragraph = in_paragraph.saturating_sub(1),
                "table-cell" | "covered-table-cell" if tables == 0 => return Ok(()),
                _ => {}
            },
            Event::Eof => return Err(xml.cut_short()),
            piece if in_paragraph > 0 && notes == 0 => {
                if let Some(text) = text.as_deref_mut() {
                    xml::push(piece, text);
                }
            }
            _ => {}
        }
    }
}

fn push(text: &mut Option<&mut String>, piece: &str) {
    if let Some(text) = text {
        text.push_str(piece);
    }
}

/// `PT13H30M05.5S` as `13:30:05.5`; what is no such period stays as it is.
fn push_time(period: &str, text: &mut String) {
    let parts = || {
        let rest = period.strip_prefix("PT")?;
        let (hours, rest) = rest.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let seconds = rest.strip_suffix('S')?.replace(',', ".");
        let seconds = seconds.split_once('.').map_or(seconds.clone(), |(whole, part)| {
            let part = part.trim_end_matches('0');
            if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
        });
        Some(format!("{hours:0>2}:{minutes:0>2}:{seconds:0>2}"))
    };
    text.push_str(&parts().unwrap_or_else(|| period.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_clocks() {
        for (period, text) in [
            ("PT13H30M00S", "13:30:00"),
            ("PT01H02M03.500S", "01:02:03.5"),
            ("PT27H00M00,0000S", "27:00:00"),
            ("P1D", "P1D"),
        ] {
            let mut got = String::new();
            push_time(period, &mut got);
            assert_eq!(got, text);
        }
    }
}
