use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::discovery::known_descriptions;
use crate::error::{Error, ErrorKind, Result};
use crate::ingestor::{Ingested as Read, Ingestor, ReadOptions, read};
use crate::orchestrator::discovery::{addresses, api_name};
use crate::orchestrator::lease::{Done, Failed, Job, Run, inputs};
use crate::orchestrator::outcome::{Ingested, next_step};
use crate::orchestrator::whiteboard::{Priority, handover};
use crate::orchestrator::{IngestOptions, StepName, Vitesse};
use crate::progress::Progress;
use crate::spec::{ApiSpec, Diagnostic};
use crate::store::repository::{Action, Integration, Status};

const JOB: Job =
    Job { name: StepName::Ingest.as_str(), agent: StepName::Ingest.agent(), action: Action::Updated };

/// A description as it was read, kept until both are there.
#[derive(Serialize, Deserialize)]
struct Side {
    spec: ApiSpec,
    diagnostics: Vec<Diagnostic>,
}

/// Where a side's description comes from.
struct From<'a> {
    side: &'static str,
    url: Option<&'a str>,
    document: Option<&'a str>,
    connection: Option<&'a str>,
    discovery: &'a Value,
    /// Whether a path in the record may be read.
    files: bool,
}

impl Vitesse {
    /// The second step: reads the descriptions of both APIs. Mappings and tests that were there are dropped, since
    /// they were about the descriptions before. The status is then `mapping`.
    ///
    /// An address that isn't given is found out from what discovery gave. A deployment that runs is left alone.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if nothing says where a description is; whatever reading one fails with, naming
    /// the side. What was read of the other side is kept for the next try.
    pub async fn ingest(&self, id: Uuid, options: IngestOptions) -> Result<Ingested> {
        let run = self.begin(id, JOB, |_| Ok(())).await?;
        let outcome = self.read_both(&run, &options).await;
        run.finish(outcome).await
    }

    async fn read_both(&self, run: &Run, options: &IngestOptions) -> Result<Done<Ingested>, Failed> {
        let integration = &run.integration;
        let source = From {
            side: "source",
            url: given(&options.source_spec_url),
            document: options.source_document.as_deref(),
            connection: given(&options.source_connection),
            discovery: &integration.source_discovery,
            files: options.local_files,
        };
        let dest = From {
            side: "destination",
            url: given(&options.dest_spec_url),
            document: options.dest_document.as_deref(),
            connection: given(&options.dest_connection),
            discovery: &integration.dest_discovery,
            files: options.local_files,
        };
        let step = run.progress().step("ingest", Some(2));
        let side = async |from: &From<'_>| {
            let read = self.read_side(run, from).await?;
            step.note(format!("{}: {} endpoints", from.side, read.spec.endpoints.len()));
            step.advance(1)?;
            Ok::<Side, Error>(read)
        };
        let (source, dest) = tokio::join!(side(&source), side(&dest));
        let (source, dest) = match (source, dest) {
            (Ok(source), Ok(dest)) => (source, dest),
            (Err(error), other) => return Err(half(error, "destination", other.is_ok())),
            (Ok(_), Err(error)) => return Err(half(error, "source", true)),
        };
        Ok(done(integration, source, dest)?)
    }

    async fn read_side(&self, run: &Run, from: &From<'_>) -> Result<Side> {
        let named = |error: Error| error.with("side", from.side).with("api", api_name(from.discovery));
        if let Some(document) = from.document {
            let options =
                ReadOptions { address: from.url.unwrap_or_default().to_owned(), ..ReadOptions::default() };
            return read(document.as_bytes(), &options).map(Side::from).map_err(named);
        }
        let places: Vec<(&str, &str)> = match from.url {
            Some(url) => vec![("given", url)],
            None => addresses(from.discovery),
        };
        let key = inputs(&[&places.iter().flat_map(|(kind, at)| [*kind, *at, "\n"]).collect::<String>()]);
        if let Some(kept) = run.restore(from.side, &key).await? {
            return Ok(kept);
        }
        let side = Side::from(self.fetch(from, &places, run.progress()).await?);
        run.checkpoint(from.side, &key, &side).await?;
        Ok(side)
    }

    /// A description as it is at this moment, without a step: to see whether it is still the same.
    pub(in crate::orchestrator) async fn look(
        &self,
        side: &'static str,
        discovery: &Value,
        connection: Option<&str>,
    ) -> Result<ApiSpec> {
        let from = From { side, url: None, document: None, connection, discovery, files: true };
        Ok(self.fetch(&from, &addresses(discovery), &self.progress).await?.spec)
    }

    async fn fetch(&self, from: &From<'_>, places: &[(&str, &str)], progress: &Progress) -> Result<Read> {
        let named = |error: Error| error.with("side", from.side).with("api", api_name(from.discovery));
        let Some((first, others)) = places.split_first() else {
            return Err(named(
                Error::new(ErrorKind::InvalidInput, "nothing says where the API's description is")
                    .in_operation("orchestrator.ingest")
                    .help(format!("give {}_spec_url", if from.side == "source" { "source" } else { "dest" })),
            ));
        };
        let mut ingestor = Ingestor::new(self.inner.client.clone())
            .with_progress(progress.clone())
            .with_known(known_descriptions);
        if let Some(connection) = from.connection {
            ingestor = ingestor.with_auth(self.connection_auth(connection).await.map_err(named)?);
        }
        let mut outcome = self.read_at(&ingestor, first, from.files).await;
        for place in others {
            // What was said to be the description and isn't is worth a search; a guard's refusal or a stop isn't.
            match &outcome {
                Err(error) if !matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::AddressRefused) => {
                    outcome = match self.read_at(&ingestor, place, from.files).await {
                        Ok(found) => Ok(found),
                        Err(_) => outcome,
                    };
                }
                _ => break,
            }
        }
        outcome.map_err(named)
    }

    async fn read_at(&self, ingestor: &Ingestor, place: &(&str, &str), files: bool) -> Result<Read> {
        match place {
            (_, path) if !is_url(path) && place.0 != "given" && !files => Err(Error::new(
                ErrorKind::InvalidInput,
                "only an address that is given for a step may be a file",
            )
            .in_operation("orchestrator.ingest")
            .with("address", path)),
            ("given" | "spec_url", address) => ingestor.read(address).await,
            (_, address) => ingestor.find(address).await,
        }
    }
}

impl std::convert::From<Read> for Side {
    fn from(read: Read) -> Self {
        Self { spec: read.spec, diagnostics: read.diagnostics }
    }
}

fn done(integration: &Integration, source: Side, dest: Side) -> Result<Done<Ingested>> {
    let value = Ingested {
        integration_id: integration.id,
        status: Status::Mapping,
        source_endpoints: paths(&source.spec),
        dest_endpoints: paths(&dest.spec),
        source_diagnostics: source.diagnostics,
        dest_diagnostics: dest.diagnostics,
        next_step: next_step(Status::Mapping),
    };
    let (source_spec, dest_spec) = (spec_value(&source.spec)?, spec_value(&dest.spec)?);
    let summary = json!({
        "source": {"api_name": source.spec.api_name, "endpoints": source.spec.endpoints.len()},
        "destination": {"api_name": dest.spec.api_name, "endpoints": dest.spec.endpoints.len()},
    });
    let content = format!(
        "{} has {} endpoints, {} has {}",
        source.spec.api_name,
        source.spec.endpoints.len(),
        dest.spec.api_name,
        dest.spec.endpoints.len()
    );
    let mut done = Done::new(value, move |integration| {
        integration.source_api_spec = Some(source_spec.clone());
        integration.dest_api_spec = Some(dest_spec.clone());
        forget_mapping(integration);
        integration.status = Status::Mapping;
    });
    done.rows.transformations = Some(Vec::new());
    done.input_keys = vec!["discovered_apis".into()];
    done.output_keys = vec!["source_api_spec".into(), "dest_api_spec".into()];
    done.details = Map::from_iter([("apis".to_owned(), summary.clone())]);
    done.output = summary;
    done.says = vec![handover(JOB.agent, "mapper", content, Priority::Normal)];
    Ok(done)
}

/// Drops the mapping and everything that was about it. What is deployed goes on.
pub(super) fn forget_mapping(integration: &mut Integration) {
    integration.mapping_logic = None;
    integration.streams = None;
    forget_test(integration);
}

/// Drops the last test's verdict: it was about something else.
pub(in crate::orchestrator) fn forget_test(integration: &mut Integration) {
    integration.health_score = None;
    integration.test_report = None;
}

fn half(error: Error, other: &str, other_is_there: bool) -> Failed {
    let mut failed = Failed::from(error);
    failed.partial = other_is_there;
    if other_is_there {
        failed.details.insert("read".into(), other.into());
    }
    failed
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn is_url(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

/// Each path once, in the document's order.
fn paths(spec: &ApiSpec) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for endpoint in &spec.endpoints {
        if !paths.iter().any(|path| **path == *endpoint.path) {
            paths.push(endpoint.path.to_string());
        }
    }
    paths
}

fn spec_value(spec: &ApiSpec) -> Result<Value> {
    serde_json::to_value(spec).map_err(|error| {
        Error::new(ErrorKind::Internal, "a description can't be written as JSON").source(error)
    })
}
