//! The chain of causes: what broke first in each layer, and what came back first and last, in time order with the delays between.
//!
//! Order and delays are shown, not judged: that is the verdict's work.

use super::loss::kinds;
use super::place::{Files, RecordView, When, span_words};
use crate::incident::Evidence;
use crate::observation::RecordRef;
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
    /// A record which shows it; `null` where silence does.
    pub proof: Option<RecordView>,
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
pub(super) fn chain(evidence: &Evidence, files: &Files) -> (Vec<LinkView>, Vec<String>) {
    let mut breaks = Vec::new();
    let mut back = Vec::new();
    let mut lasting = Vec::new();
    routing(evidence, &mut breaks, &mut back, &mut lasting);
    flaps(evidence, &mut breaks, &mut back);
    foreign(evidence, &mut breaks, &mut back, &mut lasting);
    for layer in [Layer::Resolver, Layer::Authority, Layer::ServiceByAddress, Layer::ServiceByName, Layer::Status] {
        let losses: Vec<&ReachabilityLoss> = evidence.losses.iter().filter(|loss| loss.series.layer == layer).collect();
        clients(layer, &losses, &mut breaks, &mut back, &mut lasting);
    }
    let mut links = delays(Phase::Breaks, breaks, files);
    links.extend(delays(Phase::ComesBack, back, files));
    (links, lasting)
}

/// Stamps of whole seconds put a statement up to this much before what it tells.
const STAMP: Span = Span::from_seconds(1);

/// What broke first, and what else broke, once a kind: BGP, and each layer which clients saw.
pub(in crate::report) struct Order<'a> {
    /// The first, as far as is known.
    pub first: String,
    /// What broke later for certain, and how much.
    pub later: Vec<(String, &'a str)>,
    /// What may have broken before it.
    pub undecided: Vec<(String, &'a str)>,
}

impl<'a> Order<'a> {
    /// That of a chain.
    pub fn of(chain: &'a [LinkView]) -> Option<Self> {
        let mut breaks = chain.iter().filter(|link| link.phase == Phase::Breaks);
        // Names may fail later than the servers which hold them: each kind by itself.
        let name = |link: &LinkView| match (link.layer, link.what.split_once(": ")) {
            (ChainLayer::Routing, _) | (_, None) => link.layer.word().to_owned(),
            (_, Some((name, _))) => name.to_owned(),
        };
        let mut order = Order { first: name(breaks.next()?), later: Vec::new(), undecided: Vec::new() };
        let mut seen = BTreeSet::from([order.first.clone()]);
        for link in breaks.filter(|link| seen.insert(name(link))) {
            let Some(delay) = &link.after_first else { continue };
            let side = if delay.least.is_some_and(|least| least > STAMP) { &mut order.later } else { &mut order.undecided };
            side.push((name(link), delay.words.as_str()));
        }
        Some(order)
    }
}

/// A link before its delays are known.
struct Link {
    layer: ChainLayer,
    what: String,
    at: Bounds,
    source: Option<RecordRef>,
}

impl Link {
    fn bgp(what: impl Into<String>, at: Bounds, source: Option<RecordRef>) -> Link {
        Link { layer: ChainLayer::Routing, what: what.into(), at, source }
    }
}

/// By the time at which each had happened at the latest.
fn delays(phase: Phase, mut links: Vec<Link>, files: &Files) -> Vec<LinkView> {
    links.sort_by_key(|link| (link.at.latest, link.layer));
    let times: Vec<Bounds> = links.iter().map(|link| link.at).collect();
    let view = |(place, link): (usize, Link)| LinkView {
        phase,
        layer: link.layer,
        what: link.what,
        at: When::of(link.at),
        after_first: (place > 0).then(|| DelayView::between(times[0], link.at)),
        after_previous: (place > 0).then(|| DelayView::between(times[place - 1], link.at)),
        proof: link.source.map(|source| files.record(source)),
    };
    links.into_iter().enumerate().map(view).collect()
}

impl DelayView {
    fn between(earlier: Bounds, later: Bounds) -> Self {
        let known = later.earliest != Timestamp::MIN && earlier.earliest != Timestamp::MIN;
        let least = known.then(|| later.earliest.since(earlier.latest));
        let most = if known { later.latest.since(earlier.earliest) } else { later.latest.since(earlier.latest) };
        let words = match least {
            Some(least) if least >= Span::ZERO => span_words(Some(least), most),
            // The bounds overlap: which came first cannot be told, and both signs say so.
            Some(least) if least.abs().seconds() > 0 => {
                let most_sign = if most < Span::ZERO { '−' } else { '+' };
                let most = if most < Span::ZERO { words::length(most.abs()) } else { words::length_at_most(most) };
                format!("−{} to {most_sign}{most}", words::length_at_most(least.abs()))
            }
            Some(_) | None if most.seconds() < 1 => "less than 1 s".to_owned(),
            Some(_) | None => format!("at most {}", words::length_at_most(most)),
        };
        DelayView { least, most, words }
    }
}

/// The first loss of what flapped, and the last return.
fn flaps(evidence: &Evidence, breaks: &mut Vec<Link>, back: &mut Vec<Link>) {
    let flapped = evidence.flapped();
    let others = match flapped.len() {
        0 | 1 => String::new(),
        count => format!(" and {}", words::count(words::size(count - 1), "other", "others")),
    };
    if let Some(first) = flapped.first() {
        let what = format!("first flap: {}{others} lost by many for less than the hold", first.prefix);
        breaks.push(Link::bgp(what, Bounds::exact(first.from), None));
    }
    if let Some(last) = flapped.iter().map(|flapped| flapped.until).max() {
        let times: usize = flapped.iter().map(|flapped| flapped.times).sum();
        back.push(Link::bgp(
            format!("last of {} over", words::count(words::size(times), "flap", "flaps")),
            Bounds::exact(last),
            None,
        ));
    }
}

fn routing(evidence: &Evidence, breaks: &mut Vec<Link>, back: &mut Vec<Link>, lasting: &mut Vec<String>) {
    let lost: Vec<&Withdrawal> = evidence.withdrawals.iter().collect();
    let Some(first) = lost.iter().min_by_key(|withdrawal| (withdrawal.onset.latest, withdrawal.onset.earliest)) else { return };
    let second = |withdrawal: &Withdrawal| withdrawal.onset.latest.seconds();
    let together = lost.iter().filter(|withdrawal| second(withdrawal) == second(first)).count();
    let others = match together {
        0 | 1 => String::new(),
        count => format!(" and {} in the same second", words::count(words::size(count - 1), "other", "others")),
    };
    let since = first.evidence.iter().filter(|said| said.at >= first.onset.earliest);
    let source = since.filter_map(|said| said.source).next();
    breaks.push(Link::bgp(format!("first withdrawal: {}{others}", first.prefix), first.onset, source));
    let open = format!("the opening threshold ({} % of usual)", evidence.settings.open_percent);
    let severe: Vec<&Withdrawal> = lost.iter().copied().filter(|withdrawal| withdrawal.level > Level::Partial).collect();
    let crossed: Option<Vec<_>> = severe.iter().map(|withdrawal| withdrawal.crossed[1]).collect();
    if let Some(last) = crossed.and_then(|crossed| crossed.into_iter().max()) {
        let what = format!("{} below {open}", words::count(words::size(severe.len()), "prefix", "prefixes"));
        breaks.push(Link::bgp(what, Bounds::exact(last), said_at(&lost, last)));
    }
    if let Some(first) = lost.iter().filter_map(|withdrawal| withdrawal.first_back).min() {
        back.push(Link::bgp("first announcement", Bounds::exact(first), said_at(&lost, first)));
    }
    let half: Option<Vec<_>> = severe.iter().map(|withdrawal| withdrawal.back_at_open).collect();
    if let Some(half) = half.and_then(|times| times.into_iter().max()) {
        back.push(Link::bgp(format!("every prefix back above {open}"), Bounds::exact(half), said_at(&lost, half)));
    }
    let gone = lost.iter().filter(|withdrawal| withdrawal.recovered.is_none()).count();
    match Bounds::last_of(lost.iter().filter_map(|withdrawal| withdrawal.recovery())) {
        Some(last) if gone == 0 => {
            let what = format!("every prefix recovered (at least {} % of usual)", evidence.settings.close_percent);
            back.push(Link::bgp(what, last, said_at(&lost, last.latest)));
        }
        _ => {
            let all = words::count(words::size(lost.len()), "prefix", "prefixes");
            lasting.push(format!(
                "BGP: {gone} of {all} not back by {} UTC, as far as its data go",
                words::moment(evidence.recorded_until)
            ));
        }
    }
}

/// A statement of that very time about one of them.
fn said_at(lost: &[&Withdrawal], at: Timestamp) -> Option<RecordRef> {
    let said = lost.iter().flat_map(|withdrawal| &withdrawal.evidence).filter(|said| said.at == at);
    said.filter_map(|said| said.source).next()
}

fn foreign(evidence: &Evidence, breaks: &mut Vec<Link>, back: &mut Vec<Link>, lasting: &mut Vec<String>) {
    let all = &evidence.foreign_origins;
    let Some(first) = all.iter().min_by_key(|foreign| foreign.first) else { return };
    let what = format!("{} announces {}", first.origin, first.prefix);
    let source = first.evidence.iter().find(|said| said.at == first.first).and_then(|said| said.source);
    breaks.push(Link::bgp(what, Bounds::exact(first.first), source));
    let ends: Option<Vec<_>> = all.iter().map(|foreign| foreign.ended).collect();
    match ends.and_then(|ends| ends.into_iter().max()) {
        Some(last) => {
            let said = all.iter().flat_map(|foreign| &foreign.evidence).filter(|said| said.at == last);
            let source = said.filter_map(|said| said.source).next();
            back.push(Link::bgp("foreign routes gone everywhere", Bounds::exact(last), source));
        }
        None => lasting.push("BGP: a foreign origin is still announced".to_owned()),
    }
}

fn clients(layer: Layer, losses: &[&ReachabilityLoss], breaks: &mut Vec<Link>, back: &mut Vec<Link>, lasting: &mut Vec<String>) {
    let Some(first) = losses.iter().min_by_key(|loss| (loss.onset.latest, loss.onset.earliest)) else { return };
    let layer_of_chain = match layer {
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
    let what = format!("{name}: first failure ({kinds}); fails at {}", words::some(vantages, 3));
    let link = |what, at, source| Link { layer: layer_of_chain, what, at, source };
    breaks.push(link(what, first.onset, first.evidence.first().copied()));
    let ended: Vec<_> = losses.iter().filter_map(|loss| Some((loss.recovery?, loss.recovered_by))).collect();
    let firsts = ended.iter().min_by_key(|(end, _)| (end.latest, end.earliest));
    let lasts = ended.iter().max_by_key(|(end, _)| (end.latest, end.earliest));
    let open = losses.iter().filter(|loss| loss.recovery.is_none()).count();
    if open > 0 {
        let last =
            losses.iter().filter(|loss| loss.recovery.is_none()).map(|loss| loss.last_failure).max().unwrap_or(Timestamp::MIN);
        let all = words::count(words::size(losses.len()), "loss", "losses");
        lasting.push(format!("{name}: {open} of {all} still failing at the last attempts, until {} UTC", words::moment(last)));
    }
    match (firsts, lasts) {
        (Some((first, by)), Some((last, last_by))) if open > 0 || first.latest.seconds() != last.latest.seconds() => {
            back.push(link(format!("{name}: first answer again"), *first, *by));
            if open == 0 {
                back.push(link(format!("{name}: well everywhere"), *last, *last_by));
            }
        }
        (_, Some((last, by))) => back.push(link(format!("{name}: well everywhere"), *last, *by)),
        _ => {}
    }
}
