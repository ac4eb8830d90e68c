//! Text in an encoding whose bytes can't be cut into cells as they stand (UTF-16, `Shift_JIS`, …), as UTF-8.
//!
//! What is nothing in that encoding becomes the byte `FF`, one for each of its bytes: never valid in UTF-8,
//! it is replaced and counted with its line like any undecodable byte, further on.

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding};

use super::{detect::SAMPLE_BYTES, source::read_some};

/// A source in an encoding that cells can be cut from: as it stands, or decoded.
pub(super) enum Text<R> {
    Plain(R),
    Decoded(Box<Decoded<R>>),
}

/// Decodes while it is read.
pub(super) struct Decoded<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    at: usize,
    end: usize,
    ended: bool,
    text: Vec<u8>,
    given: usize,
    made: usize,
    done: bool,
}

impl<R: Read + Seek> Text<R> {
    /// From the byte `at` on, decoded from `decode` when that is needed.
    pub(super) fn start(mut source: R, at: u64, decode: Option<&'static Encoding>) -> io::Result<Self> {
        source.seek(SeekFrom::Start(at))?;
        let Some(encoding) = decode else { return Ok(Self::Plain(source)) };
        Ok(Self::Decoded(Box::new(Decoded {
            source,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; SAMPLE_BYTES],
            at: 0,
            end: 0,
            ended: false,
            text: vec![0; SAMPLE_BYTES],
            given: 0,
            made: 0,
            done: false,
        })))
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Decoded(decoded) => decoded.read(buffer),
        }
    }
}

impl<R: Read> Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.made && !self.done {
            self.fill()?;
        }
        let count = buffer.len().min(self.made - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at == self.end && !self.ended {
            self.end = read_some(&mut self.source, &mut self.raw)?;
            (self.at, self.ended) = (0, self.end == 0);
        }
        let (result, taken, made) = self.decoder.decode_to_utf8_without_replacement(
            &self.raw[self.at..self.end],
            &mut self.text,
            self.ended,
        );
        self.at += taken;
        (self.given, self.made) = (0, made);
        match result {
            DecoderResult::InputEmpty => self.done = self.ended,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(bad, _) => {
                // The decoder keeps room for a character that it did not write.
                self.text.truncate(made);
                self.text.resize(made + usize::from(bad), 0xff);
                self.made = self.text.len();
                self.text.resize(self.made.max(SAMPLE_BYTES), 0);
            }
        }
        Ok(())
    }
}

/// `head` as text, when all of it is text in `encoding`; a character that is cut at its end does not count.
pub(super) fn decoded(head: &[u8], encoding: &'static Encoding) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(head.len())?);
    let (result, _, replaced) = decoder.decode_to_string(head, &mut text, false);
    (result == CoderResult::InputEmpty && !replaced).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn all(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
        let mut out = Vec::new();
        let mut text = Text::start(Cursor::new(bytes.to_vec()), 0, Some(encoding)).unwrap();
        let mut small = [0; 7];
        loop {
            match text.read(&mut small).unwrap() {
                0 => return out,
                n => out.extend(&small[..n]),
            }
        }
    }

    #[test]
    fn characters_are_whole_wherever_the_chunks_end() {
        for pad in 0..3 {
            let text = "x".repeat(pad) + &"Größe 🎁,\n".repeat(20_000);
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert!(all(&bytes, encoding_rs::UTF_16BE) == text.as_bytes(), "{pad}");
        }
    }

    #[test]
    fn what_is_nothing_becomes_ff_for_each_byte() {
        // A half of a pair, and an odd byte at the end.
        assert_eq!(all(b"a\0\x3d\xd8b\0\xff", encoding_rs::UTF_16LE), b"a\xff\xffb\xff");
        assert_eq!(
            all(b"\x83\x5c|\x81", encoding_rs::SHIFT_JIS),
            "ソ|".bytes().chain([0xff]).collect::<Vec<_>>()
        );
    }
}
