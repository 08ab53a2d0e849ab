//! Progress from outside: drawn on a terminal, nowhere else.

use crate::installed::installed;
use assert_cmd::cargo::cargo_bin_cmd;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A drill which takes some times longer than work must for its progress to be shown.
const LONG: &str = r#"
[drill]
name = "long"
kind = "exercise"
start = 2026-01-01T00:00:00Z
end = 2026-01-01T06:00:00Z
seed = 1

[[collectors]]
name = "rrc00"
peers = 24

[background]
prefixes_v4 = 500
prefixes_v6 = 100
updates_per_minute = 500
"#;

fn timeline(home: &Path) -> PathBuf {
    let path = home.join("long.toml");
    std::fs::write(&path, LONG).unwrap();
    path
}

#[test]
fn nothing_is_drawn_where_standard_error_is_no_terminal() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let ran = cargo_bin_cmd!("faultline").arg("drill").arg(timeline(home.path())).arg("--out").arg(&out).output().unwrap();
    assert_eq!((ran.status.code(), String::from_utf8(ran.stderr).unwrap().as_str()), (Some(0), ""));
    let ran = cargo_bin_cmd!("faultline").args(["analyze", "--all-origins"]).arg(out.join("mrt")).output().unwrap();
    assert_eq!(String::from_utf8(ran.stderr).unwrap(), "");
    assert!(!ran.stdout.is_empty() && !ran.stdout.contains(&0x1b) && !ran.stdout.contains(&b'\r'));
}

/// The same work on a terminal: without this, the test above would hold of a program which never draws.
#[test]
fn long_work_is_drawn_on_a_terminal_and_not_into_the_data() {
    let Some(mut script) = installed("script", "progress on a terminal") else { return };
    let home = tempfile::tempdir().unwrap();
    let (out, data) = (home.path().join("out"), home.path().join("data.json"));
    let program = env!("CARGO_BIN_EXE_faultline");
    let (timeline, folder, data_path) = (timeline(home.path()), out.display(), data.display());
    let typed = format!("'{program}' drill '{}' --out '{folder}' --format json > '{data_path}'", timeline.display());
    let ran = script.args(["-qec", &typed]).arg("/dev/null").env("TERM", "xterm").output().unwrap();
    let screen = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success() && screen.contains("playing the timeline"), "{screen}");
    assert!(screen.trim_end().ends_with("\u{1b}[2K"), "the last thing drawn is wiped: {screen:?}");
    let printed: serde_json::Value = serde_json::from_slice(&std::fs::read(&data).unwrap()).unwrap();
    assert_eq!(printed["format"], "faultline-drill");
    let mut script = Command::new("script");
    let typed = format!("'{program}' analyze --all-origins '{folder}/mrt' --format json > '{data_path}'");
    let ran = script.args(["-qc", &typed]).arg("/dev/null").env("TERM", "xterm").env("COLUMNS", "120").output().unwrap();
    let screen = String::from_utf8(ran.stdout).unwrap();
    for part in ["BGP archives", " of 73 files, ", "B/s", " left"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
}
