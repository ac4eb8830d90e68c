//! The guard: limits over which a run is held before it writes a record. For the file whose date format
//! changed overnight, or the export that came half empty.
//!
//! Its shares are those of the run's totals, as its row shows them: rows of all load steps. `min_rows` counts each
//! scope that is loaded once, however many steps load it.

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::error::{Error, Result};

/// The limits; what is left out or null does not limit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Rejected rows.
    pub max_error_rows: Option<u64>,
    /// Rejected rows, percent of all.
    #[schema(minimum = 0, maximum = 100)]
    #[serde(serialize_with = "as_written")]
    pub max_error_percent: Option<f64>,
    /// Rows that would change a record, percent of all.
    #[schema(minimum = 0, maximum = 100)]
    #[serde(serialize_with = "as_written")]
    pub max_update_percent: Option<f64>,
    /// Rows that must be there.
    pub min_rows: Option<u64>,
}

/// What a run would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Rows, each counted in every step that loads it.
    pub rows: u64,
    /// Of these, rejected ones.
    pub errors: u64,
    /// Of these, those that change a record.
    pub updated: u64,
}

impl Guard {
    /// Whether it limits anything.
    #[must_use]
    pub const fn limits(&self) -> bool {
        self.needs_dry_run() || self.min_rows.is_some()
    }

    /// Whether a limit is about what the run would do, not about the file alone.
    #[must_use]
    pub const fn needs_dry_run(&self) -> bool {
        self.max_error_rows.is_some() || self.max_error_percent.is_some() || self.max_update_percent.is_some()
    }

    /// Checks the limits themselves.
    ///
    /// # Errors
    /// A share that is none.
    pub fn check(&self) -> Result<()> {
        let shares =
            [("max_error_percent", self.max_error_percent), ("max_update_percent", self.max_update_percent)];
        for (name, share) in shares {
            if let Some(share) = share
                && !(0.0..=100.0).contains(&share)
            {
                let found = format!("guard.{name}: found {share}, expected 0 to 100");
                return Err(Error::invalid(found).at(&format!("guard.{name}")));
            }
        }
        Ok(())
    }

    /// Why a file with so few rows is held, known before anything is loaded.
    #[must_use]
    pub fn holds_file(&self, rows: u64) -> Option<String> {
        let min = self.min_rows.filter(|min| rows < *min)?;
        Some(format!("held by guard: {rows} rows in the file (at least {min} expected)"))
    }

    /// Why a run is held that would do this.
    #[must_use]
    pub fn holds(&self, run: Expected) -> Option<String> {
        let Expected { rows, errors, updated } = run;
        if let Some(max) = self.max_error_rows
            && errors > max
        {
            return Some(format!("held by guard: {errors} rows rejected (limit {max})"));
        }
        let over = |count: u64, limit: Option<f64>, what: &str| {
            let limit = limit.filter(|limit| count as f64 * 100.0 > limit * rows as f64)?;
            let share = shown(count as f64 * 100.0 / rows as f64, limit);
            Some(format!("held by guard: {share} % of rows {what} (limit {limit} %)"))
        };
        over(errors, self.max_error_percent, "rejected")
            .or_else(|| over(updated, self.max_update_percent, "would be updated"))
    }
}

/// 5 stays 5, not 5.0.
#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn as_written<S: Serializer>(share: &Option<f64>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match share {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and at most 100")]
        Some(share) if share.fract() == 0.0 => serializer.serialize_u64(*share as u64),
        share => share.serialize(serializer),
    }
}

/// A share over its limit with as many decimals as it takes to look so.
fn shown(share: f64, limit: f64) -> String {
    let with = |decimals: usize| format!("{share:.decimals$}");
    (0..=6)
        .map(with)
        .find(|text| text.parse::<f64>().is_ok_and(|shown| shown > limit))
        .unwrap_or_else(|| share.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(guard: Guard, rows: u64, errors: u64, updated: u64) -> Option<String> {
        guard.holds(Expected { rows, errors, updated })
    }

    #[test]
    fn each_limit_says_what_was_found_and_what_it_is() {
        let percent = Guard { max_error_percent: Some(5.0), ..Guard::default() };
        assert_eq!(held(percent, 100, 5, 0), None);
        let sentence = "held by guard: 34 % of rows rejected (limit 5 %)";
        assert_eq!(held(percent, 100, 34, 0).as_deref(), Some(sentence));
        let sentence = "held by guard: 5.04 % of rows rejected (limit 5 %)";
        assert_eq!(held(percent, 10_000, 504, 0).as_deref(), Some(sentence));
        assert_eq!(held(percent, 0, 0, 0), None, "no rows have no share");

        let rows = Guard { max_error_rows: Some(2), ..Guard::default() };
        assert_eq!(held(rows, 100, 2, 100), None);
        let sentence = "held by guard: 3 rows rejected (limit 2)";
        assert_eq!(held(rows, 100, 3, 0).as_deref(), Some(sentence));

        let updates = Guard { max_update_percent: Some(12.5), ..Guard::default() };
        assert_eq!(held(updates, 8, 8, 1), None);
        let sentence = "held by guard: 25 % of rows would be updated (limit 12.5 %)";
        assert_eq!(held(updates, 8, 0, 2).as_deref(), Some(sentence));

        let min = Guard { min_rows: Some(10), ..Guard::default() };
        assert_eq!(min.holds_file(10), None);
        let sentence = "held by guard: 9 rows in the file (at least 10 expected)";
        assert_eq!(min.holds_file(9).as_deref(), Some(sentence));
    }

    #[test]
    fn a_share_is_none_below_0_or_above_100() {
        for share in [-0.5, 100.5, f64::NAN] {
            let guard = Guard { max_update_percent: Some(share), ..Guard::default() };
            assert_eq!(guard.check().unwrap_err().fields[0].path, "guard.max_update_percent");
        }
        assert_eq!(Guard { max_error_percent: Some(0.0), ..Guard::default() }.check(), Ok(()));
        assert!(!Guard::default().limits() && Guard { min_rows: Some(0), ..Guard::default() }.limits());
    }
}
