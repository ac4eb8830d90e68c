//! What becomes of a call that has to wait: it is answered, in time.

use std::io::Write as _;

use serde_json::json;

use crate::{
    setup::object,
    support::{Answer, TestServer, until},
};

#[test]
fn a_call_does_not_wait_for_ever_for_another_change() {
    let server = TestServer::with(|config| config.server.busy_after_s = 1);
    let client = server.client();
    object(&server, "orders", &[]);
    let body = json!({"fields": [{"name": "name", "value": "A"}]});
    let add = || client.post("/api/records/orders/add", &body);
    // As a load does while it makes an index.
    let writer = server.app.store.records.writer();
    let refused = add();
    assert_eq!(refused.headers["retry-after"], "2");
    let detail = refused.refused(503, "busy");
    assert!(detail.contains("has not ended in 1 s"), "{detail}");
    // Reading goes on.
    client.get("/api/custom-objects/orders").ok();
    drop(writer);
    add().created();
}

#[test]
fn a_file_that_takes_too_long_to_unpack_is_no_reference_file() {
    let server = TestServer::with(|config| config.server.busy_after_s = 0);
    let client = server.client();
    // Nobody waits for anybody here, so what is refused for that is asked again.
    let ask =
        |call: &dyn Fn() -> Answer| until("busy", || Some(call()).filter(|answer| answer.status != 503));
    object(&server, "orders", &[]);
    let body = json!({"name": "Orders", "custom_object": "orders", "connector_type": "spreadsheet"});
    ask(&|| client.post("/api/smart-connectors", &body)).created();

    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("orders.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"number,total\n1,2\n").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let form = client.ask_for_form("orders.zip");
    let sent = ask(&|| client.fill_form(&form, "orders.zip", &bytes)).expect(204);
    let etag = sent.headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
    let file = ask(&|| client.say_sent(&form, "orders.zip", &etag)).created();

    let body = json!({"source_file_id": file["id"]});
    let connector = "/api/smart-connectors/orders";
    let calls: [&dyn Fn() -> Answer; 2] = [&|| client.patch(connector, &body), &|| {
        client.post(&format!("{connector}/get-file-template"), &body)
    }];
    for call in calls {
        let detail = ask(call).refused(400, "invalid");
        assert!(detail.starts_with("source_file_id: ") && detail.contains("server.busy_after_s"), "{detail}");
    }
    assert!(client.get(connector).ok()["source_file"].is_null());
}
