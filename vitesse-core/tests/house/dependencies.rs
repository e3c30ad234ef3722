//! What the engine and the runtime link, held down by lists that are checked in.

use std::collections::BTreeSet;
use std::process::Command;

use crate::sources::{assert_generated, root};

/// The names of every crate that ends up in the product, sorted.
fn linked(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "x86_64-unknown-linux-gnu"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(Into::into)
        .collect()
}

fn list(names: &BTreeSet<String>, heading: &str) -> String {
    let mut text =
        format!("# {heading}\n# A new line here is a decision; `make generate` writes the file anew.\n");
    names.iter().for_each(|name| {
        text.push_str(name);
        text.push('\n');
    });
    text
}

#[test]
fn generated_list_of_what_the_engine_links() {
    let engine = linked(&["--package", "vitesse-core", "--no-default-features"]);
    for io in ["tokio", "reqwest", "hyper", "rustls", "mio", "socket2"] {
        assert!(!engine.contains(io), "the embeddable engine links {io}");
    }
    assert_generated(
        "vitesse-core/tests/house/engine.txt",
        &list(&engine, "Everything that `vitesse-core` links with --no-default-features."),
    );
}

#[test]
fn generated_list_of_what_the_runtime_links() {
    let runtime = linked(&["--package", "vitesse-runtime"]);
    // No parser of API descriptions, no model, no deployer, no templates: a container moves records.
    let foreign =
        ["openapiv3", "saphyr-parser", "bollard", "kube", "aws-sdk-ecs", "qdrant-client", "minijinja"];
    for name in foreign {
        assert!(!runtime.contains(name), "the runtime links {name}");
    }
    let core = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "features", "--package", "vitesse-runtime"])
        .current_dir(root())
        .output()
        .unwrap();
    let core = String::from_utf8_lossy(&core.stdout).into_owned();
    for feature in ["ingest", "map", "guardian", "docker", "kubernetes", "ecs", "registry", "llm"] {
        assert!(
            !core.contains(&format!("vitesse-core feature \"{feature}\"")),
            "the runtime asks for {feature}"
        );
    }
    assert_generated(
        "vitesse-core/tests/house/runtime.txt",
        &list(&runtime, "Everything that `vitesse-runtime` links."),
    );
}

#[test]
fn versions_are_chosen_in_one_place() {
    let mut wrong = Vec::new();
    for member in ["vitesse-core", "vitesse-runtime", "bindings/cli", "bindings/http", "templates", "benches"]
    {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
            } else if section.ends_with("dependencies]")
                && line.contains('=')
                && !line.contains("workspace = true")
            {
                wrong.push(format!("{member}: {line}"));
            }
        }
        for inherited in
            ["version.workspace", "edition.workspace", "rust-version.workspace", "license.workspace"]
        {
            assert!(text.contains(inherited), "{member} doesn't inherit {inherited}");
        }
        assert!(text.contains("[lints]\nworkspace = true"), "{member} doesn't inherit the lints");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_promised_compiler_is_stated_alike_everywhere() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let manifest = read("Cargo.toml");
    let stated =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(read("clippy.toml").contains(&format!("msrv = \"{stated}\"")));
    assert!(read("README.md").contains(&format!("Rust {stated}")), "README.md doesn't say Rust {stated}");
}
