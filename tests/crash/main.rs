//! The real binary, killed and stopped while it works.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod bombs;
mod busy;
mod disk;
mod kill;
mod log;
mod notification;
mod process;
mod secrets;
mod seeds;
mod start;
mod staying_up;
mod stop;
mod threads;
mod webhook;
