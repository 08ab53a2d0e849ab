//! The words of a verdict: sentences, reasons for and against, and what would change it. Every number is counted from the evidence.

use super::{ServiceVerdict, Verdict};
use crate::incident::facts::{DependencyLoss, LayerFacts, ServiceFacts, caused};
use crate::incident::{Evidence, Incident, Reason, ReasonCode};
use crate::probe::Target;
use crate::reachability::FailureKind;
use crate::time::{Bounds, Span, Timestamp};
use crate::vantage::Asn;
use crate::withdrawal::Withdrawal;
use ipnet::IpNet;
use std::collections::BTreeSet;

/// The verdict on a service in a sentence.
pub(super) fn sentence(facts: &ServiceFacts<'_>, verdict: Verdict) -> String {
    let servers = &facts.name_servers;
    match verdict {
        Verdict::RoutingNameServers => {
            format!("{} (prefixes of {} of {} name servers withdrawn)", verdict.phrase(), servers.lost, servers.total)
        }
        Verdict::RoutingLocal => format!("{}: fails at {}", verdict.phrase(), list(facts.failing_vantages())),
        Verdict::RoutingForeignOrigin => {
            let origins: BTreeSet<Asn> = facts.foreign.iter().map(|foreign| foreign.origin).collect();
            format!("{}: {} originates it; fails at {}", verdict.phrase(), list(origins), list(facts.failing_vantages()))
        }
        Verdict::Application => format!("{}: {}", verdict.phrase(), kinds(&application_layers(facts))),
        Verdict::Undetermined
        | Verdict::LowerLayerFirst
        | Verdict::RoutingServiceAddresses
        | Verdict::RoutingBlackhole
        | Verdict::RoutingCoverDelivers
        | Verdict::ForeignOriginNoImpact
        | Verdict::DnsAuthorities
        | Verdict::DnsResolver
        | Verdict::HostOrPath
        | Verdict::RoutingNoImpact
        | Verdict::RoutingNotProbed
        | Verdict::RoutingFlapping
        | Verdict::Healthy
        | Verdict::NotProbed => verdict.phrase().to_owned(),
    }
}

/// The incident in a sentence.
pub(super) fn headline(incident: &Incident, verdict: Verdict, services: &[ServiceVerdict]) -> String {
    let same: Vec<&str> =
        services.iter().filter(|service| service.verdict == verdict).map(|service| service.service.as_str()).collect();
    let concerned = match same.len() {
        0 => String::new(),
        count if count == services.len() && count > 1 => format!(" All {count} services."),
        count if count > 4 => format!(" {count} of {} services.", services.len()),
        _ => format!(" {}.", same.join(", ")),
    };
    let evidence = &incident.evidence;
    let prefixes = evidence.withdrawals.len();
    let lost = match prefixes {
        0 => String::new(),
        1 => " 1 prefix withdrawn.".to_owned(),
        _ => format!(" {prefixes} prefixes withdrawn."),
    };
    format!("{}.{concerned}{lost}", capital(verdict.phrase()))
}

/// Reasons for and against.
pub(super) fn reasons(incident: &Incident, facts: &ServiceFacts<'_>, verdict: Verdict) -> (Vec<Reason>, Vec<Reason>) {
    let evidence = &incident.evidence;
    let (mut pro, mut con) = (Vec::new(), Vec::new());
    routing(evidence, facts, &mut pro, &mut con);
    flaps(evidence, facts, if verdict == Verdict::RoutingFlapping { &mut pro } else { &mut con });
    order(evidence, facts, verdict, &mut pro, &mut con);
    layers(facts, verdict, &mut pro, &mut con);
    local(facts, verdict, &mut pro, &mut con);
    blind(evidence, verdict, &mut pro, &mut con);
    (pro, con)
}

/// What would change the verdict.
pub(super) fn would_change(incident: &Incident, facts: &ServiceFacts<'_>, verdict: Verdict) -> Vec<String> {
    let mut changes: Vec<&str> = match verdict {
        Verdict::Undetermined => missing(incident, facts),
        Verdict::LowerLayerFirst => vec!["an earlier withdrawal, or a later first failure: then routing could be the cause"],
        Verdict::RoutingNameServers => vec![
            "a name server which answered directly while its prefix was withdrawn",
            "DNS failures which began earlier than the setting cause_before allows",
        ],
        Verdict::RoutingServiceAddresses | Verdict::RoutingBlackhole => {
            vec!["the service answering at its addresses while its prefixes were withdrawn"]
        }
        Verdict::RoutingCoverDelivers | Verdict::RoutingNoImpact => vec!["a probe which failed while the prefix was withdrawn"],
        Verdict::RoutingLocal => {
            vec!["a failure at a vantage whose routes were kept", "more vantages behind the named transit which work"]
        }
        Verdict::RoutingFlapping => {
            vec![
                "failures while its prefixes were there, for longer than they flapped",
                "answers from the host while they were gone",
            ]
        }
        Verdict::RoutingForeignOrigin => {
            vec!["the origin being allowed by the profile", "failures at vantages which kept the right route"]
        }
        Verdict::ForeignOriginNoImpact => vec!["wrong content or failures at vantages which took the foreign route"],
        Verdict::DnsAuthorities => vec!["a withdrawal of the name servers' prefixes", "a name server which answers directly"],
        Verdict::DnsResolver => vec!["name servers failing when asked directly", "another resolver which answers"],
        Verdict::Application => {
            vec!["a withdrawal of its prefixes", "name servers or resolvers failing", "connection time-outs instead of answers"]
        }
        Verdict::HostOrPath => vec!["a withdrawal seen by enough vantage points", "answers from the host"],
        Verdict::RoutingNotProbed => vec!["probe results of the time"],
        Verdict::Healthy => vec!["a failed probe", "a withdrawal of something it depends on"],
        Verdict::NotProbed => vec!["probe results of the time"],
    };
    if facts.authority.probed.is_empty() && facts.dns_fails() {
        changes.push("direct queries to its name servers: nobody made any");
    }
    changes.into_iter().map(str::to_owned).collect()
}

/// What was not given, and would tell.
fn missing(incident: &Incident, facts: &ServiceFacts<'_>) -> Vec<&'static str> {
    let evidence = &incident.evidence;
    let controls = &evidence.control_vantages;
    let wanted = [
        (!evidence.observed, "BGP data of the time"),
        (
            evidence.observed && !evidence.routing_blind.is_empty(),
            "BGP data of the time from more full-feed peers, and from before it began",
        ),
        (!facts.service_probed() || !facts.dns_probed(), "probe results of its names and of the service itself"),
        (controls.probed.is_empty() || !controls.failing.is_empty(), "a control target which worked at a failing vantage"),
    ];
    wanted.into_iter().filter_map(|(missing, what)| missing.then_some(what)).collect()
}

fn routing(evidence: &Evidence, facts: &ServiceFacts<'_>, pro: &mut Vec<Reason>, con: &mut Vec<Reason>) {
    let (servers, own) = (&facts.name_servers, &facts.addresses);
    if servers.any() {
        let text = format!("{} of {} name servers: {}", servers.lost, servers.total, withdrawn(servers));
        pro.push(ReasonCode::NameServerPrefixesLost.says(text));
        if servers.lost < servers.total {
            let text = format!(
                "{} of {} name servers were in no withdrawn prefix, as far as is known",
                servers.total - servers.lost,
                servers.total
            );
            con.push(ReasonCode::NameServersLeft.says(text));
        }
    }
    if own.any() {
        pro.push(ReasonCode::ServicePrefixesLost.says(format!("{} of {} addresses: {}", own.lost, own.total, withdrawn(own))));
    }
    let lost: Vec<&Withdrawal> = servers.withdrawals.iter().chain(&own.withdrawals).copied().collect();
    covers(&lost, con, pro);
    for foreign in &facts.foreign {
        let text = format!(
            "{} announced by {}, taken by {} of {} ASes",
            foreign.prefix,
            foreign.origin,
            foreign.taken_by.len(),
            foreign.eligible
        );
        pro.push(ReasonCode::ForeignOrigin.says(text));
    }
    if lost.is_empty() && facts.foreign.is_empty() && evidence.observed {
        let held: BTreeSet<IpNet> = facts.scene.prefixes().collect();
        if held.is_empty() {
            con.push(ReasonCode::DependenciesUnknown.says("no prefix which holds its addresses or name servers is known"));
        } else if [servers, own].iter().all(|loss| loss.partial.is_empty() && loss.flaps.is_empty()) {
            let text = format!("none of the {} prefixes it depends on was withdrawn", held.len());
            pro.push(ReasonCode::RoutesPresent.says(text));
        }
    }
    let others = evidence.withdrawals.len() - evidence.withdrawals.iter().filter(|w| concerns(w, facts)).count();
    if others > 0 && lost.is_empty() {
        con.push(ReasonCode::OtherPrefixesLost.says(format!("{others} prefixes it does not depend on were withdrawn at the time")));
    }
}

/// Each prefix which flapped: how often, when, for how long at most, and how few saw it.
fn flaps(evidence: &Evidence, facts: &ServiceFacts<'_>, side: &mut Vec<Reason>) {
    let needed: BTreeSet<IpNet> = facts.scene.prefixes().collect();
    for flapped in evidence.flapped().iter().filter(|flapped| needed.contains(&flapped.prefix)) {
        let text = format!(
            "{} lost by many and back{} between {} and {}, for {} at most; seen by {} at worst",
            flapped.prefix,
            flapped.times_in_words(),
            flapped.from.in_words(),
            flapped.until.in_words(),
            flapped.longest,
            flapped.worst
        );
        side.push(ReasonCode::PrefixesFlapped.says(text));
    }
}

fn covers(lost: &[&Withdrawal], con: &mut Vec<Reason>, pro: &mut Vec<Reason>) {
    let covered: BTreeSet<String> = lost
        .iter()
        .filter_map(|withdrawal| withdrawal.cover.as_ref())
        .map(|cover| format!("{} ({})", cover.prefix, cover.visibility))
        .collect();
    if !covered.is_empty() {
        let text = format!("still covered by {}: traffic is drawn there and may die", list(covered));
        con.push(ReasonCode::CoverPresent.says(text));
    }
    let bare = lost.iter().filter(|withdrawal| withdrawal.cover.is_none());
    let (bare, unknown): (Vec<&&Withdrawal>, Vec<&&Withdrawal>) =
        bare.partition(|withdrawal| withdrawal.covers_known || !withdrawal.covers.is_empty());
    if !bare.is_empty() {
        let text = format!("no route at all was left for {} of {} prefixes", bare.len(), lost.len());
        pro.push(ReasonCode::NoRouteLeft.says(text));
    }
    if !unknown.is_empty() {
        let text = format!("whether a covering route was left is not known for {} of {} prefixes", unknown.len(), lost.len());
        con.push(ReasonCode::CoverNotKnown.says(text));
    }
}

fn order(evidence: &Evidence, facts: &ServiceFacts<'_>, verdict: Verdict, pro: &mut Vec<Reason>, con: &mut Vec<Reason>) {
    let lost: Vec<&Withdrawal> = facts.name_servers.withdrawals.iter().chain(&facts.addresses.withdrawals).copied().collect();
    let Some(onset) = lost.iter().map(|withdrawal| withdrawal.onset).min() else { return };
    if verdict == Verdict::LowerLayerFirst {
        if let Some(first) = facts.losses().first() {
            let lead = onset.earliest.since(first.onset.latest);
            let text = format!("{} failed {lead} before the withdrawal", first.loss.series.check);
            pro.push(ReasonCode::FailedBeforeWithdrawal.says(text));
        }
        return;
    }
    for (losses, what, code) in [
        (facts.dns_losses(), "resolving its names", ReasonCode::DnsAfterWithdrawal),
        (facts.own_losses(), "the service", ReasonCode::ServiceAfterWithdrawal),
    ] {
        let Some(failure) = caused(&losses, &lost, evidence) else { continue };
        match after(onset, failure.onset) {
            Some(lag) => pro.push(code.says(format!("{what} first failed {lag} the first withdrawal of what it depends on"))),
            None => {
                let text = format!("{what} first failed {}: which came first is not decided", around(onset, failure.onset));
                con.push(ReasonCode::OrderNotDecided.says(text));
            }
        }
    }
}

/// `at …, 9 min to 11 min after`; `None` if the bounds do not say that it was after.
fn after(onset: Bounds, failure: Bounds) -> Option<String> {
    let least = failure.earliest.since(onset.latest);
    if failure.earliest == Timestamp::MIN || least < Span::ZERO {
        return None;
    }
    let (least, most) = (least.to_string(), failure.latest.since(onset.earliest).to_string());
    let lag = if least == most { most } else { format!("{least} to {most}") };
    Some(format!("{}, {lag} after", moment(failure)))
}

/// A failure of which it is not decided that it came after the onset.
fn around(onset: Bounds, failure: Bounds) -> String {
    let most = failure.latest.since(onset.earliest);
    let side = if most < Span::ZERO { "before" } else { "after" };
    let most = format!("{} {side} the first withdrawal of what it depends on", most.abs());
    if failure.earliest == Timestamp::MIN {
        return format!("by {} at the latest, {most}, and was never seen up before", failure.latest.in_words());
    }
    let least = failure.earliest.since(onset.latest).abs();
    format!("{}, from {least} before to {most}", moment(failure))
}

/// In whole seconds, the upper bound rounded up: the truth lies within.
fn moment(bounds: Bounds) -> String {
    if bounds.earliest.seconds() == bounds.latest.seconds() {
        return format!("at {}", bounds.latest.in_words());
    }
    let whole = bounds.latest.micros() % 1_000_000 == 0;
    let latest = if whole { bounds.latest } else { Timestamp::from_parts(bounds.latest.seconds() + 1, 0) };
    format!("between {} and {}", bounds.earliest.in_words(), latest.in_words())
}

fn layers(facts: &ServiceFacts<'_>, verdict: Verdict, pro: &mut Vec<Reason>, con: &mut Vec<Reason>) {
    let at = |layer: &LayerFacts<'_>| format!("at {} of {} vantages", layer.failing.len(), layer.probed.len());
    if facts.resolver.fails() {
        pro.push(ReasonCode::ResolversFail.says(format!("resolvers: {} {}", kinds(&[&facts.resolver]), at(&facts.resolver))));
    } else if facts.resolver.is_well() {
        pro.push(ReasonCode::ResolversAnswer.says(format!("resolvers answered at all {} vantages", facts.resolver.probed.len())));
    }
    if facts.dnssec_errors() > 0 {
        pro.push(ReasonCode::DnssecError.says(format!("{} answers named a DNSSEC error", facts.dnssec_errors())));
    }
    if facts.authority.fails() {
        let asked = facts.scene.layer(crate::reachability::Layer::Authority).map_or(0, |probed| probed.servers_asked());
        let text = format!(
            "{} of the {asked} name-server addresses which were asked directly failed: {} {}",
            facts.authorities_failing.len(),
            kinds(&[&facts.authority]),
            at(&facts.authority)
        );
        pro.push(ReasonCode::AuthoritiesFail.says(text));
    } else if facts.authority.is_well() {
        pro.push(ReasonCode::AuthoritiesAnswer.says("name servers answered when asked directly"));
    }
    if facts.by_address.is_well() {
        pro.push(ReasonCode::AnswersByAddress.says("the service answered at its addresses all the time"));
    }
    // Lost name servers do not explain what fails where no name is needed, nor what was reached.
    let itself = if verdict == Verdict::RoutingNameServers && !facts.addresses.any() { &mut *con } else { &mut *pro };
    if verdict == Verdict::RoutingNameServers && facts.by_address.fails() && !facts.addresses.any() {
        let text = format!(
            "it failed at its own addresses too, {} of {} in a withdrawn prefix: lost name servers cannot be the whole cause",
            facts.addresses.lost, facts.addresses.total
        );
        itself.push(ReasonCode::FailsWithRoutesUp.says(text));
    }
    let application: Vec<&LayerFacts<'_>> = [&facts.by_address, &facts.by_name].into_iter().filter(|layer| layer.fails()).collect();
    if application.iter().any(|layer| layer.reached() > 0) {
        itself.push(ReasonCode::ReachedButNotUp.says(format!("reached, and not up: {}", kinds(&application))));
    }
    if application.iter().any(|layer| layer.kinds.contains_key(&FailureKind::WrongContent)) {
        let at: BTreeSet<_> = application.iter().flat_map(|layer| layer.failing.iter().cloned()).collect();
        itself.push(ReasonCode::WrongContent.says(format!("wrong content at {}", list(at))));
    }
    if application.iter().any(|layer| layer.unreached() > 0) {
        itself.push(ReasonCode::NotReached.says(format!("not reached: {}", kinds(&application))));
    }
    if facts.status.fails() {
        pro.push(ReasonCode::ReportedDown.says(format!("{} by {}", kinds(&[&facts.status]), reporters(&facts.status))));
    } else if facts.status.is_well() {
        pro.push(ReasonCode::ReportedUp.says("reported as working"));
    }
    if facts.by_address.probed.is_empty() && facts.by_name.probed.is_empty() {
        con.push(ReasonCode::NotProbed.says("nobody probed the service itself"));
    } else if !facts.service_fails() && !facts.dns_fails() {
        pro.push(ReasonCode::ProbedWell.says("probed, and well all the time"));
    }
}

fn local(facts: &ServiceFacts<'_>, verdict: Verdict, pro: &mut Vec<Reason>, con: &mut Vec<Reason>) {
    let partial: Vec<&Withdrawal> = facts.name_servers.partial.iter().chain(&facts.addresses.partial).copied().collect();
    let failing = facts.failing_vantages();
    if let Some(worst) = partial.iter().max_by_key(|withdrawal| withdrawal.trough.visibility.lost) {
        let ases = list(worst.lost_by.iter().copied());
        let text = format!(
            "{} prefixes lost at {} of {} ASes ({ases})",
            partial.len(),
            worst.trough.visibility.lost,
            worst.trough.visibility.eligible()
        );
        pro.push(ReasonCode::PartialLoss.says(text));
        let transit: BTreeSet<Asn> = partial.iter().flat_map(|withdrawal| withdrawal.common_transit.iter().copied()).collect();
        if !transit.is_empty() {
            pro.push(
                ReasonCode::CommonTransit
                    .says(format!("all lost paths cross {}, no surviving path does", list(transit.iter().copied()))),
            );
        }
        for vantage in &failing {
            let networks = facts.networks_of(vantage);
            let behind: Vec<Asn> = networks.iter().filter(|n| transit.contains(n) || worst.lost_by.contains(n)).copied().collect();
            match (networks.is_empty(), behind.is_empty()) {
                (true, _) => {
                    con.push(ReasonCode::ProbeNotMatched.says(format!("the profile does not say in which network {vantage} is")))
                }
                (false, false) => pro.push(ReasonCode::ProbeBehindTransit.says(format!("{vantage} is behind {}", list(behind)))),
                (false, true) => con.push(ReasonCode::ProbeNotMatched.says(format!("{vantage} is not behind the lost paths"))),
            }
        }
    }
    let probing = facts.probing_vantages();
    if !failing.is_empty() && failing.len() < probing.len() {
        let reason = ReasonCode::SomeVantagesOnly.says(format!(
            "fails at {} and not at {}",
            list(&failing),
            list(probing.difference(&failing))
        ));
        if matches!(verdict, Verdict::RoutingLocal | Verdict::RoutingForeignOrigin) { pro.push(reason) } else { con.push(reason) }
    }
}

fn blind(evidence: &Evidence, verdict: Verdict, pro: &mut Vec<Reason>, con: &mut Vec<Reason>) {
    let side = if verdict == Verdict::Undetermined { pro } else { con };
    if !evidence.observed {
        side.push(ReasonCode::RoutingNotObserved.says("no BGP data was given"));
    }
    for blind in &evidence.routing_blind {
        side.push(ReasonCode::RoutingBlind.says(format!(
            "{} from {} to {}",
            blind.what,
            blind.from.in_words(),
            blind.until.in_words()
        )));
    }
    for gap in &evidence.routing_gaps {
        let text = format!("{}, from {} to {}", gap.what, gap.from.in_words(), gap.until.in_words());
        side.push(ReasonCode::FeedGap.says(text));
    }
    let controls = &evidence.control_vantages;
    match (controls.probed.is_empty(), controls.failing.is_empty()) {
        (true, _) if evidence.probed => side.push(
            ReasonCode::NoControls.says("no control target was probed: failures of the probes themselves cannot be excluded"),
        ),
        (false, false) => side.push(ReasonCode::ControlsFail.says(format!("controls failed at {}", controls.failing.join(", ")))),
        _ => {}
    }
}

fn withdrawn(loss: &DependencyLoss<'_>) -> String {
    let prefixes: Vec<String> = loss.withdrawals.iter().map(|w| format!("{} ({})", w.prefix, w.level.word())).collect();
    match prefixes.len() {
        0..=4 => prefixes.join(", "),
        count => format!("{} and {} more prefixes", prefixes[..3].join(", "), count - 3),
    }
}

fn concerns(withdrawal: &Withdrawal, facts: &ServiceFacts<'_>) -> bool {
    let (servers, own) = (&facts.name_servers, &facts.addresses);
    let all = [&servers.withdrawals, &servers.partial, &own.withdrawals, &own.partial];
    all.iter().any(|list| list.iter().any(|known| known.id == withdrawal.id && known.onset == withdrawal.onset))
}

fn application_layers<'a, 'b>(facts: &'b ServiceFacts<'a>) -> Vec<&'b LayerFacts<'a>> {
    [&facts.by_address, &facts.by_name, &facts.status].into_iter().filter(|layer| layer.fails()).collect()
}

fn kinds(layers: &[&LayerFacts<'_>]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for (kind, count) in layers.iter().flat_map(|layer| &layer.kinds) {
        *counts.entry(*kind).or_insert(0u64) += count;
    }
    let mut counts: Vec<(FailureKind, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    counts.iter().map(|(kind, count)| format!("{} ×{count}", kind.word())).collect::<Vec<_>>().join(", ")
}

fn reporters(layer: &LayerFacts<'_>) -> String {
    let reporters: BTreeSet<String> = layer
        .losses
        .iter()
        .filter_map(|failure| match &failure.loss.series.target {
            Target::Status { reporter, .. } => Some(reporter.to_string()),
            Target::Dns { .. } | Target::Http { .. } | Target::Ping { .. } => None,
        })
        .collect();
    list(reporters)
}

fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
