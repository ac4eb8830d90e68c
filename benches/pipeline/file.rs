//! The test files, made from a seed: the same arguments give the same bytes.
#![expect(clippy::cast_possible_truncation, reason = "what is drawn is below a length")]

use std::{
    fs::File,
    io::{self, BufWriter},
    path::Path,
};

/// Customers that orders refer to.
pub const CUSTOMERS: u64 = 50_000;

const FIRST: [&str; 26] = [
    "Ana", "Bob", "Chloë", "Dmitri", "Eva", "Fatima", "Günther", "Hana", "Igor", "José", "Kai", "Lea", "Mø",
    "Nina", "Óscar", "Priya", "Quinn", "Rosa", "Søren", "Tomás", "Uma", "Václav", "Wei", "Ximena", "Yuki",
    "Zoë",
];
const LAST: [&str; 20] = [
    "Smith", "García", "Müller", "O'Neil", "Nguyễn", "Kowalski", "Dvořák", "Åberg", "Rossi", "Silva",
    "Tanaka", "Novák", "Brown", "d'Angelo", "Li", "van-Dijk", "Öztürk", "Petrov", "Jones", "López",
];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const STATUS: [&str; 6] = ["open", "Paid", "SHIPPED", "returned", " cancelled", "on hold "];
const TAGS: [&str; 10] =
    ["vip", "new", "gift", "wholesale", "eu", "us", "fragile", "express", "promo24", "b2b"];
const REGIONS: [&str; 4] = ["EMEA", "APAC", "AMER", "LATAM"];
const NOTES: [&str; 12] = [
    "",
    "",
    "",
    "Leave at the door",
    "Kunde möchte \"Express\" – bitte prüfen",
    "Line one\nline two",
    "He said, \"call me\", then hung up",
    "配送は午前中に",
    "ok; see ticket #4521",
    "Отгрузка со склада №3\r\nпосле 15:00",
    "🎁 gift wrap, no invoice",
    "Customer asked for a refund of the shipping cost, and wants the replacement delivered before the weekend",
];

/// Splitmix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// The reference table: `email, customer_id, region, tier`.
pub fn customers(path: &Path) -> io::Result<()> {
    let mut random = Random(7);
    let mut csv = csv::Writer::from_writer(BufWriter::new(File::create(path)?));
    csv.write_record(["email", "customer_id", "region", "tier"])?;
    for n in 0..CUSTOMERS {
        let id = (100_000 + n).to_string();
        let tier = (1 + random.below(4)).to_string();
        csv.write_record([email(n).as_str(), &id, random.pick(&REGIONS), &tier])?;
    }
    csv.flush()
}

/// `rows` orders in random order of their keys. `changed`: the same keys, in every row another quantity and
/// price.
pub fn orders(path: &Path, rows: u64, changed: bool) -> io::Result<()> {
    let mut random = Random(42);
    let mut keys: Vec<u32> = (0..u32::try_from(rows).expect("fewer than 2^32 rows")).collect();
    for at in (1..keys.len()).rev() {
        keys.swap(at, random.below(at as u64 + 1) as usize);
    }
    let mut csv = csv::Writer::from_writer(BufWriter::with_capacity(1 << 20, File::create(path)?));
    csv.write_record([
        "order_number",
        "email",
        "first_name",
        "last_name",
        "phone",
        "placed_at",
        "quantity",
        "price",
        "status",
        "is_member",
        "tags",
        "notes",
    ])?;
    for key in keys {
        // Two in a hundred have no customer.
        let mut email = email(random.below(CUSTOMERS * 102 / 100));
        if random.below(10) == 0 {
            email = format!(" {} ", email.to_uppercase());
        }
        let (quantity, cents) = (1 + random.below(20), cube(&mut random));
        let (quantity, cents) = if changed { (quantity + 1, cents + 137) } else { (quantity, cents) };
        let tags: Vec<_> = (0..random.below(4)).map(|_| random.pick(&TAGS)).collect();
        csv.write_record([
            format!("ORD-{key:08}").as_str(),
            &email,
            random.pick(&FIRST),
            random.pick(&LAST),
            &format!("+{} {:09}", 1 + random.below(98), random.below(1_000_000_000)),
            &date(&mut random),
            &quantity.to_string(),
            &price(cents),
            random.pick(&STATUS),
            if random.below(10) < 3 { "Yes" } else { "No" },
            &tags.join(";"),
            random.pick(&NOTES),
        ])?;
    }
    csv.flush()
}

fn email(n: u64) -> String {
    format!("user{n}@example{}.com", n % 37)
}

/// Below a million, small numbers more often.
fn cube(random: &mut Random) -> u64 {
    let x = random.below(1_000_000);
    x * x / 1_000_000 * x / 1_000_000
}

fn date(random: &mut Random) -> String {
    let (year, month, day) = (2019 + random.below(6), 1 + random.below(12), 1 + random.below(28));
    match random.below(10) {
        0..4 => format!("{year}-{month:02}-{day:02}"),
        4..6 => format!("{month:02}/{day:02}/{year}"),
        6..8 => format!(
            "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            random.below(24),
            random.below(60),
            random.below(60)
        ),
        _ => format!("{day:02} {} {year}", MONTHS[(month - 1) as usize]),
    }
}

/// With thousands separators: `1,234.50`.
fn price(cents: u64) -> String {
    let (whole, rest) = (cents / 100, cents % 100);
    if whole >= 1_000 {
        format!("{},{:03}.{rest:02}", whole / 1_000, whole % 1_000)
    } else {
        format!("{whole}.{rest:02}")
    }
}

/// The first `rows` rows of a file of ours, for a reference file.
pub fn head(path: &Path, rows: usize) -> io::Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    for record in reader.byte_records().take(rows + 1) {
        csv.write_byte_record(&record?)?;
    }
    csv.flush()?;
    csv.into_inner().map_err(|e| io::Error::other(e.to_string()))
}

/// The file's size in MB.
pub fn megabytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len() / 1_000_000)
}
