use serde::Serialize;
use vitesse_core::config::{Config, VARIABLES, Variable, example_file};
use vitesse_core::{Error, ErrorKind, Result};

use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(example: bool, config: &Result<Config>, ui: &Ui) -> Result<()> {
    if example && ui.is_json() {
        return Err(Error::new(ErrorKind::InvalidInput, "the example file has no JSON form")
            .help("leave out --json, or leave out --example"));
    }
    if example {
        return ui.raw(example_file().as_bytes());
    }
    let variables = VARIABLES.iter().map(Entry::new).collect();
    let problem = config.as_ref().err().map(|error| error.message().to_owned());
    ui.report(&Variables { variables, problem })
}

#[derive(Serialize)]
struct Variables {
    variables: Vec<Entry>,
    /// What is wrong with the values, if anything is.
    problem: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    group: &'static str,
    meaning: &'static str,
    default: &'static str,
    secret: bool,
    set: bool,
    /// The value, unless it is secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl Entry {
    fn new(variable: &Variable) -> Self {
        let value = std::env::var(variable.name).ok().filter(|value| !value.is_empty());
        // What stands before an @ may be a password that somebody put into an address.
        let value = value.map(|value| match value.rsplit_once('@') {
            Some((_, rest)) => format!("…@{rest}"),
            None => value,
        });
        let in_file = variable.secret && std::env::var_os(format!("{}_FILE", variable.name)).is_some();
        Self {
            name: variable.name,
            group: variable.group,
            meaning: variable.doc,
            default: variable.default,
            secret: variable.secret,
            set: value.is_some() || in_file,
            value: value.filter(|_| !variable.secret),
        }
    }

    fn state(&self) -> String {
        match (&self.value, self.set, self.default) {
            (Some(value), ..) => value.clone(),
            (None, true, _) => "set, not shown".into(),
            (None, false, "") => "-".into(),
            (None, false, default) => format!("({default})"),
        }
    }
}

impl Show for Variables {
    fn show(&self, screen: &mut Screen) {
        let mut group = "";
        let mut rows = Vec::new();
        for entry in &self.variables {
            if entry.group != group {
                screen.table(&[], std::mem::take(&mut rows));
                screen.heading(entry.group);
                group = entry.group;
            }
            rows.push(vec![entry.name.to_owned(), entry.state(), entry.meaning.to_owned()]);
        }
        screen.table(&[], rows);
        if let Some(problem) = &self.problem {
            screen.warn(problem);
        }
        screen.hint("vitesse env --example > .env");
    }
}
