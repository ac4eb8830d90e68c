//! Execution variables through the real interface: every type and format, as a table of cells.
//!
//! One file has one line per cell; each format of a type reads a column of its own, and all of them are
//! joined into one field. So a line shows what its one cell came to, and a rejected line names the format.

mod arrays;
mod dates;
mod formats;
mod numbers;
mod rules;
mod suggestions;
mod words;

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use smartconnector::config::Config;

use crate::{
    run::{assert_adds_up, rows, run},
    support::{
        Client, TestServer,
        configure::{configure, maps, matches, step, variable},
        journey::{self, records, text},
    },
};

pub const TOKEN: &str = "cases";

/// What a cell comes to.
#[derive(Debug, Clone, Copy)]
pub enum Want {
    /// Nothing.
    Blank,
    /// A value, as the output format writes it.
    Is(&'static str),
    /// A value, with a warning of this code.
    Odd(&'static str, &'static str),
    /// A rejection of this code, whose sentence or expectation says this.
    Not(&'static str, &'static str),
}
pub use Want::{Blank, Is, Not, Odd};

/// One way to read a type, and cells.
pub struct Format {
    /// More keys of the variable.
    settings: Json,
    cells: Vec<(&'static str, Want)>,
}

/// A type read by `input_format`.
pub fn reads(input: &str, cells: &[(&'static str, Want)]) -> Format {
    Format { settings: json!({ "input_format": input }), cells: cells.to_vec() }
}

/// A type with these settings.
#[expect(clippy::needless_pass_by_value, reason = "written in place")]
pub fn with(settings: Json, cells: &[(&'static str, Want)]) -> Format {
    Format { settings: settings.clone(), cells: cells.to_vec() }
}

/// Loads all cells in one run and checks what each came to.
pub fn check(data_type: &str, change: impl FnOnce(&mut Config), formats: &[Format]) {
    let mut lines: Vec<(usize, &str, Want)> = Vec::new();
    for (n, format) in formats.iter().enumerate() {
        lines.extend(format.cells.iter().map(|(cell, want)| (n, *cell, *want)));
    }
    let csv = csv_of(formats.len(), &lines);
    let server = TestServer::with(change);
    let client = server.client();
    connector(&client, &csv);
    let variables: Vec<Json> = std::iter::once(variable("Case", "string", "cases", "n"))
        .chain(formats.iter().enumerate().map(|(n, format)| {
            let mut row = variable(&format!("V{n}"), data_type, "cases", &format!("c{n}"));
            row.as_object_mut().unwrap().extend(format.settings.as_object().unwrap().clone());
            row
        }))
        .collect();
    let mut value = maps("value", "V0");
    value["variables"] = (0..formats.len()).map(|n| json!(format!("V{n}"))).collect();
    let step =
        step("cases", "cases", None, json!([matches("name", "Case")]), json!([maps("name", "Case"), value]));
    configure(&client, TOKEN, &variables, &[step]);
    journey::activate(&client, TOKEN);
    let ran = run(&client, TOKEN, "cases.csv", &csv, &[]);
    assert_adds_up(&ran);
    assert!(ran["error_details"].is_null(), "{ran}");
    let found = Found::read(&client, &ran);
    for (at, (n, cell, want)) in lines.iter().enumerate() {
        found.check(at, &format!("{data_type} {} {cell:?}", formats[*n].settings), *n, cell, *want);
    }
}

/// An object with a name and a long text, and a connector whose scope has the columns of `csv`.
pub fn connector(client: &Client, csv: &str) {
    journey::object(client, "cases", &[json!({"name": "value", "field_type": "longtext"})]);
    journey::create(client, "cases", "Cases");
    journey::set_input(client, TOKEN, "cases.csv", csv.as_bytes());
    let sql = "CREATE TABLE output.cases AS SELECT rowid AS _line, * FROM input.cases_csv;";
    journey::publish(client, TOKEN, sql);
}

fn csv_of(formats: usize, lines: &[(usize, &str, Want)]) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = (0..formats).map(|n| format!("c{n}"));
    csv.write_record(std::iter::once("n".to_owned()).chain(columns)).unwrap();
    for (at, (format, cell, _)) in lines.iter().enumerate() {
        let cells = (0..formats).map(|n| if n == *format { *cell } else { "" });
        csv.write_record(std::iter::once(at.to_string().as_str()).chain(cells)).unwrap();
    }
    String::from_utf8(csv.into_inner().unwrap()).unwrap()
}

/// What a run came to.
struct Found {
    values: HashMap<String, Json>,
    /// By line: status and messages.
    said: HashMap<u64, (String, Json)>,
}

impl Found {
    fn read(client: &Client, ran: &Json) -> Self {
        let values = records(client, "cases", &["name", "value"]);
        let values = values.into_iter().map(|row| (text(&row[0]).to_owned(), row[1].clone())).collect();
        let said = rows(client, TOKEN, ran, "page_size=1000");
        let said = said.as_array().unwrap().iter().map(|row| {
            let status = text(&row["status"]).to_owned();
            (row["line"].as_u64().unwrap(), (status, row["messages"].clone()))
        });
        Self { values, said: said.collect() }
    }

    fn check(&self, at: usize, case: &str, n: usize, cell: &str, want: Want) {
        let line = at as u64 + 2;
        let said = self.said.get(&line);
        let value = self.values.get(&at.to_string());
        match want {
            Blank => assert_eq!((value, said), (Some(&Json::Null), None), "{case}"),
            Is(want) => assert_eq!((value, said), (Some(&json!(want)), None), "{case}"),
            Odd(want, code) => {
                assert_eq!(value, Some(&json!(want)), "{case}");
                let (status, messages) = said.unwrap_or_else(|| panic!("{case}: no warning"));
                assert_eq!((status.as_str(), &messages[0]["code"]), ("warning", &json!(code)), "{case}");
                assert!(messages[0]["message"].as_str().unwrap().contains(cell), "{case}: {messages}");
            }
            Not(code, expected) => {
                let (status, messages) = said.unwrap_or_else(|| panic!("{case}: not rejected: {value:?}"));
                assert_eq!((status.as_str(), value), ("error", None), "{case}");
                assert_eq!(messages.as_array().unwrap().len(), 1, "{case}: {messages}");
                let message = &messages[0];
                assert_eq!(message["code"], code, "{case}: {message}");
                assert_eq!(message["variable"], format!("V{n}"), "{case}: {message}");
                assert_eq!(message["column"], format!("c{n}"), "{case}: {message}");
                let quoted: String = cell.chars().take(200).collect();
                assert_eq!(message["value"], quoted, "{case}: {message}");
                assert!(
                    message["expected"].as_str().is_some_and(|text| !text.is_empty()),
                    "{case}: {message}"
                );
                assert!(message.to_string().contains(expected), "{case}: {message}");
            }
        }
    }
}
