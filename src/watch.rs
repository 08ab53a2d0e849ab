//! The live half: what `analyze` finds in archives, found while it happens.
//!
//! [`Live`] takes frames of RIS Live and the time; it drives the same pipeline as archives do, and gives what happens to incidents:
//! [`LifeCycle`] tells what is new of them, each change once. Both are pure: a replay gives what the live run gave. [`connection`] and [`bmp_station`] are the
//! parts which wait for the network.

#[cfg(feature = "live")]
pub mod archives;
pub mod backfill;
#[cfg(feature = "live")]
pub mod bmp_station;
pub mod board;
#[cfg(feature = "nats")]
pub mod bus;
pub mod canary;
#[cfg(any(feature = "live", test))]
mod clock;
#[cfg(feature = "live")]
pub mod connection;
#[cfg(feature = "live")]
pub mod hearing;
#[cfg(any(feature = "live", test))]
mod lateness;
pub mod ledger;
mod life;
mod live;
mod probed;
pub mod record;
#[cfg(feature = "live")]
pub mod run;
mod seed;
#[cfg(feature = "live")]
pub mod stream;
#[cfg(feature = "live")]
pub mod survey;

pub use life::{IncidentChange, IncidentEvent, LifeCycle};
pub use live::{Live, subscribe_to_everything};
pub use probed::Before;
