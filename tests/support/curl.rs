//! Runs the `curl` commands of the documentation without a shell and without curl: what they send goes through the
//! client of the tests, so that what comes back is held against the OpenAPI document like every other answer.

use std::path::Path;

use reqwest::{
    Method,
    blocking::{
        RequestBuilder,
        multipart::{Form, Part},
    },
};

use super::{Answer, http};

/// The commands of a text's `sh` blocks.
pub fn commands(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let joined = blocks.map(|block| block.replace("\\\n", " ")).collect::<Vec<_>>().join("\n");
    joined.lines().map(str::to_owned).collect()
}

/// Runs a command with these variables; files are read and written in `folder`. Answers what came back, which is no
/// refusal.
#[track_caller]
pub fn run(command: &str, variables: &[(&str, &str)], folder: &Path) -> Answer {
    let words = words(command, variables);
    assert_eq!(words[0], "curl", "{command}");
    let mut sent = Sent::read(&words[1..], folder);
    let url = sent.url.take().unwrap_or_else(|| panic!("no address: {command}"));
    let method = sent.method.take().unwrap_or(if sent.has_body() { Method::POST } else { Method::GET });
    let answer = Answer::of(command, sent.onto(http().request(method, url)));
    assert!(answer.status.is_success(), "{command}: {} {}", answer.status, answer.text());
    if let Some(name) = sent.output {
        std::fs::write(folder.join(name), &answer.bytes).unwrap();
    }
    answer
}

/// What the options of a command say.
#[derive(Default)]
struct Sent {
    url: Option<String>,
    method: Option<Method>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    form: Option<Form>,
    output: Option<String>,
}

impl Sent {
    fn read(words: &[String], folder: &Path) -> Self {
        let mut sent = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} has no value")).clone();
            let file =
                |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            match word.as_str() {
                // How it shows things.
                "-sS" | "--fail-with-body" | "-N" => {}
                "-X" => sent.method = Some(value().parse().unwrap()),
                "-H" => {
                    let header = value();
                    let (name, text) = header.split_once(": ").unwrap();
                    sent.headers.push((name.to_owned(), text.to_owned()));
                }
                "-d" => sent.body = Some(value().into_bytes()),
                "--data-binary" => sent.body = Some(file(value().strip_prefix('@').unwrap())),
                "-F" => {
                    let field = value();
                    let (name, text) = field.split_once('=').unwrap();
                    let part = match text.strip_prefix('@') {
                        Some(path) => Part::bytes(file(path)).file_name(path.to_owned()),
                        None => Part::text(text.to_owned()),
                    };
                    sent.form = Some(sent.form.unwrap_or_default().part(name.to_owned(), part));
                }
                "-o" => sent.output = Some(value()),
                option if option.starts_with('-') => panic!("the option {option} is not known here"),
                url => sent.url = Some(url.to_owned()),
            }
        }
        sent
    }

    const fn has_body(&self) -> bool {
        self.body.is_some() || self.form.is_some()
    }

    fn onto(&mut self, mut request: RequestBuilder) -> RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body.take() {
            let is_said = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if !is_said {
                request = request.header("Content-Type", "application/x-www-form-urlencoded");
            }
            request = request.body(body);
        }
        match self.form.take() {
            Some(form) => request.multipart(form),
            None => request,
        }
    }
}

/// A command's words as a shell sees them: quotes of both kinds, and variables outside single ones.
fn words(command: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' if quote == Some(c) => quote = None,
            '\'' | '"' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            '$' if quote != Some('\'') => {
                let mut name = String::new();
                while let Some(next) = chars.next_if(char::is_ascii_alphanumeric) {
                    name.push(next);
                }
                let found = variables.iter().find(|(known, _)| *known == name);
                let (_, value) = found.unwrap_or_else(|| panic!("${name} is not known: {command}"));
                word.get_or_insert_default().push_str(value);
            }
            ' ' if quote.is_none() => words.extend(word.take()),
            // A shell would do something about these.
            '`' | '\\' | '|' | ';' | '<' | '>' | '&' if quote.is_none() => {
                panic!("{c} outside quotes: {command}")
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "an open quote: {command}");
    words.extend(word);
    words
}

#[test]
fn words_are_those_of_a_shell() {
    let command = r#"curl -d '{"a": "$X"}' -H "K: $KEY" "" a"b c"d"#;
    let expected = ["curl", "-d", r#"{"a": "$X"}"#, "-H", "K: k 1", "", "ab cd"];
    assert_eq!(words(command, &[("KEY", "k 1")]), expected);
}
