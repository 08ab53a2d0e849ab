//! RIPE Atlas DNS results: what was asked of whom.
//!
//! A result holds the answer's wire format, whose question names what was asked. A timeout holds none (unless the measurement
//! records `qbuf`), and yet timeouts are what an outage is made of: so results wait here until all files are read, and one
//! without a question takes that of its measurement, if all answers of that measurement agree on it. Likewise, whether the
//! server is a resolver or an authority is one decision for the whole measurement, so that answers and timeouts of one server
//! are one series: resolver, if more of the answers offer recursion (RA) than not; without any answer, as the query desired (RD).

use super::{Common, says_unreachable};
use crate::observation::FileId;
use crate::probe::fields::{BadRecord, Fields};
use crate::probe::intake::{Draft, Names};
use crate::probe::{DnsKind, DnsOutcome, DnsServer, Outcome, Target, dns, wire};
use crate::time::{Span, Timestamp};
use base64::Engine;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// DNS results of all files, waiting for each other.
#[derive(Default)]
pub(in crate::probe) struct Questions {
    waiting: Vec<Waiting>,
    measurements: BTreeMap<i64, Measurement>,
}

/// What the answers of a measurement agree on.
#[derive(Default)]
struct Measurement {
    asked: BTreeSet<(String, String)>,
    recursive: u64,
    not_recursive: u64,
    recursion_desired: Option<bool>,
}

/// One query.
struct Waiting {
    place: (FileId, u64),
    measurement: i64,
    at: Timestamp,
    took: Span,
    vantage: Arc<str>,
    server: IpAddr,
    server_name: Option<Arc<str>>,
    question: Option<(String, String)>,
    end: End,
    outcome: DnsOutcome,
}

/// How it ended.
#[derive(Clone, Copy)]
enum End {
    Response(u16),
    Failure(DnsKind),
}

impl Questions {
    /// Takes one result: of one query, or of several in `resultset`.
    pub(super) fn read(
        &mut self,
        common: &Common,
        fields: &mut Fields,
        place: (FileId, u64),
        names: &mut Names,
    ) -> Result<(), BadRecord> {
        let several = fields.list("resultset")?;
        if several.is_empty() {
            let waiting = self.query(common, fields, place, names)?;
            self.waiting.push(waiting);
            return Ok(());
        }
        // A bad query among several makes the record bad; the others still count.
        let mut first_error = Ok(());
        for value in several {
            let query = Fields::inside("resultset.", value).and_then(|mut part| self.query(common, &mut part, place, names));
            match query {
                Ok(waiting) => self.waiting.push(waiting),
                Err(error) => first_error = first_error.and(Err(error)),
            }
        }
        first_error
    }

    fn query(
        &mut self,
        common: &Common,
        fields: &mut Fields,
        place: (FileId, u64),
        names: &mut Names,
    ) -> Result<Waiting, BadRecord> {
        let at = common.at(fields)?;
        let name = match fields.word("dst_name")? {
            Some(name) => Some(name),
            None => fields.word("name")?,
        };
        let server = fields.address("dst_addr")?;
        let measurement = self.measurements.entry(common.measurement).or_default();
        let sent = fields.word("qbuf")?.and_then(|text| message(&text, names));
        if let Some(sent) = &sent {
            measurement.recursion_desired = Some(sent.recursion_desired);
        }
        let mut waiting = Waiting {
            place,
            measurement: common.measurement,
            at,
            took: Span::ZERO,
            vantage: Arc::clone(&common.vantage),
            server: IpAddr::from([0, 0, 0, 0]),
            server_name: dns::server_name(names, name),
            question: sent.and_then(|sent| sent.question),
            end: End::Failure(DnsKind::Malformed),
            outcome: DnsOutcome { kind: DnsKind::Malformed, extended_error: None, authoritative: false, answers: Vec::new() },
        };
        match fields.object("error", "error.")? {
            Some(error) => (waiting.end, waiting.took) = failure(error)?,
            None => answer(fields, &mut waiting, measurement, names)?,
        }
        waiting.server = server.ok_or(BadRecord::Missing("dst_addr"))?;
        Ok(waiting)
    }

    /// Decides every result, now that all are read.
    pub(in crate::probe) fn end(self, names: &mut Names) -> impl Iterator<Item = (FileId, u64, Result<Draft, BadRecord>)> {
        let measurements = self.measurements;
        self.waiting.into_iter().map(move |waiting| {
            let place = waiting.place;
            let draft = match measurements.get(&waiting.measurement) {
                Some(measurement) => waiting.draft(measurement, names),
                None => Err(BadRecord::Missing("msm_id")),
            };
            (place.0, place.1, draft)
        })
    }
}

impl Waiting {
    fn draft(mut self, measurement: &Measurement, names: &mut Names) -> Result<Draft, BadRecord> {
        let agreed = measurement.asked.first().filter(|_| measurement.asked.len() == 1);
        let (name, record_type) = self
            .question
            .or_else(|| agreed.cloned())
            .ok_or(BadRecord::NoQuestion("neither here nor in the other results of the measurement"))?;
        self.outcome.kind = match self.end {
            End::Response(code) => dns::kind(code, &record_type, &self.outcome.answers),
            End::Failure(kind) => kind,
        };
        let resolver = match measurement.recursive.cmp(&measurement.not_recursive) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => measurement.recursion_desired.unwrap_or(true),
        };
        let server = match resolver {
            true => DnsServer::Resolver { address: Some(self.server), name: None },
            false => DnsServer::Authority { address: self.server, name: self.server_name },
        };
        let target = Target::Dns { server, name: names.of(&name), record_type: names.of(&record_type) };
        Ok(Draft { at: self.at, took: self.took, vantage: self.vantage, target, outcome: Outcome::Dns(self.outcome) })
    }
}

fn message(text: &str, names: &mut Names) -> Option<wire::DnsMessage> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
    wire::decode(&bytes, names)
}

/// Takes over what the response says.
fn answer(fields: &mut Fields, waiting: &mut Waiting, measurement: &mut Measurement, names: &mut Names) -> Result<(), BadRecord> {
    let mut result = fields.object("result", "result.")?.ok_or(BadRecord::Missing("result"))?;
    waiting.took = result.millis("rt")?.unwrap_or(Span::ZERO);
    let text = result.word("abuf")?.ok_or(BadRecord::Missing("abuf"))?;
    let Some(message) = message(&text, names) else {
        // What came is no DNS message: an answer all the same, for a question which the measurement may know.
        return Ok(());
    };
    match message.recursion_available {
        true => measurement.recursive += 1,
        false => measurement.not_recursive += 1,
    }
    if let Some(question) = message.question {
        measurement.asked.insert(question.clone());
        waiting.question = Some(question);
    }
    waiting.end = match message.damaged && message.code == 0 {
        true => End::Failure(DnsKind::Malformed),
        false => End::Response(message.code),
    };
    waiting.outcome.extended_error = message.extended_error;
    waiting.outcome.authoritative = message.authoritative;
    waiting.outcome.answers = message.answers;
    Ok(())
}

/// Why there was no answer. The words are those of the probe's `evtdig`.
fn failure(mut error: Fields) -> Result<(End, Span), BadRecord> {
    if let Some(after) = error.millis("timeout")? {
        return Ok((End::Failure(DnsKind::Timeout), after));
    }
    let mut not_understood = None;
    for (key, value) in error.entries() {
        let text = value.as_str().unwrap_or_default();
        let lower = text.to_ascii_lowercase();
        let of_network = matches!(key.as_str(), "TUCONNECT" | "TU_READ_ERR" | "TUSOCKET" | "socket" | "senderror" | "sendto");
        if of_network && (lower.contains("connection refused") || ends_unreachable(text)) {
            return Ok((End::Failure(DnsKind::NetworkError), Span::ZERO));
        }
        if of_network && lower.contains("timed out") {
            return Ok((End::Failure(DnsKind::Timeout), Span::ZERO));
        }
        not_understood.get_or_insert_with(|| format!("{key}: {}", value.to_string().trim_matches('"')));
    }
    Err(not_understood.map_or(BadRecord::Missing("error"), BadRecord::NotAsked))
}

/// `connect failed Network is unreachable`, `AF_INET, Network is unreachable`: the system's words come last.
fn ends_unreachable(text: &str) -> bool {
    says_unreachable(text) || {
        let words: Vec<&str> = text.split_whitespace().collect();
        (3..=4).any(|count| words.len() >= count && dns::is_unreachable(&words[words.len() - count..].join(" ")))
    }
}
