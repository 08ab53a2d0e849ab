//! Takes bytes and gives bzip2's checksums: CRC-32 with polynomial 0x04C11DB7, highest bit first, begun and ended with all ones; and the
//! checksum of a stream, which is folded from those of its blocks.

const POLYNOMIAL: u32 = 0x04C1_1DB7;
/// Bytes taken at a time; one table for each.
const STRIDE: usize = 16;

/// `TABLES[k][b]`: what byte `b` does to the checksum once `k` more bytes have passed.
static TABLES: [[u32; 256]; STRIDE] = tables();

const fn tables() -> [[u32; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0u32;
    while byte < 256 {
        let mut crc = byte << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 0 { crc << 1 } else { (crc << 1) ^ POLYNOMIAL };
            bit += 1;
        }
        tables[0][byte as usize] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = (before << 8) ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// The checksum of one block, while its bytes come.
#[derive(Clone, Copy)]
pub struct Crc(u32);

impl Crc {
    /// Of no bytes.
    pub fn new() -> Self {
        Crc(u32::MAX)
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<STRIDE>();
        let mut crc = self.0;
        for chunk in whole {
            let mut mixed = *chunk;
            for (byte, part) in mixed.iter_mut().zip(crc.to_be_bytes()) {
                *byte ^= part;
            }
            crc = mixed.iter().zip(TABLES.iter().rev()).fold(0, |crc, (&byte, table)| crc ^ table[usize::from(byte)]);
        }
        for &byte in rest {
            crc = (crc << 8) ^ TABLES[0][usize::from(crc.to_be_bytes()[0] ^ byte)];
        }
        self.0 = crc;
    }

    /// The checksum.
    pub fn value(self) -> u32 {
        !self.0
    }
}

/// The checksum of a stream which had `stream` and then got a block of checksum `block`; it begins as 0.
pub fn fold(stream: u32, block: u32) -> u32 {
    stream.rotate_left(1) ^ block
}

/// The four bytes whose checksum is `crc`. There is one such four for each checksum.
pub fn four_bytes_of(crc: u32) -> [u8; 4] {
    let mut state = !crc;
    for _ in 0..32 {
        // The polynomial is odd: the lowest bit tells whether it was added in this step.
        state = if state & 1 == 0 { state >> 1 } else { ((state ^ POLYNOMIAL) >> 1) | 1 << 31 };
    }
    (!state).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Crc, four_bytes_of};

    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = Crc::new();
        crc.update(bytes);
        crc.value()
    }

    #[test]
    fn the_check_value_of_this_crc_comes_out() {
        // "CRC-32/BZIP2" in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc(b"123456789"), 0xFC89_1918);
        assert_eq!(crc(b""), 0);
    }

    #[test]
    fn pieces_do_not_matter() {
        let bytes: Vec<u8> = (0..100u8).map(|i| i.wrapping_mul(37)).collect();
        for cut in 0..bytes.len() {
            let mut pieces = Crc::new();
            pieces.update(&bytes[..cut]);
            pieces.update(&bytes[cut..]);
            assert_eq!(pieces.value(), crc(&bytes), "cut at {cut}");
        }
    }

    #[test]
    fn any_checksum_can_be_had_with_four_bytes() {
        for wanted in [0, 1, 0xFFFF_FFFF, 0x8000_0000, 0x1234_5678, crc(b"aaaa")] {
            assert_eq!(crc(&four_bytes_of(wanted)), wanted);
        }
        assert_eq!(&four_bytes_of(crc(b"aaaa")), b"aaaa");
    }
}
