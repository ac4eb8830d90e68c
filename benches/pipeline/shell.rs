//! The hand-tuned script, run by the `sqlite3` shell.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    process::{self},
    table::Run,
};

const SCHEMA: &str = include_str!("shell_schema.sql");
const LOAD: &str = include_str!("shell_load.sql");

/// Its version, when it is installed.
pub fn version() -> Option<String> {
    let out = Command::new("sqlite3").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).split_whitespace().next()?.to_owned())
}

/// Loads `orders` into `orders.db` in `folder`, which may hold it already.
pub fn run(folder: &Path, customers: &Path, orders: &Path) -> io::Result<Run> {
    let import =
        |file: &Path, table: &str| format!(".import --schema s --skip 1 {} {table}\n", file.display());
    let script = [SCHEMA, &import(customers, "customers"), &import(orders, "raw"), LOAD].concat();
    let start = Instant::now();
    let mut shell = Command::new("sqlite3")
        .args(["-bail", "orders.db"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    shell.stdin.take().expect("it is piped").write_all(script.as_bytes())?;
    let used = process::wait(&mut shell)?;
    let seconds = start.elapsed().as_secs_f64();
    fs::metadata(folder.join("report.csv"))?;
    Ok(Run { seconds, stages: Vec::new(), used })
}
