//! Real PostgreSQL for tests, by the script that CI uses.

use std::path::Path;
use std::process::Command;

use tokio_postgres::NoTls;

/// Runs `.ci/parts` and gives what it prints.
pub(crate) fn parts(args: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(root.join(".ci/parts")).args(args).output().expect(".ci/parts runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), ".ci/parts {args:?} failed: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The shared server: the one `VITESSE_TEST_POSTGRES` names, else one that is started here.
pub(crate) fn server() -> String {
    std::env::var("VITESSE_TEST_POSTGRES").unwrap_or_else(|_| parts(&["postgres", "start"]))
}

/// A database of its own on the shared server, so that tests can't meet.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = server();
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        sql(&server, &format!("CREATE DATABASE {name}")).await;
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (host, _) = base.rsplit_once('/').expect("the URL names a database");
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        Self { url: format!("{host}/{name}{query}"), name }
    }

    pub(crate) async fn sql(&self, statement: &str) {
        sql(&self.url, statement).await;
    }
}

/// Drops the database, whoever is still connected.
impl Drop for Database {
    fn drop(&mut self) {
        let name = self.name.clone();
        let drop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(sql(&server(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        };
        let _ = std::thread::spawn(drop).join();
    }
}

/// The first column of the one row that `query` gives, as text.
pub(crate) async fn ask(url: &str, query: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    let rows = client.simple_query(query).await.unwrap();
    let row = rows.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    drop(client);
    let _ = connection.await;
    row.expect("the query gives a row")
}

pub(crate) async fn sql(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    let _ = connection.await;
}
