//! What a service does by itself: runs, webhooks, and looking after the mapping and what could go wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::MutexGuard;

use super::alerts::Alert;
use super::log::Level;
use super::shared::Shared;
use super::status::{Running, StartSync};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;
use crate::store::{Batch, Expect};
use crate::sync::{Counts, Options, Planned, RunRecord, RunReport, Sync};

/// No wait is longer, so that a clock that was set is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Credentials that expire within this long and don't renew themselves are told of.
const EXPIRES_SOON: Duration = Duration::from_secs(7 * 24 * 3600);
/// A stream that was not read to its end for so many intervals stands still.
const STALLED_AFTER: i32 = 3;

impl Shared {
    /// Looks up what earlier processes left.
    pub(super) async fn remember(&self) -> Result<()> {
        let loaded = self.loaded();
        let (Ok(sync), Some(state)) = (&loaded.sync, &self.ground.state) else { return Ok(()) };
        let held = state.store().get(&state.key("service", "all", "held")).await?.is_some();
        self.held.store(held, Ordering::Relaxed);
        for run in sync.runs(50).await? {
            let mut moment = self.moment();
            for stream in run.report.streams.iter().filter(|stream| stream.complete) {
                moment.complete.entry(stream.stream.clone()).or_insert(run.started_at);
            }
            if moment.last_start.is_none() {
                moment.last_start = Timestamp::from_millisecond(run.started_at).ok();
                moment.last_run = Some(run);
            }
        }
        self.count_letters(sync).await
    }

    /// Runs what is due or asked for, one after the other, until the service stops.
    pub(super) async fn work(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            let asked = self.moment().asked.take();
            if let Some(asked) = asked {
                // It is logged, counted and told of.
                let _ = self.run_now(asked, "request").await;
                continue;
            }
            let wait = match self.due_in() {
                Some(wait) if wait.is_zero() => {
                    let _ = self.run_now(StartSync::default(), "schedule").await;
                    continue;
                }
                Some(wait) => wait.min(LONGEST_WAIT),
                None => LONGEST_WAIT,
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// How long it is until the next run by the schedule.
    fn due_in(&self) -> Option<Duration> {
        let schedule = self.options.schedule.as_ref()?;
        if self.held.load(Ordering::Relaxed) || self.loaded().sync.is_err() {
            return None;
        }
        let now = Timestamp::now();
        let next = schedule.next(self.moment().last_start, now);
        Some(Duration::try_from(next.duration_since(now)).unwrap_or_default())
    }

    /// Syncs once, and does what is to be done after it.
    pub(super) async fn run_now(self: &Arc<Self>, asked: StartSync, why: &'static str) -> Result<RunReport> {
        // The whole run goes by one version of the mapping, whatever is taken in meanwhile.
        let loaded = self.loaded();
        let other;
        let sync = match asked == StartSync::default() {
            true => loaded.sync()?,
            false => {
                loaded.sync()?;
                let options = Options { full: asked.full, limit: asked.limit, ..self.ground.options.clone() };
                other = self.ground.sync(&loaded.mappings, options)?;
                &other
            }
        };
        let _turn = self.turn.lock().await;
        let began = Timestamp::now();
        let cancel = Cancel::new();
        self.settled.store(0, Ordering::Relaxed);
        {
            let mut moment = self.moment();
            moment.last_start = Some(began);
            let running = Running { started_at: began.as_millisecond(), why: why.to_owned(), records: 0 };
            moment.running = Some((running, cancel.clone()));
        }
        if self.stop.is_cancelled() {
            cancel.cancel();
        }
        self.log.say(Level::Info, "run_began", [("why", why.into())]);
        let clock = std::time::Instant::now();
        let trace = self.traces.work("sync");
        let outcome = sync.run(&self.progress(&cancel)).await;
        self.metrics.run_seconds.observe(super::metrics::micros(clock.elapsed()));
        let record = sync.runs(1).await.ok().and_then(|runs| runs.into_iter().next());
        // Another process's run may be the latest of a shared state.
        let record = record.filter(|record| record.started_at >= began.as_millisecond());
        let total = record.as_ref().map_or_else(Counts::default, |record| record.report.total());
        let facts = [
            ("vitesse.why", why.into()),
            ("vitesse.run", record.as_ref().map(|record| record.id.clone()).into()),
            ("vitesse.records.read", total.read.into()),
            ("vitesse.records.created", total.created.into()),
            ("vitesse.records.updated", total.updated.into()),
            ("vitesse.records.dead", total.dead.into()),
        ];
        trace.end(facts, outcome.as_ref().err());
        self.ended(sync, began, record, &outcome).await;
        outcome
    }

    async fn ended(
        &self,
        sync: &Sync,
        began: Timestamp,
        record: Option<RunRecord>,
        outcome: &Result<RunReport>,
    ) {
        let report = record.as_ref().map(|record| &record.report).or(outcome.as_ref().ok());
        for stream in report.iter().flat_map(|report| &report.streams) {
            self.metrics.stream(&stream.stream).add(&stream.counts);
            if stream.complete {
                self.moment().complete.insert(stream.stream.clone(), began.as_millisecond());
            }
            self.log.say(
                Level::Info,
                "stream_ended",
                [
                    ("stream", stream.stream.clone().into()),
                    ("complete", stream.complete.into()),
                    ("counts", serde_json::to_value(stream.counts).unwrap_or_default()),
                ],
            );
        }
        let total = report.map_or_else(Counts::default, RunReport::total);
        let run = record.as_ref().map(|record| record.id.clone());
        {
            let mut moment = self.moment();
            moment.running = None;
            moment.last_run = record.or(moment.last_run.take());
        }
        // Before the end is told: who hears of it asks what there is.
        self.look_at_letters(sync).await;
        match outcome {
            Ok(_) => {
                self.metrics.runs_ended.add(1);
                self.alerts.clear("run_failed", "");
                self.log.say(
                    Level::Notice,
                    "run_ended",
                    [("run", run.into()), ("counts", serde_json::to_value(total).unwrap_or_default())],
                );
            }
            // An operator's wish, or another replica's turn, is no failure.
            Err(error) if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Conflict) => {
                self.log.say(
                    Level::Notice,
                    "run_left",
                    [("run", run.into()), ("why", error.to_string().into())],
                );
            }
            Err(error) => {
                self.metrics.runs_failed.add(1);
                self.log.failed("run_failed", error);
                let event = match error.kind() {
                    ErrorKind::CredentialRefused => "credential_refused",
                    _ => "run_failed",
                };
                let alert = Alert::new(event, error.to_string()).with("kind", error.kind().id());
                self.alerts.tell(match run {
                    Some(run) => alert.with("run", run),
                    None => alert,
                });
            }
        }
    }

    /// Counts the dead letters anew, and tells if they grew.
    pub(super) async fn look_at_letters(&self, sync: &Sync) {
        let before = self.moment().letters.clone();
        if let Err(error) = self.count_letters(sync).await {
            self.metrics.store_failures.add(1);
            self.log.failed("letters_not_counted", &error);
            return;
        }
        let now = self.moment().letters.clone();
        for (stream, (count, unknown)) in now {
            let (old, _) = before.get(&stream).copied().unwrap_or_default();
            if count > old {
                let message =
                    format!("the stream {stream} has {count} dead letters, {} more than before", count - old);
                self.alerts.tell(
                    Alert::new("dead_letters_growing", message)
                        .of(&stream)
                        .with("dead_letters", count)
                        .with("unknown_outcomes", unknown),
                );
            } else if count < old {
                self.alerts.clear("dead_letters_growing", &stream);
            }
        }
    }

    async fn count_letters(&self, sync: &Sync) -> Result<()> {
        for stream in sync.streams() {
            let counted = sync.count_letters(stream).await?;
            self.moment().letters.insert(stream.to_owned(), counted);
        }
        Ok(())
    }

    /// Delivers what webhooks brought as it comes, until the service stops.
    pub(super) async fn deliver_webhooks(self: Arc<Self>) {
        if self.options.hooks.is_empty() {
            return;
        }
        let mut pause = LONGEST_WAIT;
        while !self.stop.is_cancelled() {
            pause = match self.deliver_waiting().await {
                true => LONGEST_WAIT,
                // What failed is tried again, more and more seldom.
                false if pause == LONGEST_WAIT => Duration::from_secs(1),
                false => (pause * 2).min(LONGEST_WAIT / 2),
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.brought.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers what waits; false if something failed and waits still.
    pub(super) async fn deliver_waiting(self: &Arc<Self>) -> bool {
        let mut all = true;
        let streams: std::collections::BTreeSet<_> =
            self.options.hooks.iter().map(|(_, hook)| hook.stream.clone()).collect();
        for stream in streams {
            loop {
                if self.held.load(Ordering::Relaxed) || self.stop.is_cancelled() {
                    return true;
                }
                match self.deliver_group(&stream).await {
                    Ok(true) => {}
                    Ok(false) => {
                        self.alerts.clear("webhooks_not_delivered", &stream);
                        break;
                    }
                    Err(error) if error.kind() == ErrorKind::Cancelled => return true,
                    Err(error) => {
                        self.log.failed("webhooks_not_delivered", &error);
                        let message = format!("records that webhooks brought for {stream} wait: {error}");
                        self.alerts.tell(Alert::new("webhooks_not_delivered", message).of(&stream));
                        all = false;
                        break;
                    }
                }
            }
        }
        all
    }

    /// Delivers the oldest records of a stream; false if there are none.
    async fn deliver_group(self: &Arc<Self>, stream: &str) -> Result<bool> {
        let Some(inbox) = &self.inbox else { return Ok(false) };
        let _turn = self.turn.lock().await;
        let Some(kept) = inbox.next(stream).await? else { return Ok(false) };
        let loaded = self.loaded();
        let sync = loaded.sync()?;
        let trace = self.traces.delivery("deliver webhooks", &kept.traces);
        let delivered = sync.deliver(stream, kept.records.clone(), &self.progress(&self.stop)).await;
        let facts = [("vitesse.stream", stream.into()), ("vitesse.records.read", kept.records.len().into())];
        trace.end(facts, delivered.as_ref().err());
        let counts = delivered?;
        inbox.done(kept).await?;
        self.metrics.stream(stream).add(&counts);
        self.log.say(
            Level::Info,
            "webhooks_delivered",
            [("stream", stream.into()), ("counts", serde_json::to_value(counts).unwrap_or_default())],
        );
        if counts.dead > 0 {
            self.look_at_letters(sync).await;
        }
        Ok(true)
    }

    /// Looks now and then whether the mapping changed and whether something is about to go wrong.
    pub(super) async fn look_after(self: Arc<Self>) {
        let mut look = tokio::time::interval(self.options.look);
        let mut care = tokio::time::interval(Duration::from_secs(60));
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = look.tick() => self.reload_if_changed().await,
                _ = care.tick() => self.care().await,
            }
        }
    }

    async fn care(&self) {
        let loaded = self.loaded();
        let Ok(sync) = &loaded.sync else { return };
        for (stream, side, left, renews) in sync.expiries() {
            let subject = format!("{stream} {}", side.name());
            if renews || left > EXPIRES_SOON {
                self.alerts.clear("credential_expiring", &subject);
                continue;
            }
            let hours = left.as_secs() / 3600;
            let message = match left.is_zero() {
                true => format!("the credentials of the {} of {stream} expired", side.name()),
                false => {
                    format!("the credentials of the {} of {stream} expire in {hours} hours", side.name())
                }
            };
            self.alerts.tell(
                Alert::new("credential_expiring", message).of(&subject).with("seconds_left", left.as_secs()),
            );
        }
        self.look_for_stalled(sync, Timestamp::now());
        if let Some(inbox) = &self.inbox {
            for (hook, _) in self.options.hooks.iter() {
                if let Err(error) = inbox.forget_old(hook, Timestamp::now().as_millisecond()).await {
                    self.metrics.store_failures.add(1);
                    self.log.failed("signatures_not_forgotten", &error);
                }
            }
        }
    }

    /// Tells of streams that were not read to their end for several intervals.
    pub(super) fn look_for_stalled(&self, sync: &Sync, now: Timestamp) {
        let Some(schedule) = &self.options.schedule else { return };
        if self.held.load(Ordering::Relaxed) {
            return;
        }
        let most = (schedule.spacing(now) * STALLED_AFTER).max(SignedDuration::from_mins(5));
        for stream in sync.streams() {
            let since = self.moment().complete.get(stream).copied().unwrap_or(self.started_at);
            let behind = SignedDuration::from_millis(now.as_millisecond() - since);
            if behind <= most {
                self.alerts.clear("stalled", stream);
                continue;
            }
            let minutes = behind.as_mins();
            let message = format!("the stream {stream} was not read to its end for {minutes} minutes");
            self.alerts.tell(Alert::new("stalled", message).of(stream).with("lag_seconds", behind.as_secs()));
        }
    }

    /// Asks for a run; it begins at once.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while one is under way, [`ErrorKind::Prerequisite`] if nothing is synced here.
    pub(super) async fn start(&self, asked: StartSync) -> Result<()> {
        self.loaded().sync()?;
        self.hold(false).await?;
        {
            let mut moment = self.moment();
            if moment.running.is_some() || moment.asked.is_some() {
                return Err(Error::new(ErrorKind::Conflict, "a run is under way")
                    .in_operation("service.start")
                    .help("wait for its end, or stop it"));
            }
            moment.asked = Some(asked);
        }
        self.wake.notify_one();
        self.brought.notify_one();
        Ok(())
    }

    /// Ends the run that is under way and lets none begin until somebody starts one, also after a restart.
    pub(super) async fn halt(&self) -> Result<()> {
        self.loaded().sync()?;
        self.hold(true).await?;
        let mut moment = self.moment();
        moment.asked = None;
        if let Some((_, cancel)) = &moment.running {
            cancel.cancel();
        }
        Ok(())
    }

    async fn hold(&self, held: bool) -> Result<()> {
        let Some(state) = &self.ground.state else { return Ok(()) };
        let key = state.key("service", "all", "held");
        let batch = match held {
            true => Batch::new().put(key, Expect::Any, b"{}".to_vec()),
            false => Batch::new().delete(key, Expect::Any),
        };
        state.store().commit(batch).await?;
        self.held.store(held, Ordering::Relaxed);
        Ok(())
    }

    /// What the next run would do with the first records of each stream. Writes nothing.
    pub(super) async fn preview(&self, limit: u64) -> Result<Vec<Planned>> {
        let loaded = self.loaded();
        loaded.sync()?.preview(limit, &self.stop).await
    }

    /// The right to write to the state, if it can be had soon.
    pub(super) async fn turn_soon(&self) -> Result<MutexGuard<'_, ()>> {
        tokio::time::timeout(Duration::from_secs(5), self.turn.lock()).await.map_err(|_| {
            Error::new(ErrorKind::Conflict, "a run is under way")
                .in_operation("service.turn")
                .help("wait for its end, or stop it")
        })
    }
}
