//! The manual from outside: its files, and what a formatter makes of them.

use crate::installed::installed;
use assert_cmd::cargo::cargo_bin_cmd;
use std::path::{Path, PathBuf};

fn pages(out: &Path) -> Vec<PathBuf> {
    let ran = cargo_bin_cmd!("faultline").args(["man", "--out"]).arg(out).output().unwrap();
    assert!(ran.status.success() && ran.stdout.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut pages: Vec<PathBuf> = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

#[test]
fn one_page_for_each_command_is_written() {
    let home = tempfile::tempdir().unwrap();
    let pages = pages(&home.path().join("man1"));
    let names: Vec<&str> = pages.iter().map(|page| page.file_name().unwrap().to_str().unwrap()).collect();
    for name in ["faultline.1", "faultline-analyze.1", "faultline-org.1", "faultline-org-check.1", "faultline-man.1"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    let printed = cargo_bin_cmd!("faultline").arg("man").output().unwrap();
    assert_eq!(printed.stdout, std::fs::read(home.path().join("man1/faultline.1")).unwrap(), "without --out it is printed");
}

#[test]
fn a_formatter_has_nothing_to_complain_of() {
    let home = tempfile::tempdir().unwrap();
    for page in pages(home.path()) {
        for device in ["-Tascii", "-Tutf8"] {
            let Some(mut groff) = installed("groff", "pages of the manual") else { return };
            let ran = groff.args(["-man", device, "-ww"]).arg(&page).output().unwrap();
            assert!(ran.status.success() && ran.stderr.is_empty(), "{}: {}", page.display(), String::from_utf8_lossy(&ran.stderr));
        }
    }
}

/// A page as it is read, without what makes letters bold, in one line.
fn read(page: &Path) -> Option<String> {
    let mut groff = installed("groff", "pages of the manual")?;
    let ran = groff.args(["-man", "-Tascii", "-P-cbou", "-rHY=0"]).arg(page).output().unwrap();
    Some(String::from_utf8(ran.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn a_page_says_how_the_command_is_typed() {
    let home = tempfile::tempdir().unwrap();
    pages(home.path());
    let Some(text) = read(&home.path().join("faultline-analyze.1")) else { return };
    for part in [
        "SYNOPSIS faultline analyze [OPTIONS] <ORG.toml> [FILES]... faultline analyze [OPTIONS] --all-origins <FILES>... DESCRIPTION",
        "EXIT STATUS 0 ran, no incident 1 an incident was found 2 failed 3 no incident was found, but too little",
        "EXAMPLES A report of",
        "SEE ALSO faultline(1)",
    ] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
}

#[test]
fn the_usage_written_out_is_what_the_program_takes() {
    let ran = cargo_bin_cmd!("faultline").args(["analyze", "--help"]).output().unwrap();
    let help = String::from_utf8(ran.stdout).unwrap();
    assert!(!help.contains("ORG.toml> <FILES"), "{help}");
    assert!(help.contains("Usage: faultline analyze [OPTIONS] <ORG.toml> [FILES]...\n"), "{help}");
    // A profile alone, with probes; archives alone, without one; nothing at all.
    for (arguments, status) in [
        (&["analyze", "data/lab/lab.toml", "--probes", "data/lab/C"][..], 0),
        (&["analyze", "--all-origins", "data/lab/A/mrt"], 3),
        (&["analyze"], 2),
        (&["explain"], 2),
    ] {
        let ran = cargo_bin_cmd!("faultline").args(arguments).output().unwrap();
        assert_eq!(ran.status.code(), Some(status), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}
