//! Completion scripts: the shells take them, and complete with them.

use crate::installed::installed;
use assert_cmd::cargo::cargo_bin_cmd;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The script for a shell, in a file.
fn script(shell: &str, home: &Path) -> PathBuf {
    let ran = cargo_bin_cmd!("faultline").args(["completions", shell]).output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(ran.stdout.len() > 1000, "{shell}: hardly a script: {}", String::from_utf8_lossy(&ran.stdout));
    let again = cargo_bin_cmd!("faultline").args(["completions", shell]).output().unwrap();
    assert_eq!(ran.stdout, again.stdout, "{shell}: the same program writes the same script");
    let path = home.join(format!("faultline.{shell}"));
    std::fs::write(&path, ran.stdout).unwrap();
    path
}

fn lines(command: &mut Command) -> Vec<String> {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What bash offers for the last of these words, as it would ask the function of the script.
fn bash(script: &Path, words: &[&str]) -> Vec<String> {
    // `compopt` refuses to work outside of a real completion; the candidates do not depend on it.
    let ask = r#"source "$1"; shift; compopt() { :; }
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _faultline faultline "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    lines(Command::new("bash").args(["-c", ask, "bash"]).arg(script).arg("faultline").args(words))
}

#[test]
fn bash_completes_commands_options_values_and_files() {
    let Some(mut shell) = installed("bash", "completions of bash") else { return };
    let home = tempfile::tempdir().unwrap();
    let script = script("bash", home.path());
    lines(shell.arg("-n").arg(&script));
    assert_eq!(bash(&script, &["ana"]), ["analyze"]);
    assert_eq!(bash(&script, &["org", "ch"]), ["check"]);
    assert_eq!(bash(&script, &["completions", "z"]), ["zsh"]);
    assert_eq!(bash(&script, &["analyze", "--all"]), ["--all-origins"]);
    assert_eq!(bash(&script, &["explain", "my.toml", "rrc00/", "--s"]), ["--service"]);
    assert_eq!(bash(&script, &["analyze", "--format", "j"]), ["json", "jsonl"]);
    for command in [&["explain"][..], &["org", "check"], &["drill"]] {
        assert_eq!(bash(&script, &[command, &["--format", "j"]].concat()), ["json"], "{command:?}");
    }
    assert_eq!(bash(&script, &["analyze", "my.toml", "--probes", "data/lab/lab"]), ["data/lab/lab.toml"]);
    // Nothing of its own is offered for a file: bash then offers files (`-o default`).
    assert_eq!(bash(&script, &["analyze", "data/lab/la"]), [""]);
    let text = std::fs::read_to_string(&script).unwrap();
    assert!(text.contains("-o default faultline") && text.contains("compopt -o plusdirs"), "files and folders: {text}");
}

#[test]
fn zsh_takes_its_script() {
    let home = tempfile::tempdir().unwrap();
    let script = script("zsh", home.path());
    let text = std::fs::read_to_string(&script).unwrap();
    assert!(text.starts_with("#compdef faultline"), "{text}");
    for hint in [":DIR:_files -/'", ":PATH:_files'", "standard input:_files'"] {
        assert!(text.contains(hint), "{hint} is missing: {text}");
    }
    let Some(mut shell) = installed("zsh", "completions of zsh") else { return };
    lines(shell.arg("-n").arg(&script));
}

#[test]
fn fish_completes_commands_and_options() {
    let home = tempfile::tempdir().unwrap();
    let script = script("fish", home.path());
    let Some(mut shell) = installed("fish", "completions of fish") else { return };
    lines(shell.arg("-n").arg(&script));
    let ask = |typed: &str| {
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"]).arg(&script).arg(typed).env("HOME", home.path());
        lines(&mut fish).iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ask("faultline ana"), ["analyze"]);
    assert_eq!(ask("faultline analyze --all"), ["--all-origins"]);
    assert!(ask("faultline analyze data/lab/la").contains(&"data/lab/lab.toml".to_owned()));
}

/// Neither is easily installed, so only what must be in their scripts is looked for.
#[test]
fn elvish_and_powershell_know_every_command() {
    let home = tempfile::tempdir().unwrap();
    for (shell, beginning) in [("elvish", "arg-completer[faultline]"), ("powershell", "Register-ArgumentCompleter")] {
        let text = std::fs::read_to_string(script(shell, home.path())).unwrap();
        assert!(text.contains(beginning), "{shell}: {text}");
        for name in ["faultline;analyze", "faultline;explain", "faultline;org;check", "faultline;drill"] {
            assert!(text.contains(name), "{shell} does not know {name}");
        }
    }
}
