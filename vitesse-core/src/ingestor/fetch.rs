use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;

#[cfg(feature = "store")]
use super::cache::{Cache, Head};
use super::read::{Ingested, ReadOptions, SourceDocument, missing_documents, read_set};
use super::request::IngestRequest;
use super::{data, find, uri};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
#[cfg(feature = "store")]
use crate::net::Validators;
use crate::net::{Auth, Client, Fetched};
use crate::progress::{Progress, Step};
use crate::secret::{CredentialSource, EnvSource};
use crate::spec::{Action, Diagnostic, DiagnosticKind};

/// How many documents one description may be spread over. Some owners write a file for each operation, each
/// schema and each line of example code.
const MOST_DOCUMENTS: usize = 10_000;

/// How many places are asked at the same time.
const AT_ONCE: usize = 8;

/// Finds descriptions and reads them, with all that they refer to.
///
/// ```no_run
/// use vitesse_core::ingestor::Ingestor;
/// use vitesse_core::net::{Client, NetConfig};
/// # async fn example() -> vitesse_core::Result<()> {
/// let ingestor = Ingestor::new(Client::new(NetConfig::default())?);
/// let found = ingestor.find("https://api.example.com").await?;
/// println!("{} endpoints", found.spec.endpoints.len());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Ingestor {
    client: Client,
    auth: Option<Auth>,
    credentials: Arc<dyn CredentialSource>,
    progress: Progress,
    known: Option<Arc<Catalogue>>,
    #[cfg(feature = "store")]
    cache: Option<Cache>,
    options: ReadOptions,
}

/// Answers with the descriptions that are known for what is asked.
type Catalogue = dyn Fn(&Wanted<'_>) -> Vec<KnownDescription> + Send + Sync;

/// What is asked of a catalogue of known descriptions.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where the API is.
    pub address: &'a str,
    /// What it is called, if that was said.
    pub name: Option<&'a str>,
}

/// A description that somebody else keeps of an API.
#[derive(Clone, Debug)]
pub struct KnownDescription {
    /// Who keeps it, for the diagnostic: `the built-in catalogue`.
    pub keeper: String,
    /// Where it is; what relative references in it start from.
    pub address: String,
    /// The description itself; without it, it is fetched from the address.
    pub document: Option<Vec<u8>>,
}

/// A document as it was fetched.
struct Got {
    address: String,
    bytes: Vec<u8>,
}

impl Got {
    fn as_source(&self) -> SourceDocument<'_> {
        SourceDocument { address: &self.address, bytes: &self.bytes }
    }
}

impl Ingestor {
    /// Fetches through `client`, and so under its guard and limits.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            auth: None,
            credentials: Arc::new(EnvSource),
            progress: Progress::none(),
            known: None,
            #[cfg(feature = "store")]
            cache: None,
            options: ReadOptions::default(),
        }
    }

    /// Takes the credentials that are named in [`IngestRequest::auth_details`] from `source` instead of the
    /// environment.
    #[must_use]
    pub fn with_credentials(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.credentials = source;
        self
    }

    /// Asks `catalogue` where an API itself shows no description. What it gives is marked as a third party's.
    #[must_use]
    pub fn with_known(
        mut self,
        catalogue: impl Fn(&Wanted<'_>) -> Vec<KnownDescription> + Send + Sync + 'static,
    ) -> Self {
        self.known = Some(Arc::new(catalogue));
        self
    }

    /// Keeps what is fetched in `store`, and asks a peer only for what has changed since.
    ///
    /// What is fetched with credentials isn't kept.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn with_cache(mut self, store: Arc<dyn crate::store::Store>, namespace: impl Into<String>) -> Self {
        self.cache = Some(Cache::new(store, namespace.into()));
        self
    }

    /// Sends credentials, to the origin they are for and nowhere else.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Tells `progress` what is fetched, and stops when it is cancelled.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Reads the description at `address`: an `http` or `https` URL, or else a file. There is no search.
    ///
    /// # Errors
    /// What [`Client`] says of an address that can't be fetched, [`ErrorKind::NotFound`] or
    /// [`ErrorKind::Io`] for a file, and what [`read_set`] says of the document.
    pub async fn read(&self, address: &str) -> Result<Ingested> {
        let step = self.progress.step("reading the description", None);
        step.note(address);
        let first = self.get(address).await?;
        self.complete(first, &step).await
    }

    /// Reads a JSON Schema or sample records at `address`, a URL or a file: see [`read_data`](super::read_data).
    ///
    /// # Errors
    /// As [`read`](Self::read), and what [`read_data`](super::read_data) says of the content.
    pub async fn read_data(&self, address: &str) -> Result<Ingested> {
        let step = self.progress.step("reading the data", None);
        step.note(address);
        let got = self.get(address).await?;
        step.advance(1)?;
        data::read_data(&got.bytes, &ReadOptions { address: got.address, ..self.options.clone() })
    }

    /// Does what a request says: reads the description it names, or finds that of the API it names.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`find`](Self::find), naming the API and the side it is on;
    /// [`ErrorKind::InvalidInput`] if the request names neither, or its credentials can't be used.
    pub async fn ingest(&self, request: &IngestRequest) -> Result<Ingested> {
        let named = |mut error: Error| {
            if let Some(side) = &request.side {
                error = error.with("side", side);
            }
            match &request.api_name {
                Some(name) => error.with("api", name),
                None => error,
            }
        };
        self.requested(request).await.map_err(named)
    }

    async fn requested(&self, request: &IngestRequest) -> Result<Ingested> {
        let Some(address) = request.address() else {
            return Err(Error::new(ErrorKind::InvalidInput, "neither api_url nor spec_url is given")
                .in_operation("ingestor.ingest")
                .help("give the address of the API, or of its description"));
        };
        let mut own = self.clone();
        if is_url(address)
            && let Some(auth) = request.auth_details.auth(address, &self.client, &self.credentials)?
        {
            own.auth = Some(auth);
        }
        let name = request.api_name.as_deref();
        let mut found = if request.spec_url.is_some() {
            own.read(address).await?
        } else {
            own.find_named(address, name).await?
        };
        let untitled = found
            .diagnostics
            .iter()
            .any(|d| d.kind == DiagnosticKind::Missing && d.message.contains("title"));
        if let Some(name) = name.filter(|_| untitled) {
            found.spec.api_name = name.into();
        }
        Ok(found)
    }

    /// Reads the description of the API at `address`, wherever it is: there, where a page there says, in
    /// the host's catalogue, or at one of the usual places.
    ///
    /// # Errors
    /// As [`read`](Self::read) if there is just one candidate; else [`ErrorKind::SpecInvalid`], or
    /// [`ErrorKind::Unreachable`] if nothing there answers.
    pub async fn find(&self, address: &str) -> Result<Ingested> {
        self.find_named(address, None).await
    }

    async fn find_named(&self, address: &str, name: Option<&str>) -> Result<Ingested> {
        if !is_url(address) {
            return self.read(address).await;
        }
        let error = match self.search(address).await {
            Ok(found) => return Ok(found),
            Err(error) if matches!(error.kind(), ErrorKind::AddressRefused | ErrorKind::Cancelled) => {
                return Err(error);
            }
            Err(error) => error,
        };
        let Some(catalogue) = &self.known else { return Err(error) };
        let step = self.progress.step("asking the catalogue", None);
        for known in catalogue(&Wanted { address, name }) {
            step.note(&known.address);
            let KnownDescription { keeper, address, document } = known;
            let read = match document {
                Some(bytes) => self.complete(Got { address: address.clone(), bytes }, &step).await,
                None => self.read(&address).await,
            };
            if let Ok(found) = read {
                let message = format!(
                    "the API shows no description; this one is a third party's copy, from {keeper}: {address}"
                );
                return Ok(noted(found, DiagnosticKind::ThirdPartyCopy, message));
            }
        }
        Err(error)
    }

    /// Looks for the description at the API itself.
    async fn search(&self, address: &str) -> Result<Ingested> {
        let step = self.progress.step("looking for the description", None);
        let direct = self.get(address).await;
        let mut why = match direct {
            Ok(got) => {
                let page = String::from_utf8_lossy(&got.bytes).into_owned();
                let base = got.address.clone();
                match self.complete(got, &step).await {
                    Ok(found) => return Ok(found),
                    Err(error) => {
                        for shown in self.shown(&page, &base).await {
                            step.advance(1)?;
                            if let Ok(found) = self.read(&shown).await {
                                return Ok(elsewhere(found, &shown, "the page shows it"));
                            }
                        }
                        error
                    }
                }
            }
            // Nothing else on a host answers that can't be reached or may not be.
            Err(error) if matches!(error.kind(), ErrorKind::AddressRefused | ErrorKind::Cancelled) => {
                return Err(error);
            }
            Err(error) => error,
        };
        let mut candidates = Vec::new();
        let catalog = find::catalog(address);
        match self.get(&catalog).await {
            Ok(got) => candidates.extend(find::in_catalog(&got.bytes, &got.address)),
            // A host that can't be reached once isn't asked forty times.
            Err(error) if error.kind() == ErrorKind::Unreachable && why.kind() == ErrorKind::Unreachable => {
                return Err(why.with("address", address));
            }
            Err(_) => {}
        }
        candidates.extend(find::places(address));
        for group in candidates.chunks(AT_ONCE) {
            step.advance(group.len() as u64)?;
            if let Some(found) = self.first_of(group, &mut why, &step).await {
                return Ok(found);
            }
        }
        let kind = if why.kind() == ErrorKind::NotFound { ErrorKind::SpecInvalid } else { why.kind() };
        Err(Error::new(kind, "no API description was found there")
            .in_operation("ingestor.find")
            .with("address", address)
            .with("places tried", candidates.len() + 2)
            .help("give the address of the OpenAPI or Swagger document itself")
            .source(why))
    }

    /// What a page shows, through one more hop for viewers that keep that in a script of their own.
    async fn shown(&self, page: &str, base: &str) -> Vec<String> {
        let mut all = find::in_page(page, base);
        let hops: Vec<String> = all
            .iter()
            .filter(|address| address.ends_with(".js") || address.contains("swagger-config"))
            .cloned()
            .collect();
        for hop in hops {
            all.retain(|address| *address != hop);
            if let Ok(got) = self.get(&hop).await {
                all.extend(find::in_page(&String::from_utf8_lossy(&got.bytes), &got.address));
            }
        }
        all
    }

    /// The first of the addresses, in their order, that has a description; all are asked at once.
    async fn first_of(&self, addresses: &[String], why: &mut Error, step: &Step<'_>) -> Option<Ingested> {
        for (got, address) in self.get_all(addresses).await.into_iter().zip(addresses) {
            match got {
                Ok(got) => {
                    if let Ok(found) = self.complete(got, step).await {
                        return Some(elsewhere(found, address, "one of the usual places"));
                    }
                }
                // A place that wants credentials tells more than one that isn't there.
                Err(error) if error.kind() == ErrorKind::CredentialRefused => *why = error,
                Err(_) => {}
            }
        }
        None
    }

    /// Reads a document together with those it refers to.
    async fn complete(&self, first: Got, step: &Step<'_>) -> Result<Ingested> {
        // A description from the network has no business with this machine's files.
        let remote = is_url(&first.address);
        let mut bytes = first.bytes.len();
        let mut all = vec![first];
        let mut tried: HashSet<String> = HashSet::new();
        loop {
            let documents: Vec<_> = all.iter().map(Got::as_source).collect();
            let mut missing = missing_documents(&documents, &self.options)?;
            missing.retain(|address| (is_url(address) || !remote) && tried.insert(address.clone()));
            missing.truncate(MOST_DOCUMENTS.saturating_sub(all.len()));
            if missing.is_empty() || bytes > self.options.max_bytes {
                return read_set(&documents, &self.options);
            }
            for group in missing.chunks(AT_ONCE) {
                step.note(&group[0]);
                step.advance(group.len() as u64)?;
                for (got, address) in self.get_all(group).await.into_iter().zip(group) {
                    let Ok(mut got) = got else { continue };
                    bytes += got.bytes.len();
                    // References name it as it was asked for, whatever it was redirected to.
                    got.address.clone_from(address);
                    all.push(got);
                }
            }
        }
    }

    /// What is at each of the addresses, all asked at once.
    async fn get_all(&self, addresses: &[String]) -> Vec<Result<Got>> {
        let mut tasks = JoinSet::new();
        for (number, address) in addresses.iter().cloned().enumerate() {
            let own = self.clone();
            tasks.spawn(async move { (number, own.get(&address).await) });
        }
        let lost = || Err(Error::new(ErrorKind::Internal, "a fetch was lost").in_operation("ingestor.fetch"));
        let mut all: Vec<Result<Got>> = addresses.iter().map(|_| lost()).collect();
        while let Some(done) = tasks.join_next().await {
            if let Ok((number, got)) = done {
                all[number] = got;
            }
        }
        all
    }

    async fn get(&self, address: &str) -> Result<Got> {
        if !is_url(address) {
            if uri::has_scheme(address) && !address.starts_with("file:") {
                return Err(Error::new(
                    ErrorKind::AddressRefused,
                    format!("{address} is neither http(s) nor a file"),
                )
                .in_operation("ingestor.fetch"));
            }
            return read_file(address.strip_prefix("file://").unwrap_or(address));
        }
        let mut request = self.client.get(address).cancel(self.progress.cancel());
        request = request.header("accept", "application/json, application/yaml;q=0.9, */*;q=0.5");
        // A description may refer to other hosts, which are asked without the credentials.
        let auth =
            self.auth.as_ref().filter(|auth| url::Url::parse(address).is_ok_and(|url| auth.is_for(&url)));
        if let Some(auth) = auth {
            return got(request.auth(auth).fetch().await?);
        }
        #[cfg(feature = "store")]
        if let Some(cache) = &self.cache {
            let kept = cache.get(address).await;
            if let Some(kept) = &kept {
                request = request.if_changed(&kept.head.validators);
            }
            let fetched = request.fetch().await?;
            if let Some(kept) = kept.filter(|_| fetched.not_modified()) {
                return Ok(Got { address: kept.head.address, bytes: kept.body });
            }
            let validators = Validators::of(&fetched.headers);
            let got = got(fetched)?;
            cache.put(address, &Head { address: got.address.clone(), validators }, &got.bytes).await;
            return Ok(got);
        }
        got(request.fetch().await?)
    }
}

impl fmt::Debug for Ingestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingestor")
            .field("auth", &self.auth)
            .field("known", &self.known.is_some())
            .finish_non_exhaustive()
    }
}

fn got(fetched: Fetched) -> Result<Got> {
    let Fetched { url, body, .. } = fetched.success()?;
    Ok(Got { address: url.to_string(), bytes: body.to_vec() })
}

fn is_url(address: &str) -> bool {
    let start = address.get(..8).unwrap_or(address).to_ascii_lowercase();
    start.starts_with("http://") || start.starts_with("https://")
}

fn read_file(path: &str) -> Result<Got> {
    // What the caller named as its standard input is no file; what a document names must be one.
    let read = if path == "/dev/stdin" { files::read } else { files::read_regular };
    let failed = |error: Error| error.in_operation("ingestor.fetch");
    let bytes = match read(Path::new(path), files::MOST_BYTES) {
        // References are addresses, in which a space is written %20; files are named as they are.
        Err(error) if error.kind() == ErrorKind::NotFound && path.contains('%') => {
            read(Path::new(&*uri::decode(path)), files::MOST_BYTES).map_err(|_| failed(error))?
        }
        read => read.map_err(failed)?,
    };
    Ok(Got { address: path.to_owned(), bytes })
}

fn elsewhere(found: Ingested, address: &str, how: &str) -> Ingested {
    noted(found, DiagnosticKind::FoundElsewhere, format!("the description was found at {address}: {how}"))
}

/// Puts a diagnostic about the whole document first.
fn noted(mut found: Ingested, kind: DiagnosticKind, message: String) -> Ingested {
    let (severity, pointer) = (kind.severity(), "#".into());
    let note =
        Diagnostic { kind, severity, action: Action::None, message, pointer, line: None, document: None };
    found.diagnostics.insert(0, note);
    found
}
