//! Many files, one stream in order of time.
//!
//! Takes files; gives their statements ordered by time, then by file, then by place in the file, in bounded memory: of each file only
//! the first record is looked at in advance, and it is open only from when it is due until it is read. Within a file the time never goes
//! back: a record stamped before its predecessor is given the predecessor's time.

use super::account::{FileAccount, FileKind};
use super::advance::Advance;
use super::bmp::{BmpReader, RoutersReader};
use super::discover::{InputFile, SourceError};
use super::gap::{Covered, Sequel, sequels};
use super::interest::Interest;
use super::mrt::{Context, MrtReader, Sessions};
use super::open::{Content, hash, look};
use super::plan::{note_copies, trusted_names};
use super::raw::RawSide;
use super::reader::Reader;
use super::reading::Reading;
use super::repeat::{Repeated, repeats};
use super::ripestat::{RipestatContext, RipestatReader};
use super::ris_live::RisLiveReader;
use super::route::Routes;
use super::stating::Stating;
use super::tap::Tapped;
use crate::observation::{FileId, GapCause, Observation, Others, RecordRef, Statement};
use crate::time::{Span, Timestamp};
use crate::timing::Timing;
use crate::vantage::{CollectorId, Vantages};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

/// A bzip2 file is opened this long before the time in its name, since looking at its first record costs unpacking a whole block.
const EARLY: Span = Span::from_seconds(120);

struct Input {
    file: InputFile,
    reader: Option<(Reader, RawSide)>,
    collector: Option<CollectorId>,
    /// Place in `Merge::sessions`: one for each collector.
    sessions: usize,
    head: Option<Timestamp>,
    sequel: Sequel,
    repeated: Option<Arc<Repeated>>,
    /// Until when nothing is known after this file.
    gap_until: Option<Timestamp>,
}

/// What is due, in the order in which things at one time of one file are done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Open,
    Read,
    Gap,
}

/// What reading may use.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Threads which unpack files in advance; with 1 each file is unpacked where it is read. No result depends on it.
    pub threads: usize,
    /// Where the time goes.
    pub timing: Timing,
    /// Somebody passes messages on, and takes them [as they are](Merge::tapped).
    pub passes_on: bool,
    /// The number of the first file.
    pub first_file: u32,
    /// What follows is heard live: connections of routers which stand at the end of a recording are over.
    pub goes_on: bool,
}

impl Default for Resources {
    fn default() -> Self {
        Resources { threads: 1, timing: Timing::default(), passes_on: false, first_file: 0, goes_on: false }
    }
}

/// The merged stream.
pub struct Merge {
    inputs: Vec<Input>,
    accounts: Vec<FileAccount>,
    sessions: Vec<Sessions>,
    interest: Interest,
    /// What archives tell, though a stream does not.
    covered: Arc<Covered>,
    goes_on: bool,
    due: BinaryHeap<Reverse<(Timestamp, usize, Due)>>,
    /// The record after the one just read, which is mostly due next.
    following: Option<(Timestamp, usize, Due)>,
    ready: VecDeque<Observation>,
    spare: Option<Box<Others>>,
    routes: Routes,
    reading: Reading,
    advance: Advance,
    timing: Timing,
    /// Messages as they are, if somebody passes them on.
    tap: Option<VecDeque<Tapped>>,
}

impl Merge {
    /// Takes the messages of what was given since the last call, in order of time; none unless they are [passed on](Resources::passes_on). Table
    /// dumps hold none.
    pub fn tapped(&mut self) -> VecDeque<Tapped> {
        self.tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Looks at every file's beginning and plans the order. The [`FileId`] of a file is its place in `files` and in
    /// [`Merge::accounts`], counted from [the first](Resources::first_file).
    ///
    /// # Errors
    /// If not one of the files can be read.
    pub fn open(files: Vec<InputFile>, interest: Interest, resources: &Resources) -> Result<Merge, SourceError> {
        let mut accounts: Vec<FileAccount> =
            files.iter().zip(resources.first_file..).map(|(file, id)| account(file, FileId(id))).collect();
        note_copies(&files, &mut accounts);
        let sequels = sequels(&files);
        let trusted = trusted_names(&files, &accounts);
        let covered = Arc::new(Covered::of(&files, &sequels));
        let mut names: HashMap<String, usize> = HashMap::new();
        let inputs = files.into_iter().zip(sequels).map(|(file, sequel)| {
            let next = names.len();
            let sessions = *names.entry(file.collector.clone()).or_insert(next);
            Input { file, reader: None, collector: None, sessions, head: None, sequel, repeated: None, gap_until: None }
        });
        let inputs: Vec<Input> = inputs.collect();
        let sessions = names.values().map(|_| Sessions::default()).collect();
        let mut merge = Merge {
            inputs,
            accounts: std::mem::take(&mut accounts),
            sessions,
            interest,
            covered,
            goes_on: resources.goes_on,
            due: BinaryHeap::new(),
            following: None,
            ready: VecDeque::new(),
            spare: None,
            routes: Routes::default(),
            reading: Reading::default(),
            advance: Advance::none(resources.timing.clone()),
            timing: resources.timing.clone(),
            tap: resources.passes_on.then(VecDeque::new),
        };
        let readable = merge.accounts.iter().filter(|account| account.kind != FileKind::Copy);
        readable.for_each(|account| merge.reading.plan(account.bytes));
        merge.look_ahead(&trusted);
        merge.plan_repeats();
        let opens = merge.due.iter().filter(|Reverse((.., due))| *due == Due::Open).map(|Reverse((at, number, _))| (*at, *number));
        merge.advance = Advance::new(opens.collect(), resources);
        if merge.due.is_empty() {
            return Err(merge.nothing_readable());
        }
        Ok(merge)
    }

    /// The next statement; `None` at the end of all files.
    #[allow(clippy::should_implement_trait, reason = "an iterator could not be handed the vantage points")]
    pub fn next(&mut self, vantages: &mut Vantages) -> Option<Observation> {
        self.make_ready(vantages);
        self.ready.pop_front()
    }

    /// The next statements, as many as are read at once, in place of what `next` held; none at the end of all files. The room of what it held
    /// is used again.
    pub fn next_some(&mut self, vantages: &mut Vantages, next: &mut VecDeque<Observation>) {
        for taken in next.drain(..) {
            if let Statement::Other(mut others) = taken.what {
                others.clear();
                self.spare.get_or_insert(others);
            }
        }
        self.make_ready(vantages);
        std::mem::swap(&mut self.ready, next);
    }

    /// Reads until there is something to give, or nothing left.
    fn make_ready(&mut self, vantages: &mut Vantages) {
        while !self.is_ready()
            && let Some((at, number, due)) = self.take_due()
        {
            match due {
                Due::Open => self.open_due(number),
                Due::Read => self.read(number, vantages),
                Due::Gap => self.state_gap(number, at, vantages),
            }
        }
    }

    /// Whether there is something to give. Messages of others are gathered as long as nothing else is said.
    fn is_ready(&self) -> bool {
        match self.ready.front().map(|observation| &observation.what) {
            None => false,
            Some(Statement::Other(others)) => self.ready.len() > 1 || others.is_full(),
            Some(_) => true,
        }
    }

    /// What is due first.
    fn take_due(&mut self) -> Option<(Timestamp, usize, Due)> {
        let following = self.following.take();
        match (following, self.due.peek()) {
            (Some(following), Some(Reverse(first))) if *first < following => self.due.push(Reverse(following)),
            (Some(_), _) => return following,
            (None, _) => {}
        }
        self.due.pop().map(|Reverse(due)| due)
    }

    /// What was in each file.
    pub(super) fn into_accounts(self) -> Vec<FileAccount> {
        self.accounts
    }

    /// What was in each file, so far.
    pub fn accounts(&self) -> &[FileAccount] {
        &self.accounts
    }

    /// How far it has come; can be asked from any thread, also while a call is under way.
    pub fn reading(&self) -> Reading {
        self.reading.clone()
    }

    fn nothing_readable(&self) -> SourceError {
        let problem = |account: &FileAccount| {
            let unsaid = match account.kind {
                FileKind::NotBgp => "holds neither MRT nor a RIPEstat answer, RIS Live frames or BMP messages; name MRT archives",
                FileKind::Copy => "is a copy of another file named here",
                FileKind::Unread
                | FileKind::Empty
                | FileKind::Updates
                | FileKind::Table
                | FileKind::Mixed
                | FileKind::Ripestat
                | FileKind::RisLive
                | FileKind::Bmp => "has not one record which can be read; fetch it again",
            };
            let error = account.error.as_deref().unwrap_or(unsaid);
            format!("  `{}`: {error}", account.path.display())
        };
        SourceError::NothingReadable { problems: self.accounts.iter().map(problem).collect::<Vec<_>>().join("\n") }
    }

    /// Finds when each file is due.
    fn look_ahead(&mut self, trusted: &[bool]) {
        for (number, trusted) in trusted.iter().enumerate() {
            let file = &self.inputs[number].file;
            if self.accounts[number].copy_of.is_some() {
                continue;
            }
            if let Some(begins) = file.begins.filter(|_| *trusted) {
                self.inputs[number].head = Some(begins);
                self.due.push(Reverse((begins + Span::from_micros(-EARLY.micros()), number, Due::Open)));
                continue;
            }
            let stdin = file.path.as_os_str() == "-";
            let Some((reader, raw)) = self.open_file(number) else {
                self.reading.leave_out(self.accounts[number].bytes);
                continue;
            };
            let Some(first) = reader.next_time() else {
                self.inputs[number].reader = Some((reader, raw));
                self.finish(number);
                continue;
            };
            self.inputs[number].head = Some(first);
            if stdin {
                // It cannot be opened twice.
                self.inputs[number].reader = Some((reader, raw));
                self.due.push(Reverse((first, number, Due::Read)));
            } else {
                self.accounts[number] = account(&self.inputs[number].file, self.accounts[number].id);
                self.due.push(Reverse((first, number, Due::Open)));
            }
        }
    }

    fn plan_repeats(&mut self) {
        let files: Vec<InputFile> = self.inputs.iter().map(|input| input.file.clone()).collect();
        let heads: Vec<Option<Timestamp>> = self.inputs.iter().map(|input| input.head).collect();
        let sequels: Vec<Sequel> = self.inputs.iter().map(|input| input.sequel).collect();
        for (input, repeated) in self.inputs.iter_mut().zip(repeats(&files, &heads, &sequels)) {
            input.repeated = repeated;
        }
    }

    /// Opens a file; what it is, or why it cannot be read, goes into its account.
    fn open_file(&mut self, number: usize) -> Option<(Reader, RawSide)> {
        let open = self.inputs.iter().filter(|input| input.reader.is_some()).count();
        let stream = self.advance.stream(number, open, |number| &self.inputs[number].file);
        let (input, account) = (&self.inputs[number], &mut self.accounts[number]);
        let opened = match stream.map(|stream| look(stream, &self.timing)) {
            Ok(opened) => opened,
            Err(error) => {
                account.error = Some(format!(
                    "could not be read ({error}); check that it is a file you may read, and fetch it again if it is damaged"
                ));
                return None;
            }
        };
        account.compression = input.file.stand_in.as_ref().map_or(opened.compression, |stand_in| stand_in.of.compression);
        let foreign = "holds neither MRT nor a RIPEstat answer; name MRT archives, such as updates.20211004.1540.gz";
        match opened.content {
            Content::Mrt(frames) => {
                let frames = if self.tap.is_some() { frames.without_scan() } else { *frames };
                let frames = frames.with_offsets(input.file.stand_in.as_ref().map_or(&[], |stand_in| &stand_in.of.offsets));
                let reader = MrtReader::new(frames, input.file.begins, &self.interest, account);
                Some((Reader::Mrt(Box::new(reader)), opened.raw))
            }
            Content::RisLive(bytes) => {
                let reader = RisLiveReader::new(bytes, Arc::clone(&self.covered), account);
                Some((Reader::RisLive(Box::new(reader)), opened.raw))
            }
            Content::Bmp(bytes) => {
                let reader = BmpReader::new(bytes, &input.file.collector, account);
                Some((Reader::Bmp(Box::new(reader)), opened.raw))
            }
            Content::Routers(bytes) => {
                let reader = RoutersReader::new(bytes, self.goes_on, account);
                Some((Reader::Routers(Box::new(reader)), opened.raw))
            }
            Content::Json(text) => match RipestatReader::new(&text, account) {
                Some(reader) => Some((Reader::Ripestat(Box::new(reader)), opened.raw)),
                None => {
                    account.kind = FileKind::NotBgp;
                    account.error = input
                        .file
                        .expected
                        .then(|| "is JSON, but no RIPEstat bgp-updates or bgplay answer; fetch one of these".to_owned());
                    None
                }
            },
            Content::LongJson => {
                account.kind = FileKind::NotBgp;
                account.error = input
                    .file
                    .expected
                    .then(|| "is JSON of more than 256 MiB, and so no RIPEstat answer; ask for a shorter time".to_owned());
                None
            }
            Content::Empty => {
                account.kind = FileKind::Empty;
                account.error = Some("is empty; nothing was recorded, or it was not fetched whole: fetch it again".to_owned());
                None
            }
            Content::Foreign(failure) => {
                account.kind = FileKind::NotBgp;
                account.error =
                    input.file.expected.then(|| failure.map_or(foreign.to_owned(), |failure| format!("{foreign}; {failure}")));
                None
            }
        }
    }

    fn open_due(&mut self, number: usize) {
        match self.open_file(number) {
            Some((reader, raw)) => {
                let first = reader.next_time();
                self.reading.open(number, self.inputs[number].file.bytes, raw.clone());
                self.inputs[number].head = first.or(self.inputs[number].head);
                self.inputs[number].reader = Some((reader, raw));
                match first {
                    Some(first) => self.due.push(Reverse((first, number, Due::Read))),
                    None => self.finish(number),
                }
            }
            None => {
                self.reading.leave_out(self.accounts[number].bytes);
                self.plan_gap(number);
            }
        }
    }

    fn read(&mut self, number: usize, vantages: &mut Vantages) {
        let until = self.due.peek().map_or(Timestamp::MAX, |Reverse((at, ..))| *at);
        let input = &mut self.inputs[number];
        let Some((reader, _)) = &mut input.reader else { return };
        let account = &mut self.accounts[number];
        let file = account.id;
        let (out, spare, routes) = (&mut self.ready, &mut self.spare, &mut self.routes);
        match reader {
            Reader::Mrt(reader) => {
                let collector = *input.collector.get_or_insert_with(|| vantages.collector(&input.file.collector));
                let sessions = &mut self.sessions[input.sessions];
                let repeated = input.repeated.as_deref();
                reader.read(
                    until,
                    &mut Context {
                        vantages,
                        collector,
                        sessions,
                        interest: &self.interest,
                        account,
                        file,
                        repeated,
                        routes,
                        out,
                        spare,
                        tap: self.tap.as_mut(),
                        bytes: None,
                    },
                );
            }
            Reader::Bmp(reader) => {
                reader.read(until, &mut Stating { vantages, interest: &self.interest, account, file, routes, out, spare });
            }
            Reader::Routers(reader) => {
                reader.read(until, &mut Stating { vantages, interest: &self.interest, account, file, routes, out, spare });
            }
            Reader::RisLive(reader) => {
                reader.read(until, &mut Stating { vantages, interest: &self.interest, account, file, routes, out, spare });
            }
            Reader::Ripestat(reader) => {
                reader.read(&mut RipestatContext { vantages, interest: &self.interest, account, file, out })
            }
        }
        match reader.next_time() {
            Some(next) => self.following = Some((next, number, Due::Read)),
            None => self.finish(number),
        }
    }

    /// Closes a file which was read to its end.
    fn finish(&mut self, number: usize) {
        let Some((reader, raw)) = self.inputs[number].reader.take() else { return };
        let (input, account) = (&mut self.inputs[number], &mut self.accounts[number]);
        let stdin = input.file.path.as_os_str() == "-";
        if stdin {
            account.bytes = raw.bytes();
        }
        // A decoder which gave up leaves the rest of the file unread.
        let whole = input.file.stand_in.is_none() && raw.bytes() == input.file.bytes;
        account.blake3 = if stdin || whole { raw.hash() } else { hash(&input.file).unwrap_or_default() };
        self.reading.close(number, input.file.bytes);
        if let Some(failure) = reader.failure() {
            account.error = Some(format!("{failure}; what comes before it was read: fetch the file again"));
        }
        if let Reader::Mrt(reader) = &reader {
            if account.kind == FileKind::Unread {
                account.kind = FileKind::Updates;
            }
            if let Some(from) = reader.tail_lost() {
                let next = input.sequel.next.and_then(|next| self.inputs[next].head);
                let input = &mut self.inputs[number];
                input.gap_until = Some(next.unwrap_or(from).max(from));
                self.due.push(Reverse((from, number, Due::Gap)));
                return;
            }
        }
        drop(reader);
        self.plan_gap(number);
    }

    /// Plans to tell that files are missing after this one.
    fn plan_gap(&mut self, number: usize) {
        let Some(missing) = self.inputs[number].sequel.missing else { return };
        let from = self.accounts[number].last.map_or(missing.from, |last| last.max(missing.from));
        if let Some(until) = self.inputs[missing.next].head.or(self.inputs[missing.next].file.begins)
            && until > from
        {
            self.inputs[number].gap_until = Some(until);
            self.due.push(Reverse((from, number, Due::Gap)));
        }
    }

    fn state_gap(&mut self, number: usize, at: Timestamp, vantages: &mut Vantages) {
        let input = &mut self.inputs[number];
        let Some(until) = input.gap_until.take() else { return };
        let collector = *input.collector.get_or_insert_with(|| vantages.collector(&input.file.collector));
        let account = &self.accounts[number];
        let cause = match input.sequel.missing {
            Some(missing) if at >= missing.from => GapCause::MissingFile,
            Some(_) | None => GapCause::DamagedFile,
        };
        let source = RecordRef { file: account.id, record: account.records };
        self.ready.push_back(Observation { at, source, what: Statement::FeedGap { collector, until, cause } });
    }
}

/// The account of a file of which nothing is known yet.
fn account(file: &InputFile, id: FileId) -> FileAccount {
    FileAccount { id, ..FileAccount::new(file.path.clone(), file.collector.clone(), file.bytes) }
}
