//! A sweep over thresholds and losses: the level found against the definition, worked out here by itself.
//!
//! METHOD.md §4: below `warn` of the baseline a withdrawal is partial, below `open` major, below `critical` full; §3: the upper bound
//! decides, so whoever has said nothing counts as seeing; fewer than `eligible_min` ASes raise no alarm.

use crate::stage::{Stage, at};
use faultline::observation::{GapCause, Statement};
use faultline::pipeline::{Pipeline, RoutingFindings};
use faultline::settings::Settings;
use faultline::time::Span;
use faultline::withdrawal::Withdrawal;

/// How the state before the loss is known.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Known {
    /// From a table dump.
    Dump,
    /// Every peer announced the prefix.
    Announced,
    /// Nobody ever spoke of the prefix: a withdraw statement shows that it had been there.
    Nothing,
}

/// `lost` of `ases` withdraw at 1200 s, for good.
fn run(ases: u32, lost: u32, known: Known, settings: &Settings) -> RoutingFindings {
    let sessions: Vec<(usize, u32)> = (0..ases).map(|number| (0, 64_700 + number)).collect();
    let mut stage = Stage::new(1, &sessions, &["198.51.100.0/24"]);
    if known == Known::Dump {
        stage.dump(0, 0, |_, _| true);
    }
    for peer in 0..ases as usize {
        stage.others(1, peer, 60);
        if known == Known::Announced {
            stage.announce(2, peer, 0, 64_600);
        }
    }
    for peer in 0..lost as usize {
        stage.withdraw(1_200, peer, 0);
    }
    let mut pipeline = Pipeline::new(stage.scope(), settings);
    for said in &stage.said {
        pipeline.observe(said, &stage.vantages);
    }
    pipeline.finish(at(1_500), &stage.vantages)
}

fn found(findings: &RoutingFindings) -> &'static str {
    match findings.withdrawals.as_slice() {
        [] if findings.insufficient.is_empty() => "none",
        [] => "too few to tell",
        [one] => one.level.word(),
        _ => "several",
    }
}

/// The definition, in whole numbers: the baseline is 1, since everybody had the prefix or has not been heard of it.
fn defined(ases: u32, lost: u32, open: u32) -> &'static str {
    let below = |percent: u32| (ases - lost) * 100 < ases * percent;
    match () {
        () if !below(80) => "none",
        () if ases < 10 => "too few to tell",
        () if below(20) => "full",
        () if below(open) => "major",
        () => "partial",
    }
}

#[test]
fn the_level_found_is_the_one_defined() {
    let mut rows = vec![format!("{:<10}{:>6}{:>10}  {:<18}{:<18}", "known by", "open", "lost", "found", "defined")];
    let (mut wrong, mut levels) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for known in [Known::Dump, Known::Announced, Known::Nothing] {
        for open in [30, 50, 70] {
            let settings = Settings { open_percent: open, ..Settings::default() };
            // 20 ASes, from 20 % lost on; and 9, of which no alarm may come.
            for (ases, lost) in (4..=20).map(|lost| (20, lost)).chain((2..=9).map(|lost| (9, lost))) {
                let findings = run(ases, lost, known, &settings);
                let (found, defined) = (found(&findings), defined(ases, lost, open));
                wrong += usize::from(found != defined);
                *levels.entry(defined).or_default() += 1;
                let mark = if found == defined { "" } else { "  <--" };
                rows.push(format!(
                    "{:<10}{open:>5}%{:>10}  {found:<18}{defined:<18}{mark}",
                    format!("{known:?}"),
                    format!("{lost} of {ases}")
                ));
            }
        }
    }
    assert_eq!(wrong, 0, "\n{}", rows.join("\n"));
    let expected = [("full", 36), ("major", 54), ("none", 9), ("partial", 54), ("too few to tell", 72)];
    assert_eq!(levels, expected.into(), "the sweep crosses every threshold");
}

/// 20 ASes, whose tables have the prefix.
fn twenty() -> Stage {
    let sessions: Vec<(usize, u32)> = (0..20).map(|number| (0, 64_700 + number)).collect();
    let mut stage = Stage::new(1, &sessions, &["198.51.100.0/24"]);
    stage.dump(0, 0, |_, _| true);
    stage
}

/// The only withdrawal, where nobody falls silent.
fn only(stage: &Stage, end: i64) -> Withdrawal {
    let settings = Settings { silence: Span::from_seconds(86_400), ..Settings::default() };
    let mut pipeline = Pipeline::new(stage.scope(), &settings);
    for said in &stage.said {
        pipeline.observe(said, &stage.vantages);
    }
    let mut found = pipeline.finish(at(end), &stage.vantages).withdrawals;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

// Why: a baseline below 1 asks for fewer; what is usual for a prefix is not what is usual for all.
#[test]
fn the_level_is_measured_against_what_was_usual() {
    let mut stage = twenty();
    // Half of the ASes lose it for the first hour: from then on half is what is usual.
    for peer in 0..10 {
        stage.withdraw(60, peer, 0);
    }
    for peer in 10..15 {
        stage.withdraw(30_000, peer, 0);
    }
    let partial = only(&stage, 31_000);
    // Ten of twenty are not below 50 %, and the baseline is frozen while it lasts: with five left it is major at last.
    assert_eq!((partial.level.word(), partial.trough.visibility.seeing), ("major", 5));
    assert_eq!(partial.crossed[0], Some(at(60)));
    assert_eq!(partial.crossed[1], Some(at(30_000)));
}

// Why: who recorded nothing when the prefix came back learns it from the next table; else the incident would never end.
#[test]
fn a_table_which_lists_the_prefix_shows_that_it_is_back() {
    let again = |listing: usize| {
        let mut stage = twenty();
        for peer in 0..20 {
            stage.withdraw(1_200, peer, 0);
        }
        stage.dump(4_000, 0, |peer, _| peer < listing);
        only(&stage, 9_000).recovered
    };
    assert_eq!([again(20), again(16), again(15), again(0)], [Some(at(4_000)), Some(at(4_000)), None, None]);
}

// Why: who could not look does not know when the prefix came back.
#[test]
fn what_came_back_while_too_few_could_tell_came_back_in_between() {
    let back = |announced: i64| {
        let mut stage = twenty();
        for peer in 0..20 {
            stage.withdraw(1_200, peer, 0);
        }
        let gap = Statement::FeedGap { collector: stage.collectors[0], until: at(3_000), cause: GapCause::MissingFile };
        stage.say(2_000, gap);
        for peer in 0..20 {
            stage.say(3_000, Statement::SessionUp { from: stage.peers[peer] });
        }
        if announced > 3_500 {
            stage.dump(3_500, 0, |_, _| false);
        }
        for peer in 0..20 {
            stage.announce(announced, peer, 0, 64_600);
        }
        stage.said.sort_by_key(|said| said.at);
        only(&stage, 9_000).recovery().map(|recovery| (recovery.earliest, recovery.latest))
    };
    assert_eq!(back(3_005), Some((at(2_000), at(3_005))));
    assert_eq!(back(4_000), Some((at(4_000), at(4_000))), "it was seen lost after the gap");
}
