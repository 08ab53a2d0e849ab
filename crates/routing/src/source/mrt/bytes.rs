//! A stream of bytes with sight of what comes next.
//!
//! Gives a view of the bytes ahead, as long as asked for, and takes them only when told, so that a reader which turns out to be wrong can
//! try again one byte further. A failing stream ends like an ended one, and keeps what the failure was.

use std::io::{ErrorKind, Read, empty};

/// Room in the buffer: large enough that calls of the decoder do not show in a profile, small enough to stay in a processor's cache.
const ROOM: usize = 256 * 1024;
/// Less room than this at the end of the buffer is not worth a read.
const LEAST: usize = 64 * 1024;

pub(in crate::source) struct Bytes {
    stream: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where the view begins and ends in the buffer.
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    failure: Option<String>,
}

impl Bytes {
    pub(in crate::source) fn new(stream: Box<dyn Read + Send>) -> Self {
        Bytes { stream, buffer: vec![0; ROOM], start: 0, end: 0, offset: 0, ended: false, failure: None }
    }

    /// The stream is these bytes: they are not copied.
    pub(in crate::source) fn whole(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        Bytes { stream: Box::new(empty()), buffer: bytes, start: 0, end, offset: 0, ended: true, failure: None }
    }

    /// Reads until `count` bytes are in view, or the stream ends; gives how many are.
    #[inline]
    pub(in crate::source) fn have(&mut self, count: usize) -> usize {
        while self.end - self.start < count && !self.ended {
            self.read_more();
        }
        self.end - self.start
    }

    /// The bytes in view.
    #[inline]
    pub(in crate::source) fn view(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Takes `count` bytes, or what there is.
    #[inline]
    pub(in crate::source) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Offset of the first byte in view.
    pub(in crate::source) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the stream ended early, if it did.
    pub(in crate::source) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    #[cold]
    fn read_more(&mut self) {
        if self.buffer.len() - self.end < LEAST {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.buffer.len() - self.end < LEAST {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let read = loop {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.unwrap_or_else(|error| {
            self.failure = Some(format!("the file is truncated or damaged ({error})"));
            0
        });
        self.ended = read == 0;
        self.end += read;
    }
}
