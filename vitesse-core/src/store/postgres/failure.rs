use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

use crate::error::{Error, ErrorKind};

/// What PostgreSQL said, in our words. Its messages hold names of users and databases, never a password.
pub(super) fn failed(done: &str, error: tokio_postgres::Error) -> Error {
    let unavailable = |message: &'static str| Error::new(ErrorKind::StoreUnavailable, message);
    let Some(db) = error.as_db_error() else {
        return if let Some(refused) = refused_certificate(&error) {
            unavailable("the database's certificate is not trusted")
                .with("cause", chain(&error))
                .help(refused)
                .permanent()
                .source(error)
        } else if error.is_closed()
            || std::error::Error::source(&error).is_some_and(|s| s.is::<std::io::Error>())
        {
            unavailable("the database can't be reached")
                .with("cause", chain(&error))
                .help("check that PostgreSQL runs and can be reached at this host and port")
                .source(error)
        } else {
            unavailable("the database could not be used")
                .with("cause", chain(&error))
                .help(
                    "check user, password, host, port and `sslmode` in the store's URL, and the server's log",
                )
                .permanent()
                .source(error)
        };
    };
    let state = db.code();
    let said = db.message().to_owned();
    let mapped = if *state == SqlState::INVALID_PASSWORD
        || *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
    {
        unavailable("the database refused the user or password")
            .permanent()
            .help("correct them in the store's URL; the server may also demand TLS or know no such host: see `said`")
    } else if *state == SqlState::INVALID_CATALOG_NAME {
        unavailable("there is no such database").permanent().help("create it: CREATE DATABASE ...")
    } else if *state == SqlState::INSUFFICIENT_PRIVILEGE {
        unavailable("the user may not do this in the database")
            .permanent()
            .help("the store needs to create and use its own tables in the first schema of the search path")
    } else if *state == SqlState::QUERY_CANCELED || *state == SqlState::LOCK_NOT_AVAILABLE {
        Error::new(ErrorKind::Timeout, "the database took longer than the statement timeout")
    } else if is_retryable(state) || cuts_off(state) {
        unavailable("the database is busy or shutting down")
            .help("try again when it is up; see the server's log if it is")
    } else if state.code().starts_with("53") {
        unavailable("the database is out of resources").help("free disk, memory or connections on the server")
    } else {
        Error::new(ErrorKind::StoreFailed, format!("the documents could not be {done}"))
            .help("see the server's log")
    };
    mapped.with("sqlstate", state.code()).with("said", said).source(error)
}

/// Whether the server undid the transaction because of others, so that the same may work now.
pub(super) fn is_retryable(state: &SqlState) -> bool {
    *state == SqlState::T_R_SERIALIZATION_FAILURE || *state == SqlState::T_R_DEADLOCK_DETECTED
}

/// Whether the server ended the connection with this, at a moment that it doesn't tell.
pub(super) fn cuts_off(state: &SqlState) -> bool {
    state.code().starts_with("57P") || state.code().starts_with("08")
}

pub(super) fn pool_failed(error: PoolError) -> Error {
    match error {
        PoolError::Backend(error) => failed("reached", error),
        PoolError::PostCreateHook(deadpool_postgres::HookError::Backend(error)) => failed("prepared", error),
        PoolError::Timeout(stage) => {
            let message = match stage {
                deadpool_postgres::TimeoutType::Wait => "no connection of the pool became free in time",
                _ => "the database did not answer in time",
            };
            Error::new(ErrorKind::StoreUnavailable, message)
                .help("check that PostgreSQL runs and can be reached, or allow more connections")
        }
        error => Error::new(ErrorKind::StoreUnavailable, "no connection to the database").source(error),
    }
}

/// What to do about a certificate that was refused, if that is what went wrong.
fn refused_certificate(error: &tokio_postgres::Error) -> Option<&'static str> {
    let io = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    let TlsError::InvalidCertificate(why) = io.get_ref()?.downcast_ref::<TlsError>()? else { return None };
    Some(match why {
        CertificateError::UnknownIssuer => {
            "name a file with the certificate of its authority in SSL_CERT_FILE; `sslmode=require` encrypts without \
             making sure who the server is"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use a host name in the store's URL that the certificate is for"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "renew the server's certificate"
        }
        _ => "see what is wrong with the server's certificate",
    })
}

fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
