//! Who may call, and how often.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use vitesse_core::mock::{AuthPolicy, Clock, Mock, MockOptions, RateRule};
use vitesse_core::secret::Secret;

use crate::talk::{CRM, Caller, SHOP, header, mock, spec};

type Headers = &'static [(&'static str, &'static str)];

fn only(secrets: &[&str]) -> MockOptions {
    MockOptions {
        auth: AuthPolicy::Only(secrets.iter().map(|secret| Secret::new(*secret)).collect()),
        ..MockOptions::default()
    }
}

#[test]
fn each_scheme_is_asked_for() {
    let schemes = "
components:
  securitySchemes:
    header: {type: apiKey, in: header, name: X-Key}
    query: {type: apiKey, in: query, name: key}
    cookie: {type: apiKey, in: cookie, name: session}
    basic: {type: http, scheme: basic}
    bearer: {type: http, scheme: bearer}
    digest: {type: http, scheme: digest}
    tls: {type: mutualTLS}
    open: {type: openIdConnect, openIdConnectUrl: 'https://id.test/.well-known/openid-configuration'}
";
    // The scheme, a good request, one with a wrong secret.
    let cases: [(&str, &str, Headers, &str, Headers); 7] = [
        ("header", "/x", &[("X-Key", "good")], "/x", &[("X-Key", "bad")]),
        ("query", "/x?key=g%6Fod", &[], "/x?key=bad", &[]),
        ("cookie", "/x", &[("Cookie", "a=b; session=good")], "/x", &[("Cookie", "session=bad")]),
        (
            "basic",
            "/x",
            &[("Authorization", "Basic dXNlcjpwYXNz")],
            "/x",
            &[("Authorization", "Basic dXNlcjpiYWQ=")],
        ),
        ("bearer", "/x", &[("Authorization", "bearer good")], "/x", &[("Authorization", "Bearer bad")]),
        ("digest", "/x", &[("Authorization", "Digest good")], "/x", &[("Authorization", "Digest bad")]),
        ("open", "/x", &[("Authorization", "Bearer good")], "/x", &[("Authorization", "Bearer bad")]),
    ];
    let document = |security: &str| {
        format!(
            "openapi: 3.1.0\ninfo: {{title: X, version: '1'}}\nsecurity: {security}\npaths:\n  /x:\n    get: {{responses: {{'204': {{description: Fine.}}}}}}\n{schemes}"
        )
    };
    for (scheme, good_target, good, bad_target, bad) in cases {
        let mock = mock(&document(&format!("[{{{scheme}: []}}]")), only(&["good", "user:pass"]));
        let ask = |target: &str, headers: &[(&'static str, &'static str)]| {
            Caller::new(&mock, headers).send("GET", target, "")
        };
        assert_eq!(ask(good_target, good).response.status(), 204, "{scheme}");
        assert_eq!(ask(bad_target, bad).response.status(), 403, "{scheme}");
        let missing = ask("/x", &[]);
        assert_eq!(missing.response.status(), 401, "{scheme}");
        assert!(header(&missing, "www-authenticate").is_some());
        assert!(
            missing.json()["detail"].as_str().unwrap().starts_with("no credentials came"),
            "{:?}",
            missing.json()
        );
    }
    let ask = |security: &str, headers: &[(&'static str, &'static str)]| {
        let mock = mock(&document(security), only(&["good"]));
        Caller::new(&mock, headers).send("GET", "/x", "").response.status().as_u16()
    };
    // Either will do; both are needed; nobody needs to be anybody.
    assert_eq!(ask("[{header: []}, {bearer: []}]", &[("Authorization", "Bearer good")]), 204);
    assert_eq!(ask("[{header: [], bearer: []}]", &[("Authorization", "Bearer good")]), 401);
    assert_eq!(
        ask("[{header: [], bearer: []}]", &[("Authorization", "Bearer good"), ("X-Key", "good")]),
        204
    );
    assert_eq!(ask("[{header: []}, {}]", &[]), 204);
    assert_eq!(ask("[{tls: []}]", &[]), 204);
    // Any key of the right form, or none at all, as the options say.
    let any = mock(SHOP, MockOptions::default());
    assert_eq!(Caller::new(&any, &[("X-Shop-Key", "whatever")]).json("GET", "/products", "").0, 200);
    assert_eq!(Caller::new(&any, &[]).json("GET", "/products", "").0, 401);
    let off = mock(SHOP, MockOptions { auth: AuthPolicy::Off, ..MockOptions::default() });
    assert_eq!(Caller::new(&off, &[]).json("GET", "/products", "").0, 200);
}

#[test]
fn tokens_are_issued_renewed_and_expire() {
    let time: Arc<Mutex<Timestamp>> = Arc::new(Mutex::new("2026-05-01T08:00:00Z".parse().unwrap()));
    let shown = time.clone();
    let mock = Mock::new(
        spec(CRM),
        MockOptions {
            clock: Clock::new(move || *shown.lock().unwrap()),
            token_lifetime: Duration::from_secs(600),
            ..only(&["app:shh"])
        },
    )
    .unwrap();
    let path = mock
        .spec()
        .auth
        .schemes
        .iter()
        .find_map(|scheme| match &scheme.kind {
            vitesse_core::spec::SchemeKind::Oauth2 { flows, .. } => {
                flows.iter().find_map(|flow| flow.token_url.clone())
            }
            _ => None,
        })
        .map(|url| url.split_once("://").unwrap().1.split_once('/').unwrap().1.to_owned())
        .unwrap();
    let form = |body: &str| {
        let caller = Caller::new(&mock, &[("Content-Type", "application/x-www-form-urlencoded")]);
        caller.json("POST", &format!("/{path}"), body)
    };
    let refused = |body: &str| {
        let (status, body) = form(body);
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused("grant_type=client_credentials"), (401, "invalid_client".into()));
    assert_eq!(
        refused("grant_type=client_credentials&client_id=app&client_secret=no"),
        (401, "invalid_client".into())
    );
    assert_eq!(refused("client_id=app&client_secret=shh"), (400, "invalid_request".into()));
    assert_eq!(
        refused("grant_type=magic&client_id=app&client_secret=shh"),
        (400, "unsupported_grant_type".into())
    );
    assert_eq!(
        refused("grant_type=refresh_token&refresh_token=x&client_id=app&client_secret=shh"),
        (400, "invalid_grant".into())
    );
    assert_eq!(
        refused("grant_type=client_credentials&client_id=app&client_secret=shh&scope=everything"),
        (400, "invalid_scope".into())
    );

    let list = |token: &Value| {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        let answer = mock.ask("GET", "/contacts", &[("Authorization", &bearer)], "").unwrap();
        (
            answer.response.status().as_u16(),
            header(&answer, "www-authenticate").unwrap_or_default().to_owned(),
        )
    };
    let (status, issued) = form("grant_type=client_credentials&client_id=app&client_secret=shh");
    assert_eq!((status, &issued["expires_in"]), (200, &600.into()));
    assert_eq!(list(&issued["access_token"]).0, 200);
    let (_, narrow) =
        form("grant_type=client_credentials&client_id=app&client_secret=shh&scope=contacts.write");
    let (status, challenge) = list(&narrow["access_token"]);
    assert!(
        status == 403 && challenge.contains("insufficient_scope") && challenge.contains("deals.write"),
        "{challenge}"
    );
    *time.lock().unwrap() += SignedDuration::from_secs(601);
    let (status, challenge) = list(&issued["access_token"]);
    assert!(status == 401 && challenge.contains("invalid_token"), "{challenge}");
    assert_eq!(list(&"mock_access_forged".into()).0, 403);
}

#[test]
fn more_than_the_limit_is_told_to_wait() {
    let time: Arc<Mutex<Timestamp>> = Arc::new(Mutex::new("2026-05-01T08:00:00.5Z".parse().unwrap()));
    let shown = time.clone();
    let shop = spec(SHOP);
    let rule = RateRule::of(&shop).unwrap();
    assert_eq!(rule, RateRule { requests: 10, per: Duration::from_secs(1) });
    let mock = Mock::new(
        shop,
        MockOptions {
            rate_limit: Some(rule),
            clock: Clock::new(move || *shown.lock().unwrap()),
            ..MockOptions::default()
        },
    )
    .unwrap();
    let caller = Caller::known(&mock);
    for count in 1..=10 {
        let answer = caller.send("GET", "/products?limit=1", "");
        assert_eq!(answer.response.status(), 200);
        assert_eq!(header(&answer, "x-ratelimit-limit"), Some("10"));
        assert_eq!(header(&answer, "x-ratelimit-remaining"), Some((10 - count).to_string().as_str()));
        assert_eq!(header(&answer, "x-ratelimit-reset"), Some("1777622402"));
    }
    let refused = caller.send("GET", "/products?limit=1", "");
    assert_eq!((refused.response.status().as_u16(), header(&refused, "retry-after")), (429, Some("1")));
    assert_eq!(refused.json()["detail"], "more than 10 requests in 1s; wait 1 s");
    *time.lock().unwrap() += SignedDuration::from_secs(1);
    assert_eq!(caller.send("GET", "/products?limit=1", "").response.status(), 200);
}
