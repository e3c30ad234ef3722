//! Which endpoint a request is for.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use crate::spec::{ApiSpec, Method};

/// Finds endpoints by path and method.
#[derive(Debug)]
pub(super) struct Router {
    /// By the number of segments, the most literal first.
    paths: HashMap<usize, Vec<Path>>,
    /// What the servers' addresses have before the paths, longest first.
    bases: Vec<String>,
}

#[derive(Debug)]
struct Path {
    segments: Vec<Vec<Piece>>,
    /// The methods with their endpoints' positions.
    methods: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    method: Method,
    position: usize,
    /// What the path says after `?` or `#`: a parameter or header with its value. Some descriptions tell
    /// operations on one path apart so.
    only: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    Hole(String),
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// The endpoint's position and the values of its templates, still encoded.
    Endpoint(usize, Vec<(String, String)>),
    /// The path is there, and takes these methods only.
    OtherMethods(Vec<String>),
    Nothing,
}

impl Router {
    pub(super) fn new(spec: &ApiSpec) -> Self {
        let mut paths: HashMap<usize, Vec<Path>> = HashMap::new();
        for (position, endpoint) in spec.endpoints.iter().enumerate() {
            let plain = endpoint.path.split(['?', '#']).next().unwrap_or_default();
            let segments: Vec<_> = split(plain).map(pieces).collect();
            let same = paths.entry(segments.len()).or_default();
            let only = endpoint.path.get(plain.len() + 1..).unwrap_or_default().split(['&', '#', '?']);
            let only = only.filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.contains('{'));
            let only = only.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let target = Target { method: endpoint.method.clone(), position, only };
            match same.iter_mut().find(|path| path.segments == segments) {
                Some(path) => path.methods.push(target),
                None => same.push(Path { segments, methods: vec![target] }),
            }
        }
        for same in paths.values_mut() {
            // Texts come before holes, from the left: `/orders/search` before `/orders/{id}`.
            same.sort_by_cached_key(|path| {
                path.segments.iter().map(|segment| openness(segment)).collect::<Vec<_>>()
            });
        }
        let mut bases: Vec<String> = spec.servers.iter().filter_map(|server| base(&server.url)).collect();
        bases.extend(spec.base_url.as_deref().and_then(base));
        bases.sort_by_key(|base| std::cmp::Reverse(base.len()));
        bases.dedup();
        Self { paths, bases }
    }

    /// The endpoint for `method` on `path`, with or without what the servers' addresses have before it. `holds` tells
    /// whether the request has a parameter or header of that value.
    pub(super) fn find(&self, method: &str, path: &str, holds: &dyn Fn(&str, &str) -> bool) -> Found {
        let mut allowed = Vec::new();
        let whole = std::iter::once(path);
        let inner = self.bases.iter().filter_map(|base| {
            path.strip_prefix(base.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        for path in inner.chain(whole) {
            let segments: Vec<&str> = split(path).collect();
            for candidate in self.paths.get(&segments.len()).into_iter().flatten() {
                let Some(values) = matches(&candidate.segments, &segments) else { continue };
                let of = |wanted: &str| {
                    let all = || candidate.methods.iter().filter(|target| target.method.as_str() == wanted);
                    let fits = |target: &&Target| target.only.iter().all(|(name, value)| holds(name, value));
                    let told = all().filter(|target| !target.only.is_empty()).find(fits);
                    told.or_else(|| all().find(|target| target.only.is_empty())).or_else(|| all().next())
                };
                // Who can read can ask for the head alone.
                let head = || if method == "HEAD" { of("GET") } else { None };
                if let Some(target) = of(method).or_else(head) {
                    return Found::Endpoint(target.position, values);
                }
                allowed.extend(candidate.methods.iter().map(|target| target.method.as_str().to_owned()));
            }
        }
        if allowed.is_empty() {
            return Found::Nothing;
        }
        allowed.sort();
        allowed.dedup();
        Found::OtherMethods(allowed)
    }
}

/// The path of an address, without a trailing slash; `None` if it has none.
pub(super) fn base(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if url.contains("://") { rest.find('/').map(|at| &rest[at..])? } else { rest };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    (path.len() > 1 && path.starts_with('/')).then(|| path.to_owned())
}

pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A trailing slash makes no other path.
fn split(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/')
}

fn openness(segment: &[Piece]) -> u8 {
    match segment {
        [Piece::Text(_)] => 0,
        [Piece::Hole(_)] => 2,
        _ => 1,
    }
}

fn pieces(segment: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = segment;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
        if open > 0 {
            found.push(Piece::Text(rest[..open].to_owned()));
        }
        found.push(Piece::Hole(rest[open + 1..close].to_owned()));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() || found.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    found
}

fn matches(segments: &[Vec<Piece>], asked: &[&str]) -> Option<Vec<(String, String)>> {
    let mut values = Vec::new();
    for (pieces, asked) in segments.iter().zip(asked) {
        match pieces.as_slice() {
            [Piece::Text(text)] => {
                if text != asked && *text != decode(asked) {
                    return None;
                }
            }
            [Piece::Hole(name)] => {
                if asked.is_empty() {
                    return None;
                }
                values.push((name.clone(), (*asked).to_owned()));
            }
            pieces => mixed(pieces, asked, &mut values)?,
        }
    }
    Some(values)
}

/// A segment of texts and holes: each hole ends where the next text begins.
fn mixed(pieces: &[Piece], asked: &str, values: &mut Vec<(String, String)>) -> Option<()> {
    let mut rest = asked;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            Piece::Hole(name) => {
                let end = match pieces.get(at + 1) {
                    Some(Piece::Text(next)) if at + 2 == pieces.len() => {
                        rest.len() - next.len().min(rest.len())
                    }
                    Some(Piece::Text(next)) => rest.find(next.as_str())?,
                    _ => rest.len(),
                };
                let (value, after) = rest.split_at_checked(end)?;
                if value.is_empty() {
                    return None;
                }
                values.push((name.clone(), value.to_owned()));
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Endpoint, Server};

    fn router(paths: &[(&str, Method)], server: &str) -> Router {
        let mut spec = ApiSpec::new("Shop");
        spec.servers.push(Server { url: server.into(), ..Server::default() });
        spec.endpoints = paths.iter().map(|(path, method)| Endpoint::new(*path, method.clone())).collect();
        Router::new(&spec)
    }

    fn found(router: &Router, method: &str, path: &str) -> String {
        let (path, said) = path.split_once('#').unwrap_or((path, ""));
        match router.find(method, path, &|name, value| said == format!("{name}={value}")) {
            Found::Endpoint(position, values) => values
                .iter()
                .fold(position.to_string(), |text, (name, value)| format!("{text} {name}={value}")),
            Found::OtherMethods(methods) => methods.join(","),
            Found::Nothing => "-".into(),
        }
    }

    #[test]
    fn words_win_over_templates_and_methods_are_told() {
        let router = router(
            &[
                ("/orders/{id}", Method::Get),
                ("/orders/search", Method::Get),
                ("/orders/{id}", Method::Delete),
                ("/orders/{id}.json", Method::Get),
                ("/range/{from}..{to}", Method::Get),
                ("/odata/Orders({key})", Method::Get),
                ("/", Method::Get),
                ("/#X-Target=A.One", Method::Post),
                ("/#X-Target=A.Two", Method::Post),
            ],
            "https://shop.test/v2/",
        );
        for (method, path, wanted) in [
            ("GET", "/orders/search", "1"),
            ("GET", "/orders/7", "0 id=7"),
            ("GET", "/v2/orders/7/", "0 id=7"),
            ("GET", "/orders/a%2Fb", "0 id=a%2Fb"),
            ("GET", "/orders/7.json", "3 id=7"),
            ("GET", "/orders/.json", "0 id=.json"),
            ("DELETE", "/orders/search", "2 id=search"),
            ("HEAD", "/orders/7", "0 id=7"),
            ("POST", "/orders/7", "DELETE,GET"),
            ("GET", "/range/1..5", "4 from=1 to=5"),
            ("GET", "/odata/Orders(9)", "5 key=9"),
            ("GET", "/v2", "6"),
            ("GET", "/", "6"),
            ("POST", "/", "7"),
            ("POST", "/#X-Target=A.Two", "8"),
            ("GET", "/orders", "-"),
            ("GET", "/orders//", "-"),
            ("GET", "/v2x/orders/7", "-"),
        ] {
            assert_eq!(found(&router, method, path), wanted, "{method} {path}");
        }
    }
}
