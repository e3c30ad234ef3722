//! One file a command: call the core, hand the report to [`Ui`].

mod completions;
mod connections;
mod create;
mod demo;
mod deploy;
mod deployments;
mod discover;
mod env;
mod errors;
mod export;
mod history;
mod image;
mod ingest;
mod keys;
mod list;
mod logs;
mod man;
mod manage;
mod map;
mod match_fields;
mod mock;
mod project;
mod review;
mod serve;
mod session;
mod spec;
mod status;
mod store;
mod test;

use vitesse_core::config::Config;
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::{Cli, Command};
use crate::ui::Ui;
use session::Session;

pub(crate) fn run(cli: Cli, config: Result<Config>, ui: &Ui) -> Result<()> {
    let config = config.map(|mut config| {
        if let Some(url) = cli.global.store {
            config.store = Some(url.into());
        }
        config
    });
    let actor = cli.global.actor;
    let session = |config| Session { config, ui, actor, progress: ui.progress() };
    match cli.command {
        Command::Demo(args) => demo::run(&args, config?, ui),
        Command::Create(args) => create::run(&args, &session(config?)),
        Command::Ingest(args) => ingest::run(&args, &session(config?)),
        Command::Map(args) => map::run(&args, &session(config?)),
        Command::Review(args) => review::run(&args, &session(config?)),
        Command::Test(args) => test::run(&args, &session(config?)),
        Command::Deploy(args) => deploy::run(&args, &session(config?)),
        Command::Deployments(args) => deployments::list(&args, &session(config?)),
        Command::Rollback(args) => deployments::roll_back(&args, &session(config?)),
        Command::Image(args) => image::run(&args, &session(config?)),
        Command::Status(args) => status::run(&args, &session(config?)),
        Command::List(args) => list::run(&args, &session(config?)),
        Command::Logs(args) => logs::run(&args, &session(config?)),
        Command::History(args) => history::run(&args, &session(config?)),
        Command::Sync(args) => manage::sync(&args, &session(config?)),
        Command::Pause(args) => manage::pause(&args, &session(config?)),
        Command::Resume(args) => manage::resume(&args, &session(config?)),
        Command::Delete(args) => manage::delete(&args, &session(config?)),
        Command::Connect(args) => connections::add(&args, &session(config?)),
        Command::Connections(args) => connections::run(&args, &session(config?)),
        Command::Plan(args) => project::plan(&args, &session(config?)),
        Command::Apply(args) => project::apply(&args, &session(config?)),
        Command::Export(args) => export::run(&args, &session(config?)),
        Command::Serve(args) => serve::run(&args, &session(config?)),
        Command::Keys(args) => keys::run(&args, &session(config?)),
        Command::Store(command) => store::run(&command, &config?, ui),
        Command::Discover(args) => discover::run(&args, ui),
        Command::Spec(args) => spec::run(&args, &config?, ui),
        Command::Env { example } => env::run(example, &config, ui),
        Command::Errors { id } => errors::run(id.as_deref(), ui),
        Command::Completions { shell } => completions::run(shell, ui),
        Command::Match(args) => match_fields::run(&args, config, ui),
        Command::Mock(args) => mock::run(&args, &config?, ui),
        Command::Man { folder } => man::run(&folder, ui),
    }
}

/// Ends when the process is asked to.
async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Runs a future to its end: for commands that talk to a store or a network.
fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "the worker threads can't be started").source(error))?
        .block_on(work)
}
