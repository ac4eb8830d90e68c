//! Seeds: records as a script sees them, in `kizen.<object>`.
//!
//! Everything is text: checkbox `Yes` or `No`, numbers plain, dates ISO, moments RFC 3339 in UTC, lists a
//! JSON array of labels, blank NULL. Beside options, related records and members stands `<field>__id`.
//! Records are read page by page: what is read of a page is handed on before the next.

use std::collections::HashMap;

use chrono::SecondsFormat;
use rusqlite::Connection;
use uuid::Uuid;

use super::{filter_group, object, record};
use crate::{
    connector::Seed,
    error::{Error, Result},
    id::RecordId,
    object::{Field, FieldType, FieldValue, Object, Record, filter::Filter, shown::Person, written::Reading},
};

/// Records per page.
const PAGE: i64 = 1_000;

/// Reads the records of a seed.
pub struct SeedReader {
    object: Object,
    fields: Vec<Field>,
    filter: Filter,
    people: HashMap<Uuid, String>,
    columns: Vec<String>,
    last: i64,
    done: bool,
}

impl SeedReader {
    /// Takes the definition as it is now.
    ///
    /// # Errors
    /// The object, the filter group or one of the fields is gone.
    pub fn open(connection: &Connection, seed: &Seed, reading: Reading<'_>) -> Result<Self> {
        let object = object::find(connection, seed.custom_object_id)?
            .filter(|object| object.archived.is_none())
            .ok_or_else(|| {
                Error::does_not_exist(format!("seed: there is no object {}.", seed.custom_object_id))
            })?;
        let filter = match seed.group_id {
            None => Filter::all(),
            Some(id) => filter_group::find(connection, object.id, id)?
                .ok_or_else(|| {
                    Error::does_not_exist(format!("seed {}: the filter group {id} is gone.", object.name))
                })?
                .filter(&object, reading)?,
        };
        let fields = seed
            .fields_ids
            .iter()
            .map(|id| {
                object.field(*id).cloned().ok_or_else(|| {
                    Error::does_not_exist(format!("seed {}: the field {id} is gone.", object.name))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let columns = columns(&fields);
        let people = reading.people.iter().map(|person| (person.id, label(person))).collect();
        Ok(Self { object, fields, filter, people, columns, last: 0, done: false })
    }

    /// The object, with the fields that it has now.
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The columns, `kizen_id` first.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Hands the rows of the next page to `sink`. Answers whether there may be more.
    pub fn next_page(
        &mut self,
        connection: &Connection,
        mut sink: impl FnMut(&[Option<String>]) -> Result<()>,
    ) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        let fields: Vec<&Field> = self.fields.iter().collect();
        let records = record::after(connection, &self.object, &fields, &self.filter, self.last, PAGE)?;
        let labels = self.related_labels(connection, &records)?;
        let mut cells = Vec::with_capacity(self.columns.len());
        for record in &records {
            cells.clear();
            cells.push(Some(RecordId::of(self.object.id, record.row).to_string()));
            for (n, (field, value)) in fields.iter().zip(&record.values).enumerate() {
                let (label, id) = self.cell(field, value, &labels[n]);
                cells.push(label);
                if has_id_column(field, &self.fields) {
                    cells.push(id);
                }
            }
            sink(&cells)?;
        }
        self.last = records.last().map_or(self.last, |record| record.row);
        self.done = records.is_empty();
        Ok(!self.done)
    }

    /// Per field the labels of the records that this page relates to.
    fn related_labels(
        &self,
        connection: &Connection,
        records: &[Record],
    ) -> Result<Vec<HashMap<i64, String>>> {
        let of_field = |(n, field): (usize, &Field)| {
            let Some(relation) = &field.relation else { return Ok(HashMap::new()) };
            let mut rows = Vec::new();
            for record in records {
                match &record.values[n] {
                    FieldValue::Key(row) => rows.push(*row),
                    FieldValue::Many(many) => rows.extend_from_slice(many),
                    _ => {}
                }
            }
            rows.sort_unstable();
            rows.dedup();
            record::labels(connection, &object::load(connection, relation.object)?, &rows)
        };
        self.fields.iter().enumerate().map(of_field).collect()
    }

    /// A value as text, and the id behind its label.
    fn cell(
        &self,
        field: &Field,
        value: &FieldValue,
        related: &HashMap<i64, String>,
    ) -> (Option<String>, Option<String>) {
        let one = |key: i64| match &field.relation {
            Some(relation) => {
                let label = related.get(&key).cloned().unwrap_or_default();
                (label, RecordId::of(relation.object, key).to_string())
            }
            None => field.option(key).map_or_else(Default::default, |o| (o.name.clone(), o.id.to_string())),
        };
        if value.is_blank() {
            return (None, None);
        }
        let text = match value {
            FieldValue::Key(key) => {
                let (label, id) = one(*key);
                return (Some(label), Some(id));
            }
            FieldValue::Many(keys) => {
                let (labels, ids): (Vec<String>, Vec<String>) = keys.iter().map(|key| one(*key)).unzip();
                return (Some(json(labels)), Some(json(ids)));
            }
            FieldValue::Uuid(id) if field.field_type == FieldType::TeamSelector => {
                return (Some(self.people.get(id).cloned().unwrap_or_default()), Some(id.to_string()));
            }
            FieldValue::Null => return (None, None),
            FieldValue::Text(text) => text.clone(),
            FieldValue::Integer(n) => n.to_string(),
            FieldValue::Decimal(n) => n.normalize().to_string(),
            FieldValue::Date(day) => day.format("%Y-%m-%d").to_string(),
            FieldValue::Datetime(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            FieldValue::Bool(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
            FieldValue::Uuid(id) => id.to_string(),
        };
        (Some(text), None)
    }
}

fn columns(fields: &[Field]) -> Vec<String> {
    let mut columns = vec!["kizen_id".to_owned()];
    for field in fields {
        columns.push(field.name.clone());
        if has_id_column(field, fields) {
            columns.push(format!("{}__id", field.name));
        }
    }
    columns
}

/// A chosen field that is really called so goes before the column beside another one.
fn has_id_column(field: &Field, chosen: &[Field]) -> bool {
    let has_label = field.field_type.has_options()
        || matches!(field.field_type, FieldType::Relationship | FieldType::TeamSelector);
    has_label && !chosen.iter().any(|other| other.name.strip_suffix("__id") == Some(&field.name))
}

/// Members are told apart by their address.
fn label(person: &Person) -> String {
    person.email.clone()
}

fn json(items: Vec<String>) -> String {
    serde_json::Value::from(items).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        clock::Clock,
        id::{FilterGroupId, SeedId},
        object::{
            design::{NewField, NewObject},
            filter::FilterGroup,
            written::written,
        },
        script::metadata::SeedTable,
        store::{Store, field},
    };

    type Seen = (Vec<String>, Vec<Vec<Option<String>>>);

    fn read(store: &Store, seed: &Seed, reading: Reading<'_>) -> Result<Seen> {
        let connection = store.records.reader()?;
        let mut reader = SeedReader::open(&connection, seed, reading)?;
        let mut rows = Vec::new();
        while reader.next_page(&connection, |row| {
            rows.push(row.to_vec());
            Ok(())
        })? {}
        Ok((reader.columns().to_vec(), rows))
    }

    /// One record with everything, one unpaid, many blank ones.
    fn orders(store: &Store, reading: Reading<'_>) -> Object {
        let now = store.clock.now();
        let new = NewObject { name: None, object_name: "Orders".into(), entity_name: "Order".into() };
        let made = store.records.write(|tx| {
            let orders = object::create(tx, &new, now)?;
            for (name, field_type) in [
                ("paid", FieldType::Checkbox),
                ("price", FieldType::Money),
                ("day", FieldType::Date),
                ("at", FieldType::Datetime),
                ("tags", FieldType::Dynamictags),
            ] {
                field::create(tx, &object::load(tx, orders.id)?, &NewField::plain(name, name, field_type))?;
            }
            let orders = object::load(tx, orders.id)?;
            let add = |values: serde_json::Value| {
                let changes = orders.fields.iter().filter_map(|field| {
                    let written = written(field, values.get(&field.name)?, reading).unwrap();
                    Some((field, record::resolve(tx, field, written).unwrap()))
                });
                record::insert(tx, &orders, &changes.collect::<Vec<_>>(), now)
            };
            add(json!({"name": "first", "paid": true, "price": "12.50", "day": "2026-01-02",
                "at": "2026-01-02T01:00:00+01:00", "tags": ["b", "a"], "owner": "ada@example.com"}))?;
            add(json!({"name": "second", "paid": false}))?;
            for n in 0..2_100 {
                add(json!({"name": format!("more {n}")}))?;
            }
            object::load(tx, orders.id)
        });
        made.unwrap()
    }

    fn ada() -> Person {
        Person {
            id: Uuid::from_u128(7),
            first_name: "Ada".into(),
            last_name: "L".into(),
            email: "ada@example.com".into(),
            deleted: false,
        }
    }

    fn reading(people: &[Person]) -> Reading<'_> {
        Reading {
            zone: chrono_tz::Tz::Europe__Berlin,
            people,
            email: |text| Some(text.to_owned()),
            phone: &|text| Some(text.to_owned()),
        }
    }

    #[test]
    fn a_seed_is_text_with_ids_beside_labels() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let people = [ada()];
        let orders = orders(&store, reading(&people));
        let chosen = ["name", "paid", "price", "day", "at", "tags", "owner"];
        let seed = Seed {
            id: SeedId::new(),
            custom_object_id: orders.id,
            group_id: None,
            fields_ids: chosen.iter().map(|name| orders.field_named(name).unwrap().id).collect(),
        };
        let (columns, rows) = read(&store, &seed, reading(&people)).unwrap();
        assert_eq!(
            columns,
            ["kizen_id", "name", "paid", "price", "day", "at", "tags", "tags__id", "owner", "owner__id"]
        );
        assert_eq!(rows.len(), 2_102);
        let text = |text: &str| Some(text.to_owned());
        let tags = orders.field_named("tags").unwrap();
        let (b, a) = (&tags.options[0].id, &tags.options[1].id);
        assert_eq!(
            rows[0],
            [
                text(&RecordId::of(orders.id, 1).to_string()),
                text("first"),
                text("Yes"),
                text("12.5"),
                text("2026-01-02"),
                text("2026-01-02T00:00:00Z"),
                text(r#"["b","a"]"#),
                text(&format!(r#"["{b}","{a}"]"#)),
                text("ada@example.com"),
                text(&ada().id.to_string()),
            ]
        );
        assert_eq!(rows[1][1..4], [text("second"), text("No"), None]);
        assert!(rows[1][4..].iter().all(Option::is_none), "{:?}", rows[1]);
    }

    #[test]
    fn a_group_narrows_a_seed_until_its_field_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let now = store.clock.now();
        let orders = orders(&store, reading(&[ada()]));
        let group = FilterGroup {
            id: FilterGroupId::new(),
            object: orders.id,
            name: "Not paid".into(),
            and: true,
            query: json!([{"filters": [{"type": "fields", "subtype": "non_custom", "field": "paid",
                "condition": "=", "value": false}]}]),
        };
        store.records.write(|tx| filter_group::save(tx, &group, now)).unwrap();
        let seed = Seed {
            id: SeedId::new(),
            custom_object_id: orders.id,
            group_id: Some(group.id),
            fields_ids: Vec::new(),
        };
        let (columns, rows) = read(&store, &seed, reading(&[])).unwrap();
        assert_eq!((columns, rows.len()), (vec!["kizen_id".to_owned()], 2_101));
        let paid = orders.field_named("paid").unwrap();
        store.records.write(|tx| field::delete(tx, &orders, paid, now)).unwrap();
        assert!(read(&store, &seed, reading(&[])).unwrap_err().detail.contains("paid"));
    }

    #[test]
    fn the_metadata_lists_the_id_and_the_chosen_fields_only() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let orders = orders(&store, reading(&[ada()]));
        let listed = SeedTable::of(&orders, &[orders.field_named("tags").unwrap()]);
        let columns: Vec<&str> = listed.columns_mapping.iter().map(|column| column.col.as_str()).collect();
        assert_eq!((listed.table_name.as_str(), columns), ("orders", vec!["kizen_id", "tags"]));
    }
}
