//! Tells others that runs have ended: the only connections that the server ever opens, and only to hosts of
//! `notify.allowed_hosts`.
//!
//! What is to be sent is in `control.db` since the transaction that ended the run, so nothing is lost that
//! was not sent. A row goes, or its next try is set, once the outcome of a try is known: what a stop or a crash cuts
//! off in between is sent once more, under the same `webhook-id`, by which receivers know it.
//!
//! What is sent is the run's row as the API shows it. How that looks is not known here: the server says it
//! ([`Tell`]), and until it does nothing is sent.
//!
//! One thread sends, one at a time. Each try has a thread of its own besides, which has nothing of the
//! server's: a stopping server does not wait for it.

use std::{sync::mpsc, thread, time::Duration};

use chrono::TimeDelta;
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

use super::{Shared, pool::until_written};
use crate::{
    auth::webhook::sign_standard,
    connector::{
        Connector,
        notification::{host, place},
    },
    error::{Code, Error, Result},
    id::ExecutionId,
    store::{self, notification::Waiting},
};

/// The row of a run that has ended, as JSON; `None`: it is gone.
pub type Tell = Box<dyn Fn(ExecutionId) -> Result<Option<Vec<u8>>> + Send + Sync>;

/// How often it looks for tries whose time has come; the ends of runs wake it.
const LOOK: Duration = Duration::from_secs(2);
/// From the look-up of the name to the status of the answer. The answer's body is not read.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks whether the server stops, while a try is under way.
const GLANCE: Duration = Duration::from_millis(100);
/// How long after a failed try the next one comes. After the last it is given up.
const BACK_OFF_S: [i64; 2] = [10, 60];
/// Tries.
const TRIES: usize = BACK_OFF_S.len() + 1;

/// Why nobody is told of a run that can't be read.
const UNREADABLE: &str = "it can't be read from the store, the server's log has the details";

/// Sends until the server stops.
pub(super) fn run(shared: &Shared) {
    let agent = agent();
    loop {
        let seen = *shared.signal.lock();
        if shared.is_stopping() {
            return;
        }
        match round(shared, &agent) {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => log::error!("notifications: {error}"),
        }
        let mut signal = shared.signal.lock();
        if *signal == seen && !shared.is_stopping() {
            shared.wake.wait_for(&mut signal, LOOK);
        }
    }
}

/// Follows no redirect, asks no proxy, keeps no connection: it talks to the host of the address alone.
fn agent() -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .tls_config(tls)
        .user_agent(concat!("smartconnector/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// Tries what is due. Answers how many.
fn round(shared: &Shared, agent: &Agent) -> Result<usize> {
    let Some(tell) = shared.tell.get() else { return Ok(0) };
    let now = shared.store.clock.now();
    let due = shared.store.control.read(|conn| store::notification::due(conn, now))?;
    for waiting in &due {
        if shared.is_stopping() {
            return Ok(0);
        }
        let prepared = match prepare(shared, tell, waiting) {
            // It would be the first of its connector for ever.
            Err(error) if error.code == Code::Internal => {
                log::error!("execution={} can't be told of: {error}", waiting.execution);
                Prepared { run: "a run".to_owned(), post: Err(UNREADABLE.to_owned()) }
            }
            prepared => prepared?,
        };
        let outcome = match prepared.post {
            Err(reason) => Outcome::Never(reason),
            Ok(post) => match answer(shared, agent, post)? {
                Some(Ok(status)) if (200..300).contains(&status) => Outcome::Delivered(status),
                Some(Ok(status)) => Outcome::Failed(format!("it answered {status}")),
                Some(Err(reason)) => Outcome::Failed(reason),
                // The server stops.
                None => return Ok(0),
            },
        };
        let what = format!("execution={} its notification:", waiting.execution);
        until_written(shared, &what, || note(shared, waiting, &prepared.run, &outcome));
    }
    Ok(due.len())
}

/// How a try ended.
enum Outcome {
    Delivered(u16),
    Failed(String),
    /// It can't be sent: no try would change that.
    Never(String),
}

/// A request to send.
struct Post {
    url: String,
    headers: [(&'static str, String); 3],
    body: Vec<u8>,
}

/// A notification, or why it can't be sent.
struct Prepared {
    /// Names the run in events.
    run: String,
    post: std::result::Result<Post, String>,
}

fn prepare(shared: &Shared, tell: &Tell, waiting: &Waiting) -> Result<Prepared> {
    let (execution, connector) = shared.store.control.read(|conn| {
        Ok((
            store::execution::find(conn, waiting.execution)?,
            store::connector::find(conn, waiting.connector)?,
        ))
    })?;
    // Both take the notification with them.
    let gone = || Prepared { run: "a run".to_owned(), post: Err("the run was deleted".to_owned()) };
    let (Some(execution), Some(connector)) = (execution, connector) else { return Ok(gone()) };
    let run = format!("run {}", execution.number);
    let (url, secret) = match target(shared, &connector) {
        Ok(target) => target,
        Err(reason) => return Ok(Prepared { run, post: Err(reason) }),
    };
    let Some(body) = tell(waiting.execution)? else { return Ok(gone()) };
    let (id, time) = (waiting.execution.to_string(), shared.store.clock.now().timestamp());
    let Some(signature) = sign_standard(&secret, &id, time, &body) else {
        return Ok(Prepared { run, post: Err("its signing secret is not Base64".to_owned()) });
    };
    let headers =
        [("webhook-id", id), ("webhook-timestamp", time.to_string()), ("webhook-signature", signature)];
    Ok(Prepared { run, post: Ok(Post { url, headers, body }) })
}

/// Address and secret, as they are now: both, and the hosts, may have changed since the run ended.
fn target(shared: &Shared, connector: &Connector) -> std::result::Result<(String, String), String> {
    let settings = &connector.notification_settings;
    let Some(url) = &settings.webhook_url else {
        return Err("notifications were switched off".to_owned());
    };
    let Some(sealed) = &settings.signing_secret else {
        return Err("it has no signing secret; enter one in notification_settings.signing_secret".to_owned());
    };
    let host = host(url).map_err(|error| error.detail)?;
    if !shared.config.notify.allows(&host) {
        return Err(format!("the host {host:?} is not one of notify.allowed_hosts"));
    }
    let secret = shared.store.secrets.unseal(&sealed.sealed, &place(connector.id));
    let secret = secret.ok_or("its signing secret can't be read; enter it again")?;
    Ok((url.clone(), secret))
}

/// The status that was answered, or why there is none; `None`: the server stops meanwhile.
fn answer(shared: &Shared, agent: &Agent, post: Post) -> Result<Option<std::result::Result<u16, String>>> {
    let (send, receive) = mpsc::channel();
    let agent = agent.clone();
    thread::Builder::new()
        .name("notification".to_owned())
        .spawn(move || {
            // Nobody waits for it any more when the server stops.
            let _ = send.send(send_post(&agent, post));
        })
        .map_err(|e| Error::internal(format!("starting a thread: {e}")))?;
    loop {
        match receive.recv_timeout(GLANCE) {
            Ok(answered) => return Ok(Some(answered)),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Ok(Some(Err("sending it failed".to_owned())));
            }
            Err(mpsc::RecvTimeoutError::Timeout) if shared.is_stopping() => return Ok(None),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

fn send_post(agent: &Agent, post: Post) -> std::result::Result<u16, String> {
    let mut request = agent.post(&post.url).content_type("application/json");
    for (name, value) in post.headers {
        request = request.header(name, value);
    }
    request.send(&post.body[..]).map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
}

/// Notes the outcome of a try, with its event.
fn note(shared: &Shared, waiting: &Waiting, run: &str, outcome: &Outcome) -> Result<()> {
    let now = shared.store.clock.now();
    let nth = waiting.failed as usize;
    shared.store.control.write(|tx| {
        let (was_there, kind, message) = match outcome {
            Outcome::Delivered(status) => {
                let was_there = store::notification::remove(tx, waiting.execution)?;
                (was_there, "notification_sent", format!("Told of {run}: {status}."))
            }
            Outcome::Never(reason) => {
                let was_there = store::notification::remove(tx, waiting.execution)?;
                (was_there, "notification_failed", format!("Nobody was told of {run}: {reason}."))
            }
            Outcome::Failed(reason) => {
                let failed = format!("Telling of {run} failed, try {} of {TRIES}: {reason}.", nth + 1);
                if let Some(seconds) = BACK_OFF_S.get(nth) {
                    let next = now + TimeDelta::seconds(*seconds);
                    let was_there = store::notification::later(tx, waiting, next)?;
                    (was_there, "notification_failed", format!("{failed} The next comes in {seconds} s."))
                } else {
                    let was_there = store::notification::remove(tx, waiting.execution)?;
                    (was_there, "notification_failed", format!("{failed} It was given up."))
                }
            }
        };
        if was_there {
            let (connector, execution) = (Some(waiting.connector), Some(waiting.execution));
            store::event::add(tx, connector, now, kind, &message, None, execution)?;
        }
        Ok(())
    })
}
