//! Bodies are held to what the document says of them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use vitesse_core::error::did_you_mean;
use vitesse_core::{Error, ErrorKind, Result};

use super::schemas;
use crate::api::OPERATIONS;
use crate::call::invalid;

/// One judge for each schema of a body.
pub(crate) struct Judges(BTreeMap<&'static str, Option<Judge>>);

struct Judge {
    validator: Validator,
    names: Vec<String>,
}

/// How many things that are wrong are told at once.
const MOST: usize = 8;

/// Those of this document.
pub(crate) fn judges() -> &'static Judges {
    static JUDGES: OnceLock<Judges> = OnceLock::new();
    JUDGES.get_or_init(|| {
        let all = schemas::all();
        let judge = |name: &'static str| {
            let schema =
                json!({"$ref": format!("#/components/schemas/{name}"), "components": {"schemas": all}});
            let names = all.get(name)?.get("properties")?.as_object()?.keys().cloned().collect();
            Some(Judge { validator: jsonschema::draft202012::new(&schema).ok()?, names })
        };
        Judges(
            OPERATIONS
                .iter()
                .filter_map(|operation| operation.body)
                .map(|asked| (asked.schema, judge(asked.schema)))
                .collect(),
        )
    })
}

impl Judges {
    /// Whether a body is as its schema says.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming what is wrong, and where.
    pub(crate) fn check(&self, schema: &str, body: &[u8]) -> Result<()> {
        let Some(Some(judge)) = self.0.get(schema) else {
            return Err(Error::new(ErrorKind::Internal, "the schema of a body can't be used")
                .with("schema", schema.to_owned()));
        };
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            invalid(format!("the body is not JSON: {error}")).help("send one JSON object")
        })?;
        let mut wrong = Vec::new();
        let mut help = None;
        if let Value::Object(given) = &value {
            for name in given.keys().filter(|name| !judge.names.contains(name)) {
                help = help.or_else(|| did_you_mean(name, judge.names.iter().map(String::as_str)));
            }
        }
        for error in judge.validator.iter_errors(&value).take(MOST) {
            let place = error.instance_path().to_string();
            let what: String = error.to_string().chars().take(300).collect();
            wrong.push(if place.is_empty() { what } else { format!("{place}: {what}") });
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(invalid(format!("the body is not as it should be: {}", wrong.join("; ")))
                .help(help.unwrap_or_else(|| "GET /openapi.json describes it".into()))),
        }
    }
}
