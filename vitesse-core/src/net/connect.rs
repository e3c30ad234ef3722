use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

use super::failure::{Carried, after};
use super::guard::{Guard, names_this_machine};
use super::resolve::Resolve;
use crate::error::{Error, ErrorKind, Result};

/// The one place that opens sockets to addresses users name: look up, check, connect to what was checked.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(
        guard: Guard,
        resolver: Arc<dyn Resolve>,
        tls: TlsConnector,
        timeout: Duration,
    ) -> Self {
        Self(Arc::new(Inner { guard, resolver, tls, timeout }))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Socket;
    type Error = Carried;
    type Future = Pin<Box<dyn Future<Output = Result<Socket, Carried>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Carried>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move {
            let deadline = after(inner.timeout);
            inner
                .connect(&uri, deadline)
                .await
                .map_err(|error| Carried::new(error.in_operation("net.connect")))
        })
    }
}

impl Inner {
    async fn connect(&self, uri: &Uri, deadline: Instant) -> Result<Socket> {
        let secure = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let addresses = self.addresses(host, deadline).await?;
        let tcp = self.dial(host, port, &addresses, deadline).await?;
        // Small requests must not wait for each other's acknowledgement.
        let _ = tcp.set_nodelay(true);
        if !secure {
            return Ok(Socket { io: TokioIo::new(Box::new(tcp)), h2: false });
        }
        let name = ServerName::try_from(bare(host).to_owned()).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the host is not a name that TLS knows")
                .with("host", host)
                .source(error)
        })?;
        let tls = tokio::time::timeout_at(deadline, self.tls.connect(name, tcp))
            .await
            .map_err(|_| self.too_slow("agreeing on TLS", host))?
            .map_err(|error| tls_error(host, error))?;
        let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Socket { io: TokioIo::new(Box::new(tls)), h2 })
    }

    /// The addresses of `host` that may be connected to. Those that may not are left out; if none is left,
    /// the first one's refusal is the error.
    async fn addresses(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>> {
        let bare = bare(host);
        let found = match bare.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) if names_this_machine(bare) => {
                vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            }
            Err(_) => tokio::time::timeout_at(deadline, self.resolver.resolve(bare))
                .await
                .map_err(|_| self.too_slow("looking the host up", host))?
                .map_err(|error| {
                    Error::new(ErrorKind::Unreachable, "the host name can't be looked up")
                        .with("host", host)
                        .help("check the spelling of the host, and this machine's name servers")
                        .source(error)
                })?,
        };
        let (mut allowed, mut refusal) = (Vec::new(), None);
        for address in found {
            match self.guard.check_address(bare, address) {
                Ok(()) => allowed.push(address),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match (allowed.is_empty(), refusal) {
            (false, _) => Ok(allowed),
            (true, Some(error)) => Err(error),
            (true, None) => {
                Err(Error::new(ErrorKind::Unreachable, "the host name has no address").with("host", host))
            }
        }
    }

    /// Tries the addresses in their order, each with its share of the time that is left.
    async fn dial(
        &self,
        host: &str,
        port: u16,
        addresses: &[IpAddr],
        deadline: Instant,
    ) -> Result<TcpStream> {
        let mut last = None;
        for (index, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let to = SocketAddr::new(*address, port);
            match tokio::time::timeout(share, TcpStream::connect(to)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => last = Some((to, error)),
                Err(_) => last = Some((to, io::ErrorKind::TimedOut.into())),
            }
        }
        match last {
            Some((_, error)) if error.kind() == io::ErrorKind::TimedOut => {
                Err(self.too_slow("connecting", host))
            }
            Some((to, error)) => Err(Error::new(ErrorKind::Unreachable, format!("no connection: {error}"))
                .with("host", host)
                .with("address", to)
                .source(error)),
            None => {
                Err(Error::new(ErrorKind::Unreachable, "the host name has no address").with("host", host))
            }
        }
    }

    fn too_slow(&self, what: &str, host: &str) -> Error {
        Error::new(ErrorKind::Timeout, format!("{what} took longer than {:?}", self.timeout))
            .with("host", host)
    }
}

/// Prepares TLS: the built-in roots, and those of `ca_file` beside them.
///
/// # Errors
/// [`ErrorKind::ConfigInvalid`] if the file can't be read or holds no certificate.
pub(super) fn tls(ca_file: Option<&Path>) -> Result<TlsConnector> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca_file {
        let wrong = |why: &'static str| {
            Error::new(ErrorKind::ConfigInvalid, format!("the certificates of SSL_CERT_FILE {why}"))
                .in_operation("net.tls")
                .with("file", file.display())
                .help("name a PEM file with one or more CERTIFICATE blocks")
        };
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong("can't be read").source(error))?;
        // System bundles hold the odd certificate that can't be used; one that can is enough.
        let (usable, _) = roots.add_parsable_certificates(certificates);
        if usable == 0 {
            return Err(wrong("can't be used: there is none in the file"));
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Internal, "TLS can't be set up").source(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn tls_error(host: &str, error: io::Error) -> Error {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let base = |why: String| Error::new(ErrorKind::Unreachable, why).with("host", host);
    let mapped = match reason {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            base("the certificate's issuer is not trusted".into()).permanent().help(
                "if it is your own authority, put its certificate into the file that SSL_CERT_FILE names",
            )
        }
        Some(rustls::Error::InvalidCertificate(why)) => {
            base(format!("the certificate is refused: {why}")).permanent()
        }
        Some(why) => base(format!("TLS failed: {why}")).permanent(),
        None => base(format!("the connection broke off while agreeing on TLS: {error}")),
    };
    mapped.source(error)
}

/// IPv6 addresses stand in brackets in a URI.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection as hyper wants it.
pub(super) struct Socket {
    io: TokioIo<Box<dyn Stream>>,
    h2: bool,
}

impl Connection for Socket {
    fn connected(&self) -> Connected {
        if self.h2 { Connected::new().negotiated_h2() } else { Connected::new() }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
