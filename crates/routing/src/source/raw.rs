//! The raw side of a stream: size and fingerprint of a file which is read once only.
//!
//! Takes the raw bytes of a file or of standard input; gives the decompressed stream, and counts and hashes (BLAKE3) the raw bytes on
//! the way. How they are compressed is decided in `compression`.

use crate::compression::{self, Compression};
use crate::timing::{Stage, Timing};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// What is known of the raw bytes read so far.
#[derive(Default, Debug)]
struct Tally {
    bytes: u64,
    hasher: blake3::Hasher,
}

/// A view of the raw side of a stream, usable while the stream is being read.
#[derive(Clone, Default, Debug)]
pub(super) struct RawSide(Arc<Mutex<Tally>>);

impl RawSide {
    /// Raw bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// BLAKE3 of the raw bytes read so far, in hexadecimal.
    pub(super) fn hash(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hasher.finalize().to_hex().to_string()
    }

    fn add(&self, bytes: &[u8]) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tally.bytes += bytes.len() as u64;
        tally.hasher.update(bytes);
    }
}

struct Tallied<R> {
    inner: R,
    side: RawSide,
    timing: Timing,
}

impl<R: Read> Read for Tallied<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.timing.of(Stage::Read, || self.inner.read(buffer))?;
        self.timing.of(Stage::Hash, || self.side.add(&buffer[..read]));
        Ok(read)
    }
}

/// A stream whose time is measured.
struct Timed {
    inner: Box<dyn Read + Send>,
    stage: Stage,
    timing: Timing,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.timing.of(self.stage, || self.inner.read(buffer))
    }
}

/// A decompressed stream.
pub(super) struct Decompressed {
    /// The stream; a damaged or truncated file gives everything before the damage, then an error.
    pub(super) stream: Box<dyn Read + Send>,
    /// How the raw bytes were compressed.
    pub(super) compression: Compression,
    /// Count and hash of the raw bytes.
    pub(super) raw: RawSide,
}

/// Decompresses `raw` as its first bytes tell, with so many threads where its format can use them.
///
/// # Errors
/// What reading the first bytes gave, or what the decoder says of its own set-up.
pub(super) fn decompress(raw: impl Read + Send + 'static, threads: usize, timing: &Timing) -> io::Result<Decompressed> {
    let side = RawSide::default();
    let (compression, stream) = compression::decoder(Tallied { inner: raw, side: side.clone(), timing: timing.clone() }, threads)?;
    let opened = Decompressed { stream, compression, raw: side };
    Ok(opened.measured(Stage::Unpack, timing))
}

impl Decompressed {
    /// The time of whoever reads it is counted as waiting.
    pub(super) fn timed(self, timing: &Timing) -> Self {
        self.measured(Stage::Wait, timing)
    }

    fn measured(mut self, stage: Stage, timing: &Timing) -> Self {
        if timing.is_on() {
            self.stream = Box::new(Timed { inner: self.stream, stage, timing: timing.clone() });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_hash_are_those_of_the_file_and_not_of_what_is_inside() {
        let packed = zstd::encode_all(&b"what is inside"[..], 1).unwrap();
        let (size, hash) = (packed.len() as u64, blake3::hash(&packed).to_hex().to_string());
        let mut opened = decompress(io::Cursor::new(packed), 1, &Timing::default()).unwrap();
        let mut text = String::new();
        opened.stream.read_to_string(&mut text).unwrap();
        assert_eq!((opened.compression, text.as_str()), (Compression::Zstd, "what is inside"));
        assert_eq!((opened.raw.bytes(), opened.raw.hash()), (size, hash));
    }
}
