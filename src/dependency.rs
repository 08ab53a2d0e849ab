//! Dependencies: service → host name → CNAME → zone → name server → address.
//!
//! Takes the profile and the answers inside recorded DNS results; gives, for every service, what must work for it to work, where each
//! link was learned, and what is missing. Prefix and origin of an address are looked up in the routing state by whoever needs them.

mod answers;

pub use answers::Answers;

use crate::observation::RecordRef;
use crate::org::{Organization, ProbeKind, Service, is_in_zone};
use crate::probe::ProbeResult;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What every service of the organization needs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Dependencies {
    /// One entry a service, in the profile's order.
    pub services: Vec<ServiceDependencies>,
    /// What could not be learned, in words for people.
    pub missing: Vec<String>,
}

/// What one service needs.
#[derive(Clone, PartialEq, Debug)]
pub struct ServiceDependencies {
    /// Its name.
    pub service: String,
    /// Its host names.
    pub hostnames: Vec<HostDependency>,
    /// Addresses the profile names for it, beside those of its host names.
    pub addresses: Vec<AddressDependency>,
}

/// A host name and what it needs.
#[derive(Clone, PartialEq, Debug)]
pub struct HostDependency {
    /// Lower case, no final dot.
    pub name: Arc<str>,
    /// The names it was an alias for, in order; empty without CNAME.
    pub cnames: Vec<Arc<str>>,
    /// Where it is.
    pub addresses: Vec<AddressDependency>,
    /// The zones which must answer: that of the name, then those of its aliases.
    pub zones: Vec<ZoneDependency>,
}

/// A zone and its name servers.
#[derive(Clone, PartialEq, Debug)]
pub struct ZoneDependency {
    /// Lower case, no final dot.
    pub name: Arc<str>,
    /// Its servers.
    pub name_servers: Vec<NameServerDependency>,
}

/// A name server and its addresses.
#[derive(Clone, PartialEq, Debug)]
pub struct NameServerDependency {
    /// Lower case, no final dot.
    pub name: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<AddressDependency>,
}

/// An address and where it was learned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AddressDependency {
    /// The address.
    pub address: IpAddr,
    /// `None`: from the profile. `Some`: the recorded answer which named it first.
    pub learned: Option<RecordRef>,
}

impl Dependencies {
    /// What the profile says, completed by what recorded answers say.
    pub fn from_profile_and_results(org: &Organization, results: &[ProbeResult]) -> Dependencies {
        let mut answers = Answers::default();
        results.iter().for_each(|result| answers.observe(result));
        Dependencies::new(org, &answers)
    }

    /// The same, for results which were not kept.
    pub fn new(org: &Organization, answers: &Answers) -> Dependencies {
        let mut resolution = Resolution { org, answers, zones: BTreeMap::new(), missing: Vec::new() };
        let services = org.services.iter().map(|service| resolution.service(service)).collect();
        let mut missing = resolution.missing;
        missing.extend(answers.unusable());
        Dependencies { services, missing }
    }

    /// Every address something depends on: of services and of name servers.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let own = self.services.iter().flat_map(|service| &service.addresses);
        let hosts = self.services.iter().flat_map(|service| &service.hostnames);
        let servers = hosts.clone().flat_map(|host| &host.zones).flat_map(|zone| &zone.name_servers);
        let of_hosts = hosts.flat_map(|host| &host.addresses);
        own.chain(of_hosts).chain(servers.flat_map(|server| &server.addresses)).map(|address| address.address).collect()
    }
}

/// The links found so far, and what was not found, each said once.
struct Resolution<'a> {
    org: &'a Organization,
    answers: &'a Answers,
    zones: BTreeMap<Arc<str>, ZoneDependency>,
    missing: Vec<String>,
}

impl Resolution<'_> {
    fn service(&mut self, service: &Service) -> ServiceDependencies {
        let asked = service.probes.iter().map(|probe| &probe.host).filter(|host| host.parse::<IpAddr>().is_err());
        let mut names: Vec<&String> = Vec::new();
        for name in service.hostnames.iter().chain(asked) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let hostnames = names.into_iter().map(|name| self.host(name, service)).collect();
        let addresses = service.addresses.iter().map(|address| AddressDependency { address: *address, learned: None }).collect();
        ServiceDependencies { service: service.name.clone(), hostnames, addresses }
    }

    fn host(&mut self, name: &str, service: &Service) -> HostDependency {
        let name: Arc<str> = name.into();
        let cnames = self.answers.aliases_of(&name);
        let mut addresses: Vec<AddressDependency> = Vec::new();
        let fixed =
            service.probes.iter().filter(|probe| probe.kind != ProbeKind::Dns && *probe.host == *name).filter_map(|p| p.address);
        for address in fixed {
            add(&mut addresses, AddressDependency { address, learned: None });
        }
        for owner in std::iter::once(&name).chain(&cnames) {
            for (address, record) in self.answers.addresses_of(owner) {
                add(&mut addresses, AddressDependency { address, learned: Some(record) });
            }
        }
        if addresses.is_empty() && service.addresses.is_empty() {
            self.miss(format!(
                "no address known for {name}: add addresses to service `{}` or record A and AAAA answers",
                service.name
            ));
        }
        let mut zones: Vec<ZoneDependency> = Vec::new();
        for owner in std::iter::once(&name).chain(&cnames) {
            if let Some(zone) = self.zone_of(owner).filter(|zone| !zones.contains(zone)) {
                zones.push(zone);
            }
        }
        HostDependency { name, cnames, addresses, zones }
    }

    /// The longest zone which holds the name: of the profile, else of the recorded NS answers.
    fn zone_of(&mut self, name: &Arc<str>) -> Option<ZoneDependency> {
        let of_profile = self.org.zones.iter().filter(|zone| zone.holds(name)).max_by_key(|zone| zone.name.len());
        let zone: Option<Arc<str>> = match of_profile {
            Some(zone) => Some(zone.name.as_str().into()),
            None => self.answers.zones().filter(|zone| is_in_zone(name, zone)).max_by_key(|zone| zone.len()).cloned(),
        };
        match zone {
            Some(zone) => Some(self.zone(&zone)),
            None => {
                self.miss(format!("no zone known for {name}: add [[zones]] with its name servers or record NS answers"));
                None
            }
        }
    }

    fn zone(&mut self, name: &Arc<str>) -> ZoneDependency {
        if let Some(zone) = self.zones.get(name) {
            return zone.clone();
        }
        let of_profile = self.org.zones.iter().find(|zone| *zone.name == **name);
        let mut servers: Vec<(Arc<str>, Vec<IpAddr>)> = Vec::new();
        for server in of_profile.iter().flat_map(|zone| &zone.name_servers) {
            servers.push((server.name.as_str().into(), server.addresses.clone()));
        }
        if servers.is_empty() {
            servers = self.answers.name_servers_of(name).map(|server| (server, Vec::new())).collect();
        }
        if servers.is_empty() {
            self.miss(format!("no name servers known for zone {name}: add [[zones.name_servers]] or record NS answers"));
        }
        let name_servers = servers.into_iter().map(|(server, fixed)| self.name_server(name, server, &fixed)).collect();
        let zone = ZoneDependency { name: Arc::clone(name), name_servers };
        self.zones.insert(Arc::clone(name), zone.clone());
        zone
    }

    fn name_server(&mut self, zone: &str, name: Arc<str>, fixed: &[IpAddr]) -> NameServerDependency {
        let mut addresses: Vec<_> = fixed.iter().map(|address| AddressDependency { address: *address, learned: None }).collect();
        if addresses.is_empty() {
            let learned =
                self.answers.addresses_of(&name).map(|(address, record)| AddressDependency { address, learned: Some(record) });
            addresses.extend(learned);
        }
        if addresses.is_empty() {
            self.miss(format!(
                "no address known for name server {name} of zone {zone}: add its addresses or record A and AAAA answers"
            ));
        }
        NameServerDependency { name, addresses }
    }

    fn miss(&mut self, words: String) {
        if !self.missing.contains(&words) {
            self.missing.push(words);
        }
    }
}

/// Adds an address unless it is known already: what came first, the profile before all, says where it was learned.
fn add(addresses: &mut Vec<AddressDependency>, new: AddressDependency) {
    if !addresses.iter().any(|known| known.address == new.address) {
        addresses.push(new);
    }
}

impl ServiceDependencies {
    /// Every zone it needs, each once, in the order of its host names.
    pub fn zones(&self) -> Vec<&ZoneDependency> {
        let mut seen = BTreeSet::new();
        self.hostnames.iter().flat_map(|host| &host.zones).filter(|zone| seen.insert(&zone.name)).collect()
    }
}

#[cfg(test)]
mod tests;
