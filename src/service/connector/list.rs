//! Lists of connectors.

use crate::{
    app::App,
    auth::{Caller, Role},
    connector::{ConnectorType, Status},
    error::{Error, Result},
    object::Object,
    service::paging::{self, Paging},
    store::{self, connector::ORDERINGS},
};

pub use crate::store::connector::Summary;

/// Which connectors are asked for, in the API's words.
#[derive(Debug, Default)]
pub struct ListFilter {
    /// Part of name, api name or description.
    pub search: Option<String>,
    /// Running ones, or the others.
    pub active: Option<bool>,
    /// Of this type.
    pub connector_type: Option<String>,
    /// Of this main object, by id or api name.
    pub custom_object: Option<String>,
    /// In this status.
    pub status: Option<String>,
    /// A field, `-` in front for descending.
    pub ordering: Option<String>,
}

/// One page and how many there are in all; each connector with its main object.
pub type Listed = (u64, Vec<(Summary, Option<Object>)>);

/// One page of the connectors that the caller reaches.
pub fn list(app: &App, caller: &Caller, filter: ListFilter, paging: Paging) -> Result<Listed> {
    caller.needs(Role::Viewer)?;
    let known = |key: &str, word: &Option<String>, is: fn(&str) -> bool| match word {
        Some(word) if !is(word) => {
            Err(Error::invalid(format!("{key}: {word:?} is not one of this server's words")).at(key))
        }
        _ => Ok(()),
    };
    known("connector_type", &filter.connector_type, |word| ConnectorType::parse(word).is_some())?;
    known("status", &filter.status, |word| Status::parse(word).is_some())?;
    let custom_object = match &filter.custom_object {
        None => None,
        Some(name) => match app.store.records.read(|conn| store::object::find_live(conn, name))? {
            Some(object) => Some(object.id),
            None => return Ok((0, Vec::new())),
        },
    };
    let filter = store::connector::Filter {
        search: filter.search.filter(|text| !text.is_empty()),
        active: filter.active,
        connector_type: filter.connector_type,
        custom_object,
        status: filter.status,
        only: caller.connectors.clone(),
        ordering: filter.ordering.as_deref().map(|text| paging::ordering(text, ORDERINGS)).transpose()?,
    };
    let (count, connectors) = app
        .store
        .control
        .read(|conn| store::connector::list(conn, &filter, paging.limit(), paging.offset()))?;
    let mut objects: Vec<Object> = Vec::new();
    app.store.records.read(|conn| {
        for connector in &connectors {
            if objects.iter().all(|object| object.id != connector.custom_object) {
                objects.extend(store::object::find(conn, connector.custom_object)?);
            }
        }
        Ok(())
    })?;
    let with_object = |connector: Summary| {
        let object = objects.iter().find(|object| object.id == connector.custom_object).cloned();
        (connector, object)
    };
    Ok((count, connectors.into_iter().map(with_object).collect()))
}
