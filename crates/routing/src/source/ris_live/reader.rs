//! Recordings of RIS Live: the frames as they came, one a line.

use super::frame::Frame;
use super::messages::Messages;
use crate::source::account::{Damage, FileAccount, FileKind};
use crate::source::gap::Covered;
use crate::source::mrt::Bytes;
use crate::source::stating::Stating;
use crate::time::Timestamp;
use std::sync::Arc;

/// No frame is longer: a BGP message has at most 65,535 bytes (RFC 8654), and its fields repeat them.
const LONGEST: usize = 4 * 1024 * 1024;
/// Within so many lines the first frame is found, if a recording began or was cut in the middle of one.
const LOOKED_AT: usize = 3;

/// Reads one recording.
pub(in crate::source) struct RisLiveReader {
    bytes: Bytes,
    /// Lines met.
    lines: u64,
    messages: Messages,
}

/// Whether a text begins like a recording of RIS Live.
pub(in crate::source) fn is_recording(bytes: &mut Bytes) -> bool {
    let mut from = 0;
    for _ in 0..LOOKED_AT {
        let Some(line) = line_end(bytes, from, LONGEST) else { return false };
        let text = bytes.view().get(from..line).unwrap_or_default();
        match Frame::read(text) {
            Ok(Frame::Other(kind)) => return kind.starts_with("ris_"),
            Ok(_) => return true,
            Err(_) => from = line,
        }
    }
    false
}

/// Where the line which begins at `from` ends, its end-of-line included; `None` if there is none, or it is longer than that.
pub(in crate::source) fn line_end(bytes: &mut Bytes, from: usize, longest: usize) -> Option<usize> {
    let mut looked = from;
    while looked - from <= longest {
        let view = bytes.view();
        if let Some(end) = view.get(looked..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
            return Some(looked + end + 1);
        }
        looked = view.len().max(from);
        if bytes.have(looked + 1) <= looked {
            return (looked > from).then_some(looked);
        }
    }
    None
}

impl RisLiveReader {
    /// Reads up to the first message which need not be held back.
    pub(in crate::source) fn new(bytes: Bytes, covered: Arc<Covered>, account: &mut FileAccount) -> Self {
        account.holds(FileKind::RisLive);
        let mut reader = RisLiveReader { bytes, lines: 0, messages: Messages::beside(covered) };
        reader.fill(account);
        reader
    }

    /// The time of what comes next; `None` at the end.
    pub(in crate::source) fn next_time(&self) -> Option<Timestamp> {
        self.messages.next_time()
    }

    /// Why the stream ended early, if it did.
    pub(in crate::source) fn failure(&self) -> Option<&str> {
        self.bytes.failure()
    }

    /// States what the next messages say, of times before `until`.
    pub(in crate::source) fn read(&mut self, until: Timestamp, ctx: &mut Stating<'_>) {
        loop {
            self.messages.state_next(ctx);
            self.fill(ctx.account);
            let room = ctx.out.len() < 256;
            if !room || self.next_time().is_none_or(|next| next >= until) {
                return;
            }
        }
    }

    /// Reads lines until a message need not be held back, or to the end.
    fn fill(&mut self, account: &mut FileAccount) {
        while self.messages.next_time().is_none() {
            let Some(end) = line_end(&mut self.bytes, 0, LONGEST) else {
                let left = self.bytes.have(LONGEST).min(LONGEST);
                if left == 0 {
                    return self.messages.end();
                }
                let (offset, cause) = (self.bytes.offset(), "a line is too long for a frame".to_owned());
                account.skip(Damage { offset, bytes: left as u64, record: self.lines + 1, cause });
                self.bytes.consume(left);
                continue;
            };
            self.lines += 1;
            let text = self.bytes.view().get(..end).unwrap_or_default().trim_ascii();
            if !text.is_empty() {
                self.messages.take(text, (self.lines, self.bytes.offset()), account);
            }
            self.bytes.consume(end);
        }
    }
}
