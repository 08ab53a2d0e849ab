//! Is a file whole? It is read to its end, and nothing of it is stated.
//!
//! Takes a file; gives how many records it holds, of what time, and its fingerprint, or why it is not what an archive publishes. A record which cannot be
//! read inside a stream which is whole was written so, and is counted; a stream which breaks off was not fetched whole.

use super::discover::InputFile;
use super::interest::{Interest, WatchedPrefixes};
use super::mrt::{Frames, Step};
use super::open::{hash, unpack};
use crate::compression::Compression;
use crate::time::Timestamp;
use crate::timing::Timing;
use std::io;
use std::path::Path;

/// What a whole file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Its size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal.
    pub blake3: String,
    /// Records, those included which cannot be read.
    pub records: u64,
    /// Records which cannot be read.
    pub unreadable: u64,
    /// The time of the earliest record; `None` of a file in which nothing was recorded.
    pub first: Option<Timestamp>,
    /// The time of the latest record.
    pub last: Option<Timestamp>,
}

/// Reads a file of MRT to its end. The inner error says what is wrong with it.
///
/// # Errors
/// If it cannot be opened or read.
pub fn verify(path: &Path) -> io::Result<Result<Whole, String>> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes == 0 {
        return Ok(Err("it is empty".to_owned()));
    }
    let (collector, series) = (String::new(), String::new());
    let file = InputFile { path: path.to_owned(), collector, series, begins: None, bytes, expected: true, stand_in: None };
    let opened = unpack(&file, 1, &Timing::default())?;
    let (compression, raw) = (opened.compression, opened.raw);
    let mut frames = Frames::new(opened.stream);
    let head = frames.peek(64).to_vec();
    if head.is_empty() {
        return Ok(match frames.failure() {
            Some(failure) => Err(failure.to_owned()),
            // Collectors without peers write such files.
            None if compression != Compression::Plain => {
                Ok(Whole { bytes, blake3: hash(&file)?, records: 0, unreadable: 0, first: None, last: None })
            }
            None => Err("it is empty".to_owned()),
        });
    }
    if !frames.is_mrt() {
        let what = frames.failure().map_or_else(|| foreign(&head), str::to_owned);
        return Ok(Err(what));
    }
    let nothing = Interest::Watched(WatchedPrefixes::default());
    let (mut unreadable, mut first, mut last, mut torn) = (0, None::<Timestamp>, None, false);
    loop {
        match frames.step(&nothing) {
            Step::Record(frame) => {
                first = Some(first.map_or(frame.at, |first| first.min(frame.at)));
                last = last.max(Some(frame.at));
                torn = false;
            }
            Step::Damage(_) => {
                unreadable += 1;
                torn = true;
            }
            Step::End => break,
        }
    }
    if let Some(failure) = frames.failure() {
        return Ok(Err(failure.to_owned()));
    }
    // A record cut short at the end of a file which is not packed shows in no checksum.
    if compression == Compression::Plain && torn {
        return Ok(Err("it ends inside a record".to_owned()));
    }
    let blake3 = if raw.bytes() == bytes { raw.hash() } else { hash(&file)? };
    Ok(Ok(Whole { bytes, blake3, records: frames.records(), unreadable, first, last }))
}

/// What the beginning of something else tells of it.
fn foreign(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head).trim_start().to_lowercase();
    let what = if text.starts_with("<!doctype") || text.starts_with("<html") || text.starts_with("<?xml") {
        "it is a web page and no MRT; is there a proxy or a login in between?"
    } else {
        "it holds no MRT"
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mrt_writer::{Envelope, MrtClock, MrtSession, announce};
    use crate::vantage::Asn;
    use std::io::Write;

    fn records() -> Vec<u8> {
        let session = MrtSession {
            peer: "192.0.2.1".parse().unwrap(),
            peer_asn: Asn(64501),
            local: "192.0.2.2".parse().unwrap(),
            local_asn: Asn(64499),
        };
        let at =
            |seconds: i64| Envelope { session, at: Timestamp::from_parts(1_633_361_940 + seconds, 0), clock: MrtClock::Seconds };
        let said = (0..200).map(|n| announce(at(n), &["198.51.100.0/24".parse().unwrap()], &[Asn(64501)]).unwrap());
        said.collect::<Vec<_>>().concat()
    }

    fn verified(bytes: &[u8]) -> Result<Whole, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        verify(file.path()).unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_whole_file_is_told_by_records_time_and_fingerprint() {
        let packed = gzip(&records());
        let whole = verified(&packed).unwrap();
        assert_eq!((whole.records, whole.unreadable, whole.bytes), (200, 0, packed.len() as u64));
        assert_eq!(whole.blake3, blake3::hash(&packed).to_hex().to_string());
        assert_eq!(whole.last.unwrap().since(whole.first.unwrap()).seconds(), 199);
        let empty = verified(&gzip(b"")).unwrap();
        assert_eq!((empty.records, empty.first), (0, None), "nothing was recorded, and that is whole");
    }

    #[test]
    fn what_broke_off_or_was_changed_on_the_way_is_not_whole() {
        let packed = gzip(&records());
        assert!(verified(&packed[..packed.len() / 2]).unwrap_err().contains("truncated"));
        let mut flipped = packed.clone();
        let middle = packed.len() / 2;
        flipped[middle] ^= 0x55;
        assert!(verified(&flipped).is_err(), "a flipped byte");
        let plain = records();
        assert_eq!(verified(&plain).unwrap().records, 200);
        assert!(verified(&plain[..plain.len() - 3]).unwrap_err().contains("inside a record"));
        assert!(verified(b"").unwrap_err().contains("empty"));
        assert!(verified(b"<!DOCTYPE html><title>Please log in</title>").unwrap_err().contains("web page"));
        assert!(verified(&gzip(b"some other text, and no MRT")).unwrap_err().contains("no MRT"));
    }

    #[test]
    fn a_record_which_was_written_wrong_is_counted_and_the_file_is_whole() {
        let mut bytes = records();
        let length = bytes.len() / 200;
        // The type of the hundredth record.
        bytes[100 * length + 5] = 99;
        let whole = verified(&gzip(&bytes)).unwrap();
        assert_eq!((whole.records, whole.unreadable), (200, 1));
    }
}
