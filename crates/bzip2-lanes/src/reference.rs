//! Takes the rest of an input, from any block on, and gives what the `bzip2` crate makes of it. Whatever the fast way finds odd ends
//! here, so that the outcome is that of the `bzip2` crate and not a second opinion.
//!
//! The crate must be told what went before the block: the level, and the checksum of the stream so far. So it is given a stream whose
//! first block has a text of four bytes, chosen so that their checksum is the one which the stream had come to; then the input goes on
//! as it is, at the same bit of a byte. The four bytes are left out of what is given.

use std::io::{self, ErrorKind};

use bzip2::{Decompress, Error, Status};

use crate::invented;
use crate::piece::Piece;

/// What is known of a stream in whose middle one is.
#[derive(Clone, Copy)]
pub struct Stream {
    /// Its level as its head has it: `b'1'` to `b'9'`.
    pub level: u8,
    /// The checksums of its blocks so far, folded.
    pub checksum: u32,
}

/// A decoder of the `bzip2` crate, in the middle of the input.
pub struct Reference {
    engine: Decompress,
    input: Vec<u8>,
    used: usize,
    /// Bytes of output to leave out.
    invented: usize,
    stream_ended: bool,
    failed: Option<io::Error>,
    /// Where in the input it took over, in bytes.
    offset: u64,
}

impl Reference {
    /// Goes on from the beginning of a piece; in a stream, unless the piece should begin one.
    pub fn from_piece(stream: Option<Stream>, piece: &Piece) -> Self {
        let (mut input, mut invented) = (Vec::new(), 0);
        let mut bytes = piece.bytes.as_slice();
        if let Some(stream) = stream {
            input.extend_from_slice(&[b'B', b'Z', b'h', stream.level]);
            if stream.checksum != 0 || piece.skip != 0 {
                invented = 4;
                invented::add_block(&mut input, stream.checksum, piece.skip);
            }
            if let (1.., Some(last), Some((&first, rest))) = (piece.skip, input.last_mut(), bytes.split_first()) {
                *last |= first & (0xFF >> piece.skip);
                bytes = rest;
            }
        }
        input.extend_from_slice(bytes);
        let (engine, offset) = (Decompress::new(false), piece.offset);
        Reference { engine, input, used: 0, invented, stream_ended: false, failed: None, offset }
    }

    /// The next bytes of output, up to `out.len()`. 0 is the end. `more` makes its piece the next of the input; `false` if there is none.
    ///
    /// The crate is asked for one byte at a time: asked for more, it would keep to itself those which it had written when it failed.
    pub fn read(&mut self, out: &mut [u8], mut more: impl FnMut(&mut Piece) -> io::Result<bool>) -> io::Result<usize> {
        let mut written = 0;
        while written < out.len() && self.failed.is_none() {
            let starved = if self.stream_ended { self.used == self.input.len() } else { !self.step(&mut written, out) };
            if !starved && self.stream_ended && self.used < self.input.len() {
                (self.engine, self.stream_ended) = (Decompress::new(false), false);
            }
            if starved {
                if written > 0 {
                    break;
                }
                let mut piece = Piece::default();
                if more(&mut piece)? {
                    // The byte in which the last piece ended was there as a whole.
                    let new = usize::from(piece.skip > 0);
                    (self.input, self.used) = (piece.bytes.split_off(new), 0);
                } else if self.stream_ended {
                    return Ok(0);
                } else {
                    self.failed = Some(io::Error::new(ErrorKind::UnexpectedEof, "the input ends in the middle of a bzip2 stream"));
                }
            }
        }
        match &self.failed {
            Some(error) if written == 0 => Err(again(error)),
            Some(_) | None => Ok(written),
        }
    }

    /// One byte of output, or none and some input used, or a failure noted; `false` if nothing came of it for want of input.
    fn step(&mut self, written: &mut usize, out: &mut [u8]) -> bool {
        let (before_in, before_out) = (self.engine.total_in(), self.engine.total_out());
        let mut byte = [0];
        let status = self.engine.decompress(&self.input[self.used..], &mut byte);
        let used = usize::try_from(self.engine.total_in() - before_in).unwrap_or(usize::MAX);
        self.used = self.input.len().min(self.used.saturating_add(used));
        let came = self.engine.total_out() > before_out;
        if came && self.invented > 0 {
            self.invented -= 1;
        } else if came {
            out[*written] = byte[0];
            *written += 1;
        }
        match status {
            Ok(Status::StreamEnd) => self.stream_ended = true,
            Ok(Status::MemNeeded) => self.failed = Some(ErrorKind::OutOfMemory.into()),
            Ok(Status::Ok | Status::FlushOk | Status::RunOk | Status::FinishOk) => {
                return used > 0 || came || self.used < self.input.len();
            }
            Err(Error::DataMagic) => self.fail("no bzip2 stream begins where one should, at or after"),
            Err(Error::Data | Error::Param | Error::Sequence) => self.fail("the bzip2 data is damaged at or after"),
        }
        true
    }

    fn fail(&mut self, what: &str) {
        self.failed = Some(io::Error::new(ErrorKind::InvalidData, format!("{what} byte {} of the input", self.offset)));
    }
}

/// The same error once more: an [`io::Error`] cannot be copied.
pub fn again(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
