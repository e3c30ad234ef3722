//! Whether people find what they look for: queries as they type them, with the APIs that would do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say which queries miss"
)]

use vitesse_core::discovery::Discovery;

/// The share of the queries of a list that have an expected API among the first five.
fn found(list: &str) -> (usize, usize) {
    let discovery = Discovery::builtin().unwrap();
    let (mut found, mut all) = (0, 0);
    for line in list.lines() {
        let (query, expected) = line.split_once('\t').unwrap();
        let results = discovery.discover(query, 5).unwrap();
        let ids: Vec<_> = results.iter().filter_map(|one| one.catalog_id.as_deref()).collect();
        let hit = ids.iter().any(|id| expected.split('|').any(|start| id.starts_with(start)));
        if !hit {
            println!("{query}: {ids:?}");
        }
        all += 1;
        found += usize::from(hit);
    }
    println!("{found} of {all}");
    (found, all)
}

#[test]
fn queries_as_people_type_them_find_an_expected_api_among_the_first_five() {
    let (found, all) = found(include_str!("queries.tsv"));
    assert!(all >= 100 && found * 100 >= 90 * all, "{found} of {all}");
}

/// These were written before the ranking was tuned and not looked at for it: what to expect of other queries.
#[test]
fn queries_that_the_ranking_was_not_tuned_on() {
    let (found, all) = found(include_str!("unseen.tsv"));
    assert!(all >= 50 && found * 100 >= 75 * all, "{found} of {all}");
}
