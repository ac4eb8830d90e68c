//! Records by their label, and all of them as CSV.

use serde_json::{Value as Json, json};

use crate::support::{Client, TestServer, journey};

fn shop(server: &TestServer) -> Client {
    let client = server.client();
    let fields = [
        json!({"name": "total", "field_type": "decimal"}),
        json!({"name": "note", "field_type": "longtext"}),
        json!({"name": "tags", "field_type": "dynamictags"}),
        json!({"name": "contact", "field_type": "relationship",
            "relation": {"object": "client_client", "cardinality": "one"}}),
    ];
    journey::object(&client, "orders", &fields);
    client
}

fn fields(rows: &[(&str, Json)]) -> Json {
    let cells: Vec<Json> = rows.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({ "fields": cells })
}

#[test]
fn an_upsert_changes_the_one_record_with_its_label_or_makes_it() {
    let server = TestServer::start();
    let client = shop(&server);
    let upsert = |body: &Json| client.post("/api/records/orders/upsert", body);
    let made = upsert(&fields(&[("name", json!("A-1")), ("total", json!(1))])).created();
    let changed = upsert(&fields(&[("total", json!(2)), ("name", json!("A-1"))])).ok();
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(journey::records(&client, "orders", &["name", "total"]), [[json!("A-1"), json!(2)]]);

    let refusal = upsert(&fields(&[("total", json!(3))])).refused(400, "required");
    assert!(refusal.contains("name"), "{refusal}");
    upsert(&fields(&[("name", Json::Null)])).refused(400, "required");
    client.post("/api/records/orders/add", &fields(&[("name", json!("A-1"))])).created();
    upsert(&fields(&[("name", json!("A-1"))])).refused(409, "conflict");

    // Contacts are known by their e-mail address, in any case; an archived record is not there.
    let contact =
        |email: &str| client.post("/api/records/client_client/upsert", &fields(&[("email", json!(email))]));
    let ada = contact("Ada@example.org").created();
    assert_eq!(contact("ada@EXAMPLE.org").ok()["id"], ada["id"]);
    let one = format!("/api/records/client_client/{}", ada["id"].as_str().unwrap());
    client.delete(&one).expect(204);
    assert_ne!(contact("ada@example.org").created()["id"], ada["id"]);
    server
        .client_as("viewer", None)
        .post("/api/records/orders/upsert", &fields(&[("name", json!("x"))]))
        .refused(403, "permission_required");
}

#[test]
fn a_record_is_looked_up_by_id_or_label() {
    let server = TestServer::start();
    let client = shop(&server);
    let add =
        |name: &str| client.post("/api/records/orders/add", &fields(&[("name", json!(name))])).created();
    let (one, _, _) = (add("A 1"), add("Twice"), add("Twice"));
    let viewer = server.client_as("viewer", None);
    let id = one["id"].as_str().unwrap();
    let lookup =
        |identifier: &str| viewer.get(&format!("/api/records/orders/lookup?identifier={identifier}"));
    assert_eq!(lookup("A%201").ok()["id"], one["id"]);
    assert_eq!(lookup(id).ok(), one);
    lookup("Twice").refused(409, "conflict");
    lookup("None").refused(404, "not_found");
    viewer.get("/api/records/orders/lookup").refused(400, "required");
    client.delete(&format!("/api/records/orders/{id}")).expect(204);
    lookup(id).refused(404, "not_found");
    lookup("A%201").refused(404, "not_found");
    client.patch(&format!("/api/records/orders/{id}/unarchive"), &json!({})).ok();
    lookup(id).ok();
}

#[test]
fn an_export_is_readable_and_nothing_in_it_is_a_formula() {
    let server = TestServer::start();
    let client = shop(&server);
    let contact = fields(&[("email", json!("ada@example.org"))]);
    let contact = client.post("/api/records/client_client/add", &contact).created();
    let record = |name: &str, total: Json, note: Json| {
        let tags = json!(["b", "=a"]);
        let body = fields(&[
            ("name", json!(name)),
            ("total", total),
            ("note", note),
            ("tags", tags),
            ("contact", contact["id"].clone()),
        ]);
        client.post("/api/records/orders/add", &body).created()
    };
    let first = record("=1+1", json!(-2.5), json!("two\nlines, \"quoted\""));
    record("plain", Json::Null, json!("+49"));
    let gone = record("gone", Json::Null, Json::Null);
    client.delete(&format!("/api/records/orders/{}", gone["id"].as_str().unwrap())).expect(204);
    // More than are read at once.
    let object = server
        .app
        .store
        .records
        .read(|c| smartconnector::store::object::find_named(c, "orders"))
        .unwrap()
        .unwrap();
    let name = object.field_named("name").unwrap();
    server
        .app
        .store
        .records
        .write(|tx| {
            for n in 0..1_500 {
                let value = smartconnector::object::FieldValue::Text(format!("bulk {n}"));
                smartconnector::store::record::insert(tx, &object, &[(name, value)], chrono::Utc::now())?;
            }
            Ok(())
        })
        .unwrap();

    let answer = server.client_as("viewer", None).download("/api/records/orders/export").expect(200);
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"orders.csv\"");
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let mut csv = csv::Reader::from_reader(answer.bytes.as_slice());
    let at = |name: &str, csv: &mut csv::Reader<&[u8]>| {
        csv.headers().unwrap().iter().position(|h| h == name).unwrap()
    };
    let columns = ["id", "name", "total", "note", "tags", "contact"].map(|name| at(name, &mut csv));
    let rows: Vec<Vec<String>> = csv
        .records()
        .map(|row| {
            let row = row.unwrap();
            columns.iter().map(|at| row[*at].to_owned()).collect()
        })
        .collect();
    assert_eq!(rows.len(), 1_502);
    let id = first["id"].as_str().unwrap();
    assert_eq!(rows[0], [id, "'=1+1", "-2.5", "two\nlines, \"quoted\"", "b; =a", "ada@example.org"]);
    assert_eq!(rows[1][1..4], ["plain", "", "'+49"]);
    assert_eq!(rows[1_501][1], "bulk 1499");
    server
        .client_as("sender", None)
        .download("/api/records/orders/export")
        .refused(403, "permission_required");
    client.download("/api/records/nothing/export").refused(404, "not_found");
}
