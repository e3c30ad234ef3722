//! Figures over all integrations.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Vitesse;
use super::outcome::Overview;
use crate::error::Result;
use crate::store::repository::{Filter, Integration, Paging, Status};

/// How all integrations are, counted when it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// How many there are.
    pub total: usize,
    /// How many are at each status; every status is named.
    pub by_status: BTreeMap<&'static str, usize>,
    /// The same in the builder's words.
    pub by_builder_status: BTreeMap<&'static str, usize>,
    /// How many go to each target, as it was asked for.
    pub by_target: BTreeMap<String, usize>,
    /// How many have something deployed.
    pub deployed: usize,
    /// How many are kept without running.
    pub paused: usize,
    /// How many a step runs for at this moment.
    pub steps_running: usize,
    /// How many had a step that failed last.
    pub last_step_failed: usize,
    /// How many were tested.
    pub tested: usize,
    /// The mean of the scores of those that were tested, from 0 to 100.
    pub average_health: Option<f64>,
    /// The mean part of records that came through in those tests, from 0 to 1.
    pub success_rate: Option<f64>,
}

/// The score of one integration's last test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthFigure {
    /// The integration.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// From 0 to 100.
    pub overall: f64,
}

impl Vitesse {
    /// How all integrations are.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn statistics(&self) -> Result<Statistics> {
        Ok(self.figures().await?.0)
    }

    /// The same with the score of each that was tested: what `/metrics` shows.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn figures(&self) -> Result<(Statistics, Vec<HealthFigure>)> {
        let all = self.every().await?;
        let mut sum = Statistics { total: all.len(), ..Statistics::default() };
        for status in Status::ALL {
            sum.by_status.insert(status.as_str(), 0);
        }
        for word in ["draft", "testing", "active", "inactive"] {
            sum.by_builder_status.insert(word, 0);
        }
        let (mut scores, mut rates) = (Vec::new(), Vec::new());
        for integration in &all {
            let overview = Overview::of(integration);
            *sum.by_status.entry(overview.status.as_str()).or_default() += 1;
            *sum.by_builder_status.entry(overview.builder_status).or_default() += 1;
            *sum.by_target.entry(overview.deployment_target).or_default() += 1;
            sum.deployed += usize::from(integration.container_id.is_some());
            sum.paused += usize::from(overview.paused);
            sum.steps_running += usize::from(overview.step_in_progress.is_some());
            sum.last_step_failed += usize::from(overview.last_error.is_some());
            rates.extend(overview.success_rate);
            let score =
                overview.health_score.and_then(|health| health.get("overall").and_then(Value::as_f64));
            if let Some(overall) = score {
                scores.push(HealthFigure { id: overview.id, name: overview.name, overall });
            }
        }
        sum.tested = scores.len();
        sum.average_health = mean(scores.iter().map(|figure| figure.overall));
        sum.success_rate = mean(rates.into_iter());
        Ok((sum, scores))
    }

    /// Every integration without its large parts, newest first.
    pub(super) async fn every(&self) -> Result<Vec<Integration>> {
        let mut all = Vec::new();
        let mut paging = Paging { after: None, limit: 200 };
        loop {
            let page = self.inner.repository.list(&Filter::default(), &paging).await?;
            all.extend(page.items.into_iter().map(|item| item.value));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => return Ok(all),
            }
        }
    }
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}
