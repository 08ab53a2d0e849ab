//! The verdict on each service, with how each layer of it was.

use super::loss::{KindView, kinds};
use super::place::When;
use crate::incident::{Incident, LayerFacts, Reason, ServiceFacts, ServiceVerdict, Verdict};
use crate::reachability::Layer;
use crate::reachability::ReachabilityLoss;
use crate::report::words;
use crate::time::Bounds;
use crate::withdrawal::Withdrawal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceView {
    /// Its name.
    pub service: String,
    /// The verdict, as a code.
    pub verdict: Verdict,
    /// The layer at fault.
    #[schemars(extend("enum" = Verdict::LAYERS))]
    pub layer: Cow<'static, str>,
    /// The verdict in a sentence.
    pub sentence: String,
    /// How bad it is.
    pub severity: SeverityView,
    /// What speaks for the verdict.
    pub reasons_for: Vec<Reason>,
    /// What speaks against it, or limits it.
    pub reasons_against: Vec<Reason>,
    /// What would change it.
    pub would_change: Vec<String>,
    /// Its first failure; `null` if none was seen.
    pub first_failure: Option<When>,
    /// Its last recovery; `null` if none was seen, or if something of it still failed at the end.
    pub last_recovery: Option<When>,
    /// How each layer of it was.
    pub layers: Vec<LayerView>,
}

/// How bad it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityView {
    /// True if the service fails for those who use it.
    pub fails: bool,
    /// Name servers lost.
    pub name_servers_lost: usize,
    /// Name servers known.
    pub name_servers: usize,
    /// Prefixes it depends on which were withdrawn.
    pub prefixes_lost: usize,
    /// Prefixes it depends on.
    pub prefixes: usize,
    /// Addresses lost.
    pub addresses_lost: usize,
    /// Addresses known.
    pub addresses: usize,
    /// For people: `4 of 4 name servers, 8 of 10 prefixes, 0 of 2 addresses`.
    pub words: String,
}

/// How a layer of a service was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerView {
    /// Which.
    pub layer: Layer,
    /// Vantages which probed it, without muted ones.
    pub vantages: Vec<String>,
    /// Of these, the ones where it failed.
    pub failing: Vec<String>,
    /// Series probed: pairs of vantage and target.
    pub series: usize,
    /// The first failure.
    pub first_failure: Option<When>,
    /// The last recovery.
    pub last_recovery: Option<When>,
    /// Losses which had not ended.
    pub still_failing: usize,
    /// Kinds of failure.
    pub kinds: Vec<KindView>,
}

impl ServiceView {
    pub(super) fn of(incident: &Incident, verdict: ServiceVerdict) -> Option<Self> {
        let scene = incident.evidence.services.iter().find(|scene| scene.name == verdict.service)?;
        let facts = ServiceFacts::of(incident, scene);
        let losses = facts.losses();
        let ends: Option<Vec<_>> = losses.iter().map(|failure| failure.loss.recovery).collect();
        let last = ends.and_then(Bounds::last_of);
        let severity = SeverityView::of(&facts, &verdict);
        let view = ServiceView {
            layer: verdict.verdict.layer().into(),
            verdict: verdict.verdict,
            severity,
            first_failure: losses.iter().map(|failure| failure.onset).min_by_key(|on| (on.latest, on.earliest)).map(When::of),
            last_recovery: last.map(When::of),
            layers: layers(&facts),
            service: verdict.service,
            sentence: verdict.sentence,
            reasons_for: verdict.reasons_for,
            reasons_against: verdict.reasons_against,
            would_change: verdict.would_change,
        };
        Some(view)
    }

    /// True if people may read both as one: the same judgement for the same reasons.
    pub(in crate::report) fn is_like(&self, other: &ServiceView) -> bool {
        self.verdict == other.verdict
            && self.sentence == other.sentence
            && self.severity == other.severity
            && self.reasons_for == other.reasons_for
            && self.reasons_against == other.reasons_against
            && self.would_change == other.would_change
    }
}

impl SeverityView {
    fn of(facts: &ServiceFacts<'_>, verdict: &ServiceVerdict) -> Self {
        let servers = facts.scene.name_servers.iter().flat_map(|server| &server.addresses);
        let held: BTreeSet<_> = facts.scene.addresses.iter().chain(servers).filter_map(|address| address.prefix).collect();
        let lost: BTreeSet<_> =
            facts.name_servers.withdrawals.iter().chain(&facts.addresses.withdrawals).map(|w: &&Withdrawal| w.prefix).collect();
        let ((servers_lost, servers), (addresses_lost, addresses)) = (verdict.name_servers, verdict.addresses);
        let all_servers = words::count(words::size(servers), "name server", "name servers");
        let all_prefixes = words::count(words::size(held.len()), "prefix", "prefixes");
        let all_addresses = words::count(words::size(addresses), "address", "addresses");
        // Severity counts withdrawals: zeros beside servers which failed with their routes up would read as if they were well.
        let words = if servers_lost + lost.len() + addresses_lost == 0 {
            format!("no dependency withdrawn by most (of {all_servers}, {all_prefixes}, {all_addresses})")
        } else {
            format!("{servers_lost} of {all_servers} lost, {} of {all_prefixes}, {addresses_lost} of {all_addresses}", lost.len())
        };
        SeverityView {
            fails: verdict.severity.fails,
            name_servers_lost: servers_lost,
            name_servers: servers,
            prefixes_lost: lost.len(),
            prefixes: held.len(),
            addresses_lost,
            addresses,
            words,
        }
    }
}

fn layers(facts: &ServiceFacts<'_>) -> Vec<LayerView> {
    let of = |layer: Layer, facts: &[&LayerFacts<'_>]| {
        let probed: BTreeSet<&str> = facts.iter().flat_map(|facts| facts.probed.iter().map(|name| &**name)).collect();
        let failing: BTreeSet<&str> = facts.iter().flat_map(|facts| facts.failing.iter().map(|name| &**name)).collect();
        let failures: Vec<_> = facts.iter().flat_map(|facts| facts.losses.iter().copied()).collect();
        // A loss which changes its face is a failure of two kinds, and one loss.
        let mut losses: Vec<&ReachabilityLoss> = Vec::new();
        for failure in &failures {
            if !losses.iter().any(|known| std::ptr::eq(*known, failure.loss)) {
                losses.push(failure.loss);
            }
        }
        let open = losses.iter().filter(|loss| loss.recovery.is_none()).count();
        let last = Bounds::last_of(losses.iter().filter_map(|loss| loss.recovery));
        LayerView {
            layer,
            vantages: probed.into_iter().map(str::to_owned).collect(),
            failing: failing.into_iter().map(str::to_owned).collect(),
            series: facts.iter().map(|facts| facts.series).max().unwrap_or(0),
            first_failure: failures.iter().map(|failure| failure.onset).min_by_key(|on| (on.latest, on.earliest)).map(When::of),
            last_recovery: last.filter(|_| open == 0).map(When::of),
            still_failing: open,
            kinds: kinds(losses.iter().copied()),
        }
    };
    [
        of(Layer::Resolver, &[&facts.resolver]),
        of(Layer::Authority, &[&facts.authority]),
        of(Layer::ServiceByAddress, &[&facts.by_address]),
        of(Layer::ServiceByName, &[&facts.by_name, &facts.by_name_unresolved]),
        of(Layer::Status, &[&facts.status]),
    ]
    .into()
}
