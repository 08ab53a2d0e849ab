//! Whose is a result? From a target to the checks of the profile which it is an attempt of.
//!
//! Takes the profile and the dependencies once, then targets; gives [`Check`]s: usually one; none if the target is nothing to the
//! organization; several if services which share a host name define "up" differently.
//!
//! | result | layer | services |
//! |---|---|---|
//! | question through a resolver | resolver | those with this host name, alias, zone or name server |
//! | question asked of a name server | authority | those which need the zone of the name, else the zones of the server |
//! | page, handshake, ping by name | service by name | those with a probe for it, or this host name or alias |
//! | page, handshake, ping at an address | service by address | the same, or those with this address |
//! | status | status | those with this name or status name |
//! | any of these for a control's host | control | none |

use super::{Layer, words};
use crate::dependency::{Dependencies, ServiceDependencies};
use crate::org::{Organization, ProbeKind, ProbeTarget, Service, UpWhen, is_in_zone};
use crate::probe::{AskedAddress, DnsServer, Target};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What a target tests, for whom, and what "up" means.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Check {
    pub(super) name: Arc<str>,
    pub(super) layer: Layer,
    /// Places in `Organization::services`.
    pub(super) services: Vec<usize>,
    pub(super) up: UpWhen,
    /// Results before this are about something which did not exist.
    pub(super) since: Option<Timestamp>,
    /// NXDOMAIN is a failure even if the name never existed.
    pub(super) must_exist: bool,
}

/// The profile and its dependencies, arranged to be looked up.
#[derive(Debug)]
pub(super) struct Matcher {
    services: Vec<ServiceNames>,
    controls: Vec<ProbeTarget>,
    zones: BTreeMap<Arc<str>, ZoneServers>,
}

#[derive(Debug)]
struct ServiceNames {
    since: Option<Timestamp>,
    probes: Vec<ProbeTarget>,
    /// Host names, with their aliases.
    hosts: BTreeSet<Arc<str>>,
    addresses: BTreeSet<IpAddr>,
    zones: BTreeSet<Arc<str>>,
    /// In lower case.
    statuses: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct ZoneServers {
    names: BTreeSet<Arc<str>>,
    addresses: BTreeSet<IpAddr>,
}

/// The address a target was asked at, where it says: for DNS the server's, else the host's.
fn asked_at(target: &Target) -> Option<IpAddr> {
    match target {
        Target::Dns { server: DnsServer::Resolver { address, .. }, .. } | Target::Ping { address, .. } => *address,
        Target::Dns { server: DnsServer::Authority { address, .. }, .. } => Some(*address),
        Target::Http { address: AskedAddress::Fixed(address), .. } => Some(*address),
        Target::Http { host, address: AskedAddress::ByName, .. } => host.parse().ok(),
        Target::Status { .. } => None,
    }
}

impl ServiceNames {
    fn new(service: &Service, needs: Option<&ServiceDependencies>) -> Self {
        let hosts = || needs.into_iter().flat_map(|needs| &needs.hostnames);
        let learned = hosts().flat_map(|host| host.addresses.iter().map(|address| address.address));
        let statuses = service.status_names.iter().chain([&service.name]).map(|name| name.trim().to_lowercase());
        ServiceNames {
            since: service.since,
            probes: service.probes.clone(),
            hosts: hosts().flat_map(|host| host.cnames.iter().chain([&host.name]).cloned()).collect(),
            addresses: service.addresses.iter().copied().chain(learned).collect(),
            zones: hosts().flat_map(|host| host.zones.iter().map(|zone| Arc::clone(&zone.name))).collect(),
            statuses: statuses.collect(),
        }
    }
}

impl Matcher {
    pub(super) fn new(org: &Organization, dependencies: &Dependencies) -> Self {
        let mut zones: BTreeMap<Arc<str>, ZoneServers> = BTreeMap::new();
        for zone in dependencies.services.iter().flat_map(ServiceDependencies::zones) {
            let servers = zones.entry(Arc::clone(&zone.name)).or_default();
            for server in &zone.name_servers {
                servers.names.insert(Arc::clone(&server.name));
                servers.addresses.extend(server.addresses.iter().map(|address| address.address));
            }
        }
        let services = org.services.iter().enumerate();
        let services = services.map(|(place, service)| ServiceNames::new(service, dependencies.services.get(place))).collect();
        Matcher { services, controls: org.controls.clone(), zones }
    }

    /// Every check the target is an attempt of.
    pub(super) fn checks(&self, target: &Target) -> Vec<Check> {
        if let Some(control) = self.control(target) {
            return vec![control];
        }
        let mut checks: Vec<Check> = Vec::new();
        for (place, service) in self.services.iter().enumerate() {
            let Some(check) = self.check(target, place, service) else { continue };
            match checks.iter_mut().find(|known| Check { services: Vec::new(), ..(*known).clone() } == check) {
                Some(known) => known.services.push(place),
                None => checks.push(Check { services: vec![place], ..check }),
            }
        }
        checks
    }

    /// The check of one service, without its place: a probe of the profile first, else what its names say.
    fn check(&self, target: &Target, place: usize, service: &ServiceNames) -> Option<Check> {
        let probe = attempted(&service.probes, target);
        // The same page at one of its addresses is up as the page is.
        let page = probe.or_else(|| service.probes.iter().find(|probe| is_page_at_address(probe, target)));
        let named = |layer, must_exist| Check {
            name: probe.map_or_else(|| words::target(target), |probe| probe.name.clone()).into(),
            layer,
            services: Vec::new(),
            up: page.map(|probe| probe.up.clone()).unwrap_or_default(),
            since: service.since,
            must_exist,
        };
        match target {
            Target::Dns { server, name, .. } => {
                let known = service.hosts.contains(name) || self.zone_name(service, name);
                match self.authority(server) {
                    true => (probe.is_some() || self.authority_concerns(server, name, place)).then(|| {
                        // Every server of a zone is a target of its own, so the server stays in the name.
                        Check { name: words::target(target).into(), ..named(Layer::Authority, known) }
                    }),
                    false => (probe.is_some() || known).then(|| named(Layer::Resolver, true)),
                }
            }
            Target::Http { host, .. } | Target::Ping { host, .. } => {
                let by_address = asked_at(target).filter(|_| host.is_empty() || host.parse::<IpAddr>().is_ok());
                let known = service.hosts.contains(host) || by_address.is_some_and(|address| service.addresses.contains(&address));
                let layer = if asked_at(target).is_some() { Layer::ServiceByAddress } else { Layer::ServiceByName };
                (probe.is_some() || known).then(|| named(layer, false))
            }
            Target::Status { service: name, .. } => {
                service.statuses.contains(&name.trim().to_lowercase()).then(|| named(Layer::Status, false))
            }
        }
    }

    /// Is the name a zone the service needs, or a server of one?
    fn zone_name(&self, service: &ServiceNames, name: &str) -> bool {
        service.zones.iter().any(|zone| **zone == *name || self.zones.get(zone).is_some_and(|servers| servers.names.contains(name)))
    }

    /// Was an authority asked? One which the source calls so, or whose address is that of a known name server.
    fn authority(&self, server: &DnsServer) -> bool {
        match server {
            DnsServer::Authority { .. } => true,
            // Who gives a resolver a name knows it to be one.
            DnsServer::Resolver { name: Some(_), .. } => false,
            DnsServer::Resolver { address, name: None } => {
                address.is_some_and(|a| self.zones.values().any(|zone| zone.addresses.contains(&a)))
            }
        }
    }

    /// Does what this server says of this name concern the service? If it needs the zone of the name; for names of no known zone, if
    /// it needs a zone which this server holds.
    fn authority_concerns(&self, server: &DnsServer, name: &str, place: usize) -> bool {
        let needs = |zone: &Arc<str>| self.services[place].zones.contains(zone);
        if let Some(zone) = self.zones.keys().filter(|zone| is_in_zone(name, zone)).max_by_key(|zone| zone.len()) {
            return needs(zone);
        }
        let (address, server_name) = match server {
            DnsServer::Resolver { address, .. } => (*address, None),
            DnsServer::Authority { address, name } => (Some(*address), name.as_ref()),
        };
        self.zones.iter().any(|(zone, servers)| {
            let same_address = address.is_some_and(|address| servers.addresses.contains(&address));
            needs(zone) && (same_address || server_name.is_some_and(|name| servers.names.contains(name)))
        })
    }

    /// The control a target is an attempt of: the one of its kind and address, else any with its host.
    fn control(&self, target: &Target) -> Option<Check> {
        let host = match target {
            Target::Dns { name, .. } => name,
            Target::Http { host, .. } | Target::Ping { host, .. } => host,
            Target::Status { .. } => return None,
        };
        let exact = attempted(&self.controls, target);
        if exact.is_none() && !self.controls.iter().any(|control| *control.host == **host) {
            return None;
        }
        Some(Check {
            name: exact.map_or_else(|| words::target(target), |control| control.name.clone()).into(),
            layer: Layer::Control,
            services: Vec::new(),
            up: exact.map(|control| control.up.clone()).unwrap_or_default(),
            since: None,
            must_exist: true,
        })
    }
}

/// The probe of the profile which the target is an attempt of. Several may ask one host, for different pages: the one which the target is
/// labelled with, else the first.
fn attempted<'a>(probes: &'a [ProbeTarget], target: &Target) -> Option<&'a ProbeTarget> {
    let mut fitting = probes.iter().filter(|probe| is_attempt_of(probe, target));
    let first = fitting.clone().next()?;
    Some(fitting.find(|probe| is_label(probe, target)).unwrap_or(first))
}

fn is_label(probe: &ProbeTarget, target: &Target) -> bool {
    matches!(target, Target::Http { label, .. } if **label == *probe.name)
}

/// Does the target, by its label, ask for the page of a probe by name, but at an address?
fn is_page_at_address(probe: &ProbeTarget, target: &Target) -> bool {
    let Target::Http { host, address: AskedAddress::Fixed(_), .. } = target else { return false };
    probe.kind == ProbeKind::Http && probe.address.is_none() && *probe.host == **host && is_label(probe, target)
}

/// Is the target an attempt of this probe of the profile: same kind, same host, and the address it names? A DNS probe which names no
/// server means every server.
fn is_attempt_of(probe: &ProbeTarget, target: &Target) -> bool {
    let (kind, host) = match target {
        Target::Dns { name, .. } => (ProbeKind::Dns, name),
        Target::Http { host, .. } => (ProbeKind::Http, host),
        Target::Ping { host, .. } => (ProbeKind::Ping, host),
        Target::Status { .. } => return false,
    };
    let address = match (probe.address, asked_at(target)) {
        (None, None) => true,
        (None, Some(_)) => probe.kind == ProbeKind::Dns,
        (Some(wanted), asked) => asked == Some(wanted),
    };
    probe.kind == kind && *probe.host == **host && address
}
