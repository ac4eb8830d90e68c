//! A table's rows written straight into the pages of its SQLite file.
//!
//! The rows of an input or a seed come in the order of their rowids, and nobody reads them before the last. So
//! their b-tree can be built from below: each leaf is filled and written once, and the pages above it follow as they
//! fill. That costs a fraction of one `INSERT` a row, which binds every cell, runs a statement and finds its way
//! down the tree each time.
//!
//! SQLite itself makes the file, its schema and the table with an empty root page before. Afterwards it finds a file
//! that another process may as well have changed, and whose header says so. The format is documented and stays:
//! <https://www.sqlite.org/fileformat2.html>. The tests have SQLite's integrity check read what is written here.

mod page;
mod record;

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use self::page::{Child, Leaf, interior, local, overflow};
pub(super) use self::record::Record;
use super::sqlite::PAGE_SIZE;

/// A page in bytes. None of them are reserved.
const PAGE: usize = PAGE_SIZE as usize;
/// SQLite locks bytes of this page and keeps nothing in it.
const LOCK_PAGE: u32 = 0x4000_0000 / PAGE_SIZE + 1;
/// Pages written at once.
const BUFFERED: usize = 32;

/// Writes the rows of one table.
#[derive(Debug)]
pub(super) struct TreeWriter {
    pages: Pages,
    root: u32,
    leaf: Leaf,
    /// From the leaves up, the children that no page lists yet.
    levels: Vec<Vec<Child>>,
    /// Children of a full page.
    fan_out: usize,
}

impl TreeWriter {
    /// Opens the database file `path`, of which SQLite has nothing in hand. `root` is the table's page there.
    pub(super) fn open(path: &Path, root: u32) -> io::Result<Self> {
        let pages = Pages::open(path)?;
        Ok(Self { pages, root, leaf: Leaf::new(), levels: Vec::new(), fan_out: page::FAN_OUT })
    }

    /// Adds a row. Rowids ascend.
    pub(super) fn add(&mut self, rowid: i64, record: &[u8]) -> io::Result<()> {
        let (kept, rest) = record.split_at(local(record.len()));
        let overflow = if rest.is_empty() { None } else { Some(self.pages.append_chain(rest)?) };
        if !self.leaf.push(rowid, record.len(), kept, overflow) {
            self.end_leaf()?;
            self.leaf.push(rowid, record.len(), kept, overflow);
        }
        Ok(())
    }

    /// Writes what is left, at last the root, and tells SQLite that the file has changed.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.levels.is_empty() {
            return self.pages.end(self.root, self.leaf.page());
        }
        self.end_leaf()?;
        let mut level = 0;
        loop {
            let children = std::mem::take(&mut self.levels[level]);
            level += 1;
            if level == self.levels.len() {
                return self.pages.end(self.root, &interior(&children));
            }
            self.end_interior(level, &children)?;
        }
    }

    fn end_leaf(&mut self) -> io::Result<()> {
        let page = self.pages.append(self.leaf.page())?;
        let last = self.leaf.last();
        self.leaf.clear();
        self.list(0, Child { page, last })
    }

    fn end_interior(&mut self, above: usize, children: &[Child]) -> io::Result<()> {
        let page = self.pages.append(&interior(children))?;
        let last = children.last().map_or(0, |child| child.last);
        self.list(above, Child { page, last })
    }

    /// Adds a child to a level. A full page leaves two behind: none is to list a single one.
    fn list(&mut self, level: usize, child: Child) -> io::Result<()> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(child);
        if self.levels[level].len() < self.fan_out + 2 {
            return Ok(());
        }
        let full: Vec<Child> = self.levels[level].drain(..self.fan_out).collect();
        self.end_interior(level + 1, &full)
    }
}

/// The file, to whose end pages are added.
#[derive(Debug)]
struct Pages {
    file: BufWriter<File>,
    /// How many there are.
    count: u32,
}

impl Pages {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let count = file.seek(SeekFrom::End(0))? / u64::from(PAGE_SIZE);
        let count = u32::try_from(count).map_err(|_| too_many())?;
        Ok(Self { file: BufWriter::with_capacity(BUFFERED * PAGE, file), count })
    }

    /// The page that would be added behind `count` others.
    fn behind(count: u32) -> io::Result<u32> {
        let next = if count + 1 == LOCK_PAGE { 2 } else { 1 };
        count.checked_add(next).filter(|page| *page < u32::MAX).ok_or_else(too_many)
    }

    fn append(&mut self, page: &[u8]) -> io::Result<u32> {
        let number = Self::behind(self.count)?;
        if number > self.count + 1 {
            self.file.write_all(&[0; PAGE])?;
        }
        self.file.write_all(page)?;
        self.count = number;
        Ok(number)
    }

    /// Adds what a cell has no room for, as a chain of pages; answers its first.
    fn append_chain(&mut self, mut rest: &[u8]) -> io::Result<u32> {
        let first = Self::behind(self.count)?;
        while !rest.is_empty() {
            let next = Self::behind(Self::behind(self.count)?)?;
            let (page, left) = overflow(rest, next);
            self.append(&page)?;
            rest = left;
        }
        Ok(first)
    }

    /// Writes the root, and the header's counter of changes and number of pages.
    fn end(mut self, root: u32, page: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(u64::from(root - 1) * u64::from(PAGE_SIZE)))?;
        self.file.write_all(page)?;
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut changes = [0; 4];
        file.seek(SeekFrom::Start(24))?;
        file.read_exact(&mut changes)?;
        let changes = u32::from_be_bytes(changes).wrapping_add(1).to_be_bytes();
        file.seek(SeekFrom::Start(24))?;
        file.write_all(&changes)?;
        file.write_all(&self.count.to_be_bytes())?;
        // The number of pages is believed when it was counted at that change.
        file.seek(SeekFrom::Start(92))?;
        file.write_all(&changes)
    }
}

fn too_many() -> io::Error {
    io::Error::other("the database has more pages than SQLite can number")
}

#[cfg(test)]
mod tests;
