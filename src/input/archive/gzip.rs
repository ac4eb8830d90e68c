//! gzip of one text.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::Path,
};

use flate2::bufread::GzDecoder;

use super::{ArchiveError, UnpackLimits};
use crate::{
    cancel::CancelToken,
    input::{
        detect::{self, Content},
        error::InputError,
        source::{Source, read_full},
        warning::{Oddity, Warnings},
    },
};

const PIECE: usize = 256 * 1024;

/// Unpacks all members of the archive, one behind the other, into a new file. Bytes behind the last are left out,
/// with a warning unless they are padding.
pub(in crate::input) fn unpack(
    source: Box<dyn Source>,
    path: &Path,
    limits: &UnpackLimits,
    cancel: &CancelToken,
    warnings: &mut Warnings,
) -> Result<(), InputError> {
    let mut packed = Counted { source: BufReader::with_capacity(PIECE, source), count: 0 };
    let folder = path.parent().unwrap_or(path);
    let mut out = BufWriter::new(File::create(path)?);
    let (mut total, mut piece) = (0, vec![0; PIECE]);
    loop {
        let mut member = GzDecoder::new(&mut packed);
        loop {
            cancel.check()?;
            limits.check_space(folder)?;
            let filled = read_full(&mut member, &mut piece).map_err(damaged)?;
            if filled == 0 {
                break;
            }
            if total == 0 {
                check_content(&piece[..filled])?;
            }
            total += filled as u64;
            limits.check_size(total)?;
            limits.check_ratio("The gzip archive", total, member.get_ref().count)?;
            out.write_all(&piece[..filled])?;
        }
        let rest = packed.fill_buf()?;
        if !rest.starts_with(b"\x1f\x8b") {
            break;
        }
    }
    let garbage = rest(&mut packed, &mut piece, cancel)?;
    if garbage > 0 {
        warnings.add(None, Oddity::Trailing { bytes: garbage });
    }
    out.flush()?;
    Ok(())
}

fn check_content(head: &[u8]) -> Result<(), ArchiveError> {
    match detect::content(head) {
        Content::Text if !detect::is_binary(head) => Ok(()),
        Content::Text => Err(ArchiveError::GzipOf(detect::BINARY)),
        found => Err(ArchiveError::GzipOf(found)),
    }
}

/// How many bytes stand behind the last member; NULs that only fill it up do not count.
fn rest(packed: &mut impl Read, piece: &mut [u8], cancel: &CancelToken) -> Result<u64, InputError> {
    let (mut count, mut is_padding) = (0, true);
    loop {
        cancel.check()?;
        match read_full(packed, piece)? {
            0 => return Ok(if is_padding { 0 } else { count }),
            n => {
                count += n as u64;
                is_padding &= piece[..n].iter().all(|b| *b == 0);
            }
        }
    }
}

fn damaged(error: io::Error) -> InputError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::GzipTruncated.into(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            ArchiveError::Corrupt { kind: "gzip", reason: error.to_string() }.into()
        }
        _ => InputError::Io(error),
    }
}

/// Counts what was taken.
struct Counted<R> {
    source: BufReader<R>,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count += count as u64;
        self.source.consume(count);
    }
}
