//! Gzip members (RFC 1952), one after another.
//!
//! flate2 reads their headers and unpacks. Its checksum with zlib-rs does not use the wide registers in which many processors multiply without
//! carries, and costs a tenth of all: so the checksum is taken here, by crc32fast, in a quarter of the time.

use flate2::bufread::{DeflateDecoder, GzDecoder};
use std::io::{self, BufRead, Read};

/// Unpacks all members of a stream.
pub(super) struct Members<R> {
    part: Part<R>,
    checksum: crc32fast::Hasher,
    /// Bytes of the member so far.
    length: u64,
}

/// What comes next.
enum Part<R> {
    /// A header.
    Header(R),
    /// The packed bytes of a member.
    Packed(DeflateDecoder<R>),
    /// Nothing: the stream has ended, or failed.
    End,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(stream: R) -> Self {
        Members { part: Part::Header(stream), checksum: crc32fast::Hasher::new(), length: 0 }
    }

    /// Reads a header; gives what comes after it.
    fn begin(stream: R) -> io::Result<Part<R>> {
        let mut header = GzDecoder::new(stream);
        if header.header().is_none() {
            // It was read already, and this says what is wrong with it.
            header.read_exact(&mut [0])?;
        }
        Ok(Part::Packed(DeflateDecoder::new(header.into_inner())))
    }

    /// Reads the end of a member, and holds it against what was unpacked; gives what comes next.
    fn end(&mut self, mut stream: R) -> io::Result<Part<R>> {
        let mut told = [0; 8];
        // A stream which ends here is told of in flate2's words.
        let ended = |error: io::Error| match error.kind() == io::ErrorKind::UnexpectedEof {
            true => io::ErrorKind::UnexpectedEof.into(),
            false => error,
        };
        stream.read_exact(&mut told).map_err(ended)?;
        let (checksum, length) = (std::mem::take(&mut self.checksum).finalize().to_le_bytes(), self.length.to_le_bytes());
        self.length = 0;
        // The length is told modulo 2^32.
        if told[..4] != checksum || told[4..] != length[..4] {
            let cause = "corrupt gzip stream does not have a matching checksum";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
        }
        Ok(if stream.fill_buf()?.is_empty() { Part::End } else { Part::Header(stream) })
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.part, Part::End) {
                Part::Header(stream) => self.part = Members::begin(stream)?,
                Part::Packed(mut packed) => {
                    let read = packed.read(into)?;
                    if read > 0 || into.is_empty() {
                        self.checksum.update(&into[..read]);
                        self.length += read as u64;
                        self.part = Part::Packed(packed);
                        return Ok(read);
                    }
                    self.part = self.end(packed.into_inner())?;
                }
                Part::End => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::bufread::MultiGzDecoder;
    use flate2::{Compression, GzBuilder};
    use std::io::{Cursor, Write};

    /// Three members, one with everything in its header.
    fn members() -> Vec<u8> {
        let text: Vec<u8> = (0..40_000u32).flat_map(|number| (number.wrapping_mul(number) % 977).to_be_bytes()).collect();
        let mut bytes = Vec::new();
        for (number, header) in
            [GzBuilder::new(), GzBuilder::new().filename("updates").comment("of a day").extra(vec![1, 2, 3]), GzBuilder::new()]
                .into_iter()
                .enumerate()
        {
            let mut packer = header.write(Vec::new(), Compression::fast());
            packer.write_all(&text[..text.len() * number / 2]).unwrap();
            bytes.extend(packer.finish().unwrap());
        }
        bytes
    }

    /// What comes out, and the error after it.
    fn read(mut stream: impl Read) -> (Vec<u8>, Option<(io::ErrorKind, String)>) {
        let mut bytes = Vec::new();
        let error = stream.read_to_end(&mut bytes).err();
        (bytes, error.map(|error| (error.kind(), error.to_string())))
    }

    #[test]
    fn it_says_what_flate2_says_of_sound_cut_and_damaged_streams() {
        let whole = members();
        let says = |bytes: &[u8], what: &str| {
            let ours = read(Members::new(Cursor::new(bytes)));
            let theirs = read(MultiGzDecoder::new(Cursor::new(bytes)));
            assert!(ours == theirs, "{what}: {} bytes and {:?}, but {} and {:?}", ours.0.len(), ours.1, theirs.0.len(), theirs.1);
            ours
        };
        let (sound, error) = says(&whole, "sound");
        assert_eq!((sound.len(), error), (240_000, None));
        let behind = [whole.as_slice(), b"and something else"].concat();
        assert!(says(&behind, "with something behind it").1.is_some());
        for cut in (0..60).chain((60..whole.len()).step_by(whole.len() / 50)).chain(whole.len() - 10..whole.len()) {
            says(&whole[..cut], &format!("cut at {cut}"));
        }
        for place in (0..60).chain((60..whole.len()).step_by(whole.len() / 200)).chain(whole.len() - 10..whole.len()) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x11;
            says(&damaged, &format!("damaged at {place}"));
        }
    }
}
