//! What an open workbook may hold: one budget of memory for all its lists, and so many sheets.

use super::{WorkbookError, cells::Sheet};
use crate::input::{archive::UnpackLimits, error::shown};

const MB: u64 = 1024 * 1024;

/// What is left of it.
pub(super) struct Room {
    left: u64,
    most: u64,
    max_sheets: u32,
}

impl Room {
    pub(super) fn of(limits: &UnpackLimits) -> Self {
        let most = limits.workbook_memory();
        Self { left: most, most, max_sheets: limits.max_archive_files }
    }

    /// How many bytes may still be held.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// Takes so many bytes for an entry of a list, its own size included.
    pub(super) fn take(&mut self, what: &'static str, bytes: usize) -> Result<(), WorkbookError> {
        let left = self.left.checked_sub(bytes as u64).ok_or_else(|| self.exceeded(what))?;
        self.left = left;
        Ok(())
    }

    /// The refusal of what does not fit.
    pub(super) const fn exceeded(&self, what: &'static str) -> WorkbookError {
        WorkbookError::Memory { what, most_mb: self.most / MB }
    }

    /// Adds a sheet. Each is a part of its own, where a workbook has parts: one that many sheets name would be
    /// read for each of them.
    pub(super) fn add_sheet(
        &mut self,
        sheets: &mut Vec<Sheet>,
        title: &str,
        path: &str,
    ) -> Result<(), WorkbookError> {
        if sheets.len() as u64 >= u64::from(self.max_sheets) {
            return Err(WorkbookError::TooManySheets { most: self.max_sheets });
        }
        if !path.is_empty() && sheets.iter().any(|sheet| sheet.path.eq_ignore_ascii_case(path)) {
            return Err(WorkbookError::damaged(path, &"two of its sheets are this one part"));
        }
        let title = shown(title);
        self.take("sheets", title.len() + path.len() + size_of::<Sheet>())?;
        sheets.push(Sheet { title, path: path.to_owned() });
        Ok(())
    }
}
