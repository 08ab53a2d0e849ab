//! Archives fetched from a server on the loopback which breaks off, stalls, lies and asks for patience.

use crate::archive_server::{Archive, Served, Wrong};
use crate::wire::*;
use faultline::fetch::archive::{Mirrors, Tables, Window};
use faultline::fetch::run::{Delivered, Ended, Names, Order, Pause, fetch, plan};
use faultline::fetch::{FetchError, collectors};
use faultline::time::{Span, Timestamp};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const PEER: (&str, u32) = ("192.0.2.1", 64505);
pub const FIRST: &str = "/rrc00/2021.10/updates.20211004.1540.gz";
pub const SECOND: &str = "/rrc00/2021.10/updates.20211004.1545.gz";
pub const TABLE: &str = "/rrc00/2021.10/bview.20211004.0800.gz";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.seconds()).unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Updates of five minutes, some of which pack badly.
pub fn updates(begins: Timestamp) -> Vec<u8> {
    let record = |n: u32| {
        let prefix = format!("{}.{}.{}.0/24", 11 + n % 90, n * 7_919 % 256, n * 104_729 % 256);
        message(seconds(begins) + n % 300, 4, PEER, &update(&[], &[&prefix], &[64505, 64500 + n * 31 % 1_000]))
    };
    gzip(&(0..2_000).map(record).collect::<Vec<_>>().concat())
}

/// A table of one peer with one prefix.
pub fn table(begins: Timestamp) -> Vec<u8> {
    let begins = seconds(begins);
    gzip(&[peer_index(begins, &[PEER]), rib(begins, 2, "198.51.100.0/24", &[(0, None, &[64505, 64500])])].concat())
}

pub fn order(archive: &Archive, folder: &Path, tables: Tables) -> Order {
    Order {
        collectors: collectors(&["rrc00".to_owned()]).unwrap(),
        window: Window { from: at("2021-10-04T15:40:00Z"), until: at("2021-10-04T15:50:00Z") },
        tables,
        mirrors: Mirrors { ris: archive.url.clone(), route_views: archive.url.clone() },
        names: Names::Rule,
        folder: folder.to_owned(),
        parallel: 4,
        now: at("2021-10-05T00:00:00Z"),
    }
}

/// How long was waited, without waiting.
pub fn impatient() -> (Pause, Arc<Mutex<Vec<Duration>>>) {
    let waited = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waited);
    let pause: Pause = Arc::new(move |length| {
        told.lock().unwrap().push(length);
        Box::pin(std::future::ready(()))
    });
    (pause, waited)
}

async fn fetched(order: &Order) -> Vec<Delivered> {
    fetch(order, impatient().0, None).await.unwrap()
}

/// An archive with two files of updates, and a folder to fetch into.
pub async fn begin() -> (Archive, tempfile::TempDir, [Vec<u8>; 2]) {
    let archive = Archive::open().await;
    let files = [updates(at("2021-10-04T15:40:00Z")), updates(at("2021-10-04T15:45:00Z"))];
    archive.put(FIRST, &files[0]);
    archive.put(SECOND, &files[1]);
    (archive, tempfile::tempdir().unwrap(), files)
}

fn of<'s>(served: &'s [Served], path: &str) -> Vec<&'s Served> {
    served.iter().filter(|one| one.path == path).collect()
}

fn stored(folder: &Path, path: &str) -> Vec<u8> {
    std::fs::read(folder.join(&path[1..])).unwrap_or_default()
}

/// What lies about beside the files and the ledger.
fn left_over(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("rrc00/2021.10")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

#[tokio::test]
async fn files_are_stored_verified_and_not_fetched_again() {
    let (archive, folder, files) = begin().await;
    let order = order(&archive, folder.path(), Tables::Without);
    let delivered = fetched(&order).await;
    assert_eq!(delivered.len(), 2);
    for (one, bytes) in delivered.iter().zip(&files) {
        let Ended::Fetched(whole) = &one.ended else { panic!("{one:?}") };
        assert_eq!((whole.records, whole.unreadable, whole.bytes), (2_000, 0, bytes.len() as u64));
        assert_eq!(whole.blake3, blake3::hash(bytes).to_hex().to_string());
    }
    assert_eq!((stored(folder.path(), FIRST), stored(folder.path(), SECOND)), (files[0].clone(), files[1].clone()));
    assert!(left_over(folder.path()).is_empty());
    archive.served();
    let again = fetched(&order).await;
    assert!(again.iter().all(|one| matches!(one.ended, Ended::There(_))), "{again:?}");
    assert_eq!(archive.served(), [], "nobody was asked for what is there");
    // Without the ledger it is decoded, and still not fetched.
    std::fs::remove_file(folder.path().join(".fetch.jsonl")).unwrap();
    assert!(fetched(&order).await.iter().all(|one| matches!(one.ended, Ended::There(_))));
    assert_eq!(archive.served(), []);
}

// Why: two bytes of a file which was verified may change on the disk.
#[tokio::test]
async fn a_file_which_was_damaged_since_is_fetched_again() {
    let (archive, folder, files) = begin().await;
    let order = order(&archive, folder.path(), Tables::Without);
    fetched(&order).await;
    let mut damaged = files[0].clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    std::fs::write(folder.path().join(&FIRST[1..]), damaged).unwrap();
    archive.served();
    let again = fetched(&order).await;
    assert!(matches!(again[0].ended, Ended::Fetched(_)) && matches!(again[1].ended, Ended::There(_)), "{again:?}");
    assert_eq!(stored(folder.path(), FIRST), files[0]);
}

#[tokio::test]
async fn a_connection_which_breaks_off_is_taken_up_where_it_broke() {
    let (archive, folder, files) = begin().await;
    archive.wrong(FIRST, [Wrong::Cut(1_000), Wrong::Cut(500), Wrong::HangUp]);
    let delivered = fetched(&order(&archive, folder.path(), Tables::Without)).await;
    assert!(delivered.iter().all(Delivered::is_there), "{delivered:?}");
    assert_eq!(stored(folder.path(), FIRST), files[0]);
    let served = archive.served();
    let asked: Vec<(Option<&str>, u16, usize)> =
        of(&served, FIRST).iter().map(|one| (one.range.as_deref(), one.status, one.bytes)).collect();
    let rest = files[0].len() - 1_500;
    assert_eq!(
        asked,
        [(None, 200, 1_000), (Some("bytes=1000-"), 206, 500), (Some("bytes=1500-"), 0, 0), (Some("bytes=1500-"), 206, rest),]
    );
    let sent: usize = of(&served, FIRST).iter().map(|one| one.bytes).sum();
    assert_eq!(sent, files[0].len(), "no byte was sent twice");
}

#[tokio::test]
async fn what_an_earlier_run_left_is_taken_up() {
    let (archive, folder, files) = begin().await;
    // The first run ends for good after 1,000 bytes.
    archive.wrong(FIRST, std::iter::once(Wrong::Cut(1_000)).chain(std::iter::repeat_n(Wrong::Status(503, None), 5)));
    let order = order(&archive, folder.path(), Tables::Without);
    let first = fetched(&order).await;
    let Ended::Failed { reason } = &first[0].ended else { panic!("{first:?}") };
    assert!(reason.contains("503"), "{reason}");
    assert_eq!(stored(folder.path(), "/rrc00/2021.10/.updates.20211004.1540.gz.part").len(), 1_000);
    assert!(!folder.path().join(&FIRST[1..]).exists(), "what is not whole has no name");
    archive.served();
    let second = fetched(&order).await;
    assert!(second[0].is_there(), "{second:?}");
    assert_eq!(stored(folder.path(), FIRST), files[0]);
    let served = archive.served();
    let asked: Vec<(Option<&str>, usize)> = of(&served, FIRST).iter().map(|one| (one.range.as_deref(), one.bytes)).collect();
    assert_eq!(asked, [(Some("bytes=1000-"), files[0].len() - 1_000)]);
}

// Why: the archive may have replaced the file meanwhile; halves of two files are none.
#[tokio::test]
async fn another_state_of_the_file_is_fetched_from_its_begin() {
    let (archive, folder, _) = begin().await;
    let other = updates(at("2021-10-04T15:41:00Z"));
    archive.wrong(FIRST, std::iter::once(Wrong::Cut(1_000)).chain(std::iter::repeat_n(Wrong::Status(503, None), 5)));
    let order = order(&archive, folder.path(), Tables::Without);
    assert!(!fetched(&order).await[0].is_there());
    archive.put(FIRST, &other);
    assert!(fetched(&order).await[0].is_there());
    assert_eq!(stored(folder.path(), FIRST), other);
    let served = archive.served();
    let last = of(&served, FIRST).last().copied().unwrap().clone();
    assert_eq!((last.range.as_deref(), last.status), (Some("bytes=1000-"), 200));
}

#[tokio::test]
async fn servers_without_ranges_or_names_of_states_serve_the_whole_again() {
    let (archive, folder, files) = begin().await;
    archive.wrong(FIRST, [Wrong::Cut(1_000), Wrong::NoRange]);
    fetched(&order(&archive, folder.path(), Tables::Without)).await;
    assert_eq!(stored(folder.path(), FIRST), files[0]);
    let other = tempfile::tempdir().unwrap();
    archive.without_tags();
    archive.wrong(FIRST, [Wrong::Cut(1_000)]);
    archive.served();
    fetched(&order(&archive, other.path(), Tables::Without)).await;
    assert_eq!(stored(other.path(), FIRST), files[0]);
    let served = archive.served();
    assert_eq!(of(&served, FIRST).iter().map(|one| one.range.is_some()).collect::<Vec<_>>(), [false, false]);
}

#[tokio::test]
async fn a_server_which_asks_for_patience_gets_it() {
    let (archive, folder, _) = begin().await;
    archive.wrong(FIRST, [Wrong::Status(429, Some("17")), Wrong::Status(503, Some("90"))]);
    let (pause, waited) = impatient();
    let delivered = fetch(&order(&archive, folder.path(), Tables::Without), pause, None).await.unwrap();
    assert!(delivered.iter().all(Delivered::is_there));
    assert_eq!(*waited.lock().unwrap(), [Duration::from_secs(17), Duration::from_secs(90)]);
    // Nobody waits for a day.
    let other = tempfile::tempdir().unwrap();
    archive.wrong(FIRST, [Wrong::Status(503, Some("86400"))]);
    let (pause, waited) = impatient();
    let delivered = fetch(&order(&archive, other.path(), Tables::Without), pause, None).await.unwrap();
    assert!(matches!(&delivered[0].ended, Ended::Failed { reason } if reason.contains("503")), "{delivered:?}");
    assert!(waited.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_download_which_is_damaged_is_fetched_once_more() {
    let (archive, folder, files) = begin().await;
    let mut flipped = files[0].clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    archive.wrong(FIRST, [Wrong::Other(flipped.clone())]);
    // A page of a proxy, and then again.
    let page = b"<!DOCTYPE html><title>Please log in</title>".to_vec();
    archive.wrong(SECOND, [Wrong::Other(page.clone()), Wrong::Other(page)]);
    let delivered = fetched(&order(&archive, folder.path(), Tables::Without)).await;
    assert!(matches!(delivered[0].ended, Ended::Fetched(_)), "{delivered:?}");
    assert_eq!(stored(folder.path(), FIRST), files[0]);
    let Ended::Damaged { reason, kept } = &delivered[1].ended else { panic!("{delivered:?}") };
    assert!(reason.contains("web page"), "{reason}");
    assert!(kept.exists() && !folder.path().join(&SECOND[1..]).exists());
    assert_eq!(left_over(folder.path()), [".updates.20211004.1545.gz.damaged"]);
    // Readers of the folder see only what is whole.
    let found = faultline::source::discover(&[faultline::source::InputSpec { path: folder.path().to_owned(), collector: None }]);
    assert_eq!(found.unwrap().len(), 1);
}

// Why: a file cut short which was stored with that length is told by its content alone.
#[tokio::test]
async fn a_file_which_the_archive_itself_has_cut_short_is_damaged() {
    let (archive, folder, files) = begin().await;
    archive.put(FIRST, &files[0][..files[0].len() / 2]);
    let delivered = fetched(&order(&archive, folder.path(), Tables::Without)).await;
    assert!(matches!(&delivered[0].ended, Ended::Damaged { reason, .. } if reason.contains("truncated")), "{delivered:?}");
}

#[tokio::test]
async fn what_is_missing_is_a_gap_and_what_is_to_come_is_none() {
    let (archive, folder, _) = begin().await;
    archive.take_away(SECOND);
    let mut order = order(&archive, folder.path(), Tables::Without);
    let late = fetched(&order).await;
    assert_eq!((late[0].is_there(), &late[1].ended), (true, &Ended::Missing));
    order.now = at("2021-10-04T15:51:00Z");
    assert_eq!(fetched(&order).await[1].ended, Ended::NotYet);
    archive.wrong(SECOND, [Wrong::Status(403, None)]);
    let refused = fetched(&order).await;
    assert!(matches!(&refused[1].ended, Ended::Failed { reason } if reason.contains("403")), "{refused:?}");
}

#[tokio::test]
async fn the_newest_table_which_is_there_is_begun_with() {
    let (archive, folder, _) = begin().await;
    archive.put("/rrc00/2021.10/bview.20211004.0000.gz", &table(at("2021-10-04T00:00:00Z")));
    let delivered = fetched(&order(&archive, folder.path(), Tables::With)).await;
    let tables: Vec<(&str, bool)> = delivered
        .iter()
        .filter(|one| one.file.name.starts_with("bview"))
        .map(|one| (one.file.name.as_str(), one.is_there()))
        .collect();
    // 08:00 is missing, and 16:00 of the day before is not asked for.
    assert_eq!(tables, [("bview.20211004.0000.gz", true), ("bview.20211004.0800.gz", false)]);
    // All updates since it: from midnight to 15:50.
    let since = delivered.len() - 2;
    assert_eq!(since, 15 * 12 + 10);
    assert_eq!(delivered.iter().filter(|one| one.is_there()).count(), 3);
    archive.put(TABLE, &table(at("2021-10-04T08:00:00Z")));
    let newest = fetched(&order(&archive, folder.path(), Tables::With)).await;
    assert_eq!(newest.len(), 1 + 7 * 12 + 10);
}

#[tokio::test]
async fn a_server_is_asked_for_few_files_at_once() {
    let archive = Archive::open().await;
    let folder = tempfile::tempdir().unwrap();
    let begin = at("2021-10-04T15:00:00Z");
    for n in 0..12 {
        let at = begin + Span::from_seconds(300 * n);
        archive.put(&format!("/rrc00/2021.10/updates.20211004.15{:02}.gz", 5 * n), &updates(at));
    }
    let mut order = order(&archive, folder.path(), Tables::Without);
    order.window = Window { from: begin, until: at("2021-10-04T16:00:00Z") };
    order.parallel = 64;
    let delivered = fetched(&order).await;
    assert_eq!(delivered.iter().filter(|one| one.is_there()).count(), 12);
    let at_once = archive.at_once();
    assert!((2..=4).contains(&at_once), "{at_once} at once");
}

#[tokio::test]
async fn one_fetches_into_a_folder_at_a_time() {
    let (archive, folder, _) = begin().await;
    let order = order(&archive, folder.path(), Tables::Without);
    // The first holds the folder as long as it waits.
    archive.wrong(FIRST, [Wrong::Status(503, None)]);
    let (waiting, wait) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (told, until) = (Arc::clone(&waiting), Arc::clone(&wait));
    let pause: Pause = Arc::new(move |_| {
        let (told, until) = (Arc::clone(&told), Arc::clone(&until));
        Box::pin(async move {
            told.notify_one();
            until.notified().await;
        })
    });
    let first = tokio::spawn({
        let order = order.clone();
        async move { fetch(&order, pause, None).await }
    });
    waiting.notified().await;
    assert!(matches!(fetch(&order, impatient().0, None).await, Err(FetchError::Busy { .. })));
    wait.notify_one();
    assert!(first.await.unwrap().unwrap().iter().all(Delivered::is_there));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_which_takes_nothing_more_ends_it_with_what_to_do() {
    use miette::Diagnostic;
    let (archive, folder, _) = begin().await;
    let shelf = folder.path().join("rrc00/2021.10");
    std::fs::create_dir_all(&shelf).unwrap();
    // Whatever is written there is refused as on a full disk.
    std::os::unix::fs::symlink("/dev/full", shelf.join(".updates.20211004.1540.gz.part")).unwrap();
    let error = fetch(&order(&archive, folder.path(), Tables::Without), impatient().0, None).await.unwrap_err();
    let FetchError::Disk { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.kind() == std::io::ErrorKind::StorageFull || source.kind() == std::io::ErrorKind::InvalidInput, "{source:?}");
    assert!(error.help().unwrap().to_string().contains("is kept"));
}

#[tokio::test]
async fn the_index_tells_names_which_no_rule_builds() {
    let archive = Archive::open().await;
    let folder = tempfile::tempdir().unwrap();
    let begins = at("2008-02-23T00:14:00Z");
    let shelf = "/bgpdata/2008.02/UPDATES/";
    archive.put(shelf, b"<a href=\"updates.20080223.0014.bz2\">x</a><a href=\"updates.20080223.0029.bz2\">x</a>");
    archive.put(&format!("{shelf}updates.20080223.0014.bz2"), &updates(begins));
    archive.put(&format!("{shelf}updates.20080223.0029.bz2"), &updates(begins + Span::from_seconds(900)));
    let mut order = order(&archive, folder.path(), Tables::With);
    order.collectors = collectors(&["route-views2".to_owned()]).unwrap();
    order.window = Window { from: at("2008-02-23T00:15:00Z"), until: at("2008-02-23T00:30:00Z") };
    assert!(!fetched(&order).await.iter().any(Delivered::is_there), "the rule says 0015");
    order.names = Names::Index;
    let delivered = fetched(&order).await;
    assert_eq!(delivered.len(), 2);
    assert!(
        delivered.iter().all(Delivered::is_there) && folder.path().join("route-views2/2008.02/updates.20080223.0014.bz2").exists()
    );
}

#[tokio::test]
async fn times_whose_names_mean_something_else_are_refused() {
    let archive = Archive::open().await;
    let folder = tempfile::tempdir().unwrap();
    let mut order = order(&archive, folder.path(), Tables::With);
    order.window = Window { from: at("2002-07-22T22:00:00Z"), until: at("2002-07-22T23:00:00Z") };
    let error = plan(&order, impatient().0).await.unwrap_err();
    assert!(error.to_string().contains("rrc00 from before 2003-07-23"), "{error}");
    // The index of RIS tells when they begin.
    order.names = Names::Index;
    archive.put("/rrc00/2002.07/", b"<a href=\"updates.20020722.2238.gz\">x</a><a href=\"bview.20020722.2137.gz\">x</a>");
    let names: Vec<String> = plan(&order, impatient().0).await.unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["bview.20020722.2137.gz", "updates.20020722.2238.gz"]);
    order.collectors = collectors(&["route-views2".to_owned()]).unwrap();
    assert!(matches!(plan(&order, impatient().0).await, Err(FetchError::OldNames { listed: false, .. })));
}

/// A page of the broker with so many rows, beginning with this one.
fn broker_page(archive: &Archive, first: usize, rows: usize) -> String {
    let row = |n: usize| {
        let begins = at("2021-10-01T00:00:00Z") + Span::from_seconds(300 * i64::try_from(n).unwrap());
        let text = begins.to_string();
        let name = format!("updates.{}.{}.gz", text[..10].replace('-', ""), text[11..16].replace(':', ""));
        serde_json::json!({
            "ts_start": text.trim_end_matches('Z'), "ts_end": text.trim_end_matches('Z'), "collector_id": "rrc00",
            "data_type": "updates", "url": format!("{}/elsewhere/{name}", archive.url), "rough_size": 1, "exact_size": 0,
        })
    };
    let data: Vec<Value> = (first..first + rows).map(row).collect();
    serde_json::json!({"count": rows, "page": 1, "page_size": 1_000, "error": null, "data": data}).to_string()
}

#[tokio::test]
async fn a_broker_is_asked_page_by_page() {
    let archive = Archive::open().await;
    let folder = tempfile::tempdir().unwrap();
    let mut order = order(&archive, folder.path(), Tables::Without);
    order.window = Window { from: at("2021-10-02T00:00:00Z"), until: at("2021-10-10T00:00:00Z") };
    order.names = Names::Broker(format!("{}/v3/broker", archive.url));
    let (from, until) = (at("2021-10-01T00:00:00Z").seconds(), at("2021-10-10T00:00:00Z").seconds());
    let page =
        |number: usize| format!("/v3/broker/search?ts_start={from}&ts_end={until}&collector_id=rrc00&page={number}&page_size=1000");
    archive.put(&page(1), broker_page(&archive, 0, 1_000).as_bytes());
    archive.put(&page(2), broker_page(&archive, 1_000, 1_000).as_bytes());
    archive.put(&page(3), broker_page(&archive, 2_000, 7).as_bytes());
    archive.wrong(&page(2), [Wrong::Status(502, None)]);
    let files = plan(&order, impatient().0).await.unwrap();
    // What begins before the window is left out, and the last page is the end.
    assert_eq!(files.len(), 2_007 - 288);
    assert!(files.iter().all(|file| file.url.starts_with(&format!("{}/elsewhere/", archive.url))));
    assert_eq!(archive.served().len(), 4);
    archive.put(&page(3), b"{\"error\": \"too many questions\", \"data\": []}");
    let error = plan(&order, impatient().0).await.unwrap_err();
    assert!(error.to_string().contains("too many questions"), "{error}");
    order.names = Names::Broker(format!("{}/nothing", archive.url));
    assert!(matches!(plan(&order, impatient().0).await, Err(FetchError::NoList { .. })));
}
