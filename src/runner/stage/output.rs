//! The SQL output ZIP.

use std::{io::BufWriter, path::PathBuf};

use super::scope::Scope;
use crate::{
    engine::OutputReader,
    report::SqlZip,
    runner::job::{Job, Stop, scratch_file},
};

/// Packs every output table. Provenance columns are left out.
pub(in crate::runner) fn zip(
    job: &Job<'_>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
) -> Result<PathBuf, Stop> {
    let (path, file) = scratch_file(job, "output.zip")?;
    let mut zip = SqlZip::create(BufWriter::new(file), job.token.clone());
    for scope in scopes {
        zip.begin_scope(&scope.table.scope, &scope.table.columns)?;
        let names = scope.output_names();
        reader.stream(&scope.table, &names, |row| -> Result<(), Stop> { Ok(zip.row(row.cells())?) })?;
    }
    zip.finish()?;
    Ok(path)
}
