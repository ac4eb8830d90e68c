//! Records: one row of an object, with the values of the fields that were asked for.

use chrono::{DateTime, Utc};

use super::FieldValue;

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its row in the object's table; its id is computed from it.
    pub row: i64,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub updated: DateTime<Utc>,
    /// When it was archived.
    pub archived: Option<DateTime<Utc>>,
    /// One value per field that was asked for, in that order.
    pub values: Vec<FieldValue>,
}
