//! Probes of real servers on the loopback interface.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vitesse_core::generate::Generator;
use vitesse_core::guardian::{FindingClass, Guardian, LiveApi, Severity, TestOptions, TestReport};
use vitesse_core::mapping::Mapping;
use vitesse_core::net::{Auth, Client, Guard, NetConfig, Scheme};
use vitesse_core::progress::Progress;

use super::integrations::{Integration, all};

/// Status, headers, body.
type Answer = (u16, &'static str, Value);

/// A server that answers by the request's line, and the requests it got: line, head and body.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Server {
    async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if socket.read(&mut byte).await.unwrap_or(0) == 0 {
                            return;
                        }
                        head.push(byte[0]);
                    }
                    let head = String::from_utf8(head).unwrap().to_lowercase();
                    let length =
                        head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                    socket.read_exact(&mut body).await.unwrap();
                    let line = head.split(" http/1.1").next().unwrap().to_owned();
                    let (status, headers, value) = answer(&line);
                    log.lock().unwrap().push((line, head, String::from_utf8(body).unwrap()));
                    let body = value.to_string();
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
                        body.len()
                    );
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address, asked }
    }

    fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(line, ..)| line.clone()).collect()
    }
}

fn shop() -> Integration {
    all().into_iter().find(|integration| integration.name == "shop-to-crm/customers").unwrap()
}

/// A page of customers, each as the shop describes them.
fn page(count: usize) -> Value {
    let integration = shop();
    let customer = integration.source.schemas.named("Customer").unwrap();
    let data: Vec<_> = Generator::new(&integration.source.schemas, customer, 9)
        .realistic(count)
        .map(|sample| sample.value)
        .collect();
    json!({"data": data, "paging": {"next": null, "total": count}})
}

async fn probe(options: TestOptions, source: &str, dest: &str) -> TestReport {
    let integration = shop();
    let mapping = Mapping::parse(integration.mapping.to_string().as_bytes()).unwrap();
    let guardian = Guardian::new(options);
    let report = guardian.test(&mapping, &integration.source, &integration.dest, &Progress::none()).unwrap();
    assert!(report.passed());
    let guard = Guard { allow_private: true, ..Guard::default() };
    let client = Client::new(NetConfig { guard, ..NetConfig::default() }).unwrap();
    let key = Scheme::Header { name: "X-Shop-Key".to_owned(), value: "k3y".to_owned().into() };
    let source = LiveApi {
        spec: &integration.source,
        base_url: format!("{source}/v2"),
        auth: Some(Auth::new(source, key).unwrap()),
    };
    let dest = LiveApi { spec: &integration.dest, base_url: dest.to_owned(), auth: None };
    guardian.probe(report, &mapping, source, dest, &client, &Progress::none()).await.unwrap()
}

fn nothing() -> Value {
    json!({"results": [], "page": 1, "per_page": 25, "total": 0})
}

#[tokio::test]
async fn apis_that_answer_are_measured_and_nothing_is_changed() {
    let source =
        Server::start(|_| (200, "x-ratelimit-limit: 10\r\nx-ratelimit-remaining: 9\r\n", page(4))).await;
    let dest = Server::start(|_| (200, "", nothing())).await;
    let report = probe(TestOptions::default(), &source.address, &dest.address).await;
    assert!(report.passed(), "{report:#?}");
    let live = report.live.as_ref().unwrap();
    assert_eq!((live.calls, live.succeeded), (10, 10));
    assert_eq!(live.records, 20);
    assert_eq!(live.rate_limits["GET /customers"]["x-ratelimit-limit"], "10");
    assert!(live.latencies["GET /customers"].p95_ms > 0.0 && live.latencies.contains_key("GET /contacts"));
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.class != FindingClass::Drift || finding.cause.contains("required"))
    );
    assert_eq!(report.test_details.len(), 15);
    assert_eq!(report.test_details[14].status_code, Some(200));
    // Credentials go where they belong, the record's address into the search, and only GET is sent.
    assert!(source.asked.lock().unwrap().iter().all(|(_, head, _)| head.contains("x-shop-key: k3y")));
    assert!(dest.asked.lock().unwrap().iter().all(|(_, head, _)| !head.contains("k3y")));
    assert_eq!(source.lines(), ["get /v2/customers"; 5]);
    assert!(
        dest.lines()
            .iter()
            .all(|line| line.starts_with("get /contacts?email_address=") && line.contains("%40")),
        "{:?}",
        dest.lines()
    );
}

#[tokio::test]
async fn refused_credentials_fail_the_gate() {
    for status in [401, 403] {
        let source = Server::start(move |_| (status, "", json!({}))).await;
        let dest = Server::start(|_| (200, "", nothing())).await;
        let report = probe(TestOptions::default(), &source.address, &dest.address).await;
        assert!(!report.passed());
        assert_eq!(report.gate.rule.id(), "critical_issue");
        assert_eq!(
            report.critical_issues,
            [format!(
                "authentication failed: the source answers GET /customers with {status}; check the credentials of its connection"
            )]
        );
        assert_eq!(report.error_patterns["401"], 1);
        // The score itself is what it was.
        assert!(report.health_score.overall >= 70.0);
        assert_eq!(source.lines().len(), 1, "what is refused isn't asked again");
    }
}

#[tokio::test]
async fn a_limit_that_is_reached_is_told_with_its_headers() {
    let source = Server::start(|_| (200, "", page(1))).await;
    let dest = Server::start(|_| (429, "retry-after: 30\r\nratelimit-limit: 5\r\n", json!({}))).await;
    let report = probe(TestOptions::default(), &source.address, &dest.address).await;
    assert!(!report.passed());
    assert!(
        report.critical_issues[0].starts_with("rate limited: the destination answers GET /contacts with"),
        "{:?}",
        report.critical_issues
    );
    assert!(report.critical_issues[0].contains("smaller sample"));
    assert_eq!(report.error_patterns["429"], 1);
    assert_eq!(report.live.unwrap().rate_limits["GET /contacts"]["retry-after"], "30");
    assert_eq!(dest.lines().len(), 1);
}

#[tokio::test]
async fn nobody_there_is_a_critical_issue() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let dest = Server::start(|_| (200, "", nothing())).await;
    let report = probe(TestOptions::default(), &closed, &dest.address).await;
    assert!(!report.passed());
    assert!(
        report.critical_issues[0].starts_with("no connection: the source"),
        "{:?}",
        report.critical_issues
    );
    assert_eq!(report.error_patterns["other"], 1 + report.failed_tests);
    assert_eq!(report.test_details[5].status_code, None);
}

#[tokio::test]
async fn records_are_written_only_when_that_is_allowed() {
    let source = Server::start(|_| (200, "", page(1))).await;
    let dest = Server::start(|line| match line.starts_with("post") {
        true => (201, "", json!({"id": "1"})),
        false => (200, "", nothing()),
    })
    .await;
    let options = || TestOptions { skip_destructive: false, ..TestOptions::default() };
    let report = probe(options(), &source.address, &dest.address).await;
    assert!(report.passed(), "{report:#?}");
    let asked = dest.asked.lock().unwrap().clone();
    let written: Vec<Value> = asked
        .iter()
        .filter(|(line, ..)| line == "post /contacts")
        .map(|(.., body)| serde_json::from_str(body).unwrap())
        .collect();
    assert!(!written.is_empty() && written.iter().all(|record| record["email_address"].is_string()));

    let strict = Server::start(|line| match line.starts_with("post") {
        true => (422, "", json!({"title": "no"})),
        false => (200, "", nothing()),
    })
    .await;
    let report = probe(options(), &source.address, &strict.address).await;
    assert!(!report.passed());
    assert!(
        report.critical_issues[0]
            .starts_with("schema mismatch: the destination answers POST /contacts with 422")
    );
    assert_eq!(report.error_patterns["400"], written.len());
}

#[tokio::test]
async fn answers_unlike_the_description_and_slow_ones_are_told_without_anyones_data() {
    let source = Server::start(|_| {
        let mut page = page(2);
        page["data"][0]["orders_count"] = json!("private: twelve");
        (200, "", page)
    })
    .await;
    let dest = Server::start(|_| (200, "", nothing())).await;
    let options = TestOptions { slow_ms: 0.0, ..TestOptions::default() };
    let report = probe(options, &source.address, &dest.address).await;
    assert!(report.passed());
    let drift = report.findings.iter().find(|finding| finding.field == "data[].orders_count").unwrap();
    assert_eq!((drift.class, drift.severity, drift.count), (FindingClass::Drift, Severity::Warning, 5));
    assert!(!serde_json::to_string(&report).unwrap().contains("private"));
    let slow: Vec<_> = report.warnings.iter().filter(|warning| warning.contains("is slow")).collect();
    assert_eq!(slow.len(), 2, "{slow:?}");
}
