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

fn has(proposal: &MappingProposal, line: &str) {
    let lines = lines(proposal);
    assert!(lines.iter().any(|own| own == line), "{line} is not in {lines:#?}");
}

#[test]
fn several_flat_fields_go_into_one_list_by_index() {
    let proposal = map(&["email", "phone", "mobile"], &["email", "phones[].phone"]);
    has(&proposal, "mobile -> phones[0].phone: mapping");
    has(&proposal, "phone -> phones[1].phone: direct");
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

#[cfg(feature = "ingest")]
mod apis {
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
        let gaps: Vec<_> =
            connected.gaps.iter().map(|gap| format!("{}: {}", gap.name, gap.question)).collect();
        insta::assert_snapshot!(gaps.join("\n"), @r#"
destination_base_url_region: The address of Lighthouse CRM has the part "region"; is "eu" yours?
"#);
    }
}
