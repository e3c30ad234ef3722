//! A Docker Engine: the few things that are asked of it, and its errors in our words.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, NetworkCreateRequest, VolumeCreateRequest,
};
use bollard::query_parameters as query;
use bollard::{API_DEFAULT_VERSION, Docker, body_full};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use crate::deployer::{Architecture, Image, LABEL_INTEGRATION};
use crate::error::{Error, ErrorKind, Result};
use crate::net::Bytes;

/// How long the engine may take for one thing; loading an image is the longest.
const PATIENCE_SECONDS: u64 = 120;

/// An engine that answers.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    docker: Docker,
    address: String,
    /// The processor of its machine; `None` if images aren't made for it.
    pub(super) architecture: Option<Architecture>,
    /// Its version, for logs.
    pub(super) version: String,
}

impl Engine {
    /// Connects to an engine and agrees on a version of its API: one of 20.10 speaks 1.41.
    pub(super) async fn connect(address: &str) -> Result<Self> {
        let told = |error| failed("connect to", address, error);
        let docker = match address.split_once("://") {
            Some(("unix", _)) => Docker::connect_with_unix(address, PATIENCE_SECONDS, API_DEFAULT_VERSION),
            Some(("tcp" | "http", _)) => {
                Docker::connect_with_http(address, PATIENCE_SECONDS, API_DEFAULT_VERSION)
            }
            _ => {
                return Err(Error::new(ErrorKind::ConfigInvalid, "an engine can't be reached in this way")
                    .in_operation("deployer.local")
                    .with("DOCKER_HOST", address)
                    .help("name it as unix:///var/run/docker.sock or tcp://host:2375; reach one behind TLS or ssh through a forwarded socket"));
            }
        };
        let docker = docker.map_err(told)?.negotiate_version().await.map_err(told)?;
        let said = docker.version().await.map_err(told)?;
        let architecture = match said.arch.as_deref() {
            Some("amd64") => Some(Architecture::Amd64),
            Some("arm64") => Some(Architecture::Arm64),
            _ => None,
        };
        let version = said.version.unwrap_or_else(|| "of an unknown version".into());
        Ok(Self { docker, address: address.to_owned(), architecture, version })
    }

    /// Whether the engine is on this machine, so that the addresses of its containers can be reached from here.
    pub(super) fn is_here(&self) -> bool {
        cfg!(target_os = "linux") && self.address.starts_with("unix://")
    }

    /// Every container of an integration, whether it runs or not.
    pub(super) async fn containers(&self, integration: Uuid) -> Result<Vec<ContainerInspectResponse>> {
        let options = query::ListContainersOptions {
            all: true,
            filters: Some(of_integration(integration)),
            ..Default::default()
        };
        let listed = self.docker.list_containers(Some(options)).await;
        let listed = listed.map_err(|error| failed("list containers of", &self.address, error))?;
        let mut found = Vec::new();
        for container in listed.into_iter().filter_map(|container| container.id) {
            // One may go between the two questions.
            found.extend(self.inspect(&container).await?);
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// A container, by its name or id.
    pub(super) async fn inspect(&self, container: &str) -> Result<Option<ContainerInspectResponse>> {
        let answer = self.docker.inspect_container(container, None::<query::InspectContainerOptions>).await;
        found(answer).map_err(|error| failed("look at a container of", &self.address, error))
    }

    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String> {
        let options = query::CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
        let made = self.docker.create_container(Some(options), body).await;
        Ok(made
            .map_err(|error| failed("make a container in", &self.address, error).with("container", name))?
            .id)
    }

    pub(super) async fn start(&self, container: &str) -> Result<()> {
        let started = self.docker.start_container(container, None::<query::StartContainerOptions>).await;
        started.map_err(|error| failed("start a container in", &self.address, error))
    }

    /// Asks a container to end, and forces it after the grace.
    pub(super) async fn stop(&self, container: &str, grace_seconds: i32) -> Result<()> {
        let options = query::StopContainerOptions { t: Some(grace_seconds), ..Default::default() };
        let stopped = found(self.docker.stop_container(container, Some(options)).await);
        stopped.map(drop).map_err(|error| failed("stop a container in", &self.address, error))
    }

    /// Sends a signal to what runs in a container.
    pub(super) async fn signal(&self, container: &str, signal: &str) -> Result<()> {
        let options = query::KillContainerOptions { signal: signal.to_owned() };
        let told = self.docker.kill_container(container, Some(options)).await;
        told.map_err(|error| failed("signal a container in", &self.address, error))
    }

    /// Removes a container with what belongs to it alone. One that isn't there is fine.
    pub(super) async fn remove(&self, container: &str) -> Result<()> {
        let options = query::RemoveContainerOptions { v: true, force: true, link: false };
        match self.docker.remove_container(container, Some(options)).await {
            // Somebody else is at it.
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            removed => removed.map_err(|error| failed("remove a container from", &self.address, error)),
        }
    }

    pub(super) async fn rename(&self, container: &str, name: &str) -> Result<()> {
        let options = query::RenameContainerOptions { name: name.to_owned() };
        let renamed = self.docker.rename_container(container, options).await;
        renamed.map_err(|error| failed("rename a container of", &self.address, error))
    }

    /// Writes an archive into a folder of a container, which need not run.
    pub(super) async fn upload(&self, container: &str, folder: &str, archive: Bytes) -> Result<()> {
        let options = query::UploadToContainerOptions { path: folder.to_owned(), ..Default::default() };
        let sent = self.docker.upload_to_container(container, Some(options), body_full(archive)).await;
        sent.map_err(|error| failed("hand secrets to a container of", &self.address, error))
    }

    /// A folder of a container, which need not run, as an archive. Nothing if it isn't there.
    pub(super) async fn download(&self, container: &str, folder: &str) -> Result<Option<Vec<u8>>> {
        let options = query::DownloadFromContainerOptions { path: folder.to_owned() };
        let parts = self.docker.download_from_container(container, Some(options));
        let read = parts.try_fold(Vec::new(), async |mut all, part| {
            all.extend_from_slice(&part);
            Ok(all)
        });
        found(read.await).map_err(|error| failed("look into a container of", &self.address, error))
    }

    /// Runs a program in a container, and gives what it said if it failed.
    pub(super) async fn run(&self, container: &str, program: &[&str]) -> Result<Result<(), String>> {
        use bollard::errors::Error::DockerResponseServerError as Refused;
        let told = |error| failed("run a program in a container of", &self.address, error);
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(program.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>()),
            ..Default::default()
        };
        // A container that doesn't run is no error of ours: it says why. It may end between any two questions.
        let made = match self.docker.create_exec(container, options).await {
            Err(Refused { message, .. }) => return Ok(Err(message)),
            made => made.map_err(told)?,
        };
        let started = match self.docker.start_exec(&made.id, None).await {
            Err(Refused { message, .. }) => return Ok(Err(message)),
            started => started.map_err(told)?,
        };
        let mut said = String::new();
        if let StartExecResults::Attached { mut output, .. } = started {
            while let Some(Ok(part)) = output.next().await {
                said.push_str(&part.to_string());
            }
        }
        let outcome = match self.docker.inspect_exec(&made.id).await {
            Err(Refused { message, .. }) => return Ok(Err(message)),
            outcome => outcome.map_err(told)?,
        };
        match outcome.exit_code {
            Some(0) => Ok(Ok(())),
            _ => Ok(Err(said.trim().to_owned())),
        }
    }

    /// The last lines of a container's log, each with its time; with `since`, all from that second on.
    pub(super) fn logs(
        &self,
        container: &str,
        since: Option<i32>,
        tail: usize,
    ) -> impl Stream<Item = Result<LogOutput>> {
        let options = query::LogsOptions {
            stdout: true,
            stderr: true,
            timestamps: true,
            since: since.unwrap_or(0),
            tail: if since.is_some() { "all".into() } else { tail.to_string() },
            ..Default::default()
        };
        let address = self.address.clone();
        self.docker
            .logs(container, Some(options))
            .map_err(move |error| failed("read a log of", &address, error))
    }

    /// Whether the engine has exactly this image.
    pub(super) async fn has_image(&self, image: &str) -> Result<bool> {
        let answer = found(self.docker.inspect_image(image).await);
        Ok(answer.map_err(|error| failed("look for an image in", &self.address, error))?.is_some())
    }

    pub(super) async fn load(&self, image: &Image, name: &str) -> Result<()> {
        let mut archive = Vec::new();
        image.write_archive(name, &mut archive)?;
        let options = query::ImportImageOptions { quiet: true, ..Default::default() };
        let mut said = std::pin::pin!(self.docker.import_image(options, body_full(archive.into()), None));
        let refuse = |why: String| {
            let error = Error::new(
                ErrorKind::BuildFailed,
                format!("Docker image build failed: the engine didn't take it: {why}"),
            )
            .in_operation("deployer.local")
            .with("image", name)
            .with("engine", &self.address);
            Err(match disk_is_full(&why) {
                true => error.help("its disk is full: `docker system prune` frees space"),
                false => error,
            })
        };
        while let Some(part) = said.next().await {
            match part {
                Ok(part) => {
                    if let Some(error) = part.error_detail {
                        return refuse(error.message.unwrap_or_default());
                    }
                }
                // Refused at once, or while it was read.
                Err(
                    bollard::errors::Error::DockerResponseServerError { message, .. }
                    | bollard::errors::Error::DockerStreamError { error: message },
                ) => return refuse(message),
                Err(error) => return Err(failed("load an image into", &self.address, error)),
            }
        }
        match self.has_image(image.id()).await? {
            true => Ok(()),
            false => refuse("it isn't there although nothing was wrong".into()),
        }
    }

    /// Removes the images of an integration but one. Those that something uses stay.
    pub(super) async fn remove_images(&self, integration: Uuid, but: &[&str]) -> Result<()> {
        let told = |error| failed("remove images from", &self.address, error);
        let options =
            query::ListImagesOptions { filters: Some(of_integration(integration)), ..Default::default() };
        for image in self.docker.list_images(Some(options)).await.map_err(told)? {
            if but.contains(&image.id.as_str()) {
                continue;
            }
            let options = query::RemoveImageOptions { force: true, ..Default::default() };
            match self.docker.remove_image(&image.id, Some(options), None).await {
                Err(error) if matches!(status(&error), Some(404 | 409)) => {}
                removed => drop(removed.map_err(told)?),
            }
        }
        Ok(())
    }

    /// Makes a network unless there is one of its name.
    pub(super) async fn ensure_network(&self, wanted: NetworkCreateRequest) -> Result<bool> {
        let told = |error| failed("make a network in", &self.address, error);
        let there = self.docker.inspect_network(&wanted.name, None::<query::InspectNetworkOptions>).await;
        if found(there).map_err(told)?.is_some() {
            return Ok(false);
        }
        match self.docker.create_network(wanted).await {
            // Another deployment was faster.
            Err(error) if status(&error) == Some(409) => Ok(false),
            made => made.map(|_| true).map_err(told),
        }
    }

    /// Removes a network that was made for integrations, unless a container has it as its own: one that doesn't run at
    /// this moment counts, since it could not be started again.
    pub(super) async fn remove_network(&self, name: &str, label: &str) -> Result<()> {
        let told = |error| failed("remove a network from", &self.address, error);
        let there = self.docker.inspect_network(name, None::<query::InspectNetworkOptions>).await;
        let Some(network) = found(there).map_err(told)? else { return Ok(()) };
        if !network.labels.unwrap_or_default().contains_key(label) {
            return Ok(());
        }
        let options = query::ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("network".to_owned(), vec![name.to_owned()])])),
            ..Default::default()
        };
        if !self.docker.list_containers(Some(options)).await.map_err(told)?.is_empty() {
            return Ok(());
        }
        match self.docker.remove_network(name).await {
            // It is in use after all, or gone.
            Err(error) if matches!(status(&error), Some(403 | 404 | 409)) => Ok(()),
            removed => removed.map_err(told),
        }
    }

    /// Whether there is a network of this name.
    pub(super) async fn network(&self, name: &str) -> Result<bool> {
        let there = self.docker.inspect_network(name, None::<query::InspectNetworkOptions>).await;
        Ok(found(there).map_err(|error| failed("look at a network of", &self.address, error))?.is_some())
    }

    /// Makes a volume unless there is one of its name, and says whether it had to be made.
    pub(super) async fn ensure_volume(&self, wanted: VolumeCreateRequest) -> Result<bool> {
        let told = |error| failed("make a volume in", &self.address, error);
        if self.volume(wanted.name.as_deref().unwrap_or_default()).await? {
            return Ok(false);
        }
        self.docker.create_volume(wanted).await.map(|_| true).map_err(told)
    }

    /// Whether there is a volume of this name.
    pub(super) async fn volume(&self, name: &str) -> Result<bool> {
        let there = found(self.docker.inspect_volume(name).await);
        Ok(there.map_err(|error| failed("look at a volume of", &self.address, error))?.is_some())
    }

    /// Removes the volumes of an integration.
    pub(super) async fn remove_volumes(&self, integration: Uuid) -> Result<()> {
        let told = |error| failed("remove a volume from", &self.address, error);
        let options = query::ListVolumesOptions { filters: Some(of_integration(integration)) };
        let listed = self.docker.list_volumes(Some(options)).await.map_err(told)?;
        for volume in listed.volumes.unwrap_or_default() {
            let options = query::RemoveVolumeOptions { force: true };
            match self.docker.remove_volume(&volume.name, Some(options)).await {
                Err(error) if status(&error) == Some(404) => {}
                removed => removed.map_err(told)?,
            }
        }
        Ok(())
    }
}

fn of_integration(integration: Uuid) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{LABEL_INTEGRATION}={integration}")])])
}

fn status(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Nothing for what isn't there.
fn found<T>(answer: Result<T, bollard::errors::Error>) -> Result<Option<T>, bollard::errors::Error> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(error) if status(&error) == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

fn disk_is_full(message: &str) -> bool {
    message.contains("no space left on device")
}

/// What went wrong, and what to do.
pub(super) fn failed(doing: &str, address: &str, error: bollard::errors::Error) -> Error {
    use bollard::errors::Error as Engine;
    let told =
        |kind, what: String| Error::new(kind, what).in_operation("deployer.local").with("engine", address);
    let cause = io_cause(&error);
    match &error {
        Engine::DockerResponseServerError { status_code, message } => {
            let error =
                told(ErrorKind::DeployFailed, format!("could not {doing} the Docker Engine: {message}"));
            let said = message.to_lowercase();
            if said.contains("port is already allocated") || said.contains("address already in use") {
                return error.help("the port of `publish` is taken: choose another, or stop what holds it");
            }
            if disk_is_full(&said) {
                return error.help("its disk is full: `docker system prune` frees space");
            }
            if said.contains("no such image") {
                return error.help("somebody removed the image meanwhile: deploy again");
            }
            match status_code {
                409 => told(ErrorKind::Conflict, format!("could not {doing} the Docker Engine: {message}")),
                _ => error,
            }
        }
        _ if cause == Some(io::ErrorKind::PermissionDenied) => {
            told(ErrorKind::Unauthorized, "this user may not use the Docker Engine".into())
                .source(error)
                .help("add the user to the group `docker` and log in again, or run it as root")
        }
        Engine::SocketNotFoundError(_) => nobody(told(ErrorKind::Unreachable, NOBODY.into())),
        _ if matches!(cause, Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)) => {
            nobody(told(ErrorKind::Unreachable, NOBODY.into()).source(error))
        }
        Engine::RequestTimeoutError => {
            let what = format!("could not {doing} the Docker Engine within {PATIENCE_SECONDS} s");
            told(ErrorKind::Timeout, what)
        }
        _ => told(ErrorKind::Unreachable, format!("could not {doing} the Docker Engine"))
            .with("cause", &error)
            .source(error),
    }
}

const NOBODY: &str = "no Docker Engine answers";

fn nobody(error: Error) -> Error {
    error.help(
        "install Docker and start it, or name an engine by DOCKER_HOST; the target `process` needs none",
    )
}

fn io_cause(error: &bollard::errors::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::deployer::binary::tests::elf;
    use crate::deployer::{Binary, Deployment, ImageParts};
    use crate::mapping::Mapping;

    #[tokio::test]
    async fn an_engine_that_cannot_be_used_says_why_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let address = format!("unix://{}", socket.display());
        let error = Engine::connect(&address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(
            error.to_string().contains("no Docker Engine answers") && error.to_string().contains(&address),
            "{error}"
        );

        // Somebody's socket that nobody listens on any more.
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let error = Engine::connect(&address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.to_string().contains("no Docker Engine answers"), "{error}");

        let error = Engine::connect("ssh://host").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    }

    /// Answers what an engine of version 20.10 answered whose disk was full.
    fn full() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let head: Vec<String> = reader
                    .by_ref()
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                // Whoever is answered before they have said everything may not hear it.
                let length = head.iter().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.parse::<u64>().unwrap())
                });
                io::copy(&mut reader.take(length.unwrap_or(0)), &mut io::sink()).unwrap();
                let body = match head[0].contains("/version ") {
                    true => r#"{"ApiVersion": "1.41", "Version": "20.10.24", "Arch": "amd64"}"#,
                    false => {
                        r#"{"errorDetail": {"message": "no space left on device"}, "error": "no space left on device"}"#
                    }
                };
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}\r\n", body.len() + 2);
            }
        });
        address
    }

    #[tokio::test]
    async fn an_engine_whose_disk_is_full_says_so() {
        let engine = Engine::connect(&full()).await.unwrap();
        let binary = Binary::parse(elf(62, &[])).unwrap();
        let deployment = Deployment::new(Uuid::nil(), "x", vec![Mapping::of([])]);
        let parts = ImageParts { deployment: &deployment, binary: &binary, version: "0.1.0", roots: None };
        let error = engine.load(&Image::assemble(&parts).unwrap(), "x:1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BuildFailed, "{error}");
        assert!(error.help_text().unwrap().contains("disk is full"), "{error}");
    }

    #[track_caller]
    fn check(status_code: u16, message: &str, kind: ErrorKind, help: &str) {
        let said = bollard::errors::Error::DockerResponseServerError { status_code, message: message.into() };
        let error = failed("start a container in", "unix:///x", said);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.help_text().unwrap_or_default().contains(help), "{error}");
    }

    #[test]
    fn what_the_engine_says_is_passed_on_with_help() {
        check(
            500,
            "Bind for 0.0.0.0:80 failed: port is already allocated",
            ErrorKind::DeployFailed,
            "`publish` is taken",
        );
        check(500, "write /x: no space left on device", ErrorKind::DeployFailed, "disk is full");
        check(404, "No such image: a:1", ErrorKind::DeployFailed, "deploy again");
        check(409, "The container name \"/a\" is already in use", ErrorKind::Conflict, "");
        check(400, "Minimum memory limit allowed is 6MB", ErrorKind::DeployFailed, "");
    }
}
