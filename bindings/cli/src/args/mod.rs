//! What can be typed.

mod integrations;
mod review;
mod serve;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vitesse_core::mock::Latency;

pub(crate) use integrations::{
    Authorize, Connect, Connections, Create, Delete, Deploy, Deployments, Export, History, Image, Ingest,
    List, Logs, Map, Rollback, Test, Which,
};
pub(crate) use review::{ProjectFile, Review};
pub(crate) use serve::{Keys as KeysCommand, Serve};

/// Connect two business APIs: from their descriptions to a tested, running integration.
#[derive(Debug, Parser)]
#[command(name = "vitesse", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes tell what kind of error it was: `vitesse errors` lists them.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Print one JSON document instead of text; errors too, on stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The store: `memory:`, `embedded:PATH` or `postgres://…`. Wins over the environment.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Log more on stderr: -v what happens, -vv every detail.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// No progress and no notes, only the answer.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Who acts, as the audit log names them; your login name if nobody is named.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) actor: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See all of it work in a minute: two businesses, five steps, a thousand customers, on this machine alone.
    Demo(Demo),
    /// Make an integration of two APIs.
    Create(Create),
    /// Read the descriptions of both APIs.
    Ingest(Ingest),
    /// Find which fields of the source become which of the destination.
    Map(Map),
    /// Look at the mapping line by line; accept, change, reject and add lines; try it on a record.
    Review(Review),
    /// Prove the mapping on synthetic records.
    Test(Test),
    /// Bring up what was tested, and wait until it is healthy.
    Deploy(Deploy),
    /// List the deployments that were tried, newest first.
    Deployments(Deployments),
    /// Bring back an earlier deployment, and wait until it is healthy.
    Rollback(Rollback),
    /// Make the image of an integration: write it to a file, push it, or prepare a folder for `docker build`.
    Image(Image),
    /// Tell how an integration is, and what runs of it.
    Status(Which),
    /// List integrations, newest first.
    List(List),
    /// Have what runs move records now, beside its schedule, and wait until it did.
    Sync(Which),
    /// Show the log of what runs.
    Logs(Logs),
    /// Tell what was done to an integration, by whom, and how it ended.
    History(History),
    /// Stop what runs, and keep its place and its state.
    Pause(Which),
    /// Start what was paused.
    Resume(Which),
    /// Destroy what runs of an integration, and remove it with every record of it.
    Delete(Delete),
    /// Add a connection: a named set of credentials for one API.
    Connect(Connect),
    /// Add, list, try and remove connections.
    #[command(subcommand)]
    Connections(Connections),
    /// Show what `apply` would do.
    Plan(ProjectFile),
    /// Make an integration as a file describes it: what differs, and nothing else.
    Apply(ProjectFile),
    /// Write the complete project of an integration to a folder.
    Export(Export),
    /// Answer over HTTP: the control plane.
    Serve(Serve),
    /// Add, list and take back the keys of those who may ask the control plane.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look at the store: which it is, and whether it answers.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Search the built-in catalogue of public APIs, by name or by what they do.
    Discover(Discover),
    /// Read an API's description and tell what is in it and what is wrong with it.
    Spec(SpecArgs),
    /// List the environment variables that are read, with their meaning.
    Env {
        /// Print an example file instead.
        #[arg(long, conflicts_with = "json")]
        example: bool,
    },
    /// List the kinds of error with their exit codes, or explain one.
    Errors {
        /// The id of an error, such as `spec_invalid`.
        id: Option<String>,
    },
    /// Find which fields of one schema become which of another, without a network.
    Match(Match),
    /// Answer as an API would, from its description.
    Mock(MockArgs),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages to a folder.
    Man {
        /// The folder; it is made if it isn't there.
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Open the store and ask whether it can serve.
    Check,
}

/// What `demo` takes.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many customers the shop has; each has two orders.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) customers: u32,
}

/// What `discover` takes.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// What the API is called or what it does.
    #[arg(required = true)]
    pub(crate) query: Vec<String>,
    /// How many results, at most 100.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

/// What `match` takes.
#[derive(Debug, Args)]
pub(crate) struct Match {
    /// The source: a JSON Schema file, or an endpoint of an API's description (file or URL) as
    /// `shop.yaml#GET /customers`. Without an endpoint the intent chooses.
    #[arg(required_unless_present = "batch")]
    pub(crate) source: Option<String>,
    /// The destination, likewise: `crm.json#POST /contacts`.
    #[arg(required_unless_present = "batch")]
    pub(crate) dest: Option<String>,
    /// What the integration is for, in your words.
    #[arg(long, value_name = "TEXT", conflicts_with = "batch")]
    pub(crate) intent: Option<String>,
    /// A pair that holds, as SOURCE=DEST paths. Repeatable.
    #[arg(long = "hint", value_name = "A=B")]
    pub(crate) hints: Vec<String>,
    /// A field of the destination that always has this value, as JSON or text. Repeatable.
    #[arg(long = "constant", value_name = "FIELD=VALUE", conflicts_with = "batch")]
    pub(crate) constants: Vec<String>,
    /// A field of the source that is never sent. Repeatable.
    #[arg(long, value_name = "FIELD", conflicts_with = "batch")]
    pub(crate) never_send: Vec<String>,
    /// Answer every case file of a folder instead.
    #[arg(long, value_name = "FOLDER", requires = "out", conflicts_with_all = ["source", "hints"])]
    pub(crate) batch: Option<PathBuf>,
    /// Let a language model behind this address (`https://api.openai.com/v1`, or any that answers alike) choose among
    /// the candidates of what is undecided. It is sent names, types and descriptions of those fields and the intent;
    /// the key is in OPENAI_API_KEY.
    #[arg(long, value_name = "URL", conflicts_with = "batch")]
    pub(crate) llm_url: Option<String>,
    /// Which model to ask; else the one LLM_MODEL names.
    #[arg(long, value_name = "MODEL", requires = "llm_url")]
    pub(crate) llm_model: Option<String>,
    /// Where the mapping document goes; with --batch, the answers to the cases.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SpecArgs {
    /// A file, the description's URL, or with --find an API's.
    #[arg(value_name = "FILE|URL")]
    pub(crate) address: String,
    /// Look for the description: where the page there says, and at the usual places.
    #[arg(long)]
    pub(crate) find: bool,
    /// Read a JSON Schema, or sample records as JSON, NDJSON or CSV: for APIs without a description.
    #[arg(long, conflicts_with = "find")]
    pub(crate) data: bool,
    /// Show every diagnostic, not only the first of each kind.
    #[arg(long)]
    pub(crate) all: bool,
    /// Send the token in this environment variable, to the URL's origin only.
    #[arg(long, value_name = "VARIABLE", group = "credential")]
    pub(crate) bearer_env: Option<String>,
    /// Send `user:password` from this environment variable, to the URL's origin only.
    #[arg(long, value_name = "VARIABLE", group = "credential")]
    pub(crate) basic_env: Option<String>,
    /// Send a header with the value of an environment variable, to the URL's origin only.
    #[arg(long, value_name = "HEADER=VARIABLE", group = "credential")]
    pub(crate) header_env: Option<String>,
}

/// What `mock` takes.
#[derive(Debug, Args)]
pub(crate) struct MockArgs {
    /// The description: a file or a URL.
    #[arg(value_name = "FILE|URL")]
    pub(crate) address: String,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 4010)]
    pub(crate) port: u16,
    /// The address to listen on.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Keep what is created, changed and deleted.
    #[arg(long)]
    pub(crate) stateful: bool,
    /// The same seed gives the same answers.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How many generated records each list begins with.
    #[arg(long, value_name = "COUNT", default_value_t = 25)]
    pub(crate) records: usize,
    /// Records to begin with instead: a JSON object of collections, each a list.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// What goes wrong, and when: a JSON file of rules.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// How long answers take: `50ms`, or `50ms..200ms`.
    #[arg(long, value_name = "TIME")]
    pub(crate) latency: Option<Latency>,
    /// How much may be asked: `10/1s`, or `spec` for what the description says.
    #[arg(long, value_name = "LIMIT")]
    pub(crate) rate_limit: Option<String>,
    /// Take only the key, token or user:password in this environment variable; id:secret for an OAuth client. Repeatable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "no_auth")]
    pub(crate) token_env: Vec<String>,
    /// Don't ask for credentials.
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Let requests through that break the description.
    #[arg(long)]
    pub(crate) no_validate: bool,
    /// What a repeated idempotency key does.
    #[arg(long, value_name = "HOW", default_value = "described")]
    pub(crate) idempotency: Keys,
    /// Answer this request and end, instead of listening: `METHOD PATH [BODY]`. Repeatable.
    #[arg(long, value_name = "REQUEST")]
    pub(crate) ask: Vec<String>,
    /// A header of the requests of --ask, as `Name: value`. Repeatable.
    #[arg(long = "header", short = 'H', value_name = "HEADER", requires = "ask")]
    pub(crate) headers: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keys {
    /// Gives the first answer again where the description has a header for it.
    Described,
    /// Gives the first answer again everywhere.
    Honoured,
    /// Makes another record.
    Ignored,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::Cli;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// The reference page of the book is the help of every command, as it is printed.
    #[test]
    fn generated_page_of_the_command() {
        let mut page = String::from(
            "# The command\n\n<!-- Written by `make generate` from the code; change it there. -->\n\n\
             `vitesse` answers on stdout and tells everything else on stderr. With `--json` the answer is one JSON\n\
             document, and so is an error. An [exit code](errors.md) says which kind of error it was.\n",
        );
        let mut root = Cli::command().term_width(100);
        root.build();
        help(&root, &mut page);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/cli.md");
        vitesse_core::testing::assert_generated(file, &page);
    }

    fn help(command: &Command, page: &mut String) {
        let name = command.get_bin_name().unwrap_or("vitesse").to_owned();
        let text = command.clone().disable_help_subcommand(true).render_long_help().to_string();
        let text: Vec<_> = text.lines().map(str::trim_end).collect();
        page.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", text.join("\n").trim_end()));
        command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| help(sub, page));
    }
}
