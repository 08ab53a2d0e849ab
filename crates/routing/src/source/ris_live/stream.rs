//! The stream itself, as it comes: frames in, statements out.

use super::frame::{Message, clock_line, lost_line};
use super::messages::Messages;
use crate::observation::{FileId, Observation, Others};
use crate::source::account::{Damage, FileAccount, FileKind};
use crate::source::interest::Interest;
use crate::source::route::Routes;
use crate::source::stating::Stating;
use crate::time::{Span, Timestamp};
use crate::vantage::Vantages;
use ipnet::IpNet;
use std::collections::VecDeque;
use std::path::PathBuf;

/// A stream of RIS Live. It is counted like a file, which it would be if it was recorded.
pub struct RisLive {
    messages: Messages,
    interest: Interest,
    file: FileId,
    /// Lines of the recording: frames, and notes.
    lines: u64,
    notes: u64,
    account: FileAccount,
    routes: Routes,
    vantages: Vantages,
    ready: VecDeque<Observation>,
    spare: Option<Box<Others>>,
    /// What a recording of it would hold beside what was taken already.
    recording: Option<Vec<u8>>,
    /// When it was last noted how late it is.
    noted: Timestamp,
    /// Something came since.
    moved: bool,
}

/// So often it is noted how late it is, though nothing comes.
const NOTED_EVERY: Span = Span::from_seconds(60);

impl RisLive {
    /// The stream at this address, of which nothing has come yet.
    pub fn new(address: &str, interest: Interest) -> Self {
        let mut account = FileAccount::new(PathBuf::from(address), String::new(), 0);
        account.holds(FileKind::RisLive);
        RisLive {
            messages: Messages::new(),
            interest,
            file: FileId(0),
            lines: 0,
            notes: 0,
            account,
            routes: Routes::default(),
            vantages: Vantages::default(),
            ready: VecDeque::new(),
            spare: None,
            recording: None,
            noted: Timestamp::MIN,
            moved: false,
        }
    }

    /// Somebody records it, and takes the [lines](RisLive::recorded).
    pub fn record(&mut self) {
        self.recording.get_or_insert_default();
    }

    /// Takes the lines of its recording since the last call: frames as they came, and notes of how late it is and of lost connections. A reader of
    /// them states what was stated here. None unless it is recorded.
    pub fn recorded(&mut self) -> Vec<u8> {
        self.recording.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// So many files come before it, and these vantage points were met in them.
    pub fn after(&mut self, files: u32, vantages: Vantages) {
        (self.file, self.vantages) = (FileId(files), vantages);
    }

    /// Which prefixes deserve a statement each.
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// Notes when any of these is [spoken of](RisLive::heard), whether anybody is interested in it or not.
    pub fn listen_for(&mut self, prefixes: &[IpNet]) {
        self.messages.listen_for(prefixes);
    }

    /// When one of those was last spoken of.
    pub fn heard(&self) -> Option<Timestamp> {
        self.messages.heard()
    }

    /// Takes a frame; gives the server's words, if it is not content. One which cannot be read, or believed, is counted.
    pub fn take(&mut self, frame: &[u8]) -> Option<String> {
        let offset = self.account.bytes;
        self.write(frame);
        self.moved = true;
        let words = self.messages.take(frame, (self.lines, offset), &mut self.account);
        // At once, as a reader of the recording does: what comes too late is too late in both.
        self.state_ready();
        words
    }

    /// Takes a message which somebody else read. One which cannot be believed is counted.
    pub fn take_message(&mut self, message: Message) {
        let offset = self.account.bytes;
        if self.recording.is_some() {
            self.write(message.to_frame().as_bytes());
        } else {
            self.lines += 1;
        }
        self.moved = true;
        self.account.records = self.lines;
        if let Err(cause) = self.messages.put(message, (self.lines, offset)) {
            self.account.skip(Damage { offset, bytes: 0, record: self.lines, cause });
        }
        self.state_ready();
    }

    /// So late it is, but what was said until then may still come: it is only believed.
    pub fn expect_until(&mut self, time: Timestamp) {
        self.messages.expect_until(time);
    }

    /// So late it is by the clock of the stream: nothing older is waited for, and nothing from much later is believed.
    pub fn pass(&mut self, time: Timestamp) {
        if time <= self.noted || !(self.moved || self.messages.holds_any() || time >= self.noted + NOTED_EVERY) {
            return;
        }
        (self.noted, self.moved) = (time, false);
        self.notes += 1;
        self.write(clock_line(time).as_bytes());
        self.account.records = self.lines;
        self.account.saw(time);
        self.messages.pass(time);
        self.state_ready();
    }

    /// Nothing is waited for any more.
    pub fn end(&mut self) {
        self.messages.end();
    }

    /// The connection was lost: of no collector anything is known from `from` to `until`.
    pub fn lost(&mut self, from: Timestamp, until: Timestamp) {
        let offset = self.account.bytes;
        self.notes += 1;
        self.write(lost_line(from, until).as_bytes());
        self.account.records = self.lines;
        self.messages.lost(from, until, (self.lines, offset));
        self.state_ready();
    }

    /// Takes what was said and need not be held back, in order of time, and who is who by then.
    pub fn said(&mut self) -> (VecDeque<Observation>, &Vantages) {
        self.state_ready();
        (std::mem::take(&mut self.ready), &self.vantages)
    }

    /// One more line. JSON allows its end inside of a frame, a recording does not.
    fn write(&mut self, line: &[u8]) {
        self.lines += 1;
        self.account.bytes += line.len() as u64 + 1;
        if let Some(recording) = &mut self.recording {
            recording.extend(line.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
            recording.push(b'\n');
        }
    }

    fn state_ready(&mut self) {
        while self.messages.next_time().is_some() {
            self.messages.state_next(&mut Stating {
                vantages: &mut self.vantages,
                interest: &self.interest,
                account: &mut self.account,
                file: self.file,
                routes: &mut self.routes,
                out: &mut self.ready,
                spare: &mut self.spare,
            });
        }
    }

    /// Who is who.
    pub fn vantages(&self) -> &Vantages {
        &self.vantages
    }

    /// The same, for others who are heard beside the stream; which prefixes deserve a statement; and the number of the first file after it.
    pub fn beside(&mut self) -> (&mut Vantages, &Interest, u32) {
        (&mut self.vantages, &self.interest, self.file.0.saturating_add(1))
    }

    /// Until when what was said need not be held back.
    pub fn is_free_until(&self) -> Timestamp {
        self.messages.is_free_until()
    }

    /// How many frames have come.
    pub fn frames(&self) -> u64 {
        self.lines - self.notes
    }

    /// The time of the youngest message which has come.
    pub fn newest(&self) -> Option<Timestamp> {
        self.messages.newest()
    }

    /// The time of the message which came last, if one came since the last call.
    pub fn told_last(&mut self) -> Option<Timestamp> {
        self.messages.told_last()
    }

    /// What has come so far, and what was noted.
    pub fn account(&self) -> &FileAccount {
        &self.account
    }
}
