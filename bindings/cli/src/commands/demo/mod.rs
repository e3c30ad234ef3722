//! From nothing to a running integration, with everything on this machine.

mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;
use vitesse_core::config::Config;
use vitesse_core::guardian::Severity;
use vitesse_core::mapper::{Edit, Overrides};
use vitesse_core::orchestrator::{
    CreateIntegration, DeployOptions, IngestOptions, MapOptions, Moved, ReviewEdit, StreamEdit,
    TestStepOptions, Tested, Vitesse,
};
use vitesse_core::secret::Secret;
use vitesse_core::{Error, ErrorKind, Result};

use super::session::Session;
use super::{review, test};
use crate::args::Demo;
use crate::ui::{Screen, Show, Ui};
use world::{CLIENT, CRM, SHOP, SHOP_KEY, World};

/// Customers and orders as the demonstration moves them.
const NAME: &str = "Shop to CRM";
const INTENT: &str = "sync customers and orders";
/// What a person who knows both businesses would say first.
const HINTS: [(&str, &str); 4] = [
    ("accepts_marketing", "marketing_consent"),
    ("lifetime_value", "lifetime_value_cents"),
    ("tags", "labels"),
    ("created_at", "signed_up_at"),
];

pub(crate) fn run(args: &Demo, mut config: Config, ui: &Ui) -> Result<()> {
    let home = Home::new()?;
    // Nothing of the demonstration touches what is kept here, and nothing but this machine is reached.
    config.store = None;
    config.secret_key = None;
    config.home.clone_from(&home.0);
    config.allow = vec!["127.0.0.1".into()];
    let session = Session { config, ui, actor: Some("demo".into()), progress: ui.progress() };
    session.run(async |vitesse| {
        let world = World::open(args.customers as usize).await?;
        let mut made = None;
        let outcome = tell(&vitesse, &world, ui, &mut made).await;
        if let Some(id) = made {
            // Whatever came between: nothing is left running.
            let deleted =
                vitesse.with_progress(vitesse_core::progress::Progress::none()).delete(id, true).await;
            outcome.as_ref().map_or(Ok(()), |_| deleted)?;
        }
        world.shop_at.stop().await;
        world.crm_at.stop().await;
        let report = outcome?;
        match ui.is_json() {
            true => ui.report(&report),
            false => ui.show(show_end),
        }
    })
}

/// Everything that the demonstration came to.
#[derive(Serialize)]
struct Report {
    customers: usize,
    orders: usize,
    lines: usize,
    /// The score before the fix, and after it.
    scores: [f64; 2],
    service_url: String,
    deployment_seconds: f64,
    moved: Moved,
    seconds: f64,
    contacts: usize,
    deals: usize,
    before: Value,
    after: Value,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        show_end(screen);
    }
}

/// The demonstration from its beginning, told as it goes.
async fn tell(vitesse: &Vitesse, world: &World, ui: &Ui, made: &mut Option<Uuid>) -> Result<Report> {
    ui.show(|screen| {
        screen.heading("1. Two businesses describe themselves");
        let World { customers, orders, shop_at, crm_at, .. } = world;
        screen.line(format!("Fjord Shop      OpenAPI 3.0, YAML   {}", shop_at.url()));
        screen.line(format!("  {customers} customers, {orders} orders; a key in a header, pages by cursor, 10 requests a second"));
        screen.line(format!("Lighthouse CRM  OpenAPI 3.1, JSON   {}", crm_at.url()));
        screen.line("  still empty; OAuth 2 between machines, pages by number, 1000 requests a second");
    })?;
    let side = |name: &str, url: String| json!({"api_name": name, "base_url": url, "source": "url"});
    let wanted = CreateIntegration {
        name: NAME.into(),
        user_intent: INTENT.into(),
        source_discovery: side("Fjord Shop", world.shop_at.url()),
        dest_discovery: side("Lighthouse CRM", world.crm_at.url()),
        mapping_hints: HINTS.map(|(from, to)| (from.to_owned(), to.to_owned())).into(),
        deployment_target: Some("process".into()),
        ..CreateIntegration::default()
    };
    let id = vitesse.create(wanted).await?.id;
    *made = Some(id);
    let documents = IngestOptions {
        source_document: Some(SHOP.into()),
        dest_document: Some(CRM.into()),
        ..IngestOptions::default()
    };
    let ingested = vitesse.ingest(id, documents).await?;
    ui.show(|screen| {
        screen.done(format!(
            "create and ingest: {} and {} paths read",
            ingested.source_endpoints.len(),
            ingested.dest_endpoints.len()
        ));
    })?;

    let mapped = vitesse.map(id, MapOptions { overrides: here(world), ..MapOptions::default() }).await?;
    let proposed = vitesse.review(id).await?;
    ui.show(|screen| {
        screen.gap();
        screen.heading(format!("2. Fields find their partners (\"{INTENT}\", and four hints)"));
        review::show_lines(&proposed, screen);
        screen.done(format!(
            "map: {} lines in {} streams",
            mapped.transformation_count,
            mapped.streams.len()
        ));
    })?;

    let failed = vitesse.test(id, TestStepOptions::default()).await?;
    ui.show(|screen| {
        screen.gap();
        screen.heading("3. The guardian proves it before anything runs");
        test::show_scores(&failed, screen);
        worst(&failed, screen);
    })?;
    vitesse.edit(id, None, vec![fix()]).await?;
    let options = TestStepOptions { test_sample_size: Some(50), ..TestStepOptions::default() };
    let passed = vitesse.test(id, options).await?;
    passed.require_pass()?;
    ui.show(|screen| {
        screen.done("fixed by one line: name ← \"Order {number}\"");
        test::show_scores(&passed, screen);
    })?;

    let deployed = vitesse.deploy(id, credentials()).await?;
    ui.show(|screen| {
        screen.gap();
        screen.heading("4. What was tested is brought up, as a process of this machine");
        screen.done(format!(
            "deploy: {} is healthy at {} after {:.2} s",
            deployed.container_id, deployed.service_url, deployed.deployment_time_seconds
        ));
    })?;

    let began = Instant::now();
    let moved = vitesse.sync_now(id).await?;
    if let Some(error) = &moved.error {
        return Err(Error::new(ErrorKind::RunFailed, error.clone()).in_operation("cli.demo"));
    }
    let took = began.elapsed();
    let (contacts, deals) = (world.crm.records("contacts")?, world.crm.records("deals")?);
    let (before, after) = one(world, &contacts)?;
    ui.show(|screen| show_moved(&moved, took, (&before, &after), screen))?;
    let score =
        |tested: &Tested| tested.health_score.get("overall").and_then(Value::as_f64).unwrap_or_default();
    Ok(Report {
        customers: world.customers,
        orders: world.orders,
        lines: mapped.transformation_count + 1,
        scores: [score(&failed), score(&passed)],
        service_url: deployed.service_url,
        deployment_seconds: deployed.deployment_time_seconds,
        seconds: took.as_secs_f64(),
        moved,
        contacts: contacts.len(),
        deals: deals.len(),
        before,
        after,
    })
}

/// Both APIs are here, and not where their descriptions say.
fn here(world: &World) -> Overrides {
    let crm = world.crm_at.url();
    let auth = json!({"type": "oauth2_client_credentials", "token_url": format!("{crm}/token")});
    let block = |block: Value| block.to_string().parse().ok();
    Overrides {
        source: block(json!({"base_url": world.shop_at.url()})),
        destination: block(
            json!({"base_url": crm, "auth": auth, "rate_limit": {"requests": 900, "per": "1s"}}),
        ),
        ..Overrides::default()
    }
}

/// Deals need a name, and orders have only a number.
fn fix() -> StreamEdit {
    let edit = Edit::Replace {
        dest_field: "name".into(),
        source_fields: vec!["number".into()],
        transform_type: Some("custom".into()),
        transform_config: Some(json!({"function": "template", "params": {"template": "Order {0}"}})),
    };
    StreamEdit { stream: Some("orders".into()), edit: ReviewEdit::Line(edit) }
}

fn credentials() -> DeployOptions {
    let secrets = [
        ("VITESSE_SOURCE_TOKEN", SHOP_KEY),
        ("VITESSE_DEST_CLIENT_ID", CLIENT[0]),
        ("VITESSE_DEST_CLIENT_SECRET", CLIENT[1]),
    ];
    let credentials: BTreeMap<String, Secret> =
        secrets.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).collect();
    DeployOptions { credentials, ..DeployOptions::default() }
}

/// The gravest thing that a test found, and what to do about it.
fn worst(tested: &Tested, screen: &mut Screen) {
    for stream in &tested.streams {
        for finding in stream.report.findings.iter().filter(|finding| finding.severity == Severity::Critical)
        {
            screen.warn(format!("{}: {} ({} of {})", stream.name, finding.cause, finding.count, finding.of));
            screen.line(format!("  {}", finding.fix));
        }
    }
}

/// A customer of the shop, and the contact that came of them.
fn one(world: &World, contacts: &[Value]) -> Result<(Value, Value)> {
    let customers = world.shop.records("customers")?;
    let found = contacts.iter().find_map(|contact| {
        let customer = customers.iter().find(|customer| customer["id"] == contact["external_id"])?;
        Some((customer.clone(), contact.clone()))
    });
    found.ok_or_else(|| {
        Error::new(ErrorKind::Internal, "no customer arrived")
            .in_operation("cli.demo")
            .help("`vitesse demo -vv` tells more")
    })
}

fn show_moved(moved: &Moved, took: Duration, (before, after): (&Value, &Value), screen: &mut Screen) {
    screen.gap();
    screen.heading("5. Records move");
    let number = |value: u64| value.to_string();
    let rows = moved.streams.iter().map(|stream| {
        let counts = &stream.counts;
        let set_aside = match counts.dead {
            0 => String::new(),
            dead => format!("{dead} set aside, each with its reason"),
        };
        vec![stream.stream.clone(), number(counts.read), number(counts.created + counts.updated), set_aside]
    });
    screen.table(&["stream", "read", "delivered", ""], rows.collect());
    let (seconds, all) = (took.as_secs_f64(), moved.delivered());
    screen.done(format!(
        "{all} records in {seconds:.1} s: {:.0} a second, within both limits",
        all as f64 / seconds
    ));
    for letter in &moved.dead_letters {
        screen.line(format!("  {} {}: {}", letter.stream, letter.id, letter.message));
    }
    screen.heading("One customer, before and after");
    for value in [before, after] {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        text.lines().for_each(|line| screen.line(line));
    }
}

fn show_end(screen: &mut Screen) {
    screen.gap();
    screen.heading("That was all of it; nothing is left running. With APIs of your own:");
    for line in [
        "vitesse discover crm                      what is known of 2,600 public APIs",
        "vitesse create NAME SOURCE DEST --run     from two descriptions to a test",
        "vitesse review NAME                       line by line, on a terminal",
        "vitesse deploy NAME                       bring it up; then status, logs, pause, delete",
        "vitesse plan FILE, vitesse apply FILE     the same as a file that you keep in git",
    ] {
        screen.line(format!("  {line}"));
    }
}

/// A folder for the demonstration alone; removed with all that is in it.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("vitesse-demo-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path).map_err(|error| {
            Error::new(ErrorKind::Io, "there is no place for the demonstration")
                .in_operation("cli.demo")
                .with("folder", path.display())
                .source(error)
        })?;
        Ok(Self(path))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What can't be removed is a temporary file.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
