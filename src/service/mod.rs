//! What one may do, a file for each word: a function checks permission, validates, reads or writes (what must be
//! true together in one transaction), and wakes the runner where there is something to run.
//!
//! `api` calls these, and of what is below has types alone. So does `cli` for whatever a server does; commands that
//! need none (`run`, `query`, `restore`, `check`, `vacuum`) call what is below.

pub mod backup;
pub mod connector;
pub mod event;
pub mod execution;
pub mod exporting;
pub mod file;
pub mod filter_group;
pub mod health;
pub mod object;
pub mod package;
pub mod paging;
pub mod people;
pub mod preview;
pub mod record;
pub mod record_export;
pub mod rejected;
pub mod script;
pub mod secret;
pub mod session;
pub mod setup;
pub mod sql_function;
pub mod team;
pub mod unpacking;
pub mod variable;
pub mod webhook;
