use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use vitesse_core::Result;

use super::{io, name_of};
use crate::args::Compression;

/// Where records go. A file appears under its name only when it is complete.
pub(crate) struct Output {
    sink: Sink,
    /// The name it gets, and the one it has until then.
    path: Option<(PathBuf, PathBuf)>,
    closed: bool,
}

enum Sink {
    Plain(File),
    Gzip(GzEncoder<File>),
    /// Each write is a frame of its own, as the format allows.
    Zstd(File),
}

impl Output {
    /// `compression` goes before what the name says.
    pub(crate) fn create(path: Option<&Path>, compression: Option<Compression>) -> Result<Self> {
        let name = path.map(|path| path.display().to_string()).unwrap_or_default();
        let sink = |file| match Compression::of(compression, &name) {
            Compression::None => Sink::Plain(file),
            Compression::Gzip => Sink::Gzip(GzEncoder::new(file, flate2::Compression::fast())),
            Compression::Zstd => Sink::Zstd(file),
        };
        let Some(path) = path else {
            let stdout =
                std::io::stdout().as_fd().try_clone_to_owned().map_err(|error| io("stdout", error))?;
            return Ok(Self { sink: sink(File::from(stdout)), path: None, closed: false });
        };
        // What is no regular file (a pipe, a terminal, /dev/null) is written as it is.
        if std::fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
            let file = File::options().write(true).open(path).map_err(|error| io(path.display(), error))?;
            return Ok(Self { sink: sink(file), path: None, closed: false });
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let file = File::create_new(&part).map_err(|error| io(path.display(), error))?;
        Ok(Self { sink: sink(file), path: Some((path.to_owned(), part)), closed: false })
    }

    /// Writes all of it; false if nobody reads any more.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        let written = match &mut self.sink {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Gzip(encoder) => encoder.write_all(bytes),
            Sink::Zstd(file) => file.write_all(&frame(bytes)),
        };
        self.told(written)
    }

    fn told(&mut self, written: std::io::Result<()>) -> Result<bool> {
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(false)
            }
            Err(error) => {
                Err(io(name_of(self.path.as_ref().map(|(path, _)| path.as_path()), "stdout"), error))
            }
            Ok(()) => Ok(true),
        }
    }

    /// Makes it durable and gives it its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Sink::Gzip(encoder) = &mut self.sink
            && !self.closed
        {
            let ended = encoder.try_finish();
            self.told(ended)?;
        }
        if let Some((path, part)) = self.path.take() {
            let file = match &self.sink {
                Sink::Plain(file) | Sink::Zstd(file) => file,
                Sink::Gzip(encoder) => encoder.get_ref(),
            };
            let named = file.sync_all().and_then(|()| std::fs::rename(&part, &path));
            if let Err(error) = named {
                let _ = std::fs::remove_file(part);
                return Err(io(path.display(), error));
            }
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((_, part)) = &self.path {
            let _ = std::fs::remove_file(part);
        }
    }
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
