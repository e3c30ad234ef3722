use serde_json::{Map, Value, json};

use super::{Mapper, MappingProposal, Request};

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
    Mapper::new().unwrap().map(&schema(source), &schema(dest), &Request::default()).unwrap()
}

fn pairs(proposal: &MappingProposal) -> Vec<(&str, &str)> {
    proposal.lines.iter().map(|line| (line.source.as_str(), line.dest.as_str())).collect()
}

#[test]
fn people_and_addresses_find_each_other() {
    let proposal = map(
        &["FirstName", "LastName", "home.zipCode", "home.town", "workEmail"],
        &["given_name", "family_name", "addresses[].postal_code", "addresses[].city", "emails[].email"],
    );
    let found = pairs(&proposal);
    for pair in [
        ("FirstName", "given_name"),
        ("LastName", "family_name"),
        ("home.zipCode", "addresses[].postal_code"),
        ("home.town", "addresses[].city"),
    ] {
        assert!(found.contains(&pair), "{pair:?} in {found:?}");
    }
}

#[test]
fn several_flat_fields_go_into_one_array() {
    let proposal = map(&["email", "phone", "mobile"], &["email", "phones[].phone"]);
    let found = pairs(&proposal);
    assert!(
        found.contains(&("phone", "phones[].phone")) && found.contains(&("mobile", "phones[].phone")),
        "{found:?}"
    );
}

#[test]
fn a_foreign_id_takes_the_id_and_numbered_lines_keep_their_number() {
    let proposal = map(
        &["id", "address_1", "address_2", "email"],
        &["id", "remote_id", "street_1", "street_2", "email"],
    );
    let expected =
        [("email", "email"), ("id", "remote_id"), ("address_1", "street_1"), ("address_2", "street_2")];
    assert_eq!(pairs(&proposal), expected);
}

#[test]
fn a_hint_wins_and_a_wrong_one_is_told() {
    let (source, dest) = (schema(&["email", "nickname"]), schema(&["email", "phone"]));
    let mapper = Mapper::new().unwrap();
    let hinted = |a: &str, b: &str| {
        let request = Request { hints: vec![(a.into(), b.into())], ..Request::default() };
        mapper.map(&source, &dest, &request)
    };
    let proposal = hinted("nickname", "email").unwrap();
    let line = proposal.lines.iter().find(|line| line.dest == "email").unwrap();
    assert_eq!(
        (line.source.as_str(), line.confidence, line.reason.as_str()),
        ("nickname", 1000, "you said so")
    );
    assert_eq!(line.candidates, ["email"]);
    let error = hinted("emial", "email").unwrap_err().to_string();
    assert!(error.contains("emial") && error.contains("did you mean \"email\"?"), "{error}");
}

#[test]
fn unrelated_records_are_refused_with_a_reason() {
    let weather = ["id", "name", "temperature:number", "humidity:number", "windSpeed:number", "sunrise"];
    let invoice = ["id", "name", "currency", "subtotal:number", "customer.email", "line_items[].sku"];
    let proposal = map(&weather, &invoice);
    assert!(proposal.lines.is_empty(), "{:?}", proposal.lines);
    assert!(proposal.refused.unwrap().contains("hints"));
}

#[test]
fn required_fields_that_nothing_fills_are_named() {
    let mut dest = schema(&["email", "tax_number"]);
    dest["required"] = json!(["email", "tax_number"]);
    let proposal = Mapper::new().unwrap().map(&schema(&["email"]), &dest, &Request::default()).unwrap();
    assert_eq!(proposal.unmapped_required, ["tax_number"]);
}

#[test]
fn references_are_followed_even_in_circles_and_a_schema_without_fields_is_an_error() {
    let circle = json!({"properties": {"email": {"type": "string"}, "parent": {"$ref": "#"}}});
    let mapper = Mapper::new().unwrap();
    let proposal = mapper.map(&circle, &schema(&["email"]), &Request::default()).unwrap();
    assert_eq!(pairs(&proposal), [("email", "email")]);
    let error = mapper.map(&json!({"type": "string"}), &circle, &Request::default()).unwrap_err();
    assert_eq!(error.kind().id(), "spec_invalid");
}
