//! The diff check: rows equal to rows that the connector's last completed run loaded are not loaded again.
//!
//! Per scope the store keeps a **baseline** ([`crate::store::baseline`]): of every row that the last run loaded
//! a hash of its typed values and one of its match values. A row whose value hash is there is unchanged and goes
//! to no step. It compares with what the connector loaded, not with the records.
//!
//! Two rows that may be about one record must be played in order, so a row is unchanged only when nothing that
//! identifies its record (`keys`) occurs in a second row, of this file or of the last one: per step and rule, over
//! all scopes, since two scopes may write one object. Rows of the last file that shared something are marked
//! in the baseline.
//!
//! Rows about one record that share no key would defeat that. So where a flow knows an object's records by more than
//! one thing (`fit`), nothing is left out.
//!
//! Hashes of a whole file don't fit into memory and are not looked up one by one in random order. They are
//! spread over 256 parts by their first byte (`shuffle`), in a scratch file; a part is sorted in memory and
//! walked side by side with the baseline, which is sorted the same way. What stays in memory is a bit per row.
//!
//! | when | what |
//! |---|---|
//! | a baseline can be used | all scopes are read and hashed first ([`Hashes::add`]), compared ([`Hashes::compare`]), and only rows that changed are parsed again for the load |
//! | none can | rows are hashed on their way to the load, which costs no pass of its own |
//! | a live run ended well | the next baseline is written ([`Next`]) with the run's `finished` |
//!
//! A connector that has the diff check switched off gets no baseline, and its runs drop the one it had: keeping it
//! would cost time and space for nothing. A run that has it switched off for itself (`disable_diff_check`) loads everything and writes one.

mod compare;
mod fit;
mod hash;
mod hashes;
mod keys;
mod next;
mod set;
mod shuffle;

pub use compare::{ScopeVerdict, Verdict};
pub use hashes::{Hashes, Shape};
pub use next::Next;
pub(in crate::load) use next::Refused;
pub use set::RowSet;
