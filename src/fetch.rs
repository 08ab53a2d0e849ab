//! Archive files from where they are published: which a window of time needs, and their way onto the disk.
//!
//! [`archive`] knows the archives' naming and asks nobody; [`broker`] reads the answers of a bgpkit-broker, [`patience`] says how long to wait before the next
//! attempt. With the feature `live`, [`run`] fetches: several files at a time, each resumed where it broke off, verified by decoding, and only then put under
//! its name; `ledger` remembers what was verified. Nothing of what is inside is stated, and no organization is known.

pub mod archive;
pub mod broker;
#[cfg(feature = "live")]
mod courier;
#[cfg(feature = "live")]
mod ledger;
pub mod patience;
#[cfg(feature = "live")]
pub mod run;

use crate::source::collectors::{LISTED_ON, Project, nearest, project_of};
use crate::time::Timestamp;
use archive::{Collector, Window};
use std::path::PathBuf;

/// Why nothing, or no more, can be fetched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FetchError {
    /// No collector of that name is known.
    #[error("`{name}` is no collector whose archive is public, as far as the list of {LISTED_ON} says")]
    #[diagnostic(help("{}", meant(.nearest.as_deref())))]
    UnknownCollector {
        /// As named.
        name: String,
        /// The name which was probably meant.
        nearest: Option<String>,
    },
    /// No collector was named.
    #[error("no collector was named")]
    #[diagnostic(help("name some, such as rrc00,route-views2"))]
    NoCollector,
    /// The window ends before it begins.
    #[error("the window ends at {}, which is not after its begin at {}", until.in_words(), from.in_words())]
    #[diagnostic(help("write the earlier time after --from and the later one after --until"))]
    Inverted {
        /// It begins.
        from: Timestamp,
        /// It ends.
        until: Timestamp,
    },
    /// Nothing was recorded yet of what is asked for.
    #[error("{} has not come yet", at.in_words())]
    #[diagnostic(help("archives hold what was; the newest files are some minutes old (it is {})", now.in_words()))]
    Future {
        /// What was asked for.
        at: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Names of that time cannot be built, or do not mean what they say.
    #[error("files of {collector} from before {} have names which do not tell when they begin in UTC", since.in_words())]
    #[diagnostic(help("{}", old_names(.listed)))]
    OldNames {
        /// The collector.
        collector: String,
        /// From then on they do.
        since: Timestamp,
        /// Whether an index page would help.
        listed: bool,
    },
    /// A file or folder cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    #[diagnostic(help("{}; what was fetched so far is kept, and fetching again goes on from there", on_disk(source)))]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else fetches into the folder.
    #[error("another fetch writes into {}", path.display())]
    #[diagnostic(help("wait until it is done, or name another folder"))]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// What should list files could not be asked, or gave no list.
    #[error("{url} gives no list of files: {reason}")]
    #[diagnostic(help("check the address; without --index and --broker names are built by the archives' rules"))]
    NoList {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// HTTP cannot be set up.
    #[cfg(feature = "live")]
    #[error(transparent)]
    Web(#[from] crate::web::WebError),
}

fn meant(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => "write a name such as rrc00 or route-views.linx; a newer one as ris:NAME or routeviews:NAME".to_owned(),
    }
}

fn old_names(listed: &bool) -> &'static str {
    if *listed {
        "add --index: the archive then says which files it has"
    } else {
        "fetch them by hand, and read them by the times in their records"
    }
}

fn on_disk(error: &std::io::Error) -> &'static str {
    if error.kind() == std::io::ErrorKind::StorageFull {
        "make room on the disk"
    } else {
        "check that the folder can be written to"
    }
}

/// The collectors of these names, each once. A name which is not in the list may say who publishes its archive: `ris:NAME`, `routeviews:NAME`.
///
/// # Errors
/// If a name is not known, or none is given.
pub fn collectors(names: &[String]) -> Result<Vec<Collector>, FetchError> {
    let mut found: Vec<Collector> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let (project, name) = match name.split_once(':') {
            Some(("ris", name)) => (Some(Project::Ris), name),
            Some(("routeviews", name)) => (Some(Project::RouteViews), name),
            _ => (project_of(name), name),
        };
        match project.filter(|_| is_plain(name)) {
            Some(project) => found.push(Collector { name: name.to_owned(), project }),
            None => return Err(FetchError::UnknownCollector { name: name.to_owned(), nearest: nearest(name) }),
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() { Err(FetchError::NoCollector) } else { Ok(found) }
}

/// True for names which can stand in an address and name a folder.
fn is_plain(name: &str) -> bool {
    let start = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    start
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        && !name.contains("..")
}

/// The window between two times, neither of which is to come.
///
/// # Errors
/// If it ends before it begins, or lies in the future.
pub fn window(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<Window, FetchError> {
    if let Some(at) = [from, until].into_iter().find(|at| *at > now) {
        return Err(FetchError::Future { at, now });
    }
    if until <= from { Err(FetchError::Inverted { from, until }) } else { Ok(Window { from, until }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    fn named(names: &[&str]) -> Result<Vec<Collector>, FetchError> {
        collectors(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn collectors_are_named_once_and_new_ones_say_whose_they_are() {
        let found = named(&["route-views2", " rrc00 ", "rrc00", "ris:rrc31", "routeviews:new-ix.vie"]).unwrap();
        let names: Vec<(&str, Project)> = found.iter().map(|one| (one.name.as_str(), one.project)).collect();
        assert_eq!(
            names,
            [
                ("new-ix.vie", Project::RouteViews),
                ("route-views2", Project::RouteViews),
                ("rrc00", Project::Ris),
                ("rrc31", Project::Ris)
            ]
        );
        assert!(matches!(named(&["", " "]), Err(FetchError::NoCollector)));
    }

    #[test]
    fn an_unknown_collector_is_answered_with_what_was_meant() {
        let help = |name: &str| named(&[name]).unwrap_err().help().unwrap().to_string();
        assert!(help("rcc00").contains("`rrc00`"));
        assert!(help("linx").contains("`route-views.linx`"));
        assert!(help("nobody-knows-it").contains("ris:NAME"));
        for hostile in ["ris:../../etc", "ris:a/b", "routeviews:", "ris:.hidden", "ris:a b", "ris:a\u{202e}b"] {
            assert!(matches!(named(&[hostile]), Err(FetchError::UnknownCollector { .. })), "{hostile}");
        }
    }

    #[test]
    fn a_window_is_neither_inverted_nor_to_come() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-28T12:00:00Z");
        assert!(window(at("2026-11-28T10:00:00Z"), now, now).is_ok());
        let inverted = window(at("2026-11-28T10:00:00Z"), at("2026-11-28T09:00:00Z"), now).unwrap_err();
        assert!(
            inverted.to_string().contains("09:00:00 UTC, which is not after its begin at 2026-11-28 10:00:00 UTC"),
            "{inverted}"
        );
        let to_come = window(at("2026-11-28T10:00:00Z"), at("2026-11-28T13:00:00Z"), now).unwrap_err();
        assert!(to_come.to_string().contains("13:00:00 UTC has not come yet"), "{to_come}");
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = FetchError::Disk { path: "a/b".into(), source };
        let help = error.help().unwrap().to_string();
        assert!(help.contains("make room") && help.contains("is kept"), "{help}");
    }
}
