//! Scenarios of routes: churn, hijacks, path hunting, partial and whole losses (METHOD.md §8.4 to §8.7).

use super::{
    EXAMPLE, SMALL, analysis, assert_between, assert_quiet, assert_within, at, at_end, folder, notes, only, play, play_text,
    verdicts, withdrawals,
};
use faultline::analysis::{Analysis, Outcome};
use faultline::feed::FeedEvent;
use faultline::incident::{Observed, Verdict};
use faultline::report::{ReportView, markdown};
use faultline::time::Span;
use faultline::vantage::Asn;
use faultline::visibility::{Electorate, Vote};
use faultline::withdrawal::{Churn, Level};
use std::collections::BTreeMap;

/// The churn of an analysis without an incident: how often each prefix, and everything.
fn churned(analysis: &Analysis) -> (BTreeMap<String, usize>, &[Churn]) {
    assert_eq!((analysis.correlation.incidents.len(), analysis.routing.withdrawals.len()), (0, 0));
    assert_eq!(analysis.outcome(), Outcome::NoIncident);
    let [Observed::Churn(churn)] = analysis.correlation.observed.as_slice() else { panic!("{:?}", analysis.correlation.observed) };
    let mut counts = BTreeMap::new();
    for churn in churn {
        *counts.entry(churn.prefix.to_string()).or_insert(0) += 1;
    }
    (counts, churn)
}

#[test]
fn gone_for_25_seconds_is_churn() {
    let analysis = analysis("churn");
    let (counts, churn) = churned(&analysis);
    let all = ["198.51.100.0/24", "203.0.113.0/24", "2001:db9:53::/48", "2001:db9:80::/48"];
    assert_eq!(counts, all.map(|prefix| (prefix.to_owned(), 1)).into());
    for churn in churn {
        assert_between(churn.from, "12:30:00", "12:30:02");
        assert_between(churn.until, "12:30:25", "12:30:27");
        assert_eq!((churn.lowest.visibility.seeing, churn.lowest.visibility.lost), (0, 32));
    }
    let view = ReportView::of(&analysis, at("15:00:00"));
    let sentence = "4 prefixes lost by many and back within 60 s: churn, no withdrawal";
    assert!(view.observed[0].sentence.starts_with(sentence), "{}", view.observed[0].sentence);
    assert!(markdown(&view).contains(sentence));
}

#[test]
fn five_short_flaps_are_no_incident() {
    let analysis = analysis("flaps-within-hold");
    let (counts, churn) = churned(&analysis);
    assert_eq!(counts, [("203.0.113.0/24".to_owned(), 5)].into());
    assert!(churn.iter().all(|churn| churn.until.since(churn.from) <= Span::from_seconds(22)), "{churn:?}");
}

#[test]
fn five_long_flaps_are_one_incident() {
    let analysis = analysis("flaps-within-close-hold");
    let incident = only(&analysis);
    let lost = withdrawals(incident, &["203.0.113.0/24"])[0];
    assert_eq!((lost.level, lost.trough.visibility.lost, lost.trough.visibility.eligible()), (Level::Full, 32, 32));
    assert_within(lost.onset, "12:10:00", "12:10:01");
    assert_between(lost.opened, "12:11:00", "12:11:02");
    assert_between(lost.recovered.unwrap(), "12:23:30", "12:23:32");
    assert_eq!(lost.closed, lost.recovered.map(|at| at + Span::from_seconds(300)));
    assert_eq!(incident.ended.unwrap().latest, lost.recovered.unwrap());
    assert_eq!(verdicts(incident).0, Verdict::RoutingNotProbed);
}

#[test]
fn all_tables_sent_again_withdraw_nothing() {
    let analysis = analysis("table-transfer");
    assert_quiet(&analysis);
    assert_eq!(notes(&analysis, FeedEvent::TableSentAgain).len(), 64);
    assert_eq!(analysis.routing.notes.len(), 64);
}

#[test]
fn a_hijack_by_a_more_specific_is_no_withdrawal() {
    let analysis = analysis("hijack-more-specific");
    let incident = only(&analysis);
    assert_eq!(analysis.routing.withdrawals.len(), 0, "neither when it begins nor when it ends");
    let [foreign] = incident.evidence.foreign_origins.as_slice() else { panic!("one foreign origin") };
    assert_eq!((foreign.prefix.to_string().as_str(), foreign.origin), ("198.51.100.0/25", Asn(64666)));
    assert_eq!((foreign.first, foreign.ended), (at("12:30:00"), Some(at("12:50:20"))));
    assert_between(foreign.opened.unwrap(), "12:30:00", "12:30:01");
    assert_eq!((foreign.taken_by.len(), foreign.eligible), (32, 32));
    assert_eq!(verdicts(incident), (Verdict::ForeignOriginNoImpact, Verdict::ForeignOriginNoImpact));
    assert_eq!((incident.began.latest, incident.ended.unwrap().latest), (at("12:30:00"), at("12:50:20")));
}

#[test]
fn a_hijack_of_the_same_prefix_is_no_withdrawal() {
    let analysis = analysis("hijack-same-prefix");
    let incident = only(&analysis);
    assert_eq!(analysis.routing.withdrawals.len(), 0, "neither when it begins nor when it ends");
    let [foreign] = incident.evidence.foreign_origins.as_slice() else { panic!("one foreign origin") };
    assert_eq!((foreign.prefix.to_string().as_str(), foreign.origin), ("203.0.113.0/24", Asn(64666)));
    assert_eq!((foreign.taken_by.len(), foreign.eligible), (16, 32));
    assert_eq!((foreign.first, foreign.ended), (at("12:30:00"), Some(at("12:50:20"))));
    assert_eq!(verdicts(incident), (Verdict::RoutingForeignOrigin, Verdict::RoutingForeignOrigin));
    let sentence = &incident.verdict().services[0].sentence;
    assert!(sentence.ends_with("AS64666 originates it; fails at branch"), "{sentence}");
    assert_eq!(at_end(&analysis, "203.0.113.0/24"), (32, 0, 0));
}

#[test]
fn path_changes_with_hunting_withdraw_nothing() {
    let analysis = analysis("path-change");
    assert_quiet(&analysis);
    let lost = analysis.routing.log.visibility.iter().map(|change| change.now.lost).max();
    assert!(lost > Some(0), "somebody hunted, or this tests nothing");
    assert_eq!(analysis.routing.notes.len(), 0);
}

#[test]
fn a_loss_at_two_of_six_is_partial_and_names_the_transit() {
    let analysis = play("partial", SMALL).analyze();
    assert_eq!((analysis.correlation.incidents.len(), analysis.outcome()), (0, Outcome::NoIncident));
    let [Observed::Partial(lost)] = analysis.correlation.observed.as_slice() else { panic!("{:?}", analysis.correlation.observed) };
    assert_eq!((lost.prefix.to_string().as_str(), lost.level), ("203.0.113.0/24", Level::Partial));
    assert_eq!((lost.trough.visibility.seeing, lost.trough.visibility.lost, lost.trough.visibility.unknown), (4, 2, 0));
    assert_eq!(lost.lost_by, [Asn(64513), Asn(64516)]);
    assert_eq!(lost.common_transit, [Asn(64602)]);
    assert_within(lost.onset, "12:30:00", "12:30:05");
    assert_between(lost.recovered.unwrap(), "12:45:00", "12:45:05");
    let view = ReportView::of(&analysis, at("15:00:00"));
    let sentence = &view.observed[0].sentence;
    for told in ["AS64513", "AS64516", "all lost paths cross AS64602, no surviving path does"] {
        assert!(sentence.contains(told), "{sentence}");
    }
}

#[test]
fn a_partial_loss_which_is_felt_is_local() {
    let analysis = play("partial-with-probes", SMALL).analyze();
    let incident = only(&analysis);
    let lost = withdrawals(incident, &["203.0.113.0/24"])[0];
    assert_eq!((lost.level, lost.common_transit.as_slice()), (Level::Partial, [Asn(64602)].as_slice()));
    assert_eq!(verdicts(incident), (Verdict::RoutingLocal, Verdict::RoutingLocal));
    let service = &incident.verdict().services[0];
    assert!(service.sentence.ends_with("fails at branch"), "{}", service.sentence);
    assert!(incident.evidence.losses.iter().all(|loss| &*loss.series.vantage == "branch"));
    assert_eq!(incident.evidence.losses.len(), 2, "by name and at its address");
}

#[test]
fn a_loss_of_ipv6_alone_is_found_with_twelve_ases() {
    let analysis = analysis("ipv6-only");
    let incident = only(&analysis);
    let lost = withdrawals(incident, &["2001:db9:80::/48"])[0];
    assert_eq!(analysis.routing.withdrawals.len(), 1);
    assert_eq!((lost.level, lost.trough.visibility.lost, lost.trough.visibility.eligible()), (Level::Full, 12, 12));
    assert_within(lost.onset, "12:20:00", "12:20:20");
    assert_between(lost.recovered.unwrap(), "12:40:00", "12:40:20");
    assert_eq!((lost.cover.clone(), lost.zombies.len(), lost.inferred), (None, 0, false));
    assert_eq!(incident.verdict().verdict, Verdict::RoutingNotProbed);
    assert_eq!(analysis.routing.insufficient.len(), 0);
}

/// Resolvers answer from their caches, so nobody feels it yet: it is told all the same, and of whom.
#[test]
fn name_servers_which_are_down_behind_caches_are_told() {
    let analysis = analysis("authorities-behind-caches");
    let incident = only(&analysis);
    assert_eq!(analysis.routing.withdrawals.len(), 0);
    assert_eq!(incident.verdict().verdict, Verdict::DnsAuthorities);
}

#[test]
fn a_cover_delivers_only_where_what_is_behind_it_answers() {
    let path = folder().join("cover-silent.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let silent = analysis("cover-silent");
    let incident = only(&silent);
    assert_eq!(incident.verdict().verdict, Verdict::RoutingNoImpact);
    let lost = withdrawals(incident, &["198.51.100.0/24"])[0];
    assert_eq!(lost.cover.as_ref().map(|cover| cover.prefix.to_string()).as_deref(), Some("198.51.0.0/16"));
    // It answers: the withdrawal is told, and is no incident.
    let answering = play_text(&path, text.split_once("[[dns]]").unwrap().0, EXAMPLE).analyze();
    assert_eq!((answering.outcome(), answering.routing.withdrawals.len()), (Outcome::NoIncident, 1));
    let [Observed::CoverDelivers(lost)] = answering.correlation.observed.as_slice() else {
        panic!("{:?}", answering.correlation.observed)
    };
    assert_eq!(lost.prefix.to_string(), "198.51.100.0/24");
}

#[test]
fn three_percent_zombies_are_listed_after_90_minutes() {
    let whole = analysis("zombies");
    let lost = withdrawals(only(&whole), &["203.0.113.0/24"])[0];
    assert_eq!((lost.level, lost.trough.visibility.seeing, lost.trough.visibility.lost), (Level::Full, 1, 33));
    let id = whole.routing.rib.id_of(&lost.prefix).unwrap();
    let state = Electorate { rib: &whole.routing.rib, feeds: &whole.routing.feeds, vantages: &whole.vantages };
    let still = whole.routing.votes.voters(id, Vote::Seeing, state);
    assert_eq!((lost.zombies.as_slice(), lost.zombies.len()), (still.as_slice(), 1));
    assert_eq!((lost.recovered, only(&whole).is_open()), (None, true));
    // The same recording, ended before and after the 90 minutes are over.
    let path = folder().join("zombies.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    for (end, zombies) in [("13:49:00", 0), ("13:51:00", 1)] {
        let text = text.replace("end = 2026-01-01T14:15:00Z", &format!("end = 2026-01-01T{end}Z"));
        let shorter = play_text(&path, &text, EXAMPLE).analyze();
        assert_eq!(withdrawals(only(&shorter), &["203.0.113.0/24"])[0].zombies.len(), zombies, "{end}");
    }
}

/// As the RIS beacons do, which are withdrawn for two hours: whoever has the route again is no zombie, though it flaps once more.
#[test]
fn who_has_the_route_back_is_no_zombie() {
    let path = folder().join("zombies.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("percent = 97", "until = 2026-01-01T14:00:00Z");
    let flap = "[[events]]\nat = 2026-01-01T14:00:40Z\naction = \"flap\"\nprefixes = [\"203.0.113.0/24\"]\ntimes = 1\nperiod = \"60s\"\ndown = \"20s\"\n";
    let analysis = play_text(&path, &format!("{text}\n{flap}"), EXAMPLE).analyze();
    let lost = withdrawals(only(&analysis), &["203.0.113.0/24"])[0];
    assert_eq!((lost.level, lost.trough.visibility.lost, lost.zombies.as_slice()), (Level::Full, 34, [].as_slice()));
    assert_between(lost.recovered.unwrap(), "14:01:00", "14:01:25");
}
