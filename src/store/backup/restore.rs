//! Putting a backup back.
//!
//! The members are unpacked into a folder inside of the data folder and compared with their hashes; only then
//! they are moved into place, which is a renaming. A folder in which that was cut off still has the inner
//! folder, and no server starts on it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use zip::ZipArchive;

use super::{FORMAT, MANIFEST, Manifest, Part, copy_hashed, failed, write::is_database};
use crate::{
    breakpoint,
    error::{Code, Error, Result},
    store::{KEY_FILE, disk, migrate::Kind, private},
};

/// The inner folder.
const UNFINISHED: &str = "restoring";
/// A manifest is a few hundred bytes.
const MAX_MANIFEST: u64 = 1024 * 1024;

/// Whether a restore into this folder was begun and not finished.
#[must_use]
pub fn is_unfinished(dir: &Path) -> bool {
    dir.join(UNFINISHED).exists()
}

/// Restores the backup in `file` into the data folder `dir`, which must be empty or not there.
///
/// # Errors
/// When the folder holds anything, the file is no whole backup, or it is of a newer program. Then the folder
/// is as it was.
pub fn restore(file: &Path, dir: &Path) -> Result<Manifest> {
    let opened = File::open(file).map_err(|e| Error::invalid(format!("{}: {e}", file.display())))?;
    let mut zip = ZipArchive::new(opened).map_err(|e| no_backup(file, &e.to_string()))?;
    let manifest = manifest(file, &mut zip)?;
    let was_there = dir.exists();
    claim(dir)?;
    let unpacked = unpack(file, &mut zip, &manifest, dir);
    if unpacked.is_err() {
        let left = fs::remove_dir_all(dir.join(UNFINISHED));
        let left = if was_there { left } else { left.and_then(|()| fs::remove_dir(dir)) };
        if let Err(error) = left {
            log::error!("{}: {error}", dir.display());
        }
    }
    unpacked?;
    put_in_place(&manifest, dir).map_err(|e| failed(dir, &e))?;
    Ok(manifest)
}

fn manifest(file: &Path, zip: &mut ZipArchive<File>) -> Result<Manifest> {
    let member = zip.by_name(MANIFEST).map_err(|_| no_backup(file, "it has no manifest"))?;
    let manifest: Manifest = serde_json::from_reader(member.take(MAX_MANIFEST))
        .map_err(|e| no_backup(file, &format!("its manifest: {e}")))?;
    if manifest.format != FORMAT {
        return Err(newer(file, &manifest));
    }
    for part in &manifest.parts {
        match is_database(&part.name) {
            Some(kind) if part.schema.is_none_or(|schema| schema > kind.version()) => {
                return Err(newer(file, &manifest));
            }
            None if part.name != KEY_FILE => {
                return Err(no_backup(file, &format!("{:?} belongs in no data folder", part.name)));
            }
            _ => {}
        }
    }
    let missing =
        Kind::ALL.into_iter().find(|kind| !manifest.parts.iter().any(|p| p.name == kind.file_name()));
    match missing {
        Some(kind) => Err(no_backup(file, &format!("{} is not in it", kind.file_name()))),
        None => Ok(manifest),
    }
}

/// Makes the folder and the inner one. What a disk itself keeps in its root is no content.
fn claim(dir: &Path) -> Result<()> {
    crate::store::make_private(dir)?;
    let found = fs::read_dir(dir).map_err(|e| failed(dir, &e))?;
    if found.flatten().any(|entry| entry.file_name() != "lost+found") {
        return Err(Error::conflict(format!(
            "{} is not empty, and a restore overwrites nothing. Name another folder with --data.",
            dir.display()
        )));
    }
    crate::store::make_private(&dir.join(UNFINISHED))
}

fn unpack(file: &Path, zip: &mut ZipArchive<File>, manifest: &Manifest, dir: &Path) -> Result<()> {
    let needed: u64 = manifest.parts.iter().map(|part| part.size).sum();
    if disk::space_at(dir).is_some_and(|(free, _)| free < needed) {
        return Err(Error::new(
            Code::DiskFull,
            format!("{}: the backup needs {} MB.", dir.display(), needed / 1_000_000),
        ));
    }
    for part in &manifest.parts {
        let path = dir.join(UNFINISHED).join(&part.name);
        let member = zip.by_name(&part.name).map_err(|e| no_backup(file, &format!("{}: {e}", part.name)))?;
        let found = copy(member.take(part.size + 1), &path).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => failed(&path, &error),
            _ => no_backup(file, &format!("{}: {error}", part.name)),
        })?;
        if found != (part.size, part.sha256.clone()) {
            return Err(no_backup(file, &format!("{} has other bytes than its manifest says", part.name)));
        }
    }
    Ok(())
}

/// Answers size and hash.
fn copy(mut from: impl Read, to: &Path) -> io::Result<(u64, String)> {
    make_private(to)?;
    let mut out = File::options().write(true).open(to)?;
    let copied = copy_hashed(|piece| from.read(piece), |piece| out.write_all(piece))?;
    out.sync_all()?;
    Ok(copied)
}

fn put_in_place(manifest: &Manifest, dir: &Path) -> io::Result<()> {
    let inner = dir.join(UNFINISHED);
    for Part { name, .. } in &manifest.parts {
        fs::rename(inner.join(name), dir.join(name))?;
        breakpoint::reach("restored_part");
    }
    File::open(dir)?.sync_all()?;
    // From here on it is a data folder.
    fs::remove_dir(&inner)?;
    File::open(dir)?.sync_all()
}

/// Makes an empty file that only its owner can read.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    private::options().create_new(true).open(path).map(drop)
}

fn no_backup(file: &Path, why: &str) -> Error {
    Error::invalid(format!("{} is no whole backup: {why}. Nothing was restored.", file.display()))
}

fn newer(file: &Path, manifest: &Manifest) -> Error {
    Error::conflict(format!(
        "{} was written by smartconnector {}, which is newer than this one. Use that version.",
        file.display(),
        manifest.version
    ))
}
