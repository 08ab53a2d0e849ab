//! `faultline fetch`, and `faultline watch --seed-newest`, as they are typed, with an archive on the loopback.

use crate::archive_server::Archive;
use crate::fetch::{FIRST, PEER, SECOND, TABLE, at, begin, gzip, impatient, order, seconds, table};
use crate::wire::*;
use faultline::fetch::archive::{Tables, Window};
use faultline::fetch::run::{Order, plan};
use faultline::time::{Span, Timestamp};
use serde_json::Value;

/// The program, with the archive in place of both.
async fn program(archive: &Archive, arguments: &[&str]) -> std::process::Output {
    let mut program = tokio::process::Command::new(assert_cmd::cargo::cargo_bin!("faultline"));
    program.args(arguments).args(["--ris-url", &archive.url, "--routeviews-url", &archive.url]);
    program.output().await.unwrap()
}

#[tokio::test]
async fn the_program_tells_people_and_programs_what_came_of_it() {
    let (archive, folder, files) = begin().await;
    archive.put(TABLE, &table(at("2021-10-04T08:00:00Z")));
    let out = folder.path().join("archives");
    let out = out.to_str().unwrap();
    let window =
        ["fetch", "--from", "2021-10-04T15:40:00Z", "--until", "2021-10-04T15:50:00Z", "--collectors", "rrc00", "--out", out];
    let typed = |more: &[&'static str]| window.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let planned = program(&archive, &typed(&["--dry-run", "--ribs", "without"])).await;
    let text = String::from_utf8(planned.stdout).unwrap();
    assert_eq!(text.lines().take(2).collect::<Vec<_>>(), [format!("{}{FIRST}", archive.url), format!("{}{SECOND}", archive.url)]);
    assert_eq!((planned.status.code(), archive.served()), (Some(0), Vec::new()));
    let ran = program(&archive, &typed(&["--ribs", "without", "--format", "json"])).await;
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&json["format"], &json["version"], &json["dry_run"]), (&"faultline-fetch".into(), &1.into(), &false.into()));
    let first = &json["files"][0];
    assert_eq!((&first["outcome"], &first["kind"], &first["records"]), (&"fetched".into(), &"updates".into(), &2_000.into()));
    assert_eq!(first["blake3"], blake3::hash(&files[0]).to_hex().to_string());
    assert_eq!(std::fs::read(first["path"].as_str().unwrap()).unwrap(), files[0]);
    // With the table there are gaps since: 7 h 40 min of five minutes each.
    let gaps = program(&archive, &window).await;
    let text = String::from_utf8(gaps.stdout).unwrap();
    assert_eq!(gaps.status.code(), Some(3), "{text}");
    for told in ["1 file fetched into", "2 files there already", "92 files missing in the archive:", "and 72 more", "--index"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let slip = program(&archive, &["fetch", "--from", "2021-10-04T15:40:00Z", "--collectors", "rcc00", "--out", out]).await;
    let error = String::from_utf8(slip.stderr).unwrap();
    assert!(slip.status.code() == Some(2) && error.contains("did you mean `rrc00`?"), "{error}");
}

#[tokio::test]
async fn a_watch_begins_with_the_newest_archives() {
    let archive = Archive::open().await;
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache");
    // The program's clock is the system's: every slot of the last two days is there.
    let now = Timestamp::from_parts(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap(), 0);
    let order = Order { window: Window { from: now, until: now }, now, ..order(&archive, &cache, Tables::With) };
    let planned = plan(&order, impatient().0).await.unwrap();
    // The newest slot has no dump yet: the one before it is begun with.
    let newest = planned[0].begins;
    let before = newest - Span::from_seconds(8 * 3_600);
    for n in 0..(now.since(before).seconds() / 300 + 1) {
        let at = before + Span::from_seconds(300 * n);
        let text = at.to_string();
        let stamp = format!("{}.{}", text[..10].replace('-', ""), text[11..16].replace(':', ""));
        let folder = format!("/rrc00/{}/", text[..7].replace('-', "."));
        if n == 0 {
            archive.put(&format!("{folder}bview.{stamp}.gz"), &table(at));
        }
        archive.put(
            &format!("{folder}updates.{stamp}.gz"),
            &gzip(&message(seconds(at), 4, PEER, &update(&[], &["203.0.113.0/24"], &[64505]))),
        );
    }
    let profile = home.path().join("org.toml");
    std::fs::write(&profile, "[organization]\nname = \"x\"\nas_numbers = 64500\nprefixes = \"198.51.100.0/24\"\n").unwrap();
    // The stream ends at once: the listener hangs up, and the end of a replay is the end.
    let mut program = tokio::process::Command::new(assert_cmd::cargo::cargo_bin!("faultline"));
    program.args(["watch", profile.to_str().unwrap(), "--seed-newest", "rrc00", "--seed-dir", cache.to_str().unwrap()]);
    program.args(["--ris-url", &archive.url, "--stream", "ws://127.0.0.1:9/"]).kill_on_drop(true);
    program.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    let mut running = program.spawn().unwrap();
    let mut told = tokio::io::BufReader::new(running.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("vantage points are known") && !text.contains("Error") {
        let read = tokio::io::AsyncBufReadExt::read_line(&mut told, &mut text).await.unwrap();
        assert!(read > 0, "{text}");
    }
    running.kill().await.unwrap();
    assert!(text.contains("the tables of 1 of 1 vantage points are known"), "{text}");
    assert!(text.contains("files fetched into"), "{text}");
    let served = archive.served();
    assert!(served.iter().filter(|one| one.path.contains("bview")).count() == 2, "{served:?}");
}
