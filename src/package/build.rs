//! The ZIP.
//!
//! Nothing in it depends on when or where it was made: fixed order, timestamps and permissions. The files
//! are streamed through, whatever their size.

use std::io::{self, BufWriter, Read, Seek, Write};

use serde::Serialize;
use serde_json::{Map, Value as Json};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::{
    CURRENT_EXECUTION, DATA, DOCUMENT, LOCAL_CONFIG, MARKER, README, SCRIPT,
    document::{Document, InputFile},
    export::Configuration,
    foreign::{LocalConfig, Marker},
    names::{DataNames, data_names},
    records::{self, Taken},
};
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
    report::csv,
    runner::{SeedRecords, job::Stop},
    script::SeedTable,
};

/// A file's bytes are copied in pieces of this many.
const PIECE: usize = 256 * 1024;

/// What goes into a package.
pub struct Contents<'c> {
    /// The configuration.
    pub configuration: Configuration<'c>,
    /// Bound as `:name`: the connector's parameters and the run's over them.
    pub parameters: Map<String, Json>,
    /// The connector's and script's identity.
    pub marker: Marker,
    /// The row of `meta.current_execution`.
    pub meta: Map<String, Json>,
    /// The input file's name as uploaded, and its bytes.
    pub input: Option<(&'c str, Box<dyn Read + 'c>)>,
    /// Where the seeds come from.
    pub seeds: SeedRecords<'c>,
    /// The records that go along; `None`: they were not asked for.
    pub records: Option<Taken<'c>>,
}

/// Writes the package to `out`.
///
/// # Errors
/// A seed, or what the flow names, is gone; reading or writing failed.
pub fn build<W: Write + Seek>(out: W, contents: Contents<'_>, token: &CancelToken) -> Result<W> {
    let Contents { configuration, parameters, marker, meta, input, seeds, records } = contents;
    let metadata = &configuration.snapshot.config_metadata;
    let seed_names: Vec<&str> = metadata.seed_tables.iter().map(|table| table.name.as_str()).collect();
    let names = data_names(input.as_ref().map(|(name, _)| *name), &seed_names);
    let input_file = input
        .as_ref()
        .zip(names.input.as_ref())
        .map(|((name, _), file)| InputFile { name: (*name).to_owned(), file_path: format!("{DATA}/{file}") });
    let config = local_config(&configuration, parameters, &names);
    let document = configuration.document(input_file)?;

    let mut zip = Zip { folder: &configuration.connector.api_name, out: ZipWriter::new(out), token };
    zip.file(SCRIPT, configuration.snapshot.user_script.as_bytes())?;
    zip.json(DOCUMENT, &document)?;
    zip.json(LOCAL_CONFIG, &config)?;
    zip.json(MARKER, &marker)?;
    zip.file(README, readme(&document, &marker).as_bytes())?;
    if let (Some((_, bytes)), Some(name)) = (input, &names.input) {
        zip.copy(&format!("{DATA}/{name}"), bytes)?;
    }
    for (table, name) in metadata.seed_tables.iter().zip(&names.seeds) {
        zip.seed(&format!("{DATA}/{name}"), table, &seeds)?;
    }
    zip.json(&format!("{DATA}/{CURRENT_EXECUTION}"), &meta)?;
    if let Some(records) = records {
        zip.json(&format!("{}/{}", records::FOLDER, records::OBJECTS), &records.ids(&document))?;
        for object in &document.objects {
            zip.begin(&records::file_of(&object.name))?;
            records.write(object, BufWriter::new(&mut zip.out))?;
        }
    }
    zip.out.finish().map_err(failed)
}

/// The script's tables with the names that their files have in the package.
fn local_config(
    configuration: &Configuration<'_>,
    sql_parameters: Map<String, Json>,
    names: &DataNames,
) -> LocalConfig {
    let metadata = configuration.snapshot.config_metadata.clone();
    let mut config = LocalConfig {
        input_tables: metadata.input_tables,
        seed_tables: metadata.seed_tables,
        sql_parameters,
        ..LocalConfig::default()
    };
    for table in &mut config.input_tables {
        table.file_path = names.input.as_ref().map(|name| format!("{DATA}/{name}"));
    }
    for (table, name) in config.seed_tables.iter_mut().zip(&names.seeds) {
        table.name.clone_from(name);
    }
    config
}

struct Zip<'z, W: Write + Seek> {
    folder: &'z str,
    out: ZipWriter<W>,
    token: &'z CancelToken,
}

impl<W: Write + Seek> Zip<'_, W> {
    fn begin(&mut self, path: &str) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            // ZIP64 must be chosen before the size is known; it costs 20 bytes.
            .large_file(true);
        self.out.start_file(format!("{}/{path}", self.folder), options).map_err(failed)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.begin(path)?;
        self.out.write_all(bytes).map_err(failed)
    }

    fn json(&mut self, path: &str, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value).map_err(Error::internal)?;
        text.push('\n');
        self.file(path, text.as_bytes())
    }

    fn copy(&mut self, path: &str, mut bytes: impl Read) -> Result<()> {
        self.begin(path)?;
        let mut piece = vec![0; PIECE];
        loop {
            self.token.check().map_err(|_| cancelled())?;
            let count = bytes.read(&mut piece).map_err(failed)?;
            if count == 0 {
                return Ok(());
            }
            self.out.write_all(&piece[..count]).map_err(failed)?;
        }
    }

    /// The rows of a seed as the script sees them, with the columns beside options and relations.
    fn seed(&mut self, path: &str, table: &SeedTable, seeds: &SeedRecords<'_>) -> Result<()> {
        self.begin(path)?;
        let token = self.token;
        let io = |error: ::csv::Error| Stop::from(failed(error));
        let written = seeds.each(
            table,
            token,
            |columns| {
                let mut csv = csv::writer(&mut self.out);
                csv.write_record(columns).map_err(io)?;
                Ok(csv)
            },
            |csv, cells| {
                csv.write_record(cells.iter().map(|cell| cell.as_deref().unwrap_or_default())).map_err(io)
            },
        );
        let mut csv = written.map_err(|stop| match stop {
            Stop::Cancelled => cancelled(),
            Stop::Failed(sentence) => Error::conflict(sentence),
        })?;
        csv.flush().map_err(failed)
    }
}

fn cancelled() -> Error {
    Error::conflict("Packing was cancelled.")
}

fn failed(error: impl Into<PackError>) -> Error {
    Error::internal(format!("dev package: {}", error.into().0))
}

/// What may fail while a package is written.
struct PackError(String);

impl From<io::Error> for PackError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ZipError> for PackError {
    fn from(error: ZipError) -> Self {
        Self(error.to_string())
    }
}

impl From<::csv::Error> for PackError {
    fn from(error: ::csv::Error) -> Self {
        Self(error.to_string())
    }
}

fn readme(document: &Document, marker: &Marker) -> String {
    // A label may hold what Markdown or a terminal would act on.
    let name: String = document.connector.name.chars().filter(|c| !c.is_control()).collect();
    include_str!("README.template.md")
        .replace("{name}", &name)
        .replace("{api_name}", &document.connector.api_name)
        .replace("{status}", &marker.script_status)
}
