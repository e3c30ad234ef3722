use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::differ;
use super::wanted::{Project, Wanted};
use crate::deployer::Deployment;
use crate::error::{Error, ErrorKind, Result};
use crate::orchestrator::steps::{MAP_OPTIONS, TEST_OPTIONS};
use crate::orchestrator::streams::of;
use crate::orchestrator::tested::Verdict;
use crate::orchestrator::{MapOptions, StepName, UpdateIntegration, Vitesse};
use crate::store::repository::{Filter, Integration, Paging, Status};

/// What would have to be done to make an integration as a file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProjectPlan {
    /// The integration; none if it is to be made.
    pub integration_id: Option<Uuid>,
    /// What it is called.
    pub name: String,
    /// What differs of its record.
    pub changes: Vec<PlannedChange>,
    /// The steps that would run, in their order, and why.
    pub steps: Vec<PlannedStep>,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedChange {
    /// The key of the file.
    pub what: String,
    /// What it is now.
    pub before: Value,
    /// What it would be.
    pub after: Value,
}

/// A step that would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// The step.
    pub step: StepName,
    /// Why it would run.
    pub because: String,
}

impl ProjectPlan {
    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.steps.is_empty()
    }

    pub(super) fn runs(&self, step: StepName) -> bool {
        self.steps.iter().any(|planned| planned.step == step)
    }

    fn step(&mut self, step: StepName, because: impl Into<String>) {
        self.steps.push(PlannedStep { step, because: because.into() });
    }
}

/// A plan with everything that carrying it out needs.
pub(super) struct Ready {
    pub(super) plan: ProjectPlan,
    pub(super) wanted: Wanted,
    pub(super) update: UpdateIntegration,
}

impl Vitesse {
    /// What [`apply`](Self::apply) would do. Descriptions are read, so that one that changed is seen; nothing is
    /// changed.
    ///
    /// # Errors
    /// If a side of the file can't be read, or several integrations have its name.
    pub async fn plan(&self, project: &Project) -> Result<ProjectPlan> {
        Ok(self.ready(project).await?.plan)
    }

    pub(super) async fn ready(&self, project: &Project) -> Result<Ready> {
        let wanted = Wanted::of(project, self)?;
        let mut plan = ProjectPlan { name: project.file.name.trim().to_owned(), ..ProjectPlan::default() };
        let Some(id) = self.named(&plan.name).await? else {
            for step in StepName::ALL {
                if *step != StepName::Deploy || wanted.deploy.is_some() {
                    plan.step(*step, "it isn't there yet");
                }
            }
            return Ok(Ready { plan, wanted, update: UpdateIntegration::default() });
        };
        plan.integration_id = Some(id);
        let is = self.get(id).await?;
        let (changes, update) = differ::record(self, &is, &wanted)?;
        plan.changes = changes;
        self.plan_steps(&mut plan, &is, &wanted).await?;
        Ok(Ready { plan, wanted, update })
    }

    /// A step runs if what it is made of differs, or if one before it runs.
    async fn plan_steps(&self, plan: &mut ProjectPlan, is: &Integration, wanted: &Wanted) -> Result<()> {
        let changed =
            |keys: &[&str]| plan.changes.iter().find(|c| keys.contains(&&*c.what)).map(|c| c.what.clone());
        let other_api = changed(&["source", "destination"]);
        let other_wish = changed(&["intent", "hints", "constraints", "preferences"]);
        let other_place = changed(&["deploy", "deploy.target"]);
        let ingest = match other_api {
            Some(key) => Some(format!("{key} changes")),
            None if is.source_api_spec.is_none() || is.dest_api_spec.is_none() => {
                Some("the descriptions weren't read yet".to_owned())
            }
            None => self.other_description(is, wanted).await?,
        };
        let kept = |name: &str| is.extra_metadata.get(name);
        let before = kept(MAP_OPTIONS).and_then(|it| serde_json::from_value::<MapOptions>(it.clone()).ok());
        let same_map = before.map(MapOptions::in_streams) == Some(wanted.map.clone().in_streams());
        let map = match (&ingest, other_wish) {
            (Some(_), _) => Some("the descriptions are read anew".to_owned()),
            (None, Some(key)) => Some(format!("{key} changes")),
            (None, None) if is.mapping_logic.is_none() => Some("there is no mapping yet".to_owned()),
            (None, None) if !same_map => Some("streams or overrides change".to_owned()),
            (None, None) => None,
        };
        let streams = of(is)?;
        let verdict = Verdict::of(is)?;
        let test = match (&map, &verdict) {
            (Some(_), _) => Some("the mapping is made anew".to_owned()),
            (None, None) => Some("it isn't tested".to_owned()),
            (None, Some(verdict)) if !verdict.is_about(&streams) => {
                Some("the last test was of another mapping".to_owned())
            }
            (None, Some(verdict)) if !verdict.passed => Some("the last test didn't pass".to_owned()),
            (None, Some(_)) if kept(TEST_OPTIONS) != Some(&json!(wanted.test)) => {
                Some("test changes".to_owned())
            }
            (None, Some(_)) => None,
        };
        let deploy = wanted.deploy.as_ref().and_then(|options| {
            let up = Deployment::new(is.id, "", streams.iter().map(|s| s.mapping().clone()).collect());
            let hash = kept("deployed_hash").and_then(Value::as_str);
            let connections = kept("connections").cloned().unwrap_or_else(|| json!({}));
            let connection = |side: &str| connections.get(side).and_then(Value::as_str).map(str::to_owned);
            match () {
                () if test.is_some() => Some("it is tested anew".to_owned()),
                () if is.container_id.is_none() => Some("it isn't deployed".to_owned()),
                () if hash != Some(&up.mapping_hash()) => Some("another mapping is deployed".to_owned()),
                () if is.status != Status::Active => Some("the last deployment didn't end well".to_owned()),
                () if kept("deployed_environment") != Some(&json!(options.environment)) => {
                    Some("the environment or the schedule changes".to_owned())
                }
                () if options.source_connection.is_some()
                    && options.source_connection != connection("source") =>
                {
                    Some("the source's connection changes".to_owned())
                }
                () if options.dest_connection.is_some()
                    && options.dest_connection != connection("destination") =>
                {
                    Some("the destination's connection changes".to_owned())
                }
                () => other_place.map(|key| format!("{key} changes")),
            }
        });
        let steps = [
            (StepName::Ingest, ingest),
            (StepName::Map, map),
            (StepName::Test, test),
            (StepName::Deploy, deploy),
        ];
        for (step, because) in steps {
            if let Some(because) = because {
                plan.step(step, because);
            }
        }
        Ok(())
    }

    /// Whether a description isn't what was read before.
    async fn other_description(&self, is: &Integration, wanted: &Wanted) -> Result<Option<String>> {
        let sides = [
            (
                "source",
                &wanted.create.source_discovery,
                &wanted.ingest.source_connection,
                &is.source_api_spec,
            ),
            ("destination", &wanted.create.dest_discovery, &wanted.ingest.dest_connection, &is.dest_api_spec),
        ];
        for (side, discovery, connection, before) in sides {
            let now = self.look(side, discovery, connection.as_deref()).await?;
            let hash = before.as_ref().and_then(|spec| spec.get("content_hash")).and_then(Value::as_str);
            if hash != Some(&*now.content_hash) {
                return Ok(Some(format!("the description of the {side} changed")));
            }
        }
        Ok(None)
    }

    /// The integration of exactly that name, if there is one.
    async fn named(&self, name: &str) -> Result<Option<Uuid>> {
        let mut paging = Paging { after: None, limit: 200 };
        let filter = Filter { name: Some(name.to_owned()), ..Filter::default() };
        let mut found = Vec::new();
        loop {
            let page = self.inner.repository.list(&filter, &paging).await?;
            found.extend(page.items.iter().filter(|item| item.value.name == name).map(|item| item.value.id));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            several => Err(Error::new(
                ErrorKind::Conflict,
                format!("{} integrations are called {name:?}", several.len()),
            )
            .in_operation("orchestrator.plan")
            .help("a file names its integration by its name: rename or delete the others")),
        }
    }
}
