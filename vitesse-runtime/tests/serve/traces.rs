//! What a collector of traces is sent.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vitesse_core::service::StartSync;

use crate::peer::{Peer, ask, post};
use crate::webhooks::{HOOKS, signature};
use crate::world::{Running, World};

/// Every span that a collector got.
fn spans(collector: &Peer) -> Vec<Value> {
    let asked = collector.asked.lock().unwrap();
    let each = |list: &Value| list.as_array().unwrap().clone();
    asked
        .iter()
        .flat_map(|asked| each(&asked.json()["resourceSpans"]))
        .flat_map(|resource| each(&resource["scopeSpans"]))
        .flat_map(|scope| each(&scope["spans"]))
        .collect()
}

fn fact<'a>(span: &'a Value, name: &str) -> &'a Value {
    let facts = span["attributes"].as_array().unwrap();
    let found = facts.iter().find(|fact| fact["key"] == name);
    &found.unwrap_or_else(|| panic!("no {name} in {span:#}"))["value"]
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

/// What a span is called in a request.
fn header(span: &Value) -> String {
    format!("00-{}-{}-01", span["traceId"].as_str().unwrap(), span["spanId"].as_str().unwrap())
}

/// Brings a record, as part of somebody's trace.
fn bring(running: &Running, id: u32, traceparent: &str) {
    let body = json!({"id": id}).to_string();
    let signed = format!("sha256={}", signature(&body));
    let headers = [("x-hub-signature-256", signed.as_str()), ("traceparent", traceparent)];
    assert_eq!(ask(running.data, "POST", "/hooks/things", &headers, &body).status, 202);
}

fn stop(running: &mut Running) {
    running.signal("TERM");
    assert!(running.wait().success());
}

#[test]
fn a_run_and_what_was_asked_in_it_are_one_trace() {
    let world = World::new(3);
    world.things.lock().unwrap().source[1]["name"] = json!("poison");
    let collector = Peer::start(|_| (200, json!({})));
    let mut running = world.serve(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret"),
        ("OTEL_SERVICE_NAME", "shop-to-crm"),
    ]);
    running.client().ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("the run's end", |running| running.said("run_ended").len() == 1);
    // What waits is sent before the end.
    stop(&mut running);

    let spans = spans(&collector);
    let [run] = named(&spans, "sync")[..] else { panic!("one run: {spans:#?}") };
    assert_eq!((&run["kind"], fact(run, "vitesse.why")), (&json!(1), &json!({"stringValue": "request"})));
    assert_eq!(fact(run, "vitesse.records.created"), &json!({"intValue": "2"}));
    assert_eq!(fact(run, "vitesse.records.dead"), &json!({"intValue": "1"}));
    assert!(run.get("parentSpanId").is_none());
    let (reads, writes) = (named(&spans, "ask source"), named(&spans, "ask destination"));
    assert_eq!((reads.is_empty(), writes.len()), (false, 3), "{spans:#?}");
    for asked in reads.iter().chain(&writes) {
        assert_eq!((&asked["traceId"], &asked["parentSpanId"]), (&run["traceId"], &run["spanId"]));
        assert_eq!(
            (&asked["kind"], fact(asked, "vitesse.stream")),
            (&json!(3), &json!({"stringValue": "things"}))
        );
        let at = |name: &str| asked[name].as_str().unwrap().parse::<u128>().unwrap();
        assert!(at("startTimeUnixNano") <= at("endTimeUnixNano"));
    }
    // Each API was told by its own span which request it was, and can go on with the trace.
    let told = |peer: &Peer| -> BTreeSet<String> {
        peer.asked.lock().unwrap().iter().map(|asked| asked.header("traceparent").to_owned()).collect()
    };
    let names = |spans: &[&Value]| -> BTreeSet<String> { spans.iter().map(|span| header(span)).collect() };
    assert_eq!(told(&world.source), names(&reads));
    assert_eq!(told(&world.dest), names(&writes));
    let failed: Vec<_> = writes.iter().filter(|span| span["status"]["code"] == 2).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(fact(failed[0], "error.type"), &json!({"stringValue": "422"}));
    let ids: BTreeSet<_> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "each has an id of its own");

    let asked = collector.asked.lock().unwrap();
    assert!(asked.iter().all(|asked| asked.target == "/v1/traces" && asked.header("x-key") == "s3cret"));
    let resource = &asked[0].json()["resourceSpans"][0]["resource"];
    assert_eq!(fact(resource, "service.name"), &json!({"stringValue": "shop-to-crm"}));
    let all: String = asked.iter().map(|asked| asked.body.as_str()).collect();
    assert!(!all.contains("poison") && !all.contains("n0"), "nothing of records: {all}");
}

#[test]
fn an_answer_belongs_to_its_callers_trace() {
    let world = World::new(0);
    let collector = Peer::start(|_| (200, json!({})));
    let mut running = world.serve(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]);
    let at = running.data;
    let traced = |flags: &str| {
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        ask(at, "POST", "/transform", &[("traceparent", &parent)], r#"{"id": 1}"#)
    };
    assert_eq!(traced("01").status, 200);
    assert_eq!(traced("00").status, 200, "not recorded there, nor here");
    assert_eq!(post(at, "/transform", "no").status, 422);
    assert_eq!(crate::peer::get(at, "/health").status, 200);
    stop(&mut running);
    let spans = spans(&collector);
    let answers = named(&spans, "/transform");
    assert_eq!((answers.len(), spans.len()), (2, 2), "{spans:#?}");
    let caller = |span: &&&Value| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736";
    let called = answers.iter().find(caller).unwrap();
    assert_eq!((&called["parentSpanId"], &called["kind"]), (&json!("00f067aa0ba902b7"), &json!(2)));
    let alone = answers.iter().find(|span| !caller(span)).unwrap();
    assert_eq!(fact(alone, "http.response.status_code"), &json!({"intValue": "422"}));
    assert!(alone.get("parentSpanId").is_none() && alone["status"].get("code").is_none(), "{alone:#}");
}

#[test]
fn what_a_webhook_brought_is_delivered_in_its_senders_trace() {
    let world = World::new(0);
    let collector = Peer::start(|_| (200, json!({})));
    let mut running =
        world.serve(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url), ("VITESSE_HOOKS", HOOKS)]);
    let trace = |digit: &str| digit.repeat(32);
    let told = || world.dest.asked.lock().unwrap().last().unwrap().header("traceparent").to_owned();
    bring(&running, 1, &format!("00-{}-00f067aa0ba902b7-01", trace("a")));
    running.until_true("the delivery", |_| world.made() == 1);
    let recorded = told();
    bring(&running, 2, &format!("00-{}-00f067aa0ba902b7-00", trace("b")));
    running.until_true("the delivery", |_| world.made() == 2);
    let sent = told();
    assert!(sent.starts_with(&format!("00-{}-", trace("b"))) && sent.ends_with("-00"), "{sent}");
    stop(&mut running);
    let spans = spans(&collector);
    let one = |name: &str| {
        let found = named(&spans, name);
        assert_eq!(found.len(), 1, "what the sender doesn't record isn't recorded: {spans:#?}");
        found[0].clone()
    };
    let (came, delivered, asked) = (one("/hooks/{name}"), one("deliver webhooks"), one("ask destination"));
    for (span, parent) in
        [(&came, &json!("00f067aa0ba902b7")), (&delivered, &came["spanId"]), (&asked, &delivered["spanId"])]
    {
        assert_eq!((&span["traceId"], &span["parentSpanId"]), (&json!(trace("a")), parent));
    }
    assert_eq!(recorded, header(&asked));
}

#[test]
fn a_delivery_of_what_several_brought_names_each_of_them() {
    let world = World::new(0);
    let collector = Peer::start(|_| (200, json!({})));
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("VITESSE_HOOKS", HOOKS)];
    world.things.lock().unwrap().broken = Some(503);
    let mut running = world.serve(&environment);
    for (id, digit) in [(1, "c"), (2, "d")] {
        bring(&running, id, &format!("00-{}-00f067aa0ba902b7-01", digit.repeat(32)));
    }
    // The next process finds both waiting.
    running.signal("KILL");
    running.wait();
    world.things.lock().unwrap().broken = None;
    let mut running = world.serve(&environment);
    running.until_true("the delivery", |_| world.made() == 2);
    stop(&mut running);
    let spans = spans(&collector);
    let delivered = named(&spans, "deliver webhooks");
    let last = delivered.last().unwrap();
    let linked: Vec<&str> =
        last["links"].as_array().unwrap().iter().map(|link| link["traceId"].as_str().unwrap()).collect();
    assert_eq!(linked, ["c".repeat(32), "d".repeat(32)]);
    assert!(last.get("parentSpanId").is_none() && !linked.contains(&last["traceId"].as_str().unwrap()));
}

#[test]
fn a_collector_that_is_down_stops_nothing_and_a_wrong_one_is_named() {
    let world = World::new(2);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = format!("http://127.0.0.1:{port}");
    let mut running = world.serve(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &gone)]);
    running.client().ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("the run's end", |running| running.said("run_ended").len() == 1);
    assert_eq!(world.made(), 2);
    running.until_true("it is said", |running| running.said("traces_not_sent").len() == 1);

    drop(running);

    let not_allowed =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://10.1.2.3:4318"), ("VITESSE_ALLOW", "127.0.0.1")];
    let output = world.command(&["serve"]).envs(not_allowed).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && said.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{said}");
}
