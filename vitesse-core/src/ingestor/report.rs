//! Collects what was wrong, and tells it in the order of the document.

use std::collections::HashMap;

use super::document::Documents;
use super::tree::Val;
use crate::spec::{Action, Diagnostic, DiagnosticKind};

/// How many diagnostics of one kind are kept; a broken generator repeats itself very often.
const MOST_OF_A_KIND: usize = 300;

#[derive(Debug, Default)]
pub(crate) struct Report {
    entries: Vec<(u64, DiagnosticKind, Action, String)>,
    counts: HashMap<DiagnosticKind, usize>,
}

impl Report {
    pub(crate) fn add(
        &mut self,
        at: Val<'_>,
        kind: DiagnosticKind,
        action: Action,
        message: impl Into<String>,
    ) {
        self.add_at(at.key(), kind, action, message);
    }

    pub(crate) fn add_at(
        &mut self,
        key: u64,
        kind: DiagnosticKind,
        action: Action,
        message: impl Into<String>,
    ) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= MOST_OF_A_KIND {
            self.entries.push((key, kind, action, message.into()));
        }
    }

    /// The diagnostics with their pointers and lines.
    pub(crate) fn finish(mut self, documents: &Documents<'_>) -> Vec<Diagnostic> {
        self.entries.sort_by_key(|(key, kind, ..)| (*key, *kind));
        self.entries.dedup();
        let mut found = Vec::with_capacity(self.entries.len());
        for (number, document) in documents.iter().enumerate() {
            let mine: Vec<_> = self.entries.iter().filter(|(key, ..)| key >> 32 == number as u64).collect();
            let nodes: Vec<_> = mine.iter().map(|(key, ..)| *key as u32).collect();
            let lines = document.tree.lines_of(&nodes);
            for ((node, line), (_, kind, action, message)) in nodes.iter().zip(lines).zip(mine) {
                found.push(Diagnostic {
                    kind: *kind,
                    severity: kind.severity(),
                    action: *action,
                    message: message.clone(),
                    pointer: document.tree.pointer(*node),
                    line: Some(line),
                    document: (number > 0).then(|| document.uri.clone()),
                });
            }
        }
        for kind in DiagnosticKind::ALL {
            let more = self.counts.get(kind).copied().unwrap_or_default().saturating_sub(MOST_OF_A_KIND);
            if more > 0 {
                found.push(Diagnostic {
                    kind: DiagnosticKind::TooMany,
                    severity: kind.severity(),
                    action: Action::None,
                    message: format!("{more} more diagnostics of the kind {kind} are left out"),
                    pointer: "#".into(),
                    line: None,
                    document: None,
                });
            }
        }
        found
    }
}
