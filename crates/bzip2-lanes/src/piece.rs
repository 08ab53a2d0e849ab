//! Takes the compressed input and gives it in pieces, each from one mark to the next: most are just one block or one stream's end. It
//! does not ask whether a mark is one, or came up inside a block by chance; put together, the pieces are the input whatever they hold.

use std::io::{self, ErrorKind, Read};

use crate::magic::{MARK_BITS, Mark, find};

/// Bytes asked of the reader at a time.
const READ: usize = 1 << 17;
/// Bytes of a piece after which no mark is waited for. The longest block which makes sense has 900 000 symbols of 20 bits, and 33 000
/// bytes in its head.
const LONGEST: usize = 2_400_000;

/// A part of the input.
#[derive(Default)]
pub struct Piece {
    /// All the bytes in which it has a bit. The last of them may be the first of the piece which follows, too.
    pub bytes: Vec<u8>,
    /// Bits (0 to 7) of the first byte which are not of this piece but of the one before.
    pub skip: u32,
    /// Where it ends, in bits from the first bit of `bytes`.
    pub end: usize,
    /// The mark it begins with; `None` for what comes before any, or goes on after [`Close::Length`].
    pub mark: Option<Mark>,
    /// Why it ends.
    pub close: Close,
    /// Where `bytes` begin in the input.
    pub offset: u64,
}

/// Why a piece ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Close {
    /// A mark follows.
    Mark,
    /// The input ended.
    #[default]
    Input,
    /// It is longer than any block.
    Length,
}

/// Cuts an input at its marks.
pub struct Splitter<R> {
    reader: R,
    /// Input not given yet, from byte `first` on; `offset` is where that stands in the input.
    held: Vec<u8>,
    first: usize,
    offset: u64,
    skip: u32,
    mark: Option<Mark>,
    /// From here on, in bits from `first`, no mark has been looked for.
    unseen: usize,
    input_ended: bool,
    given_last: bool,
}

impl<R: Read> Splitter<R> {
    /// Begins where the reader stands.
    pub fn new(reader: R) -> Self {
        let (held, first, offset, skip, mark, unseen) = (Vec::new(), 0, 0, 0, None, 0);
        Splitter { reader, held, first, offset, skip, mark, unseen, input_ended: false, given_last: false }
    }

    /// Makes `piece` the next one; `false` if there is none. An error of the reader loses nothing: the next call tries again.
    pub fn next(&mut self, piece: &mut Piece) -> io::Result<bool> {
        if self.given_last {
            return Ok(false);
        }
        loop {
            let rest = &self.held[self.first..];
            if let Some((end, mark)) = find(rest, self.unseen) {
                self.give(piece, end, Close::Mark);
                (self.mark, self.unseen) = (Some(mark), (self.skip + MARK_BITS) as usize);
                return Ok(true);
            }
            let length = rest.len();
            if self.input_ended {
                self.given_last = true;
                self.give(piece, length * 8, Close::Input);
                return Ok(true);
            }
            // Whatever mark begins before this was there as a whole.
            self.unseen = self.unseen.max((length * 8).saturating_sub(MARK_BITS as usize - 1));
            if length > LONGEST {
                // The last bytes may hold the beginning of a mark.
                let end = length - MARK_BITS as usize / 8;
                self.give(piece, end * 8, Close::Length);
                (self.mark, self.unseen) = (None, 0);
                return Ok(true);
            }
            self.read_on()?;
        }
    }

    /// Gives what is held up to bit `end`, and begins the next piece there.
    fn give(&mut self, piece: &mut Piece, end: usize, close: Close) {
        piece.bytes.clear();
        piece.bytes.extend_from_slice(&self.held[self.first..][..end.div_ceil(8)]);
        (piece.skip, piece.end, piece.mark, piece.close, piece.offset) = (self.skip, end, self.mark, close, self.offset);
        self.first += end / 8;
        self.offset += (end / 8) as u64;
        self.skip = u32::try_from(end % 8).unwrap_or(0);
    }

    fn read_on(&mut self) -> io::Result<()> {
        self.held.drain(..self.first);
        self.first = 0;
        let length = self.held.len();
        self.held.resize(length + READ, 0);
        let read = loop {
            match self.reader.read(&mut self.held[length..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => break done,
            }
        };
        self.held.truncate(length + read.as_ref().map_or(0, |&read| read.min(READ)));
        self.input_ended = read? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Close, Piece, Splitter};
    use crate::magic::Mark;

    /// Pieces of the input read in reads of `at_once` bytes.
    fn pieces(input: &[u8]) -> Vec<Piece> {
        let mut splitter = Splitter::new(input);
        let mut all = Vec::new();
        loop {
            let mut piece = Piece::default();
            if !splitter.next(&mut piece).unwrap() {
                return all;
            }
            all.push(piece);
        }
    }

    /// The bits of the pieces, put together.
    fn joined(pieces: &[Piece]) -> Vec<u8> {
        let mut all = Vec::new();
        for piece in pieces {
            if piece.skip > 0 {
                all.pop();
            }
            all.extend_from_slice(&piece.bytes);
        }
        all
    }

    #[test]
    fn a_stream_falls_into_head_block_and_end() {
        let empty = b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0";
        let found = pieces(empty);
        let shape: Vec<_> = found.iter().map(|piece| (piece.mark, piece.close, piece.bytes.len(), piece.offset)).collect();
        assert_eq!(shape, [(None, Close::Mark, 4, 0), (Some(Mark::End), Close::Input, 10, 4)]);
        assert_eq!(joined(&found), empty);
    }

    #[test]
    fn what_has_no_mark_is_given_in_long_pieces() {
        let input: Vec<u8> = (0..6_000_000u32).map(|i| u8::try_from(i.wrapping_mul(2_654_435_761) >> 25).unwrap()).collect();
        let found = pieces(&input);
        assert!(found.len() > 1 && found.iter().all(|piece| piece.mark.is_none()));
        assert_eq!(joined(&found), input);
    }
}
