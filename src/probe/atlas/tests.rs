//! Small results of each kind; the recorded samples of all firmware versions are read by the integration tests.

use super::*;
use crate::observation::FileId;
use crate::probe::{AskedAddress, DnsKind, DnsServer, HttpKind, ProbeResult};

fn read_all(lines: &[&str]) -> Intake {
    let (mut intake, mut names, mut questions) = (Intake::of(FileId(3)), Names::default(), Questions::default());
    for (number, line) in (1..).zip(lines) {
        let record: Value = serde_json::from_str(line).unwrap();
        read(number, record, &mut intake, &mut names, &mut questions);
    }
    for (_, number, draft) in questions.end(&mut names) {
        intake.take(number, draft);
    }
    intake
}

fn dns_parts(result: &ProbeResult) -> (String, String, bool, DnsKind) {
    match (&result.target, &result.outcome) {
        (Target::Dns { server, name, record_type }, Outcome::Dns(outcome)) => {
            (name.to_string(), record_type.to_string(), matches!(server, DnsServer::Authority { .. }), outcome.kind)
        }
        other => panic!("{other:?}"),
    }
}

fn http_parts(result: &ProbeResult) -> (String, AskedAddress, String, HttpKind) {
    match (&result.target, &result.outcome) {
        (Target::Http { host, address, label }, Outcome::Http(outcome)) => {
            (host.to_string(), *address, label.to_string(), outcome.kind)
        }
        other => panic!("{other:?}"),
    }
}

/// `as250.net A` from its authority, of firmware 4470.
const ANSWER: &str = r#"{"af":4,"dst_addr":"193.227.234.53","from":"192.0.2.1","fw":4470,"msm_id":1004041,"prb_id":148,"proto":"UDP",
    "result":{"ANCOUNT":1,"ARCOUNT":0,"ID":63020,"NSCOUNT":0,"QDCOUNT":1,"abuf":"9iyEAAABAAEAAAAABWFzMjUwA25ldAAAAQABwAwAAQABAAAOEAAEwpaoZA==",
    "rt":30.733,"size":43},"src_addr":"192.0.2.1","timestamp":1352273196,"type":"dns"}"#;

#[test]
fn a_timeout_takes_the_question_of_its_measurement_and_joins_its_series() {
    // Timeouts carry no question; without this rule an outage would leave nothing but gaps.
    let timeout = r#"{"from":"192.0.2.1","msm_id":1004041,"timestamp":1352273436,"fw":4470,"proto":"UDP","af":4,"prb_id":148,
        "error":{"timeout":5000},"src_addr":"192.0.2.1","type":"dns","dst_addr":"193.227.234.53"}"#;
    let intake = read_all(&[timeout, ANSWER]);
    assert_eq!((intake.results.len(), intake.bad_count), (2, 0), "{:?}", intake.bad);
    let (late, good) = (&intake.results[0], &intake.results[1]);
    assert_eq!(dns_parts(late), ("as250.net".to_owned(), "A".to_owned(), true, DnsKind::Timeout));
    assert_eq!((late.target == good.target, &*late.vantage), (true, "atlas-148"));
    assert_eq!((late.took.seconds(), good.took.micros()), (5, 30_733));
    let alone = read_all(&[timeout]);
    assert_eq!((alone.results.len(), alone.bad[0].record), (0, 1));
    assert!(alone.bad[0].reason.contains("what was asked is not recorded"), "{}", alone.bad[0].reason);
}

#[test]
fn what_comes_back_but_is_no_dns_message_is_malformed() {
    let broken = ANSWER.replace("9iyEAAABAAEAAAAABWFzMjUwA25ldAAAAQABwAwAAQABAAAOEAAEwpaoZA==", "SFRUUC8xLjE=");
    let intake = read_all(&[ANSWER, &broken]);
    assert_eq!(dns_parts(&intake.results[1]).3, DnsKind::Malformed);
}

#[test]
fn trouble_of_the_probe_itself_is_no_outcome() {
    let query = |error: &str| {
        format!(
            r#"{{"msm_id":1004041,"timestamp":1352273436,"prb_id":148,"error":{error},"type":"dns","dst_addr":"193.227.234.53"}}"#
        )
    };
    let intake = read_all(&[
        ANSWER,
        &query(r#"{"TUCONNECT":"Connection refused","A_FIRST":"0","TU_OUT_OF_ADDRESS":"no more"}"#),
        &query(r#"{"senderror":"AF_INET, Network is unreachable"}"#),
        &query(r#"{"TUDNS":"non-recoverable failure in name resolution"}"#),
        &query(r#"{"TU_BAD_ADDR":true}"#),
    ]);
    let kinds: Vec<_> = intake.results.iter().map(|result| dns_parts(result).3).collect();
    assert_eq!(kinds, [DnsKind::Answered, DnsKind::NetworkError, DnsKind::NetworkError]);
    assert_eq!(intake.bad.iter().map(|bad| bad.record).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn web_errors_are_told_apart_by_where_they_happened() {
    let page = |end: &str| {
        format!(
            r#"{{"fw":5080,"msm_id":3,"prb_id":902,"timestamp":1406558081,"type":"http","uri":"http://www.afrinic.net:8080/x",
                "result":[{{"method":"GET","dst_addr":"2001:db8::6","af":6,{end}}}]}}"#
        )
    };
    let cases = [
        (r#""res":503,"rt":12.5"#, HttpKind::Status(503)),
        (r#""err":"connect: Network is unreachable""#, HttpKind::Unreachable),
        (r#""err":"connect: Connection refused""#, HttpKind::ConnectRefused),
        (r#""err":"connect: timeout""#, HttpKind::ConnectTimeout),
        (r#""err":"timeout reading chunk""#, HttpKind::ReadFailed),
        (r#""dnserr":"non-recoverable failure in name resolution""#, HttpKind::NameNotResolved),
    ];
    for (end, expected) in cases {
        let intake = read_all(&[&page(end)]);
        let parts = http_parts(intake.results.first().unwrap_or_else(|| panic!("{end}: {:?}", intake.bad)));
        assert_eq!(parts.0, "www.afrinic.net");
        assert_eq!((parts.1, parts.3), (AskedAddress::ByName, expected), "{end}");
    }
    let intake = read_all(&[&page(r#""err":"out of paper""#)]);
    assert_eq!((intake.results.len(), intake.bad_count), (0, 1));
}

#[test]
fn the_addresses_of_a_name_are_targets_of_their_own() {
    let intake = read_all(&[
        r#"{"msm_id":3,"prb_id":9,"timestamp":1406558081,"type":"http","uri":"http://[2001:db8::1]:80/","result":[
        {"method":"GET","dst_addr":"192.0.2.1","af":4,"res":200},{"method":"GET","dst_addr":"2001:db8::1","af":6,"err":"connect: timeout"}]}"#,
    ]);
    let asked: Vec<_> = intake.results.iter().map(|result| http_parts(result).1).collect();
    let fixed = |text: &str| AskedAddress::Fixed(text.parse().unwrap());
    assert_eq!(asked, [fixed("192.0.2.1"), fixed("2001:db8::1")], "else the two families would alternate in one series");
}

#[test]
fn a_certificate_is_a_handshake_and_an_alert_a_failed_one() {
    let tls = |end: &str| {
        format!(
            r#"{{"dst_name":"2001:db8::7","dst_port":"https","msm_id":3,"prb_id":7,"timestamp":1406561035,"type":"sslcert","rt":149.405,{end}}}"#
        )
    };
    let intake = read_all(&[
        &tls(r#""cert":["-----BEGIN CERTIFICATE-----"],"dst_addr":"2001:db8:0::7""#),
        &tls(r#""alert":{"decription":40,"level":2},"dst_addr":"2001:db8::7""#),
        &tls(r#""err":"timeout reading hello","dst_addr":"2001:db8::7""#),
        &tls(r#""error":"address not allowed""#),
    ]);
    let parts: Vec<_> = intake.results.iter().map(http_parts).collect();
    assert_eq!(
        parts.iter().map(|part| part.3).collect::<Vec<_>>(),
        [HttpKind::Connected, HttpKind::TlsFailed, HttpKind::TlsFailed]
    );
    assert!(
        parts.iter().all(|part| part.1 == AskedAddress::Fixed("2001:db8::7".parse().unwrap())
            && part.2 == "tls://[2001:db8::7]:443 (measurement 3)")
    );
    assert!(intake.bad[0].reason.contains("address not allowed"));
}

#[test]
fn three_echoes_are_one_attempt_and_a_duplicate_is_none() {
    let ping = |result: &str, counts: &str| {
        format!(
            r#"{{"dst_name":"hsi.example","dst_addr":"192.0.2.9","msm_id":3,"prb_id":7,"timestamp":1406561624,"type":"ping","result":[{result}],{counts}}}"#
        )
    };
    let intake = read_all(&[
        &ping(r#"{"x":"*"},{"rtt":54.584},{"rtt":52.875}"#, r#""sent":3,"rcvd":2"#),
        &ping(r#"{"x":"*"},{"dup":1,"rtt":1635.423}"#, r#""sent":1,"rcvd":0"#),
        &ping(r#"{"error":"connect failed: Network is unreachable"}"#, r#""sent":0,"rcvd":0"#),
        &ping(r#"{"error":"address not allowed"}"#, r#""sent":0,"rcvd":0"#),
        r#"{"dst_name":"gone.example","dnserr":"Name does not resolve","msm_id":3,"prb_id":7,"timestamp":1406561624,"type":"ping"}"#,
    ]);
    let seen: Vec<_> = intake.results.iter().map(|result| (result.outcome.clone(), result.took.micros())).collect();
    let answered = |answered| Outcome::Ping { answered };
    assert_eq!(seen, [(answered(true), 52_875), (answered(false), 0), (answered(false), 0)]);
    assert_eq!(intake.bad.iter().map(|bad| bad.record).collect::<Vec<_>>(), [4, 5]);
}
