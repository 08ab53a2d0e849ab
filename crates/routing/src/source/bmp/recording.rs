//! Recordings of several routers: what happened to their connections, and when it did, an event a line.
//!
//! A line is JSON: `{"type": "faultline_router_messages", "data": {"connection": 1, "at": "…", "bytes": "03…"}}`, and alike for connections which are made and lost;
//! `faultline_clock` tells how late it was, `faultline_lost` that nothing was written from when to when. Unlike the bytes of one connection, which
//! [`BmpReader`](super::BmpReader) reads, they tell when messages came, which is what counts live: a reader states what was stated then.

use super::routers::{ConnectionId, RouterEvent, Routers, RoutersContext};
use crate::observation::RecordRef;
use crate::source::account::{Damage, FileAccount, FileKind};
use crate::source::hexadecimal;
use crate::source::mrt::Bytes;
use crate::source::ris_live::line_end;
use crate::source::stating::Stating;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// No line is longer: a station hands on so many bytes at once, and each is two digits.
const LONGEST: usize = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Line {
    #[serde(rename = "faultline_router_connected")]
    Connected { connection: u64, address: IpAddr, name: Option<String> },
    #[serde(rename = "faultline_router_messages")]
    Messages {
        connection: u64,
        at: Timestamp,
        #[serde(with = "hexadecimal")]
        bytes: Vec<u8>,
    },
    #[serde(rename = "faultline_router_lost")]
    Lost { connection: u64, at: Timestamp, reason: String },
    #[serde(rename = "faultline_clock")]
    Clock { until: Timestamp },
    #[serde(rename = "faultline_lost")]
    Missing { from: Timestamp, until: Timestamp },
}

impl Line {
    /// When; a connection is made before something comes on it.
    fn at(&self) -> Option<Timestamp> {
        match self {
            Line::Connected { .. } => None,
            Line::Messages { at, .. } | Line::Lost { at, .. } => Some(*at),
            Line::Clock { until } => Some(*until),
            Line::Missing { from, .. } => Some(*from),
        }
    }
}

/// The line of an event.
///
/// # Errors
/// Never.
pub fn event_line(event: &RouterEvent) -> serde_json::Result<String> {
    serde_json::to_string(&match event.clone() {
        RouterEvent::Connected { connection, address, name } => Line::Connected { connection: connection.0, address, name },
        RouterEvent::Messages { connection, bytes, at } => Line::Messages { connection: connection.0, at, bytes },
        RouterEvent::Lost { connection, reason, at } => Line::Lost { connection: connection.0, at, reason },
    })
}

/// Whether a text begins like such a recording.
pub(in crate::source) fn is_of_routers(bytes: &mut Bytes) -> bool {
    let Some(end) = line_end(bytes, 0, LONGEST) else { return false };
    let first: Result<Line, _> = serde_json::from_slice(bytes.view().get(..end).unwrap_or_default());
    matches!(first, Ok(Line::Connected { .. } | Line::Messages { .. } | Line::Lost { .. }))
}

/// Reads one.
pub(in crate::source) struct RoutersReader {
    bytes: Bytes,
    lines: u64,
    routers: Routers,
    /// Connections which are made before what comes next.
    made: Vec<RouterEvent>,
    /// What comes next, and when; without a line it is the end.
    next: Option<(Timestamp, Option<Line>)>,
    last: Timestamp,
    /// What follows is heard live: the connections of the recording are over at its end.
    goes_on: bool,
}

impl RoutersReader {
    /// Reads the first line.
    pub(in crate::source) fn new(bytes: Bytes, goes_on: bool, account: &mut FileAccount) -> Self {
        account.holds(FileKind::Bmp);
        let mut reader = RoutersReader {
            bytes,
            lines: 0,
            routers: Routers::default(),
            made: Vec::new(),
            next: None,
            last: Timestamp::MIN,
            goes_on,
        };
        reader.fill(account);
        reader
    }

    /// The time of what comes next; `None` at the end.
    pub(in crate::source) fn next_time(&self) -> Option<Timestamp> {
        self.next.as_ref().map(|(at, _)| *at)
    }

    /// Why the stream ended early, if it did.
    pub(in crate::source) fn failure(&self) -> Option<&str> {
        self.bytes.failure()
    }

    /// States what the next lines say, of times before `until`.
    pub(in crate::source) fn read(&mut self, until: Timestamp, ctx: &mut Stating<'_>) {
        while let Some((at, line)) = self.next.take() {
            let ended = line.is_none();
            self.state(at, line, ctx);
            if ended {
                return;
            }
            self.fill(ctx.account);
            if ctx.out.len() >= 256 || self.next_time().is_none_or(|next| next >= until) {
                return;
            }
        }
    }

    fn state(&mut self, at: Timestamp, line: Option<Line>, ctx: &mut Stating<'_>) {
        let mut context = RoutersContext { vantages: ctx.vantages, interest: ctx.interest, files: 0 };
        for event in std::mem::take(&mut self.made) {
            self.routers.take(event, &mut context);
        }
        match line {
            Some(Line::Messages { connection, bytes, at }) => {
                self.routers.take(RouterEvent::Messages { connection: ConnectionId(connection), bytes, at }, &mut context);
            }
            Some(Line::Lost { connection, at, reason }) => {
                self.routers.take(RouterEvent::Lost { connection: ConnectionId(connection), reason, at }, &mut context);
            }
            Some(Line::Clock { until }) => self.routers.pass(until, &mut context),
            Some(Line::Missing { from, .. }) => self.routers.lose_all(from, &mut context),
            Some(Line::Connected { .. }) | None => {
                if self.goes_on {
                    self.routers.lose_all(at, &mut context);
                }
                self.routers.end(at, &context);
                self.routers.accounts().for_each(|router| ctx.account.add(router));
            }
        }
        self.routers.let_go_until(at);
        let source = RecordRef { file: ctx.file, record: self.lines };
        while let Some(mut said) = self.routers.said() {
            said.source = source;
            ctx.out.push_back(said);
        }
    }

    /// Reads the next line which can be read.
    fn fill(&mut self, account: &mut FileAccount) {
        while self.next.is_none() {
            let Some(end) = line_end(&mut self.bytes, 0, LONGEST) else {
                let left = self.bytes.have(LONGEST).min(LONGEST);
                if left == 0 {
                    self.next = Some((self.last, None));
                    return;
                }
                self.skip(left, "a line is too long, or has no end".to_owned(), account);
                continue;
            };
            self.lines += 1;
            account.records = self.lines;
            match serde_json::from_slice::<Line>(self.bytes.view().get(..end).unwrap_or_default()) {
                Ok(Line::Connected { connection, address, name }) => {
                    self.made.push(RouterEvent::Connected { connection: ConnectionId(connection), address, name });
                    self.bytes.consume(end);
                }
                Ok(line) => {
                    self.last = line.at().map_or(self.last, |at| at.max(self.last));
                    account.saw(self.last);
                    self.next = Some((self.last, Some(line)));
                    self.bytes.consume(end);
                }
                Err(error) => self.skip(end, format!("is no line of a recording of routers: {error}"), account),
            }
        }
    }

    fn skip(&mut self, length: usize, cause: String, account: &mut FileAccount) {
        account.skip(Damage { offset: self.bytes.offset(), bytes: length as u64, record: self.lines.max(1), cause });
        self.bytes.consume(length);
    }
}
