//! Foreign origins: another AS announces the organization's prefix, or a more specific of it.
//!
//! Takes route changes; gives [`ForeignOrigin`] events. Neither the announcement nor its end is a withdrawal. What was announced so
//! from the beginning (in the first table a vantage point told) is how things are, and no event; where a vantage point told no table,
//! only a change away from an allowed origin begins one, or a dump which comes later and shows that it had told its table when it announced
//! the foreign route. Once an event has opened, whoever announces the same counts as well.

use crate::feed::Feeds;
use crate::observation::RecordRef;
use crate::rib::{ChangeCause, PrefixId, Rib, RouteChange, RouteState};
use crate::scope::{Relation, Scope};
use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family, VantageId, Vantages};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What stands for an AS number which two octets cannot hold.
const AS_TRANS: Asn = Asn(23_456);

/// Another origin's announcement, taken by enough ASes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignOrigin {
    /// What is announced.
    pub prefix: IpNet,
    /// By whom.
    pub origin: Asn,
    /// The first statement.
    pub first: Timestamp,
    /// When enough ASes had taken it.
    pub opened: Option<Timestamp>,
    /// When the last AS had dropped it, if it has.
    pub ended: Option<Timestamp>,
    /// ASes which took it at any time.
    pub taken_by: BTreeSet<Asn>,
    /// Full-feed ASes of the family which spoke then: the denominator.
    pub eligible: u32,
    /// Every statement, in time order.
    pub evidence: Vec<ForeignStatement>,
}

/// A vantage point takes or drops a foreign origin's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignStatement {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub from: VantageId,
    /// True: it has the route now; false: not any more.
    pub taken: bool,
    /// The record; none for silence.
    pub source: Option<RecordRef>,
}

/// An announcement by a vantage point whose table was not known.
#[derive(Debug, Clone)]
struct Unsure {
    change: RouteChange,
    /// Distinct prefixes of the family which it had spoken of by then.
    spoken: u64,
}

/// Watches for foreign origins.
#[derive(Debug, Clone)]
pub struct ForeignOrigins {
    least: u32,
    grouping: Span,
    holders: BTreeMap<(PrefixId, Asn), BTreeSet<VantageId>>,
    held: BTreeMap<(PrefixId, VantageId), Asn>,
    accepted: HashSet<(PrefixId, Asn)>,
    /// Announcements by vantage points whose table was not known, which began nothing.
    unsure: BTreeMap<(PrefixId, Asn), Vec<Unsure>>,
    events: Vec<ForeignOrigin>,
    /// Places in `events`, in their order.
    places: HashMap<(PrefixId, Asn), Vec<usize>>,
    /// Statements of these are not in the order of time: one was late.
    late: HashSet<usize>,
    electorate: Electorate,
}

/// How many full-feed ASes of each family speak, as last counted.
#[derive(Debug, Clone, Default)]
struct Electorate {
    /// For this edition of the judgements, and so many vantage points.
    counted: Option<(u64, usize)>,
    ases: [u32; 2],
}

impl Electorate {
    fn ases(&mut self, family: Family, feeds: &Feeds, vantages: &Vantages) -> u32 {
        let now = Some((feeds.electorate_edition(), vantages.len()));
        if self.counted != now {
            self.counted = now;
            self.ases = Family::BOTH.map(|family| {
                let full = vantages.iter().filter(|(from, _)| feeds.is_full_feed(*from, family));
                let ases: BTreeSet<Asn> = full.map(|(_, point)| point.asn).collect();
                u32::try_from(ases.len()).unwrap_or(u32::MAX)
            });
        }
        self.ases[family.index()]
    }
}

impl ForeignOrigins {
    /// Nothing was announced yet.
    pub fn new(settings: &Settings) -> Self {
        ForeignOrigins {
            least: settings.foreign_origin_min,
            grouping: settings.grouping,
            holders: BTreeMap::new(),
            held: BTreeMap::new(),
            accepted: HashSet::new(),
            unsure: BTreeMap::new(),
            events: Vec::new(),
            places: HashMap::new(),
            late: HashSet::new(),
            electorate: Electorate::default(),
        }
    }

    /// Takes a route change.
    pub fn observe(&mut self, change: &RouteChange, scope: &Scope, (rib, feeds, vantages): (&Rib, &Feeds, &Vantages)) {
        let prefix = rib.prefix_of(change.prefix);
        if !matches!(scope.relation(&prefix), Some(Relation::Own | Relation::MoreSpecific)) {
            return;
        }
        let origin = change.route.filter(|_| change.after == RouteState::Present).and_then(|route| rib.origin_of(route));
        // AS_TRANS names nobody: the number did not fit into two octets (RFC 6793 §9).
        let foreign = origin.filter(|origin| !scope.may_originate(&prefix, *origin) && *origin != AS_TRANS);
        let before = self.held.get(&(change.prefix, change.from)).copied();
        if before == foreign {
            return;
        }
        if let Some(origin) = before {
            self.drop_route(change, origin);
        }
        let Some(origin) = foreign else { return };
        if change.cause == ChangeCause::Table && change.previous.is_none() {
            self.accepted.insert((change.prefix, origin));
        }
        let own_before =
            change.previous.and_then(|route| rib.origin_of(route)).is_some_and(|own| scope.may_originate(&prefix, own));
        let knows = feeds.is_seeded(change.from, Family::of(&prefix)) || own_before;
        let key = (change.prefix, origin);
        if self.accepted.contains(&key) {
            return;
        }
        let opened = self.opened(key, change.at).is_some();
        if knows || opened && change.cause == ChangeCause::Announced {
            self.take_route(change, origin, prefix, (feeds, vantages));
        } else if change.cause == ChangeCause::Announced {
            let again =
                change.before == RouteState::Present && change.previous.and_then(|route| rib.origin_of(route)) == Some(origin);
            if !again {
                let spoken = feeds.spoken(change.from, Family::of(&prefix));
                let unsure = self.unsure.entry(key).or_default();
                unsure.retain(|known| known.change.from != change.from);
                unsure.push(Unsure { change: *change, spoken });
            }
        }
        if !opened {
            self.take_unsure(key, change.at, (rib, feeds, vantages));
        }
    }

    /// A table dump is complete: who had told most of what it shows before it announced a foreign route had told its table.
    pub fn review(&mut self, (rib, feeds, vantages): (&Rib, &Feeds, &Vantages)) {
        let keys: Vec<(PrefixId, Asn)> = self.unsure.keys().copied().collect();
        for key in keys {
            let prefix = rib.prefix_of(key.0);
            let knew = |unsure: &&Unsure| feeds.had_told_table(unsure.change.from, Family::of(&prefix), unsure.spoken);
            let known = self.unsure.get(&key).into_iter().flatten().filter(knew).map(|unsure| unsure.change);
            let known: Vec<RouteChange> = known.filter(|change| holds(rib, change, key.1)).collect();
            for change in &known {
                self.take_route(change, key.1, prefix, (feeds, vantages));
            }
            if let Some(last) = known.last() {
                self.take_unsure(key, last.at, (rib, feeds, vantages));
            }
        }
    }

    /// The event of this prefix and origin which is not over, or not for long.
    fn current(&self, key: (PrefixId, Asn), at: Timestamp) -> Option<usize> {
        let lasts = |place: &&usize| self.events[**place].ended.is_none_or(|ended| at.since(ended) <= self.grouping);
        self.places.get(&key)?.iter().rev().find(lasts).copied()
    }

    /// When enough ASes had taken it of those whose table was known, if they have.
    fn opened(&self, key: (PrefixId, Asn), at: Timestamp) -> Option<Timestamp> {
        self.current(key, at).and_then(|place| self.events[place].opened)
    }

    /// Once an event has opened, those count too who announced the same at about that time and whose table was not known.
    fn take_unsure(&mut self, key: (PrefixId, Asn), at: Timestamp, (rib, feeds, vantages): (&Rib, &Feeds, &Vantages)) {
        let Some(opened) = self.opened(key, at) else { return };
        for unsure in self.unsure.remove(&key).unwrap_or_default() {
            let close = opened.since(unsure.change.at).abs() <= self.grouping;
            let known = self.held.contains_key(&(key.0, unsure.change.from));
            if close && !known && holds(rib, &unsure.change, key.1) {
                self.take_route(&unsure.change, key.1, rib.prefix_of(key.0), (feeds, vantages));
            }
        }
    }

    /// Events which enough ASes took, in order of their first statement.
    pub fn events(&self) -> impl Iterator<Item = &ForeignOrigin> {
        self.events.iter().filter(|event| event.opened.is_some())
    }

    /// Announcements too few took: told, never an event.
    pub fn unopened(&self) -> impl Iterator<Item = &ForeignOrigin> {
        self.events.iter().filter(|event| event.opened.is_none())
    }

    fn take_route(&mut self, change: &RouteChange, origin: Asn, prefix: IpNet, (feeds, vantages): (&Feeds, &Vantages)) {
        self.held.insert((change.prefix, change.from), origin);
        let current = self.current((change.prefix, origin), change.at);
        let holders = self.holders.entry((change.prefix, origin)).or_default();
        holders.insert(change.from);
        let enough =
            || holders.iter().map(|from| vantages.point(*from).asn).collect::<BTreeSet<Asn>>().len() >= self.least as usize;
        let place = current.unwrap_or_else(|| {
            self.events.push(ForeignOrigin::begin(prefix, origin, change.at));
            self.places.entry((change.prefix, origin)).or_default().push(self.events.len() - 1);
            self.events.len() - 1
        });
        let event = &mut self.events[place];
        event.ended = None;
        event.first = event.first.min(change.at);
        event.taken_by.insert(vantages.point(change.from).asn);
        let late = self.late.remove(&place) || event.evidence.last().is_some_and(|last| last.at > change.at);
        event.evidence.push(ForeignStatement { at: change.at, from: change.from, taken: true, source: change.source });
        if late {
            event.evidence.sort_by_key(|statement| statement.at);
        }
        if event.opened.is_none() && enough() {
            event.opened = event.evidence.last().map(|statement| statement.at);
        }
        event.eligible = event.eligible.max(self.electorate.ases(Family::of(&prefix), feeds, vantages));
    }

    fn drop_route(&mut self, change: &RouteChange, origin: Asn) {
        let key = (change.prefix, origin);
        self.held.remove(&(change.prefix, change.from));
        let Some(holders) = self.holders.get_mut(&key) else { return };
        holders.remove(&change.from);
        let nobody = holders.is_empty();
        if let Some(place) = self.places.get(&key).and_then(|places| places.last()) {
            let event = &mut self.events[*place];
            if event.evidence.last().is_some_and(|last| last.at > change.at) {
                self.late.insert(*place);
            }
            event.evidence.push(ForeignStatement { at: change.at, from: change.from, taken: false, source: change.source });
            if nobody {
                event.ended = Some(change.at);
            }
        }
    }
}

/// Whether who announced it has a route of that origin still.
fn holds(rib: &Rib, announced: &RouteChange, origin: Asn) -> bool {
    let view = rib.view(announced.prefix, announced.from).filter(|view| view.state == RouteState::Present);
    view.and_then(|view| rib.origin_of(view.route?)) == Some(origin)
}

impl ForeignOrigin {
    fn begin(prefix: IpNet, origin: Asn, first: Timestamp) -> Self {
        ForeignOrigin {
            prefix,
            origin,
            first,
            opened: None,
            ended: None,
            taken_by: BTreeSet::new(),
            eligible: 0,
            evidence: Vec::new(),
        }
    }
}
