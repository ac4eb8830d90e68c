"""Puts into the server what requests can find: an object with records, a connector that runs, a webhook connector,
an execution that has ended. Writes the fuzzer's settings with their ids to the file that is named."""

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
call(
    "POST",
    "/api/smart-connectors",
    json={"name": "Shop hooks", "custom_object": "orders", "connector_type": "webhook"},
)
call("PATCH", "/api/smart-connectors/shop_hooks", json={"status": "inactive"})
script = call("GET", "/api/smart-connectors/orders")["last_draft_script"]["id"]
record = call("POST", "/api/records/orders/search", json={})["results"][0]["id"]
field = call("GET", "/api/custom-objects/orders/fields")[-1]["id"]
ids = {"EXECUTION_ID": row["id"], "SCRIPT_ID": script, "RECORD_ID": record, "FIELD_ID": field}
settings = pathlib.Path(__file__).with_name("schemathesis.toml").read_text()
for name, value in ids.items():
    settings = settings.replace(name, value)
pathlib.Path(sys.argv[1]).write_text(settings)
