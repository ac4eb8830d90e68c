//! The stages of a run, in the order of [`super::job`], and what they share.
//!
//! | stage | files |
//! |---|---|
//! | the file and seeds read | [`input`], [`webhook`], [`seed`] |
//! | the script run | [`script`], [`output`] |
//! | variables | [`scope`], [`evaluate`], [`odd_lines`]; [`extracted`] for the report |
//! | before the first step | [`diff`], [`guard`], [`index`] |
//! | load steps | [`load`], to which rows come through a [`channel`] |
//! | the report | [`report`] |

pub mod channel;
pub mod diff;
pub mod evaluate;
pub mod extracted;
pub mod guard;
pub mod index;
pub mod input;
pub mod load;
pub mod odd_lines;
pub mod output;
pub mod report;
pub mod scope;
pub mod script;
pub mod seed;
pub mod webhook;

use super::job::Stop;
use crate::{engine::EngineError, input::InputError, report::Error as ReportError};

/// A failed engine ends the run with its sentence; a cancelled one, as cancelled.
pub(super) fn engine_stop(error: EngineError) -> Stop {
    match error {
        EngineError::Cancelled => Stop::Cancelled,
        full if full.is_disk_full() => crate::error::Error::from(full).into(),
        other => Stop::Failed(other.to_string()),
    }
}

fn input_stop(error: InputError) -> Stop {
    match error {
        InputError::Cancelled => Stop::Cancelled,
        full if full.is_disk_full() => crate::error::Error::from(full).into(),
        other => Stop::Failed(other.to_string()),
    }
}

fn report_stop(error: ReportError) -> Stop {
    match error {
        ReportError::Cancelled => Stop::Cancelled,
        full if full.is_disk_full() => crate::error::Error::from(full).into(),
        other => Stop::Failed(other.to_string()),
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        engine_stop(error)
    }
}

impl From<ReportError> for Stop {
    fn from(error: ReportError) -> Self {
        report_stop(error)
    }
}

impl From<crate::cancel::Cancelled> for Stop {
    fn from(_: crate::cancel::Cancelled) -> Self {
        Self::Cancelled
    }
}
