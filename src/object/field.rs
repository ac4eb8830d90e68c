//! Fields: their types and what each type allows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{FieldId, ObjectId, OptionId};

/// The type of a field. The words are the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// At most 255 characters.
    Text,
    /// Text of any length (up to the engine's value limit).
    Longtext,
    /// Kept as given, compared and unique without regard to case.
    Email,
    /// Kept and compared as E.164.
    Phonenumber,
    /// 64 bit.
    Integer,
    /// At most 15 significant digits.
    Decimal,
    /// As decimal, in the workspace's currency.
    Money,
    /// A calendar day.
    Date,
    /// A moment, kept in UTC.
    Datetime,
    /// True or false.
    Checkbox,
    /// One of three fixed options.
    Yesnomaybe,
    /// A whole number from 0 to 10.
    Rating,
    /// One option.
    Dropdown,
    /// One option.
    Radio,
    /// Any number of options.
    Checkboxes,
    /// Any number of options, made on the fly.
    Dynamictags,
    /// One or many records of another object.
    Relationship,
    /// An IANA time zone name.
    Timezone,
    /// A UUID.
    Uuid,
    /// A member of the workspace.
    #[serde(rename = "team_selector")]
    TeamSelector,
}

impl FieldType {
    /// Every type, in the order that the metadata lists them.
    pub const ALL: [Self; 20] = [
        Self::Text,
        Self::Longtext,
        Self::Email,
        Self::Phonenumber,
        Self::Integer,
        Self::Decimal,
        Self::Money,
        Self::Date,
        Self::Datetime,
        Self::Checkbox,
        Self::Yesnomaybe,
        Self::Rating,
        Self::Dropdown,
        Self::Radio,
        Self::Checkboxes,
        Self::Dynamictags,
        Self::Relationship,
        Self::Timezone,
        Self::Uuid,
        Self::TeamSelector,
    ];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Longtext => "longtext",
            Self::Email => "email",
            Self::Phonenumber => "phonenumber",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Money => "money",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Checkbox => "checkbox",
            Self::Yesnomaybe => "yesnomaybe",
            Self::Rating => "rating",
            Self::Dropdown => "dropdown",
            Self::Radio => "radio",
            Self::Checkboxes => "checkboxes",
            Self::Dynamictags => "dynamictags",
            Self::Relationship => "relationship",
            Self::Timezone => "timezone",
            Self::Uuid => "uuid",
            Self::TeamSelector => "team_selector",
        }
    }

    /// Reads the API's word. `wysiwyg` is taken as `longtext`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word == "wysiwyg" {
            return Some(Self::Longtext);
        }
        Self::ALL.into_iter().find(|t| t.as_str() == word)
    }

    /// Whether values are chosen from the field's options.
    #[must_use]
    pub const fn has_options(self) -> bool {
        matches!(self, Self::Yesnomaybe | Self::Dropdown | Self::Radio | Self::Checkboxes | Self::Dynamictags)
    }
}

/// One choice of a choice field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOption {
    /// Identity in the API.
    pub id: OptionId,
    /// Identity in the database: what a record's column or link table holds.
    pub key: i64,
    /// The label.
    pub name: String,
    /// The code, unique in the field.
    pub code: String,
    /// Position in the list.
    pub order: i64,
}

/// How many records a relationship holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cardinality {
    /// At most one: a column with the related row.
    One,
    /// Any number: a link table.
    Many,
}

/// Where a relationship field leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The related object.
    pub object: ObjectId,
    /// How many records this side holds.
    pub cardinality: Cardinality,
    /// The field on the other side.
    pub mirror: FieldId,
    /// Whether this field is the mirror: it has no storage of its own, shows what the other side
    /// holds, and is read-only.
    pub is_mirror: bool,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Identity in the API.
    pub id: FieldId,
    /// Identity in the database: names the link table (`link_<key>`) of a many-valued field.
    pub key: i64,
    /// The api name: names the column. Never changes.
    pub name: String,
    /// The label.
    pub display_name: String,
    /// The type. Never changes.
    pub field_type: FieldType,
    /// Blank is refused.
    pub is_required: bool,
    /// Two live records can't share the value.
    pub is_unique: bool,
    /// Nobody can write it: the mirror of a relationship.
    pub is_read_only: bool,
    /// Position in lists.
    pub order: i64,
    /// Of a choice field.
    pub options: Vec<FieldOption>,
    /// Of a relationship.
    pub relation: Option<Relation>,
    /// Hidden; its column keeps the data under another name.
    pub deleted: bool,
}

impl Field {
    /// Whether a record holds a list of values, kept in a link table.
    #[must_use]
    pub fn is_many(&self) -> bool {
        match self.field_type {
            FieldType::Checkboxes | FieldType::Dynamictags => true,
            FieldType::Relationship => {
                self.relation.as_ref().is_some_and(|relation| relation.cardinality == Cardinality::Many)
            }
            _ => false,
        }
    }

    /// Whether the object's table has a column for it (neither a link table nor a mirror).
    #[must_use]
    pub fn has_column(&self) -> bool {
        !self.is_many() && self.has_storage()
    }

    /// Whether anything is kept for it: a mirror shows what the other side holds.
    #[must_use]
    pub fn has_storage(&self) -> bool {
        !self.relation.as_ref().is_some_and(|relation| relation.is_mirror)
    }

    /// The option with this database key.
    #[must_use]
    pub fn option(&self, key: i64) -> Option<&FieldOption> {
        self.options.iter().find(|option| option.key == key)
    }
}
