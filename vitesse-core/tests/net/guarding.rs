//! What is refused, on the address connected to and on every redirect.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vitesse_core::ErrorKind;
use vitesse_core::net::{Client, Guard, Limits, NetConfig, Parts, Resolve, Resolving, Retry};

use crate::peer::{Peer, config, ok, redirect};

/// Answers each question for a name with the next of its answers, and the last one from then on.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Script {
    pub(crate) fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let answers =
            answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        self.0.lock().unwrap().insert(name.into(), answers);
        self
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let mut names = self.0.lock().unwrap();
            let answers = names.get_mut(host).ok_or_else(|| io::Error::other("no such name"))?;
            Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
        })
    }
}

pub(crate) fn client_with(config: NetConfig, script: Script) -> Client {
    Client::with_parts(config, Parts { resolver: Arc::new(script), ..Parts::default() }).unwrap()
}

fn only(networks: &[&str]) -> NetConfig {
    NetConfig { guard: Guard::from_list(networks.iter().copied()).unwrap(), ..config() }
}

#[track_caller]
fn refused(error: vitesse_core::Error, address: &str) {
    assert_eq!(error.kind(), ErrorKind::AddressRefused, "{error:?}");
    assert!(!error.is_temporary() && error.help_text().is_some(), "{error:?}");
    assert!(error.to_string().contains(address), "{error}");
}

#[tokio::test]
async fn a_name_that_resolves_inside_is_refused_before_anything_is_sent() {
    let peer = Peer::start(|_| ok("inside")).await;
    let script = Script::default()
        .with("inside.example", &[&["127.0.0.1"]])
        .with("mapped.example", &[&["::ffff:127.0.0.1"]])
        .with("nat64.example", &[&["64:ff9b::7f00:1"]])
        .with("metadata.example", &[&["169.254.169.254"]])
        .with("none.example", &[&[]]);
    let client = client_with(NetConfig::default(), script);
    for (name, address) in [
        ("inside.example", "127.0.0.1"),
        ("mapped.example", "127.0.0.1"),
        ("nat64.example", "64:ff9b"),
        ("metadata.example", "169.254.169.254"),
    ] {
        refused(client.get(peer.named(name, "/")).send().await.unwrap_err(), address);
    }
    refused(client.get(peer.url("/")).send().await.unwrap_err(), "127.0.0.1");
    refused(client.get(peer.named("localhost", "/")).send().await.unwrap_err(), "127.0.0.1");
    let error = client.get("http://none.example/").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_checked_each_time_and_pinned() {
    let good = Peer::start(|_| [ok("good"), vec![crate::peer::Step::Close]].concat()).await;
    // The second server listens on the same port of another address, as a rebinding attack needs it.
    let listener =
        tokio::net::TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), good.address.port())).await.unwrap();
    let script = Script::default().with("rebound.example", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = client_with(only(&["127.0.0.1"]), script);
    let answer = client.get(good.named("rebound.example", "/")).fetch().await.unwrap();
    assert_eq!(answer.body, "good");
    // The connection was closed, so the name is looked up again, and now leads elsewhere.
    let error = client.get(good.named("rebound.example", "/")).fetch().await.unwrap_err();
    refused(error, "127.0.0.2");
    assert_eq!(good.received().len(), 1);
    let knocked = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(knocked.is_err(), "the refused address was connected to");
}

#[tokio::test]
async fn of_several_addresses_only_allowed_ones_are_used() {
    let peer = Peer::start(|_| ok("allowed")).await;
    let script = Script::default().with("mixed.example", &[&["127.0.0.3", "10.0.0.1", "127.0.0.1"]]);
    let client = client_with(only(&["127.0.0.1"]), script);
    assert_eq!(client.get(peer.named("mixed.example", "/")).fetch().await.unwrap().body, "allowed");
}

/// A name server that is never heard of again.
#[derive(Debug)]
struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn looking_up_is_limited_in_time_and_failing_says_what_to_check() {
    let limits = Limits { connect: Duration::from_millis(100), ..Limits::default() };
    let config = NetConfig { limits, retry: Retry::never(), ..config() };
    let parts = Parts { resolver: Arc::new(Silent), ..Parts::default() };
    let error = Client::with_parts(config.clone(), parts)
        .unwrap()
        .get("http://a.example/")
        .fetch()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("looking the host up"), "{error}");
    let error = client_with(config, Script::default()).get("http://a.example/").fetch().await.unwrap_err();
    insta::assert_snapshot!(format!("{error:?}"), @r"
    unreachable (temporary) at net.connect => the host name can't be looked up
        host: a.example
        sent: no
        caused by: no such name
        help: check the spelling of the host, and this machine's name servers
    ");
}

#[tokio::test]
async fn redirects_are_checked_like_first_addresses() {
    let inside = Peer::start_on(Ipv4Addr::new(127, 0, 0, 2), |_| ok("secrets")).await;
    let targets = [
        (inside.url("/"), "127.0.0.2"),
        ("http://169.254.169.254/latest/meta-data/".into(), "169.254.169.254"),
        ("http://0x7f.0.0.2/".into(), "127.0.0.2"),
        ("http://[::ffff:127.0.0.2]/".into(), "127.0.0.2"),
        (inside.named("rebound.example", "/"), "127.0.0.2"),
        ("file:///etc/passwd".into(), "file"),
        ("ftp://files.example/".into(), "ftp"),
        ("http://me:pw@127.0.0.1/".into(), "127.0.0.1"),
    ];
    for (target, address) in targets {
        let to = target.clone();
        let peer = Peer::start(move |_| redirect(302, &to)).await;
        let script = Script::default().with("rebound.example", &[&["127.0.0.2"]]);
        let client = client_with(only(&["127.0.0.1"]), script);
        let error = client.get(peer.url("/start")).send().await.unwrap_err();
        refused(error, address);
        assert_eq!(peer.received().len(), 1, "{target} was tried again");
    }
    assert!(inside.received().is_empty());
}

#[tokio::test]
async fn a_host_can_be_allowed_by_name_or_network() {
    let peer = Peer::start(|_| ok("internal")).await;
    for allow in ["127.0.0.0/8", "127.0.0.1", "crm.internal", "*.internal", "private"] {
        let script = Script::default().with("crm.internal", &[&["127.0.0.1"]]);
        let client = client_with(only(&[allow]), script);
        assert_eq!(
            client.get(peer.named("crm.internal", "/")).fetch().await.unwrap().body,
            "internal",
            "{allow}"
        );
    }
    let script = Script::default().with("crm.internal", &[&["127.0.0.1"]]);
    let client = client_with(only(&["other.internal", "10.0.0.0/8"]), script);
    refused(client.get(peer.named("crm.internal", "/")).fetch().await.unwrap_err(), "crm.internal");
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    // A child gets the variables, since changing this process's would reach the other tests.
    let proxy = Peer::start(|_| ok("proxied")).await;
    let peer = Peer::start(|_| ok("direct")).await;
    if let Ok(url) = std::env::var("NET_TEST_CHILD_URL") {
        assert_eq!(crate::peer::client().get(url).fetch().await.unwrap().body, "direct");
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "guarding::proxies_of_the_environment_are_not_asked"]);
    child.env("NET_TEST_CHILD_URL", peer.url("/"));
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, format!("http://{}", proxy.address));
    }
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(proxy.received().is_empty());
    assert_eq!(peer.received().len(), 1);
}
