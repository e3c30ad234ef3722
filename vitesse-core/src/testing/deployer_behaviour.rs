use std::sync::Arc;

use uuid::Uuid;

use crate::deployer::{Condition, Deployer, Deployment, Intent, LogQuery, Preview, container_id};
use crate::error::ErrorKind;
use crate::mapping::{FieldPath, Mapping, TransformType, Transformation};
use crate::progress::Progress;

/// What a target is tried with.
#[derive(Debug, Clone)]
pub struct DeployerSamples {
    /// A deployment that becomes healthy. Its integration's id is replaced by one that nobody else has.
    pub healthy: Deployment,
    /// One that never becomes healthy.
    pub broken: Deployment,
}

/// Holds a deployment target to its promises.
///
/// It needs a Tokio runtime with several threads, and works under integrations of its own with random ids, which
/// are destroyed at the end.
///
/// # Panics
/// At the first promise that is broken, saying which.
pub async fn deployer_behaviour(target: Arc<dyn Deployer>, samples: DeployerSamples) {
    what_is_not_there_is_absent(&*target).await;
    it_comes_up_and_goes_without_a_trace(&*target, &samples).await;
    the_same_twice_changes_nothing(&*target, &samples).await;
    one_that_is_not_well_is_refused_and_the_old_one_runs_on(&*target, &samples).await;
    what_it_cannot_do_is_refused_before_anything_is_touched(&*target, &samples).await;
    if target.capabilities().pause {
        paused_it_runs_nothing_and_keeps_its_place(&*target, &samples).await;
    }
    if target.capabilities().logs {
        its_log_is_read_and_followed(&*target, &samples).await;
    }
}

fn fresh(sample: &Deployment) -> Deployment {
    // A name can hold anything; it must break out of nothing.
    let name = "Shop\"; $(touch /tmp/x) `y` \n- {{ z }} \u{1F980}".to_owned();
    Deployment { integration_id: Uuid::new_v4(), name, ..sample.clone() }
}

/// The same with one line more.
fn changed(deployment: &Deployment) -> Deployment {
    let mut changed = deployment.clone();
    let path = |text: &str| text.parse::<FieldPath>().unwrap();
    changed.mappings[0].transformations.push(Transformation {
        source_field: path("added_by_the_suite").into(),
        dest_field: path("added_by_the_suite"),
        transform_type: TransformType::Direct,
        enabled: true,
        ..Transformation::default()
    });
    changed
}

async fn what_is_not_there_is_absent(target: &dyn Deployer) {
    let nobody = Uuid::new_v4();
    assert_eq!(target.status(nobody).await.unwrap().condition, Condition::Absent);
    target.destroy(nobody).await.expect("destroying what isn't there is fine");
    let error = target.logs(nobody, &LogQuery::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let deployment = Deployment::new(nobody, "nobody", vec![Mapping::of([])]);
    let error = target.update(&deployment, &Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "an update needs something to update");
}

async fn it_comes_up_and_goes_without_a_trace(target: &dyn Deployer, samples: &DeployerSamples) {
    let deployment = fresh(&samples.healthy);
    let id = deployment.integration_id;
    let deployed = target.deploy(&deployment, &Progress::none()).await.unwrap();
    assert!(deployed.changed && !deployed.log.is_empty());
    assert_eq!(deployed.container_id, container_id(id));
    let state = target.status(id).await.unwrap();
    assert_eq!(state.condition, Condition::Healthy, "deploy waits until it is healthy: {:?}", state.reason);
    assert_eq!(state.service_url.as_ref(), Some(&deployed.service_url));
    assert_eq!(state.mapping_hash, Some(deployment.mapping_hash()));
    assert_eq!(state.restarts, 0);

    target.destroy(id).await.unwrap();
    assert_eq!(target.status(id).await.unwrap().condition, Condition::Absent);
    target.destroy(id).await.expect("destroying twice is fine");
}

async fn the_same_twice_changes_nothing(target: &dyn Deployer, samples: &DeployerSamples) {
    let deployment = fresh(&samples.healthy);
    let id = deployment.integration_id;
    if let Some(preview) = beforehand(target, &deployment).await {
        assert!(preview.changes && preview.objects.iter().all(|object| object.intent == Intent::Create));
        assert_eq!(target.status(id).await.unwrap().condition, Condition::Absent, "a dry run makes nothing");
    }
    let first = target.deploy(&deployment, &Progress::none()).await.unwrap();
    let before = target.status(id).await.unwrap();
    if let Some(preview) = beforehand(target, &deployment).await {
        assert!(!preview.changes, "a dry run of what runs: {preview:?}");
    }
    let second = target.deploy(&deployment, &Progress::none()).await.unwrap();
    assert!(first.changed && !second.changed, "the same deployment twice");
    assert_eq!(second.service_url, first.service_url);
    assert_eq!(target.status(id).await.unwrap(), before, "nothing was started again");

    let other = changed(&deployment);
    if let Some(preview) = beforehand(target, &other).await {
        let differs = |planned: &crate::deployer::Planned| {
            planned.intent == Intent::Replace && !planned.differences.is_empty()
        };
        assert!(preview.changes && preview.objects.iter().any(differs), "{preview:?}");
        assert_eq!(target.status(id).await.unwrap(), before, "a dry run changes nothing");
    }
    let third = target.update(&other, &Progress::none()).await.unwrap();
    assert!(third.changed);
    let after = target.status(id).await.unwrap();
    assert_eq!(after.mapping_hash, Some(other.mapping_hash()));
    assert_eq!(after.condition, Condition::Healthy);
    target.destroy(id).await.unwrap();
}

/// What the target says it would do, if it can say.
async fn beforehand(target: &dyn Deployer, deployment: &Deployment) -> Option<Preview> {
    match target.preview(deployment).await {
        Ok(preview) => Some(preview),
        Err(error) if error.kind() == ErrorKind::Unsupported => None,
        Err(error) => panic!("a dry run of what can be deployed: {error}"),
    }
}

async fn one_that_is_not_well_is_refused_and_the_old_one_runs_on(
    target: &dyn Deployer,
    samples: &DeployerSamples,
) {
    let broken = fresh(&samples.broken);
    let error = target.deploy(&broken, &Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeployFailed, "{error}");
    let state = target.status(broken.integration_id).await.unwrap();
    assert_eq!(state.condition, Condition::Absent, "nothing of a first deploy that failed is left");

    let good = fresh(&samples.healthy);
    let id = good.integration_id;
    target.deploy(&good, &Progress::none()).await.unwrap();
    let bad = Deployment { integration_id: id, ..broken };
    let error = target.update(&bad, &Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeployFailed, "{error}");
    assert!(error.to_string().contains("rolled back"), "{error}");
    // It may have to be started again first.
    let state = until(target, id, Condition::Healthy).await;
    assert_eq!(state, Some(good.mapping_hash()), "what ran before runs again");
    target.destroy(id).await.unwrap();
}

async fn what_it_cannot_do_is_refused_before_anything_is_touched(
    target: &dyn Deployer,
    samples: &DeployerSamples,
) {
    let can = target.capabilities();
    let mut asked = Vec::new();
    if let Some(more) = can.max_replicas.checked_add(1) {
        let mut deployment = fresh(&samples.healthy);
        deployment.config.replicas = more;
        asked.push(deployment);
    }
    if !can.auto_scale {
        let mut deployment = fresh(&samples.healthy);
        deployment.config.auto_scale = true;
        asked.push(deployment);
    }
    if !can.pause {
        asked.push(Deployment { paused: true, ..fresh(&samples.healthy) });
    }
    for deployment in asked {
        let error = target.deploy(&deployment, &Progress::none()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let error = target.preview(&deployment).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "a dry run refuses what a deploy does: {error}");
        let state = target.status(deployment.integration_id).await.unwrap();
        assert_eq!(state.condition, Condition::Absent);
    }
}

async fn paused_it_runs_nothing_and_keeps_its_place(target: &dyn Deployer, samples: &DeployerSamples) {
    let deployment = fresh(&samples.healthy);
    let id = deployment.integration_id;
    let first = target.deploy(&deployment, &Progress::none()).await.unwrap();
    let paused = Deployment { paused: true, ..deployment.clone() };
    target.update(&paused, &Progress::none()).await.unwrap();
    assert_eq!(target.status(id).await.unwrap().condition, Condition::Paused);
    assert!(!target.update(&paused, &Progress::none()).await.unwrap().changed, "pausing twice");
    let again = target.update(&deployment, &Progress::none()).await.unwrap();
    assert_eq!(again.service_url, first.service_url, "it answers where it did");
    assert_eq!(target.status(id).await.unwrap().condition, Condition::Healthy);
    target.destroy(id).await.unwrap();
}

async fn its_log_is_read_and_followed(target: &dyn Deployer, samples: &DeployerSamples) {
    let deployment = fresh(&samples.healthy);
    let id = deployment.integration_id;
    target.deploy(&deployment, &Progress::none()).await.unwrap();
    let page = target.logs(id, &LogQuery { after: None, limit: 1 }).await.unwrap();
    assert_eq!(page.lines.len(), 1, "a runtime that started has said something");
    let rest = target.logs(id, &LogQuery { after: page.next, limit: 100 }).await.unwrap();
    assert!(!rest.lines.contains(&page.lines[0]), "a line is given once");
    let error = target.logs(id, &LogQuery { after: Some("never given".into()), limit: 1 }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    target.destroy(id).await.unwrap();
}

/// Waits until a deployment is in a condition, and gives the hash of what is deployed then.
async fn until(target: &dyn Deployer, id: Uuid, wanted: Condition) -> Option<String> {
    for _ in 0..200 {
        let state = target.status(id).await.unwrap();
        if state.condition == wanted {
            return state.mapping_hash;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it never became {wanted}: {:?}", target.status(id).await.unwrap());
}
