//! Seeds: records of an object that the script sees as `kizen.<object api name>`.

use serde::{Deserialize, Serialize};

use crate::id::{FieldId, FilterGroupId, ObjectId, SeedId};

/// One seed; one per object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Identity.
    pub id: SeedId,
    /// The object.
    pub custom_object_id: ObjectId,
    /// Which of its records; `None`: all live ones.
    pub group_id: Option<FilterGroupId>,
    /// The fields exposed besides `kizen_id`.
    pub fields_ids: Vec<FieldId>,
}
