use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::orchestrator::{ImageOptions, ImageReport};

use super::session::Session;
use crate::args::Image;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Image, session: &Session<'_>) -> Result<()> {
    let options = ImageOptions {
        output: args.output.clone(),
        push: args.push.clone(),
        connection: args.connection.clone(),
        context: args.context.clone(),
    };
    session.with(&args.which, async |vitesse, id| {
        session.ui.report(&Report { image: vitesse.image(id, &options).await? })
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    image: ImageReport,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let ImageReport { name, architecture, layers, digest, output, context, pushed, .. } = &self.image;
        let size: u64 = layers.iter().map(|layer| layer.size).sum();
        screen.done(format!("{name} for {architecture}, {size} bytes, {digest}"));
        for layer in layers {
            screen.line(format!("  {:9} bytes: {}", layer.size, layer.about));
        }
        if let Some(file) = output {
            screen.line(format!("  written to {}", file.display()));
        }
        if let Some(pushed) = pushed {
            screen.line(format!("  pushed to {}, {} bytes sent", pushed.reference, pushed.sent));
        }
        context.iter().for_each(|file| screen.line(format!("  {}", file.display())));
        if output.is_none() && pushed.is_none() && context.is_empty() {
            screen.hint(
                "--output FILE writes it, --push PLACE pushes it, --context FOLDER prepares a docker build",
            );
        }
    }
}
