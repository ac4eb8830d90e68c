//! Executions are searched by their input's file name and their error, wherever the words stand in them.

use reqwest::Method;
use serde_json::json;

use crate::{
    run::{Shop, TOKEN},
    support::{
        Answer,
        journey::{path, text, upload},
    },
};

const GOOD: &str = "Number,E-Mail,Total\n1,,1\n";
/// A column is missing: the error names it.
const BAD: &str = "Number,E-Mail\n1,\n";

/// The file names that a search finds, newest first; `all`: over all connectors.
fn found(shop: &Shop, all: bool, query: &[(&str, &str)]) -> Vec<String> {
    let list = if all { "/api/executions".to_owned() } else { format!("{}/executions", path(TOKEN)) };
    let answer =
        Answer::of(&format!("{list} {query:?}"), shop.client.request(Method::GET, &list).query(query)).ok();
    let rows = answer["results"].as_array().unwrap();
    assert_eq!(answer["count"], rows.len(), "{query:?}");
    rows.iter().map(|row| text(&row["input_file"]["name"]).to_owned()).collect()
}

#[test]
fn words_of_any_length_and_case_are_found_in_names_and_errors() {
    let shop = Shop::new();
    for (name, csv) in [("Orders-North 1.csv", GOOD), ("orders-süd 2.csv", BAD), ("50%_\"x\" 3.csv", GOOD)] {
        shop.run(name, csv);
    }
    for (word, names) in [
        ("orders", &["orders-süd 2.csv", "Orders-North 1.csv"][..]),
        ("NORTH", &["Orders-North 1.csv"]),
        ("SÜD", &["orders-süd 2.csv"]),
        ("h 1", &["Orders-North 1.csv"]),
        ("d 2", &["orders-süd 2.csv"]),
        // Shorter than what the index knows.
        ("Ü", &["orders-süd 2.csv"]),
        ("-n", &["Orders-North 1.csv"]),
        ("3", &["50%_\"x\" 3.csv"]),
        // Signs of queries and patterns are signs like others.
        ("%_\"x", &["50%_\"x\" 3.csv"]),
        ("\"x\" 3", &["50%_\"x\" 3.csv"]),
        ("o*s", &[]),
        ("north OR", &[]),
        // The error of the second.
        ("total", &["orders-süd 2.csv"]),
        ("nothing of this", &[]),
    ] {
        for all in [true, false] {
            assert_eq!(found(&shop, all, &[("search", word)]), names, "{word:?}, all {all}");
        }
    }
    assert_eq!(found(&shop, true, &[("search", "")]).len(), 3);
    let page = shop.client.get("/api/executions?search=orders&page_size=1&page=2").ok();
    let previous = format!("{}/api/executions?search=orders&page_size=1&page=1", shop.server.url);
    assert_eq!((&page["previous"], &page["next"]), (&json!(previous), &json!(null)));
    assert_eq!(
        shop.client.get(&previous).ok()["next"],
        format!("{}/api/executions?search=orders&page_size=1&page=2", shop.server.url)
    );
    assert_eq!(
        (&page["count"], &page["results"][0]["input_file"]["name"]),
        (&json!(2), &json!("Orders-North 1.csv"))
    );
}

#[test]
fn a_search_goes_with_the_other_filters_and_orders() {
    let shop = Shop::new();
    for (name, csv) in [("a one.csv", GOOD), ("b one.csv", BAD), ("c one.csv", GOOD), ("d two.csv", GOOD)] {
        shop.run(name, csv);
    }
    shop.run_with("e one.csv", GOOD, &[("is_dry_run", "true")]);
    for word in ["one", "ne"] {
        for all in [true, false] {
            let with = |more: &[(&str, &str)]| -> String {
                let query: Vec<_> = [("search", word)].iter().chain(more).copied().collect();
                found(&shop, all, &query).iter().map(|name| &name[..1]).collect()
            };
            assert_eq!(with(&[]), "cba", "{word}, all {all}");
            assert_eq!(with(&[("include_dry_run", "true")]), "ecba", "{word}, all {all}");
            assert_eq!(with(&[("ordering", "created")]), "abc", "{word}, all {all}");
            assert_eq!(with(&[("ordering", "-ended_at")]), "cba", "{word}, all {all}");
            assert_eq!(with(&[("status", "failed")]), "b", "{word}, all {all}");
            assert_eq!(with(&[("status", "success"), ("ordering", "started_at")]), "ac", "{word}, all {all}");
            assert_eq!(with(&[("trigger_type", "rerun")]), "", "{word}, all {all}");
            assert_eq!(with(&[("created_after", "2000-01-01T00:00:00Z")]), "cba", "{word}, all {all}");
            assert_eq!(with(&[("created_before", "2000-01-01T00:00:00Z")]), "", "{word}, all {all}");
        }
    }
}

#[test]
fn a_search_finds_only_what_the_key_reaches_and_what_is_still_there() {
    let shop = Shop::new();
    let run = shop.run("gone soon.csv", GOOD);
    let detail = shop.client.get(&path(TOKEN)).ok();
    let count =
        |client: &crate::support::Client| client.get("/api/executions?search=gone").ok()["count"].clone();
    assert_eq!(count(&shop.client), 1);
    assert_eq!(count(&shop.server.client_as("viewer", Some(&[text(&detail["id"])]))), 1);
    assert_eq!(count(&shop.server.client_as("viewer", Some(&[]))), 0);
    let sender = shop.server.client_as("sender", None);
    assert_eq!(count(&sender), 0);
    let own = upload(&sender, TOKEN, "also gone.csv", GOOD.as_bytes(), &[]).created();
    assert_eq!(count(&sender), 1);
    assert_eq!(count(&shop.client), 2);
    crate::support::journey::run_ended(&shop.client, TOKEN, text(&own["execution_id"]));
    assert_eq!(run["status"], "success");
    // With the connector go its runs and what they are found by.
    shop.client.delete(&path(TOKEN)).expect(204);
    for word in ["gone", "on"] {
        assert_eq!(shop.client.get(&format!("/api/executions?search={word}")).ok()["results"], json!([]));
    }
    let control = rusqlite::Connection::open(shop.server.dir.path().join("control.db")).unwrap();
    let left: i64 = control.query_row("SELECT count(*) FROM execution_text", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    // The index says itself whether it has what the table has.
    control
        .execute("INSERT INTO execution_trigram (execution_trigram, rank) VALUES ('integrity-check', 1)", [])
        .unwrap();
}

/// How many a list finds.
fn count(shop: &Shop, list: &str, word: &str) -> u64 {
    let request = shop.client.request(Method::GET, list).query(&[("search", word)]);
    Answer::of(&format!("{list} {word}"), request).ok()["count"].as_u64().unwrap()
}

#[test]
fn case_is_nothing_in_any_alphabet_and_in_any_list() {
    let shop = Shop::new();
    let client = &shop.client;
    let object = json!({"object_name": "Ökonomien", "entity_name": "Ökonomie", "name": "economies"});
    client.post("/api/custom-objects", &object).created();
    client.send_file("Ökonomie.csv", b"a\n1\n");
    let member =
        json!({"email": "o@example.org", "first_name": "Ökonomie", "last_name": "Ærø", "role": "viewer"});
    client.post("/api/team", &member).created();
    let connector = json!({"name": "Stock", "api_name": "warehouse", "description": "Über die ÖKONOMIE",
        "custom_object": "orders", "connector_type": "spreadsheet"});
    client.post("/api/smart-connectors", &connector).created();
    for list in
        ["/api/custom-objects", "/api/files", "/api/team", "/api/team/typeahead", "/api/smart-connectors"]
    {
        for word in ["Ökonomie", "ökonomie", "ÖKONOMIE", "kono"] {
            assert_eq!(count(&shop, list, word), 1, "{list} {word}");
        }
        assert_eq!(count(&shop, list, "okonomie"), 0, "{list}");
    }
    // Name, api name and description.
    for (word, found) in [("STOCK", 1), ("Warehouse", 1), ("über die", 1), ("stock warehouse", 0), ("Ω", 0)]
    {
        assert_eq!(count(&shop, "/api/smart-connectors", word), found, "{word}");
    }
}
