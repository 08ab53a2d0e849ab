//! 4 October 2021: routing took the name servers away, and DNS was the casualty.

use super::{Half, Rebuilt, analysed, at, by_name, comes_out_the_same_twice, only, viewed};
use crate::drill::anchors::NAME_SERVERS;
use faultline::feed::{FeedEvent, NotedFeed};
use faultline::incident::{ReasonCode, Verdict};
use faultline::reachability::{FailureKind, Layer};
use faultline::report::{self, ChainLayer, LinkView, Phase};
use faultline::time::{Bounds, Timestamp};
use faultline::withdrawal::{Level, Said, Withdrawal};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::sync::LazyLock;

pub static META: LazyLock<Rebuilt> = LazyLock::new(|| Rebuilt::of("meta-2021-10-04"));

const SERVICES: [&str; 9] = [
    "Facebook",
    "Messenger",
    "Instagram",
    "WhatsApp",
    "Facebook Login",
    "Graph API",
    "WhatsApp Business API",
    "Marketing API",
    "Admin centre",
];

/// A time of that day.
fn clock(text: &str) -> Timestamp {
    at(&format!("2021-10-04T{text}Z"))
}

fn withdrawal(prefix: &str) -> &'static Withdrawal {
    META.incident().evidence.withdrawals.iter().find(|lost| lost.prefix.to_string() == prefix).unwrap()
}

/// The links of the chain in a phase and layer: what, and when.
fn links(phase: Phase, layer: ChainLayer) -> Vec<&'static LinkView> {
    META.view.incidents[0].chain.iter().filter(|link| link.phase == phase && link.layer == layer).collect()
}

// METHOD.md §8.1: one incident, one opening and one recovery notice.
#[test]
fn it_is_one_incident_which_opens_once_and_recovers_once() {
    let incident = META.incident();
    assert!(!incident.is_open());
    let prefixes: BTreeSet<IpNet> = incident.evidence.withdrawals.iter().map(|lost| lost.prefix).collect();
    assert_eq!(prefixes.len(), incident.evidence.withdrawals.len(), "no prefix opens twice");
    assert_eq!(META.analysis.routing.withdrawals.len(), prefixes.len(), "and none outside the incident");
    assert_eq!(META.analysis.correlation.observed.len(), 0);
    let said = |phase, what: &str| links(phase, ChainLayer::Routing).into_iter().filter(|link| link.what.starts_with(what)).count();
    assert_eq!((said(Phase::Breaks, "first withdrawal"), said(Phase::ComesBack, "every prefix recovered")), (1, 1));
    assert!(META.view.incidents[0].lasting.is_empty());
    // One sentence tells of its beginning, and one of its end.
    let markdown = report::markdown(&META.view);
    for begins in
        ["- Routing: 22 prefixes withdrawn from 15:39:00 to 15:42:00;", "- Over: everything was back between 22:44:50 and 22:46:41"]
    {
        assert_eq!(markdown.lines().filter(|line| line.starts_with(begins)).count(), 1, "{begins}: {markdown:.4000}");
    }
    assert_eq!(markdown.matches("## Incident 1:").count(), 1);
    assert!(!markdown.contains("## Incident 2:"));
}

// Catchpoint: 8 IPv4 and 14 IPv6 prefixes were withdrawn.
#[test]
fn twenty_two_prefixes_go_of_both_families_and_those_of_all_name_servers() {
    let withdrawals = &META.incident().evidence.withdrawals;
    let v6 = withdrawals.iter().filter(|lost| matches!(lost.prefix, IpNet::V6(_))).count();
    assert_eq!((withdrawals.len() - v6, v6), (8, 14));
    for prefix in NAME_SERVERS {
        assert_eq!(withdrawal(prefix).level, Level::Full, "{prefix}");
    }
    assert!(META.view.incidents[0].headline.contains("22 prefixes withdrawn"), "{}", META.view.incidents[0].headline);
}

// Kentik: roughly 15:39; RIPE Labs: 15:42; METHOD.md §8.1: onset 15:38 to 15:45.
#[test]
fn the_onset_lies_in_two_waves_at_1539_and_1542() {
    let incident = META.incident();
    assert_eq!(
        (incident.began.earliest.seconds(), incident.began.latest.seconds()),
        (clock("15:39:00").seconds(), clock("15:39:00").seconds())
    );
    let (mut first, mut second) = (0, 0);
    for lost in &incident.evidence.withdrawals {
        assert!(
            clock("15:38:00") <= lost.onset.earliest && lost.onset.latest <= clock("15:45:00"),
            "{}: {:?}",
            lost.prefix,
            lost.onset
        );
        if lost.onset.latest < clock("15:41:00") {
            first += 1;
        } else {
            assert!(clock("15:42:00") <= lost.onset.earliest, "{}: {:?}", lost.prefix, lost.onset);
            second += 1;
        }
    }
    assert_eq!((first, second), (12, 10));
    assert_eq!(withdrawal("129.134.30.0/24").onset, Bounds::exact(clock("15:42:00")), "RIPE Labs");
}

// METHOD.md §8.1: name-server prefixes below 50 % by 15:55.
#[test]
fn every_name_server_prefix_is_seen_by_less_than_half_at_1555() {
    for prefix in NAME_SERVERS {
        let lost = withdrawal(prefix);
        assert!(lost.crossed[Level::Major as usize].unwrap() <= clock("15:55:00"), "{prefix}");
        let log = &META.analysis.routing.log.visibility;
        let then = log.iter().rfind(|change| change.prefix == lost.id && change.at <= clock("15:55:00")).unwrap().now;
        assert!(then.seeing * 2 < then.eligible(), "{prefix}: {then}");
        assert_eq!((lost.trough.visibility.seeing, lost.trough.visibility.eligible()), (0, 52), "{prefix}");
    }
}

// Cloudflare: 129.134.0.0/17 was in the table all the time. Traffic was drawn there, and died.
#[test]
fn the_covering_route_is_never_lost_and_is_named() {
    let rib = &META.analysis.routing.rib;
    let cover = rib.id_of(&"129.134.0.0/17".parse().unwrap()).unwrap();
    let log = META.analysis.routing.log.visibility.iter().filter(|change| change.prefix == cover);
    let lost: Vec<u32> = log.map(|change| change.now.lost).collect();
    assert!(!lost.is_empty() && lost.iter().all(|lost| *lost == 0), "{lost:?}");
    for lost in &META.incident().evidence.withdrawals {
        let name = lost.cover.as_ref().map(|cover| cover.prefix.to_string());
        let expected = match lost.prefix.to_string() {
            prefix if prefix.starts_with("129.134.") => Some("129.134.0.0/17".to_owned()),
            prefix if prefix.starts_with("185.89.") => None,
            _ => Some("2a03:2880::/32".to_owned()),
        };
        assert_eq!(name, expected, "{}", lost.prefix);
    }
    let against = &META.services()["Facebook"].reasons_against;
    let cover = against.iter().find(|reason| reason.code == ReasonCode::CoverPresent).unwrap();
    assert!(cover.text.starts_with("still covered by 129.134.0.0/17 (52 of 52 ASes)"), "{}", cover.text);
    let bare = META.services()["Facebook"].reasons_for.iter().any(|reason| reason.code == ReasonCode::NoRouteLeft);
    assert!(bare, "no route was left to c and d, which stood in 185.89.218.0/23");
}

// METHOD.md §8.1: verdict routing (name servers), services listed.
#[test]
fn routing_took_the_name_servers_of_all_nine_services() {
    let incident = META.incident();
    assert_eq!(incident.verdict().verdict, Verdict::RoutingNameServers);
    let services = META.services();
    assert_eq!(services.keys().map(String::as_str).collect::<BTreeSet<_>>(), SERVICES.into());
    for (name, service) in &services {
        assert_eq!(service.verdict, Verdict::RoutingNameServers, "{name}: {service:#?}");
        // instagram.com has four name servers of another company beside the four which its alias leads to.
        let servers = if name == "Instagram" { (4, 8) } else { (4, 4) };
        assert_eq!(service.name_servers, servers, "{name}");
        assert!(service.reasons_for.iter().any(|reason| reason.code == ReasonCode::DnsAfterWithdrawal), "{name}: {service:#?}");
    }
    let markdown = report::markdown(&META.view);
    assert!(SERVICES.iter().all(|name| markdown.contains(&format!("| {name} | routing |"))), "{markdown}");
    assert!(!services.contains_key("Threads"), "it did not exist yet");
}

// Cloudflare: public resolvers fail at about 15:50. METHOD.md §8.1: DNS onset after BGP.
#[test]
fn names_fail_at_about_1550_after_the_routes() {
    let losses = META.incident().evidence.losses.iter().filter(|loss| loss.series.layer == Layer::Resolver);
    let mut resolvers = BTreeSet::new();
    for loss in losses {
        // Probes ask every 2 minutes. probe-3's resolver, a provider's, fails then too, and stops answering at 15:53.
        assert!(
            clock("15:47:00") <= loss.onset.earliest && loss.onset.latest <= clock("15:52:00"),
            "{:?}: {:?}",
            loss.series,
            loss.onset
        );
        let silent = loss.kind_spans.get(&FailureKind::DnsTimeout).map(|(first, _)| *first);
        assert_eq!(silent.is_some(), &*loss.series.vantage == "probe-3", "{:?}", loss.series);
        assert!(silent.is_none_or(|first| (clock("15:53:00")..clock("15:55:00")).contains(&first)), "{silent:?}");
        assert!(loss.onset.earliest > META.incident().began.latest);
        resolvers.insert(loss.series.vantage.to_string());
    }
    assert_eq!(resolvers, ["probe-1", "probe-2", "probe-3"].map(str::to_owned).into());
}

// The timeline: withdrawals from 15:39:00; from 15:40 no whole response and users' reports (ThousandEyes); name servers gone from 15:41;
// resolvers fail from 15:50. Receive errors were seen before DNS failed and after it returned, and the verdict stays routing.
#[test]
fn the_chain_is_in_the_order_of_the_facts() {
    let order: Vec<(ChainLayer, &str)> = META.view.incidents[0]
        .chain
        .iter()
        .filter(|link| link.phase == Phase::Breaks)
        .map(|link| (link.layer, link.what.split(':').next().unwrap()))
        .collect();
    let place = |layer: ChainLayer, what: &str| {
        let found = order.iter().position(|link| *link == (layer, what));
        found.unwrap_or_else(|| panic!("no {what} in {order:?}"))
    };
    let routes = place(ChainLayer::Routing, "first withdrawal");
    let services = place(ChainLayer::Service, "service at its addresses");
    let status = place(ChainLayer::Status, "status reports");
    let servers = place(ChainLayer::Dns, "name servers asked directly");
    let names = place(ChainLayer::Dns, "names through resolvers");
    assert!(routes == 0 && services < servers && status < servers && servers < names, "{order:?}");
    let first = |layer| links(Phase::Breaks, layer)[0].at.latest;
    assert!(clock("15:40:00") <= first(ChainLayer::Service) && first(ChainLayer::Service) <= clock("15:42:00"));
    assert!(clock("15:41:00") <= first(ChainLayer::Dns) && first(ChainLayer::Dns) <= clock("15:43:00"));
    let back = |layer| links(Phase::ComesBack, layer).last().unwrap().at.latest;
    assert!(back(ChainLayer::Service) > back(ChainLayer::Dns), "after it returned");
}

// jvns.ca: the last withdrawal at 16:02:33, the first announcement at 21:00:40.
#[test]
fn the_last_straggler_and_the_first_announcement_are_those_of_jvns() {
    let withdrawals = &META.incident().evidence.withdrawals;
    let stragglers = withdrawals.iter().flat_map(|lost| lost.stragglers.iter().map(move |late| (late.at, lost.prefix.to_string())));
    assert_eq!(stragglers.max().unwrap(), (clock("16:02:33"), "129.134.30.0/23".to_owned()));
    let said = |wanted: Said| withdrawals.iter().flat_map(|lost| &lost.evidence).filter(move |statement| statement.said == wanted);
    let before = clock("21:00:00");
    assert_eq!(said(Said::Withdrew).map(|statement| statement.at).filter(|at| *at < before).max(), Some(clock("16:02:33")));
    assert_eq!(withdrawals.iter().filter_map(|lost| lost.first_back).min(), Some(clock("21:00:40")));
    for lost in withdrawals {
        assert!((clock("21:00:40")..clock("21:05:00")).contains(&lost.first_back.unwrap()), "{}", lost.prefix);
        assert_eq!(lost.zombies, [], "{}: the straggler is long gone", lost.prefix);
    }
}

// Cloudflare: the peak of announcements at 21:17, reconnected at 21:28; facebook.com resolves at 21:20. ThousandEyes: usable about 22:45.
#[test]
fn it_ends_with_the_services_after_the_routes() {
    for lost in &META.incident().evidence.withdrawals {
        let (half, recovered) = (lost.back_at_open.unwrap(), lost.recovered.unwrap());
        assert!((clock("21:17:00")..clock("21:20:00")).contains(&half), "{}: {half}", lost.prefix);
        assert!((clock("21:17:00")..clock("21:28:00")).contains(&recovered), "{}: {recovered}", lost.prefix);
    }
    let resolvers = META.incident().evidence.losses.iter().filter(|loss| loss.series.layer == Layer::Resolver);
    let resolved = resolvers.map(|loss| loss.recovery.unwrap()).max_by_key(|end| end.latest).unwrap();
    assert!(clock("21:18:00") <= resolved.earliest && resolved.latest <= clock("21:23:00"), "{resolved:?}");
    let ended = META.incident().ended.unwrap();
    assert!(clock("22:40:00") <= ended.earliest && ended.latest <= clock("22:50:00"), "{ended:?}");
}

// The timeline resets sessions. RIS-like collectors record that, and the table which follows is expected; route-views2 records no state
// change: there, and only there, the table which comes again is the only sign.
#[test]
fn a_table_is_noted_as_sent_again_only_where_a_session_was_reset_unrecorded() {
    let vantages = &META.analysis.vantages;
    let noted: Vec<(Timestamp, String)> = (META.analysis.routing.notes.iter())
        .filter(|note| note.what == FeedEvent::TableSentAgain)
        .map(|note| (note.at, note.whom.name(vantages)))
        .collect();
    assert!(noted.iter().all(|(_, whom)| whom.ends_with("at route-views2")), "{noted:#?}");
    let resets = crate::drill::anchors::tables_sent_again("route-views2");
    assert!(!resets.is_empty());
    let notes: BTreeSet<String> = noted.iter().map(|(_, whom)| whom.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(noted.len(), resets.len(), "{noted:#?} but {resets:#?}");
    assert_eq!(notes, resets.iter().map(|(_, peer)| peer.clone()).collect(), "{noted:#?} but {resets:#?}");
    for note in META.analysis.routing.notes.iter().filter(|note| note.what == FeedEvent::SessionLost) {
        let NotedFeed::Vantage(id) = note.whom else { panic!("{note:?}") };
        assert!(vantages.point(id).collector.starts_with("rrc"), "{note:?}");
    }
}

#[test]
fn the_files_and_the_report_say_that_nothing_was_recorded() {
    META.says_that_nothing_was_recorded();
}

// METHOD.md §6: an archive-only run leaves the routing half fully judged.
#[test]
fn archives_alone_tell_the_routing_half_and_measure_no_impact() {
    let analysis = analysed(META.folder.path(), Half::Archives);
    let incident = only(&analysis);
    assert_eq!(incident.verdict().verdict, Verdict::RoutingNotProbed);
    assert_eq!(incident.evidence.withdrawals.len(), 22);
    assert_eq!(incident.began, META.incident().began);
    assert!(incident.ended.unwrap().latest < clock("21:28:00"));
    for (name, service) in by_name(incident) {
        // Without answers nobody knows that www.instagram.com leads into facebook.com: its own name servers are another company's.
        let expected = if name == "Instagram" { (Verdict::NotProbed, 0) } else { (Verdict::RoutingNotProbed, 4) };
        assert_eq!((service.verdict, service.name_servers.0), expected, "{name}: {service:#?}");
    }
    assert!(report::markdown(&viewed(&analysis)).contains("impact not measured"));
}

// METHOD.md §6: without BGP nobody can tell dead name servers from dead routes.
#[test]
fn probes_alone_tell_what_fails_and_not_why() {
    let analysis = analysed(META.folder.path(), Half::Probes);
    let incident = only(&analysis);
    assert_eq!(incident.verdict().verdict, Verdict::Undetermined);
    assert!(incident.evidence.withdrawals.is_empty());
    // Users report every 5 minutes: what they tell first at 15:40 began after 15:35.
    assert_eq!(incident.began, Bounds { earliest: clock("15:35:00"), latest: clock("15:40:00") });
    for (name, service) in by_name(incident) {
        assert_eq!(service.verdict, Verdict::Undetermined, "{name}: {service:#?}");
        assert!(service.reasons_for.iter().any(|reason| reason.code == ReasonCode::RoutingNotObserved), "{name}");
    }
}

// METHOD.md §8.10.
#[test]
fn the_same_timeline_and_the_same_files_come_out_the_same() {
    comes_out_the_same_twice(&META, "meta-2021-10-04");
}
