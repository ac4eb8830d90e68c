//! Which answers are compressed, for whom, and what that leaves as it is.

use std::io::Read as _;

use reqwest::Method;
use serde_json::json;

use crate::{
    files::header,
    run::{Shop, TOKEN},
    support::{
        Answer, Client, TestServer, http,
        journey::{path, text},
    },
};

const LONG: &str = "/api/smart-connectors/metadata";
const SHORT: &str = "/api/activities";

fn ask(client: &Client, path: &str, accepts: &str) -> Answer {
    let request = client.request(Method::GET, path).header("Accept-Encoding", accepts);
    Answer::of(&format!("{path} {accepts}"), request)
}

fn encoding(answer: &Answer) -> &str {
    header(&answer.headers, "content-encoding")
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&answer.bytes[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn long_texts_are_compressed_for_whoever_takes_gzip() {
    let server = TestServer::start();
    let client = server.client();
    let plain = client.get(LONG).expect(200);
    assert!(plain.bytes.len() > 2048);
    for accepts in ["gzip", "GZIP", "br, gzip;q=0.5", "deflate, gzip, br, zstd", "gzip;q=0.1, identity;q=0"] {
        let packed = ask(&client, LONG, accepts).expect(200);
        assert_eq!(encoding(&packed), "gzip", "{accepts}");
        assert_eq!(unpacked(&packed), plain.bytes, "{accepts}");
        assert_eq!(header(&packed.headers, "content-type"), "application/json");
        assert!(!packed.headers.contains_key("content-length"), "{accepts}");
        let short = ask(&client, SHORT, accepts).expect(200);
        assert_eq!((encoding(&short), short.bytes.len() < 1024), ("", true), "{accepts}");
    }
    // Whoever takes nothing that there is gets it plain, and no refusal.
    for accepts in
        ["", "br", "gzip;q=0", "identity;q=0", "*;q=0", "deflate", ";;;", "gzip;q=x", "zstd, *;q=0"]
    {
        let answer = ask(&client, LONG, accepts).expect(200);
        assert_eq!((encoding(&answer), &answer.bytes), ("", &plain.bytes), "{accepts:?}");
    }
    for answer in [plain, ask(&client, LONG, "gzip")] {
        let varies = header(&answer.headers, "vary").to_ascii_lowercase();
        assert_eq!(varies.matches("accept-encoding").count(), 1, "{varies}");
    }
    // A refusal is short.
    assert_eq!(encoding(&ask(&client, "/api/nothing", "gzip").expect(404)), "");
}

#[test]
fn streams_and_downloads_stay_as_they_are() {
    let shop = Shop::new();
    let rows = (0..200).map(|n| format!("{n},,x\n")).collect::<Vec<_>>().concat();
    let run = shop.run("a.csv", &format!("Number,E-Mail,Total\n{rows}"));
    let one = format!("{}/executions/{}", path(TOKEN), text(&run["id"]));
    let file = |key: &str| format!("/api/files/{}/download", text(&run[key]["id"]));
    let stream = ask(&shop.client, &format!("{one}/progress"), "gzip").expect(200);
    assert_eq!((encoding(&stream), header(&stream.headers, "content-type")), ("", "text/event-stream"));
    assert!(stream.text().starts_with("event: execution\n"));
    for (path, begins) in [
        (file("final_report"), "PK"),
        (file("sql_output_zip"), "PK"),
        (text(&run["input_file"]["url"]).to_owned(), "Number,"),
        (format!("{one}/rejected.csv"), "Number,"),
        (format!("{one}/dev-package"), "PK"),
        ("/api/records/orders/export".to_owned(), "id,"),
    ] {
        let answer = ask(&shop.client, &path, "gzip").expect(200);
        assert_eq!(encoding(&answer), "", "{path}");
        assert!(answer.bytes.starts_with(begins.as_bytes()), "{path}");
        assert_eq!(header(&answer.headers, "content-length"), answer.bytes.len().to_string(), "{path}");
    }
    let backup = ask(&shop.client, "/api/backup", "gzip").expect(200);
    assert_eq!((encoding(&backup), &backup.bytes[..2]), ("", &b"PK"[..]));
    // A part of a file is a part of the file.
    let part = shop.client.request(Method::GET, text(&run["input_file"]["url"])).header("Range", "bytes=0-5");
    let part = Answer::of("part", part.header("Accept-Encoding", "gzip")).expect(206);
    assert_eq!((encoding(&part), part.bytes.as_slice()), ("", &b"Number"[..]));
    // The rows are a text like others.
    let rows = ask(&shop.client, &format!("{one}/rows"), "gzip").expect(200);
    assert_eq!(encoding(&rows), "gzip");
    let rows: serde_json::Value = serde_json::from_slice(&unpacked(&rows)).unwrap();
    assert_eq!(rows["count"], json!(200));
}

#[test]
fn a_file_of_the_page_has_one_tag_however_it_is_sent() {
    let server = TestServer::start();
    let get = |accepts: &str, known: &str| {
        let mut request = http().get(format!("{}/style.css", server.url)).header("Accept-Encoding", accepts);
        if !known.is_empty() {
            request = request.header("If-None-Match", known);
        }
        Answer::of("page", request)
    };
    let (plain, packed) = (get("", "").expect(200), get("gzip", "").expect(200));
    assert_eq!((encoding(&plain), encoding(&packed)), ("", "gzip"));
    assert_eq!(unpacked(&packed), plain.bytes);
    let tag = header(&plain.headers, "etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag == header(&packed.headers, "etag"), "{tag}");
    for accepts in ["", "gzip"] {
        let same = get(accepts, &tag).expect(304);
        assert_eq!((encoding(&same), same.bytes.len()), ("", 0), "{accepts}");
        assert_eq!(header(&same.headers, "etag"), tag);
        get(accepts, "W/\"other\"").expect(200);
    }
    for accepts in ["", "gzip"] {
        let head = http().head(format!("{}/style.css", server.url)).header("Accept-Encoding", accepts);
        let head = Answer::of("head", head).expect(200);
        assert_eq!((encoding(&head), header(&head.headers, "etag")), (accepts, tag.as_str()));
    }
}
