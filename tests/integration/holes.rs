//! What a stream did not tell, told by archives: the lab cases with a connection which is lost.

use crate::ris_live::{found_in, replayed};
use crate::watch_recording::{same, time};
use faultline::source::{InputFile, InputSpec, discover};
use faultline::time::{Span, Timestamp};
use faultline::watch::backfill::Filled;
use faultline::watch::{IncidentChange, Live};
use serde_json::Value;
use std::path::{Path, PathBuf};

const COLLECTORS: [&str; 4] = ["cbird", "cfrr", "cgobgp", "copen"];

fn files(case: &str, wanted: impl Fn(&Path) -> bool) -> Vec<InputFile> {
    let found = discover(&[InputSpec { path: Path::new("data/lab").join(case).join("mrt"), collector: None }]).unwrap();
    found.into_iter().filter(|file| wanted(&file.path)).collect()
}

fn is_table(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("rib")
}

/// What is found in the end, what was told of incidents meanwhile, and what came of holes.
struct Watched {
    found: Value,
    told: Vec<(usize, IncidentChange)>,
    filled: Vec<Filled>,
}

/// Watches a case; the connection is lost within these seconds after the first frame, and the files of these collectors come so long after the last hole.
fn watched(case: &str, holes: &[(i64, i64)], come: Option<(&[&str], i64)>) -> Watched {
    let frames = replayed(&Path::new("data/lab").join(case).join("mrt"));
    let frames: Vec<&[u8]> = frames.split(|byte| *byte == b'\n').collect();
    let begins = time(frames[0]);
    let organization = faultline::org::profile::read(Path::new("data/lab/lab.toml")).unwrap().organization;
    // The tables from before anything happens, of collectors which wrote them then.
    let tables = files(case, |path| is_table(path) && ["cbird", "cfrr"].iter().any(|name| path.to_str().unwrap().contains(name)));
    let live = Live::new(organization, "test").seeded(tables, 1).unwrap();
    let mut live = live.backfilled(COLLECTORS.map(str::to_owned).to_vec());
    let (mut told, mut filled, mut clock) = (Vec::new(), Vec::new(), begins);
    let mut left: Vec<(Timestamp, Timestamp)> =
        holes.iter().map(|(from, until)| (begins + Span::from_seconds(*from), begins + Span::from_seconds(*until))).collect();
    let come = come.map(|(collectors, after)| {
        let last = left.last().unwrap().1;
        (collectors, last + Span::from_seconds(after))
    });
    let mut fill = |live: &mut Live| {
        while let Some((hole, heard)) = live.hole() {
            assert!(heard <= hole.from, "{heard} and {hole:?}");
            let (collectors, _) = come.unwrap();
            let of = |path: &Path| collectors.iter().any(|name| path.to_str().unwrap().contains(&format!("/{name}/")));
            live.read_hole(files(case, |path| !is_table(path) && of(path))).unwrap();
            while live.read_on() {}
            filled.extend(live.close_hole());
        }
    };
    for frame in frames {
        let at = time(frame);
        if let Some((from, until)) = left.first().copied() {
            if at >= until {
                live.lost(from, until);
                left.remove(0);
            } else if at >= from {
                continue;
            }
        }
        live.take(frame);
        if at >= clock + Span::from_seconds(1) {
            clock = at;
            live.pass(at - Span::from_seconds(3));
            if left.is_empty() && come.is_some_and(|(_, due)| at >= due) {
                fill(&mut live);
            }
            told.extend(live.look().into_iter().flat_map(|(_, events)| events));
        }
    }
    let (analysis, events) = live.end();
    told.extend(events);
    Watched { found: found_in(&analysis), told: told.iter().map(|event| (event.number, event.change)).collect(), filled }
}

fn ends(told: &[(usize, IncidentChange)]) -> Vec<(usize, IncidentChange)> {
    told.iter().copied().filter(|(_, change)| *change == IncidentChange::Opened || change.is_end()).collect()
}

// Why: connections break, and mostly when much is said; who is blind for hours after that is of no use.
#[test]
fn what_a_lost_connection_hid_is_known_when_archives_have_told_it() {
    for (case, holes, after) in [
        // All of the withdrawals of case A; its recovery is seen again.
        ("A", &[(30, 70)][..], 25),
        // The recovery, and the time before it, in two pieces.
        ("A", &[(45, 60), (75, 105)], 10),
        ("H", &[(30, 70)], 20),
    ] {
        let whole = watched(case, &[], None);
        let blind = watched(case, holes, None);
        let filled = watched(case, holes, Some((&COLLECTORS, after)));
        assert_ne!(whole.found, blind.found, "case {case}: the holes hide something");
        same(&whole.found, &filled.found, &format!("case {case}, {holes:?}"));
        assert_eq!(ends(&filled.told), ends(&whole.told), "case {case}, {holes:?}: each is told once");
        assert_eq!(filled.filled.len(), holes.len());
        for one in &filled.filled {
            assert_eq!((one.collectors.len(), one.unknown.len()), (4, 0), "{one:?}");
        }
    }
}

// Why: an archive may be down; what its collector heard stays unknown, and is not taken for lost.
#[test]
fn a_collector_whose_files_do_not_come_stays_unknown() {
    let three = watched("A", &[(30, 70)], Some((&COLLECTORS[..3], 25)));
    let [filled] = &three.filled[..] else { panic!("{:?}", three.filled) };
    assert_eq!((filled.collectors.len(), &*filled.unknown[0]), (3, "copen"));
    // Each AS was heard at all four collectors: that it lost a route is not known as long as one may have kept it.
    assert_eq!(three.found[0]["code"], "could_not_tell", "{:.2000}", three.found.to_string());
}

// Why: what was recorded with a hole must tell the same as the watch which filled it.
#[test]
fn a_recording_with_a_hole_beside_archives_has_none() {
    let frames = replayed(Path::new("data/lab/A/mrt"));
    let frames: Vec<&[u8]> = frames.split(|byte| *byte == b'\n').collect();
    let begins = time(frames[0]);
    let (from, until) = (begins + Span::from_seconds(30), begins + Span::from_seconds(70));
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("stream-0001.jsonl");
    let lost = faultline::source::ris_live::frame::lost_line(from, until);
    let (before, after): (Vec<&[u8]>, Vec<&[u8]>) =
        frames.into_iter().filter(|frame| time(frame) < from || time(frame) >= until).partition(|frame| time(frame) < from);
    let lines: Vec<&[u8]> = before.into_iter().chain([lost.as_bytes()]).chain(after).collect();
    std::fs::write(&recording, lines.join(&b'\n')).unwrap();
    let gaps = |beside: &[PathBuf]| {
        let specs: Vec<InputSpec> =
            [recording.clone()].iter().chain(beside).map(|path| InputSpec { path: path.clone(), collector: None }).collect();
        let interest = faultline::source::Interest::Everything;
        let mut merge = faultline::source::Merge::open(discover(&specs).unwrap(), interest, &Default::default()).unwrap();
        let mut vantages = faultline::vantage::Vantages::default();
        let mut gaps = Vec::new();
        while let Some(observation) = merge.next(&mut vantages) {
            if let faultline::observation::Statement::FeedGap { collector, .. } = observation.what {
                gaps.push(vantages.collector_name(collector).to_string());
            }
        }
        gaps.sort();
        gaps
    };
    assert_eq!(gaps(&[]), COLLECTORS);
    let beside = ["cbird", "cgobgp"].map(|name| Path::new("data/lab/A/mrt").join(name));
    assert_eq!(gaps(&beside), ["cfrr", "copen"]);
}

#[cfg(feature = "live")]
mod fetched {
    use crate::archive_server::Archive;
    use crate::fetch::{at, impatient, updates};
    use faultline::fetch::archive::Mirrors;
    use faultline::fetch::collectors;
    use faultline::fetch::run::Pause;
    use faultline::time::Timestamp;
    use faultline::watch::archives::Archives;
    use faultline::watch::backfill::Hole;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A clock which only waiting moves on, one for each test: a function has no other memory.
    macro_rules! clock {
        ($begins:literal) => {{
            static NOW: AtomicI64 = AtomicI64::new(0);
            NOW.store(at($begins).micros(), Ordering::Relaxed);
            let pause: Pause = Arc::new(|length| {
                NOW.fetch_add(i64::try_from(length.as_micros()).unwrap(), Ordering::Relaxed);
                Box::pin(std::future::ready(()))
            });
            (pause, || Timestamp::from_micros(NOW.load(Ordering::Relaxed)))
        }};
    }

    fn archives(archive: &Archive, folder: &std::path::Path, (pause, clock): (Pause, fn() -> Timestamp)) -> Archives {
        let mirrors = Mirrors { ris: archive.url.clone(), route_views: archive.url.clone() };
        let collectors = collectors(&["rrc00".to_owned(), "rrc01".to_owned()]).unwrap();
        Archives { collectors, mirrors, folder: folder.to_owned(), clock, pause }
    }

    fn hole() -> (Hole, Timestamp) {
        (Hole { from: at("2021-10-04T15:44:00Z"), until: at("2021-10-04T15:46:30Z") }, at("2021-10-04T15:43:58Z"))
    }

    fn put(archive: &Archive, collector: &str, begins: &str) {
        let path = format!("/{collector}/2021.10/updates.20211004.{begins}.gz");
        archive.put(&path, &updates(at(&format!("2021-10-04T{}:{}:00Z", &begins[..2], &begins[2..]))));
    }

    #[tokio::test]
    async fn files_are_waited_for_until_they_are_published() {
        let (archive, folder) = (Archive::open().await, tempfile::tempdir().unwrap());
        ["1540", "1545"].into_iter().for_each(|begins| put(&archive, "rrc00", begins));
        put(&archive, "rrc01", "1540");
        let (waiting, clock) = clock!("2021-10-04T15:46:31Z");
        // The last file comes while it is waited.
        let publishes = archive.clone();
        let pause: Pause = Arc::new(move |length| {
            if clock() > at("2021-10-04T15:53:00Z") {
                put(&publishes, "rrc01", "1545");
            }
            waiting(length)
        });
        let (hole, heard) = hole();
        let fetched = archives(&archive, folder.path(), (pause, clock)).fetch(hole, heard).await;
        let mut names: Vec<_> =
            fetched.files.iter().map(|file| (file.collector.as_str(), file.begins.unwrap().to_string())).collect();
        names.sort();
        let (first, second) = ("2021-10-04T15:40:00Z".to_owned(), "2021-10-04T15:45:00Z".to_owned());
        assert_eq!(names, [("rrc00", first.clone()), ("rrc00", second.clone()), ("rrc01", first), ("rrc01", second)]);
        assert!(archive.served().iter().all(|served| served.status != 200 || served.bytes > 0));
        let now = clock();
        assert!(now >= at("2021-10-04T15:51:00Z") && now < at("2021-10-04T15:56:00Z"), "{now}");
    }

    #[tokio::test]
    async fn an_archive_which_has_not_all_is_given_up_after_two_hours() {
        let (archive, folder) = (Archive::open().await, tempfile::tempdir().unwrap());
        ["1540", "1545"].into_iter().for_each(|begins| put(&archive, "rrc00", begins));
        put(&archive, "rrc01", "1540");
        let (pause, clock) = clock!("2021-10-04T15:46:31Z");
        let (hole, heard) = hole();
        let fetched = archives(&archive, folder.path(), (pause, clock)).fetch(hole, heard).await;
        assert!(fetched.files.len() == 2 && fetched.files.iter().all(|file| file.collector == "rrc00"), "{:?}", fetched.files);
        let late = clock().since(hole.until).seconds();
        assert!((7_200..7_500).contains(&late), "{late} s");
    }

    #[tokio::test]
    async fn what_is_wrong_is_told() {
        let (archive, folder) = (Archive::open().await, tempfile::tempdir().unwrap());
        let (_, clock) = clock!("2021-10-04T18:00:00Z");
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let (hole, heard) = hole();
        let fetched = archives(&archive, &folder.path().join("file"), (impatient().0, clock)).fetch(hole, heard).await;
        assert!(fetched.files.is_empty() && fetched.trouble.unwrap().contains("cannot be written"));
    }
}
