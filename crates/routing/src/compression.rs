//! Decompression decided by content: plain, gzip, bzip2, Zstandard or xz, whatever the file is called.
//!
//! Takes any reader, gives a buffered reader of the bytes inside. Members written one after another (`cat a.gz b.gz`) are read as one.
//! A stream which ends in the middle is an error of the reader, never a quiet end. Nothing is known here of what the bytes mean.

mod gzip;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// Bytes looked at: bzip2 needs ten, see [`Compression::of`].
pub const LOOKED_AT: usize = 10;
/// Room of the buffers: large enough that system calls and decoder calls do not show in a profile.
const BUFFER: usize = 128 * 1024;

/// How a stream is compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all, as far as its first bytes tell.
    Plain,
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// RFC 8878.
    Zstd,
    /// The .xz file format.
    Xz,
}

impl Compression {
    /// Decides by the first bytes (ten are enough; fewer are fine for shorter streams).
    ///
    /// For bzip2 the block magic is compared too: `BZh9` alone is also the first time stamp of an MRT file of 11 April 2005.
    pub fn of(start: &[u8]) -> Compression {
        const BZIP2_BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
        const BZIP2_END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
        match start {
            [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if rest.starts_with(&BZIP2_BLOCK) || rest.starts_with(&BZIP2_END) => {
                Compression::Bzip2
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Compression::Xz,
            _ => Compression::Plain,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Plain => "plain",
            Compression::Gzip => "gzip",
            Compression::Bzip2 => "bzip2",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
        })
    }
}

/// Opens a file and reads what is inside.
///
/// # Errors
/// If the file cannot be opened or its first bytes cannot be read. Damage further on comes out of the reader.
pub fn open(path: &Path) -> io::Result<(Compression, Box<dyn BufRead + Send>)> {
    reader(File::open(path)?)
}

/// Reads what is inside `raw`, which need not be buffered.
///
/// # Errors
/// If the first bytes cannot be read. Damage further on comes out of the reader.
pub fn reader<R: Read + Send + 'static>(raw: R) -> io::Result<(Compression, Box<dyn BufRead + Send>)> {
    let (compression, inside) = decoder(raw, 1)?;
    Ok((compression, Box::new(BufReader::with_capacity(BUFFER, inside))))
}

/// The same for those who have a buffer of their own, with so many threads where the format can use them.
///
/// # Errors
/// If the first bytes cannot be read. Damage further on comes out of the reader.
pub fn decoder<R: Read + Send + 'static>(mut raw: R, threads: usize) -> io::Result<(Compression, Box<dyn Read + Send>)> {
    let mut start = Vec::with_capacity(LOOKED_AT);
    raw.by_ref().take(LOOKED_AT as u64).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(start).chain(raw));
    let inside: Box<dyn Read + Send> = match compression {
        Compression::Plain => Box::new(whole),
        Compression::Gzip => Box::new(gzip::Members::new(whole)),
        Compression::Bzip2 if threads > 1 => Box::new(bzip2_lanes::Decoder::with_threads(whole, threads)),
        // Many files are open at a time, and few are being unpacked.
        Compression::Bzip2 => Box::new(bzip2_lanes::Decoder::with_tables(whole, &bzip2_lanes::Tables::of_process())),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(whole)?),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(whole)),
    };
    Ok((compression, inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn pack(compression: Compression, text: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Plain => text.to_vec(),
            Compression::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(text).unwrap();
                writer.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                writer.write_all(text).unwrap();
                writer.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(text, 1).unwrap(),
            Compression::Xz => {
                let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
                writer.write_all(text).unwrap();
                writer.finish().unwrap()
            }
        }
    }

    const ALL: [Compression; 5] = [Compression::Plain, Compression::Gzip, Compression::Bzip2, Compression::Zstd, Compression::Xz];

    fn unpack(bytes: Vec<u8>) -> (Compression, io::Result<Vec<u8>>) {
        let (compression, mut inside) = reader(Cursor::new(bytes)).unwrap();
        let mut text = Vec::new();
        (compression, inside.read_to_end(&mut text).map(|_| text))
    }

    #[test]
    fn each_kind_is_known_by_its_content_and_its_members_are_joined() {
        for kind in ALL {
            let mut bytes = pack(kind, b"first,");
            bytes.extend(pack(kind, b"second"));
            let (found, text) = unpack(bytes);
            assert_eq!((found, text.unwrap().as_slice()), (kind, b"first,second".as_slice()));
            let (found, text) = unpack(pack(kind, b""));
            assert_eq!((found, text.unwrap().len()), (kind, 0), "nothing inside");
        }
    }

    #[test]
    fn a_stream_cut_short_is_an_error_and_not_a_quiet_end() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|i| (i.wrapping_mul(2_654_435_761)).to_be_bytes()).collect();
        for kind in ALL.into_iter().filter(|kind| *kind != Compression::Plain) {
            let whole = pack(kind, &text);
            for cut in [11, whole.len() / 2, whole.len() - 1] {
                let (found, read) = unpack(whole[..cut].to_vec());
                assert_eq!(found, kind);
                assert!(read.is_err(), "{kind} cut at {cut} of {}", whole.len());
            }
        }
    }

    #[test]
    fn an_mrt_time_stamp_which_spells_bzh9_is_no_bzip2() {
        let record = [b'B', b'Z', b'h', b'9', 0, 16, 0, 1, 0, 0, 0, 0];
        assert_eq!(Compression::of(&record), Compression::Plain);
        assert_eq!(Compression::of(&[0x1f, 0x8b]), Compression::Plain, "too short to be a gzip header");
    }
}
