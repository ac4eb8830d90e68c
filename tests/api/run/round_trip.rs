//! `rejected.csv` and back: cells are exact, whatever is in them, and corrected rows load.

use serde_json::json;

use super::{Shop, TOKEN, totals};
use crate::support::journey::{path, text};

/// Cells that a careless writer would change. Quotes are written for `"`.
const ODD: [&str; 9] = [
    " leading",
    "trailing ",
    "semi;colon",
    "com,ma",
    "say \"hi\"",
    "two\nlines",
    "two\r\nlines",
    "Zoë Ångström 東京",
    "'=1+1\t",
];

fn cell(text: &str, delimiter: char) -> String {
    if text.contains([delimiter, '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[test]
fn odd_cells_go_round_in_every_dialect() {
    for (delimiter, header_row) in [(',', 1), (';', 1), ('\t', 1), ('|', 1), ('~', 1), (';', 3)] {
        let shop = Shop::new();
        if delimiter == '~' || header_row > 1 {
            let options = json!({"delimiter": delimiter.to_string(), "header_row": header_row});
            shop.patch(&json!({"input_options": options}));
        }
        let joined = |cells: &[String]| cells.join(&delimiter.to_string());
        let mut csv = "made by hand\n".repeat(header_row - 1);
        csv += &joined(&["Number", "Extra \"x\"", "E-Mail", "Total"].map(|name| cell(name, delimiter)));
        csv.push('\n');
        for (n, odd) in ODD.iter().enumerate() {
            let odd = cell(odd, delimiter);
            csv += &joined(&[format!("bad{n}"), odd.clone(), String::new(), "wrong".to_owned()]);
            csv.push('\n');
            csv += &joined(&[format!("good{n}"), odd, String::new(), "1".to_owned()]);
            csv.push('\n');
        }
        let run = shop.run("a.csv", &csv);
        let what = format!("{delimiter:?} {header_row} {run}");
        assert_eq!(totals(&run), [9, 0, 0, 0, 9], "{what}");

        let url = format!("{}/executions/{}/rejected.csv", path(TOKEN), text(&run["id"]));
        let body = shop.client.download(&url).expect(200).text();
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter as u8).from_reader(body.trim_start().as_bytes());
        assert_eq!(
            reader.headers().unwrap().iter().collect::<Vec<_>>(),
            ["Number", "Extra \"x\"", "E-Mail", "Total", "_errors"]
        );
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let extras: Vec<&str> = rows.iter().map(|row| &row[1]).collect();
        assert_eq!(extras, ODD, "{what}");
        assert!(rows.iter().all(|row| row[4].contains("wrong")), "{what}");

        let again = shop.run(
            "rejected.csv",
            &body.replace(&format!("{delimiter}wrong{delimiter}"), &format!("{delimiter}2{delimiter}")),
        );
        assert_eq!(
            (&again["status"], totals(&again)),
            (&json!("success"), [9, 0, 0, 0, 0]),
            "{what} {again}"
        );
        assert_eq!(shop.orders().len(), 18);
    }
}

/// In the file's own encoding, so that the connector reads it as it read the first one.
#[test]
fn windows_1252_stays_windows_1252() {
    let shop = Shop::new();
    let csv: &[u8] = b"Number;Stra\xdfe;E-Mail;Total\n1;M\xfcller;;x\n2;\x80 5;;2\n";
    let queued = crate::support::journey::upload(&shop.client, TOKEN, "a.csv", csv, &[]).created();
    let run = crate::support::journey::run_ended(&shop.client, TOKEN, text(&queued["execution_id"]));
    let url = format!("{}/executions/{}/rejected.csv", path(TOKEN), text(&run["id"]));
    let body = shop.client.download(&url).expect(200).bytes;
    assert!(body.starts_with(b"Number;Stra\xdfe;E-Mail;Total;_errors\r\n1;M\xfcller;;x;"), "{body:?}");
}
