//! The records are those of loading everything, whatever the diff check left out: random sequences of files, some of
//! whose runs are cancelled or fail on the way.

use std::{cell::Cell, path::Path};

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use smartconnector::{
    cancel::CancelToken,
    connector::flow::{Conflict, LoadStep, MatchingRule, NoMatch},
    error::Error,
    execution::State,
    id::{ConnectorId, VariableId},
    load::{
        Row, StepPlan,
        diff::{Hashes, Next, Shape, Verdict},
    },
    object::{FieldType, Object},
    store::{self, baseline},
    variable::DataType,
};

use crate::support::{Design, World, field, maps, matches, rows, t, unique};

/// Two match values and two others; `!` as the last one is rejected, being no option.
type Line = [&'static str; 4];

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Whole,
    /// Cancelled after so many rows that were loaded.
    Cancelled(usize),
    /// Failed after so many.
    Failed(usize),
}

#[derive(Debug, Clone)]
struct Case {
    shape: usize,
    runs: Vec<(Vec<Line>, End, bool)>,
}

#[test]
fn the_records_are_those_of_loading_everything() {
    let mut runner = TestRunner::new(Config { cases: 120, failure_persistence: None, ..Config::default() });
    let (mut with, without) = (World::new(), World::new());
    // It stops after any row.
    with.settings.batch_rows = 1;
    let (number, left_out) = (Cell::new(0), Cell::new(0));
    runner
        .run(&cases(), |case| {
            number.set(number.get() + 1);
            let sides = [&with, &without].map(|world| Side::new(world, number.get(), case.shape));
            left_out.set(left_out.get() + check(&sides, &case));
            Ok(())
        })
        .unwrap();
    let left_out = left_out.get();
    assert!(left_out > 25, "the diff check left out {left_out} rows: it was hardly tried");
}

fn cases() -> impl Strategy<Value = Case> {
    let line = (select(vec!["a", "b", "c", "d", "-"]), select(vec!["x", "y", "z", "-"]))
        .prop_flat_map(|(a, b)| (Just(a), Just(b), select(vec!["1", "2", "-"]), select(vec!["1", "2", "!"])))
        .prop_map(|(a, b, c, d)| [a, b, c, d]);
    let end = prop_oneof![
        6 => Just(End::Whole),
        1 => (0..4_usize).prop_map(End::Cancelled),
        1 => (0..4_usize).prop_map(End::Failed),
    ];
    // The next file is the last one with some lines changed.
    let edits = prop::collection::vec((any::<prop::sample::Index>(), line.clone(), 0..4_u8), 0..3);
    let runs = prop::collection::vec((edits, end, prop::bool::weighted(0.15)), 2..7);
    // Of the flows with two rules nothing is left out: they are tried, and seldom.
    let shape = select(vec![0, 0, 0, 2, 2, 2, 1, 3]);
    (shape, prop::collection::vec(line, 1..7), runs).prop_map(|(shape, first, runs)| {
        let mut file = first;
        let runs = runs.into_iter().map(|(edits, end, is_off)| {
            for (at, line, what) in edits {
                match what {
                    0 => file.insert(at.index(file.len() + 1), line),
                    1 if file.len() > 1 => drop(file.remove(at.index(file.len()))),
                    2 => {
                        let n = at.index(file.len());
                        file[n][2..].copy_from_slice(&line[2..]);
                    }
                    _ => {
                        let n = at.index(file.len());
                        file.rotate_left(n);
                    }
                }
            }
            (file.clone(), end, is_off)
        });
        Case { shape, runs: runs.collect() }
    })
}

/// One connector with objects of its own.
struct Side<'w> {
    world: &'w World,
    flow: Design,
    objects: Vec<Object>,
    connector: ConnectorId,
}

impl<'w> Side<'w> {
    /// 0: one rule. 1: two rules, the second over all records. 2: two steps for two objects. 3: two rules by fields
    /// that keep what they have.
    fn new(world: &'w World, number: usize, shape: usize) -> Self {
        let thing = world.object(
            &format!("thing_{number}"),
            ["a", "b"].map(|name| unique(name, FieldType::Text)).into_iter().chain([
                field("c", FieldType::Text),
                smartconnector::object::design::NewField {
                    options: ["1", "2"].map(option).into(),
                    ..field("d", FieldType::Dropdown)
                },
            ]),
        );
        let other = world
            .object(&format!("other_{number}"), [unique("b", FieldType::Text), field("c", FieldType::Text)]);
        let mut flow = Design::default();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| flow.variable("s", name, DataType::String));
        let step = flow.step("s", &thing);
        step.matching_rules = vec![matches(&thing, "a", a)];
        if matches!(shape, 1 | 3) {
            step.matching_rules[0].no_match_action = NoMatch::NextRuleIgnorePrevious;
            step.matching_rules.push(MatchingRule { order: 1, ..matches(&thing, "b", b) });
        }
        let map = |step: &mut LoadStep, object: &Object, name: &str, variable: VariableId, how| {
            step.field_mapping_rules.push(maps(object, name, variable, how));
        };
        let kept = if shape == 3 { Conflict::OnlyUpdateBlank } else { Conflict::Overwrite };
        map(step, &thing, "a", a, kept);
        if matches!(shape, 1 | 3) {
            map(step, &thing, "b", b, kept);
        }
        map(step, &thing, "c", c, Conflict::Overwrite);
        map(step, &thing, "d", d, Conflict::OverwriteExceptNull);
        if shape == 2 {
            let step = flow.step("s", &other);
            step.matching_rules = vec![matches(&other, "b", b)];
            map(step, &other, "b", b, Conflict::Overwrite);
            map(step, &other, "c", c, Conflict::Overwrite);
        }
        Self { world, flow, objects: vec![thing, other], connector: ConnectorId::new() }
    }

    /// Loads a file as the runner does. Answers how many rows were left out.
    fn run(&self, file: &[Row], end: End, compares: bool, is_on: bool) -> u64 {
        let plans = self.world.plans(&self.flow, &self.objects).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let cancel = CancelToken::new();
        let (mut hashes, verdict, baselines) = self.compare(&plans, file, dir.path(), compares);
        let unchanged = |row: &&Row| !verdict.scopes.iter().any(|scope| scope.unchanged.contains(row.row));
        let loaded: Vec<Row> = file.iter().filter(unchanged).cloned().collect();
        let (total, left_out) = (file.len() as u64, (file.len() - loaded.len()) as u64);
        let (_, mut load) = self.world.begin_of(self.connector, cancel.clone());
        if is_on {
            load.leave_baseline();
        }
        let mut at = 0;
        for (n, plan) in plans.iter().enumerate() {
            let chunks = self.arranged(plan, &loaded).into_iter().map(|row| {
                at += 1;
                match end {
                    End::Cancelled(stop) if at > stop => cancel.cancel(),
                    End::Failed(stop) if at > stop => return Err(Error::invalid("failed")),
                    _ => {}
                }
                Ok(vec![row])
            });
            let done =
                load.step_with_unchanged(plan, (total, left_out), n + 1 == plans.len(), chunks, |_| {});
            if done.is_err() {
                let state = if cancel.is_cancelled() { State::Cancelled } else { State::Failed };
                load.end(state, None).unwrap();
                return left_out;
            }
        }
        let is_compared = !verdict.scopes.is_empty();
        if is_on {
            if !is_compared {
                hash(&mut hashes, file);
            }
            let all = is_compared && left_out == total && baselines[0].rows == total;
            let stay = if all { baselines } else { Vec::new() };
            let next = Next { hashes, fingerprint: vec![1], stay, is_compared };
            load.end_with_baseline(State::Success, next, |error| panic!("{error}")).unwrap().1.make();
        } else {
            load.end(State::Success, None).unwrap();
        }
        left_out
    }

    fn compare(
        &self,
        plans: &[StepPlan],
        file: &[Row],
        dir: &Path,
        compares: bool,
    ) -> (Hashes, Verdict, Vec<baseline::Baseline>) {
        let variables: Vec<VariableId> = self.flow.variables.iter().map(|variable| variable.id).collect();
        let shape = Shape { scope: "s", rows: file.len() as u64, variables: &variables };
        let mut hashes = Hashes::new(dir, plans, &[shape], CancelToken::new());
        let baselines = self.world.store.records.read(|conn| baseline::valid(conn, self.connector)).unwrap();
        if !compares || baselines.is_empty() {
            return (hashes, Verdict::default(), baselines);
        }
        hash(&mut hashes, file);
        let verdict = hashes.compare(&self.world.store, &baselines).unwrap();
        (hashes, verdict, baselines)
    }

    fn arranged(&self, plan: &StepPlan, file: &[Row]) -> Vec<Row> {
        crate::support::arranged(&self.flow, plan, file)
    }

    fn records(&self) -> Vec<String> {
        let [thing, other] = &self.objects[..] else { panic!("two objects") };
        let option = "(SELECT name FROM field_option WHERE key = d)";
        let mut all =
            self.world.sql(&format!("SELECT a, b, c, {option} FROM record_{} ORDER BY 1, 2", thing.name));
        all.extend(self.world.sql(&format!("SELECT b, c FROM record_{} ORDER BY 1", other.name)));
        all
    }
}

fn hash(hashes: &mut Hashes, file: &[Row]) {
    for row in file {
        hashes.add("s", row.row, &row.values).unwrap();
    }
    hashes.complete("s");
}

fn option(name: &str) -> smartconnector::object::design::NewOption {
    smartconnector::object::design::NewOption { name: name.to_owned(), code: None }
}

/// Answers how many rows the diff check left out.
fn check([with, without]: &[Side<'_>; 2], case: &Case) -> u64 {
    let mut left_out = 0;
    for (lines, end, is_off) in &case.runs {
        let file = rows(lines.iter().map(|line| line.map(t)));
        let open = |side: &Side<'_>| side.world.store.records.read(store::run::open_runs).unwrap();
        left_out += with.run(&file, *end, !is_off, true);
        // Whoever stops at a row has loaded another share of the file by then. What both agree on is what the
        // next whole run leaves.
        if *end == End::Whole {
            without.run(&file, End::Whole, false, false);
            assert_eq!(with.records(), without.records(), "{case:#?}");
        } else {
            left_out += with.run(&file, End::Whole, true, true);
            without.run(&file, End::Whole, false, false);
            assert_eq!(with.records(), without.records(), "after a run that stopped: {case:#?}");
        }
        assert!(open(with).is_empty());
    }
    left_out
}
