//! A sheet, a cell at a time: the row that was read last is held, for as often as it is repeated.

use quick_xml::events::{BytesStart, Event};

use super::{CONTENT, end_table};
use crate::input::{
    MAX_RECORD_BYTES,
    error::{InputError, Unit},
    workbook::{
        WorkbookError,
        cells::{Cells, Found},
        style::{self, Style},
        xml::{self, Xml},
    },
};

/// More than any program makes.
const MAX_ROWS: u32 = 1 << 24;
const MAX_CELLS: u32 = 1 << 16;

/// The cells of one sheet.
pub(in crate::input::workbook) struct OdsCells<'w> {
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
    pub(super) const fn new(xml: Xml<'w>) -> Self {
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

    /// The part behind the table's end.
    pub(super) fn ended(mut self) -> Result<Xml<'w>, InputError> {
        if !self.has_ended {
            end_table(&mut self.xml)?;
        }
        Ok(self.xml)
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
