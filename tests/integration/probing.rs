//! An organization on the machine itself is probed: name server, resolver, web server and a control, of which some are stopped.

use assert_cmd::cargo::cargo_bin_cmd;
use faultline::dependency::Dependencies;
use faultline::org::profile;
use faultline::probe::{AskedAddress, DnsServer, Outcome, ProbeResult, Target, read_results};
use faultline::reachability::{Layer, Reachability};
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A server which ends when it is dropped; then nobody listens at its port.
struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    wake: fn(SocketAddr),
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        (self.wake)(self.address);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Authority of everything, and resolver.
fn name_server() -> Server {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (address, over) = (socket.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&over);
    let thread = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while !ended.load(Ordering::SeqCst) {
            let (length, from) = socket.recv_from(&mut bytes).unwrap();
            if let Ok(query) = Message::from_vec(&bytes[..length]) {
                socket.send_to(&answer(&query), from).unwrap();
            }
        }
    });
    let wake = |address| assert_eq!(UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"end", address).unwrap(), 3);
    Server { address, over, wake, thread: Some(thread) }
}

fn answer(query: &Message) -> Vec<u8> {
    let mut response = query.clone();
    response.metadata.message_type = MessageType::Response;
    response.metadata.authoritative = !query.metadata.recursion_desired;
    let name = query.queries[0].name().clone();
    let host = |text: &str| Name::from_str(text).unwrap();
    let data = match (name.to_string().as_str(), query.queries[0].query_type()) {
        ("www.example.com." | "ns1.example.com." | "www.control.example.", RecordType::A) => Some(RData::A(A::new(127, 0, 0, 1))),
        ("example.com.", RecordType::NS) => Some(RData::NS(NS(host("ns1.example.com.")))),
        ("example.com.", RecordType::SOA) => {
            Some(RData::SOA(SOA::new(host("ns1.example.com."), host("admin.example.com."), 1, 2, 3, 4, 5)))
        }
        ("example.com." | "www.example.com." | "www.control.example.", _) => None,
        _ => {
            response.metadata.response_code = ResponseCode::NXDomain;
            None
        }
    };
    response.add_answers(data.map(|data| Record::from_rdata(name, 60, data)));
    response.to_vec().unwrap()
}

fn web_server(body: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&over);
    let thread = std::thread::spawn(move || {
        while !ended.load(Ordering::SeqCst) {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                request.push(byte[0]);
            }
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nserver: test\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    let wake = |address| drop(TcpStream::connect(address).unwrap());
    Server { address, over, wake, thread: Some(thread) }
}

/// The organization, and its profile in a folder.
struct Lab {
    authority: Server,
    resolver: Server,
    web: Server,
    control: Server,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new(more: &str) -> Self {
        let (authority, resolver) = (name_server(), name_server());
        let (web, control) = (web_server("Welcome"), web_server("somebody else"));
        let folder = tempfile::tempdir().unwrap();
        let profile = format!(
            r#"
[organization]
name = "Example"
as_numbers = [64500]
prefixes = ["192.0.2.0/24"]
[[zones]]
name = "example.com"
[[zones.name_servers]]
name = "ns1.example.com"
addresses = ["127.0.0.1"]
[[services]]
name = "Web"
hostnames = ["www.example.com"]
addresses = ["127.0.0.1"]
[[services.probes]]
name = "front page"
kind = "http"
scheme = "http"
port = {}
up = {{ body_contains = "Welcome", server = "test" }}
[[controls]]
name = "somebody else"
kind = "http"
scheme = "http"
host = "www.control.example"
port = {}
[probing]
vantage = "test"
dns_timeout = "900ms"
http_timeout = "900ms"
authority_port = {}
{more}
[[probing.resolvers]]
name = "test resolver"
address = "{}"
"#,
            web.address.port(),
            control.address.port(),
            authority.address.port(),
            resolver.address
        );
        std::fs::write(folder.path().join("org.toml"), profile).unwrap();
        Lab { authority, resolver, web, control, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn probe(&self, more: &[&str]) -> Output {
        cargo_bin_cmd!("faultline").arg("probe").arg(self.path("org.toml")).args(more).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Recorded results by what was asked.
fn recorded(path: &Path) -> BTreeMap<Target, Vec<ProbeResult>> {
    let recording = read_results(&[path.to_owned()], 0).unwrap();
    let file = &recording.files[0];
    assert_eq!((file.bad_count, file.ignored_fields.len(), &file.error), (0, 0, &None), "{:?}", file.bad);
    let mut series: BTreeMap<Target, Vec<ProbeResult>> = BTreeMap::new();
    recording.results.into_iter().for_each(|result| series.entry(result.target.clone()).or_default().push(result));
    series
}

#[test]
fn once_everything_is_asked_and_told_and_recorded() {
    let lab = Lab::new("");
    let out = lab.path("once.jsonl");
    let ran = lab.probe(&["--out", out.to_str().unwrap()]);
    let (screen, said) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(0), "{screen}{said}");
    // SOA, NS, A and AAAA through the resolver and of the name server; the page by name and at its address; the control.
    assert!(said.contains("asking 11 questions once as `test`"), "{said}");
    assert_eq!(screen.lines().filter(|line| line.starts_with("up ")).count(), 11, "{screen}");
    assert!(screen.ends_with("11 attempts: 11 targets up, 0 down\n"), "{screen}");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "127.0.0.1 www.example.com A through resolver test resolver (127.0.0.1)",
        "no such record www.example.com AAAA asked of ns1.example.com (127.0.0.1)",
        "HTTP status 200 http www.example.com at 127.0.0.1",
        "HTTP status 200 http www.control.example by name",
    ] {
        assert!(words.contains(line), "{line}:\n{screen}");
    }
    let series = recorded(&out);
    assert_eq!(series.len(), 11);
    for (target, results) in &series {
        assert_eq!((results.len(), &*results[0].vantage), (1, "test"), "{target:?}");
        match (target, &results[0].outcome) {
            (Target::Dns { server, .. }, Outcome::Dns(outcome)) => {
                assert_eq!(outcome.authoritative, matches!(server, DnsServer::Authority { .. }), "{target:?}");
            }
            (Target::Http { host, address, .. }, Outcome::Http(outcome)) => {
                assert_eq!(outcome.address, Some("127.0.0.1".parse().unwrap()));
                let own = &**host == "www.example.com";
                assert_eq!(outcome.body.as_deref(), Some(if own { "Welcome" } else { "somebody else" }));
                assert!(own || *address == AskedAddress::ByName, "a control is asked as it says");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_down_is_exit_status_1_and_stands_first() {
    let lab = Lab::new("");
    let (port, lab) = (lab.web.address.port(), Lab { web: web_server("Under construction"), ..lab });
    // The server which has taken its place says something else; the profile names the port of the first.
    let profile = std::fs::read_to_string(lab.path("org.toml")).unwrap();
    let profile = profile.replace(&format!("port = {port}"), &format!("port = {}", lab.web.address.port()));
    std::fs::write(lab.path("org.toml"), profile).unwrap();
    let ran = lab.probe(&[]);
    let screen = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{screen}");
    let down: Vec<&str> = screen.lines().take_while(|line| line.starts_with("down")).collect();
    assert!(down.len() == 2 && down.iter().all(|line| line.contains("wrong content")), "{screen}");
    assert!(screen.ends_with("9 targets up, 2 down; failed attempts: wrong content 2\n"), "{screen}");
    // For programs each attempt is a line, and nothing else is.
    let ran = lab.probe(&["--format", "jsonl"]);
    let out = lab.path("printed.jsonl");
    std::fs::write(&out, &ran.stdout).unwrap();
    assert_eq!((ran.status.code(), recorded(&out).len()), (Some(1), 11));
}

/// Reads lines until all of `wanted` are counted down.
fn wait(
    lines: &mut impl Iterator<Item = String>,
    mut wanted: BTreeMap<&str, usize>,
    mut is: impl FnMut(&str) -> Option<&'static str>,
) {
    while wanted.values().any(|left| *left > 0) {
        let line = lines.next().unwrap();
        if let Some(left) = is(&line).and_then(|name| wanted.get_mut(name)) {
            *left = left.saturating_sub(1);
        }
    }
}

#[cfg(unix)]
#[test]
fn on_a_schedule_a_stopped_server_is_a_loss_which_analyze_finds() {
    let lab = Lab::new("");
    let out = lab.path("probes.jsonl");
    let mut probing = Command::new(env!("CARGO_BIN_EXE_faultline"))
        .arg("probe")
        .arg(lab.path("org.toml"))
        .args(["--every", "1s", "--format", "jsonl", "--out", out.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(probing.stdout.take().unwrap()).lines().map(Result::unwrap);
    let up = |line: &str| {
        if line.contains("\"status\":200") && line.contains("\"mode\":\"name\"") && line.contains("www.example.com") {
            Some("page")
        } else if line.contains("\"direct\"") && line.contains("\"qtype\":\"A\"") && line.contains("NOERROR") {
            Some("authority")
        } else {
            None
        }
    };
    wait(&mut lines, BTreeMap::from([("page", 2), ("authority", 2)]), up);
    let Lab { authority, resolver, web, control, folder } = lab;
    drop((authority, web));
    let down = |line: &str| match () {
        () if line.contains("\"refused\"") && line.contains("\"mode\":\"name\"") => Some("page"),
        () if line.contains("\"refused\"") => Some("page at its address"),
        () if line.contains("\"network_error\"") && line.contains("\"qtype\":\"A\"") => Some("authority"),
        () => None,
    };
    wait(&mut lines, BTreeMap::from([("page", 3), ("page at its address", 3), ("authority", 3)]), down);
    assert!(Command::new("kill").args(["-INT", &probing.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    assert_eq!(probing.wait().unwrap().code(), Some(1), "something is down");
    let mut said = String::new();
    probing.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("asking 11 questions every 1 s as `test`"), "{said}");
    drop((resolver, control));

    let path = folder.path().join("org.toml");
    let organization = profile::read(&path).unwrap().organization;
    let results: Vec<ProbeResult> = read_results(std::slice::from_ref(&out), 0).unwrap().results;
    let mut reachability = Reachability::new(&organization, &Dependencies::from_profile_and_results(&organization, &results));
    results.iter().for_each(|result| reachability.observe(result));
    let findings = reachability.finish(results.last().unwrap().end());
    assert!(findings.unmatched.is_empty(), "{:?}", findings.unmatched);
    let lost: BTreeSet<Layer> = findings.losses.iter().map(|loss| loss.series.layer).collect();
    assert_eq!(lost, [Layer::Authority, Layer::ServiceByAddress, Layer::ServiceByName].into_iter().collect());
    assert!(findings.losses.iter().all(|loss| !loss.began_unseen() && loss.recovery.is_none()), "{:?}", findings.losses);

    let analyzed = cargo_bin_cmd!("faultline").arg("analyze").arg(&path).arg("--probes").arg(&out).output().unwrap();
    assert_eq!(analyzed.status.code(), Some(1), "{}", text(&analyzed.stderr));
    assert!(text(&analyzed.stdout).contains("Web"), "{}", text(&analyzed.stdout));
}

#[test]
fn after_its_rounds_it_ends_and_tells_what_has_changed() {
    let lab = Lab::new("");
    let ran = lab.probe(&["--every", "1s", "--rounds", "2"]);
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(0), "22 attempts: 11 targets up, 0 down\n"));
    let Lab { authority, resolver, web, control, folder } = lab;
    drop(web);
    let ran = cargo_bin_cmd!("faultline")
        .arg("probe")
        .arg(folder.path().join("org.toml"))
        .args(["--every", "1s", "--rounds", "2"])
        .output()
        .unwrap();
    let screen = text(&ran.stdout);
    let down: Vec<&str> = screen.lines().filter(|line| line.contains("  down  ")).collect();
    assert!(down.len() == 2 && down.iter().all(|line| line.contains("connection refused")), "once each: {screen}");
    assert_eq!(ran.status.code(), Some(1));
    drop((authority, resolver, control));
}

#[test]
fn what_cannot_be_done_is_told_before_anything_is_asked() {
    let lab = Lab::new("");
    for (more, says) in [
        (&["--every", "900ms"][..], "--every 0.9 s is not longer than an attempt may take (0.9 s)"),
        (&["--every", "soon"], "not a span of time"),
        (&["--rounds", "3"], "--every"),
        (&["--out", "probes.csv"], "does not say how to record"),
        (&["--every", "5s", "--out", "probes.parquet"], "name a .jsonl file"),
    ] {
        let ran = lab.probe(more);
        let said = text(&ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ran.status.code() == Some(2) && said.contains(says), "{more:?}: {said}");
    }
    let nothing = lab.path("nothing.toml");
    std::fs::write(&nothing, "[organization]\nname = \"x\"\nas_numbers = [1]\nprefixes = [\"192.0.2.0/24\"]\n[[probing.resolvers]]\nname = \"a\"\naddress = \"127.0.0.1\"\n").unwrap();
    let ran = cargo_bin_cmd!("faultline").arg("probe").arg(&nothing).output().unwrap();
    assert!(text(&ran.stderr).contains("nothing follows from the profile"), "{}", text(&ran.stderr));
}

#[cfg(feature = "tables")]
#[test]
fn a_table_holds_what_the_lines_hold() {
    let lab = Lab::new("");
    let out = lab.path("once.parquet");
    assert_eq!(lab.probe(&["--out", out.to_str().unwrap()]).status.code(), Some(0));
    assert_eq!(recorded(&out).len(), 11);
}

// Why: a prober without file descriptors must not call anybody down.
#[cfg(target_os = "linux")]
#[test]
fn what_the_prober_lacks_is_told_and_no_result() {
    let lab = Lab::new("");
    let out = lab.path("few.jsonl");
    let typed = format!(
        "ulimit -n 14 && exec {} probe {} --out {}",
        env!("CARGO_BIN_EXE_faultline"),
        lab.path("org.toml").display(),
        out.display()
    );
    let ran = Command::new("sh").args(["-c", &typed]).output().unwrap();
    let (screen, said) = (text(&ran.stdout), text(&ran.stderr));
    assert!(said.contains("not asked, for a reason which is not the target's") && said.contains("Too many open files"), "{said}");
    assert_eq!(ran.status.code(), Some(3), "{screen}{said}");
    assert!(screen.contains(" 0 down; ") && screen.contains(" not asked, since the prober was in trouble itself"), "{screen}");
    let up = recorded(&out).len();
    assert!(up > 0 && up < 11 && screen.contains(&format!("{up} attempts: {up} targets up")), "{screen}");
}
