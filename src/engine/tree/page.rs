//! The pages of a table's b-tree: leaves with rows, interior pages above them, and overflow pages.

use super::{PAGE, record::varint};

/// What a page begins with.
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;
/// Bytes before the list of its cells' places.
const LEAF_HEAD: usize = 8;
const INTERIOR_HEAD: usize = 12;
/// Bytes of a place in that list.
const PLACE: usize = 2;

/// Children of a full interior page: all but the last have a place, a page number and at most nine bytes of rowid.
/// One more fits.
pub(super) const FAN_OUT: usize = (PAGE - INTERIOR_HEAD) / (PLACE + 4 + 9);

/// Bytes of a record that a cell holds.
pub(super) const MOST_LOCAL: usize = PAGE - 35;
/// The same, at least, of one whose rest goes to overflow pages.
const LEAST_LOCAL: usize = (PAGE - 12) * 32 / 255 - 23;
/// Bytes of a record on an overflow page, behind the number of the next.
pub(super) const OVERFLOW: usize = PAGE - 4;

/// A page below an interior one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub page: u32,
    /// The largest rowid in it and below it.
    pub last: i64,
}

/// How many bytes of a record stand in its cell.
pub(super) fn local(record: usize) -> usize {
    if record <= MOST_LOCAL {
        return record;
    }
    let fitting = LEAST_LOCAL + (record - LEAST_LOCAL) % OVERFLOW;
    if fitting <= MOST_LOCAL { fitting } else { LEAST_LOCAL }
}

/// An overflow page with as much of `rest` as it holds, and what is left. `next` is the page that takes that.
pub(super) fn overflow(rest: &[u8], next: u32) -> (Vec<u8>, &[u8]) {
    let (here, left) = rest.split_at(rest.len().min(OVERFLOW));
    let next = if left.is_empty() { 0 } else { next };
    let mut page = Vec::with_capacity(PAGE);
    page.extend_from_slice(&next.to_be_bytes());
    page.extend_from_slice(here);
    page.resize(PAGE, 0);
    (page, left)
}

/// The leaf that is being filled: places grow from its head, cells from its end.
#[derive(Debug)]
pub(super) struct Leaf {
    bytes: Box<[u8]>,
    cells: usize,
    /// Where the cells begin.
    begin: usize,
    last: i64,
}

impl Leaf {
    pub fn new() -> Self {
        Self { bytes: vec![0; PAGE].into_boxed_slice(), cells: 0, begin: PAGE, last: 0 }
    }

    /// Adds a cell: the length of its record, the rowid, what it holds of the record, the page with the rest. `false`:
    /// it does not fit.
    pub fn push(&mut self, rowid: i64, length: usize, kept: &[u8], overflow: Option<u32>) -> bool {
        let mut head = [0; 18];
        let mut used = varint(length as u64, &mut head);
        used += varint(rowid.cast_unsigned(), &mut head[used..]);
        let size = used + kept.len() + overflow.map_or(0, |_| 4);
        if LEAF_HEAD + PLACE * (self.cells + 1) + size > self.begin {
            return false;
        }
        self.begin -= size;
        let (to_kept, to_overflow) = (self.begin + used, self.begin + used + kept.len());
        self.bytes[self.begin..to_kept].copy_from_slice(&head[..used]);
        self.bytes[to_kept..to_overflow].copy_from_slice(kept);
        if let Some(page) = overflow {
            self.bytes[to_overflow..to_overflow + 4].copy_from_slice(&page.to_be_bytes());
        }
        put(&mut self.bytes, LEAF_HEAD + PLACE * self.cells, self.begin);
        self.cells += 1;
        self.last = rowid;
        true
    }

    /// Its largest rowid.
    pub const fn last(&self) -> i64 {
        self.last
    }

    /// It as it is written.
    pub fn page(&mut self) -> &[u8] {
        self.bytes[0] = LEAF;
        put(&mut self.bytes, 3, self.cells);
        put(&mut self.bytes, 5, self.begin);
        &self.bytes
    }

    /// Empties it. What stays between places and cells is never read.
    pub const fn clear(&mut self) {
        (self.cells, self.begin) = (0, PAGE);
    }
}

/// An interior page. Its last child stands in its head, the others in cells.
pub(super) fn interior(children: &[Child]) -> Vec<u8> {
    let mut page = vec![0; PAGE];
    let mut begin = PAGE;
    let Some((last, others)) = children.split_last() else { return page };
    for (n, child) in others.iter().enumerate() {
        let mut key = [0; 9];
        let used = varint(child.last.cast_unsigned(), &mut key);
        begin -= 4 + used;
        page[begin..begin + 4].copy_from_slice(&child.page.to_be_bytes());
        page[begin + 4..begin + 4 + used].copy_from_slice(&key[..used]);
        put(&mut page, INTERIOR_HEAD + PLACE * n, begin);
    }
    page[0] = INTERIOR;
    put(&mut page, 3, others.len());
    put(&mut page, 5, begin);
    page[8..12].copy_from_slice(&last.page.to_be_bytes());
    page
}

/// Two bytes of a number that is at most a page's size.
fn put(page: &mut [u8], at: usize, number: usize) {
    let [.., high, low] = number.to_be_bytes();
    (page[at], page[at + 1]) = (high, low);
}
