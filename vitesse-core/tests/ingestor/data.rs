//! Schemas and samples, for APIs without a description.

use vitesse_core::ErrorKind;
use vitesse_core::ingestor::{Ingested, ReadOptions, read_data};
use vitesse_core::spec::{EndpointRole, Format, Method};

fn data(name: &str, text: &str) -> Ingested {
    read_data(text.as_bytes(), &ReadOptions { address: name.into(), ..ReadOptions::default() }).unwrap()
}

fn shown(found: &Ingested) -> String {
    let spec = &found.spec;
    let list = &spec.endpoints[0];
    let create = &spec.endpoints[1];
    assert_eq!((list.role, create.role), (Some(EndpointRole::List), Some(EndpointRole::Create)));
    assert_eq!(
        spec.counterpart(spec.id_of(&Method::Get, &list.path).unwrap()),
        spec.id_of(&Method::Post, &list.path)
    );
    assert_eq!(found.diagnostics[0].kind.id(), "no_description");
    assert!(spec.base_url.is_none() && spec.servers.is_empty());
    let fields = spec.schemas.fields(create.request_schema.unwrap(), 4).into_iter().map(|field| {
        let schema = spec.schemas.get(field.schema).unwrap();
        let guessed = if schema.guessed { "?" } else { "" };
        format!("{}{} {}{guessed}", field.path, if field.required { "!" } else { "" }, schema.types)
    });
    let records = list.records.as_ref().unwrap();
    format!(
        "{} {} id {:?}: {}",
        list.path,
        records.path,
        records.id_field.as_deref().unwrap_or_default(),
        fields.collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn samples_become_an_api_of_their_records() {
    let record = r#"{"id": 1, "name": "A", "tags": ["x"]}"#;
    let expected = "/orders [] id \"id\": id! integer?, name! string?, tags[]! string?";
    for (name, text) in [
        ("orders.json", format!("[{record}]")),
        ("orders.json", record.to_owned()),
        ("exports/orders.ndjson", format!("{record}\n{record}\n")),
    ] {
        let found = data(name, &text);
        assert_eq!(shown(&found), expected, "{text}");
        assert_eq!(found.spec.format, Format::Samples);
    }
    let csv = data("c:\\exports\\Orders.csv", "id,name\n1,A\n2,\n");
    assert_eq!(shown(&csv), "/orders [] id \"id\": id! integer?, name! string or null?");
    let page = data("page.json", r#"{"data": [{"id": "a"}], "has_more": true}"#);
    assert_eq!(shown(&page), "/page data[] id \"id\": id! string?");
}

#[test]
fn a_json_schema_becomes_an_api_of_what_it_describes() {
    let found = data(
        "x.json",
        r##"{"$schema": "http://json-schema.org/draft-04/schema#", "title": "Sales Order", "type": "object",
            "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 0, "exclusiveMinimum": true},
            "buyer": {"$ref": "#/definitions/Person"}}, "definitions": {"Person": {"type": "object",
            "properties": {"email": {"type": "string"}}}}}"##,
    );
    assert_eq!(shown(&found), "/sales_order [] id \"id\": id! integer, buyer.email string");
    assert_eq!((&*found.spec.api_name, &found.spec.format), ("Sales Order", &Format::JsonSchema));
    let list = data("list.yaml", "type: array\nitems: {type: object, properties: {id: {type: string}}}");
    assert_eq!(shown(&list), "/list [] id \"id\": id string");
    let only = data(
        "defs.json",
        r##"{"$defs": {"A": {"properties": {"id": {"type": "string"}}}, "B": {"type": "string"}}}"##,
    );
    assert_eq!(shown(&only), "/a [] id \"id\": id string");
    // A record whose member is called `properties` is still a record.
    let contact = data("contacts.json", r#"{"id": "1", "properties": {"email": "a@b.test"}}"#);
    assert_eq!(contact.spec.format, Format::Samples);
}

#[test]
fn what_is_neither_is_told_apart() {
    for (text, like) in
        [("<html><body>", "an HTML page"), ("just words", "neither"), ("[1, 2]", "neither"), ("", "empty")]
    {
        let error = read_data(text.as_bytes(), &ReadOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SpecInvalid);
        assert!(error.message().contains(like), "{text}: {error}");
    }
}
