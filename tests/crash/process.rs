//! The server as a process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::JoinHandle,
};

use serde_json::{Value as Json, json};

use crate::support::{
    Client,
    configure::{configure, maps, matches, step, variable},
    http,
    journey::{self, text},
    until,
};

pub const TOKEN: &str = "shop_orders";
pub const KEY: &str = "a-fixed-key-of-more-than-32-characters";
pub const USER: &str = "11111111-1111-4111-8111-111111111111";
pub const BUSINESS: &str = "22222222-2222-4222-8222-222222222222";

/// The program, with the fixed ids and small limits.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smartconnector"));
    command
        .env("SMARTCONNECTOR_ADMIN_KEY", KEY)
        .env("SMARTCONNECTOR_USER_ID", USER)
        .env("SMARTCONNECTOR_BUSINESS_ID", BUSINESS)
        .env("SMARTCONNECTOR_RUNNER_BATCH_ROWS", "100")
        .env("SMARTCONNECTOR_ENGINE_MIN_FREE_MB", "1")
        .env("SMARTCONNECTOR_SERVER_SHUTDOWN_GRACE_S", "1")
        .env("SMARTCONNECTOR_LOG_LEVEL", "warn")
        .env("SMARTCONNECTOR_LOG_FORMAT", "json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn server(data: &Path) -> Command {
    let mut command = program();
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command
}

/// Runs a command on a data folder, to its end.
pub fn ran(arguments: &[&str], data: &Path) -> Output {
    program().args(arguments).arg("--data").arg(data).output().unwrap()
}

/// What `check` says of a data folder, beside its server or alone.
#[track_caller]
pub fn checked(data: &Path) -> Json {
    let output = ran(&["check", "--json"], data);
    let said: Json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(said["findings"], json!([]));
    assert_eq!(output.status.code(), Some(0));
    said
}

/// A server process. Dropping it kills it, as an impolite world would.
pub struct Process {
    pub child: Child,
    pub client: Client,
    log: Option<JoinHandle<String>>,
}

impl Process {
    pub fn start(data: &Path) -> Self {
        Self::started(&mut server(data))
    }

    /// One that dies, or panics, at a break-point: `<name>:<nth>:<kill|panic>`.
    pub fn start_breaking(data: &Path, at: &str) -> Self {
        Self::started(server(data).env("SMARTCONNECTOR_BREAK", at))
    }

    /// One whose load waits after its fifteenth batch, for as long as the file `held` is there.
    pub fn start_holding(data: &Path, held: &Path) -> Self {
        let mut command = server(data);
        command.env("SMARTCONNECTOR_BREAK", "batch_committed:15:hold");
        Self::started(command.env("SMARTCONNECTOR_BREAK_HOLD", held))
    }

    #[track_caller]
    pub fn started(command: &mut Command) -> Self {
        Self::starts(command).expect("it died before it was ready")
    }

    /// `None` when it dies before it is ready: at a break-point.
    pub fn starts(command: &mut Command) -> Option<Self> {
        let mut child = command.spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str::<Json>(&line) else {
            let _ = child.kill();
            child.wait().unwrap();
            println!("it did not start: {line:?} {}", log.join().unwrap());
            return None;
        };
        assert_eq!((&ready["business_id"], &ready["user_id"]), (&json!(BUSINESS), &json!(USER)));
        let client = Client {
            http: http(),
            url: text(&ready["url"]).to_owned(),
            key: KEY.to_owned(),
            business_id: BUSINESS.to_owned(),
            user_id: USER.to_owned(),
        };
        Some(Self { child, client, log: Some(log) })
    }

    /// Waits until it has died of itself, at a break-point.
    pub fn died(mut self) {
        assert!(!self.child.wait().unwrap().success());
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then the end. Answers whether it ended well, and its log lines.
    pub fn stop(mut self) -> (bool, Vec<Json>) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended_well = self.child.wait().unwrap().success();
        let log = self.log.take().unwrap().join().unwrap();
        let lines = log.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in the log line {line:?}"))
        });
        (ended_well, lines.collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An active connector that loads `number` and `total` into orders.
pub fn set_up(client: &Client) {
    journey::object(client, "orders", &[json!({"name": "total", "field_type": "decimal"})]);
    journey::create(client, "orders", "Shop Orders");
    journey::set_input(client, TOKEN, "orders.csv", b"Number,Total\n1,2.50\n");
    let sql = "CREATE TABLE output.orders AS SELECT rowid AS _line, number, total FROM input.orders_csv;";
    journey::publish(client, TOKEN, sql);
    let variables =
        [variable("Number", "string", "orders", "number"), variable("Total", "number", "orders", "total")];
    let mapping = json!([maps("name", "Number"), maps("total", "Total")]);
    let step = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(client, TOKEN, &variables, &[step]);
    journey::activate(client, TOKEN);
}

/// The webhook connector of [`set_up_hooks`].
pub const HOOKS: &str = "hooks";

/// An active connector whose every webhook is one record of `hooks`.
pub fn set_up_hooks(client: &Client) {
    journey::object(client, HOOKS, &[]);
    let object = journey::object_id(client, HOOKS);
    let new = json!({"name": "Hooks", "custom_object": object, "connector_type": "webhook"});
    client.post("/api/smart-connectors", &new).created();
    let sample = b"timestamp,employee_id,querystring,body\r\n1700000000123,,,\"{\"\"n\"\":1}\"\r\n";
    journey::set_input(client, HOOKS, "sample.csv", sample);
    let sql = "CREATE TABLE output.hooks AS SELECT json_extract(body, '$.n') AS n FROM input.webhooks;";
    journey::publish(client, HOOKS, sql);
    let variables = [variable("n", "string", "hooks", "n")];
    let step = step(HOOKS, "hooks", None, json!([matches("name", "n")]), json!([maps("name", "n")]));
    configure(client, HOOKS, &variables, &[step]);
    journey::activate(client, HOOKS);
}

pub fn file(rows: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = "Number,Total\n".to_owned();
    for n in 0..rows {
        writeln!(text, "{n:06},{n}.25").unwrap();
    }
    text.into_bytes()
}

pub fn send(client: &Client, bytes: &[u8]) -> String {
    text(&journey::upload(client, TOKEN, "big.csv", bytes, &[]).created()["execution_id"]).to_owned()
}

/// A run whose process died in its report, and the server after it.
pub fn killed_in_report(data: &Path, bytes: &[u8]) -> (Process, String) {
    let server = Process::start_breaking(data, "report:1:kill");
    set_up(&server.client);
    let hit = send(&server.client, bytes);
    server.died();
    (Process::start(data), hit)
}

/// Waits until a load waits: rows of it are committed, and it is not at its end.
pub fn wait_for_hold(held: &Path) {
    until("the load is held", || held.exists().then_some(()));
}

pub fn records(client: &Client) -> u64 {
    let object = journey::object_id(client, "orders");
    let url = format!("/api/records/{object}/search?page_size=1");
    client.post(&url, &json!({"query": [], "and": true})).ok()["count"].as_u64().unwrap()
}
