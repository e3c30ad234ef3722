//! The command against servers: mocks of two APIs that this test describes, a real runtime, a browser that is played.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const HELPDESK: &str = r##"{
  "openapi": "3.0.3", "info": {"title": "Quiet Helpdesk", "version": "2"}, "servers": [{"url": "https://helpdesk.example/api"}],
  "security": [{"token": []}],
  "paths": {"/people": {"get": {"operationId": "listPeople", "parameters": [
      {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
      {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}}],
    "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object",
      "required": ["items", "total"], "properties": {"total": {"type": "integer"},
      "items": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}}}}}}}}}}},
  "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": {"Person": {"type": "object",
    "required": ["id", "email", "first_name", "last_name"], "properties": {
      "id": {"type": "string", "format": "uuid"}, "email": {"type": "string", "format": "email"},
      "first_name": {"type": "string", "minLength": 1, "maxLength": 40}, "last_name": {"type": "string", "minLength": 1, "maxLength": 40},
      "phone": {"type": "string"}}}}}}"##;
const NEWSLETTER: &str = r##"{
  "openapi": "3.1.0", "info": {"title": "Loud Newsletter", "version": "1"}, "servers": [{"url": "https://newsletter.example/v1"}],
  "security": [{"token": []}],
  "paths": {
    "/subscribers": {
      "get": {"operationId": "listSubscribers", "responses": {"200": {"description": "", "content": {"application/json": {"schema":
        {"type": "array", "items": {"$ref": "#/components/schemas/Subscriber"}}}}}}},
      "post": {"operationId": "addSubscriber", "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Subscriber"}}}},
        "responses": {"201": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Subscriber"}}}}}}},
    "/subscribers/{id}": {"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
      "patch": {"operationId": "changeSubscriber",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Subscriber"}}}},
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Subscriber"}}}}}}}},
  "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "oauth": {"type": "oauth2", "flows": {"authorizationCode": {
      "authorizationUrl": "https://newsletter.example/oauth/authorize", "tokenUrl": "https://newsletter.example/oauth/token",
      "scopes": {"subscribers.write": "Change subscribers"}}}}},
    "schemas": {"Subscriber": {"type": "object", "required": ["email_address", "given_name"], "properties": {
      "id": {"type": "string", "readOnly": true}, "email_address": {"type": "string", "format": "email"},
      "given_name": {"type": "string"}, "family_name": {"type": "string"}, "phone_number": {"type": "string"}}}}}}"##;

/// A data folder with the two descriptions beside it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.path("helpdesk.json"), HELPDESK).unwrap();
        std::fs::write(place.path("newsletter.json"), NEWSLETTER).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let vitesse = trycmd::cargo::cargo_bin!("vitesse");
        let mut command = Command::new(vitesse);
        command
            .args(words)
            .current_dir(self.0.path())
            .env("VITESSE_HOME", self.path("home"))
            .env("VITESSE_ALLOW", "private")
            .env("SECRET_KEY", "NvwKeS0Npk4oOIw0xiZnfjJVRnnYWEIuqnHXpq69hOU=")
            .env("A_TOKEN", "t0ken")
            .env("B_TOKEN", "stolen")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if std::env::var_os("VITESSE_RUNTIME").is_none() {
            // Built beside ours whenever the workspace's tests are.
            command.env("VITESSE_RUNTIME", vitesse.with_file_name("vitesse-runtime"));
        }
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Described, read and mapped.
    fn mapped(&self) {
        let steps: [&[&str]; 3] = [
            &[
                "create",
                "people",
                "helpdesk.json",
                "newsletter.json",
                "--intent",
                "people become subscribers",
                "--target",
                "process",
            ],
            &["ingest", "people"],
            &["map", "people"],
        ];
        steps.iter().for_each(|words| drop(self.json(words)));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was deployed ends with the test, however that ends.
impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.command(&["delete", "people", "--force", "--quiet"]).output();
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `vitesse mock` of one of the descriptions, and where it listens.
fn mock(place: &Place, file: &str, more: &[&str]) -> (Running, String) {
    let words = [&["mock", file, "--stateful", "--port", "0", "--json"], more].concat();
    let mut child = place.command(&words).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let listening: Value = loop {
        said.push_str(&lines.next().expect("it says where it listens").unwrap());
        if let Ok(listening) = serde_json::from_str(&said) {
            break listening;
        }
    };
    (Running(child), listening["url"].as_str().unwrap().to_owned())
}

/// Asks as a browser would, without following: status, head and body.
fn get(url: &str) -> (u16, String, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).unwrap();
    write!(
        socket,
        "GET /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer t0ken\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

/// Waits for something, for half a minute at most.
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_integration_is_proved_live_run_and_looked_after() {
    let place = Place::new();
    let (_helpdesk, from) = mock(&place, "helpdesk.json", &["--records", "7", "--token-env", "A_TOKEN"]);
    let (_newsletter, to) = mock(&place, "newsletter.json", &["--records", "0", "--token-env", "A_TOKEN"]);
    place.mapped();
    for (name, url) in [("helpdesk", &from), ("newsletter", &to)] {
        place.json(&["connect", name, url, "--bearer-env", "A_TOKEN"]);
    }

    // The real APIs are read, with the connections' credentials, and nothing is written.
    let live = [
        "test",
        "people",
        "--live",
        "--source-connection",
        "helpdesk",
        "--dest-connection",
        "newsletter",
        "--source-url",
        &from,
        "--dest-url",
        &to,
        "--samples",
        "4",
    ];
    let tested = place.json(&live);
    let report = &tested["streams"][0]["report"];
    assert_eq!((&tested["passed"], &report["gate"]["rule"]), (&true.into(), &"score".into()), "{tested:#}");
    let (calls, succeeded) = (&report["live"]["calls"], &report["live"]["succeeded"]);
    assert!(calls.as_u64().unwrap() > 4 && calls == succeeded, "{:#}", report["live"]);
    assert_eq!(report["live"]["records"], 28, "each of four reads gave all seven");
    assert_eq!(report["rehearsal"]["calls"], report["rehearsal"]["succeeded"]);
    assert_eq!(get(&format!("{to}/subscribers")).2.trim(), "[]");
    let output = place.run(&live);
    let said = text(&output.stdout);
    assert!(
        said.contains("rehearsed between mocks") && said.contains("28 of 28 real records would arrive"),
        "{said}"
    );
    // With wrong ones the gate says so, and nothing can be deployed until it is proved again.
    place.json(&["connect", "wrong", &to, "--bearer-env", "B_TOKEN"]);
    let wrong = live.map(|word| if word == "newsletter" { "wrong" } else { word });
    let output = place.run(&wrong);
    assert_eq!(output.status.code(), Some(14), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("authentication failed"), "{}", text(&output.stdout));
    assert!(!place.run(&["deploy", "people"]).status.success());
    place.json(&live);

    let deployed = place.json(&[
        "deploy",
        "people",
        "--source-connection",
        "helpdesk",
        "--dest-connection",
        "newsletter",
        "--env",
        &format!("VITESSE_SOURCE_BASE_URL={from}"),
        "--env",
        &format!("VITESSE_DEST_BASE_URL={to}"),
        "--env",
        "VITESSE_LOG=info",
    ]);
    let service = deployed["service_url"].as_str().unwrap().to_owned();
    let ended = |_: &Place| assert!(TcpStream::connect(service.strip_prefix("http://").unwrap()).is_err());
    let moved = place.json(&["sync", "people"]);
    assert_eq!(moved["streams"][0]["counts"]["created"], 7, "{moved:#}");
    assert_eq!(get(&format!("{to}/subscribers")).2.matches("email_address").count(), 7);
    let status = place.json(&["status", "people"]);
    assert_eq!(
        (&status["status"], &status["deployment"]["condition"]),
        (&"active".into(), &"healthy".into()),
        "{status:#}"
    );
    let status = text(&place.run(&["status", "people"]).stdout);
    assert!(status.contains("7 read, 7 created") && status.contains("LAG"), "{status}");
    let logs = text(&place.run(&["logs", "people"]).stdout);
    assert!(logs.contains("\"event\":\"listening\"") && logs.contains("\"event\":\"run_ended\""), "{logs}");
    assert_eq!(text(&place.run(&["logs", "people", "-n", "1"]).stdout).trim().lines().count(), 1);

    followed(&place);

    // Paused it is gone and keeps its state; resumed it is there again.
    let paused = text(&place.run(&["pause", "people"]).stdout);
    assert!(paused.contains("people keeps its place and its state"), "{paused}");
    ended(&place);
    let refused = place.run(&["sync", "people"]);
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("help:"),
        "{}",
        text(&refused.stderr)
    );
    assert!(text(&place.run(&["resume", "people"]).stdout).contains("people runs again"));
    let moved = place.json(&["sync", "people"]);
    assert_eq!(moved["streams"][0]["counts"]["unchanged"], 7, "it knows what it delivered: {moved:#}");

    exported(&place);

    place.json(&["delete", "people"]);
    assert_eq!(place.run(&["status", "people"]).status.code(), Some(4));
}

/// Whoever follows a log holds nobody up.
fn followed(place: &Place) {
    let mut child = place.command(&["logs", "people", "--follow", "-n", "1"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let follower = Running(child);
    lines.next().unwrap().unwrap();
    // Begun while it runs, and shown by it.
    let moved = place.json(&["sync", "people"]);
    assert_eq!(moved["streams"][0]["counts"]["unchanged"], 7);
    lines.find(|line| line.as_ref().unwrap().contains("run_ended")).unwrap().unwrap();
    follower.signal("INT");
    let mut follower = follower;
    assert!(until("the follower's end", || follower.0.try_wait().unwrap()).success());
}

/// What is exported describes the same, and holds no secret.
fn exported(place: &Place) {
    let report = place.json(&["export", "people", "project"]);
    let files: Vec<&str> =
        report["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    for wanted in ["vitesse.yaml", "README.md", "Dockerfile"] {
        assert!(files.contains(&wanted), "{wanted} is not in {files:?}");
    }
    for file in &files {
        let written = std::fs::read_to_string(place.path("project").join(file)).unwrap();
        assert!(!written.contains("t0ken"), "{file}");
    }
    let plan = place.run(&["plan", "project/vitesse.yaml", "--quiet"]);
    assert!(plan.status.success(), "{}", text(&plan.stderr));
    // The same again is nothing new; what somebody changed is not written over by accident.
    place.json(&["export", "people", "project"]);
    std::fs::write(place.path("project/README.md"), "mine").unwrap();
    let refused = place.run(&["export", "people", "project"]);
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("--overwrite"),
        "{}",
        text(&refused.stderr)
    );
    place.json(&["export", "people", "project", "--overwrite"]);
}

#[test]
fn a_person_says_yes_in_the_browser() {
    let place = Place::new();
    let (_server, at) = mock(&place, "newsletter.json", &[]);
    let (authorize_url, token_url) = (format!("{at}/oauth/authorize"), format!("{at}/oauth/token"));
    let words = [
        "connections",
        "authorize",
        "letters",
        &at,
        "--authorize-url",
        &authorize_url,
        "--token-url",
        &token_url,
        "--client-id",
        "me",
        "--scope",
        "subscribers.write",
    ];
    let mut child = place.command(&words).spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    let child = Running(child);
    let address = said
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.trim().strip_prefix("http").map(|rest| format!("http{rest}")))
        .expect("it says what to open");
    for wanted in ["code_challenge=", "code_challenge_method=S256", "state=", "scope=subscribers.write"] {
        assert!(address.contains(wanted), "{wanted} is not in {address}");
    }
    // The person thinks about it: the store is free, and what is done there meanwhile stays.
    assert_eq!(place.json(&["connections", "list"])["connections"], serde_json::json!([]));
    place.json(&[
        "create",
        "people",
        "helpdesk.json",
        "newsletter.json",
        "--intent",
        "people become subscribers",
    ]);
    let (status, head, _) = get(&address);
    assert_eq!(status, 302, "{head}");
    let back = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let (status, _, page) = get(back);
    assert_eq!(status, 200, "{page}");
    let mut child = child;
    assert!(until("the end", || child.0.try_wait().unwrap()).success());

    let listed = place.json(&["connections", "list"]);
    assert_eq!(listed["connections"][0]["name"], "letters", "{listed}");
    assert!(!listed.to_string().contains("refresh_token\":\""), "a list has no secrets: {listed}");
    place.json(&["connections", "test", "letters"]);
    let kept = walk(&place.path("home"));
    assert!(kept.iter().all(|file| !text(&std::fs::read(file).unwrap()).contains("Bearer")), "{kept:?}");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_step_that_is_interrupted_ends_in_order_and_can_be_taken_again() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/openapi.json", silent.local_addr().unwrap());
    place.json(&["create", "people", &address, "newsletter.json", "--intent", "people become subscribers"]);
    let mut ingest = Running(place.command(&["ingest", "people"]).spawn().unwrap());
    // In the middle of it: it asked, and nobody answers.
    let (_held, _) = silent.accept().unwrap();
    // The store is for one process at a time, so another command waits a while for it.
    let list = place.command(&["list", "--json"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    ingest.signal("INT");
    let ended = until("its end", || ingest.0.try_wait().unwrap());
    let listed = list.wait_with_output().unwrap();
    assert!(listed.status.success() && text(&listed.stdout).contains("people"), "{}", text(&listed.stderr));
    let mut said = String::new();
    ingest.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(ended.code(), Some(130), "{said}");
    assert!(said.contains("cancelled"), "{said}");

    let status = place.json(&["status", "people"]);
    assert_eq!(
        (&status["status"], &status["step_in_progress"]),
        (&"discovering".into(), &Value::Null),
        "{status:#}"
    );
    drop(silent);
    place.json(&["ingest", "people", "--source", "helpdesk.json"]);
    place.json(&["map", "people"]);
    let history = place.json(&["history", "people"]).to_string();
    assert!(history.contains("\"kind\":\"cancelled\""), "{history}");
}
