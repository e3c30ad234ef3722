//! What evidence weighs. The numbers of `BUILTIN` are written by `vitesse-core/assets/matching/fit.py`; see the
//! README beside it.

use super::choose::RELATIONS;
use super::confidence::SIGNS;
use super::evidence::KINDS;

/// What each kind of evidence weighs, in thousandths of a unit of log odds.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Weights {
    pub(super) pair_base: i32,
    pub(super) pair: [i32; KINDS],
    pub(super) beside: [i32; 3],
    pub(super) line_base: i32,
    pub(super) line: [i32; RELATIONS],
    pub(super) sure_base: i32,
    pub(super) sure: [i32; SIGNS],
}

impl Weights {
    /// The ones that are part of the crate.
    pub const BUILTIN: Self = Self {
        pair_base: -7238,
        pair: [
            1946, 4151, 2155, 24, 35, 90, 716, 90, -930, -178, -2185, -2158, -1968, -1288, 251, -37, 515,
            1053, 1405, 0, -182, -837,
        ],
        beside: [318, 63, -2480],
        line_base: -672,
        line: [440, 0, -1424, 0, -1169, 596, 571, 399, 151, 585, 0, 0, -1470],
        sure_base: -112,
        sure: [925, -1981, -2054, -357],
    };
}
