//! The demo's shop: three objects, and three connectors that fill them from the files in `fixtures/`.

use std::{thread, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    app::App,
    auth::Caller,
    connector::{
        Connector,
        written::{ConnectorPatch, NewConnector},
    },
    error::{Error, Result},
    id::FileId,
    object::{
        Cardinality,
        FieldType::{self, Checkbox, Date, Dropdown, Email, Integer, Longtext, Money, Phonenumber, Text},
        Object,
        design::{NewField, NewObject, NewOption},
    },
    script::SampleState,
    service::{
        connector, file,
        object::{self, FieldDesign},
        script::{self, ScriptPatch},
    },
};

/// One connector of the demo.
pub(super) struct Demo {
    /// Its label.
    pub name: &'static str,
    object: &'static str,
    /// The file's name and bytes.
    pub file: (&'static str, &'static str),
    sql: &'static str,
    scope: &'static str,
    /// Column (also the variable's name), type, format, required.
    variables: &'static [(&'static str, &'static str, Option<&'static str>, bool)],
    /// Field matched by, and its variable.
    matched: (&'static str, &'static str),
    /// Field, variable, further keys of the mapping rule.
    mapped: &'static [(&'static str, &'static str, Extra)],
}

/// What a mapping rule says besides.
#[derive(Clone, Copy)]
enum Extra {
    No,
    CreateOptions,
    Lookup(&'static str, &'static str),
}

const CUSTOMERS_CSV: &str = include_str!("../../../fixtures/customers.csv");
const ORDERS_CSV: &str = include_str!("../../../fixtures/orders.csv");

pub(super) const CUSTOMERS: Demo = Demo {
    name: "Customers",
    object: "customers",
    file: ("customers.csv", CUSTOMERS_CSV),
    sql: include_str!("../../../fixtures/demo/customers.sql"),
    scope: "customers",
    variables: &[
        ("full_name", "string", None, true),
        ("email", "email", None, true),
        ("phone", "phone_number", Some("auto"), false),
        ("company", "string", None, false),
        ("city", "string", None, false),
        ("country", "string", None, false),
        ("birthday", "date", Some("%Y-%m-%d"), false),
        ("customer_since", "date", Some("%Y-%m-%d"), false),
        ("newsletter", "boolean", Some("yes_no"), false),
    ],
    matched: ("email", "email"),
    mapped: &[
        ("name", "full_name", Extra::No),
        ("email", "email", Extra::No),
        ("phone", "phone", Extra::No),
        ("company", "company", Extra::No),
        ("city", "city", Extra::No),
        ("country", "country", Extra::No),
        ("birthday", "birthday", Extra::No),
        ("customer_since", "customer_since", Extra::No),
        ("newsletter", "newsletter", Extra::No),
    ],
};

pub(super) const ORDERS: Demo = Demo {
    name: "Orders",
    object: "orders",
    file: ("orders.csv", ORDERS_CSV),
    sql: include_str!("../../../fixtures/demo/orders.sql"),
    scope: "orders",
    variables: &[
        ("order_number", "string", None, true),
        ("customer_email", "email", None, true),
        ("product", "string", None, false),
        ("quantity", "number", Some("plain"), false),
        ("unit_price", "number", Some("comma_thousands"), false),
        ("placed_on", "date", Some("%Y-%m-%d"), false),
        ("status", "string", None, false),
        ("is_gift", "boolean", Some("yes_no"), false),
        ("notes", "string", None, false),
    ],
    matched: ("name", "order_number"),
    mapped: &[
        ("name", "order_number", Extra::No),
        ("customer", "customer_email", Extra::Lookup("customers", "email")),
        ("product", "product", Extra::CreateOptions),
        ("quantity", "quantity", Extra::No),
        ("unit_price", "unit_price", Extra::No),
        ("placed_on", "placed_on", Extra::No),
        ("status", "status", Extra::No),
        ("is_gift", "is_gift", Extra::No),
        ("notes", "notes", Extra::No),
    ],
};

pub(super) const PRODUCT_SALES: Demo = Demo {
    name: "Product sales",
    object: "products",
    file: ("orders.csv", ORDERS_CSV),
    sql: include_str!("../../../fixtures/demo/product_sales.sql"),
    scope: "products",
    variables: &[
        ("product", "string", None, true),
        ("orders", "number", Some("plain"), false),
        ("units", "number", Some("plain"), false),
        ("last_ordered", "date", Some("%Y-%m-%d"), false),
    ],
    matched: ("name", "product"),
    mapped: &[
        ("name", "product", Extra::No),
        ("orders", "orders", Extra::No),
        ("units", "units", Extra::No),
        ("last_ordered", "last_ordered", Extra::No),
    ],
};

/// The objects, unless they are there.
pub(super) fn objects(app: &App, caller: &Caller) -> Result<()> {
    if object::get(app, caller, CUSTOMERS.object).is_ok() {
        return Ok(());
    }
    make(app, caller, ("customers", "Customers", "Customer"))?;
    for (name, label, kind) in [
        ("phone", "Phone", Phonenumber),
        ("company", "Company", Text),
        ("city", "City", Text),
        ("birthday", "Birthday", Date),
        ("customer_since", "Customer since", Date),
        ("newsletter", "Newsletter", Checkbox),
    ] {
        field(app, caller, "customers", NewField::plain(name, label, kind))?;
    }
    field(
        app,
        caller,
        "customers",
        NewField { is_unique: true, ..NewField::plain("email", "E-mail", Email) },
    )?;
    field(app, caller, "customers", choice("country", "Country", &["DE", "GB", "US"]))?;
    make(app, caller, ("orders", "Orders", "Order"))?;
    for (name, label, kind) in [
        ("quantity", "Quantity", Integer),
        ("unit_price", "Unit price", Money),
        ("placed_on", "Placed on", Date),
        ("is_gift", "Is a gift", Checkbox),
        ("notes", "Notes", Longtext),
        ("product", "Product", Dropdown),
    ] {
        field(app, caller, "orders", NewField::plain(name, label, kind))?;
    }
    let status = ["new", "paid", "shipped", "delivered", "returned", "cancelled"];
    field(app, caller, "orders", choice("status", "Status", &status))?;
    let customer = NewField::plain("customer", "Customer", FieldType::Relationship);
    let relation = Some(("customers".to_owned(), Cardinality::One));
    object::create_field(app, caller, "orders", FieldDesign { field: customer, relation })?;
    make(app, caller, ("products", "Products", "Product"))?;
    for (name, label, kind) in [
        ("orders", "Orders", Integer),
        ("units", "Units sold", Integer),
        ("last_ordered", "Last ordered", Date),
    ] {
        field(app, caller, "products", NewField::plain(name, label, kind))?;
    }
    Ok(())
}

fn make(app: &App, caller: &Caller, (name, object_name, entity_name): (&str, &str, &str)) -> Result<()> {
    let new = NewObject {
        name: Some(name.to_owned()),
        object_name: object_name.to_owned(),
        entity_name: entity_name.to_owned(),
    };
    object::create(app, caller, &new).map(drop)
}

fn field(app: &App, caller: &Caller, object: &str, field: NewField) -> Result<()> {
    object::create_field(app, caller, object, FieldDesign { field, relation: None }).map(drop)
}

fn choice(name: &str, label: &str, options: &[&str]) -> NewField {
    let options = options.iter().map(|name| NewOption { name: (*name).to_owned(), code: None }).collect();
    NewField { options, ..NewField::plain(name, label, Dropdown) }
}

/// The connector, built as a person would: reference file, template, script, sample, publish,
/// variables, flow, activate. One that is there is left as it is.
pub(super) fn connector(app: &App, caller: &Caller, demo: &Demo) -> Result<Connector> {
    let api_name = crate::object::api_name_of(demo.name);
    if let Ok(found) = connector::detail(app, caller, &api_name) {
        return Ok(found.connector);
    }
    let new: NewConnector = from(json!({
        "name": demo.name,
        "custom_object": demo.object,
        "connector_type": "spreadsheet",
        "description": format!("Loads {} into {}.", demo.file.0, demo.object),
    }))?;
    let name = connector::create(app, caller, new)?.connector.api_name;
    let patch = |body: Json| -> Result<Connector> {
        Ok(connector::patch(app, caller, &name, from::<ConnectorPatch>(body)?)?.connector)
    };
    let file = reference(app, caller, demo)?;
    patch(json!({"source_file_id": file}))?;
    connector::make_template(app, caller, &name, Some(file))?;
    publish(app, caller, &name, demo)?;
    let made = patch(json!({"execution_variables": variables(demo)}))?;
    patch(json!({"flow": {"loads": [step(app, caller, demo, &made)?]}}))?;
    patch(json!({"status": "operational"}))
}

fn from<T: serde::de::DeserializeOwned>(body: Json) -> Result<T> {
    serde_json::from_value(body).map_err(Error::internal)
}

fn reference(app: &App, caller: &Caller, demo: &Demo) -> Result<FileId> {
    let (name, text) = demo.file;
    file::keep(app, caller, name, "text/csv", text.as_bytes()).map(|file| file.id)
}

fn publish(app: &App, caller: &Caller, name: &str, demo: &Demo) -> Result<()> {
    let draft = connector::detail(app, caller, name)?.draft.script.id.to_string();
    let change = ScriptPatch { user_script: Some(demo.sql.to_owned()), ..ScriptPatch::default() };
    script::patch(app, caller, name, &draft, &change)?;
    script::start(app, caller, name, &draft, None)?;
    loop {
        let sampled = script::get(app, caller, name, &draft)?.script;
        match sampled.state {
            SampleState::Success => break,
            SampleState::InProgress => thread::sleep(Duration::from_millis(10)),
            SampleState::Setup | SampleState::Failed => {
                return Err(Error::conflict(
                    sampled.error.unwrap_or_else(|| "The sample failed.".to_owned()),
                ));
            }
        }
    }
    script::publish(app, caller, name, &draft).map(drop)
}

fn variables(demo: &Demo) -> Vec<Json> {
    demo.variables
        .iter()
        .zip(1..)
        .map(|((name, data_type, format, required), order)| {
            json!({
                "name": name, "data_type": data_type, "scope": demo.scope, "type": "data_source",
                "data_source": name, "display_order": order, "required": required, "input_format": format,
            })
        })
        .collect()
}

fn step(app: &App, caller: &Caller, demo: &Demo, connector: &Connector) -> Result<Json> {
    let object = object::get(app, caller, demo.object)?;
    let variable = |name: &str| connector.variables.iter().find(|v| v.name == name).map(|v| v.id);
    let mapped = demo.mapped.iter().map(|(field, name, extra)| {
        let mut rule = json!({
            "field": field_id(&object, field), "variables": [variable(name)], "conflict_resolution": "overwrite",
        });
        match extra {
            Extra::No => {}
            Extra::CreateOptions => rule["can_create_field_options"] = true.into(),
            Extra::Lookup(object, field) => {
                rule["lookup_field"] = field_id(&object::get(app, caller, object)?, field);
            }
        }
        Ok(rule)
    });
    let mapped = mapped.collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "custom_object": object.id, "scope": demo.scope, "type": "csv_load", "order": 0,
        "matching_rules": [{"field": field_id(&object, demo.matched.0), "variable": variable(demo.matched.1)}],
        "field_mapping_rules": mapped,
    }))
}

fn field_id(object: &Object, name: &str) -> Json {
    json!(object.field_named(name).map(|field| field.id))
}

/// Starts a run of the connector with its demo file.
pub(super) fn start(
    app: &App,
    caller: &Caller,
    demo: &Demo,
    connector: &Connector,
) -> Result<crate::id::ExecutionId> {
    let (name, text) = demo.file;
    let mut incoming = file::Incoming::to_connector(app, caller, connector.id, name, "text/csv")?;
    incoming.append(text.as_bytes())?;
    let options = file::RunOptions::default();
    Ok(file::run(app, caller, connector, incoming, options, None)?.id)
}
