//! Cases of mappings with their right answers, and how well an answer fits.
//!
//! A case is a JSON file: `id`, `intent`, `source` and `dest` (each with `name` and a JSON Schema as `schema`),
//! `gold` (the right pairs of paths), and optionally `neutral` (pairs that are neither right nor wrong; `*` stands
//! for any source) and `open_world` (nothing is known of fields that no pair names).

pub mod baselines;
pub mod score;

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use vitesse_core::mapper::matching::{Known, Matches, Record, match_fields, read_json_schema};
use vitesse_core::spec::{SchemaId, Schemas};

/// One side of a case.
#[derive(Debug, Deserialize)]
pub struct Side {
    /// What its records are called.
    #[serde(default)]
    pub name: String,
    /// Its JSON Schema.
    pub schema: Value,
}

/// A mapping to be found, and what is right.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What the integration is for.
    #[serde(default)]
    pub intent: String,
    /// Where records come from.
    pub source: Side,
    /// Where they go.
    pub dest: Side,
    /// The right pairs.
    pub gold: Vec<(String, String)>,
    /// Pairs that don't count.
    #[serde(default)]
    pub neutral: Vec<(String, String)>,
    /// Whether nothing is known of fields that no pair names.
    #[serde(default)]
    pub open_world: bool,
}

/// A case with its schemas read.
#[derive(Debug)]
pub struct Ready {
    /// The case.
    pub case: Case,
    source: (Schemas, SchemaId),
    dest: (Schemas, SchemaId),
}

impl Ready {
    /// The source's records.
    pub fn source(&self) -> Record<'_> {
        Record { name: &self.case.source.name, schemas: &self.source.0, root: self.source.1 }
    }

    /// The destination's records.
    pub fn dest(&self) -> Record<'_> {
        Record { name: &self.case.dest.name, schemas: &self.dest.0, root: self.dest.1 }
    }

    /// What is known besides.
    pub fn known(&self) -> Known<'_> {
        Known { intent: &self.case.intent, ..Known::default() }
    }

    /// The mapper's answer.
    ///
    /// # Errors
    /// As [`match_fields`].
    pub fn matches(&self) -> vitesse_core::Result<Matches> {
        match_fields(self.source(), self.dest(), &self.known())
    }
}

/// Reads every case of a folder, by file name.
///
/// # Errors
/// What can't be read, with its path.
pub fn cases(folder: &Path) -> Result<Vec<Ready>, String> {
    let list = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = list.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let case: Case =
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let (source, dest) = (read_json_schema(&case.source.schema), read_json_schema(&case.dest.schema));
        Ok(Ready { case, source, dest })
    };
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::score::{Count, Judge, Verdict};
    use super::*;

    /// The weights have seen these cases, so this only tells that what was reached isn't lost.
    #[test]
    fn the_projects_own_cases_are_answered_well() {
        let all = cases(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/mapping"))).unwrap();
        let (mut total, mut refused, mut sure, mut sure_right) = (Count::default(), 0, 0, 0);
        for ready in &all {
            let (judge, matches) = (Judge::new(&ready.case), ready.matches().unwrap());
            refused += usize::from(matches.refused.is_some());
            let path = |fields: &[vitesse_core::spec::Field], at: usize| fields[at].path.clone();
            let pairs = matches.pairs.iter().map(|pair| {
                (path(&matches.source, pair.source), path(&matches.dest, pair.dest), pair.confidence)
            });
            let pairs: Vec<_> = pairs.collect();
            total.add(judge.count(pairs.iter().map(|(source, dest, _)| (source.as_str(), dest.as_str()))));
            for (source, dest, _) in pairs.iter().filter(|(.., confidence)| *confidence >= 900) {
                let verdict = judge.verdict(source, dest);
                sure += usize::from(verdict != Verdict::Unknown);
                sure_right += usize::from(matches!(verdict, Verdict::Right(_)));
            }
        }
        let [precision, recall, f1] = total.shares();
        assert!(f1 >= 0.83, "precision {precision}, recall {recall}, F1 {f1}");
        assert!(refused * 20 <= all.len(), "{refused} of {} were refused", all.len());
        assert!(sure_right * 100 >= sure * 95, "{sure_right} of {sure} that were sure are right");
        assert!(sure_right * 100 >= (total.right + total.missing) * 35, "{sure_right} are sure");
    }
}
