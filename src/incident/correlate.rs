//! Correlation: which findings belong together.
//!
//! Two findings are one incident if their onsets are within the grouping time, if they overlap and their onsets are within the straggler
//! tail, if a loss follows the withdrawal of something the service depends on or begins while that lasts, or if losses of one service overlap or follow each other
//! closely. A partial withdrawal joins an incident and
//! begins none; so do planned work, and a more specific whose cover delivers while all probes are well.

use super::observed::{Observed, churn, window_of};
use super::offline::{Interval, Offline};
use super::scene::{AddressScene, LayerProbed, NameServerScene, ServiceScene};
use super::sight::Sight;
use super::{ControlVantages, Evidence, Incident};
use crate::dependency::{AddressDependency, Dependencies};
use crate::foreign::ForeignOrigin;
use crate::org::Organization;
use crate::pipeline::{Holders, RoutingFindings};
use crate::probe::{DnsServer, Target};
use crate::reachability::{Layer, ReachabilityFindings, ReachabilityLoss, Series, SeriesCoverage};
use crate::settings::Settings;
use crate::time::{Bounds, Span, Timestamp};
use crate::vantage::Vantages;
use crate::withdrawal::{Churn, Level, Withdrawal};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// All findings.
#[derive(Clone, Copy)]
pub struct Findings<'a> {
    /// Whose.
    pub organization: &'a Organization,
    /// What its services need.
    pub dependencies: &'a Dependencies,
    /// What the routing side found.
    pub routing: &'a RoutingFindings,
    /// Who is who.
    pub vantages: &'a Vantages,
    /// What the probes found.
    pub reachability: &'a ReachabilityFindings,
}

/// Incidents, and what is told without being one.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// In order of their beginning.
    pub incidents: Vec<Incident>,
    /// Events which are no incident, in order of time.
    pub observed: Vec<Observed>,
}

/// One finding which may begin or join an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Withdrawal(usize),
    Foreign(usize),
    Loss(usize),
}

/// Groups findings into incidents.
pub fn correlate(findings: Findings<'_>) -> Correlation {
    let (controls, losses): (Vec<&ReachabilityLoss>, Vec<&ReachabilityLoss>) =
        findings.reachability.losses.iter().partition(|loss| loss.series.layer == Layer::Control);
    let offline = Offline::of(findings.reachability);
    let (muted, losses): (Vec<&ReachabilityLoss>, Vec<&ReachabilityLoss>) =
        losses.into_iter().partition(|loss| offline.mutes(loss));
    let mut observed: Vec<Observed> = findings.routing.foreign_unopened.iter().cloned().map(Observed::ForeignUnopened).collect();
    let withdrawals: Vec<&Withdrawal> = findings.routing.withdrawals.iter().collect();
    let mut planned = BTreeSet::new();
    for (index, withdrawal) in withdrawals.iter().enumerate() {
        if let Some(note) = window_of(withdrawal, findings.organization) {
            observed.push(Observed::Planned((*withdrawal).clone(), note));
            planned.insert(index);
        }
    }
    let foreign = findings.routing.foreign_origins.iter().collect();
    let holders = Holders::of(findings.routing, findings.dependencies.addresses());
    let sight = Sight { routing: findings.routing, vantages: findings.vantages, settings: &findings.organization.settings };
    let board = Board { findings, withdrawals, planned, foreign, losses, muted, controls, offline, holders, sight };
    let groups = board.groups();
    let mut incidents: Vec<Incident> = Vec::new();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    for group in &groups {
        if board.is_incident(group) {
            taken.extend(group.iter().filter_map(|piece| if let Piece::Withdrawal(index) = piece { Some(*index) } else { None }));
            incidents.push(board.incident(group));
        }
    }
    let told = |index: &usize| taken.contains(index) || board.planned.contains(index);
    for (_, withdrawal) in board.withdrawals.iter().enumerate().filter(|(index, _)| !told(index)) {
        observed.push(match withdrawal.level {
            Level::Partial => Observed::Partial((*withdrawal).clone()),
            Level::Major | Level::Full => Observed::CoverDelivers((*withdrawal).clone()),
        });
    }
    let in_incident = |flap: &&Churn| incidents.iter().any(|incident| incident.evidence.flaps.contains(flap));
    let apart: Vec<Churn> = findings.routing.churn.iter().filter(|flap| !in_incident(flap)).copied().collect();
    observed.extend(churn(apart, findings.organization.settings.grouping));
    incidents.sort_by_key(|incident| incident.began);
    name(&mut incidents);
    observed.sort_by_key(Observed::at);
    Correlation { incidents, observed }
}

fn span(loss: &ReachabilityLoss) -> Interval {
    (loss.onset.latest, loss.recovery.map(|recovery| recovery.earliest))
}

pub(super) fn overlap(a: Interval, b: Interval) -> bool {
    a.0 <= b.1.unwrap_or(Timestamp::MAX) && b.0 <= a.1.unwrap_or(Timestamp::MAX)
}

/// Incidents which began at one time are told apart by a number.
fn name(incidents: &mut [Incident]) {
    let mut last: Option<(Timestamp, u32)> = None;
    for incident in incidents {
        let began = incident.began.latest;
        let number = last.filter(|(at, _)| *at == began).map_or(1, |(_, number)| number + 1);
        last = Some((began, number));
        incident.id = if number == 1 { began.to_string() } else { format!("{began} ({number})") };
    }
}

struct Board<'a> {
    findings: Findings<'a>,
    withdrawals: Vec<&'a Withdrawal>,
    /// Places of those which maintenance windows announced: they begin nothing, but may be why something fails.
    planned: BTreeSet<usize>,
    foreign: Vec<&'a ForeignOrigin>,
    losses: Vec<&'a ReachabilityLoss>,
    muted: Vec<&'a ReachabilityLoss>,
    controls: Vec<&'a ReachabilityLoss>,
    offline: Offline,
    holders: Holders<'a>,
    sight: Sight<'a>,
}

impl Board<'_> {
    fn settings(&self) -> &Settings {
        &self.findings.organization.settings
    }

    /// Pieces which belong together, by transitive closure.
    fn groups(&self) -> Vec<Vec<Piece>> {
        let pieces: Vec<Piece> = (0..self.withdrawals.len())
            .map(Piece::Withdrawal)
            .chain((0..self.foreign.len()).map(Piece::Foreign))
            .chain((0..self.losses.len()).map(Piece::Loss))
            .collect();
        // Whose onsets are close is seen in their order; only such runs are compared piece by piece.
        let mut in_order: Vec<usize> = (0..pieces.len()).collect();
        in_order.sort_by_key(|place| self.onset(pieces[*place]));
        let close = |a: &usize, b: &usize| self.are_close(pieces[*a], pieces[*b]);
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for run in in_order.chunk_by(close) {
            let related = |group: &Vec<usize>| group.iter().any(|a| run.iter().any(|b| self.related(pieces[*a], pieces[*b])));
            let (joined, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(related);
            groups = apart;
            groups.push(joined.into_iter().flatten().chain(run.iter().copied()).collect());
        }
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort_unstable();
        groups.into_iter().map(|group| group.into_iter().map(|place| pieces[place]).collect()).collect()
    }

    fn are_close(&self, a: Piece, b: Piece) -> bool {
        self.onset(a).since(self.onset(b)).abs() <= self.settings().grouping
    }

    fn related(&self, a: Piece, b: Piece) -> bool {
        let settings = self.settings();
        if self.are_close(a, b) {
            return true;
        }
        match (a, b) {
            (Piece::Loss(a), Piece::Loss(b)) => {
                let (a, b) = (self.losses[a], self.losses[b]);
                let shared = a.series.services.iter().any(|service| b.series.services.contains(service));
                let soon = a.onset.latest.since(b.onset.latest).abs() <= settings.straggler_tail;
                shared && overlap(widen(span(a), settings.grouping.max(settings.close_hold)), span(b))
                    || soon && overlap(span(a), span(b))
            }
            (Piece::Withdrawal(withdrawal), Piece::Loss(loss)) | (Piece::Loss(loss), Piece::Withdrawal(withdrawal)) => {
                let (withdrawal, loss) = (self.withdrawals[withdrawal], self.losses[loss]);
                self.depends(&loss.series, withdrawal) && follows(loss.onset, loss.cached_for, withdrawal, settings)
            }
            (Piece::Foreign(foreign), Piece::Loss(loss)) | (Piece::Loss(loss), Piece::Foreign(foreign)) => {
                let (foreign, loss) = (self.foreign[foreign], self.losses[loss]);
                overlap((foreign.first, foreign.ended), span(loss))
            }
            (Piece::Withdrawal(a), Piece::Withdrawal(b)) => {
                let (a, b) = (self.withdrawals[a], self.withdrawals[b]);
                let tail = a.onset.earliest.since(b.onset.earliest).abs() <= settings.straggler_tail;
                tail && overlap(a.interval(), b.interval())
            }
            (Piece::Foreign(_), Piece::Foreign(_) | Piece::Withdrawal(_)) | (Piece::Withdrawal(_), Piece::Foreign(_)) => false,
        }
    }

    fn onset(&self, piece: Piece) -> Timestamp {
        match piece {
            Piece::Withdrawal(index) => self.withdrawals[index].onset.earliest,
            Piece::Foreign(index) => self.foreign[index].first,
            Piece::Loss(index) => self.losses[index].onset.latest,
        }
    }

    /// Whether a service of what is probed depends on the withdrawn prefix.
    fn depends(&self, series: &Series, withdrawal: &Withdrawal) -> bool {
        let inside = |address: &AddressDependency| withdrawal.prefix.contains(&address.address);
        series.services.iter().filter_map(|index| self.findings.dependencies.services.get(*index)).any(|service| {
            let hosts = service.hostnames.iter();
            let zones = service.hostnames.iter().flat_map(|host| &host.zones);
            hosts.flat_map(|host| &host.addresses).any(inside)
                || service.addresses.iter().any(inside)
                || zones.flat_map(|zone| &zone.name_servers).flat_map(|server| &server.addresses).any(inside)
        })
    }

    /// A partial withdrawal begins nothing, nor does a more specific whose cover delivers while all probes are well.
    fn is_incident(&self, group: &[Piece]) -> bool {
        group.iter().any(|piece| match piece {
            Piece::Foreign(_) | Piece::Loss(_) => true,
            Piece::Withdrawal(index) => {
                let withdrawal = self.withdrawals[*index];
                if self.planned.contains(index) {
                    return false;
                }
                let delivers = withdrawal.cover.is_some() && self.probed_well(withdrawal);
                withdrawal.level > Level::Partial && !delivers
            }
        })
    }

    /// Whether services which depend on the prefix, or any where none is known to, were probed while it was withdrawn, by somebody who was not
    /// offline; that no loss was found which counts is known already.
    fn probed_well(&self, withdrawal: &Withdrawal) -> bool {
        let interval = withdrawal.interval();
        let told = |series: &&SeriesCoverage| {
            let asks = !matches!(series.series.layer, Layer::Control | Layer::Status);
            asks && overlap((series.first, Some(series.last)), interval) && series.successes > 0
        };
        let probed: Vec<&SeriesCoverage> = self.findings.reachability.coverage.iter().filter(told).collect();
        let needs = |series: &&&SeriesCoverage| self.depends(&series.series, withdrawal);
        let needed = probed.iter().any(|series| needs(&series));
        let muted =
            |series: &SeriesCoverage| self.muted.iter().any(|loss| loss.series == series.series && overlap(span(loss), interval));
        let mut telling = probed.iter().filter(|series| !needed || needs(series));
        telling.any(|series| !muted(series) && !self.offline.covers(&series.series.vantage, interval))
    }

    fn incident(&self, group: &[Piece]) -> Incident {
        let mut withdrawals = Vec::new();
        let mut foreign_origins = Vec::new();
        let mut losses = Vec::new();
        for piece in group {
            match piece {
                Piece::Withdrawal(index) => withdrawals.push(self.withdrawals[*index].clone()),
                Piece::Foreign(index) => foreign_origins.push(self.foreign[*index].clone()),
                Piece::Loss(index) => losses.push(self.losses[*index].clone()),
            }
        }
        withdrawals.sort_by_key(|withdrawal| (withdrawal.onset.earliest, withdrawal.prefix));
        losses.sort_by(|a, b| (a.onset.latest, &a.series).cmp(&(b.onset.latest, &b.series)));
        let began = began(&withdrawals, &foreign_origins, &losses);
        let ended = ended(&withdrawals, &foreign_origins, &losses);
        let span = (began.latest, ended.map(|ended| ended.latest));
        let during = |loss: &&&ReachabilityLoss| overlap(self::span(loss), span);
        let controls: Vec<ReachabilityLoss> = self.controls.iter().filter(during).map(|loss| (*loss).clone()).collect();
        let muted: Vec<ReachabilityLoss> = self.muted.iter().filter(during).map(|loss| (*loss).clone()).collect();
        let deaf = self.deaf(span, &losses, &muted);
        let telling = self.telling(span, &losses, &deaf);
        let severe = withdrawals.iter().filter(|withdrawal| withdrawal.level > Level::Partial);
        let mut flaps = self.flaps(span);
        let gone = severe.map(|withdrawal| withdrawal.prefix).chain(flaps.iter().map(|flap| flap.prefix)).collect();
        let services = self.services(span, &telling, &gone);
        let needed: BTreeSet<IpNet> = services.iter().flat_map(ServiceScene::prefixes).collect();
        flaps.retain(|flap| needed.contains(&flap.prefix));
        let unseen = self.sight.during(span, &services);
        let evidence = Evidence {
            routing_blind: unseen.blind,
            routing_gaps: unseen.partly,
            services,
            flaps,
            control_vantages: self.control_vantages(span, &deaf),
            probed: !self.findings.reachability.coverage.is_empty(),
            observed: self.findings.routing.first.is_some(),
            settings: self.settings().clone(),
            recorded_until: self.findings.routing.last,
            withdrawals,
            foreign_origins,
            losses,
            muted,
            controls,
        };
        Incident { id: String::new(), began, ended, evidence }
    }

    /// Vantages which tell nothing of an incident with these losses: offline for most of it, or with muted losses only.
    fn deaf(&self, span: Interval, losses: &[ReachabilityLoss], muted: &[ReachabilityLoss]) -> BTreeSet<Arc<str>> {
        let at = |losses: &[ReachabilityLoss]| -> BTreeSet<Arc<str>> {
            losses.iter().map(|loss| Arc::clone(&loss.series.vantage)).collect()
        };
        let vantages: BTreeSet<&Arc<str>> = self.controls.iter().map(|loss| &loss.series.vantage).collect();
        let offline = vantages.into_iter().filter(|vantage| self.offline.covers(vantage, span)).cloned();
        let telling = at(losses);
        at(muted).into_iter().chain(offline).filter(|vantage| !telling.contains(vantage)).collect()
    }

    /// Series which tell how it was during an incident with these losses: of who is not deaf, of a target which was up at some time or was lost then,
    /// and was not down for another reason.
    fn telling(&self, span: Interval, losses: &[ReachabilityLoss], deaf: &BTreeSet<Arc<str>>) -> Vec<&SeriesCoverage> {
        let of_it: BTreeSet<&Series> = losses.iter().map(|loss| &*loss.series).collect();
        let others = self.losses.iter().chain(&self.muted).filter(|loss| overlap(self::span(loss), span));
        let down: BTreeSet<&Series> = others.map(|loss| &*loss.series).collect();
        let margin = self.settings().probe_gap;
        let tells = |covered: &&SeriesCoverage| {
            let series = &*covered.series;
            series.layer != Layer::Control
                && !deaf.contains(&series.vantage)
                && overlap(widen((covered.first, Some(covered.last)), margin), span)
                && (of_it.contains(series) || covered.successes > 0 && !down.contains(series))
        };
        self.findings.reachability.coverage.iter().filter(tells).collect()
    }

    /// What was lost for less than the hold during an incident, or shortly before it, in order of time.
    fn flaps(&self, span: Interval) -> Vec<Churn> {
        let span = (span.0 - self.settings().cause_before, span.1);
        let meanwhile = self.findings.routing.churn.iter().filter(|flap| overlap((flap.from, Some(flap.until)), span));
        let mut flaps: Vec<Churn> = meanwhile.copied().collect();
        flaps.sort_by_key(|flap| (flap.from, flap.prefix));
        flaps
    }

    fn services(&self, span: Interval, telling: &[&SeriesCoverage], withdrawn: &BTreeSet<IpNet>) -> Vec<ServiceScene> {
        let services = self.findings.organization.services.iter().enumerate();
        services
            .map(|(index, service)| {
                let needs = self.findings.dependencies.services.get(index);
                let hosts = needs.map(|needs| needs.hostnames.as_slice()).unwrap_or_default();
                let own = needs.map(|needs| needs.addresses.as_slice()).unwrap_or_default();
                let addresses: BTreeSet<IpAddr> =
                    hosts.iter().flat_map(|host| &host.addresses).chain(own).map(|address| address.address).collect();
                let mut name_servers: Vec<NameServerScene> = Vec::new();
                for server in hosts.iter().flat_map(|host| &host.zones).flat_map(|zone| &zone.name_servers) {
                    if !name_servers.iter().any(|known| known.name == server.name) {
                        let addresses = server.addresses.iter().map(|known| self.address(known.address, span, withdrawn));
                        let addresses = addresses.collect();
                        name_servers.push(NameServerScene { name: Arc::clone(&server.name), addresses });
                    }
                }
                ServiceScene {
                    index,
                    name: service.name.clone(),
                    not_yet: service.since.is_some_and(|since| since > span.0),
                    name_servers,
                    addresses: addresses.into_iter().map(|address| self.address(address, span, withdrawn)).collect(),
                    probed: self.probed(index, telling),
                }
            })
            .collect()
    }

    fn address(&self, address: IpAddr, (began, ended): Interval, withdrawn: &BTreeSet<IpNet>) -> AddressScene {
        let holder = self.holders.during(address, began, ended, |prefix| withdrawn.contains(prefix));
        let (prefix, origins) = holder.map_or((None, Vec::new()), |(prefix, origins)| (Some(prefix), origins));
        AddressScene { address, prefix, origins }
    }

    fn probed(&self, service: usize, telling: &[&SeriesCoverage]) -> Vec<LayerProbed> {
        let mut layers: Vec<LayerProbed> = Vec::new();
        for series in telling.iter().filter(|series| series.series.services.contains(&service)) {
            let layer = series.series.layer;
            let place = layers.iter().position(|probed| probed.layer == layer).unwrap_or_else(|| {
                let (vantages, asked) = (BTreeSet::new(), BTreeSet::new());
                layers.push(LayerProbed { layer, vantages, series: 0, asked, networks: Vec::new() });
                layers.len() - 1
            });
            let probed = &mut layers[place];
            probed.series += 1;
            if let Target::Dns { server: DnsServer::Authority { address, .. }, .. } = &series.series.target {
                probed.asked.insert((Arc::clone(&series.series.vantage), *address));
            }
            if probed.vantages.insert(Arc::clone(&series.series.vantage)) {
                let known = self.findings.organization.probe_vantages.iter().find(|known| *known.name == *series.series.vantage);
                let networks = known.map(|known| known.asn.into_iter().chain(known.upstreams.iter().copied()).collect());
                probed.networks.push((Arc::clone(&series.series.vantage), networks.unwrap_or_default()));
            }
        }
        layers.sort_by_key(|probed| probed.layer);
        layers
    }

    fn control_vantages(&self, span: Interval, deaf: &BTreeSet<Arc<str>>) -> ControlVantages {
        let coverage = self.findings.reachability.coverage.iter();
        let probed: BTreeSet<String> = coverage
            .filter(|series| series.series.layer == Layer::Control && overlap((series.first, Some(series.last)), span))
            .map(|series| series.series.vantage.to_string())
            .collect();
        ControlVantages { probed: probed.into_iter().collect(), failing: deaf.iter().map(|vantage| vantage.to_string()).collect() }
    }
}

fn widen((from, until): Interval, by: Span) -> Interval {
    (from - by, until.map(|until| until + by))
}

/// Whether a loss may be the consequence of a withdrawal: it begins from shortly before it until it is over, since caches, long connections and slow
/// spread make it late; of a partial one within the window after its onset, longer by what caches held.
pub(super) fn follows(onset: Bounds, cached_for: u32, withdrawal: &Withdrawal, settings: &Settings) -> bool {
    let cached = Span::from_seconds(i64::from(cached_for));
    let latest = withdrawal.onset.latest + settings.cause_after + cached;
    onset.latest >= withdrawal.onset.earliest - settings.cause_before
        && (withdrawal.level > Level::Partial || onset.earliest <= latest)
        && withdrawal.recovered.is_none_or(|recovered| onset.earliest <= recovered)
}

fn began(withdrawals: &[Withdrawal], foreign: &[ForeignOrigin], losses: &[ReachabilityLoss]) -> Bounds {
    let withdrawn = withdrawals.iter().map(|withdrawal| withdrawal.onset);
    let foreign = foreign.iter().map(|foreign| Bounds::exact(foreign.first));
    let lost = losses.iter().map(|loss| loss.onset);
    withdrawn.chain(foreign).chain(lost).min_by_key(|onset| (onset.latest, onset.earliest)).unwrap_or(Bounds::exact(Timestamp::MIN))
}

fn ended(withdrawals: &[Withdrawal], foreign: &[ForeignOrigin], losses: &[ReachabilityLoss]) -> Option<Bounds> {
    let withdrawn = withdrawals.iter().map(Withdrawal::recovery);
    let foreign = foreign.iter().map(|foreign| foreign.ended.map(Bounds::exact));
    let lost = losses.iter().map(|loss| loss.recovery);
    let ends: Option<Vec<Bounds>> = withdrawn.chain(foreign).chain(lost).collect();
    Bounds::last_of(ends?)
}
