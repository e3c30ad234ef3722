use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::request::LearnedLine;
use super::review::learned_lines;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::store::{Batch, Document, Expect, Key, Scan, Store};

const COLLECTION: &str = "learned_lines";

/// Lines that people confirmed, kept in a store for the next mapping between the same two APIs.
///
/// ```
/// # use std::sync::Arc;
/// # use vitesse_core::{mapper::LearnedLines, mapping::Mapping, store::MemoryStore};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let learned = LearnedLines::new(Arc::new(MemoryStore::new()), "default");
/// let mapping: Mapping = serde_json::from_str(r#"{"version": 1,
///     "source": {"api_name": "Shop"}, "destination": {"api_name": "CRM", "operations": {}},
///     "transformations": [{"source_field": "mail", "dest_field": "email", "transform_type": "mapping",
///                          "x-review": "accepted"}]}"#)?;
/// learned.learn(&mapping).await?;
/// assert_eq!(learned.lines("Shop", "CRM").await?[0].source_field, "mail");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct LearnedLines {
    store: Arc<dyn Store>,
    namespace: String,
}

impl LearnedLines {
    /// The lines learned in `namespace` of `store`.
    pub fn new(store: Arc<dyn Store>, namespace: impl Into<String>) -> Self {
        Self { store, namespace: namespace.into() }
    }

    /// Keeps the confirmed lines of a mapping, and gives how many they are. What was learned before of the same
    /// destination field gives way: a correction is not an alternative.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn learn(&self, mapping: &Mapping) -> Result<usize> {
        let (batch, lines) = self.add_to(Batch::new(), &[mapping]).await?;
        if !lines.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(lines.len())
    }

    /// Adds what [`learn`](Self::learn) would write for several streams of an integration to a batch, so that it is
    /// learned exactly when the batch is committed. Gives the lines, each once.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn add_to(&self, mut batch: Batch, mappings: &[&Mapping]) -> Result<(Batch, Vec<LearnedLine>)> {
        let mut keys: Vec<Key> = Vec::new();
        let mut lines: Vec<LearnedLine> = Vec::new();
        for line in mappings.iter().flat_map(|mapping| learned_lines(mapping)) {
            let key = self.key(&line);
            if keys.contains(&key) {
                continue;
            }
            let value = serde_json::to_vec(&line).map_err(|error| {
                Error::new(ErrorKind::Internal, "a learned line can't be written as JSON").source(error)
            })?;
            batch = batch.put(key.clone(), Expect::Any, value);
            keys.push(key);
            lines.push(line);
        }
        let mut pairs: Vec<(&str, &str)> =
            lines.iter().map(|line| (&*line.source_api, &*line.dest_api)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        for (source_api, dest_api) in pairs {
            for (old, document) in self.stored(source_api, dest_api).await? {
                let corrected = lines.iter().any(|line| line.dest_field == old.dest_field);
                if corrected && !keys.contains(&document.key) {
                    batch = batch.delete(document.key, Expect::Any);
                }
            }
        }
        Ok((batch, lines))
    }

    /// What was learned between two APIs, by name: for [`MapRequest::learned`](super::MapRequest::learned).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lines(&self, source_api: &str, dest_api: &str) -> Result<Vec<LearnedLine>> {
        let stored = self.stored(source_api, dest_api).await?;
        Ok(stored.into_iter().map(|(line, _)| line).collect())
    }

    /// Forgets everything between two APIs, and gives how many lines there were.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget(&self, source_api: &str, dest_api: &str) -> Result<usize> {
        let stored = self.stored(source_api, dest_api).await?;
        let count = stored.len();
        let batch =
            stored.into_iter().fold(Batch::new(), |batch, (_, found)| batch.delete(found.key, Expect::Any));
        if count > 0 {
            self.store.commit(batch).await?;
        }
        Ok(count)
    }

    async fn stored(&self, source_api: &str, dest_api: &str) -> Result<Vec<(LearnedLine, Document)>> {
        let mut scan = Scan { prefix: pair(source_api, dest_api), ..Scan::new(&self.namespace, COLLECTION) };
        let mut found = Vec::new();
        loop {
            let page = self.store.scan(&scan).await?;
            for document in page.documents {
                // A line of a newer form is evidence that is lost, and no reason to stop.
                if let Ok(line) = serde_json::from_slice(&document.value) {
                    found.push((line, document));
                }
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    fn key(&self, line: &LearnedLine) -> Key {
        let fields = hash(&[&line.source_field, &line.dest_field]);
        Key::new(&self.namespace, COLLECTION, format!("{}{fields}", pair(&line.source_api, &line.dest_api)))
    }
}

/// The beginning of the ids of a pair's lines. Names can be as long as they like; ids can't.
fn pair(source_api: &str, dest_api: &str) -> String {
    format!("{}/", hash(&[&source_api.to_lowercase(), &dest_api.to_lowercase()]))
}

fn hash(parts: &[&str]) -> String {
    use std::fmt::Write as _;
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn mapping(lines: &[(&str, &str)]) -> Mapping {
        let lines: Vec<_> = lines
            .iter()
            .map(|(source, dest)| {
                serde_json::json!({"source_field": source, "dest_field": dest, "transform_type": "mapping",
                    "x-review": "accepted"})
            })
            .collect();
        let document = serde_json::json!({"version": 1, "source": {"api_name": "Shop"},
            "destination": {"api_name": "CRM", "operations": {}}, "transformations": lines});
        serde_json::from_value(document).unwrap()
    }

    #[tokio::test]
    async fn a_correction_takes_the_place_of_what_was_learned() {
        let learned = LearnedLines::new(Arc::new(MemoryStore::new()), "default");
        assert_eq!(learned.learn(&mapping(&[("a", "x"), ("b", "y")])).await.unwrap(), 2);
        assert_eq!(learned.learn(&mapping(&[("c", "x")])).await.unwrap(), 1);
        let mut lines: Vec<_> = learned
            .lines("shop", "crm")
            .await
            .unwrap()
            .into_iter()
            .map(|line| format!("{}={}", line.source_field, line.dest_field))
            .collect();
        lines.sort();
        assert_eq!(lines, ["b=y", "c=x"]);
        assert!(learned.lines("Shop", "ERP").await.unwrap().is_empty());
        assert_eq!(learned.forget("Shop", "CRM").await.unwrap(), 2);
        assert!(learned.lines("Shop", "CRM").await.unwrap().is_empty());
    }
}
