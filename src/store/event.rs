//! Events: what happened to a connector, and what happened on the server.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter, types::Value};
use uuid::Uuid;

use super::{column, condition::Condition, time};
use crate::{
    error::Result,
    id::{ConnectorId, ExecutionId, MemberId},
};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identity.
    pub id: Uuid,
    /// The connector that it is about; `None`: the server.
    pub connector: Option<ConnectorId>,
    /// When it happened.
    pub created: DateTime<Utc>,
    /// `created`, `edited`, `published`, `activated`, `deactivated`, `run_started`, `run_ended`, `run_cancelled`, …
    pub event_type: String,
    /// One sentence.
    pub message: String,
    /// Who did it; `None`: the server.
    pub actor: Option<MemberId>,
    /// The run that it is about.
    pub execution: Option<ExecutionId>,
}

/// Adds an event, in the transaction of what it tells.
pub fn add(
    tx: &Transaction<'_>,
    connector: Option<ConnectorId>,
    now: DateTime<Utc>,
    event_type: &str,
    message: &str,
    actor: Option<MemberId>,
    execution: Option<ExecutionId>,
) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO event (id, connector_id, created, event_type, message, actor, execution_id)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    statement.execute(params![
        Uuid::new_v4().to_string(),
        connector.map(|id| id.to_string()),
        time::to_ms(now),
        event_type,
        message,
        actor.map(|id| id.to_string()),
        execution.map(|id| id.to_string()),
    ])?;
    Ok(())
}

/// When the last event of a type was.
pub fn last_of(conn: &Connection, event_type: &str) -> Result<Option<DateTime<Utc>>> {
    let mut statement =
        conn.prepare_cached("SELECT created FROM event WHERE event_type = ? ORDER BY created DESC LIMIT 1")?;
    Ok(statement.query_row([event_type], |row| time::get(row, "created")).optional()?)
}

/// Which events a list shows.
#[derive(Debug, Default)]
pub struct Filter {
    /// Of this type.
    pub event_type: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Without those of runs.
    pub without_runs: bool,
    /// Oldest first.
    pub ascending: bool,
}

/// One page of a connector's events, or of all, and how many there are.
pub fn list(
    conn: &Connection,
    connector: Option<ConnectorId>,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> Result<(u64, Vec<Event>)> {
    let (condition, mut values) = condition(connector, filter);
    let count: i64 =
        conn.prepare_cached(&counting(&condition))?.query_row(params_from_iter(&values), |row| row.get(0))?;
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    let mut statement = conn.prepare_cached(&paging(&condition, filter.ascending))?;
    let rows = statement.query_map(params_from_iter(&values), |row| {
        Ok(Event {
            id: column::parsed(row, "id")?,
            connector: column::parsed_optional(row, "connector_id")?,
            created: time::get(row, "created")?,
            event_type: row.get("event_type")?,
            message: row.get("message")?,
            actor: column::parsed_optional(row, "actor")?,
            execution: column::parsed_optional(row, "execution_id")?,
        })
    })?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

fn counting(condition: &str) -> String {
    format!("SELECT count(*) FROM event WHERE {condition}")
}

/// Events of the same millisecond are in the order they were added.
fn paging(condition: &str, ascending: bool) -> String {
    let direction = if ascending { "ASC" } else { "DESC" };
    format!(
        "SELECT * FROM event WHERE {condition} ORDER BY created {direction}, seq {direction} LIMIT ? OFFSET ?"
    )
}

fn condition(connector: Option<ConnectorId>, filter: &Filter) -> (String, Vec<Value>) {
    let mut condition = Condition::any();
    condition.and_if("connector_id = ?", connector.map(|id| id.to_string()));
    condition.and_if("event_type = ?", filter.event_type.clone());
    condition.and_if("created >= ?", filter.from.map(time::to_ms));
    condition.and_if("created < ?", filter.to.map(time::to_ms));
    if filter.without_runs {
        condition.and_plain("execution_id IS NULL");
    }
    condition.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::plan::{plan, sorts, walks};

    #[test]
    fn no_list_walks_the_whole_table_or_sorts_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(dir.path(), crate::clock::Clock::system()).unwrap();
        let conn = store.control.reader().unwrap();
        let typed = || Some("run_ended".to_owned());
        let day = Some(DateTime::UNIX_EPOCH);
        for connector in [None, Some(ConnectorId::new())] {
            for filter in [
                Filter::default(),
                Filter { event_type: typed(), ..Filter::default() },
                Filter { from: day, to: day, ..Filter::default() },
                Filter { event_type: typed(), from: day, to: day, ascending: true, ..Filter::default() },
                Filter { without_runs: true, ascending: true, ..Filter::default() },
                Filter { without_runs: true, from: day, to: day, ..Filter::default() },
            ] {
                let (condition, values) = condition(connector, &filter);
                let (count, page) = (counting(&condition), paging(&condition, filter.ascending));
                let counted = plan(&conn, &count, values.len());
                assert!(!walks(&counted, "event"), "{count}: {counted:?}");
                let paged = plan(&conn, &page, values.len() + 2);
                assert!(!walks(&paged, "event") && !sorts(&paged), "{page}: {paged:?}");
                // Events of runs are nearly all.
                assert!(!filter.without_runs || paged[0].contains("_plain ("), "{page}: {paged:?}");
            }
        }
    }
}
