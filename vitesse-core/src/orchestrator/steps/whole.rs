use crate::error::{Error, Result};
use crate::orchestrator::{
    CreateIntegration, IngestOptions, MapOptions, StepName, TestStepOptions, Vitesse, Whole, WholeOptions,
};

impl Vitesse {
    /// Runs the steps from `create` to `test` in their order, and stops at the first that fails or abstains: the
    /// integration is then there, with the reason, ready to go on from that step.
    ///
    /// # Errors
    /// Only what `create` refuses: then there is no integration. Whatever stops a later step is in
    /// [`Whole::stopped`].
    pub async fn create_integration(
        &self,
        wanted: CreateIntegration,
        options: WholeOptions,
    ) -> Result<Whole> {
        let made = self.create(wanted).await?;
        let mut whole =
            Whole { integration_id: made.id, ingested: None, mapped: None, tested: None, stopped: None };
        if let Err((step, error)) = self.on(&mut whole, options).await {
            whole.stopped = Some((step, error));
        }
        Ok(whole)
    }

    async fn on(&self, whole: &mut Whole, options: WholeOptions) -> Result<(), (StepName, Error)> {
        let WholeOptions { ingest, map, test } = options;
        let at = |step: StepName| move |error: Error| (step, error);
        let id = whole.integration_id;
        whole.ingested = Some(self.ingest(id, ingest).await.map_err(at(StepName::Ingest))?);
        let mapped = self.map(id, map).await.map_err(at(StepName::Map))?;
        let refusal = mapped.refusal();
        whole.mapped = Some(mapped);
        if let Some(error) = refusal {
            return Err((StepName::Map, error));
        }
        let tested = self.test(id, test).await.map_err(at(StepName::Test))?;
        let passed = tested.require_pass();
        whole.tested = Some(tested);
        passed.map_err(at(StepName::Test))
    }
}

impl WholeOptions {
    /// Descriptions at these places, and nothing special.
    pub fn at(source_spec_url: impl Into<String>, dest_spec_url: impl Into<String>) -> Self {
        Self {
            ingest: IngestOptions {
                source_spec_url: Some(source_spec_url.into()),
                dest_spec_url: Some(dest_spec_url.into()),
                ..IngestOptions::default()
            },
            map: MapOptions::default(),
            test: TestStepOptions::default(),
        }
    }
}
