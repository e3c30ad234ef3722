//! Reading a request's body whole, up to a limit.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::pulse::Pulse;
use crate::error::{Error, ErrorKind, Result};

/// The whole body.
///
/// # Errors
/// [`ErrorKind::LimitExceeded`], as soon as it is known; [`ErrorKind::Cancelled`] if the caller went away.
pub async fn whole(mut body: Incoming, limit: usize, pulse: &Pulse) -> Result<Bytes> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_long(limit));
    }
    pulse.beat();
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() && first.len() <= limit {
        return Ok(first);
    }
    let mut all = BytesMut::from(first);
    loop {
        if all.len() > limit {
            return Err(too_long(limit));
        }
        match next(&mut body).await? {
            Some(more) => {
                pulse.came(more.len());
                all.extend_from_slice(&more);
            }
            None => return Ok(all.freeze()),
        }
    }
}

/// The next piece, or `None` at the end.
pub(super) async fn next(body: &mut Incoming) -> Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        let gone = |error| {
            Error::new(ErrorKind::Cancelled, "the caller went away in the middle of its body").source(error)
        };
        // Trailers have nothing that anybody asked for.
        if let Ok(data) = frame.map_err(gone)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn too_long(limit: usize) -> Error {
    Error::new(ErrorKind::LimitExceeded, "the body is too long")
        .in_operation("service.body")
        .with("limit", limit)
        .help("send several, or many records as a stream: content type application/x-ndjson")
}
