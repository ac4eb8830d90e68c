"""What the fuzzer must know of this server that its document can't say. Each rule has its reason."""

import json
import os
import pathlib
import uuid

import requests
import schemathesis

OWN_MEMBER = os.environ["SMARTCONNECTOR_USER_ID"]
KEPT = json.loads(pathlib.Path(os.environ["SHOP_IDS"]).read_text())


def call(method, path, body=None):
    answer = requests.request(
        method,
        os.environ["SERVER_URL"] + path,
        headers={"X-API-KEY": os.environ["SMARTCONNECTOR_ADMIN_KEY"]},
        json=body,
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()


# The key that the fuzzer itself uses is the oldest.
OWN_KEY = call("GET", "/api/api-keys")["results"][0]["id"]


def spare(path, body):
    """Makes another one of what is kept, with a name of its own."""
    return lambda: call("POST", path, json.loads(body.replace("NAME", f"spare_{uuid.uuid4().hex}")))["id"]


SPARES = {
    "/api/smart-connectors/{connector}": spare(
        "/api/smart-connectors", '{"name": "NAME", "custom_object": "orders", "connector_type": "spreadsheet"}'
    ),
    "/api/custom-objects/{object}": spare("/api/custom-objects", '{"object_name": "NAME", "entity_name": "NAME"}'),
    "/api/custom-objects/{object}/fields/{field}": spare(
        "/api/custom-objects/orders/fields", '{"display_name": "NAME", "field_type": "text"}'
    ),
    "/api/custom-objects/{object}/filter-groups/{group}": spare(
        "/api/custom-objects/orders/filter-groups", '{"name": "NAME", "config": {"and": true, "query": []}}'
    ),
    "/api/team/{id}": spare("/api/team", '{"email": "NAME@example.org", "role": "viewer"}'),
    "/api/api-keys/{id}": spare("/api/api-keys", '{"name": "NAME", "role": "viewer"}'),
    "/api/records/{object}/{record}": spare("/api/records/orders/add", '{"fields": [{"name": "name", "value": "NAME"}]}'),
}


@schemathesis.hook
def before_call(context, case, kwargs):
    # The fuzzer finds its own key and member in lists. Without them everything after would be a 401.
    own = {"/api/api-keys/{id}": OWN_KEY, "/api/team/{id}": OWN_MEMBER}.get(case.path)
    if own is not None and case.method in ("DELETE", "PATCH") and case.path_parameters.get("id") == own:
        case.path_parameters["id"] = str(uuid.uuid4())
    # What others of its requests are about stays; another one is deleted in its place.
    make = SPARES.get(case.path) if case.method == "DELETE" else None
    name = case.path.rsplit("{", 1)[-1].rstrip("}")
    if make is not None and case.path_parameters.get(name) in (*KEPT.values(), "orders"):
        case.path_parameters[name] = make()
    # A draft has another id after it was published or made of a template anew.
    if case.method != "GET" and "/sql-scripts/" in case.path and case.path_parameters.get("id") == KEPT["DRAFT_ID"]:
        detail = call("GET", f"/api/smart-connectors/{KEPT['ORDERS_ID']}")
        case.path_parameters["id"] = detail["last_draft_script"]["id"]


# Where a schema says what each part may be, and the server besides what fits together. Only the check that what a
# schema allows is never refused with 400 is held back there; every other check counts.
FINER_THAN_A_SCHEMA = {
    # Which keys a connector takes is told by its type; they depend on one another, on objects and on scopes.
    "POST /api/smart-connectors",
    "PATCH /api/smart-connectors/{connector}",
    "POST /api/smart-connectors/import",
    # Values and conditions are those of the object's fields; options and relations those of the field's type.
    "POST /api/custom-objects/{object}/fields",
    "PATCH /api/custom-objects/{object}/fields/{field}",
    "POST /api/custom-objects/{object}/filter-groups",
    "PATCH /api/custom-objects/{object}/filter-groups/{group}",
    "POST /api/records/{object}/add",
    "POST /api/records/{object}/search",
    "POST /api/records/{object}/upsert",
    "PATCH /api/records/{object}/{record}",
    "PATCH /api/records/{object}/{record}/unarchive",
    # They need a sample, a published script, a reference file, or a connector of the right type.
    "POST /api/smart-connectors/{connector}/generate-execution-variables",
    "POST /api/smart-connectors/{connector}/get-file-template",
    "POST /api/smart-connectors/{connector}/start-connector-flow",
    "POST /api/smart-connectors/{connector}/executions/{id}/rerun",
    "POST /api/smart-connectors/{connector}/sql-scripts/{id}/start",
    "POST /api/smart-connectors/{connector}/sql-scripts/{id}/publish",
    "POST /api/smart-connectors/{connector}/sql-scripts/{id}/preview",
    "POST /api/smart-connectors/{connector}/sql-scripts/{id}/download-output-sample",
    "GET /api/smart-connectors/{connector}/sql-scripts/{id}/dev-package",
    "GET /api/smart-connectors/{connector}/sql-scripts/{id}/connector-local-dev-package",
    "GET /api/smart-connectors/{connector}/executions/{id}/dev-package",
    "GET /api/smart-connectors/{connector}/dev-package",
    "POST /api/smart-connectors/{connector}/webhook",
    "POST /api/smart-connectors/{connector}/webhook/flush",
    # The file's name goes with a body that is the file; a parameter holds JSON.
    "POST /api/smart-connectors/{connector}/upload",
    # What was sent before must be what is said of it.
    "POST /api/s3/upload",
    "POST /api/s3/success",
    # An address that can be written to is finer than a pattern; a time of expiry is to come.
    "POST /api/team",
    "PATCH /api/team/{id}",
    "POST /api/api-keys",
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Answers whether a failure is one."""
    # A range that begins behind a file's end is right by the schema; how long the file is, a schema can't say.
    if type(failure).__name__ == "RejectedPositiveData" and response.status_code == 416:
        return False
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
        return True
    if f"{case.method} {case.path}" in FINER_THAN_A_SCHEMA:
        return False
    try:
        code = json.loads(response.content)["code"]
    except (ValueError, KeyError):
        return True
    # Whether an id or a name is taken or there is told by what is stored.
    return code not in ("does_not_exist", "unique")
