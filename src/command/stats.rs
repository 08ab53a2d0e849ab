//! What `--stats` prints: where the time of a run went.
//!
//! Takes what was measured; prints it on standard error, so that standard output stays the report's alone. Hashing is told apart: it is
//! for the report's list of inputs, and no part of reading them.

use crate::cli::Format;
use crate::timing::{Stage, Timing};
use serde::Serialize;
use std::time::Duration;

/// Seconds of a run, by what they were spent on.
#[derive(Debug, Serialize)]
struct Spent {
    /// Threads which unpack in advance, while another one reads statements; 1: the main thread does all of it.
    threads: usize,
    /// Reading files.
    read: f64,
    /// Hashing them.
    hash: f64,
    /// Unpacking them.
    unpack: f64,
    /// Reading waited for unpacked bytes, or made them.
    wait: f64,
    /// Framing, the relevance scan, merging.
    scan: f64,
    /// The full decoder.
    decode: f64,
    /// The main thread waited for statements.
    idle: f64,
    /// State, visibility, detection.
    state: f64,
    /// Reading probe results.
    probes: f64,
    /// Comparing what both halves found.
    compare: f64,
    /// Making and writing the report.
    report: f64,
    /// The main thread in all.
    all: f64,
}

impl Spent {
    fn of(timing: &Timing, threads: usize) -> Self {
        let spent = |stage| timing.spent(stage);
        let rest = |all: Duration, parts: &[Stage]| parts.iter().fold(all, |all, part| all.saturating_sub(spent(*part)));
        let main = [Stage::Archives, Stage::Probes, Stage::Compare, Stage::Report];
        Spent {
            threads,
            read: spent(Stage::Read).as_secs_f64(),
            hash: spent(Stage::Hash).as_secs_f64(),
            unpack: rest(spent(Stage::Unpack), &[Stage::Read, Stage::Hash]).as_secs_f64(),
            wait: spent(Stage::Wait).as_secs_f64(),
            scan: rest(spent(Stage::Merge), &[Stage::Wait, Stage::Decode]).as_secs_f64(),
            decode: spent(Stage::Decode).as_secs_f64(),
            idle: rest(spent(Stage::Archives), if threads > 1 { &[Stage::State] } else { &[Stage::State, Stage::Merge] })
                .as_secs_f64(),
            state: spent(Stage::State).as_secs_f64(),
            probes: spent(Stage::Probes).as_secs_f64(),
            compare: spent(Stage::Compare).as_secs_f64(),
            report: spent(Stage::Report).as_secs_f64(),
            all: main.into_iter().map(spent).sum::<Duration>().as_secs_f64(),
        }
    }

    fn text(&self) -> String {
        let unpacking = match self.threads {
            1 => "one thread does everything".to_owned(),
            threads => format!("files are unpacked by up to {threads} threads and read by another one, while the main one judges"),
        };
        let mut text = format!("{unpacking}; seconds on the wall clock\n");
        for (name, seconds) in [
            ("reading files", self.read),
            ("hashing them", self.hash),
            ("unpacking", self.unpack),
            ("waiting for bytes", self.wait),
            ("scan and merge", self.scan),
            ("full decoder", self.decode),
            ("waiting for statements", self.idle),
            ("state", self.state),
            ("probe results", self.probes),
            ("comparing", self.compare),
            ("report", self.report),
            ("from start to end", self.all),
        ] {
            text.push_str(&format!("{name:<24}{seconds:>9.3}\n"));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Prints it.
pub(super) fn tell(timing: &Timing, threads: usize, format: Format) {
    let spent = Spent::of(timing, threads);
    super::tell(&match format {
        Format::Text => spent.text(),
        Format::Json => serde_json::to_string(&spent).unwrap_or_default(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_is_not_counted_twice() {
        let timing = Timing::on();
        for (stage, seconds) in [
            (Stage::Read, 1),
            (Stage::Hash, 2),
            (Stage::Unpack, 10),
            (Stage::Wait, 12),
            (Stage::Merge, 15),
            (Stage::State, 5),
            (Stage::Archives, 20),
        ] {
            timing.add(stage, Duration::from_secs(seconds));
        }
        let spent = Spent::of(&timing, 1);
        let seconds = [spent.unpack, spent.scan, spent.all].map(|seconds| seconds.round().to_string());
        assert_eq!(seconds, ["7", "3", "20"]);
        assert!(spent.text().contains("scan and merge              3.000"), "{}", spent.text());
    }
}
