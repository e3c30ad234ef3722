//! The page about the guard says what the code does.

use std::time::Duration;

use vitesse_core::net::{AddressClass, Limits, Network, Retry};

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/explanation/network-guard.md");
    std::fs::read_to_string(path).unwrap()
}

/// The second cell of the row that begins with this name.
fn cell(page: &str, name: &str) -> String {
    let row = page.lines().find(|line| line.starts_with(&format!("| {name} |")));
    row.unwrap_or_else(|| panic!("no row {name}")).split('|').nth(2).unwrap().trim().to_owned()
}

fn bytes(count: u64) -> String {
    if count.is_multiple_of(1 << 20) {
        format!("{} MiB", count >> 20)
    } else {
        format!("{} KiB", count >> 10)
    }
}

fn time(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

#[test]
fn its_figures_are_the_defaults() {
    let page = page();
    let Limits { body, wire, head, headers, redirects, total, connect, idle } = Limits::default();
    let Retry { tries, base, cap, max_wait, budget, budget_per_request } = Retry::default();
    for (name, value) in [
        ("`body`", bytes(body)),
        ("`wire`", bytes(wire)),
        ("`head`", bytes(head.into())),
        ("`headers`", headers.to_string()),
        ("`redirects`", redirects.to_string()),
        ("`total`", time(total)),
        ("`connect`", time(connect)),
        ("`idle`", time(idle)),
        ("`tries`", tries.to_string()),
        ("`base`", time(base)),
        ("`cap`", time(cap)),
        ("`max_wait`", time(max_wait)),
        ("`budget`", budget.to_string()),
    ] {
        assert_eq!(cell(&page, name), value, "{name}");
    }
    assert!(page.contains(&format!("each request earns back {budget_per_request} of one")));
}

#[test]
fn its_addresses_are_in_the_classes_it_names() {
    let page = page();
    for (name, class) in [
        ("loopback", AddressClass::Loopback),
        ("private", AddressClass::Private),
        ("shared (carrier NAT)", AddressClass::Shared),
        ("link-local", AddressClass::LinkLocal),
        ("metadata", AddressClass::Metadata),
        ("unspecified", AddressClass::Unspecified),
        ("multicast", AddressClass::Multicast),
        ("documentation, benchmarks", AddressClass::Documentation),
        ("reserved", AddressClass::Reserved),
    ] {
        let cell = cell(&page, name);
        let networks: Vec<_> = cell.split('`').filter(|text| text.parse::<Network>().is_ok()).collect();
        assert!(!networks.is_empty(), "{name}");
        for network in networks.iter().filter(|network| **network != "2000::/3") {
            let base = network.split('/').next().unwrap().parse().unwrap();
            assert_eq!(AddressClass::of(base), class, "{network}");
        }
    }
}
