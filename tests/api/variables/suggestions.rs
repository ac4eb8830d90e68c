//! What is proposed for a column.

use serde_json::{Value as Json, json};

use super::{TOKEN, connector};
use crate::support::{
    TestServer,
    journey::{self, path, row, text},
};

/// One column: its cells, then type, format, `required` and a part of the note.
type Column = (&'static str, [&'static str; 3], &'static str, Json, bool, Option<&'static str>);

#[test]
fn each_column_is_proposed_as_the_narrowest_type_that_reads_all_of_it() {
    let columns: Vec<Column> = vec![
        ("flag", ["yes", "No", "yes"], "boolean", json!("yes_no"), true, None),
        ("bit", ["1", "0", "1"], "boolean", json!("one_zero"), true, Some("may be a number")),
        ("some", ["true", "", "false"], "boolean", json!("true_false"), false, None),
        ("id", ["123e4567-e89b-12d3-a456-426614174000", "", ""], "uuid", Json::Null, false, None),
        ("mail", ["ada@example.com", "bob@example.org", "c@x.org"], "email", Json::Null, true, None),
        ("iso", ["2026-03-04", "2026-03-05", "2026-03-06"], "date", json!("%Y-%m-%d"), true, None),
        ("us", ["03/04/2026", "03/31/2026", ""], "date", json!("%m/%d/%Y"), false, None),
        (
            "either",
            ["03/04/2026", "05/06/2026", ""],
            "string",
            Json::Null,
            false,
            Some("%m/%d/%Y and %d/%m/%Y"),
        ),
        (
            "moment",
            ["2026-03-04T10:00:00Z", "2026-03-04T10:00:00+01:00", ""],
            "datetime",
            json!("rfc3339"),
            false,
            None,
        ),
        ("plain", ["1", "2.5", "-3"], "number", json!("plain"), true, None),
        ("comma", ["1,234.56", "7", "8"], "number", json!("comma_thousands"), true, None),
        ("dot", ["1.234,56", "7", "8"], "number", json!("dot_thousands"), true, None),
        ("money", ["$5", "(1.50)", "2"], "number", json!("auto"), true, None),
        ("doubt", ["1.234", "5.678", ""], "number", json!("plain"), false, Some("dot_thousands")),
        ("zeros", ["00123", "124", "125"], "string", Json::Null, true, Some("Leading zeros (\"00123\")")),
        ("long", ["1234567890123456", "1", "2"], "string", Json::Null, true, Some("more than 15 digits")),
        ("phone", ["+16502530000", "+4930123456", ""], "phone_number", json!("e164"), false, None),
        ("national", ["(650) 253-0000", "650-253-0001", ""], "phone_number", json!("region:US"), false, None),
        ("text", ["ada", "2", ""], "string", Json::Null, false, None),
        ("nothing", ["", "", ""], "string", Json::Null, false, Some("no values")),
    ];
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(std::iter::once("n").chain(columns.iter().map(|column| column.0))).unwrap();
    for at in 0..3 {
        csv.write_record(std::iter::once("x").chain(columns.iter().map(|column| column.1[at]))).unwrap();
    }
    let csv = String::from_utf8(csv.into_inner().unwrap()).unwrap();
    let server = TestServer::start();
    let client = server.client();
    connector(&client, &csv);
    let suggest = format!("{}/generate-execution-variables", path(TOKEN));
    let suggested = client.post_empty(&suggest).ok();
    for (name, cells, data_type, format, required, note) in columns {
        let got = row(&suggested, "data_source", name);
        assert_eq!((&got["data_type"], &got["input_format"]), (&json!(data_type), &format), "{got}");
        assert_eq!(got["required"], required, "{got}");
        let said = got["note"].as_str();
        assert_eq!(said.is_some(), note.is_some(), "{got}");
        assert!(said.unwrap_or_default().contains(note.unwrap_or_default()), "{got}");
        let mut samples: Vec<&str> = Vec::new();
        for cell in cells.into_iter().filter(|cell| !cell.is_empty()) {
            if !samples.contains(&cell) {
                samples.push(cell);
            }
        }
        assert_eq!(got["sample_values"], json!(samples), "{name}");
        assert_eq!((&got["rows_read"], &got["scope"]), (&json!(3), &json!("cases")), "{got}");
        let sure = got["confidence"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&sure) && (sure == 0.0) == samples.is_empty(), "{got}");
        // Which of two readings it is, nobody knows.
        assert!(!["either", "doubt"].contains(&name) || sure < 0.5, "{got}");
    }
    // Saves nothing; and what it proposes can be sent as it is, without the ids.
    assert_eq!(journey::detail(&client, TOKEN)["execution_variables"], json!([]));
    let mut rows = suggested.clone();
    for row in rows.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("id");
    }
    let saved = client.patch(&path(TOKEN), &json!({ "execution_variables": rows })).ok();
    assert_eq!(saved["execution_variables"].as_array().unwrap().len(), rows.as_array().unwrap().len());
    // An explicit format is proposed for every date.
    assert!(saved["warning"].is_null(), "{}", saved["warning"]);
    assert_eq!(text(&saved["execution_variables"][1]["name"]), "flag");
}

#[test]
fn only_so_many_rows_are_read_and_the_answer_says_how_many() {
    let server = TestServer::with(|config| config.suggest.max_rows = 2);
    let client = server.client();
    connector(&client, "n,v\n1,5\n2,6\n3,seven\n");
    let suggest = format!("{}/generate-execution-variables", path(TOKEN));
    let got = row(&client.post_empty(&suggest).ok(), "data_source", "v").clone();
    assert_eq!((&got["data_type"], &got["rows_read"]), (&json!("number"), &json!(2)));
}
