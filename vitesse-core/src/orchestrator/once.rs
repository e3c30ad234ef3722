//! Requests that are sent twice are done once: answers are kept under the key that the caller gave.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Vitesse;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Batch, Expect, Key, Scan};

const ANSWERS: &str = "idempotent_answers";
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a request may be under way until it counts as broken off.
const UNDER_WAY: Duration = Duration::from_secs(600);
/// The longest key.
const LONGEST: usize = 255;

/// What is to be done with a request that names a key.
#[derive(Debug)]
pub enum Once {
    /// It is new: do it, and tell the answer.
    First(Doing),
    /// It was done before, and this was the answer.
    Again(Answered),
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// A request that is being done.
#[derive(Debug)]
#[must_use = "until it ends, the same request is refused"]
pub struct Doing {
    vitesse: Vitesse,
    key: Key,
    fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    fingerprint: String,
    at: Timestamp,
    answer: Option<Answered>,
}

impl Vitesse {
    /// Looks whether this request was made before under the same key by the same actor. `request` is everything that
    /// makes it what it is.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while it is being done, [`ErrorKind::InvalidInput`] for a key that isn't one or that
    /// was given with another request.
    pub async fn once(&self, key: &str, request: &[&[u8]]) -> Result<Once> {
        let wrong = |what: &'static str, help: &'static str| {
            Error::new(ErrorKind::InvalidInput, what).in_operation("orchestrator.once").help(help)
        };
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(
                "the idempotency key is not 1 to 255 printable characters",
                "send a new UUID for each request",
            ));
        }
        let fingerprint = digest(request);
        let name = digest(&[self.actor.as_bytes(), key.as_bytes()]);
        let place = Key::new(self.inner.repository.namespace(), ANSWERS, name);
        let store = self.inner.repository.store();
        loop {
            let now = self.now();
            let expect = match store.get(&place).await? {
                None => Expect::Absent,
                Some(document) => {
                    let kept: Option<Kept> = serde_json::from_slice(&document.value).ok();
                    match kept {
                        Some(kept) if is_old(kept.at, now, KEPT) => Expect::At(document.revision),
                        Some(kept) if kept.fingerprint != fingerprint => {
                            return Err(wrong(
                                "this idempotency key was given with another request",
                                "send a new key with each new request",
                            ));
                        }
                        Some(Kept { answer: Some(answer), .. }) => return Ok(Once::Again(answer)),
                        Some(kept) if !is_old(kept.at, now, UNDER_WAY) => {
                            return Err(Error::new(ErrorKind::Conflict, "this very request is under way")
                                .in_operation("orchestrator.once")
                                .help("wait a little and send it again, with the same key"));
                        }
                        _ => Expect::At(document.revision),
                    }
                }
            };
            let kept = Kept { fingerprint: fingerprint.clone(), at: now, answer: None };
            match store.commit(Batch::new().put(place.clone(), expect, bytes(&kept)?)).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(Once::First(Doing { vitesse: self.clone(), key: place, fingerprint })),
            }
        }
    }

    /// Forgets answers that are older than a day.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget_old_answers(&self) -> Result<usize> {
        let store = self.inner.repository.store();
        let mut scan = Scan::new(self.inner.repository.namespace(), ANSWERS).limit(200);
        let mut forgotten = 0;
        loop {
            let page = store.scan(&scan).await?;
            let now = self.now();
            let old = page.documents.into_iter().filter(|document| {
                serde_json::from_slice::<Kept>(&document.value)
                    .map_or(true, |kept| is_old(kept.at, now, KEPT))
            });
            let mut batch = Batch::new();
            let mut count = 0;
            for document in old {
                batch = batch.delete(document.key, Expect::Any);
                count += 1;
            }
            if count > 0 {
                store.commit(batch).await?;
                forgotten += count;
            }
            match page.next {
                Some(next) => scan = scan.after(next),
                None => return Ok(forgotten),
            }
        }
    }
}

impl Doing {
    /// Keeps the answer, for those who ask again.
    ///
    /// # Errors
    /// If the store fails; what was done is done.
    pub async fn keep(self, answer: Answered) -> Result<()> {
        let kept = Kept { fingerprint: self.fingerprint, at: self.vitesse.now(), answer: Some(answer) };
        let batch = Batch::new().put(self.key, Expect::Any, bytes(&kept)?);
        self.vitesse.inner.repository.store().commit(batch).await.map(drop)
    }

    /// Nothing was done that another attempt should know of: the key is free again.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget(self) -> Result<()> {
        let batch = Batch::new().delete(self.key, Expect::Any);
        self.vitesse.inner.repository.store().commit(batch).await.map(drop)
    }
}

fn bytes(kept: &Kept) -> Result<Vec<u8>> {
    serde_json::to_vec(kept)
        .map_err(|error| Error::new(ErrorKind::Internal, "an answer can't be kept").source(error))
}

fn is_old(at: Timestamp, now: Timestamp, than: Duration) -> bool {
    now.duration_since(at) > SignedDuration::try_from(than).unwrap_or(SignedDuration::MAX)
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::store::MemoryStore;

    fn answer() -> Answered {
        Answered { status: 200, body: "{}".into() }
    }

    #[tokio::test]
    async fn a_repeated_request_gets_the_first_answer_for_a_day() {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = seconds.clone();
        let vitesse = Vitesse::builder(Arc::new(MemoryStore::new()))
            .clock(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap())
            .build()
            .unwrap();
        let ask = async |key: &str, body: &[u8]| vitesse.once(key, &[b"POST", body]).await;
        let Once::First(doing) = ask("k", b"a").await.unwrap() else { panic!("it is new") };
        assert_eq!(ask("k", b"a").await.unwrap_err().kind(), ErrorKind::Conflict);
        doing.keep(answer()).await.unwrap();
        let Once::Again(again) = ask("k", b"a").await.unwrap() else { panic!("it was done") };
        assert_eq!(again, answer());
        assert_eq!(ask("k", b"b").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let somebody = vitesse.by("ben");
        assert!(matches!(somebody.once("k", &[b"POST", b"b"]).await.unwrap(), Once::First(_)));
        seconds.store(24 * 3600 + 1, Ordering::Relaxed);
        assert!(matches!(ask("k", b"b").await.unwrap(), Once::First(_)), "a day later it is forgotten");
        seconds.store(3 * 24 * 3600, Ordering::Relaxed);
        assert_eq!(vitesse.forget_old_answers().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_came_to_nothing_may_be_tried_again() {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = seconds.clone();
        let vitesse = Vitesse::builder(Arc::new(MemoryStore::new()))
            .clock(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap())
            .build()
            .unwrap();
        let Once::First(doing) = vitesse.once("k", &[b"a"]).await.unwrap() else { panic!("it is new") };
        doing.forget().await.unwrap();
        let Once::First(lost) = vitesse.once("k", &[b"a"]).await.unwrap() else { panic!("it is free") };
        drop(lost);
        seconds.store(601, Ordering::Relaxed);
        assert!(matches!(vitesse.once("k", &[b"a"]).await.unwrap(), Once::First(_)), "it was broken off");
        for wrong in ["", "a b", &"x".repeat(256), "ä"] {
            assert_eq!(vitesse.once(wrong, &[]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
