//! The clients' half while it happens: results of probes as they come, what is learned from them, what they show.

use crate::dependency::{Answers, Dependencies};
use crate::observation::{FileId, RecordRef};
use crate::org::Organization;
use crate::probe::{ProbeFile, ProbeFormat, ProbeRecording, ProbeResult, to_line};
use crate::reachability::{JudgedAttempt, Reachability, ReachabilityFindings, SeriesGlance};
use crate::time::Timestamp;
use std::path::PathBuf;

/// Results so far, and what they come to.
pub(super) struct Probed {
    answers: Answers,
    results: Vec<ProbeResult>,
    attempts: Vec<JudgedAttempt>,
    reachability: Reachability,
    /// What was recorded before, and last what comes now.
    files: Vec<ProbeFile>,
    /// Lines of the recording, until somebody takes them.
    recording: Vec<u8>,
    /// Something was learned, or came late: all results are to be judged anew.
    stale: bool,
}

/// What was probed before it is watched.
#[derive(Default)]
pub struct Before {
    /// What was recorded earlier.
    pub recorded: ProbeRecording,
    /// What was just asked, to learn on what services depend.
    pub new: Vec<ProbeResult>,
}

/// What is probed while one watches, as the file which it is or would be.
const NOW: &str = "probes-0001.jsonl";

impl Probed {
    /// Begins with what was probed before; what is new is of the file with this number. Gives what services need by it, too.
    pub(super) fn new(organization: &Organization, Before { recorded: before, new }: Before, now: FileId) -> (Self, Dependencies) {
        let mut answers = Answers::default();
        before.results.iter().for_each(|result| answers.observe(result));
        let dependencies = Dependencies::new(organization, &answers);
        let mut files = before.files;
        files.push(ProbeFile { format: Some(ProbeFormat::FaultlineJson), ..ProbeFile::new(PathBuf::from(NOW), now) });
        let mut probed = Probed {
            answers,
            results: before.results,
            attempts: Vec::new(),
            reachability: Reachability::new(organization, &dependencies),
            files,
            recording: Vec::new(),
            stale: true,
        };
        let mut dependencies = dependencies;
        for result in new {
            dependencies = probed.take(result, organization, &dependencies).unwrap_or(dependencies);
        }
        probed.settle(organization, &dependencies);
        (probed, dependencies)
    }

    /// Somebody records results into this file.
    pub(super) fn record(&mut self, path: PathBuf) {
        if let Some(now) = self.files.last_mut() {
            now.path = path;
        }
    }

    /// Takes the lines of the recording since the last call.
    pub(super) fn recorded(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.recording)
    }

    /// Takes a result. Gives what services need, if it is something else by that.
    pub(super) fn take(
        &mut self,
        mut result: ProbeResult,
        organization: &Organization,
        dependencies: &Dependencies,
    ) -> Option<Dependencies> {
        if let Some(now) = self.files.last_mut() {
            now.records += 1;
            now.results += 1;
            now.first = Some(now.first.map_or(result.at, |first| first.min(result.at)));
            now.last = Some(now.last.map_or(result.at, |last| last.max(result.at)));
            result.source = RecordRef { file: now.id, record: now.records };
            let line = to_line(&result);
            now.bytes += line.len() as u64 + 1;
            self.recording.extend_from_slice(line.as_bytes());
            self.recording.push(b'\n');
        }
        let known = self.answers.facts();
        self.answers.observe(&result);
        let place = self.results.partition_point(|known| known.at <= result.at);
        self.results.insert(place, result);
        if self.answers.facts() > known {
            let learned = Dependencies::new(organization, &self.answers);
            if learned.services != dependencies.services {
                self.stale = true;
                return Some(learned);
            }
        }
        // An attempt which took long is known after one which began later.
        let (new, later) = (&self.results[place], &self.results[place + 1..]);
        self.stale |= later.iter().any(|known| (&known.vantage, &known.target) == (&new.vantage, &new.target));
        if !self.stale {
            let attempts = &mut self.attempts;
            self.reachability.observe_each(new, |attempt| attempts.push(attempt));
        }
        None
    }

    /// Judges all results by what services need, if they have to be judged anew.
    pub(super) fn settle(&mut self, organization: &Organization, dependencies: &Dependencies) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let (mut reachability, mut attempts) = (Reachability::new(organization, dependencies), Vec::new());
        self.results.iter().for_each(|result| reachability.observe_each(result, |attempt| attempts.push(attempt)));
        (self.reachability, self.attempts) = (reachability, attempts);
    }

    /// As long as it is the same, no loss is new, and none is over.
    pub(super) fn turns(&self) -> usize {
        self.reachability.turns()
    }

    /// Every series which was attempted, as it was when incidents were looked at last.
    pub(super) fn glance(&self) -> impl Iterator<Item = SeriesGlance<'_>> {
        self.reachability.glance()
    }

    /// What they show: until the last of them, or, without any, until `now`.
    pub(super) fn findings(&self, now: Timestamp) -> ReachabilityFindings {
        let last = self.results.iter().rev().take(1_000).map(ProbeResult::end).max();
        self.reachability.snapshot(last.unwrap_or(now))
    }

    /// Results, what each was taken for, and the files they are in.
    pub(super) fn all(&self) -> (Vec<ProbeResult>, Vec<JudgedAttempt>, Vec<ProbeFile>) {
        let known: Vec<ProbeFile> = self.files.iter().filter(|file| file.records > 0 || file.error.is_some()).cloned().collect();
        let mut attempts = self.attempts.clone();
        attempts.sort_by_key(|attempt| attempt.began);
        (self.results.clone(), attempts, known)
    }

    /// Forgets single results from before a time; losses which they showed are kept.
    pub(super) fn forget_before(&mut self, time: Timestamp) {
        self.results.retain(|result| result.at >= time);
        self.attempts.retain(|attempt| attempt.began >= time);
    }
}
