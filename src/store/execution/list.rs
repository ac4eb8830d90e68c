//! Lists of executions: filters, orders, and where each one stands in the queue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::{from_row, text, text::Search};
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
    let Statements { count, chosen, order, mut values } = statements(filter)?;
    let count: i64 = conn.prepare_cached(&count)?.query_row(params_from_iter(&values), |row| row.get(0))?;
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    // The rows are wide: only those of the page are read, the others pass by in an index.
    let page = format!("SELECT * FROM execution WHERE seq IN ({chosen}) ORDER BY {order}");
    let mut statement = conn.prepare_cached(&page)?;
    let rows = statement.query_map(params_from_iter(&values), from_row)?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// What is asked for one page.
struct Statements {
    /// How many there are.
    count: String,
    /// The `seq` of those of the page; its last two values are limit and offset.
    chosen: String,
    /// Their order.
    order: String,
    /// The values of the condition that both have.
    values: Vec<Value>,
}

fn statements(filter: &Filter) -> Result<Statements> {
    let search = text::search(filter);
    let (by, descending) = filter.ordering.unwrap_or(("created", true));
    // Rows are made in the order of their creation: seq is the index that serves it.
    let by = match by {
        "created" => "seq",
        "status" => "state",
        other => other,
    };
    let direction = if descending { "DESC" } else { "ASC" };
    let order =
        if by == "seq" { format!("seq {direction}") } else { format!("{by} {direction}, seq {direction}") };
    let rest = rest(filter)?;
    if let Some(Search::All(found, word)) = search {
        return Ok(searched(rest, found, word, by, order));
    }
    let mut condition = rest;
    if !filter.include_dry_run {
        condition.and_plain("is_dry_run = 0");
    }
    if let Some(Search::Each(part, word)) = search {
        condition.and(part, word);
    }
    let (condition, values) = condition.finish();
    let count = format!("SELECT count(*) FROM execution WHERE {condition}");
    let condition = in_order_of(by, condition);
    let chosen = format!("SELECT seq FROM execution WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?");
    Ok(Statements { count, chosen, order, values })
}

/// The condition for a page in this order. Indexes of filters are in the order of seq: for another order their rows
/// would have to be read and sorted, while that of the order has in it what most filters ask for.
fn in_order_of(by: &str, mut condition: String) -> String {
    for (column, part) in
        [("seq", "is_dry_run = 0"), ("state", "state = ?"), ("trigger_type", "trigger_type = ?")]
    {
        if by != "seq" && by != column {
            condition = condition.replace(part, &format!("+{part}"));
        }
    }
    condition
}

/// A word that is looked for in all executions: `found` leaves those that have it.
fn searched(rest: Condition, found: &str, word: Value, by: &str, order: String) -> Statements {
    let is_all = rest.is_any();
    let (condition, mut values) = rest.finish();
    values.push(word);
    // The rest of the filter goes through its index, and `found` says which of its rows are meant: there may
    // be so many of them that looking up each one's row takes longer.
    let condition = format!("{condition} AND +seq IN ({found})");
    let count = if is_all {
        format!("SELECT count(*) FROM ({found})")
    } else {
        format!("SELECT count(*) FROM execution WHERE {condition}")
    };
    let chosen = if is_all && by == "seq" {
        format!("SELECT seq FROM ({found}) ORDER BY {order} LIMIT ? OFFSET ?")
    } else {
        let condition = in_order_of(by, condition);
        format!("SELECT seq FROM execution WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?")
    };
    Statements { count, chosen, order, values }
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

/// The condition without the word, and without that of dry runs.
fn rest(filter: &Filter) -> Result<Condition> {
    let mut condition = Condition::any();
    let connector = filter.connector.map(|id| id.to_string());
    // A few ids are looked up one by one, whatever else is asked: a connector may have had very many runs.
    let part = if filter.ids.is_some() { "+connector_id = ?" } else { "connector_id = ?" };
    condition.and_if(part, connector);
    let connectors = filter.connectors.as_ref().map(column::to_json).transpose()?;
    condition.and_if("connector_id IN (SELECT value FROM json_each(?))", connectors);
    let ids = filter.ids.as_ref().map(column::to_json).transpose()?;
    condition.and_if("id IN (SELECT value FROM json_each(?))", ids);
    condition.and_if("state = ?", filter.state.map(|state| state.as_str().to_owned()));
    condition.and_if("trigger_type = ?", filter.trigger.map(|trigger| trigger.as_str().to_owned()));
    condition.and_if("started_by_key = ?", filter.started_by_key.map(|id| id.to_string()));
    condition.and_if("created >= ?", filter.created_after.map(time::to_ms));
    condition.and_if("created < ?", filter.created_before.map(time::to_ms));
    Ok(condition)
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
        let connector = Some(ConnectorId::new());
        let now = Some(DateTime::UNIX_EPOCH);
        let word = |word: &str| Some(word.to_owned());
        let all = |filter: Filter| [Filter { connector, ..filter.clone() }, filter];
        let filters = [
            Filter::default(),
            Filter { include_dry_run: true, ..Filter::default() },
            Filter { state: Some(State::Failed), ..Filter::default() },
            Filter { trigger: Some(TriggerType::Api), ..Filter::default() },
            Filter { started_by_key: Some(KeyId::new()), ..Filter::default() },
            Filter { ids: Some(vec![ExecutionId::new()]), ..Filter::default() },
            Filter { created_after: now, created_before: now, ..Filter::default() },
            Filter { search: word("orders"), ..Filter::default() },
            Filter { search: word("or"), include_dry_run: true, ..Filter::default() },
            Filter { search: word("orders"), state: Some(State::Failed), ..Filter::default() },
        ];
        for filter in filters.into_iter().flat_map(all) {
            let Statements { count, chosen, values, .. } = statements(&filter).unwrap();
            let counted = plan(&conn, &count, values.len());
            assert!(!walks(&counted, "execution"), "{count}: {counted:?}");
            let paged = plan(&conn, &chosen, values.len() + 2);
            let by_time = filter.created_after.is_some() || filter.ids.is_some();
            assert!(by_time || !sorts(&paged), "{chosen}: {paged:?}");
            let by_id = |plan: &[String]| plan.iter().any(|step| step.contains("(id=?)"));
            assert!(filter.ids.is_none() || (by_id(&counted) && by_id(&paged)), "{counted:?} {paged:?}");
        }
        for by in ORDERINGS {
            for connector in [None, connector] {
                for (search, state) in [
                    (None, None),
                    (word("orders"), None),
                    (word("orders"), Some(State::Failed)),
                    (None, Some(State::Failed)),
                ] {
                    let ordering = Some((*by, false));
                    let filter = Filter { connector, state, search, ordering, ..Filter::default() };
                    let Statements { chosen, values, .. } = statements(&filter).unwrap();
                    let paged = plan(&conn, &chosen, values.len() + 2);
                    assert!(!sorts(&paged), "{chosen}: {paged:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_word_is_looked_up_by_its_letters() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(dir.path(), crate::clock::Clock::system()).unwrap();
        let conn = store.control.reader().unwrap();
        for (word, looks_up) in [("abc", true), ("äöü", true), ("ab", false), ("a\0bc", false)] {
            let filter = Filter { search: Some(word.to_owned()), ..Filter::default() };
            let Statements { count, chosen, values, .. } = statements(&filter).unwrap();
            for (sql, more) in [(count, 0), (chosen, 2)] {
                let plan = plan(&conn, &sql, values.len() + more);
                let step = "SCAN execution_trigram VIRTUAL TABLE";
                assert_eq!(plan.iter().any(|found| found.starts_with(step)), looks_up, "{sql}: {plan:?}");
            }
        }
    }
}
