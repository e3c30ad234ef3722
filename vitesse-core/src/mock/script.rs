//! What goes wrong, and when: rules that are the same each time for the same seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::answer::Fault;
use super::random::{mix, share};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::Endpoint;

/// The rules of a mock, in order: the first that fits a request and isn't used up decides.
///
/// ```
/// use vitesse_core::mock::Script;
/// let script = Script::parse(br#"{"rules": [
///     {"when": {"operation": "listOrders"}, "after": 1, "times": 2,
///      "then": {"status": 503, "headers": {"Retry-After": "1"}}},
///     {"when": {"method": "POST"}, "chance": 0.1, "then": {"fault": "reset_after"}},
///     {"then": {"delay": "20ms..80ms"}}
/// ]}"#)?;
/// assert_eq!(script.rules.len(), 3);
///
/// let error = Script::parse(br#"{"rules": [{"then": {"fault": "explode"}}]}"#).unwrap_err();
/// assert!(error.to_string().contains("explode"));
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests it is about; all if nothing is said.
    #[serde(default)]
    pub when: When,
    /// How many of them it lets through first.
    #[serde(default)]
    pub after: u64,
    /// How many of them it then applies to; all that follow if nothing is said.
    #[serde(default)]
    pub times: Option<u64>,
    /// To how many of those it applies, from 0 to 1; chance comes from the seed.
    #[serde(default)]
    pub chance: Option<f64>,
    /// What happens.
    pub then: Scripted,
}

/// Which requests a rule is about. What isn't said isn't asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The method.
    pub method: Option<String>,
    /// The path as the description writes it (`/orders/{id}`), or as it was called; a `*` at its end stands for
    /// anything.
    pub path: Option<String>,
    /// The operation's id.
    pub operation: Option<String>,
}

/// What happens to a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// It is answered with this status, and nothing is done.
    pub status: Option<u16>,
    /// Headers of that answer.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body of that answer: a text as it is, anything else as JSON. Without one, the description's example of
    /// that status, or the reason.
    pub body: Option<Value>,
    /// The answer takes so long.
    pub delay: Option<Latency>,
    /// The answer doesn't arrive whole.
    pub fault: Option<Fault>,
}

/// How long something takes: always the same, or between two bounds.
///
/// ```
/// use std::time::Duration;
/// use vitesse_core::mock::Latency;
/// assert_eq!("250ms".parse::<Latency>()?.least, Duration::from_millis(250));
/// assert_eq!("0.1s..2s".parse::<Latency>()?.most, Duration::from_secs(2));
/// assert!("soon".parse::<Latency>().is_err());
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// At least so long.
    pub least: Duration,
    /// At most so long.
    pub most: Duration,
}

impl Latency {
    /// One of the lengths, by a number that stands for chance.
    pub(super) fn pick(self, chance: u64) -> Duration {
        self.least + self.most.saturating_sub(self.least).mul_f64(share(chance))
    }
}

impl std::str::FromStr for Latency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let (least, most) = (duration(least)?, duration(most)?);
        if most < least {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{text:?} ends before it begins")));
        }
        Ok(Self { least, most })
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `250ms`, `1.5s`, `2m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    /// Longer than anybody waits.
    const MOST: f64 = 86_400.0;
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let scale = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    };
    let seconds = text[..text.len() - unit.len()].parse::<f64>().unwrap_or(f64::NAN) * scale;
    if seconds.is_nan() || seconds > MOST {
        return Err(Error::new(ErrorKind::InvalidInput, format!("{text:?} is no length of time"))
            .help("write it as 250ms, 1.5s, 2m or 1h; a day at most"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl Script {
    /// Reads a script from JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it isn't JSON of that form, or a rule does nothing.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let wrong =
            |message: String| Error::new(ErrorKind::InvalidInput, message).in_operation("mock.script");
        let script: Self = serde_json::from_slice(text)
            .map_err(|error| wrong(format!("the script can't be read: {error}")))?;
        script.check().map_err(|error| error.in_operation("mock.script"))?;
        Ok(script)
    }

    /// Says which rule can't be meant as it is written.
    pub(super) fn check(&self) -> Result<()> {
        for (number, rule) in self.rules.iter().enumerate() {
            let wrong =
                |message: &'static str| Error::new(ErrorKind::InvalidInput, message).with("rule", number + 1);
            let then = &rule.then;
            if then.status.is_none() && (then.body.is_some() || !then.headers.is_empty()) {
                return Err(wrong("a body or headers need a status").help("add `status` beside them"));
            }
            if then.status.is_none() && then.delay.is_none() && then.fault.is_none() {
                return Err(wrong("the rule does nothing").help("give `then` a status, a delay or a fault"));
            }
            if then.status.is_some_and(|status| !(200..=599).contains(&status)) {
                return Err(wrong("the status is none that ends an exchange").help("use 200 to 599"));
            }
            if rule.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
                return Err(wrong("the chance is not from 0 to 1"));
            }
        }
        Ok(())
    }
}

/// A script that is being played.
#[derive(Debug)]
pub(super) struct Playing {
    rules: Vec<(Rule, AtomicU64)>,
    seed: u64,
}

impl Playing {
    pub(super) fn new(script: &Script, seed: u64) -> Self {
        Self { rules: script.rules.iter().map(|rule| (rule.clone(), AtomicU64::new(0))).collect(), seed }
    }

    /// The first rule that applies to a request, with its number from 1. Asking counts.
    pub(super) fn next(
        &self,
        method: &str,
        path: &str,
        endpoint: Option<&Endpoint>,
    ) -> Option<(usize, &Scripted)> {
        for (number, (rule, seen)) in self.rules.iter().enumerate() {
            if !rule.when.fits(method, path, endpoint) {
                continue;
            }
            let count = seen.fetch_add(1, Ordering::Relaxed);
            let over = rule.times.is_some_and(|times| count >= rule.after.saturating_add(times));
            let chance = share(mix(mix(self.seed, number as u64), count));
            if count >= rule.after && !over && rule.chance.is_none_or(|most| chance < most) {
                return Some((number + 1, &rule.then));
            }
        }
        None
    }
}

impl When {
    fn fits(&self, method: &str, path: &str, endpoint: Option<&Endpoint>) -> bool {
        let same = |wanted: &str, path: &str| match wanted.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == wanted,
        };
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|wanted| {
                same(wanted, path) || endpoint.is_some_and(|endpoint| same(wanted, &endpoint.path))
            })
            && self.operation.as_deref().is_none_or(|wanted| {
                endpoint.is_some_and(|endpoint| endpoint.operation_id.as_deref() == Some(wanted))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_used_up_in_their_order_and_chance_is_the_seeds() {
        let script = Script::parse(
            br#"{"rules": [
                {"when": {"path": "/a*"}, "after": 1, "times": 2, "then": {"status": 503}},
                {"when": {"method": "post"}, "then": {"fault": "hang"}},
                {"chance": 0.5, "then": {"delay": "1ms"}}]}"#,
        )
        .unwrap();
        let play = |seed| {
            let playing = Playing::new(&script, seed);
            let ask = |method, path| playing.next(method, path, None).map_or(0, |(number, _)| number);
            let firsts =
                [ask("GET", "/a"), ask("GET", "/ab"), ask("GET", "/a"), ask("POST", "/a"), ask("POST", "/b")];
            let rest: Vec<_> = (0..64).map(|_| ask("GET", "/b")).collect();
            (firsts, rest)
        };
        let (firsts, rest) = play(1);
        assert_eq!(firsts[1..], [1, 1, 2, 2]);
        let hits = rest.iter().filter(|number| **number == 3).count();
        assert!((16..=48).contains(&hits), "{hits}");
        assert_eq!(play(1).1, rest);
        assert_ne!(play(2).1, rest);
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        for (rule, wanted) in [
            (r#"{"then": {}}"#, "does nothing"),
            (r#"{"then": {"body": 1}}"#, "need a status"),
            (r#"{"then": {"status": 99}}"#, "status is none"),
            (r#"{"chance": 2, "then": {"status": 500}}"#, "from 0 to 1"),
            (r#"{"then": {"delay": "5s..1s"}}"#, "ends before"),
            (r#"{"then": {"delay": "99h"}}"#, "no length of time"),
            (r#"{"when": {"url": "/"}, "then": {"status": 500}}"#, "unknown field"),
        ] {
            let error = Script::parse(format!(r#"{{"rules": [{rule}]}}"#).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(wanted), "{rule}: {error}");
        }
    }
}
