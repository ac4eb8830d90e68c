//! Schedules: when a connector's ticks come, and what becomes of those that were missed.
//!
//! A *cadence* ticks at whole multiples of its seconds since 1970 (UTC): an hour's at every full hour, a
//! day's at midnight UTC, wherever the clock of the server stood when it was set. A *cron* pattern ticks by
//! the wall clock of its time zone, with these rules where that clock is turned (the Open Cron Pattern
//! Specification's, which the library keeps): a pattern with a fixed hour and minute runs once right after
//! a gap that its time falls into, and once, the first time, in an hour that comes twice; one with `*` or a
//! step in hour or minute skips the gap and runs in both hours.
//!
//! A tick is known by its time alone, so a clock that jumps can't repeat one. A tick that is found more than
//! a minute late was *missed*: the server was down. Of several that are due `last` runs the latest, `all`
//! runs the latest hundred, `skip` only what was not missed.

use std::collections::VecDeque;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConnectorType;
use crate::{
    error::{Error, Result},
    script::{ColumnMapping, ColumnType, ConfigMetadata, InputTable},
};

/// The cadences that can be chosen: seconds and label.
pub const CADENCES: [(u32, &str); 10] = [
    (60, "1 Minute"),
    (300, "5 Minutes"),
    (600, "10 Minutes"),
    (900, "15 Minutes"),
    (1800, "30 Minutes"),
    (3600, "1 Hour"),
    (10_800, "3 Hours"),
    (21_600, "6 Hours"),
    (43_200, "12 Hours"),
    (86_400, "1 Day"),
];
/// Missed ticks that `all` runs at most.
pub const MOST_MISSED: usize = 100;
/// Due ticks that are counted at most.
const MOST_COUNTED: u64 = 10_000;
/// A tick found so late was not missed: the timer looks every second, and a busy disk may hold it up.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// What becomes of ticks that were missed while the server was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// One run, for the latest.
    #[default]
    Last,
    /// A run for each of the latest hundred.
    All,
    /// None.
    Skip,
}

/// What a tick does while the run of an earlier one has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// Its run waits.
    #[default]
    Queue,
    /// It is skipped.
    Skip,
}

/// A cron pattern and its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields: minute, hour, day of month, month, day of week.
    #[schema(example = "0 6 * * 1-5")]
    pub cron: String,
    /// IANA name of the zone whose clock it means; left out: the workspace's.
    #[serde(default)]
    #[schema(required = false, example = "Europe/Berlin")]
    pub timezone: String,
    /// What becomes of ticks that were missed while the server was down.
    #[serde(default)]
    #[schema(required = false)]
    pub missed: Missed,
    /// What a tick does while the run of an earlier one has not ended.
    #[serde(default)]
    #[schema(required = false)]
    pub overlap: Overlap,
}

/// When ticks come.
#[derive(Debug, Clone)]
pub enum Timing {
    /// Every so many seconds.
    Every(u32),
    /// By the clock of a time zone.
    Cron(Box<Cron>, Tz),
}

impl Timing {
    /// Of a connector's settings; none when it has neither.
    ///
    /// # Errors
    /// What is wrong with the settings, at its place in the body.
    pub fn of(cadence: Option<u32>, schedule: Option<&Schedule>) -> Result<Option<Self>> {
        match (cadence, schedule) {
            (Some(_), Some(_)) => {
                Err(Error::invalid("schedule: found cadence and schedule, expected one of them.")
                    .at("schedule"))
            }
            (Some(seconds), None) => cadence_of(seconds).map(Some),
            (None, Some(schedule)) => cron_of(schedule).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The first tick after a moment; none when there is no further one.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(seconds) => {
                let step = TimeDelta::seconds((*seconds).into());
                after.duration_trunc(step).ok()?.checked_add_signed(step)
            }
            Self::Cron(cron, zone) => {
                let after = after.duration_trunc(TimeDelta::seconds(1)).ok()?.with_timezone(zone);
                cron.find_next_occurrence(&after, false).ok().map(|tick| tick.to_utc())
            }
        }
    }

    /// The tick before this one.
    #[must_use]
    pub fn before(&self, tick: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(seconds) => tick.checked_sub_signed(TimeDelta::seconds((*seconds).into())),
            Self::Cron(cron, zone) => {
                cron.find_previous_occurrence(&tick.with_timezone(zone), false).ok().map(|tick| tick.to_utc())
            }
        }
    }

    /// The first `n` ticks after a moment.
    #[must_use]
    pub fn upcoming(&self, after: DateTime<Utc>, n: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |tick| self.next_after(*tick)).take(n).collect()
    }

    /// Seconds between ticks, when they are always the same.
    #[must_use]
    pub const fn cadence(&self) -> Option<u32> {
        match self {
            Self::Every(seconds) => Some(*seconds),
            Self::Cron(..) => None,
        }
    }

    /// The ticks from `first`, which is one, up to `now`.
    ///
    /// After a clock that was set years ahead they are many: of more than 10,000 only the latest are
    /// looked at, and no more counted.
    #[must_use]
    pub fn due(&self, first: DateTime<Utc>, now: DateTime<Utc>) -> Due {
        let mut due = Due { latest: VecDeque::new(), count: 0, next: Some(first) };
        while let Some(tick) = due.next.filter(|tick| *tick <= now) {
            if due.count == MOST_COUNTED {
                return self.latest(now);
            }
            if due.latest.len() == MOST_MISSED {
                due.latest.pop_front();
            }
            due.latest.push_back(tick);
            due.count += 1;
            due.next = self.next_after(tick);
        }
        due
    }

    /// The latest ticks up to `now`, found backwards.
    fn latest(&self, now: DateTime<Utc>) -> Due {
        let last = match self {
            Self::Every(seconds) => now.duration_trunc(TimeDelta::seconds((*seconds).into())).ok(),
            Self::Cron(cron, zone) => {
                let now = now.with_timezone(zone);
                cron.find_previous_occurrence(&now, true).ok().map(|tick| tick.to_utc())
            }
        };
        let mut latest: VecDeque<_> =
            std::iter::successors(last, |tick| self.before(*tick)).take(MOST_MISSED).collect();
        latest.make_contiguous().reverse();
        Due { latest, count: MOST_COUNTED, next: self.next_after(now) }
    }
}

/// Ticks whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// At most [`MOST_MISSED`], oldest first.
    latest: VecDeque<DateTime<Utc>>,
    /// How many there are; of more than 10,000, that.
    pub count: u64,
    /// The one after them.
    pub next: Option<DateTime<Utc>>,
}

/// A tick that starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Its time.
    pub at: DateTime<Utc>,
    /// The tick before it: where the time that it covers begins.
    pub since: Option<DateTime<Utc>>,
}

impl Due {
    /// Those that start a run, oldest first; the others are skipped.
    #[must_use]
    pub fn chosen(&self, missed: Missed, timing: &Timing, now: DateTime<Utc>) -> Vec<Tick> {
        let last = self.latest.len().saturating_sub(1);
        let is_chosen = |n: usize| match missed {
            Missed::All => true,
            Missed::Last => n == last,
            Missed::Skip => now - self.latest[n] <= ON_TIME,
        };
        (0..self.latest.len())
            .filter(|n| is_chosen(*n))
            .map(|n| Tick { at: self.latest[n], since: timing.before(self.latest[n]) })
            .collect()
    }
}

fn cadence_of(seconds: u32) -> Result<Timing> {
    if CADENCES.iter().any(|(choice, _)| *choice == seconds) {
        return Ok(Timing::Every(seconds));
    }
    let choices = CADENCES.map(|(choice, _)| choice.to_string()).join(", ");
    Err(Error::invalid(format!("cadence: found {seconds}, expected one of {choices}")).at("cadence"))
}

fn cron_of(schedule: &Schedule) -> Result<Timing> {
    let zone: Tz = schedule.timezone.parse().map_err(|_| {
        let expected = "an IANA time zone (Europe/Berlin)";
        Error::invalid(format!("schedule.timezone: found {:?}, expected {expected}", schedule.timezone))
            .at("schedule.timezone")
    })?;
    let wrong = |why: &dyn std::fmt::Display| {
        let expected = "minute, hour, day of month, month and day of week (0 6 * * 1-5)";
        Error::invalid(format!("schedule.cron: found {:?}, expected {expected}: {why}", schedule.cron))
            .at("schedule.cron")
    };
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(&schedule.cron).map_err(|e| wrong(&e))?;
    // The 30th of February parses.
    let some_day = DateTime::UNIX_EPOCH.with_timezone(&zone);
    cron.find_next_occurrence(&some_day, false).map_err(|_| wrong(&"such a time never comes"))?;
    Ok(Timing::Cron(Box::new(cron), zone))
}

/// The table of `input` that holds a tick, and its one column.
pub const TABLE: &str = "schedule";
/// The tick's time.
pub const COLUMN: &str = "schedule_trigger_time";

/// The name of a tick's file.
#[must_use]
pub fn file_name(tick: DateTime<Utc>) -> String {
    format!("schedule_{}.csv", tick.timestamp())
}

/// What a tick's file holds.
#[must_use]
pub fn file(tick: DateTime<Utc>) -> String {
    format!("{COLUMN}\n{}\n", tick.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// The table that a file of a schedule connector makes, whatever the file is called.
#[must_use]
pub fn as_input(mut table: InputTable) -> InputTable {
    TABLE.clone_into(&mut table.table_name);
    for column in table.columns_mapping.iter_mut().filter(|column| column.col == COLUMN) {
        column.kind = ColumnType::Datetime;
    }
    table
}

/// The inputs that a script expects: one that names none gets a schedule connector's own.
#[must_use]
pub fn expected(connector_type: ConnectorType, mut metadata: ConfigMetadata) -> ConfigMetadata {
    if connector_type == ConnectorType::Schedule && metadata.input_tables.is_empty() {
        let time = ColumnMapping { col: COLUMN.to_owned(), kind: ColumnType::Datetime, original: None };
        metadata.input_tables.push(as_input(InputTable::of_trigger(TABLE, vec![time])));
    }
    metadata
}

#[cfg(test)]
mod tests;
