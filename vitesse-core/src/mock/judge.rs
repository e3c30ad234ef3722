//! Whether values are what their schemas say, with each schema prepared once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::answer::Wrong;
use crate::generate::{self, Way};
use crate::spec::{ApiSpec, SchemaId};

/// More than anybody reads of one value.
const MOST: usize = 20;

/// Judges the values of requests.
#[derive(Debug)]
pub(super) struct Judge {
    spec: Arc<ApiSpec>,
    /// What was prepared, as many as there are schemas at most; `None` for those that can't be judged by.
    prepared: Mutex<HashMap<SchemaId, Option<Arc<generate::Judge>>>>,
}

impl Judge {
    pub(super) fn new(spec: Arc<ApiSpec>) -> Self {
        Self { spec, prepared: Mutex::default() }
    }

    pub(super) fn spec(&self) -> &ApiSpec {
        &self.spec
    }

    pub(super) fn accepts(&self, id: SchemaId, value: &Value) -> bool {
        self.of(id).is_none_or(|judge| judge.accepts(value))
    }

    /// What is wrong with a value of `place`; `at` is the parameter's name, empty for a body.
    pub(super) fn wrong(&self, id: SchemaId, value: &Value, place: &'static str, at: &str) -> Vec<Wrong> {
        let Some(judge) = self.of(id).filter(|judge| !judge.accepts(value)) else { return Vec::new() };
        let wrong = |violation: generate::Violation| {
            let at = match (at, violation.field.as_str()) {
                (at, "") => at.to_owned(),
                ("", field) => field.to_owned(),
                (at, field) => format!("{at}.{field}"),
            };
            let expected = match violation.expected.as_str() {
                expected if violation.kind == generate::ViolationKind::Enum => format!(": {expected}"),
                _ => String::new(),
            };
            Wrong { place, at, message: format!("{}{expected}", violation.message) }
        };
        judge.violations(value).into_iter().take(MOST).map(wrong).collect()
    }

    fn of(&self, id: SchemaId) -> Option<Arc<generate::Judge>> {
        if let Some(known) = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return known.clone();
        }
        // Prepared outside of the lock: a large schema takes its time, and others needn't wait.
        let made = generate::Judge::new(&self.spec.schemas, id, Way::Request).ok().map(Arc::new);
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(made).clone()
    }
}
