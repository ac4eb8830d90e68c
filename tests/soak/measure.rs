//! What is measured of the process, and how much of it may rise.

use std::{collections::BTreeMap, fmt, fs, path::Path, time::Duration};

use crate::{
    process::Process,
    trend::{median, rise},
};

/// One moment.
pub struct Sample {
    memory_mb: f64,
    threads: f64,
    descriptors: f64,
    wal_mb: f64,
    /// By what was asked, milliseconds: the middle and the slow end since the last sample.
    took: BTreeMap<&'static str, (f64, f64)>,
}

impl Sample {
    pub fn of(server: &Process, data: &Path, took: BTreeMap<&'static str, Vec<Duration>>) -> Self {
        let proc = format!("/proc/{}", server.child.id());
        let status = fs::read_to_string(format!("{proc}/status")).expect("the process lives");
        let number = |key: &str| -> f64 {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        let logs = fs::read_dir(data).unwrap().map(Result::unwrap);
        let logs = logs.filter(|entry| entry.file_name().to_string_lossy().ends_with("-wal"));
        let wal: u64 = logs.map(|entry| entry.metadata().unwrap().len()).sum();
        let took = took.into_iter().filter(|(_, took)| !took.is_empty()).map(|(what, took)| {
            let mut ms: Vec<f64> = took.iter().map(|took| took.as_secs_f64() * 1000.0).collect();
            let middle = median(&mut ms);
            (what, (middle, ms[(ms.len() - 1) * 95 / 100]))
        });
        Self {
            memory_mb: number("VmRSS:") / 1024.0,
            threads: number("Threads:"),
            descriptors: fs::read_dir(format!("{proc}/fd")).unwrap().count() as f64,
            wal_mb: wal as f64 / 1024.0 / 1024.0,
            took: took.collect(),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_mb, threads, descriptors, wal_mb, took } = self;
        write!(
            f,
            "{memory_mb:6.1} MB  {threads} threads  {descriptors:3} descriptors  {wal_mb:5.1} MB of logs "
        )?;
        took.iter().try_for_each(|(what, (middle, slow))| write!(f, "  {what} {middle:.1} / {slow:.1} ms"))
    }
}

/// What rises by more than it may: a share of the median and something for noise.
pub fn trends(samples: &[Sample]) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |what: &str, numbers: Vec<f64>, share: f64, noise: f64| {
        let rises = rise(&numbers);
        let middle = median(&mut numbers.clone());
        let may = share * middle + noise;
        println!("{what}: {middle:.1} in the middle, rises by {rises:.2}, may by {may:.2}");
        if rises > may {
            found.push(format!(
                "{what} rises by {rises:.2} over {} samples around {middle:.1}",
                numbers.len()
            ));
        }
    };
    let all = |of: fn(&Sample) -> f64| samples.iter().map(of).collect::<Vec<_>>();
    check("memory (MB)", all(|sample| sample.memory_mb), 0.1, 8.0);
    check("threads", all(|sample| sample.threads), 0.0, 1.5);
    check("descriptors", all(|sample| sample.descriptors), 0.0, 6.0);
    check("logs (MB)", all(|sample| sample.wal_mb), 0.25, 16.0);
    let kinds: Vec<&str> =
        samples.first().map(|sample| sample.took.keys().copied().collect()).unwrap_or_default();
    for what in kinds {
        let of = |pick: fn(&(f64, f64)) -> f64| {
            samples.iter().filter_map(|sample| sample.took.get(what).map(pick)).collect::<Vec<_>>()
        };
        check(&format!("{what} (ms, the middle)"), of(|took| took.0), 0.5, 5.0);
        check(&format!("{what} (ms, 95 %)"), of(|took| took.1), 0.5, 25.0);
    }
    found
}
