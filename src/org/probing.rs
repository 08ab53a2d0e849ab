//! How an organization is probed actively: from where, how often, through which resolvers.
//!
//! Validated values with their defaults; what is asked follows from zones, services and controls, and is decided in `probing`.

use crate::probe::NameServer;
use crate::time::Span;

/// The table `[probing]` of a profile.
#[derive(Clone, PartialEq, Debug)]
pub struct Probing {
    /// The name under which results are recorded; `None`: that of the machine.
    pub vantage: Option<String>,
    /// How often each question is asked.
    pub every: Span,
    /// How long the answer to a DNS question is waited for.
    pub dns_timeout: Span,
    /// How long a page may take, with its name's resolution, the connection and the handshake.
    pub http_timeout: Span,
    /// How many questions wait for their answers at one time.
    pub concurrency: u16,
    /// The port at which name servers are asked directly.
    pub authority_port: u16,
    /// Resolvers to ask through; empty: those of the system.
    pub resolvers: Vec<ProbeResolver>,
}

/// A recursive resolver of others or of the organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeResolver {
    /// What results and reports call it.
    pub name: String,
    /// Where it is and how it is spoken to.
    pub server: NameServer,
}

/// `every`: with `down_after` 3 a target is down within three minutes, and one question a minute burdens nobody. `dns_timeout`: within it a
/// resolver has tried a few authorities of 1 s or so, and clients give up after 5 s. `http_timeout`: what people wait for a page. Both leave
/// time until the next turn. `concurrency`: far below the file descriptors which a process may have (1,024 on most systems).
impl Default for Probing {
    fn default() -> Self {
        Probing {
            vantage: None,
            every: Span::from_seconds(60),
            dns_timeout: Span::from_seconds(5),
            http_timeout: Span::from_seconds(10),
            concurrency: 64,
            authority_port: 53,
            resolvers: Vec::new(),
        }
    }
}
