//! The XML of a workbook's parts, an element at a time.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::{
    Reader,
    escape::{resolve_xml_entity, unescape},
    events::{BytesRef, BytesStart, Event},
};

use super::WorkbookError;
use crate::{
    cancel::{CancelToken, Cancelled},
    input::{MAX_RECORD_BYTES, archive::Part, error::InputError},
};

const BUFFER: usize = 64 * 1024;
/// How deep elements may stand in one another: the names of those that are open are held in memory.
const MAX_DEPTH: u32 = 256;
/// How long those names may be.
const MAX_NAME: usize = 1024;
/// How many steps go by between two looks at the token, which may look at the clock.
const STEPS: u32 = 32;

/// Reads a part. Names are compared without their prefix, which every writer chooses for itself.
pub(super) struct Xml<'z> {
    reader: Reader<Bounded<Part<'z>>>,
    buffer: Vec<u8>,
    name: String,
    depth: u32,
    steps: u32,
    cancel: CancelToken,
}

impl<'z> Xml<'z> {
    pub(super) fn new(part: Part<'z>, name: &str, cancel: &CancelToken) -> Self {
        let source = Bounded { source: BufReader::with_capacity(BUFFER, part), taken: 0 };
        let mut reader = Reader::from_reader(source);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        Self { reader, buffer: Vec::new(), name: name.to_owned(), depth: 0, steps: 0, cancel: cancel.clone() }
    }

    /// The next element, end of one, or piece of text.
    pub(super) fn next(&mut self) -> Result<Event<'_>, InputError> {
        self.step()?;
        self.buffer.clear();
        self.reader.get_mut().taken = 0;
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) => super::reading(&self.name, &error),
            error => WorkbookError::damaged(&self.name, &error).into(),
        })?;
        match &event {
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    let reason = format!("its elements stand more than {MAX_DEPTH} deep in one another");
                    return Err(WorkbookError::damaged(&self.name, &reason).into());
                }
                if element.name().as_ref().len() > MAX_NAME {
                    let reason = format!("the name of an element is longer than {MAX_NAME} bytes");
                    return Err(WorkbookError::damaged(&self.name, &reason).into());
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event)
    }

    /// Counts a step of whoever reads it: now and then it is asked whether to go on.
    pub(super) fn step(&mut self) -> Result<(), Cancelled> {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS) { self.cancel.check() } else { Ok(()) }
    }

    pub(super) fn cut_short(&self) -> InputError {
        WorkbookError::damaged(&self.name, &"it ends before its end").into()
    }
}

/// The value of an attribute as it stands, without entities resolved: numbers, references, ids.
pub(super) fn raw<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<&'e str> {
    let mut rest = element.attributes_raw();
    loop {
        let (key, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, next) = behind[1..].split_once(quote)?;
        if is_named(key.trim(), name) {
            return Some(value);
        }
        rest = next;
    }
}

fn is_named(key: &str, name: &str) -> bool {
    key.strip_suffix(name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with(':'))
}

/// The value of an attribute as text.
pub(super) fn text(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = raw(element, name)?;
    Some(unescape(value).map_or_else(|_| value.to_owned(), Into::into))
}

pub(super) fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("1" | "true" | "on"))
}

/// Appends what an event says of the text around it; elements say nothing.
pub(super) fn push(event: &Event<'_>, text: &mut String) {
    match event {
        Event::Text(piece) => text.push_str(&piece.xml10_content()),
        Event::CData(piece) => text.push_str(&piece.xml10_content()),
        Event::GeneralRef(entity) => push_entity(entity, text),
        _ => {}
    }
}

fn push_entity(entity: &BytesRef<'_>, text: &mut String) {
    if let Some(known) = resolve_xml_entity(entity) {
        text.push_str(known);
    } else if let Ok(Some(c)) = entity.resolve_char_ref() {
        text.push(c);
    } else {
        text.push(char::REPLACEMENT_CHARACTER);
    }
}

/// What one element or piece of text takes at most: a little more than a row may, so that a row too large is told by
/// its number, and no more than a buffer holds that doubles up to 16 MiB.
const MAX_PIECE_BYTES: usize = MAX_RECORD_BYTES + 512 * 1024;

/// A source of which one element or piece of text takes no more than that.
struct Bounded<R> {
    source: BufReader<R>,
    taken: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > MAX_PIECE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "one element is larger than a row can be",
            ));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken += count;
        self.source.consume(count);
    }
}
