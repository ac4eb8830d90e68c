//! What is made in a file before it is sent: so many at a time. Each takes a thread that requests wait for, and space
//! on the disk.

use crate::{
    app::App,
    error::{Code, Error, Result},
    slots::Slot,
};

/// The right to make one, as long as it lives.
///
/// # Errors
/// `busy` when too many are being made.
pub fn begin(app: &App) -> Result<Slot> {
    app.exports.take().ok_or_else(|| {
        let most = app.exports.most();
        let detail = format!(
            "{most} dev packages and exports of records are being made already (files.max_exports). Ask again in a moment."
        );
        Error::new(Code::Busy, detail)
    })
}
