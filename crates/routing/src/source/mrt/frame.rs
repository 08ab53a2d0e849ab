//! MRT records out of a stream of bytes, and the way back after damage.
//!
//! Takes the decompressed stream; gives each record scanned or parsed, each one of a kind which nobody reads named, and each damaged place
//! with its offset, length and cause. A record which the [scan](super::scan) does not settle is taken raw (`chunk_mrt_record`) and parsed,
//! never through bgpkit-parser's element iterators. Its recovering iterator is not used either: it resumes at BGP4MP and legacy records only, and
//! takes a series of records of an unknown subtype for broken framing. Here the framing is judged by headers alone:
//!
//! - A record whose body does not parse costs just that record if a plausible header, or the end of the stream, follows it.
//! - Else its length is not to be trusted, and the stream is searched byte by byte for the next place where a record parses and plausible
//!   headers follow.
//!
//! What the records say is not looked at, except for their time.

use super::bytes::Bytes;
use super::header::{EXTENDED, HEADER, Header, LONGEST, LONGEST_SEARCHED, head, is_foreign, is_known, micros};
use super::scan::{self, Scanned};
use crate::observation::Prefixes;
use crate::source::account::Damage;
use crate::source::interest::Interest;
use crate::time::{Span, Timestamp};
use crate::timing::{Stage, Timing};
use bgpkit_parser::models::{EntryType, MrtMessage};
use bgpkit_parser::{RawMrtRecord, chunk_mrt_record};
use std::collections::VecDeque;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A sound record. Its bytes can be seen until the next one is asked for.
pub(in crate::source) struct Frame {
    /// Its number, from 1, damaged ones counted.
    pub(in crate::source) record: u64,
    /// Its offset in the decompressed stream.
    pub(in crate::source) offset: u64,
    /// Its time; microseconds where the type has them.
    pub(in crate::source) at: Timestamp,
    /// Its type (RFC 6396 §4).
    pub(in crate::source) kind: u16,
    /// Its subtype.
    pub(in crate::source) subtype: u16,
    /// Its length, headers included.
    pub(in crate::source) length: usize,
    /// What it means.
    pub(in crate::source) body: Body,
    /// How many bytes its writer cut off its message.
    pub(in crate::source) cut: usize,
}

/// A record's content.
pub(in crate::source) enum Body {
    /// The scan settled it.
    Scanned(Scanned),
    /// As bgpkit-parser has it.
    Message(Box<MrtMessage>),
    /// A sound record of a kind which is not read.
    Unsupported(String),
}

impl Frame {
    /// True if its time has microseconds.
    pub(in crate::source) fn is_fine(&self) -> bool {
        self.kind == EXTENDED
    }
}

/// A message which the scan settled. It can be seen until the next record is asked for.
pub(in crate::source) struct Plain {
    /// Its time.
    pub(in crate::source) at: Timestamp,
    /// Its number, from 1, damaged ones counted.
    pub(in crate::source) record: u64,
    /// Its offset in the decompressed stream.
    pub(in crate::source) offset: u64,
    /// Its type.
    pub(in crate::source) kind: u16,
    /// What it is.
    pub(in crate::source) what: Scanned,
}

/// What comes next in the stream.
pub(in crate::source) enum Step {
    /// A record.
    Record(Frame),
    /// Bytes which could not be read.
    Damage(Damage),
    /// The end.
    End,
}

/// Plausible headers which must follow one another for a place to count as found.
const CHAIN: usize = 3;
/// How far into a stream its first record is looked for: past this, it is no MRT.
const SEARCH_AT_START: usize = 1024 * 1024;
/// How far the next record is looked for after damage, before the file is given up.
const SEARCH_AFTER_DAMAGE: u64 = 64 * 1024 * 1024;
/// Neighbouring records further apart than this are not believed at once.
const FAR: Span = Span::from_seconds(86_400);

/// Iterates over the records of a stream.
pub(in crate::source) struct Frames {
    bytes: Bytes,
    /// Length of the record given last, which is still in view.
    held: usize,
    records: u64,
    last: Option<Timestamp>,
    /// The prefixes of the UPDATE given last, if the scan settled it.
    prefixes: Prefixes,
    /// Whether records may be settled by the scan.
    scans: bool,
    /// Where records stand in the file for which this one stands in, by their number.
    offsets: VecDeque<(u64, u64)>,
    timing: Timing,
}

impl Frames {
    pub(in crate::source) fn new(stream: Box<dyn Read + Send>) -> Self {
        Frames::of(Bytes::new(stream))
    }

    /// The stream is these bytes.
    pub(in crate::source) fn whole(bytes: Vec<u8>) -> Self {
        Frames::of(Bytes::whole(bytes))
    }

    fn of(bytes: Bytes) -> Self {
        let (prefixes, offsets, timing) = (Prefixes::default(), VecDeque::new(), Timing::default());
        Frames { bytes, held: 0, records: 0, last: None, prefixes, scans: true, offsets, timing }
    }

    /// These records stand elsewhere in the file for which this one stands in.
    pub(in crate::source) fn with_offsets(mut self, offsets: &[(u64, u64)]) -> Self {
        self.offsets = offsets.iter().copied().collect();
        self
    }

    /// The time of the full decoder is measured.
    pub(in crate::source) fn timed(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Every record goes through the full decoder: what the scan is held against, and what passes messages on.
    pub(in crate::source) fn without_scan(mut self) -> Self {
        self.scans = false;
        self
    }

    /// The record given last.
    pub(in crate::source) fn record(&self) -> &[u8] {
        self.bytes.view().get(..self.held).unwrap_or_default()
    }

    /// The body of the record given last.
    pub(in crate::source) fn body(&self, kind: u16) -> &[u8] {
        self.bytes.view().get(head(kind)..self.held).unwrap_or_default()
    }

    /// The prefixes of the UPDATE which [`Frames::step`] gave last, if the scan settled it.
    pub(super) fn prefixes(&self) -> &Prefixes {
        &self.prefixes
    }

    /// What the record given last means to the full decoder.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(in crate::source) fn decode(&mut self, frame: &Frame) -> Result<Body, String> {
        let (raw, _) = self.chunk(frame.length).ok_or_else(|| "the header cannot be read".to_owned())?;
        parse(&raw)
    }

    /// The first bytes of the stream, up to `count`, without taking them.
    pub(in crate::source) fn peek(&mut self, count: usize) -> &[u8] {
        let have = self.bytes.have(count).min(count);
        &self.bytes.view()[..have]
    }

    /// The stream, from the record which comes next.
    pub(in crate::source) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The stream, to look ahead in.
    pub(in crate::source) fn bytes(&mut self) -> &mut Bytes {
        &mut self.bytes
    }

    /// Everything that is left, up to `limit` bytes; `None` if there is more.
    pub(in crate::source) fn into_rest(mut self, limit: usize) -> Option<Vec<u8>> {
        (self.bytes.have(limit + 1) <= limit).then(|| self.bytes.view().to_vec())
    }

    /// Why the stream ended, if not at its end.
    pub(in crate::source) fn failure(&self) -> Option<&str> {
        self.bytes.failure()
    }

    /// Records met, damaged ones included.
    pub(in crate::source) fn records(&self) -> u64 {
        self.records
    }

    /// True if the stream begins with MRT, perhaps after damage.
    pub(in crate::source) fn is_mrt(&mut self) -> bool {
        if let Some(header) = self.header(0)
            && self.is_plausible(header)
        {
            let end = HEADER + header.length as usize;
            if self.bytes.have(end) < end || self.parses(0) || self.boundary_at(end, header.at) {
                return true;
            }
        }
        let mut distance = 1;
        while distance < SEARCH_AT_START {
            match self.candidate(distance) {
                Some(true) => return true,
                Some(false) => distance += 1,
                None => return false,
            }
        }
        false
    }

    /// The next record, or what is there instead. `interest`: which prefixes the scan must leave to the full decoder.
    pub(in crate::source) fn step(&mut self, interest: &Interest) -> Step {
        self.bytes.consume(std::mem::take(&mut self.held));
        if self.bytes.have(1) == 0 {
            return Step::End;
        }
        self.records += 1;
        let Some(header) = self.header(0) else {
            return self.give_up("the stream ends inside a record's header");
        };
        if header.length > LONGEST {
            return self.search(&format!("the header tells a length of {} bytes", header.length));
        }
        if !self.is_plausible(header) && !is_foreign(header) {
            return self.search(&format!("type {} subtype {} is no MRT record", header.kind, header.subtype));
        }
        let end = HEADER + header.length as usize;
        if self.bytes.have(end) < end {
            return self.search("the stream ends inside a record");
        }
        if let Some((at, scanned)) = self.scanned(header, end, interest) {
            return self.settle(header, (at, end), Body::Scanned(scanned), 0);
        }
        let timing = self.timing.clone();
        timing.of(Stage::Decode, || self.parsed(header, end))
    }

    /// The next record, if it is as nearly all are: whole in view, of a time close to the one before it and, never mind how late, before
    /// `until`, and a message which the scan settles; its prefixes are appended to `prefixes`. Else no record is taken, and [`Frames::step`]
    /// gives it.
    #[inline]
    pub(in crate::source) fn plain(&mut self, interest: &Interest, until: Timestamp, prefixes: &mut Prefixes) -> Option<Plain> {
        let view = self.bytes.view().get(self.held..)?;
        let header = Header::read(view.first_chunk()?);
        let end = HEADER + header.length as usize;
        let record = view.get(..end).filter(|_| matches!(header.kind, 16 | EXTENDED) && self.scans && header.length <= LONGEST)?;
        let at = header.at + Span::from_micros(i64::from(micros(header.kind, record)));
        if at >= until || self.last.is_none_or(|last| at.since(last).abs() > FAR) {
            return None;
        }
        let what = scan::message(header.subtype, record.get(head(header.kind)..)?, interest, prefixes)?;
        self.bytes.consume(std::mem::replace(&mut self.held, end));
        self.records += 1;
        self.last = Some(at);
        Some(Plain { at, record: self.records, offset: self.bytes.offset(), kind: header.kind, what })
    }

    /// What the scan makes of the record which begins the stream, and its time.
    fn scanned(&mut self, header: Header, end: usize, interest: &Interest) -> Option<(Timestamp, Scanned)> {
        let record = &self.bytes.view()[..end];
        let body = record.get(head(header.kind)..).filter(|_| self.scans)?;
        self.prefixes.truncate([0; 2]);
        let scanned = scan::record(header.kind, header.subtype, body, interest, &mut self.prefixes)?;
        Some((header.at + Span::from_micros(i64::from(micros(header.kind, record))), scanned))
    }

    /// What the full decoder makes of the record which begins the stream.
    fn parsed(&mut self, header: Header, end: usize) -> Step {
        let Some((raw, length)) = self.chunk(end) else {
            return self.search("the header cannot be read");
        };
        let at = record_time(&raw);
        let mended = matches!(header.kind, 16 | 17).then(|| super::cut::mended(&raw)).flatten();
        let cut = mended.as_ref().map_or(0, |(_, cut)| *cut);
        match parse(mended.as_ref().map_or(&raw, |(mended, _)| mended)) {
            Ok(body) => self.settle(header, (at, length), body, cut),
            Err(cause) if self.boundary_at(length, at) => self.skip(length, cause),
            Err(cause) => self.search(&cause),
        }
    }

    /// Gives the record which begins the stream, unless its neighbours tell against it.
    fn settle(&mut self, header: Header, (at, length): (Timestamp, usize), body: Body, cut: usize) -> Step {
        if self.stands_out(at, length) {
            return self.skip(length, format!("its time, {at}, is more than a day from its neighbours'"));
        }
        if matches!(body, Body::Unsupported(_)) && !self.boundary_at(length, at) {
            return self.search(&format!("type {} subtype {} is no known record", header.kind, header.subtype));
        }
        let Header { kind, subtype, .. } = header;
        self.held = length;
        self.last = Some(at);
        let elsewhere = self.offsets.pop_front_if(|(record, _)| *record == self.records);
        let offset = elsewhere.map_or(self.bytes.offset(), |(_, offset)| offset);
        Step::Record(Frame { record: self.records, offset, at, kind, subtype, length, body, cut })
    }

    fn header(&mut self, place: usize) -> Option<Header> {
        if self.bytes.have(place + HEADER) < place + HEADER {
            return None;
        }
        self.bytes.view().get(place..)?.first_chunk().map(Header::read)
    }

    /// True if this can be the header of a record which belongs here.
    fn is_plausible(&self, header: Header) -> bool {
        is_known(header) && header.length <= LONGEST
    }

    /// True if at `place` the stream ends, or goes on with a header which fits a record of time `at` before it.
    fn boundary_at(&mut self, place: usize, at: Timestamp) -> bool {
        if self.bytes.have(place + 1) <= place {
            return self.bytes.failure().is_none();
        }
        self.header(place).is_some_and(|next| {
            (is_known(next) || is_foreign(next))
                && next.length <= LONGEST
                && (next.at.since(at).abs() < FAR.times(400) || self.last.is_none())
        })
    }

    /// The record which begins the stream, and its length; `end` is where its header says it ends.
    fn chunk(&mut self, end: usize) -> Option<(RawMrtRecord, usize)> {
        // Some TABLE_DUMP files of 2000 tell a length which is four bytes short; chunk_mrt_record knows them.
        let have = self.bytes.have(end + 4).min(end + 4);
        let mut slice = &self.bytes.view()[..have];
        match catch_unwind(AssertUnwindSafe(|| chunk_mrt_record(&mut slice))) {
            Ok(Ok(raw)) => Some((raw, have - slice.len())),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    fn parses(&mut self, place: usize) -> bool {
        let Some(header) = self.header(place) else { return false };
        let end = place + HEADER + header.length as usize;
        if self.bytes.have(end) < end {
            return false;
        }
        let mut slice = &self.bytes.view()[place..end];
        match catch_unwind(AssertUnwindSafe(|| chunk_mrt_record(&mut slice).ok())) {
            Ok(Some(raw)) => parse(&raw).is_ok(),
            Ok(None) | Err(_) => false,
        }
    }

    /// True if a record's time is far from the records before and after it, which agree with each other.
    fn stands_out(&mut self, at: Timestamp, length: usize) -> bool {
        let far = |a: Timestamp, b: Timestamp| a.since(b).abs() > FAR;
        match self.last {
            Some(last) if !far(at, last) => false,
            // At the end of the stream nobody confirms the jump.
            Some(last) => self.header(length).is_none_or(|next| is_known(next) && !far(next.at, last)),
            None => {
                let Some(next) = self.header(length).filter(|next| is_known(*next) && far(next.at, at)) else { return false };
                let after = length.saturating_add(HEADER + next.length as usize);
                next.length <= LONGEST_SEARCHED
                    && self.header(after).is_some_and(|after| is_known(after) && !far(after.at, next.at))
            }
        }
    }

    fn skip(&mut self, length: usize, cause: String) -> Step {
        let damage = Damage { offset: self.bytes.offset(), bytes: length as u64, record: self.records, cause };
        self.bytes.consume(length);
        Step::Damage(damage)
    }

    fn give_up(&mut self, cause: &str) -> Step {
        let cause = match self.bytes.failure() {
            Some(failure) => format!("{cause}: {failure}"),
            None => cause.to_owned(),
        };
        let length = self.bytes.view().len();
        self.skip(length, cause)
    }

    /// Looks for the next record after the damaged one which begins the stream.
    fn search(&mut self, cause: &str) -> Step {
        let (offset, record) = (self.bytes.offset(), self.records);
        // The first byte belongs to the damage; what was searched is let go, so that a long search needs no memory.
        let (mut place, mut gone) = (1, 0u64);
        let outcome = loop {
            if gone + place as u64 > SEARCH_AFTER_DAMAGE {
                break Some(format!(
                    "{cause}; no record found within {} MiB after it, the rest was not read",
                    SEARCH_AFTER_DAMAGE >> 20
                ));
            }
            match self.candidate(place) {
                Some(true) => break None,
                Some(false) => place += 1,
                None => break Some(cause.to_owned()),
            }
            if place >= 64 * 1024 {
                self.bytes.consume(place);
                gone += place as u64;
                place = 0;
            }
        };
        match outcome {
            None => {
                self.bytes.consume(place);
                Step::Damage(Damage { offset, bytes: gone + place as u64, record, cause: cause.to_owned() })
            }
            Some(cause) => {
                let mut bytes = gone;
                while self.bytes.have(1) > 0 {
                    let length = self.bytes.view().len();
                    self.bytes.consume(length);
                    bytes += length as u64;
                }
                let cause = match self.bytes.failure() {
                    Some(failure) => format!("{cause}: {failure}"),
                    None => cause,
                };
                Step::Damage(Damage { offset, bytes, record, cause })
            }
        }
    }

    /// Whether a record begins at `place`; `None` at the end of the stream.
    fn candidate(&mut self, place: usize) -> Option<bool> {
        let header = self.header(place)?;
        if !self.fits(header, self.last) || !self.parses(place) {
            return Some(false);
        }
        let (mut end, mut before) = (place + HEADER + header.length as usize, header.at);
        for _ in 1..CHAIN {
            if self.bytes.have(end + 1) <= end {
                return Some(true);
            }
            match self.header(end) {
                Some(next) if self.fits(next, Some(before)) => {
                    end += HEADER + next.length as usize;
                    before = next.at;
                }
                Some(_) => return Some(false),
                // The stream ends inside a header: a truncated file.
                None => return Some(true),
            }
        }
        Some(true)
    }

    /// True if the header is one of a record which carries BGP, of a time close to its neighbour's.
    fn fits(&self, header: Header, neighbour: Option<Timestamp>) -> bool {
        is_known(header)
            && (1..=LONGEST_SEARCHED).contains(&header.length)
            && neighbour.is_none_or(|neighbour| header.at.since(neighbour).abs() <= FAR.times(31))
    }
}

fn record_time(raw: &RawMrtRecord) -> Timestamp {
    let header = &raw.common_header;
    Timestamp::from_parts(i64::from(header.timestamp), header.microsecond_timestamp.unwrap_or(0).min(999_999))
}

/// Parses a record's body. A panic of the parser is damage like any other.
fn parse(raw: &RawMrtRecord) -> Result<Body, String> {
    let header = &raw.common_header;
    let raw = match (header.entry_type, header.entry_subtype) {
        (EntryType::TABLE_DUMP_V2, 6 | 12) => match super::table::specific(raw) {
            Ok(raw) => raw,
            Err(name) => return Ok(Body::Unsupported(name)),
        },
        (EntryType::BGP4MP | EntryType::BGP4MP_ET, subtype @ (2 | 3)) => {
            let name = if subtype == 2 { "ENTRY" } else { "SNAPSHOT" };
            return Ok(Body::Unsupported(format!("BGP4MP subtype {subtype} ({name}) records, not readable")));
        }
        (EntryType::BGP, subtype @ (0 | 2 | 4)) => return Ok(Body::Unsupported(format!("BGP(5) subtype {subtype} records"))),
        (EntryType::BGP | EntryType::TABLE_DUMP | EntryType::TABLE_DUMP_V2 | EntryType::BGP4MP | EntryType::BGP4MP_ET, _) => {
            raw.clone()
        }
        (other, _) => return Ok(Body::Unsupported(format!("{other:?} records"))),
    };
    match catch_unwind(AssertUnwindSafe(|| raw.parse())) {
        Ok(Ok(record)) => Ok(Body::Message(Box::new(record.message))),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the parser failed on it".to_owned()),
    }
}
