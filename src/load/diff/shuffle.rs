//! Records of one size that begin with a hash, spread over parts by their first byte: each part is small enough
//! to be sorted in memory, and the parts in turn give all records in their order.
//!
//! A part collects a block in memory and appends it to the one scratch file when it is full. A small file's
//! records never leave memory.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use crate::error::{Error, Result};

/// One per first byte.
pub(super) const PARTS: usize = 256;
/// Bytes that a part collects at most.
const BLOCK: usize = 8 * 1024;

/// The records of a run.
pub(super) struct Shuffle<const N: usize> {
    path: PathBuf,
    file: Option<File>,
    len: u64,
    parts: Vec<Part<N>>,
}

struct Part<const N: usize> {
    waiting: Vec<[u8; N]>,
    /// Where its blocks are in the file.
    blocks: Vec<u64>,
}

impl<const N: usize> Shuffle<N> {
    const RECORDS: usize = BLOCK / N;

    /// The file is made when it is needed.
    pub(super) fn new(path: PathBuf) -> Self {
        let parts = (0..PARTS).map(|_| Part { waiting: Vec::new(), blocks: Vec::new() }).collect();
        Self { path, file: None, len: 0, parts }
    }

    pub(super) fn push(&mut self, record: [u8; N]) -> Result<()> {
        let part = &mut self.parts[usize::from(record[0])];
        part.waiting.push(record);
        if part.waiting.len() == Self::RECORDS {
            return self.write_block(usize::from(record[0]));
        }
        Ok(())
    }

    fn write_block(&mut self, part: usize) -> Result<()> {
        let failed = |e| Error::internal(format!("{}: {e}", self.path.display()));
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file =
                    File::options().create(true).truncate(true).read(true).write(true).open(&self.path);
                none.insert(file.map_err(failed)?)
            }
        };
        file.seek(SeekFrom::Start(self.len)).map_err(failed)?;
        let part = &mut self.parts[part];
        file.write_all(part.waiting.as_flattened()).map_err(failed)?;
        part.blocks.push(self.len);
        self.len += part.waiting.as_flattened().len() as u64;
        part.waiting.clear();
        Ok(())
    }

    /// The records of one part in their order.
    pub(super) fn sorted(&mut self, part: usize, into: &mut Vec<[u8; N]>) -> Result<()> {
        into.clear();
        let part = &self.parts[part];
        if let Some(file) = &mut self.file {
            for block in &part.blocks {
                let from = into.len();
                into.resize(from + Self::RECORDS, [0; N]);
                file.seek(SeekFrom::Start(*block))
                    .and_then(|_| file.read_exact(into[from..].as_flattened_mut()))
                    .map_err(|e| Error::internal(format!("{}: {e}", self.path.display())))?;
            }
        }
        into.extend_from_slice(&part.waiting);
        into.sort_unstable();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_in_turn_give_all_records_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for count in [10_u64, 200_000] {
            let mut shuffle = Shuffle::<16>::new(dir.path().join("records"));
            let mut expected = Vec::new();
            for n in 0..count {
                let mut record = [0; 16];
                record[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                record[8..].copy_from_slice(&n.to_be_bytes());
                expected.push(record);
                shuffle.push(record).unwrap();
            }
            expected.sort_unstable();
            let (mut all, mut part) = (Vec::new(), Vec::new());
            for n in 0..PARTS {
                shuffle.sorted(n, &mut part).unwrap();
                all.extend_from_slice(&part);
            }
            assert_eq!(all, expected);
            assert_eq!(dir.path().join("records").exists(), count > 1_000);
        }
    }
}
