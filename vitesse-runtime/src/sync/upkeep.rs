//! Dead letters, forgetting, runs and checks.

use vitesse_core::config::{Config, VARIABLES};
use vitesse_core::mapping::Functions;
use vitesse_core::progress::Progress;
use vitesse_core::sync::{Credentials, Letter, Letters, Options, Peers, Sync, load_mappings};
use vitesse_core::transform::Plan;
use vitesse_core::{Error, ErrorKind, Result};

use super::{Opened, block_on, json};
use crate::args::{Command, DeadLetters, LetterPlace, Place};
use crate::print;

/// Runs one of the smaller commands.
pub(crate) fn run(command: Command, functions: &Functions) -> Result<()> {
    block_on(async {
        match command {
            Command::DeadLetters { command } => dead_letters(command, functions).await,
            Command::Forget { place, stream, id } => {
                let sync = open(&place, functions).await?;
                sync.forget(&chosen(&sync, stream)?, &id).await
            }
            Command::Reset { place, stream, from, until } => {
                let sync = open(&place, functions).await?;
                sync.reset(&chosen(&sync, stream)?, from.as_deref(), until.as_deref()).await
            }
            Command::Runs { place, limit, json: as_json } => {
                for run in open(&place, functions).await?.runs(limit).await? {
                    if as_json {
                        print(&format!("{}\n", json(&run)?))?;
                        continue;
                    }
                    let ended = match (&run.error, run.finished_at) {
                        (Some(error), _) => format!("stopped: {error}"),
                        (None, Some(_)) => "ended".to_owned(),
                        (None, None) => "runs, or was killed".to_owned(),
                    };
                    print(&format!("{}  {}  {ended}\n", run.id, run.report.total()))?;
                }
                Ok(())
            }
            Command::Check { env, place } => check(env, &place, functions),
            Command::Transform(_) | Command::Sync(_) => {
                Err(Error::new(ErrorKind::Internal, "this command is run elsewhere"))
            }
        }
    })
}

async fn open(place: &Place, functions: &Functions) -> Result<Sync> {
    Opened::new(place)?.sync(functions, Options::default()).await
}

/// The stream that was named, or the only one.
fn chosen(sync: &Sync, named: Option<String>) -> Result<String> {
    let mut streams = sync.streams();
    match (named, streams.next(), streams.next()) {
        (Some(named), ..) => Ok(named),
        (None, Some(only), None) => Ok(only.to_owned()),
        _ => {
            Err(Error::new(ErrorKind::InvalidInput, "there are several streams")
                .help("name one with --stream"))
        }
    }
}

async fn dead_letters(command: DeadLetters, functions: &Functions) -> Result<()> {
    let opened = async |place: &LetterPlace| -> Result<(Sync, String)> {
        let sync = open(&place.place, functions).await?;
        let stream = chosen(&sync, place.stream.clone())?;
        Ok((sync, stream))
    };
    match command {
        DeadLetters::List { place, json: as_json } => {
            let (sync, stream) = opened(&place).await?;
            for letter in all(&sync, &stream).await? {
                let line = match as_json {
                    true => json(&letter)?,
                    false => format!("{}  {}  {}", letter.id, letter.reason.id(), letter.message),
                };
                print(&format!("{line}\n"))?;
            }
            Ok(())
        }
        DeadLetters::Show { place, id } => {
            let (sync, stream) = opened(&place).await?;
            let letter = sync.letter(&stream, &id).await?;
            let text = serde_json::to_string_pretty(&letter).map_err(|error| {
                Error::new(ErrorKind::Internal, "the letter can't be written").source(error)
            })?;
            print(&format!("{text}\n"))
        }
        DeadLetters::Replay { place, id, all: every, force } => {
            let (sync, stream) = opened(&place).await?;
            let ids = match id {
                Some(id) if !every => vec![id],
                _ => all(&sync, &stream).await?.into_iter().map(|letter| letter.id).collect(),
            };
            let mut refused = None;
            for id in ids {
                match sync.replay(&stream, &id, force, &Progress::none()).await {
                    Ok(counts) if counts.dead == 0 => print(&format!("{id}  delivered\n"))?,
                    Ok(_) => print(&format!("{id}  failed again\n"))?,
                    Err(error) if every && !error.is_temporary() => {
                        print(&format!("{id}  not replayed: {error}\n"))?;
                        refused = Some(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            refused.map_or(Ok(()), Err)
        }
        DeadLetters::Drop { place, id } => {
            let (sync, stream) = opened(&place).await?;
            Letters::new(sync.state()).drop_letter(&stream, &id).await
        }
        DeadLetters::Delivered { place, id, dest_id } => {
            let (sync, stream) = opened(&place).await?;
            Letters::new(sync.state()).delivered(&stream, &id, dest_id).await
        }
    }
}

async fn all(sync: &Sync, stream: &str) -> Result<Vec<Letter>> {
    let letters = Letters::new(sync.state());
    let mut found: Vec<Letter> = Vec::new();
    loop {
        let after = found.last().map(|letter| letter.id.clone());
        let (page, more) = letters.list(stream, after.as_deref(), 100).await?;
        found.extend(page);
        if !more {
            return Ok(found);
        }
    }
}

/// The variables that this binary reads.
fn is_read(name: &str) -> bool {
    name.starts_with("VITESSE_SOURCE_")
        || name.starts_with("VITESSE_DEST_")
        || matches!(
            name,
            "VITESSE_MAPPING"
                | "VITESSE_STATE"
                | "SOURCE_API_KEY"
                | "DEST_API_KEY"
                | "BATCH_SIZE"
                | "SECRET_KEY"
                | "SSL_CERT_FILE"
                | "VITESSE_ALLOW"
        )
}

fn check(env: bool, place: &Place, functions: &Functions) -> Result<()> {
    let config = Config::from_env()?;
    let mapping = place.mapping.clone().or_else(|| config.mapping.clone());
    let mappings = mapping.map(|path| load_mappings(&path)).transpose()?.unwrap_or_default();
    for mapping in &mappings {
        Plan::compile(mapping, functions).map_err(|error| error.with("stream", &mapping.stream))?;
    }
    let credentials = Credentials::of(&config, None);
    let mut missing: Vec<String> = Vec::new();
    for (name, set) in mappings.iter().flat_map(|mapping| Peers::needs(mapping, &credentials)) {
        if !set && !missing.contains(&name) {
            missing.push(name);
        }
    }
    if place.mapping.is_none() && config.mapping.is_none() {
        missing.push("VITESSE_MAPPING".into());
    }
    if place.state.is_none() && config.state.is_none() {
        missing.push("VITESSE_STATE".into());
    }
    if env {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        for variable in VARIABLES.iter().filter(|variable| is_read(variable.name)) {
            let name = variable.name;
            let state = match () {
                () if set(name) => "set",
                () if set(&format!("{name}_FILE")) => "set by file",
                () if missing.iter().any(|missing| missing == name) => "MISSING",
                () => "not set",
            };
            print(&format!("{name:<30} {state:<12} {}\n", variable.doc))?;
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::ConfigInvalid, format!("{} not set", missing.join(", ")))
        .in_operation("runtime.check")
        .help("set them, or name files that hold them in the same names with _FILE"))
}
