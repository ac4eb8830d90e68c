//! Who may import whom. Data passes through the house one way: a module imports only what stands
//! above it. This table is the architecture; a new edge is a decision, made here.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Modules from the top down, each with the modules that it may import.
const LAYERS: &[(&str, &[&str])] = &[
    // words that know nothing
    ("id", &[]),
    ("error", &[]),
    ("hex", &[]),
    ("clock", &[]),
    ("cancel", &[]),
    ("context", &[]),
    ("breakpoint", &[]),
    ("slots", &[]),
    ("metrics", &["error"]),
    // values and rules: no I/O, no SQL, no HTTP
    ("config", &["breakpoint", "error"]),
    ("auth", &["error", "hex", "id"]),
    ("variable", &["error", "id"]),
    ("object", &["error", "id", "variable"]),
    ("script", &["id", "object"]),
    ("trigger", &["error"]),
    ("connector", &["auth", "error", "id", "object", "script", "trigger", "variable"]),
    ("execution", &["clock", "connector", "id", "script", "variable"]),
    // workers: each does one thing with what it is given
    ("input", &["cancel", "connector", "error", "id", "script", "variable"]),
    ("engine", &["cancel", "error", "hex", "variable"]),
    (
        "store",
        &[
            "auth",
            "breakpoint",
            "clock",
            "connector",
            "context",
            "error",
            "execution",
            "hex",
            "id",
            "object",
            "script",
            "variable",
        ],
    ),
    (
        "load",
        &["breakpoint", "cancel", "connector", "error", "execution", "id", "object", "store", "variable"],
    ),
    ("report", &["cancel", "error", "execution", "object"]),
    // what moves
    (
        "runner",
        &[
            "auth",
            "breakpoint",
            "cancel",
            "config",
            "connector",
            "context",
            "engine",
            "error",
            "execution",
            "id",
            "input",
            "load",
            "metrics",
            "object",
            "report",
            "script",
            "store",
            "trigger",
            "variable",
        ],
    ),
    (
        "package",
        &[
            "auth",
            "cancel",
            "clock",
            "config",
            "connector",
            "engine",
            "error",
            "execution",
            "id",
            "input",
            "load",
            "object",
            "report",
            "runner",
            "script",
            "store",
            "variable",
        ],
    ),
    ("app", &["auth", "clock", "config", "error", "id", "metrics", "runner", "slots", "store"]),
    // what one may do, and how one asks
    (
        "service",
        &[
            "app",
            "auth",
            "breakpoint",
            "cancel",
            "config",
            "connector",
            "engine",
            "error",
            "execution",
            "id",
            "input",
            "metrics",
            "object",
            "package",
            "report",
            "runner",
            "script",
            "slots",
            "store",
            "variable",
        ],
    ),
    (
        "api",
        &[
            "app",
            "auth",
            "breakpoint",
            "connector",
            "context",
            "error",
            "execution",
            "id",
            "object",
            "package",
            "script",
            "service",
            "trigger",
            "variable",
        ],
    ),
    ("admin", &["api", "hex"]),
    ("server", &["admin", "api", "app", "breakpoint", "context", "error", "runner"]),
    (
        "cli",
        &[
            "app",
            "auth",
            "cancel",
            "clock",
            "config",
            "connector",
            "context",
            "engine",
            "error",
            "execution",
            "id",
            "input",
            "object",
            "package",
            "report",
            "runner",
            "script",
            "server",
            "service",
            "store",
            "variable",
        ],
    ),
];

/// Crates that belong to some modules alone.
const CRATES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store", "engine"]),
    ("r2d2", &["store"]),
    ("ureq", &["runner"]),
    ("actix_web", &["api", "server", "admin", "cli"]),
    ("utoipa_actix_web", &["api", "server"]),
];

/// The names behind every `crate::` in a source, test modules left out.
fn imports(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => found.extend(members(group)),
            None => found.extend(word(rest)),
        }
    }
    found
}

/// The first words of a `{a::b, c, d::{e, f}}`, from behind its opening brace.
fn members(group: &str) -> BTreeSet<String> {
    let (mut depth, mut start, mut found) = (0, 0, BTreeSet::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.extend(word(group[start..at].trim()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(word(group[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty() && word != "self").then_some(word)
}

fn sources() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                let module = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
                if !["lib", "main"].contains(&module.as_str()) && !name.ends_with("tests.rs") {
                    found.push((module, name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    found
}

fn violations(sources: &[(String, String, String)]) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, file, source) in sources {
        let Some(allowed) = allowed.get(module.as_str()) else {
            wrong.push(format!("{file}: the module {module} has no place in LAYERS"));
            continue;
        };
        for import in imports(source) {
            if import != *module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{file}: {module} must not import {import}"));
            }
        }
        for (name, owners) in CRATES {
            let uses = source.contains(&format!("{name}::"));
            if uses && !owners.contains(&module.as_str()) {
                wrong.push(format!("{file}: {name} belongs to {}", owners.join(", ")));
            }
        }
    }
    wrong
}

#[test]
fn every_module_imports_only_what_stands_above_it() {
    let wrong = violations(&sources());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle_and_no_edge_that_nobody_uses() {
    let places: BTreeMap<&str, usize> = LAYERS.iter().zip(0..).map(|((name, _), n)| (*name, n)).collect();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, _, source) in sources() {
        used.entry(module).or_default().extend(imports(&source));
    }
    for (module, allowed) in LAYERS {
        for import in *allowed {
            assert!(places[import] < places[module], "{module} imports {import}, which stands below it");
            assert!(used[*module].contains(*import), "{module} may import {import}, and does not");
        }
    }
}

#[test]
fn an_upward_import_is_found() {
    for (source, wrong) in [
        ("use crate::{error::Result, store::{self, Store}};", "store"),
        ("fn f() -> crate::service::X {}", "service"),
        ("use rusqlite::Connection;", "rusqlite belongs to store, engine"),
    ] {
        let found = violations(&[("object".to_owned(), "object/x.rs".to_owned(), source.to_owned())]);
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert!(found[0].contains(wrong), "{found:?}");
    }
    let fine =
        "use crate::{error::{Code, Error}, id::ObjectId}; // crate::store\n#[cfg(test)] use crate::store;";
    assert!(violations(&[("object".to_owned(), "object/x.rs".to_owned(), fine.to_owned())]).is_empty());
}
