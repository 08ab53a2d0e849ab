//! What the name of an archive file says: collector, series, time.
//!
//! Knows RIPE RIS (`rrc00/2021.10/updates.20211004.1540.gz`), RouteViews (`route-views.linx/bgpdata/2021.10/UPDATES/…`, where a plain
//! `bgpdata/…` is route-views2), bgpstream (`routeviews.route-views.jinx.updates.1427846400.bz2`), and folders named for a collector
//! (`mrt/cbird/…`), and recordings of routers (`bmp/edge1.1.bmp`). Reads names only, never files; what a name says about time is checked against the records where it matters.

use super::collectors::{Project, project_of};
use crate::time::Timestamp;
use std::path::{Component, Path};

/// What a name says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ArchiveName {
    /// The collector.
    pub(super) collector: String,
    /// The file name up to its time, such as `updates`, `bview`, `updates-et`.
    pub(super) series: String,
    /// When the file begins.
    pub(super) begins: Option<Timestamp>,
}

/// Reads a name.
pub(super) fn archive_name(path: &Path) -> ArchiveName {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let tokens: Vec<&str> = file.split('.').filter(|token| !is_packing(token)).collect();
    let (series, begins) = series_and_time(&tokens);
    let folders: Vec<String> = absolute
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        })
        .collect();
    let collector = named_in_file(&tokens)
        .or_else(|| named_in_folders(&folders, tokens.first()))
        .or_else(|| folders.iter().rev().find(|folder| !is_shelf(folder)).cloned())
        .unwrap_or_else(|| series.clone());
    ArchiveName { collector, series, begins }
}

/// True if the name is that of an archive file: it names a table or updates.
pub(super) fn looks_like_archive(path: &Path) -> bool {
    let file = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    file.split('.').any(|token| matches!(token, "updates" | "bview" | "rib" | "ribs" | "mrt" | "all" | "updates-et" | "all-et"))
}

/// What a file name alone says: its series, and when it begins.
pub fn series_and_begin(file: &str) -> (String, Option<Timestamp>) {
    let tokens: Vec<&str> = file.split('.').filter(|token| !is_packing(token)).collect();
    series_and_time(&tokens)
}

fn is_packing(token: &str) -> bool {
    matches!(token, "gz" | "bz2" | "zst" | "xz" | "mrt")
}

fn series_and_time(tokens: &[&str]) -> (String, Option<Timestamp>) {
    for (place, token) in tokens.iter().enumerate() {
        let (begins, used) = match tokens.get(place + 1).and_then(|next| calendar(token, next)) {
            Some(begins) => (Some(begins), 2),
            None => (epoch(token), 1),
        };
        if begins.is_some() {
            let rest = tokens[..place].iter().chain(&tokens[place + used..]);
            return (rest.copied().collect::<Vec<_>>().join("."), begins);
        }
    }
    (tokens.join("."), None)
}

fn all_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `20211004` and `1540` or `154002`.
fn calendar(date: &str, clock: &str) -> Option<Timestamp> {
    if !all_digits(date, 8) || !(all_digits(clock, 4) || all_digits(clock, 6)) {
        return None;
    }
    let seconds = if clock.len() == 6 { &clock[4..6] } else { "00" };
    let text = format!("{}-{}-{}T{}:{}:{seconds}Z", &date[..4], &date[4..6], &date[6..8], &clock[..2], &clock[2..4]);
    text.parse().ok()
}

/// Seconds since the epoch, 2001 or later.
fn epoch(token: &str) -> Option<Timestamp> {
    if !all_digits(token, 10) {
        return None;
    }
    token.parse().ok().map(|seconds| Timestamp::from_parts(seconds, 0))
}

fn is_ris(name: &str) -> bool {
    name.strip_prefix("rrc").is_some_and(|number| all_digits(number, 2))
}

fn is_route_views(name: &str) -> bool {
    name.starts_with("route-views") || project_of(name) == Some(Project::RouteViews)
}

fn named_in_file(tokens: &[&str]) -> Option<String> {
    if let Some(ris) = tokens.iter().find(|token| is_ris(token)) {
        return Some((*ris).to_owned());
    }
    let first = tokens.iter().position(|token| is_route_views(token))?;
    let name: Vec<&str> =
        tokens[first..].iter().copied().take_while(|token| !matches!(*token, "updates" | "rib" | "ribs" | "bview")).collect();
    Some(name.join("."))
}

fn named_in_folders(folders: &[String], first: Option<&&str>) -> Option<String> {
    for (place, folder) in folders.iter().enumerate().rev() {
        if is_ris(folder) || is_route_views(folder) {
            return Some(folder.clone());
        }
        if folder == "bgpdata" {
            let above = place.checked_sub(1).and_then(|above| folders.get(above));
            return Some(above.filter(|above| is_route_views(above)).cloned().unwrap_or_else(|| "route-views2".to_owned()));
        }
        if folder == "bmp" && place + 1 == folders.len() {
            // `bmp/edge1.1.bmp`: the connections of a router.
            return first.map(|name| (*name).to_owned());
        }
        if folder == "mrt" {
            return folders.get(place + 1).cloned();
        }
    }
    None
}

/// True for folders which sort files and name no collector: dates, `UPDATES`, `RIBS`.
fn is_shelf(folder: &str) -> bool {
    folder.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-' || c == '_')
        || matches!(folder.to_lowercase().as_str(), "updates" | "ribs" | "rib" | "warmup" | "mrt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_name_their_collector_series_and_time() {
        for (path, collector, series, begins) in [
            ("/a/rrc00/2021.10/updates.20211004.1540.gz", "rrc00", "updates", "2021-10-04T15:40:00Z"),
            ("/a/rrc00/2021.10/bview.20211004.0800.gz", "rrc00", "bview", "2021-10-04T08:00:00Z"),
            (
                "/a/route-views.linx/bgpdata/2021.10/UPDATES/updates.20211004.1530.bz2",
                "route-views.linx",
                "updates",
                "2021-10-04T15:30:00Z",
            ),
            ("/a/decix.fra/bgpdata/2026.10/RIBS/rib.20261004.1400.bz2", "decix.fra", "rib", "2026-10-04T14:00:00Z"),
            ("/a/archive.routeviews.org/bgpdata/2021.10/RIBS/rib.20211004.1400.bz2", "route-views2", "rib", "2021-10-04T14:00:00Z"),
            ("/a/bgpdata/2021.10/RIBS/rib.20211004.1400.bz2", "route-views2", "rib", "2021-10-04T14:00:00Z"),
            (
                "/a/routeviews.route-views.jinx.updates.1427846400.bz2",
                "route-views.jinx",
                "routeviews.route-views.jinx.updates",
                "2015-04-01T00:00:00Z",
            ),
            ("/a/ris.rrc06.updates.1427846400.gz", "rrc06", "ris.rrc06.updates", "2015-04-01T00:00:00Z"),
            ("/a/A/mrt/cbird/warmup/updates.20261122.091323.mrt.gz", "cbird", "updates", "2026-11-22T09:13:23Z"),
            ("/a/A/mrt/cbird/rib.v4.1795338803.mrt.gz", "cbird", "rib.v4", "2026-11-22T09:13:23Z"),
            (
                "/a/routeviews2-2008-02/2008-02-23/updates.20080223.0014.bz2",
                "routeviews2-2008-02",
                "updates",
                "2008-02-23T00:14:00Z",
            ),
            ("/a/A/bmp/cfrr.1.bmp.1795338803.gz", "cfrr", "cfrr.1.bmp", "2026-11-22T09:13:23Z"),
        ] {
            let name = archive_name(Path::new(path));
            assert_eq!((name.collector.as_str(), name.series.as_str()), (collector, series), "{path}");
            assert_eq!(name.begins, Some(begins.parse().unwrap()), "{path}");
        }
    }

    #[test]
    fn a_name_without_a_time_has_none() {
        let name = archive_name(Path::new("/a/lab/rib.appended.mrt.gz"));
        assert_eq!((name.collector.as_str(), name.series.as_str(), name.begins), ("lab", "rib.appended", None));
        assert_eq!(archive_name(Path::new("/a/x/updates.20219904.1540.gz")).begins, None);
        assert_eq!(archive_name(Path::new("/dump.mrt")).collector, "dump");
    }
}
