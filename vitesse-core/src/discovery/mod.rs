//! Words become APIs: a search over the built-in catalogue, by words and by meaning.
//!
//! ```
//! use vitesse_core::discovery::Discovery;
//! let found = Discovery::builtin()?.discover("iban validation", 5)?;
//! assert_eq!(found[0].api_name, "IBANAPI OpenApi Documentation");
//! assert!(found[0].confidence_score > Some(0.5));
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! The catalogue is part of the crate, so nothing is sent anywhere. It knows what 2,639 APIs are called, what
//! they are for, and where their descriptions are; whether an API still answers is for the `ingestor` to find
//! out.

#![forbid(unsafe_code)]

#[cfg(any(test, feature = "testing"))]
mod build;
mod catalog;
mod index;
#[cfg(all(feature = "ingest", feature = "net"))]
mod known;
mod rank;
mod result;
mod words;

use std::sync::OnceLock;

#[cfg(any(test, feature = "testing"))]
pub use build::index_of;
pub use catalog::Entry;
#[cfg(all(feature = "ingest", feature = "net"))]
pub use known::known_descriptions;
pub use result::{DiscoveryResult, Source};

use crate::error::{Error, ErrorKind, Result};
use index::Index;

/// The most results one search gives.
pub const MOST: usize = 100;
/// How long a query may be, in letters.
const LONGEST: usize = 1000;

/// Searches the APIs it knows.
#[derive(Debug)]
pub struct Discovery {
    index: Index,
}

impl Discovery {
    /// The catalogue that is part of the crate. Its index lies ready, so the first search costs what any other does.
    ///
    /// # Errors
    /// `internal` if the asset is damaged, which a test rules out.
    pub fn builtin() -> Result<&'static Self> {
        static BUILTIN: OnceLock<Option<Discovery>> = OnceLock::new();
        BUILTIN.get_or_init(|| Index::builtin().map(|index| Self { index })).as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "the built-in catalogue is damaged")
                .in_operation("discovery.builtin")
        })
    }

    /// The APIs that fit a query best, best first, at most `limit` of them.
    ///
    /// The confidence grows with the share of the query that an API accounts for, from 0 to 1. A query nothing fits gives an empty list.
    ///
    /// # Errors
    /// `invalid_input` for a query without a letter or a digit, one that is too long, or a limit of 0 or over
    /// [`MOST`].
    pub fn discover(&self, query: &str, limit: usize) -> Result<Vec<DiscoveryResult>> {
        let wrong = |message: String, help: &'static str| {
            Error::new(ErrorKind::InvalidInput, message).in_operation("discovery.discover").help(help)
        };
        if !query.chars().any(char::is_alphanumeric) {
            return Err(wrong(
                "the query has no word".to_owned(),
                "say what the API is called or what it does",
            ));
        }
        if query.chars().count() > LONGEST {
            return Err(wrong(
                format!("the query is longer than {LONGEST} letters"),
                "a few words are enough",
            ));
        }
        if limit == 0 || limit > MOST {
            return Err(wrong(format!("a limit of {limit} results"), "ask for 1 to 100"));
        }
        let found = rank::rank(&self.index, query, limit)?;
        let result = |hit: &rank::Hit| Some(self.index.entry(hit.entry)?.result(Some(hit.confidence)));
        Ok(found.iter().filter_map(result).collect())
    }

    /// What is known of the API at an address, or of that name: its host is asked for first, then its provider,
    /// then its name.
    ///
    /// ```
    /// # use vitesse_core::discovery::Discovery;
    /// let stripe = Discovery::builtin()?.known("https://api.stripe.com/v1/customers").unwrap();
    /// assert_eq!(stripe.provider, "stripe.com");
    /// # Ok::<(), vitesse_core::Error>(())
    /// ```
    pub fn known(&self, address_or_name: &str) -> Option<&Entry> {
        catalog::known(self.entries(), address_or_name)
    }

    /// The entry with an id, such as `stripe.com` or `twilio.com/api`.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.id == id)
    }

    /// Every entry, by id.
    pub fn entries(&self) -> &[Entry] {
        self.index.all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(query: &str) -> String {
        let found = Discovery::builtin().unwrap().discover(query, 5).unwrap();
        found.first().and_then(|one| one.catalog_id.clone()).unwrap_or_default()
    }

    #[test]
    fn names_are_found_as_people_type_them() {
        assert_eq!(first("stripe"), "stripe.com");
        assert_eq!(first("Stipe"), "stripe.com");
        assert!(first("git hub").starts_with("github.com"));
        assert_eq!(first("google calendar"), "googleapis.com/calendar");
    }

    #[test]
    fn what_nothing_fits_gives_nothing() {
        assert!(Discovery::builtin().unwrap().discover("zzzzqqqq xxyyzzww", 5).unwrap().is_empty());
    }

    #[test]
    fn limits_bound_the_answer() {
        let discovery = Discovery::builtin().unwrap();
        assert_eq!(discovery.discover("payments", 3).unwrap().len(), 3);
        for (query, limit) in [("", 5), (" -- ", 5), ("x", 0), ("x", MOST + 1), (&"x".repeat(1001), 5)] {
            let error = discovery.discover(query, limit).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{query} {limit}");
        }
    }

    #[test]
    fn confidence_falls_along_the_list_and_stays_a_share() {
        let found = Discovery::builtin().unwrap().discover("send text messages", 20).unwrap();
        assert!(found.iter().all(|one| (0.0..=1.0).contains(&one.confidence_score.unwrap())));
        assert!(found[0].confidence_score > found[19].confidence_score);
    }

    #[test]
    fn an_api_is_known_by_host_provider_and_name() {
        let discovery = Discovery::builtin().unwrap();
        for given in ["https://api.stripe.com/v1", "api.stripe.com", "stripe.com", "Stripe API", "stripe api"]
        {
            assert_eq!(discovery.known(given).unwrap().id, "stripe.com", "{given}");
        }
        assert!(discovery.known("https://stripe.com.evil.example").is_none());
        assert!(discovery.known("https://example.invalid").is_none());
        assert!(discovery.known("").is_none());
    }
}
