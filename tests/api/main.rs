//! Behaviour over real HTTP against real SQLite.

#[path = "../support/mod.rs"]
mod support;

mod connector;
mod credentials;
mod files;
mod flow;
mod script;
mod setup;
