//! Dates and times.

use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::{rfc2822, temporal::Pieces};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::decimal::{Decimal, Rounding};
use super::{Args, Function, Param, ParamKind, ex, fails, optional, refused, single};
use crate::error::Result;
use crate::mapping::functions::args::wrong;
use crate::mapping::{Number, Value};

const FORMATS: &str = "iso8601, date, unix, unix_ms, unix_us, rfc2822, or a pattern like %d.%m.%Y %H:%M";

pub(super) const TABLE: &[Function] = &[Function {
    name: "timestamp",
    aliases: &[
        "parse_timestamp",
        "format_timestamp",
        "parse_date",
        "format_date",
        "date",
        "parse_shopify_timestamp",
        "iso8601_to_unix",
        "unix_to_iso8601",
    ],
    params: &[
        optional(
            "from",
            ParamKind::String,
            r#""auto""#,
            "How the input is written: auto, iso8601, unix, unix_ms, \
            unix_us, rfc2822, or a pattern like %d.%m.%Y %H:%M.",
        ),
        optional(
            "format",
            ParamKind::String,
            r#""iso8601""#,
            "How the result is written: iso8601, date, unix, \
            unix_ms, unix_us, rfc2822, or a pattern.",
        ),
        optional(
            "timezone",
            ParamKind::String,
            r#""UTC""#,
            "The zone of the result, an IANA name or an offset like \
            +02:00.",
        ),
        Param {
            name: "from_timezone",
            kind: ParamKind::String,
            required: false,
            default: None,
            doc: "The zone of inputs that name none; without it, the zone of the result.",
        },
    ],
    summary: "Reads a date or time and writes it another way.",
    doc: "auto takes ISO 8601 in its variants, RFC 2822, and numbers: below 100 thousand millions in size as seconds, \
          below 100 million millions as milliseconds, above as microseconds. Times of day that are missing are \
          midnight. A fraction of a second is kept by iso8601 and dropped, towards the past, by unix, unix_ms and \
          unix_us. A local time that a change of clocks skips or repeats is taken with the offset before the change. \
          Days that don't exist and times before -9999 or after 9999 are errors. unix, unix_ms and unix_us give \
          numbers. Names like ISO8601 are known in any case.",
    examples: &[
        ex(r#"{"format": "unix"}"#, &[r#""2024-02-29T12:30:00+02:00""#], "1709202600"),
        ex("{}", &["1709202600"], r#""2024-02-29T10:30:00Z""#),
        ex("{}", &["1709202600123"], r#""2024-02-29T10:30:00.123Z""#),
        ex(r#"{"from": "unix"}"#, &["-1.5"], r#""1969-12-31T23:59:58.5Z""#),
        ex(
            r#"{"format": "ISO8601", "timezone": "UTC"}"#,
            &[r#""2024-05-01T08:00:00-04:00""#],
            r#""2024-05-01T12:00:00Z""#,
        ),
        ex(
            r#"{"timezone": "Europe/Berlin"}"#,
            &[r#""2024-07-01T10:00:00Z""#],
            r#""2024-07-01T12:00:00+02:00""#,
        ),
        ex(
            r#"{"from_timezone": "America/New_York"}"#,
            &[r#""2024-07-01 10:00""#],
            r#""2024-07-01T14:00:00Z""#,
        ),
        ex(r#"{"from": "%d.%m.%Y", "format": "date"}"#, &[r#""29.02.2024""#], r#""2024-02-29""#),
        ex(r#"{"format": "rfc2822"}"#, &["0"], r#""Thu, 1 Jan 1970 00:00:00 +0000""#),
        ex(r#"{"format": "unix_ms"}"#, &[r#""Tue, 1 Jul 2003 10:52:37 +0200""#], "1057049557000"),
        ex(r#"{"format": "%Y/%m"}"#, &[r#""2024-02-29""#], r#""2024/02""#),
        fails("{}", &[r#""2023-02-29""#]),
        fails("{}", &[r#""soon""#]),
        fails(r#"{"from": "unix"}"#, &["1e30"]),
        fails(r#"{"timezone": "Mars/Olympus"}"#, &["0"]),
    ],
    inverse: Some("timestamp"),
    build: |args| {
        let zone = zone(args, "timezone")?.unwrap_or(TimeZone::UTC);
        let from_zone = zone_or(args, &zone)?;
        let (from, to) = (Format::new(args, "from")?, Format::new(args, "format")?);
        single(move |value| write(&read(value, &from, &from_zone)?, &to, &zone))
    },
    ..Function::DEFAULT
}];

#[derive(Clone, Debug)]
enum Format {
    Auto,
    Iso,
    Date,
    /// How many of them make a second.
    Unix(i64),
    Rfc2822,
    Pattern(String),
}

impl Format {
    fn new(args: &Args<'_>, name: &'static str) -> Result<Self> {
        let text = args.text(name);
        match text.to_ascii_lowercase().as_str() {
            "auto" if name == "from" => Ok(Self::Auto),
            "iso8601" | "iso" | "rfc3339" => Ok(Self::Iso),
            "date" => Ok(Self::Date),
            "unix" | "unix_s" => Ok(Self::Unix(1)),
            "unix_ms" => Ok(Self::Unix(1000)),
            "unix_us" => Ok(Self::Unix(1_000_000)),
            "rfc2822" => Ok(Self::Rfc2822),
            _ if !text.contains('%') => {
                Err(wrong(name, format!("{text:?} is no format")).help(format!("it is {FORMATS}")))
            }
            // Writing any time with it shows whether each part of the pattern is known.
            _ => match strtime::format(text, &Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC)) {
                Ok(_) => Ok(Self::Pattern(text.to_owned())),
                Err(error) => Err(wrong(name, format!("the pattern is not understood: {error}"))),
            },
        }
    }
}

fn zone_or(args: &Args<'_>, zone_of_result: &TimeZone) -> Result<TimeZone> {
    Ok(zone(args, "from_timezone")?.unwrap_or_else(|| zone_of_result.clone()))
}

fn zone(args: &Args<'_>, name: &'static str) -> Result<Option<TimeZone>> {
    let Some(text) = args.get(name).and_then(Value::as_str) else { return Ok(None) };
    if text.eq_ignore_ascii_case("UTC") || text == "Z" {
        return Ok(Some(TimeZone::UTC));
    }
    let offset =
        text.starts_with(['+', '-']).then(|| BrokenDownTime::parse("%:z", text).ok()?.offset()).flatten();
    if let Some(offset) = offset {
        return Ok(Some(TimeZone::fixed(offset)));
    }
    TimeZone::get(text).map(Some).map_err(|_| {
        wrong(name, format!("there is no time zone {text:?}"))
            .help("write an IANA name like Europe/Berlin, or +02:00")
    })
}

fn read(value: &Value, from: &Format, zone: &TimeZone) -> Result<Timestamp> {
    match (value, from) {
        (Value::Number(number), Format::Auto) => from_unix(number.as_str(), None),
        (Value::Number(number), Format::Unix(unit)) => from_unix(number.as_str(), Some(*unit)),
        (Value::String(text), format) => {
            let text = text.trim();
            match format {
                Format::Auto => iso(text, zone).or_else(|| rfc(text)).map_or_else(
                    || Number::new(text).ok_or_else(no_date).and_then(|n| from_unix(n.as_str(), None)),
                    Ok,
                ),
                Format::Iso | Format::Date => iso(text, zone).ok_or_else(no_date),
                Format::Rfc2822 => rfc(text).ok_or_else(no_date),
                Format::Unix(unit) => {
                    let number = Number::new(text).ok_or_else(no_date)?;
                    from_unix(number.as_str(), Some(*unit))
                }
                Format::Pattern(pattern) => by_pattern(pattern, text, zone).ok_or_else(no_date),
            }
        }
        (other, _) => Err(refused(format!("{} is no date", other.a_type()))),
    }
}

fn no_date() -> crate::Error {
    refused("the text is no date in the expected form, or a day that doesn't exist")
}

fn iso(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let local = DateTime::from_parts(pieces.date(), pieces.time().unwrap_or(Time::midnight()));
    in_zone(local, pieces.to_numeric_offset(), zone)
}

fn rfc(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

fn by_pattern(pattern: &str, text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let parsed = BrokenDownTime::parse(pattern, text).ok()?;
    if let Ok(timestamp) = parsed.to_timestamp() {
        return Some(timestamp);
    }
    let local = DateTime::from_parts(parsed.to_date().ok()?, parsed.to_time().unwrap_or(Time::midnight()));
    in_zone(local, parsed.offset(), zone)
}

fn in_zone(local: DateTime, offset: Option<Offset>, zone: &TimeZone) -> Option<Timestamp> {
    match offset {
        Some(offset) => offset.to_timestamp(local).ok(),
        None => zone.to_ambiguous_timestamp(local).compatible().ok(),
    }
}

fn from_unix(text: &str, unit: Option<i64>) -> Result<Timestamp> {
    let out_of_range = || refused("the time is before the year -9999 or after 9999");
    let number = Decimal::parse(text).ok_or_else(out_of_range)?;
    let unit = unit.unwrap_or_else(|| {
        let whole = number.rounded(0, Rounding::Down).plain(0).unwrap_or_default();
        match whole.trim_start_matches('-').len() {
            0..=11 => 1,
            12..=14 => 1000,
            _ => 1_000_000,
        }
    });
    let per_unit = Decimal::parse(&(1_000_000_000 / unit).to_string()).ok_or_else(out_of_range)?;
    let nanoseconds = number.times(&per_unit).rounded(0, Rounding::Floor).plain(0);
    let nanoseconds = nanoseconds.and_then(|text| text.parse::<i128>().ok()).ok_or_else(out_of_range)?;
    Timestamp::from_nanosecond(nanoseconds).map_err(|_| out_of_range())
}

fn write(time: &Timestamp, to: &Format, zone: &TimeZone) -> Result<Value> {
    let zoned = || time.to_zoned(zone.clone());
    Ok(match to {
        Format::Auto | Format::Iso if *zone == TimeZone::UTC => time.to_string().into(),
        Format::Auto | Format::Iso => zoned().strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string().into(),
        Format::Date => zoned().date().to_string().into(),
        Format::Unix(unit) => {
            let per_unit = i128::from(1_000_000_000 / unit);
            let count = time.as_nanosecond().div_euclid(per_unit).to_string();
            Number::new(count).map_or(Value::Null, Value::Number)
        }
        Format::Rfc2822 => {
            rfc2822::to_string(&zoned()).map_err(|_| refused("RFC 2822 can't say this year"))?.into()
        }
        Format::Pattern(pattern) => {
            strtime::format(pattern, &zoned()).map_err(|_| refused("the pattern can't say this time"))?.into()
        }
    })
}
