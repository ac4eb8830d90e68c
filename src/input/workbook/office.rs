//! What `.xlsx` and `.xlsb` share: parts that name other parts by relationships (ECMA-376 part 2, §9.3).

use quick_xml::events::Event;

use super::{
    WorkbookError,
    cells::Sheet,
    room::Room,
    strings::Strings,
    style::Style,
    xml::{self, Xml},
};
use crate::{
    cancel::CancelToken,
    input::{archive::Zip, error::InputError},
};

/// A part that another one names.
pub(super) struct Relationship {
    id: String,
    kind: String,
    target: String,
}

/// The relationships of one part.
pub(super) struct Relationships(Vec<Relationship>);

impl Relationships {
    /// Those of `part`; of the package itself where that is empty.
    pub(super) fn of(
        zip: &mut Zip,
        part: &str,
        room: &mut Room,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let (folder, name) = split(part);
        let path = format!("{folder}_rels/{name}.rels");
        let mut found = Vec::new();
        let Some(at) = zip.find(&path) else { return Ok(Self(found)) };
        let mut xml = Xml::new(zip.read(at)?, &path, cancel);
        loop {
            match xml.next()? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    let value = |name| xml::text(&element, name).unwrap_or_default();
                    if value("TargetMode") != "External" {
                        let target = resolved(folder, &value("Target"));
                        let (id, kind) = (value("Id"), value("Type"));
                        let bytes = id.len() + kind.len() + target.len() + size_of::<Relationship>();
                        room.take("relationships", bytes)?;
                        found.push(Relationship { id, kind, target });
                    }
                }
                Event::Eof => return Ok(Self(found)),
                _ => {}
            }
        }
    }

    /// The part that an id names, when it is of this kind: the last word of its type.
    pub(super) fn named(&self, id: &str, kind: &str) -> Option<&str> {
        self.0.iter().find(|rel| rel.id == id && is(&rel.kind, kind)).map(|rel| rel.target.as_str())
    }

    /// The first part of a kind.
    pub(super) fn first(&self, kind: &str) -> Option<&str> {
        self.0.iter().find(|rel| is(&rel.kind, kind)).map(|rel| rel.target.as_str())
    }
}

fn is(kind: &str, word: &str) -> bool {
    kind.rsplit('/').next() == Some(word)
}

/// The folder with its `/`, and the name.
fn split(part: &str) -> (&str, &str) {
    part.split_at(part.rfind('/').map_or(0, |at| at + 1))
}

/// Where a target lies that is named from within `folder`.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let path = if target.starts_with('/') { target } else { format!("{folder}{target}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The part that the workbook is, where its package does not put it elsewhere.
fn workbook_part(
    zip: &mut Zip,
    default: &str,
    room: &mut Room,
    cancel: &CancelToken,
) -> Result<String, InputError> {
    let of_package = Relationships::of(zip, "", room, cancel)?;
    Ok(of_package.first("officeDocument").unwrap_or(default).to_owned())
}

/// A part that must be there.
pub(super) fn part(zip: &Zip, path: &str) -> Result<usize, WorkbookError> {
    zip.find(path).ok_or_else(|| WorkbookError::damaged(path, &"it is missing"))
}

/// What a number format of its own takes in memory, about.
pub(super) const FORMAT_BYTES: usize = 16;

/// What both formats keep of an open workbook: styles and shared strings are read, sheets are not.
pub(super) struct Parts {
    pub zip: Zip,
    pub sheets: Vec<Sheet>,
    pub strings: Strings,
    pub styles: Vec<Style>,
    pub is_1904: bool,
}

/// The sheets, and whether days count from 1904.
pub(super) type Contents = Result<(Vec<Sheet>, bool), InputError>;

/// How a cell of each style is shown.
pub(super) type Styles = Result<Vec<Style>, InputError>;

/// How a format's parts are read.
pub(super) struct Format {
    /// The workbook, where its package does not put it elsewhere.
    pub workbook: &'static str,
    pub read_workbook: fn(&mut Zip, &str, &Relationships, &mut Room, &CancelToken) -> Contents,
    pub read_styles: fn(&mut Zip, &str, &mut Room, &CancelToken) -> Styles,
    pub read_strings: fn(&mut Zip, &str, &mut Strings, &CancelToken) -> Result<(), InputError>,
}

impl Parts {
    pub(super) fn open(
        mut zip: Zip,
        format: &Format,
        mut room: Room,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let workbook = workbook_part(&mut zip, format.workbook, &mut room, cancel)?;
        let parts = Relationships::of(&mut zip, &workbook, &mut room, cancel)?;
        let (sheets, is_1904) = (format.read_workbook)(&mut zip, &workbook, &parts, &mut room, cancel)?;
        let styles = match parts.first("styles") {
            Some(path) => (format.read_styles)(&mut zip, path, &mut room, cancel)?,
            None => Vec::new(),
        };
        let mut strings = Strings::new(room);
        if let Some(path) = parts.first("sharedStrings") {
            (format.read_strings)(&mut zip, path, &mut strings, cancel)?;
        }
        Ok(Self { zip, sheets, strings, styles, is_1904 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_relative_to_who_names_them() {
        for (target, path) in [
            ("worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("../docProps/app.xml", "docProps/app.xml"),
            ("worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("../../../x.xml", "x.xml"),
        ] {
            assert_eq!(resolved("xl/", target), path);
        }
        assert_eq!(split("xl/workbook.xml"), ("xl/", "workbook.xml"));
        assert_eq!(split(""), ("", ""));
    }
}
