//! DNS: every kind of ending, over every transport, and answers which are meant to harm.

use super::certificates::{Authority, trusting};
use super::servers::*;
use super::*;
use crate::probe::DnsKind;
use hickory_proto::op::Message;

fn udp_question(address: SocketAddr, name: &str) -> DnsQuestion {
    dns_question(address, DnsTransport::Udp, name, AskedType::A)
}

#[test]
fn every_ending_of_a_question_over_udp() {
    run(async {
        let server = udp(anywhere(), zone).await;
        for (name, kind, ede) in [
            ("www.example", DnsKind::Answered, None),
            ("empty.example", DnsKind::NoData, None),
            ("nx.example", DnsKind::NxDomain, None),
            ("servfail.example", DnsKind::ServFail, Some(22)),
            ("refused.example", DnsKind::Refused, None),
            ("notimp.example", DnsKind::OtherRcode(4), None),
        ] {
            let outcome = dns_outcome(&asker(), udp_question(server, name)).await;
            assert_eq!((outcome.kind, outcome.extended_error, outcome.authoritative), (kind, ede, true), "{name}");
        }
        let outcome = dns_outcome(&asker(), udp_question(nobody().await, "www.example")).await;
        assert_eq!(outcome.kind, DnsKind::NetworkError, "port unreachable is heard");
    });
}

#[test]
fn answers_hold_aliases_with_their_times_to_live() {
    run(async {
        let server = udp(anywhere(), zone).await;
        let outcome = dns_outcome(&asker(), udp_question(server, "chain.example")).await;
        let answers: Vec<_> = outcome.answers.iter().map(|a| (&*a.name, &*a.record_type, a.ttl, &*a.data)).collect();
        assert_eq!(answers, [("chain.example", "CNAME", 300, "end.example"), ("end.example", "A", 300, "192.0.2.1")]);
        let outcome = dns_outcome(&asker(), dns_question(server, DnsTransport::Udp, "example", AskedType::Ns)).await;
        assert_eq!(&*outcome.answers[0].data, "a.ns.example");
        // Nothing is known of how old a server's software is.
        let outcome = dns_outcome(&asker(), udp_question(server, "old.example")).await;
        assert_eq!((outcome.kind, &*outcome.answers[0].data), (DnsKind::Answered, "192.0.2.9"));
    });
}

#[test]
fn a_resolver_is_asked_for_recursion_and_an_authority_is_not() {
    fn echo(query: &Message) -> Vec<Vec<u8>> {
        let mut response = query.clone().into_response();
        response.metadata.authoritative = query.metadata.recursion_desired;
        vec![response.to_vec().unwrap()]
    }
    run(async {
        let server = udp(anywhere(), echo).await;
        let mut question = udp_question(server, "www.example");
        assert!(dns_outcome(&asker(), question.clone()).await.authoritative, "recursion was desired");
        question.role = DnsServer::Authority { address: server.ip(), name: None };
        assert!(!dns_outcome(&asker(), question).await.authoritative);
    });
}

#[test]
fn silence_garbage_and_answers_to_others_take_the_whole_time_and_no_more() {
    run_idle(async {
        let server = udp(anywhere(), zone).await;
        for (name, kind) in
            [("silent.example", DnsKind::Timeout), ("garbage.example", DnsKind::Malformed), ("wrong.example", DnsKind::Timeout)]
        {
            let attempt = asker().ask(&Question::Dns(udp_question(server, name))).await.unwrap();
            let Outcome::Dns(outcome) = attempt.outcome else { panic!("{name}") };
            assert_eq!(outcome.kind, kind, "{name}");
            assert!(attempt.took >= Span::from_seconds(20) && attempt.took < Span::from_seconds(21), "{name}: {}", attempt.took);
        }
        let silent = mute().await;
        let outcome = dns_outcome(&asker(), dns_question(silent, DnsTransport::Tcp, "www.example", AskedType::A)).await;
        assert_eq!(outcome.kind, DnsKind::Timeout);
    });
}

#[test]
fn what_is_forged_is_passed_over_and_what_is_cut_is_malformed() {
    run(async {
        let server = udp(anywhere(), zone).await;
        let outcome = dns_outcome(&asker(), udp_question(server, "forged.example")).await;
        assert_eq!((outcome.kind, &*outcome.answers[0].data), (DnsKind::Answered, "192.0.2.3"));
    });
    run_idle(async {
        let server = udp(anywhere(), zone).await;
        assert_eq!(dns_outcome(&asker(), udp_question(server, "cut.example")).await.kind, DnsKind::Malformed);
    });
}

#[test]
fn a_lost_datagram_is_sent_once_more() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    fn second(query: &Message) -> Vec<Vec<u8>> {
        if ASKED.fetch_add(1, Ordering::Relaxed) == 0 { Vec::new() } else { zone(query) }
    }
    run_idle(async {
        let server = udp(anywhere(), second).await;
        let attempt = asker().ask(&Question::Dns(udp_question(server, "www.example"))).await.unwrap();
        assert!(matches!(attempt.outcome, Outcome::Dns(DnsOutcome { kind: DnsKind::Answered, .. })));
        assert!(attempt.took >= Span::from_seconds(10) && attempt.took < Span::from_seconds(11), "{}", attempt.took);
    });
}

/// A server of datagrams which are truncated, and the listener of the same port.
async fn truncating() -> (SocketAddr, tokio::net::TcpListener) {
    let (listener, address) = listener(anywhere()).await;
    (udp(address, truncated).await, listener)
}

#[test]
fn what_does_not_fit_into_a_datagram_is_asked_for_over_tcp() {
    run(async {
        let (address, listener) = truncating().await;
        tokio::spawn(tcp(listener, None, zone));
        let outcome = dns_outcome(&asker(), udp_question(address, "big.example")).await;
        assert_eq!((outcome.kind, outcome.answers.len()), (DnsKind::Answered, 1));
        let (address, listener) = truncating().await;
        drop(listener);
        let outcome = dns_outcome(&asker(), udp_question(address, "big.example")).await;
        assert_eq!(outcome.kind, DnsKind::NetworkError, "nobody takes the connection");
    });
}

#[test]
fn every_ending_of_a_question_over_tcp() {
    fn breaks(_: &Message) -> Vec<Vec<u8>> {
        vec![[RAW, b"\x00\x40half"].concat()]
    }
    fn hangs_up(_: &Message) -> Vec<Vec<u8>> {
        vec![RAW.to_vec()]
    }
    run(async {
        for (says, name, kind) in [
            (zone as Says, "www.example", DnsKind::Answered),
            (zone, "servfail.example", DnsKind::ServFail),
            (zone, "forged.example", DnsKind::Answered),
            (zone, "garbage.example", DnsKind::Malformed),
            (breaks, "www.example", DnsKind::Malformed),
            (hangs_up, "www.example", DnsKind::NetworkError),
        ] {
            let (listener, address) = listener(anywhere()).await;
            tokio::spawn(tcp(listener, None, says));
            let outcome = dns_outcome(&asker(), dns_question(address, DnsTransport::Tcp, name, AskedType::A)).await;
            assert_eq!(outcome.kind, kind, "{name}");
        }
        let nobody = nobody().await;
        let outcome = dns_outcome(&asker(), dns_question(nobody, DnsTransport::Tcp, "www.example", AskedType::A)).await;
        assert_eq!(outcome.kind, DnsKind::NetworkError);
    });
}

#[test]
fn over_tls_the_resolver_must_show_a_certificate_for_its_name() {
    run(async {
        let authority = Authority::new();
        let (listener, address) = listener(anywhere()).await;
        tokio::spawn(tcp(listener, Some(authority.server("dot.example", 2999)), zone));
        let asker = Asker::new(trusting(&[&authority]), BOTH, PATIENT);
        for (name, kind) in [("dot.example", DnsKind::Answered), ("other.example", DnsKind::NetworkError)] {
            let question = dns_question(address, DnsTransport::Tls { name: name.into() }, "www.example", AskedType::A);
            assert_eq!(dns_outcome(&asker, question).await.kind, kind, "{name}");
        }
        let question = dns_question(address, DnsTransport::Tls { name: "dot.example".into() }, "www.example", AskedType::A);
        let distrustful = Asker::new(trusting(&[]), BOTH, PATIENT);
        assert_eq!(dns_outcome(&distrustful, question).await.kind, DnsKind::NetworkError);
    });
}

#[test]
fn every_ending_of_a_question_over_https() {
    fn huge(_: &Message) -> Vec<Vec<u8>> {
        vec![vec![0; 100_000]]
    }
    const KIND: &str = "application/dns-message";
    run(async {
        let authority = Authority::new();
        let asker = Asker::new(trusting(&[&authority]), BOTH, PATIENT);
        for (status, kind, says, name, expected) in [
            ("200 OK", KIND, zone as Says, "www.example", DnsKind::Answered),
            ("200 OK", KIND, zone, "servfail.example", DnsKind::ServFail),
            ("200 OK", KIND, zone, "garbage.example", DnsKind::Malformed),
            ("200 OK", KIND, huge, "www.example", DnsKind::Malformed),
            ("200 OK", "text/html", zone, "www.example", DnsKind::Malformed),
            ("502 Bad Gateway", KIND, zone, "www.example", DnsKind::Malformed),
            ("302 Found", KIND, zone, "www.example", DnsKind::Malformed),
        ] {
            let (listener, address) = listener(anywhere()).await;
            tokio::spawn(doh(listener, authority.server("doh.example", 2999), status, kind, says));
            let transport = DnsTransport::Https { name: "doh.example".into(), path: "/dns-query".into() };
            let outcome = dns_outcome(&asker, dns_question(address, transport, name, AskedType::A)).await;
            assert_eq!(outcome.kind, expected, "{status} {kind} {name}");
        }
        let transport = DnsTransport::Https { name: "doh.example".into(), path: "/dns-query".into() };
        let (listener, address) = listener(anywhere()).await;
        tokio::spawn(doh2(listener, authority.server("doh.example", 2999), zone));
        for (name, kind) in [("www.example", DnsKind::Answered), ("nx.example", DnsKind::NxDomain)] {
            let outcome = dns_outcome(&asker, dns_question(address, transport.clone(), name, AskedType::A)).await;
            assert_eq!(outcome.kind, kind, "{name} over HTTP/2");
        }
        let refused = dns_question(nobody().await, transport.clone(), "www.example", AskedType::A);
        assert_eq!(dns_outcome(&asker, refused).await.kind, DnsKind::NetworkError);
    });
}

#[test]
fn a_name_which_cannot_be_asked_for_is_no_fault_of_the_server() {
    run(async {
        let name = "a".repeat(64);
        let error = asker().ask(&Question::Dns(udp_question(anywhere(), &name))).await.unwrap_err();
        assert_eq!(error.doing, "writing a DNS query");
    });
}

#[test]
fn over_ipv6_as_over_ipv4() {
    run(async {
        let Ok(socket) = std::net::UdpSocket::bind("[::1]:0") else {
            println!("SKIPPED: this machine has no IPv6");
            return;
        };
        drop(socket);
        let server = udp("[::1]:0".parse().unwrap(), zone).await;
        assert_eq!(dns_outcome(&asker(), udp_question(server, "www.example")).await.kind, DnsKind::Answered);
    });
}
