//! Lists of executions: filters, orders, and where each one stands in the queue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::from_row;
use crate::{
    error::Result,
    execution::{Execution, State, TriggerType},
    id::{ConnectorId, ExecutionId, KeyId},
    store::{column, condition::Condition, time},
};

/// Which executions a list shows, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this connector.
    pub connector: Option<ConnectorId>,
    /// Of these connectors (a limited key).
    pub connectors: Option<Vec<ConnectorId>>,
    /// Only these.
    pub ids: Option<Vec<ExecutionId>>,
    /// Dry runs too.
    pub include_dry_run: bool,
    /// In this state.
    pub state: Option<State>,
    /// Started so.
    pub trigger: Option<TriggerType>,
    /// Started with this key (a sender sees its own only).
    pub started_by_key: Option<KeyId>,
    /// Part of the input's file name or of the error.
    pub search: Option<String>,
    /// Not before.
    pub created_after: Option<DateTime<Utc>>,
    /// Before.
    pub created_before: Option<DateTime<Utc>>,
    /// A column of [`ORDERINGS`] and whether descending.
    pub ordering: Option<(&'static str, bool)>,
}

/// The fields that a list can be ordered by.
pub const ORDERINGS: &[&str] = &["created", "started_at", "ended_at", "status", "trigger_type"];

/// One page of executions, and how many there are.
pub fn list(conn: &Connection, filter: &Filter, limit: i64, offset: i64) -> Result<(u64, Vec<Execution>)> {
    let (count, chosen, order, mut values) = statements(filter)?;
    let count: i64 = conn.prepare_cached(&count)?.query_row(params_from_iter(&values), |row| row.get(0))?;
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    // The rows are wide: only those of the page are read, the others pass by in an index.
    let page = format!("SELECT * FROM execution WHERE seq IN ({chosen}) ORDER BY {order}");
    let mut statement = conn.prepare_cached(&page)?;
    let rows = statement.query_map(params_from_iter(&values), from_row)?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// The statements that count and choose a page, its order, and the values of their condition.
fn statements(filter: &Filter) -> Result<(String, String, String, Vec<Value>)> {
    let (condition, values) = condition(filter)?;
    let (by, descending) = filter.ordering.unwrap_or(("created", true));
    // Rows are made in the order of their creation: seq is the index that serves it.
    let by = match by {
        "created" => "seq",
        "status" => "state",
        other => other,
    };
    let direction = if descending { "DESC" } else { "ASC" };
    let count = format!("SELECT count(*) FROM execution WHERE {condition}");
    // The index over live runs is in the order of seq: for another order it would have to be sorted.
    let condition =
        if by == "seq" { condition } else { condition.replace("is_dry_run = 0", "+is_dry_run = 0") };
    let order = format!("{by} {direction}, seq {direction}");
    let chosen = format!("SELECT seq FROM execution WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?");
    Ok((count, chosen, order, values))
}

/// How many executions were queued before each of these that waits.
pub fn queue_positions(conn: &Connection, ids: &[ExecutionId]) -> Result<HashMap<ExecutionId, i64>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, position FROM (
             SELECT id, row_number() OVER (ORDER BY seq) - 1 AS position FROM execution WHERE state = 'queued')
         WHERE id IN (SELECT value FROM json_each(?))",
    )?;
    let rows = statement
        .query_map([column::to_json(&ids)?], |row| Ok((column::parsed(row, "id")?, row.get("position")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn condition(filter: &Filter) -> Result<(String, Vec<Value>)> {
    let mut condition = Condition::any();
    condition.and_if("connector_id = ?", filter.connector.map(|id| id.to_string()));
    let connectors = filter.connectors.as_ref().map(column::to_json).transpose()?;
    condition.and_if("connector_id IN (SELECT value FROM json_each(?))", connectors);
    let ids = filter.ids.as_ref().map(column::to_json).transpose()?;
    condition.and_if("id IN (SELECT value FROM json_each(?))", ids);
    if !filter.include_dry_run {
        condition.and_plain("is_dry_run = 0");
    }
    condition.and_if("state = ?", filter.state.map(|state| state.as_str().to_owned()));
    condition.and_if("trigger_type = ?", filter.trigger.map(|trigger| trigger.as_str().to_owned()));
    condition.and_if("started_by_key = ?", filter.started_by_key.map(|id| id.to_string()));
    condition.and_if(
        "instr(lower(input_name || ' ' || coalesce(error_details, '')), ?)",
        filter.search.as_ref().map(|text| text.to_lowercase()),
    );
    condition.and_if("created >= ?", filter.created_after.map(time::to_ms));
    condition.and_if("created < ?", filter.created_before.map(time::to_ms));
    Ok(condition.finish())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// What SQLite does for a statement: every table or index that it walks.
    fn plan(conn: &Connection, sql: &str, values: usize) -> Vec<String> {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement
            .query_map(params_from_iter(vec![Value::Integer(1); values]), |row| {
                row.get::<_, String>("detail")
            })
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn no_list_walks_the_whole_table_or_sorts_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(dir.path(), crate::clock::Clock::system()).unwrap();
        let conn = store.control.reader().unwrap();
        let connector = Some(ConnectorId::new());
        let now = Some(DateTime::UNIX_EPOCH);
        let all = |filter: Filter| [Filter { connector, ..filter.clone() }, filter];
        let filters = [
            Filter::default(),
            Filter { include_dry_run: true, ..Filter::default() },
            Filter { state: Some(State::Failed), ..Filter::default() },
            Filter { trigger: Some(TriggerType::Api), ..Filter::default() },
            Filter { started_by_key: Some(KeyId::new()), ..Filter::default() },
            Filter { ids: Some(vec![ExecutionId::new()]), ..Filter::default() },
            Filter { created_after: now, created_before: now, ..Filter::default() },
        ];
        for filter in filters.into_iter().flat_map(all) {
            let (count, page, _, values) = statements(&filter).unwrap();
            for (sql, values) in [(&count, values.len()), (&page, values.len() + 2)] {
                let plan = plan(&conn, sql, values);
                let walks = |step: &String| step == "SCAN execution" && sql == &count;
                assert!(!plan.iter().any(walks), "{sql}: {plan:?}");
            }
            let by_time = filter.created_after.is_some() || filter.ids.is_some();
            let sorts = plan(&conn, &page, values.len() + 2).iter().any(|step| step.contains("TEMP B-TREE"));
            assert!(by_time || !sorts, "{page}: {:?}", plan(&conn, &page, values.len() + 2));
        }
        for by in ORDERINGS {
            for connector in [None, connector] {
                let filter = Filter { ordering: Some((by, false)), connector, ..Filter::default() };
                let (_, page, _, values) = statements(&filter).unwrap();
                let plan = plan(&conn, &page, values.len() + 2);
                assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{page}: {plan:?}");
            }
        }
    }
}
