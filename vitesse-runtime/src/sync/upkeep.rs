//! Dead letters, forgetting and runs.

use vitesse_core::mapping::Functions;
use vitesse_core::progress::Progress;
use vitesse_core::sync::{Letters, Options, Sync};
use vitesse_core::{Error, ErrorKind, Result};

use super::options::retention;
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
            Command::Compact { place, keep } => {
                let options = Options { retention: retention(&keep), ..Options::default() };
                let dropped = Opened::new(&place)?.sync(functions, options).await?.compact().await?;
                print(&format!("{}\n", json(&dropped)?))
            }
            Command::Transform(_)
            | Command::Sync(_)
            | Command::Serve(_)
            | Command::Health { .. }
            | Command::Check { .. } => Err(Error::new(ErrorKind::Internal, "this command is run elsewhere")),
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
            let letters = Letters::new(sync.state());
            let mut after: Option<String> = None;
            loop {
                let (page, more) = letters.list(&stream, after.as_deref(), 100).await?;
                for letter in &page {
                    let line = match as_json {
                        true => json(letter)?,
                        false => format!("{}  {}  {}", letter.id, letter.reason.id(), letter.message),
                    };
                    print(&format!("{line}\n"))?;
                }
                after = page.into_iter().last().map(|letter| letter.id).or(after);
                if !more {
                    return Ok(());
                }
            }
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
                _ => ids(&sync, &stream).await?,
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

/// Without what the letters hold: there may be many.
async fn ids(sync: &Sync, stream: &str) -> Result<Vec<String>> {
    let letters = Letters::new(sync.state());
    let mut ids: Vec<String> = Vec::new();
    loop {
        let (page, more) = letters.list(stream, ids.last().map(String::as_str), 100).await?;
        ids.extend(page.into_iter().map(|letter| letter.id));
        if !more {
            return Ok(ids);
        }
    }
}
