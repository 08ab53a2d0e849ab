//! What the stream did not tell, and what archives told of it, in words.

use crate::watch::backfill::{Filled, Hole};

/// From when to when.
pub(super) fn within(hole: &Hole) -> String {
    format!("from {} to {}", hole.from.in_words(), hole.until.in_words())
}

/// What came of a hole, in words.
pub(super) fn filled(filled: &Filled) -> String {
    let within = within(&filled.hole);
    let known = match filled.collectors.as_slice() {
        [] => None,
        known => Some(format!("what was said {within} is known now, from {} files of {}", filled.files, known.join(", "))),
    };
    let unknown = match filled.unknown.as_slice() {
        [] => None,
        unknown => Some(format!("the archives do not have what {} heard {within}", unknown.join(", "))),
    };
    let both: Vec<String> = known.into_iter().chain(unknown).collect();
    if both.is_empty() { format!("nobody was heard of whom archives could tell what was said {within}") } else { both.join("; ") }
}
