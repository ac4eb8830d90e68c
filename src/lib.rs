//! `smartconnector`: files in, SQL in the middle, records out, in one process.
//!
//! The modules are layers. Each imports only what stands above it in this list; `tests/layers.rs`
//! holds the table and fails on a new edge.
//!
//! | layer | modules |
//! |---|---|
//! | words that know nothing | [`id`], [`clock`], [`error`], [`hex`], [`cancel`], [`context`], [`breakpoint`], [`slots`], [`metrics`] |
//! | values and rules: no I/O, no SQL, no HTTP | [`config`], [`auth`], [`variable`], [`object`], [`script`], [`trigger`], [`connector`], [`execution`] |
//! | workers: each does one thing with what it is given | [`input`], [`engine`], [`store`], [`load`], [`report`] |
//! | what moves | [`runner`], [`package`], [`app`] |
//! | what one may do, and how one asks | [`service`], [`api`], [`admin`], [`server`], [`cli`] |
//!
//! Start reading at [`runner`]'s `job.rs`: it is the table of contents of a run.

#![forbid(unsafe_code)]

pub mod breakpoint;
pub mod cancel;
pub mod clock;
pub mod context;
pub mod error;
pub mod hex;
pub mod id;
pub mod metrics;
pub mod slots;

pub mod auth;
pub mod config;
pub mod connector;
pub mod engine;
pub mod execution;
pub mod object;
pub mod script;
pub mod trigger;
pub mod variable;

pub mod input;
pub mod load;
pub mod report;
pub mod store;

pub mod runner;

pub mod package;

pub mod app;

pub mod admin;
pub mod api;
pub mod cli;
pub mod server;
pub mod service;
