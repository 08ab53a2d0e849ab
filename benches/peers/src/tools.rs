//! Those who are compared: the programs, how they are called on some files, and what to install where they are missing.

use crate::compare::Contestant;
use crate::places::Places;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release of mrtparse which is compared.
const MRTPARSE: &str = "mrtparse==2.2.0";
/// Counts what mrtparse reads.
const MRTPARSE_COUNT: &str = include_str!("../mrtparse_count.py");

fn contestant(name: impl Into<String>, words: impl IntoIterator<Item = String>, files: &[PathBuf]) -> Contestant {
    let files = files.iter().map(|file| file.display().to_string());
    Contestant { name: name.into(), command: words.into_iter().chain(files).collect(), statuses: vec![0], tells: false }
}

fn words<'a>(words: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    words.iter().map(|word| (*word).to_owned())
}

/// `faultline analyze` for the organization of a profile. Its exit status says what it found: 0, 1 and 3 are answers.
pub fn faultline(program: &str, profile: &Path, files: &[PathBuf]) -> Contestant {
    let mut files = files.to_vec();
    files.insert(0, profile.to_owned());
    let ours = contestant("Faultline", words(&[program, "analyze", "--format", "json", "--stats=json"]), &files);
    Contestant { statuses: vec![0, 1, 3], ..ours }
}

/// The same, file by file: for files which have nothing to do with each other and lie years apart.
pub fn faultline_each(program: &str, profile: &Path, files: &[PathBuf]) -> Contestant {
    // Exit status 2 is an error; the others are answers.
    let each = r#"for file in "$@"; do "$0" analyze --format json "$ORG" "$file"; [ $? != 2 ] || exit 2; done"#;
    let organization = format!("ORG={}", profile.display());
    contestant("Faultline", words(&["env", &organization, "sh", "-c", each, program]), files)
}

/// `faultline analyze --all-origins`.
pub fn faultline_all(program: &str, files: &[PathBuf]) -> Contestant {
    let ours = contestant("Faultline", words(&[program, "analyze", "--all-origins", "--format", "json", "--stats=json"]), files);
    Contestant { statuses: vec![0, 1, 3], ..ours }
}

/// A peer which is a part of this program.
pub fn reader(places: &Places, name: &str, part: &[&str], files: &[PathBuf]) -> Contestant {
    let own = [places.own()].into_iter().chain(words(part)).collect::<Vec<_>>();
    Contestant { tells: true, ..contestant(name, own, files) }
}

/// `PROGRAM -dc FILES`: unpacking alone.
///
/// # Errors
/// What to install.
pub fn unpacker(program: &str, files: &[PathBuf]) -> Result<Contestant, String> {
    needed(program, program)?;
    Ok(contestant(format!("`{program} -dc`"), words(&[program, "-dc"]), files))
}

/// `bgpdump -m`, file by file.
///
/// # Errors
/// What to install.
pub fn bgpdump(files: &[PathBuf]) -> Result<Contestant, String> {
    needed("bgpdump", "bgpdump")?;
    let each = r#"for file in "$@"; do bgpdump -m "$file" || exit 1; done"#;
    Ok(contestant("`bgpdump -m`", words(&["sh", "-c", each, "sh"]), files))
}

/// mrtparse on a Python of its own, installed now if it is not there.
///
/// # Errors
/// What to install.
pub fn mrtparse(places: &Places, files: &[PathBuf]) -> Result<Contestant, String> {
    let venv = places.target.join("bench-venv");
    let (python, script) = (venv.join("bin/python"), venv.join("mrtparse_count.py"));
    let quietly =
        |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let there = quietly(Command::new(&python).args(["-c", "import mrtparse"]))
        || (quietly(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            && quietly(Command::new(&python).args(["-m", "pip", "install", "--quiet", MRTPARSE])));
    if !there || std::fs::write(&script, MRTPARSE_COUNT).is_err() {
        return Err(format!(
            "mrtparse: needs python3 with venv, and {MRTPARSE} from PyPI (pip install {MRTPARSE}) in {}",
            venv.display()
        ));
    }
    let command = [python.display().to_string(), script.display().to_string()];
    Ok(Contestant { tells: true, ..contestant("mrtparse", command, files) })
}

/// Looks for a program.
///
/// # Errors
/// What to install.
pub fn needed(program: &str, package: &str) -> Result<(), String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    found.then_some(()).ok_or_else(|| format!("{program}: is not installed (Debian: apt-get install {package})"))
}
