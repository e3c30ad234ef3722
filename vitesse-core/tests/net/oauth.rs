//! Access tokens that renew themselves, against a token endpoint and an API of our own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vitesse_core::net::{
    Auth, Client, ClientAuthentication, Fetched, Grant, OAuth, OAuthConfig, Scheme, wait_of,
};
use vitesse_core::secret::{CredentialSource, Secret};
use vitesse_core::{Error, ErrorKind, Result};

use crate::peer::{Peer, Received, Step, client, ok, redirect, reply};

/// What happened in what order, on all sides.
type Log = Arc<Mutex<Vec<String>>>;

/// A source that notes what it is told to keep, and can refuse to.
#[derive(Debug, Default)]
struct Notebook {
    kept: Mutex<HashMap<String, String>>,
    broken: Mutex<bool>,
    log: Log,
}

impl CredentialSource for Notebook {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.kept.lock().unwrap().get(name).map(Secret::new))
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        if *self.broken.lock().unwrap() {
            return Err(Error::new(ErrorKind::StoreFailed, "the disk is full"));
        }
        self.log.lock().unwrap().push(format!("kept {}", secret.expose()));
        self.kept.lock().unwrap().insert(name.into(), secret.expose().into());
        Ok(())
    }

    fn describe(&self) -> String {
        "a notebook".into()
    }
}

/// A token endpoint, an API that takes one token at a time, and who talks to them.
struct World {
    endpoint: Peer,
    api: Peer,
    good: Arc<Mutex<String>>,
    source: Arc<Notebook>,
    log: Log,
    client: Client,
}

impl World {
    /// `endpoint` answers token requests; it is given what the API takes, and may change it.
    async fn new(endpoint: impl Fn(&Received, &mut String) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let good = Arc::new(Mutex::new(String::from("access-0")));
        let source = Arc::new(Notebook::default());
        let log = source.log.clone();
        source.kept.lock().unwrap().insert("SHOP_REFRESH_TOKEN".into(), "refresh-0".into());
        let (taken, noted) = (good.clone(), log.clone());
        let endpoint = Peer::start(move |request| {
            noted.lock().unwrap().push("asked".into());
            endpoint(request, &mut taken.lock().unwrap())
        })
        .await;
        let (taken, noted) = (good.clone(), log.clone());
        let api = Peer::start(move |request| {
            let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
            noted.lock().unwrap().push(format!("used {}", token.unwrap_or("nothing")));
            if token == Some(&*taken.lock().unwrap()) { ok("data") } else { reply(401, &[], "") }
        })
        .await;
        Self { endpoint, api, good, source, log, client: client() }
    }

    fn config(&self, grant: Grant) -> OAuthConfig {
        OAuthConfig::new(self.endpoint.url("/token"), grant, "client-1", Some(Secret::new("cl1ent-s3cret")))
    }

    fn auth_by(&self, config: OAuthConfig) -> Auth {
        let oauth = OAuth::new(&self.client, config, self.source.clone()).unwrap();
        Auth::new(&self.api.url("/"), Scheme::OAuth(oauth)).unwrap()
    }

    fn auth(&self, grant: Grant) -> Auth {
        self.auth_by(self.config(grant))
    }

    async fn call(&self, auth: &Auth) -> Result<Fetched> {
        self.client.get(self.api.url("/customers")).auth(auth).fetch().await
    }

    /// A hundred requests at once.
    async fn hundred(&self, auth: &Auth) -> Vec<Result<Fetched>> {
        let calls: Vec<_> = (0..100)
            .map(|n| {
                // Writes too: a request that was refused had no effect.
                let request = if n % 2 == 0 {
                    self.client.get(self.api.url("/"))
                } else {
                    self.client.post(self.api.url("/"))
                };
                tokio::spawn(request.auth(auth).fetch())
            })
            .collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap());
        }
        answers
    }

    fn asked(&self) -> usize {
        self.endpoint.received().len()
    }
}

fn refresh() -> Grant {
    Grant::RefreshToken { name: "SHOP_REFRESH_TOKEN".into() }
}

/// Hands out `access-N` for the Nth request, and makes it the only one that is taken.
fn numbered(extra: &'static str) -> impl Fn(&Received, &mut String) -> Vec<Step> {
    move |request, good| {
        *good = format!("access-{}", request.index + 1);
        ok(format!("{{\"access_token\":\"{good}\",\"token_type\":\"Bearer\"{extra}}}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_without_a_token_ask_for_one() {
    let world = World::new(numbered(",\"expires_in\":3600")).await;
    let auth = world.auth(Grant::ClientCredentials);
    for answer in world.hundred(&auth).await {
        assert_eq!(answer.unwrap().body, "data");
    }
    assert_eq!((world.asked(), world.api.received().len()), (1, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_with_an_expired_token_renew_it_once() {
    let world = World::new(|request, good| {
        *good = format!("access-{}", request.index + 1);
        let lifetime = if request.index == 0 { "\"1\"" } else { "3600" };
        ok(format!("{{\"access_token\":\"{good}\",\"expires_in\":{lifetime}}}"))
    })
    .await;
    let auth = world.auth(refresh());
    world.call(&auth).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1050)).await;
    for answer in world.hundred(&auth).await {
        assert_eq!(answer.unwrap().body, "data");
    }
    assert_eq!(world.asked(), 2);
    assert_eq!(world.api.received().len(), 101, "none was sent with the expired token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_with_a_revoked_token_renew_it_once() {
    let world = World::new(numbered(",\"expires_in\":3600")).await;
    let auth = world.auth(Grant::ClientCredentials);
    world.call(&auth).await.unwrap();
    *world.good.lock().unwrap() = "something else".into();
    for answer in world.hundred(&auth).await {
        assert_eq!(answer.unwrap().body, "data");
    }
    assert_eq!(world.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_share_a_refusal() {
    let refused = |_: &Received, _: &mut String| {
        vec![Step::Pause(Duration::from_secs(1))]
            .into_iter()
            .chain(reply(400, &[], "{\"error\":\"invalid_grant\"}"))
            .collect()
    };
    let world = World::new(refused).await;
    let auth = world.auth(refresh());
    let answers = world.hundred(&auth).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().kind() == ErrorKind::CredentialRefused));
    assert_eq!((world.asked(), world.api.received().len()), (1, 0));
}

#[tokio::test]
async fn a_401_renews_once_and_not_for_ever() {
    let world =
        World::new(|request, _| ok(format!("{{\"access_token\":\"useless-{}\"}}", request.index))).await;
    let auth = world.auth(Grant::ClientCredentials);
    let answer = world.call(&auth).await.unwrap();
    assert_eq!(answer.status.as_u16(), 401);
    assert_eq!(*world.log.lock().unwrap(), ["asked", "used useless-0", "asked", "used useless-1"]);
    let error = answer.success().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_kept_before_the_new_token_is_used() {
    let world = World::new(|request, good| {
        *good = format!("access-{}", request.index + 1);
        let rotated = format!("refresh-{}", request.index + 1);
        ok(format!("{{\"access_token\":\"{good}\",\"refresh_token\":\"{rotated}\",\"expires_in\":3600}}"))
    })
    .await;
    let auth = world.auth(refresh());
    world.call(&auth).await.unwrap();
    *world.good.lock().unwrap() = "revoked".into();
    world.call(&auth).await.unwrap();
    assert_eq!(
        *world.log.lock().unwrap(),
        [
            "asked",
            "kept refresh-1",
            "used access-1",
            "used access-1",
            "asked",
            "kept refresh-2",
            "used access-2"
        ]
    );
    let sent: Vec<_> = world.endpoint.received().iter().map(|request| request.body.clone()).collect();
    assert_eq!(
        sent,
        [
            "grant_type=refresh_token&refresh_token=refresh-0",
            "grant_type=refresh_token&refresh_token=refresh-1"
        ]
    );
}

#[tokio::test]
async fn the_old_refresh_token_stays_where_the_answer_has_none() {
    for extra in
        ["", ",\"refresh_token\":\"\"", ",\"refresh_token\":null", ",\"refresh_token\":\"refresh-0\""]
    {
        let world = World::new(numbered(extra)).await;
        let auth = world.auth(refresh());
        world.call(&auth).await.unwrap();
        *world.good.lock().unwrap() = "revoked".into();
        world.call(&auth).await.unwrap();
        assert!(world.endpoint.received().iter().all(|request| request.body.ends_with("refresh-0")));
        assert_eq!(world.source.kept.lock().unwrap()["SHOP_REFRESH_TOKEN"], "refresh-0");
        assert!(!world.log.lock().unwrap().iter().any(|line| line.starts_with("kept")));
    }
}

#[tokio::test]
async fn a_rotated_token_that_cannot_be_kept_is_not_lost_and_its_sibling_not_used() {
    let world = World::new(numbered(",\"refresh_token\":\"refresh-1\"")).await;
    let auth = world.auth(refresh());
    *world.source.broken.lock().unwrap() = true;
    for _ in 0..2 {
        let error = world.call(&auth).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreFailed, "{error:?}");
        assert!(error.to_string().contains("refresh token"), "{error}");
    }
    *world.source.broken.lock().unwrap() = false;
    world.call(&auth).await.unwrap();
    assert_eq!(*world.log.lock().unwrap(), ["asked", "kept refresh-1", "used access-1"]);
}

#[tokio::test]
async fn a_renewal_is_finished_even_if_nobody_waits_for_it() {
    let world = World::new(|_, good| {
        *good = "access-1".into();
        let mut steps = vec![Step::Pause(Duration::from_millis(100))];
        steps.extend(ok("{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-1\"}"));
        steps
    })
    .await;
    let auth = world.auth(refresh());
    let call = tokio::spawn(world.client.get(world.api.url("/")).auth(&auth).fetch());
    while world.asked() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.call(&auth).await.unwrap();
    assert_eq!(*world.log.lock().unwrap(), ["asked", "kept refresh-1", "used access-1"]);
}

#[tokio::test]
async fn a_refresh_token_that_another_process_replaced_is_read_again() {
    let world = World::new(|request, good| {
        if request.body.ends_with("refresh-0") {
            return reply(400, &[], "{\"error\":\"invalid_grant\"}");
        }
        *good = "access-9".into();
        ok("{\"access_token\":\"access-9\"}")
    })
    .await;
    let auth = world.auth(refresh());
    let error = world.call(&auth).await.unwrap_err();
    insta::assert_snapshot!(
        error.to_string().replace(&world.endpoint.address.to_string(), "peer").replace(&world.api.address.to_string(), "api"),
        @"the refresh token has expired, was revoked, or was used before (token url: http://peer/token, url: http://api/customers); authorise the connection again and keep the new refresh token as SHOP_REFRESH_TOKEN"
    );
    // Replaced after ours was read: the endpoint refuses it, and the source has a new one.
    let source = world.source.clone();
    let racing = Peer::start(move |request| {
        source.kept.lock().unwrap().insert("SHOP_REFRESH_TOKEN".into(), "refresh-5".into());
        match request.body.ends_with("refresh-5") {
            true => ok("{\"access_token\":\"access-0\"}"),
            false => reply(400, &[], "{\"error\":\"invalid_grant\"}"),
        }
    })
    .await;
    let config = OAuthConfig { token_url: racing.url("/token"), ..world.config(refresh()) };
    let auth = world.auth_by(config);
    assert_eq!(world.call(&auth).await.unwrap().body, "data");
    assert_eq!(racing.received().len(), 2);
}

#[tokio::test]
async fn what_the_token_endpoint_says_becomes_a_kind_and_a_remedy() {
    let cases: &[(u16, &str, ErrorKind, bool, &str)] = &[
        (400, "{\"error\":\"invalid_client\"}", ErrorKind::CredentialRefused, false, "client id"),
        (401, "", ErrorKind::CredentialRefused, false, "client id"),
        (400, "{\"error\":\"invalid_scope\"}", ErrorKind::CredentialRefused, false, "read:all"),
        (
            400,
            "{\"error\":\"unauthorized_client\"}",
            ErrorKind::CredentialRefused,
            false,
            "client_credentials",
        ),
        (
            400,
            "{\"error\":\"weird\",\"error_description\":\"try later\"}",
            ErrorKind::CredentialRefused,
            false,
            "try later",
        ),
        (200, "{\"error\":\"invalid_client\"}", ErrorKind::CredentialRefused, false, "client id"),
        (503, "{\"error\":\"temporarily_unavailable\"}", ErrorKind::Unreachable, true, "can't answer now"),
        (502, "<html>", ErrorKind::Unreachable, true, "502"),
        (429, "", ErrorKind::RateLimited, true, "slow down"),
        (404, "<html>", ErrorKind::NotFound, false, "404"),
        (200, "<html>", ErrorKind::Unreachable, false, "not the JSON"),
        (200, "{}", ErrorKind::Unreachable, false, "no access token"),
        (
            200,
            "{\"access_token\":\"leaky-t0ken\",\"token_type\":\"mac\"}",
            ErrorKind::Unsupported,
            false,
            "mac",
        ),
        (
            400,
            "{\"error\":\"invalid_client\",\"error_description\":\"cl1ent-s3cret is wrong\"}",
            ErrorKind::CredentialRefused,
            false,
            "client id",
        ),
    ];
    for (status, body, kind, temporary, says) in cases {
        let world = World::new(move |_, _| match status {
            429 => reply(429, &[("retry-after", "900")], body),
            _ => reply(*status, &[], body),
        })
        .await;
        let config =
            OAuthConfig { scopes: vec!["read:all".into()], ..world.config(Grant::ClientCredentials) };
        let auth = world.auth_by(config);
        let error = world.call(&auth).await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (*kind, *temporary), "{status} {body}: {error:?}");
        assert!(error.to_string().contains(says), "{status} {body}: {error}");
        assert!(!format!("{error:?}{auth:?}").contains("s3cret"), "{error:?}");
        assert!(!format!("{error:?}").contains("leaky-t0ken"), "{error:?}");
        assert!(world.api.received().is_empty());
        if *status == 429 {
            assert!(wait_of(&error).is_some(), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_client_is_named_where_the_api_wants_it() {
    let world = World::new(numbered("")).await;
    let config = OAuthConfig {
        client_id: "client:1".into(),
        scopes: vec!["a".into(), "b".into()],
        extra: vec![("audience".into(), "https://api/".into())],
        ..world.config(Grant::ClientCredentials)
    };
    world.call(&world.auth_by(config.clone())).await.unwrap();
    let body = OAuthConfig { authentication: ClientAuthentication::Body, ..config.clone() };
    world.call(&world.auth_by(body)).await.unwrap();
    let public = OAuthConfig { client_secret: None, ..config };
    world.call(&world.auth_by(public)).await.unwrap();
    let received = world.endpoint.received();
    let common = "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi%2F";
    assert_eq!(received[0].header("authorization"), Some("Basic Y2xpZW50JTNBMTpjbDFlbnQtczNjcmV0"));
    assert_eq!(received[0].body, common);
    assert_eq!(received[1].header("authorization"), None);
    assert_eq!(received[1].body, format!("{common}&client_id=client%3A1&client_secret=cl1ent-s3cret"));
    assert_eq!(received[2].body, format!("{common}&client_id=client%3A1"));
}

#[tokio::test]
async fn a_token_request_is_never_redirected_or_sent_inside() {
    let elsewhere = Peer::start(|_| ok("{\"access_token\":\"x\"}")).await;
    for status in [302, 307] {
        let to = elsewhere.url("/");
        let world = World::new(move |_, _| redirect(status, &to)).await;
        assert!(world.call(&world.auth(Grant::ClientCredentials)).await.is_err());
        assert!(elsewhere.received().is_empty() && world.api.received().is_empty());
    }
    let config = OAuthConfig::new("http://169.254.169.254/token", Grant::ClientCredentials, "c", None);
    let error = OAuth::new(&client(), config, Arc::new(Notebook::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressRefused);
}

#[tokio::test]
async fn a_missing_refresh_token_says_where_it_was_looked_for() {
    let world = World::new(numbered("")).await;
    let auth = world.auth(Grant::RefreshToken { name: "OTHER".into() });
    let error = world.call(&auth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(error.to_string().contains("OTHER") && error.to_string().contains("a notebook"), "{error}");
    assert_eq!(world.asked(), 0);
}
