use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ConnectionTest;
use crate::deployer::needed_parts;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::mapping;
use crate::orchestrator::Vitesse;
use crate::secret::Secret;
use crate::store::{Batch, Expect, Key, Revision, Scan};

const CONNECTIONS: &str = "connections";

/// A connection: everything of it but its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Its name: small letters, digits and single dashes.
    pub name: String,
    /// The address of the API it is for. Credentials are sent to its origin alone.
    pub base_url: String,
    /// How requests prove who sends them.
    pub auth: mapping::Auth,
    /// Which parts are kept as secrets: `TOKEN`, `CLIENT_ID`...
    pub parts: Vec<String>,
    /// Who added it.
    pub created_by: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How its last test went.
    #[serde(default)]
    pub last_test: Option<ConnectionTest>,
}

/// What it takes to add a connection.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Its name: small letters, digits and single dashes.
    pub name: String,
    /// The address of the API.
    pub base_url: String,
    /// How requests prove who sends them.
    pub auth: mapping::Auth,
    /// The secrets by their part: `TOKEN`, or `USERNAME` and `PASSWORD`, or `CLIENT_ID`, `CLIENT_SECRET` and
    /// `REFRESH_TOKEN`. Parts that the credential source has already may be left out.
    pub secrets: BTreeMap<String, Secret>,
}

impl Vitesse {
    /// Adds a connection, or replaces the one of that name. Its secrets go to the credential source, durably,
    /// before anything is said of them in the store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name, an address or a part that doesn't fit,
    /// [`ErrorKind::CredentialRefused`] naming the parts that are missing, [`ErrorKind::Unsupported`] if the
    /// credential source can only be read.
    pub async fn connect(&self, new: NewConnection) -> Result<Connection> {
        let name = checked_name(&new.name)?;
        self.inner
            .client
            .config()
            .guard
            .check_url(&new.base_url)
            .map_err(|error| error.with("connection", &name))?;
        let parts = needed_parts(&new.auth);
        if let Some(other) = new.secrets.keys().find(|key| !parts.iter().any(|(part, _)| part == key)) {
            let known = parts.iter().map(|(part, _)| *part);
            let error = invalid(&name, format!("this kind of connection has no {other}"));
            return Err(match did_you_mean(other, known.clone()) {
                Some(hint) => error.help(hint),
                None => error.help(format!("it has {}", known.collect::<Vec<_>>().join(", "))),
            });
        }
        let mut missing = Vec::new();
        let mut kept = Vec::new();
        for (part, optional) in parts {
            let given = new.secrets.get(*part).is_some_and(|secret| !secret.is_empty());
            match given || self.part(&name, part)?.is_some() {
                true => kept.push((*part).to_owned()),
                false if *optional => {}
                false => missing.push(*part),
            }
        }
        if !missing.is_empty() {
            return Err(Error::new(
                ErrorKind::CredentialRefused,
                format!("the connection {name} lacks {}", missing.join(", ")),
            )
            .in_operation("orchestrator.connect")
            .with("looked in", self.inner.credentials.describe()));
        }
        for (part, secret) in new.secrets.iter().filter(|(_, secret)| !secret.is_empty()) {
            self.inner.credentials.put(&secret_name(&name, part), secret)?;
        }
        loop {
            let old = self.find_connection(&name).await?;
            let now = self.now();
            let (expect, created_at, created_by) = match &old {
                Some((revision, old)) => (Expect::At(*revision), old.created_at, old.created_by.clone()),
                None => (Expect::Absent, now, self.actor.clone()),
            };
            let connection = Connection {
                name: name.clone(),
                base_url: new.base_url.clone(),
                auth: new.auth.clone(),
                parts: kept.clone(),
                created_by,
                created_at,
                updated_at: now,
                last_test: None,
            };
            match self.write_connection(&connection, expect).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(connection),
            }
        }
    }

    /// Every connection, by name.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn connections(&self) -> Result<Vec<Connection>> {
        let mut scan = Scan::new(self.inner.repository.namespace(), CONNECTIONS).limit(200);
        let mut all = Vec::new();
        loop {
            let page = self.inner.repository.store().scan(&scan).await?;
            for document in &page.documents {
                all.push(read(&document.value, &document.key)?);
            }
            match page.next {
                Some(next) => scan = scan.after(next),
                None => return Ok(all),
            }
        }
    }

    /// One connection.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], with the nearest name.
    pub async fn connection(&self, name: &str) -> Result<Connection> {
        if let Some((_, connection)) = self.find_connection(name).await? {
            return Ok(connection);
        }
        let known = self.connections().await?;
        let error = Error::new(ErrorKind::NotFound, format!("there is no connection {name:?}"))
            .in_operation("orchestrator.connection");
        Err(match did_you_mean(name, known.iter().map(|connection| connection.name.as_str())) {
            Some(hint) => error.help(hint),
            None => error.help("`vitesse connections` lists them, `vitesse connect` adds one"),
        })
    }

    /// Removes a connection and its secrets. Integrations that name it keep running with what they were given.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that name, and whatever the credential source fails with.
    pub async fn disconnect(&self, name: &str) -> Result<()> {
        let connection = self.connection(name).await?;
        for part in &connection.parts {
            let name = secret_name(&connection.name, part);
            match self.inner.credentials.remove(&name) {
                // What can only be read isn't ours to remove.
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                removed => removed?,
            }
        }
        let key = self.connection_key(&connection.name);
        self.inner.repository.store().commit(Batch::new().delete(key, Expect::Any)).await.map(drop)
    }

    /// A part of a connection, if there is one.
    pub(in crate::orchestrator) fn part(&self, name: &str, part: &str) -> Result<Option<Secret>> {
        let secret = self.inner.credentials.get(&secret_name(name, part))?;
        Ok(secret.filter(|secret| !secret.is_empty()))
    }

    pub(super) async fn find_connection(&self, name: &str) -> Result<Option<(Revision, Connection)>> {
        let key = self.connection_key(name);
        let document = self.inner.repository.store().get(&key).await?;
        document.map(|document| Ok((document.revision, read(&document.value, &key)?))).transpose()
    }

    pub(super) async fn write_connection(&self, connection: &Connection, expect: Expect) -> Result<()> {
        let value = serde_json::to_vec(connection).map_err(|error| {
            Error::new(ErrorKind::Internal, "a connection can't be written as JSON").source(error)
        })?;
        let batch = Batch::new().put(self.connection_key(&connection.name), expect, value);
        self.inner.repository.store().commit(batch).await.map(drop)
    }

    fn connection_key(&self, name: &str) -> Key {
        Key::new(self.inner.repository.namespace(), CONNECTIONS, name)
    }
}

/// Under which name a credential source keeps a part: `VITESSE_CONNECTION_MY_CRM__TOKEN`. The two lines keep the
/// connection `a` with its `CLIENT_ID` apart from a connection `a-client`.
pub(in crate::orchestrator) fn secret_name(connection: &str, part: &str) -> String {
    let name: String =
        connection.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }).collect();
    format!("VITESSE_CONNECTION_{name}__{part}")
}

pub(super) fn checked_name(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.contains("--")
        && !name.ends_with('-');
    match sound {
        true => Ok(name.to_owned()),
        false => Err(invalid(name, "this can't be a connection's name".into())
            .help("use small letters, digits and single dashes, as in `my-crm`")),
    }
}

fn read(value: &[u8], key: &Key) -> Result<Connection> {
    serde_json::from_slice(value).map_err(|error| {
        Error::new(ErrorKind::StoreFailed, "a connection can't be read")
            .in_operation("orchestrator.connections")
            .with("key", key)
            .source(error)
    })
}

fn invalid(name: &str, what: String) -> Error {
    Error::new(ErrorKind::InvalidInput, what)
        .in_operation("orchestrator.connect")
        .with("connection", name.escape_debug())
}
