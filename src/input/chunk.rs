//! The bytes of a file, a chunk at a time: NUL bytes taken out, line ends counted.

use std::{collections::VecDeque, io::Read};

use memchr::memchr_iter;

use super::{detect::SAMPLE_BYTES, error::InputError, source::read_some};
use crate::cancel::{CancelToken, Cancelled};

/// One chunk in memory and where it stands in the file.
pub(super) struct Chunks<R> {
    source: R,
    cancel: CancelToken,
    buffer: Vec<u8>,
    /// What of the buffer is not consumed yet.
    at: usize,
    end: usize,
    ended: bool,
    /// The line of the next byte.
    line: u64,
    /// The byte before the next was `\r`: a `\n` is not another line.
    after_cr: bool,
    /// That line has bytes before the next.
    line_begun: bool,
    /// Where in the buffer NULs were taken out, and how many.
    nuls: VecDeque<(usize, u64)>,
    /// Those that were passed and nobody asked about yet.
    passed_nuls: u64,
}

impl<R: Read> Chunks<R> {
    pub(super) fn new(source: R, cancel: CancelToken) -> Self {
        Self {
            source,
            cancel,
            buffer: vec![0; SAMPLE_BYTES],
            at: 0,
            end: 0,
            ended: false,
            line: 1,
            after_cr: false,
            line_begun: false,
            nuls: VecDeque::new(),
            passed_nuls: 0,
        }
    }

    /// For loops over what is at hand.
    pub(super) fn check(&self) -> Result<(), Cancelled> {
        self.cancel.check()
    }

    /// The bytes at hand; empty: ask for [`more`](Self::more).
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// The last `n` bytes that were passed: at hand until [`more`](Self::more) is asked for.
    pub(super) fn behind(&self, n: usize) -> &[u8] {
        &self.buffer[self.at - n..self.at]
    }

    /// The line of the next byte, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// How many lines were passed, a last one without a line end included.
    pub(super) fn lines(&self) -> u64 {
        self.line - 1 + u64::from(self.line_begun)
    }

    /// The NUL bytes taken out of what was consumed since the last call.
    pub(super) fn take_nuls(&mut self) -> u64 {
        std::mem::take(&mut self.passed_nuls)
    }

    /// Reads the next chunk when nothing is at hand. `false`: the file has ended.
    pub(super) fn more(&mut self) -> Result<bool, InputError> {
        while self.at == self.end && !self.ended {
            (self.at, self.end) = (0, 0);
            // NULs behind the last byte stand before the first of the next chunk.
            self.nuls.iter_mut().for_each(|(place, _)| *place = 0);
            self.fetch()?;
        }
        let ended = self.at == self.end;
        if ended {
            self.passed_nuls += self.nuls.drain(..).map(|(_, count)| count).sum::<u64>();
        }
        Ok(!ended)
    }

    /// Has a whole sample at hand, or the whole rest of the file; answers whether it is that.
    pub(super) fn preload(&mut self) -> Result<bool, InputError> {
        while self.end - self.at < SAMPLE_BYTES && !self.ended {
            self.buffer.resize(self.end + SAMPLE_BYTES, 0);
            self.fetch()?;
        }
        Ok(self.ended)
    }

    fn fetch(&mut self) -> Result<(), InputError> {
        self.cancel.check()?;
        let fresh = self.end;
        match read_some(&mut self.source, &mut self.buffer[fresh..])? {
            0 => self.ended = true,
            n => self.end = fresh + n,
        }
        if self.buffer[fresh..self.end].contains(&0) {
            self.take_nuls_out(fresh);
        }
        Ok(())
    }

    fn take_nuls_out(&mut self, fresh: usize) {
        let mut to = fresh;
        for from in fresh..self.end {
            match (self.buffer[from], self.nuls.back_mut()) {
                (0, Some((place, count))) if *place == to => *count += 1,
                (0, _) => self.nuls.push_back((to, 1)),
                (byte, _) => {
                    self.buffer[to] = byte;
                    to += 1;
                }
            }
        }
        self.end = to;
    }

    /// Goes past `n` bytes of [`rest`](Self::rest).
    pub(super) fn consume(&mut self, n: usize) {
        let passed = &self.buffer[self.at..self.at + n];
        let Some(last) = passed.last() else { return };
        self.line += line_ends(passed, self.after_cr);
        self.after_cr = *last == b'\r';
        self.line_begun = !matches!(last, b'\r' | b'\n');
        self.at += n;
        while let Some((_, count)) = self.nuls.pop_front_if(|(place, _)| *place < self.at) {
            self.passed_nuls += count;
        }
    }

    /// Goes past line ends. `false`: the file ended with them.
    pub(super) fn skip_blank_lines(&mut self) -> Result<bool, InputError> {
        loop {
            match self.rest().iter().position(|b| !matches!(b, b'\r' | b'\n')) {
                Some(0) => return Ok(true),
                Some(n) => self.consume(n),
                None => {
                    self.consume(self.rest().len());
                    if !self.more()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Goes to the first byte of `line`, whatever stands before it. `false`: the file has fewer lines.
    pub(super) fn skip_to_line(&mut self, line: u64) -> Result<bool, InputError> {
        while self.line < line {
            if !self.more()? {
                return Ok(false);
            }
            let end = self.rest().iter().position(|b| matches!(b, b'\r' | b'\n'));
            self.consume(end.map_or(self.rest().len(), |end| end + 1));
        }
        // The second half of a `\r\n` belongs to the line before.
        if self.more()? && self.after_cr && self.rest().first() == Some(&b'\n') {
            self.consume(1);
        }
        self.more()
    }
}

/// How many lines end in `bytes`. A `\r\n` that is cut between two calls ends its line at the `\r`.
fn line_ends(bytes: &[u8], after_cr: bool) -> u64 {
    let cut = usize::from(after_cr && bytes.first() == Some(&b'\n'));
    let feeds = memchr_iter(b'\n', bytes).count() - cut;
    let lone_returns = memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count();
    (feeds + lone_returns) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        for (bytes, lines) in
            [("", 0), ("a\nb\n", 2), ("a\r\nb\r\n", 2), ("a\rb\r", 2), ("\n\r\n\r\r\n", 4), ("\r\r\n\n", 3)]
        {
            assert_eq!(line_ends(bytes.as_bytes(), false), lines, "{bytes:?}");
            // The same, a byte at a time.
            let mut chunks = Chunks::new(bytes.as_bytes(), CancelToken::new());
            while chunks.more().unwrap() {
                chunks.consume(1);
            }
            assert_eq!(chunks.line(), lines + 1, "{bytes:?}");
        }
    }

    #[test]
    fn nuls_are_taken_out_and_told_where_they_were() {
        let mut chunks = Chunks::new(b"\0ab\0\0c\0".as_slice(), CancelToken::new());
        assert!(chunks.more().unwrap());
        assert_eq!(chunks.rest(), b"abc");
        assert_eq!(chunks.take_nuls(), 0);
        chunks.consume(1);
        assert_eq!(chunks.take_nuls(), 1);
        chunks.consume(1);
        assert_eq!(chunks.take_nuls(), 0, "the two stand before the c");
        chunks.consume(1);
        assert_eq!(chunks.take_nuls(), 2);
        assert!(!chunks.more().unwrap());
        assert_eq!(chunks.take_nuls(), 1, "the last stands before the end");
    }

    #[test]
    fn a_file_of_nuls_ends() {
        let mut chunks = Chunks::new(std::io::repeat(0).take(200_000), CancelToken::new());
        assert!(!chunks.more().unwrap());
        assert_eq!(chunks.take_nuls(), 200_000);
    }

    #[test]
    fn lines_are_skipped_by_their_number() {
        for text in ["x\ny\nz", "x\r\ny\r\nz", "x\ry\rz"] {
            let mut chunks = Chunks::new(text.as_bytes(), CancelToken::new());
            assert!(chunks.skip_to_line(3).unwrap());
            assert_eq!((chunks.rest(), chunks.line()), (b"z".as_slice(), 3), "{text:?}");
            assert!(!chunks.skip_to_line(4).unwrap());
        }
    }

    #[test]
    fn a_set_token_stops_the_reading() {
        let cancel = CancelToken::new();
        let mut chunks = Chunks::new(b"abc".as_slice(), cancel.clone());
        cancel.cancel();
        assert!(matches!(chunks.more(), Err(InputError::Cancelled)));
    }
}
