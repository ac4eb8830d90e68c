//! A package on disk.
//!
//! Packages are handed around, so what they say is not trusted: every file that one names must be inside
//! of it, and links do not lead out.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::{
    CURRENT_EXECUTION, DATA, DOCUMENT, LOCAL_CONFIG, MARKER, OUTPUT, SCRIPT,
    document::{Document, FORMAT},
    foreign::{LocalConfig, Marker},
    records,
};
use crate::{
    error::{Error, Result},
    script::InputTable,
};

/// A package that was read and checked. The data files are not read yet.
#[derive(Debug)]
pub struct Package {
    /// The folder, without links.
    pub root: PathBuf,
    /// The script.
    pub script: String,
    /// Its tables and parameters.
    pub config: LocalConfig,
    /// The configuration; packages that other clients made have none.
    pub document: Option<Document>,
    /// Which connector it is, where that is told.
    pub marker: Option<Marker>,
    /// The row of `meta.current_execution`.
    pub meta: Map<String, Json>,
}

/// The input of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What the script sees as its name.
    pub name: String,
    /// Where it is: at least one file. Several, where another client has taken the tables of one apart.
    pub files: Vec<PathBuf>,
}

impl Package {
    /// Reads a package's folder.
    ///
    /// # Errors
    /// It is no package, one of its files is not what it should be, or names a file outside.
    pub fn open(folder: &Path) -> Result<Self> {
        let root = folder.canonicalize().map_err(|e| Error::invalid(format!("{}: {e}", folder.display())))?;
        if !root.join(SCRIPT).exists() {
            return Err(Error::invalid(format!(
                "{} is no dev package: it has no {SCRIPT}. Download one from a connector and unpack it.",
                folder.display()
            )));
        }
        let script = read(&root, SCRIPT)?.ok_or_else(|| Error::invalid(format!("{SCRIPT} is no file")))?;
        let config: LocalConfig = parse(&root, LOCAL_CONFIG)?.ok_or_else(|| {
            Error::invalid(format!("{} is no dev package: it has no {LOCAL_CONFIG}.", folder.display()))
        })?;
        let document: Option<Document> = parse(&root, DOCUMENT)?;
        let marker = parse(&root, MARKER)?;
        let meta = parse(&root, &format!("{DATA}/{CURRENT_EXECUTION}"))?.unwrap_or_default();
        let package = Self { root, script, config, document, marker, meta };
        package.check()?;
        Ok(package)
    }

    fn check(&self) -> Result<()> {
        if let Some(document) = &self.document
            && document.format != FORMAT
        {
            return Err(Error::invalid(format!(
                "{DOCUMENT} has the format {}; this program reads format {FORMAT}.",
                document.format
            )));
        }
        if !self.config.integration_secrets.is_empty() || !self.config.integration_secret_filenames.is_empty()
        {
            return Err(Error::invalid(format!(
                "{LOCAL_CONFIG} names integration secrets, which are not available here."
            )));
        }
        for table in &self.config.seed_tables {
            self.seed_file(&table.name)?;
        }
        for path in self.config.input_tables.iter().filter_map(|table| table.file_path.as_deref()) {
            inside(&self.root, path)?;
        }
        if let Some(input) = self.document.as_ref().and_then(|document| document.input.as_ref()) {
            inside(&self.root, &input.file_path)?;
        }
        for object in self.document.iter().flat_map(|document| &document.objects) {
            inside(&self.root, &records::file_of(&object.name))?;
        }
        inside(&self.root, &format!("{}/{}", records::FOLDER, records::OBJECTS))?;
        inside(&self.root, &format!("{DATA}/{OUTPUT}")).map(|_| ())
    }

    fn seed_file(&self, name: &str) -> Result<PathBuf> {
        let path = inside(&self.root, &format!("{DATA}/{name}"))?;
        if path.is_file() {
            return Ok(path);
        }
        Err(Error::invalid(format!(
            "The package has no seed file {DATA}/{name}, which {LOCAL_CONFIG} names."
        )))
    }

    /// The folder of the data files.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join(DATA)
    }

    /// The connector's label and api name.
    #[must_use]
    pub fn connector(&self) -> (&str, &str) {
        match (&self.document, &self.marker) {
            (Some(document), _) => (&document.connector.name, &document.connector.api_name),
            (None, Some(marker)) => (&marker.connector_name, &marker.connector_api_name),
            (None, None) => ("connector", "connector"),
        }
    }

    /// The package's input, or `other` in its place.
    ///
    /// # Errors
    /// There is none, or it is no file.
    pub fn input(&self, other: Option<&Path>) -> Result<Input> {
        let input = match other {
            Some(path) => Input { name: base_name(path), files: vec![path.to_owned()] },
            None => self.own_input()?,
        };
        match input.files.iter().find(|path| !path.is_file()) {
            None => Ok(input),
            Some(path) => {
                Err(Error::invalid(format!("The input {} is no file that can be read.", path.display())))
            }
        }
    }

    fn own_input(&self) -> Result<Input> {
        let of_document = self.document.as_ref().and_then(|document| document.input.as_ref());
        let named: Vec<String> = match of_document {
            Some(input) => vec![input.file_path.clone()],
            None => self.config.input_tables.iter().map(file_of).collect(),
        };
        let mut files: Vec<PathBuf> = Vec::new();
        for path in named {
            let path = inside(&self.root, &path)?;
            if !files.contains(&path) {
                files.push(path);
            }
        }
        let Some(first) = files.first() else {
            return Err(Error::invalid("The package holds no input file. Name one with --input FILE."));
        };
        let told = self.meta.get("fileupload_file_name").and_then(Json::as_str);
        let name = of_document.map(|input| input.name.clone()).or_else(|| told.map(str::to_owned));
        Ok(Input { name: name.unwrap_or_else(|| base_name(first)), files })
    }
}

/// Where a table's file is.
pub(super) fn file_of(table: &InputTable) -> String {
    table.file_path.clone().unwrap_or_else(|| format!("{DATA}/{}", table.name))
}

fn base_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A path that a package names. What is there, links resolved, must be in the package; nothing there is
/// fine.
fn inside(root: &Path, named: &str) -> Result<PathBuf> {
    let outside = || Error::invalid(format!("The package names the file {named:?}, which is outside of it."));
    // Packages may come from a system with other separators.
    let relative = Path::new(named);
    let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_plain || named.contains('\\') || named.is_empty() {
        return Err(outside());
    }
    let mut existing = root.join(relative);
    while !existing.exists() {
        // A link that leads nowhere may lead somewhere once a run has written there.
        if existing.is_symlink() || !existing.pop() {
            return Err(outside());
        }
    }
    let real = existing.canonicalize().map_err(|e| Error::invalid(format!("{named}: {e}")))?;
    if real.starts_with(root) { Ok(root.join(relative)) } else { Err(outside()) }
}

/// The text of a file of the package; `None`: there is none.
fn read(root: &Path, name: &str) -> Result<Option<String>> {
    let path = inside(root, name)?;
    if !path.exists() {
        return Ok(None);
    }
    fs::read_to_string(&path).map(Some).map_err(|e| Error::invalid(format!("{name}: {e}")))
}

fn parse<T: DeserializeOwned>(root: &Path, name: &str) -> Result<Option<T>> {
    let Some(text) = read(root, name)? else { return Ok(None) };
    let mut json = serde_json::Deserializer::from_str(&text);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|e| Error::invalid(format!("{name}: {}: {}", e.path(), e.inner())))?;
    json.end().map_err(|e| Error::invalid(format!("{name}: {e}")))?;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(SCRIPT), "SELECT 1").unwrap();
        fs::write(dir.path().join(LOCAL_CONFIG), "{}").unwrap();
        fs::create_dir(dir.path().join(DATA)).unwrap();
        dir
    }

    fn refusal(dir: &tempfile::TempDir, config: &str) -> String {
        fs::write(dir.path().join(LOCAL_CONFIG), config).unwrap();
        Package::open(dir.path()).unwrap_err().detail
    }

    #[test]
    fn a_folder_without_a_script_is_no_package() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Package::open(dir.path()).unwrap_err().detail.contains("no dev package"));
        assert!(Package::open(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn nothing_outside_of_the_package_is_named() {
        let dir = package();
        for path in ["../x.csv", "/etc/passwd", "data/../../x", "..\\x", ""] {
            let table = format!("{{\"name\": \"x\", \"table_name\": \"x\", \"file_path\": {path:?}}}");
            let sentence = refusal(&dir, &format!("{{\"input_tables\": [{table}]}}"));
            assert!(sentence.contains("outside"), "{path}: {sentence}");
        }
        let seed = r#"{"seed_tables": [{"name": "../../seed.csv", "table_name": "x"}]}"#;
        assert!(refusal(&dir, seed).contains("outside"));
        let secret = r#"{"integration_secrets": [{"name": "x"}]}"#;
        assert!(refusal(&dir, secret).contains("integration secrets"));
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out() {
        use std::os::unix::fs::symlink;
        let (dir, other) = (package(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret.csv"), "a\n1\n").unwrap();
        symlink(other.path().join("secret.csv"), dir.path().join("data/in.csv")).unwrap();
        let config =
            r#"{"input_tables": [{"name": "in.csv", "table_name": "x", "file_path": "data/in.csv"}]}"#;
        assert!(refusal(&dir, config).contains("outside"));
        fs::write(dir.path().join(LOCAL_CONFIG), "{}").unwrap();
        symlink(other.path(), dir.path().join("data/output")).unwrap();
        assert!(Package::open(dir.path()).unwrap_err().detail.contains("outside"));
        fs::remove_file(dir.path().join("data/output")).unwrap();
        symlink(other.path().join("later"), dir.path().join("data/output")).unwrap();
        assert!(Package::open(dir.path()).unwrap_err().detail.contains("outside"));
    }

    #[test]
    fn a_package_of_another_client_is_the_script_alone() {
        let dir = package();
        let config = r#"{"input_tables": [{"name": "in.csv", "table_name": "x", "its own": 1,
            "columns_mapping": [{"col": "a", "type": "str", "its own": 1}]}], "its own": 1}"#;
        fs::write(dir.path().join(LOCAL_CONFIG), config).unwrap();
        fs::write(dir.path().join("data/in.csv"), "a\n").unwrap();
        let package = Package::open(dir.path()).unwrap();
        assert_eq!(package.document, None);
        assert_eq!(package.input(None).unwrap().name, "in.csv");
        // Tables of one file name it once.
        let table = |name: &str| format!("{{\"name\": {name:?}, \"table_name\": \"x\"}}");
        let tables = [table("in.csv"), table("in.csv"), table("other.csv")].join(",");
        fs::write(dir.path().join(LOCAL_CONFIG), format!("{{\"input_tables\": [{tables}]}}")).unwrap();
        let package = Package::open(dir.path()).unwrap();
        assert!(package.input(None).unwrap_err().detail.contains("other.csv"));
        fs::write(dir.path().join("data/other.csv"), "a\n").unwrap();
        assert_eq!(package.input(None).unwrap().files.len(), 2);
        assert!(package.input(Some(Path::new("nowhere.csv"))).is_err());
    }
}
