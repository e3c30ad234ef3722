//! A client of the admin side.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::status::{DeadLetters, HealthInputs, MappingStatus, StartSync, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Client, Fetched, Guard, Limits, Method, NetConfig, Retry, Url};
use crate::secret::Secret;
use crate::sync::{Counts, Letter, RunRecord};

/// Asks a running service, by its admin listener. Cheap to clone.
///
/// Errors of the service come back as they were there: the same kind, message and help.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
    base: Url,
    key: Option<Secret>,
}

/// Asks the service that listens on `address` whether it is well: a container's own health check. An address that means
/// every interface is asked on loopback.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if it isn't, or says nothing within two seconds.
pub async fn health(mut address: SocketAddr) -> Result<()> {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let mut admin = Admin::new(&format!("http://{address}"), None)?;
    admin.client = {
        let mut net = admin.client.config().clone();
        net.limits.total = Duration::from_secs(2);
        Client::new(net)?
    };
    admin.ask(Method::GET, &["health"], &[], None::<&()>).await.map(drop)
}

/// What an error is answered with.
#[derive(serde::Deserialize)]
struct Envelope {
    error: String,
    kind: String,
    help: Option<String>,
}

#[derive(serde::Deserialize)]
struct Replayed {
    counts: Counts,
}

#[derive(serde::Deserialize)]
struct Reloaded {
    changed: bool,
}

impl Admin {
    /// A client of the service whose admin listener is at `url`, with its key if it has one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if that is no http(s) address.
    pub fn new(url: &str, key: Option<Secret>) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::InvalidInput, "this is no address of an admin listener")
                .in_operation("service.admin")
                .help("write it as http://127.0.0.1:9464")
        };
        let base = Url::parse(url).map_err(|_| wrong())?;
        // Whoever names the address operates it, so nothing is refused there; and nothing else is asked.
        let host = base.host_str().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
        let net = NetConfig {
            guard: Guard::from_list([host.as_str()])?,
            limits: Limits { redirects: 0, ..Limits::default() },
            retry: Retry::never(),
            ..NetConfig::default()
        };
        Ok(Self { client: Client::new(net)?, base, key })
    }

    /// How the service is: its mapping, schedule, runs, streams, and what health monitoring looks at.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if it doesn't run; [`ErrorKind::Unauthorized`] without its key.
    pub async fn status(&self) -> Result<Status> {
        self.get(&["status"], &[]).await
    }

    /// What health monitoring looks at.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn figures(&self) -> Result<HealthInputs> {
        self.get(&["figures"], &[]).await
    }

    /// Whether it takes work; false also while it can't say so.
    pub async fn is_ready(&self) -> bool {
        self.ask(Method::GET, &["ready"], &[], None::<&()>).await.is_ok()
    }

    /// The latest runs, the newest first.
    ///
    /// # Errors
    /// As [`status`](Self::status); [`ErrorKind::Prerequisite`] if it moves no records.
    pub async fn runs(&self, limit: u64) -> Result<Vec<RunRecord>> {
        self.get(&["runs"], &[("limit", &limit.to_string())]).await
    }

    /// Begins a run, and lets the schedule go on if it was stopped.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while one is under way.
    pub async fn start(&self, how: StartSync) -> Result<()> {
        self.ask(Method::POST, &["sync", "start"], &[], Some(&how)).await.map(drop)
    }

    /// Ends the run that is under way, and lets none begin until [`start`](Self::start).
    ///
    /// # Errors
    /// As [`runs`](Self::runs).
    pub async fn stop(&self) -> Result<()> {
        self.ask(Method::POST, &["sync", "stop"], &[], None::<&()>).await.map(drop)
    }

    /// What the next run would do with the first records of each stream, as it is told: with what they hold.
    ///
    /// # Errors
    /// What stops a run.
    pub async fn dry_run(&self, limit: u64) -> Result<Vec<Value>> {
        self.get(&["sync", "dry-run"], &[("limit", &limit.to_string())]).await
    }

    /// A page of dead letters of a stream, those after the id `after`.
    ///
    /// # Errors
    /// As [`runs`](Self::runs).
    pub async fn dead_letters(&self, stream: &str, after: Option<&str>, limit: u64) -> Result<DeadLetters> {
        let limit = limit.to_string();
        let mut query = vec![("stream", stream), ("limit", limit.as_str())];
        query.extend(after.map(|after| ("after", after)));
        self.get(&["dead-letters"], &query).await
    }

    /// One dead letter with everything that is known, what the record holds too.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn dead_letter(&self, stream: &str, id: &str) -> Result<Letter> {
        self.get(&["dead-letters", stream, id], &[]).await
    }

    /// Tries a dead letter again, through the mapping as it is now.
    ///
    /// # Errors
    /// As [`Sync::replay`](crate::sync::Sync::replay).
    pub async fn replay(&self, stream: &str, id: &str, force: bool) -> Result<Counts> {
        let query: &[(&str, &str)] = if force { &[("force", "true")] } else { &[] };
        let answer =
            self.ask(Method::POST, &["dead-letters", stream, id, "replay"], query, None::<&()>).await?;
        answer.json::<Replayed>().map(|replayed| replayed.counts)
    }

    /// Throws a dead letter away.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn drop_letter(&self, stream: &str, id: &str) -> Result<()> {
        self.ask(Method::DELETE, &["dead-letters", stream, id], &[], None::<&()>).await.map(drop)
    }

    /// Says of a dead letter with an unknown outcome that it was delivered after all.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn delivered(&self, stream: &str, id: &str, dest_id: Option<&str>) -> Result<()> {
        let query: Vec<_> = dest_id.map(|id| ("dest_id", id)).into_iter().collect();
        self.ask(Method::POST, &["dead-letters", stream, id, "delivered"], &query, None::<&()>)
            .await
            .map(drop)
    }

    /// The mapping in use.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn mapping(&self) -> Result<MappingStatus> {
        self.get(&["mapping"], &[]).await
    }

    /// Takes in the mapping as it is now; says whether it is another one.
    ///
    /// # Errors
    /// [`ErrorKind::MappingInvalid`] saying what is wrong with it; then the old one stays.
    pub async fn reload(&self) -> Result<bool> {
        let answer = self.ask(Method::POST, &["mapping", "reload"], &[], None::<&()>).await?;
        answer.json::<Reloaded>().map(|reloaded| reloaded.changed)
    }

    /// Everything that is measured, as Prometheus reads it.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn metrics(&self) -> Result<String> {
        let answer = self.ask(Method::GET, &["metrics"], &[], None::<&()>).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T> {
        self.ask(Method::GET, path, query, None::<&()>).await?.json()
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> Result<Fetched> {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method, url.as_str());
        if let Some(key) = &self.key {
            request = request.secret_header("x-api-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.fetch().await.map_err(|error| match error.kind() {
            ErrorKind::Unreachable => error.help("check that it runs, and that this is its admin listener"),
            _ => error,
        })?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        match answer.json::<Envelope>() {
            Ok(envelope) => {
                let kind = envelope.kind.parse().unwrap_or(ErrorKind::Internal);
                let error = Error::new(kind, envelope.error).in_operation("service.admin");
                Err(match envelope.help {
                    Some(help) => error.help(help),
                    None => error,
                })
            }
            Err(_) => answer.success(),
        }
    }
}
