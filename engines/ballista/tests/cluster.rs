//! What runs on a cluster is what runs in one process: a scheduler and two executors on this machine, some of which are killed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a test ends where something is not as it should be, and says when it was skipped"
)]

use assert_cmd::cargo::cargo_bin;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes longer on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

fn program() -> Command {
    let mut command = Command::new(cargo_bin("faultline-ballista"));
    command.stdin(Stdio::null());
    command
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The 94 files of a whole day, if they are there.
fn day() -> Option<PathBuf> {
    let folder = package().parent()?.join("shared/data/events/routeviews2-2008-02/2008-02-23");
    if !folder.is_dir() {
        eprintln!("SKIPPED: a day on a cluster: ../shared/data is not there");
        return None;
    }
    Some(folder)
}

fn lab() -> String {
    package().join("data/lab/*/mrt").display().to_string()
}

/// A process which ends with the test.
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        // SIGKILL, as `kill -9` does.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A scheduler and two executors, each of one task at a time.
struct Cluster {
    scheduler: Running,
    address: String,
    executors: Vec<(Running, TempDir)>,
}

/// Two ports, one after the other, which nobody has.
fn ports() -> u16 {
    loop {
        let one = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = one.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

impl Cluster {
    fn start() -> Cluster {
        let address = format!("127.0.0.1:{}", ports());
        let scheduler = Running(program().args(["scheduler", "--listen", &address]).stdout(Stdio::null()).spawn().unwrap());
        wait_for("the scheduler", || std::net::TcpStream::connect(&address).is_ok());
        let executors = (0..2).map(|_| executor(&address)).collect();
        Cluster { scheduler, address, executors }
    }

    /// How many tasks have left what they pass on, of one executor or of both: each leaves one index.
    fn left(&self, which: &[usize]) -> usize {
        which.iter().map(|number| indices_below(self.executors[*number].1.path())).sum()
    }
}

fn executor(scheduler: &str) -> (Running, TempDir) {
    let (folder, port) = (tempfile::tempdir().unwrap(), ports());
    let mut command = program();
    command.args(["executor", "--scheduler", scheduler, "--listen", &format!("127.0.0.1:{port}"), "--tasks", "1"]);
    let running = Running(command.arg("--folder").arg(folder.path()).stdout(Stdio::null()).spawn().unwrap());
    wait_for("an executor", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    (running, folder)
}

fn indices_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let count = |path: PathBuf| {
        if path.is_dir() { indices_below(&path) } else { usize::from(path.extension().is_some_and(|kind| kind == "index")) }
    };
    entries.flatten().map(|entry| count(entry.path())).sum()
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// What a client says, which must not wait without end.
fn output_of(client: Child) -> Output {
    let (done, comes) = std::sync::mpsc::channel();
    let id = client.id().to_string();
    std::thread::spawn(move || done.send(client.wait_with_output().unwrap()));
    comes.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        Command::new("kill").args(["-9", &id]).status().unwrap();
        panic!("the client waits for {PATIENCE:?}")
    })
}

fn outages(inputs: &str, place: &[&str]) -> Command {
    let mut command = program();
    command.args(["outages", inputs, "--json", "--shares", "3", "--partitions", "3"]).args(place);
    command
}

/// The report without the time when it was made.
fn found(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{output:?}");
    text.lines().filter(|line| !line.contains("\"generated_at\"")).map(|line| format!("{line}\n")).collect()
}

/// What Faultline itself finds, in one process and at once.
fn alone(inputs: &Path) -> String {
    use faultline::{cli::Inputs, command::analyze::survey, report, timing::Timing};
    let inputs = Inputs { inputs: vec![inputs.to_owned()], collectors: Vec::new(), probes: Vec::new(), threads: None };
    let view = report::SurveyView::of(&survey(&inputs, &Timing::default()).unwrap(), faultline::time::Timestamp::from_micros(0));
    report::json(&view).lines().filter(|line| !line.contains("\"generated_at\"")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_cluster_finds_what_one_process_finds() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let timeline = faultline::drill::read(&package().join("data/meta-2021-10-04/timeline.toml")).unwrap();
    faultline::drill::write(&timeline, folder.path()).unwrap();
    let archives = folder.path().canonicalize().unwrap().join("mrt");
    let expected = alone(&archives);
    assert!(expected.contains("\"origin\": 32934"), "{expected}");
    let archives = archives.display().to_string();
    for place in [vec!["--local"], vec!["--scheduler", &cluster.address]] {
        assert_eq!(found(&outages(&archives, &place).output().unwrap()), expected, "{place:?}");
    }
}

/// Ballista runs what it cannot take apart once for every task, and counts it as often.
#[test]
fn a_cluster_counts_each_row_once() {
    let cluster = Cluster::start();
    let lab = lab();
    for question in [
        "select count(*) as n, count(distinct prefix) as prefixes, min(at) as first from updates('{}')",
        "select kind, count(*) as n from updates('{}') group by kind order by kind",
        "select collector, count(*) as n from ribs('{}') group by collector order by collector",
        "select sum(records) as records, sum(announced) as announced, sum(damaged_places) as damaged from files('{}')",
        "select collector, peer_asn, count(*) as n from updates('{}') where within(prefix, '198.18.0.0/16') and kind = 'withdraw' group by 1, 2 order by 1, 2",
    ] {
        let question = question.replace("{}", &lab);
        let ask = |place: &[&str]| {
            let output = program().args(["sql", &question, "--format", "csv"]).args(place).output().unwrap();
            assert!(output.status.success(), "{question}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let here = ask(&["--local"]);
        assert!(here.lines().count() > 1, "{question}: {here}");
        assert_eq!(ask(&["--scheduler", &cluster.address]), here, "{question}");
    }
}

#[test]
fn what_stands_beside_archives_in_a_folder_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let archive = std::fs::read_dir(package().join("data/lab/A/mrt/cgobgp")).unwrap().next().unwrap().unwrap();
    std::fs::copy(archive.path(), folder.path().join(archive.file_name())).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no archive").unwrap();
    let ask = |question: String| program().args(["sql", &question, "--format", "csv"]).output().unwrap();
    let count = |of: &Path| ask(format!("select count(*) as n from updates('{}')", of.display()));
    let (all, alone) = (count(folder.path()), count(&archive.path()));
    assert!(all.status.success() && all.stdout == alone.stdout, "{all:?} {alone:?}");
    assert!(!count(&folder.path().join("notes.txt")).status.success(), "named itself, it is a mistake");
}

/// Served by another program; objects of S3 take the same way, but for their keys.
#[test]
fn archives_are_read_from_a_server() {
    let port = ports();
    let served = package().join("data/lab/A/mrt");
    let server = Command::new("python3")
        .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()])
        .current_dir(&served)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(server) = server.map(Running) else { return eprintln!("SKIPPED: archives from a server: python3 is not there") };
    wait_for("the server", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let name = std::fs::read_dir(served.join("cgobgp")).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
    let ask = |from: &str| {
        let question =
            format!("select collector, kind, count(*) as n from updates('{from}/cgobgp/{name}') group by 1, 2 order by 1, 2");
        let output = program().args(["sql", &question, "--format", "csv"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let here = ask(&served.display().to_string());
    assert!(here.contains("cgobgp,announce,"), "{here}");
    assert_eq!(ask(&format!("http://127.0.0.1:{port}")), here);
    drop(server);
}

/// What it tells people, in one line: on a terminal it is broken where it would not fit.
fn words(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// When the executor is killed.
enum Moment {
    /// It scans.
    InTheScan,
    /// It finished some tasks.
    AfterFinishedTasks,
    /// Every file was scanned, and shares are followed.
    BetweenStages,
}

#[test]
fn a_day_on_two_executors_is_found_as_one_process_finds_it_whoever_is_killed() {
    let Some(day) = day() else { return };
    let (expected, day) = (alone(&day), day.display().to_string());
    assert!(expected.contains("\"origin\": 33776"), "the largest outage of the day is there");
    for moment in [None, Some(Moment::InTheScan), Some(Moment::AfterFinishedTasks), Some(Moment::BetweenStages)] {
        let mut cluster = Cluster::start();
        let client =
            outages(&day, &["--scheduler", &cluster.address]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(moment) = moment {
            match moment {
                Moment::InTheScan => wait_for("the first task of the other", || cluster.left(&[0]) >= 1),
                Moment::AfterFinishedTasks => wait_for("five tasks", || cluster.left(&[1]) >= 5),
                Moment::BetweenStages => wait_for("all 94 files", || cluster.left(&[0, 1]) >= 94),
            }
            cluster.executors[1].0.kill();
        }
        assert_eq!(found(&output_of(client)), expected);
    }
}

#[test]
fn a_lost_scheduler_is_told_and_running_again_works() {
    let Some(day) = day() else { return };
    let day = day.display().to_string();
    let mut cluster = Cluster::start();
    let client = outages(&day, &["--scheduler", &cluster.address]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("a task", || cluster.left(&[0, 1]) >= 1);
    cluster.scheduler.kill();
    let output = output_of(client);
    let said = words(&output);
    assert!(!output.status.success() && said.contains(&cluster.address) && said.contains("run it again"), "{said}");
    let again = outages(&day, &["--scheduler", &cluster.address]).output().unwrap();
    let said = words(&again);
    assert!(!again.status.success() && said.contains("`faultline-ballista scheduler` starts one"), "{said}");
    let cluster = Cluster::start();
    found(&outages(&day, &["--scheduler", &cluster.address]).output().unwrap());
}
