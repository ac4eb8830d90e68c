//! What existing clients do, call by call: each function is one of their commands.

use reqwest::{
    Method,
    blocking::multipart::{Form, Part},
};
use serde_json::{Value as Json, json};

use super::{Answer, Client, until};

const OBJECTS: &str = "/api/custom-objects?custom_only=false";

/// The path of a connector's UUID or api name.
pub fn path(token: &str) -> String {
    format!("/api/smart-connectors/{token}")
}

/// The text of a JSON string.
#[track_caller]
pub fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The first row with this value.
#[track_caller]
pub fn row<'a>(rows: &'a Json, key: &str, value: &str) -> &'a Json {
    let found = rows.as_array().unwrap().iter().find(|row| row[key] == value);
    found.unwrap_or_else(|| panic!("no row with {key} = {value}: {rows}"))
}

pub fn detail(client: &Client, token: &str) -> Json {
    client.get(&path(token)).ok()
}

/// Makes an object with these fields, each at least `name` and `field_type`. Answers its id.
pub fn object(client: &Client, name: &str, fields: &[Json]) -> String {
    let body = json!({"object_name": format!("The {name}"), "entity_name": name, "name": name,
        "object_type": "standard", "default_on_activities": false});
    let id = text(&client.post("/api/custom-objects", &body).created()["id"]).to_owned();
    for field in fields {
        let mut field = field.clone();
        field["display_name"] = field["name"].clone();
        field["category"] = Json::Null;
        client.post(&format!("/api/custom-objects/{id}/fields"), &field).created();
    }
    id
}

/// The id of an object, as clients find it.
pub fn object_id(client: &Client, name: &str) -> String {
    text(&row(&client.get(OBJECTS).ok()["results"], "name", name)["id"]).to_owned()
}

/// Sequence 2.
pub fn create(client: &Client, object: &str, name: &str) -> Json {
    let object = object_id(client, object);
    assert!(client.get("/api/smart-connectors/metadata").ok().is_object());
    let search = client.request(Method::GET, "/api/smart-connectors").query(&[("search", name)]);
    assert_eq!(Answer::of("search", search).ok()["results"], json!([]));
    let body = json!({"name": name, "custom_object": object, "connector_type": "spreadsheet"});
    client.post("/api/smart-connectors", &body).created()
}

/// The path of a connector's draft.
pub fn draft_path(detail: &Json) -> String {
    format!("{}/sql-scripts/{}", path(text(&detail["id"])), text(&detail["last_draft_script"]["id"]))
}

/// Sequence 3. Answers the draft with the template.
pub fn set_input(client: &Client, token: &str, name: &str, bytes: &[u8]) -> Json {
    let before = detail(client, token);
    let connector = path(text(&before["id"]));
    let file = client.send_file(name, bytes);
    let body = json!({"source_file_id": file["id"]});
    client.patch(&connector, &body).ok();
    let template = client.post(&format!("{connector}/get-file-template"), &body).ok();
    let after = detail(client, token);
    client.get(OBJECTS).ok();
    let mut body =
        json!({"user_script": template["user_script"], "config_metadata": template["config_metadata"]});
    let version = &before["last_draft_script"]["sql_version"];
    if version != &after["last_draft_script"]["sql_version"] {
        body["sql_version"] = version.clone();
    }
    client.patch(&draft_path(&after), &body).ok()
}

/// Reads the script until its sample has ended.
pub fn ended(client: &Client, script: &str) -> Json {
    until(script, || {
        let answer = client.get(script).ok();
        (answer["state"] != "queued" && answer["state"] != "in_progress").then_some(answer)
    })
}

/// Sequence 4, up to the download: the detail that names the sample.
pub fn sample(client: &Client, token: &str) -> Json {
    let before = detail(client, token);
    let script = draft_path(&before);
    let body = json!({"source_file_id": before["source_file"]["id"]});
    client.post(&format!("{script}/start"), &body).expect(202);
    let script = ended(client, &script);
    assert_eq!(script["state"], "success", "{script}");
    detail(client, token)
}

/// Sequence 5. Answers the detail after it.
pub fn publish(client: &Client, token: &str, sql: &str) -> Json {
    let before = detail(client, token);
    let script = draft_path(&before);
    client.get(&script).ok();
    detail(client, token);
    client.patch(&script, &json!({ "user_script": sql })).ok();
    sample(client, token);
    let published = client.post_empty(&format!("{script}/publish")).ok();
    assert_eq!(published["id"], before["last_draft_script"]["id"]);
    let after = detail(client, token);
    assert_eq!(after["live_script"]["id"], published["id"]);
    assert_ne!(after["last_draft_script"]["id"], published["id"]);
    after
}

pub fn activate(client: &Client, token: &str) -> Json {
    let before = detail(client, token);
    client.patch(&path(text(&before["id"])), &json!({"status": "operational"})).ok()
}

/// Starts a run of the reference file. Answers its id.
pub fn start(client: &Client, token: &str, is_dry_run: bool) -> String {
    let before = detail(client, token);
    let flow = format!("{}/start-connector-flow", path(text(&before["id"])));
    let started = client.post(&flow, &json!({ "is_dry_run": is_dry_run })).ok();
    assert_eq!(started["is_dry_run"], is_dry_run, "{started}");
    assert_eq!(started["trigger_type"], "fileupload");
    text(&started["execution_id"]).to_owned()
}

/// The row of an execution, as existing clients read it.
pub fn execution(client: &Client, token: &str, id: &str) -> Json {
    let list =
        client.get(&format!("{}/executions?ids={id}&include_dry_run=true", path(token))).ok()["results"]
            .clone();
    row(&list, "id", id).clone()
}

/// The row, when the execution has come to its end.
pub fn run_ended(client: &Client, token: &str, id: &str) -> Json {
    until(id, || {
        let row = execution(client, token, id);
        let runs = ["queued", "in_progress", "cancelling"].contains(&text(&row["status"]));
        (!runs).then_some(row)
    })
}

/// The row, when the execution has this status.
pub fn run_is(client: &Client, token: &str, id: &str, status: &str) -> Json {
    until(&format!("{id} {status}"), || {
        let row = execution(client, token, id);
        let ended = !row["ended_at"].is_null();
        assert!(!ended || row["status"] == status, "expected {status}: {row}");
        (row["status"] == status).then_some(row)
    })
}

/// Sends a file to the connector to run it, with these form fields besides.
pub fn upload(client: &Client, token: &str, name: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Answer {
    let file = Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str("text/csv").unwrap();
    let mut form = Form::new().part("file", file);
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    Answer::of("upload", client.request(Method::POST, &format!("{}/upload", path(token))).multipart(form))
}

/// Pages through a record search of 100 each.
pub fn search(client: &Client, object_id: &str, query: &Json) -> Vec<Json> {
    let mut found = Vec::new();
    for page in 1.. {
        let url = format!("/api/records/{object_id}/search?page={page}&page_size=100");
        let answer = client.post(&url, &json!({"query": query, "and": true})).ok();
        found.extend(answer["results"].as_array().unwrap().iter().cloned());
        if answer["next"].is_null() {
            assert_eq!(answer["count"], found.len());
            break;
        }
    }
    found
}

/// All live records of an object: the values of these fields, in the order of the first.
pub fn records(client: &Client, object: &str, fields: &[&str]) -> Vec<Vec<Json>> {
    let found = search(client, &object_id(client, object), &json!([]));
    let value = |record: &Json, name: &str| {
        let fields = record["fields"].as_object().unwrap();
        fields.values().find(|field| field["name"] == name).unwrap()["value"].clone()
    };
    let mut rows: Vec<Vec<Json>> =
        found.iter().map(|record| fields.iter().map(|name| value(record, name)).collect()).collect();
    rows.sort_by_cached_key(|row| row[0].to_string());
    rows
}

/// The text of each member of a downloaded ZIP, by name.
pub fn unzip(client: &Client, file: &Json) -> Vec<(String, String)> {
    let bytes = client.download(text(&file["url"])).expect(200).bytes;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut member = zip.by_index(at).unwrap();
            let name = member.name().unwrap().into_owned();
            (name, std::io::read_to_string(&mut member).unwrap())
        })
        .collect()
}
