//! Many vantage points asked together: a collector falls silent, and speaks again, with all its peers and of every prefix.

use super::{Cells, Note};
use crate::rib::PrefixId;
use crate::rib::rows::{bits, place};
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId};
use std::ops::Range;

/// Vantage points which are asked together, as bits of rows.
#[derive(Debug, Clone)]
pub struct Cohort {
    /// The words of a row in which somebody of it has a bit; other rows of it have as many words.
    words: Range<usize>,
    members: Box<[u64]>,
    /// Of whom dumps told something which neither a route nor a note shows, by family.
    told: [Vec<VantageId>; 2],
    /// Who forgot some prefixes.
    forgetful: Vec<VantageId>,
}

/// What a cohort says of one prefix, whether or not it is believed: a bit a vantage point.
#[derive(Debug, Default)]
pub struct Row {
    /// Who says something of it.
    pub known: Vec<u64>,
    /// Who has a route.
    pub present: Vec<u64>,
    /// Somebody has forgotten what it said.
    pub forgot: bool,
}

impl Cohort {
    /// How many words a row of it has.
    pub fn width(&self) -> usize {
        self.members.len()
    }

    /// Where in a row of it somebody has its bit; `None` if it does not belong to it.
    pub fn place(&self, from: VantageId) -> Option<(usize, u64)> {
        let (word, bit) = place(from);
        let word = word.checked_sub(self.words.start)?;
        self.members.get(word).is_some_and(|members| members & bit != 0).then_some((word, bit))
    }

    /// Those whose bits are set in a row of it, each with the place of its bit.
    pub fn of_row(&self, row: &[u64]) -> impl Iterator<Item = (VantageId, (usize, u64))> {
        let words = row.iter().copied().enumerate().map(|(word, bits)| (word + self.words.start, bits));
        bits(words).filter_map(|from| Some((from, self.place(from)?)))
    }
}

impl Row {
    /// Whether nobody says anything.
    pub fn is_empty(&self) -> bool {
        self.known.iter().all(|word| *word == 0)
    }
}

impl Cells {
    /// Asks these together.
    pub fn cohort(&self, who: impl Iterator<Item = VantageId> + Clone) -> Cohort {
        let places = who.clone().map(|from| place(from).0);
        let words = places.clone().min().unwrap_or(0)..places.max().map_or(0, |last| last + 1);
        let mut members = vec![0; words.len()].into_boxed_slice();
        for (word, bit) in who.clone().map(place) {
            members[word - words.start] |= bit;
        }
        let peer = |from: &VantageId| self.peers.get(from.index());
        let told = Family::BOTH.map(|family| {
            let told = |from: &VantageId| peer(from).is_some_and(|peer| peer.tables[family.index()].tells());
            who.clone().filter(told).collect()
        });
        let forgetful = who.filter(|from| peer(from).is_some_and(|peer| !peer.forgotten.is_empty())).collect();
        Cohort { words, members, told, forgetful }
    }

    /// Whether nobody else has or had a route to a prefix, or withdrew one. Of what dumps told by not listing it nothing is said.
    pub fn is_known_to_none_but(&self, prefix: PrefixId, those: &[VantageId]) -> bool {
        let noted = self.heads[prefix.index()].notes.iter().map(Note::from);
        noted.chain(self.routed.set(prefix)).all(|from| those.contains(&from))
    }

    /// What they say of a prefix.
    pub fn row(&self, prefix: PrefixId, cohort: &Cohort, row: &mut Row) {
        let (head, routed) = (&self.heads[prefix.index()], self.routed.row(prefix));
        let routed = cohort.words.clone().map(|word| routed.get(word).copied().unwrap_or(0));
        row.present.clear();
        row.present.extend(routed.zip(&cohort.members).map(|(routed, members)| routed & members));
        row.known.clone_from(&row.present);
        row.forgot = false;
        if head.routeless > 0 {
            for (word, bit) in head.notes.iter().filter_map(|note| cohort.place(note.from())) {
                row.known[word] |= bit;
            }
        }
        let places = |from: &VantageId| Some((self.peers.get(from.index())?, cohort.place(*from)?));
        for (peer, (word, bit)) in cohort.told[head.family.index()].iter().filter_map(places) {
            if row.known[word] & bit == 0 && peer.tables[head.family.index()].told(prefix) {
                row.known[word] |= bit;
            }
        }
        for (peer, (word, bit)) in cohort.forgetful.iter().filter_map(places) {
            if peer.forgotten.contains(prefix.number()) {
                row.known[word] &= !bit;
                row.present[word] &= !bit;
                row.forgot = true;
            }
        }
    }

    /// Which of those `asked` have, or had since a time, a route to a prefix, in place of what `had` held. False if somebody had one only before.
    pub fn had_since(
        &self,
        time: Timestamp,
        (prefix, row): (PrefixId, &Row),
        (cohort, asked): (&Cohort, &[u64]),
        had: &mut Vec<u64>,
    ) -> bool {
        let head = &self.heads[prefix.index()];
        had.clear();
        // What a dump told, but for what a note tells otherwise.
        had.extend(row.present.iter().zip(asked).map(|(present, asked)| present & asked));
        let mut noted = vec![0; cohort.width()];
        for note in &head.notes {
            let Some((word, bit)) = cohort.place(note.from()).filter(|(word, bit)| asked[*word] & bit != 0) else { continue };
            noted[word] |= bit;
            if note.last_present >= time {
                had[word] |= bit;
            } else if note.last_present > Timestamp::MIN {
                return false;
            }
        }
        let bare = had.iter().zip(&noted).enumerate().map(|(word, (had, noted))| (word + cohort.words.start, had & !noted));
        bits(bare).all(|from| self.peers.get(from.index()).is_some_and(|peer| peer.tables[head.family.index()].at(prefix) >= time))
    }
}
