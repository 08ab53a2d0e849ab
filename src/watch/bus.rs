//! A bus between several who watch: what a stream says, put into NATS JetStream once, and read from there by many.
//!
//! One program [publishes](publish): it hears a stream, deals out what that says in [shares](crate::scope::Share) of all prefixes, and puts it into a stream of
//! JetStream, with notes of how late it is and of when nothing could be heard. Others [read](mod@read) what is for all and the shares they need, from any time which is kept.
//! The notes are the only clock, so whoever reads it again, after a loss of the connection or in a new process, finds the same.
//!
//! | subject | what stands in it |
//! |---|---|
//! | `NAME.16.all` | every message without its path, notes |
//! | `NAME.16.0` to `NAME.16.15` | what is said of the prefixes of this share, with paths |

pub mod batch;
pub mod publish;
pub mod read;
mod server;
pub mod sets;

pub use server::{Address, AddressError};
