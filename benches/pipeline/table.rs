//! What is printed.

use super::process::Used;

/// One run of either side.
#[derive(Debug, Clone)]
pub struct Run {
    /// From the first byte sent to the ended row, or to the shell's end.
    pub seconds: f64,
    /// Stage and seconds; stages overlap.
    pub stages: Vec<(String, f64)>,
    /// Memory and bytes written.
    pub used: Used,
}

/// All runs of one kind: ours, and the shell's of the same pairs.
#[derive(Debug, Default)]
pub struct Series {
    pub ours: Vec<Run>,
    pub shell: Vec<Run>,
}

/// Prints a series under its title.
pub fn print(title: &str, rows: u64, series: &Series) {
    println!("\n{title}");
    line("server", rows, &series.ours);
    if !series.shell.is_empty() {
        line("sqlite3", rows, &series.shell);
        let ratios: Vec<f64> =
            series.ours.iter().zip(&series.shell).map(|(ours, shell)| ours.seconds / shell.seconds).collect();
        let (low, high) = range(&ratios);
        println!("  ratio     {:.2} median ({low:.2} to {high:.2}, {} pairs)", median(&ratios), ratios.len());
    }
    let Some(first) = series.ours.first() else { return };
    let stages = first.stages.iter().enumerate().map(|(n, (name, _))| {
        let seconds: Vec<f64> = series.ours.iter().filter_map(|run| Some(run.stages.get(n)?.1)).collect();
        format!("{name} {:.2}", median(&seconds))
    });
    println!("  stages    {} s", stages.collect::<Vec<_>>().join(", "));
}

fn line(who: &str, rows: u64, runs: &[Run]) {
    let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    let middle = median(&seconds);
    let (low, high) = range(&seconds);
    let peak = runs.iter().map(|run| run.used.peak_mb).max().unwrap_or(0);
    let written = median(&runs.iter().map(|run| run.used.written_mb as f64).collect::<Vec<_>>());
    println!(
        "  {who:8}  {middle:6.2} s ({low:.2} to {high:.2})  {:9.0} rows/s  peak {peak} MB  written {written:.0} MB",
        rows as f64 / middle
    );
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

fn range(numbers: &[f64]) -> (f64, f64) {
    (numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(0.0, f64::max))
}
