use std::io::Write as _;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use vitesse_core::Result;
use vitesse_core::progress::Progress;
use vitesse_http::{Exchange, ServeOptions, serve};

use super::session::Session;
use crate::args::Serve;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Serve, session: &Session<'_>) -> Result<()> {
    let mut options = ServeOptions::from_config(&session.config);
    options.listen = args.listen.unwrap_or(options.listen);
    let (quiet, json) = (session.ui.is_quiet(), session.ui.is_json());
    options.log = Arc::new(move |exchange| {
        if !quiet {
            tell(exchange, json);
        }
    });
    session.run(async |vitesse| {
        let store = vitesse.repository().store().backend();
        // Requests tell those who follow them how far they are, and not this terminal.
        let server = serve(vitesse.with_progress(Progress::none()), options).await?;
        session.ui.report(&Listening { url: server.url(), store })?;
        super::stopped().await;
        server.stop().await;
        Ok(())
    })
}

/// One line of the access log, on stderr. A closed stderr is nobody's problem.
fn tell(exchange: &Exchange, json: bool) {
    let mut stderr = std::io::stderr().lock();
    let millis = exchange.took.as_micros() as f64 / 1000.0;
    let peer = exchange.peer.map(|peer| peer.ip().to_string());
    if json {
        let line = json!({
            "request_id": exchange.request_id, "peer": peer, "actor": exchange.actor, "method": exchange.method,
            "path": exchange.path, "operation": exchange.operation, "status": exchange.status, "ms": millis,
        });
        let _ = writeln!(stderr, "{line}");
        return;
    }
    let line = format!(
        "{} {} {}  {}  {millis:.1} ms  {} {}",
        exchange.status,
        exchange.method,
        exchange.path,
        if exchange.operation.is_empty() { "-" } else { exchange.operation },
        exchange.actor.as_deref().unwrap_or("-"),
        exchange.request_id,
    );
    // What callers send must not speak to the terminal.
    let line: String =
        line.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let _ = writeln!(stderr, "{line}");
}

#[derive(Serialize)]
struct Listening {
    url: String,
    store: &'static str,
}

impl Show for Listening {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("the control plane answers at {} ({} store)", self.url, self.store));
        screen.hint(format!("curl {}/openapi.json", self.url));
    }
}
