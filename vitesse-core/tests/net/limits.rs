//! Size, time, redirects, and bodies that are not what they claim to be.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use vitesse_core::ErrorKind;
use vitesse_core::net::{Limits, NetConfig, Retry};
use vitesse_core::progress::Cancel;

use crate::peer::{Peer, Step, client, config, ok, redirect, reply};

fn small() -> Limits {
    Limits { body: 1000, wire: 500, ..Limits::default() }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// The pieces of a chunked body, without its end.
fn chunked(pieces: &[&[u8]]) -> Vec<Step> {
    let mut steps = vec![Step::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec())];
    for piece in pieces {
        let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
        steps.push(Step::Send(bytes));
    }
    steps
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let peer = Peer::start(|request| match request.target.as_str() {
        "/fits" => ok([b'x'; 500]),
        "/announced" => ok([b'x'; 501]),
        "/chunked" => {
            [chunked(&[&[b'x'; 300], &[b'x'; 201]]), vec![Step::Send(b"0\r\n\r\n".to_vec())]].concat()
        }
        _ => vec![
            Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n".to_vec()),
            Step::Hang,
        ],
    })
    .await;
    let client = client();
    assert_eq!(client.get(peer.url("/fits")).limits(small()).fetch().await.unwrap().body.len(), 500);
    for path in ["/announced", "/chunked", "/absurd"] {
        let error = client.get(peer.url(path)).limits(small()).fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{path}: {error:?}");
        assert!(!error.is_temporary() && error.to_string().contains("500 bytes"), "{error}");
    }
    // What is sent may be larger than what it becomes, where it is compressed; here it is the same.
    let limits = Limits { body: 500, wire: 10_000, ..small() };
    assert_eq!(client.get(peer.url("/fits")).limits(limits).fetch().await.unwrap().body.len(), 500);
    for path in ["/announced", "/chunked"] {
        let error = client.get(peer.url(path)).limits(limits).fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{path}: {error:?}");
    }
    assert_eq!(peer.received().len(), 7, "what is too large is not asked for again");
}

#[tokio::test]
async fn size_counts_after_decompression() {
    let bomb = gzip(&vec![0u8; 50 << 20]);
    assert!(bomb.len() < 60_000, "a bomb is small");
    let almost = gzip(&[b'x'; 1000]);
    let peer = Peer::start(move |request| {
        let body = if request.target == "/bomb" { &bomb } else { &almost };
        reply(200, &[("content-encoding", "gzip")], body)
    })
    .await;
    let client = client();
    let limits = Limits { wire: 1 << 20, ..small() };
    assert_eq!(client.get(peer.url("/fits")).limits(limits).fetch().await.unwrap().body, [b'x'; 1000][..]);
    let error = client.get(peer.url("/bomb")).limits(limits).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    assert!(error.to_string().contains("after decompression"), "{error}");

    // Streamed, the bomb is never in memory at once.
    let limits = Limits { body: 100 << 20, ..limits };
    let mut body = client.get(peer.url("/bomb")).limits(limits).send().await.unwrap().body;
    let (mut total, mut largest) = (0, 0);
    while let Some(chunk) = body.chunk().await.unwrap() {
        total += chunk.len();
        largest = largest.max(chunk.len());
    }
    assert_eq!(total, 50 << 20);
    assert!(largest <= 9 << 20, "{largest}");
    assert!(body.wire_bytes() < 60_000);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_error_and_not_a_part_of_the_data() {
    let packed = gzip(&(0u32..5000).flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
    let peer = Peer::start(move |request| {
        let head = |headers: &str| Step::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes());
        match request.target.as_str() {
            "/length" => vec![head("content-length: 10\r\n"), Step::Send(b"12345".to_vec()), Step::Close],
            "/chunked" => [chunked(&[b"12345"]), vec![Step::Close]].concat(),
            "/half-chunk" => {
                vec![head("transfer-encoding: chunked\r\n"), Step::Send(b"a\r\n123".to_vec()), Step::Close]
            }
            // Without a length only the format itself tells that the end is missing.
            "/gzip" => vec![
                head("content-encoding: gzip\r\nconnection: close\r\n"),
                Step::Send(packed[..packed.len() - 6].to_vec()),
                Step::Close,
            ],
            "/not-gzip" => reply(200, &[("content-encoding", "gzip")], "plain text"),
            "/flipped" => {
                let mut packed = packed.clone();
                let middle = packed.len() / 2;
                packed[middle] ^= 0x55;
                reply(200, &[("content-encoding", "gzip")], packed)
            }
            _ => vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()), Step::Close],
        }
    })
    .await;
    let client = client();
    for path in ["/length", "/chunked", "/half-chunk", "/gzip", "/not-gzip", "/flipped", "/head"] {
        let error = client.get(peer.url(path)).retry(Retry::never()).fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{path}: {error:?}");
        assert!(error.to_string().contains(path), "{error}");
        if path != "/head" {
            let mut body = client.get(peer.url(path)).retry(Retry::never()).send().await.unwrap().body;
            let end = loop {
                match body.chunk().await {
                    Ok(Some(_)) => {}
                    end => break end,
                }
            };
            assert!(end.is_err(), "{path} ended as if it were whole");
        }
    }
}

#[tokio::test]
async fn an_encoding_nobody_asked_for_is_named() {
    let peer = Peer::start(|_| reply(200, &[("content-encoding", "br")], "?")).await;
    let error = client().get(peer.url("/")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("br"), "{error}");
    assert_eq!(peer.received()[0].header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn answers_without_a_body_may_name_an_encoding() {
    let peer = Peer::start(|request| match request.method.as_str() {
        // The length is that of what GET would give.
        "HEAD" => vec![Step::Send(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 999999999999\r\n\r\n".to_vec(),
        )],
        _ => reply(304, &[("content-encoding", "gzip"), ("etag", "\"1\"")], ""),
    })
    .await;
    let client = client();
    assert!(client.get(peer.url("/")).fetch().await.unwrap().not_modified());
    let head = client.request(vitesse_core::net::Method::HEAD, peer.url("/")).fetch().await.unwrap();
    assert!(head.status.is_success() && head.body.is_empty());
}

#[tokio::test]
async fn slow_peers_are_left() {
    let peer = Peer::start(|request| {
        let drip = |bytes: &[u8]| {
            let wait = Step::Pause(Duration::from_millis(20));
            bytes.iter().flat_map(|byte| [Step::Send(vec![*byte]), wait.clone()]).collect::<Vec<_>>()
        };
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n".to_vec();
        match request.target.as_str() {
            "/silent" => vec![Step::Hang],
            "/head" => drip(&[b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-filler: y\r\n".repeat(500)].concat()),
            "/stops" => vec![Step::Send(head), Step::Send(b"123".to_vec()), Step::Hang],
            _ => [vec![Step::Send(head)], drip(&[b'x'; 10_000])].concat(),
        }
    })
    .await;
    let client = client();
    // Only one of the two can strike, however slow this machine is.
    let total = Limits { total: Duration::from_millis(400), ..Limits::default() };
    let idle = Limits { idle: Duration::from_millis(150), ..Limits::default() };
    for (path, limits, why) in [
        ("/silent", total, "deadline"),
        ("/head", total, "deadline"),
        ("/stops", idle, "stopped for"),
        ("/drips", total, "deadline"),
    ] {
        let error =
            client.get(peer.url(path)).limits(limits).retry(Retry::never()).fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{path}: {error:?}");
        assert!(error.to_string().contains(why), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_limit_may_be_as_good_as_none() {
    let peer = Peer::start(|_| ok("fine")).await;
    let limits =
        Limits { total: Duration::MAX, idle: Duration::MAX, connect: Duration::MAX, ..Limits::default() };
    let client = vitesse_core::net::Client::new(NetConfig { limits, ..config() }).unwrap();
    assert_eq!(client.get(peer.url("/")).fetch().await.unwrap().body, "fine");
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let peer = Peer::start(|request| {
        let flood = match request.target.as_str() {
            "/many" => "x-filler: y\r\n".repeat(101),
            "/large" => format!("x-filler: {}\r\n", "y".repeat(70_000)),
            _ => "x-filler: y\r\n".repeat(1_000_000),
        };
        vec![Step::Send(format!("HTTP/1.1 200 OK\r\n{flood}\r\n").into_bytes()), Step::Close]
    })
    .await;
    for path in ["/many", "/large", "/both"] {
        let error = client().get(peer.url(path)).fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{path}: {error:?}");
    }
    assert_eq!(peer.received().len(), 3, "what is too large is not asked for again");
}

#[tokio::test]
async fn what_is_not_http_is_told_so_at_once() {
    let peer = Peer::start(|_| vec![Step::Send(b"220 mail.example ESMTP\r\n".to_vec()), Step::Close]).await;
    let error = client().get(peer.url("/")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(!error.is_temporary() && error.to_string().contains("not valid HTTP"), "{error:?}");
}

#[tokio::test]
async fn five_redirects_are_followed_and_not_six() {
    let peer = Peer::start(|request| match request.target[1..].parse::<u32>().unwrap() {
        0 => ok("home"),
        left => redirect(302, &format!("/{}", left - 1)),
    })
    .await;
    let answer = client().get(peer.url("/5")).fetch().await.unwrap();
    assert_eq!((answer.body.as_ref(), answer.url.path()), (&b"home"[..], "/0"));
    let error = client().get(peer.url("/6")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    let limits = Limits { redirects: 0, ..Limits::default() };
    assert!(client().get(peer.url("/1")).limits(limits).fetch().await.is_err());
}

#[tokio::test]
async fn cancelling_stops_waiting_for_headers_bodies_and_retries() {
    let peer = Peer::start(|request| match request.target.as_str() {
        "/head" => vec![Step::Hang],
        "/retry" => reply(429, &[("retry-after", "20")], ""),
        _ => vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123".to_vec()), Step::Hang],
    })
    .await;
    let client = client();
    for path in ["/head", "/body", "/retry"] {
        let cancel = Cancel::new();
        let work = tokio::spawn(client.get(peer.url(path)).cancel(&cancel).fetch());
        while !peer.received().iter().any(|request| request.target == path) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
        let error = work.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{path}: {error:?}");
    }
}
