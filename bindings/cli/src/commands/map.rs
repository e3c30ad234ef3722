use serde::Serialize;
use vitesse_core::mapper::Overrides;
use vitesse_core::mapping::{Object, Value};
use vitesse_core::orchestrator::{MapOptions, Mapped, Review, StreamOptions};
use vitesse_core::{Error, ErrorKind, Result};

use super::review;
use super::session::{Session, pair, short, value};
use crate::args::Map;
use crate::ui::{Screen, Show};

/// How many steps the place of an override can have; the mapping document has fewer.
const DEEPEST: usize = 16;

pub(crate) fn run(args: &Map, session: &Session<'_>) -> Result<()> {
    let options = options(args)?;
    session.with(&args.which, async |vitesse, id| {
        let mapped = vitesse.map(id, options).await?;
        let refusal = mapped.refusal();
        let review = vitesse.review(id).await?;
        session.ui.report(&Report { mapped, review })?;
        refusal.map_or(Ok(()), Err)
    })
}

fn options(args: &Map) -> Result<MapOptions> {
    let mut options = MapOptions {
        source_endpoint: args.from.clone(),
        dest_endpoint: args.to.clone(),
        restart: args.restart,
        overrides: overrides(&args.overrides)?,
        ..MapOptions::default()
    };
    for hint in &args.hints {
        let (source, dest) = pair("a hint", hint)?;
        options.mapping_hints.insert(source.to_owned(), dest.to_owned());
    }
    for constant in &args.constants {
        let (field, given) = pair("a constant", constant)?;
        options.constants.insert(field.to_owned(), value(given));
    }
    for stream in &args.streams {
        options.streams.push(StreamOptions {
            constants: options.constants.clone(),
            overrides: options.overrides.clone(),
            ..stream.parse()?
        });
    }
    Ok(options)
}

/// `source.base_url=https://…` as the blocks of the mapping document.
fn overrides(given: &[String]) -> Result<Overrides> {
    let mut blocks = Object::new();
    for one in given {
        let (place, given) = pair("an override", one)?;
        let known = place == "filter" || place.starts_with("source.") || place.starts_with("destination.");
        if !known || place.split('.').count() > DEEPEST {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{place} can't be overridden"))
                .in_operation("cli.map")
                .help("an override begins with source. or destination., as in source.base_url=https://…, or is the filter"));
        }
        let given = given.parse::<Value>().unwrap_or_else(|_| Value::from(given));
        put(&mut blocks, place, given);
    }
    Ok(Overrides {
        source: blocks.remove("source"),
        destination: blocks.remove("destination"),
        filter: blocks.remove("filter"),
    })
}

/// Puts a value into its place; what stands in the way gives way.
fn put(object: &mut Object, place: &str, given: Value) {
    let Some((step, rest)) = place.split_once('.') else {
        object.insert(place, given);
        return;
    };
    let mut inner = match object.remove(step) {
        Some(Value::Object(inner)) => inner,
        _ => Object::new(),
    };
    put(&mut inner, rest, given);
    object.insert(step, inner);
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    mapped: Mapped,
    #[serde(skip)]
    review: Review,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        review::show(&self.review, None, screen);
        let id = short(self.mapped.integration_id);
        match self.mapped.abstained {
            true => screen.hint(format!("vitesse map {id} --hint SOURCE=DEST, or name other endpoints")),
            false => screen.hint(format!("vitesse review {id}, or vitesse test {id}")),
        }
    }
}
