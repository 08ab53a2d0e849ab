//! The relevance scan by itself, for measuring it.

use super::interest::Interest;
use super::mrt::{Body, Frame, Frames, Step};
use crate::observation::Prefixes;
use crate::time::Timestamp;

/// What the relevance scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScannedAlone {
    /// Messages which it settled: nobody watches a prefix of them.
    pub settled: u64,
    /// Records which it left to the full decoder, or to who reads tables.
    pub left: u64,
    /// Prefixes of the messages which it settled.
    pub prefixes: u64,
}

/// Prefixes which are kept before they are forgotten.
const ROOM: usize = 4_096;

impl ScannedAlone {
    fn forget(&mut self, prefixes: &mut Prefixes) {
        self.prefixes += (prefixes.len()[0] + prefixes.len()[1]) as u64;
        prefixes.truncate([0; 2]);
    }
}

/// Runs the relevance scan over MRT records in memory, not packed, and nothing after it. What it leaves is decoded, and not looked at.
pub fn scan_alone(records: Vec<u8>, interest: &Interest) -> ScannedAlone {
    let (mut frames, mut scanned, mut prefixes) = (Frames::whole(records), ScannedAlone::default(), Prefixes::default());
    loop {
        while frames.plain(interest, Timestamp::MAX, &mut prefixes).is_some() {
            scanned.settled += 1;
            if prefixes.len()[0] + prefixes.len()[1] > ROOM {
                scanned.forget(&mut prefixes);
            }
        }
        scanned.forget(&mut prefixes);
        match frames.step(interest) {
            Step::Record(Frame { body: Body::Scanned(_), .. }) => scanned.settled += 1,
            Step::Record(_) => scanned.left += 1,
            Step::Damage(_) => {}
            Step::End => return scanned,
        }
    }
}
