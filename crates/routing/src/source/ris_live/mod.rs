//! RIS Live (ris-live.ripe.net/manual) to statements: the stream itself, and recordings of it as JSON Lines.
//!
//! [`frame`] reads one frame, `order` puts frames into order, `reader` reads a recording; `write` makes frames of messages in archives,
//! `subscription` says who gets which, and `shares` deals a stream out to several who follow it together. What a message says becomes the same
//! statements as in an archive of that collector: where the bytes of a message are told and its fields are not, the decoder of archives
//! reads them.

pub mod frame;
mod messages;
mod order;
mod reader;
mod shares;
mod stream;
mod subscription;
mod write;

pub use messages::AHEAD;
pub(super) use order::{HELD, Order};
pub(super) use reader::{RisLiveReader, is_recording, line_end};
pub use shares::PathFor;
pub use stream::RisLive;
pub use subscription::{PathPattern, Request, Require, SocketOptions, Subscription};
pub use write::Shown;
