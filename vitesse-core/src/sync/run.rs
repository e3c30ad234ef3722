//! Running the streams of an integration.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::clerk::Clerk;
use super::clock::now;
use super::connection::{Credentials, Peers};
use super::lease::Lease;
use super::options::Options;
use super::report::{RunRecord, RunReport, StreamReport};
use super::source::{self, Position};
use super::state::State;
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Functions, Mapping};
use crate::net::NetConfig;
use crate::progress::{Cancel, Progress};
use crate::store::Batch;

/// The streams of one integration, ready to run.
pub struct Sync {
    pub(super) streams: Vec<Arc<Stream>>,
    pub(super) state: State,
    pub(super) options: Arc<Options>,
}

/// The right to write to the state.
pub(super) struct Hold {
    pub(super) state: State,
    lease: Option<Arc<Lease>>,
}

impl Hold {
    /// Does something while the lease is kept, and gives it back.
    pub(super) async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(lease) = &self.lease else { return work.await };
        let outcome = tokio::select! {
            outcome = work => outcome,
            error = Arc::clone(lease).keep() => Err(error),
        };
        lease.release().await;
        outcome
    }
}

impl std::fmt::Debug for Sync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let streams: Vec<_> = self.streams.iter().map(|stream| &stream.name).collect();
        f.debug_struct("Sync").field("streams", &streams).finish_non_exhaustive()
    }
}

impl Sync {
    /// The streams of `mappings`, in their order, with their peers connected and their state in `state`.
    ///
    /// # Errors
    /// If a mapping is wrong or has no connections, two streams have one name, or a credential is missing.
    pub fn open(
        mappings: &[Mapping],
        functions: &Functions,
        credentials: &Credentials,
        net: &NetConfig,
        state: State,
        options: Options,
    ) -> Result<Self> {
        let options = Arc::new(options);
        let mut streams: Vec<Arc<Stream>> = Vec::with_capacity(mappings.len());
        for mapping in mappings {
            let at = |error: Error| error.with("stream", &mapping.stream);
            options.check(mapping)?;
            let peers = Peers::connect(mapping, credentials, net, &options).map_err(at)?;
            let stream = Stream::new(mapping, functions, peers, Arc::clone(&options)).map_err(at)?;
            if streams.iter().any(|known| known.name == stream.name) {
                return Err(Error::new(ErrorKind::MappingInvalid, "two mappings have one stream name")
                    .in_operation("sync.open")
                    .with("stream", &stream.name)
                    .help("give each mapping of an integration a `stream` of its own"));
            }
            streams.push(Arc::new(stream));
        }
        Ok(Self { streams, state, options })
    }

    /// The names of the streams, in order.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|stream| stream.name.as_str())
    }

    /// Where the state is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Reads every stream to its end and delivers what it finds. Where a run before stopped, this one goes on.
    ///
    /// Cancelling lets what is under way end, within [`Options::drain`].
    ///
    /// # Errors
    /// Whatever stopped it. What was done is kept, and the next run goes on from there.
    pub async fn run(&self, progress: &Progress) -> Result<RunReport> {
        let hold = self.hold(progress.cancel()).await?;
        hold.during(self.run_recorded(&hold.state, progress)).await
    }

    /// The state for something that writes: under a lease where it is shared.
    pub(super) async fn hold(&self, cancel: &Cancel) -> Result<Hold> {
        let lease = match self.state.store().backend() {
            // These are held by one process as it is.
            "memory" | "embedded" => None,
            _ => Some(Arc::new(Lease::take(&self.state, self.options.lease, cancel).await?)),
        };
        let state = match &lease {
            Some(lease) => self.state.under(Arc::clone(lease)),
            None => self.state.clone(),
        };
        Ok(Hold { state, lease })
    }

    async fn run_recorded(&self, state: &State, progress: &Progress) -> Result<RunReport> {
        self.check_size().await?;
        let mut record = RunRecord {
            id: format!("{:013}-{}", now(), &uuid::Uuid::new_v4().simple().to_string()[..6]),
            started_at: now(),
            finished_at: None,
            error: None,
            report: RunReport::default(),
        };
        state.commit(state.put(Batch::new(), "run", "all", &record.id, &record)?).await?;
        let mut outcome = Ok(());
        for stream in &self.streams {
            let (report, ended) = self.run_stream(stream, state, progress).await;
            record.report.streams.push(report);
            if ended.is_err() {
                outcome = ended;
                break;
            }
        }
        if outcome.is_ok() {
            outcome = self.try_deferred(state, &mut record.report, progress).await;
        }
        record.finished_at = Some(now());
        record.error = outcome.as_ref().err().map(ToString::to_string);
        let kept = state.put(Batch::new(), "run", "all", &record.id, &record);
        let kept = match kept {
            Ok(batch) => state.commit(batch).await,
            Err(error) => Err(error),
        };
        if kept.is_ok() {
            // What stays once more does no harm.
            let _ = self.retain(state, false).await;
        }
        // What stopped the run matters more than that its history could not be written.
        outcome.and(kept).map(|()| record.report)
    }

    async fn run_stream(
        &self,
        stream: &Arc<Stream>,
        state: &State,
        progress: &Progress,
    ) -> (StreamReport, Result<()>) {
        let mut report = StreamReport { stream: stream.name.clone(), ..StreamReport::default() };
        let step = progress.step(format!("sync {}", stream.name), None);
        let position = match state.get::<Position>("position", &stream.name, "now").await {
            Ok(position) => position.unwrap_or_default(),
            Err(error) => return (report, Err(error)),
        };
        let full = self.options.full || stream.source.incremental.is_none() || position.mark.is_none();
        let mut position = position.next_read(full);
        if self.options.full {
            // What is kept of earlier reads is where the next incremental one begins, not this one.
            position.mark = None;
        }
        // The reader is stopped with the writer, whatever stops that.
        let reading = Cancel::new();
        let mut clerk = Clerk::new(
            Arc::clone(stream),
            state,
            progress.cancel(),
            Some(&step),
            position.read,
            position.full,
        )
        .after(position.records);
        if let Err(error) = clerk.clear_up().await {
            report.counts = clerk.counts;
            return (report, Err(error));
        }
        let (hand, taken) = mpsc::channel(1);
        let reader = source::read(stream, state, position, self.options.limit, hand, &reading);
        let writer = async {
            let done = clerk.run(taken).await;
            reading.cancel();
            done
        };
        let (read, written) = tokio::join!(reader, writer);
        report.counts = clerk.counts;
        let read = read.or_else(|error| match (error.kind(), &written) {
            // Told to stop, by the writer's end.
            (ErrorKind::Cancelled, _) => Ok(()),
            _ => Err(error),
        });
        let mut outcome = written.and(read);
        if outcome.is_ok() && self.options.limit.is_none() {
            outcome = self.remove_missing(stream, state, progress, &mut report).await;
            report.complete = outcome.is_ok();
        }
        let outcome = outcome.map_err(|error| error.with("stream", &stream.name));
        (report, outcome)
    }
}
