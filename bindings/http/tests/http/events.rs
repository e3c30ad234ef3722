//! Events, followed and gone on with.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::world::{API, World};

/// One event.
#[derive(Debug)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

struct Follower {
    lines: Lines<BufReader<OwnedReadHalf>>,
    _write: tokio::net::tcp::OwnedWriteHalf,
}

impl Follower {
    async fn of(world: &World, id: &str, last: Option<&str>) -> Self {
        let stream = TcpStream::connect(&world.address).await.unwrap();
        let (read, mut write) = stream.into_split();
        let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
        let head = format!("GET {API}/integrations/{id}/events HTTP/1.1\r\nhost: localhost\r\n{last}\r\n");
        write.write_all(head.as_bytes()).await.unwrap();
        Self { lines: BufReader::new(read).lines(), _write: write }
    }

    async fn next(&mut self) -> Event {
        let read = async {
            let mut event = Event { id: None, name: String::new(), data: Value::Null };
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if let Some(id) = line.strip_prefix("id: ") {
                    event.id = Some(id.to_owned());
                } else if let Some(name) = line.strip_prefix("event: ") {
                    event.name = name.to_owned();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    event.data = serde_json::from_str(data).unwrap();
                } else if line.is_empty() && !event.name.is_empty() {
                    break;
                }
            }
            event
        };
        tokio::time::timeout(Duration::from_secs(30), read).await.expect("an event comes")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_and_gone_on_with_after_the_last_event() {
    let world = World::new().await;
    let id = world.ingested().await;
    let mut follower = Follower::of(&world, &id, None).await;
    let first = follower.next().await;
    assert_eq!((first.name.as_str(), &first.data["agent_type"]), ("contribution", &"discovery".into()));
    let mut last = first.id.unwrap();
    // The work of a step is told while it runs; what it came to, when it is written.
    let asked = json!({"source_endpoint": "/customers", "dest_endpoint": "/contacts"});
    let path = format!("/integrations/{id}/map");
    let (reply, told) = tokio::join!(world.send("POST", &path, &asked), async {
        let (mut names, mut mapped) = (Vec::new(), false);
        while !mapped {
            let event = follower.next().await;
            mapped = event.name == "contribution" && event.data["agent_type"] == "mapper";
            if let Some(id) = event.id {
                assert!(id > last, "events come in order");
                last = id;
            } else {
                assert_eq!(event.name, "progress");
            }
            names.push(event.name);
        }
        names
    });
    reply.is(200);
    assert!(
        told.iter().any(|name| name == "progress") && told.iter().any(|name| name == "checkpoint"),
        "{told:?}"
    );
    // Whoever was cut off goes on after the last event that came, and misses nothing.
    drop(follower);
    world.send("POST", &format!("/integrations/{id}/test"), &json!({})).await.is(200);
    let mut follower = Follower::of(&world, &id, Some(&last)).await;
    loop {
        let event = follower.next().await;
        assert!(event.id.is_none_or(|id| id > last), "nothing comes twice");
        if event.name == "contribution" {
            assert_eq!(event.data["agent_type"], "guardian");
            break;
        }
    }
    // Without following, it ends with what is there.
    let all = world.get(&format!("/integrations/{id}/events?follow=false")).await.is(200);
    assert_eq!(all.header("content-type"), Some("text/event-stream"));
    assert!(all.text().matches("\nevent: contribution\n").count() == 4, "{}", all.text());
    let log = world.get(&format!("/integrations/{id}/whiteboard/log?limit=500")).await.is(200).json();
    assert_eq!(all.text().matches("\nid: ").count() as u64, log["count"].as_u64().unwrap());
    let board = world.get(&format!("/integrations/{id}/whiteboard")).await.is(200).json();
    assert_eq!(board["data"]["workflow_id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_does_not_keep_the_server_from_ending() {
    let mut world = World::new().await;
    let id = world.ingested().await;
    let mut follower = Follower::of(&world, &id, None).await;
    follower.next().await;
    let server = world.server.take().unwrap();
    tokio::time::timeout(Duration::from_secs(10), server.stop()).await.expect("it ends at once");
}
