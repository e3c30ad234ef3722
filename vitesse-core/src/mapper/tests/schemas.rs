//! What becomes of fields between plain schemas, down to the records.

use super::*;

#[test]
fn lists_of_objects_align_and_what_is_outside_them_is_repeated() {
    let source = schema(&["currency", "line_items[].sku", "line_items[].quantity:integer"]);
    let dest = schema(&["lines[].sku", "lines[].quantity:integer", "lines[].currency"]);
    let request = hints(&[
        ("line_items[].sku", "lines[].sku"),
        ("line_items[].quantity", "lines[].quantity"),
        ("currency", "lines[].currency"),
    ]);
    let proposal = asked(&source, &dest, &request);
    let record =
        json!({"currency": "EUR", "line_items": [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 1}]});
    assert_eq!(
        made(&proposal, &record),
        json!({"lines": [{"currency": "EUR", "sku": "a", "quantity": 2}, {"currency": "EUR", "sku": "b", "quantity": 1}]})
    );
}

#[test]
fn a_field_of_another_list_is_left_out_and_told() {
    let source = schema(&["items[].sku", "items[].title", "taxes[].rate:number"]);
    let dest = schema(&["lines[].sku", "lines[].title", "lines[].rate:number"]);
    let request = hints(&[("items[].sku", "lines[].sku"), ("items[].title", "lines[].title")]);
    let request = MapRequest {
        hints: [request.hints, vec![("taxes[].rate".into(), "lines[].rate".into())]].concat(),
        ..request
    };
    let proposal = asked(&source, &dest, &request);
    assert!(!lines(&proposal).iter().any(|line| line.contains("rate")), "{:?}", lines(&proposal));
    let told = proposal.notes.iter().any(|note| note.message.contains("another list"));
    assert!(told, "{:?}", proposal.notes);
}

#[test]
fn one_of_many_and_many_of_one() {
    let source = schema(&["emails[].value", "phone", "tags[]", "city"]);
    let dest = schema(&["email", "phones[].number", "tags", "cities[]"]);
    let request = hints(&[
        ("emails[].value", "email"),
        ("phone", "phones[].number"),
        ("tags[]", "tags"),
        ("city", "cities[]"),
    ]);
    let proposal = asked(&source, &dest, &request);
    let record = json!({"emails": [{"value": "a@b"}, {"value": "c@d"}], "phone": "1", "tags": ["x", "y"], "city": "Oslo"});
    assert_eq!(
        made(&proposal, &record),
        json!({"email": "a@b", "phones": [{"number": "1"}], "tags": "x, y", "cities": ["Oslo"]})
    );
}

#[test]
fn several_hints_for_one_text_are_joined() {
    let (parts, whole) = (schema(&["first_name", "last_name", "email"]), schema(&["full_name", "email"]));
    let joined = asked(&parts, &whole, &hints(&[("first_name", "full_name"), ("last_name", "full_name")]));
    has(&joined, "first_name + last_name -> full_name: concat");
    let record = json!({"first_name": "Ada", "last_name": "King Lovelace", "email": "a@b"});
    assert_eq!(made(&joined, &record)["full_name"], "Ada King Lovelace");
}

#[test]
fn street_lines_are_collected() {
    let source = schema(&["street1", "street2", "city", "zip"]);
    let dest = schema(&["street_lines[]", "city", "postal_code"]);
    let request = hints(&[("street1", "street_lines[]"), ("street2", "street_lines[]")]);
    let proposal = asked(&source, &dest, &request);
    has(&proposal, "street1 + street2 -> street_lines: collect");
    let record = json!({"street1": "High St 1", "street2": null, "city": "Oslo", "zip": "0150"});
    assert_eq!(made(&proposal, &record)["street_lines"], json!(["High St 1"]));
}

#[test]
fn lists_that_are_texts_with_commas() {
    let text = json!({"type": "string", "description": "Comma-separated list."});
    let list = json!({"type": "array", "items": {"type": "string"}});
    let (a, b) = (json!({"properties": {"tags": text}}), json!({"properties": {"tags": list}}));
    let request = hints(&[("tags", "tags")]);
    assert_eq!(made(&asked(&a, &b, &request), &json!({"tags": "x, y"})), json!({"tags": ["x", "y"]}));
    assert_eq!(made(&asked(&b, &a, &request), &json!({"tags": ["x", "y"]})), json!({"tags": "x, y"}));
}

#[test]
fn an_object_is_taken_whole_where_a_hint_says_so() {
    let (source, dest) = (
        schema(&["home.street", "home.city", "email"]),
        schema(&["address.street", "address.city", "email"]),
    );
    let proposal = asked(&source, &dest, &hints(&[("home", "address")]));
    has(&proposal, "home -> address: mapping");
    let record = json!({"home": {"street": "s", "city": "c"}, "email": "e"});
    assert_eq!(made(&proposal, &record)["address"], json!({"street": "s", "city": "c"}));
}

#[test]
fn what_must_not_be_sent_is_not_sent_and_unknown_names_are_errors() {
    let (source, dest) = (schema(&["email", "phone", "home.city"]), schema(&["email", "phone", "home.city"]));
    let request = MapRequest {
        intent: "Sync people, but never send phone.".into(),
        never_send: vec!["home".into()],
        ..MapRequest::default()
    };
    let proposal = asked(&source, &dest, &request);
    assert_eq!(lines(&proposal), ["email -> email: direct"]);
    assert!(proposal.notes.iter().any(|note| note.message.contains("phone is never sent")));
    let wrong = MapRequest { never_send: vec!["phon".into()], ..MapRequest::default() };
    let error = Mapper::new().unwrap().map(Side::schema(&source), Side::schema(&dest), &wrong).unwrap_err();
    assert!(error.to_string().contains("did you mean \"phone\"?"), "{error}");
}

#[test]
fn constants_are_checked_against_the_schema() {
    let source = schema(&["email"]);
    let dest = json!({"properties": {"email": {"type": "string"}, "channel": {"enum": ["web", "shop"]}}});
    let with =
        |value: Value| MapRequest { constants: vec![("channel".into(), value)], ..MapRequest::default() };
    let proposal = asked(&source, &dest, &with(json!("web")));
    assert_eq!(made(&proposal, &json!({"email": "e"})), json!({"email": "e", "channel": "web"}));
    let error = Mapper::new()
        .unwrap()
        .map(Side::schema(&source), Side::schema(&dest), &with(json!("fax")))
        .unwrap_err();
    assert!(error.to_string().contains("one of web, shop"), "{error}");
}

#[test]
fn a_default_fills_what_is_not_in_every_record() {
    let source = json!({"properties": {"email": {"type": "string"}, "country": {"type": "string"}}, "required": ["email"]});
    let mut dest = schema(&["email", "country"]);
    dest["required"] = json!(["email", "country"]);
    dest["properties"]["country"]["default"] = json!("NO");
    let proposal = asked(&source, &dest, &MapRequest::default());
    assert_eq!(made(&proposal, &json!({"email": "e"})), json!({"email": "e", "country": "NO"}));
    assert_eq!(proposal.may_be_empty, []);
}

#[test]
fn records_of_other_streams_are_looked_up() {
    use crate::mapper::StreamRef;
    let source = schema(&["id", "customer_id", "currency", "email"]);
    let dest = schema(&["external_id", "contact_id", "currency", "email"]);
    let stream = StreamRef {
        stream: "customers".into(),
        source_endpoint: "/customers".into(),
        dest_endpoint: "/contacts".into(),
    };
    let request = MapRequest { streams: vec![stream], ..MapRequest::default() };
    has(&asked(&source, &dest, &request), "customer_id -> contact_id: ref");

    // Of several ids of such records a person chooses; what isn't one of them gets the source's id as it is.
    let dest = schema(&["external_id", "contact_id", "primary_contact_id", "currency", "email"]);
    let said =
        |dest: &str| MapRequest { hints: vec![("customer_id".into(), dest.into())], ..request.clone() };
    let proposal = asked(&source, &dest, &said("primary_contact_id"));
    has(&proposal, "customer_id -> primary_contact_id: ref");
    assert!(proposal.mapping.transformations.iter().all(|line| line.dest_field.to_string() != "contact_id"));
    let proposal = asked(&source, &dest, &said("external_id"));
    has(&proposal, "customer_id -> contact_id: ref");
    has(&proposal, "customer_id -> external_id: mapping");
}

#[test]
fn an_element_that_a_person_names_wins_over_what_was_guessed_for_the_list() {
    let source = schema(&["addresses[].city", "addresses[].zip", "email"]);
    let mut dest = schema(&["contacts[].city", "contacts[].zip", "contacts[].email"]);
    dest["required"] = json!(["contacts"]);
    dest["properties"]["contacts"]["items"]["required"] = json!(["email"]);
    let request = hints(&[("addresses[0].city", "contacts[0].city"), ("email", "contacts[0].email")]);
    let proposal = asked(&source, &dest, &request);
    let record = json!({"addresses": [{"city": "Oslo", "zip": "0150"}, {"city": "Bergen"}], "email": "a@b"});
    assert_eq!(made(&proposal, &record), json!({"contacts": [{"city": "Oslo", "email": "a@b"}]}));
    // What the destination requires is required of the line, as of one that was found.
    let required = proposal.mapping.transformations.iter().filter(|line| line.required);
    assert_eq!(required.map(|line| line.dest_field.to_string()).collect::<Vec<_>>(), ["contacts[0].email"]);
}

#[test]
fn keys_of_any_spelling_are_named_in_the_mapping() {
    let key = |name: &str| json!({"properties": {name: {"type": "string"}, "email": {"type": "string"}}});
    let (source, dest) = (key("first name"), key("given.name"));
    let proposal = asked(&source, &dest, &hints(&[("[\"first name\"]", "[\"given.name\"]")]));
    assert_eq!(made(&proposal, &json!({"first name": "Ada"})), json!({"given.name": "Ada"}));
}

#[test]
fn a_list_is_needed_only_if_it_is_required_itself() {
    let source = schema(&["tags[]", "email", "lines[].code"]);
    let mut dest = schema(&["tags[]", "email", "lines[].code", "lines[].kind"]);
    dest["properties"]["lines"]["items"]["required"] = json!(["code", "kind"]);
    let proposal = asked(&source, &dest, &MapRequest::default());
    assert_eq!(proposal.may_be_empty.iter().find(|doubt| doubt.field.starts_with("tags")), None);
    // What is required of an element is needed once something makes elements.
    let unmapped: Vec<_> = proposal.unmapped_required.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(unmapped, ["lines[].kind"]);
    dest["required"] = json!(["tags"]);
    let proposal = asked(&schema(&["email", "lines[].code"]), &dest, &MapRequest::default());
    assert!(
        proposal.unmapped_required.iter().any(|one| one.field == "tags"),
        "{:?}",
        proposal.unmapped_required
    );
}

#[test]
fn without_a_hint_the_evidence_joins_splits_and_collects() {
    let parts = ["email", "first_name", "last_name", "street_1", "street_2", "city", "zip_code", "phone"];
    let whole = ["email", "full_name", "street_lines[]", "city", "postal_code", "phone"];
    let joined = map(&parts, &whole);
    has(&joined, "first_name + last_name -> full_name: concat");
    has(&joined, "street_1 + street_2 -> street_lines: collect");
    let record = json!({"email": "a@b", "first_name": "Ada", "last_name": "Lovelace", "street_1": "High St 1",
        "street_2": "Flat 2", "city": "Oslo", "zip_code": "0150", "phone": "1"});
    assert_eq!(
        made(&joined, &record),
        json!({"email": "a@b", "full_name": "Ada Lovelace", "street_lines": ["High St 1", "Flat 2"], "city": "Oslo",
            "postal_code": "0150", "phone": "1"})
    );
    let split = map(
        &["email", "full_name", "city", "phone"],
        &["email", "given_name", "family_name", "city", "phone"],
    );
    let record = json!({"email": "a@b", "full_name": "Ada Lovelace", "city": "Oslo", "phone": "1"});
    assert_eq!(
        made(&split, &record),
        json!({"email": "a@b", "given_name": "Ada", "family_name": "Lovelace", "city": "Oslo", "phone": "1"})
    );
}

#[test]
fn a_hint_for_one_part_takes_the_whole_there() {
    let source = schema(&["email", "full_name", "city", "phone"]);
    let dest = schema(&["email", "given_name", "family_name", "city", "phone"]);
    let record = json!({"email": "a@b", "full_name": "Lovelace", "city": "Oslo", "phone": "1"});
    let with = |hints: &[&str]| {
        let hints = hints.iter().map(|dest| ("full_name".into(), (*dest).into())).collect();
        made(&asked(&source, &dest, &MapRequest { hints, ..MapRequest::default() }), &record)
    };
    assert_eq!(with(&["family_name"])["family_name"], "Lovelace");
    let both = with(&["family_name", "given_name"]);
    assert_eq!((&both["given_name"], &both["family_name"]), (&json!("Lovelace"), &json!(null)));
}

#[test]
fn wrappers_say_nothing_and_one_of_a_list_is_a_list() {
    let flat = ["id", "email", "first_name", "last_name", "city", "zip"];
    let wrapped = [
        "id",
        "properties.email",
        "properties.firstname",
        "properties.lastname",
        "properties.city",
        "properties.zip",
    ];
    let proposal = map(&flat, &wrapped);
    for line in [
        "email -> properties.email: direct",
        "first_name -> properties.firstname: mapping",
        "last_name -> properties.lastname: mapping",
        "zip -> properties.zip: direct",
    ] {
        has(&proposal, line);
    }
    let listed = map(&flat, &["first_name", "last_name", "emails[].value", "city", "postal_code"]);
    let record =
        json!({"id": "1", "email": "a@b", "first_name": "A", "last_name": "B", "city": "C", "zip": "D"});
    assert_eq!(made(&listed, &record)["emails"], json!([{"value": "a@b"}]));
}

#[test]
fn conversions_follow_from_names_formats_and_values_without_a_hint() {
    let mut source =
        schema(&["email", "order_number", "total_price", "created_at:integer", "status", "currency"]);
    let mut dest =
        schema(&["email", "number", "total_price_cents:integer", "created_at", "status", "currency"]);
    source["properties"]["created_at"]["description"] = json!("Seconds since 1970");
    dest["properties"]["created_at"]["format"] = json!("date-time");
    source["properties"]["status"]["enum"] = json!(["cancelled", "completed", "open"]);
    dest["properties"]["status"]["enum"] = json!(["OPEN", "DONE", "CANCELED"]);
    let proposal = asked(&source, &dest, &MapRequest::default());
    let record = json!({"email": "a@b", "order_number": "7", "total_price": "12.50", "created_at": 0,
        "status": "completed", "currency": "EUR"});
    assert_eq!(
        made(&proposal, &record),
        json!({"email": "a@b", "number": "7", "total_price_cents": 1250, "created_at": "1970-01-01T00:00:00Z",
            "status": "DONE", "currency": "EUR"})
    );
}
