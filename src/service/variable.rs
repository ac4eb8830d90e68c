//! Execution variables: what a connector's could be.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::connector::{locale, open};
use crate::{
    app::App,
    auth::{Caller, Role},
    connector::Connector,
    error::{Error, Result},
    id::VariableId,
    input::{Next, Part, read_scopes},
    script::NO_SAMPLE,
    store::{self, file::FileReader},
    variable::{Suggester, Suggestion, Variable, VariableKind},
};

/// A request ends within 30 s; this leaves time to answer.
const LONGEST: Duration = Duration::from_secs(20);
/// Rows between two looks at the clock.
const ROWS_A_LOOK: u64 = 1000;

/// A variable that could be, and what speaks for it.
#[derive(Debug)]
pub struct Suggested {
    /// The variable. Its id is good for nothing.
    pub variable: Variable,
    /// What was found in its column.
    pub suggestion: Suggestion,
    /// How many rows were looked at.
    pub rows_read: u64,
}

struct Column {
    name: String,
    suggester: Suggester,
}

struct Scope {
    name: String,
    columns: Vec<Column>,
    rows: u64,
}

/// One variable per column of the output sample: the draft's, or the live script's while the draft has
/// none. Saves nothing.
pub fn suggest(app: &App, caller: &Caller, connector: &str) -> Result<Vec<Suggested>> {
    let conn = app.store.control.reader()?;
    let connector = open(&conn, caller, connector, Role::Viewer)?;
    let draft = store::script::draft(&conn, connector.id)?;
    let live = store::script::live(&conn, connector.id)?;
    drop(conn);
    let sample = draft.output_file.or_else(|| live.and_then(|live| live.output_file));
    let file = match sample {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    let file = file.ok_or_else(|| Error::invalid(NO_SAMPLE))?;
    let scopes = look(app, FileReader::open(&app.store, &file))?;
    Ok(named(&connector, scopes))
}

fn look(app: &App, sample: FileReader) -> Result<Vec<Scope>> {
    let until = Instant::now() + LONGEST;
    let most = u64::from(app.config.suggest.max_rows);
    let mut scopes: Vec<Scope> = Vec::new();
    read_scopes(sample, |part| match part {
        Part::Scope(name, columns) => {
            let column =
                |name: &str| Column { name: name.to_owned(), suggester: Suggester::new(locale(app)) };
            let columns = columns.iter().map(column).collect();
            scopes.push(Scope { name: name.to_owned(), columns, rows: 0 });
            if Instant::now() < until { Next::Row } else { Next::Scope }
        }
        Part::Row(cells) => {
            let Some(scope) = scopes.last_mut() else { return Next::Row };
            for (column, cell) in scope.columns.iter_mut().zip(cells) {
                column.suggester.observe(Some(cell).filter(|cell| !cell.is_empty()));
            }
            scope.rows += 1;
            let late = scope.rows.is_multiple_of(ROWS_A_LOOK) && Instant::now() >= until;
            if late || scope.rows >= most { Next::Scope } else { Next::Row }
        }
    })?;
    Ok(scopes)
}

/// The suggestions as variables with names that are free.
fn named(connector: &Connector, scopes: Vec<Scope>) -> Vec<Suggested> {
    let exposed = connector.loads.iter().filter_map(|step| step.execution_variable.as_ref());
    let mut taken: HashSet<String> = exposed.map(|variable| variable.name.clone()).collect();
    let mut suggested = Vec::new();
    for scope in scopes {
        for column in scope.columns {
            let mut name = column.name.clone();
            if !taken.insert(name.clone()) {
                name = format!("{}_{}", scope.name, column.name);
                while !taken.insert(name.clone()) {
                    name.push('_');
                }
            }
            let suggestion = column.suggester.finish();
            let variable = Variable {
                id: VariableId::new(),
                name,
                data_type: suggestion.data_type,
                scope: scope.name.clone(),
                kind: VariableKind::DataSource,
                data_source: Some(column.name),
                value: None,
                display_order: i64::try_from(suggested.len()).unwrap_or(i64::MAX),
                required: suggestion.required,
                is_array: false,
                array_delimiter: None,
                input_format: suggestion.input_format.clone(),
                output_format: None,
            };
            suggested.push(Suggested { variable, suggestion, rows_read: scope.rows });
        }
    }
    suggested
}
