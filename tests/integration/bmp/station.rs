//! The station: routers connect over loopback.

use super::*;
use faultline::org::BmpRouter;
use faultline::source::bmp::RouterEvent;
use faultline::watch::bmp_station::{Station, StationEvent};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A station for these routers, its address, and what it tells.
async fn station(routers: &[BmpRouter]) -> (SocketAddr, mpsc::Receiver<StationEvent>) {
    let station = Station::listen(&["127.0.0.1:0".to_owned()], routers).await.unwrap();
    let address = station.addresses()[0];
    let (sender, events) = mpsc::channel(16);
    tokio::spawn(station.serve(sender));
    (address, events)
}

/// Everything one connection brings: its name, its bytes, and why it ended.
async fn heard(events: &mut mpsc::Receiver<StationEvent>) -> (Option<String>, Vec<u8>, String) {
    let (mut told, mut all) = (None, Vec::new());
    loop {
        match events.recv().await.unwrap() {
            StationEvent::Router(RouterEvent::Connected { name, .. }) => told = name,
            StationEvent::Router(RouterEvent::Messages { bytes, .. }) => all.extend(bytes),
            StationEvent::Router(RouterEvent::Lost { reason, .. }) => return (told, all, reason),
            StationEvent::Refused(address, reason) => return (None, all, format!("{address} refused: {reason}")),
        }
    }
}

async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut router = TcpStream::connect(address).await.unwrap();
    // The station may have ended the connection before it took everything.
    let _ = router.write_all(bytes).await;
    router
}

#[test]
fn whole_messages_are_handed_on_and_the_end_has_a_reason() {
    run(async {
        let (address, mut events) = station(&[]).await;
        let bytes = recording(&of_case_a("cfrr"));
        let router = send(address, &bytes).await;
        drop(router);
        assert_eq!(heard(&mut events).await, (None, bytes.clone(), "it closed the connection".to_owned()));
        drop(send(address, &bytes[..100]).await);
        let (_, begun, reason) = heard(&mut events).await;
        assert_eq!((begun, reason.as_str()), (bytes[..33].to_vec(), "it closed the connection in the middle of a message"));
    });
}

#[test]
fn what_is_no_bmp_ends_its_connection_with_words_and_nobody_else_s() {
    run(async {
        let (address, mut events) = station(&[]).await;
        let mut browser = send(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let (_, bytes, reason) = heard(&mut events).await;
        assert!(bytes.is_empty() && reason.starts_with("a message begins with version 71, and BMP has version 3"), "{reason}");
        let mut answer = Vec::new();
        // The system may reset a connection whose bytes were not all read.
        let _ = browser.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "nothing is ever said to a router");
        let mut long = vec![3];
        long.extend(u32::MAX.to_be_bytes());
        let _open = send(address, &long).await;
        assert!(heard(&mut events).await.2.contains("more than any message of BMP has"));
        drop(send(address, &initiation("edge1")).await);
        assert_eq!(heard(&mut events).await.1, initiation("edge1"));
    });
}

#[test]
fn only_routers_of_the_profile_are_heard() {
    run(async {
        let router = |address: &str| BmpRouter { address: address.parse().unwrap(), name: Some("edge1".to_owned()) };
        let (address, mut events) = station(&[router("192.0.2.1")]).await;
        let _stranger = send(address, &initiation("edge1")).await;
        let reason = heard(&mut events).await.2;
        assert_eq!(reason, "127.0.0.1 refused: the profile does not list it under [bmp]");
        let (address, mut events) = station(&[router("192.0.2.1"), router("127.0.0.1")]).await;
        drop(send(address, &initiation("else")).await);
        assert_eq!(heard(&mut events).await.0.as_deref(), Some("edge1"));
    });
}

// Why: whoever opens connections and says nothing must not keep the organization's routers out for ever, nor cost memory.
#[test]
fn there_is_room_for_so_many_routers() {
    run(async {
        let (address, mut events) = station(&[]).await;
        let mut open = Vec::new();
        for _ in 0..64 {
            open.push(send(address, &[]).await);
            assert!(matches!(events.recv().await, Some(StationEvent::Router(RouterEvent::Connected { .. }))));
        }
        let _more = send(address, &[]).await;
        assert!(matches!(events.recv().await, Some(StationEvent::Refused(_, "as many routers are connected as can be"))));
        drop(open.pop());
        assert_eq!(heard(&mut events).await.2, "it closed the connection");
        drop(send(address, &initiation("edge1")).await);
        assert_eq!(heard(&mut events).await.1, initiation("edge1"));
    });
}

#[test]
fn a_router_which_says_nothing_is_given_up() {
    run(async {
        let station = Station::listen(&["127.0.0.1:0".to_owned()], &[]).await.unwrap().with_patience(Duration::from_millis(50));
        let address = station.addresses()[0];
        let (sender, mut events) = mpsc::channel(16);
        tokio::spawn(station.serve(sender));
        let _silent = send(address, &[3, 0, 0]).await;
        let (_, bytes, reason) = heard(&mut events).await;
        assert_eq!((bytes.len(), reason.as_str()), (0, "nothing came for 50 ms though a message was due"));
    });
}

/// A program which watches what routers tell, the address it listens on, and the lines of what it says.
fn watching(more: &[&str]) -> (std::process::Child, String, impl Iterator<Item = String> + use<>) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_faultline"))
        .args(["watch", "data/lab/lab.toml", "--bmp", "127.0.0.1:0", "--bmp-only", "--format", "jsonl"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(program.stderr.take().unwrap()).lines().map(Result::unwrap);
    let listening = said.find(|line| line.starts_with("listening for routers (BMP) on ")).unwrap();
    let address = listening.rsplit(' ').next().unwrap().to_owned();
    (program, address, said)
}

#[test]
fn watching_a_router_tells_an_incident_when_it_begins_and_when_it_is_over() {
    for router in ["cfrr", "cgobgp"] {
        let (program, address, said) = watching(&["--replayed"]);
        let mut connection = std::net::TcpStream::connect(&address).unwrap();
        connection.write_all(&recording(&of_case_a(router))).unwrap();
        drop(connection);
        let said: Vec<String> = said.collect();
        let output = program.wait_with_output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<(&str, u64)> =
            lines.iter().map(|line| (line["event"].as_str().unwrap(), line["incident"].as_u64().unwrap())).collect();
        assert_eq!(
            (events.first(), events.last(), output.status.code()),
            (Some(&("opened", 1)), Some(&("closed", 1)), Some(1)),
            "{router}: {events:?}"
        );
        assert!(events.iter().all(|(_, number)| *number == 1), "{router}: {events:?}");
        let name = if router == "cfrr" { "cfrr" } else { "GoBGP" };
        assert!(said.contains(&format!("the router {name} (127.0.0.1) tells of its peers")), "{said:?}");
        assert!(said.iter().any(|line| line.contains("is lost: it closed the connection")), "{said:?}");
    }
}

// Why: with the system's clock a table told years ago is news of now, and no outage.
#[test]
fn a_station_goes_on_after_garbage_and_after_a_router_has_gone() {
    let (mut program, address, mut said) = watching(&[]);
    let send = |bytes: &[u8]| {
        let mut connection = std::net::TcpStream::connect(&address).unwrap();
        connection.write_all(bytes).unwrap();
    };
    send(&[0; 600]);
    assert!(said.any(|line| line.contains("is lost: a message begins with version 0")));
    send(&initiation("edge1"));
    assert!(said.any(|line| line == "the router edge1 (127.0.0.1) tells of its peers"));
    assert!(said.any(|line| line.contains("the connection of the router edge1 is lost")));
    program.kill().unwrap();
    program.wait().unwrap();
}

#[test]
fn an_address_on_which_nobody_can_listen_is_an_error() {
    let program = env!("CARGO_BIN_EXE_faultline");
    let output = Command::new(program).args(["watch", "data/lab/lab.toml", "--bmp", "nonsense", "--bmp-only"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("cannot listen for BMP on `nonsense`"), "{said}");
}
