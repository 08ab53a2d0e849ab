//! What watch recorded tells what watch found.

use crate::ris_live::{found_in, replayed};
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::probe::{ProbeResult, read_results};
use faultline::time::{Span, Timestamp};
use faultline::timing::Timing;
use faultline::watch::record::{Part, Recorder, recorded};
use faultline::watch::{Before, IncidentEvent, Live};
use serde_json::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

const PROFILE: &str = "data/lab/lab.toml";

/// A run which watches: every so many frames it is looked at, and once a minute the clock is told.
struct Run {
    live: Live,
    recorder: Option<Recorder>,
    events: Vec<IncidentEvent>,
    clock: Timestamp,
}

impl Run {
    fn begin(mut live: Live, folder: &Path) -> Run {
        let recorder = Recorder::begin(folder).unwrap();
        live.record(recorder.first_of_probes().to_owned());
        Run { live, recorder: Some(recorder), events: Vec::new(), clock: Timestamp::MIN }
    }

    /// Takes frames, and results of probes as soon as they are known.
    fn take(&mut self, frames: &[&[u8]], results: &mut VecDeque<ProbeResult>) {
        for frame in frames {
            self.live.take(frame);
            let at = time(frame);
            while results.front().is_some_and(|result| result.end() <= at) {
                self.live.take_result(results.pop_front().unwrap());
            }
            if at >= self.clock + Span::from_seconds(1) {
                self.clock = at;
                self.live.pass(at - Span::from_seconds(5));
                self.look();
            }
        }
    }

    fn look(&mut self) {
        self.write();
        self.events.extend(self.live.look().into_iter().flat_map(|(_, events)| events));
    }

    fn write(&mut self) {
        let recorder = self.recorder.as_mut().unwrap();
        self.live.recorded().into_iter().for_each(|(part, lines)| recorder.put(part, lines, self.clock));
    }

    /// It is killed: what is in memory is gone, what was handed to be written is on the disk.
    fn kill(mut self) -> (Timestamp, Vec<IncidentEvent>) {
        assert_eq!(self.recorder.take().unwrap().end(), None);
        (self.live.now(), self.events)
    }

    fn end(mut self) -> (Value, Vec<IncidentEvent>) {
        self.live.pass(self.live.now());
        self.write();
        assert_eq!(self.recorder.take().unwrap().end(), None);
        let (analysis, events) = self.live.end();
        self.events.extend(events);
        (found_in(&analysis), self.events)
    }
}

/// The time of a frame.
pub fn time(frame: &[u8]) -> Timestamp {
    let frame: Value = serde_json::from_slice(frame).unwrap();
    let micros = (frame["data"]["timestamp"].as_f64().unwrap() * 1e6).round();
    Timestamp::from_micros(micros as i64)
}

fn probes_of(case: &Path, first_file: u32) -> VecDeque<ProbeResult> {
    let files = ["dns.jsonl.gz", "http.jsonl.gz"].map(|name| case.join(name));
    let mut results = read_results(&files, first_file).unwrap().results;
    results.sort_by_key(ProbeResult::end);
    results.into()
}

fn watching() -> Live {
    Live::new(faultline::org::profile::read(Path::new(PROFILE)).unwrap().organization, "test")
}

fn analyzed(folder: &Path) -> Value {
    let (stream, probes) = (recorded(folder, Part::Stream).unwrap(), recorded(folder, Part::Probes).unwrap());
    let inputs = [PathBuf::from(PROFILE)].into_iter().chain(stream).collect();
    let inputs = Inputs { inputs, collectors: Vec::new(), probes, threads: None };
    found_in(&analyze(&inputs, &Timing::default()).unwrap())
}

/// Swaps neighbours, so that some frames come late, and one much too late.
fn shuffled(frames: &[u8]) -> Vec<&[u8]> {
    let mut frames: Vec<&[u8]> = frames.split(|byte| *byte == b'\n').collect();
    for start in (0..frames.len() - 40).step_by(97) {
        frames.swap(start, start + 31);
    }
    let early = frames.remove(50);
    frames.insert(frames.len() / 2, early);
    frames
}

/// Where two values differ, and how.
fn differences(place: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let of = |fields: &serde_json::Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
                differences(&format!("{place}.{key}"), &of(one), &of(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                differences(&format!("{place}[{number}]"), one, other, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{place}: {one} and {other}")),
    }
}

pub fn same(one: &Value, other: &Value, what: &str) {
    let mut found = Vec::new();
    differences("", one, other, &mut found);
    assert!(found.is_empty(), "{what}: {} differences, such as\n{}", found.len(), found[..found.len().min(12)].join("\n"));
}

// Why: what was watched is to be looked at again with other settings, and by others; it must be what was seen.
#[test]
fn a_recording_tells_what_was_found_while_it_happened() {
    for case in ["A", "B", "E"] {
        let case = PathBuf::from("data/lab").join(case);
        let folder = tempfile::tempdir().unwrap();
        let frames = replayed(&case.join("mrt"));
        let mut run = Run::begin(watching(), folder.path());
        run.take(&shuffled(&frames), &mut probes_of(&case, 1));
        let (live, events) = run.end();
        same(&live, &analyzed(folder.path()), &case.display().to_string());
        assert!(!events.is_empty(), "{}", case.display());
    }
}

// Why: whoever watches for months is restarted some day, in the middle of an incident if need be.
#[test]
fn whoever_is_killed_goes_on_from_the_recording() {
    let case = PathBuf::from("data/lab/A");
    let folder = tempfile::tempdir().unwrap();
    let (frames, mut results) = (replayed(&case.join("mrt")), probes_of(&case, 1));
    let frames: Vec<&[u8]> = frames.split(|byte| *byte == b'\n').collect();
    let (first, second) = frames.split_at(frames.len() / 2);
    let mut run = Run::begin(watching(), folder.path());
    run.take(first, &mut results);
    let (seen_until, _) = run.kill();

    let files = recorded(folder.path(), Part::Stream).unwrap();
    assert_eq!(files.len(), 1);
    let specs = files.into_iter().map(|path| faultline::source::InputSpec { path, collector: None }).collect::<Vec<_>>();
    let probes = recorded(folder.path(), Part::Probes).unwrap();
    let before = read_results(&probes, Live::first_probe_file(1)).unwrap();
    assert!(before.results.len() > 100, "{}", before.results.len());
    let before = Before { recorded: before, new: Vec::new() };
    let organization = faultline::org::profile::read(Path::new(PROFILE)).unwrap().organization;
    let live = Live::after_probes(organization, "test", before, 1);
    let live = live.seeded(faultline::source::discover(&specs).unwrap(), 1).unwrap();
    let (seen_until, goes_on) = (live.now().max(seen_until), time(second[0]));
    assert!(seen_until + Span::from_seconds(10) > goes_on, "all that was written is there, until {seen_until}");
    let mut run = Run::begin(live, folder.path());
    // A moment passed between them.
    run.live.lost(seen_until, goes_on.max(seen_until));
    run.take(second, &mut results);
    let (live, _) = run.end();
    same(&live, &analyzed(folder.path()), "both halves");
    assert_eq!(recorded(folder.path(), Part::Stream).unwrap().len(), 2);
}
