use super::*;
use crate::ingestor::{ReadOptions, read};
use crate::mapper::{EndpointPair, Overrides, connect};
use crate::spec::{ApiSpec, Method};

fn spec(name: &str) -> ApiSpec {
    let path = format!("{}/../examples/apis/{name}", env!("CARGO_MANIFEST_DIR"));
    read(&std::fs::read(path).unwrap(), &ReadOptions::default()).unwrap().spec
}

fn shop_to_crm(source: &str, dest: &str, request: &MapRequest) -> MappingProposal {
    let (shop, crm) = (spec("shop.yaml"), spec("crm.json"));
    let source = Side::endpoint(&shop, &Method::Get, source).unwrap();
    let dest = Side::endpoint(&crm, &Method::Post, dest).unwrap();
    Mapper::new().unwrap().map(source, dest, request).unwrap()
}

/// A mapping between the two sample APIs, with hints for what names alone don't say.
#[test]
fn customers_become_contacts_with_every_conversion() {
    let hints = [
        ("accepts_marketing", "marketing_consent"),
        ("lifetime_value", "lifetime_value_cents"),
        ("tags", "labels"),
        ("created_at", "signed_up_at"),
    ];
    let hints = hints.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    let proposal = shop_to_crm("/customers", "/contacts", &MapRequest { hints, ..MapRequest::default() });
    for line in [
        "last_name -> family_name: mapping",
        "email -> email_address: mapping",
        "accepts_marketing -> marketing_consent: parse_bool",
        "lifetime_value -> lifetime_value_cents: scale_decimal",
        "tags -> labels: mapping",
        "created_at -> signed_up_at: timestamp",
        "default_address.zip -> address.postal_code: mapping",
        "id -> external_id: mapping",
    ] {
        has(&proposal, line);
    }
    assert_eq!(proposal.unmapped_required, []);
    assert_eq!(proposal.may_be_empty[0].field, "family_name");
    assert!(proposal.is_complete(), "{:#?}", proposal.gaps);
    assert!((1.0..=10.0).contains(&proposal.complexity_score));
}

#[test]
fn orders_become_deals_with_lists_and_values_by_meaning() {
    let hints = [
        ("line_items[].sku", "lines[].product_code"),
        ("line_items[].price", "lines[].unit_price_cents"),
        ("total_price", "amount_cents"),
        ("status", "stage"),
        ("number", "name"),
    ];
    let hints = hints.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    let proposal = shop_to_crm("/orders", "/deals", &MapRequest { hints, ..MapRequest::default() });
    for line in [
        "line_items[].sku -> lines[].product_code: mapping",
        "line_items[].price -> lines[].unit_price_cents: scale_decimal",
        "total_price -> amount_cents: scale_decimal",
        "status -> stage: lookup",
        "number -> name: stringify",
        "currency -> currency: direct",
    ] {
        has(&proposal, line);
    }
}

#[test]
fn the_blocks_are_filled_with_evidence_and_what_is_missing_is_a_question() {
    let (shop, crm) = (spec("shop.yaml"), spec("crm.json"));
    let pair = EndpointPair::new(&shop, "GET /customers", &crm, "POST /contacts").unwrap();
    let connected = connect(&shop, &crm, &pair, &Overrides::default()).unwrap();
    let mapping = crate::mapping::Mapping {
        source: Some(connected.source),
        destination: Some(connected.destination),
        ..crate::mapping::Mapping::of([])
    };
    insta::assert_snapshot!(mapping.to_json(), @r#"
{
  "version": 1,
  "source": {
    "api_name": "Fjord Shop",
    "base_url": "https://api.fjordshop.example/v2",
    "path": "/customers",
    "records": "data[]",
    "id_field": "id",
    "auth": {
      "type": "api_key",
      "name": "X-Shop-Key"
    },
    "pagination": {
      "kind": "cursor",
      "param": "after",
      "from": "paging.next",
      "size_param": "limit",
      "size": 250
    },
    "incremental": {
      "field": "updated_at",
      "param": "updated_since"
    },
    "rate_limit": {
      "requests": 10,
      "per": "1s"
    }
  },
  "destination": {
    "api_name": "Lighthouse CRM",
    "base_url": "https://eu.lighthouse-crm.example/api/v1",
    "auth": {
      "type": "oauth2_client_credentials",
      "token_url": "https://auth.lighthouse-crm.example/token",
      "scopes": [
        "contacts.write",
        "deals.write"
      ]
    },
    "operations": {
      "create": {
        "method": "POST",
        "path": "/contacts",
        "id": "id"
      },
      "find": {
        "method": "GET",
        "path": "/contacts",
        "params": {
          "email_address": "{email_address}"
        },
        "id": "id",
        "records": "results[]"
      },
      "update": {
        "method": "PATCH",
        "path": "/contacts/{id}"
      },
      "delete": {
        "method": "DELETE",
        "path": "/contacts/{id}"
      }
    },
    "match_on": [
      "email_address"
    ],
    "idempotency": {}
  },
  "transformations": []
}
"#);
    let gaps: Vec<_> = connected.gaps.iter().map(|gap| format!("{}: {}", gap.name, gap.question)).collect();
    insta::assert_snapshot!(gaps.join("\n"), @r#"
destination_base_url_region: The address of Lighthouse CRM has the part "region"; is "eu" yours?
"#);
}

#[test]
fn a_time_of_making_is_no_sign_of_change() {
    let crm = spec("crm.json");
    let path = format!("{}/../examples/apis/shop.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let incremental = |text: &str| {
        let shop = read(text.as_bytes(), &ReadOptions::default()).unwrap().spec;
        let pair = EndpointPair::new(&shop, "GET /customers", &crm, "POST /contacts").unwrap();
        let connected = connect(&shop, &crm, &pair, &Overrides::default()).unwrap();
        connected.source.incremental.map(|found| found.field.to_string())
    };
    assert_eq!(incremental(&text).as_deref(), Some("updated_at"));
    // With `created_at` alone, what changed later would never be read again.
    assert_eq!(incremental(&text.replace("updated_at", "edition").replace("updated_since", "colour")), None);
}

#[test]
fn an_intent_chooses_the_endpoints_in_the_order_of_what_refers_to_what() {
    use crate::mapper::pairs;
    let (shop, crm) = (spec("shop.yaml"), spec("crm.json"));
    let chosen = |intent: &str| -> Vec<String> {
        let found = pairs(&shop, &crm, intent).unwrap();
        found.iter().map(|pair| format!("{} -> {}", pair.source_endpoint, pair.dest_endpoint)).collect()
    };
    let both = ["GET /customers -> POST /contacts", "GET /orders -> POST /deals"];
    assert_eq!(chosen("sync customers and orders"), both);
    assert_eq!(
        chosen("Sync orders, and the customers they belong to"),
        both,
        "an order refers to its customer"
    );
    assert_eq!(chosen("Every new customer becomes a contact"), both[..1]);
    assert_eq!(chosen("keep clients up to date")[0], both[0]);
    let any = pairs(&shop, &crm, "").unwrap();
    assert!(any[0].confidence > 0.4 && !any[0].reason.is_empty(), "{any:?}");
}

#[test]
fn an_api_with_nothing_to_write_is_told() {
    let (shop, crm) = (spec("shop.yaml"), spec("crm.json"));
    let error = crate::mapper::pairs(&crm, &shop, "sync contacts").unwrap_err().to_string();
    assert!(error.contains("nothing to write") && error.contains("Fjord Shop"), "{error}");
}

fn made_spec(text: &str) -> ApiSpec {
    read(text.as_bytes(), &ReadOptions::default()).unwrap().spec
}

const STRANGE: &str = r##"
openapi: 3.1.0
info: {title: Strange, version: "1"}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {authorizationCode: {authorizationUrl: https://a.test/a, tokenUrl: https://a.test/t, scopes: {r: read}}}}
  schemas:
    Ticket: {type: object, properties: {subject: {type: string}, code: {type: string}}}
security: [{oauth: [r]}]
paths:
  /projects:
    get:
      responses: {"200": {description: ok, content: {application/json: {schema: {type: array, items: {type: object, properties: {id: {type: integer}}}}}}}}
  /projects/{project_id}/tickets:
    get:
      parameters:
        - {name: project_id, in: path, required: true, schema: {type: integer}}
        - {name: region, in: query, required: true, schema: {type: string, enum: [eu, us]}}
        - {name: view, in: query, required: true, schema: {type: string, default: full}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Ticket"}}}}}}
  /tickets:
    get:
      parameters: [{name: code, in: query, schema: {type: string}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, properties: {tickets: {type: array, items: {$ref: "#/components/schemas/Ticket"}}}}}}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Ticket"}}}}
      responses: {"201": {description: ok}}
  /tickets/batch:
    post:
      requestBody: {content: {application/json: {schema: {type: object, properties: {inputs: {type: array, maxItems: 20, items: {$ref: "#/components/schemas/Ticket"}}}}}}}
      responses: {"200": {description: ok}}
"##;

#[test]
fn lists_under_others_bulk_requests_and_open_questions() {
    let strange = made_spec(STRANGE);
    let pair =
        EndpointPair::new(&strange, "GET /projects/{project_id}/tickets", &strange, "POST /tickets").unwrap();
    let connected = connect(&strange, &strange, &pair, &Overrides::default()).unwrap();
    let parent = connected.source.parent.unwrap();
    assert_eq!((parent.path.as_str(), parent.params.get("project_id").unwrap()), ("/projects", &"id".into()));
    assert_eq!(connected.source.params.get("view"), Some(&"full".into()));
    assert!(matches!(connected.source.auth, crate::mapping::Auth::OAuth2RefreshToken(_)));
    let bulk = connected.destination.operations.bulk.unwrap();
    assert_eq!((bulk.path.as_str(), bulk.wrap.unwrap().to_string()), ("/tickets/batch", "inputs".to_owned()));
    assert_eq!(connected.destination.batch.unwrap().records, 20);
    assert_eq!(connected.destination.match_on[0].to_string(), "code");
    let gap = |name: &str| {
        connected
            .gaps
            .iter()
            .find(|gap| gap.name == name)
            .unwrap_or_else(|| panic!("{name}: {:#?}", connected.gaps))
    };
    assert!(gap("source_base_url").blocks && gap("destination_base_url").question.contains("Strange"));
    assert_eq!(gap("source_param_region").choices, ["eu", "us"]);
    assert!(!gap("destination_update").blocks);
    assert!(
        connected
            .evidence
            .iter()
            .all(|fact| fact.pointer.starts_with('/') && !fact.evidence.pointer.is_empty())
    );
}

#[test]
fn overrides_answer_the_questions_and_wrong_ones_are_told() {
    let strange = made_spec(STRANGE);
    let pair =
        EndpointPair::new(&strange, "GET /projects/{project_id}/tickets", &strange, "POST /tickets").unwrap();
    let with = |source: &str| {
        let source = Some(source.parse().unwrap());
        connect(&strange, &strange, &pair, &Overrides { source, ..Overrides::default() })
    };
    let connected = with(
        r#"{"base_url": "https://s.test", "params": {"region": "eu"}, "auth": {"type": "bearer"}, "parent": null}"#,
    )
    .unwrap();
    assert_eq!(connected.source.base_url, "https://s.test");
    assert_eq!(connected.source.params.get("region"), Some(&"eu".into()));
    assert_eq!(connected.source.params.get("view"), Some(&"full".into()), "what isn't said stays");
    assert!(connected.source.parent.is_none());
    assert!(
        !connected.gaps.iter().any(|gap| gap.name == "source_base_url" || gap.name == "source_param_region")
    );
    let error = with(r#"{"bas_url": "x"}"#).unwrap_err();
    assert!(error.to_string().contains("did you mean \"base_url\"?"), "{error}");
}

#[test]
fn keys_that_no_line_writes_are_not_looked_for() {
    let (shop, crm) = (spec("shop.yaml"), spec("crm.json"));
    let source = Side::endpoint(&shop, &Method::Get, "/customers").unwrap();
    let dest = Side::endpoint(&crm, &Method::Post, "/contacts").unwrap();
    let request = MapRequest { never_send: vec!["email".into()], ..MapRequest::default() };
    let proposal = Mapper::new().unwrap().map(source, dest, &request).unwrap();
    let destination = proposal.mapping.destination.as_ref().unwrap();
    assert!(destination.match_on.is_empty() && destination.operations.find.is_none());
    assert!(proposal.gaps.iter().any(|gap| gap.name == "destination_match_on"));
    assert_eq!(proposal.unmapped_required[0].field, "email_address");
    assert!(!proposal.is_complete());
}

const WRITES: &str = r##"
openapi: 3.1.0
info: {title: Writes, version: "1"}
servers: [{url: https://w.test}]
components:
  schemas:
    Person: {type: object, properties: {email: {type: string}, full_name: {type: string}}}
    Outcome: {type: object, properties: {index: {type: integer}, id: {type: string}, success: {type: boolean}, errors: {type: array, items: {type: string}}}}
paths:
  /people:
    get:
      responses: {"200": {description: ok, content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Person"}}}}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Person"}}}}
      responses: {"201": {description: ok, content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}}
  /people/{id}:
    patch:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {person: {$ref: "#/components/schemas/Person"}, notify: {type: boolean}}}}}}
      responses: {"200": {description: ok}}
  /people/{email}:
    put:
      summary: Create or update a person by e-mail
      parameters: [{name: email, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {person: {$ref: "#/components/schemas/Person"}}}}}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}}
  /people/bulk:
    post:
      requestBody: {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Person"}}}}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, properties: {results: {type: array, items: {$ref: "#/components/schemas/Outcome"}}}}}}}}
"##;

/// The destination's block for a text, and the names of the open questions.
fn written_to(text: &str) -> (crate::mapping::Destination, Vec<String>) {
    let shop = spec("shop.yaml");
    let writes = made_spec(text);
    let pair = EndpointPair::new(&shop, "GET /customers", &writes, "POST /people").unwrap();
    let connected = connect(&shop, &writes, &pair, &Overrides::default()).unwrap();
    (connected.destination, connected.gaps.into_iter().map(|gap| gap.name).collect())
}

#[test]
fn upserts_wrapped_bodies_and_the_results_of_bulk_requests_are_derived() {
    let (destination, gaps) = written_to(WRITES);
    let operations = destination.operations;
    let upsert = operations.upsert.unwrap();
    assert_eq!((upsert.method.as_str(), upsert.path.as_str()), ("PUT", "/people/{email}"));
    assert_eq!(upsert.wrap.unwrap().to_string(), "person");
    assert_eq!(operations.update.unwrap().wrap.unwrap().to_string(), "person");
    assert_eq!(operations.create.unwrap().wrap, None);
    let results = operations.bulk.unwrap().results.unwrap();
    assert_eq!(results.records.to_string(), "results[]");
    let at = |path: &Option<crate::mapping::FieldPath>| path.as_ref().map(ToString::to_string);
    assert_eq!(at(&results.index).as_deref(), Some("index"));
    assert_eq!(at(&results.id).as_deref(), Some("id"));
    assert_eq!(at(&results.status).as_deref(), Some("success"));
    assert_eq!(at(&results.error).as_deref(), Some("errors"));
    assert_eq!(results.ok, [true.into()]);
    assert!(!gaps.iter().any(|gap| gap.contains("wrap") || gap.contains("bulk")), "{gaps:?}");
}

#[test]
fn what_the_description_leaves_open_about_writes_is_asked() {
    // An answer that only lists records may leave out those that failed; a path by the destination's id can't
    // be known before; a body that has none of the record's fields is another thing.
    let text = WRITES
        .replace(
            "items: {$ref: \"#/components/schemas/Outcome\"}",
            "items: {$ref: \"#/components/schemas/Person\"}",
        )
        .replace("/people/{email}:", "/people/{id}/full:")
        .replace("name: email, in: path", "name: id, in: path")
        .replace(
            "{person: {$ref: \"#/components/schemas/Person\"}, notify: {type: boolean}}",
            "{patch: {type: string}}",
        );
    let (destination, gaps) = written_to(&text);
    assert!(destination.operations.upsert.is_none());
    assert!(destination.operations.bulk.unwrap().results.is_none());
    for gap in ["destination_bulk_results", "destination_update_wrap"] {
        assert!(gaps.iter().any(|own| own == gap), "{gap}: {gaps:?}");
    }
}

#[test]
fn a_record_in_an_envelope_is_known_by_a_field_inside() {
    let text = WRITES
        .replace(
            "schema: {$ref: \"#/components/schemas/Person\"}}}}",
            "schema: {type: object, properties: {person: {$ref: \"#/components/schemas/Person\"}}}}}}",
        )
        .replace(
            "  /people:\n    get:\n",
            "  /people:\n    get:\n      parameters: [{name: email, in: query, schema: {type: string}}]\n",
        );
    let (destination, _) = written_to(&text);
    assert_eq!(destination.match_on[0].to_string(), "person.email");
    let find = destination.operations.find.unwrap();
    assert_eq!(find.params.get("email"), Some(&"{person.email}".into()));
}

#[test]
fn an_upsert_whose_key_no_line_writes_is_left_out_and_asked_about() {
    let (shop, writes) = (spec("shop.yaml"), made_spec(WRITES));
    let mapped = |never_send: &[&str]| {
        let source = Side::endpoint(&shop, &Method::Get, "/customers").unwrap();
        let dest = Side::endpoint(&writes, &Method::Post, "/people").unwrap();
        let never_send = never_send.iter().map(|field| (*field).to_owned()).collect();
        let request = MapRequest {
            hints: vec![("first_name".into(), "full_name".into())],
            never_send,
            ..MapRequest::default()
        };
        Mapper::new().unwrap().map(source, dest, &request).unwrap()
    };
    let upserts = |proposal: &MappingProposal| {
        proposal.mapping.destination.as_ref().unwrap().operations.upsert.is_some()
    };
    let (with, without) = (mapped(&[]), mapped(&["email"]));
    assert!(upserts(&with) && !upserts(&without));
    assert!(without.gaps.iter().any(|gap| gap.name == "destination_upsert"), "{:#?}", without.gaps);
}
