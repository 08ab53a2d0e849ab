//! Faultline beyond one machine, on DataFusion (one process) and Ballista (a cluster).
//!
//! Two things, on the same parts. **SQL over archives**: [`updates`](TableKind::Updates), [`ribs`](TableKind::Ribs) and [`files`](TableKind::Files) are tables whose scan is Faultline's own, with the
//! prefixes of a query pushed down into it. **The outages of every origin**: each archive is unpacked and scanned once, where it is read, and passed on as a
//! [stand-in](faultline::source::squeeze); each [`Share`](faultline::scope::Share) of all prefixes is followed by one task, over all files in order of time; what the shares found is joined.
//! It is what one process finds.
//!
//! [`archives`] finds files and opens them, also those in object stores; [`table`] is what a query names; [`prefixes`] reads the prefixes which it asks for; [`rows`] makes rows of
//! statements; [`per_file`] and [`survey`] are the two nodes of a plan which are ours; [`deal`] says how shares come to tasks; [`wire`] carries them to executors; [`cluster`] starts and reaches those.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")
)]

mod archives;
mod cluster;
mod deal;
mod job;
mod per_file;
mod prefixes;
mod rows;
mod survey;
mod table;
mod wire;

pub use archives::find;
pub use cluster::{Executor, local, remote, run_executor, run_scheduler};
pub use job::{Job, outages};
pub use table::{ArchiveTable, TableKind, spec_of};
