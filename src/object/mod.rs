//! The data model that load steps write to: objects, their fields, and values of those fields.
//!
//! An [`Object`] is read whole, with its [`Field`]s; there are hundreds of fields at most, so nothing
//! below works with half an object. How values are kept is `store`'s business, how they read and
//! write as JSON is here ([`shown`], [`written`]).

pub mod condition;
pub mod design;
pub mod field;
pub mod filter;
pub mod record;
pub mod shown;
pub mod value;
pub mod written;

use chrono::{DateTime, Utc};

pub use field::{Cardinality, Field, FieldOption, FieldType, Relation};
pub use record::Record;
pub use value::FieldValue;

use crate::id::{FieldId, ObjectId};

/// The api name of the built-in object that existing clients call Contacts.
pub const CONTACTS: &str = "client_client";

/// An object with its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Identity, also the first half of its records' ids.
    pub id: ObjectId,
    /// The api name: names the table, the template's scope and the seed. Never changes.
    pub name: String,
    /// The plural label ("Orders").
    pub object_name: String,
    /// The singular label ("Order").
    pub entity_name: String,
    /// False for built-in objects.
    pub is_custom: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was archived: it is hidden and no connector can use it.
    pub archived: Option<DateTime<Utc>>,
    /// Its live fields in display order.
    pub fields: Vec<Field>,
}

impl Object {
    /// The field with this id.
    #[must_use]
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The field with this api name.
    #[must_use]
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that every record must have to be recognised by a person: `email` of Contacts, else
    /// `name`. A load step without a mapping for it is incomplete.
    #[must_use]
    pub fn label_field(&self) -> Option<&Field> {
        self.field_named(if self.name == CONTACTS { "email" } else { "name" })
    }
}

/// What an api name of an object, field or scope may look like.
#[must_use]
pub fn is_api_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 63
        && bytes.next().is_some_and(|b| b == b'_' || b.is_ascii_lowercase())
        && bytes.all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The api name that a label becomes: lower case, everything else one `_`, a leading digit guarded.
#[must_use]
pub fn api_name_of(label: &str) -> String {
    let mut name = String::with_capacity(label.len());
    for c in label.trim().chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    let name = name.trim_matches('_');
    let name =
        if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() };
    name.chars().take(63).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_api_names() {
        for (label, name) in [
            ("Order Lines", "order_lines"),
            ("  Ürün!  ", "r_n"),
            ("2026 plan", "_2026_plan"),
            ("a--b", "a_b"),
        ] {
            assert_eq!(api_name_of(label), name);
            assert!(is_api_name(name));
        }
        for bad in ["", "9a", "A", "a-b", "../../x", &"a".repeat(64)] {
            assert!(!is_api_name(bad), "{bad}");
        }
    }
}
