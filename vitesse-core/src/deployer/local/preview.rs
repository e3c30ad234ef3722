//! What a deploy would do, told without doing it.

use super::compare::Found;
use super::objects::json;
use super::rollout::with_key;
use super::secrets;
use super::target::{LocalTarget, health};
use crate::deployer::{Deployer as _, Deployment, Intent, Planned, Preview};
use crate::error::Result;

impl LocalTarget {
    /// Each object as it would be, beside what is there.
    pub(super) async fn planned(&self, deployment: &Deployment) -> Result<Preview> {
        let wanted = self.prepare(deployment).await?;
        let id = deployment.integration_id;
        let (engine, objects) = (&wanted.engine, &wanted.objects);
        let there = self.there(&wanted, id).await?;
        let secrets = with_key(&objects.secrets, &there.secrets);

        let has_image = engine.has_image(wanted.image.id()).await?;
        let mut image: serde_json::Value = serde_json::from_slice(wanted.image.config()).unwrap_or_default();
        if let Some(object) = image.as_object_mut() {
            object.insert("id".into(), wanted.image.id().into());
        }
        let mut planned =
            vec![Planned::beside("image", &wanted.image_name, image.clone(), has_image.then_some(&image))];
        let network = json(&objects.network)?;
        let has_network = engine.network(&objects.network.name).await?;
        planned.push(Planned::beside(
            "network",
            &objects.network.name,
            network.clone(),
            has_network.then_some(&network),
        ));
        if let Some(volume) = &objects.volume {
            let name = volume.name.clone().unwrap_or_default();
            let object = json(volume)?;
            let has_volume = engine.volume(&name).await?;
            planned.push(Planned::beside("volume", name, object.clone(), has_volume.then_some(&object)));
        }
        let mut notes = Vec::new();
        for name in secrets.keys().chain(there.secrets.keys().filter(|name| !secrets.contains_key(*name))) {
            let what = match (secrets.get(name), there.secrets.get(name)) {
                (Some(_), None) => "is handed over",
                (Some(new), Some(old)) if !new.is(old.expose()) => "is handed over with another value",
                (None, _) => "is handed over no more",
                _ => continue,
            };
            notes.push(format!("the secret {name} {what}"));
        }
        let secrets_differ = !secrets::same(&secrets, &there.secrets);
        let object = objects.shown()?;
        for name in &objects.names {
            let old = there.containers.iter().find(|found| found.name == *name);
            let mut container =
                Planned::beside("container", name, object.clone(), old.and_then(Found::object).as_ref());
            if let Some(old) = old.filter(|_| container.intent == Intent::Keep) {
                let sick =
                    !deployment.paused && (!old.is_running() || health(engine, &old.id).await?.is_err());
                if sick {
                    notes.push(format!("{name} isn't well"));
                }
                if sick || secrets_differ {
                    container.intent = Intent::Replace;
                }
            }
            planned.push(container);
        }
        let removed = there.containers.iter().filter(|found| !objects.names.contains(&found.name));
        for found in removed.chain(&there.left) {
            let object = found.object().unwrap_or_default();
            planned.push(Planned {
                kind: "container".into(),
                name: found.name.clone(),
                intent: Intent::Remove,
                object,
                differences: Vec::new(),
            });
        }
        if wanted.settings.traefik.enabled && wanted.dashboard.is_none() {
            notes.push(
                "whether Traefik routes to it will not be verified: TRAEFIK_DASHBOARD_URL isn't set".into(),
            );
        }
        let changes = planned.iter().any(|planned| planned.intent != Intent::Keep);
        Ok(Preview { target: self.name().to_owned(), changes, objects: planned, notes })
    }
}
