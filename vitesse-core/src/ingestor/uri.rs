//! Just enough of RFC 3986 to find one document from another.

use std::borrow::Cow;

/// The address that `reference` means in a document at `base`; `reference` itself if `base` is empty.
pub(crate) fn join(base: &str, reference: &str) -> String {
    if base.is_empty() || has_scheme(reference) {
        return reference.to_owned();
    }
    let (scheme, rest) =
        if has_scheme(base) { base.split_at(base.find(':').map_or(0, |at| at + 1)) } else { ("", base) };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(after) => rest.split_at(2 + after.find(['/', '?', '#']).unwrap_or(after.len())),
        None => ("", rest),
    };
    if reference.starts_with("//") {
        return format!("{scheme}{reference}");
    }
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let end = reference.find(['?', '#']).unwrap_or(reference.len());
    let (target, query) = reference.split_at(end);
    let joined = if target.is_empty() {
        path.to_owned()
    } else if target.starts_with('/') {
        dots(target)
    } else {
        let folder = path.rfind('/').map_or(if authority.is_empty() { "" } else { "/" }, |at| &path[..=at]);
        dots(&format!("{folder}{target}"))
    };
    format!("{scheme}{authority}{joined}{query}")
}

/// Whether an address says how it is reached, and so stands for itself.
pub(crate) fn has_scheme(address: &str) -> bool {
    // One letter is a drive of Windows.
    address.find(':').is_some_and(|at| {
        at > 1
            && address.as_bytes()[0].is_ascii_alphabetic()
            && address[..at].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

/// `%41` and its like as the characters they stand for.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => drop(parts.pop()),
            // Above the root there is nothing.
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        parts.push("");
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_from_where_they_stand() {
        let check = |base: &str, reference: &str, expected: &str| assert_eq!(join(base, reference), expected);
        check("https://a.test/v1/openapi.json?x#y", "b.yaml", "https://a.test/v1/b.yaml");
        check("https://a.test/v1/openapi.json", "../b.yaml#/c", "https://a.test/b.yaml#/c");
        check("https://a.test/v1/openapi.json", "/v2", "https://a.test/v2");
        check("https://a.test", "v2", "https://a.test/v2");
        check("https://a.test/x", "//b.test/y", "https://b.test/y");
        check("https://a.test/x", "http://c.test", "http://c.test");
        check("specs/main.yaml", "./parts/../a.yaml", "specs/a.yaml");
        check("main.yaml", "../a.yaml", "../a.yaml");
        check("/a/main.yaml", "../../../b.yaml", "/b.yaml");
        assert_eq!(decode("a%20b%7Bc%7d%"), "a b{c}%");
    }
}
