//! What evidence weighs. The numbers of `BUILTIN` are written by `vitesse-core/assets/matching/fit.py`; see the
//! README beside it.

use super::choose::RELATIONS;
use super::evidence::KINDS;

/// How many points the curve of confidence has.
const POINTS: usize = 25;

/// What each kind of evidence weighs, in thousandths of a unit of log odds.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Weights {
    pub(super) pair_base: i32,
    pub(super) pair: [i32; KINDS],
    pub(super) beside: [i32; 2],
    pub(super) line_base: i32,
    pub(super) line: [i32; RELATIONS],
    /// Scores and the share of right lines there, in thousandths.
    pub(super) curve: [(i32, i32); POINTS],
}

impl Weights {
    /// The ones that are part of the crate.
    pub const BUILTIN: Self = Self {
        pair_base: -7215,
        pair: [
            1918, 4175, 2084, 0, 67, 96, 725, 75, -1054, -149, -1995, -2117, -2011, -1219, 219, 2, 553, 1067,
            1385, 0, -184, -800,
        ],
        beside: [302, 640],
        line_base: -1146,
        line: [425, 257, -1247, 0, -612, 123, 552, 444, 279, 635, 0, 0],
        curve: [
            (-6000, 2),
            (-5458, 4),
            (-4916, 7),
            (-4375, 12),
            (-3833, 20),
            (-3291, 33),
            (-2750, 56),
            (-2208, 92),
            (-1666, 147),
            (-1125, 228),
            (-583, 335),
            (-41, 462),
            (500, 595),
            (1041, 715),
            (1583, 811),
            (2124, 880),
            (2666, 926),
            (3208, 955),
            (3750, 973),
            (4291, 984),
            (4833, 991),
            (5375, 995),
            (5916, 997),
            (6458, 998),
            (7000, 999),
        ],
    };
}
