//! Names of tables and columns, made by one rule (spec: sql §1).
//!
//! Trim, lower case, every character outside `a-z0-9_` becomes one `_`, a leading digit gets `_` in front
//! (as does `sqlite_`, which SQLite keeps for itself), at most 63 characters. A blank name becomes `_1`,
//! `_2`… by position. A repeat gets `__duplicate_<n>__`, n from 1, cutting the name where both together
//! are too long, and n counts on while the made name is taken too: the names of one list are distinct,
//! whatever the list.

use std::collections::{HashMap, HashSet};

use crate::script::InputTable;

const MAX_CHARS: usize = 63;

/// The name of the table that a file, sheet or member makes.
#[must_use]
pub fn table_name(original: &str) -> String {
    name_at(original, 0)
}

/// The name, without an extension, that a file has to have to be paired with this entry.
#[must_use]
pub fn stem(entry: &InputTable) -> &str {
    // A name that was written by hand may be none that a file can make.
    if table_name(&entry.table_name) == entry.table_name { &entry.table_name } else { &entry.name }
}

/// The distinct names of the tables that one file's sheets or members make.
#[must_use]
pub fn table_names<S: AsRef<str>>(originals: &[S]) -> Vec<String> {
    distinct(originals)
}

/// The distinct names of the columns that a header makes.
#[must_use]
pub fn column_names<S: AsRef<str>>(header: &[S]) -> Vec<String> {
    distinct(header)
}

/// The rule for one name, without looking at others. `position` counts from 0.
pub(super) fn name_at(original: &str, position: usize) -> String {
    let trimmed = original.trim();
    if trimmed.is_empty() {
        return format!("_{}", position + 1);
    }
    let mut name = String::with_capacity(MAX_CHARS);
    for c in trimmed.chars().flat_map(char::to_lowercase).take(MAX_CHARS) {
        name.push(if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '_' });
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.starts_with("sqlite_") {
        name.insert(0, '_');
        name.truncate(MAX_CHARS);
    }
    name
}

fn distinct<S: AsRef<str>>(originals: &[S]) -> Vec<String> {
    let mut taken = Taken::default();
    let names = originals.iter().enumerate();
    names.map(|(position, original)| taken.add(name_at(original.as_ref(), position))).collect()
}

/// Names that are taken. A name that comes often is not counted from 1 each time: what was taken stays so.
#[derive(Default)]
pub(super) struct Taken {
    names: HashSet<String>,
    repeats: HashMap<String, u64>,
}

impl Taken {
    /// Takes `name`, or what is made of it so that it is not among those before.
    pub(super) fn add(&mut self, name: String) -> String {
        let name = if self.names.contains(&name) { self.repeat(&name) } else { name };
        self.names.insert(name.clone());
        name
    }

    fn repeat(&mut self, name: &str) -> String {
        let repeats = self.repeats.entry(name.to_owned()).or_default();
        loop {
            *repeats += 1;
            let suffix = format!("__duplicate_{repeats}__");
            // Names are ASCII by now: bytes are characters.
            let kept = name.len().min(MAX_CHARS - suffix.len());
            let made = format!("{}{suffix}", &name[..kept]);
            if !self.names.contains(&made) {
                return made;
            }
        }
    }
}

impl FromIterator<String> for Taken {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self { names: names.into_iter().collect(), repeats: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_rule_makes_all_names() {
        let long = "x".repeat(80);
        for (original, name) in [
            ("Orders 2026.csv", "orders_2026_csv"),
            ("  E-Mail  Address ", "e_mail__address"),
            ("2nd", "_2nd"),
            ("Größe", "gr__e"),
            ("配送", "__"),
            ("already_fine", "already_fine"),
            ("select", "select"),
            ("SQLite_Master", "_sqlite_master"),
            ("\u{a0}id\t", "id"),
            ("", "_1"),
            (long.as_str(), &long[..63]),
        ] {
            assert_eq!(table_name(original), name, "{original:?}");
        }
    }

    #[test]
    fn a_leading_digit_keeps_the_length() {
        assert_eq!(table_name(&"1".repeat(63)), format!("_{}", "1".repeat(62)));
    }

    #[test]
    fn blanks_are_named_by_position_and_repeats_numbered() {
        assert_eq!(
            column_names(&["", "a", " ", "A", "a "]),
            ["_1", "a", "_3", "a__duplicate_1__", "a__duplicate_2__"]
        );
    }

    #[test]
    fn a_made_name_that_is_taken_is_not_used() {
        assert_eq!(
            column_names(&["a", "a__duplicate_1__", "a", "2", ""]),
            ["a", "a__duplicate_1__", "a__duplicate_2__", "_2", "_5"]
        );
        assert_eq!(column_names(&["2", ""]), ["_2", "_2__duplicate_1__"]);
    }

    #[test]
    fn names_that_were_cut_stay_distinct() {
        let long = "x".repeat(70);
        let names = column_names(&[&long, &format!("{long}y"), &long]);
        assert_eq!(names[0], "x".repeat(63));
        assert_eq!(names[1], format!("{}__duplicate_1__", "x".repeat(48)));
        assert_eq!(names[2], format!("{}__duplicate_2__", "x".repeat(48)));
    }

    #[test]
    fn a_name_that_comes_often_is_not_counted_from_the_first_each_time() {
        let names = column_names(&vec!["a"; 50_000]);
        assert_eq!(names[49_999], "a__duplicate_49999__");
    }

    proptest! {
        #[test]
        fn any_header_makes_distinct_and_valid_names(
            header in prop::collection::vec(prop_oneof![".{0,80}", "[a1 ]{0,2}", "a__duplicate_[12]__"], 0..40),
        ) {
            let names = column_names(&header);
            prop_assert_eq!(names.len(), header.len());
            let distinct: HashSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), names.len());
            for name in &names {
                prop_assert!((1..=63).contains(&name.len()), "{}", name);
                prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_'), "{}", name);
                prop_assert!(name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{}", name);
                prop_assert!(!name.starts_with("sqlite_"));
            }
        }
    }
}
