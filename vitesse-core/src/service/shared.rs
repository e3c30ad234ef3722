use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use super::alerts::Alerts;
use super::hooks::Inbox;
use super::http::{self, Door, Whom};
use super::loaded::{Ground, Loaded, fingerprint};
use super::log::{Level, Log};
use super::metrics::Metrics;
use super::options::ServiceOptions;
use super::status::{Running, StartSync, Status, StreamStatus};
use super::traces::Traces;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Functions;
use crate::net::NetConfig;
use crate::progress::{Cancel, Progress};
use crate::store::OpenOptions;
use crate::sync::{Credentials, Options, RunRecord, RunReport, open_state};

/// An integration that is served. See the [module](super) for what that means.
pub struct Service {
    shared: Arc<Shared>,
    data: TcpListener,
    admin: TcpListener,
}

/// What the listeners and the workers share.
pub(super) struct Shared {
    pub(super) options: ServiceOptions,
    pub(super) ground: Ground,
    pub(super) metrics: Arc<Metrics>,
    pub(super) traces: Arc<Traces>,
    pub(super) log: Log,
    pub(super) alerts: Alerts,
    pub(super) inbox: Option<Inbox>,
    pub(super) started_at: i64,
    loaded: watch::Sender<Arc<Loaded>>,
    /// Why the mapping that is there now was not taken in, with its fingerprint.
    refused: Mutex<Option<(String, String)>>,
    /// Whoever writes to the state has the turn: a run, a replay, a delivery of webhooks.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) moment: Mutex<Moment>,
    pub(super) settled: AtomicU64,
    pub(super) held: AtomicBool,
    /// There is a run to begin, or the schedule to look at.
    pub(super) wake: Notify,
    /// There are webhooks to deliver.
    pub(super) brought: Notify,
    pub(super) stop: Cancel,
    /// Whoever routes to it is to look elsewhere.
    pub(super) retire: Cancel,
}

/// What changes as runs come and go.
#[derive(Debug, Default)]
pub(super) struct Moment {
    pub(super) running: Option<(Running, Cancel)>,
    pub(super) asked: Option<StartSync>,
    pub(super) last_start: Option<Timestamp>,
    pub(super) last_run: Option<RunRecord>,
    /// For each stream when the last run began that came to its end.
    pub(super) complete: BTreeMap<String, i64>,
    /// For each stream its dead letters, and those of them with an unknown outcome.
    pub(super) letters: BTreeMap<String, (u64, u64)>,
}

impl Service {
    /// Opens everything a service needs, and listens; nobody is answered yet.
    ///
    /// # Errors
    /// Whatever would keep it from working: the mapping, the environment, the state, an address that is taken.
    pub async fn open(
        functions: Functions,
        config: &Config,
        options: ServiceOptions,
        log: Log,
    ) -> Result<Self> {
        options.check()?;
        let data = http::bind(options.listen, "VITESSE_LISTEN").await?;
        let admin = http::bind(options.admin_listen, "VITESSE_ADMIN_LISTEN").await?;
        let shared = Shared::open(functions, config, options, log).await?;
        Ok(Self { shared: Arc::new(shared), data, admin })
    }

    /// Where records and webhooks are taken.
    pub fn address(&self) -> Option<SocketAddr> {
        self.data.local_addr().ok()
    }

    /// Where it is operated.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.local_addr().ok()
    }

    /// Cancelled, it says from then on that it isn't well, and answers all the same: whoever routes to it by its health
    /// can look elsewhere before it is stopped.
    pub fn retire(&self) -> Cancel {
        self.shared.retire.clone()
    }

    /// Answers and works until `stop` is cancelled; then what is under way is given time to end.
    ///
    /// # Errors
    /// None while it serves; it is told by logs, metrics and alerts what goes wrong.
    pub async fn serve(self, stop: &Cancel) -> Result<()> {
        let Self { shared, data, admin } = self;
        let address = |listener: &TcpListener| {
            listener.local_addr().map_or_else(|_| String::new(), |at| at.to_string())
        };
        shared.log.say(
            Level::Notice,
            "listening",
            [
                ("address", address(&data).into()),
                ("admin", address(&admin).into()),
                ("streams", shared.loaded().streams.len().into()),
                (
                    "schedule",
                    shared.options.schedule.as_ref().map(|schedule| schedule.text().to_owned()).into(),
                ),
                ("moves_no_records", shared.loaded().sync.as_ref().err().map(|why| (*why).to_owned()).into()),
            ],
        );
        let limits = (shared.options.limits, shared.options.drain);
        let listen = |listener, whom| {
            tokio::spawn(http::accept(listener, Door::new(&shared, whom), limits, shared.stop.clone()))
        };
        let (data, admin) = (listen(data, Whom::Callers), listen(admin, Whom::Operators));
        let worker = tokio::spawn(shared.clone().work());
        let deliverer = tokio::spawn(shared.clone().deliver_webhooks());
        let looker = tokio::spawn(shared.clone().look_after());
        stop.cancelled().await;
        shared.log.say(Level::Notice, "stopping", []);
        if let Some((_, cancel)) = &shared.moment().running {
            cancel.cancel();
        }
        shared.stop.cancel();
        for task in [data, admin, worker, deliverer, looker] {
            if let Err(error) = task.await {
                shared.log.say(Level::Error, "task_failed", [("error", error.to_string().into())]);
            }
        }
        shared.alerts.finish().await;
        shared.traces.finish().await;
        shared.log.say(Level::Notice, "stopped", []);
        Ok(())
    }

    /// Delivers the webhooks that wait, syncs once, and listens to nobody.
    ///
    /// # Errors
    /// What stopped the run.
    pub async fn once(self, stop: &Cancel) -> Result<RunReport> {
        let Self { shared, data, admin } = self;
        drop((data, admin));
        let sync = async {
            shared.loaded().sync()?;
            shared.deliver_waiting().await;
            shared.run_now(StartSync::default(), "once").await
        };
        let stopping = async {
            stop.cancelled().await;
            if let Some((_, cancel)) = &shared.moment().running {
                cancel.cancel();
            }
            std::future::pending::<()>().await;
        };
        let outcome = tokio::select! {
            outcome = sync => outcome,
            () = stopping => Err(Error::new(ErrorKind::Internal, "waiting ended")),
        };
        shared.alerts.finish().await;
        shared.traces.finish().await;
        outcome
    }
}

impl Shared {
    /// Whether it is to be asked nothing more.
    pub(super) fn is_leaving(&self) -> bool {
        self.stop.is_cancelled() || self.retire.is_cancelled()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Shared {
    async fn open(functions: Functions, config: &Config, options: ServiceOptions, log: Log) -> Result<Self> {
        let net = NetConfig::from_config(config)?;
        let metrics = Arc::new(Metrics::new());
        // The state belongs to an integration, so the mapping is asked first which.
        let mappings = crate::sync::load_mappings(&options.mapping)?;
        let integration = mappings.first().map_or("", |mapping| mapping.integration_id.as_str()).to_owned();
        let (state, kept) = match &options.state {
            None => (None, None),
            Some(url) => {
                let key = config.secret_key.as_ref();
                let (state, kept) =
                    open_state(url.expose(), key, &integration, &OpenOptions::default()).await?;
                (Some(state), kept)
            }
        };
        let traces = Arc::new(Traces::new(&net, config, &integration, &log)?);
        let ground = Ground {
            path: options.mapping.clone(),
            functions,
            credentials: Credentials::of(config, kept),
            net: net.clone(),
            state: state.clone(),
            options: Options {
                batch: config.batch_size.map(|size| u64::from(size.get())),
                drain: options.drain,
                observer: Some(metrics.observer(&traces, &log)),
                ..Options::default()
            },
        };
        let loaded = Loaded::load(&ground)?;
        for (name, hook) in options.hooks.iter() {
            loaded.sync()?;
            loaded.stream(Some(&hook.stream)).map_err(|error| error.with("hook", name))?;
        }
        let alerts = Alerts::new(
            &net,
            options.alert_url.clone(),
            options.alert_secret.clone(),
            integration,
            &metrics,
            &log,
        )?;
        let shared = Self {
            inbox: state.as_ref().map(Inbox::new),
            loaded: watch::Sender::new(Arc::new(loaded)),
            started_at: Timestamp::now().as_millisecond(),
            refused: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            moment: Mutex::default(),
            settled: AtomicU64::new(0),
            held: AtomicBool::new(false),
            wake: Notify::new(),
            brought: Notify::new(),
            stop: Cancel::new(),
            retire: Cancel::new(),
            options,
            ground,
            metrics,
            traces,
            log,
            alerts,
        };
        shared.remember().await?;
        Ok(shared)
    }

    /// The mapping in use.
    pub(super) fn loaded(&self) -> Arc<Loaded> {
        self.loaded.borrow().clone()
    }

    pub(super) fn moment(&self) -> MutexGuard<'_, Moment> {
        self.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the mapping as it is now, if it is another one and right. Whoever works by the old one goes on with it.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<bool> {
        let shared = self.clone();
        let outcome = tokio::task::spawn_blocking(move || Loaded::load(&shared.ground)).await;
        let outcome = outcome
            .unwrap_or_else(|error| {
                Err(Error::new(ErrorKind::Internal, "the mapping was not read").source(error))
            })
            .and_then(|next| self.fits(&next).map(|()| next));
        match outcome {
            Ok(next) => {
                *self.refused() = None;
                let old = self.loaded();
                if old.fingerprint == next.fingerprint {
                    return Ok(false);
                }
                let hashes: Vec<String> = next.streams.iter().map(|stream| stream.hash.clone()).collect();
                self.metrics.reloads_taken.add(1);
                self.log.say(Level::Notice, "mapping_taken_in", [("hashes", hashes.into())]);
                self.loaded.send_replace(Arc::new(next));
                self.wake.notify_one();
                Ok(true)
            }
            Err(error) => {
                self.metrics.reloads_refused.add(1);
                self.log.failed("mapping_refused", &error);
                *self.refused() = Some((fingerprint(&self.ground.path), error.to_string()));
                Err(error.with("in use", "the mapping before"))
            }
        }
    }

    /// A mapping may change, but not become another integration's, nor lose what webhooks are delivered to.
    fn fits(&self, next: &Loaded) -> Result<()> {
        let id = |loaded: &Loaded| loaded.mappings.first().map(|mapping| mapping.integration_id.clone());
        if id(next) != id(&self.loaded()) {
            return Err(Error::new(ErrorKind::MappingInvalid, "the mapping is another integration's")
                .in_operation("service.reload")
                .help("its state would not fit; run it as a service of its own"));
        }
        for (name, hook) in self.options.hooks.iter() {
            next.sync()?;
            next.stream(Some(&hook.stream)).map_err(|error| error.with("hook", name))?;
        }
        Ok(())
    }

    /// Reloads if what is there was not seen yet.
    pub(super) async fn reload_if_changed(self: &Arc<Self>) {
        let path = self.ground.path.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || fingerprint(&path)).await else { return };
        let known = self.refused().as_ref().is_some_and(|(refused, _)| *refused == now);
        if !known && self.loaded().fingerprint != now {
            // It is logged and shown; the old one stays.
            let _ = self.reload().await;
        }
    }

    fn refused(&self) -> MutexGuard<'_, Option<(String, String)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn mapping_status(&self) -> super::status::MappingStatus {
        let refused = self.refused().as_ref().map(|(_, why)| why.clone());
        self.loaded().status(&self.ground.path, refused)
    }

    /// Everything there is to tell.
    pub(super) async fn status(&self) -> Status {
        let loaded = self.loaded();
        let now = Timestamp::now();
        let mut streams = Vec::new();
        for ready in &loaded.streams {
            let inbox = match &self.inbox {
                Some(inbox) if !self.options.hooks.is_empty() => inbox.count(&ready.name).await.unwrap_or(0),
                _ => 0,
            };
            let moment = self.moment();
            let (dead_letters, unknown_outcomes) =
                moment.letters.get(&ready.name).copied().unwrap_or_default();
            let behind = moment.complete.get(&ready.name).map(|since| now.as_millisecond() - since);
            streams.push(StreamStatus {
                stream: ready.name.clone(),
                lag_seconds: behind.map(|behind| behind.max(0) as f64 / 1000.0),
                counts: self.metrics.stream(&ready.name).counts(),
                dead_letters,
                unknown_outcomes,
                inbox,
            });
        }
        let moment = self.moment();
        let running = moment
            .running
            .as_ref()
            .map(|(running, _)| Running { records: self.settled.load(Ordering::Relaxed), ..running.clone() });
        let held = self.held.load(Ordering::Relaxed);
        let schedule = self.options.schedule.as_ref().filter(|_| loaded.sync.is_ok());
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            integration_id: loaded
                .mappings
                .first()
                .map_or_else(String::new, |first| first.integration_id.clone()),
            started_at: self.started_at,
            syncs: loaded.sync.is_ok(),
            syncs_not_because: loaded.sync.as_ref().err().map(|why| (*why).to_owned()),
            mapping: self.mapping_status(),
            schedule: schedule.map(|schedule| schedule.text().to_owned()),
            time_zone: schedule.map(|schedule| schedule.zone().to_owned()),
            held,
            next_run: schedule
                .filter(|_| !held)
                .map(|schedule| schedule.next(moment.last_start, now).as_millisecond()),
            running,
            last_run: moment.last_run.clone(),
            streams,
            health: self.metrics.health(),
        }
    }

    /// A progress that is counted, under a token of its own.
    pub(super) fn progress(self: &Arc<Self>, cancel: &Cancel) -> Progress {
        let shared = self.clone();
        let before = Mutex::new(BTreeMap::<String, u64>::new());
        Progress::to(move |event| match event {
            crate::progress::Event::Advanced { step, done, .. } => {
                let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
                let known = before.entry(step).or_default();
                shared.settled.fetch_add(done.saturating_sub(*known), Ordering::Relaxed);
                *known = done;
            }
            crate::progress::Event::Note { step, message } => {
                shared.log.say(Level::Info, "note", [("step", step.into()), ("message", message.into())]);
            }
            _ => {}
        })
        .with_cancel(cancel.clone())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[tokio::test]
    async fn a_stream_that_stands_still_is_told_of_until_it_moves() {
        let folder = tempfile::tempdir().unwrap();
        let mapping = folder.path().join("mapping.json");
        let text = r#"{"version": 1, "stream": "things", "transformations": [],
            "source": {"base_url": "http://127.0.0.1:1", "path": "/things", "id_field": "id"},
            "destination": {"base_url": "http://127.0.0.1:1", "operations": {"create": {"method": "POST", "path": "/made"}}}}"#;
        std::fs::write(&mapping, text).unwrap();
        let config = Config::read(|name| match name {
            "VITESSE_MAPPING" => Some(mapping.display().to_string()),
            "VITESSE_STATE" => Some("memory:".into()),
            "VITESSE_SCHEDULE" => Some("5m".into()),
            "VITESSE_ALLOW" => Some("127.0.0.1".into()),
            _ => None,
        })
        .unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let into = lines.clone();
        let log = Log::new(Level::Info, move |line| into.lock().unwrap().push(line.to_json()));
        let options = ServiceOptions::from_config(&config).unwrap();
        let shared = Shared::open(Functions::builtin(), &config, options, log).await.unwrap();
        let loaded = shared.loaded();
        let sync = loaded.sync().unwrap();
        let told = || lines.lock().unwrap().iter().filter(|line| line.contains("\"stalled\"")).count();
        let began = Timestamp::from_millisecond(shared.started_at).unwrap();
        let after = |minutes| began.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        // Three intervals are waited for, and it is told once.
        shared.look_for_stalled(sync, after(15));
        assert_eq!(told(), 0);
        shared.look_for_stalled(sync, after(16));
        shared.look_for_stalled(sync, after(20));
        assert_eq!(told(), 1, "{lines:?}");
        // It came to its end, and stands still again.
        shared.moment().complete.insert("things".into(), after(21).as_millisecond());
        shared.look_for_stalled(sync, after(22));
        shared.look_for_stalled(sync, after(40));
        assert_eq!(told(), 2, "{lines:?}");
        // Whoever holds it knows.
        shared.held.store(true, Ordering::Relaxed);
        shared.alerts.clear("stalled", "things");
        shared.look_for_stalled(sync, after(60));
        assert_eq!(told(), 2, "{lines:?}");
    }
}
