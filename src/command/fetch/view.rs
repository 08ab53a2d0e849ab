//! What came of fetching, for people and for programs.

use crate::fetch::archive::{ArchiveFile, Series};
use crate::fetch::run::{Delivered, Ended, Order};
use crate::time::Timestamp;
use serde::Serialize;
use std::fmt::Write;

/// Changed whenever a field changes its meaning or goes away.
const VERSION: u32 = 1;
/// Files which are named one by one in a text.
const NAMED: usize = 20;

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct FetchView {
    format: &'static str,
    version: u32,
    folder: String,
    from: Timestamp,
    until: Timestamp,
    dry_run: bool,
    files: Vec<FileView>,
}

/// A file.
#[derive(Debug, Serialize)]
struct FileView {
    collector: String,
    kind: &'static str,
    begins: Timestamp,
    url: String,
    path: String,
    outcome: Told,
    bytes: Option<u64>,
    blake3: Option<String>,
    records: Option<u64>,
    unreadable_records: Option<u64>,
    reason: Option<String>,
}

/// How it ended with a file, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Planned,
    Fetched,
    There,
    NotYetPublished,
    Missing,
    Damaged,
    Failed,
}

impl FetchView {
    pub(super) fn planned(order: &Order, files: &[ArchiveFile]) -> Self {
        FetchView {
            dry_run: true,
            ..FetchView::of(order, files.iter().map(|file| FileView::of(order, file, Told::Planned)).collect())
        }
    }

    pub(super) fn delivered(order: &Order, delivered: &[Delivered]) -> Self {
        FetchView::of(order, delivered.iter().map(|one| FileView::delivered(order, one)).collect())
    }

    fn of(order: &Order, files: Vec<FileView>) -> Self {
        FetchView {
            format: "faultline-fetch",
            version: VERSION,
            folder: order.folder.display().to_string(),
            from: order.window.from,
            until: order.window.until,
            dry_run: false,
            files,
        }
    }

    /// Whether everything is there which should have been published.
    pub(super) fn is_whole(&self) -> bool {
        !self.files.iter().any(|file| file.outcome.is_gap())
    }

    /// Whether a table dump of the collector is there.
    pub(super) fn has_table(&self, collector: &str) -> bool {
        let there = |file: &&FileView| matches!(file.outcome, Told::Fetched | Told::There);
        self.files.iter().filter(there).any(|file| file.collector == collector && file.kind == kind(Series::Table))
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        if self.dry_run {
            self.files.iter().for_each(|file| line(&mut text, &file.url));
            line(&mut text, &format!("{} would be stored in {}", counted(self.files.len()), self.folder));
            return text;
        }
        let of = |told: Told| self.files.iter().filter(move |file| file.outcome == told);
        let bytes: u64 = of(Told::Fetched).filter_map(|file| file.bytes).sum();
        line(&mut text, &format!("{} fetched into {} ({})", counted(of(Told::Fetched).count()), self.folder, size(bytes)));
        for (told, words) in [(Told::There, "there already, and whole"), (Told::NotYetPublished, "not published yet")] {
            let count = of(told).count();
            if count > 0 {
                line(&mut text, &format!("{} {words}", counted(count)));
            }
        }
        for (told, words) in [(Told::Missing, "missing in the archive"), (Told::Damaged, "damaged"), (Told::Failed, "not fetched")]
        {
            let count = of(told).count();
            if count > 0 {
                line(&mut text, &format!("{} {words}:", counted(count)));
            }
            for file in of(told).take(NAMED) {
                let reason = file.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                line(&mut text, &format!("  {}{reason}", file.url));
            }
            if count > NAMED {
                line(&mut text, &format!("  and {} more", count - NAMED));
            }
        }
        if of(Told::Missing).next().is_some() {
            line(
                &mut text,
                "What is missing stays a gap, which reports tell. If many are, --index asks the archive for the names it has.",
            );
        }
        let unreadable: u64 = self.files.iter().filter_map(|file| file.unreadable_records).sum();
        if unreadable > 0 {
            line(&mut text, &format!("{unreadable} records in whole files cannot be read; they were written so."));
        }
        text
    }
}

impl FileView {
    fn of(order: &Order, file: &ArchiveFile, outcome: Told) -> Self {
        FileView {
            collector: file.collector.clone(),
            kind: kind(file.series),
            begins: file.begins,
            url: file.url.clone(),
            path: order.folder.join(file.path()).display().to_string(),
            outcome,
            bytes: None,
            blake3: None,
            records: None,
            unreadable_records: None,
            reason: None,
        }
    }

    fn delivered(order: &Order, one: &Delivered) -> Self {
        let (outcome, whole, reason) = match &one.ended {
            Ended::Fetched(whole) => (Told::Fetched, Some(whole), None),
            Ended::There(whole) => (Told::There, Some(whole), None),
            Ended::Missing => (Told::Missing, None, None),
            Ended::NotYet => (Told::NotYetPublished, None, None),
            Ended::Damaged { reason, kept } => (Told::Damaged, None, Some(format!("{reason}; what came is in {}", kept.display()))),
            Ended::Failed { reason } => (Told::Failed, None, Some(reason.clone())),
        };
        FileView {
            bytes: whole.map(|whole| whole.bytes),
            blake3: whole.map(|whole| whole.blake3.clone()),
            records: whole.map(|whole| whole.records),
            unreadable_records: whole.map(|whole| whole.unreadable),
            reason,
            ..FileView::of(order, &one.file, outcome)
        }
    }
}

impl Told {
    /// Whether it leaves a hole which should not be there.
    const fn is_gap(self) -> bool {
        match self {
            Told::Planned | Told::Fetched | Told::There | Told::NotYetPublished => false,
            Told::Missing | Told::Damaged | Told::Failed => true,
        }
    }
}

const fn kind(series: Series) -> &'static str {
    match series {
        Series::Table => "rib",
        Series::Updates => "updates",
    }
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

fn line(text: &mut String, words: &str) {
    // A text in memory takes all.
    let _ = writeln!(text, "{words}");
}
