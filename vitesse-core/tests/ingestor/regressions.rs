//! The regression corpus: what fuzzing started from and what it found, at the entry it is for.

use std::path::Path;

use crate::entries;

/// A way in for bytes of any kind.
type Entry = fn(&[u8]);

#[test]
fn each_input_of_the_corpus_ends_well() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ingestor/regressions");
    let entries: [(&str, Entry); 4] = [
        ("json", entries::json),
        ("yaml", entries::yaml),
        ("swagger2", entries::swagger2),
        ("references", entries::references),
    ];
    for (name, entry) in entries {
        let mut count = 0;
        for file in std::fs::read_dir(folder.join(name)).unwrap() {
            entry(&std::fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no inputs");
    }
}
