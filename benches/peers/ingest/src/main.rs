//! `ingest-peers TOOL FILE RUNS`: the least processor time of several readings, in milliseconds, and the greatest
//! memory of the process beside the document, in MB.

use std::hint::black_box;
use std::time::Duration;

use saphyr_parser::Parser;
use vitesse_core::ingestor::{ReadOptions, read};

fn now() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

/// What one reading makes, or why it can't.
fn once(tool: &str, bytes: &[u8]) -> Result<Box<dyn std::any::Any>, String> {
    let text = || std::str::from_utf8(bytes).unwrap();
    let told = |error: &dyn std::fmt::Display| error.to_string().chars().take(80).collect::<String>();
    Ok(match tool {
        "vitesse" => Box::new(read(bytes, &ReadOptions::default()).map_err(|e| told(&e))?),
        "serde_json::Value" => Box::new(serde_json::from_slice::<serde_json::Value>(bytes).map_err(|e| told(&e))?),
        "openapiv3" => Box::new(serde_json::from_slice::<openapiv3::OpenAPI>(bytes).map_err(|e| told(&e))?),
        "oas3" => Box::new(oas3::from_json(text()).map_err(|e| told(&e))?),
        "saphyr-parser, events only" => {
            Box::new(Parser::new_from_str(text()).map(|event| event.map_err(|e| told(&e)).map(|_| 1_usize)).sum::<Result<usize, String>>()?)
        }
        "serde_yaml_ng::Value" => Box::new(serde_yaml_ng::from_slice::<serde_yaml_ng::Value>(bytes).map_err(|e| told(&e))?),
        other => return Err(format!("there is no reader {other}")),
    })
}

fn main() {
    let [tool, file, runs] = std::env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let bytes = std::fs::read(file).unwrap();
    let mut best = Duration::MAX;
    for _ in 0..runs.parse().unwrap() {
        let start = now();
        match once(&tool, black_box(&bytes)) {
            Ok(made) => {
                best = best.min(now() - start);
                drop(made);
            }
            Err(error) => return println!("- - {error}"),
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{:.2} {:.1}", best.as_secs_f64() * 1e3, peak / 1e3 * 1.024 - bytes.len() as f64 / 1e6);
}
