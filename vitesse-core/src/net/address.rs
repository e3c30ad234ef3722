use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// What an address is for, as far as the guard cares. Everything but [`Public`](Self::Public) is refused by
/// default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// Reachable from the whole internet.
    Public,
    /// This very machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`.
    Private,
    /// Shared behind a carrier's NAT: `100.64.0.0/10`.
    Shared,
    /// Only this link: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// A cloud's metadata service, which hands credentials to whoever asks.
    Metadata,
    /// Many receivers: `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// No address at all: `0.0.0.0/8`, `::`. Connecting to it often means this machine.
    Unspecified,
    /// Set aside for documentation and benchmarks.
    Documentation,
    /// Set aside for protocols, transitions (6to4, Teredo) or the future.
    Reserved,
}

impl AddressClass {
    /// What `address` is for. Addresses that carry an IPv4 address (mapped, NAT64) are what the inner one is.
    ///
    /// ```
    /// use vitesse_core::net::AddressClass;
    /// assert_eq!(AddressClass::of("1.1.1.1".parse().unwrap()), AddressClass::Public);
    /// assert_eq!(AddressClass::of("::ffff:127.0.0.1".parse().unwrap()), AddressClass::Loopback);
    /// assert_eq!(AddressClass::of("169.254.169.254".parse().unwrap()), AddressClass::Metadata);
    /// ```
    pub fn of(address: IpAddr) -> Self {
        let address = inner(address);
        if METADATA.contains(&address) {
            return Self::Metadata;
        }
        let special = SPECIAL.iter().find(|(network, _)| network.contains(address));
        match (special, address) {
            (Some((_, class)), _) => *class,
            (None, IpAddr::V4(_)) => Self::Public,
            // Of IPv6, only 2000::/3 is given out; what isn't is refused without being listed.
            (None, IpAddr::V6(v6)) if v6.segments()[0] >> 13 == 1 => Self::Public,
            (None, IpAddr::V6(_)) => Self::Reserved,
        }
    }

    /// Whether [`allow_private`](super::Guard::allow_private) lets it pass.
    pub fn is_internal(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::Shared)
    }

    /// In words: `a loopback address`.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a carrier's shared address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "an unspecified address",
            Self::Documentation => "a documentation or benchmark address",
            Self::Reserved => "a reserved address",
        }
    }
}

/// A network in CIDR notation; a single address is a network of one.
///
/// ```
/// use vitesse_core::net::Network;
/// let network: Network = "10.1.0.0/16".parse().unwrap();
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!(!network.contains("10.2.0.0".parse().unwrap()));
/// assert!("10.1.2.3/16".parse::<Network>().is_err(), "bits after the prefix are a slip");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` is in it. Mapped and NAT64 addresses count as the IPv4 address they carry.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, inner(address)) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                masked(base.to_bits().into(), 32, self.prefix)
                    == masked(address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                masked(base.to_bits(), 128, self.prefix) == masked(address.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }

    /// Whether it is one address only.
    pub fn is_single(&self) -> bool {
        self.prefix == if self.base.is_ipv4() { 32 } else { 128 }
    }

    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Self {
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &'static str| {
            Error::new(ErrorKind::InvalidInput, format!("{text:?} is not a network: {why}"))
                .help("write an address (10.1.2.3) or a network (10.1.0.0/16, fd00::/8)")
        };
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| wrong("there is no address before the slash"))?;
        let width: u8 = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= width)
                .ok_or_else(|| wrong("the prefix is too long"))?,
            Some(_) => return Err(wrong("the prefix is not a number")),
        };
        let bits = match base {
            IpAddr::V4(v4) => v4.to_bits().into(),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        if masked(bits, width, prefix) != bits {
            return Err(wrong("it has bits after its prefix"));
        }
        // A mapped network is meant as the IPv4 network it stands for.
        match (base, inner(base)) {
            (IpAddr::V6(_), IpAddr::V4(v4)) if prefix >= 96 => {
                Ok(Self { base: IpAddr::V4(v4), prefix: prefix - 96 })
            }
            _ => Ok(Self { base, prefix }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_single() {
            true => self.base.fmt(f),
            false => write!(f, "{}/{}", self.base, self.prefix),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The IPv4 address that an IPv6 one stands for, where packets to it end up at that very address: mapped
/// (`::ffff:0:0/96`) and NAT64 (`64:ff9b::/96`).
fn inner(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
            }
            _ => address,
        },
        IpAddr::V4(_) => address,
    }
}

fn masked(bits: u128, width: u8, prefix: u8) -> u128 {
    // Shifting by the whole width overflows: a prefix of zero keeps nothing.
    bits.checked_shr(u32::from(width - prefix))
        .and_then(|kept| kept.checked_shl(u32::from(width - prefix)))
        .unwrap_or(0)
}

/// Where clouds hand out credentials. Some are inside blocks below, some look public.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // AWS ECS tasks
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // AWS EKS pods
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle, formerly
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure's host agent
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS EKS pods
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)), // OpenStack
];

/// The special-purpose registries of IPv4 and IPv6, with what is said to be globally reachable but serves no
/// HTTP (anycast relays, ORCHID) kept on the safe side.
const SPECIAL: &[(Network, AddressClass)] = &[
    (Network::v4(0, 0, 0, 0, 8), AddressClass::Unspecified),
    (Network::v4(10, 0, 0, 0, 8), AddressClass::Private),
    (Network::v4(100, 64, 0, 0, 10), AddressClass::Shared),
    (Network::v4(127, 0, 0, 0, 8), AddressClass::Loopback),
    (Network::v4(169, 254, 0, 0, 16), AddressClass::LinkLocal),
    (Network::v4(172, 16, 0, 0, 12), AddressClass::Private),
    (Network::v4(192, 0, 0, 0, 24), AddressClass::Reserved),
    (Network::v4(192, 0, 2, 0, 24), AddressClass::Documentation),
    (Network::v4(192, 88, 99, 0, 24), AddressClass::Reserved),
    (Network::v4(192, 168, 0, 0, 16), AddressClass::Private),
    (Network::v4(198, 18, 0, 0, 15), AddressClass::Documentation),
    (Network::v4(198, 51, 100, 0, 24), AddressClass::Documentation),
    (Network::v4(203, 0, 113, 0, 24), AddressClass::Documentation),
    (Network::v4(224, 0, 0, 0, 4), AddressClass::Multicast),
    (Network::v4(240, 0, 0, 0, 4), AddressClass::Reserved),
    (Network { base: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix: 128 }, AddressClass::Unspecified),
    (Network { base: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 }, AddressClass::Loopback),
    (Network::v6(0x2001, 0, 0, 23), AddressClass::Reserved),
    (Network::v6(0x2001, 0xdb8, 0, 32), AddressClass::Documentation),
    (Network::v6(0x2002, 0, 0, 16), AddressClass::Reserved),
    (Network::v6(0x3fff, 0, 0, 20), AddressClass::Documentation),
    (Network::v6(0xfc00, 0, 0, 7), AddressClass::Private),
    (Network::v6(0xfe80, 0, 0, 10), AddressClass::LinkLocal),
    (Network::v6(0xff00, 0, 0, 8), AddressClass::Multicast),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every block of the two IANA special-purpose registries that isn't meant for hosts, written as the
    /// registries write them, with the deprecated and the transition blocks.
    const BLOCKS: &[&str] = &[
        "0.0.0.0/8",
        "0.0.0.0/32",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.0.0/29",
        "192.0.0.8/32",
        "192.0.0.9/32",
        "192.0.0.10/32",
        "192.0.0.170/32",
        "192.0.0.171/32",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::1/128",
        "::/128",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001::/32",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:1::3/128",
        "2001:2::/48",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:10::/28",
        "2001:20::/28",
        "2001:30::/28",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    /// Splits `block` and sets its free bits to those of `free`, by the plainest arithmetic.
    fn address_in(block: &str, free: u128) -> IpAddr {
        let (base, prefix) = block.split_once('/').unwrap();
        let prefix: u32 = prefix.parse().unwrap();
        let low = |width: u32| if prefix == 0 { u128::MAX } else { (1u128 << (width - prefix)) - 1 };
        match base.parse().unwrap() {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() | (free & low(32)) as u32).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() | (free & low(128))).into(),
        }
    }

    proptest! {
        #[test]
        fn no_address_of_a_special_block_is_public(block in prop::sample::select(BLOCKS), free: u128) {
            for free in [0, u128::MAX, free] {
                let address = address_in(block, free);
                prop_assert_ne!(AddressClass::of(address), AddressClass::Public, "{} of {}", address, block);
                if let IpAddr::V4(v4) = address {
                    let mapped = IpAddr::V6(v4.to_ipv6_mapped());
                    let nat64 = IpAddr::V6(Ipv6Addr::from_bits((0x64ff9b_u128 << 96) | u128::from(v4.to_bits())));
                    prop_assert_eq!(AddressClass::of(mapped), AddressClass::of(address));
                    prop_assert_eq!(AddressClass::of(nat64), AddressClass::of(address));
                }
            }
        }

        #[test]
        fn every_other_address_is_public(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [a, b, c, _] = v4.octets();
            // The standard library is the judge for what it knows; the rest is written out.
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_multicast() || a == 0 || a >= 240
                || (a == 100 && b & 0xc0 == 64) || (a == 198 && b & 0xfe == 18)
                || (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
            prop_assert_eq!(AddressClass::of(v4.into()) == AddressClass::Public, !special, "{}", v4);
        }

        #[test]
        fn networks_agree_with_plain_arithmetic(bits: u32, prefix in 0u8..=32, other: u32) {
            let mask = if prefix == 0 { 0 } else { u32::MAX << (32 - prefix) };
            let text = format!("{}/{prefix}", Ipv4Addr::from_bits(bits & mask));
            let network: Network = text.parse().unwrap();
            prop_assert_eq!(network.contains(Ipv4Addr::from_bits(other).into()), (bits ^ other) & mask == 0);
            prop_assert_eq!(network.to_string().parse::<Network>().unwrap(), network);
        }

        #[test]
        fn reading_networks_never_panics(text in "\\PC*", prefix: u8) {
            let _ = text.parse::<Network>();
            let _ = format!("::ffff:10.0.0.0/{prefix}").parse::<Network>();
            let _ = format!("10.0.0.0/{prefix}").parse::<Network>();
        }
    }

    #[test]
    fn metadata_addresses_are_known_as_such_even_where_they_look_public() {
        for address in METADATA {
            assert_eq!(AddressClass::of(*address), AddressClass::Metadata, "{address}");
        }
        assert_eq!(AddressClass::of("::ffff:169.254.169.254".parse().unwrap()), AddressClass::Metadata);
        assert_eq!(AddressClass::of("64:ff9b::a9fe:a9fe".parse().unwrap()), AddressClass::Metadata);
    }

    #[test]
    fn the_public_internet_is_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
            "2001:200::1",
            "3ffe:ffff::1",
        ] {
            assert_eq!(AddressClass::of(address.parse().unwrap()), AddressClass::Public, "{address}");
        }
    }

    #[test]
    fn mapped_networks_mean_their_ipv4_network() {
        let network: Network = "::ffff:10.0.0.0/104".parse().unwrap();
        assert_eq!(network.to_string(), "10.0.0.0/8");
        assert!(network.contains("10.9.8.7".parse().unwrap()));
        for wrong in ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "::/129", "fe80::1%eth0", "ten/8"]
        {
            let error = wrong.parse::<Network>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong}");
            assert!(error.help_text().is_some());
        }
    }

    #[test]
    fn the_page_about_the_guard_lists_every_block() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/explanation/network-guard.md");
        let page = std::fs::read_to_string(path).unwrap();
        let blocks = SPECIAL.iter().map(|(network, _)| network.to_string());
        for block in blocks.chain(METADATA.iter().map(ToString::to_string)) {
            assert!(page.contains(&format!("`{block}`")), "{block} is missing");
        }
    }
}
