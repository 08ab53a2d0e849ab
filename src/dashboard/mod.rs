//! The dashboard of a watch: one page which says whether anything can be seen, what is lost, and since when; the same as JSON, and as metrics.
//!
//! [`Publisher`] makes a [`Snapshot`] of the watch at most once a second; [`serve`] shows the newest one, from a thread of its own, to
//! whoever may see it. Nothing flows back: a browser can change nothing, and a slow one delays nothing.
//!
//! Order of the parts: `chronicle` (incidents by number), `publish`; `access` (who may see it), `server` (connections and their limits),
//! `routes`; `page` with `chart`, `events` (what changes on it), `api` with `openapi`, `metrics`, `health`.

mod access;
mod api;
mod chart;
mod chronicle;
mod events;
mod health;
mod metrics;
mod openapi;
mod page;
mod publish;
mod routes;
mod server;

pub use access::{Access, Token};
pub use api::{Feeds, IncidentReport, Incidents, Prefixes, Problem, ServiceCode, ServiceState, Services, Status};
pub use chronicle::{Chronicle, IncidentRow, IncidentState, Snapshot};
pub use health::Pulse;
pub use publish::Publisher;
pub use server::{DashboardError, Serving, serve};
