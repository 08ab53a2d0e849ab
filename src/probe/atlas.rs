//! Results of RIPE Atlas, firmware 1 to 5,000 and later: DNS, HTTP, TLS certificates and ping.
//!
//! Takes one result object, gives one result for each query, page, handshake, or series of echoes in it. The vantage is
//! `atlas-` and the probe's number. Traceroute, NTP and other kinds are left out, counted by name.
//!
//! Field names as in the "Measurement Result Format" of RIPE Atlas and in the probes' own source.

mod question;
mod web;

use super::fields::{BadRecord, Fields};
use super::intake::{Draft, Intake, Names};
use super::{Outcome, Target, dns};
use crate::time::{Span, Timestamp};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

pub(super) use question::Questions;

/// Fields which say something of the probe, the measurement or the packet, but nothing which Faultline needs.
const KNOWN: &[&str] = &[
    "from",
    "fw",
    "lts",
    "group_id",
    "msm_name",
    "af",
    "proto",
    "src_addr",
    "srcaddr",
    "stored_timestamp",
    "mver",
    "bundle",
    "size",
    "step",
    "ttl",
    "avg",
    "min",
    "max",
    "dup",
    "sent",
    "rcvd",
    "addr",
    "name",
    "subid",
    "submax",
    "ttr",
    "ttc",
    "rt",
    "method",
    "ver",
    "mode",
    "cert",
    "dst_port",
    "rtt",
    "error",
    "err",
    "result-rt",
    "result-rdata",
    "result-rname",
    "result-serial",
    "prb_id",
    "server_cipher",
    "dst_name",
    "dst_addr",
    "uri",
    "hsize",
    "bsize",
    "header",
    "readtiming",
    "qbuf",
    "retry",
    "ttd",
    "time",
    "res",
    "result",
];

/// What every result says of itself.
struct Common {
    vantage: Arc<str>,
    measurement: i64,
    at: Option<Timestamp>,
}

impl Common {
    /// When this part of the result began: its own time, else that of the whole.
    fn at(&self, part: &mut Fields) -> Result<Timestamp, BadRecord> {
        part.time("time")?.or(self.at).ok_or(BadRecord::Missing("timestamp"))
    }
}

/// True if the object looks like such a result.
pub(super) fn recognises(fields: &Fields) -> bool {
    fields.has("prb_id") && fields.has("type")
}

/// Reads one record. DNS results wait in `questions` for what others of their measurement say.
pub(super) fn read(number: u64, record: Value, intake: &mut Intake, names: &mut Names, questions: &mut Questions) {
    let outcome = read_record(number, record, intake, names, questions);
    match outcome {
        Ok(drafts) => drafts.into_iter().for_each(|draft| intake.take(number, draft)),
        Err(reason) => intake.reject(number, &reason),
    }
}

type Drafts = Vec<Result<Draft, BadRecord>>;

fn read_record(
    number: u64,
    record: Value,
    intake: &mut Intake,
    names: &mut Names,
    questions: &mut Questions,
) -> Result<Drafts, BadRecord> {
    let mut fields = Fields::of(record)?;
    let kind = fields.need_word("type")?;
    if !matches!(kind.as_str(), "dns" | "http" | "sslcert" | "ping") {
        intake.leave_out(&kind);
        return Ok(Vec::new());
    }
    let probe: i64 = fields.whole("prb_id")?.ok_or(BadRecord::Missing("prb_id"))?;
    let measurement = fields.whole("msm_id")?.ok_or(BadRecord::Missing("msm_id"))?;
    let at = fields.time("timestamp")?;
    let common = Common { vantage: names.of(&format!("atlas-{probe}")), measurement, at };
    let drafts = match kind.as_str() {
        "dns" => {
            questions.read(&common, &mut fields, (intake.file, number), names)?;
            Vec::new()
        }
        "http" => web::pages(&common, &mut fields, names)?,
        "sslcert" => vec![web::handshake(&common, &mut fields, names)],
        _ => vec![ping(&common, &mut fields, names)],
    };
    fields.end(KNOWN, &mut intake.ignored);
    Ok(drafts)
}

/// The host asked, and its address where known: the name as configured, else the address.
fn host(fields: &mut Fields, names: &mut Names) -> Result<(Arc<str>, Option<IpAddr>), BadRecord> {
    let address = match fields.word("dst_addr")? {
        Some(address) => Some(address),
        None => fields.word("addr")?,
    };
    let address = address.and_then(|text| text.parse::<IpAddr>().ok());
    let name = match fields.word("dst_name")? {
        Some(name) => Some(name),
        None => fields.word("name")?,
    };
    let host = match (name, address) {
        (Some(name), _) => name.parse::<IpAddr>().map_or_else(|_| dns::host(&name), |address| address.to_string()),
        (None, Some(address)) => address.to_string(),
        (None, None) => return Err(BadRecord::Missing("dst_name")),
    };
    let address = address.or_else(|| host.parse().ok());
    Ok((names.of(&host), address))
}

/// One result for the whole series of echoes: answered if any was. Three packets a second apart are one attempt.
fn ping(common: &Common, fields: &mut Fields, names: &mut Names) -> Result<Draft, BadRecord> {
    if let Some(error) = fields.word("dnserr")? {
        return Err(BadRecord::NotAsked(format!("the name did not resolve: {error}")));
    }
    let at = common.at(fields)?;
    let (host, address) = host(fields, names)?;
    let mut first: Option<Span> = None;
    let (mut sent, mut refused) = (0, None);
    for value in fields.list("result")? {
        let mut echo = Fields::inside("result.", value)?;
        // A duplicate answers an echo which had its answer, or one which was given up.
        if echo.take("dup").is_none() {
            match (echo.millis("rtt")?, echo.word("error")?) {
                (Some(time), _) => first = Some(first.map_or(time, |first| first.min(time))),
                (None, Some(error)) if !says_unreachable(&error) => {
                    refused = Some(error);
                    continue;
                }
                (None, _) => {}
            }
            sent += 1;
        }
    }
    let received: u64 = fields.whole("rcvd")?.unwrap_or(0);
    let answered = first.is_some() || (sent == 0 && received > 0);
    let nothing_sent = sent == 0 && !answered && fields.whole::<u64>("sent")?.unwrap_or(0) == 0;
    match (nothing_sent, refused, fields.word("error")?) {
        (true, Some(error), _) | (true, None, Some(error)) => return Err(BadRecord::NotAsked(error)),
        (true, None, None) => return Err(BadRecord::NotAsked("no echo was sent".to_owned())),
        (false, _, _) => {}
    }
    let took = first.unwrap_or(Span::ZERO);
    let target = Target::Ping { host, address };
    Ok(Draft { at, took, vantage: Arc::clone(&common.vantage), target, outcome: Outcome::Ping { answered } })
}

/// Errors end with the system's words: `connect failed: Network is unreachable`.
fn says_unreachable(error: &str) -> bool {
    dns::is_unreachable(error.rsplit(": ").next().unwrap_or(error))
}

#[cfg(test)]
mod tests;
