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
    /// Read records from the mapping's source and deliver them to its destination.
    Sync(Sync),
    /// Records that could not be delivered: look at them, try them again, or drop them.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetters,
    },
    /// Forget everything about one record; where the source gives it again, it is new.
    Forget {
        #[command(flatten)]
        place: Place,
        /// The stream, where the mapping is a folder.
        #[arg(long)]
        stream: Option<String>,
        /// The record's id at the source.
        id: String,
    },
    /// Let the next read of a stream begin at its start, or at a value of its incremental field.
    Reset {
        #[command(flatten)]
        place: Place,
        /// The stream, where the mapping is a folder.
        #[arg(long)]
        stream: Option<String>,
        /// Where to begin.
        #[arg(long, value_name = "VALUE")]
        from: Option<String>,
        /// Read nothing above this: a backfill of a range.
        #[arg(long, value_name = "VALUE", requires = "from")]
        until: Option<String>,
    },
    /// The latest runs, with what they did.
    Runs {
        #[command(flatten)]
        place: Place,
        /// How many.
        #[arg(long, default_value = "20", value_name = "N")]
        limit: usize,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Drop what is older than it need be, and give the space back.
    Compact {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        keep: Keep,
    },
    /// Run as a service: transform over HTTP, take webhooks, sync by a schedule, and be operated.
    Serve(Serve),
    /// Ask the service of this container whether it is well.
    Health {
        /// Where it listens. [environment: VITESSE_LISTEN]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<std::net::SocketAddr>,
    },
    /// Check the environment, the mapping, the credentials, and that both APIs can be reached.
    Check {
        /// Talk to nobody.
        #[arg(long)]
        offline: bool,
        /// As JSON, one finding a line.
        #[arg(long)]
        json: bool,
        /// List every variable that is read, and which are missing.
        #[arg(long)]
        env: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Which stream's dead letters.
#[derive(Debug, clap::Args)]
pub(crate) struct LetterPlace {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The stream, where the mapping is a folder.
    #[arg(long)]
    pub(crate) stream: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List them: id, reason and message.
    List {
        #[command(flatten)]
        place: LetterPlace,
        /// As JSON, one a line, with what the source gave.
        #[arg(long)]
        json: bool,
    },
    /// Show one with everything that is known.
    Show {
        #[command(flatten)]
        place: LetterPlace,
        /// The record's id at the source.
        id: String,
    },
    /// Try one again, or all of them, through the mapping as it is now.
    Replay {
        #[command(flatten)]
        place: LetterPlace,
        /// The record's id at the source.
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of the stream.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Also if something newer was delivered since, or nobody knows whether it was written.
        #[arg(long)]
        force: bool,
    },
    /// Throw one away.
    Drop {
        #[command(flatten)]
        place: LetterPlace,
        /// The record's id at the source.
        id: String,
    },
    /// Say of one with an unknown outcome that it was written after all.
    Delivered {
        #[command(flatten)]
        place: LetterPlace,
        /// The record's id at the source.
        id: String,
        /// Its id at the destination.
        #[arg(long, value_name = "ID")]
        dest_id: Option<String>,
    },
}

/// Which mapping and which state.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The mapping document, or a folder with one for each stream. [environment: VITESSE_MAPPING]
    #[arg(long, value_name = "FILE|FOLDER")]
    pub(crate) mapping: Option<PathBuf>,
    /// Where the state is: a path or a PostgreSQL URL. [environment: VITESSE_STATE]
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
}

/// What is kept, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Keep {
    /// How long runs are remembered, and that a record was removed at the destination, in days.
    #[arg(long, default_value = "90", value_name = "DAYS")]
    pub(crate) keep: u64,
    /// How long dead letters are kept, in days; for ever if not given. Those of unknown outcome always stay.
    #[arg(long, value_name = "DAYS")]
    pub(crate) keep_letters: Option<u64>,
    /// How large embedded state may be, in MiB. If dropping what is old does not suffice, nothing more is read.
    #[arg(long, value_name = "MIB")]
    pub(crate) max_state: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Deliver the webhooks that wait, sync once, and end.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Show the writes that would be made, and make none. Nothing is kept.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop after so many records of each stream.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Read everything, though an incremental read were possible.
    #[arg(long)]
    pub(crate) full: bool,
    /// How many requests to the destination are under way at once, unless the mapping says.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// How often a write is tried before it is given up.
    #[arg(long, value_name = "N")]
    pub(crate) tries: Option<u32>,
    /// The deadline of one request, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) deadline: Option<f64>,
    /// The first wait before another try, in milliseconds; it doubles.
    #[arg(long, value_name = "MS")]
    pub(crate) backoff: Option<u64>,
    /// How long after a write was sent it may still be carried out though nobody waits for its answer, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) settle: Option<f64>,
    /// How long what is under way may take after a signal to stop, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) drain: Option<f64>,
    /// How long a destination may fail before the sync gives up, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) patience: Option<f64>,
    /// How long the lease on shared state lasts without being renewed, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lease: Option<f64>,
    /// A read that needs more pages than this is an error.
    #[arg(long, value_name = "N")]
    pub(crate) max_pages: Option<u64>,
    /// Stop when so many of the last records failed, as FAILURES/RECORDS.
    #[arg(long, value_name = "N/M")]
    pub(crate) max_failures: Option<String>,
    /// A field of source records that the dead letters don't keep.
    #[arg(long, value_name = "FIELD")]
    pub(crate) redact: Vec<String>,
    #[command(flatten)]
    pub(crate) keep: Keep,
    /// Write the report to stdout as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress and no summary.
    #[arg(long, short)]
    pub(crate) quiet: bool,
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
    /// Where the output goes, all at once when it is complete; stdout if not given. It is compressed if the name
    /// ends in .gz or .zst.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How the output is compressed, whatever its name.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) output_compression: Option<Compression>,
    /// How the input is compressed, whatever its name.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) compression: Option<Compression>,
    /// How many threads transform, at most four for each processor. The order of records stays.
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
    /// Tell on stderr what each line does with records, with types in place of values: `all`, one record in so
    /// many (`1/1000`), the record of this number (`17`) or of this id (`id=cus_1000`).
    #[arg(long, value_name = "WHICH")]
    pub(crate) trace: Option<super::transform::Traced>,
    /// Say whether this runtime can run the mapping and which lines take more time, and transform nothing.
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

impl Compression {
    /// What was asked for, or else what the name says.
    pub(crate) fn of(asked: Option<Self>, name: &str) -> Self {
        asked.unwrap_or(match name.rsplit('.').next() {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        })
    }
}
