//! `check`, `health`, and what keeps a service from starting.

use serde_json::{Value, json};

use crate::world::World;

fn check(world: &World, arguments: &[&str]) -> (i32, String) {
    let mut all = vec!["check"];
    all.extend(arguments);
    let output = world.command(&all).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn each_fault_is_explained() {
    let world = World::new(1);
    let (code, said) = check(&world, &[]);
    assert_eq!((code, said.contains("WRONG")), (0, false), "{said}");
    assert!(said.contains("ok     source of things: http://127.0.0.1"), "{said}");
    assert!(said.contains("ok     destination of things"), "{said}");
    assert_eq!(world.dest.count("POST"), 0, "nothing is written");

    world.things.lock().unwrap().source_broken = Some(401);
    world.things.lock().unwrap().broken = Some(401);
    let (code, said) = check(&world, &["--json"]);
    let findings: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let wrong: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["ok"] == json!(false))
        .map(|finding| finding["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        (code, wrong.as_slice()),
        (3, ["source of things", "destination of things"].as_slice()),
        "{said}"
    );
    assert_eq!(check(&world, &["--offline"]).0, 0, "nobody is asked");

    // Two faults at once: both are told.
    let mut mapping = world.mapping("title");
    mapping["source"]["auth"] = json!({"type": "bearer"});
    mapping["transformations"][0]["transform_type"] = json!("parse");
    mapping["transformations"][0]["transform_config"] = json!({"function": "parse_moon"});
    world.write_mapping(&mapping);
    let (code, said) = check(&world, &[]);
    assert_eq!(code, 3);
    assert!(said.contains("parse_int") && said.contains("VITESSE_SOURCE_TOKEN"), "{said}");
}

#[test]
fn an_address_that_is_not_allowed_is_told_apart_from_one_that_is_down() {
    let world = World::new(1);
    let output = world.command(&["check"]).env("VITESSE_ALLOW", "").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("VITESSE_ALLOW") || said.contains("allow"), "{said}");
    let mut mapping = world.mapping("title");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    mapping["destination"]["base_url"] = json!(format!("http://127.0.0.1:{port}"));
    world.write_mapping(&mapping);
    let (_, said) = check(&world, &[]);
    assert!(
        said.contains("WRONG  destination of things") && said.contains("ok     source of things"),
        "{said}"
    );
}

#[test]
fn a_container_asks_itself_whether_it_is_well() {
    let world = World::new(0);
    let running = world.serve(&[]);
    let health = |address: &str| {
        let output = world.command(&["health"]).env("VITESSE_LISTEN", address).output().unwrap();
        output.status.code().unwrap()
    };
    assert_eq!(health(&running.data.to_string()), 0);
    assert_eq!(health(&format!("0.0.0.0:{}", running.data.port())), 0);
    drop(running);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(health(&format!("127.0.0.1:{port}")), 8);
}

#[test]
fn what_would_be_unsafe_or_can_not_work_does_not_start() {
    let world = World::new(0);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cases: [(&str, &str, i32, &str); 7] = [
        ("VITESSE_ADMIN_LISTEN", "0.0.0.0:0", 3, "VITESSE_ADMIN_KEY"),
        ("VITESSE_LISTEN", &address, 23, "VITESSE_LISTEN"),
        ("VITESSE_LISTEN", "localhost", 3, "VITESSE_LISTEN"),
        ("VITESSE_SCHEDULE", "sometimes", 3, "VITESSE_SCHEDULE"),
        ("VITESSE_MAPPING", "/nowhere", 4, "/nowhere"),
        ("VITESSE_HOOKS", "{", 3, "VITESSE_HOOKS"),
        ("VITESSE_ALERT_URL", "ftp://x/s3cret", 3, "VITESSE_ALERT_URL"),
    ];
    for (variable, value, code, says) in cases {
        let output = world.command(&["serve"]).env(variable, value).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{variable}: {said}");
        assert!(said.contains(says) && !said.contains("s3cret"), "{variable}: {said}");
    }
    // Credentials that are missing are named at once, and not at the first run.
    let mut mapping = world.mapping("title");
    mapping["source"]["auth"] = json!({"type": "bearer"});
    world.write_mapping(&mapping);
    let output = world.command(&["serve"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(10) && said.contains("VITESSE_SOURCE_TOKEN"), "{said}");
    // Without a place for the state it transforms, and says that it does nothing else.
    let running = {
        let mut command = world.command(&["serve"]);
        command.env_remove("VITESSE_STATE");
        crate::world::Running::start(command)
    };
    assert!(running.said("listening")[0]["moves_no_records"].as_str().unwrap().contains("VITESSE_STATE"));
    assert_eq!(crate::peer::post(running.data, "/transform", r#"{"id": 4}"#).json(), json!({"ext": 4}));
    let status = running.client().ask(|admin| async move { admin.status().await }).unwrap();
    assert!(!status.syncs && status.syncs_not_because.is_some());
}
