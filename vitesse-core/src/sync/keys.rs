//! Names that are the same whenever the same thing is meant: of contents, requests and documents.

use sha2::{Digest, Sha256};

/// Bytes of a source id that stands in a document's key as it is; a longer one stands there as its hash.
const LONGEST_ID: usize = 900;

/// The hash that tells contents apart.
pub(super) fn hash(content: &[u8]) -> String {
    let mut digest = hex(&Sha256::digest(content));
    digest.truncate(32);
    digest
}

/// A request's key: made of its parts, each with its length, so that no two lists of parts have one key.
pub(super) fn key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let mut text = hex(&digest.finalize());
    text.truncate(40);
    text
}

/// A source id as a document's key has it.
pub(super) fn document_id(id: &str) -> String {
    if id.len() <= LONGEST_ID { id.to_owned() } else { format!("sha256:{}", hex(&Sha256::digest(id))) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_mistaken_for_each_other() {
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
        assert_eq!(key(["a", "b"]), key(["a", "b"]));
        assert_eq!(key(["a"]).len(), 40);
    }

    #[test]
    fn long_ids_stay_within_a_key() {
        assert_eq!(document_id("7"), "7");
        let (a, b) = ("x".repeat(5000), format!("{}y", "x".repeat(4999)));
        assert!(document_id(&a).len() < 100 && document_id(&a) != document_id(&b));
    }
}
