//! How much may come out of an archive.

use std::path::Path;

use super::ArchiveError;
use crate::input::error::InputError;

/// Below this no ratio counts: a small file hurts nobody, and empty columns pack well.
const RATIO_FROM_BYTES: u64 = 16 * MB;
const MB: u64 = 1024 * 1024;

/// The server's limits; each has its key in the section `files` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Files in one archive or workbook.
    pub max_archive_files: u32,
    /// What all of them may be unpacked, MB.
    pub max_unpacked_mb: u32,
    /// How many times its size one of them may become.
    pub max_unpack_ratio: u32,
    /// What of a workbook may have to be held in memory, MB.
    pub max_workbook_memory_mb: u32,
    /// What must stay free on the disk that is unpacked to, MB: `engine.min_free_mb`.
    pub min_free_mb: u64,
}

impl UnpackLimits {
    pub(super) fn check_files(&self, found: u64) -> Result<(), ArchiveError> {
        let most = self.max_archive_files;
        if found > most.into() { Err(ArchiveError::TooManyFiles { found, most }) } else { Ok(()) }
    }

    pub(super) fn check_size(&self, bytes: u64) -> Result<(), ArchiveError> {
        let most_mb = self.max_unpacked_mb;
        if bytes > u64::from(most_mb) * MB { Err(ArchiveError::TooLarge { most_mb }) } else { Ok(()) }
    }

    /// Whether `packed` bytes may become `bytes`.
    pub(super) fn check_ratio(&self, file: &str, bytes: u64, packed: u64) -> Result<(), ArchiveError> {
        let (ratio, most) = (bytes / packed.max(1), self.max_unpack_ratio);
        if bytes > RATIO_FROM_BYTES && ratio > most.into() {
            return Err(ArchiveError::Ratio { file: file.to_owned(), ratio, most });
        }
        Ok(())
    }

    /// Whether the disk of `folder` has space for more. Asked for each piece that is unpacked.
    pub(super) fn check_space(&self, folder: &Path) -> Result<(), InputError> {
        let Ok(found) = rustix::fs::statvfs(folder) else { return Ok(()) };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if free >= self.min_free_mb.saturating_mul(MB) {
            return Ok(());
        }
        Err(InputError::NoSpace { min_free_mb: self.min_free_mb })
    }

    /// How many bytes of a workbook may be held in memory.
    pub(in crate::input) fn workbook_memory(&self) -> u64 {
        u64::from(self.max_workbook_memory_mb) * MB
    }
}

/// Counts what is read of a file that may hold little and give much, and holds it to what may be unpacked.
pub(in crate::input) struct Given {
    bytes: u64,
    limits: UnpackLimits,
}

impl Given {
    pub(in crate::input) const fn new(limits: &UnpackLimits) -> Self {
        Self { bytes: 0, limits: *limits }
    }

    pub(in crate::input) fn add(&mut self, bytes: usize) -> Result<(), ArchiveError> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.limits.check_size(self.bytes)
    }
}
