//! What a sync would write, without writing.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;

use super::clerk::{Made, transform};
use super::decide::{Decision, Work, decide};
use super::destination::{Sender, build};
use super::run::Sync;
use super::source::{self, Position};
use crate::error::{Error, Result};
use crate::progress::Cancel;

/// What would be done with one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The stream.
    pub stream: String,
    /// The record's id at the source.
    pub id: String,
    /// `create`, `update`, `upsert`, `bulk`, `delete`, `unchanged`, `left_out`, `gone` or `dead_letter`.
    pub action: &'static str,
    /// The request's method and what follows the base URL, if one would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Why there would be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Sync {
    /// Reads records as the next run would, up to `limit` of each stream, and gives what it would do with each. The
    /// destination is only asked what it has; nothing is written there, and nothing is kept.
    ///
    /// # Errors
    /// What stops a run.
    pub async fn preview(&self, limit: u64, cancel: &Cancel) -> Result<Vec<Planned>> {
        let mut planned = Vec::new();
        for stream in &self.streams {
            let sender = Sender::new(Arc::clone(stream));
            let position: Position =
                self.state.get("position", &stream.name, "now").await?.unwrap_or_default();
            let full = self.options.full || stream.source.incremental.is_none() || position.mark.is_none();
            let (hand, mut taken) = mpsc::channel(1);
            let reading =
                source::read(stream, &self.state, position.next_read(full), Some(limit), hand, cancel);
            let planning = async {
                let mut found = Vec::new();
                while let Some(handover) = taken.recv().await {
                    for record in handover.records {
                        let plan = |id: &str, action, reason: Option<String>| Planned {
                            stream: stream.name.clone(),
                            id: id.to_owned(),
                            action,
                            request: None,
                            body: None,
                            reason,
                        };
                        let id = match record.id {
                            Ok(id) => id,
                            Err(error) => {
                                found.push(plan("", "dead_letter", Some(error.to_string())));
                                continue;
                            }
                        };
                        let works = if record.gone {
                            vec![Work { gone: true, ..Work::new(id.clone(), record.text, "{}".into()) }]
                        } else {
                            match transform(stream, &self.state, &record.text).await? {
                                Made::Records(lines) => lines
                                    .lines()
                                    .enumerate()
                                    .map(|(at, line)| {
                                        let id =
                                            if stream.splits { format!("{id}#{at}") } else { id.clone() };
                                        Work::new(id, record.text.clone(), line.to_owned())
                                    })
                                    .collect(),
                                Made::Failed(error) => {
                                    found.push(plan(&id, "dead_letter", Some(error.to_string())));
                                    continue;
                                }
                                Made::Deferred(stream, missing) => {
                                    let reason =
                                        format!("it waits for the record {missing} of the stream {stream}");
                                    found.push(plan(&id, "dead_letter", Some(reason)));
                                    continue;
                                }
                            }
                        };
                        if works.is_empty() {
                            found.push(plan(&id, "left_out", None));
                        }
                        for mut work in works {
                            let entry = self.state.entry(&stream.name, &work.id).await?.unwrap_or_default();
                            let mut decision = decide(stream, &work, &entry);
                            if matches!(decision, Decision::Look) {
                                work.found = Some(sender.look(&work.made).await?);
                                decision = decide(stream, &work, &entry);
                            }
                            found.push(match decision {
                                Decision::Unchanged => plan(&work.id, "unchanged", None),
                                Decision::Nothing | Decision::Look => plan(&work.id, "left_out", None),
                                Decision::Reported => plan(&work.id, "gone", None),
                                Decision::Held => plan(
                                    &work.id,
                                    "dead_letter",
                                    Some("the outcome of an earlier write is not known".into()),
                                ),
                                Decision::Dead(_, reason) => plan(&work.id, "dead_letter", Some(reason)),
                                Decision::Write(draft) if draft.adopted || stream.dest.file.is_some() => {
                                    let action = if draft.adopted { "unchanged" } else { "create" };
                                    Planned { body: Some(work.made.clone()), ..plan(&work.id, action, None) }
                                }
                                Decision::Write(draft) => {
                                    let id = work.id.clone();
                                    match build(stream, draft.kind, &[(work, entry, draft.dest_id)]) {
                                        Ok(intent) => Planned {
                                            request: Some(format!("{} {}", intent.method, intent.target)),
                                            body: intent.body,
                                            ..plan(&id, draft.kind.name(), None)
                                        },
                                        Err(error) => plan(&id, "dead_letter", Some(error.to_string())),
                                    }
                                }
                            });
                        }
                    }
                }
                Ok::<_, Error>(found)
            };
            let (read, found) = tokio::join!(reading, planning);
            planned.extend(found?);
            read?;
        }
        Ok(planned)
    }
}
