//! An organization to watch: one which occurs in both kinds of inputs, and concerns a few messages in a thousand.

use super::networks::{Route, Universe};
use super::table::part;
use std::fmt::Write;

/// How far behind the most talkative networks it is looked for.
const FIRST: usize = 200;
/// Networks which it consists of.
const NETWORKS: usize = 3;

/// What is watched.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// AS numbers, ascending.
    origins: Vec<u32>,
    /// Its routes: IPv4, IPv6.
    pub(super) routes: [Vec<Route>; 2],
}

/// The organization: three networks next to each other, with those of their routes which a dump of so many prefixes holds.
pub fn watched(universe: &Universe, prefixes: usize) -> Watched {
    let mut watched = Watched::default();
    let parts = part(universe, prefixes);
    for (place, network) in universe.networks.iter().enumerate().skip(FIRST) {
        let own = parts.map(|routes| routes.iter().filter(|route| route.origin == place).copied().collect::<Vec<_>>());
        if own.iter().all(Vec::is_empty) {
            continue;
        }
        watched.origins.push(network.asn);
        for (routes, own) in watched.routes.iter_mut().zip(own) {
            routes.extend(own);
        }
        if watched.origins.len() == NETWORKS {
            break;
        }
    }
    watched.origins.sort_unstable();
    watched
}

impl Watched {
    /// As a profile of Faultline.
    pub fn profile(&self) -> String {
        let mut text = String::from("[organization]\nname = \"Watched by the benchmark\"\n");
        let _ = writeln!(text, "as_numbers = {:?}\nprefixes = [", self.origins);
        for route in self.routes.iter().flatten() {
            let _ = writeln!(text, "    \"{}\",", route.prefix);
        }
        text + "]\n"
    }

    /// As a list, one a line.
    pub fn list(&self) -> String {
        self.routes.iter().flatten().map(|route| format!("{}\n", route.prefix)).collect()
    }
}
