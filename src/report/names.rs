//! Names of what a run leaves: files (spec: loading §5, model §3) and sheets.

use std::collections::HashSet;

use chrono::NaiveDate;

/// Longer than any of our suffixes leaves room for within the 255 bytes of most file systems.
const MAX_STEM_BYTES: usize = 180;

/// Excel's limit, in UTF-16 units.
pub const MAX_SHEET_NAME: usize = 31;

/// The SQL output of the connector's `number`-th execution.
#[must_use]
pub fn live_zip(api_name: &str, number: i64) -> String {
    format!("Live_{}_sample_output_{number}.zip", file_stem(api_name))
}

/// The output sample of a draft.
#[must_use]
pub fn draft_zip(api_name: &str, day: NaiveDate) -> String {
    format!("Draft_{}_sample_output_{}.zip", file_stem(api_name), day.format("%Y%m%d"))
}

/// The workbook of the connector's `number`-th execution.
#[must_use]
pub fn workbook(connector_name: &str, is_dry_run: bool, number: i64) -> String {
    let dry_run = if is_dry_run { "_dry_run" } else { "" };
    format!("{}{dry_run}_output_{number}.xlsx", file_stem(connector_name))
}

/// `name` as the beginning of a file name on any system: what separates paths, is refused by Windows,
/// or hides how the name ends becomes `_`.
#[must_use]
pub fn file_stem(name: &str) -> String {
    let mut stem = String::with_capacity(name.len());
    for c in name.trim().chars() {
        let c = if is_unsafe_in_file_name(c) { '_' } else { c };
        if stem.len() + c.len_utf8() > MAX_STEM_BYTES {
            break;
        }
        stem.push(c);
    }
    // A leading dot hides the file.
    if stem.starts_with('.') {
        stem.replace_range(..1, "_");
    }
    if stem.is_empty() { "connector".to_owned() } else { stem }
}

fn is_unsafe_in_file_name(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*')
        // Marks that reorder text: `gpj.exe` shown as `exe.jpg`.
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The sheet names of one workbook: legal for Excel, and no two alike in any case.
#[derive(Debug, Default)]
pub struct SheetNames {
    taken: HashSet<String>,
}

impl SheetNames {
    /// The name that the sheet `wanted` gets: cut to 31 characters, `~2`, `~3`… where it is taken.
    pub fn take(&mut self, wanted: &str) -> String {
        let legal = legal_sheet_name(wanted);
        let mut name = cut_utf16(&legal, MAX_SHEET_NAME).to_owned();
        let mut n = 1_u64;
        while !self.taken.insert(name.to_lowercase()) {
            n += 1;
            let mark = format!("~{n}");
            name = format!("{}{mark}", cut_utf16(&legal, MAX_SHEET_NAME - mark.len()));
        }
        name
    }
}

fn legal_sheet_name(wanted: &str) -> String {
    let mut name: String =
        wanted.chars().map(|c| if c.is_control() || "[]:*?/\\".contains(c) { '_' } else { c }).collect();
    // Excel refuses an apostrophe at either end; a cut may bring one there, so none stays.
    if name.contains('\'') {
        name = name.replace('\'', "\u{2019}");
    }
    // Excel keeps this one for itself.
    if name.trim().is_empty() || name.eq_ignore_ascii_case("history") { format!("{name}_") } else { name }
}

/// The longest beginning of `text` that has at most `max` UTF-16 units, Excel's measure.
pub(super) fn cut_utf16(text: &str, max: usize) -> &str {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > max {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_existing_clients_expect() {
        assert_eq!(live_zip("orders", 7), "Live_orders_sample_output_7.zip");
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        assert_eq!(draft_zip("orders", day), "Draft_orders_sample_output_20260309.zip");
        assert_eq!(workbook("Orders (EU)", false, 12), "Orders (EU)_output_12.xlsx");
        assert_eq!(workbook("Orders (EU)", true, 12), "Orders (EU)_dry_run_output_12.xlsx");
    }

    #[test]
    fn no_name_leads_out_of_a_folder_or_hides_its_end() {
        assert_eq!(workbook("../../etc/passwd", false, 1), "_._.._etc_passwd_output_1.xlsx");
        assert_eq!(workbook("a\\b\r\n\0c", false, 1), "a_b___c_output_1.xlsx");
        assert_eq!(workbook("x\u{202e}slx.", false, 1), "x_slx._output_1.xlsx");
        assert_eq!(workbook("  ", false, 1), "connector_output_1.xlsx");
        assert!(workbook(&"ü".repeat(300), false, i64::MAX).len() <= 255);
    }

    #[test]
    fn sheet_names_are_cut_cleaned_and_unique_in_any_case() {
        let mut names = SheetNames::default();
        let long = "Extracted Variables (customer_addresses)";
        assert_eq!(names.take(long), "Extracted Variables (customer_a");
        assert_eq!(names.take(long), "Extracted Variables (customer~2");
        assert_eq!(names.take(&long.to_uppercase()), "EXTRACTED VARIABLES (CUSTOMER~3");
        assert_eq!(names.take("a/b\\c:d*e?f[g]"), "a_b_c_d_e_f_g_");
        assert_eq!(names.take("'quoted'"), "\u{2019}quoted\u{2019}");
        assert_eq!(names.take("History"), "History_");
        assert_eq!(names.take("Summary Stats"), "Summary Stats");
        assert_eq!(names.take("SUMMARY stats"), "SUMMARY stats~2");
    }

    #[test]
    fn a_cut_counts_as_excel_does_and_splits_no_character() {
        assert_eq!(cut_utf16("abc", 2), "ab");
        assert_eq!(cut_utf16("a😀b", 2), "a");
        assert_eq!(cut_utf16("a😀b", 3), "a😀");
        assert_eq!(cut_utf16("", 0), "");
    }
}
