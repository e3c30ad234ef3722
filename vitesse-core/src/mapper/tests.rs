#[cfg(feature = "ingest")]
mod apis;
mod laws;
mod reviews;
mod schemas;

use serde_json::{Map, Value, json};

use super::{MapRequest, Mapper, MappingProposal, Side};

/// An object of these fields, as `name` or `name:type`; a name with dots makes objects, with `[]` arrays.
fn schema(fields: &[&str]) -> Value {
    let mut root = json!({"type": "object", "properties": {}});
    for field in fields {
        let (path, kind) = field.split_once(':').unwrap_or((field, "string"));
        let mut at = &mut root;
        for name in path.split('.') {
            let bare = name.trim_end_matches("[]");
            let properties =
                at.as_object_mut().unwrap().entry("properties").or_insert(Value::Object(Map::new()));
            at = properties.as_object_mut().unwrap().entry(bare).or_insert(json!({}));
            if name.ends_with("[]") {
                at = at.as_object_mut().unwrap().entry("items").or_insert(json!({}));
            }
        }
        at["type"] = json!(kind);
    }
    root
}

fn map(source: &[&str], dest: &[&str]) -> MappingProposal {
    let (source, dest) = (schema(source), schema(dest));
    Mapper::new().unwrap().map(Side::schema(&source), Side::schema(&dest), &MapRequest::default()).unwrap()
}

/// The lines, each as `sources -> destination: type`, with the function of a custom one.
fn lines(proposal: &MappingProposal) -> Vec<String> {
    let line = |line: &crate::mapping::Transformation| {
        let sources: Vec<_> = line.source_field.paths.iter().map(ToString::to_string).collect();
        let function = line.transform_config.get("function").and_then(|name| name.as_str());
        let kind = function.unwrap_or(line.transform_type.name());
        format!("{} -> {}: {kind}", sources.join(" + "), line.dest_field)
    };
    proposal.mapping.transformations.iter().map(line).collect()
}

#[track_caller]
fn has(proposal: &MappingProposal, line: &str) {
    let lines = lines(proposal);
    assert!(lines.iter().any(|own| own == line), "{line} is not in {lines:#?}");
}

#[test]
fn several_flat_fields_go_into_one_list_by_index() {
    let (source, dest) = (schema(&["email", "phone", "mobile"]), schema(&["email", "phones[].phone"]));
    let proposal =
        asked(&source, &dest, &hints(&[("phone", "phones[].phone"), ("mobile", "phones[].phone")]));
    let record = json!({"email": "e", "phone": "1", "mobile": "2"});
    assert_eq!(made(&proposal, &record)["phones"].as_array().unwrap().len(), 2);
}

#[test]
fn a_hint_wins_and_a_wrong_one_is_told() {
    let (source, dest) = (schema(&["email", "nickname"]), schema(&["email", "phone"]));
    let mapper = Mapper::new().unwrap();
    let hinted = |a: &str, b: &str| {
        let request = MapRequest { hints: vec![(a.into(), b.into())], ..MapRequest::default() };
        mapper.map(Side::schema(&source), Side::schema(&dest), &request)
    };
    let proposal = hinted("nickname", "email").unwrap();
    has(&proposal, "nickname -> email: mapping");
    let line = &proposal.mapping.transformations[0];
    assert_eq!((line.confidence, line.reason.as_deref()), (Some(1.0), Some("you said so")));
    let error = hinted("emial", "email").unwrap_err().to_string();
    assert!(error.contains("emial") && error.contains("did you mean \"email\"?"), "{error}");
}

#[test]
fn unrelated_records_are_refused_with_a_reason() {
    let weather = ["id", "name", "temperature:number", "humidity:number", "windSpeed:number", "sunrise"];
    let invoice = ["id", "name", "currency", "subtotal:number", "customer.email", "line_items[].sku"];
    let proposal = map(&weather, &invoice);
    assert!(proposal.mapping.transformations.is_empty(), "{:?}", lines(&proposal));
    let refused = proposal.refused.unwrap();
    assert!(!refused.reason.is_empty() && refused.hints.iter().all(|hint| hint.starts_with("?=")));
}

#[test]
fn required_fields_that_nothing_fills_are_named_with_what_would() {
    let mut dest = schema(&["email", "tax_number", "origin", "kind"]);
    dest["required"] = json!(["email", "tax_number", "origin", "kind"]);
    dest["properties"]["origin"]["default"] = json!("web");
    dest["properties"]["kind"]["const"] = json!("person");
    let source = schema(&["email"]);
    let proposal = Mapper::new()
        .unwrap()
        .map(Side::schema(&source), Side::schema(&dest), &MapRequest::default())
        .unwrap();
    let unmapped: Vec<_> = proposal.unmapped_required.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(unmapped, ["tax_number"]);
    assert!(proposal.unmapped_required[0].help.contains("constant"));
    has(&proposal, " -> origin: constant");
    has(&proposal, " -> kind: constant");
    let doubt = &proposal.may_be_empty[0];
    assert_eq!((doubt.field.as_str(), doubt.because.as_str()), ("email", "email isn't in every record"));
}

#[test]
fn references_are_followed_even_in_circles_and_a_schema_without_fields_is_an_error() {
    let circle = json!({"properties": {"email": {"type": "string"}, "parent": {"$ref": "#"}}});
    let (mapper, dest) = (Mapper::new().unwrap(), schema(&["email"]));
    let proposal = mapper.map(Side::schema(&circle), Side::schema(&dest), &MapRequest::default()).unwrap();
    assert_eq!(lines(&proposal), ["email -> email: direct"]);
    let text = json!({"type": "string"});
    let error = mapper.map(Side::schema(&text), Side::schema(&circle), &MapRequest::default()).unwrap_err();
    assert_eq!(error.kind().id(), "spec_invalid");
}

/// Maps two schemas with a request.
#[track_caller]
fn asked(source: &Value, dest: &Value, request: &MapRequest) -> MappingProposal {
    Mapper::new().unwrap().map(Side::schema(source), Side::schema(dest), request).unwrap()
}

fn hints(pairs: &[(&str, &str)]) -> MapRequest {
    let hints = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    MapRequest { hints, ..MapRequest::default() }
}

/// What the mapping of a proposal makes of a record.
#[track_caller]
fn made(proposal: &MappingProposal, record: &Value) -> Value {
    use crate::mapping::Functions;
    let plan = crate::transform::Plan::compile(&proposal.mapping, &Functions::builtin()).unwrap();
    let mut out = Vec::new();
    plan.apply(record.to_string().as_bytes(), &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}
