//! What a new object or field must look like before the store makes it.

use utoipa::ToSchema;

use super::{CONTACTS, Cardinality, Field, FieldType, Object, api_name_of, is_api_name, value::ValueFault};
use crate::{
    error::{Error, Result},
    id::ObjectId,
};

/// At most this many fields per object, the deleted ones included: their columns stay.
pub const MAX_FIELDS: i64 = 1_000;
/// At most this many characters in a label.
const MAX_LABEL: usize = 255;

/// A label, as the API's document describes it: something to see in it, and no control characters. What is sent is
/// text, and checked by [`check_label`].
#[derive(Debug, ToSchema)]
#[schema(
    pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
    max_length = 255
)]
pub struct Label(pub String);

/// Columns that every object's table has anyway, and SQLite's names of the row number. `kizen_id` is the
/// first column of every seed.
const RESERVED: [&str; 10] = [
    "id",
    "rowid",
    "oid",
    "_rowid_",
    "created",
    "updated",
    "archived",
    "created_by_execution",
    "updated_by_execution",
    "kizen_id",
];

/// An object to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject {
    /// The api name; `None`: made from the plural label.
    pub name: Option<String>,
    /// The plural label.
    pub object_name: String,
    /// The singular label.
    pub entity_name: String,
}

/// A field to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewField {
    /// The api name; `None`: made from the label.
    pub name: Option<String>,
    /// The label.
    pub display_name: String,
    /// The type.
    pub field_type: FieldType,
    /// Blank is refused.
    pub is_required: bool,
    /// Two live records can't share the value.
    pub is_unique: bool,
    /// Of a choice field.
    pub options: Vec<NewOption>,
    /// Of a relationship, and only there.
    pub relation: Option<NewRelation>,
}

/// An option to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOption {
    /// The label.
    pub name: String,
    /// The code; `None`: made from the label.
    pub code: Option<String>,
}

/// Where a new relationship leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRelation {
    /// The related object.
    pub object: ObjectId,
    /// How many records this side holds.
    pub cardinality: Cardinality,
}

impl NewObject {
    /// Checks what can be checked without the store.
    pub fn check(&self) -> Result<()> {
        check_label("object_name", &self.object_name)?;
        check_label("entity_name", &self.entity_name)?;
        self.name.as_deref().map_or(Ok(()), check_api_name)
    }

    /// The api name wished for; the store adds a suffix to a derived one that is taken.
    #[must_use]
    pub fn wished_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| derived(&self.object_name, "object"))
    }
}

impl NewField {
    /// A plain field: optional, not unique.
    #[must_use]
    pub fn plain(name: &str, display_name: &str, field_type: FieldType) -> Self {
        Self {
            name: Some(name.to_owned()),
            display_name: display_name.to_owned(),
            field_type,
            is_required: false,
            is_unique: false,
            options: Vec::new(),
            relation: None,
        }
    }

    /// Checks what can be checked without the store.
    pub fn check(&self) -> Result<()> {
        check_label("display_name", &self.display_name)?;
        if let Some(name) = &self.name {
            check_api_name(name)?;
            if is_reserved(name) {
                return Err(Error::invalid(format!("name: {name} is reserved.")).at("name"));
            }
        }
        let word = self.field_type.as_str();
        match (&self.relation, self.field_type) {
            (None, FieldType::Relationship) => return Err(Error::required("relation")),
            (Some(_), other) if other != FieldType::Relationship => {
                return Err(
                    Error::invalid(format!("relation: a field of type {word} has none.")).at("relation")
                );
            }
            _ => {}
        }
        if self.is_unique {
            check_can_be_unique(self.field_type)?;
        }
        if !self.options.is_empty() && (!self.field_type.has_options() || self.has_fixed_options()) {
            let why = if self.has_fixed_options() { "has fixed options" } else { "has no options" };
            return Err(Error::invalid(format!("options: a field of type {word} {why}.")).at("options"));
        }
        self.options.iter().try_for_each(|option| check_label("options", &option.name))
    }

    fn has_fixed_options(&self) -> bool {
        self.field_type == FieldType::Yesnomaybe
    }

    /// The options that the field starts with.
    #[must_use]
    pub fn first_options(&self) -> Vec<NewOption> {
        if !self.has_fixed_options() {
            return self.options.clone();
        }
        ["Yes", "No", "Maybe"].map(|name| NewOption { name: name.to_owned(), code: None }).into()
    }

    /// The api name wished for; the store adds a suffix to a derived one that is taken.
    #[must_use]
    pub fn wished_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| derived(&self.display_name, "field"))
    }
}

/// Which types can be unique: those whose values are told apart by one column.
pub fn check_can_be_unique(field_type: FieldType) -> Result<()> {
    let can = matches!(
        field_type,
        FieldType::Text
            | FieldType::Email
            | FieldType::Phonenumber
            | FieldType::Integer
            | FieldType::Decimal
            | FieldType::Money
            | FieldType::Date
            | FieldType::Datetime
            | FieldType::Uuid
    );
    if can {
        return Ok(());
    }
    Err(Error::invalid(format!("is_unique: a field of type {} can't be unique.", field_type.as_str()))
        .at("is_unique"))
}

/// A name that no field may have.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with("_deleted_")
}

/// A field that every object of its kind has: it can't be deleted.
#[must_use]
pub fn is_built_in(object: &Object, field: &Field) -> bool {
    if object.name == CONTACTS {
        return CONTACT_FIELDS.iter().any(|(name, ..)| *name == field.name);
    }
    ["name", "owner"].contains(&field.name.as_str())
}

/// The fields of Contacts: api name, label, type.
pub const CONTACT_FIELDS: [(&str, &str, FieldType); 9] = [
    ("first_name", "First Name", FieldType::Text),
    ("last_name", "Last Name", FieldType::Text),
    ("email", "Email", FieldType::Email),
    ("phone", "Phone", FieldType::Phonenumber),
    ("birthday", "Birthday", FieldType::Date),
    ("timezone", "Timezone", FieldType::Timezone),
    ("titles", "Titles", FieldType::Dynamictags),
    ("tags", "Tags", FieldType::Dynamictags),
    ("owner", "Owner", FieldType::TeamSelector),
];

/// A label that a person sees: there, and not a text.
pub fn check_label(path: &str, label: &str) -> Result<()> {
    if label.trim().is_empty() {
        return Err(Error::required(path));
    }
    match label_fault(label) {
        Some(fault) => Err(Error::invalid(format!("{path}: {}.", fault.message)).at(path)),
        None => Ok(()),
    }
}

/// Why a text that is not blank can't be a label.
#[must_use]
pub fn label_fault(label: &str) -> Option<ValueFault> {
    if label.chars().any(char::is_control) {
        return Some(
            ValueFault::new("invalid", "control characters are not kept")
                .expecting("a label without control characters"),
        );
    }
    let found = label.chars().count();
    (found > MAX_LABEL).then(|| {
        ValueFault::new("too_long", format!("{found} characters; at most {MAX_LABEL} are kept"))
            .expecting(format!("a label of at most {MAX_LABEL} characters"))
    })
}

fn check_api_name(name: &str) -> Result<()> {
    if is_api_name(name) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "name: {name:?} is not an api name: a lower case letter or _, then letters, digits or _, at most 63."
    ))
    .at("name"))
}

/// An api name from a label; labels without a Latin letter or digit get `otherwise`.
fn derived(label: &str, otherwise: &str) -> String {
    let name = api_name_of(label);
    match () {
        () if name.is_empty() => otherwise.to_owned(),
        () if is_reserved(&name) => format!("{name}_field"),
        () => name,
    }
}

/// `name`, or `name_2`, `name_3`… until `taken` says no; never longer than an api name may be.
pub fn free_name(name: &str, mut taken: impl FnMut(&str) -> Result<bool>) -> Result<String> {
    let mut candidate = name.to_owned();
    let mut n = 2_u32;
    while taken(&candidate)? {
        candidate = numbered(name, n);
        n += 1;
    }
    Ok(candidate)
}

/// The `n`-th name of those that [`free_name`] tries, from 1.
#[must_use]
pub fn numbered(name: &str, n: u32) -> String {
    if n <= 1 {
        return name.to_owned();
    }
    let suffix = format!("_{n}");
    let kept: String = name.chars().take(63 - suffix.len()).collect();
    kept + &suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_refused_for_what_its_type_does_not_allow() {
        let good = NewField::plain("size", "Size", FieldType::Text);
        assert_eq!(good.check(), Ok(()));
        let refused = |change: &dyn Fn(&mut NewField)| {
            let mut field = good.clone();
            change(&mut field);
            field.check().unwrap_err().fields[0].path.clone()
        };
        assert_eq!(refused(&|f| f.name = Some("Size".into())), "name");
        assert_eq!(refused(&|f| f.name = Some("rowid".into())), "name");
        assert_eq!(refused(&|f| f.name = Some("_deleted_3".into())), "name");
        assert_eq!(refused(&|f| f.display_name = "  ".into()), "display_name");
        assert_eq!(refused(&|f| f.field_type = FieldType::Relationship), "relation");
        assert_eq!(refused(&|f| f.options = vec![NewOption { name: "a".into(), code: None }]), "options");
        assert_eq!(
            refused(&|f| {
                f.field_type = FieldType::Checkbox;
                f.is_unique = true;
            }),
            "is_unique"
        );
    }

    #[test]
    fn derived_names_avoid_what_is_taken_or_reserved() {
        let field = |label: &str| NewField { name: None, ..NewField::plain("x", label, FieldType::Text) };
        assert_eq!(field("Created").wished_name(), "created_field");
        assert_eq!(field("日本").wished_name(), "field");
        let taken = ["a", "a_2"];
        assert_eq!(free_name("a", |name| Ok(taken.contains(&name))), Ok("a_3".into()));
        let long = "x".repeat(63);
        assert_eq!(free_name(&long, |name| Ok(name == long)).unwrap().len(), 63);
    }
}
