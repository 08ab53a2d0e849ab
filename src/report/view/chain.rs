//! The chain of causes: what broke first in each layer, and what came back first and last, in time order with the delays between.
//!
//! Order and delays are shown, not judged: that is the verdict's work.

use super::loss::kinds;
use super::place::{When, span_words};
use crate::incident::Evidence;
use crate::reachability::{Layer, ReachabilityLoss};
use crate::report::words;
use crate::time::{Bounds, Span, Timestamp};
use crate::withdrawal::{Level, Withdrawal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkView {
    /// Breaking or coming back.
    pub phase: Phase,
    /// Where.
    pub layer: ChainLayer,
    /// What happened.
    pub what: String,
    /// When.
    pub at: When,
    /// How long after the first link of its phase; `null` for the first.
    pub after_first: Option<DelayView>,
    /// How long after the link before it.
    pub after_previous: Option<DelayView>,
}

/// Breaking or coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It breaks.
    Breaks,
    /// It comes back.
    ComesBack,
}

/// Where something breaks or comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainLayer {
    /// BGP.
    Routing,
    /// DNS.
    Dns,
    /// The service.
    Service,
    /// What is reported of it.
    Status,
}

/// A delay with its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayView {
    /// At least; `null` if that cannot be told. Negative where the bounds overlap.
    #[serde(deserialize_with = "Span::signed_or_null")]
    pub least: Option<Span>,
    /// At most.
    #[serde(deserialize_with = "Span::signed")]
    pub most: Span,
    /// For people.
    pub words: String,
}

impl ChainLayer {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            ChainLayer::Routing => "BGP",
            ChainLayer::Dns => "DNS",
            ChainLayer::Service => "service",
            ChainLayer::Status => "status",
        }
    }
}

/// The links of an incident; and the layers which had not come back, in words.
pub(super) fn chain(evidence: &Evidence) -> (Vec<LinkView>, Vec<String>) {
    let mut breaks = Vec::new();
    let mut back = Vec::new();
    let mut lasting = Vec::new();
    routing(evidence, &mut breaks, &mut back, &mut lasting);
    foreign(evidence, &mut breaks, &mut back, &mut lasting);
    for layer in [Layer::Resolver, Layer::Authority, Layer::ServiceByAddress, Layer::ServiceByName, Layer::Status] {
        let losses: Vec<&ReachabilityLoss> = evidence.losses.iter().filter(|loss| loss.series.layer == layer).collect();
        clients(layer, &losses, &mut breaks, &mut back, &mut lasting);
    }
    let mut links = delays(Phase::Breaks, breaks);
    links.extend(delays(Phase::ComesBack, back));
    (links, lasting)
}

type Link = (ChainLayer, String, Bounds);

fn delays(phase: Phase, mut links: Vec<Link>) -> Vec<LinkView> {
    links.sort_by_key(|(layer, _, at)| (at.latest, *layer));
    let times: Vec<Bounds> = links.iter().map(|(_, _, at)| *at).collect();
    let links = links.into_iter().enumerate();
    links
        .map(|(place, (layer, what, at))| {
            let first = (place > 0).then(|| DelayView::between(times[0], at));
            let previous = (place > 0).then(|| DelayView::between(times[place - 1], at));
            LinkView { phase, layer, what, at: When::of(at), after_first: first, after_previous: previous }
        })
        .collect()
}

impl DelayView {
    fn between(earlier: Bounds, later: Bounds) -> Self {
        let known = later.earliest != Timestamp::MIN && earlier.earliest != Timestamp::MIN;
        let least = known.then(|| later.earliest.since(earlier.latest));
        let most = if known { later.latest.since(earlier.earliest) } else { later.latest.since(earlier.latest) };
        let words = match least {
            Some(least) if least >= Span::ZERO => span_words(Some(least), most),
            // The bounds overlap, or one end is open: which came first cannot be told.
            Some(_) | None if most.seconds() < 1 => "less than 1 s".to_owned(),
            Some(_) | None => format!("at most {}", words::length(most)),
        };
        DelayView { least, most, words }
    }
}

fn routing(evidence: &Evidence, breaks: &mut Vec<Link>, back: &mut Vec<Link>, lasting: &mut Vec<String>) {
    let lost: Vec<&Withdrawal> = evidence.withdrawals.iter().collect();
    let Some(first) = lost.iter().min_by_key(|withdrawal| (withdrawal.onset.latest, withdrawal.onset.earliest)) else { return };
    breaks.push((ChainLayer::Routing, format!("first withdrawal: {}", first.prefix), first.onset));
    let severe: Vec<&Withdrawal> = lost.iter().copied().filter(|withdrawal| withdrawal.level > Level::Partial).collect();
    let crossed: Option<Vec<_>> = severe.iter().map(|withdrawal| withdrawal.crossed[1]).collect();
    if let Some(last) = crossed.and_then(|crossed| crossed.into_iter().max()) {
        let what = format!("{} below the opening threshold", words::count(words::size(severe.len()), "prefix", "prefixes"));
        breaks.push((ChainLayer::Routing, what, Bounds::exact(last)));
    }
    if let Some(first) = lost.iter().filter_map(|withdrawal| withdrawal.first_back).min() {
        back.push((ChainLayer::Routing, "first announcement".to_owned(), Bounds::exact(first)));
    }
    let half: Option<Vec<_>> = severe.iter().map(|withdrawal| withdrawal.back_at_open).collect();
    if let Some(half) = half.and_then(|times| times.into_iter().max()) {
        back.push((ChainLayer::Routing, "every prefix back above the opening threshold".to_owned(), Bounds::exact(half)));
    }
    let gone = lost.iter().filter(|withdrawal| withdrawal.recovered.is_none()).count();
    match lost.iter().filter_map(|withdrawal| withdrawal.recovered).max() {
        Some(last) if gone == 0 => back.push((ChainLayer::Routing, "every prefix recovered".to_owned(), Bounds::exact(last))),
        _ => lasting.push(format!("BGP: {gone} of {} not back", words::count(words::size(lost.len()), "prefix", "prefixes"))),
    }
}

fn foreign(evidence: &Evidence, breaks: &mut Vec<Link>, back: &mut Vec<Link>, lasting: &mut Vec<String>) {
    let all = &evidence.foreign_origins;
    let Some(first) = all.iter().min_by_key(|foreign| foreign.first) else { return };
    let what = format!("{} announces {}", first.origin, first.prefix);
    breaks.push((ChainLayer::Routing, what, Bounds::exact(first.first)));
    let ends: Option<Vec<_>> = all.iter().map(|foreign| foreign.ended).collect();
    match ends.and_then(|ends| ends.into_iter().max()) {
        Some(last) => back.push((ChainLayer::Routing, "foreign routes gone everywhere".to_owned(), Bounds::exact(last))),
        None => lasting.push("BGP: a foreign origin is still announced".to_owned()),
    }
}

fn clients(layer: Layer, losses: &[&ReachabilityLoss], breaks: &mut Vec<Link>, back: &mut Vec<Link>, lasting: &mut Vec<String>) {
    let Some(first) = losses.iter().min_by_key(|loss| (loss.onset.latest, loss.onset.earliest)) else { return };
    let place = match layer {
        Layer::Resolver | Layer::Authority => ChainLayer::Dns,
        Layer::ServiceByAddress | Layer::ServiceByName | Layer::Control => ChainLayer::Service,
        Layer::Status => ChainLayer::Status,
    };
    let name = words::layer(layer);
    let vantages: BTreeSet<&str> = losses.iter().map(|loss| &*loss.series.vantage).collect();
    // How it began: what else failed later is told with the losses.
    let mut kinds = kinds(losses.iter().copied());
    kinds.sort_by_key(|kind| kind.first);
    let at_first = kinds.iter().take_while(|kind| kind.first <= first.onset.latest).count().max(1);
    let kinds = words::all(kinds.iter().take(at_first).map(|kind| &kind.words));
    let what = format!("{name}: failing ({kinds}) at {}", words::some(vantages, 3));
    breaks.push((place, what, first.onset));
    let ended: Vec<Bounds> = losses.iter().filter_map(|loss| loss.recovery).collect();
    let firsts = ended.iter().min_by_key(|end| (end.latest, end.earliest));
    let lasts = ended.iter().max_by_key(|end| (end.latest, end.earliest));
    let open = losses.iter().filter(|loss| loss.recovery.is_none()).count();
    if open > 0 {
        lasting.push(format!("{name}: {open} of {} still failing", words::count(words::size(losses.len()), "loss", "losses")));
    }
    match (firsts, lasts) {
        (Some(first), Some(last)) if open > 0 || first.latest.seconds() != last.latest.seconds() => {
            back.push((place, format!("{name}: first answer again"), *first));
            if open == 0 {
                back.push((place, format!("{name}: well everywhere"), *last));
            }
        }
        (_, Some(last)) => back.push((place, format!("{name}: well everywhere"), *last)),
        _ => {}
    }
}
