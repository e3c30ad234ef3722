//! `vitesse`, the command.
fn main() {}
