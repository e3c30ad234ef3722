//! `sync`: arguments, a progress line, signals and exit codes. The rules are in the core's room of that name.

mod options;
mod progress;
pub(crate) mod upkeep;

use vitesse_core::config::Config;
use vitesse_core::mapping::{Functions, Mapping};
use vitesse_core::net::NetConfig;
use vitesse_core::progress::Cancel;
use vitesse_core::store::OpenOptions;
use vitesse_core::sync::{Credentials, Options, Sync, load_mappings, open_state};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args;

/// Runs the command.
pub(crate) fn run(arguments: &args::Sync, functions: &Functions) -> Result<()> {
    block_on(async {
        let opened = Opened::new(&arguments.place)?;
        let options = options::options(arguments, &opened.config)?;
        let sync = opened.sync(functions, options).await?;
        let line = progress::Line::new(arguments.quiet);
        let progress = line.progress();
        stop_on_signals(progress.cancel().clone());
        if arguments.dry_run {
            for planned in sync.preview(arguments.limit.unwrap_or(10), progress.cancel()).await? {
                crate::print(&format!("{}\n", json(&planned)?))?;
            }
            return Ok(());
        }
        let outcome = sync.run(&progress).await;
        line.finish();
        let report = outcome?;
        if !arguments.quiet {
            for stream in &report.streams {
                crate::say(&format!("{}: {}", stream.stream, stream.counts));
            }
        }
        if arguments.json {
            crate::print(&format!("{}\n", json(&report)?))?;
        }
        Ok(())
    })
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "the answer can't be written").source(error))
}

/// What the commands on a sync have in common.
pub(crate) struct Opened {
    pub(crate) config: Config,
    pub(crate) mappings: Vec<Mapping>,
    state: String,
}

impl Opened {
    pub(crate) fn new(place: &args::Place) -> Result<Self> {
        let config = Config::from_env()?;
        let mapping = place.mapping.clone().or_else(|| config.mapping.clone()).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, "no mapping is named")
                .help("give --mapping, or set VITESSE_MAPPING")
        })?;
        let state = Self::state(place, &config).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, "no place for the state is named")
                .help("give --state, or set VITESSE_STATE: a path on a volume, or a PostgreSQL URL")
        })?;
        Ok(Self { mappings: load_mappings(&mapping)?, config, state })
    }

    fn state(place: &args::Place, config: &Config) -> Option<String> {
        place.state.clone().or_else(|| config.state.as_ref().map(|state| state.expose().to_owned()))
    }

    pub(crate) async fn sync(&self, functions: &Functions, options: Options) -> Result<Sync> {
        let integration = self.mappings.first().map_or("", |mapping| mapping.integration_id.as_str());
        let key = self.config.secret_key.as_ref();
        let (state, kept) = open_state(&self.state, key, integration, &OpenOptions::default()).await?;
        let credentials = Credentials::of(&self.config, kept);
        let net = NetConfig::from_config(&self.config)?;
        Sync::open(&self.mappings, functions, &credentials, &net, state, options)
    }
}

/// Runs a future on a runtime of one thread: what takes time here is waiting.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, "no runtime could be started").source(error))?
        .block_on(work)
}

/// The first signal lets what is under way end; a second one doesn't wait for it.
pub(crate) fn stop_on_signals(cancel: Cancel) {
    tokio::spawn(async move {
        for round in 0.. {
            if !signal().await {
                return;
            }
            if round > 0 {
                // What is under way is durable as an intent, and cleared up at the next start.
                std::process::exit(i32::from(ErrorKind::Cancelled.exit_code()));
            }
            cancel.cancel();
        }
    });
}

#[cfg(unix)]
async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return false;
    };
    std::future::poll_fn(|context| {
        let stopped = terminate.poll_recv(context).is_ready() || interrupt.poll_recv(context).is_ready();
        if stopped { std::task::Poll::Ready(true) } else { std::task::Poll::Pending }
    })
    .await
}

#[cfg(not(unix))]
async fn signal() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
