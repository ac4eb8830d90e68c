//! `query --functions`: the table of functions, for people or as JSON.

use super::print::line;
use crate::{
    cli::table,
    engine,
    error::{Error, Result},
};

/// Prints the table that registers the functions.
pub(super) fn print(as_json: bool) -> Result<()> {
    if as_json {
        let functions: Vec<_> = engine::functions().collect();
        return line(&serde_json::to_string_pretty(&functions).map_err(Error::internal)?);
    }
    let rows = engine::functions().map(|function| {
        let result = function.result.unwrap_or("NULL");
        [
            format!("{}\n{}", function.signature, function.group),
            function.meaning.to_owned(),
            format!("{}\n→ {result}", function.example),
        ]
    });
    line(&table::rows(&["Function", "Answers", "Example"], rows))
}
