//! A workbook's shared strings: most texts stand in one list, and cells name them by number.

use super::WorkbookError;

/// All of them in one piece of memory, bounded.
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
    most: u64,
}

impl Strings {
    /// None yet; at most `most` bytes of memory.
    pub(super) const fn new(most: u64) -> Self {
        Self { text: String::new(), ends: Vec::new(), most }
    }

    /// Where to append the next one.
    pub(super) const fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends the next one.
    pub(super) fn end(&mut self) -> Result<(), WorkbookError> {
        self.ends.push(self.text.len());
        let used = self.text.len() + self.ends.len() * size_of::<usize>();
        if used as u64 > self.most {
            return Err(WorkbookError::Memory { what: "shared strings", most_mb: self.most / (1024 * 1024) });
        }
        Ok(())
    }

    pub(super) fn get(&self, n: usize) -> Option<&str> {
        let end = *self.ends.get(n)?;
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }
}
