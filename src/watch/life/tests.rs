//! The life of an incident over restarts: told once, with the same number.

use super::*;
use crate::foreign::ForeignOrigin;
use crate::incident::{ControlVantages, Evidence};
use crate::rib::PrefixId;
use crate::settings::Settings;
use crate::time::Bounds;
use crate::visibility::Visibility;
use crate::withdrawal::{Moment, Withdrawal};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + 60 * minute, 0)
}

fn withdrawal(prefix: &str, from: i64, until: Option<i64>) -> Withdrawal {
    Withdrawal {
        prefix: prefix.parse().unwrap(),
        id: PrefixId::at(0),
        origins: Vec::new(),
        level: Level::Full,
        baseline: Share::ONE,
        inferred: false,
        covers_known: true,
        first_statement: at(from),
        onset: Bounds::exact(at(from)),
        crossed: [None; 3],
        opened: at(from),
        trough: Moment { at: at(from), visibility: Visibility { seeing: 0, lost: 10, unknown: 0 } },
        first_back: None,
        back_at_open: until.map(at),
        recovered: until.map(at),
        unseen_since: None,
        closed: until.map(at),
        stragglers: Vec::new(),
        zombies: Vec::new(),
        covers: Vec::new(),
        cover: None,
        lost_by: Vec::new(),
        common_transit: Vec::new(),
        evidence: Vec::new(),
    }
}

fn foreign(prefix: &str, from: i64) -> ForeignOrigin {
    ForeignOrigin {
        prefix: prefix.parse().unwrap(),
        origin: Asn(64_999),
        first: at(from),
        opened: Some(at(from)),
        ended: None,
        taken_by: [Asn(1), Asn(2)].into(),
        eligible: 10,
        evidence: Vec::new(),
    }
}

fn incident(withdrawals: Vec<Withdrawal>, foreign_origins: Vec<ForeignOrigin>) -> Incident {
    let ends: Option<Vec<Timestamp>> = withdrawals.iter().map(|withdrawal| withdrawal.recovered).collect();
    let ended = ends.filter(|_| foreign_origins.is_empty()).and_then(|ends| ends.into_iter().max()).map(Bounds::exact);
    Incident {
        id: "x".to_owned(),
        began: Bounds::exact(at(0)),
        ended,
        evidence: Evidence {
            withdrawals,
            foreign_origins,
            flaps: Vec::new(),
            losses: Vec::new(),
            muted: Vec::new(),
            controls: Vec::new(),
            services: Vec::new(),
            routing_blind: Vec::new(),
            routing_gaps: Vec::new(),
            control_vantages: ControlVantages::default(),
            probed: false,
            observed: true,
            settings: Settings::default(),
            recorded_until: at(100),
        },
    }
}

const P: &str = "192.0.2.0/24";
const Q: &str = "198.51.100.0/24";

/// What is told of these incidents at a minute, while nothing is seen.
fn told(life: &mut LifeCycle, minute: i64, incidents: &[Incident]) -> Vec<(IncidentChange, usize)> {
    let events = life.follow(incidents, at(minute), |_| false);
    events.into_iter().map(|event| (event.change, event.number)).collect()
}

/// As the journal gives it back.
fn restarted(life: &LifeCycle) -> LifeCycle {
    serde_json::from_str(&serde_json::to_string(life).unwrap()).unwrap()
}

#[test]
fn what_is_heard_again_is_not_told_again() {
    use IncidentChange::{Closed, Improved, Opened, Withdrawn, Worsened};
    let one = |until| incident(vec![withdrawal(P, 1, until)], Vec::new());
    let other = || incident(vec![withdrawal(Q, 2, None)], Vec::new());
    let both = |until, end| incident(vec![withdrawal(P, 1, until), withdrawal(Q, 2, end)], Vec::new());
    let course = [
        (1, vec![one(None)]),
        (2, vec![one(None), other()]),
        (3, vec![both(None, None)]),
        (4, vec![both(Some(4), None)]),
        (5, vec![both(Some(4), Some(5))]),
    ];
    let all = [
        vec![(Opened, 1)],
        vec![(Opened, 2)],
        // They turn out to be one.
        vec![(Worsened, 1), (Withdrawn, 2)],
        vec![(Improved, 1)],
        vec![(Closed, 1)],
    ];
    let mut life = LifeCycle::default();
    for (cut, told_then) in all.iter().enumerate() {
        let (minute, incidents) = &course[cut];
        assert_eq!(told(&mut life, *minute, incidents), *told_then);
        // Another run hears everything from the beginning, and goes on.
        let mut again = restarted(&life);
        for (place, (minute, incidents)) in course.iter().enumerate() {
            let expected = if place <= cut { Vec::new() } else { all[place].clone() };
            assert_eq!(told(&mut again, *minute, incidents), expected, "cut after {cut}, at {minute}");
        }
    }
}

#[test]
fn what_is_too_early_is_told_when_it_is_time() {
    let found = [incident(vec![withdrawal(P, 1, None)], Vec::new())];
    let mut life = LifeCycle::default();
    assert_eq!(life.follow_all_but(&found, at(1), |_| false, |_| true), []);
    assert_eq!((life.any_open(), life.numbers()), (false, &[0][..]), "it has no number yet");
    let opened = IncidentEvent { change: IncidentChange::Opened, number: 1, place: Some(0) };
    assert_eq!(life.follow_all_but(&found, at(2), |_| false, |_| false), [opened]);
    assert_eq!(life.follow_all_but(&found, at(3), |_| false, |_| true), [], "told once, it is followed");
    assert!(life.any_open());
}

#[test]
fn an_open_incident_which_the_next_run_does_not_find_is_over_when_its_prefixes_are_seen() {
    let mut life = LifeCycle::default();
    told(&mut life, 1, &[incident(vec![withdrawal(P, 1, None), withdrawal(Q, 1, None)], Vec::new())]);
    let mut life = restarted(&life);
    assert_eq!(life.open().collect::<Vec<_>>(), [1]);
    let half = |prefix: &IpNet| prefix.to_string() == P;
    assert_eq!(life.follow(&[], at(10), |_| false), []);
    assert_eq!(life.follow(&[], at(20), half), [], "one of two is seen");
    assert_eq!(life.follow(&[], at(21), |_| true), [], "not long enough yet");
    assert_eq!(life.follow(&[], at(22), half), [], "gone again: it begins anew");
    assert_eq!(life.follow(&[], at(23), |_| true), []);
    let over = IncidentEvent { change: IncidentChange::Closed, number: 1, place: None };
    assert_eq!(life.follow(&[], at(28), |_| true), [over]);
    assert_eq!(life.follow(&[], at(40), |_| true), []);
    assert_eq!(life.open().count(), 0);
}

#[test]
fn the_next_run_goes_on_with_the_same_incident_though_it_finds_it_later() {
    let mut life = LifeCycle::default();
    told(&mut life, 1, &[incident(vec![withdrawal(P, 1, None)], Vec::new())]);
    let mut life = restarted(&life);
    // The same prefix, found withdrawn by a run which was not there when it began.
    let events = told(&mut life, 10, &[incident(vec![withdrawal(P, 9, Some(10))], Vec::new())]);
    assert_eq!(events, [(IncidentChange::Closed, 1)]);
    // What begins after the end is another one.
    let later = incident(vec![withdrawal(P, 30, None)], Vec::new());
    let events = told(&mut restarted(&life), 31, &[later]);
    assert_eq!(events, [(IncidentChange::Opened, 2)]);
}

#[test]
fn what_cannot_be_seen_to_be_over_is_taken_back_after_a_day() {
    let mut life = LifeCycle::default();
    told(&mut life, 1, &[incident(Vec::new(), vec![foreign(P, 1)])]);
    let mut life = restarted(&life);
    assert_eq!(told(&mut life, 10, &[]), []);
    assert_eq!(told(&mut life, 10 + 24 * 60 - 1, &[]), []);
    assert_eq!(told(&mut life, 10 + 24 * 60, &[]), [(IncidentChange::Withdrawn, 1)]);
}
