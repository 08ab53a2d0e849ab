//! An incident in a few plain sentences, for whoever reads no further: one a layer, then what came first, and whether it is over.

use super::chain::{LinkView, Order};
use super::place::lasted;
use super::withdrawal::route_left;
use crate::incident::{Incident, ReasonCode, ServiceVerdict};
use crate::reachability::{Layer, ReachabilityLoss};
use crate::report::words;
use crate::time::{Bounds, Timestamp};
use crate::withdrawal::Withdrawal;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// Announcements by other origins which are told one by one.
const FOREIGN: usize = 3;

/// Prefixes which flapped and are told one by one.
const FLAPPED: usize = 3;

/// The sentences.
pub(super) fn brief(incident: &Incident, services: &[ServiceVerdict], chain: &[LinkView], lasting: &[String]) -> Vec<String> {
    let mut said = routing(incident);
    said.push(dns(incident));
    said.extend(failing(incident, services));
    said.extend(order(chain));
    said.push(over(incident, lasting));
    said
}

fn routing(incident: &Incident) -> Vec<String> {
    let (evidence, day) = (&incident.evidence, incident.began.latest);
    let mut said: Vec<String> = (!evidence.withdrawals.is_empty()).then(|| withdrawn(incident)).into_iter().collect();
    said.extend(left(&evidence.withdrawals));
    said.extend(flapped(incident));
    said.extend(evidence.foreign_origins.iter().take(FOREIGN).map(|foreign| {
        let ended = foreign.ended.map_or_else(|| "it had not ended".to_owned(), |at| format!("until {}", words::clock(at, day)));
        format!(
            "Routing: {} announced {} from {} on, {ended}; {} of {} ASes took it.",
            foreign.origin,
            foreign.prefix,
            words::clock(foreign.first, day),
            foreign.taken_by.len(),
            foreign.eligible
        )
    }));
    if evidence.foreign_origins.len() > FOREIGN {
        let more = words::size(evidence.foreign_origins.len() - FOREIGN);
        said.push(format!("{} by other origins.", words::count(more, "more announcement", "more announcements")));
    }
    if said.is_empty() {
        said.push(match (evidence.observed, evidence.routing_blind.is_empty()) {
            (false, _) => "Routing: not observed, no BGP data was given.".to_owned(),
            (true, false) => {
                "Routing: nothing withdrawn as far as was seen; for a part of the time it could not be told.".to_owned()
            }
            (true, true) => "Routing: nothing of it was withdrawn, and no other AS announced any of it.".to_owned(),
        });
    }
    said
}

/// What was lost and back before it had held.
fn flapped(incident: &Incident) -> Vec<String> {
    let day = incident.began.latest;
    let flapped = incident.evidence.flapped();
    let told = flapped.iter().take(FLAPPED).map(|flapped| {
        format!(
            "Routing: {} was lost by many and back{}, from {} to {}, for {} at most; {} at worst.",
            flapped.prefix,
            flapped.times_in_words(),
            words::clock(flapped.from, day),
            words::clock(flapped.until, day),
            flapped.longest,
            words::visibility(flapped.worst)
        )
    });
    let more = flapped.len().saturating_sub(FLAPPED);
    let more = (more > 0).then(|| format!("{} flapped likewise.", words::count(words::size(more), "more prefix", "more prefixes")));
    told.chain(more).collect()
}

/// What was left for traffic to follow: covering routes, or nothing.
fn left(lost: &[Withdrawal]) -> Option<String> {
    let (covered, bare): (Vec<&Withdrawal>, Vec<&Withdrawal>) = lost.iter().partition(|lost| lost.cover.is_some());
    let mut said = Vec::new();
    if !covered.is_empty() {
        let covers: BTreeSet<IpNet> = covered.iter().filter_map(|lost| Some(lost.cover.as_ref()?.prefix)).collect();
        let covers = words::some(covers, 4);
        said.push(format!("{} of {} still covered by {covers}, where traffic is drawn and may die", covered.len(), lost.len()));
    }
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    bare.into_iter().for_each(|lost| *others.entry(route_left(lost)).or_default() += 1);
    let all = lost.len();
    said.extend(others.into_iter().map(|(what, count)| if count == all { what } else { format!("for {count} of {all} {what}") }));
    (!said.is_empty()).then(|| format!("What was left: {}.", said.join("; ")))
}

fn withdrawn(incident: &Incident) -> String {
    let (evidence, day) = (&incident.evidence, incident.began.latest);
    let lost = &evidence.withdrawals;
    let onset = lost.iter().map(|lost| lost.onset).min().unwrap_or(incident.began);
    let last = lost.iter().map(|lost| lost.onset).max().unwrap_or(onset);
    let many = words::count(words::size(lost.len()), "prefix", "prefixes");
    let when = if onset.latest.seconds() == last.latest.seconds() {
        at_or_between(onset, day)
    } else {
        format!("from {} to {}", words::clock(onset.latest, day), words::clock(last.latest, day))
    };
    let seen = |lost: &&Withdrawal| lost.trough.visibility.upper();
    let (best, worst) = (lost.iter().max_by_key(seen), lost.iter().min_by_key(seen));
    let worst = match (worst, best) {
        (Some(worst), Some(best)) if seen(&worst) != seen(&best) => {
            format!(
                "{} at worst ({}), {} ({}) where least was lost",
                words::visibility(worst.trough.visibility),
                worst.prefix,
                words::visibility(best.trough.visibility),
                best.prefix
            )
        }
        (Some(worst), _) => {
            let at = lost.iter().map(|lost| lost.trough.at).max().unwrap_or(worst.trough.at);
            let since = if lost.len() == 1 { "from" } else { "all of them so by" };
            format!("{} at worst, {since} {}", words::visibility(worst.trough.visibility), words::clock(at, day))
        }
        (None, _) => String::new(),
    };
    let back = lost.iter().filter_map(|lost| lost.first_back).min();
    let back =
        back.map_or_else(|| "not announced again".to_owned(), |at| format!("announced again from {}", words::clock(at, day)));
    let recovered: Option<Vec<Bounds>> = lost.iter().map(|lost| lost.recovery()).collect();
    let usual = format!("at least {} % of what is usual", evidence.settings.close_percent);
    let end = match recovered.and_then(Bounds::last_of) {
        Some(end) => {
            let length = lasted(onset, Some(end), end.latest);
            format!("all back to {usual} by {}, {length} after the first withdrawal", words::clock(end.latest, day))
        }
        None => {
            let open = lost.iter().filter(|lost| lost.recovered.is_none()).count();
            format!("{open} of them not back to {usual} at {}", words::clock(evidence.recorded_until, day))
        }
    };
    format!("Routing: {many} withdrawn {when}; {worst}; {back}, {end}.")
}

fn dns(incident: &Incident) -> String {
    let told = [(Layer::Authority, "name servers asked directly"), (Layer::Resolver, "names asked through resolvers")];
    let told = told.map(|(layer, what)| (what, layer_told(incident, layer)));
    if told.iter().all(|(_, told)| told == NOT_PROBED) {
        return "DNS: not probed.".to_owned();
    }
    format!("DNS: {}.", told.map(|(what, told)| format!("{what} {told}")).join("; "))
}

const NOT_PROBED: &str = "were not probed";

/// `failed from … at 3 of 3 vantages, well everywhere by …`.
fn layer_told(incident: &Incident, layer: Layer) -> String {
    let (evidence, day) = (&incident.evidence, incident.began.latest);
    let scenes = evidence.services.iter().flat_map(|scene| &scene.probed).filter(|probed| probed.layer == layer);
    let probed: BTreeSet<&str> = scenes.flat_map(|probed| probed.vantages.iter().map(|name| &**name)).collect();
    let losses: Vec<&ReachabilityLoss> = evidence.losses.iter().filter(|loss| loss.series.layer == layer).collect();
    let onsets = || losses.iter().map(|loss| loss.onset);
    let key = |onset: &Bounds| (onset.latest, onset.earliest);
    let (Some(first), Some(last)) = (onsets().min_by_key(key), onsets().max_by_key(key)) else {
        return if probed.is_empty() { NOT_PROBED.to_owned() } else { "answered all the time".to_owned() };
    };
    let failing: BTreeSet<&str> = losses.iter().map(|loss| &*loss.series.vantage).collect();
    let of = words::count(words::size(probed.union(&failing).count()), "vantage", "vantages");
    let later = last.latest.seconds() > first.latest.seconds() + 1;
    let last = if later { format!(", the last by {}", words::clock(last.latest, day)) } else { String::new() };
    let ended = ended(&losses, evidence.recorded_until, day);
    format!("failed at {} of {of}, the first {}{last}, {ended}", failing.len(), at_or_between(first, day))
}

fn ended(losses: &[&ReachabilityLoss], now: Timestamp, day: Timestamp) -> String {
    let ends: Option<Vec<Bounds>> = losses.iter().map(|loss| loss.recovery).collect();
    match ends.and_then(Bounds::last_of) {
        Some(last) => format!("well everywhere {}", at_or_between(last, day)),
        None => {
            let open = losses.iter().filter(|loss| loss.recovery.is_none()).count();
            let of = words::count(words::size(losses.len()), "loss", "losses");
            format!("{open} of {of} still failing at {}", words::clock(now, day))
        }
    }
}

/// When something happened: `at 15:39:00`, `between 15:39:20 and 15:41:21`.
fn at_or_between(end: Bounds, day: Timestamp) -> String {
    if end.earliest == Timestamp::MIN || end.earliest.seconds() == end.latest.seconds() {
        format!("at {}", words::bounds(end, day))
    } else {
        format!("between {}", words::bounds(end, day).replacen(" to ", " and ", 1))
    }
}

/// Layers of the services themselves.
const OWN: [Layer; 3] = [Layer::ServiceByAddress, Layer::ServiceByName, Layer::Status];

fn own_losses(incident: &Incident) -> Vec<&ReachabilityLoss> {
    incident.evidence.losses.iter().filter(|loss| OWN.contains(&loss.series.layer)).collect()
}

fn failing(incident: &Incident, services: &[ServiceVerdict]) -> Vec<String> {
    if services.is_empty() {
        return Vec::new();
    }
    let evidence = &incident.evidence;
    let fails: Vec<&ServiceVerdict> = services.iter().filter(|service| service.severity.fails).collect();
    let count = format!("{} of {}", fails.len(), words::count(words::size(services.len()), "service", "services"));
    let losses = own_losses(incident);
    let first = losses.iter().map(|loss| loss.onset).min_by_key(|onset| (onset.latest, onset.earliest));
    let day = incident.began.latest;
    let scenes = evidence.services.iter().flat_map(|scene| &scene.probed);
    if losses.is_empty() && !scenes.into_iter().any(|probed| OWN.contains(&probed.layer)) {
        return vec!["Services: not probed, so how they worked is not known.".to_owned()];
    }
    let mut said = vec![match first {
        Some(first) => {
            format!(
                "Services: {count} failed, beginning {}; {}{}.",
                at_or_between(first, day),
                ended(&losses, evidence.recorded_until, day),
                pauses(&losses, day)
            )
        }
        None => format!("Services: {count} failed."),
    }];
    said.extend(outlasted(incident));
    let has =
        |service: &&&ServiceVerdict| service.reasons_against.iter().any(|reason| reason.code == ReasonCode::FailsWithRoutesUp);
    let held: Vec<&str> = fails.iter().filter(has).map(|service| service.service.as_str()).collect();
    if !held.is_empty() {
        said.push(format!(
            "{} failed at {} own addresses too, though the prefixes of these were not withdrawn: lost name servers cannot be the whole cause.",
            words::some(&held, 4),
            if held.len() == 1 { "its" } else { "their" }
        ));
    }
    said
}

/// When certainly none of them failed, between the first and the last: `; in between well from … to …`.
fn pauses(losses: &[&ReachabilityLoss], day: Timestamp) -> String {
    let mut spans: Vec<(Timestamp, Timestamp)> =
        losses.iter().map(|loss| (loss.onset.earliest, loss.recovery.map_or(Timestamp::MAX, |end| end.latest))).collect();
    spans.sort_unstable();
    let mut failing_until = spans.first().map_or(Timestamp::MAX, |(_, until)| *until);
    let mut pauses = Vec::new();
    for (from, until) in spans {
        if from > failing_until {
            pauses.push(format!("{} to {}", words::clock(failing_until, day), words::clock(from, day)));
        }
        failing_until = failing_until.max(until);
    }
    if pauses.is_empty() { String::new() } else { format!("; in between well from {}", words::some(pauses, 3)) }
}

/// Services which came back certainly later than the routes and DNS: something beside these kept them down.
pub(super) fn outlasted(incident: &Incident) -> Option<String> {
    let evidence = &incident.evidence;
    let last = |losses: &[&ReachabilityLoss]| -> Option<Bounds> {
        let ends: Option<Vec<Bounds>> = losses.iter().map(|loss| loss.recovery).collect();
        Bounds::last_of(ends?)
    };
    let back = last(&own_losses(incident))?;
    let routes: Option<Vec<Bounds>> = evidence.withdrawals.iter().map(Withdrawal::recovery).collect();
    let routes = Bounds::last_of(routes?);
    let names: Vec<&ReachabilityLoss> =
        evidence.losses.iter().filter(|loss| matches!(loss.series.layer, Layer::Authority | Layer::Resolver)).collect();
    let below = [(routes, "the last prefix"), (last(&names), "DNS")];
    let below: Vec<(Bounds, &str)> = below.into_iter().filter_map(|(end, what)| Some((end?, what))).collect();
    let latest = below.iter().map(|(end, _)| end.latest).max()?;
    if back.earliest.since(latest) < evidence.settings.cause_after {
        return None;
    }
    let later = below.iter().map(|(end, what)| format!("{} after {what}", lasted(*end, Some(back), back.latest)));
    let later = later.collect::<Vec<_>>().join(" and ");
    Some(format!("The last of the services was well only {later}: routes and names alone do not explain that."))
}

/// What broke first, as far as the bounds of the times decide.
fn order(chain: &[LinkView]) -> Option<String> {
    let order = Order::of(chain)?;
    let told = |others: &[(String, &str)]| words::all(others.iter().map(|(name, lag)| format!("{name} ({lag})")));
    let after = (!order.later.is_empty()).then(|| format!("later than {}: {}", order.first, told(&order.later)));
    let open = !order.undecided.is_empty();
    let open = open.then(|| format!("before or after {} is not decided for {}", order.first, told(&order.undecided)));
    let said: Vec<String> = after.into_iter().chain(open).collect();
    (!said.is_empty()).then(|| format!("Order: {}.", said.join("; ")))
}

fn over(incident: &Incident, lasting: &[String]) -> String {
    let day = incident.began.latest;
    match incident.ended {
        Some(end) => format!("Over: everything was back {}.", at_or_between(end, day)),
        None if lasting.is_empty() => {
            format!("Not over at {}, the end of what is known.", words::clock(incident.evidence.recorded_until, day))
        }
        None => format!("Not over: {}.", lasting.join("; ")),
    }
}
