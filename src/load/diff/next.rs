//! The next baseline: rows loaded now and rows unchanged, never one that a step rejected or skipped.

use super::{
    hashes::{Hashes, ScopeHashes, Value},
    set::RowSet,
    shuffle::PARTS,
};
use crate::{
    error::Result,
    id::ConnectorId,
    store::{
        Connection, Store,
        baseline::{self, Baseline, Entry},
    },
};

/// Pieces written in one transaction: 8 MB, for which others wait.
const TOGETHER: usize = 128;

/// What a run that ended well leaves for the next one's diff check.
pub struct Next {
    /// The hashes of its rows.
    pub hashes: Hashes,
    /// Of what gives a row its meaning.
    pub fingerprint: Vec<u8>,
    /// The baselines that every row was compared with and found unchanged: they stay as they are.
    pub stay: Vec<Baseline>,
    /// Rows that share a record are known: the comparison found them.
    pub is_compared: bool,
}

/// Rows that a step rejected or skipped, per scope.
pub(in crate::load) type Refused = Vec<(String, RowSet)>;

/// Baselines written up to their last pieces.
pub(in crate::load) struct Staged {
    connector: ConnectorId,
    scopes: Vec<String>,
    fingerprint: Vec<u8>,
    /// Of the scopes' baselines, once they are begun; or those that stay.
    keys: Vec<i64>,
    /// Scope, position, entries.
    pending: Vec<(usize, u64, Vec<u8>)>,
}

impl Next {
    /// Writes all but the last pieces, in transactions of their own. A small one is all last pieces.
    pub(in crate::load) fn stage(
        mut self,
        store: &Store,
        connector: ConnectorId,
        refused: &Refused,
    ) -> Result<Staged> {
        let mut staged = Staged {
            connector,
            scopes: Vec::new(),
            fingerprint: self.fingerprint,
            keys: self.stay.iter().map(|baseline| baseline.key).collect(),
            pending: Vec::new(),
        };
        if !staged.keys.is_empty() {
            return Ok(staged);
        }
        if !self.is_compared {
            self.hashes.find_repeated()?;
        }
        staged.scopes = self.hashes.scopes.iter().map(|scope| scope.name.clone()).collect();
        let none = RowSet::default();
        for (n, scope) in self.hashes.scopes.iter_mut().enumerate() {
            let refused =
                refused.iter().find(|(name, _)| *name == scope.name).map_or(&none, |(_, rows)| rows);
            stage_scope(store, n, scope, refused, &mut staged)?;
        }
        Ok(staged)
    }
}

fn stage_scope(
    store: &Store,
    n: usize,
    scope: &mut ScopeHashes,
    refused: &RowSet,
    staged: &mut Staged,
) -> Result<()> {
    let mut part = Vec::new();
    let mut piece = Vec::new();
    let (mut entries, mut pieces) = (0, 0);
    for first_byte in 0..PARTS {
        scope.values.sorted(first_byte, &mut part)?;
        for row in part.iter().map(Value::of).filter(|row| !refused.contains(row.row)) {
            let is_repeated = scope.repeated.contains(row.row);
            Entry { value: row.hash, matched: row.matched, is_repeated }.push(&mut piece);
            entries += 1;
            if entries == baseline::PIECE {
                staged.pending.push((n, pieces, std::mem::take(&mut piece)));
                (entries, pieces) = (0, pieces + 1);
                if staged.pending.len() == TOGETHER {
                    store.records.write(|tx| staged.write_pending(tx))?;
                }
            }
        }
    }
    if !piece.is_empty() {
        staged.pending.push((n, pieces, piece));
    }
    Ok(())
}

impl Staged {
    fn write_pending(&mut self, tx: &Connection) -> Result<()> {
        if self.keys.is_empty() {
            // Those of earlier runs are worth nothing now; their pages are used again.
            baseline::sweep(tx, self.connector)?;
            for scope in &self.scopes {
                self.keys.push(baseline::begin(tx, self.connector, scope, &self.fingerprint)?);
            }
        }
        for (scope, n, piece) in self.pending.drain(..) {
            baseline::add(tx, self.keys[scope], n, &piece)?;
        }
        Ok(())
    }

    /// Writes the last pieces and makes the baselines valid; inside the transaction that writes `finished`.
    pub(in crate::load) fn finish(&mut self, tx: &Connection) -> Result<()> {
        self.write_pending(tx)?;
        baseline::complete(tx, self.connector, &self.keys)
    }
}
