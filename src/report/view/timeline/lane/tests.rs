//! One series' states, and lanes of several.

use super::*;
use crate::probe::AskedAddress;
use crate::time::Bounds;
use std::sync::Arc;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

fn covered() -> SeriesCoverage {
    let target = Target::Http { host: "www.example.com".into(), address: AskedAddress::ByName, label: "".into() };
    let series = Series { vantage: "here".into(), target, check: "web".into(), layer: Layer::ServiceByName, services: Vec::new() };
    let gaps = vec![Bounds::between(at(30), at(40))];
    SeriesCoverage { series: Arc::new(series), first: at(10), last: at(100), attempts: 9, successes: 5, gaps }
}

fn loss(onset: (i64, i64), recovery: Option<(i64, i64)>) -> ReachabilityLoss {
    ReachabilityLoss {
        series: covered().series,
        onset: Bounds::between(at(onset.0), at(onset.1)),
        recovered_by: None,
        recovery: recovery.map(|(from, until)| Bounds::between(at(from), at(until))),
        last_failure: at(onset.1),
        kinds: BTreeMap::new(),
        kind_spans: BTreeMap::new(),
        extended_errors: BTreeMap::new(),
        cached_for: 0,
        evidence: Vec::new(),
    }
}

#[test]
fn a_loss_is_drawn_with_its_bounds_and_a_gap_is_no_health() {
    let found = states(&covered(), &[&loss((50, 55), Some((70, 72)))], at(100));
    let expected = [
        (10, State::Good),
        (30, State::Unprobed),
        (40, State::Good),
        (50, State::Unsure),
        (55, State::Failing),
        (70, State::Unsure),
        (72, State::Good),
        (100, State::Unprobed),
    ];
    assert_eq!(found, expected.map(|(seconds, state)| (at(seconds), state)));
}

#[test]
fn after_its_last_attempt_a_series_is_as_it_was_until_that_is_a_gap() {
    let until = |covered: &SeriesCoverage| states(covered, &[], at(120)).last().copied();
    assert_eq!(until(&covered()), Some((at(120), State::Unprobed)));
    assert_eq!(states(&covered(), &[], at(120)).len(), 4, "nothing changes at 100");
    let mut silent = covered();
    silent.gaps.push(Bounds::between(at(100), at(120)));
    assert!(states(&silent, &[], at(120)).contains(&(at(100), State::Unprobed)));
}

#[test]
fn a_loss_which_never_ended_fails_until_the_last_probe_and_one_never_seen_up_from_the_first() {
    let mut never_up = loss((5, 20), None);
    never_up.onset.earliest = Timestamp::MIN;
    let found = states(&covered(), &[&never_up], at(100));
    let unsure_from_the_first = [(10, State::Unsure), (20, State::Failing), (30, State::Unprobed), (40, State::Failing)];
    assert_eq!(found[..4], unsure_from_the_first.map(|(seconds, state)| (at(seconds), state)));
    assert_eq!(found[4], (at(100), State::Unprobed));
}

#[test]
fn every_step_of_a_lane_adds_up_to_its_series() {
    let (well, ill) = (states(&covered(), &[], at(100)), states(&covered(), &[&loss((50, 55), Some((70, 72)))], at(100)));
    let lane = steps(vec![well, ill], (at(0), at(90)));
    assert!(lane.iter().all(|step| step.good + step.failing + step.unsure + step.unprobed == 2), "{lane:?}");
    assert_eq!((lane[0].at, lane[0].unprobed), (at(0), 2));
    assert!(lane.iter().any(|step| (step.at, step.failing, step.good) == (at(55), 1, 1)), "{lane:?}");
    assert_eq!(lane.last().map(|step| (step.at, step.good)), Some((at(72), 2)), "what comes after the window is cut");
}
