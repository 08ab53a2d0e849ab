//! Large MRT inputs which look like those of a busy route collector, the same for the same seed.
//!
//! A [`Universe`] holds networks, their providers and their routes. [`UpdateStream`] writes what its peers say about it
//! (BGP4MP_ET, RFC 6396 §4.4 and §3) and [`write_table`] what they hold (TABLE_DUMP_V2, §4.3). [`watched`] picks an organization out
//! of it. Lengths of paths, communities, the number of prefixes a message and the burstiness follow recordings of RIPE RIS of 2025;
//! nothing is copied from one. Uses the standard library only and opens no files, so that benches can include it.

mod attributes;
mod dice;
mod networks;
mod record;
mod session;
mod table;
mod updates;
mod watching;

pub use dice::{Dice, mix};
pub use networks::{Prefix, Scale, Universe};
pub use session::Peer;
pub use table::write_table;
pub use updates::{Said, UpdateStream};
pub use watching::{Watched, watched};

/// When the first file begins: 1 November 2025, 00:00 UTC.
pub const BEGINS: u64 = 1_761_955_200;
/// Changes whenever other bytes come out for the same seed, so that kept inputs are made anew.
pub const VERSION: u32 = 1;
