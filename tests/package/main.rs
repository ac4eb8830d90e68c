//! Dev packages: downloaded from a real server, run by the real program with no server.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod query;
mod several;
mod world;

use std::{fs, path::Path};

use serde_json::{Value as Json, json};

use support::{TestServer, journey};
use world::{INPUT, TOKEN, World, members, program, run, text, unpack};

fn read_json(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_package_of_a_run_gives_its_very_bytes_without_a_server() {
    let world = World::new();
    // What the connector is now must not change what that run was.
    let sql =
        "CREATE TABLE output.orders AS SELECT 1 AS number, 2 AS e_mail, 3 AS total, 4 AS status, 5 AS note";
    journey::publish(&world.client, TOKEN, sql);
    world.client.patch(&world.path, &json!({"sql_parameters": {"factor": 100}})).ok();
    let zip = world.client.download(&world.of_execution()).expect(200);
    assert_eq!(zip.headers["content-type"], "application/zip");
    assert_eq!(zip.headers["content-disposition"], "attachment; filename=\"order_import.zip\"");
    assert_eq!(zip.bytes, world.client.download(&world.of_execution()).expect(200).bytes);
    let expected = world.output();
    assert_eq!(
        expected.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["orders.csv", "counts.csv"]
    );
    let (execution, key) = (world.execution.clone(), world.client.key.clone());
    drop(world);

    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&zip.bytes, dir.path());
    let names: Vec<_> = members(&zip.bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "order_import/connector.sql",
            "order_import/connector.json",
            "order_import/__config.json",
            "order_import/.kizen-connector.json",
            "order_import/README.md",
            "order_import/data/customers_input.csv",
            "order_import/data/customers.csv",
            "order_import/data/current_execution.json",
        ]
    );
    for (name, bytes) in members(&zip.bytes) {
        assert!(!String::from_utf8_lossy(&bytes).contains(&key), "{name} has a secret");
    }
    let ran = program(&["run", folder.to_str().unwrap(), "--json"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    for (name, bytes) in &expected {
        assert_eq!(text(&fs::read(folder.join("data/output").join(name)).unwrap()), text(bytes), "{name}");
    }
    let result = read_json(&folder.join("data/output/result.json"));
    assert_eq!(result, serde_json::from_slice::<Json>(&ran.stdout).unwrap());
    assert_eq!(result["status"], "partial_success");
    assert_eq!(result["status"], execution["status"]);
    assert_eq!(result["tables"], json!(["counts.csv", "orders.csv"]));
    // The customers were there on the server, and are made here.
    assert_eq!(result["totals"]["errors"], execution["totals"]["errors"]);
    assert_eq!(result["totals"]["rows"], 8);
    assert_eq!(result["errors"][0]["line"], 6);
    assert!(result["errors"][0]["messages"][0]["message"].as_str().unwrap().contains("much"), "{result}");
    assert!(folder.join("data/output/report.xlsx").metadata().unwrap().len() > 1_000);
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".run")), "{left:?}");
}

#[test]
fn files_say_what_other_clients_read() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&world.package(""), dir.path());
    let marker = read_json(&folder.join(".kizen-connector.json"));
    let detail = world.client.get(&world.path).ok();
    assert_eq!(
        marker,
        json!({"connector_id": detail["id"], "connector_api_name": "order_import", "connector_name": "Order import",
            "script_id": detail["live_script"]["id"], "script_status": "live", "env": null,
            "business_id": world.client.business_id})
    );
    let config = read_json(&folder.join("__config.json"));
    assert_eq!(config["integration_secrets"], json!([]));
    assert_eq!(config["integration_secret_filenames"], json!([]));
    assert_eq!(config["sql_parameters"], json!({"factor": 3, "word": "007"}));
    // The input gives way to the seed of the same name.
    assert_eq!(config["input_tables"][0]["file_path"], "data/customers_input.csv");
    assert_eq!(config["input_tables"][0]["name"], INPUT);
    assert_eq!(config["seed_tables"][0]["name"], "customers.csv");
    let seed = fs::read_to_string(folder.join("data/customers.csv")).unwrap();
    assert!(seed.starts_with("kizen_id,name,email,kind,kind__id\r\n"), "{seed}");
    assert!(seed.contains(",\"Big, and \"\"old\"\"\","), "{seed}");
    let meta = read_json(&folder.join("data/current_execution.json"));
    assert_eq!(meta.as_object().unwrap().len(), 16);
    assert_eq!((&meta["fileupload_file_name"], &meta["execution_id"]), (&json!(INPUT), &Json::Null));
    let document = read_json(&folder.join("connector.json"));
    let names = |rows: &Json| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&document["objects"]), ["customers", "orders"]);
    assert_eq!(names(&document["objects"][0]["fields"]), ["name", "email", "kind"]);
    assert_eq!(document["flow"][1]["field_mapping_rules"][4]["lookup_field"], "email");
    assert_eq!(document["seeds"][0]["fields"], json!(["name", "email", "kind"]));
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains("# Order import") && !readme.contains('{'), "{readme}");
}

#[test]
fn which_script_and_which_file() {
    let world = World::new();
    let detail = world.client.get(&world.path).ok();
    let (live, draft) = (&detail["live_script"]["id"], &detail["last_draft_script"]["id"]);
    let draft_path = format!("{}/sql-scripts/{}", world.path, draft.as_str().unwrap());
    world.client.patch(&draft_path, &json!({"user_script": "SELECT 'draft'"})).ok();
    let script = |zip: &[u8]| text(&members(zip)[0].1);
    assert!(script(&world.package("")).starts_with("-- Orders"));
    assert!(script(&world.package("?script=live")).starts_with("-- Orders"));
    let of_draft = world.package("?script=draft");
    assert_eq!(script(&of_draft), "SELECT 'draft'");
    for name in ["dev-package", "connector-local-dev-package"] {
        assert_eq!(world.client.download(&format!("{draft_path}/{name}")).expect(200).bytes, of_draft);
    }
    let of_live = format!("{}/sql-scripts/{}/dev-package", world.path, live.as_str().unwrap());
    assert_eq!(world.client.download(&of_live).expect(200).bytes, world.package(""));
    let used = world.execution["input_file"]["id"].as_str().unwrap();
    world.package(&format!("?source_file_id={used}"));

    let ask = |query: &str| world.client.get(&format!("{}/dev-package{query}", world.path));
    let other = world.client.send_file("other.csv", b"a\n1\n")["id"].as_str().unwrap().to_owned();
    for id in [&other, "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"] {
        ask(&format!("?source_file_id={id}")).refused(400, "does_not_exist");
    }
    ask("?script=history").expect(400);
    let refused = ask("?records=all").refused(400, "invalid");
    assert!(refused.contains("records"), "{refused}");
    assert_eq!(world.package("?records=none"), world.package(""));
    let report = world.execution["final_report"]["id"].as_str().unwrap();
    ask(&format!("?source_file_id={report}")).refused(400, "does_not_exist");
}

#[test]
fn a_package_is_for_those_who_read_its_connector() {
    let world = World::new();
    let (package, run) = (format!("{}/dev-package", world.path), world.of_execution());
    let sender = world.server.client_as("sender", None);
    let id = world.client.get(&world.path).ok()["id"].as_str().unwrap().to_owned();
    let viewer = world.server.client_as("viewer", Some(&[&id]));
    let body = json!({"name": "Other", "custom_object": world.client.get("/api/custom-objects").ok()["results"][0]["id"],
        "connector_type": "spreadsheet"});
    let other =
        world.client.post("/api/smart-connectors", &body).created()["id"].as_str().unwrap().to_owned();
    let stranger = world.server.client_as("viewer", Some(&[&other]));
    for path in [&package, &run] {
        sender.get(path).refused(403, "permission_required");
        stranger.get(path).refused(404, "not_found");
        viewer.download(path).expect(200);
    }
    let events =
        world.client.get(&format!("/api/smart-connectors/{id}/events-history?event_type=package_downloaded"));
    assert_eq!(events.ok()["count"], 2);
}

#[test]
fn with_its_records_a_package_updates_what_the_server_would_update() {
    let world = World::new();
    let search = |object: &str| {
        let path = format!("/api/records/{object}/search");
        world.client.post(&path, &json!({"query": [], "and": true})).ok()["results"]
            .as_array()
            .unwrap()
            .clone()
    };
    let customers = search("customers");
    // One that matches though it is archived, one that nothing asks for, and one that changes.
    let archived = customers.iter().find(|row| row.to_string().contains("nobody@")).unwrap()["id"].clone();
    world.client.delete(&format!("/api/records/customers/{}", archived.as_str().unwrap())).expect(204);
    let other =
        json!({"fields": [{"name": "name", "value": "Z"}, {"name": "email", "value": "z@example.org"}]});
    world.client.post("/api/records/customers/add", &other).created();
    let order = search("orders")[0]["id"].as_str().unwrap().to_owned();
    let note = json!({"fields": [{"name": "note", "value": "by hand"}, {"name": "total", "value": null}]});
    world.client.patch(&format!("/api/records/orders/{order}"), &note).ok();
    let expected = run(&world.client, &json!({"is_dry_run": true}));
    assert!(expected["totals"]["unchanged"].as_u64() > Some(0), "{expected}");
    assert!(expected["totals"]["updated"].as_u64() > Some(0), "{expected}");

    let zip = world.package("?records=matched");
    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&zip, dir.path());
    let lines = fs::read_to_string(folder.join("records/customers.jsonl")).unwrap();
    let ids: Vec<Json> =
        lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["id"].clone()).collect();
    let known: Vec<Json> = customers.iter().map(|row| row["id"].clone()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| known.contains(id)), "{lines}");
    assert!(!lines.contains("z@example.org"), "{lines}");
    for path in [
        world.of_execution(),
        format!("{}/sql-scripts/{}/dev-package", world.path, {
            world.client.get(&world.path).ok()["live_script"]["id"].as_str().unwrap().to_owned()
        }),
    ] {
        let names: Vec<String> =
            members(&world.client.download(&format!("{path}?records=matched")).expect(200).bytes)
                .into_iter()
                .map(|(name, _)| name)
                .collect();
        assert!(names.contains(&"order_import/records/orders.jsonl".to_owned()), "{names:?}");
    }
    let limited =
        world.server.client_as("viewer", Some(&[world.client.get(&world.path).ok()["id"].as_str().unwrap()]));
    let package = format!("{}/dev-package", world.path);
    limited.download(&package).expect(200);
    limited.get(&format!("{package}?records=matched")).refused(403, "permission_required");
    world.server.client_as("viewer", None).download(&format!("{package}?records=matched")).expect(200);
    drop(world);

    let ran = program(&["run", folder.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).contains("matching ran against 6 local records."), "{}", text(&ran.stdout));
    let result = read_json(&folder.join("data/output/result.json"));
    assert_eq!(result["local_records"], 6);
    // What a run without a server can't know is left out.
    let mut totals = expected["totals"].clone();
    totals.as_object_mut().unwrap().remove("missing_since_last_run");
    assert_eq!(result["totals"], totals);
    // Each run begins with the records of the package.
    program(&["run", folder.to_str().unwrap()]);
    assert_eq!(read_json(&folder.join("data/output/result.json"))["totals"], totals);

    // What says that it is something else is not taken for records.
    fs::write(folder.join("records/orders.jsonl"), "{\"id\": \"x\"}\n").unwrap();
    let ran = program(&["run", folder.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("records/orders.jsonl, line 1"), "{}", text(&ran.stderr));
}

#[test]
fn another_input_a_parameter_and_a_dry_run() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&world.package(""), dir.path());
    let folder = folder.to_str().unwrap();
    let output = |name: &str| fs::read_to_string(Path::new(folder).join("data/output").join(name)).unwrap();
    let ran = program(&["run", folder, "--param", "factor=10", "--dry-run"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(output("orders.csv").contains("A-1,ada@example.org,10.5,105,"), "{}", output("orders.csv"));
    let said = text(&ran.stdout);
    assert!(said.contains("orders, line 6: ") && said.contains("Orders (orders)"), "{said}");
    assert_eq!(read_json(&Path::new(folder).join("data/output/result.json"))["is_dry_run"], true);

    let good = dir.path().join("May.csv");
    fs::write(&good, "number,e-mail,total,status,note\nB-1,x@example.org,1,open,\n").unwrap();
    let ran = program(&["run", folder, "--input", good.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(output("orders.csv").contains("B-1,x@example.org,1,3,"), "{}", output("orders.csv"));
    assert!(output("orders.csv").ends_with(",May.csv,May.csv\r\n"), "{}", output("orders.csv"));

    let bad = dir.path().join("bad.csv");
    fs::write(&bad, "number,total,status,note\nB-1,1,open,\n").unwrap();
    let ran = program(&["run", folder, "--input", bad.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1));
    let said = text(&ran.stderr);
    assert!(said.contains("e_mail") && said.trim_end().lines().count() == 1, "{said}");
    // Nothing of the run before passes for this one's.
    assert!(!Path::new(folder).join("data/output/orders.csv").exists());
    assert_eq!(read_json(&Path::new(folder).join("data/output/result.json"))["status"], "failed");

    let ran = program(&["run", folder, "--input", "nowhere.csv"]);
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(program(&["run", folder, "--param", "factor"]).status.code(), Some(2));
}

#[test]
fn a_package_that_leads_outside_is_refused() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&world.package(""), dir.path());
    fs::write(dir.path().join("outside.csv"), "a\n1\n").unwrap();
    for (file, pointer) in [
        ("__config.json", "/input_tables/0/file_path"),
        ("__config.json", "/seed_tables/0/name"),
        ("connector.json", "/input/file_path"),
    ] {
        let path = folder.join(file);
        let before = fs::read(&path).unwrap();
        let mut json = read_json(&path);
        *json.pointer_mut(pointer).unwrap() = json!("../../outside.csv");
        fs::write(&path, json.to_string()).unwrap();
        let ran = program(&["run", folder.to_str().unwrap()]);
        assert_eq!(ran.status.code(), Some(1), "{pointer}");
        assert!(text(&ran.stderr).contains("outside of it"), "{pointer}: {}", text(&ran.stderr));
        fs::write(&path, before).unwrap();
    }
    assert!(program(&["run", folder.to_str().unwrap()]).status.success());
}

#[test]
fn without_its_configuration_a_package_runs_its_script_alone() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let zip = world.client.download(&world.of_execution()).expect(200).bytes;
    let folder = unpack(&zip, dir.path());
    fs::remove_file(folder.join("connector.json")).unwrap();
    let ran = program(&["run", folder.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("nothing is loaded"));
    for (name, bytes) in world.output() {
        assert_eq!(fs::read(folder.join("data/output").join(&name)).unwrap(), bytes, "{name}");
    }
    let result = read_json(&folder.join("data/output/result.json"));
    assert_eq!((&result["status"], &result["totals"]["rows"]), (&json!("success"), &json!(0)));
}

#[test]
fn a_connector_without_a_file_has_a_package_that_asks_for_one() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "things", &[]);
    journey::create(&client, "things", "Order import");
    let package = format!("{}/dev-package", journey::path(TOKEN));
    let zip = client.download(&package).expect(200).bytes;
    client.get(&format!("{package}?script=live")).refused(400, "invalid");
    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&zip, dir.path());
    let ran = program(&["run", folder.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("--input"), "{}", text(&ran.stderr));
    // An empty script passes the only table through.
    let input = dir.path().join("in.csv");
    fs::write(&input, "a,b\n1,\n").unwrap();
    let ran = program(&["run", folder.to_str().unwrap(), "--input", input.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(fs::read_to_string(folder.join("data/output/things.csv")).unwrap(), "a,b\r\n1,\r\n");
}
