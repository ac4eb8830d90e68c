//! The whole pipeline against a hand-tuned script: a file goes over HTTP into the release binary's server
//! and becomes records, the SQL output and the report; the `sqlite3` shell does the same work by a script.
//!
//! `cargo bench --bench pipeline -- --rows 1000000 --pairs 5`. The two sides take turns, so that a busy
//! machine slows both; only ratios mean something. See `benches/README.md`.
#![expect(clippy::unwrap_used, reason = "a bench that can't go on stops")]

mod file;
mod process;
mod server;
mod shell;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Parser;

use self::{
    server::Server,
    table::{Run, Series},
};

/// Time the whole pipeline against a hand-tuned script.
#[derive(Debug, Clone, Parser)]
struct Args {
    /// Rows of the file
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How often either side runs
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// 100,000 rows
    #[arg(long)]
    quick: bool,
    /// Only the first load: not the same file again, nor every row changed
    #[arg(long)]
    first: bool,
    /// Without the diff check, which is on otherwise
    #[arg(long)]
    no_diff_check: bool,
    /// Only the server, for a profiler
    #[arg(long)]
    alone: bool,
    /// Against another build of the server instead of sqlite3
    #[arg(long, value_name = "BINARY")]
    against: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

const TITLES: [&str; 3] = ["first load (P1)", "the same file again (P2)", "every row changed (P3)"];

fn main() {
    let args = Args::parse();
    let rows = if args.quick { 100_000 } else { args.rows };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = |name: &str| folder.path().join(name);
    let (customers, orders, changed) = (path("customers.csv"), path("orders.csv"), path("changed.csv"));
    file::customers(&customers).unwrap();
    file::orders(&orders, rows, false).unwrap();
    let mut files = vec![orders.clone()];
    if !args.first {
        file::orders(&changed, rows, true).unwrap();
        files = vec![orders.clone(), orders.clone(), changed];
    }
    println!("{rows} rows, {} MB; {} customers", file::megabytes(&orders), file::CUSTOMERS);
    println!("load of the machine before: {}", process::load_average());
    let other = match args.clone() {
        Args { alone: true, .. } => None,
        Args { against: Some(binary), .. } => Some(Other::Build(binary)),
        _ => shell::version().map(Other::Shell),
    };
    match &other {
        Some(Other::Shell(version)) => println!("against sqlite3 {version}"),
        Some(Other::Build(binary)) => println!("against {}", binary.display()),
        None => println!("without sqlite3, or alone: absolute figures only"),
    }
    let own = Path::new(env!("CARGO_BIN_EXE_smartconnector"));
    let mut series: Vec<Series> = files.iter().map(|_| Series::default()).collect();
    let start = Instant::now();
    for pair in 0..args.pairs.max(1) {
        let theirs = match &other {
            Some(Other::Shell(_)) => shell_runs(&path("shell"), &customers, &files),
            Some(Other::Build(binary)) => {
                server_runs(binary, &path("other"), &customers, &files, !args.no_diff_check)
            }
            None => Vec::new(),
        };
        let ours = server_runs(own, &path("data"), &customers, &files, !args.no_diff_check);
        series.iter_mut().zip(ours).for_each(|(series, run)| series.ours.push(run));
        series.iter_mut().zip(theirs).for_each(|(series, run)| series.other.push(run));
        eprintln!("pair {} of {} after {:.0} s", pair + 1, args.pairs, start.elapsed().as_secs_f64());
    }
    for (title, series) in TITLES.iter().zip(&series) {
        table::print(title, rows, series);
    }
    println!("\nload of the machine after: {}", process::load_average());
}

/// What the server is compared with.
enum Other {
    /// The shell of this version.
    Shell(String),
    /// A server's binary.
    Build(PathBuf),
}

fn shell_runs(folder: &Path, customers: &Path, files: &[PathBuf]) -> Vec<Run> {
    fs::create_dir(folder).unwrap();
    let runs = files.iter().map(|file| shell::run(folder, customers, file).unwrap()).collect();
    fs::remove_dir_all(folder).unwrap();
    runs
}

fn server_runs(
    binary: &Path,
    folder: &Path,
    customers: &Path,
    files: &[PathBuf],
    diff_check: bool,
) -> Vec<Run> {
    fs::create_dir(folder).unwrap();
    let server = Server::start(binary, folder);
    let orders = server.set_up(customers, &files[0]);
    if diff_check {
        server.check_differences(&orders);
    }
    let runs = files.iter().map(|file| server.run(&orders, file)).collect();
    drop(server);
    fs::remove_dir_all(folder).unwrap();
    runs
}
