//! Where the several values of a field are: in its link table, or, for a mirror, with the records of the
//! other side.

use rusqlite::Connection;

use super::{object, table};
use crate::{
    error::{Error, Result},
    object::Field,
};

/// Rows of `table`: column `owner` has the record that holds the value, column `value` the option's key
/// or the related record's row. `and` narrows them to what is shown.
pub(super) struct Link {
    pub table: String,
    pub owner: String,
    pub value: String,
    pub and: String,
}

impl Link {
    /// Of a field without a column.
    pub(super) fn of(connection: &Connection, field: &Field) -> Result<Self> {
        match &field.relation {
            Some(relation) if relation.is_mirror => {
                let other = object::load(connection, relation.object)?;
                let source = other
                    .field(relation.mirror)
                    .ok_or_else(|| Error::internal(format!("mirror field {} has no other side", field.id)))?;
                Ok(Self::mirror(&table::table(&other), source))
            }
            _ => Ok(Self {
                table: table::link_table(field),
                owner: "record".to_owned(),
                value: "value".to_owned(),
                and: String::new(),
            }),
        }
    }

    /// What records of `other` hold in `source`, seen from the records that they hold.
    fn mirror(other: &str, source: &Field) -> Self {
        if source.is_many() {
            return Self {
                table: table::link_table(source),
                owner: "value".to_owned(),
                value: "record".to_owned(),
                and: format!(" AND record IN (SELECT id FROM {other} WHERE archived IS NULL)"),
            };
        }
        Self {
            table: other.to_owned(),
            owner: table::column(source),
            value: "id".to_owned(),
            and: " AND archived IS NULL".to_owned(),
        }
    }
}
