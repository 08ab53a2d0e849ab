//! Pages: every kind of ending, and servers which are meant to harm.

use super::certificates::{Authority, trusting};
use super::servers::*;
use super::*;
use crate::probe::{HttpAddress, HttpKind, HttpQuestion, Scheme};

fn at(scheme: Scheme, address: SocketAddr) -> HttpQuestion {
    HttpQuestion {
        scheme,
        host: "www.example".into(),
        port: address.port(),
        path: "/health?x=1".into(),
        address: HttpAddress::Fixed(address.ip()),
        label: "front page".into(),
    }
}

fn by_name(scheme: Scheme, port: u16, resolvers: &[SocketAddr], host: &str) -> HttpQuestion {
    let servers = resolvers.iter().map(|address| NameServer { address: *address, transport: DnsTransport::Udp });
    let address = HttpAddress::ByName(servers.collect());
    HttpQuestion { host: host.into(), address, ..at(scheme, SocketAddr::from(([127, 0, 0, 1], port))) }
}

fn page(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn a_page_is_recorded_with_its_status_server_and_the_beginning_of_its_body() {
    run(async {
        let long = "wörter ".repeat(1000);
        for (response, status, body, server) in [
            (page("200 OK\r\nserver: example", "hello"), 200, "hello".to_owned(), Some("example")),
            (page("301 Moved\r\nlocation: /elsewhere", ""), 301, String::new(), None),
            (page("503 Busy", "later"), 503, "later".to_owned(), None),
            (page("200 OK", &long), 200, long.chars().take(1024).collect(), None),
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec(),
                200,
                "abcde".to_owned(),
                None,
            ),
            (b"HTTP/1.0 200 OK\r\n\r\nuntil the end".to_vec(), 200, "until the end".to_owned(), None),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\xff<\0".to_vec(), 200, "\u{fffd}<\0".to_owned(), None),
        ] {
            let (address, mut requests) = http(None, response, false).await;
            let outcome = http_outcome(&asker(), at(Scheme::Http, address)).await;
            assert_eq!((outcome.kind, outcome.address), (HttpKind::Status(status), Some(address.ip())));
            assert_eq!((outcome.body.as_deref(), outcome.server.as_deref()), (Some(body.as_str()), server));
            let request = requests.recv().await.unwrap();
            assert!(request.starts_with("GET /health?x=1 HTTP/1.1\r\n"), "{request}");
            assert!(request.contains(&format!("\r\nhost: www.example:{}\r\n", address.port())), "{request}");
        }
    });
}

#[test]
fn every_way_in_which_no_response_comes() {
    run(async {
        let nobody = nobody().await;
        assert_eq!(http_outcome(&asker(), at(Scheme::Http, nobody)).await.kind, HttpKind::ConnectRefused);
        assert_eq!(http_outcome(&asker(), at(Scheme::Tcp, mute().await)).await.kind, HttpKind::Connected);
        for response in [
            Vec::new(),
            b"220 mail.example ESMTP\r\n".to_vec(),
            b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec(),
            // More fields than any server has, and longer ones.
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(200)).into_bytes(),
            format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(100_000)).into_bytes(),
        ] {
            let shown = String::from_utf8_lossy(&response).chars().take(40).collect::<String>();
            let (address, _requests) = http(None, response, false).await;
            let outcome = http_outcome(&asker(), at(Scheme::Http, address)).await;
            assert_eq!((outcome.kind, outcome.body), (HttpKind::ReadFailed, None), "{shown}");
        }
    });
}

#[test]
fn who_is_slow_is_waited_for_until_the_limit_and_no_longer() {
    run_idle(async {
        let silent = mute().await;
        for (scheme, kind) in [(Scheme::Http, HttpKind::ReadFailed), (Scheme::Https, HttpKind::TlsFailed)] {
            let attempt = asker().ask(&Question::Http(at(scheme, silent))).await.unwrap();
            let Outcome::Http(outcome) = attempt.outcome else { panic!("{scheme:?}") };
            assert_eq!(outcome.kind, kind);
            assert!(attempt.took >= Span::from_seconds(20) && attempt.took < Span::from_seconds(21), "{}", attempt.took);
        }
        // A body which never ends, and never comes.
        let (address, _requests) = http(None, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec(), true).await;
        assert_eq!(http_outcome(&asker(), at(Scheme::Http, address)).await.kind, HttpKind::ReadFailed);
    });
}

#[test]
fn a_body_which_comes_in_drops_is_no_whole_response() {
    run_idle(async {
        let (listener, address) = listener(anywhere()).await;
        tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let attempt = asker().ask(&Question::Http(at(Scheme::Http, address))).await.unwrap();
        assert!(matches!(attempt.outcome, Outcome::Http(HttpOutcome { kind: HttpKind::ReadFailed, body: None, .. })));
        assert!(attempt.took >= Span::from_seconds(20) && attempt.took < Span::from_seconds(21), "{}", attempt.took);
    });
}

#[test]
fn a_host_which_takes_no_connection_at_all_is_waited_for_until_the_limit() {
    run_idle(async {
        // The system takes a few connections which the process does not fetch, and then answers no more.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(anywhere()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut kept = Vec::new();
        while let Ok(stream) = tokio::time::timeout(Duration::from_secs(1), tokio::net::TcpStream::connect(address)).await {
            kept.push(stream.unwrap());
        }
        assert_eq!(http_outcome(&asker(), at(Scheme::Http, address)).await.kind, HttpKind::ConnectTimeout);
    });
}

#[test]
fn of_an_endless_body_no_more_is_read_than_is_recorded() {
    run(async {
        let (listener, address) = listener(anywhere()).await;
        let server = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let mut sent = 0_u64;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                sent += 4096;
            }
            sent
        });
        let outcome = http_outcome(&asker(), at(Scheme::Http, address)).await;
        assert_eq!((outcome.kind, outcome.body.unwrap().len()), (HttpKind::Status(200), 1024));
        server.await.unwrap();
    });
}

#[test]
fn over_tls_the_end_of_the_certificate_is_recorded_even_if_it_is_over() {
    run(async {
        let authority = Authority::new();
        let asker = Asker::new(trusting(&[&authority]), BOTH, PATIENT);
        let until = |year: i64| Some(format!("{year}-01-01T00:00:00Z").parse::<Timestamp>().unwrap());
        for (name, year, scheme, kind, not_after) in [
            ("www.example", 2999, Scheme::Https, HttpKind::Status(200), until(2999)),
            ("www.example", 2999, Scheme::Tls, HttpKind::Connected, until(2999)),
            ("www.example", 2021, Scheme::Https, HttpKind::TlsFailed, until(2021)),
            ("other.example", 2999, Scheme::Https, HttpKind::TlsFailed, None),
        ] {
            let (address, _requests) = http(Some(authority.server(name, year)), page("200 OK", "hello"), false).await;
            let outcome = http_outcome(&asker, at(scheme, address)).await;
            assert_eq!((outcome.kind, outcome.cert_not_after), (kind, not_after), "{name} {year} {scheme:?}");
        }
        let (listener, plain) = listener(anywhere()).await;
        tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        assert_eq!(http_outcome(&asker, at(Scheme::Https, plain)).await.kind, HttpKind::TlsFailed, "no TLS at all");
        let (address, _requests) = http(Some(authority.server("www.example", 2999)), page("200 OK", ""), false).await;
        let outcome = http_outcome(&super::asker(), at(Scheme::Https, address)).await;
        assert_eq!(outcome.kind, HttpKind::TlsFailed, "an authority which nobody knows");
    });
}

#[test]
fn by_name_the_first_resolver_which_knows_decides() {
    run(async {
        let (address, _requests) = http(None, page("200 OK", "hello"), false).await;
        let (knows, dead) = (udp(anywhere(), zone).await, nobody().await);
        for (resolvers, host, kind) in [
            (vec![knows], "end.example", HttpKind::Status(200)),
            (vec![dead, knows], "end.example", HttpKind::Status(200)),
            (vec![knows], "nx.example", HttpKind::NameNotResolved),
            (vec![knows], "empty.example", HttpKind::NameNotResolved),
            (vec![knows], "servfail.example", HttpKind::NameNotResolved),
            (vec![dead], "end.example", HttpKind::NameNotResolved),
            (vec![], "end.example", HttpKind::NameNotResolved),
            (vec![], "127.0.0.1", HttpKind::Status(200)),
        ] {
            let outcome = http_outcome(&asker(), by_name(Scheme::Http, address.port(), &resolvers, host)).await;
            assert_eq!(outcome.kind, kind, "{resolvers:?} {host}");
            assert_eq!(outcome.address.is_some(), kind == HttpKind::Status(200), "{host}");
        }
        // The name has an address of IPv6 too, where nobody listens: the other one is tried.
        let outcome = http_outcome(&asker(), by_name(Scheme::Http, address.port(), &[knows], "www.example")).await;
        assert_eq!((outcome.kind, outcome.address), (HttpKind::Status(200), Some(address.ip())));
    });
}

#[test]
fn what_the_machine_cannot_reach_at_all_is_known_before() {
    let v4_alone = Families { v4: true, v6: false };
    assert!(v4_alone.reach("192.0.2.1".parse().unwrap()) && !v4_alone.reach("2001:db8::1".parse().unwrap()));
    assert!(v4_alone.reach("::1".parse().unwrap()), "the machine reaches itself");
}
