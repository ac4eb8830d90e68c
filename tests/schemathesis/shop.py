"""Puts into the server what requests can find: one of everything that a path can name, so that the fuzzer reaches what
is behind the 404s. Writes the fuzzer's settings with their ids to the first file that is named, the ids alone to the
second."""

import json
import os
import pathlib
import sys
import time

import requests

URL = os.environ["SERVER_URL"]
session = requests.Session()
session.headers["X-API-KEY"] = os.environ["SMARTCONNECTOR_ADMIN_KEY"]


def call(method, path, **more):
    answer = session.request(method, URL + path, timeout=30, **more)
    if not answer.ok:
        raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


orders = json.loads(pathlib.Path(__file__).with_name("orders.json").read_text())
call("POST", "/api/smart-connectors/import?create_objects=true", json=orders)
call("PATCH", "/api/smart-connectors/orders", json={"status": "operational"})
csv = "Number,E-Mail,Total\n1,ada@example.org,2.50\n2,bob@example.org,three\n"
run = call("POST", "/api/smart-connectors/orders/upload?filename=orders.csv", data=csv, headers={"Content-Type": "text/csv"})
path = f"/api/smart-connectors/orders/executions/{run['execution_id']}"
for _ in range(300):
    row = call("GET", path)
    if row["ended_at"] is not None:
        break
    time.sleep(0.1)
if row["status"] != "partial_success":
    raise SystemExit(f"the first run: {row}")
hooks = call(
    "POST",
    "/api/smart-connectors",
    json={"name": "Shop hooks", "custom_object": "orders", "connector_type": "webhook"},
)
call("PATCH", "/api/smart-connectors/shop_hooks", json={"status": "inactive"})

# A file that is sent with a form becomes the reference file, of which the draft gets a sample.
query = {"contenttype": "text/csv", "filename": "orders.csv", "source": "smart_connector_import"}


def sent(name):
    form = call("GET", "/api/s3/presigned-post", params={**query, "filename": name})
    stored = requests.post(form["url"], data=form["fields"], files={"file": (name, csv, "text/csv")}, timeout=30)
    stored.raise_for_status()
    words = {"uuid": form["s3object_id"], "key": form["fields"]["key"], "name": name, "etag": stored.headers["ETag"]}
    return call("POST", "/api/s3/success?source=smart_connector_import", data=words)["id"]


connector = call("PATCH", "/api/smart-connectors/orders", json={"source_file_id": sent("orders.csv")})
draft = connector["last_draft_script"]["id"]
path = f"/api/smart-connectors/orders/sql-scripts/{draft}"
call("POST", path + "/start", json={})
for _ in range(300):
    script = call("GET", path)
    if script["state"] != "in_progress":
        break
    time.sleep(0.1)
if script["state"] != "success":
    raise SystemExit(f"the sample: {script}")

# It waits for its activation, so it can be cancelled.
waiting = call(
    "POST",
    "/api/smart-connectors",
    json={"name": "Waiting", "custom_object": "orders", "connector_type": "spreadsheet"},
)
queued = call(
    "POST", "/api/smart-connectors/waiting/upload?filename=orders.csv", data=csv, headers={"Content-Type": "text/csv"}
)
objects = call("GET", "/api/custom-objects")["results"]
group = call(
    "POST",
    "/api/custom-objects/orders/filter-groups",
    json={"name": "All", "config": {"and": True, "query": []}},
)
member = call("POST", "/api/team", json={"email": "ada@example.org", "first_name": "Ada", "role": "viewer"})
key = call("POST", "/api/api-keys", json={"name": "Ada's", "role": "viewer", "member_id": member["id"]})
ids = {
    "ORDERS_ID": connector["id"],
    "HOOKS_ID": hooks["id"],
    "WAITING_ID": waiting["id"],
    "EXECUTION_ID": row["id"],
    "QUEUED_ID": queued["execution_id"],
    "DRAFT_ID": draft,
    "LIVE_ID": connector["live_script"]["id"],
    "OBJECT_ID": next(each["id"] for each in objects if each["name"] == "orders"),
    "RECORD_ID": call("POST", "/api/records/orders/search", json={})["results"][0]["id"],
    "FIELD_ID": call("GET", "/api/custom-objects/orders/fields")[-1]["id"],
    "GROUP_ID": group["id"],
    "FILE_ID": sent("loose.csv"),
    "INPUT_ID": run["source_file_id"],
    "MEMBER_ID": member["id"],
    "KEY_ID": key["id"],
}
settings = pathlib.Path(__file__).with_name("schemathesis.toml").read_text()
for name, value in ids.items():
    settings = settings.replace(name, value)
pathlib.Path(sys.argv[1]).write_text(settings)
pathlib.Path(sys.argv[2]).write_text(json.dumps(ids))
