//! Which files there are.

use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::{SELECT, StoredFile, from_row};
use crate::{
    error::Result,
    id::{ConnectorId, FileId, KeyId, MemberId},
    store::{column, condition::Condition},
};

/// Which files a list shows, registered ones all.
#[derive(Debug)]
pub struct Filter {
    /// Part of the name.
    pub search: String,
    /// Whose they are.
    pub whose: Whose,
}

/// Whose files a list shows.
#[derive(Debug)]
pub enum Whose {
    /// Everybody's.
    All,
    /// Those of connectors, and of the others what this member sent.
    Member(MemberId),
    /// Those of these connectors, others that they use, and what was sent with this key and follows none.
    Key {
        /// The key.
        key: KeyId,
        /// What it reaches.
        connectors: Vec<ConnectorId>,
        /// What these use.
        used: Vec<FileId>,
    },
}

/// One page of files, newest first, and how many there are.
pub fn list(conn: &Connection, filter: &Filter, limit: i64, offset: i64) -> Result<(u64, Vec<StoredFile>)> {
    let (count, page, mut values) = statements(filter)?;
    let count: i64 = conn.prepare_cached(&count)?.query_row(params_from_iter(&values), |row| row.get(0))?;
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    let mut statement = conn.prepare_cached(&page)?;
    let rows = statement.query_map(params_from_iter(&values), from_row)?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// The statements that count and that read a page, and the values of their condition.
fn statements(filter: &Filter) -> Result<(String, String, Vec<Value>)> {
    let mut condition = Condition::any();
    condition.and_plain("registered = 1");
    let search = Some(filter.search.clone()).filter(|word| !word.is_empty());
    condition.and_if("instr(folded(name), folded(?))", search);
    match &filter.whose {
        Whose::All => {}
        Whose::Member(id) => condition.and("(connector_id IS NOT NULL OR owner = ?)", id.to_string()),
        Whose::Key { key, connectors, used } => condition.and_all(
            "(CASE WHEN connector_id IS NULL THEN owner_key = ?
                ELSE connector_id IN (SELECT value FROM json_each(?)) END
                OR id IN (SELECT value FROM json_each(?)))",
            [key.to_string(), column::to_json(connectors)?, column::to_json(used)?],
        ),
    }
    let (condition, values) = condition.finish();
    let count = format!("SELECT count(*) FROM file WHERE {condition}");
    // The rows of the page are chosen in the index.
    let chosen = format!("SELECT id FROM file WHERE {condition} ORDER BY created DESC, id LIMIT ? OFFSET ?");
    let page = format!("{SELECT} WHERE file.id IN ({chosen}) ORDER BY file.created DESC, file.id");
    Ok((count, page, values))
}

/// The next registered files in the order of their ids, for whoever looks at all of them.
pub fn page_after(conn: &Connection, after: &str, limit: i64) -> Result<Vec<StoredFile>> {
    let mut statement = conn
        .prepare_cached(&format!("{SELECT} WHERE file.id > ? AND registered = 1 ORDER BY file.id LIMIT ?"))?;
    let rows = statement.query_map(params![after, limit], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The other files with the same bytes.
pub fn same_content(conn: &Connection, file: &StoredFile) -> Result<Vec<FileId>> {
    let mut statement = conn.prepare_cached("SELECT id FROM file WHERE content = ? AND id <> ?")?;
    let rows =
        statement.query_map(params![file.content, file.id.to_string()], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::plan::plan;

    #[test]
    fn lists_are_counted_and_chosen_in_their_index() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(dir.path(), crate::clock::Clock::system()).unwrap();
        let conn = store.files.reader().unwrap();
        let of_key =
            Whose::Key { key: KeyId::new(), connectors: vec![ConnectorId::new()], used: vec![FileId::new()] };
        for (search, whose) in
            [("", Whose::All), ("orders", Whose::All), ("", Whose::Member(MemberId::new())), ("", of_key)]
        {
            let filter = Filter { search: search.to_owned(), whose };
            let (count, page, values) = statements(&filter).unwrap();
            for (sql, more) in [(count, 0), (page, 2)] {
                let plan = plan(&conn, &sql, values.len() + more);
                let index = |step: &String| step.starts_with("SCAN file USING COVERING INDEX file_listed");
                assert!(plan.iter().any(index), "{sql}: {plan:?}");
            }
        }
    }
}
