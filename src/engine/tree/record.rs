//! A row as SQLite keeps it: a head with the type of every value, then the values.

use crate::engine::value::Cell;

/// Types of values. Whole numbers have the shortest that holds them, text its length.
const NULL: u64 = 0;
const EIGHT_BYTES: u64 = 6;
const REAL: u64 = 7;
const ZERO: u64 = 8;
const ONE: u64 = 9;
const EMPTY_TEXT: u64 = 13;

/// Makes one record after the other in the same memory.
#[derive(Debug, Default)]
pub(in crate::engine) struct Record {
    types: Vec<u8>,
    values: Vec<u8>,
    whole: Vec<u8>,
}

impl Record {
    /// Begins a record.
    pub fn clear(&mut self) {
        self.types.clear();
        self.values.clear();
    }

    /// Adds the next value.
    pub fn push(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.push_type(NULL),
            Cell::Text(text) => {
                self.push_type(EMPTY_TEXT + 2 * text.len() as u64);
                self.values.extend_from_slice(text.as_bytes());
            }
            Cell::Integer(0) => self.push_type(ZERO),
            Cell::Integer(1) => self.push_type(ONE),
            Cell::Integer(number) => {
                let (kind, bytes) = width(number);
                self.push_type(kind);
                self.values.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
            }
            // SQLite has no such number.
            Cell::Real(number) if number.is_nan() => self.push_type(NULL),
            Cell::Real(number) => {
                self.push_type(REAL);
                // And only one zero.
                let number = if number == 0.0 { 0.0 } else { number };
                self.values.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    /// All of it.
    pub fn whole(&mut self) -> &[u8] {
        // The head's length counts itself.
        let mut bytes = [0; 9];
        let mut head = self.types.len() + 1;
        while self.types.len() + varint(head as u64, &mut bytes) > head {
            head += 1;
        }
        let used = varint(head as u64, &mut bytes);
        self.whole.clear();
        self.whole.extend_from_slice(&bytes[..used]);
        self.whole.extend_from_slice(&self.types);
        self.whole.extend_from_slice(&self.values);
        &self.whole
    }

    fn push_type(&mut self, kind: u64) {
        if let Ok(short @ ..0x80) = u8::try_from(kind) {
            self.types.push(short);
        } else {
            let mut bytes = [0; 9];
            let used = varint(kind, &mut bytes);
            self.types.extend_from_slice(&bytes[..used]);
        }
    }
}

/// The type of a whole number and its bytes.
fn width(number: i64) -> (u64, usize) {
    // Bits that differ from the sign, and the sign.
    let bits = 65 - (number ^ (number >> 63)).leading_zeros();
    match bits {
        ..=8 => (1, 1),
        9..=16 => (2, 2),
        17..=24 => (3, 3),
        25..=32 => (4, 4),
        33..=48 => (5, 6),
        _ => (EIGHT_BYTES, 8),
    }
}

/// Writes a number in one to nine bytes, seven bits in each but the ninth; answers how many.
#[expect(clippy::cast_possible_truncation, reason = "of a number shifted, its last bits are wanted")]
pub(super) fn varint(number: u64, to: &mut [u8]) -> usize {
    if number < 0x80 {
        to[0] = number as u8;
        return 1;
    }
    if number >> 56 != 0 {
        for (n, byte) in to[..8].iter_mut().enumerate() {
            *byte = 0x80 | (number >> (57 - 7 * n)) as u8;
        }
        to[8] = number as u8;
        return 9;
    }
    let used = (64 - number.leading_zeros() as usize).div_ceil(7);
    for (n, byte) in to[..used].iter_mut().enumerate() {
        *byte = 0x80 | (number >> (7 * (used - 1 - n))) as u8;
    }
    to[used - 1] &= 0x7f;
    used
}
