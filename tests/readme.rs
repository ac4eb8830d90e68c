//! The README says what the code does: its configuration table, and its commands.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fmt::Write as _, fs, path::Path};

use smartconnector::{config::DEFAULT_FILE, engine};

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

#[test]
fn every_command_that_it_names_exists() {
    let readme = readme();
    let commands: Vec<&str> = readme
        .split("smartconnector ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next())
        .filter(|word| ["serve", "demo", "run", "query", "keys", "info", "config"].contains(word))
        .collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        assert_cmd::Command::cargo_bin("smartconnector")
            .unwrap()
            .args([command, "--help"])
            .assert()
            .success();
    }
}

#[test]
fn the_quick_look_works_as_written() {
    let output = assert_cmd::Command::cargo_bin("smartconnector")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "query",
            "fixtures/orders.csv",
            "SELECT status, count(*) AS n FROM input.orders_csv GROUP BY status",
        ])
        .assert()
        .success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(text.contains("delivered"), "{text}");
}
