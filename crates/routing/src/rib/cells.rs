//! What every vantage point says of every prefix, in a bit where nothing is unusual.
//!
//! A [`Cell`] is what one of them says of one prefix. Most cells of a table stand as its last dump told them, with the prefix's usual route:
//! for these a bit (it has a route) and the dump's time suffice. Every other cell has a [`Note`]. A note of what an update said is not
//! needed once that is too long ago to matter ([`Cells::forget`]).

mod cohort;

use super::rows::{Rows, has, rank};
use super::{PrefixId, RouteId};
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId};
pub use cohort::{Cohort, Row};
use roaring::RoaringBitmap;
use std::ops::Range;

/// What one vantage point says of one prefix, believed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub says: Says,
    /// Said by a table dump, and by no update since.
    pub from_table: bool,
    /// The route, or the last one.
    pub route: Option<RouteId>,
    /// Nothing older than this overwrites it. Of what a dump told, at least the time of that dump or of an earlier one.
    pub heard: Timestamp,
    /// The last time a route was present; `Timestamp::MIN` if never.
    pub last_present: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Present,
    Withdrawn,
    /// It spoke, but its session was lost since.
    Forgotten,
}

/// Where a cell stands, until another one of its prefix is put.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    prefix: PrefixId,
    from: VantageId,
    /// It has a route, or had one when it was forgotten.
    routed: bool,
    /// The place of its note, or where it would be.
    note: Result<usize, usize>,
}

/// All cells.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells {
    heads: Vec<Head>,
    /// Who has a route, or had one when it was forgotten.
    routed: Rows,
    peers: Vec<Peer>,
    /// No `last_present` of a note is earlier.
    earliest: Option<Timestamp>,
    /// When the latest note was heard; none if all are older than was last forgotten.
    latest: Option<Timestamp>,
}

/// What is kept of a prefix beside its row.
#[derive(Debug, Clone)]
struct Head {
    /// By vantage point.
    notes: Vec<Note>,
    /// The first route told.
    usual: Option<RouteId>,
    /// How many of the notes are of vantage points which have no route.
    routeless: u16,
    family: Family,
}

/// A cell told at length.
#[derive(Debug, Clone, Copy)]
struct Note {
    heard: Timestamp,
    last_present: Timestamp,
    route: Option<RouteId>,
    /// Whose, and in the last bit whether it is from a table: there are many notes.
    from: u32,
}

impl Note {
    #[allow(clippy::cast_possible_truncation, reason = "there are fewer than 2^31 vantage points")]
    fn new(from: VantageId, cell: Cell) -> Self {
        let Cell { from_table, route, heard, last_present, .. } = cell;
        Note { heard, last_present, route, from: (from.index() as u32) << 1 | u32::from(from_table) }
    }

    fn from(&self) -> VantageId {
        VantageId::at((self.from >> 1) as usize)
    }

    fn is_from_table(&self) -> bool {
        self.from & 1 != 0
    }
}

#[derive(Debug, Clone, Default)]
struct Peer {
    /// Prefixes of which it said something before its session was lost, and nothing since.
    forgotten: RoaringBitmap,
    tables: [Table; 2],
}

/// What dumps told of one family of one vantage point.
#[derive(Debug, Clone, Default)]
struct Table {
    /// It spoke of some prefix of the family.
    spoke: bool,
    /// It spoke of every prefix of the family before this place …
    told_below: usize,
    /// … and of these, though neither a route nor a note tells so; of some of which one does as well.
    told: RoaringBitmap,
    /// When the last whole dump was made.
    at: Option<Timestamp>,
    listing: Option<Listing>,
    first: Option<FirstTable>,
}

/// A dump being read.
#[derive(Debug, Clone)]
struct Listing {
    at: Timestamp,
    /// What it listed; `None` if nothing was known before: then it is what there is.
    listed: Option<RoaringBitmap>,
}

/// The dump which told the first words of a vantage point on a family.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstTable {
    /// When it was made.
    pub at: Timestamp,
    /// It is being read, or what it did not list is being told.
    open: bool,
}

impl Cells {
    /// Makes room for a prefix met for the first time.
    pub fn meet(&mut self, family: Family) {
        self.heads.push(Head { notes: Vec::new(), usual: None, routeless: 0, family });
    }

    /// How many prefixes were met.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// How many vantage points spoke.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    pub fn family(&self, prefix: PrefixId) -> Family {
        self.heads[prefix.index()].family
    }

    /// Where what it says of the prefix stands.
    #[inline]
    pub fn spot(&self, prefix: PrefixId, from: VantageId) -> Spot {
        let row = self.routed.row(prefix);
        let note = self.heads.get(prefix.index()).map_or(Err(0), |head| head.place(from, row));
        Spot { prefix, from, routed: has(row, from), note }
    }

    /// What it says of the prefix, if it ever spoke of it.
    pub fn get(&self, prefix: PrefixId, from: VantageId) -> Option<Cell> {
        self.cell_at(self.spot(prefix, from))
    }

    /// The same where the spot is known.
    #[inline]
    pub fn cell_at(&self, Spot { prefix, from, routed, note }: Spot) -> Option<Cell> {
        let (head, peer) = (self.heads.get(prefix.index())?, self.peers.get(from.index())?);
        let note = note.ok();
        if !routed && note.is_none() && !peer.tables[head.family.index()].told(prefix) {
            return None;
        }
        let says = match routed {
            _ if !peer.forgotten.is_empty() && peer.forgotten.contains(prefix.number()) => Says::Forgotten,
            true => Says::Present,
            false => Says::Withdrawn,
        };
        let usual = || {
            let at = peer.tables[head.family.index()].at(prefix);
            let last_present = if routed { at } else { Timestamp::MIN };
            Cell { says, from_table: true, route: head.usual_route(routed), heard: at, last_present }
        };
        Some(note.map_or_else(usual, |place| {
            let note @ Note { heard, last_present, route, .. } = head.notes[place];
            Cell { says, from_table: note.is_from_table(), route, heard, last_present }
        }))
    }

    /// Makes a processor fetch what is known of a prefix.
    pub fn fetch(&self, prefix: PrefixId, from: VantageId) {
        let head = &self.heads[prefix.index()];
        let near = rank(self.routed.row(prefix), from).unwrap_or(0);
        std::hint::black_box(head.notes.get(near).map(|note| note.heard));
    }

    /// Whether it has a route; false where it is forgotten.
    pub fn is_present(&self, prefix: PrefixId, from: VantageId) -> bool {
        let forgotten = |peer: &Peer| !peer.forgotten.is_empty() && peer.forgotten.contains(prefix.number());
        self.routed.has(prefix, from) && !self.peers.get(from.index()).is_some_and(forgotten)
    }

    /// Who has a route.
    pub fn present(&self, prefix: PrefixId) -> impl Iterator<Item = VantageId> + '_ {
        self.routed.set(prefix).filter(move |from| self.is_present(prefix, *from))
    }

    /// Sets what is said at a spot; `says` is no more forgotten.
    pub fn put(&mut self, Spot { prefix, from, routed: was_routed, note: place }: Spot, cell: Cell) {
        if !cell.from_table {
            self.tell_listed_apart(from, self.family(prefix));
        }
        let routed = cell.says == Says::Present;
        if routed != was_routed {
            self.routed.put(prefix, from, routed);
        }
        let head = &mut self.heads[prefix.index()];
        let peer = peer(&mut self.peers, from);
        if !peer.forgotten.is_empty() {
            peer.forgotten.remove(prefix.number());
        }
        let table = &mut peer.tables[head.family.index()];
        table.spoke = true;
        if routed && head.usual.is_none() {
            head.usual = cell.route;
        }
        let usual = if routed { table.at(prefix) } else { Timestamp::MIN };
        head.routeless -= u16::from(place.is_ok() && !was_routed);
        if cell.from_table && cell.last_present == usual && cell.route == head.usual_route(routed) {
            if let Ok(place) = place {
                head.notes.remove(place);
            }
            if !routed && !table.told(prefix) {
                table.told.insert(prefix.number());
            }
            return;
        }
        let note = Note::new(from, cell);
        match place {
            Ok(place) => head.notes[place] = note,
            Err(place) => head.notes.insert(place, note),
        }
        head.routeless += u16::from(!routed);
        self.latest = self.latest.max(Some(cell.heard));
        self.note_earliest(cell.last_present);
    }

    /// An update says again what the last one said: the commonest message. False if it is not so, and nothing was done.
    #[inline]
    pub fn renew(&mut self, Spot { prefix, from, routed, note }: Spot, route: RouteId, at: Timestamp) -> bool {
        let (true, Ok(place), Some(peer)) = (routed, note, self.peers.get(from.index())) else { return false };
        let head = &mut self.heads[prefix.index()];
        if !peer.forgotten.is_empty() || peer.tables[head.family.index()].listing.is_some() {
            return false;
        }
        let note = &mut head.notes[place];
        let again = !note.is_from_table() && note.route == Some(route) && note.heard <= at;
        if again {
            (note.heard, note.last_present) = (at, at);
            self.latest = self.latest.max(Some(at));
        }
        again
    }

    fn note_earliest(&mut self, last_present: Timestamp) {
        if last_present > Timestamp::MIN {
            self.earliest = Some(self.earliest.map_or(last_present, |earliest| earliest.min(last_present)));
        }
    }

    /// What it said of a prefix counts no more.
    pub fn forget(&mut self, prefix: PrefixId, from: VantageId) {
        peer(&mut self.peers, from).forgotten.insert(prefix.number());
    }

    /// Prefixes which it spoke of before its session was lost, and not since, ascending.
    pub fn forgotten(&self, from: VantageId) -> Vec<PrefixId> {
        let forgotten = self.peers.get(from.index()).map(|peer| &peer.forgotten);
        forgotten.into_iter().flatten().map(PrefixId::numbered).collect()
    }

    /// Whether a dump being read lists prefixes of the family.
    pub fn is_being_listed(&self, from: VantageId, family: Family) -> bool {
        self.peers.get(from.index()).is_some_and(|peer| peer.tables[family.index()].listing.is_some())
    }

    /// A dump lists the prefix. What it says of it is [put](Cells::put) next, or is not news.
    pub fn list(&mut self, prefix: PrefixId, from: VantageId, at: Timestamp) {
        let family = self.heads[prefix.index()].family;
        let listing = peer(&mut self.peers, from).tables[family.index()].listing(at);
        if let Some(listed) = &mut listing.listed {
            listed.insert(prefix.number());
        }
    }

    /// A dump lists a prefix of the family which is none of these.
    pub fn list_elsewhere(&mut self, from: VantageId, family: Family, at: Timestamp) {
        peer(&mut self.peers, from).tables[family.index()].listing(at);
    }

    /// It spoke of a prefix of the family which is none of these.
    pub fn spoke_elsewhere(&mut self, from: VantageId, family: Family) {
        peer(&mut self.peers, from).tables[family.index()].spoke = true;
    }

    /// From now on what a dump being read lists is no more what there is: an update came between its entries.
    fn tell_listed_apart(&mut self, from: VantageId, family: Family) {
        let Cells { heads, routed, peers, .. } = self;
        let Some(listing) = peers.get_mut(from.index()).and_then(|peer| peer.tables[family.index()].listing.as_mut()) else {
            return;
        };
        if listing.listed.is_none() {
            let prefixes = heads.iter().enumerate().filter(|(_, head)| head.family == family);
            let prefixes = prefixes.map(|(place, _)| PrefixId::at(place)).filter(|prefix| routed.has(*prefix, from));
            listing.listed = Some(prefixes.map(PrefixId::number).collect());
        }
    }

    /// Whether the dump being read lists the prefix.
    pub fn is_listed(&self, prefix: PrefixId, from: VantageId) -> bool {
        let family = self.heads[prefix.index()].family;
        let listing = self.peers.get(from.index()).and_then(|peer| peer.tables[family.index()].listing.as_ref());
        listing.is_some_and(|listing| match &listing.listed {
            Some(listed) => listed.contains(prefix.number()),
            None => self.routed.has(prefix, from),
        })
    }

    /// A whole dump has told of every prefix of the family before this place, of some by not listing it.
    pub fn told_before(&mut self, from: VantageId, family: Family, place: usize) {
        let place = place.min(self.heads.len());
        let table = &mut peer(&mut self.peers, from).tables[family.index()];
        if table.told_below < place {
            table.told_below = place;
            table.told.remove_range(..u32::try_from(place).unwrap_or(u32::MAX));
        }
    }

    /// The dump was read; where it was `complete`, what it did not list has been told since.
    pub fn end_listing(&mut self, from: VantageId, family: Family, complete: bool) {
        let peer = peer(&mut self.peers, from);
        let table = &mut peer.tables[family.index()];
        if let Some(first) = &mut table.first {
            first.open = false;
        }
        let Some(listing) = table.listing.take() else { return };
        let Some(listed) = listing.listed else { return };
        if complete {
            table.at = Some(listing.at);
            return;
        }
        // What a dump told which is no whole one is told one by one.
        for prefix in listed.into_iter().map(PrefixId::numbered) {
            let routed = self.routed.has(prefix, from);
            let head = &mut self.heads[prefix.index()];
            if let (true, Err(place)) = (routed, head.notes.binary_search_by_key(&from, Note::from)) {
                let (heard, route) = (listing.at, head.usual);
                let cell = Cell { says: Says::Present, from_table: true, route, heard, last_present: heard };
                head.notes.insert(place, Note::new(from, cell));
            }
        }
        self.latest = self.latest.max(Some(listing.at));
        self.note_earliest(listing.at);
    }

    /// The dump which told the first words of a vantage point on a family, if one did.
    pub fn first_table(&self, from: VantageId, family: Family) -> Option<FirstTable> {
        self.peers.get(from.index()).and_then(|peer| peer.tables[family.index()].first)
    }

    /// Whether the dump which told the first words is not ended.
    pub fn is_in_first_table(&self, prefix: PrefixId, from: VantageId) -> bool {
        self.first_table(from, self.family(prefix)).is_some_and(|first| first.open)
    }

    /// Whether any `last_present` lies within; a dump's, or that of a note. May be true where none does.
    pub fn may_lie_within(&self, times: &Range<Timestamp>) -> bool {
        self.earliest.is_some_and(|earliest| earliest < times.end) || self.peers.iter().any(|peer| peer.told_within(times))
    }

    /// Whether a dump told of the prefixes of the family within these times, so that any of them may be from then.
    pub fn table_within(&self, from: VantageId, family: Family, times: &Range<Timestamp>) -> bool {
        self.peers.get(from.index()).is_some_and(|peer| peer.tables[family.index()].is_within(times))
    }

    /// Whose notes on the prefix say that a route was last present within these times.
    pub fn noted_within(&self, prefix: PrefixId, times: &Range<Timestamp>) -> impl Iterator<Item = VantageId> + '_ {
        let times = times.clone();
        let notes = self.heads[prefix.index()].notes.iter();
        notes.filter(move |note| times.contains(&note.last_present)).map(Note::from)
    }

    /// Forgets when things were said before a time, where the route is the usual one. No question about `last_present` earlier than
    /// `asked` follows.
    pub fn forget_before(&mut self, before: Timestamp, asked: Timestamp) {
        let Some(latest) = self.latest else { return };
        self.latest = Some(latest).filter(|latest| *latest >= before);
        let mut earliest: Option<Timestamp> = None;
        let (routed, peers) = (&self.routed, &mut self.peers);
        for (index, head) in self.heads.iter_mut().enumerate().filter(|(_, head)| !head.notes.is_empty()) {
            let (usual, prefix) = (head.usual, PrefixId::at(index));
            let family = head.family.index();
            head.notes.retain(|note| {
                let is_routed = routed.has(prefix, note.from());
                if note.heard >= before || note.route != usual.filter(|_| is_routed) {
                    return true;
                }
                if !is_routed {
                    head.routeless -= 1;
                    peer(peers, note.from()).tables[family].told.insert(prefix.number());
                }
                false
            });
            if head.notes.len() * 4 < head.notes.capacity() {
                head.notes.shrink_to_fit();
            }
            let first = head.notes.iter().map(|note| note.last_present).filter(|at| *at >= asked).min();
            earliest = earliest.into_iter().chain(first).min();
        }
        self.earliest = earliest;
    }
}

impl Head {
    /// Where the note of a vantage point is, or would be. Where updates tell everything, each of those which have a route, as the prefix's row
    /// says, has a note, and few others have: it is found from there.
    fn place(&self, from: VantageId, row: &[u64]) -> Result<usize, usize> {
        let guess = rank(row, from).map(|routed| routed.min(self.notes.len()));
        if let Some(mut place) = guess.filter(|guess| *guess == 0 || self.notes[guess - 1].from() < from) {
            while self.notes.get(place).is_some_and(|note| note.from() < from) {
                place += 1;
            }
            return if self.notes.get(place).is_some_and(|note| note.from() == from) { Ok(place) } else { Err(place) };
        }
        self.notes.binary_search_by_key(&from, Note::from)
    }

    /// The route of a cell without a note.
    fn usual_route(&self, routed: bool) -> Option<RouteId> {
        self.usual.filter(|_| routed)
    }
}

impl Peer {
    fn told_within(&self, times: &Range<Timestamp>) -> bool {
        self.tables.iter().any(|table| table.is_within(times))
    }
}

impl Table {
    /// The dump being read, which was made at this time.
    fn listing(&mut self, at: Timestamp) -> &mut Listing {
        let Table { spoke, at: told_at, listing, first, .. } = self;
        listing.get_or_insert_with(|| {
            let listed = spoke.then(RoaringBitmap::new);
            if listed.is_none() {
                *told_at = Some(at);
                *first = Some(FirstTable { at, open: true });
            }
            Listing { at, listed }
        })
    }

    /// Whether it told of any prefix that there is none.
    fn tells(&self) -> bool {
        self.told_below > 0 || !self.told.is_empty()
    }

    fn told(&self, prefix: PrefixId) -> bool {
        prefix.index() < self.told_below || self.told.contains(prefix.number())
    }

    /// When the dump was made which told of the prefix last.
    fn at(&self, prefix: PrefixId) -> Timestamp {
        let listing = self.listing.as_ref().filter(|listing| listing.listed.as_ref().is_some_and(|l| l.contains(prefix.number())));
        listing.map(|listing| listing.at).or(self.at).unwrap_or(Timestamp::MIN)
    }

    fn is_within(&self, times: &Range<Timestamp>) -> bool {
        let listing = self.listing.as_ref().map(|listing| listing.at);
        self.at.into_iter().chain(listing).any(|at| times.contains(&at))
    }
}

fn peer(peers: &mut Vec<Peer>, from: VantageId) -> &mut Peer {
    if peers.len() <= from.index() {
        peers.resize_with(from.index() + 1, Peer::default);
    }
    &mut peers[from.index()]
}

#[cfg(test)]
mod tests;
