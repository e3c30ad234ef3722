//! Descriptions that were fetched before, kept in a store: an unchanged one isn't sent again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::read::hash;
use crate::net::Validators;
use crate::store::{Batch, Expect, Key, MAX_VALUE_BYTES, Store};

/// Where they are kept. What goes wrong there costs a fetch, and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    store: Arc<dyn Store>,
    namespace: String,
}

/// A document as it was fetched.
pub(super) struct Kept {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

/// What is known of it, as the first line of what is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    /// Where it came from in the end.
    pub(super) address: String,
    #[serde(flatten)]
    pub(super) validators: Validators,
}

impl Cache {
    pub(super) fn new(store: Arc<dyn Store>, namespace: String) -> Self {
        Self { store, namespace }
    }

    fn key(&self, address: &str) -> Key {
        Key::new(self.namespace.as_str(), "descriptions", hash(address.as_bytes()))
    }

    pub(super) async fn get(&self, address: &str) -> Option<Kept> {
        let value = self.store.get(&self.key(address)).await.ok()??.value;
        let line = value.iter().position(|byte| *byte == b'\n')?;
        let head = serde_json::from_slice(&value[..line]).ok()?;
        Some(Kept { head, body: value[line + 1..].to_vec() })
    }

    /// Keeps an answer that can be asked about later.
    pub(super) async fn put(&self, address: &str, head: &Head, body: &[u8]) {
        if head.validators.is_empty() {
            return;
        }
        let Ok(mut value) = serde_json::to_vec(head) else { return };
        value.push(b'\n');
        value.extend_from_slice(body);
        if value.len() <= MAX_VALUE_BYTES {
            let _ = self.store.commit(Batch::new().put(self.key(address), Expect::Any, value)).await;
        }
    }
}
