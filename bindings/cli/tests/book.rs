//! Runs every `console` block of the README and the book, and the command's own cases in `tests/cmd`.
//!
//! `TRYCMD=overwrite` writes what was printed into the blocks.

#[test]
fn every_example_does_what_it_says() {
    let home = tempfile::tempdir().unwrap();
    let cases = trycmd::TestCases::new();
    cases
        .env("VITESSE_HOME", home.path().to_str().unwrap())
        .env("NO_COLOR", "1")
        .env("SSL_CERT_FILE", "")
        .register_bin("vitesse", trycmd::cargo::cargo_bin!("vitesse"))
        .case("tests/cmd/*.md")
        .case("../../README.md")
        .case("../../docs/src/*.md")
        .case("../../docs/src/**/*.md");
    cases.run();
}
