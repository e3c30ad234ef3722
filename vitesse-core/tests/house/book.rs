//! The book hangs together: every page is listed, every link leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::{files, root};

/// The targets of `[text](target)` links in a Markdown file, code blocks left out.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target: String = line[at + 2..].chars().take_while(|c| *c != ')').collect();
            found.push(target);
        }
    }
    found
}

#[test]
fn every_page_is_in_the_summary() {
    let src = root().join("docs/src");
    let summary = fs::read_to_string(src.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<PathBuf> = links(&summary).into_iter().map(|target| src.join(target)).collect();
    let pages: BTreeSet<PathBuf> =
        files(&src, "md").into_iter().filter(|page| !page.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, pages, "docs/src/SUMMARY.md and the pages differ");
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = files(&root().join("docs"), "md");
    let tops = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    pages.extend(tops.iter().map(|name| root().join(name)));
    let mut broken = Vec::new();
    for page in pages {
        for target in links(&fs::read_to_string(&page).unwrap()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || target.starts_with("http") || target.starts_with("mailto:") {
                continue;
            }
            if !page.parent().unwrap_or(Path::new(".")).join(file).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// `{{#include path}}` and `{{#include path:part}}`, where `ANCHOR: part` and `ANCHOR_END: part` say what the part is.
#[test]
fn every_include_finds_its_file_and_part() {
    let mut broken = Vec::new();
    let mut found = 0;
    for page in files(&root().join("docs/src"), "md") {
        let text = fs::read_to_string(&page).unwrap();
        for (at, opening) in text.match_indices("{{#include ") {
            let target: String = text[at + opening.len()..].chars().take_while(|c| *c != '}').collect();
            let (file, part) = target.split_once(':').unwrap_or((&target, ""));
            let included = fs::read_to_string(page.parent().unwrap().join(file)).unwrap_or_default();
            let has = |mark: &str| included.lines().any(|line| line.trim() == format!("// {mark}: {part}"));
            let marked = part.is_empty() || has("ANCHOR") && has("ANCHOR_END");
            found += 1;
            if included.is_empty() || !marked {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty() && found > 5, "{found} includes, of which these lead nowhere: {broken:#?}");
}
