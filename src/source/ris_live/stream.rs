//! The stream itself, as it comes: frames in, statements out.

use super::frame::Frame;
use super::messages::{Messages, RisLiveContext};
use crate::observation::{FileId, GapCause, Observation, Others, RecordRef, Statement};
use crate::source::account::{Damage, FileAccount, FileKind};
use crate::source::interest::Interest;
use crate::source::route::Routes;
use crate::time::Timestamp;
use crate::vantage::Vantages;
use std::collections::VecDeque;
use std::path::PathBuf;

/// A stream of RIS Live. It is counted like a file, which it would be if it was recorded.
pub struct RisLive {
    messages: Messages,
    /// No message can be from later than this.
    not_after: Timestamp,
    interest: Interest,
    file: FileId,
    frames: u64,
    bytes: u64,
    account: FileAccount,
    routes: Routes,
    vantages: Vantages,
    ready: VecDeque<Observation>,
    spare: Option<Box<Others>>,
}

/// What the server said which is no message of a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is not content, in its words.
    Error(String),
    /// A subscription holds.
    Subscribed,
    /// It is there.
    Pong,
    /// Something else.
    Other,
}

impl RisLive {
    /// The stream at this address, of which nothing has come yet. `vantages`: those known already, from table dumps.
    pub fn new(address: &str, file: FileId, interest: Interest, vantages: Vantages) -> Self {
        let mut account = FileAccount::new(PathBuf::from(address), String::new(), 0);
        account.holds(FileKind::RisLive);
        RisLive {
            messages: Messages::new(),
            not_after: Timestamp::MAX,
            interest,
            file,
            frames: 0,
            bytes: 0,
            account,
            routes: Routes::default(),
            vantages,
            ready: VecDeque::new(),
            spare: None,
        }
    }

    /// Takes a frame; gives what it answers, if it is no message of a collector. One which cannot be read is counted.
    pub fn take(&mut self, frame: &[u8]) -> Option<Answer> {
        self.frames += 1;
        let offset = self.bytes;
        self.bytes += frame.len() as u64;
        (self.account.records, self.account.bytes) = (self.frames, self.bytes);
        match Frame::read(frame) {
            Ok(Frame::Message(message)) if message.at > self.not_after => {
                let (bytes, cause) = (frame.len() as u64, format!("its time, {}, has not come yet", message.at));
                self.account.skip(Damage { offset, bytes, record: self.frames, cause });
            }
            Ok(Frame::Message(message)) => {
                self.messages.put(message, (self.frames, offset));
                return None;
            }
            Ok(Frame::Error(words)) => {
                self.account.count_other(&format!("errors of the server: {words}"), 1);
                return Some(Answer::Error(words));
            }
            Ok(Frame::Subscribed) => return Some(Answer::Subscribed),
            Ok(Frame::Pong) => return Some(Answer::Pong),
            Ok(Frame::Other(_)) => return Some(Answer::Other),
            Err(cause) => {
                let bytes = frame.len() as u64;
                self.account.skip(Damage { offset, bytes, record: self.frames, cause });
            }
        }
        None
    }

    /// So late it is by the clock of the stream: nothing older is waited for.
    pub fn pass(&mut self, time: Timestamp) {
        self.messages.pass(time);
    }

    /// A message from after this time is not believed: one wrong clock must not put all others into the past.
    pub fn refuse_after(&mut self, time: Timestamp) {
        self.not_after = time;
    }

    /// Nothing is waited for any more.
    pub fn end(&mut self) {
        self.messages.end();
    }

    /// The connection was lost: of no collector anything is known from `from` to `until`.
    pub fn lost(&mut self, from: Timestamp, until: Timestamp) {
        self.messages.let_go();
        self.state_ready();
        let source = RecordRef { file: self.file, record: self.frames };
        for (collector, _) in self.vantages.collectors() {
            let what = Statement::FeedGap { collector, until, cause: GapCause::Disconnected };
            self.ready.push_back(Observation { at: from, source, what });
        }
    }

    /// Takes what was said and need not be held back, in order of time, and who is who by then.
    pub fn said(&mut self) -> (VecDeque<Observation>, &Vantages) {
        self.state_ready();
        (std::mem::take(&mut self.ready), &self.vantages)
    }

    fn state_ready(&mut self) {
        while self.messages.next_time().is_some() {
            self.messages.state_next(&mut RisLiveContext {
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

    /// What has come so far.
    pub fn account(&self) -> &FileAccount {
        &self.account
    }
}
