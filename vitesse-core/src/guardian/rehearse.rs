//! The whole way, with both APIs played by mocks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::gate::decide;
use super::report::{LiveReport, TestReport};
use super::run::Guardian;
use super::shadow::reference;
use super::sides::Sides;
use crate::error::{ErrorKind, Result};
use crate::mapping::{Auth, Functions, Mapping, SourceKind};
use crate::mock::{AuthPolicy, Exchange, Mock, MockOptions, Server, serve_with};
use crate::net::{Guard, NetConfig};
use crate::progress::Progress;
use crate::secret::KeyRing;
use crate::spec::ApiSpec;
use crate::store::MemoryStore;
use crate::sync::{Counts, Credentials, Options, State, Sync};

/// How many records the source's mock has at most.
const MOST: usize = 100;

impl Guardian {
    /// Runs the integration between two mocks as the runtime would, and gives the report of [`test`](Self::test)
    /// with what they answered as its `rehearsal`.
    ///
    /// The source's mock has records to read; the destination's is looked at and written to, and judges each
    /// request by its description. So this shows what records alone can't: a path that is wrong, a body that
    /// isn't wrapped as it should be, a parameter that is missing. Nothing but this machine is called.
    ///
    /// What didn't pass the gate, a mapping without connection blocks, or one that reads files or below another stream's records, isn't
    /// rehearsed; the report has no `rehearsal` then.
    ///
    /// # Errors
    /// As [`test`](Self::test), and if no port of this machine is free.
    pub async fn rehearse(
        &self,
        mut report: TestReport,
        mapping: &Mapping,
        source: &Arc<ApiSpec>,
        dest: &Arc<ApiSpec>,
        progress: &Progress,
    ) -> Result<TestReport> {
        if !report.passed() {
            return Ok(report);
        }
        let sides = Sides::of(mapping, source, dest)?;
        let functions = self.functions_with_references(mapping, &sides, dest);
        let from = self.play(source, self.options.test_count.min(MOST)).await?;
        let to = self.play(dest, 0).await?;
        let Some(mapping) = between(mapping, &from.server.url(), &to.server.url()) else { return Ok(report) };
        let outcome = self.go(&mapping, &functions, progress).await;
        let (read, written) = (from.stop().await, to.stop().await);
        let counts = match outcome {
            Ok(counts) => counts,
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => {
                // Why an answer stopped it is told below, in better words.
                if read.iter().chain(&written).all(|call| call.status < 400) {
                    report.warnings.push(format!("the rehearsal ended early: {error}"));
                }
                Counts::default()
            }
        };
        let all = read.iter().chain(&written);
        let mut rehearsal = LiveReport {
            calls: all.clone().count(),
            succeeded: all.filter(|call| call.status < 400).count(),
            records: usize::try_from(counts.read).unwrap_or(usize::MAX),
            records_passed: usize::try_from(counts.settled() - counts.dead).unwrap_or(usize::MAX),
            ..LiveReport::default()
        };
        // A read that is refused ends the run. A write may be refused for its record, unless every one is.
        rehearsal
            .critical_issues
            .extend(read.iter().find(|call| call.status >= 400).map(|call| call.told("source")));
        let mut by_operation: BTreeMap<&str, Vec<&Heard>> = BTreeMap::new();
        written.iter().for_each(|call| by_operation.entry(&call.operation).or_default().push(call));
        for calls in by_operation.values() {
            let refused: Vec<_> = calls.iter().filter(|call| call.status >= 400).collect();
            let Some(first) = refused.first() else { continue };
            match refused.len() == calls.len() {
                true => rehearsal.critical_issues.push(first.told("destination")),
                false => report.warnings.push(format!(
                    "in the rehearsal {} of {} calls were refused: {}",
                    refused.len(),
                    calls.len(),
                    first.told("destination")
                )),
            }
        }
        report.critical_issues.extend(rehearsal.critical_issues.iter().cloned());
        report.rehearsal = Some(rehearsal);
        report.gate = decide(&report, &self.options);
        Ok(report)
    }

    /// A mock that is heard.
    async fn play(&self, spec: &Arc<ApiSpec>, records: usize) -> Result<Stage> {
        let options = MockOptions {
            seed: self.options.seed,
            stateful: true,
            records,
            auth: AuthPolicy::Off,
            ..MockOptions::default()
        };
        let mock = Arc::new(Mock::new(Arc::clone(spec), options)?);
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let into = Arc::clone(&heard);
        let log = move |exchange: &Exchange| {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(Heard::of(exchange));
        };
        let server = serve_with(mock, SocketAddr::from(([127, 0, 0, 1], 0)), log).await?;
        Ok(Stage { server, heard })
    }

    /// What `ref` looks up stands at no mock, so it is what the destination's ids look like.
    fn functions_with_references(&self, mapping: &Mapping, sides: &Sides<'_>, dest: &ApiSpec) -> Functions {
        let find = Arc::new(reference(mapping, sides, dest));
        let mut functions = self.functions.clone();
        for name in ["ref", "reference"] {
            let find = Arc::clone(&find);
            // One of the host's own, since a sync brings its own `ref`. Its parameters come last.
            functions = functions.with(name, move |inputs| {
                let stream =
                    inputs.last().copied().flatten().and_then(|params| params.get("stream")?.as_str());
                Ok(match (inputs.first().copied().flatten(), stream) {
                    (Some(id), Some(stream)) if !id.is_null() => Some(find(stream, id)),
                    _ => None,
                })
            });
        }
        functions
    }

    async fn go(&self, mapping: &Mapping, functions: &Functions, progress: &Progress) -> Result<Counts> {
        let net =
            NetConfig { guard: Guard { allow_private: true, ..Guard::default() }, ..NetConfig::default() };
        let ring = Arc::new(KeyRing::parse(&KeyRing::generate())?);
        let state = State::new(Arc::new(MemoryStore::new()), ring, "rehearsal");
        let options = Options {
            tries: 1,
            backoff: Duration::from_millis(1),
            settle: Duration::from_millis(1),
            patience: Duration::from_secs(2),
            limit: Some(self.options.test_count.min(MOST) as u64),
            ..Options::default()
        };
        let mappings = std::slice::from_ref(mapping);
        let sync = Sync::open(mappings, functions, &Credentials::default(), &net, state, options)?;
        // Its own steps are no steps of the test.
        let quiet = Progress::none().with_cancel(progress.cancel().clone());
        sync.run(&quiet).await.map(|report| report.total())
    }
}

/// A mock on its stage.
struct Stage {
    server: Server,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Stage {
    async fn stop(self) -> Vec<Heard> {
        self.server.stop().await;
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a mock heard and answered.
struct Heard {
    method: String,
    path: String,
    operation: String,
    status: u16,
    note: String,
}

impl Heard {
    fn of(exchange: &Exchange) -> Self {
        let path = exchange.target.split('?').next().unwrap_or_default().to_owned();
        // What meets no operation is told apart by where it went.
        let operation = match exchange.operation.is_empty() {
            true => format!("{} {path}", exchange.method),
            false => exchange.operation.clone(),
        };
        Self {
            method: exchange.method.clone(),
            path,
            operation,
            status: exchange.status,
            note: exchange.note.clone(),
        }
    }

    fn told(&self, side: &str) -> String {
        let Self { method, path, status, note, .. } = self;
        let because = if note.is_empty() { String::new() } else { format!(" ({note})") };
        format!(
            "schema mismatch: the {side} answers {method} {path} with {status}{because}; compare the request with \
             the API's description"
        )
    }
}

/// The mapping between two other addresses, without what only the real APIs have.
fn between(mapping: &Mapping, from: &str, to: &str) -> Option<Mapping> {
    let mut mapping = mapping.clone();
    let source = mapping.source.as_mut()?;
    if source.kind != SourceKind::Http || source.parent.is_some() {
        return None;
    }
    from.clone_into(&mut source.base_url);
    source.auth = Auth::default();
    source.rate_limit = None;
    let destination = mapping.destination.as_mut().filter(|destination| destination.file.is_none())?;
    to.clone_into(&mut destination.base_url);
    destination.auth = Auth::default();
    destination.rate_limit = None;
    // One record that fails is counted, and ends nothing.
    mapping.on_error = crate::mapping::RecordError::DeadLetter;
    Some(mapping)
}
