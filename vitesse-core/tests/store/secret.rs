//! The encrypted credential source in processes that have its key, another one, or none.

use std::path::Path;
use std::process::Command;

use vitesse_core::secret::{CredentialSource, EncryptedSource, KeyRing, Secret};

const FILE: &str = "VITESSE_TEST_CREDENTIALS";

/// Opens the source in a process of its own whose only key is `key`, and gives what it says.
fn start(file: &Path, key: Option<(&str, &str)>) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "secret::it_refuses_to_start_without_its_key", "--nocapture"]);
    child.env(FILE, file).env_remove("SECRET_KEY").env_remove("SECRET_KEY_FILE").envs(key);
    String::from_utf8(child.output().unwrap().stdout).unwrap()
}

#[test]
fn it_refuses_to_start_without_its_key() {
    if let Some(file) = std::env::var_os(FILE) {
        match EncryptedSource::open_with_env(file) {
            Ok(source) => println!("\nstarted with {:?}", source.names().unwrap()),
            Err(error) => println!("\nrefused as {}: {error}", error.kind().id()),
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    // Even before there is a file: a key that is missing is noticed at the start, not at the first secret.
    let none = start(&file, None);
    assert!(none.contains("refused as config_invalid") && none.contains("SECRET_KEY"), "{none}");

    let (old, new) = (KeyRing::generate(), KeyRing::generate());
    let source = EncryptedSource::open(&file, KeyRing::parse(&old).unwrap()).unwrap();
    for name in ["A", "B", "C"] {
        source.put(name, &Secret::new(format!("plaintext-{name}"))).unwrap();
    }
    let with = |key: &str| start(&file, Some(("SECRET_KEY", key)));
    let refused = |said: &str| {
        assert!(said.contains("refused as config_invalid") && said.contains("SECRET_KEY"), "{said}");
        assert!(!said.contains("plaintext"), "{said}");
    };
    let started = r#"started with ["A", "B", "C"]"#;
    refused(&start(&file, None));
    refused(&with(""));
    refused(&with("not-a-key"));
    refused(&with(new.expose()));
    assert!(with(old.expose()).contains(started));
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, format!("{}\n", old.expose())).unwrap();
    assert!(start(&file, Some(("SECRET_KEY_FILE", key_file.to_str().unwrap()))).contains(started));

    // After a rotation the old key opens nothing any more, and the new one all.
    let both = format!("{},{}", new.expose(), old.expose());
    assert!(with(&both).contains(started));
    EncryptedSource::open(&file, KeyRing::parse(&Secret::new(both)).unwrap()).unwrap().rotate().unwrap();
    refused(&with(old.expose()));
    assert!(with(new.expose()).contains(started));
    let source = EncryptedSource::open(&file, KeyRing::parse(&new).unwrap()).unwrap();
    for name in ["A", "B", "C"] {
        assert!(source.get(name).unwrap().unwrap().is(&format!("plaintext-{name}")));
    }
}
