//! A workbook's shared strings: most texts stand in one list, and cells name them by number.

use super::{WorkbookError, room::Room};

const WHAT: &str = "shared strings";

/// All of them in one piece of memory, bounded.
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
    room: Room,
}

impl Strings {
    /// None yet; they may take what is left.
    pub(super) const fn new(room: Room) -> Self {
        Self { text: String::new(), ends: Vec::new(), room }
    }

    /// What is left of the workbook's memory.
    pub(super) const fn room(&mut self) -> &mut Room {
        &mut self.room
    }

    /// Where to append the next one.
    pub(super) const fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// How long the text of all may become while the next one is appended.
    pub(super) fn longest(&self) -> usize {
        self.start().saturating_add(usize::try_from(self.room.left()).unwrap_or(usize::MAX))
    }

    /// The refusal of one that makes it longer.
    pub(super) const fn exceeded(&self) -> WorkbookError {
        self.room.exceeded(WHAT)
    }

    /// Ends the next one.
    pub(super) fn end(&mut self) -> Result<(), WorkbookError> {
        self.room.take(WHAT, self.text.len() - self.start() + size_of::<usize>())?;
        self.ends.push(self.text.len());
        Ok(())
    }

    pub(super) fn get(&self, n: usize) -> Option<&str> {
        let end = *self.ends.get(n)?;
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    fn start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}
