//! Who may start, see and cancel executions.

use serde_json::json;

use crate::{
    files::other_member,
    run::{SQL, Shop, TOKEN},
    support::{
        Client,
        journey::{self, path, run_ended, text, upload},
    },
};

const CSV: &[u8] = b"Number,E-Mail,Total\n1,,1\n";

fn id_of(answer: &serde_json::Value) -> String {
    text(&answer["execution_id"]).to_owned()
}

/// What one may do with an execution, as statuses: list, row, rows, logs, rejected.csv, sql-script, report.
fn reads(client: &Client, run: &serde_json::Value) -> [u16; 7] {
    let one = format!("{}/executions/{}", path(TOKEN), text(&run["id"]));
    let status = |path: &str| client.download(path).status.as_u16();
    [
        status(&format!("{}/executions", path(TOKEN))),
        status(&one),
        status(&format!("{one}/rows")),
        status(&format!("{one}/logs")),
        status(&format!("{one}/rejected.csv")),
        status(&format!("{one}/sql-script")),
        status(text(&run["final_report"]["url"])),
    ]
}

#[test]
fn a_viewer_reads_and_starts_nothing() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,x\n");
    let viewer = shop.server.client_as("viewer", None);
    assert_eq!(reads(&viewer, &run), [200; 7]);
    upload(&viewer, TOKEN, "a.csv", CSV, &[]).refused(403, "permission_required");
    let one = format!("{}/executions/{}", path(TOKEN), text(&run["id"]));
    for path in
        [format!("{}/start-connector-flow", path(TOKEN)), format!("{one}/rerun"), format!("{one}/cancel")]
    {
        viewer.post(&path, &json!({"is_dry_run": true})).refused(403, "permission_required");
    }
    viewer.patch(&path(TOKEN), &json!({"description": "x"})).refused(403, "permission_required");
    assert_eq!(shop.client.get("/api/executions?include_dry_run=true").ok()["count"], 1);
}

#[test]
fn a_runner_starts_and_cancels_and_edits_nothing() {
    let shop = Shop::new();
    let runner = shop.server.client_as("runner", None);
    let run = run_ended(&runner, TOKEN, &id_of(&upload(&runner, TOKEN, "a.csv", CSV, &[]).created()));
    assert_eq!(reads(&runner, &run), [200; 7]);
    let dry = journey::start(&runner, TOKEN, true);
    run_ended(&runner, TOKEN, &dry);
    let one = format!("{}/executions/{}", path(TOKEN), text(&run["id"]));
    let again = runner.post(&format!("{one}/rerun"), &json!({})).created()["id"].as_str().unwrap().to_owned();
    assert_eq!(run_ended(&runner, TOKEN, &again)["trigger_type"], "rerun");
    runner.post_empty(&format!("{one}/cancel")).refused(409, "conflict");
    for body in [json!({"status": "inactive"}), json!({"flow": {"loads": []}})] {
        runner.patch(&path(TOKEN), &body).refused(403, "permission_required");
    }
}

#[test]
fn a_sender_uploads_and_sees_its_own_runs_only() {
    let shop = Shop::new();
    let others = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,x\n");
    let sender = other_member(&shop.server, "sender");
    let sent = upload(&sender, TOKEN, "b.csv", CSV, &[]).created();
    let own = run_ended(&sender, TOKEN, &id_of(&sent));
    assert_eq!(own["status"], "success");
    let listed = sender.get(&format!("{}/executions?include_dry_run=true", path(TOKEN))).ok();
    assert_eq!((&listed["count"], &listed["results"][0]["id"]), (&json!(1), &own["id"]));
    assert_eq!(sender.get("/api/executions").ok()["count"], 1);
    let seen = reads(&sender, &own);
    assert_eq!((seen[1], seen[2]), (200, 200), "{seen:?}");
    let seen = reads(&sender, &others);
    assert!(seen[1..].iter().all(|status| [403, 404].contains(status)), "{seen:?}");
    let ids = format!("{}/executions?ids={}", path(TOKEN), text(&others["id"]));
    assert_eq!(sender.get(&ids).ok()["results"], json!([]));

    // Another key of the same member sees nothing of it.
    let twin = shop.server.client_as("sender", None);
    let first = upload(&twin, TOKEN, "c.csv", CSV, &[]).created();
    let run = run_ended(&twin, TOKEN, &id_of(&first));
    let second = shop.server.client_as("sender", None);
    assert_eq!(second.get("/api/executions").ok()["count"], 0);
    assert_eq!(second.download(text(&run["input_file"]["url"])).status, 404);
    assert_eq!(twin.download(text(&run["input_file"]["url"])).status, 200);

    upload(&sender, TOKEN, "b.csv", CSV, &[("is_dry_run", "true")]).refused(403, "permission_required");
    let start = format!("{}/start-connector-flow", path(TOKEN));
    sender.post(&start, &json!({"is_dry_run": false})).refused(403, "permission_required");
    let one = format!("{}/executions/{}", path(TOKEN), text(&own["id"]));
    sender.post_empty(&format!("{one}/cancel")).refused(403, "permission_required");
    sender.post(&format!("{one}/rerun"), &json!({})).refused(403, "permission_required");
    for path in [path(TOKEN), "/api/smart-connectors".to_owned(), "/api/custom-objects".to_owned()] {
        sender.get(&path).refused(403, "permission_required");
    }
}

#[test]
fn a_limited_key_reaches_its_connectors_only() {
    let shop = Shop::in_setup(|_| {}, SQL);
    journey::activate(&shop.client, TOKEN);
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,x\n");
    let own = journey::create(&shop.client, "orders", "Second");
    for role in ["viewer", "runner", "editor", "admin"] {
        let limited = shop.server.client_as(role, Some(&[text(&own["id"])]));
        assert_eq!(reads(&limited, &run), [404; 7], "{role}");
        let listed = limited.get("/api/smart-connectors").ok();
        assert_eq!((&listed["count"], &listed["results"][0]["id"]), (&json!(1), &own["id"]), "{role}");
        assert_eq!(limited.get("/api/executions?include_dry_run=true").ok()["count"], 0);
        limited.get(&path(text(&own["id"]))).ok();
        limited.get(&path(TOKEN)).refused(404, "not_found");
        let refused = upload(&limited, TOKEN, "a.csv", CSV, &[]);
        assert_eq!(refused.status.as_u16(), if role == "viewer" { 403 } else { 404 }, "{role}");
        // An id of another connector's run under the own connector's path.
        let beside = format!("{}/executions/{}", path(text(&own["id"])), text(&run["id"]));
        limited.get(&beside).refused(404, "not_found");
        if role != "viewer" {
            limited.post_empty(&format!("{beside}/cancel")).refused(404, "not_found");
            let body = json!({"is_dry_run": true, "source_file_id": run["input_file"]["id"]});
            let start = format!("{}/start-connector-flow", path(text(&own["id"])));
            limited.post(&start, &body).refused(400, "does_not_exist");
        }
    }
}

#[test]
fn a_limited_key_has_what_its_connectors_use_and_no_more_of_what_its_member_sent() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,x\n");
    let own = journey::create(&shop.client, "orders", "Second");
    let limited = shop.server.client_as("runner", Some(&[text(&own["id"])]));
    let (input, report) = (text(&run["input_file"]["url"]), text(&run["final_report"]["url"]));
    let loose = shop.client.send_file("loose.csv", CSV);
    let start = format!("{}/start-connector-flow", path(text(&own["id"])));
    let named = |file: &serde_json::Value| json!({"is_dry_run": true, "source_file_id": file["id"]});
    for file in [&loose, &run["input_file"]] {
        assert_eq!(limited.download(text(&file["url"])).status, 404);
        limited.post(&start, &named(file)).refused(400, "does_not_exist");
    }
    assert_eq!(limited.get("/api/files").ok()["count"], 0);

    // From now on the other connector's input is this one's, too; what else that run made is not.
    shop.client.post(&start, &named(&run["input_file"])).ok();
    assert_eq!(limited.download(input).expect(200).bytes, shop.client.download(input).bytes);
    assert_eq!(limited.download(report).status, 404);
    // Beside it may stand what the dry run made.
    let listed = limited.get("/api/files").ok();
    let listed: Vec<_> =
        listed["results"].as_array().unwrap().iter().map(|file| text(&file["id"]).to_owned()).collect();
    assert!(listed.iter().any(|id| id == text(&run["input_file"]["id"])), "{listed:?}");
    assert!(listed.iter().all(|id| id != text(&run["final_report"]["id"])), "{listed:?}");
    limited.post(&start, &named(&run["input_file"])).ok();

    let sent = limited.send_file("own.csv", CSV);
    limited.download(text(&sent["url"])).expect(200);
    assert_eq!(limited.get("/api/files?search=own.csv").ok()["results"][0]["id"], sent["id"]);
    let twin = shop.server.client_as("runner", Some(&[text(&own["id"])]));
    assert_eq!(twin.download(text(&sent["url"])).status, 404);
    // The member's other keys are as good as the member.
    shop.client.download(text(&sent["url"])).expect(200);
    limited.post(&start, &named(&sent)).ok();
    twin.download(text(&sent["url"])).expect(200);
}
