//! The time as it is written into the state.

use jiff::Timestamp;

/// Milliseconds since the epoch.
pub(super) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
