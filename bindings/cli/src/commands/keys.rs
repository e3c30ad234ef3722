use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::orchestrator::ApiKey;

use super::session::Session;
use crate::args::KeysCommand;
use crate::ui::{Screen, Show};

pub(crate) fn run(command: &KeysCommand, session: &Session<'_>) -> Result<()> {
    session.run(async |vitesse| match command {
        KeysCommand::Add { name } => {
            let made = vitesse.add_key(name).await?;
            session.ui.report(&Added { about: made.about, key: made.key.expose().to_owned() })
        }
        KeysCommand::List => session.ui.report(&All { keys: vitesse.keys().await? }),
        KeysCommand::Revoke { id } => {
            vitesse.revoke_key(id).await?;
            session.ui.report(&Revoked { revoked: id.clone() })
        }
    })
}

#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    about: ApiKey,
    key: String,
}

impl Show for Added {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("a key for {}, shown this once:", self.about.name));
        screen.line(&self.key);
        screen.hint(format!("vitesse keys revoke {} takes it back", self.about.id));
    }
}

#[derive(Serialize)]
struct All {
    keys: Vec<ApiKey>,
}

impl Show for All {
    fn show(&self, screen: &mut Screen) {
        if self.keys.is_empty() {
            screen.line("There is no key.");
            screen.hint("vitesse keys add NAME");
            return;
        }
        let row = |one: &ApiKey| {
            vec![one.id.clone(), one.name.clone(), one.created_by.clone(), one.created_at.to_string()]
        };
        screen.table(&["id", "for", "made by", "made"], self.keys.iter().map(row).collect());
    }
}

#[derive(Serialize)]
struct Revoked {
    revoked: String,
}

impl Show for Revoked {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("{} counts no more", self.revoked));
    }
}
