//! A review that asks: one edit a line, until the person is done.

use std::io::{BufRead as _, Write as _};

use uuid::Uuid;
use vitesse_core::error::did_you_mean;
use vitesse_core::orchestrator::{Review, Vitesse};
use vitesse_core::{Error, ErrorKind, Result};

use super::edits;
use crate::commands::session::{Session, short};
use crate::ui::{Screen, Show};

const HELP: &str = "\
accept LINE       the line is right (its number, or the field it writes); `accept all`, `accept above 0.9`
reject LINE       the line is wrong, and isn't proposed again
set DEST=SOURCE   the field comes from elsewhere: `set name=full_name`, `set name=upper(full_name)`
constant DEST=X   the field always has this value
disable LINE      leave a line out without forgetting it; `enable LINE` takes it back in
require LINE      a record fails if the line gives nothing
note LINE=TEXT    a note for people
try RECORD        what becomes of a record, written as JSON on this line
stream NAME       go on with another stream
show              the table again
done              end; everything is kept as it was said";

const VERBS: &[&str] = &[
    "accept", "reject", "set", "constant", "disable", "enable", "require", "note", "try", "stream", "show",
    "help", "done", "quit",
];

/// Asks until the person is done or the input ends. A mistake is told, and the next line is read.
pub(super) async fn until_done(
    vitesse: &Vitesse,
    id: Uuid,
    stream: Option<&str>,
    session: &Session<'_>,
) -> Result<()> {
    let mut review = vitesse.review(id).await?;
    let mut stream = stream.map(str::to_owned).or_else(|| Some(review.streams.first()?.name.clone()));
    while let Some(line) = next(stream.as_deref())? {
        session.cancel().check()?;
        let (verb, words) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let outcome = match verb {
            "" => Ok(()),
            "done" | "quit" => break,
            "help" | "?" => session.ui.say(HELP),
            "show" => session.ui.report(&Table { review: &review, stream: stream.as_deref() }),
            "stream" => edits::stream(&review, Some(words.trim())).map(|found| {
                stream = Some(found.name.clone());
            }),
            "try" => super::show_tried(vitesse, id, stream.as_deref(), words, session).await,
            verb => {
                let made = make(vitesse, id, verb, words.trim(), &review, stream.as_deref()).await;
                // An edit that failed is on record too, so what was seen before it is old either way.
                review = vitesse.review(id).await?;
                made.and_then(|made| session.ui.say(&made))
            }
        };
        if let Err(error) = outcome {
            session.ui.tell(&error);
        }
    }
    session.ui.report(&End { id })
}

/// Makes one edit, and says what was made.
async fn make(
    vitesse: &Vitesse,
    id: Uuid,
    verb: &str,
    words: &str,
    review: &Review,
    stream: Option<&str>,
) -> Result<String> {
    let wanted = match (verb, words.split_once(char::is_whitespace)) {
        ("accept", Some(("above", share))) => {
            let least = share.trim().parse::<f64>().map_err(|_| {
                Error::new(ErrorKind::InvalidInput, "a share from 0 to 1 was expected")
                    .in_operation("cli.review")
            })?;
            let above = review.accept_above(least).into_iter();
            above.filter(|edit| stream.is_none() || edit.stream.as_deref() == stream).collect()
        }
        ("accept", None) if words == "all" => edits::every(review, stream)?,
        _ if VERBS.contains(&verb) => vec![edits::one(verb, words, review, stream)?],
        _ => {
            let error = Error::new(ErrorKind::InvalidInput, format!("{verb:?} is not understood here"))
                .in_operation("cli.review");
            return Err(match did_you_mean(verb, VERBS.iter().copied()) {
                Some(hint) => error.help(hint),
                None => error.help("`help` lists what is"),
            });
        }
    };
    let count = wanted.len();
    vitesse.edit(id, Some(review.revision), wanted).await?;
    Ok(match count {
        1 => "✓ kept".to_owned(),
        count => format!("✓ {count} lines kept"),
    })
}

/// The next line that is typed; none at the end.
fn next(stream: Option<&str>) -> Result<Option<String>> {
    let failed =
        |error| Error::new(ErrorKind::Io, "stdin can't be read").in_operation("cli.review").source(error);
    // On stderr, so that what is on stdout can be read by others. A closed stderr is nobody's problem.
    let mut stderr = anstream::stderr().lock();
    let _ = write!(stderr, "{}> ", stream.unwrap_or("review")).and_then(|()| stderr.flush());
    drop(stderr);
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok((read > 0).then_some(line))
}

#[derive(serde::Serialize)]
struct Table<'r> {
    review: &'r Review,
    stream: Option<&'r str>,
}

impl Show for Table<'_> {
    fn show(&self, screen: &mut Screen) {
        super::show(self.review, self.stream, screen);
    }
}

#[derive(serde::Serialize)]
struct End {
    id: Uuid,
}

impl Show for End {
    fn show(&self, screen: &mut Screen) {
        screen.hint(format!("vitesse test {}", short(self.id)));
    }
}
