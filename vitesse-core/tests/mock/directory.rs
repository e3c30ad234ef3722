//! Real descriptions: every endpoint of a sample is called with a request made for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use vitesse_core::generate::{Generator, Judge, Way};
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mock::{Answer, AuthPolicy, Mock, MockOptions};
use vitesse_core::spec::{ApiSpec, Endpoint, Location, Media, Schemas, Style};

use crate::corpus;

/// Calls more of a document's endpoints than this would take long.
const MOST_ENDPOINTS: usize = 60;

#[derive(Default)]
struct Totals {
    documents: usize,
    calls: usize,
    refused: BTreeMap<u16, Vec<String>>,
    judged: usize,
    wrong: Vec<String>,
}

#[test]
fn real_apis_take_what_they_describe_and_answer_as_they_say() {
    let totals = run(corpus::sample(40, 400_000));
    // Some descriptions ask for what nothing can be: patterns against lengths, alternatives that are the same.
    let refused: usize = totals.refused.values().map(Vec::len).sum();
    assert!(refused * 50 <= totals.calls, "{refused} of {}: {:#?}", totals.calls, totals.refused);
    assert!(
        totals.wrong.len() * 20 <= totals.judged,
        "{} of {}: {:#?}",
        totals.wrong.len(),
        totals.judged,
        totals.wrong
    );
}

/// More of them, with the figures: `VITESSE_CORPUS=full cargo test --release ... --test mock -- --nocapture`.
#[test]
fn many_real_apis_when_asked_for() {
    if std::env::var("VITESSE_CORPUS").as_deref() == Ok("full") {
        let totals = run(corpus::sample(600, 4_000_000));
        let refused: usize = totals.refused.values().map(Vec::len).sum();
        println!(
            "{} documents, {} calls, {refused} refused; {} answers judged, {} not as described",
            totals.documents,
            totals.calls,
            totals.judged,
            totals.wrong.len()
        );
        for (status, which) in &totals.refused {
            println!(
                "{status}: {}\n  {}",
                which.len(),
                which.iter().take(12).cloned().collect::<Vec<_>>().join("\n  ")
            );
        }
        println!("{}", totals.wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n"));
    }
}

fn run(files: Vec<PathBuf>) -> Totals {
    let totals = Mutex::new(Totals::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    document(file, &totals);
                }
            });
        }
    });
    totals.into_inner().unwrap()
}

fn document(file: &PathBuf, totals: &Mutex<Totals>) {
    let bytes = std::fs::read(file).unwrap();
    let Ok(found) = read(&bytes, &ReadOptions::default()) else { return };
    let spec = Arc::new(found.spec);
    if spec.endpoints.is_empty() {
        return;
    }
    let name = corpus::name(file);
    totals.lock().unwrap().documents += 1;
    let options =
        |stateful| MockOptions { stateful, records: 3, auth: AuthPolicy::Off, ..MockOptions::default() };
    let plain = Mock::new(spec.clone(), options(false)).unwrap();
    let keeping = Mock::new(spec.clone(), options(true)).unwrap();
    let step = spec.endpoints.len().div_ceil(MOST_ENDPOINTS).max(1);
    for endpoint in spec.endpoints.iter().step_by(step) {
        let Some((target, headers, body)) = request(&spec, endpoint) else { continue };
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // Whatever comes, it is an answer.
        let Ok(answer) = plain.ask(endpoint.method.as_str(), &target, &headers, body.clone()) else {
            continue;
        };
        let kept = keeping.ask(endpoint.method.as_str(), &target, &headers, body).unwrap();
        assert!(kept.response.status().as_u16() != 500);
        for nonsense in ["", "null", "[[[[", "{\"a\": {\"b\": []}}", "a[b][c]=d&e"] {
            for kind in
                ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
            {
                plain.ask(endpoint.method.as_str(), &target, &[("Content-Type", kind)], nonsense).unwrap();
            }
        }
        let what = format!("{name} {} {target}", endpoint.method);
        let mut totals = totals.lock().unwrap();
        totals.calls += 1;
        let status = answer.response.status().as_u16();
        // Some APIs describe no success.
        if status >= 400 && endpoint.success().is_some() {
            totals.refused.entry(status).or_default().push(format!("{what}: {}", answer.note));
        } else if let Some(wrong) = judge(&spec.schemas, endpoint, &answer) {
            totals.judged += 1;
            if !wrong.is_empty() {
                totals.wrong.push(format!("{what}: {wrong}"));
            }
        }
    }
}

/// What is wrong with an answer; `None` if it can't be judged.
fn judge(schemas: &Schemas, endpoint: &Endpoint, answer: &Answer) -> Option<String> {
    let success = endpoint.success()?;
    let media = Media::preferred(&success.response.content).filter(|media| media.is_json())?;
    if media.example.is_some() || answer.response.body().is_empty() {
        return None;
    }
    let judge = Judge::new(schemas, media.schema?, Way::Response).ok()?;
    Some(judge.violations(&answer.json()).first().map(ToString::to_string).unwrap_or_default())
}

type Parts = (String, Vec<(String, String)>, String);

/// A request that an endpoint describes; `None` if it takes what isn't written here (files, matrices).
fn request(spec: &ApiSpec, endpoint: &Endpoint) -> Option<Parts> {
    let schemas = &spec.schemas;
    let mut path = endpoint.path.split(['?', '#']).next().unwrap().to_owned();
    let mut query = Vec::new();
    let mut headers = Vec::new();
    for parameter in endpoint.parameters.iter().filter(|parameter| parameter.required) {
        let negotiated = ["accept", "content-type", "authorization"];
        if negotiated.iter().any(|name| parameter.name.eq_ignore_ascii_case(name)) {
            continue;
        }
        let value = match (&parameter.example, parameter.schema) {
            (_, Some(schema)) => {
                Generator::new(schemas, schema, 7).going(Way::Request).realistic(1).next()?.value
            }
            (Some(example), None) => example.value(),
            (None, None) => Value::from("x"),
        };
        if !matches!(parameter.style, Style::Simple | Style::Form) || value.is_object() {
            return None;
        }
        let texts: Vec<String> = match &value {
            Value::Array(items) => items.iter().map(text).collect::<Option<_>>()?,
            value => vec![text(value)?],
        };
        let joined = texts.iter().map(|text| escape(text)).collect::<Vec<_>>().join(",");
        match parameter.location {
            Location::Path if joined.is_empty() => return None,
            Location::Path => path = path.replace(&format!("{{{}}}", parameter.name), &joined),
            Location::Query if parameter.explode => {
                query
                    .extend(texts.iter().map(|text| format!("{}={}", escape(&parameter.name), escape(text))));
            }
            Location::Query => query.push(format!("{}={joined}", escape(&parameter.name))),
            Location::Header => {
                let value = texts.join(",");
                // A header holds no text of other letters.
                if !value.is_ascii() || value.contains(|c: char| c.is_control()) {
                    return None;
                }
                headers.push((parameter.name.to_string(), value));
            }
            _ => headers.push(("Cookie".into(), format!("{}={joined}", parameter.name))),
        }
    }
    let mut body = String::new();
    if let Some(described) = &endpoint.request
        && let Some(media) = Media::preferred(&described.content)
        && let Some(schema) = media.schema
    {
        if !media.is_json() {
            return None;
        }
        let sample = Generator::new(schemas, schema, 7).going(Way::Request).realistic(1).next()?;
        // What the schema itself doesn't accept is no fair question.
        if !sample.valid {
            return None;
        }
        body = sample.value.to_string();
        headers.push(("Content-Type".into(), media.media_type.replace("*/*", "application/json")));
    }
    let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
    Some((target, headers, body))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte))
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
        escaped
    })
}
