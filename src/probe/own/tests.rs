//! The lab's own words, one by one, and the way back from results to lines.

use super::*;
use crate::observation::{FileId, RecordRef};
use crate::probe::{ProbeResult, ServiceStatus, to_line};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::net::IpAddr;
use std::sync::Arc;

fn try_line(line: &str) -> Result<(Draft, Ignored), BadRecord> {
    let (mut names, mut ignored) = (Names::default(), Ignored::new());
    let value = serde_json::from_str(line).unwrap();
    read(value, &mut names, &mut ignored).map(|draft| (draft, ignored))
}

fn dns_kind(rcode: &str, error: &str) -> Result<DnsKind, BadRecord> {
    let line = format!(
        r#"{{"ts":1795338804.5,"vantage":"client-a","via":"direct","server":"192.0.2.53","server_name":"a.ns.example.","qname":"www.example",
            "qtype":"A","rcode":{rcode},"error":{error},"latency_ms":1.5,"answers":[{{"type":"A","ttl":5,"data":"192.0.2.80"}}],"aa":true}}"#
    );
    try_line(&line).map(|(draft, _)| match draft.outcome {
        Outcome::Dns(outcome) => outcome.kind,
        other => panic!("{other:?}"),
    })
}

#[test]
fn every_dns_ending_of_the_six_recorded_cases_has_one_meaning() {
    // The distinct (rcode, error) pairs of all dns.jsonl.gz, and the exceptions which their writer can record.
    let cases = [
        (r#""NOERROR""#, "null", DnsKind::Answered),
        (r#""SERVFAIL""#, "null", DnsKind::ServFail),
        (r#""REFUSED""#, "null", DnsKind::Refused),
        ("9", "null", DnsKind::OtherRcode(9)),
        ("null", r#""timeout""#, DnsKind::Timeout),
        ("null", r#""port_unreachable""#, DnsKind::NetworkError),
        ("null", r#""oserror:Network is unreachable""#, DnsKind::NetworkError),
        ("null", r#""ShortHeader:The DNS packet passed to from_wire() is too short.""#, DnsKind::Malformed),
    ];
    for (rcode, error, expected) in cases {
        assert_eq!(dns_kind(rcode, error).unwrap(), expected, "{rcode} {error}");
    }
}

#[test]
fn an_unknown_or_contradicting_dns_ending_is_a_bad_record_and_not_a_guess() {
    for (rcode, error, why) in [
        ("null", r#""oserror:Cannot assign requested address""#, "Cannot assign"),
        ("null", r#""KeyError:'x'""#, "KeyError"),
        ("null", "null", "`rcode` is missing"),
        (r#""NOERROR""#, r#""timeout""#, "contradict"),
        (r#""BOGUS""#, "null", "BOGUS"),
    ] {
        let reason = dns_kind(rcode, error).unwrap_err().to_string();
        assert!(reason.contains(why), "{reason}");
    }
}

fn http(stage: &str, status: &str, error: &str) -> Result<HttpKind, BadRecord> {
    let line = format!(
        r#"{{"ts":1795338804,"vantage":"client-a","target":"web-ip4","host":"www.example","mode":"ip","ip":"192.0.2.80","stage":"{stage}",
            "status":{status},"error":{error},"dns_ms":null,"latency_ms":35.6,"body":"hello","server":"megacorp","ok":true}}"#
    );
    try_line(&line).map(|(draft, ignored)| {
        assert_eq!(ignored, Ignored::new());
        match draft.outcome {
            Outcome::Http(outcome) => outcome.kind,
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn every_http_ending_of_the_six_recorded_cases_has_one_meaning() {
    let cases = [
        ("done", "200", "null", HttpKind::Status(200)),
        ("done", "500", r#""http:500""#, HttpKind::Status(500)),
        ("connect", "null", r#""oserror:Network is unreachable""#, HttpKind::Unreachable),
        ("connect", "null", r#""refused""#, HttpKind::ConnectRefused),
        ("connect", "null", r#""timeout""#, HttpKind::ConnectTimeout),
        ("dns", "null", r#""dns:SERVFAIL""#, HttpKind::NameNotResolved),
        ("dns", "null", r#""dns:timeout""#, HttpKind::NameNotResolved),
        ("http", "null", r#""timeout""#, HttpKind::ReadFailed),
        ("tls", "null", r#""certificate has expired""#, HttpKind::TlsFailed),
        ("connected", "null", "null", HttpKind::Connected),
    ];
    for (stage, status, error, expected) in cases {
        assert_eq!(http(stage, status, error).unwrap(), expected, "{stage} {status} {error}");
    }
    for (stage, status, error) in [
        ("connect", "null", r#""oserror:Cannot assign requested address""#),
        ("connect", "null", "null"),
        ("done", "200", r#""http:500""#),
        ("done", "null", "null"),
        ("http", "200", r#""timeout""#),
        ("elsewhere", "null", r#""timeout""#),
    ] {
        assert!(http(stage, status, error).is_err(), "{stage} {status} {error}");
    }
}

#[test]
fn a_target_without_a_label_is_named_by_what_is_known_of_it() {
    let line = r#"{"ts":"2021-10-04T17:39:00+02:00","vantage":"a","host":"[EXAMPLE].com.","mode":"name","stage":"connect","error":"timeout",
        "tls":true,"port":8443,"colour":"red"}"#
        .replace(['[', ']'], "");
    let (draft, ignored) = try_line(&line).unwrap();
    assert!(
        matches!(&draft.target, Target::Http { label, address: AskedAddress::ByName, .. } if &**label == "https://example.com:8443")
    );
    assert_eq!(draft.at.to_string(), "2021-10-04T15:39:00Z");
    assert_eq!(ignored.get("colour"), Some(&1));
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,9}(\\.[a-z]{2,5}){0,2}"
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u16; 8]>().prop_map(IpAddr::from)]
}

fn text(text: &str) -> Arc<str> {
    text.into()
}

fn answers() -> impl Strategy<Value = Vec<DnsAnswer>> {
    let record = (prop_oneof![Just(String::new()), name()], any::<u32>(), 0..4u8, any::<[u8; 4]>(), name(), "[ -~é€]{0,20}")
        .prop_map(|(owner, ttl, kind, v4, host, free)| {
            let (record_type, data) = match kind {
                0 => ("A", IpAddr::from(v4).to_string()),
                1 => ("CNAME", host),
                2 => ("MX", format!("10 {host}")),
                _ => ("TXT", format!("\"{}\"", free.trim())),
            };
            DnsAnswer { name: text(&owner), record_type: text(record_type), ttl, data: text(&data) }
        });
    prop::collection::vec(record, 0..4)
}

fn dns_attempt() -> impl Strategy<Value = (Target, Outcome)> {
    let server = prop_oneof![
        (prop::option::of(address()), prop::option::of("[a-z][a-z -]{0,8}[a-z]"))
            .prop_map(|(address, name)| DnsServer::Resolver { address, name: name.map(|name| text(&name)) }),
        (address(), prop::option::of("[a-z]{1,5}\\.ns\\.[a-z]{2,5}"))
            .prop_map(|(address, name)| DnsServer::Authority { address, name: name.map(|name| text(&name)) }),
    ];
    let end = prop_oneof![
        (0u16..4096).prop_map(Ok),
        prop_oneof![Just(DnsKind::Timeout), Just(DnsKind::NetworkError), Just(DnsKind::Malformed)].prop_map(Err)
    ];
    let asked = prop_oneof![Just("A"), Just("CNAME"), Just("ANY"), Just("TXT")];
    (server, name(), asked, end, prop::option::of(any::<u16>()), any::<bool>(), answers()).prop_map(
        |(server, name, asked, end, extended_error, authoritative, answers)| {
            let kind = end.map_or_else(|kind| kind, |code| dns::kind(code, asked, &answers));
            let outcome = DnsOutcome { kind, extended_error, authoritative, answers };
            (Target::Dns { server, name: text(&name), record_type: text(asked) }, Outcome::Dns(outcome))
        },
    )
}

fn http_attempt() -> impl Strategy<Value = (Target, Outcome)> {
    let kind = prop_oneof![
        any::<u16>().prop_map(HttpKind::Status),
        Just(HttpKind::Connected),
        Just(HttpKind::ConnectRefused),
        Just(HttpKind::ConnectTimeout),
        Just(HttpKind::Unreachable),
        Just(HttpKind::TlsFailed),
        Just(HttpKind::ReadFailed),
        Just(HttpKind::NameNotResolved),
    ];
    let body = prop::option::of("\\PC{0,40}");
    let expiry = prop::option::of((0i64..4_102_444_800).prop_map(|seconds| Timestamp::from_parts(seconds, 0)));
    let server = prop::option::of(name());
    (name(), any::<bool>(), prop::option::of(address()), name(), kind, body, server, expiry).prop_map(
        |(host, fixed, address, label, kind, body, server, cert_not_after)| {
            let asked = match (fixed, address) {
                (true, Some(address)) => AskedAddress::Fixed(address),
                _ => AskedAddress::ByName,
            };
            let (body, server) = (body.map(|b| text(&b)), server.map(|s| text(&s)));
            let outcome = HttpOutcome { kind, address, body, server, cert_not_after };
            (Target::Http { host: text(&host), address: asked, label: text(&label) }, Outcome::Http(outcome))
        },
    )
}

fn other_attempt() -> impl Strategy<Value = (Target, Outcome)> {
    let status = prop_oneof![Just(ServiceStatus::Up), Just(ServiceStatus::Degraded), Just(ServiceStatus::Down)];
    prop_oneof![
        (name(), prop::option::of(address()), any::<bool>())
            .prop_map(|(host, address, answered)| (Target::Ping { host: text(&host), address }, Outcome::Ping { answered })),
        ("[A-Z][a-z ]{0,9}[a-z]", name(), status).prop_map(|(service, reporter, status)| (
            Target::Status { service: text(&service), reporter: text(&reporter) },
            Outcome::Status(status)
        )),
    ]
}

/// Any result which the own formats can hold: times of 1970 to 2100, to the microsecond.
pub(in crate::probe) fn any_result() -> impl Strategy<Value = ProbeResult> {
    let attempt = prop_oneof![dns_attempt(), http_attempt(), other_attempt()];
    (0i64..4_102_444_800_000_000, 0i64..60_000_000, name(), attempt, 1u64..10).prop_map(|(at, took, vantage, attempt, record)| {
        ProbeResult {
            at: Timestamp::from_micros(at),
            took: Span::from_micros(took),
            vantage: text(&vantage),
            target: attempt.0,
            outcome: attempt.1,
            source: RecordRef { file: FileId(0), record },
        }
    })
}

proptest! {
    /// What is written is what is read, whatever was seen.
    #[test]
    fn a_line_reads_back_to_the_same_result(result in any_result()) {
        let line = to_line(&result);
        prop_assert!(!line.contains('\n'));
        let (draft, ignored) = try_line(&line).unwrap();
        prop_assert_eq!(ignored, Ignored::new());
        let Draft { at, took, vantage, target, outcome } = draft;
        prop_assert_eq!(ProbeResult { at, took, vantage, target, outcome, source: result.source }, result);
    }

    /// Records of any shape end in a result or in a reason, never in a panic.
    #[test]
    fn any_json_is_taken_or_refused(kind in "dns|http|ping|status|x", fields in prop::collection::btree_map(
        "ts|vantage|via|server|qname|qtype|rcode|error|answers|host|mode|ip|stage|status|service|answered|latency_ms|ede",
        prop_oneof![Just(Value::Null), any::<f64>().prop_map(Value::from), any::<bool>().prop_map(Value::from),
            "\\PC{0,8}|dns|done|direct|resolver|192\\.0\\.2\\.1|NOERROR|up".prop_map(Value::from), Just(serde_json::json!([{"type": 1}]))],
        0..12,
    )) {
        let mut record: serde_json::Map<String, Value> = fields.into_iter().collect();
        record.insert("kind".to_owned(), kind.into());
        let _ = read(Value::Object(record), &mut Names::default(), &mut Ignored::new());
    }
}
