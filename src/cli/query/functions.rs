//! `query --functions`: the table of functions, for people or as JSON.

use super::print::line;
use crate::{
    engine,
    error::{Error, Result},
};

/// Prints the table that registers the functions.
pub(super) fn print(as_json: bool) -> Result<()> {
    if as_json {
        let functions: Vec<_> = engine::functions().collect();
        return line(&serde_json::to_string_pretty(&functions).map_err(Error::internal)?);
    }
    let mut group = "";
    for function in engine::functions() {
        if function.group != group {
            group = function.group;
            line(&format!("\n{group}"))?;
        }
        let result = function.result.unwrap_or("NULL");
        line(&format!("  {}", function.signature))?;
        line(&format!("      {}", function.meaning))?;
        line(&format!("      {} → {result}", function.example))?;
    }
    Ok(())
}
