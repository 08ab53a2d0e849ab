//! Decompression decided by content, and the fingerprint of what was read.
//!
//! Takes the raw bytes of a file or of standard input; gives the decompressed stream, and counts and hashes (BLAKE3) the raw bytes on
//! the way, so that a file is read once only. File names are not looked at: archives are renamed more often than recompressed.

use serde::Serialize;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// How a file is compressed, by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not compressed.
    Plain,
    /// gzip, any number of members (RFC 1952).
    Gzip,
    /// bzip2, any number of streams.
    Bzip2,
    /// Zstandard, any number of frames (RFC 8878).
    Zstd,
    /// xz, any number of streams.
    Xz,
}

impl Compression {
    /// By the magic number at the beginning of a file.
    pub fn of(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            _ => Compression::Plain,
        }
    }
}

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
}

impl<R: Read> Read for Tallied<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.side.add(&buffer[..read]);
        Ok(read)
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

/// Bytes asked of the file at a time.
const RAW_CHUNK: usize = 64 * 1024;

/// Looks at the first bytes of `raw` and decompresses it accordingly.
///
/// # Errors
/// What reading the first bytes gave, or what the decoder says of its own set-up.
pub(super) fn decompress(raw: impl Read + Send + 'static) -> io::Result<Decompressed> {
    let side = RawSide::default();
    let mut tallied = Tallied { inner: raw, side: side.clone() };
    let mut head = Vec::new();
    tallied.by_ref().take(6).read_to_end(&mut head)?;
    let compression = Compression::of(&head);
    let raw = BufReader::with_capacity(RAW_CHUNK, Cursor::new(head).chain(tallied));
    let stream = decoder(compression, raw)?;
    Ok(Decompressed { stream, compression, raw: side })
}

fn decoder(compression: Compression, raw: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(match compression {
        Compression::Plain => Box::new(raw),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(raw)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(raw)?),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(raw)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(kind: Compression, text: &[u8]) -> Vec<u8> {
        match kind {
            Compression::Plain => text.to_vec(),
            Compression::Gzip => {
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                out.write_all(text).unwrap();
                out.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                out.write_all(text).unwrap();
                out.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(text, 1).unwrap(),
            Compression::Xz => {
                let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
                out.write_all(text).unwrap();
                out.finish().unwrap()
            }
        }
    }

    const ALL: [Compression; 5] = [Compression::Plain, Compression::Gzip, Compression::Bzip2, Compression::Zstd, Compression::Xz];

    #[test]
    fn two_files_joined_by_cat_are_read_to_the_end() {
        for kind in ALL {
            let mut bytes = packed(kind, b"first part, ");
            bytes.extend(packed(kind, b"second part"));
            let (size, hash) = (bytes.len() as u64, blake3::hash(&bytes).to_hex().to_string());
            let mut opened = decompress(Cursor::new(bytes)).unwrap();
            let mut text = String::new();
            opened.stream.read_to_string(&mut text).unwrap();
            assert_eq!((opened.compression, text.as_str()), (kind, "first part, second part"));
            assert_eq!((opened.raw.bytes(), opened.raw.hash()), (size, hash));
        }
    }

    #[test]
    fn a_truncated_file_ends_in_an_error_and_never_as_if_it_were_whole() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        for kind in ALL.into_iter().skip(1) {
            let mut bytes = packed(kind, &text);
            bytes.truncate(bytes.len() - 20);
            let mut opened = decompress(Cursor::new(bytes)).unwrap();
            let mut out = Vec::new();
            let error = opened.stream.read_to_end(&mut out);
            assert!(error.is_err(), "{kind:?} hid its truncation");
            assert!(text.starts_with(&out));
        }
    }
}
