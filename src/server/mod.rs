//! The one actix process: builds the router, checks what every request must satisfy, listens, stops.

mod caller;
mod compress;
mod cors;
mod head;
mod methods;

use std::{future::poll_fn, net::TcpListener, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix_web::{
    App as Router, Error as ActixError, HttpResponse, HttpServer, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{Server, ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::{Compress, Next, from_fn},
    web,
};
use futures_util::FutureExt as _;
use utoipa::{OpenApi as _, openapi::OpenApi};
use utoipa_actix_web::AppExt as _;

use self::{head::Unsent, methods::Methods};
use crate::{
    admin,
    api::{self, docs, error::ApiError, execution::row, page::Links},
    app::App,
    breakpoint, context,
    error::{Code, Error, Result},
    runner::Tell,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Asked by whoever watches the process; they tell nothing that is worth hiding.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
/// Threads for blocking work, per HTTP worker. SQLite's readers and one writer per file are what they
/// wait for; more would only queue up there.
const BLOCKING_THREADS: usize = 16;

/// Binds `listen` (`host:port`).
pub fn bind(listen: &str) -> Result<TcpListener> {
    TcpListener::bind(listen).map_err(|e| {
        Error::new(
            Code::Conflict,
            format!("Can't listen on {listen}: {e}. Choose another address with --listen."),
        )
    })
}

/// Starts serving `app`. The server runs until its handle stops it.
pub fn start(app: web::Data<App>, listener: TcpListener) -> Result<Server> {
    let document = document();
    let methods = web::Data::new(Methods::new(&document));
    let schema = web::Data::new(docs::Schema::of(&document));
    let grace = u64::from(app.config.server.shutdown_grace_s);
    let idle = Duration::from_secs(app.config.files.idle_timeout_s.into());
    let links =
        Links::unasked(&app.config.server.public_url, listener.local_addr().map_err(Error::internal)?);
    app.runner.tell_with(teller(&app, links));
    let server = HttpServer::new(move || {
        Router::new()
            .app_data(app.clone())
            .app_data(schema.clone())
            .app_data(methods.clone())
            .configure(routes)
            .configure(admin::routes)
            .default_service(web::to(methods::unrouted))
            .wrap(from_fn(caller::first))
            .wrap(from_fn(compress::only_what_gains))
            .wrap(Compress::default())
            .wrap(from_fn(every_request))
    })
    .worker_max_blocking_threads(BLOCKING_THREADS)
    .workers(std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(4))
    .on_connect(move |connection, _| end_when_idle(connection, idle))
    .client_request_timeout(Duration::from_mins(1))
    .shutdown_timeout(grace)
    .disable_signals()
    .listen(listener)
    .map_err(Error::internal)?
    .run();
    Ok(server)
}

/// Ends the connection of a client that takes nothing of its answer for so long. Only the system can tell: what
/// writes an answer is not asked for more until the client has taken what there is.
fn end_when_idle(connection: &dyn std::any::Any, idle: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(idle))
    {
        log::warn!("a connection may stand still for ever: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, idle);
}

/// Shows runs to those who are told of them as to those who ask.
fn teller(app: &web::Data<App>, links: Links) -> Tell {
    // The runner is a part of the whole: it must not hold it.
    let app = Arc::downgrade(&app.clone().into_inner());
    Box::new(move |id| match app.upgrade() {
        Some(app) => row::told(&app, &links, id),
        None => Err(Error::new(Code::Busy, "The server is stopping.")),
    })
}

/// The OpenAPI document as JSON text, the same whatever is configured.
#[must_use]
pub fn openapi() -> String {
    docs::Schema::of(&document()).0.to_string()
}

/// Every route of the document.
fn routes(to: &mut impl api::Routes) {
    api::routes(to);
    to.service(admin::docs);
}

fn document() -> OpenApi {
    let (_, mut document) = Router::new()
        .into_utoipa_app()
        .openapi(docs::Document::openapi())
        .configure(|described| routes(described))
        .split_for_parts();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document
}

/// What holds for every request: a sane host, an id in the answer and the log, headers that keep
/// answers out of caches and frames.
async fn every_request(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, ActixError> {
    let id = request_id(request.headers().get(&REQUEST_ID));
    let started = std::time::Instant::now();
    let app = request.app_data::<web::Data<App>>().cloned();
    let metrics = app.as_ref().map(|app| app.metrics.clone());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let shown: Arc<str> = format!("request={}", id.to_str().unwrap_or_default()).into();
    let origin = app.as_ref().and_then(|app| cors::origin(app, request.headers()));
    let at_once = host_refusal(&request)
        .map(|error| ApiError(error).error_response())
        .or_else(|| origin.as_ref().and_then(|_| cors::preflight(&request)))
        .or_else(|| {
            let allow = request.app_data::<web::Data<Methods>>()?.refusal(&method, &path)?;
            Some(methods::not_allowed(&method, &path, allow))
        });
    compress::settle(&mut request);
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let answer = match at_once {
        Some(answer) => Ok(request.into_response(answer).map_into_left_body()),
        None => match survived(Arc::clone(&shown), handled(next, request)).await {
            Some(answer) => answer.map(ServiceResponse::map_into_right_body),
            None => Err(Panicked { id: id.clone(), is_api: is_api(&path) }.into()),
        },
    };
    let took = started.elapsed();
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if let Some(metrics) = metrics {
        // Never the path: whoever asks for random ones would fill the memory.
        let route = answer.as_ref().ok().and_then(|response| response.request().match_pattern());
        let known = route.as_deref().unwrap_or("none");
        metrics.request(method_label(&method), known, status.as_u16(), took);
        if matches!(&answer, Err(error) if error.as_error::<Panicked>().is_some()) {
            metrics.panicked("request");
        }
    }
    log::info!("{shown} {method} {path} {} {} ms", status.as_u16(), took.as_millis());
    let mut response = answer?;
    let headers = response.headers_mut();
    hold_for_all(headers, id, is_api(&path));
    if let Some(app) = &app {
        cors::mark(app, headers, origin);
    }
    Ok(response.map_body(|_, body| match method {
        Method::HEAD => EitherBody::left(Unsent::of(&body)),
        _ => EitherBody::right(body),
    }))
}

async fn handled<B: MessageBody>(
    next: Next<B>,
    request: ServiceRequest,
) -> Result<ServiceResponse<B>, ActixError> {
    breakpoint::reach("handler");
    next.call(request).await
}

/// Calls the handler for what the log names, and survives its panic (`None`).
async fn survived<T>(shown: Arc<str>, call: impl Future<Output = T>) -> Option<T> {
    let mut call = Box::pin(AssertUnwindSafe(call).catch_unwind());
    let guarded = poll_fn(move |task| {
        // The thread serves other requests in between.
        let _entered = context::enter(Some(Arc::clone(&shown)));
        call.as_mut().poll(task)
    });
    guarded.await.ok()
}

/// Standard methods by name: anybody can send others.
fn method_label(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if known.contains(method) { method.as_str() } else { "other" }
}

/// A handler panicked: what the answer needs, since its request is gone.
#[derive(Debug)]
struct Panicked {
    id: HeaderValue,
    is_api: bool,
}

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the handler panicked")
    }
}

impl actix_web::ResponseError for Panicked {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = ApiError(Error::internal("the handler panicked")).error_response();
        hold_for_all(response.headers_mut(), self.id.clone(), self.is_api);
        response
    }
}

/// What is no static file of the page: answers that belong in no cache.
fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || PROBES.contains(&path) || path == "/metrics"
}

fn hold_for_all(headers: &mut HeaderMap, id: HeaderValue, is_api: bool) {
    headers.insert(REQUEST_ID, id);
    // Says "don't compress" to our own compression; on the wire it says nothing.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Nothing in an answer is a page, whatever a browser makes of it.
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(NO_PAGE));
        }
    }
}

/// The caller's own id when it is a sane token, else a fresh one.
fn request_id(sent: Option<&HeaderValue>) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=128).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    sent.filter(sane).cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&uuid::Uuid::new_v4().to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

/// Absolute URLs are made from the `Host` header, and a page of another host must not be able to
/// address this server under its own name (DNS rebinding): only known hosts are served.
fn host_refusal(request: &ServiceRequest) -> Option<Error> {
    let app = request.app_data::<web::Data<App>>()?;
    let config = &app.config.server;
    // Whoever probes a process does it by its address.
    if !config.public_url.is_empty() || PROBES.contains(&request.path()) {
        return None;
    }
    let host = request.headers().get(header::HOST)?.to_str().unwrap_or_default();
    let name = host_name(host);
    let known = ["localhost", "127.0.0.1", "[::1]"].contains(&name)
        || name == host_name(&config.listen)
        || config.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
    (!known).then(|| {
        Error::invalid(format!(
            "The host {name:?} is not this server's. Set server.public_url, or add the host to server.allowed_hosts."
        ))
    })
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

/// Shared between threads, as actix wants it.
#[must_use]
pub fn shared(app: App) -> web::Data<App> {
    web::Data::from(Arc::new(app))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_port() {
        for (host, name) in
            [("localhost:80", "localhost"), ("[::1]:8080", "[::1]"), ("[::1]", "[::1]"), ("a.b", "a.b")]
        {
            assert_eq!(host_name(host), name);
        }
    }

    #[test]
    fn only_sane_request_ids_are_echoed() {
        let sane = HeaderValue::from_static("trace-1.2_x");
        assert_eq!(request_id(Some(&sane)), sane);
        for odd in ["a b", "x\"y", ""] {
            let odd = HeaderValue::from_str(odd).unwrap();
            assert_ne!(request_id(Some(&odd)), odd);
        }
    }
}
