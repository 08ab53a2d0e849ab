//! What the machine which probes has: certificate authorities, routes, resolvers, a name.
//!
//! Read once, before anything is asked.

use crate::org::{Organization, ProbeResolver};
use crate::probe::ask::Families;
use crate::probe::{DnsTransport, NameServer};
use crate::web::{self, WebError};
use rustls::ClientConfig;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Where systems keep their resolvers (resolv.conf(5)) …
const RESOLVERS: &str = "/etc/resolv.conf";
/// … and their name.
const NAMES: [&str; 2] = ["/proc/sys/kernel/hostname", "/etc/hostname"];
/// The name of a place which has none.
const HERE: &str = "here";

/// Why nothing can be probed.
#[derive(Debug, thiserror::Error)]
pub enum ProbingError {
    /// There is no TLS.
    #[error(transparent)]
    Web(#[from] WebError),
    /// Nobody can be asked for a name.
    #[error(
        "no resolver is known: the profile has none, and {RESOLVERS} {reason}; add [[probing.resolvers]] with name and address"
    )]
    NoResolver {
        /// What is wrong with the system's.
        reason: String,
    },
    /// Nothing follows from the profile.
    #[error("nothing follows from the profile which could be asked: add [[services]] with hostnames, or [[services.probes]]")]
    NothingToAsk,
}

/// What the machine has.
#[derive(Debug)]
pub struct Surroundings {
    /// Whose certificates are trusted.
    pub tls: ClientConfig,
    /// Which addresses can be reached.
    pub families: Families,
    /// Through whom names are asked for.
    pub resolvers: Vec<ProbeResolver>,
    /// The name under which results are recorded.
    pub vantage: Arc<str>,
    /// Where chance begins.
    pub seed: u64,
}

impl Surroundings {
    /// Those of this machine; what the profile says comes first.
    ///
    /// # Errors
    /// If there is no TLS, or nobody who could be asked for a name.
    pub fn of_machine(organization: &Organization) -> Result<Surroundings, ProbingError> {
        let probing = &organization.probing;
        let resolvers = if probing.resolvers.is_empty() { system_resolvers()? } else { probing.resolvers.clone() };
        let vantage = probing.vantage.clone().or_else(name).unwrap_or_else(|| HERE.to_owned()).into();
        let seed = RandomState::new().hash_one(());
        Ok(Surroundings { tls: web::tls()?, families: Families::of_machine(), resolvers, vantage, seed })
    }
}

/// The resolvers of the system.
///
/// # Errors
/// If it names none.
pub fn system_resolvers() -> Result<Vec<ProbeResolver>, ProbingError> {
    let no_resolver = |reason: String| ProbingError::NoResolver { reason };
    let text = std::fs::read_to_string(RESOLVERS).map_err(|error| no_resolver(format!("cannot be read ({error})")))?;
    let resolvers = name_servers(&text);
    if resolvers.is_empty() { Err(no_resolver("names none".to_owned())) } else { Ok(resolvers) }
}

/// The `nameserver` lines of a resolv.conf, each once; addresses of one link alone (`fe80::1%eth0`) are left out.
fn name_servers(text: &str) -> Vec<ProbeResolver> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let address =
            words.next().filter(|word| *word == "nameserver").and_then(|_| words.next()).and_then(|word| word.parse().ok());
        addresses.extend(address.filter(|address| !addresses.contains(address)));
    }
    let resolver = |address: IpAddr| ProbeResolver {
        name: address.to_string(),
        server: NameServer { address: SocketAddr::new(address, DnsTransport::Udp.port()), transport: DnsTransport::Udp },
    };
    addresses.into_iter().map(resolver).collect()
}

fn name() -> Option<String> {
    let files = NAMES.iter().filter_map(|path| std::fs::read_to_string(path).ok()).chain(std::env::var("HOSTNAME").ok());
    files.map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_of_the_system_are_read_as_they_are_written() {
        let text = "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \nnameserver 192.0.2.1\n\
                    nameserver fe80::1%eth0\nnameserver\noptions ndots:2\n";
        let found: Vec<String> = name_servers(text).iter().map(|resolver| resolver.server.address.to_string()).collect();
        assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53"]);
    }
}
