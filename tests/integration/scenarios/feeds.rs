//! Scenarios of feeds: lost sessions, lost collectors, state changes which mean nothing, and blindness (METHOD.md §8.3 and §8.8).

use super::{EXAMPLE, analysis, assert_between, assert_quiet, at, at_end, folder, notes, only, play_text, verdicts};
use faultline::analysis::Outcome;
use faultline::feed::{FeedEvent, NotedFeed};
use faultline::incident::Verdict;
use faultline::observation::GapCause;
use faultline::report::{ReportView, markdown};
use faultline::vantage::Asn;
use std::collections::BTreeMap;

#[test]
fn the_reset_of_the_biggest_peer_is_no_incident() {
    let analysis = analysis("session-reset");
    assert_quiet(&analysis);
    let (lost, again) = (notes(&analysis, FeedEvent::SessionLost), notes(&analysis, FeedEvent::TableSentAgain));
    assert_eq!((lost.len(), again.len(), analysis.routing.notes.len()), (4, 2, 6));
    for (note, collector) in lost.iter().map(|note| (note, "rrc00")).chain(again.iter().map(|note| (note, "route-views2"))) {
        let NotedFeed::Vantage(id) = note.whom else { panic!("{note:?}") };
        let point = analysis.vantages.point(id);
        assert_eq!((point.asn, &*point.collector), (Asn(64999), collector));
    }
    assert!(lost.iter().all(|note| note.at == at("12:30:00")));
    assert!(again.iter().all(|note| note.at == at("12:33:00")));
    assert_eq!(at_end(&analysis, "203.0.113.0/24"), (21, 0, 0));
}

#[test]
fn the_loss_of_a_collector_is_no_incident() {
    let analysis = analysis("collector-lost");
    assert_quiet(&analysis);
    assert_eq!(analysis.routing.notes.len(), 1);
    let note = notes(&analysis, FeedEvent::Gap(GapCause::Silence))[0];
    assert_eq!(note.whom.name(&analysis.vantages), "rrc00");
    assert_eq!(note.until, None);
    assert_between(note.at, "12:29:30", "12:30:00");
    for prefix in ["198.51.100.0/24", "2001:db9:80::/48"] {
        assert_eq!(at_end(&analysis, prefix), (16, 0, 16), "{prefix}");
    }
}

#[test]
fn the_restart_of_a_collector_is_no_incident() {
    let analysis = analysis("collector-restart");
    assert_quiet(&analysis);
    assert_eq!(notes(&analysis, FeedEvent::SessionLost).len(), 32);
    let silences = notes(&analysis, FeedEvent::Gap(GapCause::Silence));
    assert_eq!((silences.len(), analysis.routing.notes.len()), (1, 33));
    assert_eq!(silences[0].until, Some(at("12:40:00")));
    assert_eq!(at_end(&analysis, "203.0.113.0/24"), (32, 0, 0));
}

#[test]
fn state_changes_of_dead_sessions_are_counted_and_mean_nothing() {
    let analysis = analysis("bogus-state-changes");
    assert_quiet(&analysis);
    let lost = notes(&analysis, FeedEvent::SessionLost);
    assert_eq!((lost.len(), analysis.routing.notes.len()), (2, 2), "each of AS64903's sessions once");
    let vain = analysis.routing.feeds.vain_state_changes();
    let vain: BTreeMap<String, u64> = vain.map(|(id, count)| (analysis.vantages.point(id).peer.to_string(), count)).collect();
    let expected = [("192.0.2.31", 60), ("192.0.2.33", 20), ("2001:db8:fffd::33", 20)];
    assert_eq!(vain, expected.map(|(peer, count)| (peer.to_owned(), count)).into());
    let recorded: u64 = analysis.bgp_files.iter().map(|file| file.state_changes).sum();
    assert_eq!(
        recorded,
        60 + 100 + 2 * 60 + 2 * 20 + 4,
        "both kinds, the tries of the idle peers, and the two sessions down and up"
    );
    assert_eq!(at_end(&analysis, "203.0.113.0/24"), (17, 0, 0));
    let view = ReportView::of(&analysis, at("15:00:00"));
    let sentence = "100 state changes of 3 vantage points without a session: not counted.";
    assert!(view.completeness.summary.iter().any(|told| told == sentence), "{:?}", view.completeness.summary);
    assert!(markdown(&view).contains("State changes of sessions which were not up:"));
}

#[test]
fn failures_after_the_end_of_the_recording_are_undetermined() {
    let analysis = analysis("feed-ends");
    let incident = only(&analysis);
    assert_eq!(verdicts(incident), (Verdict::Undetermined, Verdict::Undetermined));
    assert_between(incident.began.latest, "12:40:00", "12:43:00");
    assert_between(incident.ended.unwrap().latest, "12:50:00", "12:53:00");
    assert_eq!(incident.evidence.withdrawals.len(), 0);
    let blind: Vec<&str> = incident.evidence.routing_blind.iter().map(|blind| blind.what.as_str()).collect();
    assert_eq!(blind, ["the BGP recording had ended"]);
    assert_between(analysis.routing.last, "12:29:30", "12:30:00");
}

// Why: a withdrawal may show up to `cause_before` after what it causes; a recording which ends before that cannot exclude it.
#[test]
fn failures_well_before_the_end_of_the_recording_are_judged() {
    let path = folder().join("feed-ends.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let tried = [
        ("12:20:00", Verdict::DnsAuthorities, None),
        ("12:26:00", Verdict::DnsAuthorities, None),
        ("12:29:00", Verdict::Undetermined, Some("the BGP recording ended too soon after")),
    ];
    for (began, verdict, blind) in tried {
        let earlier = play_text(&path, &text.replace("at = 2026-01-01T12:40:00Z", &format!("at = 2026-01-01T{began}Z")), EXAMPLE);
        let analysis = earlier.analyze();
        let incident = only(&analysis);
        assert_eq!(verdicts(incident), (verdict, verdict), "{began}");
        let told: Vec<&str> = incident.evidence.routing_blind.iter().map(|blind| blind.what.as_str()).collect();
        assert_eq!(told, blind.into_iter().collect::<Vec<_>>(), "{began}");
    }
}

#[test]
fn failures_inside_a_gap_are_undetermined() {
    let analysis = analysis("feed-gap");
    let incident = only(&analysis);
    assert_eq!(verdicts(incident), (Verdict::Undetermined, Verdict::Undetermined));
    assert_eq!(analysis.routing.withdrawals.len(), 0, "a gap is no withdrawal, nor are the tables which follow it");
    let gaps = notes(&analysis, FeedEvent::Gap(GapCause::MissingFile));
    let mut who: Vec<String> = gaps.iter().map(|note| note.whom.name(&analysis.vantages)).collect();
    who.sort();
    assert_eq!(who, ["rrc00", "rrc01"]);
    assert!(gaps.iter().all(|note| (note.at, note.until) == (at("12:30:00"), Some(at("13:00:00")))), "{gaps:?}");
    for prefix in ["198.51.100.0/24", "203.0.113.0/24", "2001:db9:80::/48"] {
        assert_eq!(at_end(&analysis, prefix), (32, 0, 0), "{prefix}: seen again");
    }
}

#[test]
fn silence_is_known_within_the_declared_minute() {
    let analysis = analysis("feed-silent");
    let incident = only(&analysis);
    assert_eq!(verdicts(incident), (Verdict::Undetermined, Verdict::Undetermined));
    assert_eq!(analysis.routing.withdrawals.len(), 0);
    let silences = notes(&analysis, FeedEvent::Gap(GapCause::Silence));
    assert_eq!(silences.len(), 2);
    let declared = analysis.organization.settings.feed_gap;
    let last = silences.iter().map(|note| note.at).max().unwrap();
    assert_between(last, "12:15:50", "12:16:00");
    assert_eq!(analysis.routing.blind.len(), 4, "each prefix once: {:?}", analysis.routing.blind);
    for blind in &analysis.routing.blind {
        assert!(blind.from > last && blind.from <= last + declared, "{blind:?}");
        assert_between(blind.until, "12:29:00", "12:29:10");
        assert_eq!((blind.worst.seeing, blind.worst.lost, blind.worst.unknown), (0, 0, 24));
    }
}

#[test]
fn health_after_the_end_of_the_recording_is_not_claimed() {
    let analysis = analysis("feed-ends-quietly");
    assert_eq!(analysis.correlation.incidents.len(), 0);
    assert_eq!((analysis.outcome(), analysis.outcome().exit_status()), (Outcome::CouldNotTell, 3));
    let doubts = analysis.doubts();
    assert_eq!(doubts.len(), 1, "{doubts:?}");
    assert!(doubts[0].starts_with("BGP was recorded until 2026-01-01 12:29:"), "{doubts:?}");
}
