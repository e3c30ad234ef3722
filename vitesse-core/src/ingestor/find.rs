//! Where a description may be, seen from an API's address or from a page about it.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

use super::uri;

/// Places that descriptions are usually at, most usual first.
const PLACES: [&str; 18] = [
    "swagger.json",
    "openapi.json",
    "v1/openapi.json",
    "api-docs",
    "openapi.yaml",
    "openapi.yml",
    "swagger.yaml",
    "v3/api-docs",
    "v2/api-docs",
    "v1/swagger.json",
    "swagger/v1/swagger.json",
    "api/openapi.json",
    "api/swagger.json",
    "api/v1/openapi.json",
    "docs/openapi.json",
    "api/schema/",
    "api-docs.json",
    "swagger/doc.json",
];

/// The addresses to try for an API at `address`: beneath it, then beneath its host.
pub(crate) fn places(address: &str) -> Vec<String> {
    let plain = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let origin = uri::join(plain, "/");
    let origin = origin.trim_end_matches('/');
    let mut all: Vec<String> = PLACES.iter().map(|place| format!("{plain}/{place}")).collect();
    if origin != plain {
        all.extend(PLACES.iter().map(|place| format!("{origin}/{place}")));
    }
    all
}

/// Where the list of a host's APIs is (RFC 9727).
pub(crate) fn catalog(address: &str) -> String {
    uri::join(address, "/.well-known/api-catalog")
}

/// The descriptions that a list of APIs names.
pub(crate) fn in_catalog(text: &[u8], base: &str) -> Vec<String> {
    let Ok(catalog) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    let sets = catalog["linkset"].as_array();
    let links = |relation| {
        let all = sets.into_iter().flatten().filter_map(move |set| set[relation].as_array()).flatten();
        all.filter_map(|link| link["href"].as_str()).map(|href| uri::join(base, href))
    };
    links("service-desc").chain(links("item")).take(20).collect()
}

/// What a page or a script of a documentation viewer shows.
pub(crate) fn in_page(page: &str, base: &str) -> Vec<String> {
    static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?i)<link\b[^>]*\brel\s*=\s*["']?(?:service-desc|openapi|swagger)["']?[^>]*>"#).ok()
    });
    static HREF: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?i)\bhref\s*=\s*["']([^"']+)["']"#).ok());
    // Redoc and RapiDoc say spec-url, Scalar data-url, Swagger UI url, urls and configUrl.
    static SHOWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?i)(?:\bspec-url\s*=|\bdata-url\s*=|\bapiDescriptionUrl\s*=|\bspecUrl["']?\s*[:=]|\bconfigUrl["']?\s*:|["'{,\s]url["']?\s*:|Redoc\.init\()\s*["'`]([^"'`]+)["'`]"#,
        )
        .ok()
    });
    static SCRIPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?i)<script\b[^>]*\bsrc\s*=\s*["']([^"']*swagger-initializer[^"']*)["']"#).ok()
    });
    let mut found: Vec<String> = Vec::new();
    let mut add = |reference: &str| {
        let address = uri::join(base, &reference.replace("&amp;", "&").replace("\\/", "/"));
        if address.starts_with("http") && !found.contains(&address) && found.len() < 20 {
            found.push(address);
        }
    };
    if let (Some(link), Some(href)) = (&*LINK, &*HREF) {
        for tag in link.find_iter(page) {
            if let Some(href) = href.captures(tag.as_str()).and_then(|found| found.get(1)) {
                add(href.as_str());
            }
        }
    }
    for pattern in [&*SHOWN, &*SCRIPT].into_iter().flatten() {
        for shown in pattern.captures_iter(page).filter_map(|found| found.get(1)) {
            add(shown.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_say_what_they_show() {
        let check = |page: &str, expected: &[&str]| {
            assert_eq!(in_page(page, "https://a.test/docs/"), expected, "{page}")
        };
        check("<redoc spec-url='openapi.yaml'></redoc>", &["https://a.test/docs/openapi.yaml"]);
        check(r#"<rapi-doc spec-url = "/s.json" theme="dark">"#, &["https://a.test/s.json"]);
        check(r#"<script id="api-reference" data-url="../s.json"></script>"#, &["https://a.test/s.json"]);
        check(
            r#"SwaggerUIBundle({ url: "https://b.test/v2/swagger.json", dom_id: '#ui' })"#,
            &["https://b.test/v2/swagger.json"],
        );
        check(
            r#"{"urls":[{"url":"/a.json","name":"A"},{"url":"/b.json","name":"B"}]}"#,
            &["https://a.test/a.json", "https://a.test/b.json"],
        );
        check(
            r#"<link href="/api.json" rel="service-desc" type="application/json">"#,
            &["https://a.test/api.json"],
        );
        check(
            r#"<script src="./swagger-initializer.js"></script>"#,
            &["https://a.test/docs/swagger-initializer.js"],
        );
        check("Redoc.init('spec.json', {}, null)", &["https://a.test/docs/spec.json"]);
        check("<p>Our curl: 'x'</p>", &[]);
    }

    #[test]
    fn usual_places_come_first_beneath_the_address() {
        let all = places("https://a.test/api/?x=1");
        let first: Vec<_> = all.iter().take(4).map(String::as_str).collect();
        assert_eq!(
            first,
            [
                "https://a.test/api/swagger.json",
                "https://a.test/api/openapi.json",
                "https://a.test/api/v1/openapi.json",
                "https://a.test/api/api-docs"
            ]
        );
        assert!(all.contains(&"https://a.test/openapi.json".to_owned()));
        let list = br#"{"linkset":[{"anchor":"https://a.test","service-desc":[{"href":"/s.json"}]}]}"#;
        assert_eq!(in_catalog(list, "https://a.test/.well-known/api-catalog"), ["https://a.test/s.json"]);
    }
}
