//! `backup` and `restore`: everything in one file, and back.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;

use super::{Folder, log::start_log};
use crate::{
    error::{Error, Result},
    store::{
        KEY_FILE, Store,
        backup::{self, Manifest},
    },
};

/// Back up everything into one file, while the server runs or not.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write
    file: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// With the key file that decrypts the secrets of connectors: keep such a backup as you keep a key
    #[arg(long)]
    with_key: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log("error");
        if self.file.exists() {
            return Err(Error::conflict(format!(
                "{} exists already. Name a file that does not.",
                self.file.display()
            )));
        }
        let store = self.folder.store()?;
        let manifest = write(&store, &self.file, self.with_key)?;
        if self.json {
            println!("{}", json!(manifest));
            return Ok(ExitCode::SUCCESS);
        }
        told("Backed up", &manifest, &self.file);
        if !self.with_key && store.dir.join(KEY_FILE).exists() {
            eprintln!("The secrets' key file {KEY_FILE} is not in it (--with-key includes it).");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Beside the file, so that giving it its name is the last step.
fn write(store: &Store, file: &Path, with_key: bool) -> Result<Manifest> {
    let failed = |e: std::io::Error| Error::invalid(format!("{}: {e}", file.display()));
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let scratch = tempfile::Builder::new().prefix(".backup-").tempdir_in(folder).map_err(failed)?;
    // Readable by its owner alone.
    let part = tempfile::NamedTempFile::new_in(scratch.path()).map_err(failed)?;
    let mut out = BufWriter::new(part.as_file());
    let manifest = backup::write(store, scratch.path(), with_key, &mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    part.as_file().sync_all().map_err(failed)?;
    part.persist_noclobber(file).map_err(|e| failed(e.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(manifest)
}

/// Restore a backup into an empty data folder.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The file that `backup` wrote
    file: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log("error");
        let dir = PathBuf::from(self.folder.config()?.server.data);
        let manifest = backup::restore(&self.file, &dir)?;
        if self.json {
            println!("{}", json!(manifest));
        } else {
            told("Restored", &manifest, &dir);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(done: &str, manifest: &Manifest, to: &Path) {
    let bytes: u64 = manifest.parts.iter().map(|part| part.size).sum();
    let names: Vec<_> = manifest.parts.iter().map(|part| part.name.as_str()).collect();
    println!("{done}: {} ({:.1} MB) to {}", names.join(", "), bytes as f64 / 1e6, to.display());
}
