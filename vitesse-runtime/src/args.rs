use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// The data plane of Vitesse: runs a mapping.
#[derive(Debug, Parser)]
#[command(name = "vitesse-runtime", disable_version_flag = true)]
pub(crate) struct Args {
    /// Say which version this is, and which versions of the mapping document it accepts.
    #[arg(long, short = 'V')]
    pub(crate) version: bool,
    /// Say it as JSON.
    #[arg(long, requires = "version")]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Transform JSON records: NDJSON, arrays of records, or documents one after the other.
    Transform(Transform),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Transform {
    /// The mapping document.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: PathBuf,
    /// Where records come from, in this order; stdin if not given. Names that end in .gz or .zst are
    /// decompressed.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) input: Vec<PathBuf>,
    /// Where the output goes, all at once when it is complete; stdout if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How the input is compressed, whatever its name.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) compression: Option<Compression>,
    /// How many threads transform. The order of records stays.
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) threads: NonZeroUsize,
    /// What a record that fails does; otherwise the mapping says.
    #[arg(long, value_name = "WHAT")]
    pub(crate) on_error: Option<OnError>,
    /// Where records that fail go, each with its number, offset and reason, one JSON object a line.
    #[arg(long, value_name = "FILE", conflicts_with = "on_error")]
    pub(crate) dead_letters: Option<PathBuf>,
    /// Stop after so many records.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Refuse records longer than this many MiB.
    #[arg(long, default_value = "64", value_name = "MIB")]
    pub(crate) max_record: NonZeroUsize,
    /// Check the mapping and say how it would run, and transform nothing.
    #[arg(long)]
    pub(crate) check: bool,
    /// No progress and no summary.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnError {
    /// It stops the run.
    Fail,
    /// It is left out.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}
