//! The runtime as a file that goes into an image: what its head says of where it can run.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::net::Bytes;

/// No runtime is larger; what is, is something else.
const MOST: u64 = 256 << 20;

/// A processor that images are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

impl Architecture {
    /// The word that images and engines use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// That of this program, if images are made for it.
    pub fn here() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A program that runs in an image with nothing else: for Linux, and linked statically.
#[derive(Clone)]
pub struct Binary {
    /// The file.
    pub bytes: Bytes,
    /// The processor it is for.
    pub architecture: Architecture,
}

impl Binary {
    /// Reads a program from a file.
    ///
    /// # Errors
    /// [`ErrorKind::BuildFailed`] if it can't run in an image of its own, saying why.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(files::read(path, MOST)?).map_err(|error| error.with("path", path.display()))
    }

    /// Takes a program.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self> {
        let bytes = bytes.into();
        let architecture = check(&bytes).map_err(|why| {
            Error::new(ErrorKind::BuildFailed, format!("this runtime can't run in an image: {why}"))
                .in_operation("deployer.image")
                .help("name a vitesse-runtime for Linux that is linked statically by VITESSE_RUNTIME")
        })?;
        Ok(Self { bytes, architecture })
    }
}

impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binary({}, {} bytes)", self.architecture, self.bytes.len())
    }
}

const SEGMENT_DYNAMIC: u32 = 2;
const SEGMENT_INTERPRETER: u32 = 3;
const ENTRY_NEEDED: u64 = 1;

/// Which processor an ELF file is for, if it needs no other file to run.
fn check(file: &[u8]) -> Result<Architecture, String> {
    if file.get(..4) != Some(b"\x7fELF") {
        return Err("it is no program for Linux (no ELF file)".into());
    }
    if file.get(4..6) != Some(&[2, 1]) {
        return Err("it is for a 32-bit or big-endian machine".into());
    }
    let cut = || "the file is cut off".to_owned();
    let architecture = match u16_at(file, 18).ok_or_else(cut)? {
        62 => Architecture::Amd64,
        183 => Architecture::Arm64,
        other => {
            return Err(format!("it is for a processor that images aren't made for (ELF machine {other})"));
        }
    };
    let table = u64_at(file, 32).ok_or_else(cut)?;
    let size = u64::from(u16_at(file, 54).ok_or_else(cut)?);
    for index in 0..u64::from(u16_at(file, 56).ok_or_else(cut)?) {
        let at =
            index.checked_mul(size).and_then(|offset| place(table.checked_add(offset)?)).ok_or_else(cut)?;
        let kind = u32_at(file, at).ok_or_else(cut)?;
        if kind != SEGMENT_DYNAMIC && kind != SEGMENT_INTERPRETER {
            continue;
        }
        let field = |offset: usize| u64_at(file, at.checked_add(offset)?).and_then(place);
        let (from, length) = field(8).zip(field(32)).ok_or_else(cut)?;
        let content = from.checked_add(length).and_then(|to| file.get(from..to)).ok_or_else(cut)?;
        if kind == SEGMENT_INTERPRETER {
            let loader = String::from_utf8_lossy(content);
            return Err(format!("it is linked dynamically and needs {}", loader.trim_end_matches('\0')));
        }
        // A static program that can be moved has such a segment, too, and names no library in it.
        let needs = content.chunks_exact(16).any(|entry| u64_at(entry, 0) == Some(ENTRY_NEEDED));
        if needs {
            return Err("it is linked dynamically and needs libraries".into());
        }
    }
    Ok(architecture)
}

fn place(offset: u64) -> Option<usize> {
    usize::try_from(offset).ok()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The head of a program with these segments.
    pub(in crate::deployer) fn elf(machine: u16, segments: &[(u32, &[u8])]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56 * segments.len()];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&(segments.len() as u16).to_le_bytes());
        for (index, (kind, content)) in segments.iter().enumerate() {
            let (at, from) = (64 + 56 * index, file.len() as u64);
            file[at..at + 4].copy_from_slice(&kind.to_le_bytes());
            file[at + 8..at + 16].copy_from_slice(&from.to_le_bytes());
            file[at + 32..at + 40].copy_from_slice(&(content.len() as u64).to_le_bytes());
            file.extend_from_slice(content);
        }
        file
    }

    #[track_caller]
    fn refused(file: impl Into<Bytes>, because: &str) {
        let error = Binary::parse(file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BuildFailed);
        assert!(error.to_string().contains(because), "{error}");
    }

    #[test]
    fn only_what_needs_nothing_else_is_taken() {
        assert_eq!(Binary::parse(elf(62, &[])).unwrap().architecture, Architecture::Amd64);
        assert_eq!(Binary::parse(elf(183, &[(1, b"code")])).unwrap().architecture, Architecture::Arm64);
        let entry = |tag: u64| [tag.to_le_bytes(), [0; 8]].concat();
        Binary::parse(elf(62, &[(SEGMENT_DYNAMIC, &entry(5))])).expect("a static program that can be moved");

        refused(elf(62, &[(SEGMENT_INTERPRETER, b"/lib64/ld-linux-x86-64.so.2\0")]), "needs /lib64/ld-linux");
        refused(elf(62, &[(SEGMENT_DYNAMIC, &[entry(5), entry(ENTRY_NEEDED)].concat())]), "needs libraries");
        refused(elf(40, &[]), "ELF machine 40");
        refused(&b"\x7fELF\x01\x01"[..], "32-bit");
        refused(&b"#!/bin/sh\n"[..], "no program for Linux");
        refused(&b""[..], "no program for Linux");
    }

    #[test]
    fn programs_of_this_machine_are_told_apart() {
        // The test itself is linked as the target's default is: with a loader on glibc.
        let own = std::env::current_exe().unwrap();
        let taken = Binary::read(&own);
        assert_eq!(taken.is_err(), cfg!(target_env = "gnu") && !cfg!(target_feature = "crt-static"));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(mut file in prop::collection::vec(any::<u8>(), 0..300), known in any::<bool>()) {
            if known && file.len() >= 20 {
                file[..6].copy_from_slice(b"\x7fELF\x02\x01");
                file[18..20].copy_from_slice(&62u16.to_le_bytes());
            }
            let _ = Binary::parse(file);
        }
    }
}
