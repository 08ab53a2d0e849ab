//! An organization to watch: one which occurs in both kinds of inputs, and concerns about one message in a thousand.

use super::networks::{Prefix, Universe};
use super::table::part;
use std::fmt::Write;

/// How far behind the most talkative networks it is looked for.
const FIRST: usize = 200;
/// Networks which it consists of.
const NETWORKS: usize = 3;

/// What is watched.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// AS numbers.
    pub origins: Vec<u32>,
    /// Prefixes, in order.
    pub prefixes: Vec<Prefix>,
}

/// The organization: three networks next to each other, with those of their prefixes which a dump of so many prefixes holds.
pub fn watched(universe: &Universe, prefixes: usize) -> Watched {
    let mut watched = Watched::default();
    let parts = part(universe, prefixes);
    for (place, network) in universe.networks.iter().enumerate().skip(FIRST) {
        let own = parts.iter().flat_map(|routes| routes.iter().filter(|route| route.origin == place).map(|route| route.prefix));
        let before = watched.prefixes.len();
        watched.prefixes.extend(own);
        if watched.prefixes.len() > before {
            watched.origins.push(network.asn);
        }
        if watched.origins.len() == NETWORKS {
            break;
        }
    }
    watched.origins.sort_unstable();
    watched.prefixes.sort_unstable();
    watched
}

impl Watched {
    /// As a profile of Faultline.
    pub fn profile(&self) -> String {
        let mut text = String::from("[organization]\nname = \"Watched by the benchmark\"\n");
        let _ = writeln!(text, "as_numbers = {:?}\nprefixes = [", self.origins);
        for prefix in &self.prefixes {
            let _ = writeln!(text, "    \"{prefix}\",");
        }
        text + "]\n"
    }

    /// As a list, one a line.
    pub fn list(&self) -> String {
        self.prefixes.iter().map(|prefix| format!("{prefix}\n")).collect()
    }
}
