//! Matching against a model that reads all records for every rule: random rules, records and rows.

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use smartconnector::{
    connector::flow::{ArchiveMatch, Conflict, MatchingRule, MultipleMatch, NoMatch, SingleMatch},
    execution::Outcome,
    object::FieldType,
    variable::DataType,
};

use crate::support::{Design, World, field, maps, matches, rows, t};

const FIELDS: [&str; 3] = ["a", "b", "c"];

/// Values of the three fields (`-` is blank) and whether it is archived; its row is its position + 1.
type Record = ([&'static str; 3], bool);

#[derive(Debug, Clone)]
struct Case {
    records: Vec<Record>,
    /// Field and actions.
    rules: Vec<(usize, NoMatch, SingleMatch, MultipleMatch, ArchiveMatch)>,
    rows: Vec<[&'static str; 3]>,
}

#[test]
fn every_row_is_treated_as_the_model_says() {
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let world = World::new();
    runner
        .run(&cases(), |case| {
            check(&world, &format!("thing_{}", uuid::Uuid::new_v4().simple()), &case);
            Ok(())
        })
        .unwrap();
}

fn cases() -> impl Strategy<Value = Case> {
    let value = || select(vec!["x", "y", "-"]);
    let values = || [value(), value(), value()];
    let rule = (
        0..3_usize,
        select(NoMatch::ALL),
        select(SingleMatch::ALL),
        select(MultipleMatch::ALL),
        select(ArchiveMatch::ALL),
    );
    (
        prop::collection::vec((values(), any::<bool>()), 0..8),
        prop::collection::vec(rule, 1..4),
        prop::collection::vec(values(), 1..12),
    )
        .prop_map(|(records, mut rules, rows)| {
            // The last rule has no next one.
            if let Some((_, none, single, several, archived)) = rules.last_mut() {
                if *none == NoMatch::NextRuleIgnorePrevious {
                    *none = NoMatch::CreateNew;
                }
                if matches!(single, SingleMatch::NextRule | SingleMatch::NextRuleIgnorePrevious) {
                    *single = SingleMatch::UpdateCurrent;
                }
                *several = MultipleMatch::DoNotUpload;
                if matches!(archived, ArchiveMatch::NextRule | ArchiveMatch::NextRuleIgnorePrevious) {
                    *archived = ArchiveMatch::CreateNew;
                }
            }
            Case { records, rules, rows }
        })
}

fn check(world: &World, name: &str, case: &Case) {
    let object = world.object(name, FIELDS.map(|name| field(name, FieldType::Text)));
    let quoted = |value: &str| if value == "-" { "NULL".to_owned() } else { format!("'{value}'") };
    for ([a, b, c], archived) in &case.records {
        let archived = if *archived { "9" } else { "NULL" };
        let (a, b, c) = (quoted(a), quoted(b), quoted(c));
        world.execute(&format!(
            "INSERT INTO record_{name} (created, updated, archived, a, b, c) VALUES (0, 0, {archived}, {a}, {b}, {c})"
        ));
    }
    let mut flow = Design::default();
    let variables = FIELDS.map(|name| flow.variable("s", name, DataType::String));
    let step = flow.step("s", &object);
    step.matching_rules = case
        .rules
        .iter()
        .enumerate()
        .map(|(order, (at, none, single, several, archived))| MatchingRule {
            order: order as i64,
            no_match_action: *none,
            single_match_action: *single,
            multiple_match_action: *several,
            match_archive_action: *archived,
            ..matches(&object, FIELDS[*at], variables[*at])
        })
        .collect();
    // Nothing that a row writes changes what a later one finds but its being there or coming back.
    step.field_mapping_rules =
        (0..3).map(|at| maps(&object, FIELDS[at], variables[at], Conflict::OnlyUpdateBlank)).collect();
    let file = rows(case.rows.iter().map(|values| values.map(t)));
    let expected = model(case);
    for is_dry in [true, false] {
        let ran = if is_dry {
            world.dry_run(&flow, std::slice::from_ref(&object), std::slice::from_ref(&file))
        } else {
            world.run(&flow, std::slice::from_ref(&object), std::slice::from_ref(&file))
        };
        assert_eq!(ran.stop, None);
        let mut uploads = ran.uploads;
        uploads.sort_by_key(|row| row.row);
        let got: Vec<_> = uploads.iter().map(|row| (row.outcome, row.record)).collect();
        assert_eq!(got, expected, "dry: {is_dry}, {case:#?}");
    }
}

/// What becomes of each row, by reading everything.
fn model(case: &Case) -> Vec<(Outcome, Option<i64>)> {
    let mut records = case.records.clone();
    case.rows.iter().map(|row| model_row(&mut records, case, row)).collect()
}

fn model_row(records: &mut Vec<Record>, case: &Case, row: &[&'static str; 3]) -> (Outcome, Option<i64>) {
    let mut candidates: Vec<usize> = (0..records.len()).collect();
    let mut tried = false;
    for (at, none, single, several, archived) in &case.rules {
        let value = row[*at];
        tried |= value != "-";
        let hits: Vec<usize> =
            candidates.iter().copied().filter(|n| value != "-" && records[*n].0[*at] == value).collect();
        let live: Vec<usize> = hits.iter().copied().filter(|n| !records[*n].1).collect();
        let hits = if live.is_empty() { hits } else { live };
        let everything = (0..records.len()).collect();
        match hits[..] {
            [] => match none {
                NoMatch::CreateNew => break,
                NoMatch::NextRuleIgnorePrevious => candidates = everything,
                NoMatch::DoNotUpload => return (Outcome::Skipped, None),
            },
            [n] if !records[n].1 => match single {
                SingleMatch::UpdateCurrent => return update(records, n, row, true),
                SingleMatch::NextRule => candidates = hits,
                SingleMatch::NextRuleIgnorePrevious => candidates = everything,
                SingleMatch::DoNotUpload => return (Outcome::Skipped, None),
            },
            [n] => match archived {
                ArchiveMatch::CreateNew => break,
                ArchiveMatch::UnarchiveAndUpdate => return update(records, n, row, true),
                ArchiveMatch::UnarchiveOnly => return update(records, n, row, false),
                ArchiveMatch::NextRule => candidates = hits,
                ArchiveMatch::NextRuleIgnorePrevious => candidates = everything,
                ArchiveMatch::DoNotUpload => return (Outcome::Skipped, None),
            },
            _ => match several {
                MultipleMatch::DoNotUpload => return (Outcome::Skipped, None),
                MultipleMatch::NextRule => candidates = hits,
                MultipleMatch::NextRuleIgnorePrevious => candidates = everything,
            },
        }
    }
    if !tried {
        return (Outcome::Rejected, None);
    }
    records.push((*row, false));
    (Outcome::Created, Some(records.len() as i64))
}

fn update(records: &mut [Record], n: usize, row: &[&'static str; 3], writes: bool) -> (Outcome, Option<i64>) {
    let before = records[n];
    records[n].1 = false;
    for (held, brought) in records[n].0.iter_mut().zip(row) {
        if writes && *held == "-" {
            *held = brought;
        }
    }
    let outcome = if records[n] == before { Outcome::Unchanged } else { Outcome::Updated };
    (outcome, Some(n as i64 + 1))
}
