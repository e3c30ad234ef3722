use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Batch, Expect, Key, Revision, Scan, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::KeyRing;

/// Sensitive documents in a store: credentials, refresh tokens, raw samples, dead letters.
///
/// Each is sealed for its own key, so that whoever can write to the database can neither read it nor pass one
/// document off as another.
///
/// ```
/// use std::sync::Arc;
/// use vitesse_core::secret::KeyRing;
/// use vitesse_core::store::{Batch, Expect, Key, MemoryStore, Sealed, Store};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let sealed = Sealed::new(store.clone(), Arc::new(KeyRing::parse(&KeyRing::generate())?));
/// let key = Key::new("default", "samples", "1");
///
/// // It joins other writes in one commit.
/// let batch = sealed.put(Batch::new(), &key, Expect::Absent, &["private"])?;
/// store.commit(batch).await?;
///
/// let (_, sample) = sealed.get::<Vec<String>>(&key).await?.unwrap();
/// assert_eq!(sample, ["private"]);
/// # Ok::<(), vitesse_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Sealed {
    store: Arc<dyn Store>,
    ring: Arc<KeyRing>,
}

impl Sealed {
    /// Seals and opens documents of `store` with `ring`.
    pub fn new(store: Arc<dyn Store>, ring: Arc<KeyRing>) -> Self {
        Self { store, ring }
    }

    /// Adds a sealed put to a batch.
    ///
    /// # Errors
    /// If the value can't be serialised.
    pub fn put<T: Serialize + ?Sized>(
        &self,
        batch: Batch,
        key: &Key,
        expect: Expect,
        value: &T,
    ) -> Result<Batch> {
        let plain = serde_json::to_vec(value).map(Zeroizing::new).map_err(|error| {
            Error::new(ErrorKind::Internal, "a sensitive value can't be serialised").source(error)
        })?;
        Ok(batch.put(key.clone(), expect, self.ring.seal(&plain, &context(key, ""))))
    }

    /// Reads and opens a document.
    ///
    /// # Errors
    /// What [`KeyRing::open`] and [`Store::get`] fail with; [`ErrorKind::StoreFailed`] if it is of another type.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<(Revision, T)>> {
        let Some(document) = self.store.get(key).await? else { return Ok(None) };
        let plain = self
            .ring
            .open(&document.value, &context(key, ""))
            .map_err(|error| error.with("document", key))?;
        // Its cause is left out: it quotes the value.
        let value = serde_json::from_slice(&plain).map_err(|_| {
            Error::new(ErrorKind::StoreFailed, "a sealed document is of another type").with("document", key)
        })?;
        Ok(Some((document.revision, value)))
    }

    /// Seals one field of a document that is otherwise in the clear.
    pub fn seal_field(&self, key: &Key, field: &str, plain: &[u8]) -> Vec<u8> {
        self.ring.seal(plain, &context(key, field))
    }

    /// Opens what [`seal_field`](Self::seal_field) made for this very document and field.
    ///
    /// # Errors
    /// What [`KeyRing::open`] fails with.
    pub fn open_field(&self, key: &Key, field: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = self.ring.open(sealed, &context(key, field));
        opened.map_err(|error| error.with("document", key).with("field", field))
    }

    /// Seals the documents of a collection anew that an older key sealed; gives how many there were. One that is
    /// changed meanwhile was sealed with the newest key by whoever changed it.
    ///
    /// # Errors
    /// At the first document that can't be opened, read or written; what was done stays done.
    pub async fn rotate(&self, namespace: &str, collection: &str) -> Result<usize> {
        let mut scan = Scan::new(namespace, collection);
        let mut count = 0;
        loop {
            let page = self.store.scan(&scan).await?;
            for document in page.documents.iter().filter(|document| !self.ring.is_newest(&document.value)) {
                let context = context(&document.key, "");
                let plain = self
                    .ring
                    .open(&document.value, &context)
                    .map_err(|error| error.with("document", &document.key))?;
                let again = self.ring.seal(&plain, &context);
                let batch = Batch::new().put(document.key.clone(), Expect::At(document.revision), again);
                match self.store.commit(batch).await {
                    Ok(_) => count += 1,
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    Err(error) => return Err(error),
                }
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(count),
            }
        }
    }
}

/// Names the place; each part with its length, so that no two places have one name.
fn context(key: &Key, field: &str) -> Vec<u8> {
    let mut context = b"vitesse document 1".to_vec();
    for part in [&*key.namespace, &*key.collection, &*key.id, field] {
        context.extend((part.len() as u64).to_be_bytes());
        context.extend(part.as_bytes());
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn a_value_can_not_be_moved_and_rotation_reaches_all() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (old, new) = (KeyRing::generate(), KeyRing::generate());
        let ring = |text: &str| Arc::new(KeyRing::parse(&text.to_owned().into()).unwrap());
        let sealed = Sealed::new(store.clone(), ring(old.expose()));
        let key = |n: u32| Key::new("n", "c", n.to_string());
        for n in 0..250 {
            store.commit(sealed.put(Batch::new(), &key(n), Expect::Any, &n).unwrap()).await.unwrap();
        }
        let taken = store.get(&key(1)).await.unwrap().unwrap().value;
        let field = sealed.seal_field(&key(1), "a", b"x");
        assert!(
            sealed.open_field(&key(1), "b", &field).is_err()
                && sealed.open_field(&key(2), "a", &field).is_err()
        );

        let both = Sealed::new(store.clone(), ring(&format!("{} {}", new.expose(), old.expose())));
        assert_eq!(both.rotate("n", "c").await.unwrap(), 250);
        assert_eq!(both.rotate("n", "c").await.unwrap(), 0);
        let only_new = Sealed::new(store.clone(), ring(new.expose()));
        assert_eq!(only_new.get::<u32>(&key(249)).await.unwrap().unwrap().1, 249);

        store.commit(Batch::new().put(key(2), Expect::Any, taken)).await.unwrap();
        assert_eq!(both.get::<u32>(&key(2)).await.unwrap_err().kind(), ErrorKind::StoreFailed);
    }
}
