//! How far an incremental read got: the highest value of the field that says when a record changed.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::functions::decimal::Decimal;
use crate::mapping::{Incremental, IncrementalKind, Value};

/// A value of an incremental field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    /// A moment.
    Time(Timestamp),
    /// A number, as text.
    Number(String),
    /// What only the API understands.
    Opaque(String),
}

impl Mark {
    /// Reads a record's value; `None` for one that has none.
    ///
    /// # Errors
    /// If it isn't what the mapping says the field holds.
    pub(in crate::sync) fn read(value: Option<&Value>, how: &Incremental) -> Result<Option<Self>> {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
        let mark = match how.kind {
            IncrementalKind::Timestamp => moment(value, &how.format).map(Self::Time),
            IncrementalKind::Id => match value {
                Value::Number(number) => Some(number.as_str().to_owned()),
                Value::String(text) => Decimal::parse(text).is_some().then(|| text.clone()),
                _ => None,
            }
            .map(Self::Number),
            IncrementalKind::Opaque => super::super::json::plain(value).map(Self::Opaque),
        };
        mark.map(Some).ok_or_else(|| {
            let wanted = match how.kind {
                IncrementalKind::Timestamp => format!("a time written as {}", how.format),
                _ => "a number".to_owned(),
            };
            Error::new(ErrorKind::RecordInvalid, format!("the incremental field holds no {wanted}"))
                .in_operation("sync.read")
                .with("field", &how.field)
                .help("correct `format` or `type` of the source's `incremental`")
        })
    }

    /// Whether this one is higher. Of opaque ones the later read is.
    pub(super) fn is_after(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Time(a), Self::Time(b)) => a > b,
            (Self::Number(a), Self::Number(b)) => match (Decimal::parse(a), Decimal::parse(b)) {
                (Some(a), Some(b)) => a.cmp(&b) == Ordering::Greater,
                _ => a > b,
            },
            // What kind of field it is was changed: what is read now counts.
            _ => true,
        }
    }

    /// Where a read begins that misses nothing: as far back as the mapping says, and at least by one step, since
    /// records with an equal value may have come after it was read, and some APIs leave the value itself out.
    pub(super) fn since(&self, how: &Incremental) -> Self {
        match self {
            Self::Time(time) => {
                let back = how.lookback.unwrap_or_default().max(Duration::from_secs(1));
                let back = SignedDuration::try_from(back).unwrap_or(SignedDuration::MAX);
                Self::Time(time.checked_sub(back).unwrap_or(Timestamp::MIN))
            }
            Self::Number(text) => match text.parse::<i128>() {
                Ok(number) if number > 0 => Self::Number((number - 1).to_string()),
                _ => self.clone(),
            },
            Self::Opaque(_) => self.clone(),
        }
    }

    /// The parameter's text.
    pub(super) fn param(&self, how: &Incremental) -> Result<String> {
        match self {
            Self::Time(time) => match how.format.as_str() {
                "iso8601" if time.subsec_nanosecond() == 0 => {
                    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
                }
                "iso8601" => Ok(time.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string()),
                "unix" => Ok(time.as_second().to_string()),
                "unix_ms" => Ok(time.as_millisecond().to_string()),
                pattern => strtime::format(pattern, *time).map_err(|error| {
                    Error::new(ErrorKind::MappingInvalid, "the time can't be written by the pattern")
                        .with("format", pattern)
                        .source(error)
                }),
            },
            Self::Number(text) | Self::Opaque(text) => Ok(text.clone()),
        }
    }
}

fn moment(value: &Value, format: &str) -> Option<Timestamp> {
    let text = super::super::json::plain(value)?;
    match format {
        "iso8601" => written(&text),
        "unix" => {
            let seconds: f64 = text.parse().ok()?;
            match text.parse::<i64>() {
                Ok(whole) => Timestamp::from_second(whole).ok(),
                Err(_) => Timestamp::from_millisecond((seconds * 1000.0) as i64).ok(),
            }
        }
        "unix_ms" => Timestamp::from_millisecond(text.parse::<f64>().ok()? as i64).ok(),
        pattern => {
            let parts = strtime::parse(pattern, &text).ok()?;
            parts.to_timestamp().ok().or_else(|| {
                let civil = parts.to_datetime().or_else(|_| parts.to_date().map(DateTime::from)).ok()?;
                Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
            })
        }
    }
}

/// A time without a zone is taken as UTC.
fn written(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(kind: IncrementalKind, format: &str, lookback: Option<u64>) -> Incremental {
        Incremental {
            kind,
            format: format.to_owned(),
            lookback: lookback.map(Duration::from_secs),
            ..Incremental::default()
        }
    }

    #[track_caller]
    fn check(how: &Incremental, value: &str, expect: &str) {
        let value: Value = value.parse().unwrap();
        let mark = Mark::read(Some(&value), how).unwrap().unwrap();
        assert_eq!(mark.since(how).param(how).unwrap(), expect);
    }

    #[test]
    fn a_read_begins_before_what_was_read() {
        let iso = how(IncrementalKind::Timestamp, "iso8601", None);
        check(&iso, "\"2026-01-02T03:04:05Z\"", "2026-01-02T03:04:04Z");
        check(&iso, "\"2026-01-02T03:04:05.250+01:00\"", "2026-01-02T02:04:04.25Z");
        check(&iso, "\"2026-01-02 03:04:05\"", "2026-01-02T03:04:04Z");
        check(&iso, "\"2026-01-02\"", "2026-01-01T23:59:59Z");
        check(
            &how(IncrementalKind::Timestamp, "iso8601", Some(300)),
            "\"2026-01-02T03:04:05Z\"",
            "2026-01-02T02:59:05Z",
        );
        check(&how(IncrementalKind::Timestamp, "unix", None), "1700000000", "1699999999");
        check(&how(IncrementalKind::Timestamp, "unix_ms", None), "\"1700000000123\"", "1699999999123");
        check(
            &how(IncrementalKind::Timestamp, "%d.%m.%Y %H:%M", None),
            "\"02.01.2026 03:04\"",
            "02.01.2026 03:03",
        );
        check(&how(IncrementalKind::Id, "", None), "17", "16");
        check(&how(IncrementalKind::Id, "", None), "\"0\"", "0");
        check(&how(IncrementalKind::Opaque, "", None), "\"abc\"", "abc");
    }

    #[test]
    fn higher_means_later() {
        let number = |text: &str| Mark::Number(text.to_owned());
        assert!(number("10").is_after(&number("9")) && !number("9").is_after(&number("9.0")));
        let wrong = Mark::read(Some(&"soon".into()), &how(IncrementalKind::Timestamp, "iso8601", None));
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::RecordInvalid);
        assert!(Mark::read(Some(&Value::Null), &how(IncrementalKind::Id, "", None)).unwrap().is_none());
    }
}
