//! Fields: their types and what each type allows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{api_name_of, design::numbered};
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

impl FieldOption {
    /// The code that an option with this label gets, where no other has it.
    #[must_use]
    pub fn wished_code(label: &str) -> String {
        let made = api_name_of(label);
        if made.is_empty() { "option".to_owned() } else { made }
    }

    /// Whether a text that is nobody's label means this option when it is its code.
    ///
    /// One that somebody chose does. One that was made from the label does where it is the label but for
    /// blanks and case (`blue_sky`); where signs were lost (`a` of `A+`) or a number was put behind (`a_2`),
    /// the text is rather a label of its own.
    #[must_use]
    pub fn goes_by_code(&self) -> bool {
        let wished = Self::wished_code(&self.name);
        if self.code != wished {
            let number = self.code.rsplit_once('_').and_then(|(_, number)| number.parse().ok());
            return number.is_none_or(|number| number < 2 || numbered(&wished, number) != self.code);
        }
        let label = self.name.trim().to_lowercase().replace([' ', '-'], "_");
        // A leading digit is guarded.
        label == self.code || self.code.strip_prefix('_') == Some(&label)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_for_its_option_unless_it_was_made_and_lost_some_of_the_label() {
        let goes = |name: &str, code: &str| {
            FieldOption { id: OptionId::new(), key: 1, name: name.into(), code: code.into(), order: 0 }
                .goes_by_code()
        };
        for (name, code) in [
            ("Large", "l"),
            ("Large", "large"),
            ("Blue sky", "blue_sky"),
            ("Blue-sky", "blue_sky"),
            ("2026", "_2026"),
            ("Level 2", "level_2"),
            ("A+", "plus"),
            ("Size", "size_b"),
        ] {
            assert!(goes(name, code), "{name} {code}");
        }
        for (name, code) in [
            ("A+", "a"),
            ("C++", "c_2"),
            ("A", "a_2"),
            ("Café", "caf"),
            ("日本", "option"),
            ("日本", "option_3"),
        ] {
            assert!(!goes(name, code), "{name} {code}");
        }
        let long = "x".repeat(80);
        assert!(!goes(&long, &"x".repeat(63)), "the end is lost");
    }
}
