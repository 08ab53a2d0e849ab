//! Takes an input and gives its parts in order, unpacked by several threads at once. Each thread cuts the next piece from the input
//! (one at a time), unpacks it and puts it in its place in a line, from whose front the parts are taken. The line is short, so that
//! threads wait when nobody takes the parts. It does not judge the parts, and does not know where one stream ends.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::block::{Part, Unpacker};
use crate::piece::Splitter;

/// Threads at work on an input. They end when this is dropped; dropping does not wait for them.
pub struct Crew<R> {
    shared: Arc<Shared<R>>,
}

struct Shared<R> {
    splitter: Mutex<Splitter<R>>,
    line: Mutex<Line>,
    /// There is room in the line, or the threads should end.
    room: Condvar,
    /// The front of the line is there.
    front: Condvar,
    /// The most parts in the line.
    length: usize,
}

#[derive(Default)]
struct Line {
    /// Parts which threads have taken on, in the order of the input; `None` while they work.
    places: VecDeque<Option<io::Result<Part>>>,
    /// How many have been taken from the front.
    taken: usize,
    /// The input has no more pieces.
    ended: bool,
    /// Nobody wants blocks unpacked any more, only pieces.
    pieces_only: bool,
    /// Nobody wants anything any more.
    dropped: bool,
    /// Parts whose buffers can be used again.
    spare: Vec<Part>,
}

impl<R: Read + Send + 'static> Crew<R> {
    /// Starts `threads` threads, or as many as there can be; gives the input back if that is none.
    pub fn start(splitter: Splitter<R>, threads: usize) -> Result<Self, Splitter<R>> {
        let (splitter, line) = (Mutex::new(splitter), Mutex::new(Line::default()));
        // One part in each hand, and one more for each to take on while the front is waited for.
        let length = threads.saturating_mul(2);
        let shared = Arc::new(Shared { splitter, line, room: Condvar::new(), front: Condvar::new(), length });
        let started = (0..threads).take_while(|_| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("bzip2-lanes".to_owned()).spawn(move || shared.work()).is_ok()
        });
        if started.count() > 0 {
            return Ok(Crew { shared });
        }
        match Arc::try_unwrap(shared) {
            Ok(alone) => Err(alone.splitter.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Err(shared) => Ok(Crew { shared }),
        }
    }
}

impl<R> Crew<R> {
    /// The next part, or `None` after the last. `spare` is a part which is done with.
    pub fn next(&mut self, spare: Part) -> io::Result<Option<Part>> {
        let mut line = lock(&self.shared.line);
        line.spare.push(spare);
        loop {
            match line.places.front().map(Option::is_some) {
                Some(true) => break,
                None if line.ended => return Ok(None),
                Some(false) | None => line = wait(&self.shared.front, line),
            }
        }
        line.taken += 1;
        let part = line.places.pop_front().flatten().transpose();
        self.shared.room.notify_all();
        part
    }

    /// From now on, blocks need not be unpacked.
    pub fn want_pieces_only(&mut self) {
        lock(&self.shared.line).pieces_only = true;
    }
}

impl<R> Drop for Crew<R> {
    fn drop(&mut self) {
        lock(&self.shared.line).dropped = true;
        self.shared.room.notify_all();
    }
}

impl<R: Read> Shared<R> {
    /// What each thread does.
    fn work(&self) {
        let mut unpacker = Unpacker::new();
        while let Some((number, mut part, unpack)) = self.take_on() {
            if unpack && let Ok(part) = &mut part {
                // A panic would be a fault of ours. The part then is not regular, and the `bzip2` crate decodes it.
                let _ = catch_unwind(AssertUnwindSafe(|| unpacker.unpack(part)));
            }
            let mut line = lock(&self.line);
            let place = number - line.taken;
            if let Some(place) = line.places.get_mut(place) {
                *place = Some(part);
            }
            drop(line);
            self.front.notify_one();
        }
    }

    /// The next piece, or why it cannot be had; its number, and whether it should be unpacked. `None` if there are no more.
    fn take_on(&self) -> Option<(usize, io::Result<Part>, bool)> {
        let mut splitter = lock(&self.splitter);
        let mut line = lock(&self.line);
        while line.places.len() >= self.length && !line.dropped {
            line = wait(&self.room, line);
        }
        if line.dropped || line.ended {
            return None;
        }
        let mut part = line.spare.pop().unwrap_or_default();
        drop(line);
        part.block.regular = false;
        let given = catch_unwind(AssertUnwindSafe(|| splitter.next(&mut part.piece)));
        let mut line = lock(&self.line);
        let part = match given {
            Ok(Ok(true)) => Ok(part),
            Ok(Err(error)) => Err(error),
            Ok(Ok(false)) | Err(_) => {
                line.ended = true;
                self.front.notify_one();
                match given {
                    Err(_) => Err(io::Error::other("the reader of the compressed input panicked")),
                    Ok(_) => return None,
                }
            }
        };
        line.places.push_back(None);
        Some((line.taken + line.places.len() - 1, part, !line.pieces_only))
    }
}

// What is locked stays whole whatever panics: so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
