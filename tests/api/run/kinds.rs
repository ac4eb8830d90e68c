//! A file with one bad value of every kind: all its good rows load, and each bad one is named exactly.

use std::fmt::Write as _;

use calamine::{Data, Reader as _, Xlsx};
use serde_json::{Value as Json, json};

use super::{TOKEN, rows, run, totals};
use crate::support::{
    Client, TestServer,
    configure::{configure, maps, matches, step, variable, with},
    journey::{self, text},
};

const COLUMNS: [(&str, &str); 17] = [
    ("code", "C"),
    ("who", "ada@example.org"),
    ("qty", "1"),
    ("due", "2026-01-31"),
    ("seen", "03/03/2026"),
    ("ok", "yes"),
    ("mail", "eve@example.org"),
    ("phone", "+14155550123"),
    ("ref", "00000000-0000-4000-8000-000000000001"),
    ("note", "fine"),
    ("level", "low"),
    ("buyer", "ada@example.org"),
    ("serial", "S"),
    ("motto", "onwards"),
    ("must", "here"),
    ("tags", "{a,b}"),
    ("tail", "t"),
];

/// What each row has instead of a good value. `None`: the record ends before the last cell.
const ROWS: [&[(&str, Option<&str>)]; 24] = [
    &[],
    &[("qty", Some("two"))],
    &[("due", Some("31.31.2026"))],
    &[("seen", Some("03/04/2026"))],
    &[("ok", Some("perhaps"))],
    &[("mail", Some("nobody"))],
    &[("phone", Some("12"))],
    &[("ref", Some("not-a-uuid"))],
    &[("tags", Some("a,b"))],
    &[("must", Some(""))],
    &[("note", Some("long"))],
    &[("qty", Some("1.5"))],
    &[("qty", Some("1e999"))],
    &[("level", Some("none such"))],
    &[("buyer", Some("bob@example.org"))],
    &[("serial", Some("S0"))],
    &[("motto", Some(""))],
    &[("code", Some(""))],
    &[("who", Some("nobody"))],
    &[("code", Some("twin"))],
    &[("due", Some("2026-01-31 10:15:00"))],
    &[("tail", None)],
    &[("qty", Some("x")), ("mail", Some("y")), ("level", Some("z"))],
    &[],
];

fn file() -> String {
    let mut csv = COLUMNS.map(|(name, _)| name).join(",");
    for (n, changes) in ROWS.iter().enumerate() {
        csv.push('\n');
        for (at, (name, good)) in COLUMNS.iter().enumerate() {
            let numbered = ["code", "serial"].contains(name).then(|| format!("{good}{n}"));
            let good = numbered.as_deref().unwrap_or(good);
            let cell = match changes.iter().find(|(changed, _)| changed == name) {
                Some((_, None)) => continue,
                Some((_, Some("long"))) => &"n".repeat(256),
                Some((_, Some(bad))) => *bad,
                None => good,
            };
            let separator = if at == 0 { "" } else { "," };
            let quote = if cell.contains(',') { "\"" } else { "" };
            write!(csv, "{separator}{quote}{cell}{quote}").unwrap();
        }
    }
    csv
}

fn server() -> (TestServer, Client) {
    let server = TestServer::start();
    let client = server.client();
    let field = |name: &str, kind: &str| json!({"name": name, "field_type": kind});
    journey::object(&client, "customers", &[with(field("email", "email"), "is_unique", json!(true))]);
    let relation = json!({"object": "customers", "cardinality": "one"});
    let fields = [
        field("qty", "integer"),
        field("due", "date"),
        field("seen", "date"),
        field("ok", "checkbox"),
        field("mail", "email"),
        field("phone", "phonenumber"),
        field("ref", "uuid"),
        field("note", "text"),
        with(field("level", "dropdown"), "options", json!([{"name": "Low"}, {"name": "High"}])),
        with(field("buyer", "relationship"), "relation", relation.clone()),
        with(field("maker", "relationship"), "relation", relation),
        with(field("serial", "text"), "is_unique", json!(true)),
        with(field("motto", "text"), "is_required", json!(true)),
        field("must", "text"),
        field("tags", "dynamictags"),
        field("tail", "text"),
    ];
    let things = journey::object(&client, "things", &fields);
    for serial in ["t1", "t2"] {
        let values = [("name", "twin"), ("serial", serial), ("motto", "m")];
        let values = values.map(|(name, value)| json!({"name": name, "value": value}));
        client.post(&format!("/api/records/{things}/add"), &json!({"fields": values})).created();
    }
    journey::create(&client, "things", "Shop Orders");
    journey::set_input(&client, TOKEN, "things.csv", file().as_bytes());
    let columns = COLUMNS.map(|(name, _)| format!("\"{name}\"")).join(", ");
    journey::publish(
        &client,
        TOKEN,
        &format!("CREATE TABLE output.things AS SELECT rowid AS _line, {columns} FROM input.things_csv;"),
    );
    let variables = COLUMNS.map(|(name, _)| {
        let (data_type, key, value) = match name {
            "who" | "mail" | "buyer" => ("email", "required", json!(false)),
            "qty" => ("number", "required", json!(false)),
            "due" => ("date", "input_format", json!("%Y-%m-%d")),
            "seen" => ("date", "input_format", json!("auto")),
            "ok" => ("boolean", "required", json!(false)),
            "phone" => ("phone_number", "required", json!(false)),
            "ref" => ("uuid", "required", json!(false)),
            "must" => ("string", "required", json!(true)),
            "tags" => ("string", "array_delimiter", json!("{}")),
            _ => ("string", "required", json!(false)),
        };
        let variable = variable(&format!("V {name}"), data_type, "things", name);
        with(with(variable, key, value), "is_array", json!(name == "tags"))
    });
    let mapping = json!([maps("name", "V who"), maps("email", "V who")]);
    let makers = step("customers", "things", Some("Maker"), json!([matches("email", "V who")]), mapping);
    let mut mapping = vec![maps("name", "V code"), maps("maker", "Maker")];
    for (name, _) in COLUMNS.iter().filter(|(name, _)| !["code", "who"].contains(name)) {
        let rule = maps(name, &format!("V {name}"));
        mapping.push(if *name == "buyer" {
            with(with(rule, "lookup_field", json!("email")), "lookup_object", json!("customers"))
        } else {
            rule
        });
    }
    let things = step("things", "things", None, json!([matches("name", "V code")]), json!(mapping));
    configure(&client, TOKEN, &variables, &[makers, things]);
    journey::activate(&client, TOKEN);
    (server, client)
}

#[test]
fn every_bad_value_is_named_and_every_good_row_loads() {
    let (_server, client) = server();
    let ran = run(&client, TOKEN, "things.csv", &file(), &[]);
    let names: Vec<Json> =
        journey::records(&client, "things", &["name"]).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, ["C0", "C20", "C21", "C23", "twin", "twin"]);
    // Makers: one, found again by all but the row that has no address.
    assert_eq!(totals(&ran), [5, 0, 22, 1, 20], "{ran}");

    let told = rows(&client, TOKEN, &ran, "page_size=1000");
    let mut said = String::new();
    for row in told.as_array().unwrap() {
        let place = format!("step {} line {} row {}", row["step"], row["line"], row["row"]);
        writeln!(said, "{place} {} record {}", text(&row["status"]), row["record_id"]).unwrap();
        for message in row["messages"].as_array().unwrap() {
            writeln!(said, "    {message}").unwrap();
        }
    }
    insta::assert_snapshot!("rows", masked(&said));

    let bytes = client.download(text(&ran["final_report"]["url"])).expect(200).bytes;
    let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("The things Upload (things)").unwrap();
    let lines: Vec<String> = range
        .rows()
        .map(|row| row.iter().map(Data::to_string).collect::<Vec<_>>().join(" | ").trim_end().to_owned())
        .collect();
    insta::assert_snapshot!("upload_sheet", masked(&lines.join("\n")));
}

/// Ids and other long sameness by a mark.
fn masked(said: &str) -> String {
    let id = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    id.replace_all(said, "<id>").replace(&"n".repeat(200), "<200 n>")
}
