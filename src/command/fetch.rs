//! `faultline fetch`: archive files for a window and collectors; and the newest ones, for `faultline watch` to begin with.

mod view;

use super::progress::Progress;
use crate::analysis::Outcome;
use crate::cli::{ArchiveMirrors, Fetch, Format, Ribs, SeedNewest, Watch};
use crate::fetch::archive::{Collector, Mirrors, Series, Tables, Window, named};
use crate::fetch::run::{Names, Order, fetch, patiently, plan};
use crate::fetch::{collectors, window};
use crate::report;
use crate::source::InputSpec;
use crate::source::collectors::Project;
use crate::time::Timestamp;
use crate::watch::archives::Archives;
use crate::watch::run::system;
use miette::IntoDiagnostic;
use std::path::{Path, PathBuf};
use view::FetchView;

/// Files at once, where nobody says how many.
const PARALLEL: usize = 4;

/// Runs it.
///
/// # Errors
/// If a collector is not known, the window makes no sense, or the disk does not take the files.
pub fn run(typed: &Fetch, now: Timestamp) -> miette::Result<Outcome> {
    let order = Order {
        collectors: collectors(&typed.collectors)?,
        window: window(typed.from, typed.until.unwrap_or(now), now)?,
        tables: match typed.ribs {
            Ribs::With => Tables::With,
            Ribs::Without => Tables::Without,
            Ribs::Only => Tables::Only,
        },
        mirrors: mirrors(&typed.mirrors),
        names: match &typed.broker {
            Some(address) => Names::Broker(address.clone()),
            None if typed.index => Names::Index,
            None => Names::Rule,
        },
        folder: typed.out.clone(),
        parallel: usize::from(typed.parallel),
        now,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let view = if typed.dry_run {
        FetchView::planned(&order, &runtime.block_on(plan(&order, patiently()))?)
    } else {
        let progress = Progress::bytes("fetching archives");
        let delivered = runtime.block_on(fetch(&order, patiently(), Some(progress.watcher())))?;
        drop(progress);
        FetchView::delivered(&order, &delivered)
    };
    match typed.format {
        Format::Json => super::print(&report::json(&view))?,
        Format::Text => super::print(&report::plain(&view.to_text()))?,
    }
    Ok(if view.is_whole() { Outcome::NoIncident } else { Outcome::CouldNotTell })
}

/// The newest archives, as far as they were asked for.
///
/// # Errors
/// As [`run`]; and if not one table dump is there.
pub fn seeds(typed: &SeedNewest, now: Timestamp) -> miette::Result<Vec<InputSpec>> {
    if typed.seed_newest.is_empty() {
        return Ok(Vec::new());
    }
    let order = Order {
        collectors: collectors(&typed.seed_newest)?,
        window: Window { from: now, until: now },
        tables: Tables::With,
        mirrors: mirrors(&typed.mirrors),
        names: Names::Rule,
        folder: folder(typed)?,
        parallel: PARALLEL,
        now,
    };
    let progress = Progress::bytes("fetching the newest archives");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let delivered = runtime.block_on(fetch(&order, patiently(), Some(progress.watcher())))?;
    drop(progress);
    let view = FetchView::delivered(&order, &delivered);
    super::tell(view.to_text().trim_end());
    if let Some(without) = order.collectors.iter().find(|collector| !view.has_table(&collector.name)) {
        let help = "begin with files, which --seed names; or ask again, for dumps appear some hours late at times";
        return Err(miette::miette!(help = help, "no table dump of {} could be fetched", without.name));
    }
    if typed.seed_dir.is_none() {
        for collector in &order.collectors {
            // What is older than the table which is begun with is not read again.
            let tables = delivered.iter().filter(|one| one.is_there() && one.file.series == Series::Table);
            if let Some(since) = tables.filter(|one| one.file.collector == collector.name).map(|one| one.file.begins).max() {
                forget(&order.folder.join(&collector.name), since).into_diagnostic()?;
            }
        }
    }
    let there = delivered.iter().filter(|one| one.is_there());
    Ok(there
        .map(|one| InputSpec { path: order.folder.join(one.file.path()), collector: Some(one.file.collector.clone()) })
        .collect())
}

/// The archives from which is fetched what a stream of RIS Live does not tell: those of RIS, among the newest which were asked for.
///
/// # Errors
/// As [`seeds`].
pub fn archives(typed: &Watch) -> miette::Result<Option<Archives>> {
    let newest = &typed.newest;
    if typed.replayed || typed.bmp_only || newest.seed_newest.is_empty() {
        return Ok(None);
    }
    let all = collectors(&newest.seed_newest)?.into_iter();
    let of_ris: Vec<Collector> = all.filter(|collector| collector.project == Project::Ris).collect();
    if of_ris.is_empty() {
        return Ok(None);
    }
    let mirrors = mirrors(&newest.mirrors);
    Ok(Some(Archives { collectors: of_ris, mirrors, folder: folder(newest)?, clock: system, pause: patiently() }))
}

/// Where the newest archives are stored.
fn folder(typed: &SeedNewest) -> miette::Result<PathBuf> {
    let folder = typed.seed_dir.clone().or_else(cache);
    folder.ok_or_else(|| miette::miette!(help = "name a folder with --seed-dir", "the user's cache folder is not known"))
}

fn mirrors(typed: &ArchiveMirrors) -> Mirrors {
    Mirrors { ris: typed.ris_url.clone(), route_views: typed.routeviews_url.clone() }
}

/// Removes the archive files of a collector which begin before `since`, and nothing else.
fn forget(folder: &Path, since: Timestamp) -> std::io::Result<()> {
    for month in std::fs::read_dir(folder)? {
        let month = month?.path();
        for file in std::fs::read_dir(&month).into_iter().flatten() {
            let file = file?;
            if file.file_name().to_str().and_then(named).is_some_and(|(_, begins)| begins < since) {
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}

/// The folder for seeds, where the system keeps what can be fetched again (XDG Base Directory Specification; else the system's own custom).
fn cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = folder("XDG_CACHE_HOME").or_else(|| {
        if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else {
            let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
            folder("HOME").map(|home| home.join(below))
        }
    });
    caches.map(|caches| caches.join("faultline").join("seeds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_archive_files_which_are_too_old_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let month = folder.path().join("2026.11");
        std::fs::create_dir(&month).unwrap();
        for name in
            ["bview.20261128.0000.gz", "updates.20261128.0755.gz", "updates.20261128.0800.gz", "notes.20200101.0000.txt", "x.gz"]
        {
            std::fs::write(month.join(name), b"x").unwrap();
        }
        std::fs::write(folder.path().join("mine"), b"x").unwrap();
        forget(folder.path(), "2026-11-28T08:00:00Z".parse().unwrap()).unwrap();
        let mut left: Vec<String> =
            std::fs::read_dir(&month).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["notes.20200101.0000.txt", "updates.20261128.0800.gz", "x.gz"]);
        assert!(folder.path().join("mine").exists());
    }
}
