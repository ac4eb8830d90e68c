//! Staying up: an hour of mixed load against the real program, in which memory, threads, descriptors,
//! write-ahead logs and the time that answers take must have no trend.
//!
//! `cargo test --test soak -- --ignored --nocapture`, for `SOAK_MINUTES` (60). What it keeps is bounded:
//! the records by their keys, the runs by `retention_runs`. So what grows is what the server forgets to give back.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../crash/process.rs"]
#[expect(dead_code, reason = "a part is for the tests that kill it")]
mod process;

mod load;
mod measure;
mod trend;

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use load::Load;
use measure::Sample;
use process::{Process, checked};

/// How often it is measured, over the whole.
const SAMPLES: u32 = 90;
/// Of these, how many pass before all caches are warm and the first runs are forgotten.
const WARM_UP: usize = 30;

fn minutes() -> f64 {
    let given = std::env::var("SOAK_MINUTES").ok();
    given.map_or(60.0, |text| text.parse().expect("SOAK_MINUTES is a number of minutes"))
}

#[test]
#[ignore = "it takes an hour"]
fn nothing_has_a_trend_under_mixed_load() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let server = Process::start(&data);
    load::set_up(&server.client);
    let load = Load::new(&server.client);
    let every = Duration::from_secs_f64(minutes() * 60.0 / f64::from(SAMPLES));
    let mut samples = Vec::new();
    thread::scope(|threads| {
        let workers = load.start(threads);
        let mut next = Instant::now();
        for n in 0..SAMPLES {
            next += every;
            while Instant::now() < next && !workers.iter().any(thread::ScopedJoinHandle::is_finished) {
                thread::park_timeout(Duration::from_millis(50));
            }
            let sample = Sample::of(&server, &data, load.took());
            println!("{n:3}  {sample}");
            samples.push(sample);
        }
        load.done.store(true, Ordering::Release);
    });
    load.told();
    checked(&data);
    let (ended_well, log) = server.stop();
    assert!(ended_well);
    let errors: Vec<_> =
        log.iter().filter(|line| line["level"] == "ERROR" || line["level"] == "error").collect();
    assert!(errors.is_empty(), "{errors:?}");
    let trends = measure::trends(&samples[WARM_UP..]);
    assert!(trends.is_empty(), "{}", trends.join("\n"));
}
