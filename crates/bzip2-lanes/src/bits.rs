//! Takes bytes and gives their bits, the first bit being the highest of the first byte, as bzip2 writes them. Past the end it gives
//! zeros and goes on: whoever reads compares [`Bits::position`] with what there was.

/// A place in a row of bits.
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte which is not in `word` as a whole.
    next: usize,
    /// The bits to come, from the highest down. Below the first `live` of them may stand the start of the next byte, already right.
    word: u64,
    live: u32,
}

impl<'a> Bits<'a> {
    /// Begins `skip` bits (0 to 7) after the first.
    pub fn new(bytes: &'a [u8], skip: u32) -> Self {
        let mut bits = Bits { bytes, next: 0, word: 0, live: 0 };
        bits.refill();
        bits.skip(skip);
        bits
    }

    /// Sees to it that at least 56 bits can be peeked at.
    #[inline(always)]
    pub fn refill(&mut self) {
        let Some(eight) = self.bytes.get(self.next..).and_then(|rest| rest.first_chunk()) else { return self.refill_at_end() };
        self.word |= u64::from_be_bytes(*eight) >> self.live;
        let more = (63 - self.live) >> 3;
        self.next += more as usize;
        self.live += more * 8;
    }

    #[cold]
    fn refill_at_end(&mut self) {
        while self.live <= 56 {
            let byte = self.bytes.get(self.next).copied().unwrap_or(0);
            self.word |= u64::from(byte) << (56 - self.live);
            self.next += 1;
            self.live += 8;
        }
    }

    /// As many bits as are at hand without a refill.
    #[inline(always)]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// The next `count` bits (1 to 32) without passing them.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "at least 32 bits are shifted out")]
    pub fn peek(&self, count: u32) -> u32 {
        (self.word >> (64 - count)) as u32
    }

    /// Passes `count` bits, no more than are at hand.
    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.word <<= count;
        self.live -= count;
    }

    /// The next `count` bits (1 to 32), which it passes.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        self.refill();
        let value = self.peek(count);
        self.skip(count);
        value
    }

    /// The next bit, which it passes.
    #[inline(always)]
    pub fn flag(&mut self) -> bool {
        self.take(1) != 0
    }

    /// How many bits have been passed, from the first bit of the first byte.
    pub fn position(&self) -> usize {
        self.next * 8 - self.live as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn bits_come_highest_first_and_zeros_follow_the_end() {
        let mut bits = Bits::new(&[0b1010_0101, 0xFF], 2);
        assert_eq!((bits.take(3), bits.take(3), bits.take(8)), (0b100, 0b101, 0xFF));
        assert_eq!(bits.position(), 16);
        assert_eq!((bits.take(32), bits.position()), (0, 48));
    }

    #[test]
    fn every_way_of_taking_the_same_bits_gives_the_same() {
        let bytes: Vec<u8> = (0..40u8).map(|i| i.wrapping_mul(151)).collect();
        for step in 1..=32 {
            let (mut whole, mut single) = (Bits::new(&bytes, 0), Bits::new(&bytes, 0));
            for _ in 0..9 {
                let bit_by_bit = (0..step).fold(0, |value, _| (value << 1) | u32::from(single.flag()));
                assert_eq!(whole.take(step), bit_by_bit, "{step} bits at a time");
            }
        }
    }
}
