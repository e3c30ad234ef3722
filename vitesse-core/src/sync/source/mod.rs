//! Reading: pages of an API, under parents if there are any, or a file; and where to go on.

mod file;
mod http;
mod mark;
mod paging;
mod position;
mod request;

use tokio::sync::mpsc;

pub(super) use http::nameless;
pub(super) use mark::Mark;
pub(super) use position::Position;
pub(super) use request::{fill, put, segment};

use super::records::Handover;
use super::state::State;
use super::stream::Stream;
use crate::error::Result;
use crate::mapping::SourceKind;
use crate::progress::Cancel;

/// Reads a stream from `position` on and hands over what it finds, until it is read to its end.
///
/// It goes no further than the receiver takes: what is in memory is a page that is read and one that waits.
pub(super) async fn read(
    stream: &Stream,
    state: &State,
    position: Position,
    limit: Option<u64>,
    out: mpsc::Sender<Handover>,
    cancel: &Cancel,
) -> Result<()> {
    match stream.source.kind {
        SourceKind::Http => http::read(stream, state, position, limit, out, cancel).await,
        SourceKind::File | SourceKind::Stdin => file::read(stream, position, limit, out, cancel).await,
    }
}
