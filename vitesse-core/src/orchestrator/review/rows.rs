//! Field mappings and transformation rules as the builder knows them: views and edits of the one mapping document.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::edit::{ReviewEdit, RunEdit};
use super::{Reviewed, StreamEdit};
use crate::error::Result;
use crate::mapper::Edit;
use crate::orchestrator::Vitesse;
use crate::orchestrator::streams::specs;
use crate::spec::{ApiSpec, SchemaId};

/// A line as a field mapping.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldMapping {
    /// Names the line: the integration, the stream and the destination field.
    pub id: String,
    /// The integration.
    pub integration_id: Uuid,
    /// The stream it is in.
    pub stream: String,
    /// The field it comes from; several are joined by commas.
    pub source_field: String,
    /// The field it makes.
    pub target_field: String,
    /// What the destination's description says the field holds: `string`, `integer or null`; none if it doesn't say.
    pub data_type: Option<String>,
    /// Whether a missing result is an error.
    pub required: bool,
    /// How the value is changed: a function's name, or the line's type.
    pub transformation: Option<String>,
    /// When the mapping was last changed: the line came to be no later.
    pub created_at: Timestamp,
}

/// A line that changes its value, as a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TransformationRule {
    /// Names the line.
    pub id: String,
    /// The integration.
    pub integration_id: Uuid,
    /// The stream it is in.
    pub stream: String,
    /// The rule's name: the function's, or the line's type.
    pub name: String,
    /// What people noted of it, else why the mapper chose it.
    pub description: String,
    /// The line's type.
    pub rule_type: String,
    /// The field it comes from.
    pub source_field: String,
    /// The field it makes.
    pub target_field: String,
    /// What the type needs.
    pub transformation_logic: Value,
    /// Whether it is used.
    pub enabled: bool,
    /// When the mapping was last changed: the line came to be no later.
    pub created_at: Timestamp,
}

/// A field mapping to add.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewFieldMapping {
    /// The stream; may be left out if there is only one.
    pub stream: Option<String>,
    /// The field it comes from.
    pub source_field: String,
    /// The field it makes.
    pub target_field: String,
    /// Whether a missing result is an error.
    pub required: bool,
    /// A function's name; the conversion is chosen from the schemas if none is given.
    pub transformation: Option<String>,
}

/// A rule to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewTransformationRule {
    /// The stream; may be left out if there is only one.
    pub stream: Option<String>,
    /// What people call it; kept as the line's note.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The line's type, `custom` if none is given.
    pub rule_type: String,
    /// The field it comes from.
    pub source_field: String,
    /// The field it makes.
    pub target_field: String,
    /// What the type needs: `{"function": "upper"}`.
    pub transformation_logic: Map<String, Value>,
    /// Whether it is used.
    pub enabled: bool,
}

impl Default for NewTransformationRule {
    fn default() -> Self {
        Self {
            stream: None,
            name: String::new(),
            description: String::new(),
            rule_type: "custom".into(),
            source_field: String::new(),
            target_field: String::new(),
            transformation_logic: Map::new(),
            enabled: true,
        }
    }
}

impl Vitesse {
    /// The lines of an integration as field mappings.
    ///
    /// # Errors
    /// As [`review`](Self::review).
    pub async fn field_mappings(&self, id: Uuid) -> Result<Vec<FieldMapping>> {
        let integration = self.get(id).await?;
        let review = self.review(id).await?;
        let (_, dest) = specs(&integration)?;
        let mut all = Vec::new();
        for stream in &review.streams {
            let written = written(&dest, &stream.dest_endpoint);
            for line in stream.lines.iter().filter(|line| line.enabled) {
                let function = line.transform_config.get("function").and_then(Value::as_str);
                let plain = matches!(line.transform_type.as_str(), "direct" | "mapping");
                let kind = (!plain).then(|| line.transform_type.clone());
                all.push(FieldMapping {
                    id: format!("{id}/{}/{}", stream.name, line.dest_field),
                    integration_id: id,
                    stream: stream.name.clone(),
                    source_field: line.source_fields.join(", "),
                    target_field: line.dest_field.clone(),
                    data_type: written.and_then(|schema| data_type(&dest, schema, &line.dest_field)),
                    required: line.required,
                    transformation: function.map(str::to_owned).or(kind),
                    created_at: integration.updated_at,
                });
            }
        }
        Ok(all)
    }

    /// The lines of an integration that change their value, as rules.
    ///
    /// # Errors
    /// As [`review`](Self::review).
    pub async fn transformation_rules(&self, id: Uuid) -> Result<Vec<TransformationRule>> {
        let created_at = self.inner.repository.light(id).await?.value.updated_at;
        let review = self.review(id).await?;
        let mut all = Vec::new();
        for stream in review.streams {
            for line in stream.lines {
                if matches!(line.transform_type.as_str(), "direct" | "mapping") {
                    continue;
                }
                let function = line.transform_config.get("function").and_then(Value::as_str);
                all.push(TransformationRule {
                    id: format!("{id}/{}/{}", stream.name, line.dest_field),
                    integration_id: id,
                    stream: stream.name.clone(),
                    name: function.unwrap_or(&line.transform_type).to_owned(),
                    description: line.note.or(line.reason).unwrap_or_default(),
                    rule_type: line.transform_type,
                    source_field: line.source_fields.join(", "),
                    target_field: line.dest_field,
                    transformation_logic: line.transform_config,
                    enabled: line.enabled,
                    created_at,
                });
            }
        }
        Ok(all)
    }

    /// Adds a field mapping, or replaces the one for the same field: an [`edit`](Self::edit) of the mapping.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub async fn add_field_mapping(&self, id: Uuid, new: NewFieldMapping) -> Result<Reviewed> {
        let NewFieldMapping { stream, source_field, target_field, required, transformation } = new;
        let function = transformation.filter(|name| !name.trim().is_empty());
        let mut edits = vec![ReviewEdit::Line(Edit::Replace {
            dest_field: target_field.clone(),
            source_fields: vec![source_field],
            transform_type: function.is_some().then(|| "custom".to_owned()),
            transform_config: function.map(|name| json!({"function": name})),
        })];
        if required {
            edits.push(ReviewEdit::Run(RunEdit::Require { dest_field: target_field, required }));
        }
        self.edit(id, None, in_stream(stream, edits)).await
    }

    /// Adds a transformation rule, or replaces the line for the same field: an [`edit`](Self::edit) of the mapping.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub async fn add_transformation_rule(&self, id: Uuid, new: NewTransformationRule) -> Result<Reviewed> {
        let dest_field = new.target_field;
        let sources = new.source_field.split(',').map(str::trim).filter(|field| !field.is_empty());
        let mut edits = vec![ReviewEdit::Line(Edit::Replace {
            dest_field: dest_field.clone(),
            source_fields: sources.map(str::to_owned).collect(),
            transform_type: Some(new.rule_type),
            transform_config: Some(Value::Object(new.transformation_logic)),
        })];
        let note: Vec<&str> = [new.name.as_str(), new.description.as_str()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        if !note.is_empty() {
            edits
                .push(ReviewEdit::Line(Edit::Note { dest_field: dest_field.clone(), text: note.join(": ") }));
        }
        if !new.enabled {
            edits.push(ReviewEdit::Run(RunEdit::Enable { dest_field, enabled: false }));
        }
        self.edit(id, None, in_stream(new.stream, edits)).await
    }
}

fn in_stream(stream: Option<String>, edits: Vec<ReviewEdit>) -> Vec<StreamEdit> {
    edits.into_iter().map(|edit| StreamEdit { stream: stream.clone(), edit }).collect()
}

/// What an endpoint takes, as `POST /contacts` names it.
fn written(spec: &ApiSpec, endpoint: &str) -> Option<SchemaId> {
    let (method, path) = endpoint.split_once(' ')?;
    let of = |known: &&crate::spec::Endpoint| known.method.as_str() == method && *known.path == *path;
    spec.endpoints.iter().find(of)?.request_schema
}

/// What a field of it holds, in a word or two.
fn data_type(spec: &ApiSpec, root: SchemaId, field: &str) -> Option<String> {
    let schema = spec.schemas.get(spec.schemas.field(root, field)?.schema)?;
    (!schema.types.is_any()).then(|| schema.types.to_string())
}
