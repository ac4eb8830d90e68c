//! A file as the tables that it holds.
//!
//! ```text
//! bytes ─► what they are ─┬─ text                               ─► one table
//!                         ├─ workbook                           ─► a table per sheet
//!                         ├─ ZIP archive ─► unpacked: each text ─► a table, each workbook ─► a table per sheet
//!                         └─ gzip archive ─► unpacked: text     ─► one table
//! ```
//!
//! Names (spec: sql §1): a file of one table gives it its whole name; of several sheets each gives its own; a
//! file in a ZIP archive its name without the extension, and where it is a workbook of several sheets that
//! name, `_` and the sheet's. Files of a ZIP archive come in the order of their names.
//!
//! One workbook at a time is open, so that memory does not depend on how many there are.

use std::{
    fs::File,
    io::Seek as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    archive::{self, ArchiveError, UnpackLimits, Zip},
    csv::DelimitedReader,
    detect::{self, Content},
    error::{InputError, shown},
    names::{table_name, table_names},
    record::read_head,
    source::Source,
    table::TableReader,
    warning::Warnings,
    workbook::{Package, Workbook, WorkbookError},
};
use crate::{cancel::CancelToken, connector::InputOptions};

/// What opening a file needs besides its bytes.
pub struct Opening<'o> {
    /// Its name.
    pub name: &'o str,
    /// How it is to be read.
    pub options: &'o InputOptions,
    /// How much may be unpacked.
    pub limits: UnpackLimits,
    /// An existing folder on the data folder's disk: what is unpacked goes there, and goes with the
    /// [`InputFile`].
    pub scratch: &'o Path,
    /// Stops it.
    pub cancel: &'o CancelToken,
}

/// An open file.
pub struct InputFile {
    /// What was odd about the file as a whole.
    pub warnings: Warnings,
    documents: Vec<Document>,
    tables: Vec<Table>,
    open: Option<(usize, Open)>,
    options: InputOptions,
    limits: UnpackLimits,
    cancel: CancelToken,
    /// Removed with it.
    unpacked: Option<TempDir>,
}

/// A table of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is called in the file: the file's, the sheet's or the member's name.
    pub title: String,
    /// The name made of it, distinct in the file.
    pub name: String,
    document: usize,
    /// Counted from 0; of a text, 0.
    sheet: usize,
}

/// One text or workbook.
struct Document {
    /// Where it was unpacked; `None`: it is the file itself, and stays open.
    path: Option<PathBuf>,
    kind: Kind,
    is_1904: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Package(Package),
    Compound,
}

enum Open {
    Text(Box<dyn Source>),
    Workbook(Box<Workbook>),
}

impl InputFile {
    /// Finds out what the file is and which tables it has. Archives are unpacked.
    ///
    /// # Errors
    /// [`InputError`]: the file is nothing that is read, not what its name says, empty, damaged, encrypted, or
    /// too large when unpacked.
    pub fn open(mut source: Box<dyn Source>, opening: &Opening<'_>) -> Result<Self, InputError> {
        let head = read_head(&mut source)?;
        source.rewind()?;
        let content = detect::content(&head);
        check_name(opening.name, content)?;
        let mut file = Self {
            warnings: Warnings::new(),
            documents: Vec::new(),
            tables: Vec::new(),
            open: None,
            options: opening.options.clone(),
            limits: opening.limits,
            cancel: opening.cancel.clone(),
            unpacked: None,
        };
        match content {
            Content::Text => file.take(Kind::Text, Open::Text(source), opening.name)?,
            Content::CompoundFile => {
                let book = Workbook::open_compound(source, &opening.limits, opening.cancel)?;
                file.take(Kind::Compound, Open::Workbook(Box::new(book)), opening.name)?;
            }
            Content::Zip => file.take_zip(source, opening)?,
            Content::Gzip => file.take_gzip(source, opening)?,
            found @ Content::Other(_) => return Err(InputError::NotText(found)),
        }
        Ok(file)
    }

    /// Its tables, in order; at least one.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Whether it is, or has in it, a workbook whose days count from 1904-01-01.
    #[must_use]
    pub fn is_1904(&self) -> bool {
        self.documents.iter().any(|document| document.is_1904)
    }

    /// Whether the days of table `n` count from there, by its workbook.
    ///
    /// # Panics
    /// If there is no table `n`.
    #[must_use]
    pub fn counts_from_1904(&self, n: usize) -> bool {
        self.documents[self.tables[n].document].is_1904
    }

    /// Opens a table at its header.
    ///
    /// # Errors
    /// [`InputError`]: its header can't be read.
    ///
    /// # Panics
    /// If there is no table `n`.
    pub fn read(&mut self, n: usize) -> Result<TableReader<'_>, InputError> {
        let Table { document, sheet, ref title, .. } = self.tables[n];
        let place = (self.tables.len() > 1).then(|| title.clone());
        let within = |error: InputError| match &place {
            Some(place) => error.within(place),
            None => error,
        };
        self.ensure_open(document).map_err(within)?;
        let Some((_, open)) = &mut self.open else { return Err(InputError::Empty) };
        match open {
            Open::Text(source) => {
                source.rewind()?;
                let reader = DelimitedReader::open(&mut **source, &self.options, &self.cancel);
                Ok(TableReader::text(reader.map_err(within)?, place))
            }
            Open::Workbook(book) => {
                let reader = book.sheet(sheet, &self.options, &self.cancel).map_err(within)?;
                let reader = reader.ok_or(WorkbookError::Empty)?;
                Ok(TableReader::sheet(reader, place))
            }
        }
    }

    pub(super) const fn options(&self) -> &InputOptions {
        &self.options
    }

    pub(super) const fn cancel(&self) -> &CancelToken {
        &self.cancel
    }

    /// The bytes of table `n`, when that is text.
    pub(super) fn text(&mut self, n: usize) -> Result<Option<&mut (dyn Source + 'static)>, InputError> {
        self.ensure_open(self.tables[n].document)?;
        match &mut self.open {
            Some((_, Open::Text(source))) => {
                source.rewind()?;
                Ok(Some(&mut **source))
            }
            _ => Ok(None),
        }
    }

    /// The file itself, as its one document.
    fn take(&mut self, kind: Kind, open: Open, name: &str) -> Result<(), InputError> {
        self.documents.push(Document { path: None, kind, is_1904: false });
        self.open = Some((0, open));
        let sheets = self.sheets(0)?;
        let names = match sheets.as_slice() {
            [_] => vec![(name.to_owned(), table_name(name))],
            several => named(several.iter().map(|(_, title)| title.clone()).collect()),
        };
        self.add_tables(0, &sheets, names);
        if self.tables.is_empty() { Err(WorkbookError::Empty.into()) } else { Ok(()) }
    }

    fn take_zip(&mut self, source: Box<dyn Source>, opening: &Opening<'_>) -> Result<(), InputError> {
        let mut zip = Zip::open(source, &self.limits)?;
        let package = Package::of(&zip)?;
        if package != Package::Archive {
            let book = Workbook::open_package(zip, package, &self.limits, &self.cancel)?;
            return self.take(Kind::Package(package), Open::Workbook(Box::new(book)), opening.name);
        }
        let folder = self.folder(opening)?;
        let members = archive::unpack_members(&mut zip, &folder, &self.limits, &self.cancel)?;
        drop(zip);
        let (mut titles, mut places) = (Vec::new(), Vec::new());
        for member in members {
            let document = self.documents.len();
            let within = |error: InputError| match error {
                // It names the file.
                InputError::Archive(ArchiveError::Nested { .. }) => error,
                error => error.within(&member.name),
            };
            let kind = self.kind_of(&member.path, &member.name).map_err(within)?;
            self.documents.push(Document { path: Some(member.path.clone()), kind, is_1904: false });
            let sheets = self.sheets(document).map_err(within)?;
            let stem = shown(member.name.rsplit_once('.').map_or(member.name.as_str(), |(stem, _)| stem));
            for (sheet, title) in &sheets {
                places.push((document, *sheet));
                if places.len() as u64 > u64::from(self.limits.max_archive_files) {
                    return Err(ArchiveError::TooManyTables { most: self.limits.max_archive_files }.into());
                }
                titles.push(if sheets.len() > 1 { format!("{stem} {title}") } else { stem.clone() });
            }
            if sheets.is_empty() {
                return Err(within(WorkbookError::Empty.into()));
            }
        }
        for ((title, name), (document, sheet)) in named(titles).into_iter().zip(places) {
            self.tables.push(Table { title, name, document, sheet });
        }
        Ok(())
    }

    fn take_gzip(&mut self, source: Box<dyn Source>, opening: &Opening<'_>) -> Result<(), InputError> {
        let folder = self.folder(opening)?;
        let path = folder.join("unpacked");
        archive::unpack_gzip(source, &path, &self.limits, &self.cancel, &mut self.warnings)?;
        self.take(Kind::Text, Open::Text(Box::new(File::open(path)?)), opening.name)
    }

    /// A folder for what is unpacked.
    fn folder(&mut self, opening: &Opening<'_>) -> Result<PathBuf, InputError> {
        let folder = tempfile::Builder::new().prefix("unpacked-").tempdir_in(opening.scratch)?;
        let path = folder.path().to_owned();
        self.unpacked = Some(folder);
        Ok(path)
    }

    /// What a file of a ZIP archive is.
    fn kind_of(&self, path: &Path, name: &str) -> Result<Kind, InputError> {
        let mut file = File::open(path)?;
        let content = detect::content(&read_head(&mut file)?);
        check_name(name, content)?;
        match content {
            Content::Text => Ok(Kind::Text),
            Content::CompoundFile => Ok(Kind::Compound),
            Content::Zip => match Package::of(&Zip::open(Box::new(file), &self.limits)?)? {
                Package::Archive => Err(ArchiveError::Nested { file: name.to_owned() }.into()),
                package => Ok(Kind::Package(package)),
            },
            Content::Gzip => Err(ArchiveError::Nested { file: name.to_owned() }.into()),
            found @ Content::Other(_) => Err(InputError::NotText(found)),
        }
    }

    fn ensure_open(&mut self, document: usize) -> Result<(), InputError> {
        if self.open.as_ref().is_some_and(|(open, _)| *open == document) {
            return Ok(());
        }
        self.open = None;
        let Document { path, kind, .. } = &self.documents[document];
        let Some(path) = path else { return Err(InputError::Empty) };
        let source = Box::new(File::open(path)?);
        let open = match kind {
            Kind::Text => Open::Text(source),
            Kind::Compound => {
                Open::Workbook(Box::new(Workbook::open_compound(source, &self.limits, &self.cancel)?))
            }
            Kind::Package(package) => {
                let zip = Zip::open(source, &self.limits)?;
                Open::Workbook(Box::new(Workbook::open_package(zip, *package, &self.limits, &self.cancel)?))
            }
        };
        self.open = Some((document, open));
        Ok(())
    }

    /// The sheets of a document that have a header: their places and names. A text is one without a name.
    fn sheets(&mut self, document: usize) -> Result<Vec<(usize, String)>, InputError> {
        if matches!(self.documents[document].kind, Kind::Text) {
            return Ok(vec![(0, String::new())]);
        }
        self.ensure_open(document)?;
        let Some((_, Open::Workbook(book))) = &mut self.open else { return Ok(Vec::new()) };
        self.documents[document].is_1904 = book.is_1904();
        let titles = book.titles();
        let headed =
            book.headed(&self.options, &self.cancel).map_err(|(n, error)| match titles.as_slice() {
                [_] => error,
                several => error.within(&several[n]),
            })?;
        Ok(headed.into_iter().map(|n| (n, titles[n].clone())).collect())
    }

    fn add_tables(&mut self, document: usize, sheets: &[(usize, String)], names: Vec<(String, String)>) {
        for ((sheet, _), (title, name)) in sheets.iter().zip(names) {
            self.tables.push(Table { title, name, document, sheet: *sheet });
        }
    }
}

/// Titles with the distinct names that they make.
fn named(titles: Vec<String>) -> Vec<(String, String)> {
    let names = table_names(&titles);
    titles.into_iter().zip(names).collect()
}

/// A name that promises a workbook or an archive is held to it: text read as text might look right by accident, and
/// an archive of another kind is not what its sender meant to send. Which kind of workbook it is may differ: programs
/// save `.xls` files that are XLSX. A text may be called anything else.
fn check_name(name: &str, content: Content) -> Result<(), InputError> {
    const BOOK: (&str, &[Content]) = ("a workbook", &[Content::Zip, Content::CompoundFile]);
    const ZIP: (&str, &[Content]) = ("a ZIP archive", &[Content::Zip]);
    const GZIP: (&str, &[Content]) = ("a gzip archive", &[Content::Gzip]);
    const PROMISES: [(&str, (&str, &[Content])); 7] = [
        (".xlsx", BOOK),
        (".xlsm", BOOK),
        (".xlsb", BOOK),
        (".xls", BOOK),
        (".ods", BOOK),
        (".zip", ZIP),
        (".gz", GZIP),
    ];
    let ends_in = |extension: &str| {
        let at = name.len().saturating_sub(extension.len());
        name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(extension))
    };
    match PROMISES.into_iter().find(|(extension, _)| ends_in(extension)) {
        Some((extension, (expected, kinds))) if !kinds.contains(&content) => {
            Err(InputError::NotAsNamed { extension, expected, found: content })
        }
        _ => Ok(()),
    }
}
