//! The mapping room from outside: its generated pages.

use std::path::PathBuf;

use vitesse_core::mapping::{function_reference, json_schema};
use vitesse_core::testing::assert_generated;

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference").join(file)
}

#[test]
fn generated_json_schema_of_the_mapping() {
    assert_generated(docs("mapping.schema.json"), &json_schema());
}

#[test]
fn generated_reference_of_the_functions() {
    const MARK: &str = "change it there. -->\n";
    let page = std::fs::read_to_string(docs("mapping.md")).unwrap();
    let written = &page[..page.find(MARK).unwrap() + MARK.len()];
    assert_generated(docs("mapping.md"), &format!("{written}\n{}", function_reference()));
}
