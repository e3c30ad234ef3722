//! What answers mean: every action of a rule on both sides, headers that tell of limits, a destination that is down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitesse_core::ErrorKind;
use vitesse_core::progress::Progress;
use vitesse_core::secret::Secret;
use vitesse_core::sync::{Counts, LetterReason};

use crate::peer::{Received, Step, reply};
use crate::world::{Kind, World, by_offset, no_fault, param, person};

fn people(count: usize) -> Vec<Value> {
    (0..count).map(person).collect()
}

/// A source of 30 people in pages of ten, which `answer` may change by the page and how often it was asked for.
async fn source(
    rules: Value,
    answer: impl Fn(usize, usize) -> Option<Vec<Step>> + Send + Sync + 'static,
) -> (World, Result<Counts, vitesse_core::Error>) {
    let asked: Mutex<BTreeMap<usize, usize>> = Mutex::default();
    let mut world = World::new(
        Kind::Keys,
        move |request| {
            let offset: usize = param(request, "offset").map_or(0, |text| text.parse().unwrap());
            let times = {
                let mut asked = asked.lock().unwrap();
                let times = asked.entry(offset).or_default();
                *times += 1;
                *times
            };
            answer(offset, times).unwrap_or_else(|| by_offset(&people(30), request))
        },
        no_fault,
    )
    .await;
    world.mapping["source"]["pagination"] =
        json!({"kind": "offset", "param": "offset", "size_param": "limit", "size": 10});
    world.mapping["source"]["responses"] = rules;
    let outcome = world.sync().run(&Progress::none()).await.map(|report| report.total());
    (world, outcome)
}

#[tokio::test]
async fn a_source_is_asked_again_as_rules_say() {
    for action in ["retry", "rate_limited", "refresh"] {
        let (world, outcome) = source(
            json!([{"when": {"status": 418}, "do": action, "after": "1ms", "max_tries": 5}]),
            |offset, times| (offset == 10 && times < 4).then(|| reply(418, &[], "{}")),
        )
        .await;
        assert_eq!(outcome.unwrap().created, 30, "{action}");
        assert_eq!(world.source.received().len(), 3 + 3 + 1, "{action}");
    }
    let (_, outcome) = source(
        json!([{"when": {"status": 418}, "do": "retry", "after": "1ms", "max_tries": 3}]),
        |offset, _| (offset == 10).then(|| reply(418, &[], "{}")),
    )
    .await;
    assert!(outcome.unwrap_err().to_string().contains("another try"));
}

#[tokio::test]
async fn pages_are_taken_left_out_or_fail_as_rules_say() {
    let (_, outcome) = source(json!([{"when": {"status": 404}, "do": "succeed"}]), |offset, _| {
        (offset == 10).then(|| reply(404, &[], json!({"data": people(30)[10..20].to_vec()}).to_string()))
    })
    .await;
    assert_eq!(outcome.unwrap().created, 30);
    let (world, outcome) = source(json!([{"when": {"status": "5xx"}, "do": "ignore"}]), |offset, _| {
        (offset == 10).then(|| reply(500, &[], "{}"))
    })
    .await;
    assert_eq!(outcome.unwrap().created, 20);
    assert!(world.made().iter().all(|made| !(10..20).contains(&made["ext"].as_u64().unwrap())));
    let (world, outcome) =
        source(json!([{"when": {"body": {"field": "ok", "equals": false}}, "do": "fail"}]), |offset, _| {
            (offset == 10).then(|| reply(200, &[], json!({"ok": false, "data": []}).to_string()))
        })
        .await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("calls a failure"), "{error}");
    assert_eq!(world.made().len(), 10, "what was read before is delivered");
}

#[tokio::test]
async fn paging_begins_again_as_rules_say() {
    let (world, outcome) =
        source(json!([{"when": {"status": 410}, "do": "restart_paging"}]), |offset, times| {
            (offset == 20 && times == 1).then(|| reply(410, &[], "{}"))
        })
        .await;
    let counts = outcome.unwrap();
    assert_eq!((counts.created, world.made().len()), (30, 30), "{counts:?}");
    let (_, outcome) = source(json!([{"when": {"status": 410}, "do": "restart_paging"}]), |offset, _| {
        (offset == 20).then(|| reply(410, &[], "{}"))
    })
    .await;
    assert!(outcome.unwrap_err().to_string().contains("begin again too often"));
}

#[tokio::test]
async fn a_destination_fails_a_record_as_rules_say() {
    let mut world = World::new(
        Kind::Keys,
        |request| by_offset(&people(3), request),
        |request, answer| {
            let made = answer();
            match request.body.contains("\"ext\":1,") {
                // This API says 200 to everything.
                true => reply(200, &[], r#"{"ok": false, "why": "no"}"#),
                false => made,
            }
        },
    )
    .await;
    world.mapping["destination"]["responses"] =
        json!([{"when": {"status": "2xx", "body": {"field": "ok", "equals": false}}, "do": "fail"}]);
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.created, counts.dead), (2, 1));
    let letter = world.sync().letter("people", "1").await.unwrap();
    assert_eq!(letter.reason, LetterReason::Refused);
    assert!(letter.message.contains("why"), "{}", letter.message);
}

#[tokio::test]
async fn a_token_is_refreshed_as_rules_say() {
    let tokens: Arc<Mutex<usize>> = Arc::default();
    let given = Arc::clone(&tokens);
    let mut world = World::new(
        Kind::Keys,
        |request| by_offset(&people(5), request),
        move |request: &Received, answer| {
            if request.target == "/token" {
                let mut given = given.lock().unwrap();
                *given += 1;
                let token =
                    json!({"access_token": format!("t{given}"), "token_type": "bearer", "expires_in": 3600});
                return reply(200, &[], token.to_string());
            }
            // The first token was taken back long before its time.
            match request.header("authorization") {
                Some("Bearer t1") => reply(419, &[], "{}"),
                Some(_) => answer(),
                None => reply(400, &[], "{}"),
            }
        },
    )
    .await;
    world.options.concurrency = 1;
    world.credentials.dest.client_id = Some(Secret::new("id"));
    world.credentials.dest.client_secret = Some(Secret::new("secret"));
    world.mapping["destination"]["auth"] =
        json!({"type": "oauth2_client_credentials", "token_url": world.dest.url("/token")});
    world.mapping["destination"]["responses"] = json!([{"when": {"status": 419}, "do": "refresh"}]);
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.created, counts.dead), (5, 0));
    assert_eq!(*tokens.lock().unwrap(), 2);
}

#[tokio::test]
async fn headers_that_tell_of_a_limit_are_obeyed_before_it_is_reached() {
    // The server knows when the window ends; a request before that is one too many.
    let closed: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (own, early) = (Arc::clone(&closed), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&early);
    let world = World::new(
        Kind::Keys,
        move |request| {
            let mut closed = own.lock().unwrap();
            if closed.is_some_and(|until| Instant::now() < until) {
                *counted.lock().unwrap() += 1;
                return reply(429, &[], "{}");
            }
            let answer = by_offset(&people(60), request);
            let Step::Send(bytes) = &answer[0] else { return answer };
            if param(request, "offset").as_deref() != Some("20") {
                return answer;
            }
            *closed = Some(Instant::now() + Duration::from_millis(900));
            let text = String::from_utf8(bytes.clone()).unwrap();
            let told = text.replacen("\r\n", "\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1\r\n", 1);
            vec![Step::Send(told.into_bytes())]
        },
        no_fault,
    )
    .await;
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.created, *early.lock().unwrap()), (60, 0));
    assert!(closed.lock().unwrap().is_some());
}

#[tokio::test]
async fn a_destination_that_is_down_stops_the_sync_and_kills_no_letter() {
    let down = Arc::new(Mutex::new(true));
    let is_down = Arc::clone(&down);
    let mut world = World::new(
        Kind::Keys,
        |request| by_offset(&people(60), request),
        move |_, answer| if *is_down.lock().unwrap() { reply(500, &[], "{}") } else { answer() },
    )
    .await;
    world.options.patience = Duration::from_millis(300);
    let error = world.sync().run(&Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.is_temporary(), "{error}");
    let asked = world.dest.received().len();
    assert!(asked < 200, "the circuit breaker leaves it alone: {asked} requests");
    *down.lock().unwrap() = false;
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((world.made().len(), counts.dead), (60, 0), "{counts:?}");
}

#[tokio::test]
async fn answers_that_never_come_are_waited_for_no_longer_than_the_deadline() {
    let silent: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&silent);
    let mut world = World::new(
        Kind::Keys,
        |request| match request.index {
            0 => vec![Step::Hang],
            _ => by_offset(&people(5), request),
        },
        move |request, answer| {
            let key = request.header("idempotency-key").unwrap().to_owned();
            let mut seen = seen.lock().unwrap();
            if seen.contains(&key) {
                return answer();
            }
            seen.push(key);
            answer();
            vec![Step::Hang]
        },
    )
    .await;
    world.options.deadline = Duration::from_millis(200);
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.created, world.made().len()), (5, 5), "each first answer was silence");
}
