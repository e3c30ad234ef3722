//! The order of the rooms, and which of them may open a socket.

use std::path::Path;

use crate::sources::{code, code_without_tests, files, root};

/// The rooms from top to bottom: each may use only those before it. A room that isn't built yet has its
/// place here already, so that it can't be put anywhere else.
const ROOMS: &[&str] = &[
    "error",
    "files",
    "secret",
    "config",
    "progress",
    "spec",
    "mapping",
    "transform",
    "net",
    "store",
    "sync",
    "service",
    "ingestor",
    "embed",
    "knowledge",
    "discovery",
    "mapper",
    "generate",
    "mock",
    "guardian",
    "deployer",
    "monitor",
    "healer",
    "concept",
    "tenancy",
    "orchestrator",
    // Not a room: what outside backends run against themselves. Behind a feature of its own.
    "testing",
];

/// Stricter than the order: the hot path knows nothing but the mapping it runs.
const ONLY: &[(&str, &[&str])] = &[("transform", &["error", "mapping"])];

/// Places that connect to addresses the operator configures, never to ones a user names.
const CONNECTS: &[(&str, &str)] = &[
    ("store/postgres", "the database the operator configured"),
    ("deployer/local", "the Docker Engine the operator runs"),
    ("service/http", "listeners: they accept connections and open none"),
    ("service/shared", "holds the listeners until they are served"),
    ("mock/serve", "a listener: it accepts connections and opens none"),
];

/// What opens a connection, by the names one would import.
const OPENS: &[&str] =
    &["TcpStream", "UdpSocket", "reqwest", "hyper", "bollard", "ureq", "lookup_host", "ToSocketAddrs"];

fn position(room: &str) -> Option<usize> {
    ROOMS.iter().position(|name| *name == room)
}

/// Each source file of the core with the room it is in and its path within `src`.
fn room_files() -> Vec<(String, String, std::path::PathBuf)> {
    let src = root().join("vitesse-core/src");
    files(&src, "rs")
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
            let room = inside.split(['/', '.']).next().unwrap().to_owned();
            (room, inside, path)
        })
        .collect()
}

/// The first names after `crate::`, groups included.
fn used_rooms(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, word) in code.match_indices("crate::") {
        // `vitesse_core::` in a doc test or macro is another crate's view; `$crate::` is ours.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + word.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            used.extend(group_heads(group));
        } else {
            used.push(ident(rest));
        }
    }
    used
}

fn ident(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first name of each member of a `{a::b, c::{d, e}}` group, its opening brace already read.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut start = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                heads.push(ident(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    heads
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let mut wrong = Vec::new();
    for (room, inside, path) in room_files().into_iter().filter(|(room, ..)| room != "lib") {
        let own = position(&room).unwrap_or_else(|| panic!("{room} has no place in the order of the rooms"));
        for used in used_rooms(&code(&path)) {
            let allowed = match position(&used) {
                // Root re-exports are the door of `error`.
                None => matches!(used.as_str(), "Error" | "ErrorKind" | "Result"),
                Some(there) => {
                    let only = ONLY.iter().find(|(name, _)| *name == room);
                    there == own
                        || (there < own && only.is_none_or(|(_, only)| only.contains(&used.as_str())))
                }
            };
            if !allowed {
                wrong.push(format!("{inside} uses crate::{used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_room_is_reached_behind_the_orders_back() {
    // `super` that climbs out of a room would hide from the test above.
    let mut wrong = Vec::new();
    for (room, inside, path) in room_files().into_iter().filter(|(room, ..)| room != "lib") {
        let code = code(&path);
        for (at, word) in code.match_indices("super::") {
            let name = ident(&code[at + word.len()..]);
            let inner = path.parent().unwrap();
            let is_inner =
                Path::new(&inner.join(&name)).is_dir() || inner.join(format!("{name}.rs")).is_file();
            if position(&name).is_some() && name != room && !is_inner {
                wrong.push(format!("{inside} climbs to super::{name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_crate_lists_its_rooms_in_their_order() {
    let code = code(&root().join("vitesse-core/src/lib.rs"));
    let listed: Vec<_> =
        code.match_indices("pub mod ").map(|(at, word)| ident(&code[at + word.len()..])).collect();
    let places: Vec<_> =
        listed.iter().map(|room| position(room).unwrap_or_else(|| panic!("unknown room {room}"))).collect();
    assert!(places.is_sorted(), "{listed:?}");
    for (room, ..) in room_files().iter().filter(|(room, ..)| room != "lib") {
        assert!(listed.contains(room), "src/{room} is in no `pub mod`");
    }
}

#[test]
fn only_net_opens_connections() {
    let mut wrong = Vec::new();
    for (room, inside, path) in room_files() {
        if matches!(room.as_str(), "net" | "testing")
            || CONNECTS.iter().any(|(place, _)| inside.starts_with(place))
        {
            continue;
        }
        if inside.ends_with("tests.rs") {
            continue;
        }
        let code = code_without_tests(&path);
        wrong.extend(
            OPENS.iter().filter(|word| has_word(&code, word)).map(|word| format!("{inside}: {word}")),
        );
    }
    // The faces and the runtime connect through the core, never by themselves.
    for folder in ["bindings", "vitesse-runtime/src"] {
        for path in files(&root().join(folder), "rs") {
            if path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "target") {
                continue;
            }
            let code = code_without_tests(&path);
            let found = OPENS.iter().filter(|word| has_word(&code, word));
            wrong.extend(found.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn has_word(code: &str, word: &str) -> bool {
    let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .any(|(at, _)| edge(code[..at].chars().next_back()) && edge(code[at + word.len()..].chars().next()))
}

#[test]
fn every_room_forbids_unsafe_code_but_the_hot_path() {
    let src = root().join("vitesse-core/src");
    for room in ROOMS.iter().filter(|room| **room != "transform") {
        let door = [src.join(room).join("mod.rs"), src.join(format!("{room}.rs"))];
        if let Some(door) = door.iter().find(|door| door.is_file()) {
            assert!(code(door).contains("#![forbid(unsafe_code)]"), "{room} doesn't forbid unsafe code");
        }
    }
    for main in [
        "bindings/cli/src/main.rs",
        "bindings/http/src/lib.rs",
        "vitesse-runtime/src/main.rs",
        "templates/src/lib.rs",
    ] {
        assert!(
            code(&root().join(main)).contains("#![forbid(unsafe_code)]"),
            "{main} doesn't forbid unsafe code"
        );
    }
}

#[test]
fn the_scanner_sees_through_groups_and_paths() {
    let code =
        "use crate::{store::Key, error::{Error, Result}};\nlet x = crate::net::get(); $crate::mapping::f!()";
    assert_eq!(used_rooms(code), ["store", "error", "net", "mapping"]);
    assert!(used_rooms("my_crate::store").is_empty());
    assert!(has_word("use tokio::net::TcpStream;", "TcpStream") && !has_word("MyTcpStreams", "TcpStream"));
}
