//! When a sync runs by itself.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, ErrorKind, Result};

/// Every so often, or by a cron pattern in a time zone.
///
/// ```
/// use vitesse_core::service::Schedule;
/// let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
/// let every = Schedule::parse("15m", "UTC")?;
/// assert_eq!(every.next(Some(at("2026-03-01T12:00:00Z")), at("2026-03-01T12:01:00Z")), at("2026-03-01T12:15:00Z"));
///
/// let mornings = Schedule::parse("0 6 * * 1-5", "Europe/Berlin")?;
/// assert_eq!(mornings.next(None, at("2026-03-02T05:30:00Z")), at("2026-03-03T05:00:00Z"));
///
/// assert!(Schedule::parse("every now and then", "UTC").is_err());
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Schedule {
    when: When,
    text: String,
    zone: String,
}

#[derive(Clone)]
enum When {
    Every(SignedDuration),
    Cron(Box<Cron>, TimeZone),
}

impl Schedule {
    /// Reads `15m`, `1h30m`, `@daily` or a cron pattern of five fields (six with seconds in front). Patterns mean the
    /// wall clock of `zone`, a name of the IANA database.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] saying which part is wrong.
    pub fn parse(text: &str, zone: &str) -> Result<Self> {
        let wrong = |message: String| {
            Error::new(ErrorKind::ConfigInvalid, message)
                .in_operation("service.schedule")
                .help("write an interval as `15m` or `1h30m`, or a cron pattern as `0 6 * * 1-5`")
        };
        let plain = text.trim();
        let found = TimeZone::get(zone)
            .map_err(|_| wrong(format!("{zone:?} is no time zone")).help("write it as `Europe/Berlin`"))?;
        let interval = plain.strip_prefix("@every ").unwrap_or(plain);
        let when = match SignedDuration::from_str(interval.trim()) {
            Ok(every) if every >= SignedDuration::from_secs(1) => When::Every(every),
            Ok(_) => return Err(wrong(format!("{plain:?} is shorter than a second"))),
            Err(_) => {
                let cron = Cron::from_str(plain)
                    .map_err(|error| wrong(format!("{plain:?} is no schedule: {error}")))?;
                // A pattern may be well formed and never come: the 30th of February.
                cron.find_next_occurrence(&Timestamp::now().to_zoned(found.clone()), false)
                    .map_err(|_| wrong(format!("{plain:?} never comes")))?;
                When::Cron(Box::new(cron), found)
            }
        };
        Ok(Self { when, text: plain.to_owned(), zone: zone.to_owned() })
    }

    /// When the next run is due, after one that began at `last`. Runs that were missed are due once, now. The first run
    /// of an interval is due now, that of a pattern when it next matches.
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let due = match (&self.when, last) {
            (When::Every(every), Some(last)) => last.checked_add(*every).unwrap_or(Timestamp::MAX),
            (When::Every(_), None) => now,
            (When::Cron(cron, zone), last) => {
                // A clock that was set back must not hold the schedule up.
                let after = last.unwrap_or(now).min(now);
                let next = cron.find_next_occurrence(&after.to_zoned(zone.clone()), false);
                next.map_or(Timestamp::MAX, |next| next.timestamp())
            }
        };
        match &self.when {
            When::Every(every) => due.clamp(now, now.checked_add(*every).unwrap_or(Timestamp::MAX)),
            When::Cron(..) => due.max(now),
        }
    }

    /// The time between two runs, as it is now.
    pub fn spacing(&self, now: Timestamp) -> SignedDuration {
        match &self.when {
            When::Every(every) => *every,
            When::Cron(..) => {
                let first = self.next(None, now);
                self.next(Some(first), first).duration_since(first)
            }
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The time zone of its patterns.
    pub fn zone(&self) -> &str {
        &self.zone
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule {{ {} in {} }}", self.text, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn missed_runs_are_due_once() {
        let every = Schedule::parse("10m", "UTC").unwrap();
        let now = at("2026-03-01T12:00:00Z");
        assert_eq!(every.next(Some(at("2026-03-01T03:00:00Z")), now), now);
        assert_eq!(every.next(Some(now), now), at("2026-03-01T12:10:00Z"), "and then as always");
        let nightly = Schedule::parse("0 3 * * *", "UTC").unwrap();
        assert_eq!(nightly.next(Some(at("2026-02-20T03:00:00Z")), now), now);
        assert_eq!(nightly.next(Some(now), now), at("2026-03-02T03:00:00Z"));
        // A clock that was far ahead when the last run began.
        assert!(every.next(Some(at("2031-01-01T00:00:00Z")), now) <= at("2026-03-01T12:10:00Z"));
        assert_eq!(nightly.next(Some(at("2031-01-01T00:00:00Z")), now), at("2026-03-02T03:00:00Z"));
    }

    #[test]
    fn patterns_mean_the_wall_clock() {
        let berlin = Schedule::parse("30 2 * * *", "Europe/Berlin").unwrap();
        // On the 29th of March 2026 the clock goes from 2 to 3: the run is not left out.
        let next = berlin.next(Some(at("2026-03-28T01:30:00Z")), at("2026-03-28T02:00:00Z"));
        assert!(next >= at("2026-03-29T01:00:00Z") && next <= at("2026-03-29T01:30:00Z"), "{next}");
        // On the 25th of October 2026 half past two comes twice: the run doesn't.
        let first = berlin.next(Some(at("2026-10-24T00:30:00Z")), at("2026-10-24T01:00:00Z"));
        assert_eq!(first, at("2026-10-25T00:30:00Z"));
        assert_eq!(berlin.next(Some(first), first), at("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn mistakes_are_named() {
        let message = |text: &str, zone: &str| Schedule::parse(text, zone).unwrap_err().to_string();
        assert!(message("61 * * * *", "UTC").contains("61 * * * *"));
        assert!(message("* * *", "UTC").contains("is no schedule"));
        assert!(message("0 0 30 2 *", "UTC").contains("never comes"));
        assert!(message("0s", "UTC").contains("shorter than a second"));
        assert!(message("-5m", "UTC").contains("shorter than a second"));
        assert!(message("15m", "Mars/Olympus").contains("Mars/Olympus"));
    }

    proptest! {
        #[test]
        fn the_next_run_is_never_in_the_past_nor_further_than_an_interval(
            every in 1i64..100_000, last in proptest::option::of(0i64..4_000_000_000), now in 0i64..4_000_000_000,
        ) {
            let schedule = Schedule::parse(&format!("{every}s"), "UTC").unwrap();
            let now = Timestamp::from_second(now).unwrap();
            let next = schedule.next(last.map(|last| Timestamp::from_second(last).unwrap()), now);
            prop_assert!(next >= now && next.duration_since(now) <= SignedDuration::from_secs(every));
        }
    }
}
