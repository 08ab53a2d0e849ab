//! The replay as a client of RIS Live sees it.

use crate::wire::*;
use faultline::replay::server::{END, Served, serve};
use faultline::replay::{Replay, Speed};
use faultline::source::ris_live::Shown;
use faultline::source::{InputSpec, discover};
use faultline::time::Timestamp;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PEER: (&str, u32) = ("192.0.2.1", 64505);
const OTHER: (&str, u32) = ("192.0.2.2", 64506);

/// Messages of two peers, a second apart.
fn messages() -> Vec<Shown> {
    let records = [
        message(100, 4, PEER, &update(&[], &["198.51.100.0/24"], &[64505, 64500])),
        message(101, 4, OTHER, &update(&[], &["203.0.113.0/24"], &[64506, 64501])),
        message(102, 4, PEER, &update(&["198.51.100.128/25"], &[], &[])),
        message(103, 4, OTHER, &update(&[], &["2001:db8:1::/48"], &[64506, 64500])),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updates");
    std::fs::write(&path, records.concat()).unwrap();
    of_archive(&path)
}

fn of_archive(path: &Path) -> Vec<Shown> {
    let specs = [InputSpec { path: path.to_owned(), collector: Some("rrc99".to_owned()) }];
    Replay::open(discover(&specs).unwrap(), 1).unwrap().collect()
}

/// A server of these messages, and its address.
async fn serving(list: Vec<Shown>, speed: Speed) -> (String, JoinHandle<Served>) {
    serving_by(list, speed, None).await
}

async fn serving_by(list: Vec<Shown>, speed: Speed, clock: Option<fn() -> Timestamp>) -> (String, JoinHandle<Served>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/v1/ws/?client=test", listener.local_addr().unwrap());
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        for shown in list {
            if sender.send(shown).await.is_err() {
                break;
            }
        }
    });
    (address, tokio::spawn(async move { serve(listener, receiver, speed, clock).await.unwrap() }))
}

async fn say(client: &mut Client, kind: &str, data: Value) {
    client.send(Message::text(json!({"type": kind, "data": data}).to_string())).await.unwrap();
}

/// Everything until the connection is closed, and the reason for that.
async fn rest(client: &mut Client) -> (Vec<Value>, String) {
    let mut frames = Vec::new();
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Text(text) => frames.push(serde_json::from_str(&text).unwrap()),
            Message::Close(close) => return (frames, close.unwrap().reason.to_string()),
            _ => {}
        }
    }
}

fn prefixes(frames: &[Value]) -> Vec<String> {
    let of = |frame: &Value| {
        let announced =
            frame["data"]["announcements"].as_array().unwrap().iter().flat_map(|told| told["prefixes"].as_array().unwrap());
        let all: Vec<&Value> = announced.chain(frame["data"]["withdrawals"].as_array().unwrap()).collect();
        all.into_iter().map(|prefix| prefix.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    frames.iter().flat_map(of).collect()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn a_client_gets_what_it_subscribed_to_and_then_the_end() {
    run(async {
        let (address, server) = serving(messages(), Speed::Unlimited).await;
        let (mut client, _) = connect_async(&address).await.unwrap();
        say(
            &mut client,
            "ris_subscribe",
            json!({"prefix": "198.51.100.0/24", "socketOptions": {"acknowledge": true, "includeRaw": true}}),
        )
        .await;
        let (frames, reason) = rest(&mut client).await;
        assert_eq!((frames[0]["type"].as_str(), reason.as_str()), (Some("ris_subscribe_ok"), END));
        assert_eq!(prefixes(&frames[1..]), ["198.51.100.0/24", "198.51.100.128/25"]);
        let first = &frames[1]["data"];
        assert_eq!((&first["host"], &first["peer_asn"], &first["timestamp"]), (&json!("rrc99"), &json!("64505"), &json!(100.0)));
        assert_eq!(first["path"], json!([64505, 64500]));
        assert!(first["raw"].as_str().unwrap().starts_with("FFFFFFFF"));
        assert_eq!(server.await.unwrap(), Served { messages: 4, too_slow: 0 });
    });
}

#[test]
fn as_if_it_was_now_messages_are_said_when_they_are_due() {
    run(async {
        let clock = || Timestamp::from_parts(2_000_000_000, 500_000);
        // Messages of seconds 100 to 103, at 100 times their pace.
        let (address, _server) = serving_by(messages(), Speed::Thousandths(100_000), Some(clock)).await;
        let (mut client, _) = connect_async(&address).await.unwrap();
        say(&mut client, "ris_subscribe", json!({})).await;
        let (frames, _) = rest(&mut client).await;
        let told: Vec<f64> = frames.iter().map(|frame| frame["data"]["timestamp"].as_f64().unwrap()).collect();
        assert_eq!(told, [2_000_000_000.5, 2_000_000_000.51, 2_000_000_000.52, 2_000_000_000.53]);
        let last = frames[3]["data"]["id"].as_str().unwrap();
        assert!(last.contains(&format!("-{:016x}", 2_000_000_000_530_000_u64)), "{last}");
    });
}

#[test]
fn subscriptions_add_up_and_questions_are_answered() {
    run(async {
        let (address, _server) = serving(messages(), Speed::Thousandths(1_000_000)).await;
        let (mut client, _) = connect_async(&address).await.unwrap();
        say(&mut client, "ping", Value::Null).await;
        say(&mut client, "wrong", Value::Null).await;
        say(&mut client, "ris_subscribe", json!({"prefix": "nonsense"})).await;
        say(&mut client, "ris_subscribe", json!({"peer": "192.0.2.2", "path": "64500$"})).await;
        say(&mut client, "ris_subscribe", json!({"require": "withdrawals"})).await;
        let (frames, reason) = rest(&mut client).await;
        let kinds: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[..3], ["pong", "ris_error", "ris_error"]);
        assert_eq!(frames[2]["data"]["message"], "`nonsense` is no prefix");
        let told = prefixes(&frames[3..]);
        assert!(told.ends_with(&["2001:db8:1::/48".to_owned()]) && !told.contains(&"203.0.113.0/24".to_owned()), "{told:?}");
        assert_eq!(reason, END);
    });
}

// Why: the end of the connection must not look like the end of the stream to a client which missed a part of it.
#[test]
fn a_client_which_does_not_keep_up_is_told_so() {
    run(async {
        let many: Vec<Shown> = std::iter::repeat_n(messages().remove(0), 200_000).collect();
        let (address, server) = serving(many, Speed::Thousandths(1_000)).await;
        let (mut slow, _) = connect_async(&address).await.unwrap();
        say(&mut slow, "ris_subscribe", json!({"socketOptions": {"includeRaw": true}})).await;
        // So long it reads nothing.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (frames, reason) = rest(&mut slow).await;
        let last = frames.last().unwrap();
        assert!(last["type"] == "ris_error" && last["data"]["message"].as_str().unwrap().contains("behind by more than"), "{last}");
        assert_eq!((reason.as_str(), server.await.unwrap()), ("too slow", Served { messages: 200_000, too_slow: 1 }));
    });
}

// Why: a client of which nobody hears any more must not keep the others waiting for the end.
#[test]
fn who_never_subscribes_or_goes_away_delays_nobody() {
    run(async {
        let (address, server) = serving(messages(), Speed::Unlimited).await;
        let (_silent, _) = connect_async(&address).await.unwrap();
        let (mut gone, _) = connect_async(&address).await.unwrap();
        say(&mut gone, "ris_subscribe", json!({})).await;
        drop(gone);
        assert_eq!(server.await.unwrap().messages, 4);
    });
}

/// What a program which watches a replay of a lab case prints, a line of JSON each, and how it ends.
fn watched(case: &str, speed: &str, more: &[&str]) -> (Vec<Value>, Option<i32>) {
    let program = env!("CARGO_BIN_EXE_faultline");
    let archives = format!("data/lab/{case}/mrt");
    let mut server = Command::new(program)
        .args(["replay", &archives, "--listen", "127.0.0.1:0", "--speed", speed])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    let address = first.split_whitespace().find(|word| word.starts_with("ws://")).unwrap().trim_end_matches(';').to_owned();
    let watch = ["watch", "data/lab/lab.toml", "--replayed", "--format", "jsonl", "--stream", &address];
    let output = Command::new(program).args(watch).args(more).output().unwrap();
    assert!(server.wait().unwrap().success());
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

#[test]
fn watching_a_replay_tells_an_incident_when_it_begins_and_when_it_is_over() {
    for (speed, more) in [("max", &["--everything"][..]), ("max", &[]), ("120x", &[])] {
        let (lines, status) = watched("A", speed, more);
        let events: Vec<(&str, u64)> =
            lines.iter().map(|line| (line["event"].as_str().unwrap(), line["incident"].as_u64().unwrap())).collect();
        assert_eq!(
            (events.first(), events.last(), status),
            (Some(&("opened", 1)), Some(&("closed", 1)), Some(1)),
            "{speed}: {events:?}"
        );
        assert!(events.iter().all(|(_, number)| *number == 1) && lines[0]["ended"].is_null(), "{speed}: {events:?}");
    }
    assert_eq!(watched("C", "max", &["--everything"]), (Vec::new(), Some(0)), "a collector which restarts is no incident");
}

#[test]
fn an_address_which_is_none_is_an_error_and_no_connection_is_told() {
    let program = env!("CARGO_BIN_EXE_faultline");
    let output = Command::new(program).args(["watch", "data/lab/lab.toml", "--stream", "nonsense"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("`nonsense` is no address of a stream"), "{said}");
    // Nobody listens on the discard port.
    let mut watching = Command::new(program)
        .args(["watch", "data/lab/lab.toml", "--stream", "ws://127.0.0.1:9/"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said =
        BufReader::new(watching.stderr.take().unwrap()).lines().map(Result::unwrap).find(|line| line.contains("trying again"));
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(said.unwrap().starts_with("no connection to ws://127.0.0.1:9/: "));
}
