//! Members.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{column, error::is_unique_violation, time};
use crate::{
    auth::{Member, Role},
    error::{Code, Error, Result},
    id::MemberId,
};

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        id: column::parsed(row, "id")?,
        email: row.get("email")?,
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        role: column::word(row, "role", Role::parse)?,
        created: time::get(row, "created")?,
        deleted: time::get_optional(row, "deleted")?,
    })
}

/// The member with this id, removed or not.
pub fn find(conn: &Connection, id: MemberId) -> Result<Option<Member>> {
    let mut statement = conn.prepare_cached("SELECT * FROM member WHERE id = ?")?;
    Ok(statement.query_row([id.to_string()], from_row).optional()?)
}

/// These members, removed or not.
pub fn with_ids(conn: &Connection, ids: &[MemberId]) -> Result<HashMap<MemberId, Member>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement =
        conn.prepare_cached("SELECT * FROM member WHERE id IN (SELECT value FROM json_each(?))")?;
    let rows = statement.query_map([column::to_json(&ids)?], |row| from_row(row).map(|m| (m.id, m)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Live members whose name or e-mail address contains `search`, by name; at most `limit` from `offset`.
pub fn search(conn: &Connection, search: &str, limit: i64, offset: i64) -> Result<(i64, Vec<Member>)> {
    let filter = "FROM member WHERE deleted IS NULL
        AND instr(folded(first_name || ' ' || last_name || ' ' || email), folded(?1))";
    let count = conn.query_row(&format!("SELECT count(*) {filter}"), [search], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(&format!(
        "SELECT * {filter} ORDER BY first_name, last_name, email, id LIMIT ?2 OFFSET ?3"
    ))?;
    let rows = statement.query_map(params![search, limit, offset], from_row)?;
    Ok((count, rows.collect::<rusqlite::Result<_>>()?))
}

/// Every live member, for look-ups by e-mail address.
pub fn all(conn: &Connection) -> Result<Vec<Member>> {
    let mut statement =
        conn.prepare_cached("SELECT * FROM member WHERE deleted IS NULL ORDER BY created, id")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Adds a member.
///
/// # Errors
/// `unique` when a live member has the address.
pub fn insert(tx: &Transaction<'_>, member: &Member) -> Result<()> {
    tx.execute(
        "INSERT INTO member (id, email, first_name, last_name, role, created) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            member.id.to_string(),
            member.email,
            member.first_name,
            member.last_name,
            member.role.as_str(),
            time::to_ms(member.created)
        ],
    )
    .map_err(|e| taken(e, member))?;
    Ok(())
}

/// Writes a member's address, names and role.
///
/// # Errors
/// `unique` when another live member has the address.
pub fn update(tx: &Transaction<'_>, member: &Member) -> Result<()> {
    tx.execute(
        "UPDATE member SET email = ?, first_name = ?, last_name = ?, role = ? WHERE id = ?",
        params![
            member.email,
            member.first_name,
            member.last_name,
            member.role.as_str(),
            member.id.to_string()
        ],
    )
    .map_err(|e| taken(e, member))?;
    Ok(())
}

/// Removes a member: its keys are revoked, its sessions end, its row stays for what it did.
pub fn remove(tx: &Transaction<'_>, id: MemberId, now: DateTime<Utc>) -> Result<()> {
    let (id, now) = (id.to_string(), time::to_ms(now));
    tx.execute("DELETE FROM session WHERE key_id IN (SELECT id FROM api_key WHERE member_id = ?)", [&id])?;
    tx.execute(
        "UPDATE api_key SET revoked_at = ? WHERE member_id = ? AND revoked_at IS NULL",
        params![now, id],
    )?;
    tx.execute("UPDATE member SET deleted = ? WHERE id = ? AND deleted IS NULL", params![now, id])?;
    Ok(())
}

fn taken(error: rusqlite::Error, member: &Member) -> Error {
    if is_unique_violation(&error) {
        let detail = format!("A member with the e-mail address {} already exists.", member.email);
        return Error::new(Code::Unique, detail).at("email");
    }
    error.into()
}

/// The one that stands for whoever has the data folder: the member made at the first start, while it is
/// an admin; else the oldest admin.
pub fn first(conn: &Connection) -> Result<MemberId> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM member ORDER BY deleted IS NOT NULL, role <> 'admin', created, rowid LIMIT 1",
    )?;
    Ok(statement.query_row([], |row| column::parsed(row, "id"))?)
}
