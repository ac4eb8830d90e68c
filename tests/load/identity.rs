//! The counting identity on random flows: every row of every step is in exactly one count, a dry run counts
//! as the live run after it, says the same of the rows, and leaves no trace.

use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use smartconnector::{
    connector::flow::{ArchiveMatch, Conflict, MultipleMatch, NoMatch, SingleMatch},
    execution::{Counters, Outcome, RowStatus, outcome::Message},
    load::Row,
    object::{
        Cardinality, FieldType, Object,
        design::{NewField, NewOption},
    },
    store,
    variable::DataType,
};

use crate::support::{Design, Ran, World, counts, field, maps, matches, relation, t, unique};

const CASES: u32 = 1_000;
const SCOPES: [&str; 2] = ["first", "second"];
/// What the variables of a scope read; each fits the fields of its name.
const COLUMNS: [&str; 5] = ["name", "email", "tags", "level", "size"];
const RULED: [&str; 4] = ["name", "email", "tags", "size"];

#[derive(Debug, Clone)]
struct Case {
    /// Name, e-mail, size and whether it is archived.
    records: Vec<(usize, usize, usize, bool)>,
    steps: Vec<Step>,
    /// Per scope, the rows: a choice of value per column, and whether something was odd.
    rows: [Vec<([usize; 5], bool)>; 2],
    batch_rows: usize,
    max_row_outcomes: u64,
}

#[derive(Debug, Clone)]
struct Step {
    scope: usize,
    is_order: bool,
    /// Field and actions.
    rules: Vec<(usize, NoMatch, SingleMatch, MultipleMatch, ArchiveMatch)>,
    /// Per field whether it is mapped, and how.
    mapped: [bool; 5],
    conflicts: [Conflict; 5],
    creates_options: bool,
    /// The record of the last step before it, of this scope.
    uses_exposed: bool,
}

#[test]
fn every_row_is_counted_once_dry_and_live() {
    // Each thread has its own store and its own half of the cases.
    let halves = std::thread::scope(|threads| {
        [1, 2].map(|seed| threads.spawn(move || half(seed))).map(|half| half.join().unwrap())
    });
    let mut seen = Counters::default();
    for totals in &halves {
        seen.add(totals);
    }
    let Counters { created, updated, unchanged, skipped, errors, warnings, .. } = seen;
    for count in [created, updated, unchanged, skipped, errors, warnings] {
        assert!(count > 150, "the cases come everywhere: {seen:?}");
    }
}

fn half(seed: u8) -> Counters {
    let config = Config { failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(config, random);
    let mut shop = Shop::new();
    let mut seen = Counters::default();
    for n in 0..CASES / 2 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        seen.add(&shop.check(&case, n % 20 == 0));
    }
    seen
}

fn cases() -> impl Strategy<Value = Case> {
    let conflict =
        || select(vec![Conflict::Overwrite, Conflict::OnlyUpdateBlank, Conflict::OverwriteExceptNull]);
    let rule = (
        0..RULED.len(),
        select(NoMatch::ALL),
        select(SingleMatch::ALL),
        select(MultipleMatch::ALL),
        select(ArchiveMatch::ALL),
    );
    let step = (
        0..2_usize,
        any::<bool>(),
        prop::collection::vec(rule, 1..4),
        [any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()],
        [conflict(), conflict(), conflict(), conflict(), conflict()],
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(scope, is_order, mut rules, mapped, conflicts, creates_options, uses_exposed)| {
            last_is_last(&mut rules);
            Step { scope, is_order, rules, mapped, conflicts, creates_options, uses_exposed }
        });
    let row = ([0..8_usize, 0..8_usize, 0..8_usize, 0..8_usize, 0..8_usize], prop::bool::weighted(0.2));
    let rows = || prop::collection::vec(row.clone(), 0..10);
    (
        prop::collection::vec((0..8_usize, 0..8_usize, 0..8_usize, any::<bool>()), 0..6),
        prop::collection::vec(step, 1..5),
        [rows(), rows()],
        1..6_usize,
        prop_oneof![Just(100_u64), 0..6_u64],
    )
        .prop_map(|(records, steps, rows, batch_rows, max_row_outcomes)| Case {
            records,
            steps,
            rows,
            batch_rows,
            max_row_outcomes,
        })
}

/// The last rule has no next one.
fn last_is_last(rules: &mut [(usize, NoMatch, SingleMatch, MultipleMatch, ArchiveMatch)]) {
    let Some((_, none, single, several, archived)) = rules.last_mut() else { return };
    if *none == NoMatch::NextRuleIgnorePrevious {
        *none = NoMatch::CreateNew;
    }
    if matches!(single, SingleMatch::NextRule | SingleMatch::NextRuleIgnorePrevious) {
        *single = SingleMatch::UpdateCurrent;
    }
    *several = MultipleMatch::DoNotUpload;
    if matches!(archived, ArchiveMatch::NextRule | ArchiveMatch::NextRuleIgnorePrevious) {
        *archived = ArchiveMatch::UnarchiveAndUpdate;
    }
}

struct Shop {
    world: World,
    objects: [Object; 2],
}

impl Shop {
    fn new() -> Self {
        let world = World::new();
        // Nothing here is about a power cut.
        world.store.records.writer().execute_batch("PRAGMA synchronous=OFF").unwrap();
        world.store.control.writer().execute_batch("PRAGMA synchronous=OFF").unwrap();
        let level = || NewField {
            options: vec![
                NewOption { name: "Low".into(), code: None },
                NewOption { name: "High".into(), code: None },
            ],
            ..field("level", FieldType::Dropdown)
        };
        let fields = || {
            [
                unique("email", FieldType::Email),
                field("tags", FieldType::Dynamictags),
                level(),
                field("size", FieldType::Integer),
            ]
        };
        let customer = world.object("customer", fields());
        let buyer = relation("buyer", &customer, Cardinality::One);
        let order = world.object("order", fields().into_iter().chain([buyer]));
        Self { objects: [world.reload(customer.id), world.reload(order.id)], world }
    }

    /// Loads the case dry and live into the records it says; answers the live run's totals.
    fn check(&mut self, case: &Case, compares_everything: bool) -> Counters {
        self.reset(case);
        let flow = self.flow(case);
        let rows = case.rows.each_ref().map(|rows| self::rows(rows));
        let files: Vec<Vec<Row>> = case.steps.iter().map(|step| rows[step.scope].clone()).collect();
        self.world.settings.batch_rows = case.batch_rows;
        self.world.settings.max_row_outcomes = case.max_row_outcomes;

        let before = self.content(compares_everything);
        let dry = self.world.dry_run(&flow, &self.objects, &files);
        assert_eq!(self.content(compares_everything), before, "a dry run writes nothing: {case:#?}");
        let live = self.world.run(&flow, &self.objects, &files);

        assert_eq!((&dry.stop, &live.stop), (&None, &None), "{case:#?}");
        assert_eq!(dry.counters, live.counters, "{case:#?}");
        let mut totals = Counters::default();
        for (counters, file) in live.counters.iter().zip(&files) {
            counts(*counters);
            assert_eq!((counters.rows, counters.not_processed), (file.len() as u64, 0));
            totals.add(counters);
        }
        counts(totals);
        let ledger = self.world.store.records.read(|c| store::run::read(c, live.execution)).unwrap().unwrap();
        assert_eq!(ledger.totals(), totals, "{case:#?}");
        let count = |table: &str| self.world.sql(&format!("SELECT count(*) FROM record_{table}"))[0].clone();
        let records: u64 = ["customer", "order"].map(|name| count(name).parse::<u64>().unwrap()).iter().sum();
        assert_eq!(records, totals.created + 2 * case.records.len() as u64, "{case:#?}");

        assert_eq!(fates(&dry), fates(&live), "{case:#?}");
        check_kept(case, &dry, &live, &totals);
        totals
    }

    fn reset(&self, case: &Case) {
        use std::fmt::Write as _;
        let mut sql = String::new();
        // Orders refer to customers.
        for object in self.objects.iter().rev() {
            let tags = object.field_named("tags").unwrap().key;
            let _ = write!(sql, "DELETE FROM link_{tags}; DELETE FROM record_{};", object.name);
            let _ = write!(sql, "DELETE FROM field_option WHERE field_key = {tags};");
            let level = object.field_named("level").unwrap().key;
            let _ = write!(
                sql,
                "DELETE FROM field_option WHERE field_key = {level} AND name NOT IN ('Low', 'High');"
            );
            for (id, (name, email, size, archived)) in case.records.iter().enumerate() {
                let text = |value: Option<&str>| value.map_or("NULL".to_owned(), |v| format!("'{v}'"));
                let email = EMAILS[*email].filter(|mine| {
                    // Unique among live ones.
                    let same =
                        |other: usize| EMAILS[other].is_some_and(|other| other.eq_ignore_ascii_case(mine));
                    !case.records[..id].iter().any(|other| same(other.1))
                });
                let _ = write!(
                    sql,
                    "INSERT INTO record_{} (id, created, updated, archived, name, email, size)
                     VALUES ({}, 0, 0, {}, {}, {}, {});",
                    object.name,
                    id + 1,
                    if *archived { "9" } else { "NULL" },
                    text(NAMES[*name].filter(|name| name.len() < 10)),
                    text(email),
                    text(SIZES[*size].filter(|size| size.len() < 10 && !size.contains('.'))),
                );
            }
        }
        sql.push_str("DELETE FROM run_step; DELETE FROM run; DELETE FROM row_outcome;");
        self.world.execute(&sql);
        let delete = |tx: &store::Transaction<'_>| Ok(tx.execute_batch("DELETE FROM row_outcome")?);
        self.world.store.control.write(delete).unwrap();
    }

    /// All rows of the tables that a load may write, or of every table.
    fn content(&self, of_every_table: bool) -> Vec<String> {
        let which = if of_every_table {
            "type = 'table'"
        } else {
            "type = 'table' AND (name LIKE 'record\\_%' ESCAPE '\\' OR name LIKE 'link\\_%' ESCAPE '\\'
             OR name IN ('field_option', 'run', 'run_step', 'row_outcome'))"
        };
        let tables = self.world.sql(&format!("SELECT name FROM sqlite_schema WHERE {which} ORDER BY name"));
        tables
            .iter()
            .flat_map(|table| {
                let mut rows = vec![table.clone()];
                rows.extend(self.world.sql(&format!("SELECT * FROM \"{table}\" ORDER BY 1, 2")));
                rows
            })
            .collect()
    }

    fn flow(&self, case: &Case) -> Design {
        let mut flow = Design::default();
        let variables = SCOPES.map(|scope| {
            COLUMNS.map(|column| {
                let data_type = match column {
                    "email" => DataType::Email,
                    "size" => DataType::Number,
                    _ => DataType::String,
                };
                flow.variable(scope, &format!("{scope}_{column}"), data_type)
            })
        });
        let mut exposed = [None; 2];
        for step in &case.steps {
            let object = &self.objects[usize::from(step.is_order)];
            let variables = variables[step.scope];
            let new = flow.step(SCOPES[step.scope], object);
            new.matching_rules = step
                .rules
                .iter()
                .enumerate()
                .map(|(order, (at, none, single, several, archived))| {
                    let column = COLUMNS.iter().position(|column| *column == RULED[*at]).unwrap();
                    let mut rule = matches(object, RULED[*at], variables[column]);
                    rule.order = order as i64;
                    rule.no_match_action = *none;
                    rule.single_match_action = *single;
                    rule.multiple_match_action = *several;
                    rule.match_archive_action = *archived;
                    rule
                })
                .collect();
            for (at, column) in COLUMNS.iter().enumerate() {
                // At least the name.
                if step.mapped[at] || at == 0 {
                    let mut rule = maps(object, column, variables[at], step.conflicts[at]);
                    rule.can_create_field_options = step.creates_options && *column == "level";
                    if *column == "tags" && step.conflicts[at] == Conflict::OverwriteExceptNull {
                        rule.conflict_resolution = Conflict::OnlyAddOptions;
                    }
                    new.field_mapping_rules.push(rule);
                }
            }
            if let (true, true, Some(exposed)) = (step.is_order, step.uses_exposed, exposed[step.scope]) {
                new.field_mapping_rules.push(maps(object, "buyer", exposed, step.conflicts[0]));
            }
            if !step.is_order {
                exposed[step.scope] = new.execution_variable.as_ref().map(|variable| variable.id);
            }
        }
        flow
    }
}

/// What is kept of rows: as many as there is room for, the same of both runs where there is enough.
fn check_kept(case: &Case, dry: &Ran, live: &Ran, totals: &Counters) {
    for ran in [dry, live] {
        assert!(ran.outcomes.len() as u64 <= case.max_row_outcomes, "{case:#?}");
        assert!(ran.cut == 0 || ran.outcomes.len() as u64 == case.max_row_outcomes, "{case:#?}");
    }
    let kept = |ran: &Ran, status| ran.outcomes.iter().filter(|row| row.status == status).count() as u64;
    let said = [RowStatus::Error, RowStatus::Skipped, RowStatus::Warning];
    let [errors, skipped, warnings] = said.map(|status| kept(live, status));
    let all = [totals.errors, totals.skipped, totals.warnings];
    assert_eq!(errors + skipped + warnings + live.cut, all.iter().sum::<u64>(), "{case:#?}");
    // Previews never take the place of rows that something is said about.
    assert_eq!(said.map(|status| kept(dry, status)), [errors, skipped, warnings], "{case:#?}");
    let told = |ran: &Ran| -> Vec<String> {
        let texts = ran.messages().into_iter();
        texts.filter(|text| !text.contains(" updated:")).collect()
    };
    assert_eq!(told(dry), told(live), "{case:#?}");
    assert!(live.outcomes.iter().all(|row| row.changes.is_empty()), "{case:#?}");
}

type Fate = (u64, Outcome, Option<i64>, Vec<Option<String>>);

/// What became of each row in each step, of which record, and the mapped values.
fn fates(ran: &Ran) -> Vec<Fate> {
    ran.uploads.iter().map(|row| (row.row, row.outcome, row.record, row.cells.clone())).collect()
}

const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NAMES: [Option<&str>; 8] =
    [None, Some("x"), Some("y"), Some("z"), Some("X"), Some("x"), Some(LONG), Some("")];
const EMAILS: [Option<&str>; 8] = [
    None,
    Some("a@x.org"),
    Some("b@x.org"),
    Some("c@x.org"),
    Some("A@x.org"),
    Some("d@x.org"),
    Some("e@x.org"),
    None,
];
const TAGS: [Option<&str>; 8] =
    [None, Some("new"), Some("old"), Some("New"), None, Some("other"), Some("old"), None];
const LEVELS: [Option<&str>; 8] =
    [None, Some("low"), Some("High"), Some("none such"), Some("HIGH"), None, Some("low"), None];
const SIZES: [Option<&str>; 8] =
    [None, Some("1"), Some("2"), Some("1.5"), Some("2"), Some("3"), Some("1"), None];
/// The choice of which a cell is a fault.
const FAULT: usize = 7;

fn rows(rows: &[([usize; 5], bool)]) -> Vec<Row> {
    let message = |code: &str| Message {
        message: format!("this is {code}"),
        code: code.to_owned(),
        variable: None,
        column: None,
        field: None,
        value: Some("as found".to_owned()),
        expected: None,
    };
    rows.iter()
        .zip(1..)
        .map(|((choices, is_odd), n)| Row {
            row: n,
            line: Some(n as i64 + 1),
            source: None,
            values: choices
                .iter()
                .zip([NAMES, EMAILS, TAGS, LEVELS, SIZES])
                .map(|(choice, values)| match values[*choice] {
                    // A blank e-mail address is the fault: other columns must not all be faulty.
                    None if *choice == FAULT && values == EMAILS => Err(Box::new(message("faulty"))),
                    Some(number) if values == SIZES => Ok(crate::support::n(number)),
                    text => Ok(text.map_or(t("-"), t)),
                })
                .collect(),
            warnings: if *is_odd { vec![message("odd")] } else { Vec::new() },
        })
        .collect()
}
