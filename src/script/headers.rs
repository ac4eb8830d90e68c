//! The columns that a script selects, per scope.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One column of a scope, as the published script selects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Header {
    /// The column's name.
    pub name: String,
    /// Its letter, as in a spreadsheet.
    pub index: String,
}

/// The columns of one scope. The order of scopes is the script's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeHeaders {
    /// The output table.
    pub scope: String,
    /// Its columns, provenance (`_line`, `_table`) left out.
    pub columns: Vec<Header>,
}

/// Spreadsheet column letters for position `n` from 0: A … Z, AA …
#[must_use]
pub fn column_letters(mut n: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + u8::try_from(n % 26).unwrap_or(0));
        if n < 26 {
            break;
        }
        n = n / 26 - 1;
    }
    letters.iter().rev().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::column_letters;

    #[test]
    fn letters_count_as_a_spreadsheet_does() {
        let got: Vec<String> = [0, 25, 26, 51, 52, 701, 702].into_iter().map(column_letters).collect();
        assert_eq!(got, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
