use url::Url;

/// A URL as it may stand in errors and logs: names of query parameters, but never their values, since
/// nobody can know which of them is a key.
///
/// ```
/// # use vitesse_core::net::{redacted, Url};
/// let url = Url::parse("https://me:pw@api.example.com/v1?page=2&api_key=s3cret").unwrap();
/// assert_eq!(redacted(&url), "https://api.example.com/v1?page=…&api_key=…");
/// ```
pub fn redacted(url: &Url) -> String {
    let mut out = match url.has_host() {
        true => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        // `data:` and `file:` addresses are content, not places.
        false => format!("{}:…", url.scheme()),
    };
    if url.has_host() && !matches!(url.scheme(), "http" | "https") {
        out = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
    }
    if let Some(query) = url.query() {
        for (index, pair) in query.split('&').enumerate() {
            out.push(if index == 0 { '?' } else { '&' });
            match pair.split_once('=') {
                Some((name, _)) => out.extend([name, "=…"]),
                None => out.push('…'),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_and_names_are_left() {
        for (url, expect) in [
            ("https://h/p", "https://h/p"),
            ("https://h:8443/p?s3cret", "https://h:8443/p?…"),
            ("https://u:p@h/?a=1&b=&c#d", "https://h/?a=…&b=…&…"),
            ("data:text/plain,s3cret", "data:…"),
            ("ftp://u:p@h/x", "ftp://h/x"),
        ] {
            assert_eq!(redacted(&Url::parse(url).unwrap()), expect);
        }
    }
}
