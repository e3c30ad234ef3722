//! Runs every `console` block of the README and the book, from the workspace's folder.
//!
//! `TRYCMD=overwrite` writes what was printed into the blocks.

#[test]
fn every_example_does_what_it_says() {
    // The only test of this file, so that nobody else minds where the process stands.
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let vitesse = trycmd::cargo::cargo_bin!("vitesse");
    trycmd::TestCases::new()
        .env("VITESSE_HOME", home.path().to_str().unwrap())
        .env("NO_COLOR", "1")
        .register_bin("vitesse", vitesse)
        // Built beside ours whenever the workspace's tests are.
        .register_bin("vitesse-runtime", vitesse.with_file_name("vitesse-runtime"))
        .case("README.md")
        .case("docs/src/*.md")
        .case("docs/src/**/*.md")
        .run();
}
