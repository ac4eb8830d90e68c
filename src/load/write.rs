//! One row, from its values to its record: take, check, find, decide, write.
//!
//! All checks precede the write, so a rejected row leaves nothing and its neighbours stay. Only a unique
//! index is asked by writing: it refuses before anything is written, and the row is rejected then.

use super::{
    Cell, Row,
    conflict::{Merge, merge},
    convert::{Converter, MatchValue, fault_message},
    fate::{Fate, blank_message, done, message, rejected, required_message, skipped, unmapped_message},
    look::look,
    matching::{Actions, Decision, decide},
    plan::{Key, StepPlan},
};
use crate::{
    error::{Error, Result},
    execution::{
        Outcome,
        outcome::{Change, Message},
    },
    id::RecordId,
    object::FieldValue,
    store::{
        Connection,
        lookup::Finder,
        upsert::{Stamp, Standing, Upsert},
    },
};

/// Loads rows while one batch lasts.
pub(super) struct Writer<'c> {
    plan: &'c StepPlan,
    is_dry: bool,
    actions: Vec<Actions>,
    matcher: Finder<'c>,
    converter: Converter<'c>,
    upsert: Upsert<'c>,
    /// Rows by which the object is matched are likely new: see [`Self::create_unasked`].
    expects_new: bool,
    // Of the row at hand, kept to be used again.
    values: Vec<FieldValue>,
    /// Of mappings whose value did not fit: their position, and what was found.
    unfit: Vec<(usize, Option<String>)>,
    keys: Vec<MatchValue>,
    standings: Vec<Standing>,
    written: Vec<usize>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        plan: &'c StepPlan,
        stamp: Stamp,
        is_dry: bool,
    ) -> Result<Self> {
        let known_by = plan.updates_by_unique().filter(|_| !is_dry);
        let fields = plan.fields().collect();
        let upsert = Upsert::new(connection, &plan.object, fields, known_by, stamp, is_dry)?;
        Ok(Self {
            plan,
            is_dry,
            actions: plan.rules.iter().map(|rule| rule.actions).collect(),
            matcher: Finder::new(connection, &plan.object, plan.terms(), is_dry)?,
            converter: Converter::new(connection, plan, is_dry)?,
            expects_new: upsert.finds_no_record(),
            upsert,
            values: Vec::with_capacity(plan.mappings.len()),
            unfit: Vec::new(),
            keys: Vec::with_capacity(plan.rules.len()),
            standings: Vec::with_capacity(plan.mappings.len()),
            written: Vec::with_capacity(plan.mappings.len()),
        })
    }

    /// Loads one row, whose exposed values are in place. Its values are used up.
    pub(super) fn load(&mut self, row: &mut Row) -> Result<Fate> {
        let faulty: Vec<Message> =
            row.values.iter().filter_map(|cell| Some((**cell.as_ref().err()?).clone())).collect();
        if !faulty.is_empty() {
            self.pass_over();
            return Ok(rejected(faulty));
        }
        let faults = self.take_values(&mut row.values)?;
        if !faults.is_empty() {
            return Ok(rejected(faults));
        }
        if self.expects_new
            && let Some(fate) = self.create_unasked()?
        {
            return Ok(fate);
        }
        if let Some(record) = self.compare_known()? {
            self.expects_new = false;
            return self.update_compared(record, false);
        }
        let decision = self.decide()?;
        self.expects_new = decision == Decision::Create;
        match decision {
            Decision::Create => self.create(),
            Decision::Update { record, archived } => self.update(record, archived),
            Decision::Unarchive { record } => self.unarchive(record),
            Decision::Skip(skip) => Ok(skipped(self.plan.object.id, &skip)),
            Decision::Blank => Ok(rejected(vec![blank_message(self.plan)])),
        }
    }

    /// Forgets the row before: the one at hand is rejected for what its variables are.
    pub(super) fn pass_over(&mut self) {
        self.values.clear();
        self.unfit.clear();
    }

    /// The mapped values of the row at hand as text, for the report; where a value did not fit, what was
    /// found.
    pub(super) fn cells(&self, row: &Row) -> Vec<Option<String>> {
        (0..self.plan.mappings.len())
            .map(|at| match self.values.get(at) {
                None => self.as_found(at, row),
                Some(FieldValue::Null) => {
                    self.unfit.iter().find(|(unfit, _)| *unfit == at).and_then(|(_, found)| found.clone())
                }
                Some(value) => self.converter.text(at, value),
            })
            .collect()
    }

    /// The values that a mapping would have taken: those that are known, joined as it joins them.
    fn as_found(&self, at: usize, row: &Row) -> Option<String> {
        let mut joined = String::new();
        for slot in &self.plan.mappings[at].slots {
            let mut text = String::new();
            match row.values.get(*slot) {
                Some(Ok(value)) => self.plan.slots[*slot].parser.render(value, &mut text),
                Some(Err(fault)) => text.push_str(fault.value.as_deref().unwrap_or_default()),
                // The record of a row that an earlier step did not load.
                None => {}
            }
            if !joined.is_empty() && !text.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&text);
        }
        (!joined.is_empty()).then_some(joined)
    }

    fn take_values(&mut self, cells: &mut [Cell]) -> Result<Vec<Message>> {
        self.converter.begin_row();
        self.keys.clear();
        for rule in &self.plan.rules {
            self.keys.push(match rule.key {
                Key::Mapped(_) => MatchValue::Nothing,
                Key::Own(slot) => match &cells[slot] {
                    Ok(value) => self.converter.match_value(rule.field.as_ref(), slot, value),
                    Err(_) => MatchValue::Nothing,
                },
            });
        }
        self.pass_over();
        let mut faults = Vec::new();
        for at in 0..self.plan.mappings.len() {
            self.values.push(match self.converter.mapped(at, cells)? {
                Ok(value) => value,
                Err(fault) => {
                    faults.push(fault_message(self.plan, at, &fault));
                    self.unfit.push((at, fault.found));
                    FieldValue::Null
                }
            });
        }
        Ok(faults)
    }

    fn decide(&mut self) -> Result<Decision> {
        let Self { plan, actions, matcher, converter, keys, values, .. } = self;
        let key = |rule: usize| match plan.rules[rule].key {
            Key::Mapped(at) => match &values[at] {
                value if value.is_blank() => None,
                value if converter.has_new_option(at, value) => Some(None),
                value => Some(Some(value)),
            },
            Key::Own(_) => match &keys[rule] {
                MatchValue::Blank => None,
                MatchValue::Nothing => Some(None),
                MatchValue::Value(value) => Some(Some(value)),
            },
        };
        decide(actions, |rule| key(rule).is_none(), |ask| look(matcher, ask, |rule| key(rule).flatten()))
    }

    /// Makes a record without looking for a match first, where the unique index answers that as well: when
    /// the first rule is by a unique field that the row writes, and no match means a new record. `None`:
    /// nothing was written, and the row takes the usual way.
    ///
    /// Saves one of the look-ups in random order that a first load's time goes into. After a row that did
    /// match, rows are looked up until one is new again: a file of known keys pays for one refused row.
    fn create_unasked(&mut self) -> Result<Option<Fate>> {
        let Some(at) = self.plan.creates_by_unique() else { return Ok(None) };
        let misses_required = !self.plan.unmapped_required.is_empty()
            || self.plan.mappings.iter().zip(&self.values).any(|(mapping, value)| mapping.is_missing(value));
        // The index has live records alone; matching also finds archived ones.
        if misses_required || self.values[at].is_blank() || self.is_dry || self.matcher.has_archived()? {
            return Ok(None);
        }
        self.written.clear();
        self.written.extend(0..self.values.len());
        if self.must_ask_first() {
            return Ok(None);
        }
        Ok(self.upsert.create(&self.values)?.ok().map(|record| done(Outcome::Created, record)))
    }

    /// Finds the record and compares it in one look-up, where the unique index that the first rule goes by has it:
    /// that rule decides then.
    fn compare_known(&mut self) -> Result<Option<i64>> {
        match self.plan.updates_by_unique() {
            Some(at)
                if !self.values[at].is_blank() && !self.converter.has_new_option(at, &self.values[at]) =>
            {
                self.upsert.compare_known(&self.values, &mut self.standings)
            }
            _ => Ok(None),
        }
    }

    fn create(&mut self) -> Result<Fate> {
        let mut missing: Vec<Message> = self.plan.unmapped_required.iter().map(unmapped_message).collect();
        for (mapping, value) in self.plan.mappings.iter().zip(&self.values) {
            if mapping.is_missing(value) {
                missing.push(required_message(self.plan, mapping));
            }
        }
        if !missing.is_empty() {
            return Ok(rejected(missing));
        }
        self.written.clear();
        self.written.extend(0..self.values.len());
        if self.must_ask_first()
            && let Some(clash) = self.clash(None, false)?
        {
            return Ok(clash);
        }
        self.create_options()?;
        match self.upsert.create(&self.values)? {
            Ok(record) => Ok(done(Outcome::Created, record)),
            Err(_) => self.clash(None, false)?.ok_or_else(refused_without_clash),
        }
    }

    fn update(&mut self, record: i64, archived: bool) -> Result<Fate> {
        self.upsert.compare(record, &self.values, &mut self.standings)?;
        self.update_compared(record, archived)
    }

    fn update_compared(&mut self, record: i64, archived: bool) -> Result<Fate> {
        self.written.clear();
        for (at, mapping) in self.plan.mappings.iter().enumerate() {
            let is_written = match merge(mapping.conflict, self.standings[at], &self.values[at]) {
                Merge::Keep => false,
                Merge::Write => true,
                Merge::Add => self.adds_something(record, at)?,
            };
            if is_written {
                self.written.push(at);
            }
        }
        if self.written.is_empty() && !archived {
            return Ok(done(Outcome::Unchanged, record));
        }
        let cleared: Vec<Message> = self
            .written
            .iter()
            .map(|at| (&self.plan.mappings[*at], &self.values[*at]))
            .filter(|(mapping, value)| mapping.is_missing(value))
            .map(|(mapping, _)| required_message(self.plan, mapping))
            .collect();
        if !cleared.is_empty() {
            return Ok(rejected(cleared));
        }
        self.write(record, archived)
    }

    fn unarchive(&mut self, record: i64) -> Result<Fate> {
        self.written.clear();
        self.write(record, true)
    }

    /// Writes what [`Self::written`] lists.
    fn write(&mut self, record: i64, unarchive: bool) -> Result<Fate> {
        if self.must_ask_first()
            && let Some(clash) = self.clash(Some(record), unarchive)?
        {
            return Ok(clash);
        }
        self.create_options()?;
        self.join_lists(record)?;
        let changes = if self.is_dry { self.changes(record, unarchive)? } else { Vec::new() };
        match self.upsert.update(record, &self.values, &self.written, unarchive)? {
            Ok(()) => Ok(Fate { changes, ..done(Outcome::Updated, record) }),
            Err(_) => self.clash(Some(record), unarchive)?.ok_or_else(refused_without_clash),
        }
    }

    /// Whether the clash must be looked for before the write: a dry run's scratch tables don't have the
    /// records yet, and an option that is made for the row would be left when the index refuses it.
    fn must_ask_first(&self) -> bool {
        self.is_dry || self.written.iter().any(|at| self.converter.has_new_option(*at, &self.values[*at]))
    }

    fn clash(&mut self, record: Option<i64>, all: bool) -> Result<Option<Fate>> {
        let clash = self.upsert.clash(record, &self.values, &self.written, all)?;
        Ok(clash.map(|(field, other)| {
            // It may be the record's own value, when it is brought back.
            let mapped = self.plan.mappings.iter().position(|mapping| mapping.field.key == field.key);
            let slot = mapped.map(|at| &self.plan.slots[self.plan.mappings[at].slots[0]]);
            rejected(vec![Message {
                variable: slot.map(|slot| slot.name.clone()),
                column: slot.and_then(|slot| slot.column.clone()),
                value: mapped.and_then(|at| self.converter.text(at, &self.values[at])),
                message: format!(
                    "{} must be unique: the record {} has this value",
                    field.display_name,
                    RecordId::of(self.plan.object.id, other)
                ),
                field: Some(field.name.clone()),
                expected: Some("a value that no other record has".to_owned()),
                ..message("unique")
            }])
        }))
    }

    fn create_options(&mut self) -> Result<()> {
        for at in &self.written {
            if self.converter.has_new_option(*at, &self.values[*at]) {
                self.converter.create_options(*at, &mut self.values[*at])?;
            }
        }
        Ok(())
    }

    /// Whether the list in the `at`-th field lacks something of the row's.
    fn adds_something(&mut self, record: i64, at: usize) -> Result<bool> {
        let FieldValue::Many(brought) = &self.values[at] else { return Ok(true) };
        let FieldValue::Many(held) = self.upsert.held(record, at)? else { return Ok(true) };
        Ok(brought.iter().any(|key| !held.contains(key)))
    }

    /// Puts what the record's lists hold to those that are added to.
    fn join_lists(&mut self, record: i64) -> Result<()> {
        for at in &self.written {
            let adds = self.standings.get(*at).is_some_and(|standing| {
                merge(self.plan.mappings[*at].conflict, *standing, &self.values[*at]) == Merge::Add
            });
            if adds
                && let FieldValue::Many(held) = self.upsert.held(record, *at)?
                && let FieldValue::Many(brought) = &self.values[*at]
            {
                self.values[*at] =
                    FieldValue::many(held.into_iter().chain(brought.iter().copied()).collect());
            }
        }
        Ok(())
    }

    /// What the update will change, told before it does. That a record is brought back is a change too; no
    /// field can be called so.
    fn changes(&mut self, record: i64, unarchive: bool) -> Result<Vec<Change>> {
        let mut changes = Vec::with_capacity(self.written.len() + usize::from(unarchive));
        if unarchive {
            let yes_no = |yes| Some(if yes { "Yes" } else { "No" }.to_owned());
            changes.push(Change { field: "archived".to_owned(), old: yes_no(true), new: yes_no(false) });
        }
        for at in &self.written {
            let old = self.upsert.held(record, *at)?;
            changes.push(Change {
                field: self.plan.mappings[*at].field.name.clone(),
                old: self.converter.text(*at, &old),
                new: self.converter.text(*at, &self.values[*at]),
            });
        }
        Ok(changes)
    }
}

fn refused_without_clash() -> Error {
    Error::internal("a unique index refused a row, and no record has its values: run `smartconnector check`")
}
