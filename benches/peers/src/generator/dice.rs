//! Chance which can be repeated: the same seed gives the same rolls on every machine.
//!
//! [`Dice`] for what happens in order; [`mix`] for what must come out the same whenever it is asked for (how a peer reaches an origin).
//! Whole numbers only: floats may differ between machines. The generator is SplitMix64, which is public domain.

/// A seeded source of chance.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The source which belongs to this seed.
    pub const fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound; 0 if there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        scaled(self.roll(), bound)
    }

    /// A place in a list of this length; 0 if it is empty.
    pub fn place(&mut self, length: usize) -> usize {
        index(self.below(length as u64))
    }

    /// One of these. The list is a constant of the generator and not empty.
    pub fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.place(list.len())]
    }

    /// True in so many of a thousand cases.
    pub fn chance(&mut self, of_1000: u64) -> bool {
        self.below(1_000) < of_1000
    }

    /// A number below the bound, small ones more often: an even choice from 0 to 1, to this power.
    pub fn skewed(&mut self, bound: u64, power: u32) -> u64 {
        let even = self.roll();
        let mut fraction = even;
        for _ in 1..power {
            fraction = scaled(fraction, even);
        }
        scaled(fraction, bound)
    }
}

/// The part of `bound` which `fraction` is of 2⁶⁴.
fn scaled(fraction: u64, bound: u64) -> u64 {
    let product = u128::from(fraction) * u128::from(bound);
    u64::try_from(product >> 64).unwrap_or(u64::MAX)
}

/// A number which depends on both, and on nothing else.
pub fn mix(a: u64, b: u64) -> u64 {
    Dice::new(a.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ b).roll()
}

/// A number as a place in a list.
pub fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// The lowest byte.
pub const fn byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

/// The lowest two bytes.
pub const fn word(number: u64) -> u16 {
    let bytes = number.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// The lowest four bytes.
pub const fn long(number: u64) -> u32 {
    let bytes = number.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
