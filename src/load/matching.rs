//! Which record a row is about: the matching rules, tried in order.
//!
//! Deciding is separate from looking: [`decide`] walks the rules and asks for the records that several
//! rules in a row select together, so that a rule after `next_rule` narrows what the rules before it
//! found however many that were. Live candidates win over archived ones, in every pool.
//!
//! A blank match value matches nothing. Where that leads to a new record without any match value that
//! was not blank, the row is rejected: it would make a new record at every run.

use crate::{
    connector::flow::{ArchiveMatch, MultipleMatch, NoMatch, SingleMatch},
    error::Result,
};

/// What to do with each outcome of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions {
    /// No candidate.
    pub none: NoMatch,
    /// Exactly one.
    pub single: SingleMatch,
    /// Several.
    pub several: MultipleMatch,
    /// Only archived ones.
    pub archived: ArchiveMatch,
}

/// Which records a rule chooses from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// All, live ones first.
    All,
    /// The live ones that the rules before left.
    Live,
    /// The archived ones that the rules before left.
    Archived,
}

/// Asks for the records that the rules `from..=to` select together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The first rule since all records were candidates.
    pub from: usize,
    /// The rule that is tried.
    pub to: usize,
    /// What they choose from.
    pub pool: Pool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No candidate.
    None,
    /// Exactly one.
    One {
        /// Its row.
        record: i64,
        /// Whether it is archived.
        archived: bool,
    },
    /// Several.
    Several {
        /// Their rows; there may be more than were listed.
        records: Vec<i64>,
        /// Whether they are archived.
        archived: bool,
    },
}

/// What is done with the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Make a record.
    Create,
    /// Update this one, and bring it back when it is archived.
    Update {
        /// Its row.
        record: i64,
        /// Whether it is archived.
        archived: bool,
    },
    /// Bring this one back as it is.
    Unarchive {
        /// Its row.
        record: i64,
    },
    /// Deliberately nothing.
    Skip(Skip),
    /// A new record, but no match value that was not blank.
    Blank,
}

/// Why a row is deliberately not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// No record matches.
    None,
    /// One does.
    Single(i64),
    /// An archived one does.
    Archived(i64),
    /// Several do.
    Several(Vec<i64>),
}

/// Tries the rules. `is_blank` says whether a rule's match value is blank; `find` looks.
///
/// A step without rules makes a record of every row.
pub fn decide(
    rules: &[Actions],
    is_blank: impl Fn(usize) -> bool,
    mut find: impl FnMut(Ask) -> Result<Found>,
) -> Result<Decision> {
    let (mut from, mut pool) = (0, Pool::All);
    let mut tried_a_value = rules.is_empty();
    for (at, rule) in rules.iter().enumerate() {
        let found = if is_blank(at) {
            Found::None
        } else {
            tried_a_value = true;
            find(Ask { from, to: at, pool })?
        };
        let next = match judge(*rule, found) {
            Verdict::Done(decision) => return Ok(checked(decision, tried_a_value)),
            Verdict::Next(next) => next,
        };
        (from, pool) = next.map_or((at + 1, Pool::All), |pool| (from, pool));
    }
    Ok(checked(Decision::Create, tried_a_value))
}

fn checked(decision: Decision, tried_a_value: bool) -> Decision {
    if decision == Decision::Create && !tried_a_value { Decision::Blank } else { decision }
}

enum Verdict {
    Done(Decision),
    /// The next rule, over this pool; `None`: over all records.
    Next(Option<Pool>),
}

fn judge(rule: Actions, found: Found) -> Verdict {
    use Verdict::{Done, Next};
    match found {
        Found::None => match rule.none {
            NoMatch::CreateNew => Done(Decision::Create),
            NoMatch::NextRuleIgnorePrevious => Next(None),
            NoMatch::DoNotUpload => Done(Decision::Skip(Skip::None)),
        },
        Found::One { record, archived: false } => match rule.single {
            SingleMatch::UpdateCurrent => Done(Decision::Update { record, archived: false }),
            SingleMatch::NextRule => Next(Some(Pool::Live)),
            SingleMatch::NextRuleIgnorePrevious => Next(None),
            SingleMatch::DoNotUpload => Done(Decision::Skip(Skip::Single(record))),
        },
        Found::One { record, archived: true } => match rule.archived {
            ArchiveMatch::CreateNew => Done(Decision::Create),
            ArchiveMatch::UnarchiveAndUpdate => Done(Decision::Update { record, archived: true }),
            ArchiveMatch::UnarchiveOnly => Done(Decision::Unarchive { record }),
            ArchiveMatch::NextRule => Next(Some(Pool::Archived)),
            ArchiveMatch::NextRuleIgnorePrevious => Next(None),
            ArchiveMatch::DoNotUpload => Done(Decision::Skip(Skip::Archived(record))),
        },
        Found::Several { records, archived } => match rule.several {
            MultipleMatch::DoNotUpload => Done(Decision::Skip(Skip::Several(records))),
            MultipleMatch::NextRule => Next(Some(if archived { Pool::Archived } else { Pool::Live })),
            MultipleMatch::NextRuleIgnorePrevious => Next(None),
        },
    }
}
