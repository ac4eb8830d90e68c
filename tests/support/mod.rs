//! A real server on a free port over a temporary data folder, and a client that behaves as existing
//! clients do: the three headers, JSON content type on everything, no redirects.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test program uses a part; a test may panic"
)]

pub mod configure;
pub mod contract;
pub mod curl;
pub mod journey;

use std::{
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use reqwest::{
    Method, StatusCode,
    blocking::{
        Client as Http, RequestBuilder, Response,
        multipart::{Form, Part},
    },
    redirect::Policy,
};
use serde_json::{Value as Json, json};
use smartconnector::{
    app::App,
    clock::Clock,
    config::Config,
    error::Code,
    server,
    service::setup::{self, Fixed},
    store::Store,
};

/// A running server. Dropping it stops the server and removes its folder.
pub struct TestServer {
    pub url: String,
    pub business_id: String,
    pub user_id: String,
    pub key: String,
    pub dir: tempfile::TempDir,
    pub app: actix_web::web::Data<App>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl TestServer {
    /// With the default configuration.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// With a changed configuration.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::at(Clock::system(), change)
    }

    /// With a clock that the test moves.
    pub fn at(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        Self::over(tempfile::tempdir().unwrap(), None, clock, change)
    }

    /// The same server after a stop and a start. It has the default configuration.
    pub fn restarted(mut self) -> Self {
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let (clock, key) = (self.app.store.clock.clone(), self.key.clone());
        drop(self);
        Self::over(dir, Some(key), clock, |_| {})
    }

    fn over(
        dir: tempfile::TempDir,
        key: Option<String>,
        clock: Clock,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::default();
        config.server.shutdown_grace_s = 1;
        config.engine.min_free_mb = 1;
        change(&mut config);
        // The last thread of a server that has stopped lets go of the folder a moment later.
        let open = move |dir: &Path| Store::open(dir, clock.clone());
        let store = until("nobody else uses the folder", || match open(dir.path()) {
            Err(error) if error.code == Code::Conflict => None,
            opened => Some(opened.unwrap()),
        });
        let start = setup::start(&store, &config.workspace, &Fixed::default()).unwrap();
        let app = server::shared(App::new(config, store, start.workspace).unwrap());
        let listener = server::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (send, receive) = mpsc::channel();
        let shared = app.clone();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = server::start(shared, listener).unwrap();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self {
            url,
            business_id: app.workspace.id.to_string(),
            user_id: start.user.to_string(),
            key: key.or(start.admin_key).unwrap(),
            dir,
            app,
            handle: receive.recv().unwrap(),
            thread: Some(thread),
        }
    }

    /// A client with the admin's key.
    pub fn client(&self) -> Client {
        Client {
            http: http(),
            url: self.url.clone(),
            key: self.key.clone(),
            business_id: self.business_id.clone(),
            user_id: self.user_id.clone(),
        }
    }

    /// A client with a new key of this role, limited to `connectors` when given.
    pub fn client_as(&self, role: &str, connectors: Option<&[&str]>) -> Client {
        let body = json!({"name": format!("test {role}"), "role": role, "connectors": connectors});
        let key = self.client().post("/api/api-keys", &body).created()["secret"].as_str().unwrap().to_owned();
        Client { key, ..self.client() }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Asks again and again until there is an answer; panics when there is none in time.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "not in time: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// An HTTP client without redirects.
pub fn http() -> Http {
    Http::builder().redirect(Policy::none()).timeout(Duration::from_mins(1)).build().unwrap()
}

/// Sends what existing clients send.
#[derive(Clone)]
pub struct Client {
    pub http: Http,
    pub url: String,
    pub key: String,
    pub business_id: String,
    pub user_id: String,
}

impl Client {
    /// Asks for a form, sends it with the file, says that it was sent: as existing clients do. Answers the
    /// file as the last leg does.
    pub fn send_file(&self, name: &str, bytes: &[u8]) -> Json {
        let form = self.ask_for_form(name);
        let etag =
            self.fill_form(&form, name, bytes).expect(204).headers["etag"].to_str().unwrap().to_owned();
        self.say_sent(&form, name, etag.trim_matches('"')).created()
    }

    /// The first leg.
    pub fn ask_for_form(&self, name: &str) -> Json {
        let query = [("contenttype", "text/csv"), ("filename", name), ("source", "smart_connector_import")];
        Answer::of("form", self.json(Method::GET, "/api/s3/presigned-post").query(&query)).ok()
    }

    /// The second leg: no key, every field first, the file last.
    pub fn fill_form(&self, form: &Json, name: &str, bytes: &[u8]) -> Answer {
        let mut body = Form::new();
        for (field, value) in form["fields"].as_object().unwrap() {
            body = body.text(field.clone(), value.as_str().unwrap().to_owned());
        }
        let file = Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str("text/csv").unwrap();
        // Where the server is reached under another address from outside, the path is the same here.
        let given = reqwest::Url::parse(form["url"].as_str().unwrap()).unwrap();
        let url = format!("{}{}", self.url, given.path());
        Answer::of("store", self.http.post(url).multipart(body.part("file", file)))
    }

    /// The third leg.
    pub fn say_sent(&self, form: &Json, name: &str, etag: &str) -> Answer {
        let words = [
            ("uuid", form["s3object_id"].as_str().unwrap()),
            ("key", form["fields"]["key"].as_str().unwrap()),
            ("name", name),
            ("etag", etag),
        ];
        let path = "/api/s3/success?source=smart_connector_import";
        Answer::of("success", self.request(Method::POST, path).form(&words))
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
    call: String,
}

impl Client {
    /// A request with the three headers.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.http
            .request(method, url)
            .header("X-API-KEY", &self.key)
            .header("X-BUSINESS-ID", &self.business_id)
            .header("X-USER-ID", &self.user_id)
    }

    fn json(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
    }

    pub fn get(&self, path: &str) -> Answer {
        Answer::of(&format!("GET {path}"), self.json(Method::GET, path))
    }

    /// Without a JSON content type, as downloads are made.
    pub fn download(&self, path: &str) -> Answer {
        Answer::of(&format!("GET {path}"), self.request(Method::GET, path).header("Accept", "*/*"))
    }

    pub fn post(&self, path: &str, body: &Json) -> Answer {
        Answer::of(&format!("POST {path} {body}"), self.json(Method::POST, path).body(body.to_string()))
    }

    /// A POST with a JSON content type and no body.
    pub fn post_empty(&self, path: &str) -> Answer {
        Answer::of(&format!("POST {path}"), self.json(Method::POST, path).body(""))
    }

    pub fn patch(&self, path: &str, body: &Json) -> Answer {
        Answer::of(&format!("PATCH {path} {body}"), self.json(Method::PATCH, path).body(body.to_string()))
    }

    pub fn delete(&self, path: &str) -> Answer {
        Answer::of(&format!("DELETE {path}"), self.json(Method::DELETE, path))
    }
}

impl Answer {
    /// Sends the request and holds the answer against the OpenAPI document.
    #[track_caller]
    pub fn of(call: &str, request: RequestBuilder) -> Self {
        let (http, request) = request.build_split();
        let request = request.unwrap_or_else(|e| panic!("{call}: {e}"));
        let (method, url) = (request.method().clone(), request.url().clone());
        let response: Response = http.execute(request).unwrap_or_else(|e| panic!("{call}: {e}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let is_redirect = status.is_redirection() && status != StatusCode::NOT_MODIFIED;
        assert!(!is_redirect, "{call}: redirected");
        assert!(headers.contains_key("x-request-id"), "{call}: no request id");
        let bytes = response.bytes().unwrap().to_vec();
        contract::check(&contract::Got {
            call,
            method: &method,
            url: &url,
            status,
            headers: &headers,
            bytes: &bytes,
        });
        Self { status, headers, bytes, call: call.to_owned() }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{}: {e}: {}", self.call, self.text()))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.call, self.text());
        self
    }

    #[track_caller]
    pub fn ok(self) -> Json {
        self.expect(200).json()
    }

    #[track_caller]
    pub fn created(self) -> Json {
        self.expect(201).json()
    }

    /// The refusal's sentence, when it has this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> String {
        let body = self.expect(status).json();
        assert_eq!(body["code"], code, "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }
}
