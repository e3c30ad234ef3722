//! `plan` and `apply`.

use serde::Serialize;
use serde_json::Value;
use vitesse_core::Result;
use vitesse_core::orchestrator::{Applied, Project, ProjectPlan, StepName};

use super::session::{Session, short};
use crate::args::ProjectFile;
use crate::ui::{Screen, Show};

/// How much of a value is shown.
const MOST: usize = 60;

pub(crate) fn plan(args: &ProjectFile, session: &Session<'_>) -> Result<()> {
    let project = Project::open(&args.file)?;
    session.run(async |vitesse| {
        let plan = vitesse.plan(&project).await?;
        session.ui.report(&Planned { plan, file: args.file.display().to_string() })
    })
}

pub(crate) fn apply(args: &ProjectFile, session: &Session<'_>) -> Result<()> {
    let project = Project::open(&args.file)?;
    session.run(async |vitesse| {
        let applied = vitesse.apply(&project).await?;
        session.ui.report(&Done { applied })
    })
}

#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: ProjectPlan,
    #[serde(skip)]
    file: String,
}

impl Show for Planned {
    fn show(&self, screen: &mut Screen) {
        let ProjectPlan { name, changes, steps, .. } = &self.plan;
        if self.plan.is_empty() {
            screen.done(format!("{name} is as the file says"));
            return;
        }
        screen.heading(name);
        let rows =
            changes.iter().map(|change| vec![change.what.clone(), text(&change.before), text(&change.after)]);
        screen.table(&["what", "is", "would be"], rows.collect());
        let rows = steps.iter().map(|step| vec![step.step.to_string(), step.because.clone()]).collect();
        screen.table(&["step", "because"], rows);
        screen.hint(format!("vitesse apply {}", self.file));
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Done {
    applied: Applied,
}

impl Show for Done {
    fn show(&self, screen: &mut Screen) {
        let Applied { integration_id, plan, score, deployed } = &self.applied;
        if plan.is_empty() {
            screen.done(format!("{} is as the file says; nothing was done", plan.name));
            return;
        }
        for change in &plan.changes {
            screen.done(format!("changed {}", change.what));
        }
        for step in &plan.steps {
            match (step.step, score, deployed) {
                (StepName::Test, Some(score), _) => screen.done(format!("test: {score:.1} of 100")),
                (StepName::Deploy, _, Some(up)) => {
                    screen.done(format!("deploy: healthy at {}", up.service_url))
                }
                (step, ..) => screen.done(step),
            }
        }
        screen.hint(format!("vitesse status {}", short(*integration_id)));
    }
}

/// The beginning of a value: enough to know it by.
fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
