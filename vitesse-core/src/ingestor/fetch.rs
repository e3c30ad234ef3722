use std::path::Path;

use tokio::task::JoinSet;

use super::read::{Ingested, ReadOptions, SourceDocument, missing_documents, read_set};
use super::{find, uri};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::net::{Auth, Client, Fetched};
use crate::progress::Progress;
use crate::spec::{Action, Diagnostic, DiagnosticKind};

/// How many documents one description may be spread over.
const MOST_DOCUMENTS: usize = 200;

/// How many places are tried at the same time.
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
#[derive(Clone, Debug)]
pub struct Ingestor {
    client: Client,
    auth: Option<Auth>,
    progress: Progress,
    options: ReadOptions,
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
        Self { client, auth: None, progress: Progress::none(), options: ReadOptions::default() }
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
        let first = self.get(address).await?;
        self.complete(first).await
    }

    /// Reads the description of the API at `address`, wherever it is: there, where a page there says, in
    /// the host's catalogue, or at one of the usual places.
    ///
    /// # Errors
    /// As [`read`](Self::read) if there is just one candidate; else [`ErrorKind::SpecInvalid`], or
    /// [`ErrorKind::Unreachable`] if nothing there answers.
    pub async fn find(&self, address: &str) -> Result<Ingested> {
        if !is_url(address) {
            return self.read(address).await;
        }
        let step = self.progress.step("looking for the description", None);
        let direct = self.get(address).await;
        let mut why = match direct {
            Ok(got) => {
                let page = String::from_utf8_lossy(&got.bytes).into_owned();
                let base = got.address.clone();
                match self.complete(got).await {
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
            if let Some(found) = self.first_of(group, &mut why).await {
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
    async fn first_of(&self, addresses: &[String], why: &mut Error) -> Option<Ingested> {
        let mut tasks = JoinSet::new();
        for (number, address) in addresses.iter().cloned().enumerate() {
            let own = self.clone();
            tasks.spawn(async move { (number, own.get(&address).await) });
        }
        let mut got: Vec<Option<Got>> = addresses.iter().map(|_| None).collect();
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok((number, Ok(answer))) => got[number] = Some(answer),
                // A place that wants credentials tells more than one that isn't there.
                Ok((_, Err(error))) if error.kind() == ErrorKind::CredentialRefused => *why = error,
                _ => {}
            }
        }
        for (answer, address) in got.into_iter().zip(addresses) {
            let Some(answer) = answer else { continue };
            if let Ok(found) = self.complete(answer).await {
                return Some(elsewhere(found, address, "one of the usual places"));
            }
        }
        None
    }

    /// Reads a document together with those it refers to.
    async fn complete(&self, first: Got) -> Result<Ingested> {
        let mut all = vec![first];
        let mut tried: Vec<String> = Vec::new();
        loop {
            let documents: Vec<_> = all.iter().map(Got::as_source).collect();
            let missing = missing_documents(&documents, &self.options)?;
            let missing: Vec<_> = missing.into_iter().filter(|address| !tried.contains(address)).collect();
            if missing.is_empty() || all.len() >= MOST_DOCUMENTS {
                return read_set(&documents, &self.options);
            }
            // A description from the network has no business with this machine's files.
            let remote = is_url(&all[0].address);
            for address in missing.into_iter().take(MOST_DOCUMENTS) {
                tried.push(address.clone());
                if remote && !is_url(&address) {
                    continue;
                }
                if let Ok(mut got) = self.get(&address).await {
                    // References name it as it was asked for, whatever it was redirected to.
                    got.address = address;
                    all.push(got);
                }
            }
        }
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
        if let Some(auth) = &self.auth {
            request = request.auth(auth);
        }
        let Fetched { url, body, .. } = request.fetch().await?.success()?;
        Ok(Got { address: url.to_string(), bytes: body.to_vec() })
    }
}

fn is_url(address: &str) -> bool {
    let start = address.get(..8).unwrap_or(address).to_ascii_lowercase();
    start.starts_with("http://") || start.starts_with("https://")
}

fn read_file(path: &str) -> Result<Got> {
    // What the caller named as its standard input is no file; what a document names must be one.
    let read = if path == "/dev/stdin" { files::read } else { files::read_regular };
    let bytes =
        read(Path::new(path), files::MOST_BYTES).map_err(|error| error.in_operation("ingestor.fetch"))?;
    Ok(Got { address: path.to_owned(), bytes })
}

fn elsewhere(mut found: Ingested, address: &str, how: &str) -> Ingested {
    found.diagnostics.insert(
        0,
        Diagnostic {
            kind: DiagnosticKind::FoundElsewhere,
            severity: DiagnosticKind::FoundElsewhere.severity(),
            action: Action::None,
            message: format!("the description was found at {address}: {how}"),
            pointer: "#".into(),
            line: None,
            document: None,
        },
    );
    found
}
