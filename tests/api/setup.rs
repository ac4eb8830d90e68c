//! What the tests start from: objects, files and connectors.

use serde_json::{Value as Json, json};
use smartconnector::{
    id::{FileId, ScriptId},
    object::{
        FieldType, Object,
        design::{NewField, NewObject},
    },
    script::SampleState,
    store::{
        self,
        file::{FileWriter, NewFile, Source},
    },
};

use crate::support::TestServer;

/// An object with `name`, `owner` and these fields.
pub fn object(server: &TestServer, name: &str, fields: &[(&str, FieldType)]) -> Object {
    let new = NewObject {
        name: Some(name.to_owned()),
        object_name: format!("The {name}"),
        entity_name: format!("A {name}"),
    };
    let store = &server.app.store;
    store
        .records
        .write(|tx| {
            let object = store::object::create(tx, &new, store.clock.now())?;
            for (name, field_type) in fields {
                store::field::create(tx, &object, &NewField::plain(name, name, *field_type))?;
            }
            store::object::load(tx, object.id)
        })
        .unwrap()
}

/// The id of the object's field.
pub fn field(object: &Object, name: &str) -> String {
    object.field_named(name).unwrap().id.to_string()
}

/// A file that the admin has sent and that nothing uses yet.
pub fn file(server: &TestServer, name: &str, text: &str) -> String {
    let new = NewFile {
        id: FileId::new(),
        name: name.to_owned(),
        content_type: "text/csv".to_owned(),
        source: Source::SmartConnectorImport,
        owner: Some(server.user_id.parse().unwrap()),
        owner_key: None,
        connector: None,
    };
    let mut writer = FileWriter::create(&server.app.store, new);
    writer.append(text.as_bytes()).unwrap();
    let id = writer.finish().unwrap().id;
    server.app.store.files.write(|tx| store::file::register(tx, id, name)).unwrap();
    id.to_string()
}

/// A spreadsheet connector for the object.
pub fn connector(server: &TestServer, name: &str, object: &Object) -> Json {
    let body = json!({"name": name, "custom_object": object.id, "connector_type": "spreadsheet"});
    server.client().post("/api/smart-connectors", &body).created()
}

/// The path of a connector.
pub fn path(connector: &Json) -> String {
    format!("/api/smart-connectors/{}", connector["id"].as_str().unwrap())
}

/// A connector whose headers are those of a template for this file text.
pub fn with_template(server: &TestServer, object: &Object, text: &str) -> Json {
    let client = server.client();
    let path = path(&connector(server, &format!("Import of {}", object.name), object));
    let file = file(server, "input.csv", text);
    client.patch(&path, &json!({"source_file_id": file})).ok();
    client.post(&format!("{path}/get-file-template"), &json!({"source_file_id": file})).ok();
    client.get(&path).ok()
}

/// What generating the sample leaves when all goes well.
pub fn sampled(server: &TestServer, script: &Json) {
    let store = &server.app.store;
    let id: ScriptId = script["id"].as_str().unwrap().parse().unwrap();
    let sample: FileId = file(server, "sample.zip", "PK").parse().unwrap();
    store
        .control
        .write(|tx| {
            let mut script = store::script::version(tx, id)?.unwrap();
            let connector = store::connector::find(tx, script.connector_id)?.unwrap();
            script.state = SampleState::Success;
            script.sample_is_stale = false;
            script.output_file = Some(sample);
            script.output_headers = connector.headers;
            store::script::update(tx, &script)
        })
        .unwrap();
}
