//! The answers of a bgpkit-broker, which knows which files the archives have (<https://docs.rs/bgpkit-broker>).
//!
//! Takes a window and collectors; gives the address to ask, page by page, and reads what comes back. It asks nobody.
//!
//! `GET {broker}/search?ts_start=…&ts_end=…&collector_id=a,b&page=1&page_size=…` (times in Unix seconds) answers with
//! `{"count", "page", "page_size", "error", "data"}`, where `count` is that of this page, and each row of `data` has `ts_start`, `ts_end` (UTC, without an offset),
//! `collector_id`, `data_type` (`rib` or `updates`), `url`, `rough_size` and `exact_size`. Of these the collector, the kind, the begin and the address are
//! used; unknown fields are left alone.

use super::archive::{ArchiveFile, Collector, Series, Window, named};
use crate::time::Timestamp;
use serde::Deserialize;

/// Rows of one page: what the service recommends for many.
pub const PAGE: usize = 1_000;
/// More pages than any window has.
pub const PAGES: usize = 10_000;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    ts_start: String,
    collector_id: String,
    data_type: String,
    url: String,
}

/// What one page says.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Its files, of the collectors which were asked for.
    pub files: Vec<ArchiveFile>,
    /// Rows on it, whoever they are of.
    pub rows: usize,
}

/// The address of a page, counted from 1.
pub fn address(broker: &str, collectors: &[Collector], window: Window, page: usize) -> String {
    let names: Vec<&str> = collectors.iter().map(|collector| collector.name.as_str()).collect();
    let (from, until) = (window.from.seconds(), window.until.seconds());
    format!(
        "{}/search?ts_start={from}&ts_end={until}&collector_id={}&page={page}&page_size={PAGE}",
        broker.trim_end_matches('/'),
        names.join(",")
    )
}

/// Reads a page.
///
/// # Errors
/// What is wrong with it, or what the broker itself says.
pub fn read(text: &str, collectors: &[Collector]) -> Result<Page, String> {
    let answer: Answer = serde_json::from_str(text).map_err(|error| format!("it answers with something else ({error})"))?;
    if let Some(words) = answer.error.filter(|words| !words.is_empty()) {
        return Err(format!("it says: {words}"));
    }
    let rows = answer.data.len();
    let mut files = Vec::new();
    for row in answer.data {
        if collectors.iter().any(|collector| collector.name == row.collector_id) {
            files.push(file(row)?);
        }
    }
    Ok(Page { files, rows })
}

fn file(row: Row) -> Result<ArchiveFile, String> {
    let series = match row.data_type.as_str() {
        "rib" => Series::Table,
        "update" | "updates" => Series::Updates,
        other => return Err(format!("it tells of a file of kind `{other}`")),
    };
    let begins = begin(&row.ts_start).ok_or_else(|| format!("it tells of a file which begins at `{}`", row.ts_start))?;
    let name = row.url.rsplit('/').next().unwrap_or_default().to_owned();
    let web = row.url.starts_with("https://") || row.url.starts_with("http://");
    // The name becomes one on this disk.
    if !web || named(&name).is_none_or(|(named, _)| named != series) {
        return Err(format!("it tells of a file at `{}`, which is no address of an archive's file", row.url));
    }
    Ok(ArchiveFile { collector: row.collector_id, begins, series, name, url: row.url })
}

/// UTC, mostly without saying so.
fn begin(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::collectors::Project;

    fn rrc00() -> Vec<Collector> {
        vec![Collector { name: "rrc00".to_owned(), project: Project::Ris }]
    }

    #[test]
    fn a_page_is_asked_for_and_read() {
        let window = Window { from: Timestamp::from_parts(1_633_362_000, 0), until: Timestamp::from_parts(1_633_363_200, 0) };
        let both = [rrc00(), vec![Collector { name: "route-views2".to_owned(), project: Project::RouteViews }]].concat();
        assert_eq!(
            address("https://api.bgpkit.com/v3/broker/", &both, window, 2),
            "https://api.bgpkit.com/v3/broker/search?ts_start=1633362000&ts_end=1633363200&collector_id=rrc00,route-views2&page=2&page_size=1000"
        );
        // As the service answers; the second row is of a collector nobody asked for.
        let text = r#"{"count": 2, "page": 1, "page_size": 1000, "error": null, "meta": {"latest_update_ts": "2026-01-01T00:00:00"}, "data": [
            {"ts_start": "2021-10-04T15:40:00", "ts_end": "2021-10-04T15:45:00", "collector_id": "rrc00", "data_type": "updates",
             "url": "https://data.ris.ripe.net/rrc00/2021.10/updates.20211004.1540.gz", "rough_size": 5242880, "exact_size": 0},
            {"ts_start": "2021-10-04T15:40:00+00:00", "ts_end": "2021-10-04T15:45:00", "collector_id": "rrc01", "data_type": "updates",
             "url": "https://data.ris.ripe.net/rrc01/2021.10/updates.20211004.1540.gz", "rough_size": 1, "exact_size": 0}]}"#;
        let page = read(text, &rrc00()).unwrap();
        assert_eq!((page.rows, page.files.len()), (2, 1));
        assert_eq!(page.files[0].begins.to_string(), "2021-10-04T15:40:00Z");
        assert_eq!(page.files[0].path(), std::path::Path::new("rrc00/2021.10/updates.20211004.1540.gz"));
    }

    #[test]
    fn what_is_no_answer_is_told_and_no_name_leads_elsewhere() {
        let row = |url: &str, kind: &str, at: &str| {
            format!(r#"{{"data": [{{"ts_start": "{at}", "collector_id": "rrc00", "data_type": "{kind}", "url": "{url}"}}]}}"#)
        };
        let fine = "https://data.ris.ripe.net/rrc00/2021.10/updates.20211004.1540.gz";
        assert!(read(&row(fine, "updates", "2021-10-04T15:40:00"), &rrc00()).is_ok());
        for (text, told) in [
            (row("file:///etc/updates.20211004.1540.gz", "updates", "2021-10-04T15:40:00"), "no address"),
            (row("https://x.example/..%2fupdates.20211004.1540.gz", "updates", "2021-10-04T15:40:00"), "no address"),
            (row("https://x.example/", "updates", "2021-10-04T15:40:00"), "no address"),
            (row(fine, "rib", "2021-10-04T15:40:00"), "no address"),
            (row(fine, "peers", "2021-10-04T15:40:00"), "kind `peers`"),
            (row(fine, "updates", "yesterday"), "begins at `yesterday`"),
            (r#"{"error": "page number start from 1", "data": []}"#.to_owned(), "page number start"),
            ("<html>".to_owned(), "something else"),
        ] {
            let error = read(&text, &rrc00()).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
