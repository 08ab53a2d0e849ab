//! BMP (RFC 7854): what the organization's own routers tell of their peers.
//!
//! [`frame`] finds where messages end, `header` reads whom they are about, `peer` what was agreed with it, and `router` turns them into the same statements
//! as an archive of a collector: a router is a collector, its peers are vantage points. [`Routers`] is several routers as they speak, `reader` a
//! recording of one, [`recording`] of all of them. Nothing is asked of a network here.

pub mod frame;
mod header;
mod initiation;
mod peer;
mod reader;
pub mod recording;
mod router;
mod routers;

pub(super) use reader::{BmpReader, is_bmp};
pub(super) use recording::{RoutersReader, is_of_routers};
pub use routers::{ConnectionId, MOST_ROUTERS, RouterEvent, RouterGlance, RouterNews, Routers, RoutersContext};
