//! Filters and records against a real database.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    error::Code,
    id::RecordId,
    object::{
        Cardinality, FieldType, FieldValue, Object,
        design::{NewField, NewObject, NewOption, NewRelation},
        filter::Filter,
        written::{Reading, written},
    },
    store::{Store, Transaction, field, object},
};

fn reading() -> Reading<'static> {
    Reading {
        zone: Tz::Europe__Berlin,
        people: &[],
        email: |text| text.contains('@').then(|| text.to_owned()),
        phone: &|text| text.starts_with('+').then(|| text.replace(' ', "")),
    }
}

/// Orders and customers with one field of nearly every type.
struct Shop<'t> {
    tx: &'t Transaction<'t>,
    orders: Object,
    customers: Object,
    now: DateTime<Utc>,
}

fn in_shop(test: impl FnOnce(Shop<'_>)) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    let now: DateTime<Utc> = "2026-07-31T22:30:00Z".parse().unwrap();
    let new = |name: &str| NewObject {
        name: Some(name.into()),
        object_name: name.into(),
        entity_name: name.into(),
    };
    store
        .records
        .write(|tx| {
            let customers = object::create(tx, &new("customers"), now)?;
            let orders = object::create(tx, &new("order"), now)?;
            let options = ["Open", "Done"].map(|name| NewOption { name: name.into(), code: None }).to_vec();
            for new in [
                NewField { is_unique: true, ..NewField::plain("mail", "Mail", FieldType::Email) },
                NewField::plain("note", "Note", FieldType::Longtext),
                NewField::plain("count", "Count", FieldType::Integer),
                NewField::plain("price", "Price", FieldType::Money),
                NewField::plain("day", "Day", FieldType::Date),
                NewField::plain("at", "At", FieldType::Datetime),
                NewField::plain("paid", "Paid", FieldType::Checkbox),
                NewField::plain("phone", "Phone", FieldType::Phonenumber),
                NewField { options, ..NewField::plain("state", "State", FieldType::Dropdown) },
                NewField::plain("tags", "Tags", FieldType::Dynamictags),
                NewField {
                    relation: Some(NewRelation { object: customers.id, cardinality: Cardinality::One }),
                    ..NewField::plain("customer", "Customer", FieldType::Relationship)
                },
                NewField {
                    relation: Some(NewRelation { object: customers.id, cardinality: Cardinality::Many }),
                    ..NewField::plain("watchers", "Watchers", FieldType::Relationship)
                },
            ] {
                let orders = object::load(tx, orders.id)?;
                field::create(tx, &orders, &new)?;
            }
            let orders = object::load(tx, orders.id)?;
            let customers = object::load(tx, customers.id)?;
            test(Shop { tx, orders, customers, now });
            Ok(())
        })
        .unwrap();
}

impl Shop<'_> {
    fn try_add(&self, object: &Object, values: &Value) -> crate::error::Result<i64> {
        insert(self.tx, object, &self.changes(object, values)?, self.now)
    }

    fn add(&self, object: &Object, values: &Value) -> i64 {
        self.try_add(object, values).unwrap()
    }

    fn changes<'o>(&self, object: &'o Object, values: &Value) -> crate::error::Result<Vec<Change<'o>>> {
        let values = values.as_object().unwrap();
        values
            .iter()
            .map(|(name, json)| {
                let field = object.field_named(name).unwrap();
                Ok((field, resolve(self.tx, field, written(field, json, reading()).unwrap())?))
            })
            .collect()
    }

    /// The rows of orders that one condition means.
    fn meant(&self, name: &str, condition: &str, value: &Value) -> Vec<i64> {
        let orders = object::load(self.tx, self.orders.id).unwrap();
        let query = json!([{"and": true, "filters": [
            {"type": "fields", "subtype": "non_custom", "field": name, "condition": condition, "value": value}]}]);
        self.search(&orders, &query)
    }

    fn search(&self, object: &Object, query: &Value) -> Vec<i64> {
        let filter = Filter::parse(object, true, query, reading()).unwrap();
        let rows = page(self.tx, object, &[], &filter, &Order::made(), 100, 0).unwrap();
        assert_eq!(count(self.tx, object, &filter).unwrap(), i64::try_from(rows.len()).unwrap());
        rows.into_iter().map(|record| record.row).collect()
    }
}

#[test]
fn every_condition_means_what_it_says_and_negations_include_blanks() {
    in_shop(|shop| {
        let ada = shop.add(&shop.customers, &json!({"name": "Ada"}));
        let bob = shop.add(&shop.customers, &json!({"name": "Bob"}));
        let id = |row| json!(RecordId::of(shop.customers.id, row).to_string());
        // 1 and 2 have everything, 3 has nothing.
        shop.add(
            &shop.orders,
            &json!({"name": "Big % one", "mail": "Ada@Example.com", "note": "x", "count": 10, "price": 0.3,
                "day": "2026-02-28", "at": "2026-07-31T23:30:00+02:00", "paid": true, "phone": "+49 30 1",
                "state": "open", "tags": ["red", "blue"], "customer": "Ada", "watchers": ["Ada", "Bob"]}),
        );
        shop.add(
            &shop.orders,
            &json!({"name": "Small_one", "mail": "bob@example.com", "count": 2, "price": 12.5, "day": "2025-12-31",
                "at": "2026-08-01T00:00:00+02:00", "paid": false, "state": "done", "tags": ["red"],
                "customer": id(bob), "watchers": [id(bob)]}),
        );
        shop.add(&shop.orders, &json!({}));
        let orders = object::load(shop.tx, shop.orders.id).unwrap();
        let option = |field: &str, name: &str| {
            let field = orders.field_named(field).unwrap();
            json!(field.options.iter().find(|option| option.name == name).unwrap().id)
        };
        let (open, done, red, blue) =
            (option("state", "Open"), option("state", "Done"), option("tags", "red"), option("tags", "blue"));
        for (field, condition, value, rows) in [
            ("name", "=", json!("Small_one"), &[2][..]),
            ("name", "!=", json!("Small_one"), &[1, 3]),
            ("name", "contains", json!("% o"), &[1]),
            ("name", "contains", json!("_"), &[2]),
            ("name", "!contains", json!("_"), &[1, 3]),
            ("name", "starts_with", json!("Big"), &[1]),
            ("name", "!starts_with", json!("Big"), &[2, 3]),
            ("name", "ends_with", json!("one"), &[1, 2]),
            ("name", "!ends_with", json!("_one"), &[1, 3]),
            ("name", "is_blank", json!(true), &[3]),
            ("name", "is_blank", json!(false), &[1, 2]),
            ("mail", "=", json!("ada@example.COM"), &[1]),
            ("mail", "ends_with", json!("EXAMPLE.com"), &[1, 2]),
            ("mail", "contains", json!("DA@"), &[1]),
            ("note", "is_blank", Value::Null, &[2, 3]),
            ("count", "=", json!(10), &[1]),
            ("count", "!=", json!(10), &[2, 3]),
            ("count", "<", json!(10), &[2]),
            ("count", "<=", json!(10), &[1, 2]),
            ("count", ">", json!(2), &[1]),
            ("count", ">=", json!("2"), &[1, 2]),
            ("count", "between", json!([2, 9]), &[2]),
            ("count", "is_blank", json!(true), &[3]),
            ("price", "=", json!("0.3"), &[1]),
            ("price", "=", json!({"amount": 12.50}), &[2]),
            ("day", "=", json!("2026-02-28"), &[1]),
            ("day", "<", json!("2026-01-01"), &[2]),
            ("day", "between", json!(["2025-12-31", "2026-02-28"]), &[1, 2]),
            ("day", "month_equals", json!(12), &[2]),
            ("day", "month_equals", json!("2"), &[1]),
            ("at", "=", json!("2026-07-31T21:30:00Z"), &[1]),
            ("at", "=", json!("2026-07-31"), &[1]),
            ("at", "!=", json!("2026-07-31"), &[2, 3]),
            ("at", ">", json!("2026-07-31"), &[2]),
            ("at", "<=", json!("2026-07-31"), &[1]),
            ("at", "between", json!(["2026-07-31", "2026-08-01"]), &[1, 2]),
            ("paid", "=", json!(true), &[1]),
            ("paid", "=", json!(false), &[2, 3]),
            ("phone", "=", json!("+49301"), &[1]),
            ("phone", "contains", json!("30 1"), &[1]),
            ("state", "=", open.clone(), &[1]),
            ("state", "!=", open.clone(), &[2, 3]),
            ("state", "is_any_of", json!([open, {"id": done}]), &[1, 2]),
            ("state", "is_none_of", json!([done]), &[1, 3]),
            ("state", "is_blank", json!(true), &[3]),
            ("tags", "has", red.clone(), &[1, 2]),
            ("tags", "has", json!([red, blue, red]), &[1]),
            ("tags", "!has", blue.clone(), &[2, 3]),
            ("tags", "has_any", json!([blue, red]), &[1, 2]),
            ("tags", "!has_any", json!([blue]), &[2, 3]),
            ("tags", "is_blank", json!(true), &[3]),
            ("customer", "contains", id(ada), &[1]),
            ("customer", "!contains", id(ada), &[2, 3]),
            ("customer", "is_any_of", json!([id(ada), {"id": id(bob)}]), &[1, 2]),
            ("customer", "is_none_of", json!([id(bob)]), &[1, 3]),
            ("customer", "is_blank", json!(true), &[3]),
            ("watchers", "contains", id(bob), &[1, 2]),
            ("watchers", "contains", json!([id(bob), id(ada)]), &[1]),
            ("watchers", "is_none_of", json!([id(ada)]), &[2, 3]),
            ("watchers", "is_blank", json!(false), &[1, 2]),
            ("created", "=", json!("2026-08-01"), &[1, 2, 3]),
            ("created", "<", json!("2026-08-01"), &[]),
            ("updated", ">=", json!("2026-07-31T22:30:00Z"), &[1, 2, 3]),
            ("created_by_execution", "is_blank", json!(true), &[1, 2, 3]),
            ("updated_by_execution", "=", json!(uuid::Uuid::new_v4()), &[]),
            ("updated_by_execution", "!=", json!(uuid::Uuid::new_v4()), &[1, 2, 3]),
        ] {
            assert_eq!(shop.meant(field, condition, &value), rows, "{field} {condition} {value}");
        }
    });
}

#[test]
fn a_mirror_is_searched_by_what_the_other_side_holds() {
    in_shop(|shop| {
        let ada = shop.add(&shop.customers, &json!({"name": "Ada"}));
        let bob = shop.add(&shop.customers, &json!({"name": "Bob"}));
        let order = shop.add(&shop.orders, &json!({"customer": "Ada", "watchers": ["Bob"]}));
        let customers = &shop.customers;
        for (mirror, row) in [("order", ada), ("order_2", bob)] {
            let contains = |rows: &[i64]| {
                let ids: Vec<_> =
                    rows.iter().map(|row| RecordId::of(shop.orders.id, *row).to_string()).collect();
                shop.search(
                    customers,
                    &json!([{"filters": [{"type": "fields_v2", "subtype": "custom",
                        "field": format!("\"custom\"::{}", customers.field_named(mirror).unwrap().id),
                        "condition": "contains", "value": ids}]}]),
                )
            };
            assert_eq!(contains(&[order]), [row], "{mirror}");
            let field = customers.field_named(mirror).unwrap();
            let read = find(shop.tx, customers, &[field], row).unwrap().unwrap();
            assert_eq!(read.values, [FieldValue::Many(vec![order])]);
            assert_eq!(mirrored(shop.tx, field, row).unwrap(), 1);
        }
    });
}

#[test]
fn groups_join_by_and_or_or() {
    in_shop(|shop| {
        for count in 1..=4 {
            shop.add(&shop.orders, &json!({"count": count}));
        }
        let clause = |n: i64| json!({"type": "fields", "subtype": "non_custom", "field": "count", "condition": "=", "value": n});
        let either = json!([{"and": false, "filters": [clause(1), clause(2)]}, {"and": false, "filters": [clause(2), clause(3)]}]);
        let rows = |and| {
            let filter = Filter::parse(&shop.orders, and, &either, reading()).unwrap();
            page(shop.tx, &shop.orders, &[], &filter, &Order::made(), 10, 0).unwrap().len()
        };
        assert_eq!((rows(true), rows(false)), (1, 3));
        assert_eq!(shop.search(&shop.orders, &json!([])).len(), 4);
        assert_eq!(shop.search(&shop.orders, &json!([{"filters": []}])).len(), 4);
    });
}

#[test]
fn a_filter_is_refused_at_the_place_that_is_wrong() {
    in_shop(|shop| {
        let refused = |change: Value| {
            let mut clause = json!({"type": "fields", "subtype": "non_custom", "field": "count", "condition": "=", "value": 1});
            for (key, value) in change.as_object().unwrap() {
                clause[key] = value.clone();
            }
            let query = json!([{"and": true, "filters": [clause]}]);
            Filter::parse(&shop.orders, true, &query, reading()).unwrap_err().fields[0].path.clone()
        };
        let at = |key: &str| format!("query[0].filters[0].{key}");
        assert_eq!(refused(json!({"condition": "contains"})), at("condition"));
        assert_eq!(refused(json!({"condition": "1; DROP TABLE run"})), at("condition"));
        assert_eq!(refused(json!({"value": "x"})), at("value"));
        assert_eq!(refused(json!({"value": null})), at("value"));
        assert_eq!(refused(json!({"field": "nope"})), at("field"));
        assert_eq!(refused(json!({"type": "fields_v2", "subtype": "custom"})), at("field"));
        assert_eq!(refused(json!({"type": "other"})), at("type"));
        assert_eq!(refused(json!({"valeu": 1})), at("valeu"));
        assert_eq!(refused(json!({"condition": "between", "value": [1]})), at("value"));
        assert_eq!(
            refused(json!({"field": "customer", "condition": "contains",
                "value": RecordId::of(shop.orders.id, 1).to_string()})),
            at("value")
        );
    });
}

#[test]
fn values_come_back_as_they_were_written_and_an_equal_update_changes_nothing() {
    in_shop(|shop| {
        let ada = shop.add(&shop.customers, &json!({"name": "Ada"}));
        let orders = &shop.orders;
        let values = json!({"name": "N", "mail": "a@b.c", "price": "19.99", "at": "2026-07-31T23:30:00.123456Z",
            "paid": true, "state": "Open", "tags": ["x", "y", "X"], "customer": "Ada", "watchers": ["Ada"]});
        let row = shop.add(orders, &values);
        let changes = shop.changes(orders, &values).unwrap();
        let orders = &object::load(shop.tx, orders.id).unwrap();
        assert_eq!(orders.field_named("tags").unwrap().options.len(), 2, "a repeated new tag is one tag");
        let fields: Vec<_> = changes.iter().map(|(field, _)| *field).collect();
        let read = find(shop.tx, orders, &fields, row).unwrap().unwrap();
        assert_eq!(read.values, changes.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>());

        let later = shop.now + TimeDelta::seconds(5);
        assert!(!update(shop.tx, orders, row, &changes, later).unwrap());
        assert_eq!(find(shop.tx, orders, &[], row).unwrap().unwrap().updated, shop.now);
        let fewer = shop.changes(orders, &json!({"tags": ["y"], "name": null})).unwrap();
        assert!(update(shop.tx, orders, row, &fewer, later).unwrap());
        let read = find(shop.tx, orders, &[fewer[0].0, fewer[1].0], row).unwrap().unwrap();
        assert_eq!((read.updated, read.values), (later, fewer.into_iter().map(|(_, value)| value).collect()));
        assert_eq!(labels(shop.tx, &shop.customers, &[ada, 99]).unwrap(), [(ada, "Ada".to_owned())].into());
    });
}

#[test]
fn a_unique_value_belongs_to_one_live_record() {
    in_shop(|shop| {
        let orders = &shop.orders;
        let first = shop.add(orders, &json!({"mail": "ada@example.com"}));
        let second = shop.add(orders, &json!({"mail": "bob@example.com"}));
        shop.add(orders, &json!({"mail": null}));
        shop.add(orders, &json!({"mail": null}));
        let refusal = shop.try_add(orders, &json!({"mail": "ADA@example.com"})).unwrap_err();
        assert_eq!(refusal.code, Code::Unique);
        assert!(refusal.detail.contains(&RecordId::of(orders.id, first).to_string()), "{refusal}");
        let same = shop.changes(orders, &json!({"mail": "Ada@example.com"})).unwrap();
        assert_eq!(update(shop.tx, orders, second, &same, shop.now).unwrap_err().code, Code::Unique);
        assert!(update(shop.tx, orders, first, &same, shop.now).unwrap(), "its own value, other case");

        archive(shop.tx, orders, first, shop.now).unwrap();
        assert!(update(shop.tx, orders, second, &same, shop.now).unwrap());
        assert_eq!(unarchive(shop.tx, orders, first, shop.now).unwrap_err().code, Code::Unique);
        archive(shop.tx, orders, second, shop.now).unwrap();
        unarchive(shop.tx, orders, first, shop.now).unwrap();
        assert_eq!(shop.meant("mail", "=", &json!("ada@example.com")), [first]);
    });
}

#[test]
fn required_fields_and_related_records_must_be_there() {
    in_shop(|shop| {
        let name = shop.orders.field_named("name").unwrap();
        let change = field::Change { is_required: Some(true), ..field::Change::default() };
        field::update(shop.tx, &shop.orders, name, &change).unwrap();
        let orders = &object::load(shop.tx, shop.orders.id).unwrap();
        assert_eq!(shop.try_add(orders, &json!({"count": 1})).unwrap_err().code, Code::Required);
        let row = shop.add(orders, &json!({"name": "N"}));
        let cleared = shop.changes(orders, &json!({"name": ""})).unwrap();
        assert_eq!(update(shop.tx, orders, row, &cleared, shop.now).unwrap_err().code, Code::Required);
        for missing in [json!("Nobody"), json!(RecordId::of(shop.customers.id, 9).to_string())] {
            let refusal = shop.try_add(orders, &json!({"name": "N", "customer": missing})).unwrap_err();
            assert_eq!(refusal.code, Code::DoesNotExist);
        }
        shop.add(&shop.customers, &json!({"name": "Twin"}));
        shop.add(&shop.customers, &json!({"name": "Twin"}));
        let refusal = shop.try_add(orders, &json!({"name": "N", "customer": "Twin"})).unwrap_err();
        assert!(refusal.detail.contains("several"), "{refusal}");
    });
}

#[test]
fn lists_are_ordered_and_paged() {
    in_shop(|shop| {
        for (count, state) in [(3, "Done"), (1, "Open"), (2, "Open")] {
            shop.add(&shop.orders, &json!({"count": count, "state": state}));
        }
        let rows = |ordering: &str, limit, offset| -> Vec<i64> {
            let order = Order::parse(&shop.orders, ordering).unwrap();
            let found = page(shop.tx, &shop.orders, &[], &Filter::all(), &order, limit, offset).unwrap();
            found.into_iter().map(|record| record.row).collect()
        };
        assert_eq!(rows("count", 10, 0), [2, 3, 1]);
        assert_eq!(rows("-count", 2, 1), [3, 2]);
        assert_eq!(rows("state", 10, 0), [2, 3, 1], "by the options' positions");
        assert_eq!(rows("-created", 10, 0), [3, 2, 1]);
        for bad in ["nope", "tags", "customer", "count; DROP TABLE run"] {
            assert_eq!(Order::parse(&shop.orders, bad).unwrap_err().fields[0].path, "ordering");
        }
    });
}
