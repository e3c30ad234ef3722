use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use vitesse_core::Result;

use super::{io, name_of};

/// Where records go. A file appears under its name only when it is complete.
pub(crate) struct Output {
    file: File,
    /// The name it gets, and the one it has until then.
    path: Option<(PathBuf, PathBuf)>,
    closed: bool,
}

impl Output {
    pub(crate) fn create(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            let stdout =
                std::io::stdout().as_fd().try_clone_to_owned().map_err(|error| io("stdout", error))?;
            return Ok(Self { file: File::from(stdout), path: None, closed: false });
        };
        // What is no regular file (a pipe, a terminal, /dev/null) is written as it is.
        if std::fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
            let file = File::options().write(true).open(path).map_err(|error| io(path.display(), error))?;
            return Ok(Self { file, path: None, closed: false });
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let file = File::create_new(&part).map_err(|error| io(path.display(), error))?;
        Ok(Self { file, path: Some((path.to_owned(), part)), closed: false })
    }

    /// Writes all of it; false if nobody reads any more.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        match self.file.write_all(bytes) {
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
        if let Some((path, part)) = self.path.take() {
            let named = self.file.sync_all().and_then(|()| std::fs::rename(&part, &path));
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
