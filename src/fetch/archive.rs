//! Which files the public archives have, and where.
//!
//! Takes collectors, a window of time and the addresses of the archives; gives files with their URLs, by the rules of the archives' naming or as an
//! index page lists them. It asks nobody.
//!
//! RIPE RIS (<https://ris.ripe.net/docs/mrt>): `rrcNN/YYYY.MM/TYPE.YYYYMMDD.HHMM.gz`; a dump (`bview`) every 8 hours, `updates` every 5 minutes.
//! RouteViews (<https://www.routeviews.org/routeviews/index.php/archive/>): `COLLECTOR/bgpdata/YYYY.MM/RIBS/rib.YYYYMMDD.HHMM.bz2` every 2 hours and
//! `…/UPDATES/updates.YYYYMMDD.HHMM.bz2` every 15 minutes, "begun when the daemon is started, not from some specific time": where a file does not begin on
//! the quarter hour, only the index knows its name. route-views2 has no folder of its own name.

use crate::source::collectors::{Project, RIS_FIVE_MINUTES};
use crate::source::series_and_begin;
use crate::time::{Span, Timestamp};
use std::path::PathBuf;

/// Where the archives are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    /// What stands before `rrc00/2021.10/…`.
    pub ris: String,
    /// What stands before `route-views.linx/bgpdata/…`.
    pub route_views: String,
}

impl Default for Mirrors {
    fn default() -> Self {
        Mirrors { ris: Mirrors::RIS.to_owned(), route_views: Mirrors::ROUTE_VIEWS.to_owned() }
    }
}

impl Mirrors {
    /// The archive of RIPE RIS.
    pub const RIS: &str = "https://data.ris.ripe.net";
    /// The archive of RouteViews.
    pub const ROUTE_VIEWS: &str = "https://archive.routeviews.org";

    fn base(&self, project: Project) -> &str {
        match project {
            Project::Ris => self.ris.trim_end_matches('/'),
            Project::RouteViews => self.route_views.trim_end_matches('/'),
        }
    }
}

/// A collector whose archive is public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Collector {
    /// Its name.
    pub name: String,
    /// Who publishes its archive.
    pub project: Project,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// A table dump.
    Table,
    /// What was said in some minutes.
    Updates,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveFile {
    /// The collector which wrote it.
    pub collector: String,
    /// When it begins, by its name.
    pub begins: Timestamp,
    /// What it holds.
    pub series: Series,
    /// Its name, as the archive has it.
    pub name: String,
    /// Where it is.
    pub url: String,
}

impl ArchiveFile {
    /// Where it is stored: a folder a collector, a folder a month, as readers of archives understand it.
    pub fn path(&self) -> PathBuf {
        [&self.collector, &Stamp::of(self.begins).month, &self.name].iter().collect()
    }
}

/// A stretch of time, its end not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// It begins.
    pub from: Timestamp,
    /// It ends.
    pub until: Timestamp,
}

/// Whether table dumps are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// The newest at or before the window, and all updates since.
    With,
    /// Updates alone.
    Without,
    /// Tables alone: the newest at or before the window, and those in it.
    Only,
}

/// The files of one collector among which to choose, each list in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Table dumps.
    pub tables: Vec<ArchiveFile>,
    /// Updates.
    pub updates: Vec<ArchiveFile>,
}

impl Candidates {
    /// Sorts them in.
    pub fn of(files: impl IntoIterator<Item = ArchiveFile>) -> Self {
        let (mut tables, mut updates): (Vec<ArchiveFile>, Vec<ArchiveFile>) =
            files.into_iter().partition(|file| file.series == Series::Table);
        for list in [&mut tables, &mut updates] {
            list.sort_by(|a, b| a.begins.cmp(&b.begins).then_with(|| a.name.cmp(&b.name)));
            list.dedup_by(|a, b| a.name == b.name);
        }
        Candidates { tables, updates }
    }

    /// Table dumps to begin with, the best first: the newest at or before the time, then those before it.
    pub fn seeds(&self, from: Timestamp) -> Vec<ArchiveFile> {
        let before = self.tables.iter().rev().filter(|table| table.begins <= from);
        before.zip(0..SEEDS).map(|(table, _)| table.clone()).collect()
    }

    /// Table dumps within the window, not at its begin.
    pub fn tables_in(&self, window: Window) -> Vec<ArchiveFile> {
        self.tables.iter().filter(|table| table.begins > window.from && table.begins < window.until).cloned().collect()
    }

    /// Updates from `from` on, the file which holds that moment included. The last file of a list is taken to be as long as the archive's rule says.
    pub fn updates_in(&self, window: Window, period: Span) -> Vec<ArchiveFile> {
        let ends = self.updates.iter().skip(1).map(|next| next.begins).map(Some).chain([None]);
        let covered = self.updates.iter().zip(ends).filter(|(file, next)| {
            let end = next.unwrap_or(file.begins + period);
            file.begins < window.until && end > window.from
        });
        covered.map(|(file, _)| file.clone()).collect()
    }
}

/// Table dumps which are tried before it is said that there is none.
const SEEDS: i64 = 3;

/// How often the project's collectors write a file of the series.
pub fn period(project: Project, series: Series) -> Span {
    Span::from_seconds(match (project, series) {
        (Project::Ris, Series::Table) => 8 * 3_600,
        (Project::Ris, Series::Updates) => 5 * 60,
        (Project::RouteViews, Series::Table) => 2 * 3_600,
        (Project::RouteViews, Series::Updates) => 15 * 60,
    })
}

/// From when on the names of a collector's files tell UTC and keep to the clock, so that they can be built.
///
/// RIS: before it wrote every 5 minutes its files began whenever they did (`updates.20020722.2238.gz`). RouteViews told Pacific Time until 3 February
/// 2003, about 19:00 UTC, and at eqix until 1 February 2006, about 21:00 UTC (<http://www.routeviews.org/data.html>).
pub fn regular_since(collector: &Collector) -> Timestamp {
    match collector.project {
        Project::Ris => RIS_FIVE_MINUTES,
        Project::RouteViews if collector.name == "route-views.eqix" => Timestamp::from_parts(1_138_827_600, 0),
        Project::RouteViews => Timestamp::from_parts(1_044_298_800, 0),
    }
}

/// The files which a collector has by the rules of its archive: those which a window needs, and table dumps to fall back to.
pub fn by_rule(collector: &Collector, window: Window, mirrors: &Mirrors) -> Candidates {
    let table = period(collector.project, Series::Table);
    let oldest = floor(window.from, table) - table.times(SEEDS - 1);
    let mut files = Vec::new();
    for series in [Series::Table, Series::Updates] {
        let step = period(collector.project, series);
        let mut begins = floor(oldest, step);
        // The newest table may begin with the window, and that may be empty.
        while begins < window.until || begins <= window.from {
            files.push(by_time(collector, series, begins, mirrors));
            begins = begins + step;
        }
    }
    Candidates::of(files)
}

fn by_time(collector: &Collector, series: Series, begins: Timestamp, mirrors: &Mirrors) -> ArchiveFile {
    let stamp = Stamp::of(begins);
    let name = format!("{}.{}.{}.{}", word(collector.project, series), stamp.date, stamp.clock, packing(collector.project));
    let url = format!("{}{name}", folder(collector, series, &stamp, mirrors));
    ArchiveFile { collector: collector.name.clone(), begins, series, name, url }
}

/// The pages which list the files of a window, and of the time before it in which the table to begin with lies.
pub fn index_pages(collector: &Collector, window: Window, mirrors: &Mirrors) -> Vec<String> {
    let mut at = window.from - period(collector.project, Series::Table).times(SEEDS);
    let mut pages = Vec::new();
    loop {
        let stamp = Stamp::of(at);
        pages.extend([Series::Table, Series::Updates].map(|series| folder(collector, series, &stamp, mirrors)));
        if at >= window.until {
            break;
        }
        at = (at + Span::from_seconds(86_400)).min(window.until);
    }
    pages.dedup();
    let mut seen = std::collections::HashSet::new();
    pages.retain(|page| seen.insert(page.clone()));
    pages
}

/// The files which an index page links to.
pub fn listed(collector: &Collector, page: &str, html: &str) -> Vec<ArchiveFile> {
    let links = html.split("href=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split(quote).next()
    });
    let named = |link: &str| {
        let (series, begins) = named(link.strip_prefix("./").unwrap_or(link))?;
        let name = link.strip_prefix("./").unwrap_or(link).to_owned();
        let url = format!("{page}{name}");
        Some(ArchiveFile { collector: collector.name.clone(), begins, series, name, url })
    };
    links.filter_map(named).collect()
}

/// What the name of an archive's file says; `None` for every other name, such as one with a path in it.
pub fn named(name: &str) -> Option<(Series, Timestamp)> {
    let (series, begins) = series_and_begin(name);
    let begins = begins?;
    let series_of = match series.as_str() {
        "updates" => Series::Updates,
        "bview" | "rib" => Series::Table,
        _ => return None,
    };
    let stamp = Stamp::of(begins);
    let exact = ["gz", "bz2"].iter().any(|packing| name == format!("{series}.{}.{}.{packing}", stamp.date, stamp.clock));
    exact.then_some((series_of, begins))
}

fn folder(collector: &Collector, series: Series, stamp: &Stamp, mirrors: &Mirrors) -> String {
    let (base, name, month) = (mirrors.base(collector.project), &collector.name, &stamp.month);
    match (collector.project, series) {
        (Project::Ris, _) => format!("{base}/{name}/{month}/"),
        (Project::RouteViews, _) => {
            let own = if name == "route-views2" { String::new() } else { format!("{name}/") };
            let shelf = if series == Series::Table { "RIBS" } else { "UPDATES" };
            format!("{base}/{own}bgpdata/{month}/{shelf}/")
        }
    }
}

fn word(project: Project, series: Series) -> &'static str {
    match (project, series) {
        (Project::Ris, Series::Table) => "bview",
        (Project::RouteViews, Series::Table) => "rib",
        (Project::Ris | Project::RouteViews, Series::Updates) => "updates",
    }
}

fn packing(project: Project) -> &'static str {
    match project {
        Project::Ris => "gz",
        Project::RouteViews => "bz2",
    }
}

/// The last multiple of `step` since the epoch which is not after `at`.
pub fn floor(at: Timestamp, step: Span) -> Timestamp {
    Timestamp::from_parts(at.seconds() - at.seconds().rem_euclid(step.seconds().max(1)), 0)
}

/// A time as names write it.
struct Stamp {
    /// `20211004`
    date: String,
    /// `1540`
    clock: String,
    /// `2021.10`
    month: String,
}

impl Stamp {
    fn of(at: Timestamp) -> Self {
        // RFC 3339, which has its parts at fixed places in these centuries.
        let text = at.to_string();
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        Stamp {
            date: format!("{}{}{}", part(0, 4), part(5, 7), part(8, 10)),
            clock: format!("{}{}", part(11, 13), part(14, 16)),
            month: format!("{}.{}", part(0, 4), part(5, 7)),
        }
    }
}

#[cfg(test)]
mod tests;
