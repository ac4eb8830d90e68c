//! The catalogue of legal values, made of the enums that validate: it can't say anything else.

use std::collections::BTreeMap;

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    auth::Auth,
    error::{ApiError, ErrorBody},
};
use crate::{
    auth::Role,
    connector::{
        Conflict, ConnectorType,
        flow::{ArchiveMatch, MultipleMatch, NoMatch, SingleMatch},
        rules,
        schedule::CADENCES,
    },
    id::{FieldId, ObjectId},
    object::{Cardinality, Field, FieldType, Relation},
    script::{REFERENCE_VERSIONS, SQLITE},
    variable::{DataType, array::Delimiter, format::Choice},
};

/// Everything that can be chosen in a connector.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metadata {
    /// Of schedule connectors: seconds and their label.
    pub cadence_choices: Vec<[String; 2]>,
    /// The engines.
    pub sql_versions: Vec<&'static str>,
    /// The connector types.
    pub connector_types: Vec<&'static str>,
    /// Of execution variables.
    pub execution_variables: VariableChoices,
    /// Of matching rules.
    pub matching_rules: MatchingChoices,
    /// Of mapping rules.
    pub field_mapping_rules: MappingChoices,
    /// The fields that a seed may show.
    pub kizen_data_seeds_allowed_field_types: Vec<FieldType>,
    /// The types of fields.
    pub field_types: Vec<FieldType>,
}

/// Of execution variables.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariableChoices {
    /// Type to its formats.
    pub variable_data_types: BTreeMap<&'static str, Formats>,
    /// What separates the items of an array.
    pub array_delimiters: Vec<&'static str>,
}

/// Of one type of variable.
#[derive(Debug, Serialize, ToSchema)]
pub struct Formats {
    /// How the text may be read, the default first.
    pub input_formats: Vec<Choice>,
    /// How the value may be written, the default first.
    pub output_formats: Vec<Choice>,
    /// Whether it may be an array.
    pub array: bool,
}

/// Of matching rules, each list with the default first.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchingChoices {
    /// No candidate.
    pub no_match_actions: Vec<Choice>,
    /// Exactly one.
    pub single_match_actions: Vec<Choice>,
    /// Several.
    pub multiple_match_actions: Vec<Choice>,
    /// Only archived ones.
    pub match_archive_actions: Vec<Choice>,
}

/// Of mapping rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct MappingChoices {
    /// The default first.
    pub conflict_resolution: Vec<Resolution>,
}

/// One way to treat a value that is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resolution {
    /// As it is sent.
    pub value: &'static str,
    /// As it is shown.
    pub label: String,
    /// The fields that it is for.
    pub field_types: Vec<FieldType>,
}

/// The legal values of everything that can be chosen in a connector.
#[utoipa::path(tag = "Connectors", responses(
    (status = 200, body = Metadata), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
#[get("/api/smart-connectors/metadata")]
pub async fn metadata(caller: Auth) -> Result<web::Json<Metadata>, ApiError> {
    caller.0.needs(Role::Viewer)?;
    Ok(web::Json(catalogue()))
}

fn catalogue() -> Metadata {
    Metadata {
        cadence_choices: CADENCES
            .iter()
            .map(|(seconds, label)| [seconds.to_string(), (*label).to_owned()])
            .collect(),
        sql_versions: std::iter::once(SQLITE).chain(REFERENCE_VERSIONS).collect(),
        connector_types: ConnectorType::ALL.into_iter().map(ConnectorType::as_str).collect(),
        execution_variables: VariableChoices {
            variable_data_types: DataType::ALL
                .into_iter()
                .map(|kind| (kind.as_str(), formats(kind)))
                .collect(),
            array_delimiters: Delimiter::ALL.into_iter().map(Delimiter::as_str).collect(),
        },
        matching_rules: MatchingChoices {
            no_match_actions: choices(NoMatch::ALL, NoMatch::as_str),
            single_match_actions: choices(SingleMatch::ALL, SingleMatch::as_str),
            multiple_match_actions: choices(MultipleMatch::ALL, MultipleMatch::as_str),
            match_archive_actions: choices(ArchiveMatch::ALL, ArchiveMatch::as_str),
        },
        field_mapping_rules: MappingChoices {
            conflict_resolution: Conflict::ALL.iter().map(|conflict| resolution(*conflict)).collect(),
        },
        kizen_data_seeds_allowed_field_types: FieldType::ALL.to_vec(),
        field_types: FieldType::ALL.to_vec(),
    }
}

fn formats(kind: DataType) -> Formats {
    Formats {
        input_formats: kind.input_formats(),
        output_formats: kind.output_formats(),
        array: kind.takes_arrays(),
    }
}

fn choices<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<Choice> {
    let choice = |value: &T| Choice { value: word(*value).to_owned(), label: label(word(*value)) };
    all.iter().map(choice).collect()
}

fn resolution(conflict: Conflict) -> Resolution {
    let field_types = FieldType::ALL.into_iter().filter(|kind| rules::resolves(conflict, &widest(*kind)));
    Resolution {
        value: conflict.as_str(),
        label: label(conflict.as_str()),
        field_types: field_types.collect(),
    }
}

/// A field of the type that holds as much as one can: a relationship of many.
fn widest(field_type: FieldType) -> Field {
    let relation = Relation {
        object: ObjectId(Uuid::nil()),
        cardinality: Cardinality::Many,
        mirror: FieldId(Uuid::nil()),
        is_mirror: false,
    };
    Field {
        id: FieldId(Uuid::nil()),
        key: 0,
        name: String::new(),
        display_name: String::new(),
        field_type,
        is_required: false,
        is_unique: false,
        is_read_only: false,
        order: 0,
        options: Vec::new(),
        relation: (field_type == FieldType::Relationship).then_some(relation),
        deleted: false,
    }
}

/// A word of the API as a person reads it.
fn label(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
