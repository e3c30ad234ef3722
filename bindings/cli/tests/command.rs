//! The command as people and scripts use it: the cases in `tests/cmd`, and what they can't show.
//!
//! `TRYCMD=overwrite` writes what was printed into the cases.

#[test]
fn every_case_does_what_it_says() {
    let home = tempfile::tempdir().unwrap();
    trycmd::TestCases::new()
        .env("VITESSE_HOME", home.path().to_str().unwrap())
        .env("NO_COLOR", "1")
        .register_bin("vitesse", trycmd::cargo::cargo_bin!("vitesse"))
        .case("tests/cmd/*.md")
        .run();
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let run =
        || std::process::Command::new(trycmd::cargo::cargo_bin!("vitesse")).arg("man").arg(&pages).output();
    let output = run().unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("vitesse.1").contains("vitesse\\-errors(1)"));
    assert!(page("vitesse-store-check.1").contains(".TH vitesse-store-check 1"));
    // A folder that can't be made is an error that names it.
    std::fs::remove_dir_all(&pages).unwrap();
    std::fs::write(&pages, "a file").unwrap();
    let output = run().unwrap();
    assert_eq!(output.status.code(), Some(23));
    assert!(String::from_utf8_lossy(&output.stderr).contains(pages.to_str().unwrap()));
}

#[test]
fn an_argument_that_is_no_text_is_a_usage_error() {
    use std::os::unix::ffi::OsStrExt as _;
    let word = std::ffi::OsStr::from_bytes(b"\xff");
    let output = std::process::Command::new(trycmd::cargo::cargo_bin!("vitesse"))
        .arg("errors")
        .arg(word)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
