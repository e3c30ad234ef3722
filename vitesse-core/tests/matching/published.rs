//! Endpoints of published API descriptions that have nothing to do with each other, each as its owner describes it.

use std::collections::HashMap;

use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mapper::{MapRequest, Mapper, Side};
use vitesse_core::spec::{ApiSpec, Method};

use crate::corpus;

/// Where records could come from: a description and what is read of it.
const SOURCES: &[(&str, &str)] = &[
    ("weatherbit.io.json", "/current?city_id={city_id}"),
    ("deutschebahn.com/stada.json", "/stations"),
    ("rawg.io.json", "/games/{id}"),
    ("thetvdb.com.json", "/series/{id}/episodes"),
    ("circleci.com.json", "/recent-builds"),
    ("bigoven.com.json", "/recipe/{id}"),
    ("launchdarkly.com.json", "/flags/{projectKey}"),
];

/// Where they could go, and what is written there.
const DESTINATIONS: &[(&str, &str)] = &[
    ("billbee.io.json", "/api/v1/orders"),
    ("xero.com/xero_accounting.json", "/Invoices"),
    ("hetzner.cloud.json", "/servers"),
    ("trello.com.json", "/cards"),
    ("digitalocean.com.json", "/v2/databases"),
];

#[test]
fn endpoints_that_have_nothing_to_do_with_each_other_get_no_line_and_a_reason() {
    let specs: HashMap<&str, ApiSpec> =
        SOURCES.iter().chain(DESTINATIONS).map(|(name, _)| (*name, described(name))).collect();
    let mapper = Mapper::new().unwrap();
    let (mut pairs, mut wrong) = (0, Vec::new());
    for (from, read) in SOURCES {
        for (to, written) in DESTINATIONS {
            let source = Side::endpoint(&specs[from], &Method::Get, read).unwrap();
            let dest = Side::endpoint(&specs[to], &Method::Post, written).unwrap();
            let proposal = mapper.map(source, dest, &MapRequest::default()).unwrap();
            pairs += 1;
            match &proposal.refused {
                Some(refused) => {
                    assert!(proposal.mapping.transformations.is_empty());
                    assert!(!refused.reason.is_empty(), "{from} > {to}");
                }
                None => {
                    let lines = proposal.mapping.transformations.iter();
                    let lines: Vec<_> =
                        lines.map(|line| format!("{:?} > {}", line.source_field, line.dest_field)).collect();
                    wrong.push(format!("{from} {read} > {to} {written}: {lines:#?}"));
                }
            }
        }
    }
    assert!(pairs >= 30);
    assert!(wrong.is_empty(), "{} of {pairs} were mapped:\n{}", wrong.len(), wrong.join("\n"));
}

fn described(name: &str) -> ApiSpec {
    let path = corpus::all().iter().find(|path| corpus::name(path) == name).unwrap();
    read(&std::fs::read(path).unwrap(), &ReadOptions::default()).unwrap().spec
}
