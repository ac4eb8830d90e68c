//! What the variables made of the rows, set aside for the report while the rows pass by: two CSV files
//! per scope in the scratch folder, rows with errors and the others, each as long as a sheet.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::PathBuf,
};

use super::scope::Scope;
use crate::{
    error::Error,
    report::csv,
    runner::job::{Job, Stop, scratch_file},
};

/// Sets rows of one scope aside.
pub struct Extracted {
    rejected: Kept,
    others: Kept,
    max: u64,
}

struct Kept {
    path: PathBuf,
    out: ::csv::Writer<BufWriter<File>>,
    rows: u64,
}

/// What was set aside: rows with errors first.
pub struct SetAside {
    /// Path and rows, rows with errors first.
    pub files: [(PathBuf, u64); 2],
}

impl Extracted {
    /// For the scope at position `n`.
    pub(in crate::runner) fn create(job: &Job<'_>, n: usize) -> Result<Self, Stop> {
        let kept = |kind: &str| -> Result<Kept, Stop> {
            let (path, file) = scratch_file(job, &format!("extracted_{n}_{kind}.csv"))?;
            Ok(Kept { path, out: csv::writer(BufWriter::new(file)), rows: 0 })
        };
        Ok(Self {
            rejected: kept("rejected")?,
            others: kept("others")?,
            max: job.config.report.max_rows.into(),
        })
    }

    /// Whether a row, with errors or without, still has room.
    pub const fn wants(&self, is_rejected: bool) -> bool {
        let kept = if is_rejected { &self.rejected } else { &self.others };
        kept.rows < self.max
    }

    /// Sets a row aside.
    pub fn keep<'a>(&mut self, is_rejected: bool, cells: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        let kept = if is_rejected { &mut self.rejected } else { &mut self.others };
        kept.rows += 1;
        kept.out.write_record(cells).map_err(|e| Error::internal(format!("{}: {e}", kept.path.display())))
    }

    /// Ends it.
    pub fn finish(self) -> Result<SetAside, Error> {
        Ok(SetAside { files: [self.rejected.finish()?, self.others.finish()?] })
    }
}

impl Kept {
    fn finish(mut self) -> Result<(PathBuf, u64), Error> {
        self.out.flush().map_err(|e| Error::internal(format!("{}: {e}", self.path.display())))?;
        Ok((self.path, self.rows))
    }
}

impl SetAside {
    /// Calls `take` with every row, those with errors first.
    pub fn each(&self, mut take: impl FnMut(&::csv::StringRecord) -> Result<(), Stop>) -> Result<(), Stop> {
        for (path, _) in &self.files {
            let failed = |e: &dyn std::fmt::Display| Error::internal(format!("{}: {e}", path.display()));
            let file = File::open(path).map_err(|e| failed(&e))?;
            let mut reader = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(BufReader::new(file));
            let mut record = ::csv::StringRecord::new();
            while reader.read_record(&mut record).map_err(|e| failed(&e))? {
                take(&record)?;
            }
        }
        Ok(())
    }
}

/// The columns of the sheet.
pub(in crate::runner) fn columns(scope: &Scope<'_>) -> Vec<String> {
    let mut columns = vec!["Row".to_owned(), "Source line".to_owned()];
    columns.extend(scope.variables.iter().map(|compiled| compiled.variable.name.clone()));
    columns.push("Errors".to_owned());
    columns
}
