use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// What `sslmode` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Never.
    Disable,
    /// If the server offers it; the certificate is not looked at.
    Prefer,
    /// Always; the certificate is not looked at.
    Require,
    /// Always, with a certificate that a known authority made for this very host.
    VerifyFull,
}

const MODES: &[(&str, Tls)] = &[
    ("disable", Tls::Disable),
    ("prefer", Tls::Prefer),
    ("require", Tls::Require),
    ("verify-full", Tls::VerifyFull),
];

/// Takes a URL apart. No error repeats any of it but the value of `sslmode`: what is malformed may be a part of the
/// password.
pub(super) fn parse(url: &str, connect_timeout: Duration) -> Result<(Config, Tls)> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut tls = Tls::Prefer;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => {
                tls = MODES.iter().find(|(name, _)| *name == mode).map(|(_, tls)| *tls).ok_or_else(|| {
                    let error = invalid("there is no such sslmode").with("sslmode", mode);
                    match did_you_mean(mode, MODES.iter().map(|(name, _)| *name)) {
                        Some(hint) => error.help(hint),
                        None => error.help("use disable, prefer, require or verify-full"),
                    }
                })?;
            }
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    // The parser's own error is dropped: it quotes.
    let mut config: Config = plain.parse().map_err(|_| {
        invalid("the store's URL can't be read").help(
            "write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=MODE, with / ? # @ : % in the password \
             percent-encoded",
        )
    })?;
    if config.get_hosts().is_empty() {
        return Err(
            invalid("the store's URL names no host").help("write postgres://USER:PASSWORD@HOST/DATABASE")
        );
    }
    config.ssl_mode(match tls {
        Tls::Disable => SslMode::Disable,
        Tls::Prefer => SslMode::Prefer,
        Tls::Require | Tls::VerifyFull => SslMode::Require,
    });
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(connect_timeout);
    }
    if config.get_application_name().is_none() {
        config.application_name("vitesse");
    }
    Ok((config, tls))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, message).in_operation("store.open")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(Config, Tls)> {
        parse(url, Duration::from_secs(5))
    }

    #[test]
    fn sslmode_is_ours_and_the_rest_is_the_drivers() {
        let (config, tls) =
            check("postgres://u:p%40ss@db:5433/v?sslmode=verify-full&application_name=x").unwrap();
        assert_eq!((tls, config.get_ssl_mode()), (Tls::VerifyFull, SslMode::Require));
        assert_eq!(config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!((config.get_ports(), config.get_application_name()), (&[5433][..], Some("x")));
        assert_eq!(check("postgres://u@db/v").unwrap().1, Tls::Prefer);
        let unknown = check("postgres://u@db/v?sslmode=verify-ful").unwrap_err();
        assert!(unknown.to_string().contains("did you mean \"verify-full\"?"), "{unknown}");
    }

    #[test]
    fn no_error_repeats_a_password() {
        for url in [
            "postgres://u:hunter2@host:port/db",
            "postgres://u:hunter2?x@host/db",
            "postgres://u:x?hunter2=1@host/db",
            "postgres://u:hunter2%@host/db",
            "postgres://u:hunter2@/db",
        ] {
            if let Err(error) = check(url) {
                assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
        }
    }
}
