//! Takes a block's [`Column`] and gives the block's text: the inverse Burrows-Wheeler transform.
//!
//! Each row of the sorted rotations names the row with which the text goes on. Following that chain, row after row, is what makes bzip2
//! slow: the table has four bytes for each of up to 900 000 rows, more than the second-level cache holds, and each step must wait for
//! the one before. But nobody says that the chain must be followed from its beginning. Here [`LANES`] walkers set out from rows evenly
//! spread over the table, all at once, so that the processor waits for many steps together; each goes on until it meets a row from which
//! another set out, and then takes the next such row. What they have noted is put in order at the end.
//!
//! In a text which nearly repeats itself the starts may lie close together in the text, and one walk be very long. Where the lanes so
//! run out of room the chain is followed from its beginning after all.

#![allow(
    clippy::cast_possible_truncation,
    reason = "rows are below 2^20 and places in notes below 2^21; of an entry the lowest byte is wanted"
)]

use crate::column::Column;

/// Walkers at once. More wait for more steps together, until the processor's registers run out.
const LANES: usize = 12;
/// Bytes one lane can note: its share of the longest block is 75 000.
const ROOM: usize = 1 << 17;
/// Bytes from one lane's notes to the next: not a multiple of 4096, which would have all lanes fight for the same cache lines.
const STRIDE: usize = ROOM + 576;
/// Rows from one start to the next. Few starts leave lanes idle at the end, while the last walker is on a long way; many cost time
/// to change over.
const STEP: usize = 2048;
/// Entries of the table, which are reached with a mask: the power of two above the longest block, with one entry for idle lanes.
const SPAN: usize = 1 << 20;
/// Set in the entry of a row from which a walk starts.
const START: u32 = 1 << 31;
const ROW: u32 = SPAN as u32 - 1;

/// The tables of the inversion, used for one block after the other.
pub struct Chase {
    /// By row: the next row · 256 + the byte with which this one goes on.
    table: Box<[u32; SPAN]>,
    /// What each lane's walkers saw, one after the other.
    notes: Box<[u8; LANES * STRIDE]>,
    /// By start.
    walks: Vec<Walk>,
}

/// What is between one start and the next one met.
#[derive(Clone, Copy, Default)]
struct Walk {
    /// Where in the notes it begins.
    from: u32,
    /// Bytes noted.
    length: u32,
    /// The row at which it met a start.
    met: u32,
}

impl Chase {
    /// The tables: 4 MiB for rows, 1.5 MiB for notes.
    pub fn new() -> Self {
        Chase { table: zeroed(), notes: zeroed(), walks: Vec::new() }
    }

    /// Writes the text, which is as long as the column, and one byte more: the one which would follow if the chain went on. (A damaged
    /// block may end in four equal bytes without the count which should follow; decoders then take that byte for it.)
    pub fn invert(&mut self, column: &Column, text: &mut Vec<u8>) {
        self.link(column);
        text.clear();
        let (origin, length) = (column.origin, column.length);
        let starts = length.div_ceil(STEP);
        let first = if origin.is_multiple_of(STEP) { origin / STEP } else { starts };
        self.walks.clear();
        self.walks.resize(starts.max(first + 1), Walk::default());
        for start in 0..self.walks.len() {
            self.table[row_of(start, first, origin)] |= START;
        }
        if self.walk(length, |start| row_of(start, first, origin)) {
            self.put_in_order(first, origin, text);
        } else {
            self.follow(origin, length, text);
        }
        // A text which repeats itself has several equal rows, and the chain closes after one repetition.
        while text.len() <= length {
            text.extend_from_within(..text.len().min(length + 1 - text.len()));
        }
    }

    fn put_in_order(&self, first: usize, origin: usize, text: &mut Vec<u8>) {
        let mut start = first;
        loop {
            let walk = self.walks[start];
            text.extend_from_slice(&self.notes[walk.from as usize..][..walk.length as usize]);
            if walk.met as usize == origin {
                return;
            }
            start = walk.met as usize / STEP;
        }
    }

    /// The whole chain from its beginning.
    fn follow(&self, origin: usize, length: usize, text: &mut Vec<u8>) {
        let mut row = origin;
        text.extend((0..length).map(|_| {
            let entry = self.table[row % SPAN];
            row = (entry >> 8 & ROW) as usize;
            entry as u8
        }));
    }

    /// The table: the rows sorted by their first byte, equal ones in the order of the column.
    fn link(&mut self, column: &Column) {
        let mut places = [0; 257];
        for (byte, &count) in column.counts.iter().enumerate() {
            places[byte + 1] = places[byte] + count as usize;
        }
        let ends = places;
        let mut row = 0u32;
        for &run in column.runs() {
            let (byte, length) = (run as usize & 0xFF, run as usize >> 8);
            let place = places[byte];
            places[byte] = place + length;
            let entry = row << 8 | run & 0xFF;
            // Most runs are short: four entries are written whatever the length, where they are this byte's own. Later runs of the
            // byte overwrite those too many.
            if length <= 4 && place + 4 <= ends[byte + 1] {
                if let Some(four) = self.table[place % SPAN..].first_chunk_mut() {
                    *four = [entry, entry + 0x100, entry + 0x200, entry + 0x300];
                }
            } else {
                for (slot, next) in self.table[place..place + length].iter_mut().zip(0u32..) {
                    *slot = entry + next * 0x100;
                }
            }
            row += length as u32;
        }
    }

    /// Walks from every start, [`LANES`] at once. `false` if a lane has no room left.
    fn walk(&mut self, length: usize, row_of_start: impl Fn(usize) -> usize) -> bool {
        let (table, notes) = (&mut *self.table, &mut *self.notes);
        // Idle lanes go round in a row of their own.
        table[length] = (length as u32) << 8;
        let mut rows = [length as u32; LANES];
        let mut active = [None; LANES];
        let mut waiting = 0..self.walks.len();
        let mut time = 0;
        let mut changing = [true; LANES];
        while time < ROOM {
            // Lanes which have met a start, or have not begun: to the next start, whose own mark does not count.
            for lane in 0..LANES {
                let mut entry = table[rows[lane] as usize % SPAN];
                if changing[lane] {
                    if let Some(walk) = active[lane].and_then(|done: usize| self.walks.get_mut(done)) {
                        walk.met = rows[lane];
                        walk.length = time as u32 - walk.from;
                        walk.from += (lane * STRIDE) as u32;
                    }
                    active[lane] = waiting.next();
                    let row = active[lane].map_or(length, &row_of_start);
                    if let Some(begun) = active[lane] {
                        self.walks[begun].from = time as u32;
                    }
                    entry = table[row] & !START;
                }
                notes[lane * STRIDE + time % ROOM] = entry as u8;
                rows[lane] = entry >> 8 & ROW;
            }
            if active.iter().all(Option::is_none) {
                return true;
            }
            time += 1;
            while time < ROOM {
                // Plain loops: the methods of arrays are not always inlined here, and then take twice the time.
                let (mut entries, mut all) = ([0; LANES], 0);
                for lane in 0..LANES {
                    entries[lane] = table[(rows[lane] & ROW) as usize];
                    all |= entries[lane];
                }
                if all & START != 0 {
                    for lane in 0..LANES {
                        changing[lane] = entries[lane] & START != 0;
                    }
                    break;
                }
                for lane in 0..LANES {
                    notes[lane * STRIDE + time % ROOM] = entries[lane] as u8;
                    rows[lane] = entries[lane] >> 8 & ROW;
                }
                time += 1;
            }
        }
        false
    }
}

/// The rows from which walks start: every [`STEP`]th, and the text's own.
fn row_of(start: usize, first: usize, origin: usize) -> usize {
    if start == first { origin } else { start * STEP }
}

/// A boxed array of zeros, which is never on the stack.
fn zeroed<T: Copy + Default, const N: usize>() -> Box<[T; N]> {
    let Ok(array) = vec![T::default(); N].into_boxed_slice().try_into() else { unreachable!("the length is the same constant") };
    array
}

#[cfg(test)]
mod tests {
    use super::{Chase, LANES, ROOM, STEP, row_of};
    use crate::column::Column;

    /// The text step by step, as the transform is defined; one byte more than the column.
    fn step_by_step(column: &[u8], origin: usize) -> Vec<u8> {
        let mut rows: Vec<usize> = (0..column.len()).collect();
        rows.sort_by_key(|&row| column[row]);
        let mut row = origin;
        let step = |_| {
            row = rows[row];
            column[row]
        };
        (0..=column.len()).map(step).collect()
    }

    fn check(chase: &mut Chase, column: &[u8], origin: usize) {
        let mut text = vec![1; 7];
        chase.invert(&Column::from_bytes(column, origin), &mut text);
        assert!(text == step_by_step(column, origin), "{} bytes from {origin}", column.len());
    }

    #[test]
    fn many_walks_give_what_one_gives() {
        let mut chase = Chase::new();
        let mut dice = 1u32;
        for length in [1, 2, 5, STEP - 1, STEP, STEP + 1, 3 * STEP, LANES * STEP, 40 * STEP + 3] {
            for kinds in [1, 2, 7, 256] {
                let mut roll = || {
                    dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (dice >> 8) as usize
                };
                let column: Vec<u8> = (0..length).map(|_| u8::try_from(roll() % kinds).unwrap()).collect();
                for origin in [0, roll() % length, (length - 1) / STEP * STEP] {
                    check(&mut chase, &column, origin);
                }
            }
        }
    }

    #[test]
    fn where_starts_lie_close_together_a_lane_runs_out_of_room() {
        // The chain goes from row p to row p + STEP, so that all starts come one after the other; the last walk is all the rest.
        let length = 3 * ROOM + 1;
        let column: Vec<u8> = (0..length).map(|row| u8::from(row < STEP)).collect();
        let mut chase = Chase::new();
        for origin in [0, 1, STEP, length - 1] {
            check(&mut chase, &column, origin);
        }
        check(&mut chase, &column, 0);
        assert!(!chase.walk(length, |start| row_of(start, 0, 0)), "this is the case which the test is for");
        check(&mut chase, b"and it is as good as before afterwards", 3);
    }
}
