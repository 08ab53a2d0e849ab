//! Opens a file and finds out what it is.
//!
//! Takes an input file; gives its stream as MRT frames or as the text of a JSON answer, whatever its name. Reads only the beginning.

use super::bmp::{is_bmp, is_of_routers};
use super::discover::InputFile;
use super::interest::Interest;
use super::mrt::{Body, Bytes, Frames, Step};
use super::raw::{Decompressed, RawSide, decompress};
use super::ris_live::is_recording;
use super::squeeze::hash_of;
use crate::compression::{Compression, LOOKED_AT};
use crate::time::Timestamp;
use crate::timing::Timing;
use std::fs::File;
use std::io::{self, Read};

/// What a file holds.
pub(super) enum Content {
    /// MRT records.
    Mrt(Box<Frames>),
    /// Frames of RIS Live, one a line.
    RisLive(Bytes),
    /// Messages of BMP.
    Bmp(Bytes),
    /// What happened to connections of routers, an event a line.
    Routers(Bytes),
    /// JSON text, perhaps a RIPEstat answer.
    Json(Vec<u8>),
    /// JSON text which is too long to be one.
    LongJson,
    /// No bytes.
    Empty,
    /// Something else; why it ended, if it could not be read.
    Foreign(Option<String>),
}

/// A file which has been opened.
pub(super) struct Opened {
    pub(super) content: Content,
    pub(super) compression: Compression,
    pub(super) raw: RawSide,
}

/// The longest JSON answer: RIPEstat's own limit lies far below it.
const LONGEST_JSON: usize = 256 * 1024 * 1024;

/// Opens a file, or standard input, and unpacks it.
///
/// # Errors
/// What the system says.
pub(super) fn unpack(file: &InputFile, threads: usize, timing: &Timing) -> io::Result<Decompressed> {
    let raw: Box<dyn Read + Send> =
        if file.path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(file.read_at())?) };
    decompress(raw, threads, timing)
}

/// Finds out what a stream holds.
pub(super) fn look(opened: Decompressed, timing: &Timing) -> Opened {
    let mut frames = Frames::new(opened.stream).timed(timing.clone());
    let head = frames.peek(64);
    let content = if head.is_empty() {
        match frames.failure() {
            Some(failure) => Content::Foreign(Some(failure.to_owned())),
            None => Content::Empty,
        }
    } else if head.iter().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf)) == Some(&b'{')
        && !frames.is_mrt()
    {
        if is_of_routers(frames.bytes()) {
            Content::Routers(frames.into_bytes())
        } else if is_recording(frames.bytes()) {
            Content::RisLive(frames.into_bytes())
        } else {
            frames.into_rest(LONGEST_JSON).map_or(Content::LongJson, Content::Json)
        }
    } else if is_bmp(frames.bytes()) {
        Content::Bmp(frames.into_bytes())
    } else if frames.is_mrt() {
        Content::Mrt(Box::new(frames))
    } else {
        Content::Foreign(frames.failure().map(str::to_owned))
    };
    Opened { content, compression: opened.compression, raw: opened.raw }
}

/// The same for a file which is only looked at.
fn look_at(file: &InputFile) -> io::Result<Opened> {
    let timing = Timing::default();
    Ok(look(unpack(file, 1, &timing)?, &timing))
}

/// The compression of a file, from its first bytes alone.
pub(super) fn compression(file: &InputFile) -> io::Result<Compression> {
    if let Some(stand_in) = &file.stand_in {
        return Ok(stand_in.of.compression);
    }
    let mut head = Vec::new();
    File::open(&file.path)?.take(LOOKED_AT as u64).read_to_end(&mut head)?;
    Ok(Compression::of(&head))
}

/// BLAKE3 of a file, in hexadecimal.
pub(super) fn hash(file: &InputFile) -> io::Result<String> {
    if let Some(stand_in) = &file.stand_in {
        return Ok(stand_in.of.blake3.clone());
    }
    hash_of(File::open(&file.path)?)
}

/// A message as it stands in the file, for comparing files.
pub(super) struct Sample {
    /// When.
    pub(super) at: Timestamp,
    /// Hash of peer and message.
    pub(super) hash: u64,
    /// True if the record has microseconds.
    pub(super) fine: bool,
}

/// Up to `count` BGP4MP message records from `from` on, and the time of the latest record met.
///
/// # Errors
/// What the system says.
pub(super) fn sample(file: &InputFile, from: Timestamp, count: usize) -> io::Result<(Vec<Sample>, Option<Timestamp>)> {
    use std::hash::BuildHasher;
    let mut samples = Vec::new();
    let mut latest: Option<Timestamp> = None;
    let Content::Mrt(mut frames) = look_at(file)?.content else { return Ok((samples, latest)) };
    while samples.len() < count {
        match frames.step(&Interest::Everything) {
            Step::Record(frame) => {
                latest = latest.max(Some(frame.at));
                let is_message = matches!(frame.kind, 16 | 17) && !matches!(frame.subtype, 0 | 5);
                if is_message && frame.at >= from && !matches!(frame.body, Body::Unsupported(_)) {
                    let hash = foldhash::fast::FixedState::default().hash_one(frames.body(frame.kind));
                    samples.push(Sample { at: frame.at, hash, fine: frame.is_fine() });
                }
            }
            Step::Damage(_) => {}
            Step::End => break,
        }
    }
    Ok((samples, latest))
}

/// The time of a file's first record.
pub(super) fn sample_first(file: &InputFile) -> Option<Timestamp> {
    let Content::Mrt(mut frames) = look_at(file).ok()?.content else { return None };
    loop {
        match frames.step(&Interest::Everything) {
            Step::Record(frame) => return Some(frame.at),
            Step::Damage(_) => {}
            Step::End => return None,
        }
    }
}
