//! Keys of those who may ask for things over a network: several at a time, kept as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Vitesse;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::{Batch, Expect, Key, Scan};

const KEYS: &str = "api_keys";

/// A key: everything of it but itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key; it is a part of the key itself and no secret.
    pub id: String,
    /// Whose it is. What is done with the key is done by this name.
    pub name: String,
    /// Who added it.
    pub created_by: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A key that was just made: the only moment at which it can be read.
#[derive(Debug)]
pub struct NewApiKey {
    /// What is kept of it.
    pub about: ApiKey,
    /// The key.
    pub key: Secret,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    about: ApiKey,
    /// SHA-256 of the key. It is 256 random bits, so nobody guesses it from this, however fast they hash.
    hash: String,
}

impl Vitesse {
    /// Makes a key for somebody. It counts from now on, in every process on this store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that isn't one, and if the store fails.
    pub async fn add_key(&self, name: &str) -> Result<NewApiKey> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(Error::new(ErrorKind::InvalidInput, "name: a key needs one of 1 to 100 characters")
                .in_operation("orchestrator.add_key")
                .help("say whose key it is, such as `ci` or `anna`"));
        }
        let id: String = Uuid::new_v4().simple().to_string().chars().take(12).collect();
        let key = Secret::new(format!("vts_{id}_{}", random()));
        let about =
            ApiKey { id, name: name.to_owned(), created_by: self.actor.clone(), created_at: self.now() };
        let kept = Kept { about: about.clone(), hash: hash(key.expose()) };
        let value = serde_json::to_vec(&kept).map_err(|error| {
            Error::new(ErrorKind::Internal, "a key can't be written as JSON").source(error)
        })?;
        let batch = Batch::new().put(self.key_of(&about.id), Expect::Absent, value);
        self.inner.repository.store().commit(batch).await?;
        Ok(NewApiKey { about, key })
    }

    /// Every key that counts, by id.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn keys(&self) -> Result<Vec<ApiKey>> {
        let mut scan = Scan::new(self.inner.repository.namespace(), KEYS).limit(200);
        let mut all = Vec::new();
        loop {
            let page = self.inner.repository.store().scan(&scan).await?;
            for document in &page.documents {
                all.push(read(&document.value)?.about);
            }
            match page.next {
                Some(next) => scan = scan.after(next),
                None => return Ok(all),
            }
        }
    }

    /// Whether there is any key.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn has_keys(&self) -> Result<bool> {
        let scan = Scan::new(self.inner.repository.namespace(), KEYS).limit(1);
        Ok(!self.inner.repository.store().scan(&scan).await?.documents.is_empty())
    }

    /// Takes a key back: it counts no more, in no process.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that id.
    pub async fn revoke_key(&self, id: &str) -> Result<()> {
        let key = self.key_of(id);
        let store = self.inner.repository.store();
        if store.get(&key).await?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, "there is no such key")
                .in_operation("orchestrator.revoke_key")
                .with("id", id.escape_debug())
                .help("keys are named by their id, the part between `vts_` and the second `_`"));
        }
        store.commit(Batch::new().delete(key, Expect::Any)).await.map(drop)
    }

    /// Whose key this is, if it counts. How long it takes to find out tells nothing of any key.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn who_has(&self, given: &str) -> Result<Option<ApiKey>> {
        let Some((id, _)) = given.strip_prefix("vts_").and_then(|rest| rest.split_once('_')) else {
            return Ok(None);
        };
        if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let Some(document) = self.inner.repository.store().get(&self.key_of(id)).await? else {
            return Ok(None);
        };
        let kept = read(&document.value)?;
        Ok(Secret::new(kept.hash).is(&hash(given)).then_some(kept.about))
    }

    fn key_of(&self, id: &str) -> Key {
        Key::new(self.inner.repository.namespace(), KEYS, id)
    }
}

fn read(value: &[u8]) -> Result<Kept> {
    serde_json::from_slice(value).map_err(|error| {
        Error::new(ErrorKind::StoreFailed, "a key can't be read")
            .in_operation("orchestrator.keys")
            .source(error)
    })
}

fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// 43 characters that nobody can guess.
fn random() -> String {
    let mut hash = Sha256::new();
    hash.update(Uuid::new_v4().as_bytes());
    hash.update(Uuid::new_v4().as_bytes());
    hash.update(Uuid::new_v4().as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn several_keys_count_until_they_are_taken_back() {
        let store = Arc::new(MemoryStore::new());
        let vitesse = Vitesse::builder(store.clone()).build().unwrap().by("anna");
        assert!(!vitesse.has_keys().await.unwrap());
        let (ci, ben) = (vitesse.add_key("ci").await.unwrap(), vitesse.add_key(" ben ").await.unwrap());
        assert!(vitesse.has_keys().await.unwrap());
        // Another process on the same store knows them too.
        let other = Vitesse::builder(store.clone()).build().unwrap();
        let found = other.who_has(ben.key.expose()).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.created_by.as_str()), ("ben", "anna"));
        other.revoke_key(&ben.about.id).await.unwrap();
        assert!(vitesse.who_has(ben.key.expose()).await.unwrap().is_none());
        assert_eq!(vitesse.who_has(ci.key.expose()).await.unwrap().unwrap().name, "ci");
        assert_eq!(vitesse.revoke_key("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn only_the_whole_key_counts_and_none_is_kept() {
        let store = Arc::new(MemoryStore::new());
        let vitesse = Vitesse::builder(store.clone()).build().unwrap();
        let made = vitesse.add_key("ci").await.unwrap();
        let text = made.key.expose();
        let swapped = format!("{}{}", &text[..text.len() - 1], if text.ends_with('A') { 'B' } else { 'A' });
        for wrong in ["", "vts_", "vts__", &text[1..], &text[..text.len() - 1], &swapped, &format!("{text}A")]
        {
            assert!(vitesse.who_has(wrong).await.unwrap().is_none(), "{wrong}");
        }
        assert!(!format!("{made:?}").contains(text));
        use crate::store::Store as _;
        let kept = store.get(&vitesse.key_of(&made.about.id)).await.unwrap().unwrap();
        assert!(!String::from_utf8(kept.value.to_vec()).unwrap().contains(text.rsplit('_').next().unwrap()));
        for wrong in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert_eq!(vitesse.add_key(wrong).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
