use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::store::repository::{AuditRecord, Paging};

use super::session::Session;
use crate::args::History;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &History, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        let paging = Paging { after: None, limit: args.limit };
        let entries = vitesse.history(id, &paging).await?.items;
        session.ui.report(&Report { entries })
    })
}

#[derive(Serialize)]
struct Report {
    /// The latest first.
    entries: Vec<AuditRecord>,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let row = |entry: &AuditRecord| {
            let text = |key: &str| entry.details.get(key).and_then(|value| value.as_str()).map(str::to_owned);
            let why = entry.details.get("error").and_then(|error| error.get("message"));
            let what = text("step").unwrap_or_else(|| word(&entry.action));
            vec![
                entry.created_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                what,
                word(&entry.status),
                entry.actor.clone(),
                why.and_then(|why| why.as_str()).unwrap_or_default().to_owned(),
            ]
        };
        let rows = self.entries.iter().map(row).collect();
        screen.table(&["when (UTC)", "what", "how it ended", "who", "why"], rows);
    }
}

/// The word that stands for it in JSON.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
