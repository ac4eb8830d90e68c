//! What SQLite does for a statement, for tests that hold a list to its indexes.

use rusqlite::{Connection, params_from_iter, types::Value};

/// Every table or index that it goes through, and what it sorts.
pub fn plan(conn: &Connection, sql: &str, values: usize) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement
        .query_map(params_from_iter(vec![Value::Integer(1); values]), |row| row.get::<_, String>("detail"))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// Whether it reads the rows of a table one after the other, outside of any index.
pub fn walks(plan: &[String], table: &str) -> bool {
    plan.iter().any(|step| *step == format!("SCAN {table}"))
}

/// Whether it sorts.
pub fn sorts(plan: &[String]) -> bool {
    plan.iter().any(|step| step.contains("TEMP B-TREE"))
}
