//! The disk under the data folder, and what happens when it is full.
//!
//! A write that finds the disk full marks it. From then on writing is refused at once, so that nobody takes
//! the last bytes from those who must still say how a run ended: they get the space of the *reserve*, a
//! file that is there for nothing else ([`Database::write_last`](super::Database::write_last)). Reading goes
//! on. Whoever asks next once there is space again finds the mark gone, and the reserve is made anew.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::error::{Code, Error, Result};

/// The reserve's name in the data folder.
pub(super) const RESERVE_FILE: &str = "reserve";
/// Its size.
const RESERVE: u64 = 32 * 1024 * 1024;
/// What must be free besides before writing goes on.
const MARGIN: u64 = 16 * 1024 * 1024;
/// The disk is looked at no more often than this.
const PAUSE: Duration = Duration::from_millis(500);

/// The disk under one data folder.
pub struct Disk {
    dir: PathBuf,
    full: AtomicBool,
    looked: Mutex<Instant>,
}

impl Disk {
    pub(super) fn of(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), full: AtomicBool::new(false), looked: Mutex::new(Instant::now()) }
    }

    /// Bytes free and in all. `None` when the system does not say.
    #[must_use]
    pub fn space(&self) -> Option<(u64, u64)> {
        space_at(&self.dir)
    }

    /// Whether writing is refused. Looks whether there is space again, now and then.
    #[must_use]
    pub fn is_full(&self) -> bool {
        if !self.full.load(Ordering::Acquire) {
            return false;
        }
        let Some(mut looked) = self.looked.try_lock() else { return true };
        if looked.elapsed() < PAUSE {
            return true;
        }
        *looked = Instant::now();
        let needed = if self.has_reserve() { MARGIN } else { MARGIN + RESERVE };
        if self.space().is_some_and(|(free, _)| free < needed) {
            return true;
        }
        self.full.store(false, Ordering::Release);
        log::warn!("there is space on the disk again: writing goes on");
        self.keep_reserve();
        false
    }

    /// Makes the reserve when it is not there and there is space for it.
    pub fn keep_reserve(&self) {
        if self.full.load(Ordering::Acquire) || self.has_reserve() {
            return;
        }
        if let Err(error) = make_reserve(&self.dir.join(RESERVE_FILE)) {
            log::warn!("no space could be reserved for when the disk is full: {error}");
        }
    }

    /// Marks the disk when this was refused for lack of space.
    pub(super) fn notice<T>(&self, done: &Result<T>) {
        if done.as_ref().is_err_and(|error| error.code == Code::DiskFull) {
            self.found_full();
        }
    }

    /// A write was refused for lack of space.
    pub fn found_full(&self) {
        *self.looked.lock() = Instant::now();
        if !self.full.swap(true, Ordering::AcqRel) {
            log::error!(
                "the disk of {} is full: writing is refused until there is space",
                self.dir.display()
            );
        }
    }

    /// Gives the reserve's space to what must be written. Answers whether there was one.
    pub(super) fn give_up_reserve(&self) -> bool {
        self.found_full();
        fs::remove_file(self.dir.join(RESERVE_FILE)).is_ok()
    }

    fn has_reserve(&self) -> bool {
        self.dir.join(RESERVE_FILE).metadata().is_ok_and(|found| found.len() >= RESERVE)
    }
}

/// Bytes free and in all on the disk of a folder. `None` when the system does not say.
pub(super) fn space_at(dir: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(dir).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some((bytes(found.f_bavail), bytes(found.f_blocks)))
}

/// The refusal of whoever wants to write.
pub(super) fn full() -> Error {
    Error::new(
        Code::DiskFull,
        "The disk is full: nothing was written. Free some space; the server goes on by itself.",
    )
}

/// Allocated or written, not only sized: a hole would reserve nothing.
fn make_reserve(path: &Path) -> io::Result<()> {
    use std::io::Write as _;
    let file = super::private::options().create(true).truncate(true).open(path)?;
    let allocate = || {
        let empty = rustix::fs::FallocateFlags::empty();
        match rustix::fs::fallocate(&file, empty, 0, RESERVE) {
            Ok(()) => Ok(()),
            // A file system that does not know how.
            Err(rustix::io::Errno::OPNOTSUPP) => {
                let piece = vec![0_u8; 1024 * 1024];
                (0..RESERVE / piece.len() as u64).try_for_each(|_| (&file).write_all(&piece))
            }
            Err(error) => Err(error.into()),
        }
    };
    if allocate().and_then(|()| file.sync_all()).is_err() {
        // Half a reserve would fill the disk for nothing.
        fs::remove_file(path)?;
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_marked_and_looked_at_again() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path());
        disk.keep_reserve();
        assert!(disk.has_reserve());
        assert!(disk.give_up_reserve());
        assert!(!disk.give_up_reserve(), "there is one reserve");
        assert!(disk.is_full());
        disk.keep_reserve();
        assert!(!disk.has_reserve(), "a full disk is not filled further");
        *disk.looked.lock() = Instant::now().checked_sub(PAUSE).unwrap();
        assert!(!disk.is_full(), "the disk of this test has space");
        assert!(disk.has_reserve());
    }
}
