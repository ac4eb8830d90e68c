//! Files that are unpacked to answer a request: so many at a time, and none twice at once. Each takes a thread that
//! requests wait for, and as much of the disk as a run's input may.

use crate::{
    app::App,
    error::{Code, Error, Result},
    id::ExecutionId,
};

/// The right to unpack the input of an execution, as long as it lives.
pub struct Unpacking<'a> {
    app: &'a App,
    id: ExecutionId,
}

impl<'a> Unpacking<'a> {
    /// Begins.
    ///
    /// # Errors
    /// `busy`: it is being unpacked for another request, or too many others are.
    pub fn of(app: &'a App, id: ExecutionId) -> Result<Self> {
        let busy = |why: String| Err(Error::new(Code::Busy, format!("{why} Ask again in a moment.")));
        let most = app.config.files.max_unpackings;
        let mut under_way = app.unpacking.lock();
        if under_way.contains(&id) {
            return busy(
                "The rejected rows of this execution are being read for another request.".to_owned(),
            );
        }
        if under_way.len() as u64 >= u64::from(most) {
            return busy(format!(
                "{most} files are being unpacked for requests already (files.max_unpackings)."
            ));
        }
        under_way.insert(id);
        drop(under_way);
        Ok(Self { app, id })
    }
}

impl Drop for Unpacking<'_> {
    fn drop(&mut self) {
        self.app.unpacking.lock().remove(&self.id);
    }
}
