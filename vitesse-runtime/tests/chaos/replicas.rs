//! Two replicas on state that they share: one reads at a time, and when it is killed the other takes over.

use std::process::Child;
use std::time::Instant;

use crate::driver::{Kind, Plan, World, kill};
use crate::{dice::Dice, judge};

pub(crate) fn prove(test: &str, plan: &Plan) {
    // Each takeover waits for the lease of the killed one to run out.
    let plan = Plan { rounds: plan.rounds / 3, ..*plan };
    let world = World::new(test, Kind::Keys, &plan, Some(server()));
    let dice = Dice::new(plan.seed, 4);
    let started = Instant::now();
    println!("two replicas: the fate is that of VITESSE_CHAOS_SEED={}", plan.seed);
    let start = || world.sync().spawn().unwrap();
    let mut both: [Child; 2] = [start(), start()];
    let mut killed = 0;
    for _ in 0..plan.rounds {
        world.change();
        world.some_time(&dice, &plan, &mut || {
            both.iter_mut().all(|child| child.try_wait().unwrap().is_some())
        });
        let at = dice.roll(2) as usize;
        killed += usize::from(kill(std::mem::replace(&mut both[at], start())));
    }
    for child in both {
        killed += usize::from(kill(child));
    }
    judge::finish(&world, &plan, killed, started);
}

/// The server that the environment names, or the one for tests. Each proof has an integration of its own in it.
fn server() -> String {
    std::env::var("VITESSE_TEST_POSTGRES").unwrap_or_else(|_| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let output =
            std::process::Command::new(root.join(".ci/parts")).args(["postgres", "start"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}
