use std::fmt;
use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::config::Limits;
use super::failure::{after, broken_body, within};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;

/// An answer's body, read piece by piece within the limits of its request.
///
/// A body that ends early, is damaged or grows too large is an error in the piece where it is noticed;
/// what was read before is then a part of the data and not the data.
///
/// ```no_run
/// # async fn example(client: vitesse_core::net::Client) -> vitesse_core::Result<()> {
/// let mut answer = client.get("https://api.example.com/export.ndjson").send().await?.success()?;
/// while let Some(piece) = answer.body.chunk().await? {
///     println!("{} bytes more", piece.len());
/// }
/// # Ok(()) }
/// ```
pub struct Body {
    source: Source,
    decoder: Option<Box<MultiGzDecoder<Sink>>>,
    /// Compressed bytes that are not decoded yet.
    pending: Bytes,
    limits: Limits,
    deadline: Instant,
    cancel: Option<Cancel>,
    url: String,
    wire: u64,
    plain: u64,
}

enum Source {
    Peer(Incoming),
    Whole(Option<Bytes>),
}

impl Body {
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] if the headers announce too much, [`ErrorKind::Unsupported`] for an
    /// encoding that wasn't asked for.
    pub(super) fn new(
        peer: Incoming,
        headers: &HeaderMap,
        limits: Limits,
        deadline: Instant,
        cancel: Option<Cancel>,
        url: String,
    ) -> Result<Self> {
        let mut encodings = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|name| name.trim_ascii().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != b"identity");
        let gzip = match (encodings.next(), encodings.next()) {
            (None, _) => false,
            (Some(name), None) if name == b"gzip" || name == b"x-gzip" => true,
            (Some(name), _) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                return Err(Error::new(ErrorKind::Unsupported, format!("the answer is encoded as {name:?}"))
                    .in_operation("net.read")
                    .with("url", url)
                    .help("only gzip is asked for; the peer must not send anything else"));
            }
        };
        // What the length says, but nothing for answers to HEAD, which have only the length.
        let announced = peer.size_hint().lower();
        let body = Self {
            source: Source::Peer(peer),
            decoder: gzip.then(|| {
                Box::new(MultiGzDecoder::new(Sink { plain: Vec::new(), left: limits.body, full: false }))
            }),
            pending: Bytes::new(),
            limits,
            deadline,
            cancel,
            url,
            wire: 0,
            plain: 0,
        };
        if announced > limits.wire {
            return Err(body.too_large("as sent", limits.wire));
        }
        if !gzip && announced > limits.body {
            return Err(body.too_large("", limits.body));
        }
        Ok(body)
    }

    /// The next piece, or `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if the body broke off or is damaged, [`ErrorKind::LimitExceeded`],
    /// [`ErrorKind::Timeout`], [`ErrorKind::Cancelled`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.next().await.map_err(|error| match error.context().iter().any(|(key, _)| *key == "url") {
            true => error,
            false => error.in_operation("net.read").with("url", &self.url),
        })
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn bytes(mut self) -> Result<Bytes> {
        let announced = match &self.source {
            Source::Peer(peer) => peer.size_hint().lower(),
            Source::Whole(_) => 0,
        };
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        // The length is below the limits, or we would not be here.
        let mut all = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// How many bytes came over the wire so far.
    pub fn wire_bytes(&self) -> u64 {
        self.wire
    }

    /// The same body, read to its end, so that [`chunk`](Self::chunk) no longer can fail.
    pub(super) async fn loaded(self) -> Result<Self> {
        let Self { limits, deadline, ref cancel, ref url, .. } = self;
        let (cancel, url) = (cancel.clone(), url.clone());
        let bytes = self.bytes().await?;
        let length = bytes.len() as u64;
        let source = Source::Whole(Some(bytes));
        let pending = Bytes::new();
        Ok(Self {
            source,
            decoder: None,
            pending,
            limits,
            deadline,
            cancel,
            url,
            wire: length,
            plain: length,
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if !self.pending.is_empty() {
                let plain = self.decode()?;
                if !plain.is_empty() {
                    return Ok(Some(plain));
                }
                continue;
            }
            let Source::Peer(peer) = &mut self.source else {
                let Source::Whole(bytes) = &mut self.source else { return Ok(None) };
                return Ok(bytes.take().filter(|bytes| !bytes.is_empty()));
            };
            let idle = after(self.limits.idle);
            let frame = within(peer.frame(), idle.min(self.deadline), self.cancel.as_ref()).await.map_err(
                |error| match error.kind() {
                    ErrorKind::Timeout if idle < self.deadline => {
                        Error::new(ErrorKind::Timeout, format!("the body stopped for {:?}", self.limits.idle))
                    }
                    _ => error,
                },
            )?;
            let Some(frame) = frame else { return self.finish() };
            // Trailers have nothing that anybody asked for.
            let Ok(data) = frame.map_err(broken_body)?.into_data() else { continue };
            self.wire += data.len() as u64;
            if self.wire > self.limits.wire {
                return Err(self.too_large("as sent", self.limits.wire));
            }
            match &self.decoder {
                Some(_) => self.pending = data,
                None => {
                    self.plain += data.len() as u64;
                    if self.plain > self.limits.body {
                        return Err(self.too_large("", self.limits.body));
                    }
                    if !data.is_empty() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// Decodes a little of what is pending: a small piece can become a thousand times as much.
    fn decode(&mut self) -> Result<Bytes> {
        let piece = self.pending.split_to(self.pending.len().min(8 << 10));
        let Some(decoder) = &mut self.decoder else { return Ok(piece) };
        let written = decoder.write_all(&piece).and_then(|()| decoder.flush());
        let (full, plain) = (decoder.get_ref().full, std::mem::take(&mut decoder.get_mut().plain));
        match written {
            Err(_) if full => Err(self.too_large("after decompression", self.limits.body)),
            Err(error) => Err(damaged(error)),
            Ok(()) => Ok(plain.into()),
        }
    }

    fn finish(&mut self) -> Result<Option<Bytes>> {
        self.source = Source::Whole(None);
        // An answer without a body (to HEAD, or 304) may still name an encoding.
        let Some(mut decoder) = self.decoder.take().filter(|_| self.wire > 0) else { return Ok(None) };
        let finished = decoder.try_finish();
        let (full, plain) = (decoder.get_ref().full, std::mem::take(&mut decoder.get_mut().plain));
        match finished {
            Err(_) if full => Err(self.too_large("after decompression", self.limits.body)),
            Err(error) => Err(damaged(error)),
            Ok(()) => Ok(Some(plain).filter(|plain| !plain.is_empty()).map(Bytes::from)),
        }
    }

    fn too_large(&self, how: &str, limit: u64) -> Error {
        let how = if how.is_empty() { String::new() } else { format!(" {how}") };
        Error::new(ErrorKind::LimitExceeded, format!("the answer's body{how} is larger than {limit} bytes"))
            .in_operation("net.read")
            .with("url", &self.url)
            .help("raise `limits.body` or `limits.wire` if this peer is trusted")
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body {{ {} bytes so far from {} }}", self.wire, self.url)
    }
}

fn damaged(error: io::Error) -> Error {
    Error::new(ErrorKind::Unreachable, "the answer's gzip data is damaged or cut off").source(error)
}

/// Takes decompressed bytes up to a limit.
struct Sink {
    plain: Vec<u8>,
    left: u64,
    full: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                self.left = left;
                self.plain.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => {
                self.full = true;
                Err(io::Error::other("the limit of the decompressed body is reached"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
