use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vitesse_core::{Error, ErrorKind, Result};

use super::io;
use crate::args::{Compression, Transform};

/// The input files one after the other, decompressed.
pub(crate) struct Input {
    waiting: VecDeque<PathBuf>,
    current: Option<(String, Box<dyn Read + Send>)>,
    compression: Option<Compression>,
    total: Option<u64>,
    read: Arc<AtomicU64>,
    last_byte: u8,
}

impl Input {
    /// Opens the first file, and makes sure that the others are there.
    pub(crate) fn open(options: &Transform) -> Result<Self> {
        let mut input = Self {
            waiting: options.input.iter().cloned().collect(),
            current: None,
            compression: options.compression,
            total: None,
            read: Arc::default(),
            last_byte: b'\n',
        };
        if input.waiting.is_empty() {
            let stdin = std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| io("stdin", error))?;
            input.current = Some(("stdin".to_owned(), input.decompressed(File::from(stdin), "")?));
        } else {
            let mut total = 0;
            for path in &input.waiting {
                let facts = std::fs::metadata(path).map_err(|error| io(path.display(), error))?;
                total += facts.len();
            }
            input.total = Some(total);
        }
        Ok(input)
    }

    /// How many bytes the files have, as they lie on disk.
    pub(crate) fn total(&self) -> Option<(u64, Arc<AtomicU64>)> {
        self.total.map(|total| (total, Arc::clone(&self.read)))
    }

    /// Fills `space` as far as one read does; nothing only at the end of the last file.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        loop {
            if self.current.is_none() {
                let Some(path) = self.waiting.pop_front() else { return Ok(0) };
                let name = path.display().to_string();
                let file = File::open(&path).map_err(|error| io(&name, error))?;
                let reader = self.decompressed(file, &name)?;
                self.current = Some((name, reader));
            }
            let Some((name, reader)) = &mut self.current else { return Ok(0) };
            match reader.read(space) {
                Ok(0) => {
                    self.current = None;
                    // The records of two files never run together.
                    if self.last_byte != b'\n' && !self.waiting.is_empty() && !space.is_empty() {
                        space[0] = b'\n';
                        self.last_byte = b'\n';
                        return Ok(1);
                    }
                }
                Ok(count) => {
                    self.last_byte = space[count - 1];
                    return Ok(count);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io(&*name, error)),
            }
        }
    }

    fn decompressed(&self, file: File, name: &str) -> Result<Box<dyn Read + Send>> {
        let compression = self.compression.unwrap_or(match name.rsplit('.').next() {
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd,
            _ => Compression::None,
        });
        let counted = Counted { file, read: Arc::clone(&self.read) };
        Ok(match compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => {
                let buffered = std::io::BufReader::with_capacity(64 << 10, counted);
                Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
            }
            Compression::Zstd => Box::new(Zstd::new(counted, name)?),
        })
    }
}

/// Counts what is read, for the progress.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(space)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Frame after frame, as `zstd -d` reads them.
struct Zstd {
    decoder: Option<ruzstd::decoding::StreamingDecoder<Peeked, ruzstd::decoding::FrameDecoder>>,
}

impl Zstd {
    fn new(file: Counted, name: &str) -> Result<Self> {
        let file = Peeked { reader: std::io::BufReader::with_capacity(64 << 10, file) };
        let decoder = ruzstd::decoding::StreamingDecoder::new(file).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("not zstd: {error}"))
                .in_operation("runtime.transform")
                .with("file", name)
        })?;
        Ok(Self { decoder: Some(decoder) })
    }
}

impl Read for Zstd {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let count = decoder.read(space)?;
            if count > 0 || space.is_empty() {
                return Ok(count);
            }
            let Some(decoder) = self.decoder.take() else { break };
            let mut file = decoder.into_inner();
            if file.at_end()? {
                break;
            }
            let next = ruzstd::decoding::StreamingDecoder::new(file).map_err(std::io::Error::other)?;
            self.decoder = Some(next);
        }
        Ok(0)
    }
}

struct Peeked {
    reader: std::io::BufReader<Counted>,
}

impl Peeked {
    fn at_end(&mut self) -> std::io::Result<bool> {
        std::io::BufRead::fill_buf(&mut self.reader).map(<[u8]>::is_empty)
    }
}

impl Read for Peeked {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(space)
    }
}
