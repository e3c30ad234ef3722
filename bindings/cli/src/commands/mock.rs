use std::io::Write as _;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use vitesse_core::config::Config;
use vitesse_core::files;
use vitesse_core::ingestor::Ingestor;
use vitesse_core::mock::{
    Answer, AuthPolicy, Exchange, Fault, Idempotency, Mock, MockOptions, RateRule, Script, serve_with,
};
use vitesse_core::net::{Client, NetConfig};
use vitesse_core::secret::{CredentialSource, EnvSource};
use vitesse_core::spec::ApiSpec;
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::{Keys, MockArgs};
use crate::ui::{Screen, Show, Ui};

/// The largest file of records or rules.
const MOST_BYTES: u64 = 256 << 20;

pub(crate) fn run(args: &MockArgs, config: &Config, ui: &Ui) -> Result<()> {
    let ingestor = Ingestor::new(Client::new(NetConfig::from_config(config)?)?).with_progress(ui.progress());
    super::wait(async {
        let spec = ingestor.read(&args.address).await?.spec;
        let options = options(args, &spec)?;
        let mock = Arc::new(Mock::new(Arc::new(spec), options)?);
        if let Some(file) = &args.data {
            mock.load_document(&files::read(file, MOST_BYTES)?)
                .map_err(|error| error.with("file", file.display()))?;
        }
        if !args.ask.is_empty() {
            return ui.report(&Asked { exchanges: ask(&mock, args)? });
        }
        let (quiet, json) = (ui.is_quiet(), ui.is_json());
        let log = move |exchange: &Exchange| {
            if !quiet {
                tell(exchange, json);
            }
        };
        let server = serve_with(mock.clone(), (args.host, args.port).into(), log).await?;
        let spec = mock.spec();
        ui.report(&Listening {
            url: server.url(),
            api_name: spec.api_name.to_string(),
            endpoints: spec.endpoints.len(),
            stateful: args.stateful,
        })?;
        super::stopped().await;
        server.stop().await;
        Ok(())
    })
}

fn options(args: &MockArgs, spec: &ApiSpec) -> Result<MockOptions> {
    let auth = match args.token_env.as_slice() {
        _ if args.no_auth => AuthPolicy::Off,
        [] => AuthPolicy::Any,
        names => AuthPolicy::Only(names.iter().map(|name| EnvSource.require(name)).collect::<Result<_>>()?),
    };
    let rate_limit = match args.rate_limit.as_deref() {
        None => None,
        Some("spec") => Some(RateRule::of(spec).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "the description says no number of requests")
                .in_operation("cli.mock")
                .help("give it, as in --rate-limit 10/1s")
        })?),
        Some(rule) => Some(rule.parse()?),
    };
    let script = match &args.script {
        Some(file) => Script::parse(&files::read(file, MOST_BYTES)?)
            .map_err(|error| error.with("file", file.display()))?,
        None => Script::default(),
    };
    Ok(MockOptions {
        seed: args.seed,
        stateful: args.stateful,
        records: args.records,
        validate: !args.no_validate,
        auth,
        rate_limit,
        latency: args.latency,
        script,
        idempotency: match args.idempotency {
            Keys::Described => Idempotency::AsDescribed,
            Keys::Honoured => Idempotency::Honoured,
            Keys::Ignored => Idempotency::Ignored,
        },
        ..MockOptions::default()
    })
}

/// One line of the access log, on stderr. A closed stderr is nobody's problem.
fn tell(exchange: &Exchange, json: bool) {
    let mut stderr = std::io::stderr().lock();
    let millis = exchange.took.as_micros() as f64 / 1000.0;
    let fault = exchange.fault.map(fault_word);
    if json {
        let line = json!({
            "method": exchange.method, "target": exchange.target, "status": exchange.status, "bytes": exchange.bytes,
            "ms": millis, "operation": exchange.operation, "note": exchange.note, "fault": fault,
        });
        let _ = writeln!(stderr, "{line}");
        return;
    }
    let mut line = format!("{} {} {}", exchange.status, exchange.method, exchange.target);
    if !exchange.operation.is_empty() {
        line.push_str(&format!("  {}", exchange.operation));
    }
    line.push_str(&format!("  {} B  {millis:.1} ms", exchange.bytes));
    for word in fault.iter().map(String::as_str).chain((!exchange.note.is_empty()).then_some(&*exchange.note))
    {
        line.push_str(&format!("  ({word})"));
    }
    // What callers send must not speak to the terminal.
    let line: String =
        line.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let _ = writeln!(stderr, "{line}");
}

fn fault_word(fault: Fault) -> String {
    serde_json::to_value(fault).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(Serialize)]
struct Listening {
    url: String,
    api_name: String,
    endpoints: usize,
    stateful: bool,
}

impl Show for Listening {
    fn show(&self, screen: &mut Screen) {
        let keeps = if self.stateful { ", keeping what is created" } else { "" };
        screen
            .done(format!("{} answers at {} ({} endpoints{keeps})", self.api_name, self.url, self.endpoints));
    }
}

/// Plays the requests of --ask, one after the other.
fn ask(mock: &Mock, args: &MockArgs) -> Result<Vec<Played>> {
    let wrong = |message: &'static str, given: &str| {
        Error::new(ErrorKind::InvalidInput, message).in_operation("cli.mock").with("given", given)
    };
    let mut headers = Vec::new();
    for header in &args.headers {
        let (name, value) =
            header.split_once(':').ok_or_else(|| wrong("a header is written `Name: value`", header))?;
        headers.push((name.trim(), value.trim()));
    }
    let mut exchanges = Vec::new();
    for request in &args.ask {
        let (method, rest) = request
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong("a request is written `METHOD PATH [BODY]`", request))?;
        let (target, body) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let mut headers = headers.clone();
        if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type", "application/json"));
        }
        exchanges.push(Played::new(method, target, &mock.ask(method, target, &headers, body.to_owned())?));
    }
    Ok(exchanges)
}

#[derive(Serialize)]
struct Asked {
    exchanges: Vec<Played>,
}

#[derive(Serialize)]
struct Played {
    method: String,
    target: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
    note: String,
    fault: Option<Fault>,
}

impl Played {
    fn new(method: &str, target: &str, answer: &Answer) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let body = answer.response.body();
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            status: answer.response.status().as_u16(),
            headers: answer
                .response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: serde_json::from_slice(body).unwrap_or_else(|_| text(body).into()),
            note: answer.note.clone(),
            fault: answer.fault,
        }
    }
}

impl Show for Asked {
    fn show(&self, screen: &mut Screen) {
        for played in &self.exchanges {
            screen.heading(format!("{} {}", played.method, played.target));
            let fault = played.fault.map(|fault| format!(" ({})", fault_word(fault))).unwrap_or_default();
            screen.line(format!("{}{fault}", played.status));
            for (name, value) in &played.headers {
                screen.line(format!("{name}: {value}"));
            }
            let body = match &played.body {
                Value::String(text) => text.clone(),
                value => serde_json::to_string_pretty(value).unwrap_or_default(),
            };
            if !body.is_empty() {
                screen.line("");
                body.lines().for_each(|line| screen.line(line));
            }
        }
    }
}
