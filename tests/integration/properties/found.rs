//! What the properties found wrong once, one short sequence each.

use crate::stage::{Stage, at};
use faultline::feed::Liveness;
use faultline::pipeline::Pipeline;
use faultline::settings::Settings;
use faultline::visibility::Visibility;

const PREFIX: &str = "198.51.100.0/24";

fn stage() -> Stage {
    let sessions: Vec<(usize, u32)> = (0..12).map(|number| (0, 65_001 + number)).collect();
    let mut stage = Stage::new(1, &sessions, &[PREFIX]);
    stage.dump(0, 0, |_, _| true);
    stage
}

fn counts(stage: &Stage, until: i64) -> Visibility {
    let mut pipeline = Pipeline::new(stage.scope(), &Settings::default());
    stage.said.iter().for_each(|said| pipeline.observe(said, &stage.vantages));
    let findings = pipeline.finish(at(until), &stage.vantages);
    findings.votes.visibility(findings.rib.id_of(&PREFIX.parse().unwrap()).unwrap())
}

// Why: a dump tells the whole table of a peer. That it holds none of the few prefixes followed here is news, not silence.
#[test]
fn a_dump_speaks_for_peers_of_whom_it_lists_no_watched_prefix() {
    let mut stage = stage();
    stage.dump(600, 0, |peer, _| peer >= 5);
    assert_eq!(counts(&stage, 601), Visibility { seeing: 7, lost: 5, unknown: 0 });
}

// Why: the slack protects what an update said from a dump which was begun before it; it does not protect one dump from the next.
#[test]
fn a_dump_corrects_the_dump_just_before_it_but_no_update() {
    let mut stage = stage();
    stage.announce(10, 0, 0, 64_601);
    stage.dump(30, 0, |_, _| false);
    assert_eq!(counts(&stage, 31), Visibility { seeing: 1, lost: 11, unknown: 0 });
}

// Why: a table dump shows that its peers were there, and not that they still are an hour later.
#[test]
fn peers_which_only_a_dump_spoke_for_fall_silent_like_others() {
    let stage = stage();
    assert_eq!(counts(&stage, 3_599), Visibility { seeing: 12, lost: 0, unknown: 0 });
    assert_eq!(counts(&stage, 3_601), Visibility { seeing: 0, lost: 0, unknown: 12 });
    let mut pipeline = Pipeline::new(stage.scope(), &Settings::default());
    stage.said.iter().for_each(|said| pipeline.observe(said, &stage.vantages));
    let findings = pipeline.finish(at(4_000), &stage.vantages);
    assert!(stage.peers.iter().all(|peer| findings.feeds.liveness(*peer) == Liveness::Suspended));
    assert_eq!((findings.withdrawals.len(), findings.notes.len()), (0, 12));
}
