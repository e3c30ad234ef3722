use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config> {
    let pairs: HashMap<_, _> = pairs.iter().copied().collect();
    Config::read(|name| pairs.get(name).map(ToString::to_string))
}

#[test]
fn the_table_and_the_reader_know_the_same_variables() {
    // Where data belongs and who is logged in is told by the platform, not by us.
    let asked = RefCell::new(BTreeSet::new());
    Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    })
    .unwrap();
    // The login for a registry is asked of the source of credentials, which may be another than the environment.
    let of_credentials = ["VITESSE_REGISTRY_USERNAME", "VITESSE_REGISTRY_PASSWORD"];
    let documented: BTreeSet<_> = VARIABLES
        .iter()
        .filter(|variable| !of_credentials.contains(&variable.name))
        .flat_map(|variable| {
            let has_twin = variable.secret || variable.name.ends_with("_BASE_URL");
            let twin = has_twin.then(|| format!("{}_FILE", variable.name));
            std::iter::once(variable.name.to_owned()).chain(twin)
        })
        .chain(["HOME", "LOGNAME", "USER", "XDG_DATA_HOME"].map(String::from))
        .collect();
    assert_eq!(asked.into_inner(), documented);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let error = read(&[
        ("BATCH_SIZE", "0"),
        ("QDRANT_URL", "localhost:6333"),
        ("KNOWLEDGE_DB_BACKEND", "chroma"),
        ("POSTGRES_SERVER", "localhost"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ])
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    let text = error.to_string();
    for name in ["5 places", "BATCH_SIZE", "QDRANT_URL", "chroma", "POSTGRES_DB", "/nowhere/key"] {
        assert!(text.contains(name), "{name} is missing in: {text}");
    }
}

#[test]
fn a_url_wins_and_parts_are_escaped() {
    let parts = [
        ("POSTGRES_SERVER", "db"),
        ("POSTGRES_USER", "vi@tesse"),
        ("POSTGRES_PASSWORD", "a/b:c d"),
        ("POSTGRES_DB", "v"),
    ];
    let config = read(&parts).unwrap();
    assert_eq!(config.store_url().expose(), "postgres://vi%40tesse:a%2Fb%3Ac%20d@db/v");
    let with_url: Vec<_> = parts.into_iter().chain([("VITESSE_STORE", "memory:")]).collect();
    assert_eq!(read(&with_url).unwrap().store_url().expose(), "memory:");
    assert!(!format!("{config:?}").contains("a/b"));
}

#[test]
fn without_anything_the_store_is_embedded_in_the_data_folder() {
    let url = |pairs: &[_]| read(pairs).unwrap().store_url().expose().to_owned();
    assert_eq!(url(&[("HOME", "/home/a")]), "embedded:/home/a/.local/share/vitesse/store");
    assert_eq!(url(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "/d")]), "embedded:/d/vitesse/store");
    assert_eq!(url(&[("VITESSE_HOME", "/v"), ("XDG_DATA_HOME", "/d")]), "embedded:/v/store");
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "hunter2\n").unwrap();
    let config = read(&[("JWT_SECRET_FILE", path.to_str().unwrap())]).unwrap();
    assert!(config.jwt_secret.unwrap().is("hunter2"));
}

#[test]
fn what_is_logged_is_a_level_or_levels_of_modules() {
    for right in ["", "off", "INFO", "warn,vitesse_core::net=debug", "a-b=trace, error"] {
        read(&[("VITESSE_LOG", right)]).unwrap();
    }
    for wrong in ["((", "wran", "info,", "net=loud", "=info", "a b=info"] {
        let error = read(&[("VITESSE_LOG", wrong)]).unwrap_err();
        assert!(error.to_string().contains("VITESSE_LOG"), "{wrong}: {error}");
    }
}
