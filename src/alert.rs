//! Alerts: who is told what of an incident, and that it is told.
//!
//! [`decide`] is whom to tell: a pure function with a reason. [`Notice`] is what is said. The [`journal`] keeps both until they are delivered,
//! and what was told before; a [`desk`] takes changes of incidents into it, [`deliver`] takes notices out of it and hands them to [`sink`]s,
//! each of which may be slow or away without delaying another. [`spool`] is how other commands speak to a watch which runs.
//!
//! Nothing here finds or judges incidents, and nothing but [`sink`] and [`resolve`] asks a network.

pub mod decision;
#[cfg(feature = "live")]
pub mod deliver;
#[cfg(feature = "live")]
pub mod desk;
#[cfg(feature = "live")]
pub mod journal;
pub mod notice;
#[cfg(feature = "live")]
pub mod resolve;
#[cfg(feature = "live")]
pub mod sink;
pub mod spool;

pub use decision::{Acknowledgement, Decision, Happening, History, Hold, Quiet, Send, Silence, Silenced, decide};
pub use notice::{IncidentBrief, Notice, NoticeService};
