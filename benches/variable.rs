//! Values a second and core, per scalar type: `cargo bench --bench variable`.
//!
//! Each type parses 4,096 different cells over and over for about a second, as a run does: one compiled
//! parser, cells borrowed from the row. The budget is 2,000,000 values a second for each type.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use smartconnector::variable::{DataType, Locale, Parser, Variable};

const CELLS: usize = 4096;
const BUDGET: f64 = 2_000_000.0;

fn main() {
    println!("{:<42} {:>12} {:>8}", "type and format", "values/s", "budget");
    run("string", DataType::String, None, |n| format!("Customer {n}"));
    run("boolean auto", DataType::Boolean, None, |n| {
        ["Yes", "no", "TRUE", "0", "unchecked"][n % 5].to_owned()
    });
    run("date %Y-%m-%d", DataType::Date, Some("%Y-%m-%d"), |n| {
        format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1)
    });
    run("date %d %b %Y", DataType::Date, Some("%d %b %Y"), |n| {
        format!("{:02} Sep {}", n % 28 + 1, 1990 + n % 40)
    });
    run("date excel_epoch", DataType::Date, Some("excel_epoch"), |n| format!("{}", 40_000 + n));
    run("datetime rfc3339", DataType::Datetime, Some("rfc3339"), |n| {
        format!("2026-{:02}-{:02}T{:02}:30:15Z", n % 12 + 1, n % 28 + 1, n % 24)
    });
    run("datetime %m/%d/%Y %I:%M %p (Berlin)", DataType::Datetime, Some("%m/%d/%Y %I:%M %p"), |n| {
        format!("{:02}/{:02}/2026 {:02}:30 PM", n % 12 + 1, n % 28 + 1, n % 12 + 1)
    });
    run("number auto", DataType::Number, None, |n| format!("{},{:03}.{:02}", n % 999 + 1, n % 1000, n % 100));
    run("number plain", DataType::Number, Some("plain"), |n| format!("{}.{:02}", n * 37, n % 100));
    run("email", DataType::Email, None, |n| format!("customer.{n}@Example{}.com", n % 50));
    run("phone_number e164", DataType::PhoneNumber, Some("e164"), |n| format!("+1650253{n:04}"));
    run("phone_number region:US, (650) 253-0000", DataType::PhoneNumber, Some("region:US"), |n| {
        format!("(650) 253-{n:04}")
    });
    run("phone_number region:US, 1 650 253 0000", DataType::PhoneNumber, Some("region:US"), |n| {
        format!("1 650 253 {n:04}")
    });
    run("phone_number region:DE, 030 …", DataType::PhoneNumber, Some("region:DE"), |n| {
        format!("030 12{n:04}")
    });
    run("uuid", DataType::Uuid, None, |n| format!("123e4567-e89b-12d3-a456-4266{n:08x}"));
}

fn run(label: &str, data_type: DataType, input_format: Option<&str>, cell: impl Fn(usize) -> String) {
    let cells: Vec<String> = (0..CELLS).map(cell).collect();
    let locale = Locale { timezone: chrono_tz::Europe::Berlin, ..Locale::default() };
    let parser = match Parser::compile(&variable(data_type, input_format), locale) {
        Ok(parser) => parser,
        Err(error) => return eprintln!("{label}: {error}"),
    };
    let faults = cells.iter().filter(|cell| parser.parse(Some(cell.as_str())).is_err()).count();
    let mut values = 0;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        for cell in &cells {
            let _ = black_box(parser.parse(Some(black_box(cell.as_str()))));
        }
        values += CELLS;
    }
    let rate = values as f64 / start.elapsed().as_secs_f64();
    let met = if rate >= BUDGET { "met" } else { "missed" };
    println!("{label:<42} {rate:>12.0} {met:>8}");
    if faults > 0 {
        println!("  {faults} of {CELLS} cells do not fit");
    }
}

fn variable(data_type: DataType, input_format: Option<&str>) -> Variable {
    Variable { input_format: input_format.map(str::to_owned), ..Variable::reading("v", data_type, "s", "c") }
}
