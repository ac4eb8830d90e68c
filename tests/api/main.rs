//! Behaviour over real HTTP against real SQLite.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod addresses;
mod busy;
mod cancel;
mod clients;
mod compression;
mod conditions;
mod connector;
mod copies;
mod credentials;
mod docs;
mod downloads;
mod examples;
mod exports;
mod files;
mod filter_group;
mod flow;
mod health;
mod idempotency;
mod inputs;
mod mapping;
mod matching;
mod notification;
mod object;
mod page;
mod permission;
mod permissions;
mod preview;
mod progress;
mod queue;
mod reach;
mod record;
mod record_label;
mod rerun;
mod retention;
mod run;
mod sample;
mod schedule;
mod script;
mod search;
mod seed;
mod sequences;
mod setup;
mod sql_function;
mod strangers;
mod surface;
mod team;
mod told;
mod uploads;
mod variables;
mod walk;
mod webhook;
