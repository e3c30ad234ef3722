use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind as UsageKind;
use serde::Serialize;
use vitesse_core::{Error, ErrorKind};

use super::screen::{BOLD, DIM, RED, plain};

/// The JSON form of an error; the same fields as everywhere else.
#[derive(Serialize)]
struct Envelope<'a> {
    error: Failure<'a>,
}

#[derive(Serialize)]
struct Failure<'a> {
    id: &'a str,
    message: &'a str,
    operation: &'a str,
    temporary: bool,
    context: serde_json::Map<String, serde_json::Value>,
    help: Option<&'a str>,
    causes: Vec<String>,
    exit_code: u8,
}

/// Prints an error on stderr. A closed stderr is nobody's problem.
pub(super) fn print(error: &Error, json: bool) {
    let mut stderr = anstream::stderr().lock();
    let _ = match json {
        true => writeln!(stderr, "{}", as_json(error)),
        false => write!(stderr, "{}", as_text(error)),
    };
}

fn as_json(error: &Error) -> String {
    let context = error.context().iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into()));
    let envelope = Envelope {
        error: Failure {
            id: error.kind().id(),
            message: error.message(),
            operation: error.operation(),
            temporary: error.is_temporary(),
            context: context.collect(),
            help: error.help_text(),
            causes: error.causes().collect(),
            exit_code: error.kind().exit_code(),
        },
    };
    serde_json::to_string(&envelope).unwrap_or_else(|_| r#"{"error":{"id":"internal"}}"#.into())
}

fn as_text(error: &Error) -> String {
    let mut text = format!("{RED}error{RED:#}: {}\n", multiline(error.message()));
    for (key, value) in error.context() {
        text.push_str(&format!("  {DIM}{key}:{DIM:#} {}\n", plain(value)));
    }
    for cause in error.causes() {
        text.push_str(&format!("  {DIM}because:{DIM:#} {}\n", plain(cause)));
    }
    let help = error.help_text().unwrap_or_else(|| error.kind().remedy());
    text.push_str(&format!("  {BOLD}help:{BOLD:#} {help}\n"));
    text
}

/// A message may list several problems, a line each.
fn multiline(message: &str) -> String {
    message.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Words that can't be understood. Help and version come this way too, and are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(
        error.kind(),
        UsageKind::DisplayHelp
            | UsageKind::DisplayVersion
            | UsageKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !asked && std::env::args_os().any(|word| word == "--json") {
        let text = error.render().to_string();
        let (message, rest) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
        let tip = rest.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        let failure = Error::new(ErrorKind::InvalidInput, message.trim_start_matches("error: ").to_owned())
            .in_operation("cli.parse")
            .help(tip.unwrap_or("`vitesse --help` shows what can be typed").to_owned());
        print(&failure, true);
    } else {
        // What can't be printed has nobody to read it.
        let _ = error.print();
    }
    match error.kind() {
        UsageKind::DisplayHelp | UsageKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(ErrorKind::InvalidInput.exit_code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_text_and_json() {
        for kind in ErrorKind::ALL {
            let error = Error::new(*kind, "it broke").with("where", "here");
            assert!(kind.exit_code() > 1, "{kind}");
            let json: serde_json::Value = serde_json::from_str(&as_json(&error)).unwrap();
            assert_eq!(json["error"]["id"], kind.id());
            assert_eq!(json["error"]["exit_code"], kind.exit_code());
            assert_eq!(json["error"]["context"]["where"], "here");
            let text = anstream::adapter::strip_str(&as_text(&error)).to_string();
            assert_eq!(text, format!("error: it broke\n  where: here\n  help: {}\n", kind.remedy()));
        }
    }
}
