//! Recordings of BMP: the bytes of one connection, as they came.

use super::frame::{FrameError, HEADER, first_message, message_length};
use super::router::Router;
use crate::source::account::{Damage, FileAccount, FileKind};
use crate::source::mrt::Bytes;
use crate::source::stating::Stating;
use crate::time::Timestamp;

/// So many messages in a row show that a file holds BMP: the first byte of one is a year of MRT, too (1971).
const SHOWN: usize = 3;

/// Reads one recording.
pub(in crate::source) struct BmpReader {
    bytes: Bytes,
    router: Router,
    messages: u64,
    /// The time and the length of the message which comes next.
    next: Option<(Timestamp, usize)>,
}

/// Whether these bytes begin like a recording of BMP.
pub(in crate::source) fn is_bmp(bytes: &mut Bytes) -> bool {
    let mut from = 0;
    for shown in 0..SHOWN {
        match look(bytes, from) {
            Ok(Some(length)) => from += length,
            Ok(None) => return shown > 0,
            Err(_) => return false,
        }
    }
    true
}

/// The length of the message which begins at `from`; `None` if there is no whole one.
fn look(bytes: &mut Bytes, from: usize) -> Result<Option<usize>, FrameError> {
    bytes.have(from + HEADER);
    let length = message_length(bytes.view().get(from..).unwrap_or_default())?;
    Ok(length.filter(|length| bytes.have(from + length) >= from + length))
}

impl BmpReader {
    /// Reads up to the first message which tells a time; those before it count from then. `collector`: what the router counts as.
    pub(in crate::source) fn new(bytes: Bytes, collector: &str, account: &mut FileAccount) -> Self {
        account.holds(FileKind::Bmp);
        let mut reader = BmpReader { bytes, router: Router::new(collector), messages: 0, next: None };
        reader.fill(account);
        reader
    }

    /// The time of what comes next; `None` at the end.
    pub(in crate::source) fn next_time(&self) -> Option<Timestamp> {
        self.next.map(|(at, _)| at)
    }

    /// Why the stream ended early, if it did.
    pub(in crate::source) fn failure(&self) -> Option<&str> {
        self.bytes.failure()
    }

    /// States what the next messages say, of times before `until`.
    pub(in crate::source) fn read(&mut self, until: Timestamp, ctx: &mut Stating<'_>) {
        loop {
            if let Some((_, length)) = self.next.take() {
                let place = self.place();
                if let Ok(Some((frame, _))) = first_message(self.bytes.view()) {
                    self.router.take(frame, place, None, ctx);
                }
                self.bytes.consume(length);
            }
            self.fill(ctx.account);
            if ctx.out.len() >= 256 || self.next_time().is_none_or(|next| next >= until) {
                return;
            }
        }
    }

    /// Number and offset of the message which comes next, which is counted.
    fn place(&mut self) -> (u64, u64) {
        self.messages += 1;
        (self.messages, self.bytes.offset())
    }

    /// Looks for the next message whose time is known.
    fn fill(&mut self, account: &mut FileAccount) {
        while self.next.is_none() {
            let length = match look(&mut self.bytes, 0) {
                Ok(Some(length)) => length,
                Ok(None) => return self.lose_rest("a message is not whole: the recording ends in it", account),
                Err(error) => return self.lose_rest(&error.to_string(), account),
            };
            let Ok(Some((frame, _))) = first_message(self.bytes.view()) else { return };
            match self.router.time(frame, None) {
                Some(at) => self.next = Some((at, length)),
                None => {
                    self.messages += 1;
                    self.router.hold(frame, (self.messages, self.bytes.offset()), account);
                    self.bytes.consume(length);
                }
            }
        }
    }

    /// Where one message is none, nobody can tell where the next one begins.
    fn lose_rest(&mut self, cause: &str, account: &mut FileAccount) {
        let (offset, mut bytes) = (self.bytes.offset(), 0);
        while self.bytes.have(1) > 0 {
            let length = self.bytes.view().len();
            self.bytes.consume(length);
            bytes += length as u64;
        }
        if bytes > 0 {
            account.skip(Damage { offset, bytes, record: self.messages + 1, cause: cause.to_owned() });
        }
    }
}
