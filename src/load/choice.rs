//! The options of a field while a batch lasts: labels and codes to keys, and new options.
//!
//! They are read again at the start of each batch: that follows a rollback, and what the API did since.

use std::collections::{HashMap, HashSet};

use crate::{
    error::Result,
    object::{Field, FieldOption, design::numbered},
    store::{self, Connection},
};

/// At most this many labels are named in a message.
const NAMED: usize = 20;

pub(super) struct Choices {
    field_key: i64,
    options: Vec<FieldOption>,
    /// As rows wrote them: spares making lower case of each.
    seen: HashMap<String, i64>,
    labels: HashMap<String, i64>,
    codes: HashMap<String, i64>,
    taken: HashSet<String>,
    /// Of wished codes: the number up to which they are taken, so that many labels of one code (`日本`, `中国`
    /// both wish for `option`) don't each try them all.
    tried: HashMap<String, u32>,
    names: HashMap<i64, String>,
}

impl Choices {
    pub(super) fn read(connection: &Connection, field: &Field) -> Result<Self> {
        let options = store::option::of_field(connection, field.key)?;
        let mut choices = Self {
            field_key: field.key,
            options: Vec::with_capacity(options.len()),
            seen: HashMap::new(),
            labels: HashMap::new(),
            codes: HashMap::new(),
            taken: HashSet::new(),
            tried: HashMap::new(),
            names: HashMap::new(),
        };
        for option in options {
            choices.know(option);
        }
        Ok(choices)
    }

    /// The option with this label, or else with this code, in any case.
    pub(super) fn find(&mut self, text: &str) -> Option<i64> {
        if let Some(key) = self.seen.get(text) {
            return Some(*key);
        }
        let lower = text.trim().to_lowercase();
        let key = *self.labels.get(&lower).or_else(|| self.codes.get(&lower))?;
        self.seen.insert(text.to_owned(), key);
        Some(key)
    }

    /// The label of an option.
    pub(super) fn name(&self, key: i64) -> Option<&str> {
        self.names.get(&key).map(String::as_str)
    }

    /// Adds an option with this label, which none has.
    pub(super) fn create(&mut self, tx: &Connection, label: &str) -> Result<i64> {
        let order = self.options.last().map_or(0, |last| last.order + 1);
        let label = label.trim();
        let code = self.free_code(label);
        let option = store::option::insert(tx, self.field_key, label, code, order)?;
        let key = option.key;
        self.know(option);
        Ok(key)
    }

    fn free_code(&mut self, label: &str) -> String {
        let wished = FieldOption::wished_code(label);
        let mut n = self.tried.get(&wished).map_or(1, |tried| tried + 1);
        let mut code = numbered(&wished, n);
        while self.taken.contains(&code) {
            n += 1;
            code = numbered(&wished, n);
        }
        self.tried.insert(wished, n);
        code
    }

    /// The labels, for a message about one that is not among them.
    pub(super) fn listed(&self) -> String {
        let named: Vec<&str> = self.options.iter().take(NAMED).map(|option| option.name.as_str()).collect();
        let more = self.options.len() - named.len();
        match (named.len(), more) {
            (0, _) => "the field has no options".to_owned(),
            (_, 0) => format!("one of {}", named.join(", ")),
            _ => format!("one of {} and {more} more", named.join(", ")),
        }
    }

    fn know(&mut self, option: FieldOption) {
        // Of two equal labels the first in the list counts.
        self.labels.entry(option.name.to_lowercase()).or_insert(option.key);
        if option.goes_by_code() {
            self.codes.entry(option.code.to_lowercase()).or_insert(option.key);
        }
        self.taken.insert(option.code.clone());
        self.names.insert(option.key, option.name.clone());
        self.options.push(option);
    }
}
