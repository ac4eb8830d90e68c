//! Behaviour over real HTTP against real SQLite.

#[path = "../support/mod.rs"]
mod support;

mod credentials;
mod files;
