//! Which questions follow from a profile, and from what is known of its services.
//!
//! Takes an organization, its dependencies, resolvers, and which addresses can be reached from here; gives questions, always in the same
//! order, none twice, and in words what is not asked and why. Every target is one which `reachability` finds a check for.
//!
//! | what | whom | for |
//! |---|---|---|
//! | NS, SOA of a zone | each resolver; each address of each of its name servers | every zone which a service needs |
//! | A, AAAA of a host name | each resolver; each name server of its zone | every host name of a service, and what it is an alias for |
//! | A, AAAA of a name server | each resolver | those whose addresses the profile does not name |
//! | page | by name; at each known address | every probe of kind `http` |
//! | a control | as it says: each resolver, by name, or its address | every control but of kind `ping` |

use crate::dependency::{AddressDependency, Dependencies, HostDependency, ServiceDependencies, ZoneDependency};
use crate::org::{Organization, ProbeKind, ProbeResolver, ProbeTarget, Service, is_in_zone};
use crate::probe::{AskedType, DnsQuestion, DnsServer, DnsTransport, HttpAddress, HttpQuestion, NameServer, Question, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Learned addresses of one name which are asked: answers of content networks change for ever, and some hold dozens.
const ADDRESSES: usize = 8;
const OF_HOSTS: [AskedType; 2] = [AskedType::A, AskedType::Aaaa];
const OF_ZONES: [AskedType; 2] = [AskedType::Soa, AskedType::Ns];
/// Where a server of the DNS which the profile names for a probe is asked (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// What a plan is made of.
pub struct Ground<'a> {
    /// Whose services are probed.
    pub organization: &'a Organization,
    /// What they need, as far as it is known.
    pub dependencies: &'a Dependencies,
    /// Through whom.
    pub resolvers: &'a [ProbeResolver],
    /// Can this address be reached at all from here?
    pub reach: &'a dyn Fn(IpAddr) -> bool,
}

/// What is asked.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// In the order of the profile; no target twice.
    pub questions: Vec<Arc<Question>>,
    /// What is not asked, and why, in words for people.
    pub notes: Vec<String>,
}

impl Plan {
    /// Everything which follows.
    pub fn new(ground: &Ground) -> Plan {
        let mut drawing = Drawing { ground, plan: Plan::default(), known: HashMap::new(), left_out: BTreeMap::new() };
        drawing.names();
        drawing.authorities();
        for (service, needs) in ground.organization.services.iter().zip(&ground.dependencies.services) {
            drawing.service(service, needs);
        }
        ground.organization.controls.iter().for_each(|control| drawing.control(control));
        drawing.notes();
        drawing.plan
    }
}

/// A plan while it is made.
struct Drawing<'a> {
    ground: &'a Ground<'a>,
    plan: Plan,
    known: HashMap<Target, Arc<Question>>,
    /// Addresses which cannot be reached from here, and whose they are.
    left_out: BTreeMap<IpAddr, Arc<str>>,
}

impl Drawing<'_> {
    /// Adds a question, unless it is there. Two of one target could not be told apart afterwards.
    fn ask(&mut self, question: Question) {
        let target = question.target();
        match self.known.get(&target) {
            Some(known) if **known == question => {}
            Some(_) => {
                let Target::Http { host, label, .. } = target else { return };
                self.note(format!(
                    "two probes are called `{label}` and ask {host} for different pages; only the first is asked: rename one"
                ));
            }
            None => {
                let question = Arc::new(question);
                self.known.insert(target, Arc::clone(&question));
                self.plan.questions.push(question);
            }
        }
    }

    fn note(&mut self, words: String) {
        if !self.plan.notes.contains(&words) {
            self.plan.notes.push(words);
        }
    }

    fn zones(&self) -> Vec<ZoneDependency> {
        let mut seen = BTreeSet::new();
        let zones = self.ground.dependencies.services.iter().flat_map(ServiceDependencies::zones);
        zones.filter(|zone| seen.insert(Arc::clone(&zone.name))).cloned().collect()
    }

    /// Host names of services and what they are aliases for, each once.
    fn hosts(&self) -> Vec<Arc<str>> {
        let hosts = self.ground.dependencies.services.iter().flat_map(|service| &service.hostnames);
        let mut seen = BTreeSet::new();
        let names = hosts.flat_map(|host| std::iter::once(&host.name).chain(&host.cnames));
        names.filter(|name| seen.insert(Arc::clone(name))).cloned().collect()
    }

    /// Through every resolver: zones, host names, and name servers of which only the name is known.
    fn names(&mut self) {
        for zone in self.zones() {
            self.through_resolvers(&zone.name, &OF_ZONES);
            for server in &zone.name_servers {
                if server.addresses.iter().all(|address| address.learned.is_some()) {
                    self.through_resolvers(&server.name, &OF_HOSTS);
                }
            }
        }
        let own: BTreeSet<Arc<str>> = self
            .ground
            .dependencies
            .services
            .iter()
            .flat_map(|service| &service.hostnames)
            .map(|host| Arc::clone(&host.name))
            .collect();
        // A resolver follows aliases by itself.
        for host in self.hosts().iter().filter(|host| own.contains(*host)) {
            self.through_resolvers(host, &OF_HOSTS);
        }
    }

    fn through_resolvers(&mut self, name: &Arc<str>, types: &[AskedType]) {
        let ground = self.ground;
        for resolver in ground.resolvers {
            let role =
                DnsServer::Resolver { address: Some(resolver.server.address.ip()), name: Some(resolver.name.as_str().into()) };
            if !self.is_reached(resolver.server.address.ip(), &resolver.name) {
                continue;
            }
            for record_type in types {
                let (server, role) = (resolver.server.clone(), role.clone());
                self.ask(Question::Dns(DnsQuestion { server, role, name: Arc::clone(name), record_type: *record_type }));
            }
        }
    }

    /// Directly at every address of every name server: its zone, and the host names in it.
    fn authorities(&mut self) {
        let hosts = self.hosts();
        let zones = self.zones();
        for zone in &zones {
            // A name belongs to the longest zone which holds it.
            let nearest = |name: &str| zones.iter().filter(|zone| is_in_zone(name, &zone.name)).max_by_key(|zone| zone.name.len());
            let inside: Vec<&Arc<str>> =
                hosts.iter().filter(|host| nearest(host).is_some_and(|near| near.name == zone.name)).collect();
            let mut seen = BTreeSet::new();
            for server in &zone.name_servers {
                for address in self.asked(&server.addresses, &server.name) {
                    if seen.insert(address) {
                        self.authority((address, &server.name), &zone.name, &OF_ZONES);
                        inside.iter().for_each(|host| self.authority((address, &server.name), host, &OF_HOSTS));
                    }
                }
            }
        }
    }

    fn authority(&mut self, (address, server): (IpAddr, &Arc<str>), name: &Arc<str>, types: &[AskedType]) {
        let port = self.ground.organization.probing.authority_port;
        for record_type in types {
            self.ask(Question::Dns(DnsQuestion {
                server: NameServer { address: SocketAddr::new(address, port), transport: DnsTransport::Udp },
                role: DnsServer::Authority { address, name: Some(Arc::clone(server)) },
                name: Arc::clone(name),
                record_type: *record_type,
            }));
        }
    }

    /// Those addresses which are asked: all which the profile names, and some of those which were learned; what cannot be reached is not.
    fn asked(&mut self, addresses: &[AddressDependency], whose: &Arc<str>) -> Vec<IpAddr> {
        let (learned, fixed): (Vec<&AddressDependency>, Vec<&AddressDependency>) =
            addresses.iter().partition(|address| address.learned.is_some());
        if learned.len() > ADDRESSES {
            self.note(format!("of the {} addresses which answers give for {whose}, {ADDRESSES} are asked", learned.len()));
        }
        let mut asked: Vec<IpAddr> = learned.into_iter().map(|address| address.address).collect();
        asked.sort();
        asked.truncate(ADDRESSES);
        let asked = fixed.into_iter().map(|address| address.address).chain(asked);
        asked.collect::<Vec<_>>().into_iter().filter(|address| self.is_reached(*address, whose)).collect()
    }

    fn is_reached(&mut self, address: IpAddr, whose: &str) -> bool {
        let reached = (self.ground.reach)(address);
        if !reached {
            self.left_out.insert(address, whose.into());
        }
        reached
    }

    /// The probes of a service.
    fn service(&mut self, service: &Service, needs: &ServiceDependencies) {
        for probe in &service.probes {
            match (probe.kind, probe.address) {
                (ProbeKind::Http, Some(address)) => self.page_at(probe, address),
                (ProbeKind::Http, None) => {
                    self.page_by_name(probe);
                    let own = needs.hostnames.iter().find(|host| *host.name == *probe.host);
                    for address in self.addresses_of(service, needs, own) {
                        let same = |other: &ProbeTarget| {
                            other.kind == ProbeKind::Http && other.host == probe.host && other.page == probe.page
                        };
                        let written = service.probes.iter().any(|other| same(other) && other.address == Some(address));
                        if !written {
                            self.page_at(probe, address);
                        }
                    }
                }
                (ProbeKind::Dns, Some(address)) => self.dns_at(probe, address),
                // Its host is one of the service's names.
                (ProbeKind::Dns, None) | (ProbeKind::Ping, _) => {}
            }
        }
    }

    /// Where a host is: the service's addresses, else those learned of it.
    fn addresses_of(&mut self, service: &Service, needs: &ServiceDependencies, own: Option<&HostDependency>) -> Vec<IpAddr> {
        let whose: Arc<str> = own.map_or_else(|| service.name.as_str().into(), |host| Arc::clone(&host.name));
        match own.filter(|_| service.addresses.is_empty()) {
            Some(host) => self.asked(&host.addresses, &whose),
            None => self.asked(&needs.addresses, &whose),
        }
    }

    fn control(&mut self, control: &ProbeTarget) {
        match (control.kind, control.address) {
            (ProbeKind::Http, Some(address)) => self.page_at(control, address),
            (ProbeKind::Http, None) => self.page_by_name(control),
            (ProbeKind::Dns, Some(address)) => self.dns_at(control, address),
            (ProbeKind::Dns, None) => self.through_resolvers(&control.host.as_str().into(), &OF_HOSTS),
            (ProbeKind::Ping, _) => {}
        }
    }

    fn page_by_name(&mut self, probe: &ProbeTarget) {
        let ground = self.ground;
        let servers = ground.resolvers.iter().map(|resolver| resolver.server.clone());
        let servers = servers.filter(|server| (ground.reach)(server.address.ip()));
        self.page(probe, HttpAddress::ByName(servers.collect()));
    }

    fn page_at(&mut self, probe: &ProbeTarget, address: IpAddr) {
        if self.is_reached(address, &probe.host) {
            self.page(probe, HttpAddress::Fixed(address));
        }
    }

    fn page(&mut self, probe: &ProbeTarget, address: HttpAddress) {
        self.ask(Question::Http(HttpQuestion {
            scheme: probe.page.scheme,
            host: probe.host.as_str().into(),
            port: probe.page.port,
            path: probe.page.path.as_str().into(),
            address,
            label: probe.name.as_str().into(),
        }));
    }

    /// A server which a probe names; resolvers and name servers of the profile are asked anyway.
    fn dns_at(&mut self, probe: &ProbeTarget, address: IpAddr) {
        let of_resolver = self.ground.resolvers.iter().any(|resolver| resolver.server.address.ip() == address);
        let servers = self.zones().into_iter().flat_map(|zone| zone.name_servers).flat_map(|server| server.addresses);
        let of_zone = servers.into_iter().any(|known| known.address == address);
        if of_zone || (of_resolver && self.through_all(probe)) || !self.is_reached(address, &probe.host) {
            return;
        }
        for record_type in OF_HOSTS {
            self.ask(Question::Dns(DnsQuestion {
                server: NameServer { address: SocketAddr::new(address, DNS_PORT), transport: DnsTransport::Udp },
                role: DnsServer::Resolver { address: Some(address), name: None },
                name: probe.host.as_str().into(),
                record_type,
            }));
        }
    }

    /// Is the host of this probe asked for through every resolver already?
    fn through_all(&self, probe: &ProbeTarget) -> bool {
        self.known.keys().any(|target| {
            matches!(target, Target::Dns { server: DnsServer::Resolver { name: Some(_), .. }, name, .. } if **name == *probe.host)
        })
    }

    /// What is left out, said in the end.
    fn notes(&mut self) {
        let organization = self.ground.organization;
        let probes = organization.services.iter().flat_map(|service| &service.probes).chain(&organization.controls);
        let pings: Vec<&str> = probes.filter(|probe| probe.kind == ProbeKind::Ping).map(|probe| probe.name.as_str()).collect();
        if !pings.is_empty() {
            self.note(format!("probes of kind \"ping\" are matched in recordings, but not asked: {}", pings.join(", ")));
        }
        let left_out = std::mem::take(&mut self.left_out);
        for (family, of_family) in [("IPv4", true), ("IPv6", false)] {
            let whose: BTreeSet<Arc<str>> =
                left_out.iter().filter(|(address, _)| address.is_ipv4() == of_family).map(|(_, whose)| Arc::clone(whose)).collect();
            if !whose.is_empty() {
                let whose: Vec<&str> = whose.iter().map(|name| &**name).collect();
                self.note(format!(
                    "this machine has no route for {family}: not asked at the {family} addresses of {}",
                    whose.join(", ")
                ));
            }
        }
        if self.ground.resolvers.is_empty() {
            self.note("no resolver is known: nothing is asked by name; add [[probing.resolvers]]".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
