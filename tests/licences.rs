//! Every dependency may be used in a permissively licensed program.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use serde_json::Value as Json;

const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Whether an SPDX expression leaves a permissive choice. `AND` binds tighter than `OR`.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().collect();
    tokens.reverse();
    any(&mut tokens)
}

fn any(tokens: &mut Vec<&str>) -> bool {
    let mut found = all(tokens);
    while tokens.last() == Some(&"OR") {
        tokens.pop();
        found |= all(tokens);
    }
    found
}

fn all(tokens: &mut Vec<&str>) -> bool {
    let mut found = one(tokens);
    while tokens.last() == Some(&"AND") {
        tokens.pop();
        found &= one(tokens);
    }
    found
}

fn one(tokens: &mut Vec<&str>) -> bool {
    let found = match tokens.pop() {
        Some("(") => {
            let found = any(tokens);
            tokens.pop();
            found
        }
        Some(name) => PERMISSIVE.contains(&name),
        None => false,
    };
    // An exception only ever allows more.
    if tokens.last() == Some(&"WITH") {
        tokens.truncate(tokens.len() - 2);
    }
    found
}

#[test]
fn every_dependency_is_permissively_licensed() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .arg("--filter-platform")
        .arg(host())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !is_permissive(package["license"].as_str().unwrap_or_default()))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The platform that this was built for: others' dependencies need not be there.
fn host() -> String {
    let output = Command::new(option_env!("RUSTC").unwrap_or("rustc")).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn expressions_are_read_as_written() {
    for (expression, permissive) in [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0", false),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("", false),
    ] {
        assert_eq!(is_permissive(expression), permissive, "{expression}");
    }
}
