//! The hot path: the four workloads in every layout, and each function on a short record.
//!
//! `cargo bench -p vitesse-benches --bench transform -- workload/a` measures only what the name says.

#![expect(clippy::expect_used, reason = "a bench that can't go on ends with the reason")]

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vitesse_benches::workloads::{Variant, generate};
use vitesse_core::mapping::functions::{Inputs, all};
use vitesse_core::mapping::{Functions, Mapping};
use vitesse_core::transform::{Plan, Stream};

fn plan(document: &[u8]) -> Plan {
    let mapping = Mapping::parse(document).expect("the mapping has its form");
    Plan::compile(&mapping, &Functions::builtin()).expect("the mapping is valid")
}

/// Every record of the text, block by block.
fn run(stream: &mut Stream<'_>, mut text: &[u8], out: &mut Vec<u8>) {
    stream.restart();
    while !text.is_empty() {
        let space = stream.space();
        let count = space.len().min(text.len());
        space[..count].copy_from_slice(&text[..count]);
        stream.filled(count);
        text = &text[count..];
        out.clear();
        let flow = stream.run(text.is_empty(), out, |_| ControlFlow::Break(())).expect("records are short");
        assert!(flow.is_continue(), "every record is right");
    }
    black_box(out);
}

fn workloads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("workload");
    for name in ["a", "b", "c", "d"] {
        let path = format!("{}/workloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let plan = plan(&std::fs::read(path).expect("the workload's mapping"));
        for (layout, variant) in Variant::ALL {
            // Long keys are other keys: the mapping would find nothing.
            if variant == Variant::LongKeys {
                continue;
            }
            let letter = name.chars().next().expect("a letter");
            let text = generate(letter, variant, 4 << 20).expect("a workload");
            let (mut stream, mut out) = (Stream::new(&plan), Vec::new());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("{name}/{layout}"), |bencher| {
                bencher.iter(|| run(&mut stream, &text, &mut out));
            });
        }
    }
    group.finish();
}

fn functions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("function");
    for function in all().filter(|function| !matches!(function.name, "ref" | "jq")) {
        let Some(example) = function.examples.iter().find(|example| example.output.is_some()) else {
            continue;
        };
        let mut record = String::from("{\"before\":1");
        let mut sources = Vec::new();
        for (at, input) in example.inputs.iter().enumerate() {
            sources.push(format!("\"in{at}\""));
            if !input.is_empty() {
                record.push_str(&format!(",\"in{at}\":{input}"));
            }
        }
        record.push_str(",\"after\":\"x\"}\n");
        if function.inputs == Inputs::None {
            sources.clear();
        }
        let document = format!(
            r#"{{"version": 1, "transformations": [{{"source_field": [{}], "dest_field": "out", "transform_type": "custom",
                "transform_config": {{"function": "{}", "params": {}}}}}]}}"#,
            sources.join(","),
            function.name,
            example.params
        );
        let plan = plan(document.as_bytes());
        let text = record.repeat(1000).into_bytes();
        let (mut stream, mut out) = (Stream::new(&plan), Vec::new());
        group.throughput(Throughput::Elements(1000));
        group.bench_function(function.name, |bencher| bencher.iter(|| run(&mut stream, &text, &mut out)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = workloads, functions
}
criterion_main!(benches);
