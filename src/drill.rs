//! Drills: a written timeline becomes MRT archives, DNS and HTTP results and service status.
//!
//! Takes a timeline file (TOML; `docs/drill.md` names every key); gives a folder which can be analysed like recordings: `mrt/` with a
//! folder a collector, `dns.jsonl.gz`, `http.jsonl.gz`, `status.jsonl.gz` and `PROVENANCE.md`, which says that nothing in it was
//! recorded. The same timeline gives the same bytes.
//!
//! It judges nothing and reads no clock. What the timeline leaves open (which peer loses its route when) is filled in by a seeded
//! generator; a timeline of the kind `rebuilt` names the source of each of its rows, and says where it had none.

mod cast;
mod check;
mod dice;
mod error;
mod files;
mod observe;
mod play;
mod script;
mod select;
mod timeline;

pub use error::DrillError;
pub use files::{Written, WrittenFile, write};
pub use timeline::{Kind, Timeline};

use std::path::Path;

/// Reads and checks a timeline file.
///
/// # Errors
/// The file cannot be read, is not TOML, has a key which is not one of the timeline's, or says something which cannot be played. The
/// error names file, line and column and what to write.
pub fn read(path: &Path) -> Result<Timeline, DrillError> {
    let text = std::fs::read_to_string(path).map_err(|reason| DrillError::Read { file: path.to_owned(), reason })?;
    parse(path, &text)
}

/// [`read`] for text at hand; `path` is only named in errors and in what is written.
///
/// # Errors
/// As for [`read`].
pub fn parse(path: &Path, text: &str) -> Result<Timeline, DrillError> {
    let document = timeline::document(path, text)?;
    let timeline = Timeline { file: path.to_owned(), text: text.to_owned(), document };
    check::check(&timeline)?;
    Ok(timeline)
}

#[cfg(test)]
mod tests;
