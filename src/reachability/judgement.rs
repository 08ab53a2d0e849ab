//! Was one attempt good? By what the profile calls "up", nothing else.
//!
//! Takes a check, a target and an outcome; gives a [`Judgement`]. It keeps no state: whether the series was answered before is an
//! argument.

use super::FailureKind;
use super::matching::Check;
use crate::org::UpWhen;
use crate::probe::{DnsKind, DnsOutcome, HttpKind, HttpOutcome, Outcome, ServiceStatus, Target};
use std::net::IpAddr;

/// What one attempt says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Judgement {
    /// The target was up.
    Good {
        /// Largest TTL of the answers, in seconds.
        ttl: u32,
        /// A record of the type asked for was there.
        answered: bool,
        /// The profile demands content, but none was recorded.
        content_unknown: bool,
    },
    /// It was not.
    Bad {
        /// Why.
        kind: FailureKind,
        /// RFC 8914.
        extended_error: Option<u16>,
    },
    /// Target and outcome do not belong together.
    OtherOutcome,
}

impl Judgement {
    /// Why it failed, if it did.
    pub(super) fn failure(&self) -> Option<FailureKind> {
        match self {
            Judgement::Bad { kind, .. } => Some(*kind),
            Judgement::Good { .. } | Judgement::OtherOutcome => None,
        }
    }
}

const GOOD: Judgement = Judgement::Good { ttl: 0, answered: false, content_unknown: false };

fn bad(kind: FailureKind) -> Judgement {
    Judgement::Bad { kind, extended_error: None }
}

/// Judges one attempt; `answered_before`: did an earlier attempt of this series find a record?
pub(super) fn judge(check: &Check, target: &Target, outcome: &Outcome, answered_before: bool) -> Judgement {
    match (target, outcome) {
        (Target::Dns { record_type, .. }, Outcome::Dns(outcome)) => dns(check, record_type, outcome, answered_before),
        (Target::Http { .. }, Outcome::Http(outcome)) => http(&check.up, outcome),
        (Target::Ping { .. }, Outcome::Ping { answered: true }) => GOOD,
        (Target::Ping { .. }, Outcome::Ping { answered: false }) => bad(FailureKind::NoEcho),
        (Target::Status { .. }, Outcome::Status(ServiceStatus::Up)) => GOOD,
        (Target::Status { .. }, Outcome::Status(ServiceStatus::Degraded)) => bad(FailureKind::ReportedDegraded),
        (Target::Status { .. }, Outcome::Status(ServiceStatus::Down)) => bad(FailureKind::ReportedDown),
        (Target::Dns { .. } | Target::Http { .. } | Target::Ping { .. } | Target::Status { .. }, _) => Judgement::OtherOutcome,
    }
}

/// An answer is good if the profile allows it. "No data", and NXDOMAIN for a name which nobody promised, are failures only of a series
/// which was answered before: a host without an IPv6 address is not broken.
fn dns(check: &Check, record_type: &str, outcome: &DnsOutcome, answered_before: bool) -> Judgement {
    let kind = match outcome.kind {
        DnsKind::Answered if allowed(&check.up, record_type, outcome) => {
            let ttl = outcome.answers.iter().map(|answer| answer.ttl).max().unwrap_or(0);
            return Judgement::Good { ttl, answered: true, content_unknown: false };
        }
        DnsKind::NoData if !answered_before => return GOOD,
        DnsKind::NxDomain if !answered_before && !check.must_exist => return GOOD,
        DnsKind::Answered => FailureKind::WrongAnswer,
        DnsKind::NoData => FailureKind::NoData,
        DnsKind::NxDomain => FailureKind::NxDomain,
        DnsKind::ServFail => FailureKind::ServFail,
        DnsKind::Refused => FailureKind::Refused,
        DnsKind::OtherRcode(_) => FailureKind::OtherRcode,
        DnsKind::Timeout => FailureKind::DnsTimeout,
        DnsKind::NetworkError => FailureKind::DnsNetworkError,
        DnsKind::Malformed => FailureKind::Malformed,
    };
    Judgement::Bad { kind, extended_error: outcome.extended_error }
}

/// Every answer of the type asked for must be among those allowed, if any of its type are: a list of IPv4 addresses says nothing of AAAA.
fn allowed(up: &UpWhen, record_type: &str, outcome: &DnsOutcome) -> bool {
    let of_type = |text: &str| match (record_type, text.parse::<IpAddr>()) {
        ("A", Ok(address)) => address.is_ipv4(),
        ("AAAA", Ok(address)) => address.is_ipv6(),
        ("A" | "AAAA", Err(_)) | (_, Ok(_)) => false,
        (_, Err(_)) => true,
    };
    let same = |allowed: &str, data: &str| match (allowed.parse::<IpAddr>(), data.parse::<IpAddr>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => allowed.eq_ignore_ascii_case(data),
    };
    let list: Vec<&String> = up.answers.iter().filter(|text| of_type(text)).collect();
    let mut asked = outcome.answers.iter().filter(|answer| *answer.record_type == *record_type);
    list.is_empty() || asked.all(|answer| list.iter().any(|text| same(text, &answer.data)))
}

fn http(up: &UpWhen, outcome: &HttpOutcome) -> Judgement {
    match outcome.kind {
        HttpKind::Status(code) if up.statuses.iter().any(|(from, to)| (*from..=*to).contains(&code)) => content(up, outcome),
        HttpKind::Status(500..) => bad(FailureKind::ServerError),
        HttpKind::Status(_) => bad(FailureKind::HttpStatus),
        HttpKind::Connected => content(up, outcome),
        HttpKind::ConnectRefused => bad(FailureKind::ConnectRefused),
        HttpKind::ConnectTimeout => bad(FailureKind::ConnectTimeout),
        HttpKind::Unreachable => bad(FailureKind::Unreachable),
        HttpKind::TlsFailed => bad(FailureKind::TlsFailed),
        HttpKind::ReadFailed => bad(FailureKind::ReadFailed),
        HttpKind::NameNotResolved => bad(FailureKind::NameNotResolved),
    }
}

/// Compares what was recorded of body and server name with what the profile demands.
fn content(up: &UpWhen, outcome: &HttpOutcome) -> Judgement {
    let body = up.body_contains.as_deref().map(|wanted| outcome.body.as_deref().map(|body| body.contains(wanted)));
    let server = up.server.as_deref().map(|wanted| outcome.server.as_deref().map(|name| name.eq_ignore_ascii_case(wanted)));
    if body == Some(Some(false)) || server == Some(Some(false)) {
        return bad(FailureKind::WrongContent);
    }
    Judgement::Good { ttl: 0, answered: false, content_unknown: body == Some(None) || server == Some(None) }
}
