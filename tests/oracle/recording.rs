//! The recorded days, and the survey of any part of them.

use crate::skip::shared;
use faultline::analysis::Survey;
use faultline::cli::Inputs;
use faultline::command::analyze;
use std::path::PathBuf;

/// `routeviews2-2008-02` of the recorded data.
pub struct Recording(PathBuf);

impl Recording {
    /// The recording beside the package; `None`, said loudly, if it is not there.
    pub fn beside() -> Option<Self> {
        shared("data/events/routeviews2-2008-02").map(Recording)
    }

    /// A file of the recording's root.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Every archive of a day.
    pub fn day(&self, day: &str) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.path(day)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The archives of a day which begin from one time until another, both as in their names (`1114`).
    pub fn files(&self, day: &str, from: &str, until: &str) -> Vec<PathBuf> {
        let mut files = self.day(day);
        files.retain(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            let begins = name.split('.').nth(2).unwrap();
            (from..=until).contains(&begins)
        });
        assert!(!files.is_empty(), "no archive of {day} begins from {from} until {until}");
        files
    }

    /// What `faultline analyze --all-origins` finds in these files.
    pub fn survey(&self, files: Vec<PathBuf>) -> Survey {
        analyze::survey(
            &Inputs { inputs: files, collectors: Vec::new(), probes: Vec::new(), threads: None },
            &faultline::timing::Timing::default(),
        )
        .unwrap()
    }
}
