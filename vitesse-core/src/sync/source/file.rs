//! Reading records from a file or standard input.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::super::records::{Checkpoint, Handover, SourceRecord};
use super::super::stream::Stream;
use super::position::Position;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::value::Object;
use crate::mapping::{Compression, FileFormat, FileSource, SourceKind};
use crate::net::Bytes;
use crate::progress::Cancel;

/// How many records are handed over at once, and how many bytes.
const GROUP: usize = 500;
const GROUP_BYTES: usize = 1 << 20;

/// A record longer than this is taken for a file that isn't what it should be.
const LONGEST: usize = 64 << 20;

pub(super) async fn read(
    stream: &Stream,
    mut position: Position,
    limit: Option<u64>,
    out: mpsc::Sender<Handover>,
    cancel: &Cancel,
) -> Result<()> {
    let file = stream.source.file.clone().unwrap_or_default();
    let stdin = stream.source.kind == SourceKind::Stdin || file.path == "-";
    // Standard input is given once: there is nothing to go back to.
    let skip = if stdin { 0 } else { position.offset };
    let most = limit.unwrap_or(u64::MAX);
    // A thread of its own, since files block; it waits where the writer does not keep up.
    let (send, mut lines) = mpsc::channel::<Vec<Bytes>>(1);
    let place = if stdin { "standard input".to_owned() } else { file.path.clone() };
    let thread = tokio::task::spawn_blocking(move || {
        let mut group = Group { send, records: Vec::new(), bytes: 0, skip, left: most };
        let done = split(&file, stdin, &mut group);
        done.and_then(|()| group.flush())
    });
    position.offset = skip;
    let mut number = skip;
    let mut handed = 0;
    while let Some(group) = lines.recv().await {
        cancel.check()?;
        let mut records = Vec::with_capacity(group.len());
        for text in group {
            number += 1;
            let document =
                std::str::from_utf8(&text).ok().and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
            records.push(match document {
                Some(raw) if stream.source.id_field.is_some() => stream.record(raw, text.clone())?,
                // Its place names a record that has no id.
                Some(raw) => {
                    SourceRecord { id: Ok(format!("#{number}")), ..stream.record(raw, text.clone())? }
                }
                None => {
                    let error = Error::new(ErrorKind::RecordInvalid, "the record is not JSON");
                    SourceRecord::new(Err(error.with("record", number)), text)
                }
            });
        }
        handed += records.len() as u64;
        position.offset = number;
        position.records = number;
        let checkpoint = (!stdin).then(|| Checkpoint { position: position.clone(), parent: None });
        if out.send(Handover { records, checkpoint, total: None }).await.is_err() {
            return Ok(());
        }
    }
    thread
        .await
        .unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, "reading the file failed").source(error)))
        .map_err(|error| error.in_operation("sync.read").with("file", place))?;
    if handed < most {
        let checkpoint = Some(Checkpoint { position: position.ended(), parent: None });
        let _ = out.send(Handover { checkpoint, ..Handover::default() }).await;
    }
    Ok(())
}

/// Records on their way to the reader.
struct Group {
    send: mpsc::Sender<Vec<Bytes>>,
    records: Vec<Bytes>,
    bytes: usize,
    skip: u64,
    left: u64,
}

impl Group {
    /// False if no more are wanted.
    fn push(&mut self, record: impl Into<Bytes>) -> Result<bool> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(true);
        }
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        let record = record.into();
        self.bytes += record.len();
        self.records.push(record);
        if self.records.len() >= GROUP || self.bytes >= GROUP_BYTES {
            self.flush()?;
        }
        Ok(self.left > 0 && !self.send.is_closed())
    }

    fn flush(&mut self) -> Result<()> {
        self.bytes = 0;
        let records = std::mem::take(&mut self.records);
        if !records.is_empty() {
            // Nobody takes them any more: the run ended, and says why.
            let _ = self.send.blocking_send(records);
        }
        Ok(())
    }
}

fn split(file: &FileSource, stdin: bool, group: &mut Group) -> Result<()> {
    let io = |error: std::io::Error| {
        let kind =
            if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
        Error::new(kind, error.to_string())
    };
    let raw: Box<dyn Read> =
        if stdin { Box::new(std::io::stdin()) } else { Box::new(File::open(&file.path).map_err(io)?) };
    let compression = match file.compression {
        Compression::Auto if file.path.ends_with(".gz") => Compression::Gzip,
        Compression::Auto if file.path.ends_with(".zst") => Compression::Zstd,
        Compression::Auto => Compression::None,
        chosen => chosen,
    };
    let plain: Box<dyn Read> = match compression {
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(raw))),
        Compression::Zstd => Box::new(
            ruzstd::decoding::StreamingDecoder::new(BufReader::new(raw))
                .map_err(|error| Error::new(ErrorKind::Io, format!("the file is no zstd: {error}")))?,
        ),
        Compression::None | Compression::Auto => raw,
    };
    let mut text = BufReader::with_capacity(256 << 10, plain);
    let format = match file.format {
        FileFormat::Auto if file.path.trim_end_matches(".gz").trim_end_matches(".zst").ends_with(".csv") => {
            FileFormat::Csv
        }
        FileFormat::Auto => {
            let first = loop {
                let start = text.fill_buf().map_err(io)?;
                if start.is_empty() {
                    return Ok(());
                }
                let spaces = start.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let first = start.get(spaces).copied();
                text.consume(spaces);
                if let Some(first) = first {
                    break first;
                }
            };
            if first == b'[' { FileFormat::Array } else { FileFormat::Ndjson }
        }
        chosen => chosen,
    };
    match format {
        FileFormat::Ndjson | FileFormat::Auto => {
            let mut line = Vec::new();
            loop {
                line.clear();
                (&mut text).take(LONGEST as u64 + 1).read_until(b'\n', &mut line).map_err(io)?;
                if line.is_empty() {
                    return Ok(());
                }
                if line.len() > LONGEST {
                    return Err(Error::new(ErrorKind::LimitExceeded, "a line is longer than 64 MiB"));
                }
                let record = line.trim_ascii();
                if !record.is_empty() && !group.push(record.to_vec())? {
                    return Ok(());
                }
            }
        }
        FileFormat::Concatenated => {
            for record in serde_json::Deserializer::from_reader(text).into_iter::<Box<RawValue>>() {
                let record = record.map_err(broken)?;
                if !group.push(String::from(Box::<str>::from(record)).into_bytes())? {
                    return Ok(());
                }
            }
            Ok(())
        }
        FileFormat::Array => {
            let mut reader = serde_json::Deserializer::from_reader(text);
            let mut wrong = None;
            let whole = reader.deserialize_seq(EachOf { group, wrong: &mut wrong }).map_err(broken)?;
            match wrong {
                Some(error) => Err(error),
                None if whole => reader.end().map_err(broken),
                None => Ok(()),
            }
        }
        FileFormat::Csv => {
            let mut rows = csv::ReaderBuilder::new().flexible(false).from_reader(text);
            let wrong = |error: csv::Error| {
                Error::new(ErrorKind::RecordInvalid, format!("the file is not proper CSV: {error}"))
            };
            let names = rows.headers().map_err(wrong)?.clone();
            for row in rows.records() {
                let row = row.map_err(wrong)?;
                let record: Object = names.iter().zip(row.iter()).collect();
                if !group.push(crate::mapping::Value::Object(record).to_string().into_bytes())? {
                    return Ok(());
                }
            }
            Ok(())
        }
    }
}

/// The parser's own message may quote the text.
fn broken(error: serde_json::Error) -> Error {
    if error.is_io() {
        return Error::new(ErrorKind::Io, "the file can't be read").source(error);
    }
    Error::new(ErrorKind::RecordInvalid, "the file is not proper JSON from here on")
        .with("line", error.line())
        .with("column", error.column())
}

/// Hands the elements of an array on, one by one; gives whether it came to the array's end.
struct EachOf<'g> {
    group: &'g mut Group,
    wrong: &'g mut Option<Error>,
}

impl<'de> Visitor<'de> for EachOf<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        while let Some(item) = items.next_element::<Box<RawValue>>()? {
            match self.group.push(String::from(Box::<str>::from(item)).into_bytes()) {
                Ok(true) => {}
                Ok(false) => {
                    // The rest is passed, so that the parser finds its end.
                    while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                    return Ok(false);
                }
                Err(error) => {
                    *self.wrong = Some(error);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
