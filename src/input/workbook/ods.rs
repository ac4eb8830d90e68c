//! `.ods` (`OpenDocument` 1.3 part 3, §9): all sheets stand in one part, one behind the other.
//!
//! Equal rows and cells are written once with a number. They are given out that often, one at a time: a
//! number is written more easily than a million rows are held.
//!
//! Which sheets have a header is found out in one pass over the part. A run reads it once more for each sheet, up to
//! its end: that takes as long as it takes, and is what the run's time is for.

mod sheet;

use quick_xml::events::Event;

use self::sheet::OdsCells;
use super::{
    WorkbookError,
    cells::Sheet,
    office,
    room::Room,
    sheet::SheetReader,
    xml::{self, Xml},
};
use crate::{
    cancel::CancelToken,
    connector::InputOptions,
    input::{
        archive::{Given, Zip},
        error::InputError,
    },
};

const CONTENT: &str = "content.xml";

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
            xml = cells.ended().map_err(within)?;
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
