//! The workbook as another library reads it, and the run that the reports of these tests are about.

use std::{
    io::{self, Cursor},
    path::Path,
};

use calamine::{Data, Range, Reader as _, Xlsx};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Cell, Error, Options, SheetKind, Summary, UploadRow, Workbook,
    sheet::{MAX_COLUMNS, MAX_ROWS},
};
use crate::{
    cancel::CancelToken,
    execution::{Counters, Execution, Outcome, Stage, StageKind, StageStatus, State, Step, TriggerType},
    id::{ConnectorId, MemberId, ObjectId},
    object::Object,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_359_200 + seconds, 250_000_000).unwrap()
}

fn object(name: &str) -> Object {
    Object {
        id: ObjectId::new(),
        name: name.to_lowercase(),
        object_name: name.to_owned(),
        entity_name: name.to_owned(),
        is_custom: true,
        created: at(0),
        archived: None,
        fields: Vec::new(),
    }
}

fn load(object: &Object, scope: &str, counters: Counters) -> Stage {
    let step = Step {
        status: StageStatus::Completed,
        scope: Some(scope.to_owned()),
        custom_object: Some(object.id),
        valid_records: counters.rows - counters.errors,
        invalid_records: counters.errors,
        total: counters.rows,
        started_at: Some(at(2)),
        ended_at: Some(at(67)),
        counters: Some(counters),
    };
    Stage { kind: StageKind::LoadStep, status: StageStatus::Completed, steps: vec![step] }
}

/// A run of two load steps with rejected rows, and the objects that it wrote to.
pub(super) fn a_run() -> (Execution, Vec<Object>) {
    let objects = vec![object("Customers"), object("Orders")];
    let first =
        Counters { rows: 1_000, created: 900, updated: 60, skipped: 40, warnings: 3, ..Counters::default() };
    let second = Counters { rows: 1_234_567, created: 1_234_500, errors: 67, ..Counters::default() };
    let mut totals = first;
    totals.add(&second);
    let read = Stage { kind: StageKind::InputRead, status: StageStatus::Completed, steps: Vec::new() };
    let run = Execution {
        state: State::PartialSuccess,
        started_by: Some(MemberId::new()),
        started_at: Some(at(1)),
        ended_at: Some(at(70)),
        stages: vec![read, load(&objects[0], "customers", first), load(&objects[1], "orders", second)],
        totals,
        ..Execution::queued(ConnectorId::new(), 12, TriggerType::Api, at(0))
    };
    (run, objects)
}

pub(super) fn summary<'a>(run: &'a Execution, objects: &'a [Object]) -> Summary<'a> {
    Summary {
        connector: "=Orders",
        execution: run,
        file_name: Some("orders.csv"),
        objects,
        time_zone: chrono_tz::Europe::Berlin,
    }
}

fn workbook(scratch: &Path, max_rows: u64, cancel: &CancelToken) -> Workbook {
    let options = Options {
        scratch,
        max_rows,
        all_rows_in: "Live_orders_sample_output_12.zip",
        created: at(0),
        cancel: cancel.clone(),
    };
    Workbook::create(&options).unwrap()
}

fn finish(book: Workbook, out: impl io::Write + Send) -> super::Result<()> {
    let (run, objects) = a_run();
    book.finish(&summary(&run, &objects), out)
}

/// Writes a workbook and opens it with another library.
fn written(max_rows: u64, fill: impl FnOnce(&mut Workbook)) -> Xlsx<Cursor<Vec<u8>>> {
    let scratch = tempfile::tempdir().unwrap();
    let mut book = workbook(scratch.path(), max_rows, &CancelToken::new());
    fill(&mut book);
    let mut bytes = Vec::new();
    finish(book, &mut bytes).unwrap();
    Xlsx::new(Cursor::new(bytes)).unwrap()
}

fn rows(range: &Range<Data>) -> Vec<Vec<Data>> {
    range.rows().map(<[Data]>::to_vec).collect()
}

fn texts(row: &[Data]) -> Vec<String> {
    row.iter().map(ToString::to_string).collect()
}

fn string(text: &str) -> Data {
    Data::String(text.to_owned())
}

fn upload_row(row: u64, status: Outcome) -> UploadRow {
    UploadRow {
        row,
        line: Some(i64::try_from(row).unwrap() + 1),
        table: None,
        record: Some(Uuid::from_u128(u128::from(row))),
        values: vec![Some(format!("A-{row}")), None],
        changes: String::new(),
        errors: if status == Outcome::Rejected { "Total is no number".to_owned() } else { String::new() },
        warnings: String::new(),
        status,
    }
}

#[test]
fn cells_arrive_as_written_and_text_is_never_a_formula() {
    let odd = ["=1+1", "+49 30", "007", " two\nlines ", "a\u{1}b", "_x0041_", "<&>", "Zoë 😀", "https://a.b"];
    let columns: Vec<String> = (0..odd.len()).map(|n| format!("c{n}")).collect();
    let mut book = written(100, |book| {
        let mut sheet = book.begin_sheet(SheetKind::SqlOutput { scope: "orders" }, &columns, 3).unwrap();
        sheet.write_row(odd.map(Cell::Text)).unwrap();
        let numbers = [Cell::Integer(-42), Cell::Integer(i64::MAX), Cell::Real(0.1), Cell::Real(f64::NAN)];
        sheet.write_row(numbers).unwrap();
        sheet.write_row([Cell::Blank, Cell::Text(""), Cell::Text("end")]).unwrap();
        sheet.end().unwrap();
    });
    assert_eq!(book.sheet_names(), ["Summary Stats", "SQL Output (orders)"]);
    let range = book.worksheet_range("SQL Output (orders)").unwrap();
    let rows = rows(&range);
    assert_eq!(texts(&rows[0]), columns);
    assert_eq!(rows[1], odd.map(string));
    let numbers = [Data::Float(-42.0), string("9223372036854775807"), Data::Float(0.1), string("NaN")];
    assert_eq!(rows[2][..4], numbers);
    assert_eq!(rows[3][..4], [Data::Empty, Data::Empty, string("end"), Data::Empty]);
    assert_eq!(rows.len(), 4);
    let formulas = book.worksheet_formula("SQL Output (orders)").unwrap();
    assert!(formulas.is_empty());
}

#[test]
fn the_upload_sheet_has_values_record_line_and_reasons() {
    let fields = ["Order No.", "Total"];
    let mut book = written(100, |book| {
        let mut sheet = book.begin_upload_sheet("Orders", "orders", &fields, 2, false).unwrap();
        sheet.write_row(&upload_row(7, Outcome::Rejected)).unwrap();
        let skipped = "several records match (2)".to_owned();
        sheet.write_row(&UploadRow { warnings: skipped, ..upload_row(1, Outcome::Skipped) }).unwrap();
        sheet.end().unwrap();

        let mut sheet = book.begin_upload_sheet("Orders", "orders", &fields, 1, true).unwrap();
        let changes = "Total: 1 → 2".to_owned();
        sheet.write_row(&UploadRow { changes, ..upload_row(1, Outcome::Updated) }).unwrap();
        sheet.end().unwrap();
    });
    let range = book.worksheet_range("Orders Upload (orders)").unwrap();
    let got: Vec<_> = range.rows().map(texts).collect();
    assert_eq!(
        got,
        [
            ["Row", "Line", "Table", "Record id", "Order No.", "Total", "Errors", "Warnings", "Status"],
            [
                "7",
                "8",
                "",
                "00000000-0000-0000-0000-000000000007",
                "A-7",
                "",
                "Total is no number",
                "",
                "Rejected"
            ],
            [
                "1",
                "2",
                "",
                "00000000-0000-0000-0000-000000000001",
                "A-1",
                "",
                "",
                "several records match (2)",
                "Skipped"
            ],
        ]
    );
    let preview = book.worksheet_range("Orders Upload (orders)~2").unwrap();
    let row: Vec<_> = texts(preview.rows().nth(1).unwrap());
    assert_eq!(row[6..], ["Total: 1 → 2", "", "", "Would be updated"]);
}

#[test]
fn the_first_line_says_what_was_left_out() {
    let mut book = written(2, |book| {
        let mut sheet = book.begin_upload_sheet("Orders", "orders", &["a", "b"], 1_000, false).unwrap();
        assert_eq!(sheet.room(), 2);
        sheet.write_row(&upload_row(9, Outcome::Rejected)).unwrap();
        sheet.write_row(&upload_row(1, Outcome::Created)).unwrap();
        assert_eq!(sheet.room(), 0);
        assert!(matches!(sheet.write_row(&upload_row(2, Outcome::Created)), Err(Error::Shape(_))));
        sheet.end().unwrap();
    });
    let rows = rows(&book.worksheet_range("Orders Upload (orders)").unwrap());
    assert_eq!(
        rows[0][0],
        string(
            "998 of 1000 rows are left out here (2 are shown, rejected ones first). \
             The whole SQL output is in Live_orders_sample_output_12.zip."
        )
    );
    assert_eq!(rows[1][0], string("Row"));
    assert_eq!((rows[2][0].clone(), rows[3][0].clone()), (Data::Float(9.0), Data::Float(1.0)));
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_sheet_never_outgrows_excel() {
    let wide: Vec<String> = (0..MAX_COLUMNS + 3).map(|n| format!("c{n}")).collect();
    let mut book = written(u64::MAX, |book| {
        let sheet = book.begin_sheet(SheetKind::Variables { scope: "x" }, &["a"], MAX_ROWS).unwrap();
        assert_eq!(sheet.room(), MAX_ROWS - 2);
        let mut sheet = book.begin_sheet(SheetKind::Variables { scope: "wide" }, &wide, 1).unwrap();
        sheet.write_row(wide.iter().map(|text| Cell::Text(text))).unwrap();
        sheet.end().unwrap();
    });
    let range = book.worksheet_range("Extracted Variables (wide)").unwrap();
    assert_eq!(range.get_size(), (3, MAX_COLUMNS));
    let first = range.get((0, 0)).unwrap().to_string();
    assert!(first.starts_with("The last 3 columns are left out here."), "{first}");
    assert_eq!(range.get((2, MAX_COLUMNS - 1)), Some(&string("c16383")));
}

#[test]
fn a_long_text_is_cut_with_a_mark_and_long_names_stay_apart() {
    let long = "x".repeat(40_000);
    let scopes = ["customer_addresses", "customer_accounts", "customer_addresses_2"];
    let mut book = written(10, |book| {
        for scope in scopes {
            let mut sheet = book.begin_sheet(SheetKind::Variables { scope }, &["a"], 1).unwrap();
            sheet.write_row([Cell::Text(&long)]).unwrap();
            sheet.end().unwrap();
        }
    });
    let names = book.sheet_names();
    assert!(names.iter().all(|name| name.chars().count() <= 31), "{names:?}");
    assert_eq!(names.len(), 4);
    let range = book.worksheet_range(&names[3]).unwrap();
    let cell = range.get((1, 0)).unwrap().to_string();
    assert_eq!(cell.encode_utf16().count(), 32_767);
    assert!(cell.ends_with("x… [cut here: the text has 40000 characters]"));
}

#[test]
fn the_summary_is_the_first_sheet() {
    let mut book = written(10, |_| {});
    let rows = rows(&book.worksheet_range("Summary Stats").unwrap());
    assert_eq!(rows[0][..2], [string("Connector"), string("=Orders")]);
    let total = rows.last().unwrap();
    assert_eq!(
        (&total[0], &total[2], &total[9]),
        (&string("Total"), &Data::Float(1_235_567.0), &Data::Float(3.0))
    );
}

#[test]
fn variables_stand_behind_their_output_whenever_they_are_written() {
    let book = written(10, |book| {
        for scope in ["a", "b"] {
            book.begin_sheet(SheetKind::SqlOutput { scope }, &["x"], 0).unwrap().end().unwrap();
        }
        book.begin_upload_sheet("Orders", "a", &["x"], 0, false).unwrap().end().unwrap();
        for scope in ["b", "a"] {
            book.begin_sheet(SheetKind::Variables { scope }, &["x"], 0).unwrap().end().unwrap();
        }
    });
    let expected = [
        "Summary Stats",
        "SQL Output (a)",
        "Extracted Variables (a)",
        "SQL Output (b)",
        "Extracted Variables (b)",
        "Orders Upload (a)",
    ];
    assert_eq!(book.sheet_names(), expected);
}

#[test]
fn what_was_not_announced_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let mut book = workbook(scratch.path(), 10, &CancelToken::new());
    let kind = SheetKind::SqlOutput { scope: "x" };
    let mut sheet = book.begin_sheet(kind, &["a"], 2).unwrap();
    assert!(matches!(sheet.write_row([Cell::Blank, Cell::Blank]), Err(Error::Shape(_))));
    assert!(matches!(sheet.end(), Err(Error::Shape(_))), "a row is missing");

    let mut sheet = book.begin_upload_sheet("X", "x", &["a", "b"], 2, false).unwrap();
    sheet.write_row(&upload_row(1, Outcome::Created)).unwrap();
    assert!(matches!(sheet.write_row(&upload_row(2, Outcome::Rejected)), Err(Error::Shape(_))));
}

#[test]
fn the_same_content_gives_the_same_bytes_and_leaves_no_scratch() {
    let (run, objects) = a_run();
    let scratch = tempfile::tempdir().unwrap();
    let bytes = || {
        let book = workbook(scratch.path(), 10, &CancelToken::new());
        let mut bytes = Vec::new();
        book.finish(&summary(&run, &objects), &mut bytes).unwrap();
        bytes
    };
    assert_eq!(bytes(), bytes());
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn a_set_token_stops_rows_and_saving() {
    let scratch = tempfile::tempdir().unwrap();
    let cancel = CancelToken::new();
    let mut book = workbook(scratch.path(), 10, &cancel);
    let mut sheet = book.begin_sheet(SheetKind::SqlOutput { scope: "x" }, &["a"], 2).unwrap();
    sheet.write_row([Cell::Integer(1)]).unwrap();
    cancel.cancel();
    assert!(matches!(sheet.write_row([Cell::Integer(2)]), Err(Error::Cancelled)));
    drop(sheet);
    assert!(matches!(finish(book, io::sink()), Err(Error::Cancelled)));
}
