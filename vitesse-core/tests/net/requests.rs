//! Ordinary requests: methods, bodies, headers, conditions, many at once.

use vitesse_core::ErrorKind;
use vitesse_core::net::{Method, Validators};

use crate::peer::{Peer, client, ok, redirect, reply};

#[tokio::test]
async fn an_answer_has_its_status_headers_place_and_body() {
    let peer = Peer::start(|request| match request.target.as_str() {
        "/old" => redirect(301, "new?page=2"),
        _ => reply(200, &[("x-kind", "test"), ("content-type", "application/json")], "{\"a\":[1]}"),
    })
    .await;
    let answer =
        client().get(peer.url("/old#part")).header("Accept", "application/json").fetch().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-kind"], "test");
    assert_eq!(answer.url.as_str(), peer.url("/new?page=2"));
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["a"][0], 1);
    let first = &peer.received()[0];
    assert_eq!((first.method.as_str(), first.target.as_str()), ("GET", "/old"));
    assert_eq!(first.header("accept"), Some("application/json"));
    assert_eq!(first.header("user-agent"), Some(concat!("vitesse/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(first.header("host"), Some(peer.address.to_string().as_str()));
}

#[tokio::test]
async fn bodies_and_methods_arrive_and_survive_redirects_as_they_should() {
    let peer = Peer::start(|request| match request.target.as_str() {
        "/301" => redirect(301, "/end"),
        "/303" => redirect(303, "/end"),
        "/307" => redirect(307, "/end"),
        "/308" => redirect(308, "/end"),
        _ => ok(""),
    })
    .await;
    let client = client();
    for (path, method, arrives, body) in [
        ("/end", Method::POST, "POST", "{\"n\":1}"),
        ("/end", Method::PATCH, "PATCH", "{\"n\":1}"),
        ("/301", Method::POST, "GET", ""),
        ("/301", Method::PUT, "PUT", "{\"n\":1}"),
        ("/303", Method::PUT, "GET", ""),
        ("/307", Method::POST, "POST", "{\"n\":1}"),
        ("/308", Method::DELETE, "DELETE", "{\"n\":1}"),
    ] {
        client.request(method, peer.url(path)).json(&serde_json::json!({"n": 1})).fetch().await.unwrap();
        let last = peer.received().pop().unwrap();
        assert_eq!((last.method.as_str(), last.body.as_str()), (arrives, body), "{path}");
        let kind = (!body.is_empty()).then_some("application/json");
        assert_eq!(last.header("content-type"), kind, "{path}");
    }
    client.post(peer.url("/end")).form([("a b", "c&d"), ("e", "é")]).fetch().await.unwrap();
    assert_eq!(peer.received().pop().unwrap().body, "a+b=c%26d&e=%C3%A9");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let peer = Peer::start(|request| match request.header("if-none-match") {
        Some("\"v1\"") => reply(304, &[("etag", "\"v1\"")], ""),
        _ => reply(200, &[("etag", "\"v1\""), ("last-modified", "Tue, 14 Nov 2023 22:13:50 GMT")], "long"),
    })
    .await;
    let client = client();
    let first = client.get(peer.url("/")).if_changed(&Validators::default()).fetch().await.unwrap();
    let validators = Validators::of(&first.headers);
    let kept: Validators = serde_json::from_str(&serde_json::to_string(&validators).unwrap()).unwrap();
    let second = client.get(peer.url("/")).if_changed(&kept).fetch().await.unwrap();
    assert!(!first.not_modified() && second.not_modified() && second.body.is_empty());
    assert_eq!(peer.received()[1].header("if-modified-since"), Some("Tue, 14 Nov 2023 22:13:50 GMT"));
}

#[tokio::test]
async fn every_status_becomes_a_kind() {
    let peer = Peer::start(|request| reply(request.target[1..].parse().unwrap(), &[], "why")).await;
    let client = client();
    for (status, kind, temporary) in [
        (401, ErrorKind::CredentialRefused, false),
        (403, ErrorKind::CredentialRefused, false),
        (404, ErrorKind::NotFound, false),
        (410, ErrorKind::NotFound, false),
        (422, ErrorKind::InvalidInput, false),
        (429, ErrorKind::RateLimited, true),
        (501, ErrorKind::Unreachable, false),
        (503, ErrorKind::Unreachable, true),
    ] {
        let answer = client.post(peer.url(&format!("/{status}"))).fetch().await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (status, &b"why"[..]));
        let error = answer.success().unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (kind, temporary), "{status}: {error:?}");
    }
    assert!(client.get(peer.url("/204")).send().await.unwrap().success().is_ok());
}

#[tokio::test]
async fn mistakes_in_a_request_are_told_before_anything_is_sent() {
    let peer = Peer::start(|_| ok("")).await;
    let client = client();
    for (name, value) in [
        ("x\r\ny", "z"),
        ("x", "y\r\nInjected: z"),
        ("", "y"),
        ("Host", "evil.example"),
        ("Content-Length", "1"),
        ("transfer-encoding", "chunked"),
    ] {
        let error = client.get(peer.url("/")).header(name, value).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}: {error:?}");
    }
    let error = client.get("not a url").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(peer.received().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_callers_share_a_client() {
    let peer = Peer::start(|request| ok(format!("{} {}", request.target, request.body).repeat(100))).await;
    let client = client();
    let callers: Vec<_> = (0..32)
        .map(|caller| {
            let (client, url) = (client.clone(), peer.url(&format!("/{caller}")));
            tokio::spawn(async move {
                for round in 0..20 {
                    let body = format!("{caller}.{round}");
                    let answer = client.post(&*url).body("text/plain", body.clone()).fetch().await.unwrap();
                    assert_eq!(answer.body, format!("/{caller} {body}").repeat(100));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(peer.received().len(), 640, "each request arrived once");
}
