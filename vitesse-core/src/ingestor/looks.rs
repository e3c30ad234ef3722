//! What a text is that isn't an API description.

use super::tree::Val;

/// What a parsed document looks like, for the error.
pub(crate) fn document(root: Val<'_>) -> (&'static str, &'static str) {
    let has = |name: &str| root.get(name).is_some();
    let text = |name: &str| root.get(name).and_then(|v| v.as_str()).unwrap_or_default().into_owned();
    let schema =
        root.get("info").and_then(|info| info.get("schema")).and_then(|v| v.as_str()).unwrap_or_default();
    if has("_postman_id")
        || schema.contains("getpostman")
        || (has("info") && root.get("item").is_some_and(|v| v.is_list()))
    {
        ("a Postman collection", "export it as OpenAPI first, or look for the API's own description")
    } else if has("asyncapi") {
        ("an AsyncAPI document", "only request and response APIs can be read; look for an OpenAPI document")
    } else if has("__schema") || root.get("data").is_some_and(|data| data.get("__schema").is_some()) {
        ("a GraphQL schema", "only OpenAPI and Swagger can be read; look for a REST API of the same service")
    } else if text("swaggerVersion").starts_with("1.") {
        ("a Swagger 1.x document", "convert it to OpenAPI 3 first")
    } else if has("raml") || text("kind").starts_with("discovery#") {
        ("another kind of API description", "convert it to OpenAPI 3 first")
    } else if has("linkset") || (has("apis") && root.get("apis").is_some_and(|v| v.is_list())) {
        ("a list of APIs", "give the address of one of the descriptions it lists")
    } else if has("log") && root.get("log").is_some_and(|log| log.get("entries").is_some()) {
        ("a HAR recording", "give an OpenAPI document, or sample records")
    } else if text("$schema").contains("json-schema.org") || (has("type") && has("properties")) {
        ("a JSON Schema", "it describes data, not an API; read it as data (`vitesse spec --data`)")
    } else if (has("error") || has("errors") || has("message")) && !has("info") {
        ("an error answer", "the address may need credentials, or be another one")
    } else if has("info") || has("paths") {
        ("a part of an API description without its version", "add `openapi` or `swagger` at the top")
    } else if root.is_list() {
        ("a list", "read it as data if these are sample records (`vitesse spec --data`)")
    } else if root.is_object() {
        ("another JSON or YAML document", "give the address of the OpenAPI or Swagger document itself")
    } else {
        ("plain text", "give the address of the OpenAPI or Swagger document itself")
    }
}

/// What a text looks like that is neither JSON nor YAML, or is one of the texts that YAML takes for a scalar.
pub(crate) fn text(text: &str) -> Option<(&'static str, &'static str)> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let head: String = start.chars().take(4096).collect::<String>().to_ascii_lowercase();
    // A description may speak of tags; a page begins with one.
    let html = head.starts_with("<!doctype html")
        || head.starts_with("<html")
        || (head.starts_with('<') && (head.contains("<head") || head.contains("<body")));
    if start.is_empty() {
        Some(("an empty document", "check the address, or whether it needs credentials"))
    } else if html
        && (head.contains("password")
            || head.contains("login")
            || head.contains("log in")
            || head.contains("sign in"))
    {
        Some(("a login page", "give credentials for the description's address"))
    } else if html {
        Some(("an HTML page", "give the address of the document that the page shows"))
    } else if head.starts_with("<?xml") || head.starts_with('<') {
        let wsdl = head.contains("wsdl") || head.contains("definitions");
        Some(if wsdl {
            ("a WSDL document", "SOAP can't be read; look for a REST API of the same service")
        } else {
            ("an XML document", "give the address of the OpenAPI or Swagger document itself")
        })
    } else if head.starts_with("#%raml") {
        Some(("a RAML document", "convert it to OpenAPI 3 first"))
    } else if head.starts_with("format: 1a") {
        Some(("an API Blueprint document", "convert it to OpenAPI 3 first"))
    } else if head.starts_with("type ")
        || head.starts_with("schema {")
        || head.starts_with("\"\"\"")
        || head.contains("type query {")
    {
        Some((
            "a GraphQL schema",
            "only OpenAPI and Swagger can be read; look for a REST API of the same service",
        ))
    } else if head.starts_with("syntax = \"proto") {
        Some(("a protobuf file", "only OpenAPI and Swagger can be read"))
    } else if head.starts_with("pk\u{3}\u{4}") || head.starts_with("%pdf") || head.contains('\0') {
        Some(("a binary file", "give the address of the OpenAPI or Swagger document itself"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_description_that_speaks_of_tags_is_no_page() {
        for description in
            ["{\"info\": {\"description\": \"reads <head> and <body>\"}}", "info: takes a <body>"]
        {
            assert_ne!(text(description).map(|(what, _)| what), Some("an HTML page"), "{description}");
        }
        assert_eq!(text("<!-- x --><head></head>").map(|(what, _)| what), Some("an HTML page"));
    }
}
