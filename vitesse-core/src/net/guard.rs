use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use super::address::{AddressClass, Network};
use super::redact::redacted;
use crate::error::{Error, ErrorKind, Result};

/// Which addresses may be reached. By default only public ones.
///
/// ```
/// use vitesse_core::net::Guard;
/// let guard = Guard::default();
/// assert!(guard.check_address("crm.example", "93.184.215.14".parse().unwrap()).is_ok());
/// assert!(guard.check_address("crm.example", "10.0.0.7".parse().unwrap()).is_err());
///
/// let guard = Guard { allow: vec!["10.0.0.0/24".parse().unwrap()], ..Guard::default() };
/// assert!(guard.check_address("crm.example", "10.0.0.7".parse().unwrap()).is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Lets loopback, private and shared addresses pass; never link-local or metadata ones.
    pub allow_private: bool,
    /// What may be reached although it isn't public.
    pub allow: Vec<Allow>,
}

/// One entry of [`Guard::allow`], written `10.0.0.0/8`, `fd12::7`, `crm.internal` or `*.corp.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Any host whose address is in this network.
    Network(Network),
    /// This host, whatever its address.
    Host(String),
    /// Every host under this name, but not the name itself.
    Under(String),
}

impl Guard {
    /// Reads a list as `VITESSE_ALLOW` has it: networks and hosts, and `private` for
    /// [`allow_private`](Self::allow_private).
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] naming the entry that is neither.
    pub fn from_list<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut guard = Self::default();
        for entry in entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty()) {
            match entry {
                "private" => guard.allow_private = true,
                _ => guard.allow.push(entry.parse()?),
            }
        }
        Ok(guard)
    }

    /// Reads a URL and refuses what needs no look-up to be refused: other schemes than http(s), user names
    /// and passwords in it, addresses written out that may not be reached, and names of this machine.
    ///
    /// The URL comes back in its normal form: `http://0x7f.1:80/` is `http://127.0.0.1/` (and is refused),
    /// the dot that ends a full host name is gone, and so is the fragment, which is never sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for what is no URL, [`ErrorKind::AddressRefused`] for what is refused.
    pub fn check_url(&self, text: &str) -> Result<Url> {
        let url = Url::parse(text).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("this is not a URL: {error}"))
                .in_operation("net.check")
                .with("text", shortened(text))
                .help("write the whole address, such as https://api.example.com/v1")
        })?;
        self.check_parsed(url)
    }

    /// The same for a URL that is parsed already, such as the target of a redirect.
    ///
    /// # Errors
    /// As [`check_url`](Self::check_url).
    pub fn check_parsed(&self, mut url: Url) -> Result<Url> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(&url, format!("the scheme {:?} is not http or https", url.scheme()))
                .help("only http and https addresses can be used"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(&url, "a URL must not hold a user name or password")
                .help("give them as credentials of the connection; in a URL they end up in logs"));
        }
        url.set_fragment(None);
        if let Some(name) = url.domain().and_then(|name| name.strip_suffix('.')).map(str::to_owned) {
            url.set_host(Some(&name))
                .map_err(|error| refused(&url, format!("the host is wrong: {error}")))?;
        }
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            Some(Host::Domain(name)) if names_this_machine(name) => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            Some(Host::Domain(_)) => return Ok(url),
            None => return Err(refused(&url, "the URL names no host")),
        };
        let host = url.host_str().unwrap_or_default();
        self.check_address(host, address).map_err(|error| error.with("url", redacted(&url)))?;
        Ok(url)
    }

    /// Says whether `address`, which `host` resolved to or is, may be connected to.
    ///
    /// # Errors
    /// [`ErrorKind::AddressRefused`] saying what kind of address it is and how to allow it.
    pub fn check_address(&self, host: &str, address: IpAddr) -> Result<()> {
        let class = AddressClass::of(address);
        let allowed = match class {
            AddressClass::Public => true,
            // A wide network or a host name may hit a metadata service by accident: it has to be named.
            AddressClass::Metadata => self.allow.iter().any(
                |entry| matches!(entry, Allow::Network(network) if network.is_single() && network.contains(address)),
            ),
            _ if class.is_internal() && self.allow_private => true,
            _ => self.allow.iter().any(|entry| entry.covers(host, address)),
        };
        if allowed {
            return Ok(());
        }
        let remedy = match class {
            AddressClass::Metadata => {
                "metadata services hand out credentials; only the exact address in VITESSE_ALLOW allows it"
            }
            _ => "use a public address, or allow this host or network in VITESSE_ALLOW",
        };
        Err(Error::new(ErrorKind::AddressRefused, format!("{} is not reached from here", class.describe()))
            .in_operation("net.check")
            .with("host", host)
            .with("address", address)
            .help(remedy))
    }
}

impl Allow {
    fn covers(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Network(network) => network.contains(address),
            Self::Host(name) => host.eq_ignore_ascii_case(name),
            Self::Under(parent) => {
                let host = host.to_ascii_lowercase();
                host.strip_suffix(parent.as_str())
                    .is_some_and(|front| front.len() > 1 && front.ends_with('.'))
            }
        }
    }
}

impl FromStr for Allow {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.contains('/') || text.parse::<IpAddr>().is_ok() {
            return text.parse().map(Self::Network).map_err(|error| {
                Error::new(ErrorKind::ConfigInvalid, error.message().to_owned())
                    .in_operation("net.allow")
                    .help("write an address (10.1.2.3) or a network (10.1.0.0/16, fd00::/8)")
            });
        }
        let wrong = || {
            Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a network or host name"))
                .in_operation("net.allow")
                .help("write a network (10.0.0.0/8), a host (crm.internal) or all hosts under a name (*.corp.example)")
        };
        let (name, under) = match text.strip_prefix("*.") {
            Some(parent) => (parent, true),
            None => (text, false),
        };
        // Read as URLs are, so that an entry and a URL can't spell one name in two ways.
        match Host::parse(name.strip_suffix('.').unwrap_or(name)).map_err(|_| wrong())? {
            Host::Domain(name) if name.contains('*') => Err(wrong()),
            Host::Domain(name) if under => Ok(Self::Under(name)),
            Host::Domain(name) => Ok(Self::Host(name)),
            _ => Err(wrong()),
        }
    }
}

/// `localhost` and names under it are this machine by standard, whatever a name server says.
pub(super) fn names_this_machine(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn refused(url: &Url, why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::AddressRefused, why).in_operation("net.check").with("url", redacted(url))
}

/// The beginning of a text that turned out to be no URL. What may be a query or user info is left out.
fn shortened(text: &str) -> String {
    let start = text.rfind('@').map_or(0, |at| at + 1);
    let plain = text.get(start..).unwrap_or_default();
    let plain = plain.split(['?', '#']).next().unwrap_or_default();
    plain.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(url: &str, expect: Result<&str, &str>) {
        match (Guard::default().check_url(url), expect) {
            (Ok(url), Ok(expect)) => assert_eq!(url.as_str(), expect),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{url}: {error}"),
            (found, expect) => panic!("{url}: found {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn urls_come_back_normal_or_are_refused() {
        check("https://API.Example.com./v1?a=b#frag", Ok("https://api.example.com/v1?a=b"));
        check("http://example.com:80", Ok("http://example.com/"));
        check("http://bücher.example/", Ok("http://xn--bcher-kva.example/"));
        check("http://8.8.8.8/", Ok("http://8.8.8.8/"));
        check("http://[2606:4700::1111]/", Ok("http://[2606:4700::1111]/"));
        check("ftp://example.com/", Err("scheme"));
        check("file:///etc/passwd", Err("scheme"));
        check("gopher://example.com/", Err("scheme"));
        check("data:text/plain,hello", Err("scheme"));
        check("https://me:pass@example.com/", Err("user name or password"));
        check("https://me@example.com/", Err("user name or password"));
        check("example.com/openapi.json", Err("not a URL"));
        check("http://", Err("not a URL"));
        check("http://[fe80::1%25eth0]/", Err("not a URL"));
    }

    #[test]
    fn every_spelling_of_an_inner_address_is_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.0.0.1/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://db.localhost/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://0.0.0.0/",
            "http://0/",
            "http://[::]/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[fd00:ec2::254]/",
            "http://0xa9fea9fe/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://%31%32%37.0.0.1/",
        ] {
            let error = Guard::default().check_url(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddressRefused, "{url}: {error}");
            assert!(!error.is_temporary() && error.help_text().is_some(), "{url}");
        }
    }

    #[test]
    fn what_is_allowed_passes_and_nothing_more() {
        let guard = Guard::from_list(["10.0.0.0/24", "crm.internal", "*.Corp.Example", " "]).unwrap();
        let allows = |host: &str, address: &str| guard.check_address(host, address.parse().unwrap()).is_ok();
        assert!(allows("x", "10.0.0.9") && allows("x", "::ffff:10.0.0.9") && !allows("x", "10.0.1.9"));
        assert!(allows("CRM.internal", "192.168.0.1") && allows("crm.internal", "fe80::1"));
        assert!(allows("a.corp.example", "127.0.0.1") && allows("a.b.corp.example", "10.1.1.1"));
        assert!(!allows("corp.example", "127.0.0.1") && !allows("evilcorp.example", "127.0.0.1"));
        assert!(!allows(".corp.example", "127.0.0.1"));
        assert!(!allows("crm.internal", "169.254.169.254"), "a host entry never opens a metadata service");

        let private = Guard::from_list(["private"]).unwrap();
        assert!(
            private.check_url("http://localhost:8080/").is_ok() && private.check_url("http://[::1]/").is_ok()
        );
        for refused in
            ["http://169.254.169.254/", "http://169.254.1.1/", "http://[fd00:ec2::254]/", "http://0.0.0.0/"]
        {
            assert!(private.check_url(refused).is_err(), "{refused}");
        }
        let everything = Guard::from_list(["0.0.0.0/0", "169.254.169.254"]).unwrap();
        assert!(everything.check_url("http://169.254.169.254/").is_ok(), "named exactly");
        assert!(everything.check_url("http://169.254.170.2/").is_err(), "only within a wide network");
        for wrong in ["10.0.0.1/8", "*", "*.", "a*b", "http://x", "a b"] {
            assert_eq!(Guard::from_list([wrong]).unwrap_err().kind(), ErrorKind::ConfigInvalid, "{wrong}");
        }
    }

    #[test]
    fn an_error_shows_no_password_of_the_url() {
        for url in
            ["https://me:hunter2@example.com/?token=hunter2", "//me:hunter2@example.com/?token=hunter2"]
        {
            let error = Guard::default().check_url(url).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn checking_never_panics_and_never_passes_what_is_not_http(text in "\\PC{0,60}") {
            if let Ok(url) = Guard::default().check_url(&text) {
                prop_assert!(url.scheme().starts_with("http") && url.username().is_empty());
            }
        }

        #[test]
        fn a_written_address_passes_exactly_if_it_is_public(bits: u32) {
            let v4 = std::net::Ipv4Addr::from_bits(bits);
            let public = AddressClass::of(v4.into()) == AddressClass::Public;
            for url in [format!("http://{v4}/"), format!("http://{bits}/"), format!("http://{bits:#x}/")] {
                prop_assert_eq!(Guard::default().check_url(&url).is_ok(), public, "{}", url);
            }
        }
    }
}
