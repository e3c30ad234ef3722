//! An integration as a file that people keep in git: what would be done, doing it, and that nothing is done twice.
//!
//! It takes the file's path.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "that is what the program is for")]

use std::path::PathBuf;

use vitesse_core::config::Config;
use vitesse_core::orchestrator::{Project, ProjectPlan};
use vitesse_core::{Result, Vitesse};

#[tokio::main]
async fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("vitesse.yaml"), PathBuf::from);
    let project = Project::open(&path)?;
    let vitesse = Vitesse::open(&Config::from_env()?).await?.by("anna");

    println!("plan: {}", told(&vitesse.plan(&project).await?));
    let applied = vitesse.apply(&project).await?;
    println!("applied, with a score of {:?}", applied.score.unwrap_or_default());
    println!("plan: {}", told(&vitesse.plan(&project).await?));
    vitesse.delete(applied.integration_id, false).await
}

fn told(plan: &ProjectPlan) -> String {
    let steps: Vec<String> = plan.steps.iter().map(|step| step.step.to_string()).collect();
    if steps.is_empty() { "nothing to do".to_owned() } else { steps.join(", ") }
}
