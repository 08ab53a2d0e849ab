//! Correlation: which findings belong together.
//!
//! Two findings are one incident if their onsets are within the grouping time, if they overlap and their onsets are within the straggler
//! tail, if a loss follows the withdrawal of something the service depends on, or if losses of one service overlap or follow each other
//! closely. A partial withdrawal joins an incident and
//! begins none; so does a more specific whose cover delivers while all probes are well; planned work is told apart.

use super::scene::{AddressScene, LayerProbed, NameServerScene, ServiceScene};
use super::{Blindness, ControlVantages, Evidence, Incident};
use crate::dependency::{AddressDependency, Dependencies};
use crate::feed::FeedEvent;
use crate::foreign::ForeignOrigin;
use crate::org::Organization;
use crate::pipeline::{BlindTogether, RoutingFindings, named};
use crate::probe::{DnsServer, Target};
use crate::reachability::{Layer, ReachabilityFindings, ReachabilityLoss, SeriesCoverage};
use crate::rib::{PrefixId, RouteChange};
use crate::settings::Settings;
use crate::time::{Bounds, Span, Timestamp};
use crate::vantage::Vantages;
use crate::withdrawal::{Churn, Level, Withdrawal};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// An event which is told, and is no incident.
#[derive(Debug, Clone)]
pub enum Observed {
    /// A partial withdrawal which no incident took in.
    Partial(Withdrawal),
    /// A more specific was lost, its cover delivers, and all probes were well.
    CoverDelivers(Withdrawal),
    /// A withdrawal inside a maintenance window, with the window's remark.
    Planned(Withdrawal, Option<String>),
    /// A foreign origin which too few ASes took.
    ForeignUnopened(ForeignOrigin),
    /// Prefixes lost by many and back within the hold, one soon after the other.
    Churn(Vec<Churn>),
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
    let (muted, losses): (Vec<&ReachabilityLoss>, Vec<&ReachabilityLoss>) =
        losses.into_iter().partition(|loss| controls.iter().any(|control| mutes(control, loss)));
    let mut observed: Vec<Observed> = findings.routing.foreign_unopened.iter().cloned().map(Observed::ForeignUnopened).collect();
    let mut withdrawals = Vec::new();
    for withdrawal in &findings.routing.withdrawals {
        match planned(withdrawal, findings.organization) {
            Some(note) => observed.push(Observed::Planned(withdrawal.clone(), note)),
            None => withdrawals.push(withdrawal),
        }
    }
    let foreign = findings.routing.foreign_origins.iter().collect();
    let board = Board { findings, withdrawals, foreign, losses, muted, controls, first_words: findings.routing.first_words() };
    let groups = board.groups();
    let mut incidents: Vec<Incident> = Vec::new();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    for group in &groups {
        if board.is_incident(group) {
            taken.extend(group.iter().filter_map(|piece| if let Piece::Withdrawal(index) = piece { Some(*index) } else { None }));
            incidents.push(board.incident(group));
        }
    }
    for (_, withdrawal) in board.withdrawals.iter().enumerate().filter(|(index, _)| !taken.contains(index)) {
        observed.push(match withdrawal.level {
            Level::Partial => Observed::Partial((*withdrawal).clone()),
            Level::Major | Level::Full => Observed::CoverDelivers((*withdrawal).clone()),
        });
    }
    observed.extend(churn(&findings.routing.churn, findings.organization.settings.grouping));
    incidents.sort_by_key(|incident| incident.began);
    name(&mut incidents);
    observed.sort_by_key(Observed::at);
    Correlation { incidents, observed }
}

impl Observed {
    /// When it began.
    pub fn at(&self) -> Timestamp {
        match self {
            Observed::Partial(withdrawal) | Observed::CoverDelivers(withdrawal) | Observed::Planned(withdrawal, _) => {
                withdrawal.onset.earliest
            }
            Observed::ForeignUnopened(foreign) => foreign.first,
            Observed::Churn(churn) => churn.first().map_or(Timestamp::MIN, |first| first.from),
        }
    }
}

/// What churned within the grouping time of what had churned before is told as one.
fn churn(churn: &[Churn], grouping: Span) -> Vec<Observed> {
    let mut in_order = churn.to_vec();
    in_order.sort_by_key(|churn| (churn.from, churn.prefix));
    let mut until = Timestamp::MIN;
    let mut told: Vec<Vec<Churn>> = Vec::new();
    for churn in in_order {
        match told.last_mut().filter(|_| churn.from.since(until) <= grouping) {
            Some(together) => together.push(churn),
            None => told.push(vec![churn]),
        }
        until = until.max(churn.until);
    }
    told.into_iter().map(Observed::Churn).collect()
}

/// A control failed at the same vantage while the loss lasted.
fn mutes(control: &ReachabilityLoss, loss: &ReachabilityLoss) -> bool {
    control.series.vantage == loss.series.vantage && overlap(span(control), span(loss))
}

fn span(loss: &ReachabilityLoss) -> (Timestamp, Option<Timestamp>) {
    (loss.onset.latest, loss.recovery.map(|recovery| recovery.earliest))
}

fn overlap(a: (Timestamp, Option<Timestamp>), b: (Timestamp, Option<Timestamp>)) -> bool {
    a.0 <= b.1.unwrap_or(Timestamp::MAX) && b.0 <= a.1.unwrap_or(Timestamp::MAX)
}

/// The remark of the maintenance window which announced the withdrawal, if one did.
fn planned(withdrawal: &Withdrawal, organization: &Organization) -> Option<Option<String>> {
    let window = organization.maintenance.iter().find(|window| {
        let time = window.from <= withdrawal.onset.earliest && withdrawal.onset.earliest <= window.until;
        let prefixes = window.prefixes.is_empty() || window.prefixes.iter().any(|prefix| prefix.contains(&withdrawal.prefix));
        let ends = withdrawal.recovered.is_none_or(|recovered| recovered <= window.until);
        time && prefixes && ends
    })?;
    Some(window.note.clone())
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
    foreign: Vec<&'a ForeignOrigin>,
    losses: Vec<&'a ReachabilityLoss>,
    muted: Vec<&'a ReachabilityLoss>,
    controls: Vec<&'a ReachabilityLoss>,
    first_words: HashMap<PrefixId, &'a RouteChange>,
}

/// Of one part in so many of an incident nothing may be known: a table dump takes its time to be written.
const NOT_HEARD_OF: i64 = 10;

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
                self.depends(loss, withdrawal) && follows(loss.onset, loss.cached_for, withdrawal, settings)
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

    /// Whether a service of the loss depends on the withdrawn prefix.
    fn depends(&self, loss: &ReachabilityLoss, withdrawal: &Withdrawal) -> bool {
        let inside = |address: &AddressDependency| withdrawal.prefix.contains(&address.address);
        loss.series.services.iter().filter_map(|index| self.findings.dependencies.services.get(*index)).any(|service| {
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
                let delivers = withdrawal.cover.is_some() && self.probed_well(withdrawal);
                withdrawal.level > Level::Partial && !delivers
            }
        })
    }

    /// Whether services which depend on the prefix were probed while it was withdrawn; that no loss was found is known already.
    fn probed_well(&self, withdrawal: &Withdrawal) -> bool {
        let (from, until) = withdrawal.interval();
        self.findings.reachability.coverage.iter().any(|series| {
            series.series.layer != Layer::Control
                && overlap((series.first, Some(series.last)), (from, until))
                && series.successes > 0
        })
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
        let deaf: BTreeSet<Arc<str>> = controls.iter().map(|loss| Arc::clone(&loss.series.vantage)).collect();
        let services = self.services(span, &deaf);
        let evidence = Evidence {
            routing_blind: self.routing_blind(span, &services),
            services,
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

    fn services(&self, span: (Timestamp, Option<Timestamp>), deaf: &BTreeSet<Arc<str>>) -> Vec<ServiceScene> {
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
                        let addresses = server.addresses.iter().map(|address| self.address(address.address)).collect();
                        name_servers.push(NameServerScene { name: Arc::clone(&server.name), addresses });
                    }
                }
                ServiceScene {
                    index,
                    name: service.name.clone(),
                    not_yet: service.since.is_some_and(|since| since > span.0),
                    name_servers,
                    addresses: addresses.into_iter().map(|address| self.address(address)).collect(),
                    probed: self.probed(index, span, deaf),
                }
            })
            .collect()
    }

    fn address(&self, address: IpAddr) -> AddressScene {
        let holder = self.findings.routing.holder_of(address);
        let (prefix, origins) = holder.map_or((None, Vec::new()), |(prefix, _, origins)| (Some(prefix), origins));
        AddressScene { address, prefix, origins }
    }

    fn probed(&self, service: usize, span: (Timestamp, Option<Timestamp>), deaf: &BTreeSet<Arc<str>>) -> Vec<LayerProbed> {
        let margin = self.settings().probe_gap;
        let concerns = |series: &&SeriesCoverage| {
            series.series.services.contains(&service)
                && !deaf.contains(&series.series.vantage)
                && series.series.layer != Layer::Control
                && overlap(widen((series.first, Some(series.last)), margin), span)
        };
        let mut layers: Vec<LayerProbed> = Vec::new();
        for series in self.findings.reachability.coverage.iter().filter(concerns) {
            let layer = series.series.layer;
            let place = layers.iter().position(|probed| probed.layer == layer).unwrap_or_else(|| {
                let (vantages, asked) = (BTreeSet::new(), BTreeSet::new());
                layers.push(LayerProbed { layer, vantages, series: 0, asked, networks: Vec::new() });
                layers.len() - 1
            });
            let probed = &mut layers[place];
            probed.series += 1;
            if let Target::Dns { server: DnsServer::Authority { address, .. }, .. } = &series.series.target {
                probed.asked.insert(*address);
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

    fn routing_blind(&self, span: (Timestamp, Option<Timestamp>), services: &[ServiceScene]) -> Vec<Blindness> {
        let routing = self.findings.routing;
        let least = self.settings().eligible_min;
        let spans = BlindTogether::of(&routing.blind).into_iter().map(|blind| Blindness {
            from: blind.from,
            until: blind.until,
            what: format!("of {} only {} ASes could tell, {least} are needed", blind.which(), blind.told),
        });
        let gaps = routing.notes.iter().filter(|note| matches!(note.what, FeedEvent::Gap(_))).map(|note| Blindness {
            from: note.at,
            until: note.until.unwrap_or(routing.last),
            what: format!("{}: nothing recorded", note.whom.name(self.findings.vantages)),
        });
        let mut blind: Vec<Blindness> = spans.chain(gaps).filter(|blind| overlap((blind.from, Some(blind.until)), span)).collect();
        blind.extend(self.not_heard_of(span, services));
        // A withdrawal may become visible a little later than what it causes.
        if routing.first.is_some() && span.0 + self.settings().cause_before > routing.last {
            let what = if span.0 > routing.last { "the BGP recording had ended" } else { "the BGP recording ended too soon after" };
            blind.push(Blindness { from: routing.last, until: span.1.unwrap_or(span.0), what: what.to_owned() });
        }
        blind.sort_by(|a, b| (a.from, &a.what).cmp(&(b.from, &b.what)));
        blind
    }

    /// Prefixes which services need and of which nothing was said during much of the incident: they may have been gone before it was
    /// recorded, and have come back in it.
    fn not_heard_of(&self, (began, ended): (Timestamp, Option<Timestamp>), services: &[ServiceScene]) -> Option<Blindness> {
        let routing = self.findings.routing;
        let from = began.max(routing.first?);
        let length = ended.unwrap_or(routing.last).since(from).micros();
        let servers = services.iter().flat_map(|service| &service.name_servers).flat_map(|server| &server.addresses);
        let held = services.iter().flat_map(|service| &service.addresses).chain(servers).filter_map(|address| address.prefix);
        let late: BTreeMap<IpNet, Timestamp> = held
            .filter_map(|prefix| Some((prefix, self.first_words.get(&routing.rib.id_of(&prefix)?)?.at)))
            .filter(|(_, first)| first.since(from).micros() > length / NOT_HEARD_OF)
            .collect();
        let until = late.values().copied().max()?;
        let which: Vec<IpNet> = late.into_keys().collect();
        Some(Blindness { from, until, what: format!("nothing was known yet of {}", named(&which)) })
    }

    fn control_vantages(&self, span: (Timestamp, Option<Timestamp>), deaf: &BTreeSet<Arc<str>>) -> ControlVantages {
        let coverage = self.findings.reachability.coverage.iter();
        let probed: BTreeSet<String> = coverage
            .filter(|series| series.series.layer == Layer::Control && overlap((series.first, Some(series.last)), span))
            .map(|series| series.series.vantage.to_string())
            .collect();
        ControlVantages { probed: probed.into_iter().collect(), failing: deaf.iter().map(|vantage| vantage.to_string()).collect() }
    }
}

fn widen((from, until): (Timestamp, Option<Timestamp>), by: Span) -> (Timestamp, Option<Timestamp>) {
    (from - by, until.map(|until| until + by))
}

/// Whether a loss may be the consequence of a withdrawal: within the window before and after its onset, longer by what caches held.
pub(super) fn follows(onset: Bounds, cached_for: u32, withdrawal: &Withdrawal, settings: &Settings) -> bool {
    let cached = Span::from_seconds(i64::from(cached_for));
    onset.latest >= withdrawal.onset.earliest - settings.cause_before
        && onset.earliest <= withdrawal.onset.latest + settings.cause_after + cached
        && withdrawal.recovered.is_none_or(|recovered| onset.earliest <= recovered)
}

fn began(withdrawals: &[Withdrawal], foreign: &[ForeignOrigin], losses: &[ReachabilityLoss]) -> Bounds {
    let withdrawn = withdrawals.iter().map(|withdrawal| withdrawal.onset);
    let foreign = foreign.iter().map(|foreign| Bounds::exact(foreign.first));
    let lost = losses.iter().map(|loss| loss.onset);
    withdrawn.chain(foreign).chain(lost).min_by_key(|onset| (onset.latest, onset.earliest)).unwrap_or(Bounds::exact(Timestamp::MIN))
}

fn ended(withdrawals: &[Withdrawal], foreign: &[ForeignOrigin], losses: &[ReachabilityLoss]) -> Option<Bounds> {
    let withdrawn = withdrawals.iter().map(|withdrawal| withdrawal.recovered.map(Bounds::exact));
    let foreign = foreign.iter().map(|foreign| foreign.ended.map(Bounds::exact));
    let lost = losses.iter().map(|loss| loss.recovery);
    let ends: Option<Vec<Bounds>> = withdrawn.chain(foreign).chain(lost).collect();
    ends?.into_iter().max_by_key(|end| (end.latest, end.earliest))
}
