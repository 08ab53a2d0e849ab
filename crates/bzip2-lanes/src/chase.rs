//! Takes a block's [`Column`] and gives the block's text: the inverse Burrows-Wheeler transform.
//!
//! Each row of the sorted rotations names the row with which the text goes on. Following that chain, row after row, is what makes bzip2
//! slow: the table has four bytes for each of up to 900 000 rows, more than the second-level cache holds, and each step must wait for
//! the one before. But nobody says that the chain must be followed from its beginning. Here [`LANES`] walkers set out from rows evenly
//! spread over the table, all at once, so that the processor waits for many steps together; each goes on until it meets a row from which
//! another set out, and then takes the next such row. What they have noted is put in order at the end.

use crate::column::{Column, SPAN, zeroed};

/// Walkers at once. More wait for more steps together, until the processor's registers run out.
const LANES: usize = 8;
/// Bytes from one lane's notes to the next: room for a whole block, and not a multiple of 4096, which would have all lanes' notes fight
/// for the same cache lines.
const STRIDE: usize = SPAN + 576;
const NOTES: usize = LANES * STRIDE;
/// Rows from one start to the next. Few starts leave lanes idle at the end, while the last walker is on a long way; many cost time
/// to change over.
const STEP: usize = 2048;
/// Set in the entry of a row from which a walk starts.
const START: u32 = 1 << 31;
const ROW: u32 = SPAN as u32 - 1;

/// The tables of the inversion, used for one block after the other.
pub struct Chase {
    /// By row: the next row · 256 + the byte with which this one goes on.
    table: Box<[u32; SPAN]>,
    /// What each lane's walkers saw, one after the other.
    notes: Box<[u8; NOTES]>,
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
    /// The tables: 4 MiB for rows; for notes 8 MiB of which mostly one is touched.
    pub fn new() -> Self {
        Chase { table: zeroed(), notes: zeroed(), walks: Vec::new() }
    }

    /// Writes the text, which is as long as the column, and one byte more: the one which would follow if the chain went on. (A damaged
    /// block may end in four equal bytes without the count which should follow; decoders then take that byte for it.)
    pub fn invert(&mut self, column: &Column, text: &mut Vec<u8>) {
        self.link(column);
        let (origin, length) = (column.origin, column.length);
        let starts = length.div_ceil(STEP);
        let first = if origin.is_multiple_of(STEP) { origin / STEP } else { starts };
        self.walks.clear();
        self.walks.resize(starts.max(first + 1), Walk::default());
        for start in 0..self.walks.len() {
            self.table[row_of(start, first, origin)] |= START;
        }
        self.walk(length, |start| row_of(start, first, origin));
        text.clear();
        let mut start = first;
        loop {
            let walk = self.walks[start];
            text.extend_from_slice(&self.notes[walk.from as usize..][..walk.length as usize]);
            if walk.met as usize == origin {
                break;
            }
            start = walk.met as usize / STEP;
        }
        // A text which repeats itself has several equal rows, and the chain closes after one repetition.
        while text.len() <= length {
            text.extend_from_within(..text.len().min(length + 1 - text.len()));
        }
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

    /// Walks from every start, [`LANES`] at once.
    fn walk(&mut self, length: usize, row_of_start: impl Fn(usize) -> usize) {
        let (table, notes) = (&mut *self.table, &mut *self.notes);
        // Idle lanes go round in a row of their own.
        table[length] = (length as u32) << 8;
        let mut rows = [length as u32; LANES];
        let mut active = [None; LANES];
        let mut waiting = 0..self.walks.len();
        let mut time = 0;
        let mut changing = [true; LANES];
        loop {
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
                notes[lane * STRIDE + time % SPAN] = entry as u8;
                rows[lane] = entry >> 8 & ROW;
            }
            if active.iter().all(Option::is_none) {
                return;
            }
            time += 1;
            let entries = loop {
                let entries = rows.map(|row| table[(row & ROW) as usize]);
                if entries.iter().fold(0, |all, entry| all | entry) & START != 0 {
                    break entries;
                }
                for lane in 0..LANES {
                    notes[lane * STRIDE + time % SPAN] = entries[lane] as u8;
                    rows[lane] = entries[lane] >> 8 & ROW;
                }
                time += 1;
            };
            changing = entries.map(|entry| entry & START != 0);
        }
    }
}

/// The rows from which walks start: every [`STEP`]th, and the text's own.
fn row_of(start: usize, first: usize, origin: usize) -> usize {
    if start == first { origin } else { start * STEP }
}
