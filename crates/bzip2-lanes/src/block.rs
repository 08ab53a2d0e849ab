//! Takes a piece of the input and, if it is a block, gives the text in it, by way of [`crate::column`] and [`crate::chase`]. A block is
//! unpacked without regard to any other, on whatever thread. Its first coding ([`crate::runs`]) is left to whoever reads, and with it
//! the checksum.

use crate::bits::Bits;
use crate::chase::Chase;
use crate::column::Column;
use crate::magic::Mark;
use crate::piece::{Close, Piece};

/// A piece of the input and what is in it.
#[derive(Default)]
pub struct Part {
    /// The piece.
    pub piece: Piece,
    /// The block, in buffers which stay when it is [`Block::None`].
    pub block: Block,
}

/// A block before its last decoding.
#[derive(Default)]
pub struct Block {
    /// Nothing was odd: the piece is one block from its first bit to its last, and `text` and `checksum` are right.
    pub regular: bool,
    /// The text, and one byte which would follow.
    pub text: Vec<u8>,
    /// What is told of the bytes which the text stands for.
    pub checksum: u32,
}

/// Unpacks blocks one after the other, in the same tables of about 17 MiB of which a third is touched.
pub struct Unpacker {
    column: Column,
    chase: Chase,
}

impl Unpacker {
    /// With its tables.
    pub fn new() -> Self {
        Unpacker { column: Column::new(), chase: Chase::new() }
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
                self.chase.invert(&self.column, &mut block.text);
                block.regular = true;
            }
        }
    }
}
