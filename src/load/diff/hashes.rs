//! The hashes of a run's rows, on their way to be compared and to become the next baseline.

use std::path::Path;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::{fit, hash, keys::Keys, set::RowSet, shuffle::Shuffle};
use crate::{
    cancel::CancelToken,
    error::Result,
    id::VariableId,
    load::{Cell, StepPlan},
};

/// A row's value hash, the hash of its match values, and its number.
pub(super) const VALUES: usize = 32;
/// A hash, and what it is of ([`Tag`]).
pub(super) const KEYS: usize = 16;

/// A scope as the hashes need it.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'s> {
    /// Its name.
    pub scope: &'s str,
    /// Its number of rows.
    pub rows: u64,
    /// Its variables in order: that of the cells given.
    pub variables: &'s [VariableId],
}

/// The hashes of all rows that load steps take.
pub struct Hashes {
    pub(super) scopes: Vec<ScopeHashes>,
    pub(super) keys: Shuffle<KEYS>,
    pub(super) cancel: CancelToken,
    bytes: Vec<u8>,
    seen: Vec<u64>,
}

/// Those of one scope.
pub(super) struct ScopeHashes {
    pub name: String,
    pub rows: u64,
    pub values: Shuffle<VALUES>,
    /// Rows of which a key occurs in another row; known once all rows are.
    pub repeated: RowSet,
    /// Why none of its rows may be left out.
    pub unfit: Option<String>,
    keys: Keys,
    /// The hash of all match values is that of the one key.
    is_one_key: bool,
    is_complete: bool,
}

impl Hashes {
    /// For the scopes that steps load; `dir` takes scratch files.
    #[must_use]
    pub fn new(dir: &Path, steps: &[StepPlan], shapes: &[Shape<'_>], cancel: CancelToken) -> Self {
        let loaded: Vec<&Shape<'_>> =
            shapes.iter().filter(|shape| steps.iter().any(|step| step.scope() == shape.scope)).collect();
        let scopes = loaded.iter().enumerate().map(|(n, shape)| {
            let keys = Keys::new(steps.iter().filter(|step| step.scope() == shape.scope), shape.variables);
            ScopeHashes {
                name: shape.scope.to_owned(),
                rows: shape.rows,
                values: Shuffle::new(dir.join(format!("values_{n}"))),
                repeated: RowSet::default(),
                unfit: fit::unfit(steps, shape.scope),
                // Match values of one scope must not pass for those of another.
                is_one_key: loaded.len() == 1 && keys.is_one(),
                keys,
                is_complete: false,
            }
        });
        Self {
            scopes: scopes.collect(),
            keys: Shuffle::new(dir.join("keys")),
            cancel,
            bytes: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Whether the scope's rows are yet to be hashed.
    #[must_use]
    pub fn wants(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known.name == scope && !known.is_complete)
    }

    /// The scope's rows have all been added.
    pub fn complete(&mut self, scope: &str) {
        self.scopes.iter_mut().filter(|known| known.name == scope).for_each(|known| known.is_complete = true);
    }

    /// Adds a row with the values of all of its scope's variables.
    pub fn add(&mut self, scope: &str, row: u64, values: &[Cell]) -> Result<()> {
        let Some(n) = self.scopes.iter().position(|known| known.name == scope) else { return Ok(()) };
        let Self { scopes, keys, bytes, seen, .. } = self;
        let scope = &mut scopes[n];
        seen.clear();
        for key in &scope.keys.deciding {
            bytes.clear();
            if !key.push(bytes, values) {
                continue;
            }
            // The same key of two steps is one row's own.
            let hash = xxh3_64(bytes);
            if !seen.contains(&hash) {
                seen.push(hash);
                keys.push(Tag::Key { scope: n, row }.with(hash))?;
            }
        }
        let matched = match seen.first() {
            Some(key) if scope.is_one_key => *key,
            _ => {
                bytes.clear();
                hash::push_bytes(bytes, scope.name.as_bytes());
                scope.keys.push_matched(bytes, values);
                let matched = xxh3_64(bytes);
                keys.push(Tag::Now.with(matched))?;
                matched
            }
        };
        bytes.clear();
        for cell in values {
            hash::push_cell(bytes, cell);
        }
        scope.values.push(Value { hash: xxh3_128(bytes), matched, row }.to_bytes())
    }
}

/// A row by its hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub hash: u128,
    pub matched: u64,
    pub row: u64,
}

impl Value {
    fn to_bytes(self) -> [u8; VALUES] {
        let mut bytes = [0; VALUES];
        bytes[..16].copy_from_slice(&self.hash.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.matched.to_be_bytes());
        bytes[24..].copy_from_slice(&self.row.to_be_bytes());
        bytes
    }

    pub(super) fn of(bytes: &[u8; VALUES]) -> Self {
        let hash = u128::from_be_bytes(std::array::from_fn(|n| bytes[n]));
        Self { hash, matched: word(bytes, 16), row: word(bytes, 24) }
    }
}

/// What a hash among the keys is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// A row's key.
    Key { scope: usize, row: u64 },
    /// Match values that are there now.
    Now,
    /// Match values of a row of the last run that is not there as it was.
    Before,
}

const ROW_BITS: u32 = 48;
const NOW: u64 = u64::MAX - 1;
const BEFORE: u64 = u64::MAX;

impl Tag {
    pub(super) fn with(self, hash: u64) -> [u8; KEYS] {
        let tag = match self {
            Self::Key { scope, row } => ((scope as u64) << ROW_BITS) | row,
            Self::Now => NOW,
            Self::Before => BEFORE,
        };
        let mut bytes = [0; KEYS];
        bytes[..8].copy_from_slice(&hash.to_be_bytes());
        bytes[8..].copy_from_slice(&tag.to_be_bytes());
        bytes
    }

    /// The hash and what it is of.
    pub(super) fn of(bytes: &[u8; KEYS]) -> (u64, Self) {
        let tag = match word(bytes, 8) {
            NOW => Self::Now,
            BEFORE => Self::Before,
            // Scopes are counted by the script's statements, far below the bits that are left for them.
            tag => Self::Key {
                scope: usize::try_from(tag >> ROW_BITS).unwrap_or(usize::MAX),
                row: tag & ((1 << ROW_BITS) - 1),
            },
        };
        (word(bytes, 0), tag)
    }
}

fn word(bytes: &[u8], from: usize) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|n| bytes[from + n]))
}
