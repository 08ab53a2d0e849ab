//! Active probing: what follows from a profile is asked, once or again and again, and every attempt becomes a [`ProbeResult`](crate::probe::ProbeResult).
//!
//! Takes an organization; gives [`ProbeEvent`]s in the order in which attempts end. It judges nothing: whether a target is up is decided in
//! `reachability`, from these results as from recorded ones.
//!
//! Order of the parts: `plan` (which questions; pure), `learned` (what answers add to the profile), `surroundings` (what the machine has:
//! resolvers, routes, a name), `schedule` (when each is asked), `prober` (all of it together).

#[cfg(any(feature = "live", test))]
mod learned;
mod plan;
#[cfg(feature = "live")]
mod prober;
#[cfg(feature = "live")]
mod schedule;
#[cfg(feature = "live")]
mod surroundings;

pub use plan::{Ground, Plan};
#[cfg(feature = "live")]
pub use prober::{ProbeEvent, Prober};
#[cfg(feature = "live")]
pub use surroundings::{ProbingError, Surroundings, system_resolvers};
