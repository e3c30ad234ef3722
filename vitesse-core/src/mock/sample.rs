//! Values for schemas: the description's own examples first, generated ones otherwise.

use std::sync::Arc;

use serde_json::Value;

use crate::generate::Generator;
use crate::spec::{ApiSpec, Media, SchemaId, Schemas, Step, parse_path};

/// Makes values for the schemas of an API: always the same for the same seed.
#[derive(Debug)]
pub(super) struct Samples {
    spec: Arc<ApiSpec>,
}

impl Samples {
    pub(super) fn new(spec: Arc<ApiSpec>) -> Self {
        Self { spec }
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.spec.schemas
    }

    /// A value of a schema: its own example first, else a generated one with every field.
    pub(super) fn sample(&self, id: SchemaId, seed: u64) -> Value {
        let example = self.schemas().get(id).and_then(|schema| schema.details().example.as_ref());
        match example {
            Some(example) => example.value(),
            None => Generator::new(self.schemas(), id, seed).record(0),
        }
    }

    /// One of many: the first is [`sample`](Self::sample), the others leave out what may be left out.
    pub(super) fn nth(&self, id: SchemaId, seed: u64, number: u64) -> Value {
        match number {
            0 => self.sample(id, seed),
            number => Generator::new(self.schemas(), id, seed).record(number),
        }
    }

    /// The records in the example of a list's answer.
    pub(super) fn records_of_example(&self, list: Option<usize>) -> Vec<Value> {
        let found = || {
            let endpoint = self.spec.endpoints.get(list?)?;
            let records = endpoint.records.as_deref()?;
            let example = Media::preferred(&endpoint.success()?.response.content)?.example.as_ref()?.value();
            let mut at = &example;
            for step in parse_path(&records.path)? {
                if let Step::Key(key) = step {
                    at = at.get(&key)?;
                }
            }
            at.as_array().cloned()
        };
        found().unwrap_or_default()
    }
}
