//! TLS, and credentials that go only where they belong.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vitesse_core::ErrorKind;
use vitesse_core::net::{Auth, Client, NetConfig, Scheme};
use vitesse_core::secret::Secret;

use crate::guarding::client_with;
use crate::peer::{Peer, Received, Step, client, config, ok, redirect, reply, serve};
use crate::tls::{acceptor, client_trusting, names};

/// A server under a name, with a certificate from an authority of its own.
struct Secure {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    ca: String,
}

impl Secure {
    async fn start(name: &str, script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let (acceptor, ca) = acceptor(name, &[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (log, script) = (received.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, log, script) = (acceptor.clone(), log.clone(), script.clone());
                tokio::spawn(async move {
                    if let Ok(socket) = acceptor.accept(socket).await {
                        serve(socket, log, script).await;
                    }
                });
            }
        });
        Self { port, received, ca }
    }
}

#[tokio::test]
async fn a_root_of_ssl_cert_file_is_trusted_and_an_unknown_one_is_not() {
    let secure = Secure::start("api.example", |_| ok("private")).await;
    let folder = tempfile::tempdir().unwrap();
    let client = client_trusting(&secure.ca, &folder.path().join("own.pem"));
    let url = format!("https://api.example:{}/", secure.port);
    assert_eq!(client.get(&*url).fetch().await.unwrap().body, "private");

    let error = client_with(config(), names()).get(&*url).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(!error.is_temporary(), "{error:?}");
    insta::assert_snapshot!(error.to_string(), @"the certificate's issuer is not trusted (host: api.example, sent: no); if it is your own authority, put its certificate into the file that SSL_CERT_FILE names");

    let error = client.get(format!("https://other.example:{}/", secure.port)).fetch().await.unwrap_err();
    assert!(error.to_string().contains("certificate is refused") && !error.is_temporary(), "{error:?}");
    assert_eq!(secure.received.lock().unwrap().len(), 1);
}

#[test]
fn a_file_of_certificates_that_cannot_be_used_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here").unwrap();
    for file in [empty, folder.path().join("missing.pem")] {
        let error =
            Client::new(NetConfig { ca_file: Some(file.clone()), ..NetConfig::default() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_never_leaves_encryption() {
    let plain = Peer::start(|_| ok("in the clear")).await;
    let to = plain.url("/");
    let secure = Secure::start("api.example", move |_| redirect(302, &to)).await;
    let folder = tempfile::tempdir().unwrap();
    let client = client_trusting(&secure.ca, &folder.path().join("own.pem"));
    let error = client.get(format!("https://api.example:{}/", secure.port)).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressRefused);
    assert!(error.to_string().contains("https to http"), "{error}");
    assert!(plain.received().is_empty());
}

#[tokio::test]
async fn plain_http_where_tls_is_expected_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 1024]).await;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let client = client_with(config(), names());
    let error = client.get(format!("https://api.example:{port}/")).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error}");
}

/// Finds the credentials in a request.
type Finder = fn(&Received) -> Option<String>;

fn schemes() -> Vec<(Scheme, Finder, &'static str)> {
    let secret = || Secret::new("s3cret");
    let header = |name: &'static str| name.to_owned();
    vec![
        (Scheme::Bearer(secret()), |r| r.header("authorization").map(str::to_owned), "Bearer s3cret"),
        (
            Scheme::Basic { username: "me".into(), password: secret() },
            |r| r.header("authorization").map(str::to_owned),
            "Basic bWU6czNjcmV0",
        ),
        (
            Scheme::Header { name: header("X-Api-Key"), value: secret() },
            |r| r.header("x-api-key").map(str::to_owned),
            "s3cret",
        ),
        (
            Scheme::Query { name: header("api_key"), value: secret() },
            |r| r.target.split_once("api_key=").map(|(_, key)| key.to_owned()),
            "s3cret",
        ),
        (
            Scheme::Cookie { name: header("session"), value: secret() },
            |r| r.header("cookie").map(str::to_owned),
            "session=s3cret",
        ),
    ]
}

#[tokio::test]
async fn credentials_go_to_their_origin_and_are_dropped_elsewhere() {
    for (scheme, sent, expect) in schemes() {
        let elsewhere = Peer::start(|_| ok("elsewhere")).await;
        let to = elsewhere.url("/landed");
        let peer = Peer::start(move |request| match request.target.split('?').next() {
            Some("/same") => redirect(307, "/end"),
            Some("/away") => redirect(307, &to),
            _ => ok("home"),
        })
        .await;
        let auth = Auth::new(&peer.url("/base"), scheme.clone()).unwrap();
        let client = client();
        let answer = client.get(peer.url("/same?x=1")).auth(&auth).fetch().await.unwrap();
        let received = peer.received();
        assert_eq!(received.len(), 2);
        assert!(received.iter().all(|request| sent(request).as_deref() == Some(expect)), "{received:?}");
        assert!(!answer.url.as_str().contains("s3cret"), "{}", answer.url);

        let answer = client
            .get(peer.url("/away"))
            .auth(&auth)
            .header("X-Tenant", "s3cret")
            .header("Cookie", "a=s3cret")
            .header("Accept", "text/plain")
            .secret_header("X-Token", &Secret::new("s3cret"))
            .fetch()
            .await
            .unwrap();
        assert_eq!(answer.body, "elsewhere");
        let landed = &elsewhere.received()[0];
        assert!(!format!("{landed:?}").contains("s3cret"), "{landed:?}");
        assert_eq!(landed.header("accept"), Some("text/plain"));

        // Another port is another origin. A request straight to it is refused rather than sent without.
        let error = client.get(elsewhere.url("/")).auth(&auth).fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialRefused, "{error:?}");
        let both = auth.also_for(&elsewhere.url("/")).unwrap();
        client.get(peer.url("/away")).auth(&both).fetch().await.unwrap();
        let landed = &elsewhere.received()[1];
        assert_eq!(sent(landed).as_deref(), Some(expect), "a second origin can be named");
    }
}

#[tokio::test]
async fn a_body_is_never_redirected_to_another_origin() {
    let elsewhere = Peer::start(|_| ok("")).await;
    let to = elsewhere.url("/");
    let peer = Peer::start(move |request| redirect(request.target[1..].parse().unwrap(), &to)).await;
    for status in [307, 308] {
        let request = client().post(peer.url(&format!("/{status}"))).body("text/plain", "customers");
        let error = request.fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddressRefused, "{error:?}");
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn no_error_or_debug_output_shows_a_secret() {
    let peer = Peer::start(|request| match request.target.split('?').next() {
        Some("/401") => reply(401, &[], "s3cret"),
        Some("/json") => ok("\"s3cret\""),
        Some("/file") => redirect(302, "file:///s3cret"),
        Some("/loop") => redirect(302, "/loop?token=s3cret"),
        _ => vec![Step::Close],
    })
    .await;
    for (scheme, _, _) in schemes() {
        let auth = Auth::new(&peer.url("/"), scheme.clone()).unwrap();
        assert!(!format!("{auth:?} {scheme:?}").contains("s3cret"));
        for path in ["/401", "/json", "/loop", "/close"] {
            let url = peer.url(&format!("{path}?key=s3cret"));
            let request = client().get(url).auth(&auth).secret_header("x-token", &Secret::new("s3cret"));
            let error = match request.fetch().await {
                Ok(answer) => match answer.success() {
                    Ok(answer) => answer.json::<u32>().unwrap_err(),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        let elsewhere =
            client().get("http://elsewhere.example/?key=s3cret").auth(&auth).fetch().await.unwrap_err();
        assert!(!format!("{elsewhere} {elsewhere:?}").contains("s3cret"), "{elsewhere:?}");
    }
    for wrong in [
        Scheme::Bearer(Secret::new("s3cret\n")),
        Scheme::Header { name: "x y".into(), value: Secret::new("s3cret") },
        Scheme::Cookie { name: "a".into(), value: Secret::new("s3cret; b=c") },
        Scheme::Basic { username: "a:b".into(), password: Secret::new("s3cret") },
    ] {
        let error = Auth::new("https://api.example/", wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}
