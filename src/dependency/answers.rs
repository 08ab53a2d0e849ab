//! What recorded DNS answers say of names: addresses, aliases, name servers, each with the record which said it first.
//!
//! Takes probe results one by one, in any number; keeps each fact once. An answer counts whoever gave it and whenever: which of two
//! addresses is the right one is not decided here. Addresses which can be nobody's on the Internet are set aside and named.

use crate::observation::RecordRef;
use crate::probe::{AskedAddress, DnsAnswer, DnsServer, HttpKind, Outcome, ProbeResult, Target};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Aliases followed from one name: RFC 1034 §3.6.2 wants chains short, resolvers stop at 8 to 16.
const LONGEST_CHAIN: usize = 16;

/// Facts from recorded answers. Names are lower case without final dot.
#[derive(Default, Debug)]
pub struct Answers {
    addresses: BTreeMap<Arc<str>, Vec<(IpAddr, RecordRef)>>,
    aliases: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    name_servers: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    unusable: BTreeMap<(Arc<str>, IpAddr), u64>,
}

impl Answers {
    /// Learns from one result: the answer section of a DNS answer, the address at which a name server was asked directly, that which a page
    /// requested by name was fetched from.
    pub fn observe(&mut self, result: &ProbeResult) {
        if let Target::Dns { server: DnsServer::Authority { address, name: Some(server) }, .. } = &result.target {
            self.address(server, *address, result.source);
        }
        match (&result.target, &result.outcome) {
            (Target::Dns { name, .. }, Outcome::Dns(outcome)) => self.answer_section(name, &outcome.answers, result.source),
            (Target::Http { host, address: AskedAddress::ByName, .. }, Outcome::Http(outcome)) => {
                if let Some(address) = outcome.address.filter(|_| outcome.kind != HttpKind::NameNotResolved) {
                    self.address(host, address, result.source);
                }
            }
            (Target::Dns { .. } | Target::Http { .. } | Target::Ping { .. } | Target::Status { .. }, _) => {}
        }
    }

    /// How many facts are known.
    pub fn facts(&self) -> usize {
        let names = self.aliases.values().chain(self.name_servers.values());
        self.addresses.values().map(Vec::len).chain(names.map(Vec::len)).sum()
    }

    /// A section without owner names is read in its order: each alias names the owner of what follows.
    fn answer_section(&mut self, question: &Arc<str>, answers: &[DnsAnswer], record: RecordRef) {
        let mut current = Arc::clone(question);
        for answer in answers {
            let owner = if answer.name.is_empty() { Arc::clone(&current) } else { Arc::clone(&answer.name) };
            match &*answer.record_type {
                "A" | "AAAA" => {
                    if let Ok(address) = answer.data.parse() {
                        self.address(&owner, address, record);
                    }
                }
                "CNAME" => {
                    once(self.aliases.entry(owner).or_default(), &answer.data);
                    current = Arc::clone(&answer.data);
                }
                "NS" => once(self.name_servers.entry(owner).or_default(), &answer.data),
                _ => {}
            }
        }
    }

    fn address(&mut self, owner: &Arc<str>, address: IpAddr, record: RecordRef) {
        if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
            *self.unusable.entry((Arc::clone(owner), address)).or_default() += 1;
            return;
        }
        let known = self.addresses.entry(Arc::clone(owner)).or_default();
        if !known.iter().any(|(a, _)| *a == address) {
            known.push((address, record));
        }
    }

    /// Addresses of a name, in the order learned, with the record which named each first.
    pub fn addresses_of(&self, name: &str) -> impl Iterator<Item = (IpAddr, RecordRef)> + '_ {
        self.addresses.get(name).into_iter().flatten().copied()
    }

    /// All names the name was an alias for, nearest first; a loop ends where it closes.
    pub fn aliases_of(&self, name: &Arc<str>) -> Vec<Arc<str>> {
        let mut chain = vec![Arc::clone(name)];
        let mut next = 0;
        while next < chain.len() && chain.len() <= LONGEST_CHAIN {
            for alias in self.aliases.get(&chain[next]).into_iter().flatten() {
                if !chain.contains(alias) {
                    chain.push(Arc::clone(alias));
                }
            }
            next += 1;
        }
        chain.split_off(1)
    }

    /// Name servers of a zone, in the order learned.
    pub fn name_servers_of(&self, zone: &str) -> impl Iterator<Item = Arc<str>> + '_ {
        self.name_servers.get(zone).into_iter().flatten().cloned()
    }

    /// Every zone of which name servers are known.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<str>> {
        self.name_servers.keys()
    }

    /// Answers which were set aside, in words.
    pub(super) fn unusable(&self) -> impl Iterator<Item = String> + '_ {
        let words = |((name, address), count): (&(Arc<str>, IpAddr), &u64)| {
            format!("{count} answers gave {address} for {name}, which is nobody's address on the Internet: not used")
        };
        self.unusable.iter().map(words)
    }
}

fn once(list: &mut Vec<Arc<str>>, name: &Arc<str>) {
    if !list.contains(name) {
        list.push(Arc::clone(name));
    }
}
