//! The replay, read by bgpkit-parser: every frame which is sent is parsed, and has the prefixes which were sent.

#[path = "../clients/ris_live_client.rs"]
mod client;

use crate::drill::anchors::folder;
use faultline::replay::server::{END, serve};
use faultline::replay::{Replay, Speed};
use faultline::source::{InputSpec, discover};
use std::path::Path;
use tokio::net::TcpListener;

/// How many prefixes a frame announces and withdraws.
fn prefixes_of(frame: &str) -> [u64; 2] {
    let frame: serde_json::Value = serde_json::from_str(frame).unwrap();
    let count = |list: &serde_json::Value| list.as_array().map_or(0, Vec::len) as u64;
    let announcements = frame["data"]["announcements"].as_array().map(Vec::as_slice).unwrap_or_default();
    let announced = announcements.iter().map(|announcement| count(&announcement["prefixes"])).sum();
    [announced, count(&frame["data"]["withdrawals"])]
}

/// What was sent of these archives, and what bgpkit-parser made of it.
fn replayed(archives: &Path) -> (u64, [u64; 2], client::Parsed) {
    let specs = [InputSpec { path: archives.to_owned(), collector: None }];
    let messages: Vec<_> = Replay::open(discover(&specs).unwrap(), 1).unwrap().collect();
    let frames = messages.iter().map(|message| prefixes_of(&message.to_frame(true).unwrap()));
    let prefixes = frames.fold([0, 0], |all, one| [all[0] + one[0], all[1] + one[1]]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/", listener.local_addr().unwrap());
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            for message in messages {
                if sender.send(message).await.is_err() {
                    return;
                }
            }
        });
        let server = tokio::spawn(serve(listener, receiver, Speed::Unlimited, None));
        let parsed = client::read(&address).await.unwrap();
        (server.await.unwrap().unwrap().messages, prefixes, parsed)
    })
}

fn check(name: &str, archives: &Path) {
    let (sent, prefixes, parsed) = replayed(archives);
    assert!(sent > 100, "{name}: {sent} messages are too few to show anything");
    assert_eq!((parsed.frames, parsed.end.as_str()), (sent, END), "{name}");
    assert!(parsed.refused.is_empty(), "{name}: {:?}", parsed.refused);
    assert_eq!([parsed.announced, parsed.withdrawn], prefixes, "{name}");
}

#[test]
fn every_frame_of_the_lab_is_parsed() {
    for case in ["A", "B", "C", "D", "E", "H"] {
        check(&format!("case {case}"), &Path::new("data/lab").join(case).join("mrt"));
    }
}

#[test]
fn every_frame_of_the_rebuilt_outage_of_2021_is_parsed() {
    check("4 October 2021", folder("meta-2021-10-04"));
}
