//! A ZIP archive behind the guard.

use std::io::{self, Read, Seek, SeekFrom};

use ::zip::{CompressionMethod, ZipArchive, read::ZipFile, result::ZipError};
use memchr::memmem;

use super::{ArchiveError, UnpackLimits};
use crate::input::{
    error::InputError,
    source::{Source, read_full},
};

/// What the end of a ZIP can be long: its record and the longest comment.
const TAIL_BYTES: u64 = 22 + 0xffff;

/// An archive whose directory was read and checked.
pub(in crate::input) struct Zip {
    archive: ZipArchive<Box<dyn Source>>,
    /// Its files and folders, in its order.
    pub entries: Vec<Entry>,
}

/// One file or folder.
pub(in crate::input) struct Entry {
    /// With `/` between folders.
    pub name: String,
    /// Unpacked, as declared.
    pub size: u64,
    pub is_folder: bool,
}

/// One file while it is unpacked.
pub(in crate::input) struct Part<'z> {
    file: ZipFile<'z, Box<dyn Source>>,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it is larger than the archive says")
        })?;
        Ok(count)
    }
}

impl Zip {
    /// Reads the directory.
    pub(in crate::input) fn open(
        mut source: Box<dyn Source>,
        limits: &UnpackLimits,
    ) -> Result<Self, InputError> {
        let length = source.seek(SeekFrom::End(0))?;
        limits.check_files(count_files(&mut source, length)?)?;
        source.rewind()?;
        let archive = ZipArchive::new(source).map_err(|error| failed(error, ""))?;
        limits.check_files(archive.len() as u64)?;
        let (mut entries, mut total) = (Vec::with_capacity(archive.len()), 0_u64);
        for n in 0..archive.len() {
            let entry = archive.by_index_data(n).map_err(|error| failed(error, ""))?;
            let name = entry.name().map_err(|error| failed(error, ""))?.replace('\\', "/");
            check(&name, entry.encrypted(), entry.compression())?;
            total = total.saturating_add(entry.size());
            limits.check_size(total)?;
            limits.check_ratio(&name, entry.size(), entry.compressed_size())?;
            entries.push(Entry {
                size: entry.size(),
                is_folder: entry.is_dir() || name.ends_with('/'),
                name,
            });
        }
        // Several entries may share the same packed bytes.
        limits.check_ratio("The archive", total, length)?;
        Ok(Self { archive, entries })
    }

    /// The place of a file, whatever the case of its letters: writers of workbooks differ in it.
    pub(in crate::input) fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim_start_matches('/');
        self.entries.iter().position(|entry| entry.name.trim_start_matches('/').eq_ignore_ascii_case(name))
    }

    /// Unpacks a file while it is read.
    pub(in crate::input) fn read(&mut self, n: usize) -> Result<Part<'_>, InputError> {
        let (name, left) = (self.entries[n].name.clone(), self.entries[n].size);
        let file = self.archive.by_index(n).map_err(|error| failed(error, &name))?;
        Ok(Part { file, left })
    }
}

fn check(name: &str, is_encrypted: bool, method: CompressionMethod) -> Result<(), ArchiveError> {
    let file = || name.to_owned();
    let leads_out = name.starts_with('/')
        || name.as_bytes().get(1) == Some(&b':')
        || name.contains('\0')
        || name.split('/').any(|part| part == "..");
    if leads_out {
        return Err(ArchiveError::Outside { file: file() });
    }
    if is_encrypted {
        return Err(ArchiveError::Encrypted { file: file() });
    }
    if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(ArchiveError::Method { file: file() });
    }
    Ok(())
}

/// What is wrong with the archive, or with the bytes that it comes from.
fn failed(error: ZipError, file: &str) -> InputError {
    let file = || file.to_owned();
    match error {
        ZipError::Io(error) => unpacking(error),
        ZipError::InvalidPassword => ArchiveError::Encrypted { file: file() }.into(),
        ZipError::CompressionMethodNotSupported(_) => ArchiveError::Method { file: file() }.into(),
        other => ArchiveError::zip(&other).into(),
    }
}

/// An error while unpacking: of the archive's bytes, or of the store that they come from.
pub(in crate::input) fn unpacking(error: io::Error) -> InputError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            ArchiveError::zip(&error).into()
        }
        _ => InputError::Io(error),
    }
}

/// How many files the archive says it has. Asked before its directory is read, since that is held in memory.
fn count_files(source: &mut Box<dyn Source>, length: u64) -> Result<u64, InputError> {
    let tail_at = length.saturating_sub(TAIL_BYTES);
    source.seek(SeekFrom::Start(tail_at))?;
    let mut tail = vec![0; usize::try_from(length - tail_at).unwrap_or_default()];
    let filled = read_full(source, &mut tail)?;
    tail.truncate(filled);
    // A comment may hold what looks like another end: the largest count is the one to fear.
    let mut most = None;
    for at in memmem::find_iter(&tail, b"PK\x05\x06") {
        let Some(count) = number::<2>(&tail, at + 10) else { continue };
        // Where a ZIP64 end is named before it, readers may go by that, for more than this count.
        let count = count_of_zip64(source, &tail, at)?.map_or(count, |count64| count64.max(count));
        most = most.max(Some(count));
    }
    most.ok_or_else(|| ArchiveError::zip(&"its directory is missing, as if it was not sent whole").into())
}

/// The count of the ZIP64 end that is named before the end at `end_at`; `None`: none is named.
fn count_of_zip64(
    source: &mut Box<dyn Source>,
    tail: &[u8],
    end_at: usize,
) -> Result<Option<u64>, InputError> {
    let locator = end_at.checked_sub(20).filter(|at| tail[*at..].starts_with(b"PK\x06\x07"));
    let Some(record_at) = locator.and_then(|at| number::<8>(tail, at + 8)) else { return Ok(None) };
    let mut record = [0; 40];
    source.seek(SeekFrom::Start(record_at))?;
    let filled = read_full(source, &mut record)?;
    let count = number::<8>(&record[..filled], 32).filter(|_| record.starts_with(b"PK\x06\x06"));
    // Without a number that says so, what stands there looks like a ZIP64 end by accident.
    let fields = tail.get(end_at + 4..end_at + 20).unwrap_or_default();
    let is_meant = fields.chunks_exact(2).any(|field| field == [0xff, 0xff]);
    if count.is_none() && is_meant {
        return Err(ArchiveError::zip(&"its directory is not where it should be").into());
    }
    Ok(count)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let mut little_endian = [0; 8];
    little_endian[..N].copy_from_slice(bytes.get(at..at + N)?);
    Some(u64::from_le_bytes(little_endian))
}
