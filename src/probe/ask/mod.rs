//! One question, asked now: it takes a [`Question`] and a limit of time, and gives an [`Attempt`].
//!
//! Whatever a target or the network does is an outcome, out of the closed sets of [`probe`](super). What keeps the prober itself from
//! asking (no file descriptor, no address to send from) says nothing of the target: it is a [`ProberTrouble`], and no result. Nothing is
//! repeated, kept or judged; every attempt makes a connection of its own.

mod dns;
mod ending;
mod http;
mod query;
mod transport;

use super::{Outcome, Question};
use crate::time::{Span, Timestamp};
use ending::Ending;
use rustls::ClientConfig;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// One attempt, without the names under which it is recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct Attempt {
    /// It began.
    pub at: Timestamp,
    /// Until its outcome was known.
    pub took: Span,
    /// How it ended.
    pub outcome: Outcome,
}

/// How long answers are waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// For the answer to a DNS question, repetitions and another transport included.
    pub dns: Duration,
    /// For a page, from the resolution of its name to the beginning of its body.
    pub http: Duration,
}

/// The prober could not ask. This is not the target's fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{doing}: {reason}")]
pub struct ProberTrouble {
    /// What it was about to do.
    pub doing: &'static str,
    /// What the system said.
    pub reason: String,
}

/// Of which families of addresses the machine can reach any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

/// Asks.
#[derive(Clone, Debug)]
pub struct Asker {
    tls: Arc<ClientConfig>,
    families: Families,
    limits: Limits,
}

impl Asker {
    /// With the certificate authorities of `tls`.
    pub fn new(tls: ClientConfig, families: Families, limits: Limits) -> Self {
        Asker { tls: Arc::new(tls), families, limits }
    }

    /// Asks once.
    ///
    /// # Errors
    /// If the prober is in trouble itself.
    pub async fn ask(&self, question: &Question) -> Result<Attempt, ProberTrouble> {
        let at = now();
        let began = Instant::now();
        let outcome = match question {
            Question::Dns(question) => Outcome::Dns(dns::ask(self, question, began + self.limits.dns).await?),
            Question::Http(question) => Outcome::Http(http::ask(self, question, began + self.limits.http).await?),
        };
        let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
        Ok(Attempt { at, took: Span::from_micros(took), outcome })
    }
}

impl Families {
    /// Those to which the machine has a route. Nothing is sent.
    pub fn of_machine() -> Families {
        // Addresses of root servers: whoever reaches anything at all has a route there.
        let v4 = IpAddr::from([198, 41, 0, 4]);
        let v6 = IpAddr::from([0x2001, 0x503, 0xba3e, 0, 0, 0, 0x2, 0x30]);
        Families { v4: has_route(v4), v6: has_route(v6) }
    }

    /// Can this address be reached? Those of the machine itself always can.
    pub fn reach(self, address: IpAddr) -> bool {
        address.is_loopback() || if address.is_ipv4() { self.v4 } else { self.v6 }
    }
}

fn has_route(address: IpAddr) -> bool {
    UdpSocket::bind((transport::unspecified(address), 0)).and_then(|socket| socket.connect((address, 53))).is_ok()
}

#[allow(clippy::disallowed_methods, reason = "an attempt is made now")]
fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

#[cfg(test)]
mod tests;
