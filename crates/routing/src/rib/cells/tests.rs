//! The compact cells against a list of what was put.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

const PEERS: usize = 5;
const PREFIXES: usize = 9;

#[derive(Debug, Clone)]
enum Step {
    Announce(usize, usize, u32),
    Withdraw(usize, usize),
    Lose(usize),
    /// A dump of one vantage point and family with these prefixes; whole or not.
    Dump(usize, bool, Vec<bool>, bool),
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..PEERS, 0..PREFIXES, 0u32..3).prop_map(|(from, prefix, route)| Step::Announce(from, prefix, route)),
        3 => (0..PEERS, 0..PREFIXES).prop_map(|(from, prefix)| Step::Withdraw(from, prefix)),
        1 => (0..PEERS).prop_map(Step::Lose),
        2 => (0..PEERS, any::<bool>(), prop::collection::vec(any::<bool>(), PREFIXES), any::<bool>())
            .prop_map(|(from, six, listed, whole)| Step::Dump(from, six, listed, whole)),
        2 => (1i64..90_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..80)
}

fn family(prefix: usize) -> Family {
    if prefix.is_multiple_of(3) { Family::Ipv6 } else { Family::Ipv4 }
}

fn cell(says: Says, from_table: bool, route: Option<RouteId>, at: Timestamp, last_present: Timestamp) -> Cell {
    Cell { says, from_table, route, heard: at, last_present }
}

/// What every vantage point says, one by one.
#[derive(Default)]
struct Model {
    known: HashMap<(usize, usize), Cell>,
    compact: Cells,
}

impl Model {
    fn tell(&mut self, (from, prefix): (usize, usize), route: Option<u32>, from_table: bool, at: Timestamp) {
        let known = self.known.get(&(from, prefix)).copied();
        let was = known.is_some_and(|cell| cell.says == Says::Present);
        let last_present = if route.is_some() || was { at } else { known.map_or(Timestamp::MIN, |cell| cell.last_present) };
        let says = if route.is_some() { Says::Present } else { Says::Withdrawn };
        let route = route.map(|route| RouteId::at(route as usize)).or(known.and_then(|cell| cell.route));
        let cell = cell(says, from_table, route, at, last_present);
        self.known.insert((from, prefix), cell);
        let (prefix, from) = (PrefixId::at(prefix), VantageId::at(from));
        let again = cell.route.is_some_and(|route| {
            !from_table && says == Says::Present && self.compact.renew(self.compact.spot(prefix, from), route, at)
        });
        if !again {
            self.compact.put(self.compact.spot(prefix, from), cell);
        }
    }

    fn dump(&mut self, (from, of): (usize, Family), listed: &[bool], whole: bool, at: Timestamp) {
        let here = || (0..PREFIXES).filter(|prefix| family(*prefix) == of);
        for prefix in here().filter(|prefix| listed[*prefix]) {
            self.compact.list(PrefixId::at(prefix), VantageId::at(from), at);
            self.tell((from, prefix), Some(0), true, at);
        }
        for prefix in here().filter(|prefix| whole && !listed[*prefix]) {
            assert!(!self.compact.is_listed(PrefixId::at(prefix), VantageId::at(from)));
            let gone = self.known.get(&(from, prefix)).is_some_and(|cell| cell.says == Says::Withdrawn);
            if !gone {
                self.tell((from, prefix), None, true, at);
            }
        }
        if whole {
            self.compact.told_before(VantageId::at(from), of, PREFIXES);
        }
        self.compact.end_listing(VantageId::at(from), of, whole);
    }

    /// Everything which can matter is as it was put. Times longer ago than `asked` cannot.
    fn agree(&self, asked: Timestamp) {
        for from in 0..PEERS {
            for prefix in 0..PREFIXES {
                let place = (PrefixId::at(prefix), VantageId::at(from));
                let (known, kept) = (self.known.get(&(from, prefix)), self.compact.get(place.0, place.1));
                let told = |cell: &Cell| (cell.says, cell.route, (cell.last_present >= asked).then_some(cell.last_present));
                assert_eq!(known.map(told), kept.as_ref().map(told), "{place:?}");
                let said = |cell: &Cell| (!cell.from_table && cell.heard >= asked).then_some(cell.heard);
                assert_eq!(known.and_then(said), kept.as_ref().and_then(said), "{place:?}");
                let present = known.is_some_and(|cell| cell.says == Says::Present);
                assert_eq!(self.compact.is_present(place.0, place.1), present, "{place:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn compact_cells_are_what_was_put(steps in steps()) {
        let mut model = Model::default();
        (0..PREFIXES).for_each(|prefix| model.compact.meet(family(prefix)));
        let (mut now, mut asked) = (Timestamp::from_parts(1_000_000, 0), Timestamp::MIN);
        for step in steps {
            now = now + crate::time::Span::from_seconds(1);
            match step {
                Step::Announce(from, prefix, route) => model.tell((from, prefix), Some(route), false, now),
                Step::Withdraw(from, prefix) => model.tell((from, prefix), None, false, now),
                Step::Lose(from) => {
                    for prefix in (0..PREFIXES).map(PrefixId::at) {
                        if model.compact.get(prefix, VantageId::at(from)).is_some() {
                            model.compact.forget(prefix, VantageId::at(from));
                        }
                    }
                    let lost = model.known.iter_mut().filter(|((who, _), _)| *who == from);
                    lost.for_each(|(_, cell)| cell.says = Says::Forgotten);
                }
                Step::Dump(from, six, listed, whole) => {
                    let of = if six { Family::Ipv6 } else { Family::Ipv4 };
                    model.dump((from, of), &listed, whole, now);
                }
                Step::Pass(seconds) => {
                    now = now + crate::time::Span::from_seconds(seconds);
                    asked = now - crate::time::Span::from_seconds(86_400);
                    model.compact.forget_before(asked - crate::time::Span::from_seconds(3_600), asked);
                }
            }
            model.agree(asked);
        }
    }
}

#[test]
fn a_table_told_once_costs_bits_and_no_notes() {
    let mut model = Model::default();
    (0..PREFIXES).for_each(|prefix| model.compact.meet(family(prefix)));
    let at = Timestamp::from_parts(1_000_000, 0);
    for from in 0..PEERS {
        for of in Family::BOTH {
            let listed: Vec<bool> = (0..PREFIXES).map(|prefix| prefix % 4 != from).collect();
            model.dump((from, of), &listed, true, at);
        }
    }
    model.agree(Timestamp::MIN);
    assert!(model.compact.heads.iter().all(|head| head.notes.is_empty()));
}
