//! Reading the pages of an API.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::super::json::{self, find_value, plain};
use super::super::keys::{document_id, hash};
use super::super::records::{Checkpoint, Handover, SourceRecord};
use super::super::rules::Ruled;
use super::super::state::State;
use super::super::stream::Stream;
use super::mark::Mark;
use super::paging::{PageFacts, Pager, cut_short};
use super::position::{PageState, ParentState, Position};
use super::request::{ReadRequest, fill, segment};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{FieldPath, Pagination, Parent, ResponseAction, value::Object};
use crate::net::{Bytes, Fetched, wait_of};
use crate::progress::Cancel;

/// How often a read may begin with the first page again, because a cursor expired.
const RESTARTS: u32 = 3;

pub(super) async fn read(
    stream: &Stream,
    state: &State,
    position: Position,
    limit: Option<u64>,
    out: mpsc::Sender<Handover>,
    cancel: &Cancel,
) -> Result<()> {
    let mut reader =
        Reader { stream, state, position, left: limit.unwrap_or(u64::MAX), out, cancel, high: None };
    let finished = match &stream.source.parent {
        None => {
            let since = reader.position.mark.clone();
            reader.list(&Scope { since, ..Scope::default() }).await?
        }
        Some(parent) => reader.under_parents(parent).await?,
    };
    if finished {
        let ended = std::mem::take(&mut reader.position).ended();
        reader
            .hand_over(Handover {
                checkpoint: Some(Checkpoint { position: ended, parent: None }),
                ..Handover::default()
            })
            .await;
    }
    Ok(())
}

struct Reader<'s> {
    stream: &'s Stream,
    state: &'s State,
    position: Position,
    /// How many records may still be handed over.
    left: u64,
    out: mpsc::Sender<Handover>,
    cancel: &'s Cancel,
    /// The highest mark in the list that is read.
    high: Option<Mark>,
}

/// One list of records: the stream's own, or that under one parent.
#[derive(Default)]
struct Scope {
    /// Values for the places of the path.
    params: Vec<(String, String)>,
    /// Names the parent; begins the ids of records under it.
    parent: Option<String>,
    /// What is put into each record, and under which key.
    embed: Option<(String, String)>,
    since: Option<Mark>,
}

/// What an answer gives.
enum Answer {
    Page(Box<Fetched>),
    /// A rule says to leave this page out.
    Skipped,
    /// There is no such page.
    Nothing,
    /// Begin with the first page again.
    Restart,
}

impl Reader<'_> {
    /// Reads one list. False if it stopped early because enough was read, or nobody takes more.
    async fn list(&mut self, scope: &Scope) -> Result<bool> {
        let source = &self.stream.source;
        let mut restarts = 0;
        'anew: loop {
            let mut page = self.position.page.clone().unwrap_or_default();
            let mut resumed = page.pages > 0;
            self.high = self.position.high.clone();
            let mut pager = Pager::new(&source.pagination, self.stream.options.max_pages);
            loop {
                self.cancel.check()?;
                let request = self.request(scope, &page, &pager)?;
                let answer = self.fetch(&request, pager.may_end_with_nothing_there(&page), resumed).await?;
                resumed = false;
                let fetched = match answer {
                    Answer::Restart if restarts < RESTARTS => {
                        restarts += 1;
                        self.position.page = None;
                        continue 'anew;
                    }
                    Answer::Restart => return Err(cut_short("paging had to begin again too often")),
                    Answer::Nothing => break,
                    Answer::Skipped => match &source.pagination {
                        Pagination::Offset(how) => {
                            let at = page.at.as_deref().and_then(|at| at.parse().ok()).unwrap_or(how.start);
                            page = PageState {
                                at: Some((at + how.size).to_string()),
                                pages: page.pages + 1,
                                ..page
                            };
                            continue;
                        }
                        Pagination::Page(how) => {
                            let at = page.at.as_deref().and_then(|at| at.parse().ok()).unwrap_or(how.start);
                            page =
                                PageState { at: Some((at + 1).to_string()), pages: page.pages + 1, ..page };
                            continue;
                        }
                        // Only the page that is left out knew where the next one is.
                        _ => break,
                    },
                    Answer::Page(fetched) => fetched,
                };
                let Some(next) = self.page(scope, &page, &fetched, &mut pager).await? else {
                    return Ok(false);
                };
                match next.0 {
                    Some(next) => page = next,
                    None => break,
                }
            }
            return Ok(true);
        }
    }

    /// Hands a page's records over. `None` if nobody takes more.
    async fn page(
        &mut self,
        scope: &Scope,
        page: &PageState,
        fetched: &Fetched,
        pager: &mut Pager<'_>,
    ) -> Result<Option<(Option<PageState>,)>> {
        let source = &self.stream.source;
        let empty = fetched.body.iter().all(u8::is_ascii_whitespace);
        let at = |error: Error| error.with("page", page.pages + 1).with("url", fetched.url.path());
        let document = if empty { None } else { Some(json::document(&fetched.body).map_err(at)?) };
        let found = match document {
            None => Vec::new(),
            Some(document) => json::records(document, source.records.as_ref()).ok_or_else(|| {
                at(cut_short("the answer has no records where the mapping says they are")
                    .with("records", source.records.clone().unwrap_or_default())
                    .help("correct `records` of the mapping's source"))
            })?,
        };
        let facts = PageFacts { document, headers: &fetched.headers, url: &fetched.url, records: &found };
        let turn = pager.turn(page, &facts).map_err(at)?;
        let mut records = Vec::with_capacity(found.len());
        for (raw, _) in found.iter().zip(&turn.repeated).filter(|(_, repeated)| !**repeated) {
            let text = fetched.body.slice_ref(raw.get().as_bytes());
            if let Some(record) = self.record(scope, raw, text)? {
                records.push(record);
            }
        }
        let cut = (records.len() as u64) > self.left;
        records.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= records.len() as u64;
        self.position.records += records.len() as u64;
        self.position.page = turn.next.clone();
        self.position.high = self.high.clone();
        // At the end of a list the checkpoint comes from whoever knows what is next.
        let checkpoint = (!cut && turn.next.is_some())
            .then(|| Checkpoint { position: self.position.clone(), parent: None });
        // Of a list under a parent the total says nothing about the whole.
        let total = turn.total.filter(|_| scope.parent.is_none());
        let taken = self.hand_over(Handover { records, checkpoint, total }).await;
        let more = taken && !cut && (self.left > 0 || turn.next.is_none());
        Ok(more.then_some((turn.next,)))
    }

    /// A record, unless it is older than what is wanted.
    fn record(&mut self, scope: &Scope, raw: &RawValue, text: Bytes) -> Result<Option<SourceRecord>> {
        let source = &self.stream.source;
        if let Some(how) = &source.incremental {
            let value = find_value(raw, &how.field);
            let mark = match Mark::read(value.as_ref(), how) {
                Ok(mark) => mark,
                // One record's fault: it goes to the dead letters, and the read goes on.
                Err(error) => return Ok(Some(SourceRecord::new(Err(error), text))),
            };
            if let Some(mark) = mark {
                let too_old = how.param.is_none()
                    && scope.since.as_ref().is_some_and(|since| since.since(how).is_after(&mark));
                let too_new = self.position.until.as_ref().is_some_and(|until| mark.is_after(until));
                if too_old || too_new {
                    return Ok(None);
                }
                if self.high.as_ref().is_none_or(|high| mark.is_after(high)) {
                    self.high = Some(mark);
                }
            }
        }
        let mut record = self.stream.record(raw, text)?;
        if let Some(parent) = &scope.parent
            && let Ok(id) = &record.id
        {
            record.id = Ok(format!("{parent}/{id}"));
        }
        if let Some((key, parent)) = &scope.embed {
            record.text = embedded(&record.text, key, parent);
        }
        Ok(Some(record))
    }

    fn request(&self, scope: &Scope, page: &PageState, pager: &Pager<'_>) -> Result<ReadRequest> {
        let source = &self.stream.source;
        let peer = self.stream.source_peer()?;
        let path = fill(&source.path, |name| {
            scope.params.iter().find(|(known, _)| known == name).map(|(_, value)| segment(value))
        })?;
        let mut request = ReadRequest::new(
            peer,
            &source.method,
            &path,
            &source.params,
            &source.headers,
            source.body.as_ref(),
        )?;
        if let Some(how) = &source.incremental
            && let Some(param) = &how.param
        {
            let since = scope.since.as_ref().map(|mark| mark.since(how).param(how)).transpose()?;
            let since = since.or_else(|| how.initial.as_ref().and_then(plain));
            if let Some(since) = since {
                request.set(how.place, param, &since);
            }
        }
        pager.apply(page, &mut request)?;
        Ok(request)
    }

    /// Sends a request until its answer can be used, or it is clear that it can't.
    async fn fetch(&self, request: &ReadRequest, nothing_is_an_end: bool, resumed: bool) -> Result<Answer> {
        let peer = self.stream.source_peer()?;
        let mut tries = 0u64;
        loop {
            let fetched = match request.build(peer)?.cancel(self.cancel).fetch().await {
                Ok(fetched) => fetched,
                Err(error) if error.kind() == ErrorKind::RateLimited => {
                    self.pause(wait_of(&error).unwrap_or(Duration::from_secs(1))).await?;
                    continue;
                }
                Err(error) if error.is_temporary() && error.kind() != ErrorKind::Cancelled => {
                    tries += 1;
                    if tries >= u64::from(self.stream.options.tries) {
                        return Err(error.in_operation("sync.read"));
                    }
                    self.pause(self.backoff(tries)).await?;
                    continue;
                }
                Err(error) => return Err(error.in_operation("sync.read")),
            };
            let status = fetched.status;
            let body = || crate::mapping::value::read(&fetched.body).ok();
            let ruled = self.stream.source_rules.for_answer(status, &fetched.headers, body)?;
            let Some(Ruled { action, after, max_tries }) = ruled else {
                if status.is_success() {
                    // A body that broke off is noticed here, where asking again can mend it.
                    let empty = fetched.body.iter().all(u8::is_ascii_whitespace);
                    match if empty { Ok(()) } else { json::document(&fetched.body).map(drop) } {
                        Ok(()) => return Ok(Answer::Page(Box::new(fetched))),
                        Err(error) => {
                            tries += 1;
                            if tries >= u64::from(self.stream.options.tries) {
                                return Err(error.with("url", fetched.url.path()).with("tries", tries));
                            }
                            self.pause(self.backoff(tries)).await?;
                            continue;
                        }
                    }
                }
                if status.as_u16() == 404 && nothing_is_an_end {
                    return Ok(Answer::Nothing);
                }
                // A cursor that was kept over a restart may have expired meanwhile.
                if resumed && matches!(status.as_u16(), 400 | 404 | 410 | 422) {
                    return Ok(Answer::Restart);
                }
                let error = match fetched.success() {
                    Err(error) => error,
                    Ok(_) => Error::new(ErrorKind::Internal, "a success is an error"),
                };
                tries += 1;
                if !error.is_temporary() || tries >= u64::from(self.stream.options.tries) {
                    return Err(error.in_operation("sync.read"));
                }
                let wait = wait_of(&error).unwrap_or_else(|| self.backoff(tries));
                self.pause(wait).await?;
                continue;
            };
            match action {
                ResponseAction::Succeed => return Ok(Answer::Page(Box::new(fetched))),
                ResponseAction::Ignore => return Ok(Answer::Skipped),
                ResponseAction::RestartPaging => return Ok(Answer::Restart),
                ResponseAction::Fail => {
                    return Err(cut_short(
                        "the source gave an answer that a rule of the mapping calls a failure",
                    )
                    .with("status", status)
                    .with("url", fetched.url.path()));
                }
                ResponseAction::Retry | ResponseAction::RateLimited | ResponseAction::Refresh => {
                    if action == ResponseAction::Refresh {
                        self.stream.refresh(peer);
                    }
                    tries += 1;
                    if tries >= max_tries.unwrap_or_else(|| u64::from(self.stream.options.tries)) {
                        return Err(Error::new(
                            ErrorKind::Unreachable,
                            "the source kept giving an answer that asks for another try",
                        )
                        .in_operation("sync.read")
                        .with("status", status)
                        .with("tries", tries));
                    }
                    let asked = fetched.success().err().and_then(|error| wait_of(&error));
                    let wait = asked.or(after).unwrap_or_else(|| self.backoff(tries));
                    self.pause(wait).await?;
                }
            }
        }
    }

    fn backoff(&self, tries: u64) -> Duration {
        let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
        self.stream.options.backoff.saturating_mul(1 << doublings).min(Duration::from_secs(30))
    }

    async fn pause(&self, wait: Duration) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.cancel.cancelled() => self.cancel.check(),
        }
    }

    /// Whether it was taken.
    async fn hand_over(&self, handover: Handover) -> bool {
        self.out.send(handover).await.is_ok()
    }

    /// Reads the list of parents, and under each the records.
    async fn under_parents(&mut self, parent: &Parent) -> Result<bool> {
        let stream = self.stream;
        let peer = stream.source_peer()?;
        let started = self.position.parent.clone().unwrap_or_default();
        let mut page = started.page.unwrap_or_default();
        let mut go_on_with = started.key;
        let mut pager = Pager::new(&parent.pagination, stream.options.max_pages);
        loop {
            let mut request = ReadRequest::new(
                peer,
                &parent.method,
                &parent.path,
                &Object::new(),
                &stream.source.headers,
                None,
            )?;
            pager.apply(&page, &mut request)?;
            let resumed = go_on_with.is_some() && page.pages > 0;
            let fetched = match self.fetch(&request, pager.may_end_with_nothing_there(&page), resumed).await?
            {
                Answer::Page(fetched) => fetched,
                Answer::Nothing | Answer::Skipped => return Ok(true),
                Answer::Restart => {
                    page = PageState::default();
                    go_on_with = None;
                    self.position.page = None;
                    pager = Pager::new(&parent.pagination, stream.options.max_pages);
                    continue;
                }
            };
            let empty = fetched.body.iter().all(u8::is_ascii_whitespace);
            let document = if empty { None } else { Some(json::document(&fetched.body)?) };
            let found = document
                .map_or(Some(Vec::new()), |document| json::records(document, parent.records.as_ref()));
            let found = found.ok_or_else(|| {
                cut_short("the answer has no parents where the mapping says they are")
                    .help("correct `records` of the source's parent")
            })?;
            let facts = PageFacts { document, headers: &fetched.headers, url: &fetched.url, records: &found };
            let turn = pager.turn(&page, &facts)?;
            let scopes: Vec<Scope> = found
                .iter()
                .zip(&turn.repeated)
                .filter(|(_, repeated)| !**repeated)
                .map(|(raw, _)| scope_of(parent, raw))
                .collect::<Result<_>>()?;
            let known = |key: &String| scopes.iter().position(|scope| scope.parent.as_ref() == Some(key));
            let skip = match go_on_with.take().map(|key| known(&key)) {
                Some(Some(at)) => at,
                // The parents changed meanwhile: all of this page are read, from their start.
                Some(None) => {
                    self.position.page = None;
                    0
                }
                None => 0,
            };
            for scope in scopes.into_iter().skip(skip) {
                let at = ParentState { page: Some(page.clone()), key: scope.parent.clone() };
                self.position.parent = Some(at);
                if !self.under(scope).await? {
                    return Ok(false);
                }
                self.position.page = None;
            }
            match turn.next {
                Some(next) => page = next,
                None => return Ok(true),
            }
        }
    }

    /// Reads the records under one parent, and keeps how far that got.
    async fn under(&mut self, mut scope: Scope) -> Result<bool> {
        let key = document_id(scope.parent.as_deref().unwrap_or_default());
        scope.since = self.state.get("mark", &self.stream.name, &key).await?;
        if self.position.page.is_none() {
            self.position.high = None;
        }
        let finished = self.list(&scope).await?;
        if finished {
            self.position.page = None;
            let high = self.position.high.take();
            let parent = high
                .filter(|high| scope.since.as_ref().is_none_or(|since| high.is_after(since)))
                .map(|high| (key, high));
            let position = self.position.clone();
            return Ok(self
                .hand_over(Handover {
                    checkpoint: Some(Checkpoint { position, parent }),
                    ..Handover::default()
                })
                .await);
        }
        Ok(false)
    }
}

fn scope_of(parent: &Parent, raw: &RawValue) -> Result<Scope> {
    let mut params = Vec::new();
    for (name, field) in parent.params.iter() {
        let path: FieldPath = field.as_str().unwrap_or_default().parse()?;
        let value = find_value(raw, &path).and_then(|value| plain(&value)).ok_or_else(|| {
            Error::new(ErrorKind::RecordInvalid, "a parent lacks the field that its records are listed by")
                .in_operation("sync.read")
                .with("field", &path)
        })?;
        params.push((name.to_owned(), value));
    }
    let key = params.iter().map(|(_, value)| segment(value)).collect::<Vec<_>>().join("/");
    Ok(Scope {
        params,
        parent: Some(key),
        embed: parent.embed_as.clone().map(|name| (name, raw.get().to_owned())),
        since: None,
    })
}

/// The record with one more field.
fn embedded(record: &[u8], key: &str, value: &str) -> Bytes {
    let Some(end) = record.iter().rposition(|byte| *byte == b'}') else {
        return Bytes::copy_from_slice(record);
    };
    let empty = record[..end].iter().skip(1).all(u8::is_ascii_whitespace);
    let mut name = String::new();
    crate::mapping::value::write_string(key, &mut name);
    let mut text = record[..end].to_vec();
    text.extend_from_slice(if empty { b"" } else { b"," });
    text.extend_from_slice(name.as_bytes());
    text.push(b':');
    text.extend_from_slice(value.as_bytes());
    text.push(b'}');
    text.into()
}

/// What names a record without an id: its content.
pub(in crate::sync) fn nameless(text: &[u8]) -> String {
    format!("?{}", hash(text))
}
