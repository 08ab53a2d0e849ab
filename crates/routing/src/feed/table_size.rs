//! How large a table every vantage point has told, and what follows: full feed or not, and tables sent again.
//!
//! With a table dump the sizes are exact. Without one the distinct prefixes a peer has spoken of stand in for them. On the 24 h of
//! route-views2 of 23 February 2008 the two partial feeds spoke of 3 % of the upper quartile of the collector's peers after 15 min,
//! 1 h, 3 h and 6 h alike, and the quietest full feed of 26 %: hence the default of the setting `full_feed_spoken_percent`.

use super::spoken::{Said, Speakers};
use super::transfer::Recent;
use crate::time::{Span, Timestamp};
use crate::vantage::{CollectorId, Family, VantageId};
use std::collections::HashMap;

/// How often judgements from spoken prefixes are taken anew.
pub(super) const JUDGE_EVERY: Span = Span::from_seconds(10);
/// A transfer tells at least this share of the table …
const TRANSFER_PERCENT: u64 = 80;
/// … within this time, or the longer one for tables above [`LARGE_TABLE`].
const TRANSFER_SPAN: Span = Span::from_seconds(30);
const TRANSFER_SPAN_LARGE: Span = Span::from_seconds(300);
const LARGE_TABLE: u64 = 10_000;
/// So long a peer without a table dump is listened to before what it tells may look like its table.
const LEARNING: Span = Span::from_seconds(3_600);
/// Smaller tables show nothing.
const TRANSFER_LEAST: u64 = 50;

/// Why a vantage point counts as full feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullFeedRule {
    /// Its table against the largest of its collector and family.
    Table {
        /// Prefixes in its table.
        size: u32,
        /// Prefixes in the largest.
        largest: u32,
    },
    /// The distinct prefixes it spoke of against the upper quartile of its collector's peers.
    Spoken {
        /// Distinct prefixes it spoke of.
        prefixes: u64,
        /// The upper quartile of its collector's peers.
        quartile: u64,
    },
}

/// Table sizes of all vantage points.
#[derive(Debug, Clone)]
pub(super) struct TableSizes {
    percent: u64,
    spoken_percent: u64,
    peers: Vec<PeerTable>,
    speakers: Speakers,
    largest: ByCollector<u32>,
    quartile: ByCollector<u64>,
    /// Full-feed judgements when last taken, by vantage point and family.
    judged: Vec<[bool; 2]>,
}

/// A number for each collector and family.
type ByCollector<T> = HashMap<(CollectorId, Family), T, foldhash::fast::FixedState>;

#[derive(Debug, Clone, Default)]
struct PeerTable {
    /// From the last complete dump which listed routes of the family.
    dumped: [Option<u32>; 2],
    /// Distinct prefixes of each family which it spoke of.
    spoken: [u64; 2],
    transfer: Transfer,
    /// It told of routes since its session was last lost.
    holds_routes: bool,
    first_spoke: Option<Timestamp>,
    /// The session's start was recorded.
    transferring: bool,
    /// The whole table of the family was told since the session's start.
    told: [bool; 2],
}

/// What was announced within the transfer span.
#[derive(Debug, Clone)]
struct Transfer {
    recent: Recent,
    /// The session is known to have been lost, or the transfer was noted: the table is expected.
    expected: bool,
    /// The session is known to have been lost and no table has come since.
    lost: bool,
    /// Of the next so many announcements, up to this time, is known that they show nothing.
    calm: u64,
    calm_until: Timestamp,
}

impl Default for Transfer {
    fn default() -> Self {
        Transfer { recent: Recent::default(), expected: false, lost: false, calm: 0, calm_until: Timestamp::MIN }
    }
}

/// After so many announcements at the latest those of too long ago are forgotten.
const CALM_MOST: u64 = 512;

impl TableSizes {
    pub fn new(percent: u32, spoken_percent: u32) -> Self {
        TableSizes {
            percent: u64::from(percent),
            spoken_percent: u64::from(spoken_percent),
            peers: Vec::new(),
            speakers: Speakers::default(),
            largest: HashMap::default(),
            quartile: HashMap::default(),
            judged: Vec::new(),
        }
    }

    /// A complete dump told these sizes.
    pub fn table(&mut self, collector: CollectorId, sizes: &[(VantageId, [u32; 2])]) {
        for family in Family::BOTH {
            let largest = sizes.iter().map(|(_, size)| size[family.index()]).max().unwrap_or(0);
            if largest > 0 {
                self.largest.insert((collector, family), largest);
            }
            for (from, size) in sizes.iter().filter(|(_, size)| size[family.index()] > 0) {
                let peer = self.peer(*from);
                peer.dumped[family.index()] = Some(size[family.index()]);
                peer.transfer.calm = 0;
                peer.holds_routes = true;
            }
        }
    }

    /// True if the peer has not spoken of any route yet.
    #[inline]
    pub fn is_new(&self, from: VantageId) -> bool {
        self.peers.get(from.index()).is_none_or(|peer| peer.first_spoke.is_none())
    }

    /// Counts what a peer speaks of; true if this shows that it sends its table again although no session loss was recorded.
    #[inline]
    pub fn spoke(&mut self, said: &Said<'_>) -> bool {
        self.peer(said.from);
        let peer = &mut self.peers[said.from.index()];
        peer.holds_routes = true;
        peer.first_spoke.get_or_insert(said.at);
        let announced = said.announced();
        if announced > 0 && peer.pace(said.at, announced) == Pace::Fast {
            return self.spoke_fast(said);
        }
        // Nearly all messages are of one family: which, is chosen without a branch.
        let first = usize::from(said.numbers[0].is_empty());
        for family in [first, 1 - first] {
            if said.numbers[family].is_empty() {
                break;
            }
            let speakers = self.speakers.family(family);
            let (listed, withdrawn, mut new) = (peer.dumped[family].is_some(), said.withdrawn[family], 0);
            // What is announced, but for what is new to the table, is written down as announced lately.
            peer.transfer.recent.extend(said.numbers[family], |place, number| {
                let is_new = speakers.insert(number, said.from);
                new += u64::from(is_new);
                (id(family, number), (place >= withdrawn) & (listed | !is_new))
            });
            peer.spoken[family] += new;
        }
        peer.transfer.recent.step(said.at);
        false
    }

    /// The same of a message whose announcements may show that the table is sent again, and whether they do.
    #[cold]
    fn spoke_fast(&mut self, said: &Said<'_>) -> bool {
        let mut again = false;
        for announced in [true, false] {
            for (family, numbers) in said.numbers.into_iter().enumerate() {
                let (first, last) = numbers.split_at(said.withdrawn[family]);
                for number in if announced { last } else { first } {
                    let (peer, new) = (&mut self.peers[said.from.index()], self.speakers.family(family).insert(*number, said.from));
                    peer.spoken[family] += u64::from(new);
                    let known = !new || peer.dumped[family].is_some();
                    again |= announced && known && peer.announced_again(said.at, id(family, *number));
                }
            }
        }
        again
    }

    /// Makes a processor fetch what is needed to count a prefix.
    pub fn fetch(&self, family: Family, number: u32) {
        self.speakers.fetch(family, number);
    }

    /// It spoke of routes, or was listed with some in a dump, since its session was last lost.
    pub fn holds_routes(&self, from: VantageId) -> bool {
        self.peers.get(from.index()).is_some_and(|peer| peer.holds_routes)
    }

    /// The next transfer is expected.
    pub fn forget_transfer(&mut self, from: VantageId) {
        let peer = self.peer(from);
        peer.holds_routes = false;
        peer.transfer = Transfer { expected: true, lost: true, ..Transfer::default() };
    }

    /// The session's start was recorded.
    pub fn begin_transfer(&mut self, from: VantageId) {
        self.peer(from).transferring = true;
    }

    /// The whole table of the family has been told, if its beginning was recorded.
    pub fn end_transfer(&mut self, at: Timestamp, from: VantageId, family: Family) {
        let peer = self.peer(from);
        // Some collectors record UPDATEs only: then the first of them stands for the session's start.
        let began = peer.transferring || peer.first_spoke.is_none_or(|first| at.since(first) <= TRANSFER_SPAN_LARGE);
        peer.told[family.index()] |= began;
    }

    pub fn is_seeded(&self, from: VantageId, family: Family) -> bool {
        let family = family.index();
        self.peers.get(from.index()).is_some_and(|peer| peer.dumped[family].is_some() || peer.told[family])
    }

    /// Distinct prefixes of the family which it has spoken of.
    pub fn spoken_of(&self, from: VantageId, family: Family) -> u64 {
        self.peers.get(from.index()).map_or(0, |peer| peer.spoken[family.index()])
    }

    /// Whether so many distinct prefixes are most of its table, as last dumped.
    pub fn had_told_table(&self, from: VantageId, family: Family, spoken: u64) -> bool {
        let size = self.peers.get(from.index()).and_then(|peer| peer.dumped[family.index()]);
        size.is_some_and(|size| spoken * 100 >= u64::from(size) * TRANSFER_PERCENT)
    }

    /// Whether it counts as full feed by the judgement last taken.
    pub fn is_full_feed(&self, from: VantageId, family: Family) -> bool {
        self.judged.get(from.index()).is_some_and(|judged| judged[family.index()])
    }

    pub fn full_feed(&self, collector: CollectorId, from: VantageId, family: Family) -> Option<FullFeedRule> {
        self.standing(collector, from, family).filter(|rule| self.fits(*rule))
    }

    /// The numbers which decide, full feed or not; `None` if there are none to compare.
    pub fn standing(&self, collector: CollectorId, from: VantageId, family: Family) -> Option<FullFeedRule> {
        let peer = self.peers.get(from.index())?;
        if let (Some(size), Some(largest)) = (peer.dumped[family.index()], self.largest.get(&(collector, family))) {
            return Some(FullFeedRule::Table { size, largest: *largest });
        }
        let prefixes = peer.spoken[family.index()];
        let quartile = *self.quartile.get(&(collector, family))?;
        (prefixes > 0).then_some(FullFeedRule::Spoken { prefixes, quartile })
    }

    fn fits(&self, rule: FullFeedRule) -> bool {
        match rule {
            FullFeedRule::Table { size, largest } => u64::from(size) * 100 >= u64::from(largest) * self.percent,
            FullFeedRule::Spoken { prefixes, quartile } => prefixes * 100 >= quartile * self.spoken_percent,
        }
    }

    /// Takes the judgements anew; true if one has changed.
    pub fn judge(&mut self, collector_of: &[CollectorId]) -> bool {
        let mut counts: ByCollector<Vec<u64>> = HashMap::default();
        for (peer, collector) in self.peers.iter().zip(collector_of) {
            for family in Family::BOTH {
                let spoken = peer.spoken[family.index()];
                if spoken > 0 {
                    counts.entry((*collector, family)).or_default().push(spoken);
                }
            }
        }
        for (key, mut counts) in counts {
            let place = counts.len() * 3 / 4;
            self.quartile.insert(key, *counts.select_nth_unstable(place).1);
        }
        let judge = |from: VantageId, family| self.full_feed(collector_of[from.index()], from, family).is_some();
        let judged: Vec<[bool; 2]> = (0..self.peers.len().min(collector_of.len()))
            .map(|index| Family::BOTH.map(|family| judge(VantageId::at(index), family)))
            .collect();
        let changed = judged != self.judged;
        self.judged = judged;
        changed
    }

    #[inline]
    fn peer(&mut self, from: VantageId) -> &mut PeerTable {
        if self.peers.len() <= from.index() {
            self.make_room(from);
        }
        &mut self.peers[from.index()]
    }

    #[cold]
    fn make_room(&mut self, from: VantageId) {
        self.peers.resize_with(from.index() + 1, PeerTable::default);
    }
}

impl PeerTable {
    /// Whether a message which announces so many prefixes can show that the table is sent again, and forgets what was announced too long ago.
    #[inline]
    fn pace(&mut self, at: Timestamp, announced: usize) -> Pace {
        match self.transfer.calm.checked_sub(announced as u64) {
            Some(calm) if at <= self.transfer.calm_until => {
                self.transfer.calm = calm;
                Pace::Slow
            }
            _ => self.look_at_pace(at, announced as u64),
        }
    }

    #[cold]
    fn look_at_pace(&mut self, at: Timestamp, announced: u64) -> Pace {
        let (size, settles) = (self.size(), self.settles());
        let transfer = &mut self.transfer;
        transfer.calm = 0;
        transfer.recent.forget_before(at - transfer_span(size));
        let all = transfer.recent.len() + announced;
        if few(all, size) {
            // All announcements together are too few, so distinct prefixes need not be told apart.
            transfer.expected &= transfer.lost;
            if few(all * 2, size) {
                transfer.recent.rest();
                // The table does not get smaller, and what is forgotten later makes fewer.
                (transfer.calm, transfer.calm_until) = (if few(all + CALM_MOST, size) { CALM_MOST } else { all }, Timestamp::MAX);
            }
            return Pace::Slow;
        }
        let early = settles.is_none_or(|settles| at <= settles);
        if early && (transfer.lost || !transfer.expected) {
            if let Some(settles) = settles {
                // However many come, and few would change nothing either.
                (transfer.calm, transfer.calm_until) = (CALM_MOST, settles);
            }
            return Pace::Slow;
        }
        Pace::Fast
    }

    /// Until when it is not listened to for long enough; `None` if it has not spoken. Without a dump the table is only known after a while, and until
    /// then a few prefixes which flap look like all of it.
    fn settles(&self) -> Option<Timestamp> {
        let patience = if self.dumped == [None, None] { LEARNING } else { transfer_span(self.size()) };
        self.first_spoke.map(|first| first + patience)
    }

    /// The size of its table: as dumped, else the prefixes it spoke of.
    fn size(&self) -> u64 {
        match self.dumped {
            [None, None] => self.spoken.iter().sum(),
            dumped => dumped.iter().flatten().map(|size| u64::from(*size)).sum(),
        }
    }

    /// Counts an announcement of a prefix it had told before; true at the moment which shows that its table is sent again.
    fn announced_again(&mut self, at: Timestamp, id: u32) -> bool {
        let size = self.size();
        let settled = self.settles().is_some_and(|settles| at > settles);
        let transfer = &mut self.transfer;
        transfer.recent.forget_before(at - transfer_span(size));
        transfer.recent.extend(&[id], |_, id| (id, true));
        transfer.recent.step(at);
        let distinct = transfer.recent.distinct();
        if settled && size >= TRANSFER_LEAST && distinct * 100 >= size * TRANSFER_PERCENT {
            transfer.lost = false;
            return !std::mem::replace(&mut transfer.expected, true);
        }
        if few(distinct, size) {
            transfer.expected &= transfer.lost;
        }
        false
    }
}

/// A number for a prefix of either family, from its number in one of them, by [`Family::index`].
#[inline]
fn id(family: usize, number: u32) -> u32 {
    number << 1 | u32::from(family != 0)
}

/// How fast a message's prefixes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// They cannot show that the table is sent again.
    Slow,
    /// They may.
    Fast,
}

/// Within what time a table of so many prefixes is sent.
fn transfer_span(size: u64) -> Span {
    if size > LARGE_TABLE { TRANSFER_SPAN_LARGE } else { TRANSFER_SPAN }
}

/// Whether so many distinct prefixes are so small a part of a table that the next transfer would be another one.
fn few(distinct: u64, size: u64) -> bool {
    distinct * 400 < size * TRANSFER_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{FileId, RecordRef};
    use crate::vantage::Vantages;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    /// A collector and its only peer.
    fn one() -> (CollectorId, VantageId) {
        let mut vantages = Vantages::default();
        let collector = vantages.collector("rrc00");
        (collector, vantages.vantage(collector, "192.0.2.1".parse().unwrap(), crate::vantage::Asn(1)))
    }

    /// Somebody announces the first so many IPv4 prefixes.
    fn announces(sizes: &mut TableSizes, at: Timestamp, from: VantageId, count: u32) -> bool {
        let numbers: Vec<u32> = (0..count).collect();
        let source = RecordRef { file: FileId(0), record: 1 };
        sizes.spoke(&Said::at_once((at, source), from, [&numbers, &[]], true))
    }

    #[test]
    fn a_table_told_again_is_noticed_once_and_a_first_table_never() {
        let (_, peer) = one();
        let mut sizes = TableSizes::new(80, 20);
        assert!(!announces(&mut sizes, at(0), peer, 100), "the first table is new");
        assert!(!announces(&mut sizes, at(4_000), peer, 50), "half a table is churn");
        assert!(announces(&mut sizes, at(5_000), peer, 100), "the whole table again is a reset");
        assert!(!announces(&mut sizes, at(5_001), peer, 100), "told once");
        sizes.forget_transfer(peer);
        assert!(!announces(&mut sizes, at(9_000), peer, 100), "after a recorded loss it is expected");
    }

    #[test]
    fn what_comes_again_and_again_shows_something_from_the_moment_on_when_the_table_is_known() {
        let (_, peer) = one();
        let mut sizes = TableSizes::new(80, 20);
        announces(&mut sizes, at(0), peer, 60);
        assert!((0..3_590).step_by(10).all(|after| !announces(&mut sizes, at(1 + after), peer, 60)), "it may be a few which flap");
        assert!(!announces(&mut sizes, at(3_600), peer, 1), "the hour is not over yet");
        assert!(announces(&mut sizes, at(3_601), peer, 60), "now all of its table is told again");
    }

    #[test]
    fn full_feed_is_eighty_percent_of_the_largest_table() {
        let mut vantages = Vantages::default();
        let collector = vantages.collector("rrc00");
        let ids: Vec<VantageId> =
            (1..=3u32).map(|i| vantages.vantage(collector, std::net::Ipv4Addr::from(i).into(), crate::vantage::Asn(i))).collect();
        let mut sizes = TableSizes::new(80, 20);
        sizes.table(collector, &[(ids[0], [1_000, 0]), (ids[1], [800, 0]), (ids[2], [799, 0])]);
        let full: Vec<bool> = ids.iter().map(|id| sizes.full_feed(collector, *id, Family::Ipv4).is_some()).collect();
        assert_eq!(full, [true, true, false]);
        assert!(sizes.full_feed(collector, ids[0], Family::Ipv6).is_none(), "a v4 table says nothing of v6");
    }

    #[test]
    fn a_dump_tells_afterwards_who_had_told_its_table() {
        let (collector, peer) = one();
        let mut sizes = TableSizes::new(80, 20);
        announces(&mut sizes, at(0), peer, 90);
        let spoken = sizes.spoken_of(peer, Family::Ipv4);
        assert!(!sizes.had_told_table(peer, Family::Ipv4, spoken), "no dump yet");
        sizes.table(collector, &[(peer, [100, 0])]);
        assert!(sizes.had_told_table(peer, Family::Ipv4, spoken));
        assert!(!sizes.had_told_table(peer, Family::Ipv4, 79), "too little of it");
        assert!(!sizes.had_told_table(peer, Family::Ipv6, spoken), "the dump lists none of the family");
    }

    #[test]
    fn without_tables_the_peers_are_compared_with_each_other() {
        let mut vantages = Vantages::default();
        let collector = vantages.collector("route-views2");
        let mut sizes = TableSizes::new(80, 20);
        let spoke = [1_000, 900, 800, 500, 300, 20];
        let ids: Vec<VantageId> = (0..6u32)
            .map(|i| vantages.vantage(collector, std::net::Ipv4Addr::from(i + 1).into(), crate::vantage::Asn(i)))
            .collect();
        for (id, count) in ids.iter().zip(spoke) {
            announces(&mut sizes, at(0), *id, count);
        }
        assert!(sizes.judge(&[collector; 6]));
        let full: Vec<bool> = ids.iter().map(|id| sizes.full_feed(collector, *id, Family::Ipv4).is_some()).collect();
        assert_eq!(full, [true, true, true, true, true, false]);
    }
}
