//! The rows of the table, in order: the first which fits wins.

use super::Verdict;
use crate::incident::facts::{Failure, ServiceFacts, aimed_at, caused};
use crate::incident::{Evidence, Incident};
use crate::time::{Span, Timestamp};
use crate::vantage::Asn;
use crate::withdrawal::{Churn, Level, Withdrawal};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The first row which fits a service.
pub(super) fn first_fit(incident: &Incident, facts: &ServiceFacts<'_>) -> Verdict {
    let evidence = &incident.evidence;
    if controls_lost_everywhere(evidence) {
        return Verdict::Undetermined;
    }
    let verdict = routing_rows(evidence, facts).or_else(|| other_rows(facts));
    match verdict {
        Some(verdict) if flapping(verdict, facts, evidence) => Verdict::RoutingFlapping,
        Some(verdict) if needs_routing(verdict, facts) && !routing_told(evidence) => Verdict::Undetermined,
        Some(verdict) => verdict,
        None if !facts.service_probed() && !facts.dns_probed() => Verdict::NotProbed,
        None => Verdict::Healthy,
    }
}

/// The verdict where no service is known, or none is concerned.
pub(super) fn without_service(incident: &Incident) -> Verdict {
    let evidence = &incident.evidence;
    let severe = evidence.withdrawals.iter().any(|withdrawal| withdrawal.level > Level::Partial);
    match (severe, evidence.foreign_origins.is_empty()) {
        (true, _) if evidence.probed => Verdict::RoutingNoImpact,
        (true, _) => Verdict::RoutingNotProbed,
        (false, false) => Verdict::ForeignOriginNoImpact,
        (false, true) => Verdict::Undetermined,
    }
}

/// Controls were probed, and failed wherever they were.
fn controls_lost_everywhere(evidence: &Evidence) -> bool {
    let controls = &evidence.control_vantages;
    !controls.probed.is_empty() && controls.probed.iter().all(|vantage| controls.failing.contains(vantage))
}

/// Verdicts which rest on routes having been there, and having been the right ones: a blind routing side cannot exclude that they were not.
fn needs_routing(verdict: Verdict, facts: &ServiceFacts<'_>) -> bool {
    match verdict {
        Verdict::HostOrPath | Verdict::DnsAuthorities => true,
        // Name servers which did not answer anybody may have been out of reach.
        Verdict::DnsResolver => facts.authority.probed.is_empty() || facts.authority.fails(),
        // A wrong page may be that of whoever announces the prefix.
        Verdict::Application => facts.only_wrong_content(),
        Verdict::Undetermined
        | Verdict::LowerLayerFirst
        | Verdict::RoutingNameServers
        | Verdict::RoutingServiceAddresses
        | Verdict::RoutingBlackhole
        | Verdict::RoutingCoverDelivers
        | Verdict::RoutingLocal
        | Verdict::RoutingFlapping
        | Verdict::RoutingForeignOrigin
        | Verdict::ForeignOriginNoImpact
        | Verdict::RoutingNoImpact
        | Verdict::RoutingNotProbed
        | Verdict::Healthy
        | Verdict::NotProbed => false,
    }
}

/// What is out of reach by this verdict began to be so while its prefixes flapped, and they did for at least half of the time, of most of the failures.
fn flapping(verdict: Verdict, facts: &ServiceFacts<'_>, evidence: &Evidence) -> bool {
    let unreachable = matches!(verdict, Verdict::HostOrPath | Verdict::DnsAuthorities | Verdict::DnsResolver);
    let (failures, flaps) = match (verdict == Verdict::HostOrPath, facts.authority.fails()) {
        (true, _) => (facts.own_losses(), &facts.addresses.flaps),
        (false, true) => (facts.authority.losses.clone(), &facts.name_servers.flaps),
        // Whoever was answered directly saw the name servers all the time.
        (false, false) if facts.authority.is_well() => return false,
        (false, false) => (facts.dns_losses(), &facts.name_servers.flaps),
    };
    unreachable && failures.iter().filter(|failure| is_of_flaps(failure, flaps, evidence)).count() * 2 > failures.len()
}

/// A failure began no earlier than a train of flaps of what it needs, and they overlap for at least half of it.
fn is_of_flaps(failure: &Failure<'_>, flaps: &[&Churn], evidence: &Evidence) -> bool {
    let settings = &evidence.settings;
    let (began, ended) = (failure.onset.latest, failure.loss.recovery.map_or(evidence.recorded_until, |ended| ended.earliest));
    let holds = |flap: &&&Churn| aimed_at(failure.loss).is_none_or(|address| flap.prefix.contains(&address));
    let flaps: Vec<&Churn> = flaps.iter().filter(holds).copied().collect();
    flaps.chunk_by(|a, b| b.from.since(a.until) <= settings.grouping).any(|train| {
        let (from, until) = (train[0].from, train.iter().map(|flap| flap.until).fold(train[0].until, Timestamp::max));
        let both = ended.min(until).since(began.max(from));
        both >= Span::ZERO && began + settings.order_margin >= from && both.times(2) >= ended.since(began)
    })
}

/// The routing side was observed, and could tell while the incident lasted.
fn routing_told(evidence: &Evidence) -> bool {
    evidence.observed && evidence.routing_blind.is_empty()
}

fn routing_rows(evidence: &Evidence, facts: &ServiceFacts<'_>) -> Option<Verdict> {
    let (servers, own) = (&facts.name_servers, &facts.addresses);
    let lost: Vec<&Withdrawal> = servers.withdrawals.iter().chain(&own.withdrawals).copied().collect();
    let fails = facts.service_fails();
    if !lost.is_empty() && fails && failed_before(&facts.losses(), &lost, evidence) {
        return Some(Verdict::LowerLayerFirst);
    }
    // Where every server has an address left which answers, DNS is no casualty: one family is lost, and resolvers have the other.
    let unreachable = servers.any() && (servers.lost > 0 || !facts.some_authority_answers());
    if unreachable && fails && facts.dns_fails() && caused(&facts.dns_losses(), &servers.withdrawals, evidence).is_some() {
        return Some(Verdict::RoutingNameServers);
    }
    if own.any() && !facts.dns_fails() && fails {
        return Some(Verdict::RoutingServiceAddresses);
    }
    let covered: Vec<&Withdrawal> = lost.iter().copied().filter(|withdrawal| withdrawal.cover.is_some()).collect();
    if !covered.is_empty() && fails {
        return Some(Verdict::RoutingBlackhole);
    }
    let well = facts.service_probed() && !fails && !facts.dns_fails() && !facts.authority.fails();
    if !covered.is_empty() && well && covered.len() >= lost.len() {
        return Some(Verdict::RoutingCoverDelivers);
    }
    if fails && local(facts) {
        return Some(Verdict::RoutingLocal);
    }
    if !facts.foreign.is_empty() {
        if !fails {
            return Some(Verdict::ForeignOriginNoImpact);
        }
        if while_announced(facts, evidence) {
            return Some(Verdict::RoutingForeignOrigin);
        }
    }
    match (lost.is_empty(), fails) {
        (false, true) => Some(Verdict::RoutingServiceAddresses),
        _ => None,
    }
}

fn other_rows(facts: &ServiceFacts<'_>) -> Option<Verdict> {
    let lost = facts.name_servers.any() || facts.addresses.any();
    if facts.service_fails() {
        let itself = facts.service_fails_itself();
        if facts.dns_fails() && facts.authority.fails() && !facts.some_authority_answers() {
            return Some(Verdict::DnsAuthorities);
        }
        if facts.dns_fails() && !(itself && facts.by_address.reached() > 0) {
            return Some(Verdict::DnsResolver);
        }
        let (reached, unreached) =
            (facts.by_address.reached() + facts.by_name.reached(), facts.by_address.unreached() + facts.by_name.unreached());
        return Some(match (reached, unreached) {
            // Somebody says that it is down; whether its names resolve and its servers answer, nobody looked.
            (0, 0) if !facts.dns_probed() && facts.by_address.probed.is_empty() => Verdict::Undetermined,
            (0, 0) if facts.status.fails() => Verdict::Application,
            (reached, unreached) if reached >= unreached => Verdict::Application,
            _ => Verdict::HostOrPath,
        });
    }
    // Caches answer still.
    if !lost && facts.authority.fails() && !facts.some_authority_answers() {
        return Some(Verdict::DnsAuthorities);
    }
    match (lost, facts.service_probed() || facts.dns_probed()) {
        (true, true) => Some(Verdict::RoutingNoImpact),
        (true, false) => Some(Verdict::RoutingNotProbed),
        (false, _) => None,
    }
}

/// The service failed, by bounds, before everything it depends on was withdrawn, and still did then, at most of those who saw it fail: what one
/// place saw, or was over, is another matter.
fn failed_before(failures: &[Failure<'_>], lost: &[&Withdrawal], evidence: &Evidence) -> bool {
    let margin = evidence.settings.order_margin;
    let before = |failure: &&Failure<'_>| {
        lost.iter().all(|withdrawal| {
            let lasts = failure.loss.recovery.is_none_or(|recovery| recovery.latest >= withdrawal.onset.earliest);
            lasts && withdrawal.onset.is_after(failure.onset, margin)
        })
    };
    let who = |failure: &Failure<'_>| Arc::clone(&failure.loss.series.vantage);
    let first: BTreeSet<Arc<str>> = failures.iter().filter(before).map(who).collect();
    let all: BTreeSet<Arc<str>> = failures.iter().map(who).collect();
    first.len() * 2 > all.len()
}

/// Something of the service began to fail while a foreign origin was announced, or shortly before it was seen.
fn while_announced(facts: &ServiceFacts<'_>, evidence: &Evidence) -> bool {
    let servers = || facts.scene.name_servers.iter().flat_map(|server| &server.addresses);
    facts.foreign.iter().any(|foreign| {
        let of_servers = servers().any(|server| foreign.prefix.contains(&server.address));
        let failures = if of_servers { facts.losses() } else { facts.own_losses() };
        failures.iter().any(|Failure { onset, .. }| {
            onset.latest >= foreign.first - evidence.settings.cause_before
                && foreign.ended.is_none_or(|ended| onset.earliest <= ended)
        })
    })
}

/// Lost at some vantages only, and it fails only at probes behind them: by the AS which all lost paths share, or an AS which lost it.
fn local(facts: &ServiceFacts<'_>) -> bool {
    let partial: Vec<&Withdrawal> = facts.name_servers.partial.iter().chain(&facts.addresses.partial).copied().collect();
    let failing = facts.failing_vantages();
    if partial.is_empty() || failing.is_empty() || failing.len() == facts.probing_vantages().len() && failing.len() > 1 {
        return false;
    }
    let networks: BTreeSet<Asn> =
        partial.iter().flat_map(|withdrawal| withdrawal.common_transit.iter().chain(&withdrawal.lost_by)).copied().collect();
    failing.iter().all(|vantage| facts.networks_of(vantage).iter().any(|network| networks.contains(network)))
}
