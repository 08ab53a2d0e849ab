//! The main job on the lab's recordings: each case from each collector alone and from all together, as the program runs it, against
//! the lab's own account.
//!
//! The lab's clocks agree, but BIRD, FRR and GoBGP write whole seconds (FRR microseconds too, in the second of its two series): what they
//! saw stands up to 1 s before its cause. That, and clients which ask once a second, is what the 3 s hold.

mod one_sided;

use crate::lab_truth::Truth;
use faultline::analysis::{Analysis, Outcome};
use faultline::cli::Inputs;
use faultline::command::analyze::analyze;
use faultline::feed::{FeedEvent, NotedFeed};
use faultline::incident::{Incident, ReasonCode, ServiceVerdict, Verdict};
use faultline::reachability::{FailureKind, Layer, ReachabilityLoss};
use faultline::report::{self, ReportView};
use faultline::scope::Relation;
use faultline::time::{Bounds, Span, Timestamp};
use faultline::vantage::Asn;
use faultline::withdrawal::Level;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Each collector alone, and all of them.
const COLLECTORS: [&str; 5] = ["cbird", "cfrr", "cgobgp", "copen", "all four"];

/// The fields of `observed.json` and the layers which must show the same.
const CLIENT_FIELDS: [(&str, Layer); 5] = [
    ("resolver_fail", Layer::Resolver),
    ("direct_fail", Layer::Authority),
    ("web_name_fail", Layer::ServiceByName),
    ("web_ip_fail", Layer::ServiceByAddress),
    ("control_fail", Layer::Control),
];

const CLIENTS: [&str; 2] = ["client-a", "client-b"];

/// One analysis, with how far it was from the truth.
struct Run {
    name: String,
    truth: Truth,
    analysis: Analysis,
    view: ReportView,
    /// The greatest distances so far: BGP onset, BGP recovery, client onset, client recovery.
    errors: [Option<Span>; 4],
}

/// What a distance is of.
#[derive(Clone, Copy)]
enum Of {
    BgpOnset,
    BgpRecovery,
    ClientOnset,
    ClientRecovery,
}

fn analyse(case: &str, archives: &[PathBuf], probes: bool) -> Analysis {
    let folder = PathBuf::from("data/lab").join(case);
    let inputs = std::iter::once("data/lab/lab.toml".into()).chain(archives.iter().cloned()).collect();
    let probes = if probes { vec![folder.join("dns.jsonl.gz"), folder.join("http.jsonl.gz")] } else { Vec::new() };
    analyze(&Inputs { inputs, collectors: Vec::new(), probes, threads: None }, &faultline::timing::Timing::default()).unwrap()
}

fn viewed(analysis: &Analysis) -> ReportView {
    ReportView::of(analysis, "2026-11-23T12:00:00Z".parse().unwrap())
}

/// Runs a case with every choice of collectors, holds what is true of every case against each, then what `check` says; the table of
/// distances goes to the log.
fn every_collector(case: &str, expected: Outcome, check: impl Fn(&mut Run)) {
    let mut table = String::new();
    for collectors in COLLECTORS {
        let mrt = PathBuf::from("data/lab").join(case).join("mrt");
        let archives = if collectors == "all four" { mrt } else { mrt.join(collectors) };
        let analysis = analyse(case, &[archives], true);
        let view = viewed(&analysis);
        let mut run = Run { name: format!("case {case}, {collectors}"), truth: Truth::of(case), analysis, view, errors: [None; 4] };
        run.holds_everywhere(if collectors == "all four" { 4 } else { 1 }, expected);
        check(&mut run);
        table += &run.row(case, collectors);
    }
    eprint!("{table}");
}

impl Run {
    /// What must be true of every run, whatever broke.
    fn holds_everywhere(&self, collectors: usize, expected: Outcome) {
        let name = &self.name;
        assert_eq!(self.analysis.outcome(), expected, "{name}");
        assert_eq!(self.view.outcome.exit_status, u8::from(expected == Outcome::Incident), "{name}");
        let incidents = &self.analysis.correlation.incidents;
        assert_eq!(incidents.len(), usize::from(expected == Outcome::Incident), "{name}: {incidents:#?}");
        for collector in &self.view.completeness.collectors {
            let votes = (collector.ases, collector.full_feed_ipv4, collector.full_feed_ipv6);
            assert_eq!(votes, (6, 6, 6), "{name}: six vantage ASes, all with a vote in both families");
        }
        assert_eq!(self.view.completeness.collectors.len(), collectors, "{name}");
        let routing = &self.analysis.routing;
        let withdrawn: BTreeSet<String> = routing.withdrawals.iter().map(|lost| lost.prefix.to_string()).collect();
        assert_eq!(withdrawn, self.truth.expected("withdrawn"), "{name}: what was withdrawn, and nothing else");
        assert_eq!(routing.withdrawals.len(), withdrawn.len(), "{name}: none twice");
        assert_eq!(routing.insufficient, [], "{name}");
        assert_eq!(self.analysis.correlation.observed.len(), 0, "{name}: nothing told beside the incident");
        for prefix in self.view.prefixes.iter().filter(|prefix| prefix.relation == Relation::Own) {
            let end = prefix.at_end.as_ref().unwrap();
            assert_eq!((end.seeing, end.eligible), (6, 6), "{name}: {} is back at the end", prefix.prefix);
        }
        for incident in incidents {
            assert!(!incident.is_open(), "{name}: every fault was repaired");
            assert_eq!(incident.evidence.routing_blind, [], "{name}");
            let controls = &incident.evidence.control_vantages;
            assert_eq!((&controls.probed[..], controls.failing.len()), (&CLIENTS.map(str::to_owned)[..], 0), "{name}");
            let muted = incident.evidence.muted.len();
            assert_eq!(incident.evidence.losses.len() + muted, self.analysis.reachability.losses.len(), "{name}: no loss left out");
            assert_eq!(muted, 0, "{name}");
            assert_eq!(incident.verdict().services.len(), 1, "{name}");
            let service = &incident.verdict().services[0];
            for text in
                service.reasons_for.iter().chain(&service.reasons_against).map(|reason| &reason.text).chain(&self.view.doubts)
            {
                let exact = text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == 6);
                assert!(!exact, "{name}: a sentence for people tells microseconds: {text}");
            }
            assert_eq!(incident.verdict().verdict, incident.verdict().services[0].verdict, "{name}");
            assert!(
                report::markdown(&self.view).contains(&format!("| verdict | {} |", incident.verdict().verdict.phrase())),
                "{name}"
            );
        }
    }

    fn incident(&self) -> &Incident {
        &self.analysis.correlation.incidents[0]
    }

    /// The verdict on the one service, which is that of the incident.
    fn service(&self) -> ServiceVerdict {
        self.incident().verdict().services.remove(0)
    }

    /// The sentence of a reason for the verdict.
    fn reason(&self, code: ReasonCode) -> String {
        let reasons = self.service().reasons_for;
        let found = reasons.iter().find(|reason| reason.code == code);
        found.unwrap_or_else(|| panic!("{}: no {code:?} in {reasons:#?}", self.name)).text.clone()
    }

    /// Within 3 s of the truth.
    fn near(&mut self, of: Of, what: &str, at: Timestamp, truth: Timestamp) {
        let off = at.since(truth);
        assert!(off.abs() <= Span::from_seconds(3), "{}: {what} at {at}, but {truth} in truth: {off}", self.name);
        let worst = &mut self.errors[of as usize];
        if worst.is_none_or(|worst| worst.abs() < off.abs()) {
            *worst = Some(off);
        }
    }

    /// Both bounds within 3 s of the truth.
    fn both_near(&mut self, of: Of, what: &str, at: Bounds, truth: Timestamp) {
        self.near(of, what, at.earliest, truth);
        self.near(of, what, at.latest, truth);
    }

    /// Every client and layer failed exactly where and when `observed.json` shows it.
    fn clients_failed_as_observed(&mut self) {
        let losses = self.incident().evidence.losses.clone();
        for client in CLIENTS {
            for (field, layer) in CLIENT_FIELDS {
                let what = format!("{client}, {field}");
                let here = losses.iter().filter(|loss| &*loss.series.vantage == client && loss.series.layer == layer);
                let here: Vec<&ReachabilityLoss> = here.collect();
                let seen = self.truth.failed(client, field);
                assert_eq!(here.is_empty(), seen.is_none(), "{}: {what}", self.name);
                let Some((first, last)) = seen else { continue };
                self.near(Of::ClientOnset, &what, here.iter().map(|loss| loss.onset.latest).min().unwrap(), first);
                let ends = here.iter().map(|loss| loss.recovery.unwrap().earliest);
                self.near(Of::ClientRecovery, &what, ends.max().unwrap(), last);
            }
        }
    }

    fn row(&self, case: &str, collectors: &str) -> String {
        let error = |of: Of| self.errors[of as usize].map_or_else(|| "–".to_owned(), seconds);
        let verdict =
            self.analysis.correlation.incidents.first().map_or("no incident", |incident| incident.verdict().verdict.phrase());
        format!(
            "{case} | {collectors:8} | {verdict} | BGP onset {}, recovery {} | clients' onset {}, recovery {}\n",
            error(Of::BgpOnset),
            error(Of::BgpRecovery),
            error(Of::ClientOnset),
            error(Of::ClientRecovery)
        )
    }
}

/// `+0.25 s`.
fn seconds(span: Span) -> String {
    let hundredths = span.micros().abs() / 10_000;
    format!("{}{}.{:02} s", if span < Span::ZERO { '-' } else { '+' }, hundredths / 100, hundredths % 100)
}

#[test]
fn a_name_servers_lose_their_routes_and_the_cover_stays() {
    every_collector("A", Outcome::Incident, |run| {
        let service = run.service();
        assert_eq!((service.verdict, service.name_servers), (Verdict::RoutingNameServers, (4, 4)), "{}", run.name);
        assert_eq!(service.addresses.0, 0, "{}: the service's own addresses stay", run.name);
        assert!(service.sentence.contains("prefixes of 4 of 4 name servers withdrawn"), "{}", service.sentence);
        let withdrawals = run.analysis.routing.withdrawals.clone();
        for lost in &withdrawals {
            let what = format!("{}: {}", run.name, lost.prefix);
            assert_eq!((lost.level, lost.trough.visibility.seeing, lost.trough.visibility.lost), (Level::Full, 0, 6), "{what}");
            assert_eq!(lost.lost_by, run.truth.concerned(), "{what}");
            let cover = lost.cover.as_ref().unwrap_or_else(|| panic!("{what}: no cover"));
            assert!(run.truth.covers().contains(&cover.prefix) && cover.prefix.contains(&lost.prefix), "{what}: {cover:?}");
            assert_eq!((cover.visibility.seeing, cover.visibility.eligible()), (6, 6), "{what}");
            // Both sites announce: a route is gone with the last DOWN and back with the first UP. Both DOWNs are 0.3 s apart.
            let (down, up) = health(run, &lost.prefix.to_string());
            run.both_near(Of::BgpOnset, &what, lost.onset, down);
            for crossed in lost.crossed {
                run.near(Of::BgpOnset, &what, crossed.unwrap(), down);
            }
            run.near(Of::BgpOnset, &what, lost.trough.at, down);
            for back in [lost.first_back, lost.back_at_open, lost.recovered] {
                run.near(Of::BgpRecovery, &what, back.unwrap(), up);
            }
        }
        let text = run.service().reasons_against.iter().map(|reason| reason.text.clone()).collect::<String>();
        assert!(text.contains("still covered by 198.18.0.0/17 (6 of 6 ASes)"), "{text}");
        run.clients_failed_as_observed();
    });
}

/// When the last site took the prefix down and the first had it up again.
fn health(run: &Run, prefix: &str) -> (Timestamp, Timestamp) {
    let group = match prefix {
        "198.18.30.0/24" => "a4",
        "2001:db8:f030::/48" => "a6",
        v6 if v6.contains(':') => "bcd6",
        _ => "bcd4",
    };
    (run.truth.healthchecks(group, "DOWN").1, run.truth.healthchecks(group, "UP").0)
}

#[test]
fn b_the_application_fails_first_with_errors_then_by_refusing() {
    every_collector("B", Outcome::Incident, |run| {
        assert_eq!(run.service().verdict, Verdict::Application, "{}", run.name);
        run.clients_failed_as_observed();
        let halves =
            [("web_500_start", "web_500_end", FailureKind::ServerError), ("web_stop", "web_start", FailureKind::ConnectRefused)];
        let mut losses = 0;
        for (start, end, kind) in halves {
            // A verdict is a function of the evidence: with that of one half alone it is the verdict on that half.
            let mut half = run.incident().clone();
            half.evidence.losses.retain(|loss| loss.kinds.keys().eq([&kind]));
            assert_eq!(half.verdict().verdict, Verdict::Application, "{}: {kind:?}", run.name);
            assert_eq!(half.evidence.losses.len(), 6, "{}: by name, IPv4 and IPv6 at two clients", run.name);
            losses += half.evidence.losses.len();
            for loss in &half.evidence.losses {
                let what = format!("{kind:?} at {}", loss.series.vantage);
                run.near(Of::ClientOnset, &what, loss.onset.latest, run.truth.event(start));
                run.near(Of::ClientRecovery, &what, loss.recovery.unwrap().earliest, run.truth.event(end));
            }
        }
        assert_eq!(run.incident().evidence.losses.len(), losses, "{}: no loss is of neither half or both", run.name);
        let short = &run.view.incidents[0].in_short;
        assert!(
            short.iter().any(|said| said.ends_with("; in between well from 09:16:37 to 09:16:48.")),
            "{}: {short:#?}",
            run.name
        );
        run.reason(ReasonCode::RoutesPresent);
        run.reason(ReasonCode::ResolversAnswer);
        run.reason(ReasonCode::ReachedButNotUp);
    });
}

#[test]
fn c_session_resets_are_a_note_on_the_data_and_nothing_else() {
    every_collector("C", Outcome::NoIncident, |run| {
        assert_eq!(run.view.doubts, [] as [&str; 0], "{}", run.name);
        assert_eq!(run.analysis.reachability.losses, [], "{}", run.name);
        let notes = run.analysis.routing.notes.clone();
        let names: Vec<String> = run.view.completeness.collectors.iter().map(|collector| collector.name.clone()).collect();
        for collector in &names {
            let noted = |event: FeedEvent| -> Vec<(Timestamp, Asn)> {
                let here = notes.iter().filter(|note| note.what == event);
                let points = here.filter_map(|note| match note.whom {
                    NotedFeed::Vantage(id) => Some((note.at, run.analysis.vantages.point(id))),
                    NotedFeed::Collector(_) => None,
                });
                points.filter(|(_, point)| *point.collector == **collector).map(|(at, point)| (at, point.asn)).collect()
            };
            let (lost, again) = (noted(FeedEvent::SessionLost), noted(FeedEvent::TableSentAgain));
            let truth = run.truth.sessions_lost(collector);
            if collector == "cgobgp" {
                // GoBGP records UPDATEs only. Its notes come from the tables which both vantage points send again. That a burst is a whole
                // table is known once a dump has told how large tables are: the first comes 31 s after the first reset. Of IPv6, with
                // tables of 50 prefixes, too little comes at once to tell.
                assert_eq!((lost.len(), truth.len()), (0, 0), "{}", run.name);
                let ases: Vec<Asn> = again.iter().map(|(_, asn)| *asn).collect();
                assert_eq!(ases, run.truth.concerned(), "{}: one note each: {again:?}", run.name);
                for ((at, _), (cause, most)) in again.iter().zip([("session_reset_admin", 35), ("lan_port_up", 20)]) {
                    let late = at.since(run.truth.event(cause)).seconds();
                    assert!((0..=most).contains(&late), "{}: {late} s after {cause}", run.name);
                }
            } else {
                assert_eq!(again, [], "{}: the loss was told, so the table was expected", run.name);
                assert_eq!((lost.len(), truth.len()), (4, 4), "{}: two sessions each: {lost:?}", run.name);
                for ((at, asn), (when, whose)) in lost.into_iter().zip(truth) {
                    assert_eq!(asn, whose, "{}", run.name);
                    run.near(Of::BgpOnset, "session lost", at, when);
                }
            }
        }
        let expected: usize = names.iter().map(|name| if name == "cgobgp" { 2 } else { 4 }).sum();
        assert_eq!(notes.len(), expected, "{}: no other note", run.name);
        assert!(!run.view.completeness.summary.iter().any(|text| text.contains("nobody silent")), "{}", run.name);
        assert!(report::terminal(&run.view, 100, false).contains("NO INCIDENT"), "{}", run.name);
    });
}

#[test]
fn d_two_of_six_vantages_lose_it_behind_one_transit() {
    every_collector("D", Outcome::Incident, |run| {
        assert_eq!(run.service().verdict, Verdict::RoutingLocal, "{}", run.name);
        assert!(run.service().sentence.ends_with("fails at client-b"), "{}", run.service().sentence);
        let (gone, back) = (run.truth.event("transit_t3_lost"), run.truth.event("transit_t3_back"));
        for lost in &run.analysis.routing.withdrawals.clone() {
            let what = format!("{}: {}", run.name, lost.prefix);
            let trough = lost.trough.visibility;
            assert_eq!((lost.level, trough.lost, trough.eligible()), (Level::Partial, 2, 6), "{what}");
            assert_eq!(lost.lost_by, run.truth.concerned(), "{what}");
            assert_eq!(lost.common_transit, [Asn(64503)], "{what}");
            run.both_near(Of::BgpOnset, &what, lost.onset, gone);
            run.near(Of::BgpOnset, &what, lost.trough.at, gone);
            run.near(Of::BgpRecovery, &what, lost.first_back.unwrap(), back);
            run.near(Of::BgpRecovery, &what, lost.recovered.unwrap(), back);
        }
        assert!(run.reason(ReasonCode::PartialLoss).contains("lost at 2 of 6 ASes (AS64509, AS65541)"), "{}", run.name);
        assert!(run.reason(ReasonCode::CommonTransit).contains("AS64503"), "{}", run.name);
        assert!(run.reason(ReasonCode::ProbeBehindTransit).contains("client-b is behind AS64503"), "{}", run.name);
        run.clients_failed_as_observed();
        assert!(run.incident().evidence.losses.iter().all(|loss| &*loss.series.vantage == "client-b"), "{}", run.name);
    });
}

#[test]
fn e_the_name_servers_stop_and_their_routes_stay() {
    every_collector("E", Outcome::Incident, |run| {
        assert_eq!(run.service().verdict, Verdict::DnsAuthorities, "{}", run.name);
        run.clients_failed_as_observed();
        let authority = run.incident().evidence.losses.iter().filter(|loss| loss.series.layer == Layer::Authority);
        let kinds: BTreeSet<FailureKind> = authority.flat_map(|loss| loss.kinds.keys().copied()).collect();
        assert!(kinds.contains(&FailureKind::DnsNetworkError), "{}: the hosts are there, and nobody listens: {kinds:?}", run.name);
        assert!(
            run.reason(ReasonCode::AuthoritiesFail)
                .starts_with("8 of the 8 name-server addresses which were asked directly failed"),
            "{}",
            run.name
        );
        run.reason(ReasonCode::RoutesPresent);
        run.reason(ReasonCode::AnswersByAddress);
    });
}

#[test]
fn h_a_more_specific_of_another_origin_is_no_withdrawal_when_it_comes_or_goes() {
    every_collector("H", Outcome::Incident, |run| {
        let service = run.service();
        assert_eq!(service.verdict, Verdict::RoutingForeignOrigin, "{}", run.name);
        assert!(service.sentence.contains("AS64511 originates it; fails at client-a"), "{}", service.sentence);
        let (start, end) = (run.truth.event("hijack_start"), run.truth.event("hijack_end"));
        let evidence = run.incident().evidence.clone();
        assert_eq!(evidence.withdrawals, [], "{}", run.name);
        let announced: BTreeSet<String> = evidence.foreign_origins.iter().map(|foreign| foreign.prefix.to_string()).collect();
        assert_eq!(announced, run.truth.expected("announced"), "{}", run.name);
        for foreign in &evidence.foreign_origins {
            assert_eq!((foreign.origin, foreign.eligible), (run.truth.hijacker(), 6), "{}", run.name);
            assert!(foreign.taken_by.iter().eq(&run.truth.concerned()), "{}: {:?}", run.name, foreign.taken_by);
            run.near(Of::BgpOnset, "hijack", foreign.first, start);
            run.near(Of::BgpRecovery, "hijack", foreign.ended.unwrap(), end);
        }
        assert_eq!(evidence.losses.len(), 3, "{}: by name, IPv4 and IPv6", run.name);
        for loss in &evidence.losses {
            assert_eq!(&*loss.series.vantage, "client-a", "{}", run.name);
            assert!(loss.kinds.keys().eq([&FailureKind::WrongContent]), "{}", run.name);
            run.near(Of::ClientOnset, "wrong content", loss.onset.latest, start);
            run.near(Of::ClientRecovery, "wrong content", loss.recovery.unwrap().earliest, end);
        }
        assert_eq!(run.reason(ReasonCode::WrongContent), "wrong content at client-a", "{}", run.name);
        assert!(!report::markdown(&run.view).contains("### Withdrawals"), "{}", run.name);
    });
}
