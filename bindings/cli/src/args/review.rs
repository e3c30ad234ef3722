//! What `review`, `plan` and `apply` take.

use std::path::PathBuf;

use clap::Args;

use super::integrations::Which;

/// What `review` takes. Edits are made together or not at all.
#[derive(Debug, Args)]
pub(crate) struct Review {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The stream; all are shown if none is named, and edits need it where there are several.
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// Accept a line: its number, or the field it writes. Repeatable.
    #[arg(long, value_name = "LINE", help_heading = "Edits")]
    pub(crate) accept: Vec<String>,
    /// Accept every line that is used.
    #[arg(long, help_heading = "Edits")]
    pub(crate) accept_all: bool,
    /// Accept every line of which the mapper is at least so sure, from 0 to 1.
    #[arg(long, value_name = "SHARE", help_heading = "Edits")]
    pub(crate) accept_above: Option<f64>,
    /// Reject a line: it is switched off and not proposed again. Repeatable.
    #[arg(long, value_name = "LINE", help_heading = "Edits")]
    pub(crate) reject: Vec<String>,
    /// Take a field from elsewhere, or add a line: `DEST=SOURCE`, `DEST=A,B`, `DEST=upper(SOURCE)`. Repeatable.
    #[arg(long, value_name = "DEST=SOURCE", help_heading = "Edits")]
    pub(crate) set: Vec<String>,
    /// Give a field always the same value, as JSON or text. Repeatable.
    #[arg(long = "constant", value_name = "DEST=VALUE", help_heading = "Edits")]
    pub(crate) constants: Vec<String>,
    /// Leave a line out without forgetting it. Repeatable.
    #[arg(long, value_name = "LINE", help_heading = "Edits")]
    pub(crate) disable: Vec<String>,
    /// Take a line back in. Repeatable.
    #[arg(long, value_name = "LINE", help_heading = "Edits")]
    pub(crate) enable: Vec<String>,
    /// Let a record fail if the line gives nothing. Repeatable.
    #[arg(long, value_name = "LINE", help_heading = "Edits")]
    pub(crate) require: Vec<String>,
    /// A note for people: `LINE=TEXT`. Repeatable.
    #[arg(long = "note", value_name = "LINE=TEXT", help_heading = "Edits")]
    pub(crate) notes: Vec<String>,
    /// Show what becomes of the record in this file; `-` reads it from stdin.
    #[arg(long = "try", value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// With --try, only the line for this field.
    #[arg(long, value_name = "LINE", requires = "record")]
    pub(crate) only: Option<String>,
    /// Ask for edits, one a line, until `done`: what happens anyway on a terminal when no edit is given.
    #[arg(long, short = 'i', conflicts_with = "json")]
    pub(crate) interactive: bool,
}

/// What `plan` and `apply` take.
#[derive(Debug, Args)]
pub(crate) struct ProjectFile {
    /// The file that describes the integration.
    #[arg(value_name = "FILE", default_value = "vitesse.yaml")]
    pub(crate) file: PathBuf,
}
