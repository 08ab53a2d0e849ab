//! Takes a piece of the input and, if it is a block, gives the text in it, by way of [`crate::column`] and [`crate::chase`]. A block is
//! unpacked without regard to any other, on whatever thread. Its first coding ([`crate::runs`]) is left to whoever reads, and with it
//! the checksum.

use crate::bits::Bits;
use crate::chase::Chase;
use crate::column::Column;
use crate::magic::Mark;
use crate::piece::{Close, Piece};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A piece of the input and what is in it.
#[derive(Default)]
pub struct Part {
    /// The piece.
    pub piece: Piece,
    /// The block, if it is one. Its buffers stay for the next.
    pub block: Block,
}

/// A block of which only the first coding is still to be undone.
#[derive(Default)]
pub struct Block {
    /// Nothing was odd: the piece is one block from its first bit to its last, and `text` and `checksum` are right.
    pub regular: bool,
    /// The text, and one byte which would follow.
    pub text: Vec<u8>,
    /// What is told of the bytes which the text stands for.
    pub checksum: u32,
}

/// Unpacks blocks one after the other, in the same tables: 5.5 MiB, and four bytes for each symbol of the block with most.
pub struct Unpacker {
    column: Column,
    /// Made for the first block which needs it: it is large.
    chase: Option<Chase>,
}

/// Tables which decoders lend to each other, about 6 MiB each. A decoder needs them only while it decodes a block, so there are as many as ever
/// did that at the same time, however many decoders there are.
#[derive(Clone, Default)]
pub struct Tables(Arc<Mutex<Vec<Box<Unpacker>>>>);

/// Those of the process, as long as a decoder has them.
static OF_PROCESS: Mutex<Weak<Mutex<Vec<Box<Unpacker>>>>> = Mutex::new(Weak::new());

impl Tables {
    /// Those which all decoders of this process lend to each other; they are freed with the last such decoder.
    pub fn of_process() -> Self {
        let mut known = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().map(Tables).unwrap_or_else(|| {
            let tables = Tables::default();
            *known = Arc::downgrade(&tables.0);
            tables
        })
    }

    /// Unpacks the block in the part, if there is one.
    pub(crate) fn unpack(&self, part: &mut Part) {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut unpacker = spare.unwrap_or_else(|| Box::new(Unpacker::new()));
        unpacker.unpack(part);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(unpacker);
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl Unpacker {
    /// Without tables yet.
    pub fn new() -> Self {
        Unpacker { column: Column::new(), chase: None }
    }

    /// Unpacks the block in the part, if there is one.
    pub fn unpack(&mut self, part: &mut Part) {
        let Part { piece, block } = part;
        block.regular = false;
        // A block which is followed by nothing is torn, or is followed by half a mark.
        if piece.mark == Some(Mark::Block) && piece.close == Close::Mark {
            let mut bits = Bits::new(&piece.bytes, piece.skip);
            if self.column.read(&mut bits) == Ok(piece.end) {
                block.checksum = self.column.checksum;
                self.chase.get_or_insert_with(Chase::new).invert(&self.column, &mut block.text);
                block.regular = true;
            }
        }
    }
}
