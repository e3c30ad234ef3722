//! Reading: every way of paging, and noticing what is cut short.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use vitesse_core::Error;
use vitesse_core::progress::Progress;
use vitesse_core::sync::Counts;

use crate::peer::{Received, Step, reply};
use crate::world::{Kind, World, no_fault, param, person};

const PEOPLE: usize = 25;

fn all() -> Vec<Value> {
    (0..PEOPLE).map(person).collect()
}

async fn read(
    pagination: Value,
    change: impl FnOnce(&mut Value),
    source: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
) -> (World, Result<Counts, Error>) {
    let mut world = World::new(Kind::Keys, source, no_fault).await;
    world.mapping["source"]["pagination"] = pagination;
    change(&mut world.mapping);
    world.options.tries = 3;
    let outcome = world.sync().run(&Progress::none()).await.map(|report| report.total());
    (world, outcome)
}

#[track_caller]
fn check_all(world: &World, outcome: Result<Counts, Error>) {
    let counts = outcome.unwrap();
    assert_eq!(counts.created, PEOPLE as u64, "{counts:?}");
    let mut made: Vec<u64> = world.made().iter().map(|made| made["ext"].as_u64().unwrap()).collect();
    made.sort_unstable();
    assert_eq!(made, (0..PEOPLE as u64).collect::<Vec<_>>());
}

fn number(request: &Received, name: &str, otherwise: usize) -> usize {
    param(request, name).map_or(otherwise, |text| text.parse().unwrap())
}

fn page(people: &[Value], from: usize, size: usize) -> Vec<Value> {
    people.iter().skip(from).take(size).cloned().collect()
}

fn data(records: Vec<Value>) -> Vec<Step> {
    reply(200, &[], json!({ "data": records }).to_string())
}

#[tokio::test]
async fn offsets_with_and_without_a_total_and_smaller_pages_than_asked_for() {
    let how = json!({"kind": "offset", "param": "o", "size_param": "n", "size": 10});
    for most in [10, 4] {
        let (world, outcome) = read(
            how.clone(),
            |_| {},
            move |request| data(page(&all(), number(request, "o", 0), number(request, "n", 10).min(most))),
        )
        .await;
        check_all(&world, outcome);
    }
}

#[tokio::test]
async fn numbers_of_pages() {
    for how in [
        json!({"kind": "page", "param": "p", "size": 10}),
        json!({"kind": "page", "param": "p", "total_pages": "pages"}),
        json!({"kind": "page", "param": "p"}),
    ] {
        let (world, outcome) = read(
            how,
            |_| {},
            |request| {
                let records = page(&all(), (number(request, "p", 1) - 1) * 10, 10);
                reply(200, &[], json!({"data": records, "pages": 3}).to_string())
            },
        )
        .await;
        check_all(&world, outcome);
    }
}

#[tokio::test]
async fn cursors_links_and_addresses() {
    let cursor = json!({"kind": "cursor", "param": "after", "from": "next", "has_more": "more"});
    let (world, outcome) = read(
        cursor,
        |_| {},
        |request| {
            let at = number(request, "after", 0);
            let next = (at + 10 < PEOPLE).then(|| (at + 10).to_string());
            reply(
                200,
                &[],
                json!({"data": page(&all(), at, 10), "next": next, "more": next.is_some()}).to_string(),
            )
        },
    )
    .await;
    check_all(&world, outcome);

    let (world, outcome) = read(
        json!({"kind": "link_header"}),
        |_| {},
        |request| {
            let at = number(request, "at", 0);
            let link = format!("</people?at=0>; rel=\"first\", </people?at={}>; rel=\"next last\"", at + 10);
            let headers: &[(&str, &str)] = if at + 10 < PEOPLE { &[("link", &link)] } else { &[] };
            reply(200, headers, json!({"data": page(&all(), at, 10)}).to_string())
        },
    )
    .await;
    check_all(&world, outcome);

    let (world, outcome) = read(
        json!({"kind": "next_url", "from": "next"}),
        |_| {},
        |request| {
            let at = number(request, "at", 0);
            let next = if at + 10 < PEOPLE { format!("/people?at={}", at + 10) } else { String::new() };
            reply(200, &[], json!({"data": page(&all(), at, 10), "next": next}).to_string())
        },
    )
    .await;
    check_all(&world, outcome);
}

#[tokio::test]
async fn equal_values_at_a_pages_edge_are_not_skipped() {
    // Three records have each value; pages of four end in the middle of them. Some APIs include the value.
    for inclusive in [false, true] {
        let how =
            json!({"kind": "keyset", "param": "since", "field": "updated", "size_param": "n", "size": 7});
        let (world, outcome) = read(
            how,
            |_| {},
            move |request| {
                let since = param(request, "since").map(|text| text.parse::<u64>().unwrap());
                let fits =
                    |value: u64| since.is_none_or(|since| value > since || (inclusive && value == since));
                let found: Vec<Value> =
                    all().into_iter().filter(|person| fits(person["updated"].as_u64().unwrap())).collect();
                data(page(&found, 0, number(request, "n", 7)))
            },
        )
        .await;
        check_all(&world, outcome);
    }
    let how = json!({"kind": "keyset", "param": "since", "field": "same", "size_param": "n", "size": 5});
    let (_, outcome) = read(
        how,
        |_| {},
        |_| {
            data(
                page(&all(), 0, 5)
                    .into_iter()
                    .map(|mut person| {
                        person["same"] = 1.into();
                        person
                    })
                    .collect(),
            )
        },
    )
    .await;
    assert!(outcome.unwrap_err().to_string().contains("one value"));
}

#[tokio::test]
async fn a_read_that_is_cut_short_is_an_error() {
    #[track_caller]
    fn check(outcome: Result<Counts, Error>, expect: &str) {
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    }
    let offset = json!({"kind": "offset", "param": "o", "size": 10, "total": "total"});
    let (_, outcome) = read(
        offset.clone(),
        |_| {},
        |request| {
            let records = page(&all(), number(request, "o", 0), 10);
            reply(200, &[], json!({"data": records, "total": 40}).to_string())
        },
    )
    .await;
    check(outcome, "more records than it gave");
    let (_, outcome) =
        read(json!({"kind": "offset", "param": "wrong", "size": 10}), |_| {}, |_| data(page(&all(), 0, 10)))
            .await;
    check(outcome, "same page came again");
    let (_, outcome) = read(
        json!({"kind": "cursor", "param": "c", "from": "next"}),
        |_| {},
        |_| reply(200, &[], json!({"data": page(&all(), 0, 10), "next": "x"}).to_string()),
    )
    .await;
    check(outcome, "cursor again");
    let (_, outcome) = read(
        json!({"kind": "cursor", "param": "c", "from": "next", "has_more": "more"}),
        |_| {},
        |_| reply(200, &[], json!({"data": page(&all(), 0, 10), "more": true}).to_string()),
    )
    .await;
    check(outcome, "gives no cursor");
    let (_, outcome) = read(offset, |_| {}, |_| reply(200, &[], "{\"items\": []}")).await;
    check(outcome, "no records where the mapping says");
    let (_, outcome) =
        read(json!({"kind": "none"}), |_| {}, |_| reply(200, &[], "{\"data\": [{\"id\": 1}")).await;
    check(outcome, "not whole JSON");
    let mut world =
        World::new(Kind::Keys, |request| data(page(&all(), number(request, "offset", 0), 2)), no_fault).await;
    world.mapping["source"]["pagination"] = json!({"kind": "offset", "param": "offset", "size": 2});
    world.options.max_pages = 3;
    check(world.sync().run(&Progress::none()).await.map(|report| report.total()), "more pages");
}

#[tokio::test]
async fn an_incremental_read_begins_a_little_before_the_last() {
    let asked: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let people: Arc<Mutex<Vec<Value>>> = Arc::new(Mutex::new(all()));
    let own = Arc::clone(&people);
    let mut world = World::new(
        Kind::Keys,
        move |request| {
            let since = param(request, "since");
            seen.lock().unwrap().push(since.clone());
            let since: u64 = since.map_or(0, |text| text.parse().unwrap());
            // This API leaves the value itself out.
            let found = own
                .lock()
                .unwrap()
                .iter()
                .filter(|person| person["updated"].as_u64().unwrap() > since || since == 0)
                .cloned()
                .collect();
            data(found)
        },
        no_fault,
    )
    .await;
    world.mapping["source"]["pagination"] = json!({"kind": "none"});
    world.mapping["source"]["incremental"] = json!({"field": "updated", "type": "id", "param": "since"});
    assert_eq!(world.sync().run(&Progress::none()).await.unwrap().total().created, 25);
    // One more with the highest value there was.
    people.lock().unwrap().push(json!({"id": 99, "name": "late", "updated": 8}));
    let second = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((second.created, second.read), (1, 2), "{second:?}");
    assert_eq!(*asked.lock().unwrap(), [None, Some("7".to_owned())]);
    world.sync().reset("people", Some("3"), Some("5")).await.unwrap();
    let range = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((range.read, range.unchanged), (9, 9), "{range:?}");
}

#[tokio::test]
async fn a_full_read_goes_on_where_it_stopped() {
    let offsets: Arc<Mutex<Vec<usize>>> = Arc::default();
    let (seen, broken) = (Arc::clone(&offsets), Arc::new(Mutex::new(true)));
    let fails = Arc::clone(&broken);
    let mut world = World::new(
        Kind::Keys,
        move |request| {
            let at = number(request, "offset", 0);
            if at == 20 && *fails.lock().unwrap() {
                return reply(403, &[], "{}");
            }
            seen.lock().unwrap().push(at);
            data(page(&all(), at, 10))
        },
        no_fault,
    )
    .await;
    world.mapping["source"]["pagination"] = json!({"kind": "offset", "param": "offset", "size": 10});
    world.sync().run(&Progress::none()).await.unwrap_err();
    *broken.lock().unwrap() = false;
    let second = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!(second.created, 5, "{second:?}");
    assert_eq!(*offsets.lock().unwrap(), [0, 10, 20], "what was read is not read again");
}

#[tokio::test]
async fn records_under_parents_have_a_mark_for_each() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let mut world = World::new(
        Kind::Keys,
        move |request| {
            seen.lock().unwrap().push(request.target.clone());
            let path = request.target.split('?').next().unwrap();
            match path {
                "/shops" => {
                    let shops: Vec<Value> =
                        ["a", "b/c", "d"].iter().map(|name| json!({"name": name})).collect();
                    data(page(&shops, number(request, "offset", 0), 2))
                }
                _ => {
                    let at = number(request, "updated_since", 0);
                    let people = [json!({"id": 1, "updated": 5}), json!({"id": 2, "updated": 6})];
                    data(
                        people
                            .into_iter()
                            .filter(|one| one["updated"].as_u64().unwrap() as usize > at)
                            .collect(),
                    )
                }
            }
        },
        no_fault,
    )
    .await;
    world.mapping["source"] = json!({
        "base_url": world.source.url(""), "path": "/shops/{shop}/people", "records": "data[]", "id_field": "id",
        "parent": {
            "path": "/shops", "records": "data[]", "params": {"shop": "name"}, "embed_as": "shop",
            "pagination": {"kind": "offset", "param": "offset", "size": 2},
        },
        "incremental": {"field": "updated", "type": "id", "param": "updated_since"},
    });
    world.mapping["transformations"] = json!([
        {"source_field": "id", "dest_field": "ext", "transform_type": "mapping"},
        {"source_field": "shop.name", "dest_field": "shop", "transform_type": "mapping"},
    ]);
    let first = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!(first.created, 6, "{first:?}");
    assert!(world.made().iter().any(|made| made["shop"] == "b/c" && made["ext"] == 2));
    assert!(asked.lock().unwrap().contains(&"/shops/b%2Fc/people".to_owned()), "{asked:?}");
    asked.lock().unwrap().clear();
    world.sync().run(&Progress::none()).await.unwrap();
    assert!(asked.lock().unwrap().contains(&"/shops/a/people?updated_since=5".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn times_and_tokens_lead_incremental_reads() {
    let asked: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    for (how, expect) in [
        (json!({"field": "at", "param": "since", "lookback": "5m"}), "2026-01-02T02:59:24Z"),
        (json!({"field": "at", "param": "since"}), "2026-01-02T03:04:23Z"),
        (json!({"field": "token", "type": "opaque", "param": "since"}), "t24"),
    ] {
        asked.lock().unwrap().clear();
        let seen = Arc::clone(&asked);
        let (world, outcome) = read(
            json!({"kind": "none"}),
            |mapping| mapping["source"]["incremental"] = how,
            move |request| {
                seen.lock().unwrap().push(param(request, "since").map(|text| text.replace("%3A", ":")));
                let with_times = all().into_iter().enumerate().map(|(id, mut person)| {
                    person["at"] = format!("2026-01-02T03:04:{id:02}Z").into();
                    person["token"] = format!("t{id}").into();
                    person
                });
                data(with_times.collect())
            },
        )
        .await;
        check_all(&world, outcome);
        world.sync().run(&Progress::none()).await.unwrap();
        assert_eq!(*asked.lock().unwrap(), [None, Some(expect.to_owned())]);
    }
}

#[tokio::test]
async fn records_are_left_out_by_a_filter() {
    let (world, outcome) = read(
        json!({"kind": "none"}),
        |mapping| mapping["filter"] = json!({"jq": ".id % 2 == 0"}),
        |_| data(all()),
    )
    .await;
    let counts = outcome.unwrap();
    assert_eq!((counts.created, counts.skipped), (13, 12));
    assert!(world.made().iter().all(|made| made["ext"].as_u64().unwrap() % 2 == 0));
}
