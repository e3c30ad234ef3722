use serde::Serialize;
use vitesse_core::config::Config;
use vitesse_core::{Result, store};

use super::wait;
use crate::args::StoreCommand;
use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(command: &StoreCommand, config: &Config, ui: &Ui) -> Result<()> {
    match command {
        StoreCommand::Check => wait(async {
            let store = store::open(config.store_url().expose(), &store::OpenOptions::default()).await?;
            store.ping().await?;
            ui.report(&Answer { backend: store.backend(), ready: true })
        }),
    }
}

#[derive(Serialize)]
struct Answer {
    backend: &'static str,
    ready: bool,
}

impl Show for Answer {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("the {} store answers", self.backend));
    }
}
