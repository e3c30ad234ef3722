//! Every style of paging, followed to its end.

use vitesse_core::mock::MockOptions;
use vitesse_core::spec::PaginationKind;

use crate::talk::{Caller, SHOP, header, mock};

fn options(records: usize) -> MockOptions {
    MockOptions { records, ..MockOptions::default() }
}

fn ids(records: &serde_json::Value) -> Vec<String> {
    records.as_array().unwrap().iter().map(|record| record["id"].to_string()).collect()
}

/// A list of `items` in the given envelope.
fn list(parameters: &str, headers: &str, envelope: &str) -> String {
    format!(
        "openapi: 3.0.3
info: {{title: Things, version: '1'}}
servers: [{{url: https://things.test/api}}]
paths:
  /things:
    get:
      parameters: [{parameters}]
      responses:
        '200':
          description: Some.
          headers: {{{headers}}}
          content:
            application/json:
              schema: {envelope}
components:
  schemas:
    Thing: {{type: object, required: [id, name], properties: {{id: {{type: integer}}, name: {{type: string}}}}}}
"
    )
}

const ITEMS: &str = "{type: array, items: {$ref: '#/components/schemas/Thing'}}";

fn size() -> &'static str {
    "{name: limit, in: query, schema: {type: integer, maximum: 7}}"
}

#[test]
fn each_style_of_paging_gives_every_record_once() {
    let string = |name: &str| format!("{{name: {name}, in: query, schema: {{type: string}}}}");
    let number = |name: &str, first: u64| {
        format!("{{name: {name}, in: query, schema: {{type: integer, default: {first}}}}}")
    };
    let object = |more: &str| format!("{{type: object, properties: {{items: {ITEMS}, {more}}}}}");
    let cases = [
        (
            PaginationKind::Cursor,
            list(
                &format!("{}, {}", string("cursor"), size()),
                "",
                &object("next_cursor: {type: string, nullable: true}"),
            ),
        ),
        (
            PaginationKind::Page,
            list(&format!("{}, {}", number("page", 1), size()), "", &object("total_pages: {type: integer}")),
        ),
        (
            PaginationKind::Page,
            list(&format!("{}, {}", number("page", 0), size()), "", &object("total: {type: integer}")),
        ),
        (
            PaginationKind::Offset,
            list(&format!("{}, {}", number("offset", 0), size()), "", &object("total: {type: integer}")),
        ),
        (
            PaginationKind::Keyset,
            list(
                &format!("{}, {}", string("starting_after"), size()),
                "",
                &object("has_more: {type: boolean}"),
            ),
        ),
        (PaginationKind::NextUrl, list(size(), "", &object("next_url: {type: string, format: uri}"))),
        (
            PaginationKind::LinkHeader,
            list(&format!("{}, {}", number("page", 1), size()), "Link: {schema: {type: string}}", ITEMS),
        ),
        (PaginationKind::LinkHeader, list(size(), "Link: {schema: {type: string}}", ITEMS)),
    ];
    for (kind, document) in cases {
        let mock = mock(&document, options(17));
        let paging = mock.spec().endpoints[0].pagination.as_deref().cloned().unwrap();
        // A page parameter beside a Link header is the better sign; both are followed then.
        let link = kind == PaginationKind::LinkHeader && paging.kind == PaginationKind::LinkHeader;
        assert!(paging.kind == kind || kind == PaginationKind::LinkHeader, "{kind:?}: {paging:?}");
        let caller = Caller::known(&mock);
        let mut target = "/things?limit=5".to_owned();
        let mut seen = Vec::new();
        for turn in 0..10 {
            let answer = caller.send("GET", &target, "");
            let body = answer.json();
            assert_eq!(answer.response.status(), 200, "{kind:?}: {body}");
            let records = if body.is_array() { &body } else { &body["items"] };
            let page = ids(records);
            seen.extend(page.clone());
            let next = match paging.kind {
                PaginationKind::Cursor => {
                    body["next_cursor"].as_str().map(|next| format!("/things?limit=5&cursor={next}"))
                }
                PaginationKind::NextUrl => {
                    body["next_url"].as_str().map(|url| url.replace("http://localhost", ""))
                }
                PaginationKind::Keyset => body["has_more"].as_bool().unwrap().then(|| {
                    format!("/things?limit=5&starting_after={}", page.last().unwrap().trim_matches('"'))
                }),
                PaginationKind::Page => {
                    let first = paging.first.unwrap_or(1);
                    (page.len() == 5).then(|| format!("/things?limit=5&page={}", turn + 1 + first))
                }
                PaginationKind::Offset => {
                    (page.len() == 5).then(|| format!("/things?limit=5&offset={}", seen.len()))
                }
                _ => header(&answer, "link").map(|link| {
                    let url = link.strip_prefix("<http://localhost").unwrap();
                    url.split('>').next().unwrap().to_owned()
                }),
            };
            if paging.total.is_some() {
                assert_eq!(body["total"], 17);
            }
            if paging.total_pages.is_some() {
                assert_eq!(body["total_pages"], 4);
            }
            match next {
                Some(next) => target = next,
                None => break,
            }
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (17, 17), "{kind:?}, link: {link}");
    }
}

#[test]
fn a_mark_that_is_none_and_a_page_too_large_are_refused() {
    let mock = mock(SHOP, options(30));
    let caller = Caller::known(&mock);
    let (status, why) = caller.outcome("GET", "/v2/customers?after=nonsense", "");
    assert_eq!((status, why.as_str()), (400, "\"after\" in the query is no cursor of this list"));
    let (status, why) = caller.outcome("GET", "/customers?limit=251", "");
    assert_eq!(status, 422);
    assert!(why.contains("limit") && why.contains("250"), "{why}");
    let beyond = crate::talk::mock(
        &list(
            &format!("{{name: page, in: query, schema: {{type: integer}}}}, {}", size()),
            "",
            &format!("{{type: object, properties: {{items: {ITEMS}, total: {{type: integer}}}}}}"),
        ),
        options(3),
    );
    assert_eq!(Caller::known(&beyond).get("/things?page=9&limit=2")["items"].as_array().unwrap().len(), 0);
}

#[test]
fn the_same_seed_gives_the_same_shop_and_orders_have_customers() {
    let first = mock(SHOP, options(40));
    let second = mock(SHOP, options(40));
    let other = mock(SHOP, MockOptions { seed: 1, ..options(40) });
    let page = |mock| Caller::known(mock).get("/orders?limit=40");
    assert_eq!(page(&first), page(&second));
    assert_ne!(page(&first), page(&other));
    let customers: Vec<_> =
        first.records("customers").unwrap().iter().map(|record| record["id"].clone()).collect();
    for order in first.records("/orders").unwrap() {
        assert!(customers.contains(&order["customer_id"]), "{order}");
    }
    // Asked alone, one order is the one of the list.
    let customer = customers[7].as_str().unwrap();
    assert_eq!(Caller::known(&first).get(&format!("/customers/{customer}"))["id"], customer);
}

#[test]
fn what_changed_since_comes_oldest_first() {
    let mock = mock(SHOP, options(40));
    let caller = Caller::known(&mock);
    let all = caller.get("/customers?limit=40");
    let times: Vec<String> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["updated_at"].as_str().unwrap().to_owned())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    // The moment itself is among them ("at or after"), in any zone.
    let from = &times[25];
    let late = caller.get(&format!("/customers?updated_since={from}"));
    assert_eq!(late["data"].as_array().unwrap().len(), 15);
    assert_eq!(late["data"][0]["updated_at"], from.as_str());
    let (status, why) = caller.outcome("GET", "/customers?updated_since=yesterday", "");
    assert_eq!(status, 422, "{why}");
    let paid = caller.get("/orders?status=paid&limit=250");
    let paid = paid["data"].as_array().unwrap();
    assert!(!paid.is_empty() && paid.len() < 40 && paid.iter().all(|order| order["status"] == "paid"));
}
