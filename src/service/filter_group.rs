//! Filter groups. Making and editing them is an editor's; deleting one is for ever, and an admin's.

use serde_json::Value;

use super::{event, object::addressed, paging::Paging};
use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    id::FilterGroupId,
    object::{
        Object,
        design::check_label,
        filter::{Filter, FilterGroup},
    },
    store::{self, words::Words},
};

/// A group, and whether it means nothing any more: a field that it looks at is gone.
pub struct Checked {
    /// The group.
    pub group: FilterGroup,
    /// Whether it can't be used.
    pub invalid: bool,
}

fn checked(words: &Words, object: &Object, group: FilterGroup) -> Checked {
    let invalid = group.filter(object, words.reading()).is_err();
    Checked { group, invalid }
}

/// The groups of an object.
pub fn list(app: &App, caller: &Caller, object: &str, paging: Paging) -> Result<(u64, Vec<Checked>)> {
    may(caller, Role::Viewer)?;
    let words = Words::of(&app.store)?;
    app.store.records.read(|c| {
        let object = addressed(c, object)?;
        let (count, groups) = store::filter_group::list(c, object.id, paging.limit(), paging.offset())?;
        let groups = groups.into_iter().map(|group| checked(&words, &object, group)).collect();
        Ok((count.unsigned_abs(), groups))
    })
}

/// One group.
pub fn get(app: &App, caller: &Caller, object: &str, id: FilterGroupId) -> Result<Checked> {
    may(caller, Role::Viewer)?;
    let words = Words::of(&app.store)?;
    app.store.records.read(|c| {
        let object = addressed(c, object)?;
        Ok(checked(&words, &object, found(c, &object, id)?))
    })
}

/// What a group is made of, or changed to.
#[derive(Debug, Clone, Default)]
pub struct GroupChange {
    /// What people call it.
    pub name: Option<String>,
    /// `and` and `query` of the config.
    pub config: Option<(bool, Value)>,
}

/// Makes a group.
pub fn create(app: &App, caller: &Caller, object: &str, new: GroupChange) -> Result<Checked> {
    may(caller, Role::Editor)?;
    let name = new.name.ok_or_else(|| Error::required("name"))?;
    let (and, query) = new.config.ok_or_else(|| Error::required("config"))?;
    let made = save(app, object, true, |_, object| {
        Ok(FilterGroup {
            id: FilterGroupId::new(),
            object: object.id,
            name: name.clone(),
            and,
            query: query.clone(),
        })
    })?;
    event::tell(app, caller, "created", &format!("The filter group {:?} was made.", made.group.name))?;
    Ok(made)
}

/// Changes a group.
pub fn update(
    app: &App,
    caller: &Caller,
    object: &str,
    id: FilterGroupId,
    change: &GroupChange,
) -> Result<Checked> {
    may(caller, Role::Editor)?;
    // A group that means nothing any more can still be called something else.
    let changed = save(app, object, change.config.is_some(), |tx, object| {
        let mut group = found(tx, object, id)?;
        group.name = change.name.clone().unwrap_or(group.name);
        if let Some((and, query)) = change.config.clone() {
            (group.and, group.query) = (and, query);
        }
        Ok(group)
    })?;
    event::tell(app, caller, "edited", &format!("The filter group {:?} was edited.", changed.group.name))?;
    Ok(changed)
}

fn save(
    app: &App,
    object: &str,
    has_config: bool,
    make: impl Fn(&store::Transaction<'_>, &Object) -> Result<FilterGroup>,
) -> Result<Checked> {
    let words = Words::of(&app.store)?;
    app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let mut group = make(tx, &object)?;
        check_label("name", &group.name)?;
        let name = group.name.trim().to_owned();
        group.name = name;
        if has_config {
            Filter::parse(&object, group.and, &group.query, words.reading()).map_err(in_config)?;
        }
        store::filter_group::save(tx, &group, app.clock.now())?;
        Ok(checked(&words, &object, group))
    })
}

/// The paths of a filter's refusals start at `query`; in this body that is `config.query`.
fn in_config(mut error: Error) -> Error {
    for field in &mut error.fields {
        field.path = format!("config.{}", field.path);
    }
    error.detail = format!("config.{}", error.detail);
    error
}

/// Removes a group. A seed that uses it fails from then on, and says so.
pub fn delete(app: &App, caller: &Caller, object: &str, id: FilterGroupId) -> Result<()> {
    may(caller, Role::Admin)?;
    let message = app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let group = found(tx, &object, id)?;
        store::filter_group::delete(tx, object.id, id)?;
        Ok(format!("The filter group {:?} of {} was deleted.", group.name, object.name))
    })?;
    event::tell(app, caller, "deleted", &message)
}

fn found(connection: &store::Connection, object: &Object, id: FilterGroupId) -> Result<FilterGroup> {
    store::filter_group::find(connection, object.id, id)?.ok_or_else(|| Error::not_found("filter group"))
}

fn may(caller: &Caller, role: Role) -> Result<()> {
    caller.needs(role)?;
    caller.needs_unlimited()
}
