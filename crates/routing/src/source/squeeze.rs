//! Archives reduced to what a survey of every origin looks at.
//!
//! Takes the bytes of an archive file; gives a smaller one, packed, which says the same of every origin: it has the same records at the same times, but of paths
//! only their origins, and no attribute which nobody reads. Whoever follows every prefix of the Internet together with others unpacks and scans each archive
//! once, and passes it on in this form. A file which is damaged, or no MRT, is passed on as it is: what is made of it is decided in one place only.

use super::interest::Interest;
use super::mrt::{self, Step};
use super::open::{Content, Opened, look};
use super::raw::decompress;
use crate::compression::Compression;
use crate::timing::Timing;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Fast to pack and to unpack.
const LEVEL: i32 = 3;

/// What stands in for an archive file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squeezed {
    /// It, as a file of its own.
    pub bytes: Vec<u8>,
    /// What is known of the file itself.
    pub of: Original,
}

/// What is known of a file for which another one stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// BLAKE3 of it, in hexadecimal.
    pub blake3: String,
    /// How it is compressed.
    pub compression: Compression,
    /// Where in the unpacked file records stand, by their number, which the full decoder reads: it may have something to say of that place.
    pub offsets: Vec<(u64, u64)>,
}

/// A file which stands in for another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandIn {
    /// Where it is.
    pub path: PathBuf,
    /// What is known of the other one.
    pub of: Original,
}

/// Squeezes a file of so many `bytes`; `open` opens it, a second time if it has to be passed on as it is.
///
/// # Errors
/// What the system says when it is opened, or read as it is.
pub fn squeeze(bytes: u64, open: impl Fn() -> io::Result<Box<dyn Read + Send>>) -> io::Result<Squeezed> {
    let Opened { content, compression, raw } = look(decompress(open()?, 1, &Timing::default())?, &Timing::default());
    if let Content::Mrt(frames) = content
        && let Some(Shortened { bytes: squeezed, offsets }) = shortened(*frames)?
    {
        let blake3 = if raw.bytes() == bytes { raw.hash() } else { hash_of(open()?)? };
        return Ok(Squeezed { bytes: squeezed, of: Original { blake3, compression, offsets } });
    }
    let mut bytes = Vec::new();
    open()?.read_to_end(&mut bytes)?;
    let blake3 = hash_of(bytes.as_slice())?;
    Ok(Squeezed { bytes, of: Original { blake3, compression, offsets: Vec::new() } })
}

/// BLAKE3 of a stream, in hexadecimal.
pub(super) fn hash_of(stream: impl Read) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(stream)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Records, shorter and packed, and where those stood which are as before.
struct Shortened {
    bytes: Vec<u8>,
    offsets: Vec<(u64, u64)>,
}

/// The same records, shorter; `None` if some could not be read.
fn shortened(mut frames: mrt::Frames) -> io::Result<Option<Shortened>> {
    let mut out = zstd::Encoder::new(Vec::new(), LEVEL)?;
    let (mut record, mut offsets) = (Vec::new(), Vec::new());
    loop {
        let frame = match frames.step(&Interest::Origins) {
            Step::Record(frame) => frame,
            Step::Damage(_) => return Ok(None),
            Step::End if frames.failure().is_some() => return Ok(None),
            Step::End => return Ok(Some(Shortened { bytes: out.finish()?, offsets })),
        };
        record.clear();
        if !mrt::shorten(frames.record(), frames.body(frame.kind), &frame.body, &mut record) {
            offsets.push((frame.record, frame.offset));
        }
        out.write_all(&record)?;
    }
}
