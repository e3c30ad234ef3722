use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;
use vitesse_core::mapping::{ApiKeyAuth, Auth, BasicAuth, BearerAuth, KeyPlace, NoAuth, OAuth2Auth};
use vitesse_core::orchestrator::{AuthorizeOptions, Connection, ConnectionTest, NewConnection};
use vitesse_core::secret::{CredentialSource, EnvSource, Secret};
use vitesse_core::{Error, ErrorKind, Result};

use super::session::{Session, pair};
use crate::args::{Authorize, Connect, Connections};
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Connections, session: &Session<'_>) -> Result<()> {
    match args {
        Connections::Add(args) => add(args, session),
        Connections::List => {
            session.run(async |vitesse| session.ui.report(&All { connections: vitesse.connections().await? }))
        }
        Connections::Test { name } => session.run(async |vitesse| {
            let test = vitesse.test_connection(name).await?;
            let failed = (!test.ok).then(|| {
                Error::new(ErrorKind::CredentialRefused, format!("the connection {name} can't be used"))
                    .in_operation("cli.connections")
                    .with("found", &test.detail)
            });
            session.ui.report(&Tried { name: name.clone(), test })?;
            failed.map_or(Ok(()), Err)
        }),
        Connections::Remove { name } => session.run(async |vitesse| {
            vitesse.disconnect(name).await?;
            session.ui.report(&Removed { removed: name.clone() })
        }),
        Connections::Authorize(args) => authorize(args, session),
    }
}

pub(crate) fn add(args: &Connect, session: &Session<'_>) -> Result<()> {
    let (auth, secrets) = credentials(args)?;
    session.run(async |vitesse| {
        let new = NewConnection { name: args.name.clone(), base_url: args.url.clone(), auth, secrets };
        session.ui.report(&Added { connection: vitesse.connect(new).await? })
    })
}

/// The kind of the connection, and its secrets from the environment.
fn credentials(args: &Connect) -> Result<(Auth, BTreeMap<String, Secret>)> {
    let read = |name: &str| EnvSource.require(name);
    let one = |part: &str, secret: Secret| BTreeMap::from([(part.to_owned(), secret)]);
    let two = |names: [&str; 2], variable: &str| -> Result<BTreeMap<String, Secret>> {
        let both = read(variable)?;
        let (first, second) = both.expose().split_once(':').ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("{variable} isn't two parts with a colon between"))
                .in_operation("cli.connections")
        })?;
        Ok(BTreeMap::from([
            (names[0].to_owned(), Secret::new(first)),
            (names[1].to_owned(), Secret::new(second)),
        ]))
    };
    let key = |given: &str, place: KeyPlace| -> Result<(Auth, BTreeMap<String, Secret>)> {
        let (name, variable) = pair("a key", given)?;
        let auth = ApiKeyAuth { name: name.to_owned(), place, ..ApiKeyAuth::default() };
        Ok((Auth::ApiKey(auth), one("TOKEN", read(variable)?)))
    };
    Ok(match args {
        Connect { bearer_env: Some(variable), .. } => {
            (Auth::Bearer(BearerAuth::default()), one("TOKEN", read(variable)?))
        }
        Connect { basic_env: Some(variable), .. } => {
            (Auth::Basic(BasicAuth::default()), two(["USERNAME", "PASSWORD"], variable)?)
        }
        Connect { header_env: Some(given), .. } => key(given, KeyPlace::Header)?,
        Connect { query_env: Some(given), .. } => key(given, KeyPlace::Query)?,
        Connect { client_env: Some(variable), .. } => (
            Auth::OAuth2ClientCredentials(oauth(args.token_url.clone().unwrap_or_default(), &args.scopes)),
            two(["CLIENT_ID", "CLIENT_SECRET"], variable)?,
        ),
        _ => (Auth::None(NoAuth::default()), BTreeMap::new()),
    })
}

fn oauth(token_url: String, scopes: &[String]) -> OAuth2Auth {
    OAuth2Auth { token_url, scopes: scopes.to_vec(), ..OAuth2Auth::default() }
}

fn authorize(args: &Authorize, session: &Session<'_>) -> Result<()> {
    let client_secret = args.client_secret_env.as_deref().map(|name| EnvSource.require(name)).transpose()?;
    session.run(async |vitesse| {
        let options = AuthorizeOptions {
            name: args.name.clone(),
            base_url: args.url.clone(),
            authorization_url: args.authorize_url.clone(),
            oauth: oauth(args.token_url.clone(), &args.scopes),
            client_id: args.client_id.clone(),
            client_secret,
            port: args.port,
            within: Duration::from_secs(args.within),
        };
        let asked = vitesse.authorize(options).await?;
        // A person may take long, and other commands want to work meanwhile.
        drop(vitesse);
        // On stderr, so that the answer on stdout stays one document. A closed stderr is nobody's problem.
        let _ = writeln!(std::io::stderr(), "Open this address in a browser:\n\n  {}\n", asked.url);
        let new = asked.answer().await?;
        session.ui.report(&Added { connection: session.open().await?.connect(new).await? })
    })
}

#[derive(Serialize)]
struct All {
    connections: Vec<Connection>,
}

impl Show for All {
    fn show(&self, screen: &mut Screen) {
        if self.connections.is_empty() {
            screen.line("There is no connection.");
            screen.hint("vitesse connect NAME URL --bearer-env VARIABLE");
            return;
        }
        let row = |one: &Connection| {
            let test = match &one.last_test {
                Some(test) if test.ok => "fine".to_owned(),
                Some(test) => test.detail.clone(),
                None => "never tried".to_owned(),
            };
            vec![
                one.name.clone(),
                one.base_url.clone(),
                one.auth.name().to_owned(),
                one.parts.join(", "),
                test,
            ]
        };
        let rows = self.connections.iter().map(row).collect();
        screen.table(&["name", "address", "kind", "secrets", "last test"], rows);
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Added {
    connection: Connection,
}

impl Show for Added {
    fn show(&self, screen: &mut Screen) {
        let Connection { name, base_url, .. } = &self.connection;
        screen.done(format!("{name} connects to {base_url}"));
        screen.hint(format!("vitesse connections test {name}"));
    }
}

#[derive(Serialize)]
struct Tried {
    name: String,
    #[serde(flatten)]
    test: ConnectionTest,
}

impl Show for Tried {
    fn show(&self, screen: &mut Screen) {
        if self.test.ok {
            screen.done(format!("{}: {}", self.name, self.test.detail));
        }
    }
}

#[derive(Serialize)]
struct Removed {
    removed: String,
}

impl Show for Removed {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("{} is removed, with its secrets", self.removed));
    }
}
