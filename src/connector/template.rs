//! The template: a working script for a file, and what else a new draft starts from.
//!
//! `CREATE TABLE output.<object> AS SELECT …` lists every column by name. Where the name is not the
//! header's own text, that stands behind it in a comment. Names are quoted only where they must be:
//! existing clients look for `create table output.<name>` unquoted, and take a `;` for the end of a
//! statement, so none stands elsewhere.

use super::{Header, ScopeHeaders, column_letters};
use crate::{
    id::FieldId,
    object::{Object, is_api_name},
    script::{ColumnMapping, ColumnType, InputTable, SeedTable},
};

/// Characters of a header's text that stand in the script: a template must run, whatever the header.
const LONGEST_COMMENT: usize = 200;
/// The provenance columns: where in its file a row stands, and in which table of it.
const LINE: &str = "_line";
const TABLE: &str = "_table";
/// Longest name of a scope.
const LONGEST_SCOPE: usize = 63;
/// Names of a table's row number, as long as no column has them.
const ROW_NUMBERS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// A script for a file's input tables, and the columns of its scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The SQL.
    pub user_script: String,
    /// What it selects, provenance left out; one scope per table.
    pub headers: Vec<ScopeHeaders>,
}

/// The template that writes the first of `tables` to the scope of the connector's object, and each other one
/// to a scope of its own name. With several the rows say which table they came from.
#[must_use]
pub fn script(object: &str, tables: &[InputTable]) -> Template {
    let mut template = Template { user_script: String::new(), headers: Vec::with_capacity(tables.len()) };
    for (n, table) in tables.iter().enumerate() {
        let is_taken = |name: &str| template.headers.iter().any(|headers| headers.scope == name);
        let scope = if n == 0 { object.to_owned() } else { scope_name(&table.table_name, is_taken) };
        if n > 0 {
            template.user_script.push('\n');
        }
        let columns = push_statement(&mut template.user_script, &scope, table, tables.len() > 1);
        template.headers.push(ScopeHeaders { scope, columns });
    }
    template
}

/// A table's name as a scope: it must not start with `_`, nor be another's.
fn scope_name(table: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = if table.starts_with('_') { format!("t{table}") } else { table.to_owned() };
    name.truncate(LONGEST_SCOPE);
    while is_taken(&name) {
        name.truncate(LONGEST_SCOPE - 2);
        name.push_str("_2");
    }
    name
}

/// Appends the statement that copies a table; answers the columns of its scope.
fn push_statement(
    script: &mut String,
    scope: &str,
    table: &InputTable,
    is_one_of_several: bool,
) -> Vec<Header> {
    let has = |name: &str| table.columns_mapping.iter().any(|column| column.col == name);
    let mut lines: Vec<(String, Option<String>)> = Vec::with_capacity(table.columns_mapping.len() + 2);
    let row_number = ROW_NUMBERS.into_iter().find(|name| !has(name));
    lines.extend(row_number.map(|name| (format!("{name} AS {LINE}"), None)));
    if is_one_of_several {
        lines.push((format!("'{}' AS {TABLE}", table.table_name.replace('\'', "''")), None));
    }
    let mut columns = Vec::with_capacity(table.columns_mapping.len());
    for column in &table.columns_mapping {
        let name = name_in_scope(&column.col, has);
        let selected = quoted(&column.col);
        let selected = if name == column.col { selected } else { format!("{selected} AS {}", quoted(&name)) };
        lines.push((selected, column.original.as_deref().map(comment).filter(|text| !text.is_empty())));
        columns.push(Header { name, index: column_letters(columns.len()) });
    }
    let last = lines.len();
    script.push_str("CREATE TABLE output.");
    script.push_str(&quoted(scope));
    script.push_str(" AS\nSELECT\n");
    for (n, (selected, comment)) in lines.into_iter().enumerate() {
        script.push_str("    ");
        script.push_str(&selected);
        if n + 1 < last {
            script.push(',');
        }
        if let Some(comment) = comment {
            script.push_str(" -- ");
            script.push_str(&comment);
        }
        script.push('\n');
    }
    script.push_str("FROM input.");
    script.push_str(&quoted(&table.table_name));
    script.push_str(";\n");
    columns
}

/// A file's own `_line` or `_table` is data: in an output table those names are provenance.
fn name_in_scope(column: &str, has: impl Fn(&str) -> bool) -> String {
    if !matches!(column, LINE | TABLE) {
        return column.to_owned();
    }
    let mut name = format!("file{column}");
    while has(&name) {
        name.push('_');
    }
    name
}

/// A header's text as the rest of a line of SQL.
fn comment(original: &str) -> String {
    let one_line = |c: char| if c.is_control() || c == ';' { ' ' } else { c };
    original.trim().chars().map(one_line).take(LONGEST_COMMENT).collect()
}

/// What a draft says about the seed of an object: `kizen_id` and the chosen fields.
#[must_use]
pub fn seed_table(object: &Object, fields: &[FieldId]) -> SeedTable {
    let named = fields.iter().filter_map(|id| object.field(*id)).map(|field| field.name.clone());
    let columns_mapping = std::iter::once("kizen_id".to_owned())
        .chain(named)
        .map(|col| ColumnMapping { col, kind: ColumnType::Str, original: None })
        .collect();
    SeedTable {
        name: format!("{}.csv", object.name),
        database: "kizen".to_owned(),
        table_name: object.name.clone(),
        columns_mapping,
    }
}

/// A name as SQL writes it: in quotes only when it is a keyword, or no plain name.
pub(super) fn quoted(name: &str) -> String {
    if is_api_name(name) && KEYWORDS.split(' ').all(|keyword| keyword != name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The keywords of SQLite (<https://sqlite.org/lang_keywords.html>) and the two literals.
const KEYWORDS: &str = "\
    abort action add after all alter always analyze and as asc attach autoincrement before begin \
    between by cascade case cast check collate column commit conflict constraint create cross \
    current current_date current_time current_timestamp database default deferrable deferred delete \
    desc detach distinct do drop each else end escape except exclude exclusive exists explain fail \
    false filter first following for foreign from full generated glob group groups having if ignore \
    immediate in index indexed initially inner insert instead intersect into is isnull join key last \
    left like limit match materialized natural no not nothing notnull null nulls of offset on or \
    order others outer over partition plan pragma preceding primary query raise range recursive \
    references regexp reindex release rename replace restrict returning right rollback row rows \
    savepoint select set table temp temporary then ties to transaction trigger true unbounded union \
    unique update using vacuum values view virtual when where window with within without";

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, Option<&str>)]) -> InputTable {
        let columns_mapping = columns
            .iter()
            .map(|(col, original)| ColumnMapping {
                col: (*col).to_owned(),
                kind: ColumnType::Str,
                original: original.map(str::to_owned),
            })
            .collect();
        InputTable {
            name: "Orders 2026.csv".into(),
            file_id: None,
            database: "input".into(),
            page_idx: 0,
            file_path: None,
            table_name: "orders_2026_csv".into(),
            columns_mapping,
        }
    }

    #[test]
    fn every_column_is_named_and_only_keywords_are_quoted() {
        let columns =
            [("order_number", Some("Order; Number\r\n(internal)")), ("order", None), ("total", None)];
        let template = script("orders", &[table(&columns)]);
        assert_eq!(
            template.user_script,
            "CREATE TABLE output.orders AS\nSELECT\n    rowid AS _line,\n    \
             order_number, -- Order  Number  (internal)\n    \"order\",\n    total\n\
             FROM input.orders_2026_csv;\n"
        );
        let names: Vec<_> = template.headers[0].columns.iter().map(|h| (&*h.name, &*h.index)).collect();
        assert_eq!(names, [("order_number", "A"), ("order", "B"), ("total", "C")]);
        assert!(script("group", &[table(&[("a", None)])]).user_script.contains("output.\"group\" AS"));
    }

    #[test]
    fn columns_named_like_the_row_number_or_the_provenance_stay_data() {
        let template = script("t", &[table(&[("rowid", None), ("_line", None), ("file_line", None)])]);
        assert!(template.user_script.contains("_rowid_ AS _line,\n"), "{}", template.user_script);
        assert!(template.user_script.contains("_line AS file_line_,\n"), "{}", template.user_script);
    }

    #[test]
    fn each_table_has_a_scope_and_its_rows_say_which_it_was() {
        let named = |name: &str| InputTable { table_name: name.to_owned(), ..table(&[("a", None)]) };
        let template = script("orders", &[named("jan"), named("orders"), named("_2026"), named("it")]);
        let scopes: Vec<_> = template.headers.iter().map(|headers| headers.scope.as_str()).collect();
        assert_eq!(scopes, ["orders", "orders_2", "t_2026", "it"]);
        assert!(
            template.user_script.starts_with(
                "CREATE TABLE output.orders AS\nSELECT\n    rowid AS _line,\n    'jan' AS _table,\n    a\n\
                 FROM input.jan;\n\nCREATE TABLE output.orders_2 AS\n"
            ),
            "{}",
            template.user_script
        );
    }
}
