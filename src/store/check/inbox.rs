//! Webhooks that wait: each connector's requests count without gaps, and a closed window is their beginning.

use super::Checked;
use crate::{
    error::Result,
    store::{Store, migrate::Kind},
};

pub(super) fn check(store: &Store, checked: &mut Checked) -> Result<()> {
    let mut reader = store.inbox.reader()?;
    // One moment: requests come and windows close beside.
    let moment = reader.transaction()?;
    let mut statement = moment.prepare(
        "SELECT i.connector_id, i.last_seq - i.taken_seq,
             (SELECT count(*) FROM request r WHERE r.inbox = i.key AND r.seq > i.taken_seq AND r.seq <= i.last_seq),
             (SELECT count(*) FROM request r WHERE r.inbox = i.key AND r.seq > i.last_seq),
             b.first_seq IS NULL OR (b.last_seq <= i.last_seq AND b.first_seq = i.taken_seq + 1)
                 OR b.last_seq <= i.taken_seq
         FROM inbox i LEFT JOIN batch b ON b.inbox = i.key ORDER BY i.key",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let connector: String = row.get(0)?;
        let (waiting, found, beyond): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        checked.webhooks += found.unsigned_abs();
        let place = format!("{} connector {connector}", Kind::Inbox.file_name());
        if waiting != found {
            checked.found(&place, format!("{waiting} requests should wait, there are {found}"));
        }
        if beyond > 0 {
            checked.found(&place, format!("{beyond} requests are numbered beyond the newest one"));
        }
        if !row.get::<_, bool>(4)? {
            checked.found(&place, "its closed window is not the beginning of what waits");
        }
    }
    Ok(())
}
