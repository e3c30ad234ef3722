use std::time::Duration;

use super::{Auth, RateLimit, ResponseRule};
use crate::mapping::part::{Part, Reading, names, parts};
use crate::mapping::value::Object;
use crate::mapping::{FieldPath, Value};

parts! {
    /// Where records go.
    pub struct Destination {
        /// The API's name, for people.
        "api_name" api_name: String = String::new();
        /// The address before every path.
        "base_url" base_url: String = String::new();
        /// A file that records are appended to, one a line, instead of an API.
        "file" file: Option<FileDestination> = None;
        /// How requests prove who sends them.
        "auth" auth: Auth = Auth::default();
        /// Headers to send with every request.
        "headers" headers: Object = Object::new();
        /// The requests that write.
        "operations" operations: Operations = Operations::default();
        /// Fields of the destination that together name a record there, to find it before a write.
        "match_on" match_on: Vec<FieldPath> = Vec::new();
        /// How a repeated write is told apart from a second one.
        "idempotency" idempotency: Option<Idempotency> = None;
        /// How many records go together.
        "batch" batch: Option<Batch> = None;
        /// What becomes of records that are gone at the source.
        "deletes" deletes: Deletes = Deletes::default();
        /// How many requests are allowed.
        "rate_limit" rate_limit: Option<RateLimit> = None;
        /// What to do on certain answers; the first that applies counts.
        "responses" responses: Vec<ResponseRule> = Vec::new();
    }
    /// The requests a destination offers.
    pub struct Operations {
        /// Makes a record.
        "create" create: Option<Operation> = None;
        /// Finds records by the fields of `match_on`.
        "find" find: Option<Operation> = None;
        /// Changes a record.
        "update" update: Option<Operation> = None;
        /// Makes or changes a record, as the destination finds.
        "upsert" upsert: Option<Operation> = None;
        /// Removes a record.
        "delete" delete: Option<Operation> = None;
        /// Writes many records in one request.
        "bulk" bulk: Option<Bulk> = None;
    }
    /// One request of a destination.
    pub struct Operation {
        /// The method.
        "method" method: String;
        /// The path; `{id}` is the destination's id, other `{name}`s are fields of the record.
        "path" path: String;
        /// Parameters of the query; `{name}`s as in the path.
        "params" params: Object = Object::new();
        /// Headers to send besides the destination's own.
        "headers" headers: Object = Object::new();
        /// How the body is written.
        "format" format: BodyFormat = BodyFormat::Json;
        /// Where in the body the record goes; without it, the record is the body.
        "wrap" wrap: Option<FieldPath> = None;
        /// Fields of the body besides the record.
        "body" body: Object = Object::new();
        /// Where in the answer the record's id is.
        "id" id: Option<FieldPath> = None;
        /// Where in the answer the records are, for `find`.
        "records" records: Option<FieldPath> = None;
    }
    /// A request that writes many records.
    pub struct Bulk {
        /// The method.
        "method" method: String;
        /// The path.
        "path" path: String;
        /// Parameters of the query.
        "params" params: Object = Object::new();
        /// Headers to send besides the destination's own.
        "headers" headers: Object = Object::new();
        /// How the body is written.
        "format" format: BodyFormat = BodyFormat::Json;
        /// Where in the body the array of records goes; without it, the array is the body.
        "wrap" wrap: Option<FieldPath> = None;
        /// Fields of the body besides the records.
        "body" body: Object = Object::new();
        /// Whether it makes or changes records as the destination finds, or only makes them.
        "upsert" upsert: bool = false;
        /// Where the answer tells what became of each record; without it, all share the request's fate.
        "results" results: Option<BulkResults> = None;
    }
    /// Where the answer to a bulk request tells what became of each record.
    pub struct BulkResults {
        /// The list of results, like `results[]`.
        "records" records: FieldPath;
        /// The record's place in the request, within a result; without it, results are in the records' order.
        "index" index: Option<FieldPath> = None;
        /// The record's id, within a result.
        "id" id: Option<FieldPath> = None;
        /// The record's status, within a result.
        "status" status: Option<FieldPath> = None;
        /// Statuses that mean success; without them, 200 to 299.
        "ok" ok: Vec<Value> = Vec::new();
        /// The reason of a failure, within a result.
        "error" error: Option<FieldPath> = None;
    }
    /// How a repeated write is told apart from a second one.
    pub struct Idempotency {
        /// The header that takes the key.
        "header" header: String = "Idempotency-Key".to_owned();
        /// The field of the body that takes the key, for APIs without such a header.
        "field" field: Option<FieldPath> = None;
    }
    /// A file of records, one JSON text a line.
    pub struct FileDestination {
        /// Where it is.
        "path" path: String;
    }
    /// How many records go together; whatever is reached first closes a batch.
    pub struct Batch {
        /// How many records at most.
        "records" records: u64 = 1;
        /// How many records the destination takes in one request.
        "max_records" max_records: Option<u64> = None;
        /// How many bytes of body at most.
        "bytes" bytes: Option<u64> = None;
        /// How long to wait for more.
        "within" within: Option<Duration> = None;
    }
}

names! {
    /// What becomes of records that are gone at the source.
    pub enum DeletePolicy {
        /// Nothing.
        Ignore = "ignore",
        /// They are removed at the destination.
        Delete = "delete",
        /// They are reported, for a person to decide.
        Report = "report",
        /// They are marked at the destination by the fields of `flag`.
        Flag = "flag",
    }
    /// How a body is written.
    pub enum BodyFormat {
        /// As JSON.
        Json = "json",
        /// As a form.
        Form = "form",
        /// As one JSON text a line.
        Ndjson = "ndjson",
    }
}

/// What becomes of records that are gone at the source, and how many may go in one run.
///
/// In the document a policy's name, or an object with the caps.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletes {
    /// What is done.
    pub policy: DeletePolicy,
    /// How many records a run may delete; more stops the run before the first.
    pub max_records: Option<u64>,
    /// Which part of the known records a run may delete, from 0 to 1; more stops the run before the first.
    pub max_ratio: f64,
    /// The fields that mark a record as gone, for [`DeletePolicy::Flag`].
    pub flag: Object,
}

impl Default for Deletes {
    fn default() -> Self {
        Self { policy: DeletePolicy::Ignore, max_records: None, max_ratio: 0.1, flag: Object::new() }
    }
}

parts! {
    /// Deletes with their caps.
    pub struct DeletesInFull {
        /// What is done.
        "policy" policy: DeletePolicy;
        /// How many records a run may delete; more stops the run before the first.
        "max_records" max_records: Option<u64> = None;
        /// Which part of the known records a run may delete, from 0 to 1; more stops the run before the first.
        "max_ratio" max_ratio: f64 = 0.1;
        /// The fields that mark a record as gone, like `{"archived": true}`.
        "flag" flag: Object = Object::new();
    }
}

impl Part for Deletes {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        if value.as_str().is_some() {
            return DeletePolicy::read(value, reading).map(|policy| Self { policy, ..Self::default() });
        }
        let DeletesInFull { policy, max_records, max_ratio, flag, extra: _ } = Part::read(value, reading)?;
        if !(0.0..=1.0).contains(&max_ratio) {
            reading.within("max_ratio", |reading| reading.problem("it is a part, from 0 to 1", None));
        }
        if policy == DeletePolicy::Flag && flag.is_empty() {
            reading.within("flag", |reading| {
                reading.problem("it says which fields mark a record as gone", None)
            });
        }
        Some(Self { policy, max_records, max_ratio, flag })
    }

    fn write(&self) -> Value {
        let Self { policy, max_records, max_ratio, ref flag } = *self;
        if *self == (Self { policy, ..Self::default() }) {
            return policy.write();
        }
        DeletesInFull { policy, max_records, max_ratio, flag: flag.clone(), extra: Object::new() }.write()
    }

    fn schema(definitions: &mut Object) -> Value {
        let choices = vec![DeletePolicy::schema(definitions), DeletesInFull::schema(definitions)];
        [("anyOf", choices)].into_iter().collect::<Object>().into()
    }
}
