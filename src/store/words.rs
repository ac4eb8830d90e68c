//! What values are read and shown by: the workspace's zone, currency and phone region, and its members.

use std::collections::HashMap;

use chrono_tz::Tz;
use rusqlite::Connection;
use uuid::Uuid;

use super::{Store, member, object, record, workspace};
use crate::{
    auth::Member,
    error::Result,
    id::MemberId,
    object::{
        Field, FieldType, FieldValue, Record,
        shown::{Labels, Person},
        written::Reading,
    },
    variable::{
        email::parse_email,
        phone::{PhoneFormat, Region, parse_phone},
    },
};

type PhoneParser = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Read once per request or run.
pub struct Words {
    zone: Tz,
    currency: String,
    people: Vec<Person>,
    phone: PhoneParser,
}

impl Words {
    /// As they are now.
    pub fn of(store: &Store) -> Result<Self> {
        let (workspace, members) = store.control.read(|c| Ok((workspace::get(c)?, member::all(c)?)))?;
        let people = members.into_iter().map(person).collect();
        Ok(Self {
            people,
            ..Self::without_members(workspace.timezone, workspace.currency, &workspace.phone_region)
        })
    }

    /// Of a workspace that has no members.
    #[must_use]
    pub fn without_members(zone: Tz, currency: String, phone_region: &str) -> Self {
        let format = PhoneFormat::Region(phone_region.parse::<Region>().ok());
        Self {
            zone,
            currency,
            people: Vec::new(),
            phone: Box::new(move |text| parse_phone(text, format).ok().map(|(number, _)| number)),
        }
    }

    /// The workspace's zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// For what callers write.
    #[must_use]
    pub fn reading(&self) -> Reading<'_> {
        Reading {
            zone: self.zone,
            people: &self.people,
            email: |text| parse_email(text).ok(),
            phone: &*self.phone,
        }
    }

    /// For showing these records' values of `fields`. `connection` is one of `records.db`.
    pub fn labels(
        &self,
        store: &Store,
        connection: &Connection,
        fields: &[&Field],
        records: &[Record],
    ) -> Result<Labels> {
        let mut people: HashMap<Uuid, Person> =
            self.people.iter().map(|person| (person.id, person.clone())).collect();
        let mut labels = HashMap::new();
        for (n, field) in fields.iter().enumerate() {
            let values = records.iter().map(|record| &record.values[n]);
            if field.field_type == FieldType::TeamSelector {
                add_former_members(store, values, &mut people)?;
            } else if let Some(relation) = &field.relation {
                let rows = rows(values);
                let related = object::load(connection, relation.object)?;
                let found = record::labels(connection, &related, &rows)?;
                labels.extend(found.into_iter().map(|(row, label)| ((relation.object, row), label)));
            }
        }
        Ok(Labels { zone: self.zone, currency: self.currency.clone(), people, records: labels })
    }
}

/// Records may name someone who is no longer a member.
fn add_former_members<'v>(
    store: &Store,
    values: impl Iterator<Item = &'v FieldValue>,
    people: &mut HashMap<Uuid, Person>,
) -> Result<()> {
    for value in values {
        if let FieldValue::Uuid(id) = value
            && !people.contains_key(id)
            && let Some(member) = store.control.read(|c| member::find(c, MemberId(*id)))?
        {
            people.insert(*id, person(member));
        }
    }
    Ok(())
}

fn rows<'v>(values: impl Iterator<Item = &'v FieldValue>) -> Vec<i64> {
    let mut rows = Vec::new();
    for value in values {
        match value {
            FieldValue::Key(row) => rows.push(*row),
            FieldValue::Many(many) => rows.extend_from_slice(many),
            _ => {}
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn person(member: Member) -> Person {
    Person {
        id: member.id.0,
        first_name: member.first_name,
        last_name: member.last_name,
        email: member.email,
        deleted: member.deleted.is_some(),
    }
}
