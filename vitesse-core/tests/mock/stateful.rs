//! The mode that keeps what callers do.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use vitesse_core::mock::{Clock, Idempotency, MockOptions};

use crate::talk::{CRM, Caller, SHOP, mock};

fn stateful(records: usize) -> MockOptions {
    MockOptions { stateful: true, records, ..MockOptions::default() }
}

/// A clock that the test turns.
fn clock() -> (Clock, Arc<Mutex<Timestamp>>) {
    let time: Arc<Mutex<Timestamp>> = Arc::new(Mutex::new("2026-05-01T08:00:00Z".parse().unwrap()));
    let shown = time.clone();
    (Clock::new(move || *shown.lock().unwrap()), time)
}

#[test]
fn a_contact_is_created_found_changed_and_deleted() {
    let (clock, time) = clock();
    let mock = mock(CRM, MockOptions { clock, ..stateful(3) });
    let caller = Caller::known(&mock);
    let required = r#"{"email_address": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace"}"#;
    let answer = caller.send("POST", "/api/v1/contacts", required);
    let made = answer.json();
    assert_eq!(answer.response.status(), 201, "{made}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "{made}");
    assert_eq!(answer.response.headers()["location"], format!("/api/v1/contacts/{id}"));
    assert_eq!(made["given_name"], "Ada");
    // Listed, filtered, counted.
    assert_eq!(caller.get("/contacts")["total"], 4);
    let found = caller.get("/contacts?email_address=ADA@example.com");
    assert_eq!((&found["total"], &found["results"][0]["id"]), (&json!(1), &made["id"]));
    // Changed in part: the rest stays, and the change has its time.
    *time.lock().unwrap() += SignedDuration::from_hours(1);
    let (status, changed) =
        caller.json("PATCH", &format!("/contacts/{id}"), &required.replace("Ada", "Augusta"));
    assert_eq!((status, &changed["given_name"]), (200, &json!("Augusta")));
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(caller.get(&format!("/contacts/{id}")), changed);
    // Deleted, and gone.
    assert_eq!(caller.send("DELETE", &format!("/contacts/{id}"), "").response.status(), 204);
    assert_eq!(
        caller.outcome("DELETE", &format!("/contacts/{id}"), ""),
        (404, format!("there is no {id:?} among the contacts"))
    );
    assert_eq!(caller.outcome("GET", &format!("/contacts/{id}"), "").0, 404);
    assert_eq!(caller.get("/contacts")["total"], 3);
    // What breaks the description is refused, and nothing is made.
    let (status, why) = caller.outcome("POST", "/contacts", r#"{"email_address": 7}"#);
    assert_eq!(status, 422, "{why}");
    assert_eq!(mock.records("contacts").unwrap().len(), 3);
}

#[test]
fn an_idempotency_key_is_honoured_or_ignored_as_told() {
    let body = r#"{"email_address": "a@example.com", "given_name": "A", "family_name": "B"}"#;
    for (how, count) in [(Idempotency::AsDescribed, 1), (Idempotency::Honoured, 1), (Idempotency::Ignored, 2)]
    {
        let mock = mock(CRM, MockOptions { idempotency: how, ..stateful(0) });
        let caller = Caller::new(&mock, &[("Authorization", "Bearer t"), ("Idempotency-Key", "one")]);
        let (first, second) =
            (caller.json("POST", "/contacts", body), caller.json("POST", "/contacts", body));
        assert_eq!((first.0, second.0), (201, 201));
        assert_eq!(first.1 == second.1, count == 1);
        assert_eq!(mock.records("contacts").unwrap().len(), count, "{how:?}");
        let (status, why) = caller.outcome("POST", "/contacts", &body.replace("a@", "b@"));
        if count == 1 {
            assert_eq!((status, why.as_str()), (422, "this idempotency key came before, with another body"));
        }
    }
    // Many at once with one key make one record.
    let mock = mock(CRM, stateful(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let caller = Caller::new(&mock, &[("Authorization", "Bearer t"), ("Idempotency-Key", "k")]);
                assert_eq!(caller.json("POST", "/contacts", body).0, 201);
            });
        }
    });
    assert_eq!(mock.records("contacts").unwrap().len(), 1);
}

const TEAM: &str = "
openapi: 3.0.3
info: {title: Teams, version: '1'}
paths:
  /teams:
    get: {responses: {'200': {description: All., content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Team'}}}}}}}
    post: &post
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {'201': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Team'}}}}}
  /teams/{team_id}:
    get: {responses: {'200': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Team'}}}}}}
  /teams/{team_id}/members:
    get:
      parameters:
        - {name: sort, in: query, schema: {type: string}}
        - {name: min_age, in: query, schema: {type: integer}}
        - {name: q, in: query, schema: {type: string}}
      responses: {'200': {description: All., content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Member'}}}}}}
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}
      responses: {'201': {description: It., content: {application/json: {schema: {type: object, required: [data], properties: {data: {$ref: '#/components/schemas/Member'}}}}}}}
  /teams/{team_id}/members/{member_id}:
    get: &one {responses: {'200': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}}}
    put:
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}
      responses: {'200': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}}
    patch:
      requestBody: {required: true, content: {application/merge-patch+json: {schema: {type: object}}, application/json-patch+json: {schema: {type: array, items: {type: object}}}}}
      responses: {'200': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}}
components:
  schemas:
    Team: {type: object, required: [id, name], properties: {id: {type: integer, readOnly: true}, name: {type: string}}}
    Member:
      type: object
      required: [id, name]
      additionalProperties: false
      properties:
        id: {type: integer, readOnly: true}
        team_id: {type: integer, readOnly: true}
        name: {type: string}
        age: {type: integer}
        role: {type: string, default: guest}
        nick: {type: string, nullable: true}
        note: {type: string}
        secret: {type: string, writeOnly: true}
        created_at: {type: integer, readOnly: true}
";

#[test]
fn nested_records_belong_to_their_parents() {
    let (clock, time) = clock();
    let mock = mock(TEAM, MockOptions { clock, ..stateful(0) });
    let caller = Caller::known(&mock);
    let team = |name: &str| caller.json("POST", "/teams", &json!({"name": name}).to_string()).1["id"].clone();
    let (red, blue) = (team("Red"), team("Blue"));
    assert_eq!((&red, &blue), (&json!(1), &json!(2)));
    for (name, age) in [("Zoe", 30), ("Ann", 19), ("Ben", 44)] {
        let body = json!({"name": name, "age": age, "secret": "s", "note": "x"}).to_string();
        let (status, made) = caller.json("POST", "/teams/1/members", &body);
        assert_eq!(status, 201, "{made}");
        // In its wrapper, with its parent, its default and its time, and without what is only written.
        let data = &made["data"];
        assert_eq!((&data["team_id"], &data["role"]), (&red, &json!("guest")));
        assert_eq!(data["created_at"], time.lock().unwrap().as_second());
        assert_eq!(data.get("secret"), None);
    }
    let names = |target: &str| -> Vec<Value> {
        caller.get(target).as_array().unwrap().iter().map(|member| member["name"].clone()).collect()
    };
    assert_eq!(names("/teams/1/members"), ["Zoe", "Ann", "Ben"]);
    assert_eq!(names("/teams/2/members"), Vec::<Value>::new());
    assert_eq!(names("/teams/1/members?sort=-age"), ["Ben", "Zoe", "Ann"]);
    assert_eq!(names("/teams/1/members?sort=name&min_age=30"), ["Ben", "Zoe"]);
    assert_eq!(names("/teams/1/members?q=an"), ["Ann"]);
    // Another team's member isn't found here, and nothing is in a team that isn't there.
    assert_eq!(caller.outcome("GET", "/teams/2/members/1", "").0, 404);
    assert_eq!(
        caller.outcome("GET", "/teams/9/members", ""),
        (404, "there is no \"9\" among the teams".into())
    );
    // Replaced: what wasn't sent is gone, what only the API writes stays.
    let (_, put) = caller.json("PUT", "/teams/1/members/1", r#"{"name": "Zed"}"#);
    assert_eq!(
        put,
        json!({"id": 1, "team_id": 1, "name": "Zed", "role": "guest", "created_at": time.lock().unwrap().as_second()})
    );
    // Changed in part: null stays where null may be, and takes away where not.
    let merge = Caller::new(&mock, &[("Content-Type", "application/merge-patch+json")]);
    let (status, patched) =
        merge.json("PATCH", "/teams/1/members/2", r#"{"nick": null, "note": null, "id": 77}"#);
    assert_eq!(
        (status, &patched["nick"], patched.get("note"), &patched["id"]),
        (200, &Value::Null, None, &json!(2))
    );
    let patch = Caller::new(&mock, &[("Content-Type", "application/json-patch+json")]);
    let (_, patched) =
        patch.json("PATCH", "/teams/1/members/2", r#"[{"op": "replace", "path": "/age", "value": 20}]"#);
    assert_eq!(patched["age"], 20);
    let (status, why) =
        patch.outcome("PATCH", "/teams/1/members/2", r#"[{"op": "test", "path": "/age", "value": 1}]"#);
    assert_eq!((status, why.as_str()), (422, "/age is not what the test says"));
}

#[test]
fn a_change_is_always_later_and_seen_by_an_incremental_read() {
    let (clock, time) = clock();
    let document = SHOP.replace(
        "    get:\n      operationId: getCustomer",
        "    patch:\n      requestBody: {content: {application/json: {schema: {type: object}}}}\n      responses: {'200': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Customer'}}}}}\n    get:\n      operationId: getCustomer",
    );
    let mock = mock(&document, MockOptions { clock, ..stateful(50) });
    let caller = Caller::known(&mock);
    let mark = time.lock().unwrap().to_string();
    assert_eq!(caller.get(&format!("/customers?updated_since={mark}"))["data"], json!([]));
    let id = mock.records("customers").unwrap()[3]["id"].as_str().unwrap().to_owned();
    let mut before = String::new();
    for turn in 0..3 {
        // The clock stands still, and yet each change is later than the one before.
        let (status, changed) = caller.json(
            "PATCH",
            &format!("/customers/{id}"),
            &json!({"first_name": turn.to_string()}).to_string(),
        );
        assert_eq!(status, 200, "{changed}");
        let now = changed["updated_at"].as_str().unwrap().to_owned();
        assert!(now > before, "{now} after {before}");
        before = now;
    }
    let seen = caller.get(&format!("/customers?updated_since={mark}"));
    assert_eq!((seen["data"].as_array().unwrap().len(), &seen["data"][0]["first_name"]), (1, &json!("2")));
}

#[test]
fn a_cursor_stands_while_records_come_and_go() {
    let document = SHOP.replace(
        "    get:\n      operationId: getCustomer",
        "    delete: {responses: {'204': {description: Gone.}}}\n    get:\n      operationId: getCustomer",
    );
    let mock = mock(&document, stateful(12));
    let caller = Caller::known(&mock);
    let ids = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ids(&caller.get("/customers?limit=12"));
    let first = caller.get("/customers?limit=5");
    assert_eq!(ids(&first), all[..5]);
    // The one the cursor stands on goes, and one that is still to come.
    for gone in [4, 7] {
        assert_eq!(caller.send("DELETE", &format!("/customers/{}", all[gone]), "").response.status(), 204);
    }
    let next = first["paging"]["next"].as_str().unwrap();
    let rest = caller.get(&format!("/customers?limit=12&after={next}"));
    assert_eq!(ids(&rest), [&all[5..7], &all[8..]].concat());
    assert_eq!((&rest["paging"]["next"], &rest["paging"]["total"]), (&Value::Null, &json!(10)));
}

#[test]
fn given_records_are_sent_byte_by_byte() {
    let mock = mock(SHOP, stateful(5));
    let nasty = r#"{"orders": [
        {"id": "o1", "total_price":  12345678901234567890.12345678901234567890, "note": "\ud83d\ude00 \u0000", "id2": 1e999},
        {"id": "o2", "broken": "\ud800"},
        {"id": null, "x": {"deep": [1, 2, {}]}},
        7, "text", null]}"#;
    assert_eq!(mock.load_document(nasty.as_bytes()).unwrap(), 6);
    let answer = Caller::known(&mock).send("GET", "/orders", "");
    let body = String::from_utf8(answer.response.body().to_vec()).unwrap();
    for exact in [
        "12345678901234567890.12345678901234567890",
        r#""\ud83d\ude00 \u0000""#,
        r#"{"id": "o2", "broken": "\ud800"}"#,
        "1e999",
        r#"7,"text",null]"#,
    ] {
        assert!(body.contains(exact), "{exact} in {body}");
    }
    let error = mock.load_document(br#"{"ordres": []}"#).unwrap_err();
    assert!(error.to_string().contains("did you mean \"orders\""), "{error}");
    assert!(mock.load_document(b"[]").unwrap_err().to_string().contains("an object of collections"));
}

#[test]
fn what_is_kept_has_a_limit() {
    let mock = mock(CRM, MockOptions { max_records: 2, ..stateful(0) });
    let caller = Caller::known(&mock);
    let body = r#"{"email_address": "a@example.com", "given_name": "A", "family_name": "B"}"#;
    let statuses: Vec<u16> = (0..3).map(|_| caller.json("POST", "/contacts", body).0).collect();
    assert_eq!(statuses, [201, 201, 507]);
    assert!(
        mock.load("deals", &[RawValue::from_string("1".into()).unwrap()])
            .unwrap_err()
            .to_string()
            .contains("limit: 2")
    );
}
