//! What the process counts about itself, as Prometheus text.
//!
//! What happens is counted where it happens. What merely is (how long the queue is, how large a file is) is
//! measured when somebody asks: [`Measured`] comes with the question.

use std::time::Duration;

use prometheus::{
    Counter, CounterVec, Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder, core::Collector,
};

use crate::error::{Error, Result};

const REQUEST_SECONDS: [f64; 8] = [0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];
const STAGE_SECONDS: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// The counters of one process.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    ended: IntCounterVec,
    stage_seconds: HistogramVec,
    rows: IntCounterVec,
    panics: IntCounterVec,
    queued: IntGauge,
    queue_age: IntGauge,
    inbox: IntGauge,
    inbox_age: IntGauge,
    running: IntGauge,
    workers: IntGauge,
    disk: GaugeVec,
    disk_full: IntGauge,
    database: GaugeVec,
    wal: GaugeVec,
    free_pages: GaugeVec,
    writer_waited: CounterVec,
    busy_waits: Counter,
}

/// What is when somebody asks.
#[derive(Debug, Default)]
pub struct Measured {
    /// Executions that wait.
    pub queued: i64,
    /// How long the one that waits longest has waited.
    pub queue_age: Duration,
    /// Webhooks that wait for their batch.
    pub inbox: i64,
    /// How long the one that waits longest has waited.
    pub inbox_age: Duration,
    /// Executions that run.
    pub running: i64,
    /// Executions that can run at a time.
    pub workers: i64,
    /// Bytes free on the data folder's disk, and in all.
    pub disk: Option<(u64, u64)>,
    /// Whether writing is refused until there is space.
    pub disk_full: bool,
    /// Times that SQLite found a database locked and waited, since the process began.
    pub busy_waits: u64,
    /// Per database file.
    pub databases: Vec<MeasuredDatabase>,
}

/// One database file when somebody asks.
#[derive(Debug)]
pub struct MeasuredDatabase {
    /// The file's name.
    pub file: &'static str,
    /// Its bytes.
    pub bytes: u64,
    /// The bytes of its write-ahead log.
    pub wal_bytes: u64,
    /// The bytes of its pages that hold nothing.
    pub free_bytes: u64,
    /// How long writers have waited for each other, since the process began.
    pub writer_waited: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let r = &registry;
        Self {
            requests: counters(
                r,
                "http_requests_total",
                "Requests answered.",
                &["method", "route", "status"],
            ),
            request_seconds: histograms(
                r,
                "http_request_seconds",
                "From a request's headers to its answer's.",
                &["route"],
                &REQUEST_SECONDS,
            ),
            ended: counters(r, "executions_ended_total", "Executions ended.", &["state"]),
            stage_seconds: histograms(
                r,
                "stage_seconds",
                "How long a stage of an execution took.",
                &["stage"],
                &STAGE_SECONDS,
            ),
            rows: counters(r, "rows_total", "Rows of load steps by what became of them.", &["outcome"]),
            panics: counters(r, "panics_total", "Defects that a thread survived.", &["where"]),
            queued: gauge(r, "queue_length", "Executions that wait."),
            queue_age: gauge(r, "queue_age_seconds", "How long the oldest execution has waited."),
            inbox: gauge(r, "webhook_inbox", "Webhooks that wait for their batch."),
            inbox_age: gauge(r, "webhook_inbox_age_seconds", "How long the oldest webhook has waited."),
            running: gauge(r, "executions_running", "Executions that run."),
            workers: gauge(r, "workers", "Executions that can run at a time."),
            disk: gauges(r, "disk_bytes", "The disk of the data folder.", &["what"]),
            disk_full: gauge(r, "disk_full", "1 while writing is refused for lack of space."),
            database: gauges(r, "database_bytes", "Size of a database file.", &["file"]),
            wal: gauges(r, "wal_bytes", "Size of a database's write-ahead log.", &["file"]),
            free_pages: gauges(r, "database_free_bytes", "Pages of a database that hold nothing.", &["file"]),
            writer_waited: registered(
                r,
                CounterVec::new(
                    opts("writer_wait_seconds_total", "How long writers waited for each other."),
                    &["file"],
                ),
            ),
            busy_waits: registered(
                r,
                Counter::with_opts(opts(
                    "sqlite_busy_waits_total",
                    "Times that SQLite waited for another process or a checkpoint.",
                )),
            ),
            registry,
        }
    }

    /// A request was answered. `route` is the pattern, never the path: paths have no end.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.request_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// An execution ended.
    pub fn ended(&self, state: &str) {
        self.ended.with_label_values(&[state]).inc();
    }

    /// A stage of an execution took so long.
    pub fn stage(&self, stage: &str, took: Duration) {
        self.stage_seconds.with_label_values(&[stage]).observe(took.as_secs_f64());
    }

    /// This became of so many rows.
    pub fn rows(&self, outcome: &str, rows: u64) {
        self.rows.with_label_values(&[outcome]).inc_by(rows);
    }

    /// A panic ended a piece of work.
    pub fn panicked(&self, place: &str) {
        self.panics.with_label_values(&[place]).inc();
    }

    /// Everything as Prometheus text.
    pub fn text(&self, measured: &Measured) -> Result<String> {
        self.queued.set(measured.queued);
        self.queue_age.set(measured.queue_age.as_secs().cast_signed());
        self.inbox.set(measured.inbox);
        self.inbox_age.set(measured.inbox_age.as_secs().cast_signed());
        self.running.set(measured.running);
        self.workers.set(measured.workers);
        self.disk_full.set(i64::from(measured.disk_full));
        if let Some((free, size)) = measured.disk {
            self.disk.with_label_values(&["free"]).set(free as f64);
            self.disk.with_label_values(&["size"]).set(size as f64);
        }
        let since = |counter: &Counter, total: f64| counter.inc_by((total - counter.get()).max(0.0));
        since(&self.busy_waits, measured.busy_waits as f64);
        for database in &measured.databases {
            let file = &[database.file];
            self.database.with_label_values(file).set(database.bytes as f64);
            self.wal.with_label_values(file).set(database.wal_bytes as f64);
            self.free_pages.with_label_values(file).set(database.free_bytes as f64);
            since(&self.writer_waited.with_label_values(file), database.writer_waited.as_secs_f64());
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).map_err(Error::internal)?;
        String::from_utf8(text).map_err(Error::internal)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("smartconnector_{name}"), help)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let made = made.expect("the names and labels are written in this file and legal");
    registry.register(Box::new(made.clone())).expect("the names are written in this file and distinct");
    made
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(opts(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::with_opts(opts(name, help)))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    registered(registry, GaugeVec::new(opts(name, help), labels))
}

fn histograms(registry: &Registry, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
    let opts = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
    registered(registry, HistogramVec::new(opts, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_and_what_is_stand_in_one_text() {
        let metrics = Metrics::new();
        metrics.request("GET", "/api/x/{id}", 404, Duration::from_millis(30));
        metrics.rows("rejected", 3);
        let measured = Measured { queued: 2, busy_waits: 5, ..Measured::default() };
        metrics.text(&measured).unwrap();
        let text = metrics.text(&measured).unwrap();
        for line in [
            "smartconnector_http_requests_total{method=\"GET\",route=\"/api/x/{id}\",status=\"404\"} 1",
            "smartconnector_http_request_seconds_bucket{route=\"/api/x/{id}\",le=\"0.1\"} 1",
            "smartconnector_rows_total{outcome=\"rejected\"} 3",
            "smartconnector_queue_length 2",
            // Asked twice, counted once.
            "smartconnector_sqlite_busy_waits_total 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
