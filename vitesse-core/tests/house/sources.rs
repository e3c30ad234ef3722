//! Reading the workspace's files.

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below `folder` with that ending, sorted.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A source file's code: comments blanked, texts emptied, so that words in them aren't taken for code.
pub(crate) fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut code = String::with_capacity(text.len());
    let bytes: Vec<char> = text.chars().collect();
    let at = |i: usize| bytes.get(i).copied().unwrap_or('\0');
    let mut i = 0;
    while i < bytes.len() {
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < bytes.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                while i < bytes.len() && !(at(i) == '*' && at(i + 1) == '/') {
                    i += 1;
                }
                i += 2;
            }
            'r' if matches!(at(i + 1), '"' | '#') && raw_string(&bytes, i).is_some() => {
                i = raw_string(&bytes, i).unwrap();
                code.push_str("\"\"");
            }
            '"' => {
                i += 1;
                while i < bytes.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
                code.push_str("\"\"");
            }
            // A quoted character; a lifetime has no closing quote this near.
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < bytes.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            other => {
                code.push(other);
                i += 1;
            }
        }
    }
    code
}

/// Where the raw string that begins at `start` ends, if one does.
fn raw_string(text: &[char], start: usize) -> Option<usize> {
    let hashes = text[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if text.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let end = text[open + 1..].windows(close.len()).position(|window| window == close)?;
    Some(open + 1 + end + close.len())
}

/// The code before a file's tests.
pub(crate) fn code_without_tests(path: &Path) -> String {
    let code = code(path);
    match code.find("#[cfg(test)]") {
        Some(tests) => code[..tests].to_owned(),
        None => code,
    }
}

/// Compares a generated file, named from the workspace's folder, with what it should hold.
pub(crate) fn assert_generated(file: &str, wanted: &str) {
    vitesse_core::testing::assert_generated(root().join(file), wanted);
}

#[test]
fn words_in_comments_and_texts_are_not_code() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "a // crate::x\n\"crate::y\" b r#\"crate::z\"# '\"' /* crate::w */ c 'l: loop {}")
        .unwrap();
    let code = code(file.path());
    assert!(!code.contains("crate"), "{code}");
    assert!(code.contains('a') && code.contains('b') && code.contains('c') && code.contains("'l: loop"));
}
