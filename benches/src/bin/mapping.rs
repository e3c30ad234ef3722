//! How well the mapper finds the pairs of fields: `mapping bench|looks|lines FOLDER [WEIGHTS]`.
//!
//! `bench` prints a table. The other two write JSON for the script that fits the weights: everything that was
//! seen, and the lines that come of it.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use vitesse_benches::mapping::score::{Count, Judge, Verdict, calibration_error};
use vitesse_benches::mapping::{Ready, baselines, cases};
use vitesse_core::mapper::matching::{Matches, tuning};

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, folder) = match arguments.as_slice() {
        [what, folder, ..] => (what.as_str(), Path::new(folder)),
        _ => return Err("usage: mapping bench|looks|lines FOLDER [WEIGHTS]".to_owned()),
    };
    let cases = cases(folder)?;
    if cases.is_empty() {
        return Err(format!("{}: there are no cases", folder.display()));
    }
    let weights = match arguments.get(2) {
        Some(file) => {
            let text = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            serde_json::from_slice(&text).map_err(|error| format!("{file}: {error}"))?
        }
        None => tuning::Weights::BUILTIN,
    };
    match what {
        "bench" => bench(&cases).map_err(|error| error.to_string()),
        "looks" => looks(&cases, &weights).map_err(|error| error.to_string()),
        "lines" => lines(&cases, &weights).map_err(|error| error.to_string()),
        _ => Err(format!("{what}: is none of bench, looks and lines")),
    }
}

fn looks(cases: &[Ready], weights: &tuning::Weights) -> vitesse_core::Result<()> {
    let mut all = BTreeMap::new();
    for ready in cases {
        let judge = Judge::new(&ready.case);
        let looks = tuning::looks(ready.source(), ready.dest(), &ready.known(), weights)?;
        let labelled = looks.iter().enumerate().filter_map(|(at, look)| {
            let right = match judge.verdict(&look.source, &look.dest) {
                Verdict::Right(_) => true,
                Verdict::Wrong => false,
                Verdict::Unknown => return None,
            };
            // Of the many that are plainly wrong, one in eight stands for the others.
            let plain = !right && look.pair.iter().take(2).all(|cover| *cover < 400);
            if look.by_rule || plain && at % 8 != 0 {
                return None;
            }
            let stands_for = if plain { 8 } else { 1 };
            let seen = (&look.pair, &look.relations, &look.signs, &look.source, &look.dest);
            Some(json!([i32::from(right), stands_for, seen.0, seen.1, seen.2, seen.3, seen.4]))
        });
        let looks: Vec<Value> = labelled.collect();
        all.insert(&ready.case.id, json!({"gold": judge.right(), "looks": looks}));
    }
    let names = json!({"pair": tuning::pair_names(), "relations": tuning::relation_names(),
        "signs": tuning::sign_names()});
    println!("{}", json!({"names": names, "cases": all}));
    Ok(())
}

fn lines(cases: &[Ready], weights: &tuning::Weights) -> vitesse_core::Result<()> {
    let mut all = BTreeMap::new();
    for ready in cases {
        let matches = tuning::match_with(ready.source(), ready.dest(), &ready.known(), weights)?;
        let judge = Judge::new(&ready.case);
        let lines: Vec<Value> = pairs(&matches)
            .map(|(source, dest, confidence)| {
                let verdict = match judge.verdict(source, dest) {
                    Verdict::Right(_) => 1,
                    Verdict::Wrong => 0,
                    Verdict::Unknown => -1,
                };
                json!([source, dest, f64::from(confidence) / 1000.0, verdict])
            })
            .collect();
        let count = judge.count(pairs(&matches).map(|(source, dest, _)| (source, dest)));
        let counts = [count.right, count.wrong, count.missing];
        all.insert(
            &ready.case.id,
            json!({"lines": lines, "count": counts, "refused": matches.refused.is_some()}),
        );
    }
    println!("{}", json!(all));
    Ok(())
}

fn pairs(matches: &Matches) -> impl Iterator<Item = (&str, &str, u16)> {
    matches.pairs.iter().map(|pair| {
        (matches.source[pair.source].path.as_str(), matches.dest[pair.dest].path.as_str(), pair.confidence)
    })
}

fn bench(cases: &[Ready]) -> vitesse_core::Result<()> {
    let mut total = Count::default();
    let mut said = Vec::new();
    let (mut sure, mut sure_right, mut refused) = (0, 0, 0);
    let mut compared = Vec::new();
    // Read the model before the clock starts.
    cases.first().map(Ready::matches).transpose()?;
    let start = Instant::now();
    let answers = cases.iter().map(Ready::matches).collect::<vitesse_core::Result<Vec<_>>>()?;
    let took = start.elapsed();
    for (ready, matches) in cases.iter().zip(&answers) {
        let judge = Judge::new(&ready.case);
        refused += usize::from(matches.refused.is_some());
        total.add(judge.count(pairs(matches).map(|(source, dest, _)| (source, dest))));
        for (source, dest, confidence) in pairs(matches) {
            let right = match judge.verdict(source, dest) {
                Verdict::Right(_) => true,
                Verdict::Wrong => false,
                Verdict::Unknown => continue,
            };
            said.push((f64::from(confidence) / 1000.0, right));
            sure += usize::from(confidence >= 900);
            sure_right += usize::from(confidence >= 900 && right);
        }
        let paths =
            |fields: &[vitesse_core::spec::Field]| fields.iter().map(|field| field.path.clone()).collect();
        compared.push((judge, paths(&matches.source), paths(&matches.dest)));
    }
    let gold = total.right + total.missing;
    println!("{} cases, {gold} right pairs, {refused} refused", cases.len());
    println!("{:<24} {:>6} {:>6} {:>6}", "", "P", "R", "F1");
    let row = |name: &str, count: Count| {
        let [p, r, f1] = count.shares();
        println!("{name:<24} {p:>6.3} {r:>6.3} {f1:>6.3}");
    };
    row("vitesse", total);
    for (name, likeness) in baselines::ALL {
        let (threshold, count) = baselines::best(&compared, likeness);
        row(&format!("{name} >= {threshold:.2}"), count);
    }
    println!("calibration error        {:.3}", calibration_error(&said));
    println!(
        "confidence >= 0.9        precision {:.3}, covering {:.3} of the right pairs",
        sure_right as f64 / sure.max(1) as f64,
        sure_right as f64 / gold.max(1) as f64
    );
    let fields = |side: usize| -> usize {
        compared.iter().map(|(_, source, dest)| [source.len(), dest.len()][side]).sum::<usize>() / cases.len()
    };
    println!(
        "time per pair of records {:.2} ms, with {} x {} fields on average",
        took.as_secs_f64() * 1000.0 / cases.len() as f64,
        fields(0),
        fields(1)
    );
    Ok(())
}
