//! Which functions scripts name. There are some two hundred of ours, some with memory of their own, and a small run
//! would spend more time on putting them on its connections than on its script.

use std::collections::HashSet;

/// The words of scripts, in lower case: names, and much else that does no harm. A function that is none of them is
/// not called.
#[derive(Debug, Default)]
pub(in crate::engine) struct Words(HashSet<String>);

impl Words {
    /// The words of this SQL.
    pub(in crate::engine) fn of(sql: &str) -> Self {
        // No function has a name that needs quoting, so quoted or not, its letters stand together.
        let words = sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        Self(words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect())
    }

    /// Adds those of `sql` and answers what was new of them.
    pub(in crate::engine) fn add(&mut self, sql: &str) -> Self {
        let Self(mut new) = Self::of(sql);
        new.retain(|word| !self.0.contains(word));
        self.0.extend(new.iter().cloned());
        Self(new)
    }

    /// Whether `name` is one of them.
    pub(super) fn have(&self, name: &str) -> bool {
        self.0.contains(name) || self.0.contains(&name.to_ascii_lowercase())
    }

    /// Whether one of `names` is.
    pub(super) fn have_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.have(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_however_they_are_written() {
        let mut words = Words::default();
        let new = words.add("SELECT \"Trim\"(a)||[lpad](b, 2),toDate(c) FROM t WHERE x NOT LIKE'%é'");
        for name in ["trim", "lpad", "toDate", "todate", "like"] {
            assert!(words.have(name) && new.have(name), "{name}");
        }
        assert!(!words.have("rpad") && !words.have("pad"));
        let newer = words.add("SELECT trim(a), rpad(b, 2)");
        assert!(newer.have_one_of(&["rpad", "x"]) && !newer.have("trim") && words.have("trim"));
    }
}
