//! What the catalogue can say where an API itself shows no description.

use super::Discovery;
use super::catalog::host;
use crate::ingestor::{KnownDescription, Wanted};

/// The descriptions the catalogue knows of an API, by its host or its name: where its owner publishes one, then the
/// directory's copy. Made for [`Ingestor::with_known`](crate::ingestor::Ingestor::with_known).
///
/// ```no_run
/// use vitesse_core::discovery::known_descriptions;
/// use vitesse_core::ingestor::Ingestor;
/// # fn client() -> vitesse_core::net::Client { unimplemented!() }
/// let ingestor = Ingestor::new(client()).with_known(known_descriptions);
/// ```
pub fn known_descriptions(wanted: &Wanted<'_>) -> Vec<KnownDescription> {
    let Ok(discovery) = Discovery::builtin() else { return Vec::new() };
    let by_name =
        || wanted.name.filter(|name| telling(wanted.address, name)).and_then(|name| discovery.known(name));
    let entry = discovery.known(wanted.address).or_else(by_name);
    let Some(entry) = entry else { return Vec::new() };
    let mut addresses = vec![entry.spec_url.clone()];
    if !entry.copy {
        addresses.push(entry.copy_url());
    }
    let known =
        |address| KnownDescription { keeper: "the built-in catalogue".to_owned(), address, document: None };
    addresses.into_iter().map(known).collect()
}

/// Whether a name is enough to take a public API for the one that was meant: many an in-house API is called `Shop`.
fn telling(address: &str, name: &str) -> bool {
    let host = host(address);
    let public = host.contains('.') && host.parse::<std::net::IpAddr>().is_err();
    public && name.split_whitespace().nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_known_by_its_host_or_else_by_its_name() {
        for (address, name) in
            [("https://api.stripe.com/v1", None), ("https://pay.invalid", Some("Stripe API"))]
        {
            let known = known_descriptions(&Wanted { address, name });
            let addresses: Vec<_> = known.iter().map(|one| one.address.as_str()).collect();
            assert_eq!(addresses.len(), 2, "{addresses:?}");
            assert!(
                addresses[0].contains("stripe") && addresses[1].ends_with("/stripe.com.json"),
                "{addresses:?}"
            );
        }
        let nothing = |address, name| known_descriptions(&Wanted { address, name }).is_empty();
        assert!(nothing("https://nobody.invalid", None));
        assert!(nothing("https://nobody.invalid", Some("Shop")), "one common word is not enough");
        assert!(
            nothing("http://127.0.0.1:9", Some("Stripe API")),
            "an API of this house is not a public one"
        );
    }
}
