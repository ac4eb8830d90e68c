//! Rows a second of a load step: a first load, the same rows again, every row changed.
//!
//! `cargo bench --bench load -- 1000000` loads a million rows of twelve fields, matched by a unique key
//! in random order. The rows are made on a thread of their own and come through a bounded channel, as
//! they do in a run. Without a number: 200,000.
#![expect(clippy::unwrap_used, reason = "a bench that can't go on stops")]

use std::{sync::mpsc::sync_channel, time::Instant};

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;
use smartconnector::{
    cancel::CancelToken,
    clock::Clock,
    connector::{
        flow::{Conflict, LoadStep, MappingRule, MatchingRule, NoMatch, StepType},
        rules::Flow,
    },
    execution::{Counters, State},
    id::{ConnectorId, ExecutionId, LoadStepId, RuleId},
    load::{Load, Members, Row, Settings, StepPlan},
    object::{
        FieldType, Object,
        design::{NewField, NewObject, NewOption},
    },
    store::{self, Store},
    variable::{DataType, Locale, Value, Variable},
};

const FIELDS: [(&str, FieldType, DataType); 11] = [
    ("code", FieldType::Text, DataType::String),
    ("email", FieldType::Email, DataType::Email),
    ("city", FieldType::Text, DataType::String),
    ("note", FieldType::Text, DataType::String),
    ("amount", FieldType::Decimal, DataType::Number),
    ("price", FieldType::Money, DataType::Number),
    ("quantity", FieldType::Integer, DataType::Number),
    ("day", FieldType::Date, DataType::Date),
    ("at", FieldType::Datetime, DataType::Datetime),
    ("active", FieldType::Checkbox, DataType::Boolean),
    ("status", FieldType::Dropdown, DataType::String),
];

fn main() {
    let rows = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(200_000);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    let object = object(&store);
    let (steps, variables) = flow(&object);
    let objects = [object];
    let flow = Flow { steps: &steps, variables: &variables, objects: &objects };
    let plan = StepPlan::new(&flow, 0, &Members::default(), Locale::default()).unwrap();
    for (what, is_dry, change) in [
        ("dry run", true, 0),
        ("create", false, 0),
        ("all unchanged", false, 0),
        ("all changed", false, 1),
        ("dry run, all changed", true, 2),
    ] {
        let start = Instant::now();
        let counters = run(&store, &plan, rows, change, is_dry);
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{what:22} {seconds:7.2} s {:10.0} rows/s   created {} updated {} unchanged {}",
            rows as f64 / seconds,
            counters.created,
            counters.updated,
            counters.unchanged
        );
    }
    println!("peak memory {} MB", peak_memory());
}

fn run(store: &Store, plan: &StepPlan, rows: u64, change: i64, is_dry: bool) -> Counters {
    let dir = tempfile::tempdir_in(&store.dir).unwrap();
    let settings = Settings { batch_rows: 50_000, max_row_outcomes: 100_000, max_report_rows: 50_000 };
    let (execution, connector, cancel) = (ExecutionId::new(), ConnectorId::new(), CancelToken::new());
    let plans = std::slice::from_ref(plan);
    let mut load = if is_dry {
        Load::dry(store, dir.path(), execution, connector, settings, cancel, plans).unwrap()
    } else {
        Load::live(store, execution, connector, settings, cancel).unwrap()
    };
    let (send, receive) = sync_channel(4);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut from = 0;
            while from < rows {
                let to = rows.min(from + 1_000);
                if send.send((from..to).map(|n| row(n, change)).collect::<Vec<_>>()).is_err() {
                    return;
                }
                from = to;
            }
        });
        let counters = load.step(plan, rows, true, receive.into_iter().map(Ok), |_| {}).unwrap();
        load.end(State::Success, None).unwrap();
        counters
    })
}

fn row(n: u64, change: i64) -> Row {
    // Keys in random order, each once: multiplication by an odd number permutes 2^32.
    let key = n.wrapping_mul(2_654_435_761) & 0xffff_ffff;
    let number = i64::try_from(key).unwrap();
    let values = [
        Value::Text(format!("K-{key:010}")),
        Value::Text(format!("name of {n}")),
        Value::Text(format!("person{key}@example.org")),
        Value::Text(["Rome", "Oslo", "Bern", "Wien"][(key % 4) as usize].to_owned()),
        Value::Text(format!("a note about row {n}, neither long nor short")),
        Value::Number(Decimal::new(number % 1_000_000, 2)),
        Value::Number(Decimal::new(number % 99_999 + change, 2)),
        Value::Number(Decimal::from(n % 500)),
        Value::Date(NaiveDate::from_num_days_from_ce_opt(738_000 + (n % 3_000) as i32).unwrap()),
        Value::Datetime(DateTime::from_timestamp(1_700_000_000 + n as i64, 0).unwrap()),
        Value::Boolean(n.is_multiple_of(2)),
        Value::Text(["New", "Open", "Done"][(n % 3) as usize].to_owned()),
    ];
    Row {
        row: n + 1,
        line: Some(n as i64 + 2),
        source: None,
        values: values.map(Ok).into(),
        warnings: vec![],
    }
}

fn object(store: &Store) -> Object {
    let now = store.clock.now();
    let options = ["New", "Open", "Done"].map(|name| NewOption { name: name.into(), code: None });
    store
        .records
        .write(|tx| {
            let new = NewObject {
                name: Some("thing".into()),
                object_name: "Things".into(),
                entity_name: "Thing".into(),
            };
            let object = store::object::create(tx, &new, now)?;
            for (name, field_type, _) in FIELDS {
                let mut field = NewField::plain(name, name, field_type);
                field.is_unique = name == "code";
                if name == "status" {
                    field.options = options.to_vec();
                }
                store::field::create(tx, &store::object::load(tx, object.id)?, &field)?;
            }
            let object = store::object::load(tx, object.id)?;
            store::table::ensure_match_index(tx, &object, object.field_named("code").unwrap())?;
            Ok(object)
        })
        .unwrap()
}

fn flow(object: &Object) -> (Vec<LoadStep>, Vec<Variable>) {
    let mut names = vec![FIELDS[0], ("name", FieldType::Text, DataType::String)];
    names.extend(&FIELDS[1..]);
    let variables: Vec<Variable> = names
        .iter()
        .map(|(name, _, data_type)| Variable {
            input_format: Some("%Y-%m-%d".to_owned()).filter(|_| *data_type == DataType::Date),
            ..Variable::reading(name, *data_type, "s", name)
        })
        .collect();
    let field = |name: &str| object.field_named(name).unwrap().id;
    let step = LoadStep {
        id: LoadStepId::new(),
        custom_object: object.id,
        scope: "s".to_owned(),
        kind: StepType::CsvLoad,
        order: 0,
        matching_rules: vec![MatchingRule {
            id: RuleId::new(),
            order: 0,
            field: Some(field("code")),
            is_match_by_kizen_id: false,
            variable: variables[0].id,
            no_match_action: NoMatch::CreateNew,
            single_match_action: smartconnector::connector::flow::SingleMatch::default(),
            multiple_match_action: smartconnector::connector::flow::MultipleMatch::default(),
            match_archive_action: smartconnector::connector::flow::ArchiveMatch::default(),
        }],
        field_mapping_rules: variables
            .iter()
            .map(|variable| MappingRule {
                id: RuleId::new(),
                field: field(&variable.name),
                variables: vec![variable.id],
                can_create_field_options: false,
                display_order: 0,
                conflict_resolution: Conflict::Overwrite,
                lookup_field: None,
            })
            .collect(),
        execution_variable: None,
        automation_trigger_config: serde_json::Value::Null,
        newly_created_records_automations: serde_json::Value::Null,
        other_matches_records_automations: serde_json::Value::Null,
    };
    (vec![step], variables)
}

/// The peak of the process's resident memory, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_024
}
