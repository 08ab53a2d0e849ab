//! A stream of bytes with sight of what comes next.
//!
//! Gives a view of the bytes ahead, as long as asked for, and takes them only when told, so that a reader which turns out to be wrong can
//! try again one byte further. A failing stream ends like an ended one, and keeps what the failure was.

use std::io::{ErrorKind, Read};

/// Asked of the stream at a time.
const CHUNK: usize = 128 * 1024;

pub(super) struct Bytes {
    stream: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    offset: u64,
    ended: bool,
    failure: Option<String>,
}

impl Bytes {
    pub(super) fn new(stream: Box<dyn Read + Send>) -> Self {
        Bytes { stream, buffer: Vec::new(), start: 0, offset: 0, ended: false, failure: None }
    }

    /// Reads until `count` bytes are in view, or the stream ends; gives how many are.
    pub(super) fn have(&mut self, count: usize) -> usize {
        while self.buffer.len() - self.start < count && !self.ended {
            self.read_more();
        }
        self.buffer.len() - self.start
    }

    /// The bytes in view.
    pub(super) fn view(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Takes `count` bytes, or what there is.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.buffer.len() - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Offset of the first byte in view.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the stream ended early, if it did.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn read_more(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(self.buffer.len() - self.start);
            self.start = 0;
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK, 0);
        let read = loop {
            match self.stream.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.unwrap_or_else(|error| {
            self.failure = Some(format!("the file is truncated or damaged ({error})"));
            0
        });
        self.ended = read == 0;
        self.buffer.truncate(filled + read);
    }
}
