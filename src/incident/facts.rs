//! The facts of a service in an incident: every column of the verdict table, counted from the evidence.

use super::correlate::follows;
use super::scene::{AddressScene, ServiceScene};
use super::{Evidence, Incident};
use crate::foreign::ForeignOrigin;
use crate::probe::{AskedAddress, DnsServer, Target};
use crate::reachability::{FailureKind, Layer, ReachabilityLoss};
use crate::time::{Bounds, Timestamp};
use crate::vantage::Asn;
use crate::withdrawal::{Churn, Level, Withdrawal};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything the verdict table asks of one service.
#[derive(Debug, Clone)]
pub struct ServiceFacts<'a> {
    /// The service.
    pub scene: &'a ServiceScene,
    /// Its name servers.
    pub name_servers: DependencyLoss<'a>,
    /// Its own addresses.
    pub addresses: DependencyLoss<'a>,
    /// Foreign origins of prefixes which hold its addresses or name servers, or more specifics of these.
    pub foreign: Vec<&'a ForeignOrigin>,
    /// Names through resolvers.
    pub resolver: LayerFacts<'a>,
    /// Name servers asked directly.
    pub authority: LayerFacts<'a>,
    /// The service at fixed addresses.
    pub by_address: LayerFacts<'a>,
    /// The service by name, where the name did not resolve.
    pub by_name_unresolved: LayerFacts<'a>,
    /// The service by name, where it resolved.
    pub by_name: LayerFacts<'a>,
    /// What was reported of it.
    pub status: LayerFacts<'a>,
    /// Name-server addresses which failed when asked directly.
    pub authorities_failing: BTreeSet<IpAddr>,
}

/// How much of a kind of dependency is lost.
#[derive(Debug, Clone, Default)]
pub struct DependencyLoss<'a> {
    /// How many there are: name servers, or addresses.
    pub total: usize,
    /// Of these, how many are lost: every known address of it was in a prefix withdrawn at level major or worse.
    pub lost: usize,
    /// Withdrawals (major or worse) of the prefixes which hold them.
    pub withdrawals: Vec<&'a Withdrawal>,
    /// Partial withdrawals of the prefixes which hold them.
    pub partial: Vec<&'a Withdrawal>,
    /// Losses of these prefixes which were over before they had held, in order of time.
    pub flaps: Vec<&'a Churn>,
}

/// A loss, or the part of it which concerns a layer.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The whole loss.
    pub loss: &'a ReachabilityLoss,
    /// When this part of it began.
    pub onset: Bounds,
}

/// How a layer was, at the vantages which probed it.
#[derive(Debug, Clone, Default)]
pub struct LayerFacts<'a> {
    /// Vantages which probed it, without muted ones.
    pub probed: BTreeSet<Arc<str>>,
    /// Vantages where it failed.
    pub failing: BTreeSet<Arc<str>>,
    /// Series probed.
    pub series: usize,
    /// The losses, in order of onset.
    pub losses: Vec<Failure<'a>>,
    /// How often each kind of failure was seen.
    pub kinds: BTreeMap<FailureKind, u64>,
    /// Extended DNS errors and how often.
    pub extended_errors: BTreeMap<u16, u64>,
}

impl<'a> ServiceFacts<'a> {
    /// Counts them.
    pub fn of(incident: &'a Incident, scene: &'a ServiceScene) -> Self {
        let evidence = &incident.evidence;
        let layer = |layer: Layer, keep: fn(FailureKind) -> bool| LayerFacts::of(evidence, scene, layer, keep);
        let authority = layer(Layer::Authority, |_| true);
        let servers: Vec<&[AddressScene]> = scene.name_servers.iter().map(|server| server.addresses.as_slice()).collect();
        let addresses: Vec<&[AddressScene]> = scene.addresses.iter().map(std::slice::from_ref).collect();
        ServiceFacts {
            scene,
            name_servers: DependencyLoss::of(&servers, evidence),
            addresses: DependencyLoss::of(&addresses, evidence),
            foreign: foreign(scene, evidence),
            resolver: layer(Layer::Resolver, |_| true),
            authorities_failing: authority.losses.iter().filter_map(|failure| aimed_at(failure.loss)).collect(),
            authority,
            by_address: layer(Layer::ServiceByAddress, |_| true),
            by_name_unresolved: layer(Layer::ServiceByName, |kind| kind == FailureKind::NameNotResolved),
            by_name: layer(Layer::ServiceByName, |kind| kind != FailureKind::NameNotResolved),
            status: layer(Layer::Status, |_| true),
        }
    }

    /// DNS fails: through resolvers, or names did not resolve when the service was asked for by name.
    pub fn dns_fails(&self) -> bool {
        self.resolver.fails() || self.by_name_unresolved.fails()
    }

    /// DNS was probed, in whatever way.
    pub fn dns_probed(&self) -> bool {
        !self.resolver.probed.is_empty() || !self.by_name.probed.is_empty()
    }

    /// The service fails by itself: it was reached, or its address was known, and it is not up.
    pub fn service_fails_itself(&self) -> bool {
        self.by_address.fails() || self.by_name.fails() || self.status.fails()
    }

    /// It fails by itself, and all that is wrong is the content: which server sent it is not known.
    pub fn only_wrong_content(&self) -> bool {
        let mut kinds = [&self.by_address, &self.by_name, &self.status].into_iter().flat_map(|layer| layer.kinds.keys()).peekable();
        kinds.peek().is_some() && kinds.all(|kind| *kind == FailureKind::WrongContent)
    }

    /// The service fails for those who use it, for whatever reason.
    pub fn service_fails(&self) -> bool {
        self.service_fails_itself() || self.by_name_unresolved.fails() || (!self.service_probed() && self.resolver.fails())
    }

    /// The service itself was probed, or reported on.
    pub fn service_probed(&self) -> bool {
        [&self.by_address, &self.by_name, &self.status].iter().any(|layer| !layer.probed.is_empty())
    }

    /// All losses of the service, without those of name servers asked directly, in order of onset.
    pub fn losses(&self) -> Vec<Failure<'a>> {
        in_order([&self.resolver, &self.by_name_unresolved, &self.by_address, &self.by_name, &self.status])
    }

    /// DNS losses, in order of onset.
    pub fn dns_losses(&self) -> Vec<Failure<'a>> {
        in_order([&self.resolver, &self.by_name_unresolved])
    }

    /// Losses of the service itself, in order of onset.
    pub fn own_losses(&self) -> Vec<Failure<'a>> {
        in_order([&self.by_address, &self.by_name, &self.status])
    }

    /// Vantages where the service or its names fail. Those who report a status are none: they stand for many places.
    pub fn failing_vantages(&self) -> BTreeSet<Arc<str>> {
        let losses = in_order([&self.resolver, &self.by_name_unresolved, &self.by_address, &self.by_name]);
        losses.iter().map(|failure| Arc::clone(&failure.loss.series.vantage)).collect()
    }

    /// Vantages which probed the service or its names.
    pub fn probing_vantages(&self) -> BTreeSet<Arc<str>> {
        let layers = [&self.resolver, &self.by_address, &self.by_name];
        layers.iter().flat_map(|layer| layer.probed.iter().cloned()).collect()
    }

    /// Whether somebody was always answered directly by some name server: at no time all failed at once, wherever they were asked.
    pub fn some_authority_answers(&self) -> bool {
        let asked = self.scene.layer(Layer::Authority).map(|probed| probed.asked.len()).unwrap_or(0);
        let failing_at = |at: Timestamp| {
            let lasts =
                |loss: &ReachabilityLoss| loss.onset.latest <= at && loss.recovery.is_none_or(|recovery| recovery.latest >= at);
            let failing = self.authority.losses.iter().filter(|failure| lasts(failure.loss));
            let pairs = failing.filter_map(|failure| Some((&failure.loss.series.vantage, aimed_at(failure.loss)?)));
            pairs.collect::<BTreeSet<_>>().len()
        };
        asked > 0 && self.authority.losses.iter().all(|failure| failing_at(failure.loss.onset.latest) < asked)
    }

    /// Extended errors 6 to 12 speak of DNSSEC (RFC 8914).
    pub fn dnssec_errors(&self) -> u64 {
        self.resolver.extended_errors.range(6..=12).map(|(_, count)| count).sum()
    }

    /// Networks which the profile names for a vantage.
    pub fn networks_of(&self, vantage: &str) -> Vec<Asn> {
        let networks = self.scene.probed.iter().flat_map(|probed| &probed.networks).find(|(name, _)| &**name == vantage);
        networks.map(|(_, networks)| networks.clone()).unwrap_or_default()
    }
}

impl<'a> DependencyLoss<'a> {
    /// Counts items; each is known by its addresses.
    fn of(items: &[&[AddressScene]], evidence: &'a Evidence) -> Self {
        let held: BTreeSet<IpNet> = items.iter().flat_map(|item| item.iter().filter_map(|address| address.prefix)).collect();
        let severe = |withdrawal: &&'a Withdrawal| withdrawal.level > Level::Partial;
        let lost: BTreeSet<IpNet> = evidence.withdrawals.iter().filter(severe).map(|withdrawal| withdrawal.prefix).collect();
        let known = items.iter().filter(|item| item.iter().any(|address| address.prefix.is_some()));
        let lost_items = known.filter(|item| item.iter().filter_map(|address| address.prefix).all(|prefix| lost.contains(&prefix)));
        DependencyLoss {
            total: items.len(),
            lost: lost_items.count(),
            withdrawals: evidence.withdrawals.iter().filter(severe).filter(|w| held.contains(&w.prefix)).collect(),
            partial: evidence.withdrawals.iter().filter(|w| w.level == Level::Partial && held.contains(&w.prefix)).collect(),
            flaps: evidence.flaps.iter().filter(|flap| held.contains(&flap.prefix)).collect(),
        }
    }

    /// Anything of it was withdrawn at level major or worse.
    pub fn any(&self) -> bool {
        !self.withdrawals.is_empty()
    }

    /// The earliest onset among the severe withdrawals.
    pub fn onset(&self) -> Option<Bounds> {
        self.withdrawals.iter().map(|withdrawal| withdrawal.onset).min()
    }
}

impl<'a> LayerFacts<'a> {
    fn of(evidence: &'a Evidence, scene: &ServiceScene, layer: Layer, keep: fn(FailureKind) -> bool) -> Self {
        let probed = scene.layer(layer);
        let mut facts = LayerFacts {
            probed: probed.map(|probed| probed.vantages.clone()).unwrap_or_default(),
            series: probed.map(|probed| probed.series).unwrap_or(0),
            ..LayerFacts::default()
        };
        let concerns = |loss: &&ReachabilityLoss| loss.series.layer == layer && loss.series.services.contains(&scene.index);
        for loss in evidence.losses.iter().filter(concerns) {
            let Some(onset) = part(loss, keep) else { continue };
            facts.failing.insert(Arc::clone(&loss.series.vantage));
            for (kind, count) in loss.kinds.iter().filter(|(kind, _)| keep(**kind)) {
                *facts.kinds.entry(*kind).or_insert(0) += count;
            }
            for (code, count) in &loss.extended_errors {
                *facts.extended_errors.entry(*code).or_insert(0) += count;
            }
            facts.losses.push(Failure { loss, onset });
        }
        facts.losses.sort_by_key(|failure| failure.onset.latest);
        facts
    }

    /// It failed somewhere.
    pub fn fails(&self) -> bool {
        !self.failing.is_empty()
    }

    /// It was probed, and failed nowhere.
    pub fn is_well(&self) -> bool {
        !self.probed.is_empty() && self.failing.is_empty()
    }

    /// The earliest onset.
    pub fn onset(&self) -> Option<Bounds> {
        self.losses.iter().map(|failure| failure.onset).min_by_key(|onset| (onset.latest, onset.earliest))
    }

    /// The latest recovery; `None` inside if it had not recovered.
    pub fn recovery(&self) -> Option<Option<Bounds>> {
        let ends: Option<Vec<Bounds>> = self.losses.iter().map(|failure| failure.loss.recovery).collect();
        (!self.losses.is_empty()).then(|| ends.and_then(Bounds::last_of))
    }

    /// The failures which show that the host was reached: it answered, but not as it should, or it refused.
    pub fn reached(&self) -> u64 {
        let reached = |kind: &FailureKind| {
            matches!(
                kind,
                FailureKind::HttpStatus
                    | FailureKind::ServerError
                    | FailureKind::WrongContent
                    | FailureKind::ConnectRefused
                    | FailureKind::ReadFailed
                    | FailureKind::TlsFailed
            )
        };
        self.kinds.iter().filter(|(kind, _)| reached(kind)).map(|(_, count)| count).sum()
    }

    /// The failures which show that nothing came back.
    pub fn unreached(&self) -> u64 {
        let unreached =
            |kind: &FailureKind| matches!(kind, FailureKind::ConnectTimeout | FailureKind::Unreachable | FailureKind::NoEcho);
        self.kinds.iter().filter(|(kind, _)| unreached(kind)).map(|(_, count)| count).sum()
    }
}

/// A failure which may be the consequence of one of these withdrawals.
pub(super) fn caused<'a>(failures: &[Failure<'a>], withdrawals: &[&Withdrawal], evidence: &Evidence) -> Option<Failure<'a>> {
    let consequence = |failure: &Failure<'_>| {
        let cached = failure.loss.cached_for;
        withdrawals.iter().any(|withdrawal| follows(failure.onset, cached, withdrawal, &evidence.settings))
    };
    failures.iter().copied().find(consequence)
}

fn in_order<'a, const N: usize>(layers: [&LayerFacts<'a>; N]) -> Vec<Failure<'a>> {
    let mut failures: Vec<Failure<'a>> = layers.iter().flat_map(|layer| layer.losses.iter().copied()).collect();
    failures.sort_by_key(|failure| failure.onset.latest);
    failures
}

/// When the kinds of failure to keep began within a loss; `None` if it has none of them.
fn part(loss: &ReachabilityLoss, keep: fn(FailureKind) -> bool) -> Option<Bounds> {
    let first = loss.kind_spans.iter().filter(|(kind, _)| keep(**kind)).map(|(_, (first, _))| *first).min()?;
    let earliest = loss.kind_spans.values().map(|(first, _)| *first).min()?;
    Some(if first == earliest { loss.onset } else { Bounds::exact(first) })
}

/// The address which was asked or reached for, where that is not left to a resolver.
pub(super) fn aimed_at(loss: &ReachabilityLoss) -> Option<IpAddr> {
    match &loss.series.target {
        Target::Dns { server: DnsServer::Authority { address, .. }, .. }
        | Target::Http { address: AskedAddress::Fixed(address), .. } => Some(*address),
        Target::Ping { address, .. } => *address,
        Target::Dns { server: DnsServer::Resolver { .. }, .. }
        | Target::Http { address: AskedAddress::ByName, .. }
        | Target::Status { .. } => None,
    }
}

fn foreign<'a>(scene: &ServiceScene, evidence: &'a Evidence) -> Vec<&'a ForeignOrigin> {
    let own = scene.addresses.iter();
    let servers = scene.name_servers.iter().flat_map(|server| &server.addresses);
    let held: BTreeSet<IpAddr> = own.chain(servers).map(|address| address.address).collect();
    evidence.foreign_origins.iter().filter(|foreign| held.iter().any(|address| foreign.prefix.contains(address))).collect()
}
