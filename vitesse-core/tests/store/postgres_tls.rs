//! A server that speaks TLS and asks for a password: what `sslmode` promises, and what each mistake is told.

use vitesse_core::store::{Batch, Expect, Key, PostgresOptions, PostgresStore, Store};
use vitesse_core::{Error, ErrorKind};

use crate::parts::{ask, parts, sql};

const PASSWORD: &str = "hunter2/%40-never-shown";
/// The same, as a URL writes it.
const ENCODED: &str = "hunter2%2F%2540-never-shown";

/// A user and a database of its own on the server `tls`.
struct Server {
    admin: String,
    port: String,
    name: String,
}

impl Server {
    async fn new() -> Self {
        let admin = parts(&["postgres", "start", "tls"]);
        let port = admin.rsplit_once(':').unwrap().1.split('/').next().unwrap().to_owned();
        let name = format!("tls_{}", uuid::Uuid::new_v4().simple());
        sql(&admin, &format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")).await;
        sql(&admin, &format!("CREATE DATABASE {name} OWNER {name}")).await;
        Self { admin, port, name }
    }

    fn url(&self, password: &str, host: &str, mode: &str) -> String {
        let Self { port, name, .. } = self;
        format!("postgres://{name}{password}@{host}:{port}/{name}?sslmode={mode}")
    }

    async fn open(&self, host: &str, mode: &str, ca: bool) -> Result<PostgresStore, Error> {
        let mut options = PostgresOptions::default();
        options.ca_file = ca.then(|| parts(&["postgres", "ca", "tls"]).into());
        PostgresStore::open(&self.url(&format!(":{ENCODED}"), host, mode), options).await
    }

    async fn refused(&self, host: &str, mode: &str, ca: bool) -> Error {
        let error = self.open(host, mode, ca).await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::StoreUnavailable, false), "{error:?}");
        silent(&error);
        error
    }
}

/// No form of the error has the password in it, in any spelling.
fn silent(error: &Error) {
    for text in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(error.help_text().is_some(), "{error:?}");
}

#[tokio::test]
async fn every_mode_that_encrypts_does() {
    let server = Server::new().await;
    for (host, mode) in [
        ("localhost", "prefer"),
        ("127.0.0.1", "require"),
        ("localhost", "require"),
        ("localhost", "verify-full"),
    ] {
        let store = server.open(host, mode, true).await.unwrap();
        let key = Key::new("n", "c", mode);
        store.commit(Batch::new().put(key.clone(), Expect::Any, vec![1; 300_000])).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap().unwrap().value.len(), 300_000);
        let sessions = format!(
            "SELECT string_agg(ssl::text, ',') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = '{}'",
            server.name
        );
        let encrypted = ask(&server.admin, &sessions).await;
        assert!(encrypted.split(',').all(|one| one == "true"), "{mode}: {encrypted}");
    }
}

#[tokio::test]
async fn only_verify_full_asks_who_the_server_is() {
    let server = Server::new().await;
    let unknown = server.refused("localhost", "verify-full", false).await;
    assert!(unknown.to_string().contains("certificate is not trusted"), "{unknown}");
    assert!(unknown.help_text().unwrap().contains("SSL_CERT_FILE"), "{unknown:?}");

    let wrong_name = server.refused("127.0.0.1", "verify-full", true).await;
    assert!(wrong_name.to_string().contains("certificate is not trusted"), "{wrong_name}");
    assert!(wrong_name.help_text().unwrap().contains("host name"), "{wrong_name:?}");

    let in_the_clear = server.refused("localhost", "disable", true).await;
    assert!(in_the_clear.to_string().contains("no encryption"), "{in_the_clear}");
}

/// The variable is read as its docs say: in a process that has it set, and in one that has not.
#[tokio::test]
async fn ssl_cert_file_names_the_authority() {
    const URL: &str = "VITESSE_TEST_TLS_URL";
    if let Ok(url) = std::env::var(URL) {
        let opened = PostgresStore::open(&url, Default::default()).await;
        println!("opened: {}", opened.map(|_| "yes".to_owned()).unwrap_or_else(|error| error.to_string()));
        return;
    }
    let server = Server::new().await;
    let url = server.url(&format!(":{ENCODED}"), "localhost", "verify-full");
    let run = |ca: Option<&str>| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "postgres_tls::ssl_cert_file_names_the_authority", "--nocapture"]);
        child.env(URL, &url).env_remove("SSL_CERT_FILE").envs(ca.map(|ca| ("SSL_CERT_FILE", ca)));
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    let ca = parts(&["postgres", "ca", "tls"]);
    assert!(run(Some(&ca)).contains("opened: yes"));
    assert!(run(None).contains("opened: ") && !run(None).contains("opened: yes"));
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    for wrong in [empty, folder.path().join("missing.pem")] {
        let said = run(wrong.to_str());
        assert!(said.contains("SSL_CERT_FILE") && said.contains(wrong.to_str().unwrap()), "{said}");
    }
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_said_and_never_shown() {
    let server = Server::new().await;
    for (password, host) in
        [(":hunter2-wrong", "localhost"), (":hunter2-wrong", "127.0.0.1"), ("", "localhost")]
    {
        let url = server.url(password, host, "require");
        let error = PostgresStore::open(&url, Default::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::StoreUnavailable, false), "{error:?}");
        assert!(error.to_string().contains("password"), "{error}");
        silent(&error);
    }
    let unknown_user = format!("postgres://nobody:{ENCODED}@localhost:{}/{}", server.port, server.name);
    let error = PostgresStore::open(&unknown_user, Default::default()).await.unwrap_err();
    assert!(error.to_string().contains("refused the user or password"), "{error}");
    silent(&error);
    let no_database = format!("postgres://{}:{ENCODED}@localhost:{}/missing", server.name, server.port);
    let error = PostgresStore::open(&no_database, Default::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::StoreUnavailable, false), "{error:?}");
    assert!(error.to_string().contains("no such database"), "{error}");
    silent(&error);

    let store = server.open("localhost", "require", false).await.unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
}
