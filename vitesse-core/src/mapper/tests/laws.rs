//! What holds for any two schemas.

use proptest::prelude::*;

use super::*;
use crate::mapping::Functions;

fn any_schema() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "id",
        "email",
        "first_name",
        "last_name",
        "full_name",
        "street",
        "street2",
        "lines",
        "city",
        "items",
        "sku",
        "price",
        "price_cents",
        "created_at",
        "status",
        "tags",
        "phone",
        "phones",
        "value",
        "odd.key",
        "a b",
    ]);
    let leaf = prop::sample::select(vec![
        json!({"type": "string"}),
        json!({"type": ["string", "null"]}),
        json!({"type": "integer"}),
        json!({"type": "number"}),
        json!({"type": "boolean"}),
        json!({"type": "string", "format": "date-time"}),
        json!({"type": "integer", "description": "Seconds since 1970."}),
        json!({"type": "string", "enum": ["open", "paid", "lost"]}),
        json!({"type": "string", "enum": ["new", "won"], "default": "new"}),
        json!({}),
    ]);
    let tree = leaf.prop_recursive(4, 24, 6, move |inner| {
        let object = prop::collection::btree_map(name.clone(), (inner.clone(), any::<bool>()), 1..6)
            .prop_map(|fields| {
                let required: Vec<_> =
                    fields.iter().filter(|(_, (_, must))| *must).map(|(name, _)| *name).collect();
                let properties: Map<String, Value> =
                    fields.iter().map(|(name, (schema, _))| ((*name).to_owned(), schema.clone())).collect();
                json!({"type": "object", "properties": properties, "required": required})
            });
        prop_oneof![3 => object, 1 => inner.prop_map(|items| json!({"type": "array", "items": items}))]
    });
    tree.prop_filter("a record", |schema| schema.get("properties").is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever the two are, the proposal compiles, reads back, and is the same the second time.
    #[test]
    fn a_proposal_always_compiles(source in any_schema(), dest in any_schema()) {
        let mapper = Mapper::new().unwrap();
        let map = || mapper.map(Side::schema(&source), Side::schema(&dest), &MapRequest::default());
        let Ok(proposal) = map() else { return Ok(()) };
        prop_assert!(proposal.mapping.validate(&Functions::builtin()).is_ok());
        let text = serde_json::to_string(&proposal).unwrap();
        prop_assert_eq!(&serde_json::from_str::<MappingProposal>(&text).unwrap(), &proposal);
        prop_assert_eq!(map().unwrap(), proposal);
    }

    /// Any field can be hinted into any other, and the mapping still compiles with that line in it.
    #[test]
    fn a_hint_never_breaks_a_mapping(source in any_schema(), dest in any_schema(), s in any::<prop::sample::Index>(), d in any::<prop::sample::Index>()) {
        let mapper = Mapper::new().unwrap();
        let sides = || (Side::schema(&source), Side::schema(&dest));
        let matches = mapper.match_fields(sides().0, sides().1, &MapRequest::default());
        let Ok(matches) = matches else { return Ok(()) };
        let pair = (s.get(&matches.source).path.clone(), d.get(&matches.dest).path.clone());
        let request = MapRequest { hints: vec![pair], ..MapRequest::default() };
        let proposal = mapper.map(sides().0, sides().1, &request).unwrap();
        let said = proposal.mapping.transformations.iter().any(|line| line.confidence == Some(1.0));
        prop_assert!(said, "{:?}", lines(&proposal));
    }
}
