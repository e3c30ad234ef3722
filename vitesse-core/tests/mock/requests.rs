//! What is taken and what is refused, with the reason.

use serde_json::json;
use vitesse_core::mock::MockOptions;

use crate::talk::{CRM, Caller, SHOP, header, mock, one};

#[test]
fn every_style_of_parameter_is_read() {
    let list = "schema: {type: array, items: {type: integer}}";
    let object = "schema: {type: object, properties: {a: {type: integer}, b: {type: string}}, required: [a]}";
    // Style, where, taken, refused.
    let cases = [
        ("query", "style: form, explode: true", list, "p=1&p=2", "p=1&p=x"),
        ("query", "style: form, explode: false", list, "p=1,2", "p=1,x"),
        (
            "query",
            "style: form, explode: false",
            "schema: {type: array, items: {type: string, maxLength: 3}}",
            "p=a%2Cb",
            "p=a%2Cbc",
        ),
        ("query", "style: spaceDelimited, explode: false", list, "p=1%202", "p=1%20x"),
        ("query", "style: pipeDelimited, explode: false", list, "p=1|2", "p=1|x"),
        ("query", "style: deepObject, explode: true", object, "p[a]=1&p[b]=x", "p[b]=x"),
        ("query", "style: form, explode: true", object, "a=1&b=x", "a=y&b=x"),
        ("query", "style: form, explode: false", object, "p=a,1,b,x", "p=b,x"),
        (
            "query",
            "",
            "content: {application/json: {schema: {type: object, required: [a]}}}",
            "p=%7B%22a%22%3A1%7D",
            "p=%7B%7D",
        ),
        (
            "query",
            "",
            "schema: {oneOf: [{type: integer}, {type: string, format: date}]}",
            "p=2026-01-01",
            "p=soon",
        ),
        ("query", "", "schema: {type: [integer, 'null']}", "p=", "p=x"),
        ("query", "", "schema: {type: boolean}", "p=true", "p=1"),
        ("query", "", "schema: {type: string, enum: [a, b]}", "p=b", "p=c"),
        ("path", "", "schema: {type: integer, maximum: 9}", "/9", "/10"),
        ("path", "style: label, explode: true", list, "/.1.2", "/1.2"),
        ("path", "style: matrix, explode: true", list, "/;p=1;p=2", "/;q=1,x"),
        ("path", "style: simple, explode: true", object, "/a=1,b=x", "/b=x"),
        ("header", "", list, "1, 2", "1, x"),
        ("header", "explode: true", object, "a=1,b=x", "a=x"),
        ("cookie", "", "schema: {type: integer}", "q=0; p=1", "p=x"),
    ];
    for (place, style, schema, good, bad) in cases {
        let path = if place == "path" { "/x{p}" } else { "/x" };
        let path = if place == "path" { path.replace("x{", "x/{") } else { path.to_owned() };
        let style = if style.is_empty() { String::new() } else { format!("{style}, ") };
        let operation = format!(
            "    get:\n      parameters: [{{name: p, in: {place}, required: true, {style}{schema}}}]\n      responses: {{'204': {{description: Fine.}}}}\n"
        );
        let mock = mock(&one(&path, &operation), MockOptions::default());
        let ask = |value: &str| {
            let (target, headers) = match place {
                "query" => (format!("/x?{value}").replace('|', "%7C"), vec![]),
                "path" => (format!("/x{value}"), vec![]),
                "header" => ("/x".to_owned(), vec![("P", value)]),
                _ => ("/x".to_owned(), vec![("Cookie", value)]),
            };
            let answer = Caller::new(&mock, &headers).send("GET", &target, "");
            (answer.response.status().as_u16(), answer.json())
        };
        assert_eq!(ask(good).0, 204, "{place} {style}{schema}: {good}: {:?}", ask(good));
        let (status, body) = ask(bad);
        assert_eq!(status, 422, "{place} {style}{schema}: {bad}: {body}");
        assert_eq!(body["errors"][0]["in"], place, "{body}");
    }
}

#[test]
fn bodies_are_read_by_their_media_type() {
    let document = one(
        "/x",
        "    post:
      requestBody:
        required: true
        content:
          application/json: {schema: &thing {type: object, required: [name, count], properties: {name: {type: string}, count: {type: integer}, tags: {type: array, items: {type: string}}, meta: {type: object, additionalProperties: {type: integer}}}}}
          application/x-www-form-urlencoded: {schema: *thing}
          multipart/form-data: {schema: *thing}
          text/plain: {schema: {type: string, maxLength: 5}}
          application/xml: {schema: *thing}
      responses: {'204': {description: Fine.}}
",
    );
    let mock = mock(&document, MockOptions::default());
    let multipart = |count: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nA\r\n--b\r\nContent-Disposition: form-data; name=\"count\"\r\n\r\n{count}\r\n--b--\r\n"
        )
    };
    for (kind, body, wanted, why) in [
        ("application/json", r#"{"name": "a", "count": 1}"#.to_owned(), 204, ""),
        (
            "application/json; charset=utf-8",
            r#"{"name": "a"}"#.to_owned(),
            422,
            "count of the body is missing",
        ),
        (
            "application/json",
            r#"{"name": "a", "count": "1"}"#.to_owned(),
            422,
            "count of the body is a string, where integer is expected",
        ),
        (
            "application/json",
            "{".to_owned(),
            400,
            "the body is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        ("application/json", String::new(), 422, "the body is missing"),
        ("application/x-www-form-urlencoded", "name=a+b&count=2&tags[]=x&meta[y]=3".to_owned(), 204, ""),
        (
            "application/x-www-form-urlencoded",
            "name=a&count=two".to_owned(),
            422,
            "count of the body is a string, where integer is expected",
        ),
        (
            "application/x-www-form-urlencoded",
            "name=a&count=2&meta[y]=z".to_owned(),
            422,
            "meta.y of the body is a string, where integer is expected",
        ),
        ("multipart/form-data; boundary=b", multipart("4"), 204, ""),
        (
            "multipart/form-data; boundary=b",
            multipart("four"),
            422,
            "count of the body is a string, where integer is expected",
        ),
        (
            "multipart/form-data",
            multipart("4"),
            400,
            "the Content-Type of a multipart body names no boundary",
        ),
        ("text/plain", "short".to_owned(), 204, ""),
        ("text/plain", "longer".to_owned(), 422, "the body has more than 5 characters"),
        ("application/xml", "<x/>".to_owned(), 204, ""),
        (
            "image/png",
            "x".to_owned(),
            415,
            "image/png isn't taken here; send application/json or application/x-www-form-urlencoded or multipart/form-data or text/plain or application/xml",
        ),
    ] {
        let (status, detail) = Caller::new(&mock, &[("Content-Type", kind)]).outcome("POST", "/x", &body);
        assert_eq!((status, detail.as_str()), (wanted, why), "{kind}: {body}");
    }
    let lenient = crate::talk::mock(&document, MockOptions { validate: false, ..MockOptions::default() });
    assert_eq!(Caller::known(&lenient).send("POST", "/x", "{}").response.status(), 204);
    let short = crate::talk::mock(&document, MockOptions { max_body: 4, ..MockOptions::default() });
    assert_eq!(
        Caller::known(&short).outcome("POST", "/x", "12345"),
        (413, "the body is longer than 4 bytes".into())
    );
}

#[test]
fn a_refusal_is_a_problem_that_names_every_fault() {
    let mock = mock(CRM, MockOptions::default());
    let answer = Caller::known(&mock).send(
        "POST",
        "/contacts",
        r#"{"given_name": 1, "labels": ["a", 2], "address": {"country": "Norway"}}"#,
    );
    assert_eq!(answer.response.status(), 422);
    assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
    let body = answer.json();
    let at: Vec<&str> =
        body["errors"].as_array().unwrap().iter().map(|wrong| wrong["at"].as_str().unwrap()).collect();
    for field in ["email_address", "family_name", "given_name", "labels[1]", "address.country"] {
        assert!(at.contains(&field), "{field} in {body:#}");
    }
    assert!(answer.note.contains("email_address"), "{}", answer.note);
    let answer = Caller::known(&mock).send("PUT", "/contacts", "");
    assert_eq!((answer.response.status().as_u16(), header(&answer, "allow")), (405, Some("GET, POST")));
    assert!(mock.ask("GET", "not a target", &[], "").is_err());
}

#[test]
fn examples_come_first_and_the_caller_chooses() {
    let document = one(
        "/x/{id}",
        "    get:
      responses:
        '200':
          description: It.
          headers: {X-Version: {schema: {type: integer, example: 3}}, Retry-After: {schema: {type: integer}}}
          content:
            application/json: {schema: &x {type: object, required: [id], properties: {id: {type: string}}}, example: {id: told}}
            application/xml: {schema: {type: object, properties: {id: {type: string}}}, example: {id: a<b}}
        '404': {description: Not there., content: {application/json: {schema: {type: object, required: [gone], properties: {gone: {type: boolean}}}}}}
        '5XX': {description: Broken.}
",
    );
    let mock = mock(&document, MockOptions::default());
    let ask = |headers: &[(&'static str, &'static str)]| Caller::new(&mock, headers).send("GET", "/x/7", "");
    let plain = ask(&[]);
    assert_eq!(plain.json(), json!({"id": "told"}));
    assert_eq!(header(&plain, "x-version"), Some("3"));
    assert_eq!(ask(&[("Prefer", "dynamic=true")]).json(), json!({"id": "7"}));
    let missing = ask(&[("Prefer", "code=404")]);
    assert_eq!(missing.response.status(), 404);
    assert!(missing.json()["gone"].is_boolean());
    assert_eq!(ask(&[("Prefer", "code=503")]).response.status(), 503);
    assert_eq!(ask(&[("Prefer", "code=418")]).response.status(), 400);
    let xml = ask(&[("Accept", "application/xml")]);
    assert_eq!(
        String::from_utf8_lossy(xml.response.body()),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><root><id>a&lt;b</id></root>"
    );
    assert_eq!(ask(&[("Accept", "text/csv")]).response.status(), 406);
    let head = Caller::known(&mock).send("HEAD", "/x/7", "");
    assert!(head.response.body().is_empty() && header(&head, "content-length") == Some("13"));
}

#[test]
fn pages_of_other_origins_may_call() {
    let mock = mock(SHOP, MockOptions::default());
    let headers = [
        ("Origin", "http://localhost:3000"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "x-shop-key"),
    ];
    let answer = Caller::new(&mock, &headers).send("OPTIONS", "/customers", "");
    assert_eq!(answer.response.status(), 204);
    assert_eq!(header(&answer, "access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(header(&answer, "access-control-allow-headers"), Some("x-shop-key"));
}
