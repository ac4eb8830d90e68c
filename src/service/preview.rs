//! Previews: what a draft or live script gives for the first rows of its file, for the editor of the page.
//!
//! Whoever may start a sample may look at a preview (`editor`): it runs the script and shows the same rows
//! of file and seeds. It reads the same file too: that of the last sample, else the reference file; a
//! caller who may not download it is refused as if it were not there.

use super::{file, script::find};
pub use crate::runner::{Preview, PreviewRow, PreviewTable};
use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    runner::{self, Shown},
};

/// Rows of each output table when nobody says how many.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of each output table.
pub const MAX_LIMIT: u32 = 500;

/// Runs the script and shows the first rows of its output tables, or of the one that is asked for.
pub fn make(
    app: &App,
    caller: &Caller,
    connector: &str,
    id: &str,
    scope: Option<&str>,
    limit: Option<u32>,
) -> Result<Preview> {
    let conn = app.store.control.reader()?;
    let (connector, script) = find(&conn, caller, connector, id, Role::Editor)?;
    drop(conn);
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid(format!("limit: found {limit}, expected 1 to {MAX_LIMIT}")).at("limit"));
    }
    let Some(input) = runner::input_of(&connector, &script) else {
        return Err(Error::invalid("There is no file to run the script over. Attach a reference file."));
    };
    file::named(app, caller, input, "config_metadata.triggered.fileupload_file_id")?;
    app.runner.preview(&connector, &script, Shown { scope, limit: limit as usize })
}
