use serde::Serialize;
use vitesse_core::{ErrorKind, Result};

use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(id: Option<&str>, ui: &Ui) -> Result<()> {
    match id {
        Some(id) => ui.report(&Entry::new(id.parse()?)),
        None => ui.report(&Entries { errors: ErrorKind::ALL.iter().copied().map(Entry::new).collect() }),
    }
}

#[derive(Serialize)]
struct Entries {
    errors: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: &'static str,
    exit_code: u8,
    /// Whether trying again, unchanged, usually helps.
    temporary: bool,
    meaning: &'static str,
    remedy: &'static str,
}

impl Entry {
    fn new(kind: ErrorKind) -> Self {
        Self {
            id: kind.id(),
            exit_code: kind.exit_code(),
            temporary: kind.usually_temporary(),
            meaning: kind.meaning(),
            remedy: kind.remedy(),
        }
    }
}

impl Show for Entries {
    fn show(&self, screen: &mut Screen) {
        let row = |entry: &Entry| vec![entry.id.into(), entry.exit_code.to_string(), entry.meaning.into()];
        screen.table(&["error", "exit code", "meaning"], self.errors.iter().map(row).collect());
        screen.hint("vitesse errors ID");
    }
}

impl Show for Entry {
    fn show(&self, screen: &mut Screen) {
        screen.heading(self.id);
        screen.line(self.meaning);
        screen.line(self.remedy);
        let again = if self.temporary { "can help" } else { "doesn't help" };
        screen.line(format!("Exit code {}; trying again unchanged {again}.", self.exit_code));
    }
}
