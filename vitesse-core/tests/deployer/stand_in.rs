//! A program that keeps the contract of `vitesse-runtime serve` as far as a target sees it. This test binary starts
//! itself as that program, through a script that answers `--version --json`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use vitesse_core::mapping::Mapping;

/// Writes the script; `test` is the test that plays the program when it is asked to.
pub(crate) fn script(folder: &Path, test: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let path = folder.join("vitesse-runtime");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then\n  echo '{{\"version\": \"9.9.9\", \"mapping_versions\": [1]}}'\n\
         else\n  VITESSE_STAND_IN=1 exec '{}' '{test}' --exact --nocapture\nfi\n",
        program.display()
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Plays the program, if this process is it. What it does is the name of the mapping's stream.
pub(crate) fn play() -> bool {
    if std::env::var_os("VITESSE_STAND_IN").is_none() {
        return false;
    }
    let path = PathBuf::from(std::env::var("VITESSE_MAPPING").unwrap());
    let file = if path.is_dir() { path.join("001.json") } else { path };
    let mapping = Mapping::parse(&std::fs::read(file).unwrap()).unwrap();
    let role = mapping.stream;
    println!("stand-in: {role}");
    // One process holds the state: a second one would find the lock taken.
    let state = PathBuf::from(std::env::var("VITESSE_STATE").unwrap());
    let lock = std::fs::File::create(state.join("lock")).unwrap();
    assert!(lock.try_lock().is_ok(), "another process holds the state");
    let names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    std::fs::write(state.join("environment"), names.join("\n")).unwrap();
    assert!(role != "refuses", "it refuses to start");
    let listener = TcpListener::bind(std::env::var("VITESSE_LISTEN").unwrap()).unwrap();
    let status = if role == "sick" { "503 Service Unavailable" } else { "200 OK" };
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let asked = lines.next().unwrap_or_default();
        if asked.starts_with("GET /crash") {
            std::process::exit(3);
        }
        let _ = lines.find(String::is_empty);
        let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    }
    true
}
