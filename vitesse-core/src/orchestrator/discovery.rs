//! Discovery results as `create` takes them: from a search, or written by hand.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Vitesse;
use super::options::host;
use crate::discovery::Discovery;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::files;
use crate::ingestor::{ReadOptions, read};

impl Vitesse {
    /// An API as people name it, as a result of discovery for [`create`](Self::create): the address or the file of its
    /// description, its own address, or the id or name of an API of the catalogue. A file is read, so that one that
    /// is no description is told at once; nothing is fetched.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a name that nobody knows or a file that isn't there, and whatever reading the file
    /// fails with.
    pub fn choose(&self, named: &str) -> Result<Value> {
        let named = named.trim();
        if named.starts_with("http://") || named.starts_with("https://") {
            let path = named.split(['?', '#']).next().unwrap_or(named);
            let is_file = [".json", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending));
            let place = if is_file { "spec_url" } else { "base_url" };
            return Ok(json!({"api_name": host(named), place: named, "source": "url"}));
        }
        let path = Path::new(named);
        if path.exists()
            || path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
        {
            let text = files::read(path, files::MOST_BYTES)?;
            let spec = read(&text, &ReadOptions { address: named.to_owned(), ..ReadOptions::default() })
                .map_err(|error| error.with("file", named))?
                .spec;
            // One file has one name, from wherever it is meant.
            let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            return Ok(json!({
                "api_name": spec.api_name, "base_url": spec.base_url, "spec_url": absolute.display().to_string(),
                "source": "file",
            }));
        }
        let discovery = Discovery::builtin()?;
        if let Some(entry) = discovery.entry(named).or_else(|| discovery.known(named)) {
            return serde_json::to_value(entry.result(None)).map_err(|error| {
                Error::new(ErrorKind::Internal, "a result can't be written as JSON").source(error)
            });
        }
        let error = Error::new(ErrorKind::NotFound, format!("there is no file and no known API {named:?}"))
            .in_operation("orchestrator.choose");
        let ids = discovery.entries().iter().map(|entry| entry.id.as_str());
        Err(match did_you_mean(named, ids) {
            Some(hint) => error.help(format!("{hint} `vitesse discover {named}` searches the catalogue")),
            None => error.help("give a file, an address, or an id that `vitesse discover` shows"),
        })
    }
}

/// The endings of files that hold descriptions.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// Checks a result and gives it as it is kept: unchanged, but with the moment it was found.
pub(super) fn checked(side: &'static str, given: &Value, now: Timestamp) -> Result<Value> {
    let wrong = |what: String| {
        Error::new(ErrorKind::InvalidInput, format!("{side}: {what}")).in_operation("orchestrator.create")
    };
    let Value::Object(mut result) = given.clone() else {
        return Err(wrong("an object with at least an api_name was expected".into()));
    };
    let name = result.get("api_name").and_then(Value::as_str).unwrap_or_default().trim();
    if name.is_empty() {
        return Err(wrong("the api_name is missing".into()).help("say what the API is called"));
    }
    for address in ["base_url", "documentation_url", "spec_url", "description"] {
        if result.get(address).is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err(wrong(format!("{address} is a text")));
        }
    }
    match result.get("confidence_score") {
        None | Some(Value::Null) => {}
        Some(score) if score.as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)) => {}
        Some(_) => return Err(wrong("confidence_score is a number from 0 to 1".into())),
    }
    // `catalog`, `knowledge`, `url`, `github`, or a caller's own word.
    if result.get("source").is_some_and(|source| !source.is_string() && !source.is_null()) {
        return Err(wrong("source is a word".into()));
    }
    match result.get("discovered_at") {
        None | Some(Value::Null) => {
            result.insert("discovered_at".into(), now.to_string().into());
        }
        Some(at) if is_moment(at) => {}
        Some(at) => {
            return Err(wrong(format!("discovered_at is a moment as 2026-02-14T22:35:19Z, not {at}")));
        }
    }
    Ok(Value::Object(result))
}

/// Where to look for the API's description, best first.
pub(super) fn addresses(discovery: &Value) -> Vec<(&'static str, &str)> {
    let fields = ["spec_url", "base_url", "documentation_url"];
    let text = |field: &'static str| Some((field, discovery.get(field)?.as_str()?.trim()));
    let mut found: Vec<(&'static str, &str)> =
        fields.into_iter().filter_map(text).filter(|(_, address)| !address.is_empty()).collect();
    let mut seen = Vec::new();
    found.retain(|(_, address)| {
        let new = !seen.contains(address);
        seen.push(*address);
        new
    });
    found
}

/// What an API is called.
pub(super) fn api_name(discovery: &Value) -> &str {
    discovery.get("api_name").and_then(Value::as_str).unwrap_or_default()
}

/// Moments come with an offset, or without one as some languages print them.
fn is_moment(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.parse::<Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: Value, expect: Result<Value, &str>) {
        match (checked("source_discovery", &given, Timestamp::UNIX_EPOCH), expect) {
            (Ok(kept), Ok(expect)) => assert_eq!(kept, expect),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (found, expect) => panic!("{found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn a_result_is_kept_as_it_is_and_stamped() {
        let full = json!({"api_name": "Shop", "base_url": "https://shop.test", "confidence_score": 0.95,
            "source": "catalog", "discovered_at": "2026-02-14T22:35:19", "rank": 3});
        check(full.clone(), Ok(full));
        check(
            json!({"api_name": "Shop"}),
            Ok(json!({"api_name": "Shop", "discovered_at": "1970-01-01T00:00:00Z"})),
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_side() {
        check(json!("Shop"), Err("source_discovery: an object"));
        check(json!({"api_name": " "}), Err("the api_name is missing"));
        check(json!({"api_name": "S", "confidence_score": 1.5}), Err("from 0 to 1"));
        check(json!({"api_name": "S", "source": 7}), Err("source is a word"));
        check(json!({"api_name": "S", "discovered_at": "yesterday"}), Err("discovered_at"));
        check(json!({"api_name": "S", "base_url": 1}), Err("base_url is a text"));
    }

    #[test]
    fn the_description_is_looked_for_where_it_most_likely_is() {
        let result =
            json!({"documentation_url": "https://a.test", "base_url": "https://a.test", "spec_url": "x"});
        assert_eq!(addresses(&result), [("spec_url", "x"), ("base_url", "https://a.test")]);
    }
}
