use uuid::Uuid;

use crate::error::{Error, Result};
use crate::orchestrator::Vitesse;
use crate::orchestrator::lease::Job;
use crate::store::repository::Action;

const JOB: Job = Job { name: "delete", agent: "deployer", action: Action::Updated };

impl Vitesse {
    /// Destroys what is deployed of an integration, then removes it with every record of it.
    ///
    /// With `force` the record is removed even if the target can't be reached; what runs there is then nobody's.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) while a step runs. If the target fails, the record stays,
    /// with the reason.
    pub async fn delete(&self, id: Uuid, force: bool) -> Result<()> {
        let run = self.begin(id, JOB, |_| Ok(())).await?;
        if run.integration.container_id.is_some() {
            let destroyed = self.destroy_at(&run.integration.deployment_config, id).await;
            if let Err(error) = destroyed.map_err(|error| explained(error, force))
                && !force
            {
                return run.finish::<()>(Err(error.into())).await;
            }
        }
        // The lease goes with the record; if that fails, it is given back.
        self.inner.repository.delete(id).await
    }
}

fn explained(error: Error, force: bool) -> Error {
    match force {
        true => error,
        false => {
            error.help("the integration is kept: try again, or delete it with force and clean up by hand")
        }
    }
}
