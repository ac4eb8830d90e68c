//! A connector's configuration by names.

use std::collections::{HashMap, HashSet};

use super::{
    document::{
        ConnectorFacts, Document, FORMAT, InputFile, NamedField, NamedMapping, NamedMatching, NamedObject,
        NamedOption, NamedRelation, NamedSeed, NamedStep, NamedVariable, WorkspaceFacts,
    },
    portable::{self, NamedGroup, NamedScript},
};
use crate::{
    auth::Workspace,
    connector::{Connector, ConnectorType, LoadStep, MappingRule, MatchingRule, NotificationFacts},
    error::{Error, Result},
    execution::Snapshot,
    id::{FieldId, FilterGroupId, ObjectId, VariableId},
    object::{Field, Object, filter::FilterGroup},
    variable::Variable,
};

/// What a configuration is made of.
pub struct Configuration<'c> {
    /// The workspace.
    pub workspace: &'c Workspace,
    /// The connector.
    pub connector: &'c Connector,
    /// What a run uses.
    pub snapshot: &'c Snapshot,
    /// The live objects of the workspace.
    pub objects: &'c [Object],
    /// The seeds' filter groups.
    pub groups: &'c HashMap<FilterGroupId, FilterGroup>,
}

impl Configuration<'_> {
    /// The document. `sql_parameters` are those of the connector.
    ///
    /// # Errors
    /// The flow names an object, field or variable that is gone.
    pub fn document(&self, input: Option<InputFile>) -> Result<Document> {
        self.with_objects(input, self.used()?)
    }

    /// The document with everything that another server needs to recreate the connector.
    ///
    /// # Errors
    /// The flow names an object, field or variable that is gone.
    pub fn export(&self, script: NamedScript) -> Result<Document> {
        let mut used = self.used()?;
        let mut filter_groups = Vec::new();
        for seed in &self.snapshot.seeds {
            let Some(group) = seed.group_id.and_then(|id| self.groups.get(&id)) else { continue };
            let object = self.object(seed.custom_object_id)?;
            for field in portable::fields(object, group) {
                used.field(object, field)?;
            }
            filter_groups.push(NamedGroup::new(object, group));
        }
        let mut document = self.with_objects(None, used)?;
        let settings = &self.connector.notification_settings;
        document.connector.notification_settings = NotificationFacts::of(settings);
        Ok(Document { script: Some(script), filter_groups, ..document })
    }

    fn with_objects(&self, input: Option<InputFile>, used: Used<'_>) -> Result<Document> {
        let (connector, snapshot) = (self.connector, self.snapshot);
        let mut variables: Vec<&Variable> = snapshot.variables.iter().collect();
        variables.sort_by_key(|variable| variable.display_order);
        Ok(Document {
            format: FORMAT,
            workspace: WorkspaceFacts {
                timezone: self.workspace.timezone.name().to_owned(),
                currency: self.workspace.currency.clone(),
                phone_region: self.workspace.phone_region.clone(),
            },
            connector: ConnectorFacts {
                api_name: connector.api_name.clone(),
                name: connector.name.clone(),
                description: connector.description.clone(),
                connector_type: connector.connector_type,
                cadence: connector.cadence,
                schedule: connector.schedule.clone(),
                webhook_signature: (connector.connector_type == ConnectorType::Webhook)
                    .then(|| connector.webhook_settings.signature.clone()),
                notification_settings: None,
                retention_days: Some(connector.retention_days),
                retention_runs: Some(connector.retention_runs),
                custom_object: self.object(connector.custom_object)?.name.clone(),
                sql_version: snapshot.sql_version.clone(),
                sql_parameters: connector.sql_parameters.clone(),
                input_options: snapshot.input_options.clone(),
                timeout_s: snapshot.timeout_s,
                max_concurrency: Some(connector.max_concurrency),
                diff_check_enabled: snapshot.diff_check_enabled,
                guard: snapshot.guard,
            },
            input,
            execution_variables: variables.into_iter().map(NamedVariable::from).collect(),
            flow: snapshot.loads.iter().map(|step| self.step(step)).collect::<Result<_>>()?,
            seeds: self.seeds()?,
            objects: self.used_objects(used)?,
            script: None,
            filter_groups: Vec::new(),
        })
    }

    fn object(&self, id: ObjectId) -> Result<&Object> {
        self.objects.iter().find(|object| object.id == id).ok_or_else(|| gone("object", id))
    }

    fn variable(&self, id: VariableId) -> Result<String> {
        let exposed = self.snapshot.loads.iter().filter_map(|step| step.execution_variable.as_ref());
        self.snapshot
            .variables
            .iter()
            .chain(exposed)
            .find(|variable| variable.id == id)
            .map(|variable| variable.name.clone())
            .ok_or_else(|| gone("variable", id))
    }

    fn step(&self, step: &LoadStep) -> Result<NamedStep> {
        let object = self.object(step.custom_object)?;
        let mut matching: Vec<&MatchingRule> = step.matching_rules.iter().collect();
        matching.sort_by_key(|rule| rule.order);
        let mut mapping: Vec<&MappingRule> = step.field_mapping_rules.iter().collect();
        mapping.sort_by_key(|rule| rule.display_order);
        Ok(NamedStep {
            order: step.order,
            custom_object: object.name.clone(),
            scope: step.scope.clone(),
            matching_rules: matching
                .into_iter()
                .map(|rule| self.matching(object, rule))
                .collect::<Result<_>>()?,
            field_mapping_rules: mapping
                .into_iter()
                .map(|rule| self.mapping(object, rule))
                .collect::<Result<_>>()?,
            execution_variable: step.execution_variable.as_ref().map(|variable| variable.name.clone()),
            automation_trigger_config: step.automation_trigger_config.clone(),
            newly_created_records_automations: step.newly_created_records_automations.clone(),
            other_matches_records_automations: step.other_matches_records_automations.clone(),
        })
    }

    fn matching(&self, object: &Object, rule: &MatchingRule) -> Result<NamedMatching> {
        let field = rule.field.map(|id| field_of(object, id)).transpose()?;
        Ok(NamedMatching {
            field: field.map(|field| field.name.clone()),
            is_match_by_kizen_id: rule.is_match_by_kizen_id,
            variable: self.variable(rule.variable)?,
            no_match_action: rule.no_match_action,
            single_match_action: rule.single_match_action,
            multiple_match_action: rule.multiple_match_action,
            match_archive_action: rule.match_archive_action,
        })
    }

    fn mapping(&self, object: &Object, rule: &MappingRule) -> Result<NamedMapping> {
        let field = field_of(object, rule.field)?;
        let lookup_field = match (rule.lookup_field, &field.relation) {
            (Some(id), Some(relation)) => Some(field_of(self.object(relation.object)?, id)?.name.clone()),
            _ => None,
        };
        Ok(NamedMapping {
            field: field.name.clone(),
            variables: rule.variables.iter().map(|id| self.variable(*id)).collect::<Result<_>>()?,
            can_create_field_options: rule.can_create_field_options,
            conflict_resolution: rule.conflict_resolution,
            lookup_field,
        })
    }

    fn seeds(&self) -> Result<Vec<NamedSeed>> {
        let named = |seed: &crate::connector::Seed| {
            let object = self.object(seed.custom_object_id)?;
            let fields = seed.fields_ids.iter().map(|id| Ok(field_of(object, *id)?.name.clone()));
            Ok(NamedSeed {
                custom_object: object.name.clone(),
                group: seed
                    .group_id
                    .map(|id| self.groups.get(&id).ok_or_else(|| gone("filter group", id)))
                    .transpose()?
                    .map(|group| group.name.clone()),
                fields: fields.collect::<Result<_>>()?,
            })
        };
        self.snapshot.seeds.iter().map(named).collect()
    }

    /// The objects and fields that the configuration uses.
    fn used(&self) -> Result<Used<'_>> {
        let mut used = Used { of: self, objects: HashSet::new(), fields: HashSet::new() };
        used.object(self.connector.custom_object)?;
        for step in &self.snapshot.loads {
            let object = self.object(step.custom_object)?;
            used.object(object.id)?;
            for field in step.matching_rules.iter().filter_map(|rule| rule.field) {
                used.field(object, field)?;
            }
            for rule in &step.field_mapping_rules {
                used.field(object, rule.field)?;
                let relation = object.field(rule.field).and_then(|field| field.relation.as_ref());
                if let (Some(relation), Some(lookup)) = (relation, rule.lookup_field) {
                    used.field(self.object(relation.object)?, lookup)?;
                }
            }
        }
        for seed in &self.snapshot.seeds {
            used.object(seed.custom_object_id)?;
            for field in &seed.fields_ids {
                used.field(self.object(seed.custom_object_id)?, *field)?;
            }
        }
        Ok(used)
    }

    /// The used ones in the workspace's order.
    fn used_objects(&self, used: Used<'_>) -> Result<Vec<NamedObject>> {
        let Used { objects, fields, .. } = used;
        self.objects
            .iter()
            .filter(|object| objects.contains(&object.id))
            .map(|object| self.named_object(object, &fields))
            .collect()
    }

    fn named_object(&self, object: &Object, used: &HashSet<FieldId>) -> Result<NamedObject> {
        let fields = object.fields.iter().filter(|field| used.contains(&field.id));
        Ok(NamedObject {
            name: object.name.clone(),
            object_name: object.object_name.clone(),
            entity_name: object.entity_name.clone(),
            fields: fields.map(|field| self.named_field(field)).collect::<Result<_>>()?,
        })
    }

    fn named_field(&self, field: &Field) -> Result<NamedField> {
        let named = |relation: &crate::object::Relation| -> Result<NamedRelation> {
            let object = self.object(relation.object)?.name.clone();
            Ok(NamedRelation { object, cardinality: relation.cardinality })
        };
        let option = |option: &crate::object::FieldOption| NamedOption {
            name: option.name.clone(),
            code: option.code.clone(),
        };
        Ok(NamedField {
            name: field.name.clone(),
            display_name: field.display_name.clone(),
            field_type: field.field_type,
            is_required: field.is_required,
            is_unique: field.is_unique,
            options: field.options.iter().map(option).collect(),
            relation: field.relation.as_ref().map(named).transpose()?,
        })
    }
}

/// Collects what a configuration uses.
struct Used<'c> {
    of: &'c Configuration<'c>,
    objects: HashSet<ObjectId>,
    fields: HashSet<FieldId>,
}

impl Used<'_> {
    /// The object with the fields that every record of it must heed.
    fn object(&mut self, id: ObjectId) -> Result<()> {
        if !self.objects.insert(id) {
            return Ok(());
        }
        let of = self.of;
        let object = of.object(id)?;
        let label = object.label_field().map(|field| field.id);
        for field in &object.fields {
            if field.is_required || field.is_unique || Some(field.id) == label {
                self.field(object, field.id)?;
            }
        }
        Ok(())
    }

    /// The field, and the object that it relates to. A mirror is made with the field that it mirrors.
    fn field(&mut self, object: &Object, id: FieldId) -> Result<()> {
        let field = field_of(object, id)?;
        if !field.has_storage() || !self.fields.insert(id) {
            return Ok(());
        }
        field.relation.as_ref().map_or(Ok(()), |relation| self.object(relation.object))
    }
}

fn field_of(object: &Object, id: FieldId) -> Result<&Field> {
    object.field(id).ok_or_else(|| gone(&format!("field of {}", object.name), id))
}

fn gone(what: &str, id: impl std::fmt::Display) -> Error {
    Error::conflict(format!(
        "The configuration names the {what} {id}, which is not there any more; it can't be packed."
    ))
}
