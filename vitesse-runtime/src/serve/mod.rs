//! `serve` and `health`: arguments, threads, signals and lines of logs. The rules are in the core's room `service`.

pub(crate) mod check;

use std::net::{Ipv4Addr, SocketAddr};

use vitesse_core::config::Config;
use vitesse_core::mapping::Functions;
use vitesse_core::progress::Cancel;
use vitesse_core::service::{Level, Log, Service, ServiceOptions};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args;
use crate::sync::{block_on, stop_on_signals};

/// Runs `serve`.
pub(crate) fn run(arguments: &args::Serve, functions: &Functions) -> Result<()> {
    let config = config(&arguments.place)?;
    let options = ServiceOptions::from_config(&config)?;
    let level: Level = config.log.parse().unwrap_or(Level::Notice);
    let log = Log::new(level, |line| crate::say(&line.to_json()));
    more_descriptors();
    let work = async {
        let stop = Cancel::new();
        stop_on_signals(stop.clone());
        let service = Service::open(functions.clone(), &config, options, log).await?;
        retire_on_signal(service.retire());
        match arguments.once {
            true => service.once(&stop).await.map(drop),
            false => service.serve(&stop).await,
        }
    };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, "no runtime could be started").source(error))?
        .block_on(work)
}

/// SIGUSR1: whoever routes by health is to look elsewhere, since a signal to stop comes soon.
fn retire_on_signal(retire: Cancel) {
    #[cfg(unix)]
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut told) = signal(SignalKind::user_defined1())
            && told.recv().await.is_some()
        {
            retire.cancel();
        }
    });
    #[cfg(not(unix))]
    drop(retire);
}

/// Runs `health`.
pub(crate) fn health(listen: Option<SocketAddr>) -> Result<()> {
    let config = Config::from_env()?;
    let address = listen.or(config.listen).unwrap_or((Ipv4Addr::LOCALHOST, 8080).into());
    block_on(vitesse_core::service::health(address))
}

/// The environment, with what the arguments say instead.
fn config(place: &args::Place) -> Result<Config> {
    let mut config = Config::from_env()?;
    if let Some(mapping) = &place.mapping {
        config.mapping = Some(mapping.clone());
    }
    if let Some(state) = &place.state {
        config.state = Some(state.clone().into());
    }
    Ok(config)
}

/// Each connection takes one descriptor, and the usual limit is a thousand.
fn more_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // Where that isn't allowed the old limit holds, and more connections wait.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}
