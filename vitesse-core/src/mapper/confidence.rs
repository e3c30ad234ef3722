/// How likely a line of this score, this far ahead of its rivals, is right, in thousandths.
pub(super) fn of(score: i32, ahead: i32) -> u16 {
    (score + ahead.clamp(-100, 100) / 2).clamp(0, 999) as u16
}
