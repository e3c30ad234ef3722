use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::build::Builder;
use super::document::{Document, Documents};
use super::json::SyntaxError;
use super::schema::{Dialect, SchemaReader};
use super::tree::{MAX_TEXT, Tree, Val};
use super::{derive, json, looks, uri, yaml};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{Action, ApiSpec, Diagnostic, DiagnosticKind as Kind, Format, Server, ServerVariable};

/// What is known about a document besides its bytes.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Where the document came from: what relative servers and references start from. May be empty.
    pub address: String,
    /// The largest document, in bytes.
    pub max_bytes: usize,
}

impl Default for ReadOptions {
    /// No address, 64 MiB.
    fn default() -> Self {
        Self { address: String::new(), max_bytes: 64 << 20 }
    }
}

/// An API, and what was wrong with its description.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingested {
    /// The API.
    pub spec: ApiSpec,
    /// What its owner would want to know, in the order of the document.
    pub diagnostics: Vec<Diagnostic>,
}

/// One of several documents that refer to each other.
#[derive(Clone, Copy, Debug)]
pub struct SourceDocument<'a> {
    /// Where it came from; references to it are resolved to this.
    pub address: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads an API description.
///
/// References to other documents are left open, with a diagnostic; [`read_set`] reads documents together.
///
/// # Errors
/// [`ErrorKind::SpecInvalid`] if the bytes are no API description, saying what they look like instead;
/// [`ErrorKind::LimitExceeded`] if there are too many of them.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Ingested> {
    read_set(&[SourceDocument { address: &options.address, bytes }], options)
}

/// Reads an API description that is spread over several documents, of which the first is the API's.
///
/// # Errors
/// As [`read`], about the first document. Another one that can't be read is a diagnostic.
pub fn read_set(documents: &[SourceDocument<'_>], options: &ReadOptions) -> Result<Ingested> {
    let Some((first, others)) = documents.split_first() else {
        return Err(
            Error::new(ErrorKind::InvalidInput, "no document was given").in_operation("ingestor.read")
        );
    };
    let located = |error: Error| match first.address {
        "" => error,
        address => error.with("document", address),
    };
    let tree = parse(first.bytes, options).map_err(located)?;
    let format = format_of(tree.root()).map_err(located)?;
    let mut set = vec![Document { uri: plain(first.address), tree }];
    let mut unread = Vec::new();
    for other in others {
        match parse(other.bytes, options) {
            Ok(tree) => set.push(Document { uri: plain(other.address), tree }),
            Err(error) => unread.push(format!("{} can't be read: {}", other.address, error.message())),
        }
    }
    let documents = Documents::new(set);
    let Some(root) = documents.root() else {
        return Err(Error::new(ErrorKind::Internal, "the document was lost").in_operation("ingestor.read"));
    };
    let (mut spec, diagnostics) = interpret(&documents, root, format, unread);
    // What is derived follows from the model alone; the documents' memory is better free by then.
    drop(documents);
    derive::all(&mut spec);
    spec.shape_hash = spec.compute_shape_hash().into();
    spec.content_hash = hash(first.bytes).into();
    Ok(Ingested { spec, diagnostics })
}

/// The addresses of the documents that are referred to and not given: what to fetch before [`read_set`].
///
/// # Errors
/// As [`read`].
pub fn missing_documents(documents: &[SourceDocument<'_>], options: &ReadOptions) -> Result<Vec<String>> {
    let mut set = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        match parse(document.bytes, options) {
            Ok(tree) => set.push(Document { uri: plain(document.address), tree }),
            Err(error) if number == 0 => return Err(error),
            Err(_) => {}
        }
    }
    let known: Vec<String> = documents.iter().map(|document| plain(document.address)).collect();
    Ok(Documents::new(set).missing().into_iter().filter(|address| !known.contains(address)).collect())
}

pub(super) fn plain(address: &str) -> String {
    address.split('#').next().unwrap_or_default().to_owned()
}

pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn fail(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::SpecInvalid, message).in_operation("ingestor.read")
}

/// JSON or YAML to a tree.
fn parse<'t>(bytes: &'t [u8], options: &ReadOptions) -> Result<Tree<'t>> {
    too_large(bytes, options)?;
    let (text, fault) = decode(bytes);
    if let Some((what, help)) = looks::text(&text) {
        return Err(fail(format!("this is {what}, not an API description")).help(help));
    }
    let mut tree = match text {
        Cow::Borrowed(text) => parse_text(text)?,
        Cow::Owned(text) => own(parse_text(&text)?),
    };
    if let Some(message) = fault {
        tree.fault(0, Kind::Encoding, Action::Repaired, message);
    }
    Ok(tree)
}

/// Refuses what is larger than the limit.
pub(super) fn too_large(bytes: &[u8], options: &ReadOptions) -> Result<()> {
    let most = options.max_bytes.min(MAX_TEXT);
    if bytes.len() <= most {
        return Ok(());
    }
    Err(Error::new(ErrorKind::LimitExceeded, "the document is too large")
        .in_operation("ingestor.read")
        .with("bytes", bytes.len())
        .with("most", most))
}

pub(super) fn parse_text(text: &str) -> Result<Tree<'_>> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with(['{', '[']) {
        return yaml::parse(text).map_err(|error| syntax("YAML", &error));
    }
    let strict = match json::parse(text) {
        Ok(tree) => return Ok(tree),
        Err(error) => error,
    };
    // Comments, single quotes and trailing commas are fine in YAML, which also begins with a brace at times.
    match yaml::parse(text) {
        Ok(mut tree) if tree.root().is_object() => {
            let message =
                format!("not valid JSON at line {}: {}; it is read as YAML", strict.line, strict.message);
            tree.fault(0, Kind::LooseSyntax, Action::Repaired, message);
            Ok(tree)
        }
        _ => Err(syntax("JSON", &strict)),
    }
}

fn syntax(language: &str, error: &SyntaxError) -> Error {
    fail(format!("the document isn't valid {language}: {}", error.message))
        .with("line", error.line)
        .with("column", error.column)
        .help("correct the document there, or check that it was fetched completely")
}

fn own(tree: Tree<'_>) -> Tree<'static> {
    let mut owned = Tree::over(Cow::Owned(tree.text.into_owned()));
    owned.nodes = tree.nodes;
    owned.lines = tree.lines;
    owned.faults = tree.faults;
    owned
}

/// The text of the bytes, and what had to be done for it.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<&'static str>) {
    let wide = |rest: &[u8], join: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| join([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => (wide(rest, u16::from_le_bytes).into(), Some("the text is UTF-16")),
        [0xfe, 0xff, rest @ ..] => (wide(rest, u16::from_be_bytes).into(), Some("the text is UTF-16")),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (text.into(), None),
            Err(_) => {
                (String::from_utf8_lossy(bytes).into_owned().into(), Some("the text isn't valid UTF-8"))
            }
        },
    }
}

/// Which kind of description a document is; an error if it is none.
fn format_of(root: Val<'_>) -> Result<Format> {
    let text = |name: &str| root.get(name).and_then(|value| value.scalar()).filter(|text| !text.is_empty());
    if let Some(version) = text("openapi") {
        return Ok(Format::OpenApi(version.as_ref().into()));
    }
    match text("swagger") {
        Some(version) if version.starts_with('3') => return Ok(Format::OpenApi(version.as_ref().into())),
        Some(version) if !version.starts_with('1') => return Ok(Format::Swagger2),
        _ => {}
    }
    // The version may be missing where all else is there.
    let holds = |name: &str| root.get(name).is_some_and(|value| value.is_object());
    let paths = root.get("paths").is_some_and(|paths| paths.members().any(|(path, _)| path.starts_with('/')));
    if paths && (holds("definitions") || root.get("host").is_some() || root.get("basePath").is_some()) {
        return Ok(Format::Swagger2);
    }
    if paths && (holds("info") || holds("components") || root.get("openapi").is_some()) {
        return Ok(Format::OpenApi("".into()));
    }
    let (what, help) = looks::document(root);
    Err(fail(format!("this is {what}, not an API description")).help(help))
}

fn interpret(
    documents: &Documents<'_>,
    root: Val<'_>,
    format: Format,
    unread: Vec<String>,
) -> (ApiSpec, Vec<Diagnostic>) {
    let dialect = match &format {
        Format::Swagger2 => Dialect::Swagger2,
        Format::OpenApi(version) if version.starts_with("3.0") => Dialect::OpenApi30,
        _ => Dialect::OpenApi31,
    };
    let mut schemas = SchemaReader::new(documents, dialect);
    for document in documents.iter() {
        for fault in &document.tree.faults {
            let key = u64::from(document.tree.number) << 32 | u64::from(fault.node);
            schemas.report.add_at(key, fault.kind, fault.action, fault.message.clone());
        }
    }
    for message in unread {
        schemas.report.add(root, Kind::ExternalDocument, Action::Skipped, message);
    }
    let mut builder = Builder::new(schemas, root);
    builder.spec.format = format;
    builder.head();
    builder.servers();
    // Some documents were moved from one version to another by hand, and left theirs where they were.
    let places = [builder.component("schemas"), root.get("definitions")];
    for schemas in places.into_iter().flatten() {
        let members = builder.members(schemas, "schemas");
        builder.schemas.components(members);
    }
    builder.auth();
    builder.limits(root);
    if let Some(info) = root.get("info") {
        builder.limits(info);
    }
    builder.paths();
    builder.check_usable();
    let mut spec = std::mem::take(&mut builder.spec);
    let (table, report) = builder.schemas.finish();
    spec.schemas = table;
    spec.endpoints.shrink_to_fit();
    (spec, report.finish(documents))
}

impl<'t> Builder<'t> {
    /// The version and `info`.
    fn head(&mut self) {
        if let Format::OpenApi(version) = self.spec.format.clone() {
            let parts: Vec<&str> = version.split('.').collect();
            if !matches!(parts[..], ["3", "0" | "1" | "2", ..]) {
                let message = if version.is_empty() {
                    "the document doesn't say its version; OpenAPI 3.1 is taken".to_owned()
                } else {
                    format!("{version:?} isn't a version of OpenAPI that is known; it is read as 3.1")
                };
                let at = self.root.get("openapi").unwrap_or(self.root);
                self.add(at, Kind::VersionUnclear, Action::Guessed, message);
            }
        } else if self.root.get("swagger").and_then(|v| v.scalar()).as_deref() != Some("2.0") {
            self.add(
                self.root,
                Kind::VersionUnclear,
                Action::Guessed,
                "the document doesn't say its version; Swagger 2.0 is taken",
            );
        }
        let info = self.root.get("info").map(|info| self.parts(info).last().copied().unwrap_or(info));
        match info {
            Some(info) if info.is_object() => {
                for (name, value) in info.members() {
                    let into = match &*name {
                        "title" => &mut self.spec.api_name,
                        "version" => self.spec.api_version.insert("".into()),
                        "description" => self.spec.description.insert("".into()),
                        _ => continue,
                    };
                    match value.scalar() {
                        Some(text) => *into = text.as_ref().into(),
                        None => self.schemas.wrong(value, &name, "a text"),
                    }
                }
            }
            Some(info) => self.schemas.wrong(info, "info", "an object"),
            None => self.add(self.root, Kind::Missing, Action::None, "the document has no `info`"),
        }
        if self.spec.api_name.trim().is_empty() {
            let at = info.unwrap_or(self.root);
            self.add(at, Kind::Missing, Action::Guessed, "the API has no title; its address is taken");
            let address = self.schemas.documents.uri_of(self.root);
            let host = address.split("//").nth(1).unwrap_or(address).split('/').next().unwrap_or_default();
            self.spec.api_name = if host.is_empty() { "API" } else { host }.into();
        }
    }

    fn servers(&mut self) {
        let all: Vec<u32> = if self.old() {
            self.old_servers();
            Vec::new()
        } else {
            let list = self.root.get("servers");
            let list = list.map(|list| self.parts(list).last().copied().unwrap_or(list));
            list.map(|list| self.servers_at(list)).unwrap_or_default()
        };
        if self.spec.servers.is_empty()
            && all.is_empty()
            && uri::has_scheme(self.schemas.documents.uri_of(self.root))
        {
            // Without a word about servers, they are where the document is.
            let url = uri::join(self.schemas.documents.uri_of(self.root), "/");
            self.spec.servers.push(Server { url: trim(&url), ..Server::default() });
        }
        let absolute = self.spec.servers.iter().find(|server| uri::has_scheme(&server.url));
        self.spec.base_url = absolute.or(self.spec.servers.first()).map(|server| server.url.clone());
    }

    /// Reads a list of servers; gives their positions.
    pub(crate) fn servers_at(&mut self, list: Val<'t>) -> Vec<u32> {
        if !list.is_list() {
            if !list.is_null() {
                self.schemas.wrong(list, "servers", "a list");
            }
            return Vec::new();
        }
        let mut positions = Vec::new();
        for item in list.items() {
            let Some(template) = item.as_str().or_else(|| item.get("url").and_then(|url| url.as_str()))
            else {
                self.add(item, Kind::BadServer, Action::Skipped, "a server without a `url`");
                continue;
            };
            if item.as_str().is_some() {
                self.add(item, Kind::BadServer, Action::Repaired, "a server is a text, not an object");
            }
            let server = self.server(template.trim(), item);
            let known = self.spec.servers.iter().position(|known| *known == server);
            let position = known.unwrap_or_else(|| {
                self.spec.servers.push(server);
                self.spec.servers.len() - 1
            });
            positions.push(position as u32);
        }
        positions
    }

    fn server(&mut self, template: &str, at: Val<'t>) -> Server {
        let mut server = Server {
            description: at
                .get("description")
                .and_then(|text| text.as_str())
                .map(|text| text.as_ref().into()),
            ..Server::default()
        };
        let mut url = template.to_owned();
        for (name, variable) in at.get("variables").into_iter().flat_map(|all| all.members()) {
            let allowed: Vec<Box<str>> = variable
                .get("enum")
                .into_iter()
                .flat_map(|all| all.items())
                .filter_map(|v| Some(v.scalar()?.as_ref().into()))
                .collect();
            let default =
                variable.get("default").and_then(|value| value.scalar()).map(|text| text.as_ref().into());
            let default = default.or_else(|| allowed.first().cloned());
            let Some(default) = default else {
                self.add(
                    variable,
                    Kind::BadServer,
                    Action::None,
                    format!("the server's variable {name:?} has no default"),
                );
                continue;
            };
            url = url.replace(&format!("{{{name}}}"), &default);
            server.variables.push(ServerVariable {
                name: name.as_ref().into(),
                default,
                allowed,
                description: variable
                    .get("description")
                    .and_then(|text| text.as_str())
                    .map(|text| text.as_ref().into()),
            });
        }
        if url.contains('{') {
            self.add(
                at,
                Kind::BadServer,
                Action::None,
                format!("{url:?} has a variable without a value; set the base URL yourself"),
            );
        }
        if !uri::has_scheme(&url) && !url.starts_with('{') {
            let base = self.schemas.documents.uri_of(self.root);
            let looks_like_host = !url.starts_with('/')
                && url
                    .split('/')
                    .next()
                    .is_some_and(|host| host.contains('.') && host != "." && host != "..");
            if looks_like_host {
                self.add(
                    at,
                    Kind::BadServer,
                    Action::Repaired,
                    format!("{url:?} has no scheme; https is taken"),
                );
                url = format!("https://{url}");
            } else if uri::has_scheme(base) {
                url = uri::join(base, &url);
            } else {
                self.add(
                    at,
                    Kind::BadServer,
                    Action::None,
                    format!("{url:?} is relative and the document's address isn't known"),
                );
            }
        }
        server.url = trim(&url);
        if *server.url != *template.trim_end_matches('/') {
            server.template = Some(template.into());
        }
        server
    }

    fn old_servers(&mut self) {
        let text = |name: &str| {
            self.root.get(name).and_then(|value| value.scalar()).unwrap_or_default().trim().to_owned()
        };
        let (mut host, path) = (text("host"), text("basePath"));
        let base = self.schemas.documents.uri_of(self.root).to_owned();
        if let Some((scheme, rest)) = host.clone().split_once("://") {
            let message = format!("the host must have no scheme, and has {scheme:?}");
            self.add(self.root.get("host").unwrap_or(self.root), Kind::BadServer, Action::Repaired, message);
            host = rest.trim_end_matches('/').to_owned();
        }
        let path = if path.is_empty() || path.starts_with('/') { path } else { format!("/{path}") };
        let mut schemes: Vec<String> = self
            .root
            .get("schemes")
            .into_iter()
            .flat_map(|all| all.items())
            .filter_map(|scheme| Some(scheme.as_str()?.to_ascii_lowercase()))
            .filter(|scheme| scheme.starts_with("http"))
            .collect();
        // A client that can choose takes the safe one.
        schemes.sort_by_key(|scheme| scheme != "https");
        if host.is_empty() {
            if uri::has_scheme(&base) {
                self.spec.servers.push(Server {
                    url: trim(&uri::join(&base, if path.is_empty() { "/" } else { &path })),
                    ..Server::default()
                });
            } else {
                self.add(
                    self.root,
                    Kind::BadServer,
                    Action::None,
                    "neither the host nor the document's address is known",
                );
                if !path.is_empty() {
                    self.spec.servers.push(Server { url: trim(&path), ..Server::default() });
                }
            }
            return;
        }
        if schemes.is_empty() {
            schemes.push(if base.starts_with("http:") { "http" } else { "https" }.to_owned());
        }
        for scheme in schemes {
            self.spec
                .servers
                .push(Server { url: trim(&format!("{scheme}://{host}{path}")), ..Server::default() });
        }
    }
}

fn trim(url: &str) -> Box<str> {
    url.trim_end_matches('/').into()
}
