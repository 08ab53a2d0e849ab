//! Properties of the middle: random observations into the pipeline, against a model which is as plain as METHOD.md §2 and §3 are.
//!
//! Seeds are fixed: every run tries the same sequences, and a failing one is shrunk.

mod found;
mod model;

use crate::stage::{Stage, at};
use faultline::observation::Statement;
use faultline::pipeline::{Pipeline, RoutingFindings};
use faultline::settings::Settings;
use faultline::time::{Span, Timestamp};
use faultline::vantage::Family;
use faultline::visibility::{Share, Visibility};
use faultline::withdrawal::{Level, Withdrawal};
use model::Model;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Collector and AS number of every peer: three of six ASes have sessions at both collectors.
const SESSIONS: [(usize, u32); 9] =
    [(0, 65001), (0, 65002), (0, 65003), (0, 65004), (0, 65005), (0, 65006), (1, 65001), (1, 65002), (1, 65003)];
const PREFIXES: [&str; 3] = ["198.51.100.0/24", "203.0.113.0/24", "2001:db9:53::/48"];
/// A collector which speaks this often may later be missed for its silence; the model leaves that out.
const MESSAGES_MOST: usize = 29;

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Announce { peer: usize, prefix: usize, transit: u32 },
    Withdraw { peer: usize, prefix: usize },
    Down { peer: usize },
    Up { peer: usize },
    Keepalive { peer: usize },
    EndOfRib { peer: usize, family: Family },
    Gap { collector: usize, seconds: i64 },
    Dump { collector: usize, listed: u32 },
}

/// Steps with the seconds before each.
type Steps = Vec<(i64, Step)>;

fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 1..40i64, 3 => 40..400i64, 1 => 400..4_000i64]
}

/// Steps which say nothing of a loss: ignorance, and good news.
fn harmless() -> BoxedStrategy<Step> {
    let (peer, prefix) = (0..SESSIONS.len(), 0..PREFIXES.len());
    prop_oneof![
        6 => (peer.clone(), prefix, 64_600..64_603u32).prop_map(|(peer, prefix, transit)| Step::Announce { peer, prefix, transit }),
        3 => peer.clone().prop_map(|peer| Step::Down { peer }),
        2 => peer.clone().prop_map(|peer| Step::Up { peer }),
        1 => peer.prop_map(|peer| Step::Keepalive { peer }),
        1 => (0..2usize, 1..900i64).prop_map(|(collector, seconds)| Step::Gap { collector, seconds }),
    ]
    .boxed()
}

fn any_step() -> BoxedStrategy<Step> {
    let (peer, prefix) = (0..SESSIONS.len(), 0..PREFIXES.len());
    let family = prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)];
    prop_oneof![
        8 => (peer.clone(), prefix).prop_map(|(peer, prefix)| Step::Withdraw { peer, prefix }),
        1 => (peer, family).prop_map(|(peer, family)| Step::EndOfRib { peer, family }),
        1 => (0..2usize, any::<u32>()).prop_map(|(collector, listed)| Step::Dump { collector, listed }),
        8 => harmless(),
    ]
    .boxed()
}

/// Tries so many sequences, always the same ones.
fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(error) = runner.run(&strategy, test) {
        panic!("{error}");
    }
}

/// A pair of collectors whose peers had the prefixes of `seed`, and the steps; each second with what the model says then.
struct Played {
    stage: Stage,
    /// After each step: when, and visibility by prefix.
    expected: Vec<(Timestamp, Vec<Visibility>)>,
    end: i64,
}

fn listed(bits: u32) -> impl Fn(usize, usize) -> bool {
    move |peer, prefix| bits >> (peer * PREFIXES.len() + prefix) & 1 == 1
}

fn play(seed: u32, steps: &Steps) -> Played {
    let mut stage = Stage::new(2, &SESSIONS, &PREFIXES);
    let mut model = Model::new(&SESSIONS, &PREFIXES);
    stage.dump(0, 0, listed(seed));
    stage.dump(0, 1, listed(seed));
    model.dump(0, 0, &listed(seed));
    model.dump(0, 1, &listed(seed));
    let mut now = 1;
    // KEEPALIVEs are recorded at the first collector from the beginning, and never at the second: their peers have unlike patience.
    stage.say(now, Statement::Keepalive { from: stage.peers[0] });
    model.hear(now, 0);
    let mut messages = [1, 0];
    let mut expected = Vec::new();
    for (pause, step) in steps {
        now += pause;
        model.pass(now);
        if let Some(collector) = said(step, &mut stage, &mut model, now, messages) {
            messages[collector] += 1;
        }
        expected.push((at(now), (0..PREFIXES.len()).map(|prefix| model.visibility(prefix)).collect()));
    }
    Played { stage, expected, end: now + 600 }
}

/// Takes one step on the stage and in the model; gives the collector which recorded a message.
fn said(step: &Step, stage: &mut Stage, model: &mut Model, now: i64, messages: [usize; 2]) -> Option<usize> {
    let speaks = |peer: &usize| messages[SESSIONS[*peer].0] < MESSAGES_MOST;
    match step {
        Step::Announce { peer, prefix, transit } if speaks(peer) => {
            stage.announce(now, *peer, *prefix, *transit);
            model.announce(now, *peer, *prefix);
            Some(SESSIONS[*peer].0)
        }
        Step::Withdraw { peer, prefix } if speaks(peer) => {
            stage.withdraw(now, *peer, *prefix);
            model.withdraw(now, *peer, *prefix);
            Some(SESSIONS[*peer].0)
        }
        Step::Up { peer } if speaks(peer) => {
            stage.say(now, Statement::SessionUp { from: stage.peers[*peer] });
            model.hear(now, *peer);
            Some(SESSIONS[*peer].0)
        }
        Step::Keepalive { peer } if speaks(peer) && SESSIONS[*peer].0 == 0 => {
            stage.say(now, Statement::Keepalive { from: stage.peers[*peer] });
            model.hear(now, *peer);
            Some(0)
        }
        Step::EndOfRib { peer, family } if speaks(peer) => {
            stage.say(now, Statement::EndOfRib { from: stage.peers[*peer], family: *family });
            model.end_of_rib(now, *peer, *family);
            Some(SESSIONS[*peer].0)
        }
        Step::Down { peer } => {
            stage.say(now, Statement::SessionDown { from: stage.peers[*peer] });
            model.lose(*peer);
            None
        }
        Step::Gap { collector, seconds } => {
            stage.gap(now, *collector, now + seconds);
            model.gap(*collector);
            None
        }
        Step::Dump { collector, listed: bits } => {
            stage.dump(now, *collector, listed(*bits));
            model.dump(now, *collector, &listed(*bits));
            None
        }
        _ => None,
    }
}

/// Runs the pipeline over all that was said; `pauses` are moments at which time is let pass by itself.
fn run(played: &Played, settings: &Settings, pauses: &[i64]) -> RoutingFindings {
    let stage = &played.stage;
    let mut pauses: Vec<Timestamp> = pauses.iter().map(|seconds| at(*seconds)).collect();
    pauses.sort_unstable();
    let mut pauses = pauses.into_iter().peekable();
    let mut pipeline = Pipeline::new(stage.scope(), settings);
    for said in &stage.said {
        while let Some(pause) = pauses.next_if(|pause| *pause <= said.at) {
            pipeline.advance(pause, &stage.vantages);
        }
        pipeline.observe(said, &stage.vantages);
    }
    pauses.filter(|pause| *pause <= at(played.end)).for_each(|pause| pipeline.advance(pause, &stage.vantages));
    pipeline.finish(at(played.end), &stage.vantages)
}

/// The visibility of a prefix after everything that happened until then; of one never spoken of, nobody's.
fn visibility(findings: &RoutingFindings, prefix: usize, until: Timestamp) -> Visibility {
    let Some(id) = findings.rib.id_of(&PREFIXES[prefix].parse().unwrap()) else { return Visibility::default() };
    let mut changes = findings.log.visibility.iter().filter(|change| change.prefix == id && change.at <= until);
    changes.next_back().map(|change| change.now).unwrap_or_default()
}

/// The least at which six ASes can raise an alarm.
fn settings() -> Settings {
    Settings { eligible_min: 3, ..Settings::default() }
}

/// Every peer had every prefix.
const ALL: u32 = u32::MAX;

fn assert_counts(played: &Played, findings: &RoutingFindings) -> Result<(), TestCaseError> {
    for (number, (time, expected)) in played.expected.iter().enumerate() {
        for (prefix, expected) in expected.iter().enumerate() {
            let found = visibility(findings, prefix, *time);
            prop_assert_eq!(found, *expected, "{} after step {} at {}", PREFIXES[prefix], number + 1, time);
        }
    }
    Ok(())
}

// Why: everything rests on these counts; whoever has no vote, has one too many or keeps a stale one makes every share wrong.
#[test]
fn counts_equal_the_model() {
    // The hold is longer than any sequence, so that no electorate is frozen here.
    let settings = Settings { open_hold: Span::from_seconds(400_000), ..settings() };
    check(192, (any::<u32>(), vec((pause(), any_step()), 1..50)), |(seed, steps)| {
        let played = play(seed, &steps);
        let findings = run(&played, &settings, &[]);
        prop_assert_eq!(findings.withdrawals.len(), 0);
        assert_counts(&played, &findings)
    });
}

// Why: a frozen electorate must still count what its members say, and a thawed one must not have lost anybody.
#[test]
fn counts_equal_the_model_while_withdrawals_open_and_close() {
    let opened = std::cell::Cell::new(0);
    check(128, vec((pause(), any_step()), 1..50), |steps| {
        let played = play(ALL, &steps);
        let findings = run(&played, &settings(), &[]);
        opened.set(opened.get() + findings.withdrawals.len());
        assert_counts(&played, &findings)
    });
    assert!(opened.get() > 50, "only {} withdrawals were tried", opened.get());
}

// Why: METHOD.md §3: ignorance never makes an alarm. Lost sessions, gaps and silence are not withdrawals, however many.
#[test]
fn nothing_opens_on_ignorance_alone() {
    check(192, (any::<u32>(), vec((pause(), harmless()), 1..50)), |(seed, steps)| {
        let findings = run(&play(seed, &steps), &settings(), &[]);
        prop_assert_eq!(findings.withdrawals.len(), 0);
        prop_assert_eq!(findings.insufficient.len(), 0);
        prop_assert_eq!(findings.churn.len(), 0);
        let lost = findings.log.visibility.iter().map(|change| change.now.lost).max();
        prop_assert_eq!(lost.unwrap_or(0), 0);
        Ok(())
    });
}

// Why: an outage does not end because nobody looks any more: lost sessions, gaps and silence bring nothing back.
#[test]
fn nothing_closes_on_ignorance_alone() {
    let peer = 0..SESSIONS.len();
    let ignorant = prop_oneof![
        2 => peer.clone().prop_map(|peer| Step::Down { peer }),
        1 => peer.clone().prop_map(|peer| Step::Up { peer }),
        1 => peer.clone().prop_map(|peer| Step::Keepalive { peer }),
        2 => (peer, 0..PREFIXES.len()).prop_map(|(peer, prefix)| Step::Withdraw { peer, prefix }),
        1 => (0..2usize, 1..900i64).prop_map(|(collector, seconds)| Step::Gap { collector, seconds }),
    ];
    let lost = (0..SESSIONS.len()).map(|peer| (1, Step::Withdraw { peer, prefix: 0 }));
    let lost: Steps = lost.chain([(100, Step::Keepalive { peer: 0 })]).collect();
    check(128, vec((pause(), ignorant), 1..50), move |steps| {
        let steps: Steps = lost.iter().cloned().chain(steps).collect();
        let findings = run(&play(ALL, &steps), &settings(), &[]);
        prop_assert!(!findings.withdrawals.is_empty());
        for lost in &findings.withdrawals {
            prop_assert_eq!((lost.recovered, lost.closed, lost.first_back, lost.back_at_open), (None, None, None, None));
        }
        Ok(())
    });
}

// Why: bounds which cross would let the same state be an alarm and none.
#[test]
fn the_lower_bound_is_never_above_the_upper() {
    check(256, (0..50u32, 0..50u32, 0..50u32), |(seeing, lost, unknown)| {
        let visible = Visibility { seeing, lost, unknown };
        prop_assert!(visible.lower() <= visible.upper() && visible.upper() <= Share::ONE);
        prop_assert_eq!(visible.lower() == visible.upper(), unknown == 0 || visible.eligible() == 0);
        Ok(())
    });
    check(64, (any::<u32>(), vec((pause(), any_step()), 1..50)), |(seed, steps)| {
        let findings = run(&play(seed, &steps), &settings(), &[]);
        for change in &findings.log.visibility {
            prop_assert!(change.now.lower() <= change.now.upper());
            prop_assert!(change.now.eligible() <= 6, "votes are by AS, and there are six");
        }
        Ok(())
    });
}

// Why: a report whose times run backwards is believed by nobody.
#[test]
fn the_times_of_a_withdrawal_are_ordered() {
    let tried = std::cell::Cell::new((0, 0));
    check(192, (any::<u32>(), vec((pause(), any_step()), 1..60)), |(seed, steps)| {
        let played = play(seed | !7, &steps);
        let findings = run(&played, &settings(), &[]);
        for lost in &findings.withdrawals {
            ordered(lost, &settings(), at(played.end))?;
            tried.set((tried.get().0 + 1, tried.get().1 + u32::from(lost.closed.is_some())));
        }
        Ok(())
    });
    let (tried, closed) = tried.get();
    assert!(tried > 100 && closed > 20, "only {tried} withdrawals were tried, {closed} of them closed");
}

fn ordered(lost: &Withdrawal, settings: &Settings, end: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(lost.first_statement <= lost.onset.earliest && lost.onset.earliest <= lost.onset.latest, "{:?}", lost);
    let crossed: Vec<Timestamp> = lost.crossed.into_iter().flatten().collect();
    prop_assert!(!crossed.is_empty() && crossed.is_sorted(), "a worse level is not crossed before a milder one: {:?}", lost);
    prop_assert!(lost.onset.earliest <= crossed[0] && crossed[0] + settings.open_hold <= lost.opened, "{:?}", lost);
    prop_assert!(lost.crossed[lost.level as usize].is_some(), "{:?}", lost);
    prop_assert!(lost.onset.earliest <= lost.trough.at && lost.trough.at <= end, "{:?}", lost);
    prop_assert!(lost.trough.visibility.lost > 0, "unknown alone: {:?}", lost);
    prop_assert!(lost.trough.visibility.upper().is_below(lost.level.percent(settings), lost.baseline), "{:?}", lost);
    prop_assert!(lost.level >= Level::Partial && lost.trough.visibility.eligible() >= settings.eligible_min, "{:?}", lost);
    prop_assert!(lost.evidence.is_sorted_by_key(|statement| statement.at), "{:?}", lost);
    prop_assert!(lost.evidence.iter().all(|statement| lost.first_statement <= statement.at), "{:?}", lost);
    prop_assert!(lost.first_back.is_none_or(|back| lost.trough.at <= back), "{:?}", lost);
    prop_assert_eq!(lost.recovered.is_some(), lost.closed.is_some());
    if let (Some(recovered), Some(closed)) = (lost.recovered, lost.closed) {
        prop_assert!(lost.trough.at <= recovered && lost.first_back.is_none_or(|back| back <= recovered), "{:?}", lost);
        prop_assert!(lost.back_at_open.is_none_or(|back| back <= recovered), "{:?}", lost);
        prop_assert_eq!(recovered + settings.close_hold, closed);
        prop_assert!(closed <= end, "{:?}", lost);
    }
    Ok(())
}

// Why: an archive and the same messages streamed live must give the same; live, time passes between messages.
#[test]
fn when_time_passes_between_observations_changes_nothing() {
    let strategy = (any::<u32>(), vec((pause(), any_step()), 1..50), vec(0..6_000i64, 1..40));
    check(96, strategy, |(seed, steps, pauses)| {
        let played = play(seed | !7, &steps);
        let (plain, split) = (run(&played, &settings(), &[]), run(&played, &settings(), &pauses));
        prop_assert_eq!(&plain.withdrawals, &split.withdrawals);
        prop_assert_eq!(&plain.notes, &split.notes);
        prop_assert_eq!(&plain.blind, &split.blind);
        prop_assert_eq!(&plain.churn, &split.churn);
        prop_assert_eq!(&plain.insufficient, &split.insufficient);
        prop_assert_eq!(&plain.log.routes, &split.log.routes);
        prop_assert_eq!(&plain.log.visibility, &split.log.visibility);
        Ok(())
    });
}
