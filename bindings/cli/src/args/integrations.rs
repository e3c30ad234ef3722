//! What the commands of the five steps take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// An integration.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The integration: its name, its id, or the beginning of its id.
    #[arg(value_name = "INTEGRATION")]
    pub(crate) which: String,
}

/// What `create` takes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is called.
    pub(crate) name: String,
    /// The source: a description's file or address, an API's address, or an id that `discover` shows.
    pub(crate) source: String,
    /// The destination, likewise.
    pub(crate) dest: String,
    /// What it is for, in your words: "sync customers and orders".
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) intent: String,
    /// What people should know of it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,
    /// Where it is to run: process, local, eks or ecs.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// A field of the source and the one it becomes. Repeatable.
    #[arg(long = "hint", value_name = "A=B")]
    pub(crate) hints: Vec<String>,
    /// A field of the source that is never sent. Repeatable.
    #[arg(long, value_name = "FIELD")]
    pub(crate) never_send: Vec<String>,
    /// An endpoint that is never called: `/path`, or `DELETE /path`. Repeatable.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) never_call: Vec<String>,
    /// Go on with ingest, map and test, and stop at the first that fails.
    #[arg(long)]
    pub(crate) run: bool,
}

/// What `ingest` takes.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The source's description, if it is elsewhere than `create` said: a file or an address.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) source: Option<String>,
    /// The destination's description.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) dest: Option<String>,
    /// The connection that fetches the source's description, where it is behind a login.
    #[arg(long, value_name = "NAME")]
    pub(crate) source_connection: Option<String>,
    /// The connection that fetches the destination's description.
    #[arg(long, value_name = "NAME")]
    pub(crate) dest_connection: Option<String>,
}

/// What `map` takes.
#[derive(Debug, Args)]
pub(crate) struct Map {
    #[command(flatten)]
    pub(crate) which: Which,
    /// What is read, as `GET /customers`; the intent chooses if nothing is said.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) from: Option<String>,
    /// What is written, as `POST /contacts`.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) to: Option<String>,
    /// One stream of several, in their order: `[NAME:] GET /a > POST /b`. Repeatable.
    #[arg(long = "stream", value_name = "STREAM", conflicts_with_all = ["from", "to"])]
    pub(crate) streams: Vec<String>,
    /// A field of the source and the one it becomes. Repeatable.
    #[arg(long = "hint", value_name = "A=B")]
    pub(crate) hints: Vec<String>,
    /// A field of the destination that always has this value, as JSON or text. Repeatable.
    #[arg(long = "constant", value_name = "FIELD=VALUE")]
    pub(crate) constants: Vec<String>,
    /// What the descriptions don't say, or say wrong: `source.base_url=https://…`; or the condition that records must
    /// meet: `filter={"field": "email", "is_null": false}`. Repeatable.
    #[arg(long = "override", value_name = "PLACE=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Begin anew: forget the lines that people reviewed.
    #[arg(long)]
    pub(crate) restart: bool,
}

/// What `test` takes.
#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) which: Which,
    /// How many synthetic records are tried, 1 to 100.
    #[arg(long, value_name = "N")]
    pub(crate) samples: Option<usize>,
    /// What the records follow from: the same seed gives the same report.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Don't run it between mocks of both APIs.
    #[arg(long)]
    pub(crate) no_rehearsal: bool,
    /// Ask the real APIs too, with the credentials of the connections; only calls that read.
    #[arg(long)]
    pub(crate) live: bool,
    /// With --live, write synthetic records to the destination, too. Nothing removes them again.
    #[arg(long, requires = "live")]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) connections: Connected,
    /// With --live, where the source is asked instead.
    #[arg(long, value_name = "URL", requires = "live")]
    pub(crate) source_url: Option<String>,
    /// With --live, where the destination is asked instead.
    #[arg(long, value_name = "URL", requires = "live")]
    pub(crate) dest_url: Option<String>,
}

/// The connections of the two sides.
#[derive(Debug, Args)]
pub(crate) struct Connected {
    /// The connection whose credentials the source gets.
    #[arg(long, value_name = "NAME")]
    pub(crate) source_connection: Option<String>,
    /// The connection whose credentials the destination gets.
    #[arg(long, value_name = "NAME")]
    pub(crate) dest_connection: Option<String>,
}

/// What `deploy` takes.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Where it goes, if elsewhere than it was created for.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// How many run.
    #[arg(long, value_name = "N")]
    pub(crate) replicas: Option<u32>,
    /// Memory of each, in MiB.
    #[arg(long, value_name = "MIB")]
    pub(crate) memory: Option<u32>,
    /// Processor share of each, in cores.
    #[arg(long, value_name = "CORES")]
    pub(crate) cpu: Option<f64>,
    #[command(flatten)]
    pub(crate) connections: Connected,
    /// A variable of what runs, such as VITESSE_DEST_BASE_URL=https://… Those of the last deployment stay; an empty value
    /// takes one away. Repeatable. Never a secret: those come from connections, or from variables of this process.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) environment: Vec<String>,
    /// What only the target knows, such as region=eu-west-1. Repeatable.
    #[arg(long = "config", value_name = "NAME=VALUE")]
    pub(crate) config: Vec<String>,
    /// Take variables from an env file, as `export` writes one: secrets become credentials of this integration.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Show the exact objects that would be made and how they differ from what runs, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Pass over the gate; the audit log says so.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What `rollback` takes.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The deployment's number, as `deployments` lists them; the last that differs from what runs if none is given.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u32>,
}

/// What `deployments` takes.
#[derive(Debug, Args)]
pub(crate) struct Deployments {
    #[command(flatten)]
    pub(crate) which: Which,
    /// How many of the latest.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// What `image` takes.
#[derive(Debug, Args)]
pub(crate) struct Image {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Write it to a file, as an archive that `docker load` and tools for OCI images read.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Push it to a registry, as registry.example.com/team/name:tag.
    #[arg(long, value_name = "PLACE")]
    pub(crate) push: Option<String>,
    /// The connection with the registry's user and password; else VITESSE_REGISTRY_USERNAME and
    /// VITESSE_REGISTRY_PASSWORD.
    #[arg(long, value_name = "NAME", requires = "push")]
    pub(crate) connection: Option<String>,
    /// Write to this folder the Dockerfile with everything it copies, to build it by hand.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) context: Option<PathBuf>,
}

/// What `list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those with this status.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Those that come after a page: what the page before gave as `next`.
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
}

/// What `logs` takes.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    pub(crate) which: Which,
    /// How many of the last lines.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Wait for more, until Ctrl-C.
    #[arg(long, short = 'f', conflicts_with = "json")]
    pub(crate) follow: bool,
    /// Show what was done in a deployment instead, and with --json the files that were generated for it: the latest, or
    /// the one of this number.
    #[arg(long, value_name = "N", num_args = 0..=1, conflicts_with_all = ["lines", "follow"])]
    pub(crate) build: Option<Option<u32>>,
}

/// What `history` takes.
#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) which: Which,
    /// How many of the latest entries.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

/// What `delete` takes.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Also if the target can't be reached: what runs there is then nobody's.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What `export` takes.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The folder; it is made if it isn't there.
    pub(crate) folder: PathBuf,
    /// Write over files that are there and differ.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// What `connections` takes.
#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// Add a connection, or replace the one of that name.
    Add(Connect),
    /// List connections; never their secrets.
    List,
    /// Try a connection: its token endpoint, then a read of the API's address.
    Test {
        /// The connection's name.
        name: String,
    },
    /// Remove a connection and its secrets.
    Remove {
        /// The connection's name.
        name: String,
    },
    /// Authorise a connection in the browser, by OAuth 2 with an authorization code and PKCE.
    Authorize(Authorize),
}

/// What `connect` and `connections add` take.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Its name: small letters, digits and single dashes.
    pub(crate) name: String,
    /// The address of the API; credentials are sent to its origin alone.
    pub(crate) url: String,
    /// Take the token for `Authorization: Bearer` from this environment variable.
    #[arg(long, value_name = "VARIABLE", group = "kind")]
    pub(crate) bearer_env: Option<String>,
    /// Take `user:password` from this environment variable.
    #[arg(long, value_name = "VARIABLE", group = "kind")]
    pub(crate) basic_env: Option<String>,
    /// Send a header with the key in an environment variable.
    #[arg(long, value_name = "HEADER=VARIABLE", group = "kind")]
    pub(crate) header_env: Option<String>,
    /// Send a parameter of the query with the key in an environment variable.
    #[arg(long, value_name = "NAME=VARIABLE", group = "kind")]
    pub(crate) query_env: Option<String>,
    /// Fetch tokens with the client's `id:secret` in this environment variable; needs --token-url.
    #[arg(long, value_name = "VARIABLE", group = "kind", requires = "token_url")]
    pub(crate) client_env: Option<String>,
    /// Where tokens come from.
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// What tokens are asked for. Repeatable.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
}

/// What `connections authorize` takes.
#[derive(Debug, Args)]
pub(crate) struct Authorize {
    /// Its name: small letters, digits and single dashes.
    pub(crate) name: String,
    /// The address of the API.
    pub(crate) url: String,
    /// Where people say yes.
    #[arg(long, value_name = "URL")]
    pub(crate) authorize_url: String,
    /// Where tokens come from.
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: String,
    /// The client's id.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: String,
    /// The client's secret, in this environment variable; public clients have none.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) client_secret_env: Option<String>,
    /// What tokens are asked for. Repeatable.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// The port of this machine that the browser comes back to; any, if none is given.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How many seconds to wait for the answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) within: u64,
}
