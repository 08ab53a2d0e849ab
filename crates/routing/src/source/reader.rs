//! A file which is read, of whatever kind it turned out to be.

use super::bmp::{BmpReader, RoutersReader};
use super::mrt::MrtReader;
use super::ripestat::RipestatReader;
use super::ris_live::RisLiveReader;
use crate::time::Timestamp;

/// A reader of one file.
pub(super) enum Reader {
    Mrt(Box<MrtReader>),
    Ripestat(Box<RipestatReader>),
    RisLive(Box<RisLiveReader>),
    Bmp(Box<BmpReader>),
    Routers(Box<RoutersReader>),
}

impl Reader {
    /// Why the stream ended early, if it did.
    pub(super) fn failure(&self) -> Option<&str> {
        match self {
            Reader::Mrt(reader) => reader.failure(),
            Reader::Ripestat(_) => None,
            Reader::RisLive(reader) => reader.failure(),
            Reader::Bmp(reader) => reader.failure(),
            Reader::Routers(reader) => reader.failure(),
        }
    }

    /// The time of what comes next; `None` at the end.
    pub(super) fn next_time(&self) -> Option<Timestamp> {
        match self {
            Reader::Mrt(reader) => reader.next_time(),
            Reader::Ripestat(reader) => reader.next_time(),
            Reader::RisLive(reader) => reader.next_time(),
            Reader::Bmp(reader) => reader.next_time(),
            Reader::Routers(reader) => reader.next_time(),
        }
    }
}
