//! Pages that come from tables in the code.

use std::fmt::Write;

use vitesse_core::ErrorKind;
use vitesse_core::config::{VARIABLES, example_file};

use crate::sources::{assert_generated, root};

const NOTE: &str = "<!-- Written by `make generate` from the code; change it there. -->\n";

#[test]
fn generated_env_example() {
    assert_generated(".env.example", &example_file());
}

/// What discovery searches, of what it knows.
#[test]
fn generated_index_of_the_catalogue() {
    let folder = root().join("vitesse-core/assets/catalog");
    let catalog = std::fs::read(folder.join("catalog.bin")).unwrap();
    let made = vitesse_core::discovery::index_of(&catalog).unwrap();
    let path = folder.join("index.bin");
    if std::env::var_os("VITESSE_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read(&path).unwrap();
    assert!(kept == made, "{} is out of date: `make generate` writes it anew", path.display());
}

#[test]
fn generated_page_of_errors() {
    let mut page = format!(
        "# Errors\n\n{NOTE}\nEvery error has a kind with a stable id. A command exits with the kind's code; HTTP answers, JSON output\nand \
         logs carry the id. `vitesse errors ID` explains one in the terminal.\n\n\
         | id | exit code | meaning | what usually helps | trying again unchanged |\n|---|---|---|---|---|\n"
    );
    for kind in ErrorKind::ALL {
        let again = if kind.usually_temporary() { "can help" } else { "doesn't" };
        let (id, code, meaning, remedy) = (kind.id(), kind.exit_code(), kind.meaning(), kind.remedy());
        writeln!(page, "| `{id}` | {code} | {meaning} | {remedy} | {again} |").unwrap();
    }
    assert_generated("docs/src/reference/errors.md", &page);
}

#[test]
fn generated_page_of_metrics() {
    let mut page = format!(
        "# Metrics\n\n{NOTE}\nWhat `GET /metrics` on the admin listener of `vitesse-runtime serve` gives to Prometheus. For each of source,\ndestination, \
         stream and listener there are the four golden signals: how much is asked for, how long it takes, how\nmuch of it fails, and how \
         full it is (waits for an API's rate, open connections, records that wait).\n\n\
         | metric | type | says |\n|---|---|---|\n"
    );
    for (name, kind, doc) in vitesse_core::service::METRICS {
        writeln!(page, "| `{name}` | {kind} | {doc} |").unwrap();
    }
    assert_generated("docs/src/reference/metrics.md", &page);
}

#[test]
fn generated_page_of_the_environment() {
    let mut page = format!(
        "# Environment\n\n{NOTE}\nEverything Vitesse reads from its environment. A variable marked secret is never shown, and may stand in \
         a\nfile: `NAME_FILE` names it. `vitesse env` shows what is set; `vitesse env --example` prints a file to start\nfrom.\n"
    );
    let mut group = "";
    for variable in VARIABLES {
        if variable.group != group {
            group = variable.group;
            write!(page, "\n## {group}\n\n| variable | meaning | default |\n|---|---|---|\n").unwrap();
        }
        let secret = if variable.secret { " (secret)" } else { "" };
        writeln!(page, "| `{}`{secret} | {} | {} |", variable.name, variable.doc, variable.default).unwrap();
    }
    assert_generated("docs/src/reference/environment.md", &page);
}
