//! The proof from outside: a source and a destination in processes of their own, which fail in every way that they can
//! think of and write down what really happened, and the runtime between them, killed at random moments.
//!
//! Nothing here knows the runtime's code or the library's: a mistake there can't be made here again. What is proved is in
//! `judge.rs`.
//!
//! `VITESSE_CHAOS_SEED` chooses another fate than the one that CI sees each time.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a proof says what it proved, and peers where they listen"
)]

mod destination;
mod dice;
mod driver;
mod http;
mod judge;
#[cfg(feature = "postgres")]
mod replicas;
mod source;

use driver::{Kind, Plan};

/// Runs as the peer that the environment names, if it names one: the processes of this proof are this program again.
fn is_peer() -> bool {
    let Ok(role) = std::env::var("VITESSE_CHAOS_PEER") else { return false };
    let mut words = role.split(' ');
    let role = words.next().unwrap().to_owned();
    let mut number = || words.next().unwrap().parse::<u64>().unwrap();
    match role.as_str() {
        "source" => source::serve(number(), number() as usize),
        "destination" => destination::serve(number(), Kind::ALL[number() as usize]),
        other => panic!("there is no peer {other}"),
    }
    true
}

fn prove(test: &str, kind: Kind) {
    if !is_peer() {
        driver::prove(test, kind, &Plan::chosen());
    }
}

#[test]
fn crash_at_a_destination_that_honours_keys() {
    prove("crash_at_a_destination_that_honours_keys", Kind::Keys);
}

#[test]
fn crash_at_a_destination_with_a_natural_key() {
    prove("crash_at_a_destination_with_a_natural_key", Kind::Natural);
}

#[test]
fn crash_at_a_destination_with_neither() {
    prove("crash_at_a_destination_with_neither", Kind::Neither);
}

#[cfg(feature = "postgres")]
#[test]
fn crash_of_one_of_two_replicas() {
    if !is_peer() {
        replicas::prove("crash_of_one_of_two_replicas", &Plan::chosen());
    }
}
