//! Log lines on standard error: for people, or one JSON object per line. Each names the execution or request
//! that it is about, also those written by code that does not know for whom it works. A panic is a line too.

use std::io::{self, Write};

use serde_json::{Map, Value as Json};

use crate::{
    config::{LogConfig, LogFormat},
    context,
};

/// Starts the log of a command.
pub(super) fn start_log(level: &str) {
    start_log_as(&LogConfig { level: level.to_owned(), ..LogConfig::default() });
}

/// Starts the log as configured.
pub(super) fn start_log_as(config: &LogConfig) {
    let write = match config.format {
        LogFormat::Text => text,
        LogFormat::Json => json,
    };
    let started = env_logger::Builder::new()
        .parse_filters(&config.level)
        .format(move |out, record| {
            let context = context::current();
            let line = Line {
                time: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                level: record.level().as_str(),
                target: record.target(),
                message: &record.args().to_string(),
                context: context.as_deref(),
            };
            write(&line, out)
        })
        .try_init();
    // A second start (a test that runs two servers) keeps the first.
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    }
}

struct Line<'l> {
    time: String,
    level: &'l str,
    target: &'l str,
    message: &'l str,
    context: Option<&'l str>,
}

/// What the line is about (`execution=<id>`), and the rest: from its own beginning, else from the context.
fn subject<'l>(line: &Line<'l>) -> (Option<&'l str>, &'l str) {
    match line.message.split_once(' ') {
        Some((first, rest)) if is_subject(first) => (Some(first.trim_end_matches(':')), rest),
        _ => (line.context, line.message),
    }
}

fn is_subject(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| ["execution", "request", "script", "connector"].contains(&name))
}

fn text(line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (subject, message) = subject(line);
    let (subject, space) = subject.map_or(("", ""), |subject| (subject, " "));
    // One line each, whatever the message holds.
    let message = message.replace('\n', " | ");
    writeln!(out, "{} {:5} {} {subject}{space}{message}", line.time, line.level, line.target)
}

fn json(line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (subject, message) = subject(line);
    let mut object = Map::new();
    object.insert("time".to_owned(), line.time.as_str().into());
    object.insert("level".to_owned(), line.level.to_lowercase().into());
    object.insert("target".to_owned(), line.target.into());
    if let Some((name, id)) = subject.and_then(|subject| subject.split_once('=')) {
        object.insert(name.to_owned(), id.into());
    }
    object.insert("message".to_owned(), message.into());
    writeln!(out, "{}", Json::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        message: &str,
        context: Option<&str>,
        write: fn(&Line<'_>, &mut dyn Write) -> io::Result<()>,
    ) -> String {
        let line = Line { time: "T".to_owned(), level: "WARN", target: "m", message, context };
        let mut out = Vec::new();
        write(&line, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_names_what_it_is_about_once() {
        assert_eq!(written("a\nb", None, text), "T WARN  m a | b\n");
        assert_eq!(written("a", Some("request=7"), text), "T WARN  m request=7 a\n");
        assert_eq!(written("execution=8 ended", Some("execution=8"), text), "T WARN  m execution=8 ended\n");
        assert_eq!(
            written("said \"x\"\n", Some("request=7"), json),
            "{\"time\":\"T\",\"level\":\"warn\",\"target\":\"m\",\"request\":\"7\",\"message\":\"said \\\"x\\\"\\n\"}\n"
        );
    }

    #[test]
    fn all_that_a_line_can_be_about_is_a_key_of_its_own() {
        for (line, name) in [
            ("execution=7 ended", "execution"),
            ("request=7 ended", "request"),
            ("script=7 ended", "script"),
            ("connector=7 ended", "connector"),
            ("connector=7: ended", "connector"),
        ] {
            let line: Json = serde_json::from_str(&written(line, None, json)).unwrap();
            assert_eq!((&line[name], &line["message"]), (&"7".into(), &"ended".into()), "{line}");
        }
    }
}
