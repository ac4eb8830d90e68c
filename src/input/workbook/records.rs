//! The records of an `.xls`: a kind, a length of 16 bits, and what does not fit continues in records of
//! kind `CONTINUE` ([MS-XLS] §2.4.58).

use std::io::{BufReader, Read, Seek, SeekFrom};

use cfb::{CompoundFile, Stream};
use encoding_rs::Encoding;

use super::{WorkbookError, biff, reading};
use crate::{
    cancel::CancelToken,
    input::{
        error::InputError,
        source::{Source, read_full},
    },
};

const BUFFER: usize = 64 * 1024;
const CONTINUE: u16 = 0x003c;

/// Reads records, and what stands in the one at hand.
pub(super) struct Records {
    source: BufReader<Stream<Box<dyn Source>>>,
    data: Vec<u8>,
    at: usize,
    name: &'static str,
    cancel: CancelToken,
}

impl Records {
    pub(super) fn open(
        compound: &mut CompoundFile<Box<dyn Source>>,
        name: &'static str,
        start: u64,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let mut stream = compound.open_stream(name).map_err(|error| reading(name, &error))?;
        stream.seek(SeekFrom::Start(start)).map_err(|error| reading(name, &error))?;
        let source = BufReader::with_capacity(BUFFER, stream);
        Ok(Self { source, data: Vec::new(), at: 0, name, cancel: cancel.clone() })
    }

    /// Reads the next record; `None`: there is none.
    pub(super) fn next(&mut self) -> Result<Option<u16>, InputError> {
        self.cancel.check()?;
        let mut head = [0; 4];
        let filled = read_full(&mut self.source, &mut head).map_err(|error| reading(self.name, &error))?;
        if filled == 0 {
            return Ok(None);
        }
        let [kind_low, kind_high, low, high] = head;
        self.data.resize(u16::from_le_bytes([low, high]).into(), 0);
        let read = self.source.read_exact(&mut self.data);
        read.map_err(|error| reading(self.name, &error))?;
        self.at = 0;
        Ok(Some(u16::from_le_bytes([kind_low, kind_high])))
    }

    /// How many bytes of the record were not taken.
    pub(super) fn left(&self) -> usize {
        self.data.len() - self.at
    }

    pub(super) fn u8(&mut self) -> Result<u8, InputError> {
        Ok(self.bytes::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, InputError> {
        Ok(u16::from_le_bytes(self.bytes()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, InputError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// Takes bytes, those of the records that continue this one too.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], InputError> {
        let mut taken = [0; N];
        for byte in &mut taken {
            if self.left() == 0 {
                self.go_on()?;
            }
            *byte = self.data[self.at];
            self.at += 1;
        }
        Ok(taken)
    }

    fn go_on(&mut self) -> Result<(), InputError> {
        while self.left() == 0 {
            if self.next()? != Some(CONTINUE) {
                return Err(
                    WorkbookError::damaged(self.name, &"a record is shorter than it should be").into()
                );
            }
        }
        Ok(())
    }

    fn skip(&mut self, mut count: usize) -> Result<(), InputError> {
        while count > 0 {
            if self.left() == 0 {
                self.go_on()?;
            }
            let here = count.min(self.left());
            self.at += here;
            count -= here;
        }
        Ok(())
    }

    /// Appends a text whose length has 8 or 16 bits: in `encoding`, or since Excel 97 in UTF-16 or the half
    /// of it.
    pub(super) fn push_string(
        &mut self,
        encoding: Option<&'static Encoding>,
        is_short: bool,
        text: &mut String,
    ) -> Result<(), InputError> {
        let length = if is_short { self.u8()?.into() } else { self.u16()?.into() };
        let Some(encoding) = encoding else {
            let flags = self.u8()?;
            return self.push_characters(length, flags, text);
        };
        let end = (self.at + length).min(self.data.len());
        text.push_str(&encoding.decode_without_bom_handling(&self.data[self.at..end]).0);
        self.at = end;
        Ok(())
    }

    /// Appends a text that may have formats and furigana, and leaves those out.
    pub(super) fn push_rich_string(&mut self, text: &mut String) -> Result<(), InputError> {
        const HAS_PHONETIC: u8 = 4;
        const HAS_RUNS: u8 = 8;
        let (length, flags) = (self.u16()?.into(), self.u8()?);
        let runs = if flags & HAS_RUNS == 0 { 0 } else { usize::from(self.u16()?) * 4 };
        let phonetic = if flags & HAS_PHONETIC == 0 { 0 } else { self.u32()? as usize };
        self.push_characters(length, flags, text)?;
        self.skip(runs)?;
        self.skip(phonetic)
    }

    /// Each record that continues a text says anew how it is written.
    fn push_characters(
        &mut self,
        mut count: usize,
        mut flags: u8,
        text: &mut String,
    ) -> Result<(), InputError> {
        const IS_WIDE: u8 = 1;
        let mut wide = Vec::new();
        while count > 0 {
            if self.left() == 0 {
                self.go_on()?;
                flags = self.u8()?;
                continue;
            }
            if flags & IS_WIDE == 0 {
                let here = count.min(self.left());
                // The lower half of UTF-16: Latin-1.
                wide.extend(self.data[self.at..self.at + here].iter().flat_map(|byte| [*byte, 0]));
                self.at += here;
                count -= here;
            } else {
                let here = count.min(self.left() / 2);
                wide.extend_from_slice(&self.data[self.at..self.at + here * 2]);
                self.at += here * 2;
                count -= here;
                // Half a unit at a record's end is damage: the rest of the record is left.
                if here == 0 {
                    self.at = self.data.len();
                }
            }
        }
        biff::push_utf16(&wide, text);
        Ok(())
    }
}
