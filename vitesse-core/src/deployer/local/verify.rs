//! Traefik is asked whether it routes, by its API.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::routes::router;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Client, Guard, Limits, NetConfig, Retry, StatusCode, Url};
use crate::progress::Cancel;

const PAUSE: Duration = Duration::from_millis(250);

/// Traefik's API, at the address of its dashboard.
#[derive(Clone, Debug)]
pub(super) struct Dashboard {
    base: String,
    client: Client,
    within: Duration,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Said {
    status: String,
    server_status: BTreeMap<String, String>,
    error: Vec<String>,
}

impl Said {
    fn up(&self) -> usize {
        self.server_status.values().filter(|status| *status == "UP").count()
    }
}

impl Dashboard {
    /// The operator names it, so that it may be on this machine.
    pub(super) fn new(url: &str, within: Duration) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::ConfigInvalid, "TRAEFIK_DASHBOARD_URL is no http or https address")
                .in_operation("deployer.local")
        };
        let parsed = Url::parse(url).map_err(|_| wrong())?;
        let host = parsed.host_str().ok_or_else(wrong)?;
        let net = NetConfig {
            guard: Guard::from_list([host.trim_matches(['[', ']'])])?,
            limits: Limits { body: 1 << 20, total: Duration::from_secs(3), ..Limits::default() },
            retry: Retry { tries: 1, ..Retry::default() },
            ..NetConfig::default()
        };
        // People name the page that they look at; the API is beside it.
        let base = url.trim_end_matches('/').trim_end_matches("/dashboard").trim_end_matches('/').to_owned();
        Ok(Self { base, client: Client::new(net)?, within })
    }

    /// Waits until router and service of an integration are up, at as many containers as there should be.
    pub(super) async fn wait(&self, integration: Uuid, replicas: usize, cancel: &Cancel) -> Result<()> {
        let until = Instant::now() + self.within;
        loop {
            let why = match self.look(integration, replicas).await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => why,
                Err(error) => error.to_string(),
            };
            if Instant::now() > until {
                return Err(Error::new(ErrorKind::DeployFailed, format!("Traefik doesn't route to it: {why}"))
                    .in_operation("deployer.local")
                    .with("asked", &self.base)
                    .help("check that Traefik uses the Docker provider, is in the same network and has the entry point; without TRAEFIK_DASHBOARD_URL nobody asks"));
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = cancel.cancelled() => cancel.check()?,
            }
        }
    }

    /// Waits until Traefik knows no more than so many servers of an integration, and sends to no more than so many of
    /// them. It is patient for a while only: what waits for it happens all the same.
    pub(super) async fn settled(&self, integration: Uuid, known: usize, up: usize) {
        let until = Instant::now() + self.within;
        while Instant::now() < until {
            if let Ok(Some(service)) = self.service(integration).await
                && service.server_status.len() <= known
                && service.up() <= up
            {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// What is missing.
    async fn look(&self, integration: Uuid, replicas: usize) -> Result<Option<String>> {
        let name = router(integration);
        let Some(route) = self.ask(&format!("routers/{name}@docker")).await? else {
            return Ok(Some("it has no such router".into()));
        };
        if route.status != "enabled" {
            return Ok(Some(format!("its router is {}: {}", route.status, route.error.join("; "))));
        }
        let Some(service) = self.service(integration).await? else {
            return Ok(Some("it has no such service".into()));
        };
        let up = service.up();
        Ok((service.status != "enabled" || up < replicas).then(|| {
            format!(
                "its service is {} with {up} of {replicas} servers up: {}",
                service.status,
                service.error.join("; ")
            )
        }))
    }

    async fn service(&self, integration: Uuid) -> Result<Option<Said>> {
        self.ask(&format!("services/{}@docker", router(integration))).await
    }

    async fn ask(&self, what: &str) -> Result<Option<Said>> {
        let answer = self.client.get(format!("{}/api/http/{what}", self.base)).fetch().await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => answer.success()?.json().map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    const ID: Uuid = Uuid::nil();

    /// Answers as Traefik's API does, each request with the next of these bodies; the last for ever.
    fn traefik(answers: &'static [(&'static str, &'static str)]) -> Dashboard {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for (asked, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let head: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let (path, body) = answers[asked.min(answers.len() - 1)];
                let status = if head[0].contains(path) { "200 OK" } else { "404 Not Found" };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
            }
        });
        Dashboard::new(&format!("http://{address}/dashboard/"), Duration::from_millis(400)).unwrap()
    }

    #[tokio::test]
    async fn it_waits_until_router_and_service_are_up() {
        let dashboard = traefik(&[
            ("/nothing-yet", ""),
            (
                "/api/http/routers/vitesse-00000000-0000-0000-0000-000000000000@docker ",
                r#"{"status": "enabled"}"#,
            ),
            (
                "/api/http/services/vitesse-00000000-0000-0000-0000-000000000000@docker ",
                r#"{"status": "enabled", "serverStatus": {"http://172.18.0.2:8080": "UP"}}"#,
            ),
        ]);
        dashboard.wait(ID, 1, &Cancel::new()).await.unwrap();
    }

    #[tokio::test]
    async fn the_old_ones_are_spared_once_it_knows_and_uses_no_more_than_the_new_ones() {
        let counted = |answers| async move {
            let dashboard = traefik(answers);
            let before = Instant::now();
            dashboard.settled(ID, 2, 1).await;
            before.elapsed()
        };
        const UP: &str = r#"{"serverStatus": {"a": "UP", "b": "UP"}}"#;
        const MORE: &str = r#"{"serverStatus": {"a": "UP", "b": "DOWN", "c": "DOWN"}}"#;
        const SPARED: &str = r#"{"serverStatus": {"a": "UP", "b": "DOWN"}}"#;
        const SERVICES: &str = "/api/http/services/";
        assert!(counted(&[(SERVICES, SPARED)]).await < PAUSE, "nothing to wait for");
        assert!(counted(&[(SERVICES, UP), (SERVICES, SPARED)]).await >= PAUSE);
        assert!(counted(&[(SERVICES, MORE), (SERVICES, SPARED)]).await >= PAUSE);
        // It never hears: patience ends.
        assert!(counted(&[("/no", "")]).await >= Duration::from_millis(400));
    }

    #[tokio::test]
    async fn what_is_missing_is_said() {
        let check = async |answers, expect: &str| {
            let error = traefik(answers).wait(ID, 2, &Cancel::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeployFailed);
            assert!(error.to_string().contains(expect), "{error}");
        };
        check(&[("/no", "")], "no such router").await;
        check(
            &[(
                "/api/http/routers",
                r#"{"status": "disabled", "error": ["entryPoint \"web\" doesn't exist"]}"#,
            )],
            "disabled: entryPoint",
        )
        .await;
        check(
            &[("/api/http/", r#"{"status": "enabled", "serverStatus": {"a": "UP", "b": "DOWN"}}"#)],
            "1 of 2 servers up",
        )
        .await;
        let cancel = Cancel::new();
        cancel.cancel();
        let error = traefik(&[("/no", "")]).wait(ID, 1, &cancel).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}
