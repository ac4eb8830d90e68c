//! One page of a list: checked numbers.

use crate::error::{Error, Result};

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u32,
    /// Rows per page, 1 to 1000.
    pub size: u32,
}

impl Paging {
    /// Checks the numbers of a query string; absent: page 1 of 100 rows.
    pub fn new(page: Option<u32>, size: Option<u32>) -> Result<Self> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(100));
        if page == 0 {
            return Err(Error::invalid("page: found 0, expected at least 1").at("page"));
        }
        if !(1..=1000).contains(&size) {
            return Err(
                Error::invalid(format!("page_size: found {size}, expected 1 to 1000")).at("page_size")
            );
        }
        Ok(Self { page, size })
    }

    /// SQL's LIMIT.
    #[must_use]
    pub fn limit(self) -> i64 {
        i64::from(self.size)
    }

    /// SQL's OFFSET.
    #[must_use]
    pub fn offset(self) -> i64 {
        i64::from(self.page - 1) * i64::from(self.size)
    }
}

/// Reads `ordering`: one of `fields`, with `-` in front for descending.
pub fn ordering(text: &str, fields: &'static [&'static str]) -> Result<(&'static str, bool)> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    if let Some(field) = fields.iter().find(|field| **field == name) {
        return Ok((field, descending));
    }
    let fields = fields.join(", ");
    Err(Error::invalid(format!("ordering: found {text:?}, expected one of {fields}")).at("ordering"))
}
