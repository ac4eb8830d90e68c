//! The SQL output: a ZIP, or the same CSV files in a folder; and the sheets of the workbook that show it, since the
//! rows pass by here.

use std::{io::BufWriter, path::PathBuf};

use super::scope::Scope;
use crate::{
    engine::OutputReader,
    report::{Cell, Options, SheetKind, SqlFolder, SqlOutput, SqlZip, Workbook, archive::Members},
    runner::job::{Job, Stop, scratch_file},
};

/// What is written beside the load.
pub(in crate::runner) struct Output {
    /// The ZIP, when it was to be one.
    pub zip: Option<PathBuf>,
    /// The workbook with the sheets of the output. Without it there is still a ZIP.
    pub book: Result<Workbook, Stop>,
}

/// Writes every output table where the job wants them, and the first of their rows into the workbook.
pub(in crate::runner) fn write(
    job: &Job<'_>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
) -> Result<Output, Stop> {
    let options = Options {
        scratch: job.scratch,
        max_rows: job.config.report.max_rows.into(),
        all_rows_in: job.names.0,
        created: job.store.clock.now(),
        cancel: job.token.clone(),
    };
    let mut book = Workbook::create(&options).map_err(Stop::from);
    let zip = match job.tables_in {
        None => Some(zip(job, reader, scopes, Some(&mut book))?),
        Some(folder) => {
            tables(SqlFolder::create_in(folder, job.token.clone())?, reader, scopes, Some(&mut book))?;
            None
        }
    };
    Ok(Output { zip, book })
}

/// Packs every output table; shows its first rows in `book`, if there is one.
pub(in crate::runner) fn zip(
    job: &Job<'_>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
    book: Option<&mut Result<Workbook, Stop>>,
) -> Result<PathBuf, Stop> {
    let (path, file) = scratch_file(job, "output.zip")?;
    tables(SqlZip::create(BufWriter::new(file), job.token.clone()), reader, scopes, book)?;
    Ok(path)
}

/// Provenance columns are left out.
fn tables<M: Members>(
    mut output: SqlOutput<M>,
    reader: &OutputReader,
    scopes: &[Scope<'_>],
    mut book: Option<&mut Result<Workbook, Stop>>,
) -> Result<M::Done, Stop> {
    for scope in scopes {
        output.begin_scope(&scope.table.scope, &scope.table.columns)?;
        let kind = SheetKind::SqlOutput { scope: &scope.table.scope };
        let (columns, rows) = (&scope.table.columns, scope.table.rows);
        let open = book.as_mut().and_then(|book| book.as_mut().ok());
        let mut sheet = open.map(|book| book.begin_sheet(kind, columns, rows));
        reader.stream(&scope.table, &scope.output_names(), |row| -> Result<(), Stop> {
            output.row(row.cells())?;
            if let Some(Ok(open)) = &mut sheet
                && open.room() > 0
                && let Err(error) = open.write_row(row.cells().map(Cell::from))
            {
                sheet = Some(Err(error));
            }
            Ok(())
        })?;
        if let (Some(Err(error)), Some(book)) = (sheet.map(|sheet| sheet?.end()), &mut book) {
            **book = Err(error.into());
        }
    }
    Ok(output.finish()?)
}
