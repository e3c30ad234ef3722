//! What an operator wants to know of streams, without running them.

use std::time::Duration;

use tokio::sync::mpsc;

use super::letters::{LetterReason, Letters};
use super::observe::Side;
use super::run::Sync;
use super::source::{self, Position};
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;

/// How one API of a stream takes us.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The stream.
    pub stream: String,
    /// Which API.
    pub side: Side,
    /// Where it is: its address, or a file.
    pub place: String,
    /// What is wrong, if anything is.
    pub outcome: Result<()>,
}

impl Sync {
    /// How many dead letters a stream has, and how many of them have an unknown outcome.
    ///
    /// # Errors
    /// What the store fails with.
    pub async fn count_letters(&self, stream: &str) -> Result<(u64, u64)> {
        let letters = Letters::new(&self.state);
        let (mut all, mut unknown, mut after) = (0, 0, None);
        loop {
            let (page, more) = letters.list(stream, after.as_deref(), 500).await?;
            all += page.len() as u64;
            unknown +=
                page.iter().filter(|letter| letter.reason == LetterReason::UnknownOutcome).count() as u64;
            after = page.last().map(|letter| letter.id.clone());
            if !more {
                return Ok((all, unknown));
            }
        }
    }

    /// For each API whose credentials say it: the stream, the side, how long they are good for, and whether they
    /// renew themselves.
    pub fn expiries(&self) -> Vec<(&str, Side, Duration, bool)> {
        let mut all = Vec::new();
        for stream in &self.streams {
            for (side, peer) in
                [(Side::Source, &stream.peers.source), (Side::Destination, &stream.peers.dest)]
            {
                if let Some(auth) = peer.as_ref().and_then(|peer| peer.auth.as_ref())
                    && let Some(left) = auth.expires_in()
                {
                    all.push((stream.name.as_str(), side, left, auth.renews_itself()));
                }
            }
        }
        all
    }

    /// Asks every source for a record and every destination for anything, and says how each took it. Nothing is
    /// written and nothing is kept.
    pub async fn probe(&self, cancel: &Cancel) -> Vec<Probe> {
        let mut probes = Vec::new();
        for stream in &self.streams {
            let place = |peer: &Option<super::connection::Peer>, file: Option<&str>| match (peer, file) {
                (Some(peer), _) => peer.base_url.clone(),
                (None, Some(file)) => file.to_owned(),
                (None, None) => "standard input".to_owned(),
            };
            let file = stream.source.file.as_ref().map(|file| file.path.as_str());
            // Reading standard input would take records away from the run.
            if stream.peers.source.is_some() || file.is_some_and(|path| path != "-") {
                probes.push(Probe {
                    stream: stream.name.clone(),
                    side: Side::Source,
                    place: place(&stream.peers.source, file),
                    outcome: self.read_one(stream, cancel).await,
                });
            }
            if stream.peers.dest.is_some() {
                probes.push(Probe {
                    stream: stream.name.clone(),
                    side: Side::Destination,
                    place: place(&stream.peers.dest, None),
                    outcome: reach(stream, cancel).await,
                });
            }
        }
        probes
    }

    async fn read_one(&self, stream: &Stream, cancel: &Cancel) -> Result<()> {
        let (hand, mut taken) = mpsc::channel(1);
        let position = Position::default().next_read(true);
        let reading = source::read(stream, &self.state, position, Some(1), hand, cancel);
        let first = async {
            let first = taken.recv().await;
            // Whatever else there is isn't asked for.
            taken.close();
            first
        };
        let (read, first) = tokio::join!(reading, first);
        match first.map(|handover| handover.records) {
            Some(records) => match records.into_iter().next() {
                Some(record) => record.id.map(drop),
                None => read,
            },
            None => read,
        }
    }
}

/// Any answer but one that refuses the credentials says that the API is there.
async fn reach(stream: &Stream, cancel: &Cancel) -> Result<()> {
    let peer = stream.dest_peer()?;
    let mut request = peer.client.get(peer.base_url.as_str()).cancel(cancel);
    if let Some(auth) = &peer.auth {
        request = request.auth(auth);
    }
    let answer = request.send().await?;
    match answer.status.as_u16() {
        401 => Err(Error::new(ErrorKind::CredentialRefused, "the destination refuses the credentials")
            .in_operation("sync.probe")
            .with("status", answer.status)
            .help("check the VITESSE_DEST_ variables that the mapping needs")),
        500..=599 => Err(Error::new(ErrorKind::Unreachable, "the destination can't answer now")
            .in_operation("sync.probe")
            .with("status", answer.status)),
        _ => Ok(()),
    }
}
