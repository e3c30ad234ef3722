//! Good integrations: those of the examples, and the pairs beside this file.

use std::path::Path;

use serde_json::Value;
use vitesse_core::guardian::{Guardian, TestOptions, TestReport};
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mapping::Mapping;
use vitesse_core::progress::Progress;
use vitesse_core::spec::ApiSpec;

pub(crate) struct Integration {
    pub(crate) name: String,
    pub(crate) source: ApiSpec,
    pub(crate) dest: ApiSpec,
    /// The good mapping, as JSON.
    pub(crate) mapping: Value,
}

impl Integration {
    pub(crate) fn test(&self, mapping: &Value, options: TestOptions) -> TestReport {
        let mapping = Mapping::parse(mapping.to_string().as_bytes()).unwrap();
        Guardian::new(options).test(&mapping, &self.source, &self.dest, &Progress::none()).unwrap()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn spec(bytes: &[u8]) -> ApiSpec {
    read(bytes, &ReadOptions::default()).unwrap().spec
}

pub(crate) fn all() -> Vec<Integration> {
    let file = |path: &str| std::fs::read(root().join(path)).unwrap();
    let mut all: Vec<_> = ["customers", "orders"]
        .into_iter()
        .map(|stream| {
            let mapping = file(&format!("examples/shop-to-crm/{stream}.mapping.json"));
            Integration {
                name: format!("shop-to-crm/{stream}"),
                source: spec(&file("examples/apis/shop.yaml")),
                dest: spec(&file("examples/apis/crm.json")),
                mapping: serde_json::from_slice(&mapping).unwrap(),
            }
        })
        .collect();
    for name in ["helpdesk-to-tracker", "people-to-payroll", "warehouse-to-courier"] {
        let pair = parts(
            &String::from_utf8(file(&format!("vitesse-core/tests/guardian/pairs/{name}.txt"))).unwrap(),
        );
        let [source, dest, mapping] = pair;
        all.push(Integration {
            name: name.to_owned(),
            source: spec(source.as_bytes()),
            dest: spec(dest.as_bytes()),
            mapping: serde_json::from_str(&mapping).unwrap(),
        });
    }
    all
}

/// The parts of a pair's file: two descriptions and a mapping, each after a line `--- name`.
fn parts(text: &str) -> [String; 3] {
    let mut parts = ["source", "dest", "mapping"].map(|name| {
        let (_, rest) = text.split_once(&format!("--- {name}\n")).unwrap();
        rest.split("\n--- ").next().unwrap().to_owned()
    });
    parts.iter_mut().for_each(|part| part.push('\n'));
    parts
}
