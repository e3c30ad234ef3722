//! From two descriptions to a passed test in one call, and what to do when it stops on the way.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "that is what the program is for")]

use vitesse_core::config::Config;
use vitesse_core::orchestrator::{CreateIntegration, IngestOptions, WholeOptions};
use vitesse_core::{Result, Vitesse};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../apis/shop.yaml");
const CRM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../apis/crm.json");

#[tokio::main]
async fn main() -> Result<()> {
    let vitesse = Vitesse::open(&Config::from_env()?).await?.by("anna");
    // ANCHOR: call
    let whole = vitesse
        .create_integration(
            CreateIntegration {
                name: "Shop to CRM".into(),
                user_intent: "sync customers to contacts".into(),
                source_discovery: vitesse.choose(SHOP)?,
                dest_discovery: vitesse.choose(CRM)?,
                deployment_target: Some("process".into()),
                ..CreateIntegration::default()
            },
            WholeOptions {
                ingest: IngestOptions { local_files: true, ..IngestOptions::default() },
                ..WholeOptions::default()
            },
        )
        .await?;
    match &whole.stopped {
        None => println!("ready to be deployed"),
        Some((step, error)) => println!("{step}: {}", error.message()),
    }
    // ANCHOR_END: call

    vitesse.delete(whole.integration_id, false).await
}
