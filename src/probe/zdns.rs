//! Results of ZDNS: one JSON object a name, with one result a record type (since version 2) or one result alone (before).
//!
//! Takes one object, gives one result a record type. A result alone does not say which type was asked: it is learned from the answers
//! in the same file, for a run of ZDNS asks one type. Lookup modules (`ALOOKUP`, `MXLOOKUP`, …) ask many questions and report one
//! summary; they are left out, counted by name. ZDNS records no place, so its vantage is always `zdns`.

use super::fields::{BadRecord, Fields, Ignored};
use super::intake::{Draft, Intake, Names};
use super::{DnsAnswer, DnsKind, DnsOutcome, DnsServer, Outcome, Target, dns};
use crate::time::{Span, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The vantage of every result.
const VANTAGE: &str = "zdns";
/// Modules which ask one question of one type; the module's name is the type.
const ONE_QUESTION: &[&str] = &[
    "A",
    "AAAA",
    "CAA",
    "CDS",
    "CDNSKEY",
    "CNAME",
    "DNSKEY",
    "DS",
    "HTTPS",
    "MX",
    "NAPTR",
    "NS",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "PTR",
    "RRSIG",
    "SOA",
    "SRV",
    "SVCB",
    "TLSA",
    "TXT",
    "URI",
    "ANY",
];
/// Fields of a record which say nothing of the attempt.
const KNOWN: &[&str] = &["altered_name", "alexa_rank", "class", "metadata", "trace", "nameserver"];
/// Fields of `data` which say nothing of the outcome.
const KNOWN_DATA: &[&str] = &["authorities", "protocol", "tls_handshake"];

/// What a file of ZDNS results leaves to decide at its end.
#[derive(Default)]
pub(super) struct Zdns {
    /// Results whose type or server is not recorded.
    waiting: Vec<(u64, Attempt)>,
    /// Record types which answered, aliases and signatures aside.
    types: BTreeSet<String>,
    /// Servers asked.
    servers: BTreeSet<IpAddr>,
}

/// One result, as far as its record says.
struct Attempt {
    name: String,
    record_type: Option<String>,
    at: Timestamp,
    took: Span,
    server: Option<IpAddr>,
    authority: bool,
    end: End,
    outcome: DnsOutcome,
}

/// How it ended.
#[derive(Clone, Copy)]
enum End {
    Response(u16),
    Failure(DnsKind),
}

/// True if the object looks like such a record.
pub(super) fn recognises(fields: &Fields) -> bool {
    let alone = fields.has("status") && fields.has("timestamp") && fields.peek("service").is_none();
    fields.peek("name").is_some() && (fields.has("results") || alone)
}

impl Zdns {
    /// Reads one record.
    pub(super) fn read(&mut self, number: u64, record: Value, intake: &mut Intake, names: &mut Names) {
        match self.results_of(record, intake, names) {
            Ok(attempts) => attempts.into_iter().for_each(|attempt| self.waiting.push((number, attempt))),
            Err(reason) => intake.reject(number, &reason),
        }
    }

    /// Decides what was left open.
    pub(super) fn end(self, intake: &mut Intake, names: &mut Names) {
        let only_type = self.types.first().filter(|_| self.types.len() == 1);
        let only_server = self.servers.first().filter(|_| self.servers.len() == 1);
        for (number, mut attempt) in self.waiting {
            attempt.server = attempt.server.or(only_server.copied());
            let record_type = attempt.record_type.take().or_else(|| only_type.cloned());
            let draft = record_type
                .ok_or(BadRecord::NoQuestion("no record type, and the answers in this file are not all of one"))
                .map(|record_type| attempt.draft(&record_type, names));
            intake.take(number, draft);
        }
    }

    fn results_of(&mut self, record: Value, intake: &mut Intake, names: &mut Names) -> Result<Vec<Attempt>, BadRecord> {
        let mut fields = Fields::of(record)?;
        let name = dns::host(&fields.need_word("name")?);
        let mut attempts = Vec::new();
        match fields.object("results", "results.")? {
            Some(modules) => {
                for (module, result) in modules.entries() {
                    if !ONE_QUESTION.contains(&module.to_ascii_uppercase().as_str()) {
                        intake.leave_out(&module);
                        continue;
                    }
                    let mut result = Fields::inside("results.", result)?;
                    attempts.push(self.attempt(
                        &name,
                        Some(module.to_ascii_uppercase()),
                        &mut result,
                        (names, &mut intake.ignored),
                    )?);
                    result.end(KNOWN, &mut intake.ignored);
                }
            }
            None => attempts.push(self.attempt(&name, None, &mut fields, (names, &mut intake.ignored))?),
        }
        fields.end(KNOWN, &mut intake.ignored);
        Ok(attempts)
    }

    fn attempt(
        &mut self,
        name: &str,
        record_type: Option<String>,
        fields: &mut Fields,
        (names, ignored): (&mut Names, &mut Ignored),
    ) -> Result<Attempt, BadRecord> {
        // The time stamp is taken when the answer is there, the duration counts back to the question.
        let ended = fields.time("timestamp")?.ok_or(BadRecord::Missing("timestamp"))?;
        let took = fields.seconds("duration")?.unwrap_or(Span::ZERO);
        let status = fields.need_word("status")?;
        let error = fields.word("error")?;
        let mut attempt = Attempt {
            name: name.to_owned(),
            record_type,
            at: ended - took,
            took,
            server: None,
            authority: false,
            end: end(&status, error.as_deref())?,
            outcome: DnsOutcome { kind: DnsKind::Malformed, extended_error: None, authoritative: false, answers: Vec::new() },
        };
        if let Some(data) = fields.object("data", "data.")? {
            self.data(data, &mut attempt, names, ignored)?;
        }
        Ok(attempt)
    }

    fn data(&mut self, mut data: Fields, attempt: &mut Attempt, names: &mut Names, ignored: &mut Ignored) -> Result<(), BadRecord> {
        // A resolver over HTTPS is named by its host; then its address is not known.
        attempt.server = data.word("resolver")?.and_then(|server| dns::server_address(&server));
        self.servers.extend(attempt.server);
        if let Some(mut flags) = data.object("flags", "flags.")? {
            attempt.outcome.authoritative = flags.flag("authoritative")?.unwrap_or(false);
            attempt.authority = flags.flag("recursion_available")? == Some(false) && matches!(attempt.end, End::Response(_));
        }
        for value in data.list("answers")? {
            if let Some(answer) = answer(value, names)? {
                if !matches!(&*answer.record_type, "CNAME" | "DNAME" | "RRSIG") {
                    self.types.insert(answer.record_type.to_string());
                }
                attempt.outcome.answers.push(answer);
            }
        }
        for value in data.list("additionals")? {
            attempt.outcome.extended_error = attempt.outcome.extended_error.or(extended_error(value));
        }
        data.end(KNOWN_DATA, ignored);
        Ok(())
    }
}

impl Attempt {
    fn draft(self, record_type: &str, names: &mut Names) -> Draft {
        let mut outcome = self.outcome;
        outcome.kind = match self.end {
            End::Response(code) => dns::kind(code, record_type, &outcome.answers),
            End::Failure(kind) => kind,
        };
        let server = match self.server {
            Some(address) if self.authority => DnsServer::Authority { address, name: None },
            address => DnsServer::Resolver { address, name: None },
        };
        let target = Target::Dns { server, name: names.of(&self.name), record_type: names.of(record_type) };
        Draft { at: self.at, took: self.took, vantage: names.of(VANTAGE), target, outcome: Outcome::Dns(outcome) }
    }
}

/// What a status word means. The words are those of ZDNS: response codes, and its own.
fn end(status: &str, error: Option<&str>) -> Result<End, BadRecord> {
    if let Some(code) = dns::rcode(status) {
        return Ok(End::Response(code));
    }
    let error = error.unwrap_or_default();
    match status {
        "TIMEOUT" | "ITERATIVE_TIMEOUT" => Ok(End::Failure(DnsKind::Timeout)),
        "NORECORD" => Ok(End::Response(0)),
        "ILLEGAL_INPUT" | "BLACKLIST" => Err(BadRecord::NotAsked(status.to_owned())),
        "ERROR" if says_network(error) => Ok(End::Failure(DnsKind::NetworkError)),
        "ERROR" => Err(BadRecord::wrong_text("error", error, "a network error such as `connection refused`")),
        _ => Err(BadRecord::wrong_text("status", status, "a response code, TIMEOUT, ITERATIVE_TIMEOUT or ERROR")),
    }
}

/// Go's errors end with the system's own words: `read udp …: connection refused`.
fn says_network(error: &str) -> bool {
    let reason = error.rsplit(": ").next().unwrap_or(error).trim();
    dns::is_unreachable(reason) || reason.eq_ignore_ascii_case("connection refused")
}

/// One record of the answer section; `None` for the EDNS pseudo-record.
fn answer(value: Value, names: &mut Names) -> Result<Option<DnsAnswer>, BadRecord> {
    let mut record = Fields::inside("answers.", value)?;
    let kind = record.need_word("type")?;
    if kind.starts_with("EDNS") {
        return Ok(None);
    }
    let owner = record.word("name")?.unwrap_or_default();
    let ttl = record.whole("ttl")?.unwrap_or(0);
    let mut data = record.text("answer")?.unwrap_or_default();
    // Types with several parts spell them out; presentation form for the two which dependencies are learned from.
    match kind.as_str() {
        "MX" => data = format!("{} {data}", record.whole::<u16>("preference")?.ok_or(BadRecord::Missing("preference"))?),
        "SOA" => {
            let (host, mailbox) = (record.need_word("ns")?, record.need_word("mbox")?);
            let mut numbers = [0u32; 5];
            for (number, key) in numbers.iter_mut().zip(["serial", "refresh", "retry", "expire", "min_ttl"]) {
                *number = record.whole(key)?.unwrap_or(0);
            }
            data = format!("{host} {mailbox} {}", numbers.map(|number| number.to_string()).join(" "));
        }
        _ if data.is_empty() => {
            let parts = record.entries().filter(|(name, _)| name != "class").map(|(name, value)| format!("{name}={value}"));
            data = parts.collect::<Vec<_>>().join(" ");
        }
        _ => {}
    }
    dns::answer(names, &owner, &kind, ttl, &data).map(Some)
}

/// The extended error (RFC 8914) in an EDNS pseudo-record.
fn extended_error(value: Value) -> Option<u16> {
    let code = value.get("ede")?.get(0)?.get("info_code")?.as_u64()?;
    u16::try_from(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::FileId;

    fn read(lines: &[&str]) -> Intake {
        let (mut zdns, mut intake, mut names) = (Zdns::default(), Intake::of(FileId(0)), Names::default());
        for (number, line) in (1..).zip(lines) {
            let record: Value = serde_json::from_str(line).unwrap();
            assert!(recognises(&Fields::of(record.clone()).unwrap()), "{line}");
            zdns.read(number, record, &mut intake, &mut names);
        }
        zdns.end(&mut intake, &mut names);
        intake
    }

    fn outcomes(intake: &Intake) -> Vec<DnsKind> {
        let kind = |outcome: &Outcome| if let Outcome::Dns(outcome) = outcome { outcome.kind } else { panic!("not DNS") };
        intake.results.iter().map(|result| kind(&result.outcome)).collect()
    }

    #[test]
    fn version_two_names_the_type_and_its_time_stamp_is_the_end() {
        let intake = read(&[
            r#"{"name":"facebook.com","results":{"A":{"data":{"additionals":[{"flags":"","type":"EDNS0","udpsize":512,"version":0}],
                "answers":[{"answer":"157.240.22.35","class":"IN","name":"facebook.com","ttl":300,"type":"A"}],"protocol":"udp",
                "resolver":"1.1.1.1:53"},"duration":0.25,"status":"NOERROR","timestamp":"2021-10-04T11:00:00-04:00"}}}"#,
            r#"{"name":"facebook.com","results":{"A":{"data":{"additionals":[{"type":"EDNS0","ede":[{"info_code":22,"error_text":"No
                Reachable Authority"}]}],"resolver":"1.1.1.1:53"},"status":"SERVFAIL","timestamp":"2021-10-04T12:00:00-04:00"},
                "MXLOOKUP":{"status":"NOERROR","timestamp":"2021-10-04T12:00:00-04:00"}}}"#
                .replace("No\n                Reachable", "No Reachable")
                .as_str(),
            r#"{"name":"facebook.com","results":{"A":{"status":"TIMEOUT","duration":4,"timestamp":"2021-10-04T16:01:00Z"}}}"#,
        ]);
        assert_eq!(outcomes(&intake), [DnsKind::Answered, DnsKind::ServFail, DnsKind::Timeout]);
        assert_eq!(intake.results[0].at.to_string(), "2021-10-04T14:59:59.750000Z");
        assert_eq!(intake.results[0].end().to_string(), "2021-10-04T15:00:00Z");
        assert!(matches!(&intake.results[1].outcome, Outcome::Dns(outcome) if outcome.extended_error == Some(22)));
        let targets: BTreeSet<_> = intake.results.iter().map(|result| result.target.clone()).collect();
        assert_eq!(targets.len(), 1, "the timeout names no server, but only one was asked: one series");
        assert_eq!(intake.unsupported.get("MXLOOKUP"), Some(&1));
        assert_eq!(intake.ignored, Ignored::new());
    }

    #[test]
    fn a_flat_record_gets_its_type_from_the_answers_of_its_file() {
        let good = r#"{"name":"www.example.com","class":"IN","status":"NOERROR","timestamp":"2021-10-04T15:00:00Z","data":{"answers":[
            {"ttl":60,"type":"CNAME","name":"www.example.com","answer":"edge.example.net."},
            {"ttl":60,"type":"AAAA","name":"edge.example.net","answer":"2001:db8::1"}],"protocol":"udp","resolver":"8.8.8.8:53"}}"#;
        let bad = r#"{"name":"example.com","status":"SERVFAIL","timestamp":"2021-10-04T16:00:00Z","data":{}}"#;
        let intake = read(&[good, bad]);
        assert_eq!(outcomes(&intake), [DnsKind::Answered, DnsKind::ServFail]);
        assert!(matches!(&intake.results[1].target, Target::Dns { record_type, .. } if &**record_type == "AAAA"));
        let alone = read(&[bad]);
        assert_eq!((alone.results.len(), alone.bad_count), (0, 1));
        assert!(alone.bad[0].reason.contains("no record type"), "{}", alone.bad[0].reason);
    }

    #[test]
    fn what_zdns_did_not_ask_is_no_outcome() {
        let line = |status: &str, error: &str| {
            format!(
                r#"{{"name":"a.example","results":{{"A":{{"status":"{status}","error":"{error}","timestamp":"2021-10-04T16:00:00Z"}}}}}}"#
            )
        };
        let intake = read(&[
            &line("ILLEGAL_INPUT", ""),
            &line("ERROR", "something else"),
            &line("ERROR", "read udp 192.0.2.1:40000->192.0.2.2:53: connection refused"),
            &line("TRUNCATED", ""),
        ]);
        assert_eq!(outcomes(&intake), [DnsKind::NetworkError]);
        assert_eq!(intake.bad.iter().map(|bad| bad.record).collect::<Vec<_>>(), [1, 2, 4]);
    }
}
