//! Lines that people confirmed, kept for later integrations between the same two APIs.

use std::sync::Arc;

use super::Vitesse;
use crate::error::Result;
use crate::mapper::{LearnedLine, LearnedLines};

impl Vitesse {
    /// What people confirmed between two APIs, by their names.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn learned(&self, source_api: &str, dest_api: &str) -> Result<Vec<LearnedLine>> {
        self.learned_lines().lines(source_api, dest_api).await
    }

    /// Where they are kept.
    pub(super) fn learned_lines(&self) -> LearnedLines {
        let repository = &self.inner.repository;
        LearnedLines::new(Arc::clone(repository.store()), repository.namespace())
    }
}
