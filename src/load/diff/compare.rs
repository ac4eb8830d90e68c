//! Rows of this file against those of the last run.

use super::{
    hashes::{Hashes, Tag, Value},
    set::RowSet,
    shuffle::PARTS,
};
use crate::{
    error::{Error, Result},
    store::{
        Store,
        baseline::{Baseline, Entries},
    },
};

/// What the comparison came to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Per scope that steps load.
    pub scopes: Vec<ScopeVerdict>,
    /// Match values that the last run had and this file has not.
    pub missing: u64,
}

/// That of one scope.
#[derive(Debug, Default)]
pub struct ScopeVerdict {
    /// The scope.
    pub scope: String,
    /// Its rows.
    pub rows: u64,
    /// Rows that go to no step.
    pub unchanged: RowSet,
    /// How many that are.
    pub count: u64,
    /// Rows of the last run that they were compared with; `None`: it had no such scope.
    pub compared_with: Option<u64>,
    /// Why none of its rows was left out, though equal ones may be there.
    pub unfit: Option<String>,
}

impl Verdict {
    /// That of a scope.
    #[must_use]
    pub fn of(&self, scope: &str) -> Option<&ScopeVerdict> {
        self.scopes.iter().find(|verdict| verdict.scope == scope)
    }
}

impl Hashes {
    /// Compares all rows with the baselines. Every scope is complete. Reads in one read transaction: a run
    /// that ends meanwhile replaces the baselines.
    pub fn compare(&mut self, store: &Store, baselines: &[Baseline]) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        let mut reader = store.records.reader()?;
        let reading = reader.transaction()?;
        for n in 0..self.scopes.len() {
            let scope = self.scopes[n].name.clone();
            let of_scope = baselines.iter().find(|baseline| baseline.scope == scope);
            let mut unchanged = RowSet::default();
            if let Some(baseline) = of_scope {
                // Also where none is left out: what is missing is counted.
                self.compare_scope(n, &mut Entries::new(&reading, baseline.key), &mut unchanged)?;
            }
            let unfit = self.scopes[n].unfit.clone();
            if unfit.is_some() {
                unchanged = RowSet::default();
            }
            verdict.scopes.push(ScopeVerdict {
                scope,
                unfit,
                rows: self.scopes[n].rows,
                unchanged,
                count: 0,
                compared_with: of_scope.map(|baseline| baseline.rows),
            });
        }
        drop(reading);
        // A scope that the script no longer gives has nothing of what it had.
        verdict.missing = self.find_repeated()?;
        for (of_scope, hashes) in verdict.scopes.iter_mut().zip(&self.scopes) {
            of_scope.unchanged.remove_all(&hashes.repeated);
            of_scope.count = of_scope.unchanged.len();
        }
        Ok(verdict)
    }

    /// Both sides are sorted by their value hashes: one walk.
    fn compare_scope(&mut self, n: usize, entries: &mut Entries<'_>, unchanged: &mut RowSet) -> Result<()> {
        let Self { scopes, keys, cancel, .. } = self;
        let mut part = Vec::new();
        let mut entry = entries.next()?;
        for first_byte in 0..PARTS {
            cancel.check().map_err(|_| cancelled())?;
            scopes[n].values.sorted(first_byte, &mut part)?;
            let mut rows = part.iter().map(Value::of).peekable();
            while let Some(old) = entry.filter(|old| (old.value >> 120) as usize == first_byte) {
                while rows.next_if(|row| row.hash < old.value).is_some() {}
                let mut is_there = false;
                while let Some(row) = rows.next_if(|row| row.hash == old.value) {
                    is_there = true;
                    if !old.is_repeated {
                        unchanged.insert(row.row);
                    }
                }
                if !is_there {
                    keys.push(Tag::Before.with(old.matched))?;
                }
                entry = entries.next()?;
            }
        }
        Ok(())
    }

    /// Finds rows that share a key with another. Answers how many match values of the last run are not there
    /// any more.
    pub(super) fn find_repeated(&mut self) -> Result<u64> {
        let mut missing = 0;
        let mut part = Vec::new();
        for first_byte in 0..PARTS {
            self.cancel.check().map_err(|_| cancelled())?;
            self.keys.sorted(first_byte, &mut part)?;
            for group in part.chunk_by(|a, b| a[..8] == b[..8]) {
                let tags = || group.iter().map(|bytes| Tag::of(bytes).1);
                let is_key = |tag: &Tag| matches!(tag, Tag::Key { .. });
                let rows = tags().filter(is_key).count();
                if rows > 1 {
                    for tag in tags() {
                        if let Tag::Key { scope, row } = tag {
                            self.scopes[scope].repeated.insert(row);
                        }
                    }
                }
                // Tags are in order: what was there before comes last.
                if rows == 0 && tags().all(|tag| tag == Tag::Before) {
                    missing += 1;
                }
            }
        }
        Ok(missing)
    }
}

/// The run's own check of its token says so once more.
fn cancelled() -> Error {
    Error::conflict("the comparison was cancelled")
}
