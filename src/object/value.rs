//! Values of fields: what a record holds, and which values a field takes.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The value of one field of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// Blank. An empty list of a many-valued field is `Many(vec![])`.
    Null,
    /// `text, longtext, email, phonenumber` (E.164), `timezone`.
    Text(String),
    /// `integer`, `rating`.
    Integer(i64),
    /// `decimal`, `money`: at most 15 significant digits.
    Decimal(Decimal),
    /// `date`.
    Date(NaiveDate),
    /// `datetime`, whole microseconds.
    Datetime(DateTime<Utc>),
    /// `checkbox`.
    Bool(bool),
    /// `uuid`, and `team_selector` (the member's id).
    Uuid(Uuid),
    /// One option (its key) or one related record (its row).
    Key(i64),
    /// Several of them, in order, without repeats.
    Many(Vec<i64>),
}
