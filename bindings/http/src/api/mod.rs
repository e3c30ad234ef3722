//! Every operation, in one table: routes, checks, the OpenAPI document and the book's page come from it.

mod agents;
mod connections;
mod deployments;
mod integrations;
mod keys;
mod review;
mod running;
mod steps;
mod system;
mod table;

use std::future::Future;
use std::pin::Pin;

use crate::answer::Outcome;
use crate::call::Call;

pub(crate) use table::OPERATIONS;

/// Before the path of every operation that isn't for probes.
pub(crate) const PREFIX: &str = "/api/v1/vitesse";
/// Where the one-call builder was.
pub(crate) const LEGACY: &str = "/api/v1/integration-builder";

/// What an operation gives while it works.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One operation.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    /// Its name: in the document, metrics and logs.
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    /// Behind [`PREFIX`], unless it is at the root.
    pub(crate) path: &'static str,
    pub(crate) tag: &'static str,
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
    /// What else one should know.
    pub(crate) doc: &'static str,
    pub(crate) query: &'static [Param],
    pub(crate) body: Option<Asked>,
    /// The status and the schema of what it answers.
    pub(crate) gives: (u16, Given),
    /// Which failures it may answer, besides those that every operation may.
    pub(crate) fails: &'static [u16],
    /// Whether it takes an `Idempotency-Key`.
    pub(crate) repeatable: bool,
    /// Whether it takes `If-Match`.
    pub(crate) conditional: bool,
    /// Whether it is at the root, where probes look for it.
    pub(crate) root: bool,
    /// Whether it answers without a key.
    pub(crate) open: bool,
    pub(crate) run: fn(Call) -> Pending,
}

/// What an operation answers when it went well.
#[derive(Clone, Copy)]
pub(crate) enum Given {
    /// JSON of the schema of that name.
    Json(&'static str),
    /// Text of that type.
    Text(&'static str),
}

/// The body that an operation takes.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) schema: &'static str,
    pub(crate) required: bool,
}

/// A parameter of the query.
#[derive(Clone, Copy)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) doc: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A text of so many characters.
    Text(usize, usize),
    /// A whole number within these.
    Whole(usize, usize),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Operation {
    /// The path it is found at.
    pub(crate) fn full_path(&self) -> String {
        format!("{}{}", if self.root { "" } else { PREFIX }, self.path)
    }

    /// The names in its path.
    pub(crate) fn path_names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_operation_is_there_once_and_tells_of_itself() {
        let ids: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        let places: BTreeSet<_> = OPERATIONS.iter().map(|one| (one.method, one.full_path())).collect();
        assert_eq!((ids.len(), places.len()), (OPERATIONS.len(), OPERATIONS.len()));
        for operation in OPERATIONS {
            assert!(!operation.summary.is_empty() && !operation.tag.is_empty(), "{}", operation.id);
            assert!(operation.body.is_none() || operation.method != "GET", "{}", operation.id);
        }
    }
}
