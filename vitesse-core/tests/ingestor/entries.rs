//! What must hold for any bytes at each entry of the ingestor. The fuzz targets use this file too.

use vitesse_core::ingestor::{Ingested, ReadOptions, SourceDocument, missing_documents, read, read_set};
use vitesse_core::spec::{ApiSpec, Schema, SchemaId};

/// JSON, or what looks like it.
pub(crate) fn json(bytes: &[u8]) {
    if let Ok(found) = read(bytes, &ReadOptions::default()) {
        sound(&found);
    }
}

/// YAML: the text after a head that makes it a description of OpenAPI 3.
pub(crate) fn yaml(bytes: &[u8]) {
    json(&[b"openapi: 3.1.0\ninfo: {title: T, version: '1'}\n", bytes].concat());
}

/// The same of Swagger 2.0.
pub(crate) fn swagger2(bytes: &[u8]) {
    json(&[b"swagger: '2.0'\ninfo: {title: T, version: '1'}\n", bytes].concat());
}

/// Documents with a zero byte between them, which may refer to each other as `1.yaml`, `2.yaml` and so on.
pub(crate) fn references(bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == 0).take(5);
    let first =
        [b"openapi: 3.0.0\ninfo: {title: T, version: '1'}\n", parts.next().unwrap_or_default()].concat();
    let mut documents = vec![("https://t.test/a/0.yaml".to_owned(), first)];
    for (number, part) in parts.enumerate() {
        documents.push((format!("https://t.test/a/{}.yaml", number + 1), part.to_vec()));
    }
    let all: Vec<_> = documents.iter().map(|(address, bytes)| SourceDocument { address, bytes }).collect();
    let options = ReadOptions::default();
    if let Ok(missing) = missing_documents(&all, &options) {
        assert!(missing.iter().all(|address| !all.iter().any(|one| one.address == address)));
    }
    if let Ok(found) = read_set(&all, &options) {
        sound(&found);
    }
}

/// Handles lead to schemas, and what is written reads back the same.
fn sound(found: &Ingested) {
    let spec = &found.spec;
    let known = |id: SchemaId| assert!(spec.schemas.get(id).is_some(), "{id:?} leads out of the table");
    for (_, schema) in spec.schemas.iter() {
        inner(schema).for_each(known);
    }
    for endpoint in &spec.endpoints {
        endpoint.request_schema.into_iter().chain(endpoint.response_schema).for_each(known);
        endpoint.parameters.iter().filter_map(|parameter| parameter.schema).for_each(known);
        if let Some(id) = endpoint.response_schema {
            assert!(spec.schemas.fields(id, 3).len() < 1_000_000);
        }
    }
    let text = serde_json::to_string(spec).expect("a model can be written");
    let again: ApiSpec = serde_json::from_str(&text).expect("what is written reads back");
    assert_eq!(serde_json::to_string(&again).expect("and can be written again"), text);
    assert_eq!(again.compute_shape_hash(), *spec.shape_hash);
    for diagnostic in &found.diagnostics {
        assert!(diagnostic.pointer.starts_with('#') && !diagnostic.to_string().is_empty());
    }
}

fn inner(schema: &Schema) -> impl Iterator<Item = SchemaId> {
    let fields = schema.properties.iter().map(|property| property.schema);
    fields.chain(schema.items).chain(schema.one_of.iter().copied()).chain(schema.any_of.iter().copied())
}
