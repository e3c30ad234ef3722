use std::path::Path;

/// Checks that a generated file that is checked in holds what the code says now.
///
/// With `VITESSE_UPDATE` set it writes the file instead, so that one piece of code does both.
///
/// # Panics
/// If the file is missing or differs.
#[expect(clippy::panic, reason = "a test helper: failing is what it is for")]
pub fn assert_generated(file: impl AsRef<Path>, wanted: &str) {
    let file = file.as_ref();
    let found = std::fs::read_to_string(file).unwrap_or_default();
    if found == wanted {
        return;
    }
    if std::env::var_os("VITESSE_UPDATE").is_none() {
        panic!("{} is not what the code says; `make generate` writes it anew", file.display());
    }
    if let Err(error) = std::fs::write(file, wanted) {
        panic!("{} can't be written: {error}", file.display());
    }
}
