//! Archive files for holes in the stream, fetched as soon as they are published.
//!
//! A collector of RIS writes a file every five minutes, and publishes it some minutes later. They are asked for again and again, until all are there or it is
//! too late to wait for the rest.

use super::backfill::{Hole, MARGIN};
use crate::fetch::archive::{Collector, Mirrors, Series, Tables, Window, floor, period};
use crate::fetch::run::{Delivered, Names, Order, Pause, fetch};
use crate::source::collectors::Project;
use crate::source::{InputFile, InputSpec, discover};
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// A file is not asked for earlier after its end.
const WRITTEN: Span = Span::from_seconds(60);
/// How often they are asked for.
const AGAIN: Duration = Duration::from_secs(60);
/// How long after a hole its files are waited for.
const PATIENCE: Span = Span::from_seconds(2 * 3_600);
/// Files at once.
const PARALLEL: usize = 4;

/// The archives of collectors whose messages the stream shows.
pub struct Archives {
    /// Whose.
    pub collectors: Vec<Collector>,
    /// Where they are.
    pub mirrors: Mirrors,
    /// Where files are stored.
    pub folder: PathBuf,
    /// How late it is.
    pub clock: fn() -> Timestamp,
    /// How it is waited.
    pub pause: Pause,
}

/// What could be fetched for a hole.
pub struct Fetched {
    /// The hole.
    pub hole: Hole,
    /// All files of those collectors which have all of them.
    pub files: Vec<InputFile>,
    /// Why others have not, as far as there is more to say than that they are not there.
    pub trouble: Option<String>,
}

impl Archives {
    /// Fetches what was said from `heard` until the hole's end; waits for it.
    pub async fn fetch(&self, hole: Hole, heard: Timestamp) -> Fetched {
        let window = Window { from: heard, until: hole.until + MARGIN };
        self.until(published(window.until)).await;
        loop {
            let (files, trouble) = self.ask(window).await;
            let there: BTreeSet<&str> = files.iter().map(|file| file.collector.as_str()).collect();
            if there.len() == self.collectors.len() || (self.clock)() > hole.until + PATIENCE {
                return Fetched { hole, files, trouble };
            }
            (self.pause)(AGAIN).await;
        }
    }

    async fn until(&self, due: Timestamp) {
        let wait = due.since((self.clock)()).micros();
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            (self.pause)(Duration::from_micros(wait)).await;
        }
    }

    async fn ask(&self, window: Window) -> (Vec<InputFile>, Option<String>) {
        let order = Order {
            collectors: self.collectors.clone(),
            window,
            tables: Tables::Without,
            mirrors: self.mirrors.clone(),
            names: Names::Rule,
            folder: self.folder.clone(),
            parallel: PARALLEL,
            now: (self.clock)(),
        };
        match fetch(&order, self.pause.clone(), None).await {
            Ok(delivered) => self.whole(&delivered),
            Err(error) => (Vec::new(), Some(error.to_string())),
        }
    }

    /// The files of those collectors of which all are there.
    fn whole(&self, delivered: &[Delivered]) -> (Vec<InputFile>, Option<String>) {
        let lacks = |name: &str| delivered.iter().any(|one| one.file.collector == name && !one.is_there());
        let there = delivered.iter().filter(|one| !lacks(&one.file.collector));
        let specs =
            there.map(|one| InputSpec { path: self.folder.join(one.file.path()), collector: Some(one.file.collector.clone()) });
        let specs: Vec<InputSpec> = specs.collect();
        match discover(&specs) {
            Ok(files) => (files, None),
            Err(error) => (Vec::new(), (!specs.is_empty()).then(|| error.to_string())),
        }
    }
}

/// When the file which holds a moment can be there at the earliest.
fn published(at: Timestamp) -> Timestamp {
    let file = period(Project::Ris, Series::Updates);
    floor(at, file) + file + WRITTEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_asked_for_a_minute_after_its_end() {
        let after = |at: &str| published(at.parse().unwrap()).to_string();
        assert_eq!(after("2026-11-28T08:24:59Z"), "2026-11-28T08:26:00Z");
        assert_eq!(after("2026-11-28T08:25:00Z"), "2026-11-28T08:31:00Z");
    }
}
