//! ZIP and gzip: what is in them, without falling for what only looks small.
//!
//! Before anything is unpacked the ZIP's directory is checked: how many files, how large each says it is, and
//! how much larger than it is in the archive. While it is unpacked each file is held to what it said. Workbooks
//! are ZIP archives, and pass the same guard before they are opened.
//!
//! What is unpacked goes to files in the scratch folder, never into memory: readers seek.

mod error;
mod gzip;
mod limits;
mod members;
mod zip;

pub use error::ArchiveError;
pub use limits::UnpackLimits;

pub(super) use limits::Given;

pub(super) use self::zip::{Part, Zip};
pub(super) use gzip::unpack as unpack_gzip;
pub(super) use members::unpack as unpack_members;
