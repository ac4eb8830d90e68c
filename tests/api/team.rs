//! Members, their roles, and what admins see of what happened.

use serde_json::{Value as Json, json};
use smartconnector::{auth::Role, service::people};

use crate::{
    run::{Shop, TOKEN},
    support::{
        Answer, Client, TestServer, http,
        journey::{path, row, text},
    },
};

fn key_of(client: &Client, member: &Json, role: &str) -> Client {
    let body = json!({"name": "of a member", "role": role, "member_id": member["id"]});
    let key = text(&client.post("/api/api-keys", &body).created()["secret"]).to_owned();
    Client { key, user_id: text(&member["id"]).to_owned(), ..client.clone() }
}

/// Types of the server's events, newest first.
fn events(client: &Client, query: &str) -> Vec<Json> {
    client.get(&format!("/api/events?{query}")).ok()["results"].as_array().unwrap().clone()
}

#[test]
fn a_role_bounds_what_a_members_keys_may_do_at_once() {
    let server = TestServer::start();
    let admin = server.client();
    let body = json!({"email": "Ada@Example.org", "first_name": "Ada", "last_name": "L", "role": "viewer"});
    let ada = admin.post("/api/team", &body).created();
    assert_eq!(
        (&ada["email"], &ada["full_name"], &ada["role"]),
        (&json!("Ada@example.org"), &json!("Ada L"), &json!("viewer"))
    );
    admin.post("/api/team", &json!({"email": "ada@example.org", "role": "viewer"})).refused(400, "unique");
    admin.post("/api/team", &json!({"email": "no address", "role": "viewer"})).refused(400, "invalid");
    admin.post("/api/team", &json!({"email": "", "role": "viewer"})).refused(400, "invalid");
    admin.post("/api/team", &json!({"role": "viewer"})).refused(400, "required");

    let her = key_of(&admin, &ada, "admin");
    her.get("/api/smart-connectors").expect(200);
    for call in [her.get("/api/team"), her.post("/api/team", &body), her.get("/api/events")] {
        call.refused(403, "permission_required");
    }
    let one = format!("/api/team/{}", text(&ada["id"]));
    let changed = admin.patch(&one, &json!({"role": "admin", "last_name": "Lovelace"})).ok();
    assert_eq!((&changed["role"], &changed["full_name"]), (&json!("admin"), &json!("Ada Lovelace")));
    let listed = her.get("/api/team?search=lovelace").ok();
    assert_eq!((&listed["count"], &listed["results"][0]), (&json!(1), &changed));

    admin.delete(&one).expect(204);
    her.get("/api/team").refused(401, "invalid_credentials");
    admin.patch(&one, &json!({"role": "viewer"})).refused(404, "not_found");
    admin.delete(&one).refused(404, "not_found");
    let keys = admin.get("/api/api-keys").ok();
    assert!(keys["results"].as_array().unwrap().iter().all(|key| key["member_id"] != ada["id"]));
    // The address is free again.
    admin.post("/api/team", &body).created();
}

#[test]
fn somebody_is_always_an_admin() {
    let server = TestServer::start();
    let admin = server.client();
    let own = format!("/api/team/{}", server.user_id);
    admin.patch(&own, &json!({"role": "editor"})).refused(409, "conflict");
    admin.delete(&own).refused(409, "conflict");
    assert_eq!(admin.get("/api/team").ok()["results"][0]["role"], "admin");
    let other = admin.post("/api/team", &json!({"email": "b@example.org", "role": "admin"})).created();
    let other = key_of(&admin, &other, "admin");
    admin.delete(&own).expect(204);
    // Whoever has the data folder acts as an admin that is there.
    let local = people::local(&server.app).unwrap();
    assert_eq!(local.member.email, "b@example.org");
    other.get("/api/team").expect(200);
}

#[test]
fn admins_see_what_happened() {
    let shop = Shop::new();
    let client = &shop.client;
    let url = format!("{}/api/session", shop.server.url);
    for _ in 0..3 {
        let wrong = http().post(&url).json(&json!({"api_key": "sck_wrong"}));
        Answer::of("wrong", wrong).refused(401, "invalid_credentials");
    }
    Answer::of("right", http().post(&url).json(&json!({"api_key": client.key}))).expect(200);
    let made = client.post("/api/api-keys", &json!({"name": "hook", "role": "sender"})).created();
    client.delete(&format!("/api/api-keys/{}", text(&made["id"]))).expect(204);
    let ada = client.post("/api/team", &json!({"email": "ada@example.org", "role": "viewer"})).created();
    let one = format!("/api/team/{}", text(&ada["id"]));
    client.patch(&one, &json!({"role": "editor"})).ok();
    client.delete(&one).expect(204);
    client.download("/api/backup").expect(200);
    client.download("/api/records/orders/export").expect(200);
    client.get(&format!("{}/export", path(TOKEN))).expect(200);
    shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");

    let rows = events(client, "page_size=1000");
    let types: Vec<&str> = rows.iter().map(|row| text(&row["event_type"])).collect();
    for kind in [
        "signed_in",
        "key_created",
        "key_revoked",
        "member_added",
        "member_changed",
        "member_removed",
        "backup",
        "records_exported",
        "exported",
        "run_ended",
        "published",
    ] {
        assert!(types.contains(&kind), "{kind}: {types:?}");
    }
    let changed = &events(client, "event_type=member_changed")[0];
    let said = text(&changed["message"]);
    assert!(said.contains("ada@example.org") && said.contains("editor"), "{said}");
    assert_eq!(changed["actor"]["id"], client.user_id.as_str());
    // Tries in quick succession are one event.
    assert_eq!(types.iter().filter(|kind| **kind == "sign_in_failed").count(), 1);
    let all = Json::Array(rows);
    let key = row(&all, "event_type", "key_created");
    assert_eq!((&key["connector_id"], &key["actor"]["id"]), (&Json::Null, &json!(client.user_id)));
    assert!(!all.to_string().contains(text(&made["secret"])));
    assert!(row(&all, "event_type", "run_ended")["connector_id"].is_string());
    assert!(events(client, "include_related=false").iter().all(|row| row["execution_id"].is_null()));
    assert_eq!(events(client, "event_type=key_revoked").len(), 1);
    // A connector's history the same way.
    let id = text(&client.get(&path(TOKEN)).ok()["id"]).to_owned();
    let history = |query: &str| client.get(&format!("{}/events-history{query}", path(&id))).ok();
    let of_runs = |rows: &Json| {
        let rows = rows["results"].as_array().unwrap();
        assert!(rows.len() > 2);
        rows.iter().filter(|row| !row["execution_id"].is_null()).count()
    };
    assert!(of_runs(&history("")) > 0);
    assert!(of_runs(&history("?include_related=true")) > 0);
    assert_eq!(of_runs(&history("?include_related=false")), 0);
    client.get("/api/events?event_typ=x").refused(400, "invalid");
    let limited = shop.server.client_as("admin", Some(&[]));
    limited.get("/api/events").refused(403, "permission_required");
    limited.get("/api/team").refused(403, "permission_required");
}

#[test]
fn keys_of_the_command_line_are_told_of_too() {
    let server = TestServer::start();
    let store = &server.app.store;
    let (key, _) = people::create_key_locally(store, "nightly", Role::Viewer).unwrap();
    assert!(people::revoke_key_locally(store, key.id).unwrap());
    // There is none to revoke any more.
    assert!(!people::revoke_key_locally(store, key.id).unwrap());
    let rows = events(&server.client(), "ordering=created");
    let told: Vec<_> = rows.iter().map(|row| (text(&row["event_type"]), text(&row["message"]))).collect();
    let revoked = format!("The key {} was revoked on the command line.", key.id);
    assert_eq!(
        told,
        [
            ("key_created", "The key \"nightly\" was made on the command line, with the role viewer."),
            ("key_revoked", revoked.as_str()),
        ]
    );
    assert!(rows.iter().all(|row| row["actor"].is_null()));
}

#[test]
fn a_key_is_limited_to_connectors_that_are_there() {
    let shop = Shop::new();
    let one = text(&shop.client.get(&path(TOKEN)).ok()["id"]).to_owned();
    let (gone, never) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let body = |connectors: &[&str]| json!({"name": "x", "role": "viewer", "connectors": connectors});
    let before = shop.client.get("/api/api-keys").ok()["count"].clone();
    let refusal = shop.client.post("/api/api-keys", &body(&[&gone, &one, &never])).expect(400).json();
    assert_eq!(refusal["code"], "does_not_exist");
    let detail = text(&refusal["detail"]);
    assert!(detail.contains(&gone) && detail.contains(&never) && !detail.contains(&one), "{detail}");
    assert_eq!(refusal["errors"]["connectors"][0]["code"], "does_not_exist");
    let detail = shop.client.post("/api/api-keys", &body(&["shop_orders"])).refused(400, "invalid");
    assert!(detail.starts_with("connectors[0]: "), "{detail}");
    assert_eq!(shop.client.get("/api/api-keys").ok()["count"], before);
    let made = shop.client.post("/api/api-keys", &body(&[&one])).created();
    assert_eq!(made["connectors"], json!([one]));
}

#[test]
fn a_key_whose_connector_was_deleted_reaches_nothing() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,x\n");
    let second = crate::support::journey::create(&shop.client, "orders", "Second");
    let id = text(&shop.client.get(&path(TOKEN)).ok()["id"]).to_owned();
    let (key, both) = (
        shop.server.client_as("admin", Some(&[&id])),
        shop.server.client_as("admin", Some(&[&id, text(&second["id"])])),
    );
    assert_eq!(key.get("/api/smart-connectors").ok()["count"], 1);
    shop.client.delete(&path(TOKEN)).expect(204);

    for list in ["/api/smart-connectors", "/api/executions?include_dry_run=true", "/api/files"] {
        assert_eq!(key.get(list).ok()["count"], 0, "{list}");
    }
    for one in [path(TOKEN), path(&id), path("second"), format!("{}/executions", path("second"))] {
        key.get(&one).refused(404, "not_found");
    }
    assert_eq!(key.download(text(&run["input_file"]["url"])).status, 404);
    for (call, body) in [
        (
            "/api/smart-connectors",
            json!({"name": "x", "custom_object": "orders", "connector_type": "spreadsheet"}),
        ),
        ("/api/custom-objects", json!({"object_name": "x", "entity_name": "x"})),
        ("/api/records/orders/search", json!({})),
        ("/api/api-keys", json!({"name": "x", "role": "admin"})),
    ] {
        key.post(call, &body).refused(403, "permission_required");
    }
    // What else a key was limited to, it keeps.
    assert_eq!(both.get("/api/smart-connectors").ok()["results"][0]["id"], second["id"]);
    let keys = shop.client.get("/api/api-keys").ok();
    let limited = keys["results"].as_array().unwrap().iter().filter(|key| key["connectors"].is_array());
    assert_eq!(limited.count(), 2);
}

#[test]
fn there_are_no_activities() {
    let server = TestServer::start();
    let viewer = server.client_as("viewer", None);
    for query in ["page_size=50", "show_no_objects_associated=true"] {
        let none = viewer.get(&format!("/api/activities?{query}")).ok();
        assert_eq!(none, json!({"count": 0, "next": null, "previous": null, "results": []}), "{query}");
    }
}
