//! The dev package: a connector as a folder that runs anywhere, with no server and no network, and
//! gives the server's bytes.
//!
//! ```text
//! <api_name>/
//!   connector.sql               the script, verbatim
//!   connector.json              the whole configuration by names
//!   __config.json               what other clients' local runners read
//!   .kizen-connector.json       which connector and script this is
//!   README.md
//!   data/<input file>           as uploaded
//!   data/<seed table name>      one CSV per seed
//!   data/current_execution.json the row of meta.current_execution
//!   data/output/…               after a run
//!   records/…                   the records that the input matches (`records=matched`)
//! ```
//!
//! | file | says |
//! |---|---|
//! | [`document`] | `connector.json` as types |
//! | [`portable`] | what an export has besides: the script, and what filter groups say |
//! | [`export`] | a connector's configuration, ids → names |
//! | [`recreate`] | names → ids, in a scratch workspace or on a server |
//! | [`missing`] | what a document names that a workspace lacks |
//! | [`records`] | the records that a run matches, taken along on demand |
//! | [`names`] | how the files in `data/` are called |
//! | [`build`] | the ZIP |
//! | [`foreign`] | the files that other clients read and write too |
//! | [`folder`] | a package on disk; nothing outside of it is read |
//! | `parts` | an input whose tables are files of their own |
//! | [`run`] | a package through the same job as on the server |
//! | [`result`] | what a local run leaves |
//!
//! Members are not in a package: it is handed around, and their addresses are nobody's business. A local
//! run therefore knows no member, and a load step that writes to a field of members rejects those rows.
//! Neither are records, other than those that a seed shows to the script, unless they are asked for: a local run
//! starts with those that the package has.

pub mod build;
pub mod document;
pub mod export;
pub mod folder;
pub mod foreign;
pub mod missing;
pub mod names;
pub mod portable;
pub mod records;
pub mod recreate;
pub mod result;
pub mod run;

mod parts;

/// The script.
pub const SCRIPT: &str = "connector.sql";
/// The configuration by names.
pub const DOCUMENT: &str = "connector.json";
/// What other clients' local runners read.
pub const LOCAL_CONFIG: &str = "__config.json";
/// Which connector and script this is.
pub const MARKER: &str = ".kizen-connector.json";
/// What the package is, for people.
pub const README: &str = "README.md";
/// Files of the run.
pub const DATA: &str = "data";
/// The row of `meta.current_execution`, in [`DATA`].
pub const CURRENT_EXECUTION: &str = "current_execution.json";
/// What a run leaves, in [`DATA`].
pub const OUTPUT: &str = "output";
