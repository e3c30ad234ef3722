//! The objects of a deployment, exactly as the engine is asked for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, Mount, MountType,
    MountVolumeOptions, NetworkCreateRequest, NetworkingConfig, PortBinding, RestartPolicy,
    RestartPolicyNameEnum, VolumeCreateRequest,
};
use serde_json::Value;
use uuid::Uuid;

use super::LocalSettings;
use super::routes::DATA_PORT;
use super::secrets::{self, Secrets};
use crate::config::VARIABLES;
use crate::deployer::image::STATE;
use crate::deployer::{Deployment, Image, LABEL_INTEGRATION, container_id, image_name};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// Where a deployment is operated, within its network.
pub(super) const ADMIN_PORT: u16 = 9464;
/// The key that operators send; made here if nobody gives one.
pub(super) const ADMIN_KEY: &str = "VITESSE_ADMIN_KEY";
/// The label with the object that a container was made from; that is how a later deploy knows what differs.
pub(super) const LABEL_OBJECT: &str = "vitesse.object";
/// The label with the image's id, since a name may come to mean another image.
pub(super) const LABEL_IMAGE: &str = "vitesse.image";
/// The label of what is kept without running.
pub(super) const LABEL_PAUSED: &str = "vitesse.paused";
/// The label with the address that was told.
pub(super) const LABEL_URL: &str = "vitesse.service.url";
/// The label of networks that were made for integrations.
pub(super) const LABEL_MANAGED: &str = "vitesse.managed";
/// How long a container may take to end when it is asked to.
pub(super) const GRACE_SECONDS: i32 = 10;
/// A runtime has a few threads; what has hundreds of processes is something else.
const MOST_PROCESSES: i64 = 256;

/// Everything that the engine is asked for.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) network: NetworkCreateRequest,
    /// None where the state is elsewhere.
    pub(super) volume: Option<VolumeCreateRequest>,
    /// The containers by their names; all are alike.
    pub(super) names: Vec<String>,
    pub(super) container: ContainerCreateBody,
    /// What the containers are given as files.
    pub(super) secrets: Secrets,
}

impl Objects {
    /// The objects of a deployment of this image. `environment` is what every deployment gets.
    pub(super) fn of(
        deployment: &Deployment,
        settings: &LocalSettings,
        image: &Image,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let id = deployment.integration_id;
        let own = labelled(id);
        let name = container_id(id);
        let names = (1..=deployment.config.replicas)
            .map(|number| if number == 1 { name.clone() } else { format!("{name}-{number}") })
            .collect();
        let volume = deployment.state_is_a_file().then(|| VolumeCreateRequest {
            name: Some(format!("vitesse-{id}-state")),
            labels: Some(own.clone()),
            ..Default::default()
        });
        let (secrets, plain) = split(deployment, environment)?;
        let mut env: Vec<String> = plain.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut files: BTreeSet<&str> = secrets.keys().map(String::as_str).collect();
        files.insert(ADMIN_KEY);
        env.extend(files.into_iter().map(|name| format!("{name}_FILE={}/{name}", secrets::FOLDER)));
        if secrets.contains_key("VITESSE_STATE") {
            // The image's own would win over the file.
            env.push("VITESSE_STATE=".into());
        }
        env.sort();

        let mut labels: HashMap<String, String> = image.labels().clone().into_iter().collect();
        labels.extend(settings.routes(id));
        labels.insert(LABEL_IMAGE.into(), image.id().to_owned());
        labels.insert(LABEL_URL.into(), settings.service_url(id));
        if deployment.paused {
            labels.insert(LABEL_PAUSED.into(), "true".into());
        }
        let mut container = ContainerCreateBody {
            image: Some(image_name(deployment)),
            env: Some(env),
            stop_timeout: Some(GRACE_SECONDS.into()),
            host_config: Some(host(deployment, settings, volume.as_ref())),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(
                    settings.network.clone(),
                    EndpointSettings::default(),
                )])),
            }),
            labels: Some(labels),
            ..Default::default()
        };
        let object = json(&container)?.to_string();
        container.labels.get_or_insert_default().insert(LABEL_OBJECT.into(), object);
        let network = NetworkCreateRequest {
            name: settings.network.clone(),
            driver: Some("bridge".into()),
            labels: Some(HashMap::from([(LABEL_MANAGED.to_owned(), "true".to_owned())])),
            ..Default::default()
        };
        Ok(Self { network, volume, names, container, secrets })
    }

    /// The container as it is shown and compared: without the label that holds just this.
    pub(super) fn shown(&self) -> Result<Value> {
        let mut container = self.container.clone();
        container.labels.get_or_insert_default().remove(LABEL_OBJECT);
        json(&container)
    }
}

fn host(
    deployment: &Deployment,
    settings: &LocalSettings,
    state: Option<&VolumeCreateRequest>,
) -> HostConfig {
    let config = &deployment.config;
    let memory = i64::from(config.memory_mb) << 20;
    let mut mounts = vec![Mount {
        target: Some(secrets::FOLDER.into()),
        typ: Some(MountType::VOLUME),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
        ..Default::default()
    }];
    mounts.extend(state.map(|volume| Mount {
        target: Some(STATE.into()),
        source: volume.name.clone(),
        typ: Some(MountType::VOLUME),
        ..Default::default()
    }));
    let published = settings.publish.map(|published| {
        let binding = PortBinding {
            host_ip: Some(published.0.ip().to_string()),
            host_port: Some(published.0.port().to_string()),
        };
        HashMap::from([(format!("{DATA_PORT}/tcp"), Some(vec![binding]))])
    });
    HostConfig {
        memory: Some(memory),
        // No swap beside it: what needs more is told so, and not slowed down.
        memory_swap: Some(memory),
        nano_cpus: Some((config.cpu_cores * 1e9).round() as i64),
        pids_limit: Some(MOST_PROCESSES),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            ..Default::default()
        }),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges".into()]),
        network_mode: Some(settings.network.clone()),
        mounts: Some(mounts),
        port_bindings: published,
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".into()),
            config: Some(HashMap::from([
                ("max-size".to_owned(), "10m".to_owned()),
                ("max-file".to_owned(), "3".to_owned()),
            ])),
        }),
        ..Default::default()
    }
}

/// Which variables are handed over as files, and which anybody may see.
fn split(
    deployment: &Deployment,
    environment: &BTreeMap<String, String>,
) -> Result<(Secrets, BTreeMap<String, String>)> {
    let mut secrets = deployment.credentials.clone();
    let mut plain = BTreeMap::new();
    for (name, value) in environment.iter().chain(&deployment.environment) {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Error::new(ErrorKind::InvalidInput, "this can't be the name of a variable")
                .in_operation("deployer.local")
                .with("name", name.escape_debug()));
        }
        let known = VARIABLES.iter().find(|variable| variable.name == name);
        match known.is_some_and(|variable| variable.secret) && !is_plain_state(name, value) {
            true => drop(secrets.insert(name.clone(), Secret::new(value.clone()))),
            false => drop(plain.insert(name.clone(), value.clone())),
        }
    }
    // Where it listens follows from how it is reached, whatever else is said.
    plain.insert("VITESSE_LISTEN".into(), format!("0.0.0.0:{DATA_PORT}"));
    plain.insert("VITESSE_ADMIN_LISTEN".into(), format!("0.0.0.0:{ADMIN_PORT}"));
    Ok((secrets, plain))
}

/// A state's place is a secret only where it holds a password.
fn is_plain_state(name: &str, value: &str) -> bool {
    name == "VITESSE_STATE" && !value.contains('@')
}

pub(super) fn labelled(integration: Uuid) -> HashMap<String, String> {
    HashMap::from([(LABEL_INTEGRATION.to_owned(), integration.to_string())])
}

pub(super) fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "an object of the engine can't be written as JSON").source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployer::binary::tests::elf;
    use crate::deployer::{Binary, ImageParts};
    use crate::mapping::Mapping;
    use serde_json::json;

    fn objects(change: impl FnOnce(&mut Deployment)) -> Objects {
        let id = Uuid::parse_str("ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba").unwrap();
        let mapping = Mapping::parse(br#"{"version": 1, "transformations": []}"#).unwrap();
        let mut deployment = Deployment::new(id, "Shop to CRM", vec![mapping]);
        change(&mut deployment);
        let binary = Binary::parse(elf(62, &[])).unwrap();
        let parts = ImageParts { deployment: &deployment, binary: &binary, version: "0.1.0", roots: None };
        let image = Image::assemble(&parts).unwrap();
        let settings = LocalSettings::read(&deployment.config.extra).unwrap();
        let environment = BTreeMap::from([("VITESSE_LOG".to_owned(), "info".to_owned())]);
        Objects::of(&deployment, &settings, &image, &environment).unwrap()
    }

    #[test]
    fn it_is_held_tight() {
        let mut host = objects(|_| {}).shown().unwrap()["HostConfig"].take();
        host.as_object_mut().unwrap().remove("LogConfig");
        assert_eq!(
            host,
            json!({
                "Memory": 512 << 20, "MemorySwap": 512 << 20, "NanoCpus": 500_000_000, "PidsLimit": 256,
                "RestartPolicy": {"Name": "unless-stopped"}, "ReadonlyRootfs": true, "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"], "NetworkMode": "vitesse-net",
                "Mounts": [
                    {"Target": "/run/secrets", "Type": "volume", "VolumeOptions": {"NoCopy": true}},
                    {"Target": "/state", "Source": "vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba-state", "Type": "volume"},
                ],
            })
        );
        let published =
            objects(|deployment| drop(deployment.config.extra.insert("publish".into(), 8080.into())));
        assert_eq!(
            published.shown().unwrap()["HostConfig"]["PortBindings"],
            json!({"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]})
        );
    }

    #[test]
    fn secrets_are_files_and_nothing_that_is_shown() {
        let made = objects(|deployment| {
            deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("s3cret-value"));
            deployment.environment.insert("VITESSE_STATE".into(), "postgres://u:s3cret-value@db/x".into());
            deployment.environment.insert("BATCH_SIZE".into(), "7".into());
        });
        assert!(made.volume.is_none(), "the state is elsewhere");
        let text = format!("{:?} {}", made, made.shown().unwrap());
        assert!(!text.contains("s3cret-value"));
        let env = made.container.env.unwrap();
        assert_eq!(
            env,
            [
                "BATCH_SIZE=7",
                "VITESSE_ADMIN_KEY_FILE=/run/secrets/VITESSE_ADMIN_KEY",
                "VITESSE_ADMIN_LISTEN=0.0.0.0:9464",
                "VITESSE_LISTEN=0.0.0.0:8080",
                "VITESSE_LOG=info",
                "VITESSE_SOURCE_TOKEN_FILE=/run/secrets/VITESSE_SOURCE_TOKEN",
                "VITESSE_STATE=",
                "VITESSE_STATE_FILE=/run/secrets/VITESSE_STATE",
            ]
        );
        assert_eq!(made.secrets.len(), 2);
    }

    #[test]
    fn the_same_deployment_is_the_same_object_and_its_label_says_what_it_is() {
        let (first, again) = (objects(|_| {}), objects(|_| {}));
        assert_eq!(first.container, again.container);
        let label = &first.container.labels.as_ref().unwrap()[LABEL_OBJECT];
        assert_eq!(serde_json::from_str::<Value>(label).unwrap(), first.shown().unwrap());
        let three = objects(|deployment| deployment.config.replicas = 3);
        assert_eq!(three.names, ["vitesse-ad9cb833", "vitesse-ad9cb833-2", "vitesse-ad9cb833-3"]);
    }
}
