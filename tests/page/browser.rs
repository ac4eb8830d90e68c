//! A headless Chromium, driven through `chromedriver`, and what it noticed: console errors, violations of
//! the content security policy, requests.
//!
//! `WebDriver` is a handful of JSON calls (<https://www.w3.org/TR/webdriver2/>), made here with the client that
//! the tests have anyway: the crates that wrap it bring a licence that this product does not take.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use reqwest::{Method, blocking::Client};
use serde_json::{Value as Json, json};

use crate::support::http;

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks: nothing tells the driver's caller that a page has changed.
const GLANCE: Duration = Duration::from_millis(25);
/// The key of an element's id in answers, fixed by the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub struct Browser {
    http: Client,
    /// The session's address.
    session: String,
    _driver: Driver,
    /// What the page may talk to.
    origin: String,
    folder: tempfile::TempDir,
}

/// The path of an element below the session.
pub struct Element(String);

impl Browser {
    /// A new browser with an empty profile, for the page of the server at `origin`.
    pub fn open(origin: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("downloads")).unwrap();
        let (driver, port) = start_driver();
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { http: http(), session, _driver: driver, origin: origin.to_owned(), folder };
        let wanted = json!({"capabilities": {"alwaysMatch": capabilities(browser.folder.path())}});
        let started = browser.call(&Method::POST, "", &wanted);
        browser.session = format!("{}/{}", browser.session, started["sessionId"].as_str().unwrap());
        browser.screen(1280);
        browser.go("/");
        browser
    }

    fn call(&self, method: &Method, path: &str, body: &Json) -> Json {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// Answers the value, or the error's name and sentence.
    fn try_call(&self, method: &Method, path: &str, body: &Json) -> Result<Json, String> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.session));
        let request = if *method == Method::POST { request.json(body) } else { request };
        let answer = request.send().map_err(|error| error.to_string())?;
        let (status, mut body) = (answer.status(), answer.json::<Json>().unwrap());
        let value = body["value"].take();
        if status.is_success() { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
    }

    fn post(&self, path: &str, body: &Json) -> Json {
        self.call(&Method::POST, path, body)
    }

    /// Opens a path of the server.
    pub fn go(&self, path: &str) {
        self.post("/url", &json!({"url": format!("{}{path}", self.origin)}));
    }

    pub fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// The element of a CSS selector, once it is there.
    #[track_caller]
    pub fn find(&self, css: &str) -> Element {
        self.await_element("css selector", css)
    }

    /// The button or link with this text, once it is there.
    #[track_caller]
    pub fn named(&self, text: &str) -> Element {
        self.await_element("xpath", &format!("(//button|//a)[normalize-space(.)='{text}']"))
    }

    #[track_caller]
    fn await_element(&self, using: &str, value: &str) -> Element {
        let look = json!({"using": using, "value": value});
        let mut found = Json::Null;
        let there = until(|| {
            found = self.post("/elements", &look);
            found != json!([])
        });
        assert!(there, "no element {value} in {:?}", self.texts("main"));
        Element(format!("/element/{}", found[0][ELEMENT].as_str().unwrap()))
    }

    #[track_caller]
    pub fn click(&self, text: &str) {
        self.tick(&self.named(text));
    }

    /// Clicks on an element.
    pub fn tick(&self, element: &Element) {
        self.post(&format!("{}/click", element.0), &json!({}));
    }

    #[track_caller]
    pub fn type_into(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.post(&format!("{}/value", element.0), &json!({"text": text}));
    }

    /// As if the session had ended.
    pub fn forget_cookies(&self) {
        self.call(&Method::DELETE, "/cookie", &Json::Null);
    }

    /// The texts of every shown element of a selector, as they are shown.
    pub fn texts(&self, css: &str) -> Vec<String> {
        let texts = self.script(
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText.trim())",
            &[json!(css)],
        );
        serde_json::from_value(texts).unwrap()
    }

    /// Waits until an element of the selector shows `text`.
    #[track_caller]
    pub fn sees(&self, css: &str, text: &str) {
        let found = until(|| self.texts(css).iter().any(|shown| shown.contains(text)));
        assert!(found, "{css} never showed {text:?}, but {:?}", self.texts("main"));
    }

    pub fn script(&self, script: &str, arguments: &[Json]) -> Json {
        self.post("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// A file to choose, with this name.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The bytes of the first saved file whose name ends so.
    #[track_caller]
    pub fn saved(&self, end: &str) -> Vec<u8> {
        let downloads = self.folder.path().join("downloads");
        let find = || {
            let files = std::fs::read_dir(&downloads).unwrap().map(|file| file.unwrap().path());
            files.into_iter().find(|path| path.to_string_lossy().ends_with(end))
        };
        assert!(until(|| find().is_some()), "no file that ends with {end} was saved");
        std::fs::read(find().unwrap()).unwrap()
    }

    /// Writes what is shown to `SMARTCONNECTOR_SCREENSHOTS/<name>.png`, when that is set.
    pub fn screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("SMARTCONNECTOR_SCREENSHOTS") else { return };
        let height = self.script("return document.documentElement.scrollHeight", &[]).as_u64().unwrap();
        let width = self.script("return innerWidth", &[]).as_u64().unwrap();
        let shot = json!({"format": "png", "captureBeyondViewport": true,
            "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}});
        let answer = self.developer_tools("Page.captureScreenshot", &shot);
        let png = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            answer["data"].as_str().unwrap(),
        );
        std::fs::write(PathBuf::from(folder).join(format!("{name}.png")), png.unwrap()).unwrap();
    }

    /// Shows the page as a person does who prefers `light` or `dark`.
    pub fn prefers(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.developer_tools("Emulation.setEmulatedMedia", &features);
    }

    /// Shows the page on a screen of this width; a narrow one is a phone's.
    pub fn screen(&self, width: u32) {
        let screen = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600});
        self.developer_tools("Emulation.setDeviceMetricsOverride", &screen);
    }

    fn developer_tools(&self, cmd: &str, params: &Json) -> Json {
        self.post("/goog/cdp/execute", &json!({"cmd": cmd, "params": params}))
    }

    /// What was wrong since the last call: console warnings and errors (violations of the policy are among
    /// them), exceptions, and requests to anything but the server.
    pub fn troubles(&self) -> Vec<String> {
        let console = self.log("browser");
        let console = console.iter().filter(|line| line["level"] != "INFO" && line["level"] != "DEBUG");
        let mut troubles: Vec<String> = console.map(|line| line["message"].to_string()).collect();
        for line in self.log("performance") {
            let event: Json = serde_json::from_str(line["message"].as_str().unwrap()).unwrap();
            let (method, about) = (&event["message"]["method"], &event["message"]["params"]);
            // The page that the browser itself opens with.
            let is_browsers = about["documentURL"].as_str().is_some_and(|url| url.starts_with("chrome://"));
            let url = &about["request"]["url"];
            if method == "Network.requestWillBeSent" && !is_browsers && !self.is_own(url.as_str().unwrap()) {
                troubles.push(format!("a request to {url}"));
            }
        }
        troubles
    }

    fn is_own(&self, url: &str) -> bool {
        let url = url.strip_prefix("blob:").unwrap_or(url);
        url.strip_prefix(&self.origin).is_some_and(|rest| rest.starts_with('/'))
    }

    fn log(&self, kind: &str) -> Vec<Json> {
        let lines = self.post("/se/log", &json!({"type": kind}));
        lines.as_array().unwrap().clone()
    }
}

/// Asks again until it is so.
pub fn until(mut so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !so() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        thread::sleep(GLANCE);
    }
    true
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser with the session; killed, it would leave it behind.
        let _ = self.try_call(&Method::DELETE, "", &Json::Null);
    }
}

/// A running chromedriver, which ends with its test, also with one that fails.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_driver() -> (Driver, u16) {
    let driver = Command::new("chromedriver")
        .args(["--port=0", "--log-level=SEVERE"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromedriver is installed (Debian: chromium-driver)");
    let mut driver = Driver(driver);
    let mut out = BufReader::new(driver.0.stdout.take().unwrap());
    let mut line = String::new();
    let port = loop {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "chromedriver ended before it listened");
        if let Some((_, port)) = line.trim_end().trim_end_matches('.').rsplit_once("successfully on port ") {
            break port.parse().unwrap();
        }
    };
    // Read on, so that the pipe never fills.
    thread::spawn(move || out.read_to_end(&mut Vec::new()));
    (driver, port)
}

fn capabilities(folder: &Path) -> Json {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-GB",
        &profile,
    ];
    json!({
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": {
            "args": arguments,
            "prefs": {"download.default_directory": folder.join("downloads"), "download.prompt_for_download": false},
        },
    })
}
