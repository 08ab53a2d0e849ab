//! The organization profile: TOML in, a validated [`Organization`] out, every error at its line and column.
//!
//! Takes a file or its text; gives [`Checked`], or a [`ProfileError`] which holds every problem of the file, not just the first.
//! What is allowed but looks like a mistake is a [`ProfileWarning`]. It asks no network: whether a host name exists is not checked
//! here. `docs/profile.md` describes every key.
//!
//! Order of the parts: `problem` (what may be wrong, and where), `field` (one value or table of the document and its place),
//! `value` (texts with a meaning of their own: AS numbers, prefixes, host names), `section` (one function a table of the document),
//! `alert` (the tables `[[alerts]]`), `probing` (the table `[probing]`), `threshold` (the table `[settings]`), `consistency` (what only
//! shows when everything is read).

mod alert;
mod consistency;
mod field;
mod probing;
mod problem;
mod section;
mod threshold;
mod value;

pub use problem::{Problem, ProfileWarning};

use super::Organization;
use crate::vantage::Asn;
use field::{Section, Table};
use miette::NamedSource;
use problem::Findings;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// A profile without errors.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What it says.
    pub organization: Organization,
    /// What is allowed but looks like a mistake, in the order of the file.
    pub warnings: Vec<ProfileWarning>,
    /// The text under the name of its file: `miette::Report::new(warning).with_source_code(text)` shows the line.
    pub text: NamedSource<String>,
}

/// Why there is no organization.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read the profile {}", path.display())]
    #[diagnostic(help("name a readable TOML file first, and archives after it; docs/profile.md has a complete example"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no text.
    #[error("the profile {} is not UTF-8: byte {offset} begins no character", path.display())]
    #[diagnostic(help("save the file as UTF-8"))]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte which cannot be read, from 0.
        offset: usize,
    },
    /// No profile is so long, or has a line so long.
    #[error("the profile {} is no profile: {what}", path.display())]
    #[diagnostic(help("name a profile, as docs/profile.md describes it"))]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What is too long.
        what: String,
    },
    /// The text says something wrong, or too little.
    #[error("{} in the profile {}", counted(problems.len()), path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Its text.
        #[source_code]
        text: NamedSource<String>,
        /// Everything wrong with it, in the order of the file.
        #[related]
        problems: Vec<Problem>,
    },
}

fn counted(problems: usize) -> String {
    if problems == 1 { "1 error".to_owned() } else { format!("{problems} errors") }
}

impl ProfileError {
    /// One line a problem, as compilers write them: `file:line:column: what is wrong; what to write`.
    pub fn lines(&self) -> Vec<String> {
        match self {
            ProfileError::Unreadable { .. } | ProfileError::NotText { .. } | ProfileError::TooLong { .. } => vec![self.to_string()],
            ProfileError::Invalid { path, problems, .. } => {
                problems.iter().map(|p| format!("{}:{}:{}: {p}; {}", path.display(), p.line, p.column, p.help)).collect()
            }
        }
    }
}

/// An AS number as profiles write it: `32934`, `AS32934` or `1.10`.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn as_number(text: &str) -> Result<Asn, String> {
    value::as_number(text).map_err(|complaint| format!("{}; {}", complaint.message, complaint.help))
}

/// A host or zone name as profiles keep it: lower case, no final dot.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn host_name(text: &str) -> Result<String, String> {
    value::host_name(text).map_err(|complaint| format!("{}; {}", complaint.message, complaint.help))
}

/// Ten thousand prefixes with labels take one hundredth of this.
const LONGEST_FILE: u64 = 64 << 20;
const LONGEST_LINE: usize = 20_000;

/// Reads a profile from a file.
pub fn read(path: &Path) -> Result<Checked, ProfileError> {
    let unreadable = |source| ProfileError::Unreadable { path: path.to_owned(), source };
    let too_long = |what: String| ProfileError::TooLong { path: path.to_owned(), what };
    let mut bytes = Vec::new();
    // What is named may be a device without an end.
    File::open(path).map_err(unreadable)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(too_long(format!("longer than {} MiB", LONGEST_FILE >> 20)));
    }
    // Errors show the line in which they stand.
    if let Some((line, _)) = bytes
        .split(|byte| *byte == b'\n')
        .zip(1_usize..)
        .map(|(text, line)| (line, text))
        .find(|(_, text)| text.len() > LONGEST_LINE)
    {
        return Err(too_long(format!("line {line} is longer than {LONGEST_LINE} bytes")));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| ProfileError::NotText { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })?;
    parse(&text, path)
}

/// Reads a profile from its text; `path` is only a name, for messages and for `Organization::file`.
///
/// A text which is not TOML is reported with all its errors of syntax, and is not judged further: what is missing from it may only be
/// hidden by them.
pub fn parse(text: &str, path: &Path) -> Result<Checked, ProfileError> {
    let source = NamedSource::new(path.display().to_string(), text.to_owned()).with_language("TOML");
    let mut findings = Findings::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        findings.problem(
            error.span().unwrap_or(0..0),
            error.message().to_owned(),
            "write TOML as https://toml.io/en/v1.0.0 defines it",
        );
    }
    let organization = if errors.is_empty() {
        let root = Section::new(Table { key: "", span: 0..0, table: document.get_ref() });
        section::organization(root, path, &mut findings)
    } else {
        None
    };
    let (problems, warnings) = findings.into_sorted();
    match organization {
        Some(organization) if problems.is_empty() => Ok(Checked { organization, warnings, text: source }),
        _ => Err(ProfileError::Invalid { path: path.to_owned(), text: source, problems }),
    }
}

#[cfg(test)]
mod tests;
