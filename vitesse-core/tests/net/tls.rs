//! An authority of our own, and what servers need from it.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use vitesse_core::config::Config;
use vitesse_core::net::{Client, NetConfig};

use crate::guarding::{Script, client_with};
use crate::peer::config;

/// What a server called `name` accepts connections with, and the authority's certificate as PEM.
pub(crate) fn acceptor(name: &str, protocols: &[&str]) -> (TlsAcceptor, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    server.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(server)), ca.pem())
}

/// Names that lead to loopback.
pub(crate) fn names() -> Script {
    Script::default().with("api.example", &[&["127.0.0.1"]]).with("other.example", &[&["127.0.0.1"]])
}

/// A client that trusts `ca`, through the environment's own type, as a process would have it.
pub(crate) fn client_trusting(ca: &str, file: &Path) -> Client {
    std::fs::write(file, ca).unwrap();
    let environment = Config::read(|name| match name {
        "SSL_CERT_FILE" => file.to_str().map(str::to_owned),
        "VITESSE_ALLOW" => Some("private".into()),
        _ => None,
    })
    .unwrap();
    let config = NetConfig { retry: config().retry, ..NetConfig::from_config(&environment).unwrap() };
    client_with(config, names())
}
