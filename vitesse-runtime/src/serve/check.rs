//! `check`: each thing that was looked at on a line of its own.

use vitesse_core::config::VARIABLES;
use vitesse_core::mapping::Functions;
use vitesse_core::progress::Cancel;
use vitesse_core::service::{Finding, check};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::Place;
use crate::print;
use crate::sync::{block_on, json};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) env: bool,
    pub(crate) offline: bool,
    pub(crate) json: bool,
    pub(crate) place: Place,
}

/// Runs the command.
pub(crate) fn run(asked: &Asked, functions: &Functions) -> Result<()> {
    let config = super::config(&asked.place)?;
    let reach = !asked.offline && !asked.env;
    let findings = block_on(async { Ok(check(functions, &config, reach, &Cancel::new()).await) })?;
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| !finding.ok).collect();
    if asked.env {
        environment(&wrong)?;
    } else {
        for finding in &findings {
            let line = match (asked.json, finding.ok) {
                (true, _) => json(finding)?,
                (false, true) => format!("ok     {}: {}", finding.subject, finding.message),
                (false, false) => format!("WRONG  {}: {}", finding.subject, finding.message),
            };
            print(&format!("{line}\n"))?;
        }
    }
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => {
            let all: Vec<_> =
                wrong.iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect();
            Err(Error::new(ErrorKind::ConfigInvalid, all.join("; ")).in_operation("runtime.check"))
        }
    }
}

/// The variables that this binary reads, each with whether it is set.
fn environment(wrong: &[&Finding]) -> Result<()> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    for variable in VARIABLES.iter().filter(|variable| is_read(variable.name, variable.group)) {
        let name = variable.name;
        let state = match () {
            () if set(name) => "set",
            () if set(&format!("{name}_FILE")) => "set by file",
            () if wrong.iter().any(|finding| names(&finding.message, name)) => "MISSING",
            () => "not set",
        };
        print(&format!("{name:<30} {state:<12} {}\n", variable.doc))?;
    }
    Ok(())
}

fn is_read(name: &str, group: &str) -> bool {
    group == "The runtime"
        || matches!(
            name,
            "SOURCE_API_KEY"
                | "DEST_API_KEY"
                | "BATCH_SIZE"
                | "SECRET_KEY"
                | "SSL_CERT_FILE"
                | "VITESSE_ALLOW"
                | "VITESSE_LOG"
        )
}

/// Whether a message speaks of a variable, and not only of one whose name begins like it.
fn names(message: &str, variable: &str) -> bool {
    message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == variable)
}
