//! When a request is sent again, and when not.

use std::time::Duration;

use vitesse_core::ErrorKind;
use vitesse_core::net::{Client, Method, NetConfig, Rate, Retry, wait_of};

use crate::peer::{Peer, Received, Step, client, config, ok, reply};

fn failing(times: usize, failure: Vec<Step>) -> impl Fn(&Received) -> Vec<Step> {
    move |request| if request.index < times { failure.clone() } else { ok("at last") }
}

#[tokio::test]
async fn what_can_pass_is_tried_again_for_requests_that_can_be_repeated() {
    for failure in [
        reply(503, &[], ""),
        reply(500, &[], ""),
        reply(408, &[], ""),
        reply(429, &[], ""),
        reply(429, &[("retry-after", "0")], ""),
        vec![Step::Close],
        vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf".to_vec()), Step::Close],
    ] {
        let peer = Peer::start(failing(2, failure.clone())).await;
        let answer = client().get(peer.url("/")).fetch().await.unwrap();
        assert_eq!((answer.body.as_ref(), peer.received().len()), (&b"at last"[..], 3), "{failure:?}");
    }
}

#[tokio::test]
async fn a_request_that_may_have_had_an_effect_is_not_repeated() {
    for failure in [reply(503, &[], ""), reply(429, &[("retry-after", "0")], ""), vec![Step::Close]] {
        let peer = Peer::start(failing(1, failure.clone())).await;
        let outcome = client().post(peer.url("/")).body("text/plain", "pay").fetch().await;
        assert_eq!(peer.received().len(), 1, "{failure:?}");
        assert!(outcome.map_or(true, |answer| !answer.status.is_success()));

        let peer = Peer::start(failing(1, failure.clone())).await;
        let keyed =
            client().post(peer.url("/")).idempotency_key("Idempotency-Key", "k1").body("text/plain", "pay");
        assert_eq!(keyed.fetch().await.unwrap().body, "at last");
        let received = peer.received();
        assert_eq!(received.len(), 2, "{failure:?}");
        assert!(
            received
                .iter()
                .all(|request| request.header("idempotency-key") == Some("k1") && request.body == "pay")
        );

        let peer = Peer::start(failing(1, failure)).await;
        let _ = client().request(Method::PUT, peer.url("/")).repeatable(false).fetch().await;
        assert_eq!(peer.received().len(), 1);
    }
}

#[tokio::test]
async fn permanent_failures_are_not_repeated() {
    for status in [400, 401, 404, 409, 422, 501] {
        let peer = Peer::start(move |_| reply(status, &[], "")).await;
        assert_eq!(client().get(peer.url("/")).fetch().await.unwrap().status.as_u16(), status);
        assert_eq!(peer.received().len(), 1);
    }
}

#[tokio::test]
async fn tries_end_and_the_last_answer_is_given() {
    for (status, headers) in [(503, &[][..]), (429, &[("retry-after", "0")][..])] {
        let peer = Peer::start(move |_| reply(status, headers, "still down")).await;
        let answer = client().get(peer.url("/")).fetch().await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (status, &b"still down"[..]));
        assert_eq!(peer.received().len(), 4, "{status}");
    }
    let closing = Peer::start(|_| vec![Step::Close]).await;
    let error = client().get(closing.url("/")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.is_temporary() && error.to_string().contains("tries: 4"), "{error}");
}

#[tokio::test]
async fn retries_have_a_budget_per_origin() {
    let peer = Peer::start(|_| reply(503, &[], "")).await;
    let client = Client::new(NetConfig {
        retry: Retry { budget: 5, budget_per_request: 0.0, ..config().retry },
        ..config()
    })
    .unwrap();
    for _ in 0..10 {
        assert_eq!(client.get(peer.url("/")).fetch().await.unwrap().status.as_u16(), 503);
    }
    assert_eq!(peer.received().len(), 15, "ten requests and five retries");
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_even_for_a_post() {
    let peer = Peer::start(|_| ok("")).await;
    let url = peer.url("/");
    drop(peer);
    tokio::task::yield_now().await;
    let error = client().post(url).body("text/plain", "x").fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("tries: 4"), "{error}");
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_instead() {
    let peer = Peer::start(|_| reply(429, &[("retry-after", "3600")], "slow down")).await;
    let client = client();
    let answer = client.get(peer.url("/")).fetch().await.unwrap();
    assert_eq!(answer.status.as_u16(), 429);
    let error = answer.success().unwrap_err();
    assert_eq!((error.kind(), wait_of(&error)), (ErrorKind::RateLimited, Some(Duration::from_secs(3600))));
    // The origin is left alone from then on, whoever asks.
    let error = client.get(peer.url("/other")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error:?}");
    assert!(wait_of(&error).unwrap() > Duration::from_secs(3500));
    assert_eq!(peer.received().len(), 1);
    // Another origin isn't concerned.
    let other = Peer::start(|_| ok("fine")).await;
    assert_eq!(client.get(other.url("/")).fetch().await.unwrap().body, "fine");
}

#[tokio::test]
async fn a_spent_quota_is_obeyed_before_the_429_comes() {
    let peer = Peer::start(|_| reply(200, &[("ratelimit", "\"default\";r=0;t=600")], "last one")).await;
    let client = client();
    assert_eq!(client.get(peer.url("/")).fetch().await.unwrap().body, "last one");
    let error = client.get(peer.url("/")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(wait_of(&error).unwrap() > Duration::from_secs(590));
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn a_rate_is_kept_per_origin() {
    let peer = Peer::start(|_| ok("")).await;
    let client = client();
    client
        .limit_rate(&peer.url("/"), Some(Rate { requests: 3, per: Duration::from_secs(600), burst: 3 }))
        .unwrap();
    for _ in 0..3 {
        client.get(peer.url("/")).fetch().await.unwrap();
    }
    let error = client.get(peer.url("/")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    client.limit_rate(&peer.url("/"), None).unwrap();
    client.get(peer.url("/")).fetch().await.unwrap();
    assert_eq!(peer.received().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_callers_get_through_a_strict_limit_without_losing_one() {
    // Five requests per 100 ms by the peer's own clock; everything above gets a 429.
    let start = std::time::Instant::now();
    let windows = std::sync::Mutex::new(std::collections::HashMap::<u128, u32>::new());
    let peer = Peer::start(move |_| {
        let mut windows = windows.lock().unwrap();
        let used = windows.entry(start.elapsed().as_millis() / 100).or_default();
        *used += 1;
        if *used > 5 { reply(429, &[("retry-after", "0.1")], "") } else { ok("through") }
    })
    .await;
    let client = client();
    let callers: Vec<_> =
        (0..32).map(|caller| tokio::spawn(client.get(peer.url(&format!("/{caller}"))).fetch())).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().body, "through");
    }
}
