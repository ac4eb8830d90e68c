//! What the system tells about a process.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value as Json;

/// Starts the server's binary with settings in its environment; answers it and the line that it says when it is
/// ready.
pub fn serve(binary: &Path, folder: &Path, settings: &[(&str, &str)]) -> (Child, Json) {
    let mut child = Command::new(binary)
        .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder)
        .envs(settings.iter().copied())
        .env("SMARTCONNECTOR_LOG_LEVEL", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// What a process used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// The peak of its resident memory, MB.
    pub peak_mb: u64,
    /// What it gave the disk to write, MB.
    pub written_mb: u64,
    /// Processor time of all its threads, seconds: what a busy machine changes least.
    pub cpu: f64,
}

impl Used {
    /// What came since `earlier`; the peak stays.
    pub fn since(self, earlier: Self) -> Self {
        Self { written_mb: self.written_mb - earlier.written_mb, cpu: self.cpu - earlier.cpu, ..self }
    }
}

/// Ticks of `/proc/<pid>/stat` a second: the same on every Linux.
const TICKS: f64 = 100.0;

/// Reads it; zero where the system does not tell.
pub fn used(pid: u32) -> Used {
    let text = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let number = |file: &str, key: &str| -> u64 {
        let text = text(file);
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    // The 14th and 15th word; the second is the program's name in parentheses.
    let stat = text("stat");
    let words = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: f64 = words.skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    Used {
        peak_mb: number("status", "VmHWM:") / 1_024,
        written_mb: number("io", "write_bytes:") / 1_000_000,
        cpu: ticks / TICKS,
    }
}

/// Forgets the peak, so that the next one is of what comes now.
pub fn forget_peak(pid: u32) {
    // Refused on systems that don't know it: the peak is then that of the whole life.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Waits for a child; answers what it used up to its last moments.
pub fn wait(child: &mut Child) -> io::Result<Used> {
    let mut last = Used::default();
    loop {
        let now = used(child.id());
        last = Used {
            peak_mb: last.peak_mb.max(now.peak_mb),
            written_mb: last.written_mb.max(now.written_mb),
            cpu: last.cpu.max(now.cpu),
        };
        if let Some(status) = child.try_wait()? {
            return if status.success() {
                Ok(last)
            } else {
                Err(io::Error::other(format!("it ended as {status}")))
            };
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The load of the machine over the last minute: others that work on it make every time longer.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
