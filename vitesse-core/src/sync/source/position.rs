//! Where reading is, kept so that it goes on there after a restart.

use serde::{Deserialize, Serialize};

use super::mark::Mark;

/// Where the reading of a stream is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The number of the read; each begins at 1 more.
    #[serde(default)]
    pub(crate) read: u64,
    /// Whether this read sees everything the source has.
    #[serde(default)]
    pub(crate) full: bool,
    /// Whether it came to its end.
    #[serde(default)]
    pub(crate) complete: bool,
    /// Up to where all reads before this one got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<Mark>,
    /// Up to where this one got so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) high: Option<Mark>,
    /// Reads nothing above this: the end of a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Mark>,
    /// Where incremental reads go on once a backfill is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) back_to: Option<Mark>,
    /// The page that comes next, if this read isn't at its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<PageState>,
    /// The parent under which the page is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<ParentState>,
    /// How many records this read gave.
    #[serde(default)]
    pub(crate) records: u64,
    /// Where a file is read on.
    #[serde(default)]
    pub(crate) offset: u64,
}

/// A page that comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageState {
    /// What leads to it: an offset, a number, a cursor, an address or a value, as the kind of paging has it.
    pub(crate) at: Option<String>,
    /// How many pages came before it.
    pub(crate) pages: u64,
    /// How many records they had.
    pub(crate) records: u64,
    /// Whether one of them was as long as was asked for: then a shorter one is the last.
    #[serde(default)]
    pub(crate) was_full: bool,
}

/// The parent under which records are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParentState {
    /// The page of parents it is on; none for the first.
    pub(crate) page: Option<PageState>,
    /// The values that name it; the one to go on with.
    pub(crate) key: Option<String>,
}

impl Position {
    /// Where the next read begins, after this one or in its middle.
    pub(crate) fn next_read(mut self, full: bool) -> Self {
        let under_way = self.page.is_some() || self.parent.is_some() || self.offset > 0;
        if self.read > 0 && !self.complete && under_way && (self.full || !full) {
            return self;
        }
        self.read += 1;
        self.full = full;
        self.complete = false;
        self.high = None;
        self.page = None;
        self.parent = None;
        self.records = 0;
        self.offset = 0;
        self
    }

    /// The read came to its end.
    pub(crate) fn ended(mut self) -> Self {
        self.complete = true;
        self.page = None;
        self.parent = None;
        self.until = None;
        self.offset = 0;
        if let Some(back_to) = self.back_to.take() {
            self.mark = Some(back_to);
        }
        if let Some(high) = self.high.take()
            && self.mark.as_ref().is_none_or(|mark| high.is_after(mark))
        {
            self.mark = Some(high);
        }
        self
    }
}
