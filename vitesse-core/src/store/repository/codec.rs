//! Between typed values and the bytes of a document.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::store::{Document, Key};

pub(super) fn encode<T: Serialize>(key: &Key, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "a record can't be written as JSON").with("key", key).source(error)
    })
}

pub(super) fn decode<T: DeserializeOwned>(document: &Document) -> Result<T> {
    serde_json::from_slice(&document.value).map_err(|error| {
        Error::new(
            ErrorKind::StoreFailed,
            "a record can't be read: it is damaged, or a newer version wrote it",
        )
        .in_operation("store.decode")
        .with("key", &document.key)
        .source(error)
        .help("use the version of Vitesse that wrote it, or restore a backup")
    })
}
