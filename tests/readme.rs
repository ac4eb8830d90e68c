//! The README says what the code does: its configuration table, and its commands.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{self, Stdio},
    time::{Duration, Instant},
};

use clap::{Command, CommandFactory as _};
use serde_json::Value as Json;
use smartconnector::{cli::Cli, config::DEFAULT_FILE, engine};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// Section, key, default and comment of every key, as the table shows them.
fn configuration() -> String {
    let (mut section, mut comment) = (String::new(), String::new());
    let mut table = "| key | default | |\n|---|---|---|\n".to_owned();
    for line in DEFAULT_FILE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some(text) = line.strip_prefix('#') {
            let separator = if comment.is_empty() { "" } else { " " };
            comment = format!("{comment}{separator}{}", text.trim());
            continue;
        } else if let Some((key, value)) = line.split_once(" = ") {
            writeln!(table, "| `{section}.{key}` | `{value}` | {comment} |").unwrap();
        }
        comment.clear();
    }
    table
}

#[test]
fn the_configuration_table_is_that_of_the_code() {
    let readme = readme();
    let (_, rest) = readme.split_once("made from config.toml; a test compares it -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- end of configuration -->").unwrap();
    assert_eq!(found, configuration(), "put this into the README:\n{}", configuration());
}

/// The signatures of every group of functions, as the table shows them.
fn functions() -> String {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for function in engine::functions() {
        let signature = format!("`{}`", function.signature);
        match groups.iter_mut().find(|(name, _)| *name == function.group) {
            Some((_, signatures)) => signatures.push(signature),
            None => groups.push((function.group, vec![signature])),
        }
    }
    let mut table = "| | |\n|---|---|\n".to_owned();
    for (name, signatures) in groups {
        writeln!(table, "| {name} | {} |", signatures.join(", ")).unwrap();
    }
    table
}

#[test]
fn the_functions_are_those_of_the_code() {
    let readme = readme();
    let (_, rest) =
        readme.split_once("<!-- functions: made from the code; a test compares it -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- end of functions -->").unwrap();
    assert_eq!(found, functions(), "put this into the README:\n{}", functions());
}

/// What stands in code: fenced blocks, and backticks in a line.
fn code(readme: &str) -> String {
    let mut found = String::new();
    for (block, n) in readme.split("```").zip(0..) {
        let is_fenced = n % 2 == 1;
        for (part, n) in block.split('`').zip(0..) {
            if is_fenced || n % 2 == 1 {
                found.push_str(part);
                found.push('\n');
            }
        }
    }
    found
}

/// The words behind the program's name, as far as they are commands.
fn named_commands(readme: &str) -> BTreeSet<Vec<String>> {
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let code = code(readme);
    let calls = code.lines().flat_map(|line| line.split("smartconnector ").skip(1));
    let mut found: BTreeSet<Vec<String>> =
        calls.map(|call| call.split(' ').take_while(is_word).map(str::to_owned).collect()).collect();
    // A folder behind `run` looks like a word.
    found.retain(|words| !words.is_empty());
    let has_none = |words: &Vec<String>| command(&words[..1]).is_none_or(|found| !found.has_subcommands());
    found.into_iter().map(|words| if has_none(&words) { words[..1].to_vec() } else { words }).collect()
}

/// The command that these words name.
fn command(words: &[String]) -> Option<Command> {
    words.iter().try_fold(Cli::command(), |found, word| found.find_subcommand(word).cloned())
}

/// All commands, each with those that it belongs to.
fn all_commands(of: &Command, under: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for command in of.get_subcommands() {
        let words = [under, &[command.get_name().to_owned()]].concat();
        found.extend(all_commands(command, &words));
        found.push(words);
    }
    found
}

#[test]
fn every_command_that_it_names_exists_and_every_command_is_named() {
    let readme = readme();
    let named = named_commands(&readme);
    let all = all_commands(&Cli::command(), &[]);
    for words in &named {
        assert!(all.contains(words), "the README names `smartconnector {}`", words.join(" "));
    }
    let first: BTreeSet<&str> = named.iter().map(|words| words[0].as_str()).collect();
    for words in &all {
        assert!(first.contains(words[0].as_str()), "the README does not name `smartconnector {}`", words[0]);
    }
    let invented = named_commands("`smartconnector frobnicate now`, smartconnector prose\n");
    assert_eq!(invented, BTreeSet::from([vec!["frobnicate".to_owned()]]));
}

/// A folder to call the program in, which has the README's file where the repository has it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("fixtures")).unwrap();
        let orders = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.csv");
        fs::copy(orders, dir.path().join("fixtures/orders.csv")).unwrap();
        Self { dir }
    }

    /// A line as a shell runs it, with the program on the `PATH`.
    fn shell(&self, line: &str) -> process::Command {
        let program = Path::new(env!("CARGO_BIN_EXE_smartconnector"));
        let folders = [program.parent().unwrap().to_owned()];
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(folders.into_iter().chain(env::split_paths(&path))).unwrap();
        let mut command = process::Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("NO_PROXY", "127.0.0.1")
            .env("SMARTCONNECTOR_SERVER_LISTEN", "127.0.0.1:0")
            .env("SMARTCONNECTOR_ENGINE_MIN_FREE_MB", "1")
            .stdin(Stdio::null());
        command
    }

    /// What a line prints, which does not fail.
    #[track_caller]
    fn said(&self, line: &str, variables: &[(&str, &str)]) -> String {
        let output = self.shell(line).envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for words in all_commands(&Cli::command(), &[]) {
        let said = place.said(&format!("smartconnector {} --help", words.join(" ")), &[]);
        assert!(said.contains(&format!("Usage: smartconnector {}", words.join(" "))), "{said}");
    }
}

/// A section of the README.
fn section<'r>(readme: &'r str, title: &str) -> &'r str {
    let (_, section) = readme.split_once(&format!("\n## {title}\n")).unwrap();
    section.split("\n## ").next().unwrap()
}

/// The lines of a section's blocks in this language.
fn lines<'r>(section: &'r str, language: &str) -> Vec<&'r str> {
    let fence = format!("```{language}\n");
    let blocks = section.split(&fence).skip(1);
    blocks.flat_map(|rest| rest.split("```").next().unwrap().lines()).collect()
}

#[test]
fn the_quick_look_works_as_written() {
    let readme = readme();
    let line = *lines(section(&readme, "On a laptop"), "sh").last().unwrap();
    assert!(line.starts_with("smartconnector query fixtures/"), "{line}");
    let said = Place::new().said(line, &[]);
    assert!(said.contains("delivered"), "{said}");
}

#[test]
fn the_demo_can_exit_when_its_files_are_loaded() {
    let said = Place::new().said("smartconnector demo --once", &[]);
    assert_eq!(said.matches("success in ").count(), 3, "{said}");
    assert!(!said.contains("is ready"), "{said}");
}

/// A program that does not end by itself.
struct Running {
    child: process::Child,
    /// What it has printed.
    said: String,
}

impl Running {
    /// Waits until it has printed this.
    fn until(place: &Place, line: &str, last: &str) -> Self {
        let mut child = place.shell(&format!("exec {line}")).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, said: String::new() };
        while !running.said.contains(last) {
            assert!(out.read_line(&mut running.said).unwrap() > 0, "it ended: {}", running.said);
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value behind a label, in what the program prints.
fn value<'s>(said: &'s str, label: &str) -> &'s str {
    let (_, rest) = said.split_once(label).unwrap_or_else(|| panic!("no {label:?}: {said}"));
    rest.lines().next().unwrap().trim()
}

/// Words alone: how wide a table is depends on what else is in it.
fn words(line: &str) -> String {
    let text = line.replace(|c: char| "│┆".contains(c), " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn from_upload_to_report_works_as_written() {
    let readme = readme();
    let section = section(&readme, "From upload to report");
    let commands = lines(section, "sh");
    let [demo, upload, row, errors, rejected] = commands[..] else { panic!("{commands:?}") };
    let place = Place::new();
    let running = Running::until(&place, demo, "Ctrl-C");
    let said = &running.said;
    // What the page shows of it is what it showed.
    let shown: BTreeSet<String> = said.lines().map(words).collect();
    let promised: Vec<String> = lines(section, "text").into_iter().map(words).collect();
    for line in promised.iter().filter(|line| line.contains(|c: char| c.is_ascii_alphanumeric())) {
        assert!(shown.contains(line), "{line}: {said}");
    }
    if !is_there("curl") {
        return;
    }
    let (url, key) = (value(said, "is ready: "), value(said, "admin key "));
    let answer = place.said(upload, &[("URL", url), ("KEY", key)]);
    let answer: Json = serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
    assert_eq!((&answer["status"], &answer["is_dry_run"]), (&"queued".into(), &false.into()), "{answer}");
    let variables = [("URL", url), ("KEY", key), ("ID", answer["execution_id"].as_str().unwrap())];
    let end = Instant::now() + Duration::from_mins(1);
    let run = loop {
        let run: Json = serde_json::from_str(&place.said(row, &variables)).unwrap();
        if !run["ended_at"].is_null() {
            break run;
        }
        assert!(Instant::now() < end, "{run}");
    };
    assert_eq!((&run["status"], &run["totals"]["errors"]), (&"partial_success".into(), &64.into()), "{run}");
    let rows: Json = serde_json::from_str(&place.said(errors, &variables)).unwrap();
    assert_eq!(rows["count"], 64, "{rows}");
    let rejected = place.said(rejected, &variables);
    let header = rejected.lines().next().unwrap();
    assert!(header.starts_with("order_number,") && header.ends_with(",_errors"), "{header}");
}

#[test]
fn a_second_start_says_how_to_get_a_key_to_this_very_folder() {
    let place = Place::new();
    let serve = "smartconnector serve --data ./elsewhere";
    drop(Running::until(&place, serve, "admin key"));
    let running = Running::until(&place, serve, "lost the key?");
    let key = place.said(value(&running.said, "lost the key? "), &[]);
    let keys = place.said("smartconnector keys list --data ./elsewhere --json", &[]);
    let keys: Json = serde_json::from_str(&keys).unwrap();
    assert!(key.trim().len() >= 32 && keys.as_array().unwrap().len() == 2, "{keys}");
}

#[test]
fn a_configuration_file_says_where_the_data_is_and_info_whose_it_is() {
    let place = Place::new();
    fs::write(place.dir.path().join("server.toml"), "[server]\ndata = \"elsewhere\"\n").unwrap();
    let refused = |line: &str| place.shell(line).output().unwrap().status.code() == Some(1);
    assert!(refused("smartconnector info --config server.toml"), "nobody has made it yet");
    // Beside its server.
    let running = Running::until(&place, "smartconnector serve --config server.toml", "admin key");
    let (workspace, user) = (value(&running.said, "  workspace "), value(&running.said, "  user "));
    let info = place.said("smartconnector info --config server.toml --json", &[]);
    let info: Json = serde_json::from_str(&info).unwrap();
    assert_eq!((&info["workspace"], &info["user"]), (&workspace.into(), &user.into()), "{info}");
    let shown = place.said("smartconnector info --data elsewhere", &[]);
    assert!(shown.contains(workspace) && shown.contains(user), "{shown}");
    assert!(refused("smartconnector info --config server.toml --data other"), "a flag counts more");
    assert!(refused("smartconnector info"), "no file is read by itself");
}

/// Without this program there is nothing to test; where everything must be tested, that is a failure.
fn is_there(program: &str) -> bool {
    if process::Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    let missing = format!("{program} is not installed: what the README does with it was not tested");
    assert!(env::var_os("CI").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    false
}
