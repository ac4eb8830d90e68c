//! Matching against a model that reads all records for every rule: random rules over fields of every type,
//! random records and rows. The model is written from the specification (loading §2) and knows nothing of
//! SQL, types or indexes: to it a value is one of two things that are equal to themselves only.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use smartconnector::{
    connector::flow::{ArchiveMatch, Conflict, MatchingRule, MultipleMatch, NoMatch, SingleMatch},
    execution::Outcome,
    id::RecordId,
    load::{Cell, Row},
    object::{
        Cardinality, Field, FieldType, Object,
        design::{NewField, NewOption},
    },
    variable::{DataType, Value},
};

use crate::support::{Design, World, field, id, maps, matches, matches_id, n, relation, t};

/// What a row brings for a field: one of two values in one of two writings; `None` is blank.
type Brought = Option<(usize, usize)>;

/// What a record holds in each field, and whether it is archived; its row is its position + 1.
#[derive(Debug, Clone, PartialEq)]
struct Record {
    held: [BTreeSet<usize>; FIELDS],
    archived: bool,
}

const FIELDS: usize = 3;
const KINDS: [FieldType; 17] = [
    FieldType::Text,
    FieldType::Longtext,
    FieldType::Email,
    FieldType::Phonenumber,
    FieldType::Integer,
    FieldType::Decimal,
    FieldType::Rating,
    FieldType::Date,
    FieldType::Datetime,
    FieldType::Checkbox,
    FieldType::Yesnomaybe,
    FieldType::Dropdown,
    FieldType::Checkboxes,
    FieldType::Dynamictags,
    FieldType::Relationship,
    FieldType::Timezone,
    FieldType::Uuid,
];

#[derive(Debug, Clone)]
struct Rule {
    /// One of the fields; [`FIELDS`]: the record's id.
    by: usize,
    none: NoMatch,
    single: SingleMatch,
    several: MultipleMatch,
    archived: ArchiveMatch,
}

#[derive(Debug, Clone)]
struct Case {
    kinds: [FieldType; FIELDS],
    /// Whether a relationship holds several.
    is_many: bool,
    records: Vec<Record>,
    rules: Vec<Rule>,
    /// The values, and the row of a record, which need not be there.
    rows: Vec<([Brought; FIELDS], Option<i64>)>,
}

#[test]
fn every_row_is_treated_as_the_model_says() {
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let world = World::new();
    let related = world.object("related", []);
    world.execute("INSERT INTO record_related (id, created, updated) VALUES (1, 0, 0), (2, 0, 0)");
    runner
        .run(&cases(), |case| {
            check(&world, &related, &format!("thing_{}", uuid::Uuid::new_v4().simple()), &case);
            Ok(())
        })
        .unwrap();
}

fn cases() -> impl Strategy<Value = Case> {
    let kind = || select(&KINDS[..]);
    let held = || prop::collection::btree_set(0..2_usize, 0..=2);
    let brought = || prop::option::weighted(0.8, (0..2_usize, 0..2_usize));
    let record =
        ([held(), held(), held()], any::<bool>()).prop_map(|(held, archived)| Record { held, archived });
    let rule = (
        0..=FIELDS,
        select(NoMatch::ALL),
        select(SingleMatch::ALL),
        select(MultipleMatch::ALL),
        select(ArchiveMatch::ALL),
    )
        .prop_map(|(by, none, single, several, archived)| Rule { by, none, single, several, archived });
    (
        [kind(), kind(), kind()],
        any::<bool>(),
        prop::collection::vec(record, 0..8),
        prop::collection::vec(rule, 1..4),
        prop::collection::vec(([brought(), brought(), brought()], prop::option::of(1..12_i64)), 1..12),
    )
        .prop_map(|(kinds, is_many, records, rules, rows)| {
            sound(Case { kinds, is_many, records, rules, rows })
        })
}

/// The last rule has no next one, and a field of one value holds one.
fn sound(mut case: Case) -> Case {
    if let Some(last) = case.rules.last_mut() {
        if last.none == NoMatch::NextRuleIgnorePrevious {
            last.none = NoMatch::CreateNew;
        }
        if matches!(last.single, SingleMatch::NextRule | SingleMatch::NextRuleIgnorePrevious) {
            last.single = SingleMatch::UpdateCurrent;
        }
        last.several = MultipleMatch::DoNotUpload;
        if matches!(last.archived, ArchiveMatch::NextRule | ArchiveMatch::NextRuleIgnorePrevious) {
            last.archived = ArchiveMatch::CreateNew;
        }
    }
    for record in &mut case.records {
        for (held, kind) in record.held.iter_mut().zip(case.kinds) {
            if !holds_many(kind, case.is_many) {
                *held = held.iter().copied().take(1).collect();
            }
        }
    }
    case
}

fn holds_many(kind: FieldType, is_many: bool) -> bool {
    matches!(kind, FieldType::Checkboxes | FieldType::Dynamictags)
        || kind == FieldType::Relationship && is_many
}

/// The field of a kind. Choices have two options.
fn designed(name: &str, kind: FieldType, related: &Object, is_many: bool) -> NewField {
    let option = |name: &str, code: &str| NewOption { name: name.into(), code: Some(code.into()) };
    match kind {
        FieldType::Relationship => {
            let cardinality = if is_many { Cardinality::Many } else { Cardinality::One };
            relation(name, related, cardinality)
        }
        FieldType::Dropdown | FieldType::Checkboxes | FieldType::Dynamictags => {
            NewField { options: vec![option("Alpha", "one"), option("Beta", "two")], ..field(name, kind) }
        }
        _ => field(name, kind),
    }
}

/// The type of the variable that brings a value for a field of the kind.
fn data_type(kind: FieldType) -> DataType {
    match kind {
        FieldType::Email => DataType::Email,
        FieldType::Phonenumber => DataType::PhoneNumber,
        FieldType::Integer | FieldType::Decimal | FieldType::Rating => DataType::Number,
        FieldType::Date => DataType::Date,
        FieldType::Datetime => DataType::Datetime,
        FieldType::Checkbox => DataType::Boolean,
        FieldType::Relationship | FieldType::Uuid => DataType::Uuid,
        _ => DataType::String,
    }
}

const UUIDS: [&str; 2] = ["123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001"];

/// A value in one of its writings.
fn brought(kind: FieldType, related: &Object, value: usize, writing: usize) -> Value {
    let texts = |texts: [[&str; 2]; 2]| t(texts[value][writing]);
    match kind {
        // White space and case count.
        FieldType::Text => t(["x", "X"][value]),
        FieldType::Longtext => t(["x", "x "][value]),
        FieldType::Email => texts([["a@x.org", "A@X.org"], ["b@x.org", "B@x.ORG"]]),
        FieldType::Phonenumber => t(["+16502530000", "+16502530001"][value]),
        FieldType::Integer | FieldType::Rating => n([["1", "1.00"], ["2", "2.0"]][value][writing]),
        FieldType::Decimal => n([["0.1", "0.100"], ["-2.5", "-2.50"]][value][writing]),
        FieldType::Date => Value::Date(NaiveDate::from_ymd_opt(2026, 3, [4, 5][value]).unwrap()),
        FieldType::Datetime => {
            Value::Datetime(DateTime::from_timestamp(1_772_618_400 + value as i64, 0).unwrap())
        }
        FieldType::Checkbox => Value::Boolean(value == 0),
        FieldType::Yesnomaybe => texts([["Yes", "yes"], ["Maybe", "MAYBE"]]),
        FieldType::Dropdown | FieldType::Checkboxes | FieldType::Dynamictags => {
            texts([["ALPHA", "One"], ["beta", "two"]])
        }
        FieldType::Relationship => id(related, value as i64 + 1),
        FieldType::Timezone => t(["UTC", "Europe/Berlin"][value]),
        FieldType::Uuid => Value::Uuid(UUIDS[value].parse().unwrap()),
        other => unreachable!("{other:?} is not among the kinds"),
    }
}

/// The value as SQL, in a writing of its own.
fn stored(field: &Field, value: usize) -> String {
    let option = |names: [&str; 2]| {
        format!(
            "(SELECT key FROM field_option WHERE field_key = {} AND name = '{}')",
            field.key, names[value]
        )
    };
    match field.field_type {
        FieldType::Text => ["'x'", "'X'"][value].to_owned(),
        FieldType::Longtext => ["'x'", "'x '"][value].to_owned(),
        FieldType::Email => ["'A@x.org'", "'b@X.org'"][value].to_owned(),
        FieldType::Phonenumber => ["'+16502530000'", "'+16502530001'"][value].to_owned(),
        FieldType::Integer | FieldType::Rating | FieldType::Relationship => (value + 1).to_string(),
        FieldType::Decimal => ["0.1", "-2.5"][value].to_owned(),
        FieldType::Date => ["'2026-03-04'", "'2026-03-05'"][value].to_owned(),
        FieldType::Datetime => format!("'2026-03-04T10:00:0{value}.000000Z'"),
        FieldType::Checkbox => ["1", "0"][value].to_owned(),
        FieldType::Yesnomaybe => option(["Yes", "Maybe"]),
        FieldType::Timezone => ["'UTC'", "'Europe/Berlin'"][value].to_owned(),
        FieldType::Uuid => format!("'{}'", UUIDS[value]),
        _ => option(["Alpha", "Beta"]),
    }
}

fn insert(world: &World, object: &Object, row: usize, record: &Record) {
    let archived = if record.archived { "9" } else { "NULL" };
    let table = format!("record_{}", object.name);
    world.execute(&format!(
        "INSERT INTO {table} (id, created, updated, archived) VALUES ({row}, 0, 0, {archived})"
    ));
    for (at, held) in record.held.iter().enumerate() {
        let field = object.field_named(NAMES[at]).unwrap();
        for value in held {
            let value = stored(field, *value);
            world.execute(&if field.is_many() {
                format!("INSERT INTO link_{} VALUES ({row}, {value})", field.key)
            } else {
                format!("UPDATE {table} SET {} = {value} WHERE id = {row}", field.name)
            });
        }
    }
}

const NAMES: [&str; FIELDS] = ["a", "b", "c"];

fn check(world: &World, related: &Object, name: &str, case: &Case) {
    let fields = (0..FIELDS).map(|at| designed(NAMES[at], case.kinds[at], related, case.is_many));
    let object = world.object(name, fields);
    let related = world.reload(related.id);
    for (at, record) in case.records.iter().enumerate() {
        insert(world, &object, at + 1, record);
    }
    let mut flow = Design::default();
    let fields = NAMES.iter().zip(case.kinds);
    let variables: Vec<_> = fields.map(|(name, kind)| flow.variable("s", name, data_type(kind))).collect();
    let by_id = flow.variable("s", "id", DataType::Uuid);
    let step = flow.step("s", &object);
    step.matching_rules = case
        .rules
        .iter()
        .enumerate()
        .map(|(order, rule)| MatchingRule {
            order: order as i64,
            no_match_action: rule.none,
            single_match_action: rule.single,
            multiple_match_action: rule.several,
            match_archive_action: rule.archived,
            ..match NAMES.get(rule.by) {
                Some(name) => matches(&object, name, variables[rule.by]),
                None => MatchingRule { is_match_by_kizen_id: true, ..matches_id(by_id) },
            }
        })
        .collect();
    step.field_mapping_rules =
        (0..FIELDS).map(|at| maps(&object, NAMES[at], variables[at], Conflict::OnlyUpdateBlank)).collect();
    let file = file(case, &object, &related);
    let expected = model(case, &object);
    let objects = [object, related];
    for is_dry in [true, false] {
        let rows = std::slice::from_ref(&file);
        let ran =
            if is_dry { world.dry_run(&flow, &objects, rows) } else { world.run(&flow, &objects, rows) };
        assert_eq!(ran.stop, None);
        let mut uploads = ran.uploads;
        uploads.sort_by_key(|row| row.row);
        let got: Vec<_> = uploads
            .into_iter()
            .map(|row| (row.outcome, row.record, row.errors.into_iter().next().map(|first| first.message)))
            .collect();
        for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let blank = got.0 == Outcome::Rejected && got.2.as_ref().is_some_and(|m| m.contains("is blank"));
            let got = if blank { (got.0, got.1, None) } else { got.clone() };
            assert_eq!(&got, expected, "row {}, dry: {is_dry}, {case:#?}", at + 1);
        }
        assert_eq!(got.len(), expected.len());
    }
}

fn file(case: &Case, object: &Object, related: &Object) -> Vec<Row> {
    let row = |(at, (values, record)): (usize, &([Brought; FIELDS], Option<i64>))| {
        let mut cells: Vec<Cell> = values
            .iter()
            .zip(case.kinds)
            .map(|(value, kind)| Ok(value.map_or(Value::Null, |(v, w)| brought(kind, related, v, w))))
            .collect();
        cells.push(Ok(record.map_or(Value::Null, |row| id(object, row))));
        Row { row: at as u64 + 1, line: None, source: None, values: cells, warnings: Vec::new() }
    };
    case.rows.iter().enumerate().map(row).collect()
}

/// What becomes of a row: outcome, record, and why it was skipped.
type Fate = (Outcome, Option<i64>, Option<String>);

/// What becomes of each row, by reading everything.
fn model(case: &Case, object: &Object) -> Vec<Fate> {
    let mut records = case.records.clone();
    let named = |record: usize| RecordId::of(object.id, record as i64 + 1).to_string();
    case.rows.iter().map(|(values, id)| model_row(&mut records, case, values, *id, &named)).collect()
}

fn model_row(
    records: &mut Vec<Record>,
    case: &Case,
    row: &[Brought; FIELDS],
    id: Option<i64>,
    named: &dyn Fn(usize) -> String,
) -> Fate {
    let skipped = |reason: String| (Outcome::Skipped, None, Some(reason));
    let mut candidates: Vec<usize> = (0..records.len()).collect();
    let mut tried = false;
    for rule in &case.rules {
        let is_blank = row.get(rule.by).map_or(id.is_none(), Option::is_none);
        tried |= !is_blank;
        let matches = |record: usize| match row.get(rule.by) {
            Some(value) => value.is_some_and(|(value, _)| records[record].held[rule.by].contains(&value)),
            None => id == Some(record as i64 + 1),
        };
        let hits: Vec<usize> = candidates.iter().copied().filter(|record| matches(*record)).collect();
        let live: Vec<usize> = hits.iter().copied().filter(|record| !records[*record].archived).collect();
        let hits = if live.is_empty() { hits } else { live };
        let everything = (0..records.len()).collect();
        match hits[..] {
            [] => match rule.none {
                NoMatch::CreateNew => break,
                NoMatch::NextRuleIgnorePrevious => candidates = everything,
                NoMatch::DoNotUpload => return skipped("no record matches".to_owned()),
            },
            [hit] if !records[hit].archived => match rule.single {
                SingleMatch::UpdateCurrent => return update(records, hit, row, true),
                SingleMatch::NextRule => candidates = hits,
                SingleMatch::NextRuleIgnorePrevious => candidates = everything,
                SingleMatch::DoNotUpload => return skipped(format!("a record matches: {}", named(hit))),
            },
            [hit] => match rule.archived {
                ArchiveMatch::CreateNew => break,
                ArchiveMatch::UnarchiveAndUpdate => return update(records, hit, row, true),
                ArchiveMatch::UnarchiveOnly => return update(records, hit, row, false),
                ArchiveMatch::NextRule => candidates = hits,
                ArchiveMatch::NextRuleIgnorePrevious => candidates = everything,
                ArchiveMatch::DoNotUpload => {
                    return skipped(format!("only an archived record matches: {}", named(hit)));
                }
            },
            _ => match rule.several {
                MultipleMatch::DoNotUpload => {
                    let mut ids: Vec<String> = hits.iter().take(5).map(|hit| named(*hit)).collect();
                    if hits.len() > 5 {
                        ids.push("…".to_owned());
                    }
                    return skipped(format!("several records match ({}): {}", hits.len(), ids.join(", ")));
                }
                MultipleMatch::NextRule => candidates = hits,
                MultipleMatch::NextRuleIgnorePrevious => candidates = everything,
            },
        }
    }
    if !tried {
        return (Outcome::Rejected, None, None);
    }
    let held = row.map(|value| value.map(|(value, _)| value).into_iter().collect());
    records.push(Record { held, archived: false });
    (Outcome::Created, Some(records.len() as i64), None)
}

fn update(records: &mut [Record], hit: usize, row: &[Brought; FIELDS], writes: bool) -> Fate {
    let before = records[hit].clone();
    records[hit].archived = false;
    for (held, brought) in records[hit].held.iter_mut().zip(row) {
        if writes && held.is_empty() {
            held.extend(brought.map(|(value, _)| value));
        }
    }
    let outcome = if records[hit] == before { Outcome::Unchanged } else { Outcome::Updated };
    (outcome, Some(hit as i64 + 1), None)
}
