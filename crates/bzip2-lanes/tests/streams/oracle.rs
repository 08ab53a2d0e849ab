//! Takes compressed bytes and gives the outcome of each decoder: the bytes delivered and, if it failed, the kind of error.

use std::io::{ErrorKind, Read};

use bzip2::bufread::MultiBzDecoder;
use bzip2::read::BzEncoder;
use bzip2::{Compression, Decompress, Error, Status};
use bzip2_lanes::Decoder;

/// What came, and how it ended.
#[derive(PartialEq, Eq)]
pub struct Outcome {
    pub bytes: Vec<u8>,
    pub error: Option<ErrorKind>,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum = self.bytes.iter().fold(0u32, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        write!(f, "{} bytes (sum {sum:08x}), error {:?}", self.bytes.len(), self.error)
    }
}

/// The reader to its end, in reads of the given size.
pub fn drain(mut reader: impl Read, at_once: usize) -> Outcome {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; at_once]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Outcome { bytes, error: None },
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) => return Outcome { bytes, error: Some(error.kind()) },
        }
    }
}

/// By this crate on the calling thread.
pub fn here(compressed: &[u8], at_once: usize) -> Outcome {
    drain(Decoder::new(compressed), at_once)
}

/// By this crate on two threads.
pub fn threads(compressed: &[u8]) -> Outcome {
    drain(Decoder::with_threads(std::io::Cursor::new(compressed.to_vec()), 2), 5_000)
}

/// By the `bzip2` crate: all that its decompressor writes before it fails, and the kind of its error in our words.
///
/// Its `MultiBzDecoder` does the same but keeps the last read's bytes to itself when it fails; see [`multi`].
pub fn reference(compressed: &[u8]) -> Outcome {
    let (mut bytes, mut used, mut engine) = (Vec::new(), 0, Decompress::new(false));
    loop {
        let (before_in, before_out) = (engine.total_in(), engine.total_out());
        let mut byte = [0];
        let status = engine.decompress(&compressed[used..], &mut byte);
        let taken = usize::try_from(engine.total_in() - before_in).unwrap();
        let written = engine.total_out() > before_out;
        used += taken;
        if written {
            bytes.push(byte[0]);
        }
        let error = match status {
            Ok(Status::StreamEnd) if used == compressed.len() => None,
            Ok(Status::StreamEnd) => {
                engine = Decompress::new(false);
                continue;
            }
            Ok(_) if taken == 0 && !written && used == compressed.len() => Some(ErrorKind::UnexpectedEof),
            Ok(_) => continue,
            Err(Error::Data | Error::DataMagic) => Some(ErrorKind::InvalidData),
            Err(error) => panic!("{error}"),
        };
        return Outcome { bytes, error };
    }
}

/// By the `bzip2` crate's `MultiBzDecoder`, with the kind of error which it uses for damage put into our words.
pub fn multi(compressed: &[u8], at_once: usize) -> Outcome {
    let mut outcome = drain(MultiBzDecoder::new(compressed), at_once);
    if outcome.error == Some(ErrorKind::InvalidInput) {
        outcome.error = Some(ErrorKind::InvalidData);
    }
    outcome
}

/// Compressed by the `bzip2` crate.
pub fn compress(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut compressed = Vec::new();
    BzEncoder::new(bytes, Compression::new(level)).read_to_end(&mut compressed).unwrap();
    compressed
}

/// All decoders of the same bytes agree; gives what they agree on.
pub fn agree(compressed: &[u8], what: &str) -> Outcome {
    const AT_ONCE: usize = 777;
    let wanted = reference(compressed);
    assert_eq!(here(compressed, AT_ONCE), wanted, "here: {what}");
    assert_eq!(threads(compressed), wanted, "two threads: {what}");
    let multi = multi(compressed, AT_ONCE);
    assert_eq!(multi.error, wanted.error, "MultiBzDecoder: {what}");
    assert!(wanted.bytes.starts_with(&multi.bytes) && wanted.bytes.len() <= multi.bytes.len() + AT_ONCE, "MultiBzDecoder: {what}");
    wanted
}

/// Numbers which look random, always the same for a seed (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    /// Below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % limit
    }

    /// A byte below `limit`.
    pub fn byte(&mut self, limit: usize) -> u8 {
        u8::try_from(self.below(limit)).unwrap()
    }

    /// Bytes somewhat like text: words from a small vocabulary.
    pub fn prose(&mut self, length: usize) -> Vec<u8> {
        let words: Vec<Vec<u8>> = (0..60).map(|_| (0..=self.below(9)).map(|_| b'a' + self.byte(26)).collect()).collect();
        let mut bytes = Vec::new();
        while bytes.len() < length {
            bytes.extend_from_slice(&words[self.below(60)]);
            bytes.push(b' ');
        }
        bytes.truncate(length);
        bytes
    }
}
