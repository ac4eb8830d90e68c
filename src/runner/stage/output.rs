//! The SQL output: a ZIP, or the same CSV files in a folder.

use std::{io::BufWriter, path::PathBuf};

use super::scope::Scope;
use crate::{
    engine::OutputReader,
    report::{SqlFolder, SqlOutput, SqlZip, archive::Members},
    runner::job::{Job, Stop, scratch_file},
};

/// Writes every output table where the job wants them. Answers the ZIP, when that is a ZIP.
pub(in crate::runner) fn write(
    job: &Job<'_>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
) -> Result<Option<PathBuf>, Stop> {
    match job.tables_in {
        None => zip(job, reader, scopes).map(Some),
        Some(folder) => {
            tables(SqlFolder::create_in(folder, job.token.clone())?, reader, scopes)?;
            Ok(None)
        }
    }
}

/// Packs every output table.
pub(in crate::runner) fn zip(
    job: &Job<'_>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
) -> Result<PathBuf, Stop> {
    let (path, file) = scratch_file(job, "output.zip")?;
    tables(SqlZip::create(BufWriter::new(file), job.token.clone()), reader, scopes)?;
    Ok(path)
}

/// Provenance columns are left out.
fn tables<M: Members>(
    mut output: SqlOutput<M>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
) -> Result<M::Done, Stop> {
    for scope in scopes {
        output.begin_scope(&scope.table.scope, &scope.table.columns)?;
        let names = scope.output_names();
        reader.stream(&scope.table, &names, |row| -> Result<(), Stop> { Ok(output.row(row.cells())?) })?;
    }
    Ok(output.finish()?)
}
