//! How records are read and written one page or one record at a time. Loads have their own way to write,
//! by the same tables.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{
    Direction, MIRROR_SHOWN, Order, after, count, find, find_by_label, in_rows, labels, mirrored, page,
};
pub use write::{Change, archive, clash, insert, put, resolve, unarchive, update};
