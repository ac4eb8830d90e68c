//! What is made in a file before it is sent: how many at a time.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    downloads::stalled,
    run::{SQL, Shop, TOKEN},
    support::{
        journey::{self, path, text},
        until,
    },
};

/// Characters of a value: some of them are more than the sockets of both sides take.
const LONG: usize = 4 * 1024 * 1024;
/// How many have such a value.
const ROWS: u64 = 4;

/// What a ZIP makes little smaller.
fn noise(mut seed: u64) -> String {
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_']).collect();
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        letters[usize::try_from(seed % 64).unwrap()]
    };
    (0..LONG).map(|_| next()).collect()
}

#[test]
fn each_has_its_place_until_its_client_has_taken_it() {
    let shop = Shop::with(|config| config.files.max_exports = 1, SQL);
    let client = &shop.client;
    journey::object(client, "notes", &[json!({"name": "note", "field_type": "longtext"})]);
    let mut csv = "Number,E-Mail,Total,Note\n".to_owned();
    for n in 1..=ROWS {
        let note = noise(n);
        writeln!(csv, "{n},,x,{note}").unwrap();
        let cells = json!([{"name": "name", "value": n.to_string()}, {"name": "note", "value": note}]);
        client.post("/api/records/notes/add", &json!({ "fields": cells })).created();
    }
    let run = shop.run("a.csv", &csv);
    assert_eq!(run["totals"]["errors"], ROWS, "{run}");
    let connector = path(TOKEN);
    let of_run = format!("{connector}/executions/{}", text(&run["id"]));
    let large = [
        "/api/records/notes/export".to_owned(),
        format!("{of_run}/dev-package"),
        format!("{of_run}/rejected.csv"),
    ];
    let small = [format!("{connector}/dev-package"), format!("{connector}/dev-package?records=matched")];
    for first in &large {
        // The last download's client had its last byte before the server closed the file.
        until("nothing is sent", || shop.server.app.exports.take().map(drop));
        let stream = stalled(client, first);
        for second in large.iter().chain(&small) {
            let answer = client.download(second).expect(503);
            assert_eq!(answer.headers["retry-after"], "2");
            assert!(answer.refused(503, "busy").contains("files.max_exports"), "{first} {second}");
        }
        drop(stream);
        until("its place is free", || (client.download(first).status == 200).then_some(()));
    }
    for path in &small {
        until("one is sent after the other", || (client.download(path).status == 200).then_some(()));
    }
}
