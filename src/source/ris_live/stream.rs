//! The stream itself, as it comes: frames in, statements out.

use super::messages::Messages;
use crate::observation::{FileId, GapCause, Observation, Others, RecordRef, Statement};
use crate::source::account::{FileAccount, FileKind};
use crate::source::interest::Interest;
use crate::source::route::Routes;
use crate::source::stating::Stating;
use crate::time::Timestamp;
use crate::vantage::{CollectorId, Vantages};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

/// A stream of RIS Live. It is counted like a file, which it would be if it was recorded.
pub struct RisLive {
    messages: Messages,
    interest: Interest,
    file: FileId,
    frames: u64,
    account: FileAccount,
    routes: Routes,
    vantages: Vantages,
    ready: VecDeque<Observation>,
    spare: Option<Box<Others>>,
}

impl RisLive {
    /// The stream at this address, of which nothing has come yet.
    pub fn new(address: &str, interest: Interest) -> Self {
        let mut account = FileAccount::new(PathBuf::from(address), String::new(), 0);
        account.holds(FileKind::RisLive);
        RisLive {
            messages: Messages::new(),
            interest,
            file: FileId(0),
            frames: 0,
            account,
            routes: Routes::default(),
            vantages: Vantages::default(),
            ready: VecDeque::new(),
            spare: None,
        }
    }

    /// So many files come before it, and these vantage points were met in them.
    pub fn after(&mut self, files: u32, vantages: Vantages) {
        (self.file, self.vantages) = (FileId(files), vantages);
    }

    /// Which prefixes deserve a statement each.
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// Takes a frame; gives the server's words, if it is not content. One which cannot be read, or believed, is counted.
    pub fn take(&mut self, frame: &[u8]) -> Option<String> {
        self.frames += 1;
        let offset = self.account.bytes;
        self.account.bytes += frame.len() as u64;
        self.messages.take(frame, (self.frames, offset), &mut self.account)
    }

    /// So late it is by the clock of the stream: nothing older is waited for.
    pub fn pass(&mut self, time: Timestamp) {
        self.messages.pass(time);
    }

    /// A message from after this time is not believed: one wrong clock must not put all others into the past.
    pub fn refuse_after(&mut self, time: Timestamp) {
        self.messages.refuse_after(time);
    }

    /// Nothing is waited for any more.
    pub fn end(&mut self) {
        self.messages.end();
    }

    /// The connection was lost: of no collector anything is known from `from` to `until`, but of those heard `beside` the stream.
    pub fn lost(&mut self, from: Timestamp, until: Timestamp, beside: &BTreeSet<CollectorId>) {
        self.messages.let_go();
        self.state_ready();
        let source = RecordRef { file: self.file, record: self.frames };
        for (collector, _) in self.vantages.collectors().filter(|(collector, _)| !beside.contains(collector)) {
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

    /// What has come so far.
    pub fn account(&self) -> &FileAccount {
        &self.account
    }
}
