use std::path::Path;

use serde::Serialize;
use uuid::Uuid;
use vitesse_core::orchestrator::Exported;
use vitesse_core::{Error, ErrorKind, Result, files};

use super::session::Session;
use crate::args::Export;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Export, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        let project = vitesse.export(id).await?;
        if !args.overwrite {
            refuse_others(&project, &args.folder)?;
        }
        for file in &project {
            let path = args.folder.join(&file.path);
            let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            written.and_then(|()| std::fs::write(&path, &file.text)).map_err(|error| {
                Error::new(ErrorKind::Io, "the file can't be written")
                    .in_operation("cli.export")
                    .with("file", path.display())
                    .source(error)
            })?;
        }
        session.ui.report(&Report {
            integration_id: id,
            folder: args.folder.display().to_string(),
            files: project.into_iter().map(|file| file.path).collect(),
        })
    })
}

/// Somebody may have changed what is there.
fn refuse_others(project: &[Exported], folder: &Path) -> Result<()> {
    let differs = |file: &&Exported| {
        let path = folder.join(&file.path);
        path.exists() && files::read(&path, files::MOST_BYTES).ok().as_deref() != Some(file.text.as_bytes())
    };
    match project.iter().find(differs) {
        None => Ok(()),
        Some(file) => Err(Error::new(ErrorKind::Conflict, "a file is there already and differs")
            .in_operation("cli.export")
            .with("file", folder.join(&file.path).display())
            .help("choose another folder, or write over it with --overwrite")),
    }
}

#[derive(Serialize)]
struct Report {
    integration_id: Uuid,
    folder: String,
    files: Vec<String>,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("{} files in {}", self.files.len(), self.folder));
        self.files.iter().for_each(|file| screen.line(format!("  {file}")));
        screen.hint(format!("vitesse plan {}/vitesse.yaml", self.folder));
    }
}
