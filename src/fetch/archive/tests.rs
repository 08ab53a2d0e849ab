//! Windows and names, held against names which the archives have.

use super::*;
use crate::source::collectors::project_of;
use crate::source::{InputSpec, discover};

fn collector(name: &str) -> Collector {
    Collector { name: name.to_owned(), project: project_of(name).unwrap() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(from: &str, until: &str) -> Window {
    Window { from: at(from), until: at(until) }
}

/// The URLs of a window: the table to begin with, and the updates since.
fn urls(name: &str, from: &str, until: &str) -> Vec<String> {
    let (collector, window) = (collector(name), window(from, until));
    let candidates = by_rule(&collector, window, &Mirrors::default());
    let seed = candidates.seeds(window.from).remove(0);
    let since = Window { from: seed.begins, ..window };
    let updates = candidates.updates_in(since, period(collector.project, Series::Updates));
    std::iter::once(seed).chain(updates).map(|file| file.url).collect()
}

#[test]
fn urls_are_those_of_the_archives() {
    let ris = urls("rrc00", "2021-10-04T08:02:00Z", "2021-10-04T08:10:00Z");
    assert_eq!(
        ris,
        [
            "https://data.ris.ripe.net/rrc00/2021.10/bview.20211004.0800.gz",
            "https://data.ris.ripe.net/rrc00/2021.10/updates.20211004.0800.gz",
            "https://data.ris.ripe.net/rrc00/2021.10/updates.20211004.0805.gz",
        ]
    );
    let linx = urls("route-views.linx", "2021-10-04T14:20:00Z", "2021-10-04T14:31:00Z");
    assert_eq!(
        linx,
        [
            "https://archive.routeviews.org/route-views.linx/bgpdata/2021.10/RIBS/rib.20211004.1400.bz2",
            "https://archive.routeviews.org/route-views.linx/bgpdata/2021.10/UPDATES/updates.20211004.1400.bz2",
            "https://archive.routeviews.org/route-views.linx/bgpdata/2021.10/UPDATES/updates.20211004.1415.bz2",
            "https://archive.routeviews.org/route-views.linx/bgpdata/2021.10/UPDATES/updates.20211004.1430.bz2",
        ]
    );
    let oldest = urls("route-views2", "2021-10-04T14:00:00Z", "2021-10-04T14:00:01Z");
    assert_eq!(oldest[0], "https://archive.routeviews.org/bgpdata/2021.10/RIBS/rib.20211004.1400.bz2");
}

#[test]
fn months_years_and_leap_days_are_crossed() {
    for (name, from, until, first, last, count) in [
        // The table of a window which begins at midnight of the year is of that moment.
        ("rrc01", "2022-01-01T00:00:00Z", "2022-01-01T00:05:00Z", "bview.20220101.0000.gz", "updates.20220101.0000.gz", 2),
        ("rrc01", "2021-12-31T23:59:59Z", "2022-01-01T00:00:01Z", "bview.20211231.1600.gz", "updates.20220101.0000.gz", 98),
        ("route-views2", "2024-02-29T23:50:00Z", "2024-03-01T00:20:00Z", "rib.20240229.2200.bz2", "updates.20240301.0015.bz2", 11),
        (
            "route-views.wide",
            "2023-02-28T23:59:00Z",
            "2023-03-01T00:00:00Z",
            "rib.20230228.2200.bz2",
            "updates.20230228.2345.bz2",
            9,
        ),
        ("rrc00", "2021-10-04T15:59:59.999999Z", "2021-10-04T16:00:00Z", "bview.20211004.0800.gz", "updates.20211004.1555.gz", 97),
    ] {
        let urls = urls(name, from, until);
        let (begin, end) = (urls.first().unwrap(), urls.last().unwrap());
        assert!(begin.ends_with(first) && end.ends_with(last), "{name} {from} {until}: {begin} {end}");
        assert_eq!(urls.len(), count, "{name} {from} {until}");
    }
    let new_year = urls("route-views.wide", "2023-12-31T23:50:00Z", "2024-01-01T00:20:00Z");
    assert!(new_year[0].contains("/2023.12/RIBS/") && new_year.last().unwrap().contains("/2024.01/UPDATES/"), "{new_year:?}");
}

#[test]
fn an_empty_window_has_its_table_and_the_tables_before_it() {
    let now = window("2026-11-28T08:00:00Z", "2026-11-28T08:00:00Z");
    let candidates = by_rule(&collector("rrc00"), now, &Mirrors::default());
    let names: Vec<String> = candidates.seeds(now.from).into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["bview.20261128.0800.gz", "bview.20261128.0000.gz", "bview.20261127.1600.gz"]);
    // Whichever of them is there, updates since are at hand.
    assert_eq!(candidates.updates.first().unwrap().name, "updates.20261127.1600.gz");
}

#[test]
fn tables_alone_are_the_newest_before_and_those_within() {
    let day = window("2021-10-04T03:00:00Z", "2021-10-05T00:00:00Z");
    let candidates = by_rule(&collector("rrc00"), day, &Mirrors::default());
    let within: Vec<String> = candidates.tables_in(day).into_iter().map(|file| file.name).collect();
    assert_eq!(within, ["bview.20211004.0800.gz", "bview.20211004.1600.gz"]);
    assert_eq!(candidates.seeds(day.from)[0].name, "bview.20211004.0000.gz");
}

#[test]
fn mirrors_stand_where_the_archive_would() {
    let mirrors = Mirrors { ris: "http://127.0.0.1:8080/ris/".to_owned(), route_views: "http://mirror.example".to_owned() };
    let day = window("2021-10-04T00:00:00Z", "2021-10-04T00:01:00Z");
    let of = |name| by_rule(&collector(name), day, &mirrors).updates.last().unwrap().url.clone();
    assert_eq!(of("rrc00"), "http://127.0.0.1:8080/ris/rrc00/2021.10/updates.20211004.0000.gz");
    assert_eq!(of("route-views2"), "http://mirror.example/bgpdata/2021.10/UPDATES/updates.20211004.0000.bz2");
}

// Why: what is stored must be found again under its collector, in its series, at its time.
#[test]
fn readers_understand_where_files_are_stored() {
    let root = tempfile::tempdir().unwrap();
    let day = window("2021-10-04T14:00:00Z", "2021-10-04T14:01:00Z");
    for name in ["rrc00", "route-views2", "route-views.linx", "decix.fra"] {
        let candidates = by_rule(&collector(name), day, &Mirrors::default());
        for file in candidates.seeds(day.from).into_iter().take(1).chain(candidates.updates_in(day, Span::from_seconds(60))) {
            let path = root.path().join(file.path());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
    }
    let found = discover(&[InputSpec { path: root.path().to_owned(), collector: None }]).unwrap();
    let mut told: Vec<(String, String, String)> =
        found.iter().map(|file| (file.collector.clone(), file.series.clone(), file.begins.unwrap().to_string())).collect();
    told.sort();
    let told: Vec<(&str, &str, &str)> = told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), &c[11..16])).collect();
    assert_eq!(
        told,
        [
            ("decix.fra", "rib", "14:00"),
            ("decix.fra", "updates", "14:00"),
            ("route-views.linx", "rib", "14:00"),
            ("route-views.linx", "updates", "14:00"),
            ("route-views2", "rib", "14:00"),
            ("route-views2", "updates", "14:00"),
            ("rrc00", "bview", "08:00"),
            ("rrc00", "updates", "14:00"),
        ]
    );
}

#[test]
fn an_index_page_gives_the_names_which_are_really_there() {
    let page = "https://archive.routeviews.org/bgpdata/2008.02/UPDATES/";
    let html = r#"<a href="?C=N;O=D">Name</a> <a href="/bgpdata/2008.02/">Parent Directory</a>
        <a href="updates.20080223.0014.bz2">updates.20080223.0014.bz2</a> <a href='./updates.20080223.0029.bz2'>x</a>
        <a href="../../../etc/updates.20080223.0044.bz2">x</a> <a href="updates.20080223.0059.bz2.part">x</a>
        <a href="updates.20081399.0059.bz2">x</a> <a href="https://elsewhere.example/updates.20080223.0100.bz2">x</a>"#;
    let files = listed(&collector("route-views2"), page, html);
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["updates.20080223.0014.bz2", "updates.20080223.0029.bz2"]);
    assert_eq!(files[0].url, format!("{page}updates.20080223.0014.bz2"));
    // A file lasts until the next one, whatever the rule says.
    let candidates = Candidates::of(files);
    let chosen = candidates.updates_in(window("2008-02-23T00:28:00Z", "2008-02-23T00:29:00Z"), Span::from_seconds(900));
    assert_eq!(chosen.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["updates.20080223.0014.bz2"]);
}

#[test]
fn index_pages_reach_back_to_the_table_to_begin_with() {
    let pages = index_pages(&collector("rrc00"), window("2022-01-01T04:00:00Z", "2022-01-01T05:00:00Z"), &Mirrors::default());
    assert_eq!(pages, ["https://data.ris.ripe.net/rrc00/2021.12/", "https://data.ris.ripe.net/rrc00/2022.01/"]);
    let pages =
        index_pages(&collector("route-views3"), window("2022-05-02T04:00:00Z", "2022-05-03T05:00:00Z"), &Mirrors::default());
    assert_eq!(
        pages,
        [
            "https://archive.routeviews.org/route-views3/bgpdata/2022.05/RIBS/",
            "https://archive.routeviews.org/route-views3/bgpdata/2022.05/UPDATES/",
        ]
    );
}

// Why: the rules were written down from memory of the archives; these names were in them.
#[test]
fn recorded_names_are_those_which_the_rules_build() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/events/routeviews2-2008-02/2008-02-19");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: recorded archive names need ../shared/data, which is not there");
        return;
    };
    let mut recorded: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    recorded.retain(|name| named(name).is_some());
    assert!(recorded.len() > 20, "{recorded:?}");
    let day = window("2008-02-19T00:15:00Z", "2008-02-19T07:00:00Z");
    let candidates = by_rule(&collector("route-views2"), day, &Mirrors::default());
    let built: Vec<String> = candidates.updates.into_iter().map(|file| file.name).collect();
    // The collector's daemon was restarted that morning, and has begun its files elsewhere than on the quarter hour since: only the index knows them.
    let restarted = at("2008-02-19T02:01:00Z");
    for name in &recorded {
        let (_, begins) = named(name).unwrap();
        assert_eq!(built.contains(name), begins < restarted, "{name}");
    }
}

#[test]
fn names_can_be_built_from_the_day_on_which_they_tell_utc() {
    assert_eq!(regular_since(&collector("rrc00")).to_string(), "2003-07-23T00:00:00Z");
    assert_eq!(regular_since(&collector("route-views2")).to_string(), "2003-02-03T19:00:00Z");
    assert_eq!(regular_since(&collector("route-views.eqix")).to_string(), "2006-02-01T21:00:00Z");
}
