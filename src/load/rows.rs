//! Rows one by one, out of the chunks in which they come: a batch may end inside a chunk.

use super::Row;
use crate::error::Result;

/// See the module.
pub(super) struct Rows<I> {
    chunks: I,
    chunk: std::vec::IntoIter<Row>,
}

impl<I: Iterator<Item = Result<Vec<Row>>>> Rows<I> {
    pub(super) fn new(chunks: I) -> Self {
        Self { chunks, chunk: Vec::new().into_iter() }
    }

    /// The next row; `before_chunk` is called before a new chunk is waited for.
    pub(super) fn next(&mut self, mut before_chunk: impl FnMut()) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.chunk.next() {
                return Ok(Some(row));
            }
            before_chunk();
            match self.chunks.next() {
                Some(chunk) => self.chunk = chunk?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}
