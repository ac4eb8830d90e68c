use chrono::{DateTime, Utc};

use super::*;
use crate::{
    clock::Clock,
    object::design::NewObject,
    store::{Store, table::ensure_match_index},
};

fn with_object(name: &str, work: impl FnOnce(&Transaction<'_>, Object, DateTime<Utc>) -> Result<()>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    let now = store.clock.now();
    let new =
        NewObject { name: Some(name.into()), object_name: "Orders".into(), entity_name: "Order".into() };
    store.records.write(|tx| work(tx, object::create(tx, &new, now)?, now)).unwrap();
}

fn columns(tx: &Transaction<'_>, table: &str) -> Vec<String> {
    let mut statement = tx.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
    statement.query_map([table], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_index_for_matching_has_all_records_or_those_that_the_unique_one_lacks() {
    with_object("thing", |tx, object, _| {
        let field = create(tx, &object, &NewField::plain("code", "Code", FieldType::Text))?;
        ensure_match_index(tx, &object, &field)?;
        let covers = |archived: &str| -> bool {
            let sql = format!(
                "EXPLAIN QUERY PLAN SELECT id FROM record_thing WHERE code = '1' AND archived {archived}"
            );
            let plan: String = tx.query_row(&sql, [], |row| row.get(3)).unwrap();
            plan.contains("SEARCH")
        };
        for unique in [true, false] {
            let change = Change { is_unique: Some(unique), ..Change::default() };
            let object = object::load(tx, object.id)?;
            let field = object.field(field.id).unwrap().clone();
            update(tx, &object, &field, &change)?;
            assert!(covers("IS NULL") && covers("IS NOT NULL"), "unique: {unique}");
            let partial: bool = tx.query_row(
                "SELECT sql LIKE '%WHERE archived IS NOT NULL' FROM sqlite_schema WHERE name LIKE 'match!_%' ESCAPE '!'",
                [],
                |row| row.get(0),
            )?;
            assert_eq!(partial, unique);
        }
        Ok(())
    });
}

#[test]
fn names_that_are_sql_keywords_work_throughout() {
    with_object("order", |tx, object, now| {
        let new = NewField { is_unique: true, ..NewField::plain("select", "Select", FieldType::Email) };
        let field = create(tx, &object, &new)?;
        assert!(ensure_match_index(tx, &object, &field)?);
        assert!(!ensure_match_index(tx, &object, &field)?);
        delete(tx, &object, &field, now)?;
        let columns = columns(tx, "record_order");
        assert!(columns.contains(&format!("_deleted_{}", field.key)), "{columns:?}");
        let again = create(tx, &object, &new)?;
        assert_eq!(deleted_of(tx, object.id)?[0].id, field.id);
        assert!(of_object(tx, object.id)?.contains(&again));
        Ok(())
    });
}

#[test]
fn a_relationship_has_its_mirror_which_goes_with_it() {
    with_object("orders", |tx, orders, now| {
        let new = NewObject { name: None, object_name: "Customers".into(), entity_name: "Customer".into() };
        let customers = object::create(tx, &new, now)?;
        let new = NewField {
            relation: Some(NewRelation { object: customers.id, cardinality: Cardinality::One }),
            ..NewField::plain("customer", "Customer", FieldType::Relationship)
        };
        let field = create(tx, &orders, &new)?;
        let customers = object::load(tx, customers.id)?;
        let mirror = customers.field_named("orders").unwrap();
        assert!(mirror.is_read_only && mirror.is_many() && !mirror.has_storage());
        assert_eq!(field.relation.as_ref().unwrap().mirror, mirror.id);
        assert_eq!(mirror.relation.as_ref().unwrap().mirror, field.id);
        assert!(delete(tx, &customers, mirror, now).is_err());
        delete(tx, &orders, &field, now)?;
        assert!(object::load(tx, customers.id)?.field_named("orders").is_none());
        Ok(())
    });
}

#[test]
fn many_values_are_in_a_link_table_and_fixed_options_are_there() {
    with_object("orders", |tx, object, _| {
        let tags = create(tx, &object, &NewField::plain("tags", "Tags", FieldType::Dynamictags))?;
        assert_eq!(columns(tx, &table::link_table(&tags)), ["record", "value"]);
        assert!(!columns(tx, "record_orders").contains(&"tags".to_owned()));
        let answer = create(tx, &object, &NewField::plain("answer", "Answer", FieldType::Yesnomaybe))?;
        assert_eq!(
            answer.options.iter().map(|o| (o.name.as_str(), o.code.as_str())).collect::<Vec<_>>(),
            [("Yes", "yes"), ("No", "no"), ("Maybe", "maybe")]
        );
        let red = option::add(tx, &tags, " Red ", None)?;
        assert_eq!((red.name.as_str(), red.code.as_str(), red.order), ("Red", "red", 0));
        assert_eq!(option::add(tx, &tags, "RED", None).unwrap_err().code, Code::Unique);
        assert_eq!(option::add(tx, &tags, "re d!", Some("red")).unwrap_err().code, Code::Unique);
        assert_eq!(option::add(tx, &tags, "red?", None)?.code, "red_2");
        Ok(())
    });
}

#[test]
fn a_field_whose_records_clash_cannot_become_unique() {
    with_object("orders", |tx, object, _| {
        let number = create(tx, &object, &NewField::plain("number", "Number", FieldType::Integer))?;
        tx.execute_batch("INSERT INTO record_orders (created, updated, number) VALUES (1, 1, 7), (1, 1, 7)")?;
        let unique = Change { is_unique: Some(true), ..Change::default() };
        assert_eq!(update(tx, &object, &number, &unique).unwrap_err().code, Code::Unique);
        // An archived record may share the value.
        tx.execute_batch("UPDATE record_orders SET archived = 2 WHERE id = 1")?;
        assert!(update(tx, &object, &number, &unique)?.is_unique);
        assert!(of_object(tx, object.id)?.iter().any(|f| f.id == number.id && f.is_unique));
        Ok(())
    });
}
