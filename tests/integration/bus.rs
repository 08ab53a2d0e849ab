//! A bus between several who watch: NATS JetStream, a real server of it.

use crate::wire::*;
use faultline::scope::Share;
use faultline::time::{Span, Timestamp};
use faultline::watch::bus::Address;
use faultline::watch::bus::read::{Needed, Reader, keep};
use faultline::watch::connection::{Event, Said};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_faultline");
const CASES: [&str; 6] = ["A", "B", "C", "D", "E", "H"];

/// A server, which ends with this.
struct Nats {
    server: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Nats {
    /// `None`, with a line which `scripts/test` shows, where there is none.
    fn begin() -> Option<Nats> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let Ok(server) = serve(folder.path(), port) else {
            eprintln!("SKIPPED: nats-server is not there, so no bus was tried; install it (Debian: apt-get install nats-server)");
            return None;
        };
        Some(Nats { server, port, folder })
    }

    fn address(&self, stream: &str) -> String {
        format!("nats://127.0.0.1:{}/{stream}", self.port)
    }

    /// As `kill -9` does; it is begun again after a while.
    fn kill(&mut self, away: Duration) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        wait(away);
        self.server = serve(self.folder.path(), self.port).unwrap();
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(folder: &Path, port: u16) -> std::io::Result<Child> {
    let mut command = Command::new("nats-server");
    command.arg("-js").arg("-sd").arg(folder).args(["-a", "127.0.0.1", "-p", &port.to_string()]);
    let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let listens = (0..1_500).any(|_| {
        wait(Duration::from_millis(20));
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    assert!(listens, "nats-server does not listen");
    Ok(server)
}

/// Nobody rings, so this is how long it waits.
fn wait(time: Duration) {
    let (_kept, alarm) = channel::<()>();
    assert!(alarm.recv_timeout(time).is_err());
}

/// Ended with this, if it has not ended.
struct Running(Child);

impl Running {
    fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    fn killed_after(mut self, time: Duration) {
        wait(time);
        self.0.kill().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn replay(archives: &Path, speed: &str) -> (Running, String) {
    replay_with(archives, &["--speed", speed])
}

fn replay_with(archives: &Path, more: &[&str]) -> (Running, String) {
    let mut server = Command::new(PROGRAM)
        .arg("replay")
        .arg(archives)
        .args(["--listen", "127.0.0.1:0"])
        .args(more)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = BufReader::new(server.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    let address = first.split_whitespace().find(|word| word.starts_with("ws://")).unwrap().trim_end_matches(';').to_owned();
    (Running(server), address)
}

/// Puts a replay onto the bus.
fn publish(archives: &Path, speed: &str, to: &str) -> (Running, Running) {
    let (replay, stream) = replay(archives, speed);
    let publish = Command::new(PROGRAM).args(["watch", "--publish", to, "--replayed", "--stream", &stream]).spawn().unwrap();
    (replay, Running(publish))
}

fn published(archives: &Path, to: &str) {
    let (_replay, publish) = publish(archives, "max", to);
    assert_eq!(publish.ended(), Some(0));
}

/// What a watch prints until its stream ends, a line of JSON each.
fn watched(stream: &str, more: &[&str]) -> Vec<Value> {
    let Output { stdout, stderr, status } =
        Command::new(PROGRAM).args(["watch", "--replayed", "--format", "jsonl", "--stream", stream]).args(more).output().unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const PREFIXES: [&str; 4] = ["192.0.2.0/24", "193.0.2.0/24", "194.0.2.0/24", "203.0.113.0/24"];
const OUTAGES: u32 = 6;

/// Twelve peers lose one prefix after the other for six minutes, every twenty minutes, and say what they have once a minute.
fn archive(folder: &Path) -> PathBuf {
    let peers: Vec<(String, u32)> = (1..=12).map(|peer| (format!("192.0.2.{peer}"), 64_600 + peer)).collect();
    let lost_at = |minute: u32| {
        let outage = (minute / 20).checked_sub(1).filter(|outage| *outage < OUTAGES && minute % 20 < 6)?;
        Some(outage as usize % PREFIXES.len())
    };
    let mut records = Vec::new();
    for minute in 0..20 * (OUTAGES + 2) {
        for ((address, asn), second) in peers.iter().zip(0..) {
            for (place, prefix) in PREFIXES.iter().enumerate() {
                let said = match (lost_at(minute), minute % 20) {
                    (Some(lost), 0) if lost == place => update(&[prefix], &[], &[]),
                    (Some(lost), _) if lost == place => continue,
                    _ => update(&[], &[prefix], &[*asn, 64_500 + place as u32]),
                };
                records.push(message(60 * minute + second, 4, (address, *asn), &said));
            }
        }
    }
    let path = folder.join("rrc99").join("updates.20231114.2200");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, records.concat()).unwrap();
    path.parent().unwrap().to_owned()
}

fn profile(folder: &Path) -> PathBuf {
    let path = folder.join("org.toml");
    let text = format!("[organization]\nname = \"Example\"\nas_numbers = [64500]\nprefixes = [\"{}\"]\n", PREFIXES[0]);
    std::fs::write(&path, text).unwrap();
    path
}

// Why: a bus in between must not change what is found.
#[test]
fn what_comes_over_a_bus_is_found_as_from_the_stream_itself() {
    let Some(nats) = Nats::begin() else { return };
    for case in CASES {
        let archives = PathBuf::from(format!("data/lab/{case}/mrt"));
        let bus = nats.address(&format!("lab-{case}"));
        published(&archives, &bus);
        let (_replay, stream) = replay(&archives, "max");
        let itself = watched(&stream, &["data/lab/lab.toml", "--everything"]);
        let over_bus = watched(&bus, &["data/lab/lab.toml"]);
        assert_eq!(last(&over_bus), last(&itself), "{case}");
        assert_eq!(over_bus.is_empty(), matches!(case, "B" | "C" | "D" | "E"), "{case}");
        // It stands there, for whoever reads it again.
        assert_eq!(watched(&bus, &["data/lab/lab.toml"]), over_bus, "{case}");
    }
}

/// What was told last of each incident. Between its beginning and its end it depends on when it was looked at.
fn last(lines: &[Value]) -> BTreeMap<u64, Value> {
    let without = |mut line: Value| {
        line["at"].take();
        line
    };
    lines.iter().map(|line| (line["incident"].as_u64().unwrap(), without(line.clone()))).collect()
}

/// What was told of outages, without their numbers, which each watch counts by itself.
fn told(lines: impl IntoIterator<Item = Value>) -> Vec<String> {
    let without = |mut line: Value| {
        line["outage"].take();
        line["absorbed"].take();
        line.to_string()
    };
    let mut told: Vec<String> = lines.into_iter().map(without).collect();
    told.sort();
    told
}

#[test]
fn shares_tell_together_what_one_tells_alone() {
    let Some(nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    let archives = archive(folder.path());
    published(&archives, &bus);
    let alone = told(watched(&bus, &["--all-origins"]));
    assert_eq!(alone.iter().filter(|line| line.contains("\"opened\"")).count(), OUTAGES as usize, "{alone:#?}");
    for of in [2, 4] {
        let shares: Vec<Vec<Value>> =
            (1..=of).map(|number| watched(&bus, &["--all-origins", "--share", &format!("{number}/{of}")])).collect();
        assert!(shares.iter().filter(|lines| !lines.is_empty()).count() > 1, "more than one tells something");
        assert_eq!(told(shares.into_iter().flatten()), alone, "{of} shares");
    }
    let (_replay, stream) = replay(&archives, "max");
    assert_eq!(told(watched(&stream, &["--all-origins"])), alone, "the stream itself");
    let mut uneven = Command::new(PROGRAM);
    uneven.args(["watch", "--replayed", "--all-origins", "--share", "1/3", "--stream", &bus]);
    assert!(first_words(&mut uneven).contains("16 shares, which 3 cannot share evenly"));
}

/// What a program which does not end by itself says first of its stream.
fn first_words(command: &mut Command) -> String {
    let mut program = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(program.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    said.find(|line| line.contains("trying again")).unwrap()
}

// Why: whoever shares the load of the Internet is killed some day, and so is the server between them.
#[test]
fn who_is_killed_loses_nothing_and_tells_nothing_twice() {
    let Some(mut nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    let (archives, profile) = (archive(folder.path()), profile(folder.path()));
    let (ledger, journal) = (folder.path().join("outages.jsonl"), folder.path().join("journal"));
    let watch = |more: &[&std::ffi::OsStr]| {
        let mut command = Command::new(PROGRAM);
        command.args(["watch", "--replayed", "--stream", &bus]).args(more).stdout(Stdio::null());
        Running(command.spawn().unwrap())
    };
    let everyone = || watch(&["--all-origins".as_ref(), "--outages".as_ref(), ledger.as_ref()]);
    let organization = || watch(&[profile.as_ref(), "--journal".as_ref(), journal.as_ref()]);
    let (_replay, publish) = publish(&archives, "600x", &bus);
    for turn in 0..6 {
        let (one, other) = (everyone(), organization());
        one.killed_after(Duration::from_millis(900 + 130 * turn));
        if turn % 2 == 1 {
            nats.kill(Duration::from_millis(400));
        }
        other.killed_after(Duration::from_millis(300 + 170 * turn));
    }
    let (one, other) = (everyone(), organization());
    assert_eq!(publish.ended(), Some(0));
    assert_eq!((one.ended(), other.ended()), (Some(1), Some(1)));
    let lines = |path: &Path| -> Vec<Value> {
        std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let undisturbed = watched(&bus, &["--all-origins"]);
    assert_eq!(lines(&ledger), undisturbed);
    let (_replay, stream) = replay(&archives, "max");
    assert_eq!(told(watched(&stream, &["--all-origins"])), told(undisturbed), "nothing was lost on the way");
    let changes = lines(&folder.path().join("journal.d/notices.jsonl"));
    let of = |change: &str| changes.iter().filter(|notice| notice["changes"].to_string().contains(change)).count();
    assert_eq!((of("opened"), of("closed")), (2, 2), "the organization loses its prefix twice: {changes:#?}");
}

/// Puts a stream which goes on onto the bus, as it is said now.
fn publish_for(time: Duration, archives: &Path, bus: &str) {
    let (_replay, stream) = replay(archives, "100x");
    let publish = Command::new(PROGRAM).args(["watch", "--publish", bus, "--stream", &stream]).spawn().unwrap();
    Running(publish).killed_after(time);
}

/// Everything which stands on the bus, as somebody reads it who takes all shares.
fn read(bus: &str) -> Vec<Said> {
    let all = Needed::Share(Share::new(0, 1).unwrap());
    let reader = Reader { address: Address::read(bus).unwrap(), needed: all, from: None, ends: false };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let (sender, mut events) = tokio::sync::mpsc::channel(1_024);
        tokio::spawn(keep(reader, sender));
        let mut said = Vec::new();
        loop {
            match events.recv().await.unwrap() {
                Event::Said(more) => said.extend(more),
                Event::Current => return said,
                Event::Joined | Event::Down { .. } | Event::Trouble(_) => {}
                other => panic!("{other:?}"),
            }
        }
    })
}

// Why: what nobody heard while nobody published must not look as if nothing was said.
#[test]
fn who_publishes_after_one_who_was_killed_tells_what_is_missing() {
    let Some(nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    let archives = archive(folder.path());
    publish_for(Duration::from_millis(2_500), &archives, &bus);
    let first = read(&bus);
    assert!(first.iter().any(|said| matches!(said, Said::Message(_))) && first.iter().any(|said| matches!(said, Said::Clock(_))));
    publish_for(Duration::from_millis(2_500), &archives, &bus);
    let both = read(&bus);
    assert_eq!(both[..first.len()], first);
    let lost: Vec<&Said> = both.iter().filter(|said| matches!(said, Said::Lost(..))).collect();
    let [Said::Lost(from, until)] = lost[..] else { panic!("{lost:?}") };
    assert_eq!(first.iter().filter_map(Said::until).max(), Some(*from));
    assert!(from < until, "{from} {until}");
    assert!(matches!(both[first.len()], Said::Lost(..)), "before anything which is said now");
    assert!(both[first.len()..].iter().any(|said| matches!(said, Said::Message(_))));
}

/// Passes bytes on to a server, and breaks a connection off after so many of them.
fn breaking(server: u16, after: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let pass = |mut from: TcpStream, mut to: TcpStream, mut left: usize| {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if count > left || to.write_all(&bytes[..count]).is_err() {
                break;
            }
            left -= count;
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    };
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
            let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pass(client, server, usize::MAX));
            std::thread::spawn(move || pass(server_too, client_too, after));
        }
    });
    port
}

// Why: the client connects again by itself, and what was on its way is not sent again.
#[test]
fn a_connection_which_breaks_again_and_again_loses_nothing() {
    let Some(nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    published(&archive(folder.path()), &bus);
    let whole = read(&bus);
    let through = format!("nats://127.0.0.1:{}/all", breaking(nats.port, 200_000));
    assert!(whole.len() > 3_000, "{}", whole.len());
    assert_eq!(read(&through), whole);
}

#[test]
fn what_is_no_message_of_ours_is_passed_over_and_what_may_stand_there_is_missing() {
    let Some(nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    let archives = archive(folder.path());
    published(&archives, &bus);
    let first = read(&bus);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let context = async_nats::jetstream::new(async_nats::connect(format!("127.0.0.1:{}", nats.port)).await.unwrap());
        context.publish("all.16.all", "nonsense".into()).await.unwrap().await.unwrap();
    });
    published(&archives, &bus);
    let both = read(&bus);
    assert_eq!((&both[..first.len()], both.len()), (&first[..], 2 * first.len() + 1));
    assert!(matches!(both[first.len()], Said::Lost(..)), "{:?}", both[first.len()]);
}

#[test]
fn a_stream_which_is_taken_away_is_made_again() {
    let Some(nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    let (_replay, stream) = replay(&archive(folder.path()), "20x");
    let _publish = Running(Command::new(PROGRAM).args(["watch", "--publish", &bus, "--stream", &stream]).spawn().unwrap());
    let take_away = async {
        let context = async_nats::jetstream::new(async_nats::connect(format!("127.0.0.1:{}", nats.port)).await.unwrap());
        // Once it is there, and then once more.
        for _ in 0..2 {
            while context.delete_stream("all").await.is_err() {
                wait(Duration::from_millis(100));
            }
        }
        while context.get_stream("all").await.is_err() {
            wait(Duration::from_millis(100));
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(take_away);
    // Which message comes first nobody promises.
    let told = || read(&bus).iter().any(|said| matches!(said, Said::Clock(_)));
    assert!((0..300).any(|_| told() || {
        wait(Duration::from_millis(100));
        false
    }));
}

// Why: one who cannot be ended by Ctrl-C tells everybody that the network is quiet.
#[test]
fn who_publishes_is_ended_by_an_interrupt() {
    let Some(nats) = Nats::begin() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (archives, profile) = (archive(folder.path()), profile(folder.path()));
    for (name, more) in [("alone", Vec::new()), ("beside", vec![profile.to_str().unwrap()]), ("all", vec!["--all-origins"])] {
        let (_replay, stream) = replay(&archives, "20x");
        let mut publish = Command::new(PROGRAM);
        publish.args(["watch", "--publish", &nats.address(name), "--stream", &stream]).args(more).stderr(Stdio::piped());
        let mut publish = Running(publish.spawn().unwrap());
        let mut said = BufReader::new(publish.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line.contains("connected to ws://")), "{name}");
        let interrupt = Command::new("kill").args(["-INT", &publish.0.id().to_string()]).status().unwrap();
        assert!(interrupt.success());
        drop(said);
        // Of a few seconds a watch cannot tell that all was well.
        assert!(matches!(publish.ended(), Some(0 | 3)), "{name}");
    }
}

// Why: without --replayed it is the bus which tells how late it is.
#[test]
fn an_incident_is_told_once_while_it_happens_and_the_server_goes_away_meanwhile() {
    let Some(mut nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("now"));
    let (archives, profile) = (archive(folder.path()), profile(folder.path()));
    let quick = "[settings]\nopen_hold = \"1s\"\nclose_hold = \"1s\"\nbaseline_min = \"3s\"\n";
    std::fs::write(&profile, std::fs::read_to_string(&profile).unwrap() + quick).unwrap();
    // A minute of the archive is half a second: the prefix is lost after 10 s, and for 3.
    let (_replay, stream) = replay_with(&archives, &["--speed", "120x", "--as-now"]);
    let _publish = Running(Command::new(PROGRAM).args(["watch", "--publish", &bus, "--stream", &stream]).spawn().unwrap());
    let mut watch = Command::new(PROGRAM);
    watch.arg("watch").arg(&profile).args(["--format", "jsonl", "--stream", &bus]).stdout(Stdio::piped());
    let mut watch = Running(watch.spawn().unwrap());
    let lines = BufReader::new(watch.0.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    wait(Duration::from_secs(6));
    nats.kill(Duration::from_millis(1_500));
    let told: Vec<Value> = lines.by_ref().take(2).collect();
    assert_eq!((&told[0]["event"], &told[1]["event"]), (&Value::from("opened"), &Value::from("closed")), "{told:#?}");
    let times = |part: &str| told[1][part]["earliest"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let length = times("ended").since(times("began"));
    let (least, most) = (Span::from_micros(2_500_000), Span::from_micros(3_700_000));
    assert!(least <= length && length <= most, "{length:?}");
}

#[test]
fn two_who_publish_into_one_stream_are_found_out() {
    let Some(nats) = Nats::begin() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), nats.address("all"));
    let archives = archive(folder.path());
    let (said, words) = channel();
    let both = [said.clone(), said].map(|said| {
        let (replay, stream) = replay(&archives, "10x");
        let mut publish = Command::new(PROGRAM);
        publish.args(["watch", "--publish", &bus, "--stream", &stream]).stderr(Stdio::piped());
        let mut publish = Running(publish.spawn().unwrap());
        let lines = BufReader::new(publish.0.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| said.send(line)));
        (replay, publish)
    });
    // Whichever of them comes second to a message.
    let found = std::iter::from_fn(|| words.recv_timeout(Duration::from_secs(60)).ok());
    assert!(found.into_iter().any(|line| line.contains("somebody else publishes into the stream `all`")));
    drop(both);
}

#[test]
fn what_is_no_bus_of_ours_is_an_error_which_says_what_to_do() {
    let Some(nats) = Nats::begin() else { return };
    let said = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).arg("watch").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        // Lines are broken where they end.
        String::from_utf8(output.stderr).unwrap().replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let nobody = said(&["--publish", "nats://127.0.0.1:9/ris"]);
    assert!(nobody.contains("nothing can be put onto nats://127.0.0.1:9/ris") && nobody.contains("nats-server -js"), "{nobody}");
    let nameless = said(&["data/lab/lab.toml", "--stream", "nats://127.0.0.1:4222"]);
    assert!(nameless.contains("it names no stream") && nameless.contains("nats://127.0.0.1:4222/ris"), "{nameless}");
    let secret = said(&["--publish", "nats://me:hush@127.0.0.1:4222/ris"]);
    assert!(secret.contains("FAULTLINE_NATS_TOKEN") && secret.contains("do not belong") && !secret.contains("hush"), "{secret}");
    let ignored = said(&["--publish", "nats://127.0.0.1:9/ris", "--journal", "journal"]);
    assert!(ignored.contains("`--journal` is of watching"), "{ignored}");
    let bus = nats.address("ris");
    published(Path::new("data/lab/C/mrt"), &bus);
    let other = said(&["--publish", &bus, "--shares", "5", "--stream", "ws://127.0.0.1:9/"]);
    assert!(other.contains("of 16 shares, not 5"), "{other}");
    let twice = said(&["--publish", &bus, "--stream", &bus]);
    assert!(twice.contains("not put onto another one"), "{twice}");
}
