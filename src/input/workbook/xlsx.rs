//! `.xlsx` and `.xlsm` (ECMA-376 part 1, §18), in the transitional form and the strict one.

mod sheet;
mod text;

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};

use self::{
    sheet::XlsxCells,
    text::{read_rich_text, unescape_from},
};
use super::{
    cells::Sheet,
    office::{self, Contents, Format, Parts, Relationships},
    room::Room,
    strings::Strings,
    style::Style,
    xml::{self, Xml},
};
use crate::{
    cancel::CancelToken,
    input::{archive::Zip, error::InputError},
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
        Ok(XlsxCells::new(xml, &parts.strings, &parts.styles, parts.is_1904))
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
