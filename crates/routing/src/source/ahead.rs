//! Unpacking in threads of its own, ahead of who reads.
//!
//! Takes a stream; gives one of the same bytes, which another thread reads in advance, a bounded number of pieces. How many such threads work at a
//! time is bounded too, however many streams there are. What comes out does not depend on it: bytes, their order and the failure at their end are
//! those of the stream.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Bytes of one piece.
const PIECE: usize = 256 * 1024;
/// Pieces in memory, of all streams together, and the bounds for one stream.
const PIECES: usize = 16;
const PIECES_OF_ONE: std::ops::RangeInclusive<usize> = 2..=8;

/// The threads which may work at a time.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Workers {
    /// So many, at least one.
    pub(super) fn new(count: usize) -> Self {
        Workers(Arc::new(Gate { free: Mutex::new(count.max(1)), freed: Condvar::new() }))
    }

    /// Reads `stream` ahead; `streams`: how many are read so.
    pub(super) fn read_ahead(&self, stream: Box<dyn Read + Send>, streams: usize) -> Box<dyn Read + Send> {
        let pieces = (PIECES / streams.max(1)).clamp(*PIECES_OF_ONE.start(), *PIECES_OF_ONE.end());
        let (full, next) = sync_channel(pieces);
        let (used, empty) = channel();
        let workers = self.clone();
        std::thread::spawn(move || workers.work(stream, &full, &empty));
        Box::new(Ahead { next, used, piece: Piece::default(), at: 0, ended: false })
    }

    /// Does some work as soon as it is this thread's turn.
    fn turn<T>(&self, work: impl FnOnce() -> T) -> T {
        let Gate { free, freed } = &*self.0;
        let mut waiting = free.lock().unwrap_or_else(PoisonError::into_inner);
        while *waiting == 0 {
            waiting = freed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        *waiting -= 1;
        drop(waiting);
        let _turn = Turn(self);
        work()
    }

    /// Reads the stream to its end, or until nobody wants it.
    fn work(&self, mut stream: Box<dyn Read + Send>, full: &SyncSender<Sent>, empty: &Receiver<Vec<u8>>) {
        loop {
            let room = empty.try_recv().unwrap_or_else(|_| vec![0; PIECE]);
            let (piece, end) = self.turn(|| fill(&mut *stream, room));
            let ended = end.is_some();
            if full.send(Sent::Piece(piece)).is_err() || end.is_some_and(|end| full.send(Sent::End(end)).is_err()) || ended {
                return;
            }
        }
    }
}

/// A thread's turn. It ends when this is dropped, also if the work panics.
struct Turn<'a>(&'a Workers);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Gate { free, freed } = &*self.0.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        freed.notify_one();
    }
}

#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    len: usize,
}

enum Sent {
    Piece(Piece),
    End(io::Result<()>),
}

/// Fills a piece; with how the stream ended, if it did.
fn fill(stream: &mut dyn Read, mut bytes: Vec<u8>) -> (Piece, Option<io::Result<()>>) {
    let mut len = 0;
    let end = loop {
        match stream.read(&mut bytes[len..]) {
            Ok(0) if len < bytes.len() => break Some(Ok(())),
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break Some(Err(error)),
        }
        if len == bytes.len() {
            break None;
        }
    };
    (Piece { bytes, len }, end)
}

/// The side which reads.
struct Ahead {
    next: Receiver<Sent>,
    used: Sender<Vec<u8>>,
    piece: Piece,
    at: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len && !self.ended {
            match self.next.recv() {
                Ok(Sent::Piece(piece)) => {
                    let used = std::mem::replace(&mut self.piece, piece);
                    self.at = 0;
                    if !used.bytes.is_empty() {
                        // If the worker has ended nobody needs it any more.
                        let _ = self.used.send(used.bytes);
                    }
                }
                Ok(Sent::End(end)) => {
                    self.ended = true;
                    end?;
                }
                Err(_) => {
                    self.ended = true;
                    return Err(io::Error::other("the decoder failed on it"));
                }
            }
        }
        let count = buffer.len().min(self.piece.len - self.at);
        buffer[..count].copy_from_slice(&self.piece.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Gives some bytes, then fails or panics.
    struct Breaks(Cursor<Vec<u8>>, fn() -> io::Result<usize>);

    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => self.1(),
                read => Ok(read),
            }
        }
    }

    fn bytes(count: u32) -> Vec<u8> {
        (0..count).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect()
    }

    #[test]
    fn many_streams_over_few_workers_give_their_own_bytes() {
        let workers = Workers::new(2);
        let mut streams: Vec<_> = (0..20).map(|i| workers.read_ahead(Box::new(Cursor::new(bytes(100_000 + i))), 20)).collect();
        // Read backwards and in small steps: no stream waits for another.
        for (i, stream) in streams.iter_mut().enumerate().rev() {
            let mut read = Vec::new();
            stream.read_to_end(&mut read).unwrap();
            assert!(read == bytes(100_000 + i as u32), "stream {i}");
        }
    }

    #[test]
    fn what_comes_before_a_failure_arrives_and_then_the_failure() {
        for (end, said) in [
            ((|| Err(io::Error::other("torn"))) as fn() -> io::Result<usize>, "torn"),
            (|| panic!("a decoder with a fault"), "the decoder failed on it"),
        ] {
            let mut stream = Workers::new(1).read_ahead(Box::new(Breaks(Cursor::new(bytes(200_000)), end)), 1);
            let mut read = Vec::new();
            let error = stream.read_to_end(&mut read).unwrap_err();
            assert_eq!(error.to_string(), said);
            if said == "torn" {
                assert!(read == bytes(200_000));
            }
            assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "a failed stream has ended");
        }
    }

    #[test]
    fn a_stream_which_nobody_reads_to_its_end_frees_its_worker() {
        let workers = Workers::new(1);
        for _ in 0..50 {
            drop(workers.read_ahead(Box::new(io::repeat(7)), 1));
        }
        let mut last = workers.read_ahead(Box::new(io::repeat(7).take(3_000_000)), 1);
        assert_eq!(io::copy(&mut last, &mut io::sink()).unwrap(), 3_000_000);
    }
}
