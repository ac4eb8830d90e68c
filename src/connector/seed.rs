//! Seeds: records of an object that the script sees as `kizen.<object api name>`.

use serde::{Deserialize, Serialize};

use super::{validate::unknown_id, written::WrittenSeed};
use crate::{
    error::{Code, Error, Result},
    id::{FieldId, FilterGroupId, ObjectId, SeedId},
    object::Object,
};

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

/// The new set of seeds. `objects` are the live ones that it names, `groups` the filter groups with the
/// object of each. A seed that is sent back as it was read is not checked again.
pub fn merged(
    saved: &[Seed],
    sent: Vec<WrittenSeed>,
    objects: &[Object],
    groups: &[(FilterGroupId, ObjectId)],
) -> Result<Vec<Seed>> {
    let mut seeds: Vec<Seed> = Vec::with_capacity(sent.len());
    for (n, row) in sent.into_iter().enumerate() {
        let path = format!("kizen_data_seeds[{n}]");
        let old = match row.id {
            None => None,
            Some(id) => Some(
                saved
                    .iter()
                    .find(|seed| seed.id == id && seeds.iter().all(|seed| seed.id != id))
                    .ok_or_else(|| unknown_id(&format!("{path}.id")))?,
            ),
        };
        let seed = row.into_seed(old, &path)?;
        if seeds.iter().any(|other| other.custom_object_id == seed.custom_object_id) {
            return Err(Error::new(Code::Unique, "An object has one seed; this one has two.")
                .at(&format!("{path}.custom_object_id")));
        }
        if old != Some(&seed) {
            check(&seed, objects, groups, &path)?;
        }
        seeds.push(seed);
    }
    Ok(seeds)
}

fn check(seed: &Seed, objects: &[Object], groups: &[(FilterGroupId, ObjectId)], path: &str) -> Result<()> {
    let object = objects
        .iter()
        .find(|object| object.id == seed.custom_object_id)
        .ok_or_else(|| unknown_id(&format!("{path}.custom_object_id")))?;
    if seed.group_id.is_some_and(|group| !groups.contains(&(group, object.id))) {
        return Err(unknown_id(&format!("{path}.group_id")));
    }
    match seed.fields_ids.iter().position(|id| object.field(*id).is_none()) {
        Some(n) => Err(unknown_id(&format!("{path}.fields_ids[{n}]"))),
        None => Ok(()),
    }
}

impl WrittenSeed {
    fn into_seed(self, old: Option<&Seed>, path: &str) -> Result<Seed> {
        let custom_object_id =
            self.custom_object_id.ok_or_else(|| Error::required(&format!("{path}.custom_object_id")))?;
        // The fields of another object would be none of this one's.
        let kept = old.filter(|old| old.custom_object_id == custom_object_id);
        let mut fields_ids =
            self.fields_ids.unwrap_or_else(|| kept.map(|old| old.fields_ids.clone()).unwrap_or_default());
        let mut seen = std::collections::HashSet::new();
        fields_ids.retain(|id| seen.insert(*id));
        Ok(Seed {
            id: self.id.unwrap_or_else(SeedId::new),
            custom_object_id,
            group_id: self.group_id,
            fields_ids,
        })
    }
}
