//! What a service says while it runs: lines of JSON with ids, and never with what records hold.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::Error;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something will, unless somebody looks at it.
    Warn,
    /// It began, ended, or took in a mapping: said unless only errors are.
    Notice,
    /// What it does.
    Info,
    /// Each request.
    Debug,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice | Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// The level a filter such as `warn`, or `info,vitesse_core::net=debug`, gives to a service. Unknown words mean `warn`.
impl FromStr for Level {
    type Err = std::convert::Infallible;

    fn from_str(filter: &str) -> Result<Self, Self::Err> {
        let word = filter.split(',').map(str::trim).find(|part| !part.contains('=')).unwrap_or_default();
        Ok(match word {
            "off" | "error" => Self::Error,
            "info" => Self::Info,
            "debug" | "trace" => Self::Debug,
            _ => Self::Notice,
        })
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What happened, as a name that stays: `run_ended`.
    pub event: &'static str,
    /// What is known of it: ids, counts, kinds of errors.
    pub fields: Map<String, Value>,
}

impl Line {
    /// As JSON, without a line feed.
    pub fn to_json(&self) -> String {
        let mut whole = Map::new();
        whole.insert("at".into(), Timestamp::now().to_string().into());
        whole.insert("level".into(), self.level.name().into());
        whole.insert("event".into(), self.event.into());
        whole.extend(self.fields.clone());
        Value::Object(whole).to_string()
    }
}

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    level: Level,
    sink: Arc<dyn Fn(&Line) + Send + Sync>,
}

impl Log {
    /// Gives lines that matter at least as much as `level` to `sink`.
    pub fn new(level: Level, sink: impl Fn(&Line) + Send + Sync + 'static) -> Self {
        Self { level, sink: Arc::new(sink) }
    }

    /// Says nothing.
    pub fn none() -> Self {
        Self::new(Level::Error, |_| ())
    }

    pub(super) fn says(&self, level: Level) -> bool {
        level <= self.level
    }

    pub(super) fn say<const N: usize>(&self, level: Level, event: &'static str, fields: [(&str, Value); N]) {
        if self.says(level) {
            let fields = fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            (self.sink)(&Line { level, event, fields });
        }
    }

    pub(super) fn failed(&self, event: &'static str, error: &Error) {
        self.say(
            Level::Error,
            event,
            [
                ("kind", error.kind().id().into()),
                ("operation", error.operation().into()),
                ("error", error.to_string().into()),
            ],
        );
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log {{ {:?} }}", self.level)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn what_matters_less_is_not_said() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let into = heard.clone();
        let log =
            Log::new("warn,x=debug".parse().unwrap(), move |line| into.lock().unwrap().push(line.clone()));
        log.say(Level::Info, "quiet", []);
        log.say(Level::Notice, "started", [("stream", "a\"b".into()), ("left_out", Value::Null)]);
        let heard = heard.lock().unwrap();
        let [line] = &heard[..] else { unreachable!("one line") };
        let text = line.to_json();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&read["level"], &read["event"], &read["stream"]),
            (&"info".into(), &"started".into(), &"a\"b".into())
        );
        assert!(read.get("left_out").is_none() && !text.contains('\n'));
    }
}
