//! Identifiers: one type per thing, so that a file's id can't stand where a connector's belongs.
//!
//! All are UUIDs, random (version 4) when made here, accepted in any version when a set-up brings its
//! own. A record's id is the exception: it is *computed* from its object and its row, see [`RecordId`].

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh random id.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id would be a different one each time")]
            pub fn new() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// The one workspace of a server (`X-BUSINESS-ID`).
    WorkspaceId,
    /// A person or machine that may sign in (`X-USER-ID`).
    MemberId,
    /// An API key (not its secret).
    KeyId,
    /// An object of the data model.
    ObjectId,
    /// A field of an object.
    FieldId,
    /// An option of a choice field.
    OptionId,
    /// A filter group of an object.
    FilterGroupId,
    /// A connector.
    ConnectorId,
    /// A version of a connector's SQL.
    ScriptId,
    /// One end to end run.
    ExecutionId,
    /// A stored file.
    FileId,
    /// An execution variable, also the one that a load step exposes.
    VariableId,
    /// A load step.
    LoadStepId,
    /// A matching or mapping rule.
    RuleId,
    /// A seed.
    SeedId,
}

/// The id of a record: a version 8 UUID made of its object's first 60 free bits and its row number.
///
/// Records are the only things that come in millions. Computing the UUID instead of storing it spares
/// an indexed random column per record, and makes a reference between records an integer that any
/// SQLite tool can join on. The mapping is fixed for ever: 48 bits of the object's id, the version, 12
/// more bits of the object's id, the variant, 62 bits of the row number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Uuid);

const OBJECT_BITS: u128 = 0xffff_ffff_ffff_0fff_0000_0000_0000_0000;
const VERSION_8: u128 = 0x0000_0000_0000_8000_0000_0000_0000_0000;
const VARIANT: u128 = 0x8000_0000_0000_0000;
const ROW_BITS: u128 = 0x3fff_ffff_ffff_ffff;

impl RecordId {
    /// The id of row `row` (at least 1) of `object`.
    #[must_use]
    pub fn of(object: ObjectId, row: i64) -> Self {
        let row = u128::from(row.unsigned_abs()) & ROW_BITS;
        Self(Uuid::from_u128((object.0.as_u128() & OBJECT_BITS) | VERSION_8 | VARIANT | row))
    }

    /// The row number, when this id is one of `object`'s.
    #[must_use]
    pub fn row_in(self, object: ObjectId) -> Option<i64> {
        let row = i64::try_from(self.0.as_u128() & ROW_BITS).ok()?;
        (row > 0 && Self::of(object, row) == self).then_some(row)
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for RecordId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RecordId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_leads_back_to_its_row_and_only_in_its_own_object() {
        let (orders, customers) = (ObjectId::new(), ObjectId::new());
        for row in [1, 2, 1_000_000, i64::MAX >> 1] {
            let id = RecordId::of(orders, row);
            assert_eq!(id.row_in(orders), Some(row));
            assert_eq!(id.row_in(customers), None);
            assert_eq!(id.uuid().get_version_num(), 8);
            assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
            assert_eq!(id.to_string().parse::<RecordId>(), Ok(id));
        }
    }

    #[test]
    fn a_random_uuid_is_no_record_of_any_object() {
        assert_eq!(RecordId::from(Uuid::new_v4()).row_in(ObjectId::new()), None);
    }
}
