//! Filters as SQL: one expression over the object's table, every value a parameter.

use rusqlite::{Connection, types::Value};

use super::{link::Link, table, value};
use crate::{
    error::Result,
    object::{
        Field, FieldType, FieldValue,
        condition::{Edge, Test},
        filter::{Clause, Filter, Group, Moment, Target, Touch},
    },
};

/// An expression over the object's table under the name `r`, and its parameters in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// SQL with `?` for each parameter.
    pub sql: String,
    /// The parameters.
    pub parameters: Vec<Value>,
}

/// Makes the expression of a filter. `connection` tells where a mirror's values are.
pub fn compile(connection: &Connection, filter: &Filter) -> Result<Expression> {
    let mut writer = Writer { connection, sql: String::new(), parameters: Vec::new() };
    let groups: Vec<&Group> = filter.groups.iter().filter(|group| !group.clauses.is_empty()).collect();
    // In an "or", a group without clauses holds for every record; in an "and" it changes nothing.
    if groups.is_empty() || (!filter.and && groups.len() < filter.groups.len()) {
        writer.put("1");
    } else {
        writer.joined(filter.and, &groups, |writer, group| {
            writer.joined(group.and, &group.clauses, Writer::clause)
        })?;
    }
    Ok(Expression { sql: writer.sql, parameters: writer.parameters })
}

struct Writer<'c> {
    connection: &'c Connection,
    sql: String,
    parameters: Vec<Value>,
}

impl Writer<'_> {
    fn put(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn bind(&mut self, value: Value) {
        self.parameters.push(value);
    }

    fn joined<T>(
        &mut self,
        and: bool,
        parts: &[T],
        mut write: impl FnMut(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        self.put("(");
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                self.put(if and { " AND " } else { " OR " });
            }
            write(self, part)?;
        }
        self.put(")");
        Ok(())
    }

    fn clause(&mut self, clause: &Clause) -> Result<()> {
        // A blank compares to NULL: neither the condition nor its bare negation would hold. The
        // negation includes blanks.
        self.put(if clause.negated { "(NOT coalesce((" } else { "((" });
        match &clause.target {
            Target::Field(field) if field.has_column() => self.column(field, &clause.test)?,
            Target::Field(field) => self.links(field, &clause.test)?,
            Target::Time(moment) => self.moment(*moment, &clause.test)?,
            Target::Run(touch) => self.run(*touch, &clause.test),
        }
        self.put(if clause.negated { "), 0))" } else { "))" });
        Ok(())
    }

    fn column(&mut self, field: &Field, test: &Test) -> Result<()> {
        let column = format!("r.{}", table::column(field));
        let ignores_case = field.field_type == FieldType::Email;
        let (column, parameter) =
            if ignores_case { (format!("lower({column})"), "lower(?)") } else { (column, "?") };
        match test {
            Test::Blank if is_text(field.field_type) => self.put(&format!("coalesce({column}, '') = ''")),
            Test::Blank => self.put(&format!("{column} IS NULL")),
            Test::Any(values) | Test::All(values) if values.len() == 1 => {
                // An unticked box and one that nobody touched are the same.
                if field.field_type == FieldType::Checkbox {
                    self.put(&format!("coalesce({column}, 0) = ?"));
                } else {
                    self.put(&format!("{column} = {parameter}"));
                }
                self.bind(value::owned(&values[0])?);
            }
            Test::Any(values) => {
                self.put(&format!("{column} IN (SELECT value FROM json_each(?))"));
                self.bind(json_list(values));
            }
            // A column holds one value, so never two different ones.
            Test::All(values) => match values.split_first() {
                Some((first, rest)) if rest.iter().all(|other| other == first) => {
                    self.put(&format!("{column} = ?"));
                    self.bind(value::owned(first)?);
                }
                _ => self.put("0"),
            },
            Test::Contains(text) => {
                self.put(&format!("instr({column}, {parameter}) > 0"));
                self.bind(Value::Text(text.clone()));
            }
            Test::Starts(text) => self.edge_of_text(text, &column, parameter, "1, length(?)"),
            Test::Ends(text) => self.edge_of_text(text, &column, parameter, "-length(?)"),
            Test::Range { low, high } => self.range(&column, low.as_ref(), high.as_ref(), value::owned)?,
            Test::Month(month) => {
                self.put(&format!("substr({column}, 6, 2) = ?"));
                self.bind(Value::Text(format!("{month:02}")));
            }
        }
        Ok(())
    }

    fn edge_of_text(&mut self, text: &str, column: &str, parameter: &str, part: &str) {
        self.put(&format!("substr({column}, {part}) = {parameter}"));
        self.bind(Value::Text(text.to_owned()));
        self.bind(Value::Text(text.to_owned()));
    }

    fn range(
        &mut self,
        column: &str,
        low: Option<&Edge>,
        high: Option<&Edge>,
        kept: impl Fn(&FieldValue) -> rusqlite::Result<Value>,
    ) -> Result<()> {
        let sides = [(low, ">"), (high, "<")];
        for (n, (edge, sign)) in
            sides.iter().filter_map(|(edge, sign)| Some((edge.as_ref()?, sign))).enumerate()
        {
            let and = if n > 0 { " AND " } else { "" };
            let equal = if edge.included { "=" } else { "" };
            self.put(&format!("{and}{column} {sign}{equal} ?"));
            self.bind(kept(&edge.value)?);
        }
        Ok(())
    }

    fn links(&mut self, field: &Field, test: &Test) -> Result<()> {
        let Link { table, owner, value, and } = Link::of(self.connection, field)?;
        let rows = format!("FROM {table} WHERE {owner} = r.id{and}");
        match test {
            Test::Any(values) => {
                self.put(&format!(
                    "EXISTS (SELECT 1 {rows} AND {value} IN (SELECT value FROM json_each(?)))"
                ));
                self.bind(json_list(values));
            }
            Test::All(values) => {
                let mut distinct: Vec<&FieldValue> = Vec::new();
                for value in values {
                    if !distinct.contains(&value) {
                        distinct.push(value);
                    }
                }
                self.put(&format!(
                    "(SELECT count(DISTINCT {value}) {rows} AND {value} IN (SELECT value FROM json_each(?))) = ?"
                ));
                self.bind(json_list(values));
                self.bind(Value::Integer(i64::try_from(distinct.len()).unwrap_or(i64::MAX)));
            }
            // The parser offers no other condition for these fields.
            _ => self.put(&format!("NOT EXISTS (SELECT 1 {rows})")),
        }
        Ok(())
    }

    fn moment(&mut self, moment: Moment, test: &Test) -> Result<()> {
        // Kept in milliseconds, compared in microseconds: a bound between two milliseconds counts.
        let column = match moment {
            Moment::Created => "r.created * 1000",
            Moment::Updated => "r.updated * 1000",
        };
        let kept = |value: &FieldValue| {
            Ok(match value {
                FieldValue::Datetime(time) => Value::Integer(time.timestamp_micros()),
                _ => Value::Null,
            })
        };
        match test {
            Test::Range { low, high } => self.range(column, low.as_ref(), high.as_ref(), kept)?,
            // Every record has both, and the parser offers no other condition.
            _ => self.put("0"),
        }
        Ok(())
    }

    fn run(&mut self, touch: Touch, test: &Test) {
        let column = match touch {
            Touch::Created => "r.created_by_execution",
            Touch::Updated => "r.updated_by_execution",
        };
        match test {
            Test::Any(values) => {
                self.put(&format!(
                    "{column} IN (SELECT key FROM run WHERE execution_id IN (SELECT value FROM json_each(?)))"
                ));
                self.bind(json_list(values));
            }
            // The parser offers no other condition.
            _ => self.put(&format!("{column} IS NULL")),
        }
    }
}

/// One parameter for any number of values: a statement has a limited number of them.
fn json_list(values: &[FieldValue]) -> Value {
    let items: Vec<serde_json::Value> = values
        .iter()
        .map(|value| match value {
            FieldValue::Key(n) | FieldValue::Integer(n) => (*n).into(),
            FieldValue::Uuid(id) => id.to_string().into(),
            FieldValue::Text(text) => text.as_str().into(),
            // No condition on a list has values of other kinds.
            _ => serde_json::Value::Null,
        })
        .collect();
    Value::Text(serde_json::Value::Array(items).to_string())
}

const fn is_text(field_type: FieldType) -> bool {
    matches!(
        field_type,
        FieldType::Text
            | FieldType::Longtext
            | FieldType::Email
            | FieldType::Phonenumber
            | FieldType::Timezone
    )
}
