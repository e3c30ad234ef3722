//! The function `ref`: a record of another stream, by its id at the destination.
//!
//! A mapping is applied by a function that can't wait, and the ledger is behind one that does. So a reference that
//! isn't known yet is noted; whoever applies the mapping looks it up and applies the mapping again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::json::plain;
use super::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Functions, Number, Value};

/// How many are remembered.
const MOST: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub(super) struct References(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<(String, String), String>,
    /// Asked for and not known yet.
    asked: BTreeSet<(String, String)>,
}

impl References {
    /// The functions with one that looks here.
    pub(super) fn bring(&self, functions: Functions) -> Functions {
        let references = self.clone();
        functions.with_references(move |stream, id| {
            let Some(id) = plain(id) else {
                return Err(Error::new(ErrorKind::RecordInvalid, "the reference is not an id"));
            };
            references.find(stream, id)
        })
    }

    fn find(&self, stream: &str, id: String) -> Result<Option<Value>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (stream.to_owned(), id);
        if let Some(known) = inner.known.get(&name) {
            return Ok(Some(as_it_was(known)));
        }
        let message = format!("the record {} of the stream {stream} is not delivered yet", name.1);
        inner.asked.insert(name);
        Err(Error::new(ErrorKind::RecordInvalid, message))
    }

    /// What was asked for since the last call.
    pub(super) fn asked(&self) -> BTreeSet<(String, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).asked)
    }

    /// Looks up what was asked for; gives the first that isn't there.
    pub(super) async fn look_up(
        &self,
        state: &State,
        asked: BTreeSet<(String, String)>,
    ) -> Result<Option<(String, String)>> {
        let mut missing = None;
        for name in asked {
            let entry = state.entry(&name.0, &name.1).await?;
            match entry.filter(|entry| !entry.gone).and_then(|entry| entry.dest_id) {
                Some(id) => {
                    let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                    if inner.known.len() >= MOST {
                        inner.known.clear();
                    }
                    inner.known.insert(name, id);
                }
                None => missing = missing.or(Some(name)),
            }
        }
        Ok(missing)
    }
}

/// An id that the destination wrote as a number is one again.
fn as_it_was(id: &str) -> Value {
    match id.strip_prefix("n:") {
        Some(number) => Number::new(number).map_or_else(|| number.into(), Value::Number),
        None => id.strip_prefix("s:").unwrap_or(id).into(),
    }
}
