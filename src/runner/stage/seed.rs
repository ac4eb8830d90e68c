//! Seeds into `kizen`: a snapshot of records, or the CSV files of a dev package.
//!
//! All seeds of a run are one state of the records, whatever is written meanwhile: they are read in one
//! transaction, one after the other, before the script starts. That holds back the WAL for the seconds that it takes.

use std::path::Path;

use crate::{
    cancel::CancelToken,
    connector::Seed,
    engine::{Cell, ColumnKind, Engine, TableLoader},
    error::{Error, Result},
    execution::StageKind,
    object::Object,
    runner::job::{Job, Stop},
    script::SeedTable,
    store::{Snapshot, Store, seed::SeedReader, words::Words},
};

/// Loads every seed table that the script's configuration lists: a seed takes effect with the template
/// that was made after it was saved.
pub(in crate::runner) fn read(job: &Job<'_>, engine: &mut Engine) -> Result<(), Stop> {
    let tables = &job.snapshot.config_metadata.seed_tables;
    let records = match job.seeds_from {
        None if !tables.is_empty() => Some(SeedRecords::open(job.store, job.objects, &job.snapshot.seeds)?),
        _ => None,
    };
    for table in tables {
        let rows = match (job.seeds_from, &records) {
            (Some(folder), _) => from_file(job, engine, table, folder)?,
            (None, Some(records)) => from_records(job, engine, table, records)?,
            (None, None) => 0,
        };
        crate::breakpoint::reach("seed_read");
        job.progress.log(
            "info",
            Some(StageKind::InputRead),
            format!("Seed kizen.{}: {rows} rows.", table.table_name),
        );
    }
    Ok(())
}

/// Where seeds come from on a server: the records of its objects, as they were when the first seed was read.
pub struct SeedRecords<'r> {
    records: Snapshot,
    words: Words,
    objects: &'r [Object],
    seeds: &'r [Seed],
}

impl<'r> SeedRecords<'r> {
    /// Of a connector with these seeds, in a workspace with these objects.
    pub fn open(store: &Store, objects: &'r [Object], seeds: &'r [Seed]) -> Result<Self> {
        Ok(Self { records: store.records.snapshot()?, words: Words::of(store)?, objects, seeds })
    }

    /// Hands the columns of a seed table to `begin` and its rows to `row`.
    ///
    /// # Errors
    /// The seed is gone, or what `begin` and `row` answer.
    pub fn each<S>(
        &self,
        table: &SeedTable,
        token: &CancelToken,
        begin: impl FnOnce(&[String]) -> Result<S, Stop>,
        mut row: impl FnMut(&mut S, &[Option<String>]) -> Result<(), Stop>,
    ) -> Result<S, Stop> {
        let seed = self.seed(table)?;
        let mut reader = SeedReader::open(&self.records, &seed, self.words.reading())?;
        let mut sink = begin(reader.columns())?;
        loop {
            token.check()?;
            let mut stopped = None;
            let more = reader.next_page(&self.records, |cells| {
                row(&mut sink, cells).map_err(|stop| {
                    stopped = Some(stop);
                    Error::conflict("the seed's rows were not taken")
                })
            });
            if let Some(stop) = stopped {
                return Err(stop);
            }
            if !more? {
                return Ok(sink);
            }
        }
    }

    /// The connector's seed for the table, with the columns of the template: what the seed lists since
    /// takes effect with the next one.
    fn seed(&self, table: &SeedTable) -> Result<Seed, Stop> {
        let name = &table.table_name;
        let object = self.objects.iter().find(|object| object.name == *name);
        let seed =
            object.and_then(|object| self.seeds.iter().find(|seed| seed.custom_object_id == object.id));
        let (Some(object), Some(saved)) = (object, seed) else {
            return Err(Stop::Failed(format!(
                "The script reads the seed kizen.{name}, which the connector does not have any more. Add the seed, or generate the template again."
            )));
        };
        let fields_ids = table
            .columns_mapping
            .iter()
            .filter_map(|column| object.field_named(&column.col).map(|field| field.id))
            .collect();
        Ok(Seed { fields_ids, ..saved.clone() })
    }
}

fn from_records(
    job: &Job<'_>,
    engine: &mut Engine,
    table: &SeedTable,
    records: &SeedRecords<'_>,
) -> Result<u64, Stop> {
    let mut line = 0;
    let loader = records.each(
        table,
        &job.token,
        |columns| Ok(engine.create_seed(&table.table_name, &text_columns(columns))?),
        |loader, cells| {
            line += 1;
            insert(loader, line, cells.iter().map(Option::as_deref))
        },
    )?;
    Ok(loader.finish()?)
}

fn from_file(job: &Job<'_>, engine: &mut Engine, table: &SeedTable, folder: &Path) -> Result<u64, Stop> {
    let path = folder.join(&table.name);
    let failed = |e: &dyn std::fmt::Display| Stop::Failed(format!("seed file {}: {e}", path.display()));
    let mut reader = csv::Reader::from_path(&path).map_err(|e| failed(&e))?;
    let columns: Vec<String> = reader.headers().map_err(|e| failed(&e))?.iter().map(str::to_owned).collect();
    let mut loader = engine.create_seed(&table.table_name, &text_columns(&columns))?;
    let mut record = csv::StringRecord::new();
    let mut line = 0;
    while reader.read_record(&mut record).map_err(|e| failed(&e))? {
        job.token.check()?;
        line += 1;
        insert(&mut loader, line, record.iter().map(|text| (!text.is_empty()).then_some(text)))?;
    }
    Ok(loader.finish()?)
}

fn text_columns(columns: &[String]) -> Vec<(&str, ColumnKind)> {
    columns.iter().map(|name| (name.as_str(), ColumnKind::Text)).collect()
}

fn insert<'c>(
    loader: &mut TableLoader<'_>,
    line: i64,
    cells: impl Iterator<Item = Option<&'c str>>,
) -> Result<(), Stop> {
    Ok(loader.insert(line, cells.map(|cell| cell.map_or(Cell::Null, Cell::Text)))?)
}
