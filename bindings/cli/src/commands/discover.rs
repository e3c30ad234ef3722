use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::discovery::{Discovery, DiscoveryResult};

use crate::args::Discover;
use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(args: &Discover, ui: &Ui) -> Result<()> {
    let query = args.query.join(" ");
    let results = Discovery::builtin()?.discover(&query, args.limit)?;
    ui.report(&Found { query, results })
}

#[derive(Serialize)]
struct Found {
    query: String,
    results: Vec<DiscoveryResult>,
}

impl Show for Found {
    fn show(&self, screen: &mut Screen) {
        let Some(first) = self.results.first() else {
            screen.line("Nothing in the catalogue fits. Other words may; or give the API's own address to `vitesse spec`.");
            return;
        };
        let row = |one: &DiscoveryResult| {
            let share = one.confidence_score.map(|share| format!("{share:.2}")).unwrap_or_default();
            vec![
                share,
                one.api_name.clone(),
                one.catalog_id.clone().unwrap_or_default(),
                cut(&one.description),
            ]
        };
        screen.table(&["fit", "API", "id", "what it does"], self.results.iter().map(row).collect());
        if let Some(address) = &first.spec_url {
            screen.hint(format!("vitesse spec {address}"));
        }
    }
}

/// The start of a description: enough to choose by.
fn cut(text: &str) -> String {
    const MOST: usize = 90;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
