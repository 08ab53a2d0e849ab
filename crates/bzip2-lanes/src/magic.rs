//! Takes bytes and gives the next bit position at which one of bzip2's two marks stands: that of a block or that of a stream's end. The
//! marks stand at any bit, and the same bits may come up inside a block by chance: what is found here is a candidate.

/// The bits of a mark.
pub const MARK_BITS: u32 = 48;
/// Begins a block: the digits of π.
const BLOCK: u64 = 0x3141_5926_5359;
/// Ends a stream: the digits of √π.
const END: u64 = 0x1772_4538_5090;

/// Which mark it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A block follows.
    Block,
    /// The stream's checksum follows.
    End,
}

/// A search which begins at bit `from` of the bytes: where the first mark is, and which; `None` if there is none as a whole.
///
/// Every mark covers a pair of whole bytes whose place is a multiple of four, so one look at each such pair suffices.
pub fn find(bytes: &[u8], from: usize) -> Option<(usize, Mark)> {
    let first = from.div_ceil(32) * 4;
    // The pair stands 0 to 31 bits after the mark's first bit, so any other mark begins after this one unless they overlap.
    let fours = bytes.get(first..)?.chunks(4);
    for (pair, four) in (first..).step_by(4).zip(fours) {
        let &[high, low, ..] = four else { break };
        let key = usize::from(high) << 8 | usize::from(low);
        if PAIRS[key / 64] >> (key % 64) & 1 != 0 {
            let mut starts = (pair * 8).saturating_sub(31).max(from)..=pair * 8;
            if let Some(found) = starts.find_map(|start| Some((start, mark_at(bytes, start)?))) {
                return Some(found);
            }
        }
    }
    None
}

fn mark_at(bytes: &[u8], start: usize) -> Option<Mark> {
    // 48 bits at any bit of a byte lie in seven bytes.
    let mut eight = [0; 8];
    let rest = bytes.get(start / 8..)?;
    let length = rest.len().min(7);
    eight[..length].copy_from_slice(&rest[..length]);
    if length * 8 < start % 8 + MARK_BITS as usize {
        return None;
    }
    match u64::from_be_bytes(eight) << (start % 8) >> (64 - MARK_BITS) {
        BLOCK => Some(Mark::Block),
        END => Some(Mark::End),
        _ => None,
    }
}

/// The set of the pairs of bytes which stand in a mark 0 to 31 bits after its first: one bit each.
static PAIRS: [u64; 1024] = pairs();

const fn pairs() -> [u64; 1024] {
    let mut set = [0; 1024];
    let mut shift = 0;
    while shift < 32 {
        let block = (BLOCK >> (32 - shift) & 0xFFFF) as usize;
        let end = (END >> (32 - shift) & 0xFFFF) as usize;
        set[block / 64] |= 1 << (block % 64);
        set[end / 64] |= 1 << (end % 64);
        shift += 1;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, END, Mark, find};

    const MARK_BITS: usize = super::MARK_BITS as usize;

    /// Twenty bytes of ones with a mark at the given bit.
    fn with_mark(mark: u64, at: usize) -> Vec<u8> {
        let mut bytes = vec![0xFF; 20];
        for bit in 0..MARK_BITS {
            if mark >> (MARK_BITS - 1 - bit) & 1 == 0 {
                bytes[(at + bit) / 8] &= !(0x80 >> ((at + bit) % 8));
            }
        }
        bytes
    }

    #[test]
    fn a_mark_is_found_at_every_bit_and_from_every_bit() {
        for at in 0..=20 * 8 - MARK_BITS {
            for (value, mark) in [(BLOCK, Mark::Block), (END, Mark::End)] {
                let bytes = with_mark(value, at);
                assert!((0..=at).all(|from| find(&bytes, from) == Some((at, mark))), "at bit {at}");
                assert_eq!(find(&bytes, at + 1), None);
            }
        }
    }

    #[test]
    fn half_a_mark_is_none() {
        let bytes = with_mark(BLOCK, 40);
        assert_eq!(find(&bytes[..11], 0), Some((40, Mark::Block)));
        assert_eq!(find(&bytes[..10], 0), None);
        assert_eq!(find(&[], 0), None);
    }
}
