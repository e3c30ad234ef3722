use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vitesse_core::ErrorKind;
use vitesse_core::mapping::{Auth, BasicAuth, BearerAuth, OAuth2Auth, OAuth2Style};
use vitesse_core::net::{Client, Guard, NetConfig, Retry};
use vitesse_core::orchestrator::{AuthorizeOptions, NewConnection, Vitesse};
use vitesse_core::progress::Progress;
use vitesse_core::secret::{CredentialSource, EncryptedSource, KeyRing, Secret};
use vitesse_core::store::MemoryStore;

/// A peer that answers by a function of the request's text, and keeps what it was asked.
async fn peer(
    answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (keeps, answer) = (heard.clone(), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (keeps, answer) = (keeps.clone(), answer.clone());
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let mut buffer = [0; 4096];
                loop {
                    let count = stream.read(&mut buffer).await.unwrap_or(0);
                    bytes.extend_from_slice(&buffer[..count]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let length = head.lines().find_map(|line| {
                            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
                        });
                        body.len() >= length.unwrap_or(0)
                    });
                    if whole || count == 0 {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let (status, body) = answer(&text);
                keeps.lock().unwrap().push(text);
                let reply = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(reply.as_bytes()).await;
            });
        }
    });
    (address, heard)
}

struct Place {
    vitesse: Vitesse,
    source: Arc<EncryptedSource>,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyRing::parse(&KeyRing::generate()).unwrap();
    let source = Arc::new(EncryptedSource::open(folder.path().join("credentials"), ring).unwrap());
    let config = NetConfig {
        guard: Guard::from_list(["127.0.0.1"]).unwrap(),
        retry: Retry { tries: 1, ..Retry::default() },
        ..NetConfig::default()
    };
    let vitesse = Vitesse::builder(Arc::new(MemoryStore::new()))
        .client(Client::new(config).unwrap())
        .credentials(source.clone())
        .build()
        .unwrap()
        .by("anna");
    Place { vitesse, source, _folder: folder }
}

fn bearer(name: &str, url: &str, token: &str) -> NewConnection {
    NewConnection {
        name: name.into(),
        base_url: url.into(),
        auth: Auth::Bearer(BearerAuth::default()),
        secrets: BTreeMap::from([("TOKEN".to_owned(), Secret::new(token))]),
    }
}

#[tokio::test]
async fn a_connection_is_added_tested_listed_and_removed() {
    let Place { vitesse, source, _folder } = place();
    let (url, _) = peer(|asked| match asked.contains("authorization: Bearer right") {
        true => (404, "{}".into()),
        false => (401, "{}".into()),
    })
    .await;
    let added = vitesse.connect(bearer("my-crm", &url, "wrong")).await.unwrap();
    assert_eq!((added.created_by.as_str(), &added.parts[..]), ("anna", &["TOKEN".to_owned()][..]));
    let test = vitesse.test_connection("my-crm").await.unwrap();
    assert_eq!((test.ok, test.status), (false, Some(401)), "{test:?}");

    vitesse.connect(bearer("my-crm", &url, "right")).await.unwrap();
    let test = vitesse.test_connection("my-crm").await.unwrap();
    assert_eq!((test.ok, test.status), (true, Some(404)), "a bare address often has nothing: {test:?}");

    let all = vitesse.connections().await.unwrap();
    assert_eq!((all.len(), &all[0].last_test), (1, &Some(test)));
    // What is in the store tells no secret.
    assert!(!serde_json::to_string(&all).unwrap().contains("right"));
    assert_eq!(source.names().unwrap(), ["VITESSE_CONNECTION_MY_CRM__TOKEN"]);

    vitesse.disconnect("my-crm").await.unwrap();
    assert!(source.names().unwrap().is_empty());
    let error = vitesse.disconnect("my-crm").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let Place { vitesse, source, _folder } = place();
    for name in ["", "My-CRM", "a--b", "a-", "-a", "9a", "a_b", "../x"] {
        let error = vitesse.connect(bearer(name, "http://127.0.0.1:1", "t")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
    }
    let error = vitesse.connect(bearer("a", "ftp://x", "t")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressRefused, "{error}");

    let mut basic = bearer("a", "http://127.0.0.1:1", "t");
    basic.auth = Auth::Basic(BasicAuth::default());
    let error = vitesse.connect(basic.clone()).await.unwrap_err().to_string();
    assert!(error.contains("no TOKEN"), "{error}");
    basic.secrets = BTreeMap::from([("USERNAME".to_owned(), Secret::new("u"))]);
    let error = vitesse.connect(basic.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(error.to_string().contains("lacks PASSWORD"), "{error}");
    assert!(source.names().unwrap().is_empty(), "nothing is kept of what is refused");

    // A part that the source has already need not be given.
    source.put("VITESSE_CONNECTION_A__PASSWORD", &Secret::new("p")).unwrap();
    vitesse.connect(basic).await.unwrap();
    let error = vitesse.connection("b").await.unwrap_err().to_string();
    assert!(error.contains("there is no connection \"b\""), "{error}");
}

#[tokio::test]
async fn client_credentials_are_tried_at_the_token_endpoint() {
    let Place { vitesse, _folder, .. } = place();
    let (url, heard) = peer(|asked| match asked {
        asked if asked.starts_with("POST /token") && asked.contains("client_secret=good") => {
            (200, r#"{"access_token": "t-1", "token_type": "bearer"}"#.into())
        }
        asked if asked.starts_with("POST /token") => (401, r#"{"error": "invalid_client"}"#.into()),
        asked if asked.contains("authorization: Bearer t-1") => (200, "{}".into()),
        _ => (401, "{}".into()),
    })
    .await;
    let oauth = OAuth2Auth {
        token_url: format!("{url}/token"),
        style: OAuth2Style::Body,
        scopes: vec!["contacts.write".into()],
        ..OAuth2Auth::default()
    };
    let with = |secret: &str| NewConnection {
        name: "crm".into(),
        base_url: url.clone(),
        auth: Auth::OAuth2ClientCredentials(oauth.clone()),
        secrets: BTreeMap::from([
            ("CLIENT_ID".to_owned(), Secret::new("me")),
            ("CLIENT_SECRET".to_owned(), Secret::new(secret)),
        ]),
    };
    vitesse.connect(with("bad")).await.unwrap();
    let test = vitesse.test_connection("crm").await.unwrap();
    assert_eq!((test.ok, test.token, test.status), (false, Some(false), None), "{test:?}");
    vitesse.connect(with("good")).await.unwrap();
    let test = vitesse.test_connection("crm").await.unwrap();
    assert_eq!((test.ok, test.token, test.status), (true, Some(true), Some(200)), "{test:?}");
    assert!(heard.lock().unwrap().iter().any(|asked| asked.contains("scope=contacts.write")));
}

/// Opens an address as a browser does that a person sends somewhere.
async fn browse(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text
}

fn query(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("no {name} in {url}")).to_owned()
}

fn authorize(url: &str) -> AuthorizeOptions {
    AuthorizeOptions {
        name: "crm".into(),
        base_url: url.into(),
        authorization_url: format!("{url}/authorize?tenant=a"),
        oauth: OAuth2Auth {
            token_url: format!("{url}/token"),
            scopes: vec!["contacts.write".into(), "offline".into()],
            style: OAuth2Style::Body,
            ..OAuth2Auth::default()
        },
        client_id: "me".into(),
        client_secret: None,
        port: 0,
        within: Duration::from_secs(20),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_authorises_a_connection_in_the_browser() {
    let Place { vitesse, source, _folder } = place();
    let (url, heard) = peer(|asked| {
        let good = asked.contains("grant_type=authorization_code") && asked.contains("code=c-1");
        match good {
            true => (200, r#"{"access_token": "t", "token_type": "Bearer", "refresh_token": "r-1"}"#.into()),
            false => (400, r#"{"error": "invalid_grant"}"#.into()),
        }
    })
    .await;
    let asked = vitesse.authorize(authorize(&url)).await.unwrap();
    for (name, value) in
        [("response_type", "code"), ("client_id", "me"), ("code_challenge_method", "S256"), ("tenant", "a")]
    {
        assert_eq!(query(&asked.url, name), value);
    }
    assert_eq!(query(&asked.url, "scope"), "contacts.write+offline");
    let (state, challenge) = (query(&asked.url, "state"), query(&asked.url, "code_challenge"));
    let back = asked.redirect_uri.clone();
    let waiting = tokio::spawn(asked.answer());
    // Somebody else's answer is sent away; ours counts.
    assert!(browse(&format!("{back}?code=evil&state=forged")).await.contains("404"));
    assert!(browse(&format!("{back}?code=c-1&state={state}")).await.contains("200 OK"));
    let connection = vitesse.connect(waiting.await.unwrap().unwrap()).await.unwrap();
    assert!(matches!(connection.auth, Auth::OAuth2RefreshToken(_)));
    assert!(source.get("VITESSE_CONNECTION_CRM__REFRESH_TOKEN").unwrap().unwrap().is("r-1"));

    // The verifier that was sent is the one whose hash was shown.
    let sent = heard.lock().unwrap()[0].clone();
    let body = sent.split_once("\r\n\r\n").unwrap().1;
    let verifier = query(&format!("?{body}"), "code_verifier");
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&verifier);
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, hash);
    assert_eq!(encoded, challenge);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_a_bad_code_and_silence_are_told_apart() {
    let Place { vitesse, source, _folder } = place();
    let (url, _) = peer(|_| (400, r#"{"error": "invalid_grant"}"#.into())).await;
    let asked = vitesse.authorize(authorize(&url)).await.unwrap();
    let (state, back) = (query(&asked.url, "state"), asked.redirect_uri.clone());
    let waiting = tokio::spawn(asked.answer());
    browse(&format!("{back}?error=access_denied&state={state}")).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(error.to_string().contains("access_denied"), "{error}");

    let asked = vitesse.authorize(authorize(&url)).await.unwrap();
    let (state, back) = (query(&asked.url, "state"), asked.redirect_uri.clone());
    let waiting = tokio::spawn(asked.answer());
    browse(&format!("{back}?code=old&state={state}")).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused, "{error}");

    let patient = AuthorizeOptions { within: Duration::from_millis(50), ..authorize(&url) };
    let error = vitesse.authorize(patient).await.unwrap().answer().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);

    // What could never be added is refused before anybody is asked.
    let unnamed = AuthorizeOptions { name: "My CRM".into(), ..authorize(&url) };
    assert_eq!(vitesse.authorize(unnamed).await.unwrap_err().kind(), ErrorKind::InvalidInput);

    let progress = Progress::none();
    let asked = vitesse.with_progress(progress.clone()).authorize(authorize(&url)).await.unwrap();
    progress.cancel().cancel();
    assert_eq!(asked.answer().await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(source.names().unwrap().is_empty());
}
