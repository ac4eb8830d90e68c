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

use self::{server::Server, table::Series};

/// Time the whole pipeline against a hand-tuned script.
#[derive(Debug, Parser)]
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
    /// Only the server, for a profiler
    #[arg(long)]
    alone: bool,
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
    let shell = shell::version().filter(|_| !args.alone);
    match &shell {
        Some(version) => println!("sqlite3 {version}"),
        None if args.alone => println!("without sqlite3: absolute figures only"),
        None => println!("sqlite3 is not installed: absolute figures only"),
    }
    let mut series: Vec<Series> = files.iter().map(|_| Series::default()).collect();
    let start = Instant::now();
    for pair in 0..args.pairs.max(1) {
        if shell.is_some() {
            shell_runs(&path("shell"), &customers, &files, &mut series);
        }
        server_runs(&path("data"), &customers, &files, &mut series);
        eprintln!("pair {} of {} after {:.0} s", pair + 1, args.pairs, start.elapsed().as_secs_f64());
    }
    for (title, series) in TITLES.iter().zip(&series) {
        table::print(title, rows, series);
    }
    println!("\nload of the machine after: {}", process::load_average());
}

fn shell_runs(folder: &Path, customers: &Path, files: &[PathBuf], series: &mut [Series]) {
    fs::create_dir(folder).unwrap();
    for (file, series) in files.iter().zip(series) {
        series.shell.push(shell::run(folder, customers, file).unwrap());
    }
    fs::remove_dir_all(folder).unwrap();
}

fn server_runs(folder: &Path, customers: &Path, files: &[PathBuf], series: &mut [Series]) {
    fs::create_dir(folder).unwrap();
    let server = Server::start(folder);
    let orders = server.set_up(customers, &files[0]);
    for (file, series) in files.iter().zip(series) {
        series.ours.push(server.run(&orders, file));
    }
    drop(server);
    fs::remove_dir_all(folder).unwrap();
}
