//! What people do to the state: looking at runs, forgetting a record, beginning anew.

use super::keys::document_id;
use super::report::RunRecord;
use super::run::Sync;
use super::source::{Mark, Position};
use super::state::decode;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Value;
use crate::progress::Cancel;
use crate::store::Batch;

impl Sync {
    /// The latest runs, the newest first.
    ///
    /// # Errors
    /// What the store fails with.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        let mut runs = self.all_runs().await?;
        runs.reverse();
        runs.truncate(limit);
        Ok(runs)
    }

    pub(super) async fn all_runs(&self) -> Result<Vec<RunRecord>> {
        let mut scan = self.state.scan("run", "all");
        let mut runs = Vec::new();
        loop {
            let page = self.state.store().scan(&scan).await?;
            for document in &page.documents {
                runs.push(decode(&document.key, &document.value)?);
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(runs),
            }
        }
    }

    /// Forgets everything about one record: its place in the ledger and its letter. Where the source gives it again, it
    /// is new.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if nothing is known of it, [`ErrorKind::Conflict`] while a write of it is under way.
    pub async fn forget(&self, stream: &str, id: &str) -> Result<()> {
        self.stream(stream)?;
        let hold = self.hold(&Cancel::new()).await?;
        let state = &hold.state;
        hold.during(async {
            let letter = state.letter(stream, id).await?;
            if state.entry(stream, id).await?.is_none() && letter.is_none() {
                return Err(Error::new(ErrorKind::NotFound, "nothing is known of this record")
                    .in_operation("sync.forget")
                    .with("stream", stream)
                    .with("record", id));
            }
            let pending = state.intents(stream).await?;
            if pending.iter().any(|intent| intent.members.iter().any(|member| member.id == id)) {
                return Err(Error::new(ErrorKind::Conflict, "a write of this record is not cleared up yet")
                    .in_operation("sync.forget")
                    .with("record", id)
                    .help("run `vitesse-runtime sync` once, then forget it"));
            }
            let name = document_id(id);
            let batch = state.delete(Batch::new(), "ledger", stream, &name);
            state.commit(state.delete(batch, "letter", stream, &name)).await
        })
        .await
    }

    /// Lets a stream's next read begin at the start, or at `from`, a value of its incremental field; with `until` that read
    /// leaves out what is above it: a backfill. The ledger stays, so nothing is written twice.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the stream isn't read incrementally and a value was given, or it is no such value.
    pub async fn reset(&self, stream: &str, from: Option<&str>, until: Option<&str>) -> Result<()> {
        let known = self.stream(stream)?;
        let mark = |text: Option<&str>| -> Result<Option<Mark>> {
            let Some(text) = text else { return Ok(None) };
            let how = known.source.incremental.as_ref().ok_or_else(|| {
                Error::new(ErrorKind::InvalidInput, "this stream is not read incrementally")
                    .in_operation("sync.reset")
                    .with("stream", stream)
                    .help("without a value it is read from its start")
            })?;
            Mark::read(Some(&Value::from(text)), how).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, error.message().to_owned())
                    .in_operation("sync.reset")
                    .with("value", text)
            })
        };
        let (mark, until) = (mark(from)?, mark(until)?);
        let hold = self.hold(&Cancel::new()).await?;
        let state = &hold.state;
        hold.during(async {
            let before: Position = state.get("position", stream, "now").await?.unwrap_or_default();
            // After a range, reads go on where they were: what is above it was read already.
            let back_to = until.as_ref().and(before.back_to.or(before.mark));
            let position =
                Position { read: before.read, mark, until, back_to, complete: true, ..Position::default() };
            let batch = state.put(Batch::new(), "position", stream, "now", &position)?;
            state.commit(batch).await
        })
        .await
    }
}
