//! A person's word, and what is learned from it.

use super::*;
use crate::mapper::{Edit, MapperOptions, explain, learned_lines};

fn sides() -> (Value, Value) {
    (
        schema(&["email", "phone", "nick", "city", "zip"]),
        schema(&["email", "phone", "alias", "city", "postal_code"]),
    )
}

fn edited(proposal: &MappingProposal, edits: &[Edit]) -> crate::Result<MappingProposal> {
    let (source, dest) = sides();
    let request = MapRequest::default();
    Mapper::new().unwrap().edit(
        Side::schema(&source),
        Side::schema(&dest),
        &request,
        &proposal.mapping,
        edits,
    )
}

fn accept(dest_field: &str) -> Edit {
    Edit::Accept { dest_field: dest_field.into() }
}

fn reject(dest_field: &str) -> Edit {
    Edit::Reject { dest_field: dest_field.into() }
}

fn replace(dest_field: &str, source: &str) -> Edit {
    let source_fields = vec![source.to_owned()];
    Edit::Replace {
        dest_field: dest_field.into(),
        source_fields,
        transform_type: None,
        transform_config: None,
    }
}

#[test]
fn mapping_again_keeps_what_was_reviewed() {
    let (source, dest) = sides();
    let first = asked(&source, &dest, &MapRequest::default());
    has(&first, "phone -> phone: direct");
    let reviewed = edited(&first, &[accept("email"), reject("phone"), replace("alias", "nick")]).unwrap();
    has(&reviewed, "nick -> alias: mapping");
    let mapper = Mapper::new().unwrap();
    let again = mapper
        .remap(Side::schema(&source), Side::schema(&dest), &MapRequest::default(), &reviewed.mapping)
        .unwrap();
    has(&again, "nick -> alias: mapping");
    has(&again, "city -> city: direct");
    let used: Vec<_> = again.mapping.transformations.iter().filter(|line| line.enabled).collect();
    let phone = used.iter().any(|line| {
        line.dest_field.to_string() == "phone" && line.source_field.paths[0].to_string() == "phone"
    });
    assert!(!phone, "a rejected line isn't proposed again");
    assert!(again.mapping.transformations.iter().any(|line| !line.enabled), "and is still there to be seen");
    assert_eq!(again.transformation_count, used.len());
    let accepted = edited(&first, &[Edit::AcceptAll]).unwrap();
    assert_eq!(accepted.mapping.hash(), first.mapping.hash(), "a review doesn't change what the mapping is");
}

#[test]
fn edits_that_make_no_sense_are_told_and_change_nothing() {
    let (source, dest) = sides();
    let first = asked(&source, &dest, &MapRequest::default());
    let error = edited(&first, &[accept("emial")]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"email\"?"), "{error}");
    let error = edited(&first, &[replace("alias", "nik")]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"nick\"?"), "{error}");
    let unknown = Edit::Replace {
        dest_field: "alias".into(),
        source_fields: vec!["nick".into()],
        transform_type: Some("custom".into()),
        transform_config: Some(json!({"function": "uper"})),
    };
    let error = edited(&first, &[unknown]).unwrap_err();
    assert_eq!(error.kind().id(), "mapping_invalid");
    assert!(error.to_string().contains("did you mean \"upper\"?"), "{error}");
}

#[test]
fn constants_notes_and_explanations() {
    let (source, dest) = sides();
    let first = asked(&source, &dest, &MapRequest::default());
    let edits = [
        Edit::Constant { dest_field: "alias".into(), value: json!("none") },
        Edit::Note { dest_field: "email".into(), text: "agreed with sales".into() },
        Edit::AcceptAll,
    ];
    let proposal = edited(&first, &edits).unwrap();
    assert_eq!(made(&proposal, &json!({"email": "e"}))["alias"], "none");
    let told = explain(&proposal.mapping, "alias").unwrap();
    assert_eq!(told.review.as_deref(), Some("replaced"));
    assert!(told.to_string().contains("Always the same value"), "{told}");
    let email = explain(&proposal.mapping, "email").unwrap();
    assert_eq!((email.review.as_deref(), email.source_fields), (Some("accepted"), vec!["email".to_owned()]));
    assert!(explain(&proposal.mapping, "emial").unwrap_err().to_string().contains("email"));
    let line = proposal.mapping.transformations.iter().find(|line| line.note.is_some()).unwrap();
    assert_eq!(line.note.as_deref(), Some("agreed with sales"));
    let round: Edit = serde_json::from_value(serde_json::to_value(&edits[0]).unwrap()).unwrap();
    assert_eq!(round, edits[0]);
}

#[test]
fn what_people_confirmed_counts_the_next_time_unless_it_is_switched_off() {
    let (source, dest) = sides();
    let first = asked(&source, &dest, &MapRequest::default());
    let capitals = Edit::Replace {
        dest_field: "postal_code".into(),
        source_fields: vec!["zip".into()],
        transform_type: Some("custom".into()),
        transform_config: Some(json!({"function": "upper"})),
    };
    let learned = learned_lines(&edited(&first, &[capitals]).unwrap().mapping);
    assert_eq!((learned[0].source_field.as_str(), learned.len()), ("zip", 1));
    let request = MapRequest { learned, ..MapRequest::default() };
    let next = asked(&source, &dest, &request);
    has(&next, "zip -> postal_code: upper");
    let reason = explain(&next.mapping, "postal_code").unwrap().reason;
    assert!(reason.contains("confirmed in an earlier mapping"), "{reason}");
    let off = MapperOptions { use_learned: false, ..MapperOptions::default() };
    let without =
        Mapper::with_options(off).unwrap().map(Side::schema(&source), Side::schema(&dest), &request).unwrap();
    assert_eq!(lines(&without), lines(&first));
    // Lines between other APIs say nothing here.
    let elsewhere = request.learned.iter().cloned().map(|mut line| {
        line.source_api = "Another".into();
        line
    });
    let request = MapRequest { learned: elsewhere.collect(), ..MapRequest::default() };
    assert_eq!(lines(&asked(&source, &dest, &request)), lines(&first));
}
