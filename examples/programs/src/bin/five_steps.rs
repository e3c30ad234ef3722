//! The whole way: two public descriptions, the five steps, records that move, and nothing left behind.
//!
//! Both APIs are played by mocks of this process, so it needs no account. It needs `vitesse-runtime`, beside `vitesse` or
//! where `VITESSE_RUNTIME` says.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "that is what the program is for")]

use std::sync::Arc;

use vitesse_core::config::Config;
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mapper::Overrides;
use vitesse_core::mock::{Mock, MockOptions, Server, serve};
use vitesse_core::orchestrator::{
    CreateIntegration, DeployOptions, IngestOptions, MapOptions, StreamOptions, TestStepOptions,
};
use vitesse_core::secret::Secret;
use vitesse_core::{Result, Vitesse};

const STRIPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../stripe-to-square/stripe.json");
const SQUARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../stripe-to-square/square.json");
const HINTS: [(&str, &str); 4] =
    [("email", "email_address"), ("phone", "phone_number"), ("id", "reference_id"), ("name", "family_name")];

#[tokio::main]
async fn main() -> Result<()> {
    let (stripe, square) = (play(STRIPE, 30).await?, play(SQUARE, 0).await?);
    let mut config = Config::from_env()?;
    // Addresses that aren't public are refused unless they are allowed.
    config.allow.push("127.0.0.1".into());
    let vitesse = Vitesse::open(&config).await?.by("anna");

    let id = vitesse
        .create(CreateIntegration {
            name: "Stripe to Square".into(),
            user_intent: "sync customers to customers".into(),
            source_discovery: vitesse.choose(STRIPE)?,
            dest_discovery: vitesse.choose(SQUARE)?,
            deployment_target: Some("process".into()),
            // Guesses below this are left out.
            user_preferences: [("min_confidence".to_owned(), 0.8.into())].into_iter().collect(),
            ..CreateIntegration::default()
        })
        .await?
        .id;
    let ended = steps(&vitesse, id, &stripe, &square).await;
    // Whatever came between: nothing is left running.
    vitesse.delete(id, true).await?;
    ended
}

async fn steps(vitesse: &Vitesse, id: uuid::Uuid, stripe: &Server, square: &Server) -> Result<()> {
    let files = IngestOptions { local_files: true, ..IngestOptions::default() };
    let found = vitesse.ingest(id, files).await?;
    println!("ingest: {} and {} paths", found.source_endpoints.len(), found.dest_endpoints.len());

    // What the description doesn't say: how one's own account proves itself.
    let square_says = r#"{"auth": {"type": "bearer"}}"#;
    let customers = StreamOptions {
        source_endpoint: Some("GET /v1/customers".into()),
        dest_endpoint: Some("POST /v2/customers".into()),
        mapping_hints: HINTS.map(|(from, to)| (from.to_owned(), to.to_owned())).into(),
        overrides: Overrides { destination: square_says.parse().ok(), ..Overrides::default() },
        ..StreamOptions::default()
    };
    let mapped = vitesse.map(id, MapOptions { streams: vec![customers], ..MapOptions::default() }).await?;
    println!("map: {} lines", mapped.transformation_count);

    let tested = vitesse.test(id, TestStepOptions::default()).await?;
    tested.require_pass()?;
    println!("test: {} of {} records came through", tested.passed_tests, tested.test_count);

    let secret = |name: &str| (name.to_owned(), Secret::new("a token"));
    let here = |name: &str, server: &Server| (name.to_owned(), server.url());
    let up = vitesse
        .deploy(
            id,
            DeployOptions {
                credentials: [secret("VITESSE_SOURCE_TOKEN"), secret("VITESSE_DEST_TOKEN")].into(),
                environment: [here("VITESSE_SOURCE_BASE_URL", stripe), here("VITESSE_DEST_BASE_URL", square)]
                    .into(),
                ..DeployOptions::default()
            },
        )
        .await?;
    println!("deploy: {}", up.status);

    let moved = vitesse.sync_now(id).await?;
    println!("sync: {} delivered", moved.delivered());
    // What is as it was isn't written again.
    let again = vitesse.sync_now(id).await?;
    println!("again: {} delivered", again.delivered());
    Ok(())
}

/// An API, played from its description, with so many records.
async fn play(description: &str, records: usize) -> Result<Server> {
    let text = std::fs::read(description).unwrap_or_default();
    let spec = read(&text, &ReadOptions::default())?.spec;
    let options = MockOptions { stateful: true, records, ..MockOptions::default() };
    serve(Arc::new(Mock::new(Arc::new(spec), options)?), ([127, 0, 0, 1], 0).into()).await
}
