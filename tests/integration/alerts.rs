//! Alerts from outside: a watch which is killed again and again, tests of receivers, and the commands beside it.

mod post;
mod smtp;

use crate::wire::*;
use faultline::alert::Notice;
use faultline::watch::IncidentChange;
use post::{Answer, Hook};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_faultline");
/// How many incidents there are in [`archive`].
const INCIDENTS: usize = 6;
const PREFIX: &str = "192.0.2.0/24";

/// Peers lose a prefix and have it again, once every five minutes.
fn archive(folder: &Path) -> PathBuf {
    let peers: Vec<(String, u32)> = (1..=6).map(|peer| (format!("192.0.2.{peer}"), 64_600 + peer)).collect();
    let mut records = Vec::new();
    let mut all = |at: u32, announced: bool| {
        for ((address, asn), place) in peers.iter().zip(0..) {
            let path = [*asn, 64_500];
            let said = if announced { update(&[], &[PREFIX], &path) } else { update(&[PREFIX], &[], &[]) };
            records.push(message(at + place, 4, (address, *asn), &said));
        }
    };
    (0..10).for_each(|minute| all(60 * minute, true));
    for incident in 0..INCIDENTS as u32 {
        let begin = 600 + 300 * incident;
        all(begin, false);
        (1..4).for_each(|minute| all(begin + 60 * minute, true));
    }
    let path = folder.join("rrc99").join("updates.20231114.2200");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, records.concat()).unwrap();
    path
}

/// A profile which tells these receivers everything.
fn profile(folder: &Path, alerts: &str) -> PathBuf {
    let text = format!(
        r#"
[organization]
name = "Example"
as_numbers = [64500]
prefixes = ["{PREFIX}"]

[settings]
eligible_min = 3
open_hold = "20s"
close_hold = "20s"
grouping = "10s"
straggler_tail = "10s"
baseline_min = "60s"
{alerts}"#
    );
    let path = folder.join("org.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn hook(name: &str, address: &str) -> String {
    let changes = "changes = [\"opened\", \"worsened\", \"improved\", \"changed\"]\nevery = \"0s\"";
    format!("\n[[alerts]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"http://{address}/\"\nsecret_env = \"HUSH\"\n{changes}\n")
}

/// A replay and a watch of it. Both end with this.
struct Watching {
    replay: Child,
    watch: Child,
    /// Lines of the watch, of either stream; its end is that of the watch.
    said: Receiver<String>,
}

impl Watching {
    fn begin(folder: &Path, speed: &str) -> Self {
        let mut replay = Command::new(PROGRAM)
            .arg("replay")
            .arg(folder.join("rrc99"))
            .args(["--collector", &format!("rrc99={}", folder.join("rrc99").display())])
            .args(["--listen", "127.0.0.1:0", "--speed", speed])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let first = BufReader::new(replay.stderr.as_mut().unwrap()).lines().next().unwrap().unwrap();
        let address = first.split_whitespace().find(|word| word.starts_with("ws://")).expect(&first).trim_end_matches(';');
        let mut watch = Command::new(PROGRAM)
            .arg("watch")
            .arg(folder.join("org.toml"))
            .args(["--replayed", "--everything", "--format", "jsonl", "--stream", address, "--journal"])
            .arg(folder.join("journal"))
            .env("HUSH", "s3cret")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, said) = channel();
        let other = sender.clone();
        let (out, err) = (watch.stdout.take().unwrap(), watch.stderr.take().unwrap());
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        std::thread::spawn(move || BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| other.send(line)));
        Watching { replay, watch, said }
    }

    /// Kills the watch as `kill -9` does, once so much time has passed; gives what it said.
    fn killed_after(mut self, time: Duration) -> Vec<String> {
        let (_kept, alarm) = channel::<()>();
        let moment = alarm.recv_timeout(time);
        assert!(moment.is_err(), "nobody rings it");
        self.watch.kill().unwrap();
        let mut lines = Vec::new();
        self.rest(&mut lines);
        lines
    }

    /// Waits for the end; gives what it said.
    fn ended(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        self.rest(&mut lines);
        lines
    }

    fn rest(&mut self, lines: &mut Vec<String>) {
        lines.extend(self.said.iter());
        self.watch.wait().unwrap();
        self.replay.kill().unwrap();
        self.replay.wait().unwrap();
    }
}

/// Of each incident, how often receivers heard of each change, under keys of their own; and how many notices came twice under one key.
fn told(notices: &[(String, Notice)]) -> (BTreeMap<(usize, IncidentChange), usize>, usize) {
    let (mut by_key, mut repeated) = (BTreeMap::new(), 0);
    for (key, notice) in notices {
        assert_eq!(*key, notice.key);
        repeated += usize::from(by_key.insert(key, notice).is_some_and(|before| {
            assert_eq!(before, notice, "a key is of one notice");
            true
        }));
    }
    let mut counts = BTreeMap::new();
    for notice in by_key.values() {
        let number = notice.incident.as_ref().unwrap().number;
        notice.changes.iter().for_each(|change| *counts.entry((number, *change)).or_insert(0) += 1);
    }
    (counts, repeated)
}

// Why: whoever waits for alerts must be able to rely on them, whatever happens to the program; "lost 0".
#[test]
fn killed_at_random_moments_it_loses_no_alert_and_repeats_none_but_under_the_same_key() {
    let home = tempfile::tempdir().unwrap();
    archive(home.path());
    // Now and then it is away, so that there is always something which waits.
    let hook = Hook::begin(|count| if count % 5 == 2 { Answer::Unavailable } else { Answer::Taken });
    profile(home.path(), &self::hook("hook", &hook.address));
    let mut kills = 0;
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..10 {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        // A run without a kill takes some 3 s.
        let lines = Watching::begin(home.path(), "900x").killed_after(Duration::from_millis(300 + chance % 2_700));
        kills += 1;
        assert!(!lines.iter().any(|line| line.contains("s3cret")), "{round}: {lines:?}");
    }
    let lines = Watching::begin(home.path(), "900x").ended();
    // What waits for another attempt at the end is left to the next run.
    let mut runs = 0;
    while !waiting(home.path()).is_empty() && runs < 20 {
        Watching::begin(home.path(), "max").ended();
        runs += 1;
    }
    assert_eq!(waiting(home.path()), Vec::<serde_json::Value>::new(), "{lines:?}");
    let (counts, repeated) = told(&hook.taken());
    for number in 1..=INCIDENTS {
        for change in [IncidentChange::Opened, IncidentChange::Closed] {
            assert_eq!(counts.get(&(number, change)), Some(&1), "incident {number}: {change:?} of {counts:?}");
        }
    }
    assert!(counts.keys().all(|(number, _)| *number <= INCIDENTS), "{counts:?}");
    assert!(repeated <= kills, "{repeated}");
    // The file beside the journal heard the same.
    let text = std::fs::read_to_string(home.path().join("journal.d/notices.jsonl")).unwrap();
    let notices: Vec<(String, Notice)> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Notice>(line).ok())
        .map(|notice| (notice.key.clone(), notice))
        .collect();
    let (beside, _) = told(&notices);
    assert_eq!(beside.iter().filter(|((_, change), _)| change.is_end()).count(), INCIDENTS, "{beside:?}");
    assert!(beside.values().all(|count| *count == 1), "{beside:?}");
    let journal = std::fs::read(home.path().join("journal")).unwrap();
    assert!(!journal.windows(6).any(|bytes| bytes == b"s3cret"));
}

fn waiting(folder: &Path) -> Vec<serde_json::Value> {
    listed(folder)["undelivered"].as_array().unwrap().clone()
}

fn listed(folder: &Path) -> serde_json::Value {
    let output = incident(folder, &["list", "--format", "json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn incident(folder: &Path, words: &[&str]) -> Output {
    Command::new(PROGRAM).arg("incident").args(words).arg("--journal").arg(folder.join("journal")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn incidents_are_listed_acknowledged_and_silenced_beside_the_watch() {
    let home = tempfile::tempdir().unwrap();
    archive(home.path());
    let hook = Hook::begin(|_| Answer::Taken);
    profile(home.path(), &self::hook("hook", &hook.address));
    let nothing = incident(home.path(), &["list"]);
    assert!(nothing.status.code() == Some(2) && text(&nothing.stderr).contains("nothing is known of a journal"));
    Watching::begin(home.path(), "max").ended();
    assert_eq!(listed(home.path())["incidents"].as_array().unwrap().len(), INCIDENTS);
    let unknown = incident(home.path(), &["ack", "99"]);
    assert!(unknown.status.code() == Some(2) && text(&unknown.stderr).contains("there is no incident 99"));
    let neither = incident(home.path(), &["silence", "--for", "1h"]);
    assert!(neither.status.code() == Some(2) && text(&neither.stderr).contains("--incident"), "{}", text(&neither.stderr));
    let ended = incident(home.path(), &["silence", "--incident", "1", "--until", "2020-01-01T00:00:00Z"]);
    assert!(text(&ended.stderr).contains("would end before it begins"));
    assert!(incident(home.path(), &["ack", "2", "--by", "op", "--note", "on it"]).status.success());
    let silence = incident(home.path(), &["silence", "--prefix", "192.0.2.0/23", "--for", "2h", "--note", "noise"]);
    assert!(silence.status.success());
    let name = text(&silence.stdout).trim().to_owned();
    let shown = text(&incident(home.path(), &["list"]).stdout);
    assert!(shown.contains("2 requests are not taken up yet"), "{shown}");
    Watching::begin(home.path(), "max").ended();
    let shown = text(&incident(home.path(), &["list"]).stdout);
    assert!(shown.contains("  acknowledged by op ") && shown.contains(": on it\n"), "{shown}");
    assert!(shown.contains(&format!("silence {name}: prefix 192.0.2.0/23 until ")), "{shown}");
    assert!(incident(home.path(), &["lift", &name]).status.success());
    Watching::begin(home.path(), "max").ended();
    assert_eq!(listed(home.path())["silences"].as_array().unwrap().len(), 0);
    let unknown = incident(home.path(), &["lift", &name]);
    assert!(text(&unknown.stderr).contains("there is no silence"));
    assert_eq!(told(&hook.taken()).1, 0, "three runs told it once");
}

#[test]
fn a_journal_which_cannot_be_used_is_an_error_before_anything_is_watched() {
    let home = tempfile::tempdir().unwrap();
    let profile = profile(home.path(), "");
    let journal = home.path().join("journal");
    std::fs::write(&journal, "a letter").unwrap();
    let watch = ["--stream", "ws://127.0.0.1:9/", "--journal"];
    let output = Command::new(PROGRAM).arg("watch").arg(&profile).args(watch).arg(&journal).output().unwrap();
    let said = text(&output.stderr).replace("\n  │ ", " ");
    assert!(output.status.code() == Some(2) && said.contains("is damaged, or is none"), "{said}");
    std::fs::remove_file(&journal).unwrap();
    let held = faultline::alert::journal::Journal::open(&journal, "Example").unwrap();
    let output = Command::new(PROGRAM).arg("watch").arg(&profile).args(watch).arg(&journal).output().unwrap();
    drop(held);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("held by another"), "{}", text(&output.stderr));
}

/// Tries the receivers of a profile.
fn tested(profile: &Path, authorities: &Path) -> Output {
    Command::new(PROGRAM)
        .args(["watch", "--test-alert"])
        .arg(profile)
        .env("HUSH", "s3cret")
        .env("SSL_CERT_FILE", authorities)
        .output()
        .unwrap()
}

#[test]
fn a_test_tells_of_each_receiver_whether_it_was_reached() {
    let home = tempfile::tempdir().unwrap();
    let hook = Hook::begin(|_| Answer::Taken);
    let mail = smtp::Server::begin(home.path(), true);
    let (file, port) = (home.path().join("alerts.jsonl"), mail.port);
    let good = format!(
        r#"{}
[[alerts]]
name = "mail"
kind = "email"
server = "localhost"
port = {port}
tls = "tls"
user = "faultline"
secret_env = "HUSH"
from = "faultline@example.com"
to = "noc@example.com"

[[alerts]]
name = "file"
kind = "file"
path = "{}"
"#,
        self::hook("hook", &hook.address),
        file.display()
    );
    let output = tested(&profile(home.path(), &good), &mail.authority);
    assert_eq!(text(&output.stdout), "hook (webhook): delivered\nmail (email): delivered\nfile (file): delivered\n");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let taken = hook.taken();
    assert!(taken.len() == 1 && taken[0].1.test && taken[0].1.incident.is_none());
    let message = mail.told();
    assert!(message.contains("Subject: [Example] TEST of alerts: nothing has happened"), "{message}");
    // AUTH PLAIN of user and password, under TLS.
    assert!(message.contains("AUTH PLAIN AGZhdWx0bGluZQBzM2NyZXQ="), "{message}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"test\":true"));
    // Nobody listens on the discard port.
    let bad = format!("{good}{}", self::hook("away", "127.0.0.1:9"));
    let output =
        tested(&profile(home.path(), &bad.replace("kind = \"email\"", "kind = \"email\"\ntimeout = \"10ms\"")), &mail.authority);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(out.contains("away (webhook): not delivered: no connection"), "{out}");
    assert!(output.status.code() == Some(2) && err.contains("of 4 receivers of alerts were not reached"), "{err}");
    assert!(!out.contains("s3cret") && !err.contains("s3cret"));
    let nobody = tested(&profile(home.path(), ""), &mail.authority);
    assert!(nobody.status.code() == Some(2) && text(&nobody.stderr).contains("the profile names nobody to tell"));
    let unset = Command::new(PROGRAM).args(["watch", "--test-alert"]).arg(profile(home.path(), &good)).output().unwrap();
    assert!(text(&unset.stderr).contains("the environment variable HUSH cannot be read"), "{}", text(&unset.stderr));
}

// Why: a server which is not the one its name says must get neither the notice nor the password.
#[test]
fn mail_is_encrypted_for_the_name_of_the_server_or_not_sent() {
    for (at_once, tls) in [(true, "tls"), (false, "starttls")] {
        let home = tempfile::tempdir().unwrap();
        let mail = smtp::Server::begin(home.path(), at_once);
        let alert = |server: &str| {
            format!(
                "[[alerts]]\nname = \"mail\"\nkind = \"email\"\nserver = \"{server}\"\nport = {}\ntls = \"{tls}\"\n\
                 from = \"faultline@example.com\"\nto = \"noc@example.com\"\nuser = \"faultline\"\nsecret_env = \"HUSH\"\n",
                mail.port
            )
        };
        let output = tested(&profile(home.path(), &alert("127.0.0.1")), &mail.authority);
        assert!(text(&output.stdout).contains("mail (email): not delivered: "), "{tls}: {}", text(&output.stdout));
        let told = mail.told();
        assert!(!told.contains("AUTH") && !told.contains("MAIL FROM"), "{tls}: {told}");
        let output = tested(&profile(home.path(), &alert("localhost")), &mail.authority);
        assert_eq!(text(&output.stdout), "mail (email): delivered\n", "{tls}");
        assert!(mail.told().contains("MAIL FROM:<faultline@example.com>"));
    }
}
