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
    current: Option<Current>,
    compression: Option<Compression>,
    total: Option<u64>,
    read: Arc<AtomicU64>,
    last_byte: u8,
}

struct Current {
    name: String,
    compression: Compression,
    reader: Box<dyn Read + Send>,
    /// Nothing was read yet.
    fresh: bool,
}

/// What some programs put before UTF-8; it is no part of the text.
const MARK: &[u8] = "\u{feff}".as_bytes();

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
            input.current = Some(input.opened(File::from(stdin), "")?);
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
                self.current = Some(self.opened(file, &name)?);
            }
            let Some(current) = &mut self.current else { return Ok(0) };
            match current.read(space)? {
                0 => {
                    self.current = None;
                    // The records of two files never run together.
                    if self.last_byte != b'\n' && !self.waiting.is_empty() && !space.is_empty() {
                        space[0] = b'\n';
                        self.last_byte = b'\n';
                        return Ok(1);
                    }
                }
                count => {
                    self.last_byte = space[count - 1];
                    return Ok(count);
                }
            }
        }
    }

    fn opened(&self, file: File, name: &str) -> Result<Current> {
        let compression = Compression::of(self.compression, name);
        let name = if name.is_empty() { "stdin" } else { name }.to_owned();
        let counted = Counted { file, read: Arc::clone(&self.read) };
        let reader: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => {
                let buffered = std::io::BufReader::with_capacity(64 << 10, counted);
                Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
            }
            Compression::Zstd => Box::new(Zstd::new(counted).map_err(|error| damaged(&name, "zstd", error))?),
        };
        Ok(Current { name, compression, reader, fresh: true })
    }
}

impl Current {
    /// Fills `space` as far as one read does, without the mark at the start.
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        let mut count = self.read_some(space)?;
        if std::mem::take(&mut self.fresh) && space.len() >= MARK.len() {
            while count < MARK.len() && MARK.starts_with(&space[..count]) {
                match self.read_some(&mut space[count..])? {
                    0 => return Ok(count),
                    more => count += more,
                }
            }
            if space[..count].starts_with(MARK) {
                space.copy_within(MARK.len()..count, 0);
                count -= MARK.len();
                return if count == 0 { self.read_some(space) } else { Ok(count) };
            }
        }
        Ok(count)
    }

    fn read_some(&mut self, space: &mut [u8]) -> Result<usize> {
        loop {
            match (self.reader.read(space), self.compression) {
                (Err(error), _) if error.kind() == std::io::ErrorKind::Interrupted => {}
                (Err(error), Compression::Gzip) => return Err(damaged(&self.name, "gzip", error)),
                (Err(error), Compression::Zstd) => return Err(damaged(&self.name, "zstd", error)),
                (Err(error), Compression::None) => return Err(io(&self.name, error)),
                (Ok(count), _) => return Ok(count),
            }
        }
    }
}

/// Compressed input that can't be read on: most often it was cut off, or it isn't compressed at all.
fn damaged(name: &str, format: &str, error: std::io::Error) -> Error {
    // The disk may be to blame too.
    if error.raw_os_error().is_some() {
        return io(name, error);
    }
    Error::new(
        ErrorKind::InvalidInput,
        format!("the input is not {format}, is damaged, or was cut off: {error}"),
    )
    .in_operation("runtime.transform")
    .with("file", name)
    .help("fetch it again; if it isn't compressed, say so with --compression none")
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
    fn new(file: Counted) -> std::io::Result<Self> {
        let mut file = Peeked { reader: std::io::BufReader::with_capacity(64 << 10, file) };
        // An empty file has no records, as with gzip.
        if file.at_end()? {
            return Ok(Self { decoder: None });
        }
        let decoder = ruzstd::decoding::StreamingDecoder::new(file).map_err(std::io::Error::other)?;
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
