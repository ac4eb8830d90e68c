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

/// All runs of one kind: ours, and the other side's of the same pairs.
#[derive(Debug, Default)]
pub struct Series {
    pub ours: Vec<Run>,
    pub other: Vec<Run>,
}

/// Prints a series under its title.
pub fn print(title: &str, rows: u64, series: &Series) {
    println!("\n{title}");
    line("server", rows, &series.ours);
    if !series.other.is_empty() {
        line("other", rows, &series.other);
        ratio("ratio", series, |run| run.seconds);
        ratio("cpu ratio", series, |run| run.used.cpu);
    }
    stages("stages", &series.ours);
    stages("other's", &series.other);
}

fn ratio(label: &str, series: &Series, of: impl Fn(&Run) -> f64) {
    let pairs = series.ours.iter().zip(&series.other);
    let ratios: Vec<f64> = pairs.map(|(ours, other)| of(ours) / of(other)).collect();
    let (low, high) = range(&ratios);
    println!("  {label:9} {:.2} median ({low:.2} to {high:.2}, {} pairs)", median(&ratios), ratios.len());
}

fn stages(label: &str, runs: &[Run]) {
    let Some(first) = runs.first().filter(|run| !run.stages.is_empty()) else { return };
    let stages = first.stages.iter().enumerate().map(|(n, (name, _))| {
        let seconds: Vec<f64> = runs.iter().filter_map(|run| Some(run.stages.get(n)?.1)).collect();
        format!("{} {:.2}", name.trim_start_matches("smart_connector_"), median(&seconds))
    });
    println!("  {label:8}  {} s", stages.collect::<Vec<_>>().join(", "));
}

fn line(who: &str, rows: u64, runs: &[Run]) {
    let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    let middle = median(&seconds);
    let (low, high) = range(&seconds);
    let peak = runs.iter().map(|run| run.used.peak_mb).max().unwrap_or(0);
    let written = median(&runs.iter().map(|run| run.used.written_mb as f64).collect::<Vec<_>>());
    let cpu = median(&runs.iter().map(|run| run.used.cpu).collect::<Vec<_>>());
    println!(
        "  {who:8}  {middle:6.2} s ({low:.2} to {high:.2})  cpu {cpu:.2} s  {:9.0} rows/s  peak {peak} MB  written {written:.0} MB",
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
