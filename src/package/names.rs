//! How the files in `data/` are called.

use std::collections::HashSet;

use super::{CURRENT_EXECUTION, OUTPUT};
use crate::report::names::file_stem;

/// Names in `data/` that are taken by what a package, a run or another client's runner puts there.
const RESERVED: [&str; 4] = [CURRENT_EXECUTION, OUTPUT, "inputs.csv", "parameters.csv"];

/// The names of a package's data files.
#[derive(Debug, PartialEq, Eq)]
pub struct DataNames {
    /// Of the input file.
    pub input: Option<String>,
    /// Of the seeds' files, in the order given.
    pub seeds: Vec<String>,
}

/// Names that stay inside `data/` and differ in more than letter case. Seeds keep theirs where they can:
/// the script's configuration names them.
#[must_use]
pub fn data_names(input: Option<&str>, seeds: &[&str]) -> DataNames {
    let mut taken: HashSet<String> = RESERVED.iter().map(|name| (*name).to_owned()).collect();
    let seeds = seeds.iter().map(|name| free(&base_name(name), "_seed", &mut taken)).collect();
    let input = input.map(|name| free(&base_name(name), "_input", &mut taken));
    DataNames { input, seeds }
}

/// The last part of a path, safe on any system.
fn base_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, extension) = split(base);
    let safe = format!(
        "{}{}",
        file_stem(stem),
        if extension.is_empty() { String::new() } else { format!(".{}", file_stem(extension)) }
    );
    // Windows drops dots and blanks at the end, and what is left may be another file's name.
    safe.trim_end_matches(['.', ' ']).to_owned()
}

/// `<stem>_input.<ext>` where `<stem>.<ext>` is taken, then `<stem>_input_2.<ext>`.
fn free(name: &str, mark: &str, taken: &mut HashSet<String>) -> String {
    let (stem, extension) = split(name);
    let dot = if extension.is_empty() { "" } else { "." };
    let mut candidate = name.to_owned();
    let mut n = 1_u32;
    while !taken.insert(candidate.to_lowercase()) {
        let number = if n == 1 { String::new() } else { format!("_{n}") };
        candidate = format!("{stem}{mark}{number}{dot}{extension}");
        n += 1;
    }
    candidate
}

fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(input: &str, seeds: &[&str]) -> (String, Vec<String>) {
        let names = data_names(Some(input), seeds);
        (names.input.unwrap(), names.seeds)
    }

    #[test]
    fn names_stay_as_they_are_where_they_can() {
        assert_eq!(
            names("Orders 2026.csv", &["orders.csv"]),
            ("Orders 2026.csv".into(), vec!["orders.csv".into()])
        );
        assert_eq!(names("noextension", &[]).0, "noextension");
        assert_eq!(data_names(None, &[]).input, None);
    }

    #[test]
    fn an_input_gives_way_to_seeds_and_reserved_names_in_any_case() {
        assert_eq!(names("Orders.CSV", &["orders.csv"]).0, "Orders_input.CSV");
        assert_eq!(names("current_execution.json", &[]).0, "current_execution_input.json");
        assert_eq!(names("output", &[]).0, "output_input");
        assert_eq!(names("a.csv", &["a.csv", "a_input.csv"]).0, "a_input_2.csv");
        assert_eq!(names("x.csv", &["a.csv", "A.csv"]).1, ["a.csv", "A_seed.csv"]);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(
            names("../../etc/passwd", &["..\\..\\seed.csv"]),
            ("passwd".into(), vec!["seed.csv".into()])
        );
        assert_eq!(names("..", &["a/.."]), ("__input".into(), vec!["_".into()]));
        assert_eq!(names("a/", &[]).0, "connector");
        assert_eq!(names(".hidden", &[]).0, "_hidden");
        assert_eq!(names("a\u{202e}gpj.csv. .", &[]).0, "a_gpj.csv");
    }
}
