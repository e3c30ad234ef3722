//! Lines that people confirmed, kept for later integrations between the same two APIs.

use sha2::{Digest, Sha256};

use super::Vitesse;
use crate::error::{Error, ErrorKind, Result};
use crate::mapper::{LearnedLine, learned_lines};
use crate::mapping::Mapping;
use crate::store::{Batch, Expect, Key, Scan};

const LEARNED: &str = "learned_lines";
/// How many of a pair of APIs are given to the mapper.
const MOST: usize = 1000;

impl Vitesse {
    /// What people confirmed between two APIs, by their names.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn learned(&self, source_api: &str, dest_api: &str) -> Result<Vec<LearnedLine>> {
        let repository = &self.inner.repository;
        let mut scan =
            Scan::new(repository.namespace(), LEARNED).prefix(prefix(source_api, dest_api)).limit(500);
        let mut lines = Vec::new();
        loop {
            let page = repository.store().scan(&scan).await?;
            // A line that an older version wrote is no evidence, and no reason to fail.
            let read =
                page.documents.iter().filter_map(|document| serde_json::from_slice(&document.value).ok());
            lines.extend(read);
            match page.next {
                Some(next) if lines.len() < MOST => scan = scan.after(next),
                _ => return Ok(lines),
            }
        }
    }

    /// Adds what a mapping's reviewed lines teach to a batch. The same line learned twice is one.
    pub(super) fn learn(&self, mut batch: Batch, mappings: &[&Mapping]) -> Result<(Batch, Vec<LearnedLine>)> {
        let mut seen = Vec::new();
        let mut all = Vec::new();
        for line in mappings.iter().flat_map(|mapping| learned_lines(mapping)) {
            let value = serde_json::to_vec(&line).map_err(|error| {
                Error::new(ErrorKind::Internal, "a learned line can't be written as JSON").source(error)
            })?;
            let from = [line.source_field.as_str(), "\n", line.dest_field.as_str()].concat();
            let id = format!("{}{}", prefix(&line.source_api, &line.dest_api), hash(&from));
            if !seen.contains(&id) {
                let key = Key::new(self.inner.repository.namespace(), LEARNED, &id);
                batch = batch.put(key, Expect::Any, value);
                seen.push(id);
                all.push(line);
            }
        }
        Ok((batch, all))
    }
}

/// Names may hold anything and be long; their hash is neither.
fn prefix(source_api: &str, dest_api: &str) -> String {
    format!("{}/{}/", hash(&source_api.to_lowercase()), hash(&dest_api.to_lowercase()))
}

fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text)).chars().take(32).collect()
}
