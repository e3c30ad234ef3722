//! What is proved: the books of the source, of the destination and of the runtime are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use crate::driver::{Kind, Plan, Poison, World, poison};

/// How many letters of unknown outcome a person looks at, in the long proof.
const DECIDED: usize = 400;

/// The three books.
struct Books {
    /// Of each record at the source, its version.
    versions: Vec<u64>,
    /// Of each record at the destination, its id at the source and its version, in the order they were made.
    made: Vec<(usize, u64)>,
    /// The reason of each dead letter.
    letters: BTreeMap<usize, String>,
    dest: Value,
    source: Value,
}

impl Books {
    fn of(world: &World) -> Self {
        let source: Value = serde_json::from_str(&world.source.ask("/_/ledger")).unwrap();
        let dest: Value = serde_json::from_str(&world.dest.ask("/_/ledger")).unwrap();
        let number = |value: &Value| value.as_u64().unwrap();
        let letters = world.run(world.command(&["dead-letters", "list", "--json"]));
        let letters: Vec<Value> = letters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self {
            versions: source["versions"].as_array().unwrap().iter().map(number).collect(),
            made: dest["made"]
                .as_array()
                .unwrap()
                .iter()
                .map(|made| (number(&made[0]) as usize, number(&made[1])))
                .collect(),
            letters: letters
                .iter()
                .map(|letter| {
                    let text = |name: &str| letter[name].as_str().unwrap().to_owned();
                    (text("id").parse().unwrap(), text("reason"))
                })
                .collect(),
            dest,
            source,
        }
    }

    fn unknown(&self) -> BTreeSet<usize> {
        self.letters.iter().filter(|(_, reason)| *reason == "unknown_outcome").map(|(id, _)| *id).collect()
    }

    /// The proof itself.
    fn judge(&self, kind: Kind) {
        let unknown = self.unknown();
        assert!(kind == Kind::Neither || unknown.is_empty(), "it could have been found out: {unknown:?}");
        assert_eq!(self.dest["wrong"], serde_json::json!([]), "what must never happen");

        let mut there: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (id, version) in &self.made {
            there.entry(*id).or_default().push(*version);
        }
        for (id, version) in self.versions.iter().enumerate() {
            let versions = there.get(&id).map_or(&[][..], Vec::as_slice);
            assert!(versions.len() <= 1, "{id} was made {} times", versions.len());
            let expected = match poison(id) {
                Some(Poison::Refused) => Some("refused"),
                Some(Poison::Broken) => Some("transform"),
                None => None,
            };
            let letter = self.letters.get(&id).map(String::as_str);
            match (expected, letter) {
                // Whether it was made is not known, and a person decides.
                (_, Some("unknown_outcome")) => {}
                (expected, letter) => {
                    assert_eq!(letter, expected, "the letter about {id}");
                    let wanted = if expected.is_none() { vec![*version] } else { Vec::new() };
                    assert_eq!(
                        versions, wanted,
                        "the versions of {id}: nothing is lost, the newest stands there"
                    );
                }
            }
        }
    }
}

/// Lets the runtime finish, first between failing peers and then between calm ones, and judges.
pub(crate) fn finish(world: &World, plan: &Plan, killed: usize, started: Instant) {
    world.run(world.sync());
    world.source.ask("/_/calm");
    world.dest.ask("/_/calm");
    world.run(world.sync());
    let books = Books::of(world);
    books.judge(world.kind);
    println!(
        "{:?}: seed {}, {} processes, {killed} killed at work, {:.0} s; {} records, {} made, {} updates, {} requests to the \
         destination, {} answered as known; {} letters, {} of them of unknown outcome; faults of the destination {}, of the \
         source {}",
        world.kind,
        plan.seed,
        plan.rounds,
        started.elapsed().as_secs_f64(),
        plan.records,
        books.made.len(),
        books.dest["updates"],
        world.dest.number("/_/requests"),
        books.dest["repeated"],
        books.letters.len(),
        books.unknown().len(),
        books.dest["faults"],
        books.source["faults"],
    );
    if world.kind == Kind::Neither {
        decide(world, &books);
    }
}

/// A person looks at the destination and says of each unknown outcome what became of it; then nothing is unknown any more.
fn decide(world: &World, books: &Books) {
    let there: BTreeMap<usize, usize> =
        books.made.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
    let unknown: Vec<usize> = books.unknown().into_iter().collect();
    let decided = &unknown[..unknown.len().min(DECIDED)];
    for id in decided {
        let name = id.to_string();
        match there.get(id) {
            Some(at) => {
                let at = at.to_string();
                world.run(world.command(&["dead-letters", "delivered", &name, "--dest-id", &at]))
            }
            None => world.run(world.command(&["dead-letters", "replay", &name, "--force"])),
        };
    }
    world.run(world.sync());
    let after = Books::of(world);
    after.judge(world.kind);
    let left = after.unknown();
    assert!(decided.iter().all(|id| !left.contains(id)), "what was decided is not unknown: {left:?}");
}
