//! Whether values are what their schemas say, with each schema prepared once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::answer::Wrong;
use crate::spec::{ApiSpec, SchemaId};

/// Judges the values of requests.
#[derive(Debug)]
pub(super) struct Judge {
    spec: Arc<ApiSpec>,
    /// What was prepared; `None` for schemas that can't be judged by. As many as there are schemas at most.
    prepared: Mutex<HashMap<SchemaId, Option<Arc<jsonschema::Validator>>>>,
}

impl Judge {
    pub(super) fn new(spec: Arc<ApiSpec>) -> Self {
        Self { spec, prepared: Mutex::default() }
    }

    pub(super) fn spec(&self) -> &ApiSpec {
        &self.spec
    }

    pub(super) fn accepts(&self, id: SchemaId, value: &Value) -> bool {
        self.of(id).is_none_or(|validator| validator.is_valid(value))
    }

    /// What is wrong with a value of `place`; `at` is the parameter's name, empty for a body.
    pub(super) fn wrong(&self, id: SchemaId, value: &Value, place: &'static str, at: &str) -> Vec<Wrong> {
        /// More than anybody reads.
        const MOST: usize = 20;
        let Some(validator) = self.of(id) else { return Vec::new() };
        let wrong = |error: jsonschema::ValidationError<'_>| Wrong {
            place,
            at: format!("{at}{}", error.instance_path()),
            message: error.to_string(),
        };
        validator.iter_errors(value).take(MOST).map(wrong).collect()
    }

    fn of(&self, id: SchemaId) -> Option<Arc<jsonschema::Validator>> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(known) = known {
            return known;
        }
        let made = super::sample::json_schema(&self.spec.schemas, id);
        let made = jsonschema::options().should_validate_formats(true).build(&made).ok().map(Arc::new);
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(id, made.clone());
        made
    }
}
