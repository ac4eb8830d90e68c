//! Who may do what: every call of the API, with a key of every role, of the whole workspace, of the connector
//! that the call is about and of another one, and without credentials.
//!
//! The rows say what the roles mean, not what the code does: `sender` triggers by upload and webhook and sees
//! the executions that it started; `viewer` reads; `runner` triggers, cancels, reruns and dry-runs too;
//! `editor` edits; `admin` has people, keys and deletion. A key that is limited to connectors reaches only
//! their paths, executions and files, metadata, and names of objects and fields. What it does not reach is not
//! there: 404 where a path names it, 400 `does_not_exist` where a body or a query does.
//!
//! All calls that are refused come first: together they must have changed nothing.

mod connectors;
mod executions;
mod files;
mod objects;
mod people;
mod scripts;
mod table;
mod world;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value as Json, json};

use self::{
    table::{Reach, Row},
    world::{Caller, World},
};
use crate::support::{Answer, journey::unzip};

fn rows() -> Vec<Row> {
    [connectors::rows(), scripts::rows(), executions::rows(), files::rows(), objects::rows(), people::rows()]
        .concat()
}

#[test]
fn every_call_with_every_kind_of_key_gets_what_the_roles_say() {
    let world = World::new();
    let rows = rows();
    let mut wrong = missing(&world.admin().client.get("/api/docs/schema").ok(), &rows);
    let before = world.state();
    let mut count = walk(&world, &rows, |status| status >= 400, &mut wrong);
    let after = world.state();
    if before != after {
        wrong.push(format!("refused calls changed something: {}", difference(&before, &after)));
    }
    wrong.extend(people_shown(&world));
    count += walk(&world, &rows, |status| status < 400, &mut wrong);
    println!("{count} calls of {} rows", rows.len());
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 2000, "{count}");
}

/// Limited keys see no people, wherever an answer names one.
fn people_shown(world: &World) -> Vec<String> {
    let places = [
        ("/api/smart-connectors/<a>", "/created_by"),
        ("/api/smart-connectors/<a>/executions/<run>", "/started_by"),
        ("/api/smart-connectors/<a>/executions?ids=<run>", "/results/0/started_by"),
        ("/api/executions?ids=<run>", "/results/0/started_by"),
        ("/api/smart-connectors/<a>/events-history?event_type=created", "/results/0/actor"),
        ("/api/smart-connectors/<a>/sql-scripts/history", "/results/0/published_by"),
    ];
    let mut wrong = Vec::new();
    for caller in world.callers.iter().filter(|caller| caller.role >= table::VIEWER) {
        for (path, place) in places.into_iter().filter(|_| caller.reach != Reach::Elsewhere) {
            let answer = caller.client.get(&world.fill(Some(caller), path)).ok();
            let shown = answer.pointer(place).expect("the place where somebody is named");
            if shown.is_null() != (caller.reach == Reach::Here) {
                wrong.push(format!("{path} of {}: {place} is {shown}", caller.shown()));
            }
        }
        if caller.reach != Reach::Elsewhere {
            wrong.extend(people_packed(world, caller));
        }
    }
    wrong
}

/// The same of the files about a run: its dev package, and its workbook, which is one for all.
fn people_packed(world: &World, caller: &Caller) -> Vec<String> {
    let download = |path: &str| json!({"url": world.fill(Some(caller), path)});
    let package = download("/api/smart-connectors/<a>/executions/<run>/dev-package");
    let members = unzip(&caller.client, &package);
    let (_, row) =
        members.iter().find(|(name, _)| name.ends_with("data/current_execution.json")).expect("the row");
    let row: Json = serde_json::from_str(row).expect("JSON");
    let is_shown = caller.reach == Reach::Everything;
    let mut wrong = Vec::new();
    for key in ["triggered_by_id", "triggered_by_desc"] {
        if row[key].is_string() != is_shown {
            wrong.push(format!("the package of {}: {key} is {}", caller.shown(), row[key]));
        }
    }
    let sheets = unzip(&caller.client, &download("/api/files/<report_a>/download"));
    if sheets.iter().any(|(_, sheet)| sheet.contains("Admin")) {
        wrong.push(format!("the workbook of {} names who started it", caller.shown()));
    }
    wrong
}

/// Makes the calls whose expected status is one of those. Answers how many there were.
fn walk(world: &World, rows: &[Row], which: impl Fn(u16) -> bool, wrong: &mut Vec<String>) -> usize {
    let mut count = 0;
    for row in rows {
        let callers =
            world.callers.iter().map(|caller| (Some(caller), row.status(caller.role, caller.reach)));
        for (caller, status) in callers.chain([(None, row.nobody)]).filter(|(_, status)| which(*status)) {
            count += 1;
            wrong.extend(checked(world, row, caller, status));
            if row.head {
                count += 1;
                wrong.extend(checked(world, &row.as_head(), caller, status));
            }
        }
    }
    count
}

/// What is wrong with the answer.
fn checked(world: &World, row: &Row, caller: Option<&Caller>, status: u16) -> Option<String> {
    let who = caller.map_or_else(|| "nobody".to_owned(), Caller::shown);
    let call = format!("{} {} {:?} by {who}", row.method, row.path, row.body);
    let fill = |text: &str| world.fill(caller, text);
    let begin = |method: Method, path: &str| match caller {
        Some(caller) => caller.client.request(method, path),
        None => world.shop.client.http.request(method, format!("{}{path}", world.shop.server.url)),
    };
    let answer = Answer::of(&call, row.request(&fill, begin));
    if answer.status == 202 {
        world.settle();
    }
    let found = answer.status.as_u16();
    if found != status {
        return Some(format!("{call}: {found}, expected {status}: {}", shortened(&answer.text())));
    }
    let code = row.code_of(status).filter(|_| row.method != "HEAD")?;
    let told = answer.json();
    (told["code"] != code).then(|| format!("{call}: {told}, expected the code {code}"))
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

/// The operations of the document that no row calls, and the rows that are about none.
fn missing(document: &Json, rows: &[Row]) -> Vec<String> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            operations.push((method.to_uppercase(), path.clone()));
        }
    }
    let mut wrong = Vec::new();
    let mut called = BTreeSet::new();
    for row in rows {
        let path = row.path.split('?').next().unwrap_or_default();
        let fits = operations
            .iter()
            .filter(|(method, template)| method == row.method && fit(template, path).is_some());
        match fits.max_by_key(|(_, template)| fit(template, path)) {
            Some(operation) => _ = called.insert(operation.clone()),
            None => wrong.push(format!("{} {}: the API has no such call", row.method, row.path)),
        }
    }
    let uncalled = operations.iter().filter(|operation| !called.contains(*operation));
    wrong.extend(uncalled.map(|(method, path)| format!("{method} {path}: no row of the table calls it")));
    wrong
}

/// How many segments of the path stand in the template as they are; none: it is not of this template.
fn fit(template: &str, path: &str) -> Option<usize> {
    let (known, found): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(known, found): (&&str, &&str)| known == found || known.starts_with('{');
    let all = known.len() == found.len() && known.iter().zip(&found).all(fits);
    all.then(|| known.iter().zip(&found).filter(|(known, found)| known == found).count())
}

/// The first part that differs.
fn difference(before: &Json, after: &Json) -> String {
    let pairs = before.as_array().into_iter().flatten().zip(after.as_array().into_iter().flatten());
    let first =
        pairs.filter(|(before, after)| before != after).map(|(b, a)| format!("{b}\nbecame\n{a}")).next();
    first.unwrap_or_else(|| "parts came or went".to_owned())
}

#[test]
fn the_table_is_found_wanting_when_a_call_has_no_row() {
    let document =
        serde_json::json!({"paths": {"/api/x/{id}": {"get": {}, "delete": {}}, "/api/x/y": {"get": {}}}});
    let rows = [table::get("/api/x/<a>"), table::get("/api/x/y?z=1"), table::delete("/api/z")];
    assert_eq!(
        missing(&document, &rows),
        ["DELETE /api/z: the API has no such call", "DELETE /api/x/{id}: no row of the table calls it"]
    );
}
