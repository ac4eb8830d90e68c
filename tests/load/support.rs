//! A store with objects, flows that are written in a line, and runs.

use std::path::PathBuf;

use smartconnector::{
    cancel::CancelToken,
    clock::Clock,
    connector::{
        flow::{Conflict, LoadStep, MappingRule, MatchingRule, StepType},
        rules::Flow,
    },
    error::Result,
    execution::{Counters, RowOutcome, State},
    id::{ConnectorId, ExecutionId, LoadStepId, ObjectId, RecordId, RuleId, VariableId},
    load::{Cell, Load, Members, Row, Settings, StepPlan, Stop},
    object::{
        Cardinality, FieldType, Object,
        design::{NewField, NewObject, NewRelation},
    },
    store::{self, Store, spool::UploadRow},
    variable::{DataType, Locale, Value, Variable},
};

/// A store in a folder of its own.
pub struct World {
    pub store: Store,
    pub dir: tempfile::TempDir,
    pub members: Members,
    pub settings: Settings,
    pub cancel: CancelToken,
}

/// How a run went.
#[derive(Debug)]
pub struct Ran {
    pub execution: ExecutionId,
    pub counters: Vec<Counters>,
    pub stop: Option<Stop>,
    pub outcomes: Vec<RowOutcome>,
    pub uploads: Vec<UploadRow>,
    pub cut: u64,
}

impl Ran {
    /// The counters of the only step.
    pub fn only(&self) -> Counters {
        assert_eq!(self.stop, None);
        assert_eq!(self.counters.len(), 1);
        self.counters[0]
    }

    /// The messages kept, one text per row.
    pub fn messages(&self) -> Vec<String> {
        self.outcomes
            .iter()
            .map(|o| {
                let texts: Vec<_> = o.messages.iter().map(|m| m.message.as_str()).collect();
                format!("{} {}: {}", o.row, o.status.as_str(), texts.join("; "))
            })
            .collect()
    }
}

/// created, updated, unchanged, skipped, errors; checks the identity on the way.
pub fn counts(c: Counters) -> [u64; 5] {
    assert_eq!(
        c.rows,
        c.created + c.updated + c.unchanged + c.skipped + c.errors + c.not_processed,
        "the counting identity: {c:?}"
    );
    [c.created, c.updated, c.unchanged, c.skipped, c.errors]
}

impl World {
    pub fn new() -> Self {
        let _ = env_logger::builder().is_test(true).try_init();
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        Self {
            store,
            dir,
            members: Members::default(),
            settings: Settings { batch_rows: 50_000, max_row_outcomes: 100_000, max_report_rows: 1_000 },
            cancel: CancelToken::new(),
        }
    }

    /// An object with these fields besides its own.
    pub fn object(&self, name: &str, fields: impl IntoIterator<Item = NewField>) -> Object {
        let now = self.store.clock.now();
        self.store
            .records
            .write(|tx| {
                let new = NewObject {
                    name: Some(name.to_owned()),
                    object_name: format!("{name} s"),
                    entity_name: name.to_owned(),
                };
                let object = store::object::create(tx, &new, now)?;
                for field in fields {
                    store::field::create(tx, &store::object::load(tx, object.id)?, &field)?;
                }
                store::object::load(tx, object.id)
            })
            .unwrap()
    }

    pub fn reload(&self, id: ObjectId) -> Object {
        self.store.records.read(|c| store::object::load(c, id)).unwrap()
    }

    /// All rows of a query as text, cells joined with `|`, NULL as `-`.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        self.store
            .records
            .read(|c| {
                let mut statement = c.prepare(sql)?;
                let n = statement.column_count();
                let mut rows = statement.query([])?;
                let mut lines = Vec::new();
                while let Some(row) = rows.next()? {
                    let cells: Vec<String> = (0..n)
                        .map(|i| match row.get_ref(i).unwrap() {
                            rusqlite::types::ValueRef::Null => "-".to_owned(),
                            rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                            rusqlite::types::ValueRef::Real(n) => n.to_string(),
                            rusqlite::types::ValueRef::Text(t) => String::from_utf8_lossy(t).into_owned(),
                            rusqlite::types::ValueRef::Blob(_) => "blob".to_owned(),
                        })
                        .collect();
                    lines.push(cells.join("|"));
                }
                Ok(lines)
            })
            .unwrap()
    }

    pub fn execute(&self, sql: &str) {
        self.store
            .records
            .write(|tx| {
                tx.execute_batch(sql)?;
                Ok(())
            })
            .unwrap();
    }

    pub fn plans(&self, flow: &Design, objects: &[Object]) -> Result<Vec<StepPlan>> {
        let flow = Flow { steps: &flow.steps, variables: &flow.variables, objects };
        (0..flow.steps.len()).map(|n| StepPlan::new(&flow, n, &self.members, Locale::default())).collect()
    }

    pub fn run(&self, flow: &Design, objects: &[Object], rows: &[Vec<Row>]) -> Ran {
        self.load(flow, objects, rows, false)
    }

    pub fn dry_run(&self, flow: &Design, objects: &[Object], rows: &[Vec<Row>]) -> Ran {
        self.load(flow, objects, rows, true)
    }

    fn load(&self, flow: &Design, objects: &[Object], rows: &[Vec<Row>], is_dry: bool) -> Ran {
        let plans = self.plans(flow, objects).unwrap();
        let (execution, mut load) = if is_dry { self.begin_dry(&plans) } else { self.begin() };
        let mut counters = Vec::new();
        let mut stop = None;
        for (n, plan) in plans.iter().enumerate() {
            let chunks = rows[n].chunks(3).map(|chunk| Ok(arranged(flow, plan, chunk)));
            let total = rows[n].len() as u64;
            match load.step(plan, total, n + 1 == plans.len(), chunks, |_| {}) {
                Ok(done) => counters.push(done),
                Err(why) => {
                    stop = Some(why);
                    counters.push(load.committed());
                    break;
                }
            }
        }
        let cut = load.outcomes_cut();
        let end = match &stop {
            None => State::Success,
            Some(Stop::Cancelled) => State::Cancelled,
            Some(Stop::Failed(_)) => State::Failed,
        };
        let spool = load.end(end, None).unwrap();
        let mut uploads = Vec::new();
        for plan in &plans {
            spool
                .uploads(plan.order(), 1_000, |row| {
                    uploads.push(row);
                    Ok(())
                })
                .unwrap();
        }
        let database = if is_dry { &self.store.control } else { &self.store.records };
        let outcomes = database.read(|c| store::outcome::page(c, execution, None, 0, 10_000)).unwrap();
        let outcomes = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        Ran { execution, counters, stop, outcomes, uploads, cut }
    }

    /// A run that its test drives.
    pub fn begin(&self) -> (ExecutionId, Load<'_>) {
        self.begin_of(ConnectorId::new(), self.cancel.clone())
    }

    /// One of this connector, which this token cancels.
    pub fn begin_of(&self, connector: ConnectorId, cancel: CancelToken) -> (ExecutionId, Load<'_>) {
        let execution = ExecutionId::new();
        let load = Load::live(&self.store, execution, connector, self.settings, cancel).unwrap();
        (execution, load)
    }

    /// A dry one.
    pub fn begin_dry(&self, plans: &[StepPlan]) -> (ExecutionId, Load<'_>) {
        let (execution, connector) = (ExecutionId::new(), ConnectorId::new());
        let (dir, cancel) = (self.scratch(execution), self.cancel.clone());
        let load = Load::dry(&self.store, &dir, execution, connector, self.settings, cancel, plans).unwrap();
        (execution, load)
    }

    fn scratch(&self, execution: ExecutionId) -> PathBuf {
        let dir = self.dir.path().join("scratch").join(execution.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }
}

/// Rows hold the values of their scope's variables as declared; a step wants those it uses.
pub fn arranged(flow: &Design, plan: &StepPlan, rows: &[Row]) -> Vec<Row> {
    let declared: Vec<VariableId> =
        flow.variables.iter().filter(|v| v.scope == plan.scope()).map(|v| v.id).collect();
    let place = |id: &VariableId| declared.iter().position(|known| known == id).unwrap();
    let places: Vec<usize> = plan.variables().iter().map(place).collect();
    rows.iter()
        .map(|row| Row { values: places.iter().map(|at| row.values[*at].clone()).collect(), ..row.clone() })
        .collect()
}

/// A flow under construction.
#[derive(Default, Clone)]
pub struct Design {
    pub variables: Vec<Variable>,
    pub steps: Vec<LoadStep>,
}

impl Design {
    /// A variable of a scope; its column has its name.
    pub fn variable(&mut self, scope: &str, name: &str, data_type: DataType) -> VariableId {
        self.variables.push(Variable::reading(name, data_type, scope, name));
        self.variables.last().unwrap().id
    }

    /// A step without rules.
    pub fn step(&mut self, scope: &str, object: &Object) -> &mut LoadStep {
        let order = self.steps.len() as i64 + 1;
        self.steps.push(LoadStep {
            id: LoadStepId::new(),
            custom_object: object.id,
            scope: scope.to_owned(),
            kind: StepType::CsvLoad,
            order,
            matching_rules: Vec::new(),
            field_mapping_rules: Vec::new(),
            execution_variable: Some(Variable::exposed(&format!("step_{order}_id"), scope)),
            automation_trigger_config: serde_json::Value::Null,
            newly_created_records_automations: serde_json::Value::Null,
            other_matches_records_automations: serde_json::Value::Null,
        });
        self.steps.last_mut().unwrap()
    }
}

/// A matching rule with the default actions.
pub fn matches(object: &Object, field: &str, variable: VariableId) -> MatchingRule {
    MatchingRule { field: Some(object.field_named(field).unwrap().id), ..matches_id(variable) }
}

/// A rule on the record's id (with a field to be set: without).
pub fn matches_id(variable: VariableId) -> MatchingRule {
    MatchingRule {
        id: RuleId::new(),
        order: 0,
        field: None,
        is_match_by_kizen_id: false,
        variable,
        no_match_action: smartconnector::connector::flow::NoMatch::default(),
        single_match_action: smartconnector::connector::flow::SingleMatch::default(),
        multiple_match_action: smartconnector::connector::flow::MultipleMatch::default(),
        match_archive_action: smartconnector::connector::flow::ArchiveMatch::default(),
    }
}

/// A mapping rule.
pub fn maps(object: &Object, field: &str, variable: VariableId, conflict: Conflict) -> MappingRule {
    MappingRule {
        id: RuleId::new(),
        field: object.field_named(field).unwrap().id,
        variables: vec![variable],
        can_create_field_options: false,
        display_order: 0,
        conflict_resolution: conflict,
        lookup_field: None,
    }
}

/// A field.
pub fn field(name: &str, field_type: FieldType) -> NewField {
    NewField::plain(name, name, field_type)
}

pub fn unique(name: &str, field_type: FieldType) -> NewField {
    NewField { is_unique: true, ..field(name, field_type) }
}

pub fn relation(name: &str, object: &Object, cardinality: Cardinality) -> NewField {
    NewField {
        relation: Some(NewRelation { object: object.id, cardinality }),
        ..field(name, FieldType::Relationship)
    }
}

/// Rows numbered from 1.
pub fn rows<const N: usize>(values: impl IntoIterator<Item = [Value; N]>) -> Vec<Row> {
    values
        .into_iter()
        .enumerate()
        .map(|(n, values)| Row {
            row: n as u64 + 1,
            line: Some(n as i64 + 2),
            source: None,
            values: values.into_iter().map(Cell::Ok).collect(),
            warnings: Vec::new(),
        })
        .collect()
}

/// A text; `-` is blank.
pub fn t(text: &str) -> Value {
    if text == "-" { Value::Null } else { Value::Text(text.to_owned()) }
}

/// A number.
pub fn n(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

/// The id of a record as a value.
pub fn id(object: &Object, row: i64) -> Value {
    Value::Uuid(RecordId::of(object.id, row).uuid())
}
