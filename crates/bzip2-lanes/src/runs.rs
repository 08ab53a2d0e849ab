//! Takes a block's text and gives what was compressed: after four equal bytes stands a count of further ones (0 to 255), bzip2's first
//! coding. It goes on where it stopped, so that the bytes can be written wherever the caller wants them, and nothing is kept of a block
//! but its text: 900 000 bytes may stand for 46 million.

/// How far a text has been written out.
pub struct Expansion {
    /// The bytes of the text from here up to `plain_end` stand for themselves.
    at: usize,
    plain_end: usize,
    /// Then so many more of the byte before `plain_end` are to come.
    repeats: usize,
    /// Then the text goes on here.
    next: usize,
}

/// What [`Expansion::write`] came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// So many bytes, more than 0.
    Some(usize),
    /// None: all is written.
    All,
    /// None: all is written, and the text ended in four equal bytes without a count.
    Torn,
}

impl Expansion {
    /// Of a text of which nothing is written yet.
    pub fn new() -> Self {
        Expansion { at: 0, plain_end: 0, repeats: 0, next: 0 }
    }

    /// Writes on into `out`, which is not empty. The text is always the same, and followed by one byte which is not its own: the count
    /// if there is none.
    pub fn write(&mut self, text: &[u8], out: &mut [u8]) -> Written {
        let length = text.len() - 1;
        let mut written = 0;
        while let Some(free) = out.get_mut(written..).filter(|free| !free.is_empty()) {
            let plain = &text[self.at..self.plain_end];
            let count;
            if !plain.is_empty() {
                count = plain.len().min(free.len());
                free[..count].copy_from_slice(&plain[..count]);
                self.at += count;
            } else if self.repeats > 0 {
                count = self.repeats.min(free.len());
                free[..count].fill(text[self.plain_end - 1]);
                self.repeats -= count;
            } else if self.next < length {
                self.look_ahead(text, length);
                continue;
            } else {
                break;
            }
            written += count;
        }
        match written {
            0 if self.next > length => Written::Torn,
            0 => Written::All,
            _ => Written::Some(written),
        }
    }

    fn look_ahead(&mut self, text: &[u8], length: usize) {
        self.at = self.next;
        match four_equal(&text[self.next..length]) {
            Some(place) => {
                self.plain_end = self.next + place + 4;
                self.repeats = usize::from(text[self.plain_end]);
                self.next = self.plain_end + 1;
            }
            None => (self.plain_end, self.repeats, self.next) = (length, 0, length),
        }
    }
}

/// Where the first four equal bytes in a row begin.
fn four_equal(text: &[u8]) -> Option<usize> {
    const LOWS: u64 = u64::MAX / 255;
    let mut at = 0;
    while let Some(window) = text.get(at..at + 16) {
        let eight = |from: usize| window[from..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        let (a, b, c, d) = (eight(0), eight(1), eight(2), eight(3));
        // A byte of this is 0 where four in a row are equal; its lowest 0 shows as the lowest high bit.
        let unequal = (a ^ b) | (b ^ c) | (c ^ d);
        let zeros = unequal.wrapping_sub(LOWS) & !unequal & (LOWS << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..)?.windows(4).position(|four| four.iter().all(|&byte| byte == four[0]));
    rest.map(|place| at + place)
}

#[cfg(test)]
mod tests {
    use super::{Expansion, Written, four_equal};

    /// Written out, in pieces of the given size; and how it ended.
    fn expand(text: &[u8], follows: u8, piece: usize) -> (Vec<u8>, Written) {
        let text = [text, &[follows]].concat();
        let (mut expansion, mut all, mut out) = (Expansion::new(), Vec::new(), vec![0; piece]);
        loop {
            match expansion.write(&text, &mut out) {
                Written::Some(count) => all.extend_from_slice(&out[..count]),
                end @ (Written::All | Written::Torn) => return (all, end),
            }
        }
    }

    #[test]
    fn counts_are_written_out_whatever_the_pieces() {
        let text = b"abbbb\x03ccccc\x00dddd\x02eeee\x00\x00\x00\x00\x00\x01ffff\x01";
        let wanted = b"abbbbbbbccccdddddd\x00";
        for piece in 1..50 {
            let (all, end) = expand(b"abbbb\x03cccc\x00dddd\x02\x00", 9, piece);
            assert_eq!((all.as_slice(), end), (wanted.as_slice(), Written::All), "pieces of {piece}");
        }
        assert_eq!(expand(text, 0, 7), expand(text, 0, 100));
    }

    #[test]
    fn a_missing_count_is_taken_from_what_follows_and_told() {
        assert_eq!(expand(b"xaaaa", 2, 3), (b"xaaaaaa".to_vec(), Written::Torn));
        assert_eq!(expand(b"xaaa", 2, 3), (b"xaaa".to_vec(), Written::All));
    }

    #[test]
    fn the_first_four_are_found_at_every_place() {
        for length in 4..40 {
            for place in 0..=length - 4 {
                let mut text: Vec<u8> = (0..length).map(|i| u8::try_from(i % 3).unwrap()).collect();
                text[place..place + 4].fill(7);
                assert_eq!(four_equal(&text), Some(place));
                text[place + 1] = 9;
                assert_eq!(four_equal(&text), None);
            }
        }
    }
}
