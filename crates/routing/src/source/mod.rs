//! Readers of BGP archives.
//!
//! [`discover`] turns what the user named into files; [`Merge`] reads them all, merged by time, as one stream of
//! [`Observation`](crate::observation::Observation)s; a [`FileAccount`] says for each file what was in it and what could not be read.
//! [`Interest`] says which prefixes deserve a statement each. Underneath, `open` decides by content what a file is, `raw` unpacks
//! it, `mrt`, `ripestat`, [`ris_live`] and [`bmp`] read it, `route` AS paths; `naming` reads archive names, [`collectors`] knows whose are public, `gap`
//! finds missing files, `repeat` finds series which say the same. [`Reading`] tells how far it has come. [`verify`] tells whether a file is whole.
//!
//! Everything bgpkit-parser knows stays in here. Nothing is judged, and nothing is dropped without being counted.

mod account;
mod advance;
mod ahead;
mod alone;
pub mod bmp;
pub mod collectors;
mod discover;
mod gap;
mod hexadecimal;
mod interest;
mod merge;
mod mrt;
pub mod mrt_writer;
mod naming;
mod open;
mod origins;
mod plan;
mod raw;
mod reader;
mod reading;
mod relay;
mod repeat;
mod ripestat;
pub mod ris_live;
mod route;
mod squeeze;
mod stating;
mod tap;
mod verify;

pub use account::{Damage, FileAccount, FileKind};
pub use alone::{ScannedAlone, scan_alone};
pub use discover::{InputFile, InputSpec, SourceError, discover};
pub use interest::{Interest, WatchedPrefixes};
pub use merge::{Merge, Resources};
#[cfg(fuzzing)]
pub use mrt::disagreement;
pub use naming::series_and_begin;
pub use origins::{Originated, TableSeen, originated};
pub use reading::{ReadSoFar, Reading};
pub use squeeze::{Original, Squeezed, StandIn, squeeze};
pub use tap::Tapped;
pub use verify::{Whole, verify};
