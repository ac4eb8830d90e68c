//! What one script may use, and the watch that stops it.
//!
//! One [`Watch`] belongs to one engine. The progress handler and every loop of ours ask it whether to
//! go on; it answers from one flag, one clock and, now and then, the free space of the disk. The first
//! reason to stop is kept, so that the error names it whatever SQLite makes of the interruption.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use super::error::{EngineError, Limit, Place};
use crate::cancel::CancelToken;

/// How often the free space of the disk is asked for. Nothing writes faster than some gigabytes a
/// second, so `min_free_mb` is kept to within some ten megabytes.
const SPACE_INTERVAL: Duration = Duration::from_millis(20);

/// The limits of one engine, all of them in the configuration section `engine`.
#[derive(Debug, Clone)]
pub struct EngineLimits {
    /// `engine.max_scratch_mb`: what the script's own tables may take on disk, and as much what it reads.
    pub max_scratch_mb: u64,
    /// `engine.min_free_mb`: what must stay free on the disk.
    pub min_free_mb: u64,
    /// `engine.max_rows`: rows in all output tables together.
    pub max_rows: u64,
    /// `engine.timeout_s`: time for the whole script.
    pub timeout: Duration,
    /// That time is the connector's own, which is shorter.
    pub is_own_timeout: bool,
    /// `engine.max_value_mb`: one string, blob or row.
    pub max_value_mb: u32,
    /// `engine.max_aggregate_mb`: what one aggregate of ours may keep in memory.
    pub max_aggregate_mb: u32,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            max_scratch_mb: 8192,
            min_free_mb: 1024,
            max_rows: 10_000_000,
            timeout: Duration::from_mins(5),
            is_own_timeout: false,
            max_value_mb: 16,
            max_aggregate_mb: 64,
        }
    }
}

impl EngineLimits {
    /// The largest value in bytes.
    pub(super) fn max_value(&self) -> usize {
        self.max_value_mb as usize * 1024 * 1024
    }

    /// What one aggregate may keep, in bytes.
    pub(super) fn max_aggregate(&self) -> usize {
        self.max_aggregate_mb as usize * 1024 * 1024
    }
}

/// Why the watch stopped the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stop {
    /// The token was set.
    Cancelled = 1,
    /// The script's time is over.
    Timeout = 2,
    /// The disk is nearly full.
    Space = 3,
    /// An aggregate of ours keeps too much.
    Aggregate = 4,
}

/// Decides whether the work goes on. Shared by the hooks and functions of one connection.
#[derive(Debug)]
pub(super) struct Watch {
    token: CancelToken,
    folder: PathBuf,
    limits: EngineLimits,
    born: Instant,
    /// Microseconds since `born`; `u64::MAX` while no script runs.
    deadline: AtomicU64,
    next_space: AtomicU64,
    stop: AtomicU8,
    /// When the statement that runs began, in milliseconds since 1970.
    statement_began: AtomicI64,
    /// Bytes of the rows that the script reads.
    filled: AtomicU64,
}

impl Watch {
    pub(super) fn new(token: CancelToken, folder: &Path, limits: &EngineLimits) -> Self {
        Self {
            token,
            folder: folder.to_owned(),
            limits: limits.clone(),
            born: Instant::now(),
            deadline: AtomicU64::new(u64::MAX),
            next_space: AtomicU64::new(0),
            stop: AtomicU8::new(0),
            statement_began: AtomicI64::new(Utc::now().timestamp_millis()),
            filled: AtomicU64::new(0),
        }
    }

    /// Counts a row of what the script reads. A file's rows may be many more than its bytes.
    pub(super) fn fill(&self, bytes: usize) -> Result<(), EngineError> {
        let filled = self.filled.fetch_add(bytes as u64, Ordering::Relaxed).saturating_add(bytes as u64);
        if filled <= self.limits.max_scratch_mb.saturating_mul(1024 * 1024) {
            return Ok(());
        }
        Err(EngineError::Limit { limit: Limit::Input(self.limits.max_scratch_mb), at: None })
    }

    /// Starts the clock of a script.
    pub(super) fn start(&self) {
        self.deadline.store(self.now().saturating_add(micros(self.limits.timeout)), Ordering::Relaxed);
    }

    /// A statement begins: its time stands still from here on.
    pub(super) fn begin_statement(&self) {
        self.statement_began.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
    }

    /// When the statement that runs began.
    pub(super) fn statement_began(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.statement_began.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// No script runs any more.
    pub(super) fn finish(&self) {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether the work has to stop.
    pub(super) fn must_stop(&self) -> bool {
        if self.stop.load(Ordering::Relaxed) != 0 {
            return true;
        }
        let reason = if self.token.is_cancelled() {
            Some(Stop::Cancelled)
        } else {
            let now = self.now();
            if now >= self.deadline.load(Ordering::Relaxed) {
                Some(Stop::Timeout)
            } else if self.space_is_short(now) {
                Some(Stop::Space)
            } else {
                None
            }
        };
        if let Some(reason) = reason {
            self.stop.store(reason as u8, Ordering::Relaxed);
        }
        reason.is_some()
    }

    /// Stops the work for a reason that somebody else found.
    pub(super) fn stop(&self, reason: Stop) {
        self.stop.store(reason as u8, Ordering::Relaxed);
    }

    /// Why the work was stopped, if it was.
    pub(super) fn reason(&self) -> Option<Stop> {
        match self.stop.load(Ordering::Relaxed) {
            1 => Some(Stop::Cancelled),
            2 => Some(Stop::Timeout),
            3 => Some(Stop::Space),
            4 => Some(Stop::Aggregate),
            _ => None,
        }
    }

    /// The limits that it keeps.
    pub(super) fn limits(&self) -> &EngineLimits {
        &self.limits
    }

    /// The error for a reason to stop.
    pub(super) fn error(&self, stop: Stop, at: Option<Place>) -> EngineError {
        let limit = match stop {
            Stop::Cancelled => return EngineError::Cancelled,
            Stop::Timeout if self.limits.is_own_timeout => Limit::OwnTime(self.limits.timeout),
            Stop::Timeout => Limit::Time(self.limits.timeout),
            Stop::Aggregate => Limit::Aggregate(self.limits.max_aggregate_mb),
            Stop::Space => Limit::Space(self.least_free_mb()),
        };
        EngineError::Limit { limit, at }
    }

    fn now(&self) -> u64 {
        micros(self.born.elapsed())
    }

    fn space_is_short(&self, now: u64) -> bool {
        if now < self.next_space.load(Ordering::Relaxed) {
            return false;
        }
        self.next_space.store(now + micros(SPACE_INTERVAL), Ordering::Relaxed);
        let least = self.limits.min_free_mb.saturating_mul(1024 * 1024);
        free_bytes(&self.folder).is_some_and(|free| free < least)
    }

    /// What a write that found no space ran into: SQLite has one error for a full disk and a full database.
    pub(super) fn without_space(&self) -> Limit {
        let least = self.least_free_mb();
        let is_disk = free_bytes(&self.folder).is_some_and(|free| free < least.saturating_mul(1024 * 1024));
        if is_disk { Limit::Space(least) } else { Limit::Scratch(self.limits.max_scratch_mb) }
    }

    /// A disk with less than a megabyte is full, whatever the configuration asks for.
    fn least_free_mb(&self) -> u64 {
        self.limits.min_free_mb.max(1)
    }
}

/// What is free on the disk that holds `folder`. `None` when the system does not say.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(limits: &EngineLimits) -> (CancelToken, Watch, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let token = CancelToken::new();
        let watch = Watch::new(token.clone(), folder.path(), limits);
        (token, watch, folder)
    }

    #[test]
    fn the_first_reason_to_stop_is_kept() {
        let limits = EngineLimits { min_free_mb: 0, timeout: Duration::ZERO, ..EngineLimits::default() };
        let (token, watch, _folder) = watch(&limits);
        assert!(!watch.must_stop());
        watch.start();
        assert!(watch.must_stop());
        token.cancel();
        assert!(watch.must_stop());
        assert_eq!(watch.reason(), Some(Stop::Timeout));
    }

    #[test]
    fn a_nearly_full_disk_stops_the_work() {
        let (_token, watch, folder) =
            watch(&EngineLimits { min_free_mb: u64::MAX, ..EngineLimits::default() });
        assert!(free_bytes(folder.path()).is_some());
        assert!(watch.must_stop());
        assert_eq!(watch.reason(), Some(Stop::Space));
    }
}
