//! The files of a ZIP archive that count, unpacked.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{ArchiveError, UnpackLimits, Zip, zip::unpacking};
use crate::{
    cancel::CancelToken,
    input::{error::InputError, source::read_full},
};

const PIECE: usize = 256 * 1024;

/// One file.
pub(in crate::input) struct Unpacked {
    /// Its name, without the folder.
    pub name: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// Unpacks them into `folder`, in the order of their names: packers order files as they find them.
pub(in crate::input) fn unpack(
    zip: &mut Zip,
    folder: &Path,
    limits: &UnpackLimits,
    cancel: &CancelToken,
) -> Result<Vec<Unpacked>, InputError> {
    let mut chosen: Vec<(usize, String)> = zip
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.is_folder && counts(&entry.name))
        .map(|(n, entry)| (n, entry.name.clone()))
        .collect();
    chosen.sort_by(|a, b| a.1.cmp(&b.1));
    check_folders(&chosen)?;
    let mut unpacked = Vec::with_capacity(chosen.len());
    for (n, name) in chosen {
        // A name of our own: the archive's may be anything.
        let path = folder.join(n.to_string());
        copy(zip, n, &path, || {
            cancel.check()?;
            limits.check_space(folder)
        })?;
        unpacked.push(Unpacked { name: base(&name).to_owned(), path });
    }
    Ok(unpacked)
}

/// Not what systems leave in archives of their own accord.
fn counts(name: &str) -> bool {
    name.split('/').all(|part| !part.starts_with('.') && part != "__MACOSX")
}

fn base(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, base)| base)
}

/// All in the root, or all in one folder of it.
fn check_folders(chosen: &[(usize, String)]) -> Result<(), ArchiveError> {
    let folder = |name: &str| name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let Some((_, first)) = chosen.first() else { return Err(ArchiveError::Nothing) };
    let Some((_, other)) = chosen.iter().find(|(_, name)| folder(name) != folder(first)) else {
        if folder(first).contains('/') {
            return Err(ArchiveError::Deep { file: first.clone() });
        }
        return Ok(());
    };
    Err(ArchiveError::Folders { one: first.clone(), other: other.clone() })
}

fn copy(
    zip: &mut Zip,
    n: usize,
    path: &Path,
    may_go_on: impl Fn() -> Result<(), InputError>,
) -> Result<(), InputError> {
    let name = zip.entries[n].name.clone();
    let mut out = BufWriter::new(File::create(path)?);
    let mut part = zip.read(n)?;
    let mut piece = vec![0; PIECE];
    loop {
        may_go_on()?;
        match read_full(&mut part, &mut piece).map_err(|error| unpacking(error).within(&name))? {
            0 => break,
            filled => out.write_all(&piece[..filled])?,
        }
    }
    out.flush()?;
    Ok(())
}
