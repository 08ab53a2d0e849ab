//! Receivers on the loopback get what is promised, and nobody gets a secret.

use super::*;
use crate::alert::decision::tests::incident;
use crate::alert::journal::Journal;
use crate::alert::notice::tests::hostile;
use crate::alert::resolve::LookUp;
use crate::org::alert::{AlertPolicy, Mail, MailTls, SyslogWay};
use crate::time::Span;
use crate::watch::IncidentChange;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// A request as a server heard it.
pub struct Heard {
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// Takes one request and answers it.
pub async fn hear(listener: &TcpListener, answer: &str) -> Heard {
    let (heard, stream) = begin(listener).await;
    end(stream, answer).await;
    heard
}

/// Takes one request, and does not answer yet.
pub async fn begin(listener: &TcpListener) -> (Heard, TcpStream) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut headers, mut line) = (HashMap::new(), String::new());
    loop {
        line.clear();
        assert!(stream.read_line(&mut line).await.unwrap() > 0, "the request is cut off");
        match line.trim().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_lowercase(), value.to_owned())),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (Heard { headers, body }, stream.into_inner())
}

/// Answers a request.
pub async fn end(mut stream: TcpStream, answer: &str) {
    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Every name is this machine; it is looked up nowhere.
pub fn resolver() -> Resolver {
    let here: LookUp = Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }));
    Resolver::new(here, Arc::new(Journal::in_memory("Example").unwrap()))
}

pub fn described(name: &str, way: AlertWay) -> AlertSink {
    AlertSink { name: name.to_owned(), way, policy: AlertPolicy::everything(), timeout: Span::from_seconds(20) }
}

fn sink(way: AlertWay) -> Sink {
    Sink::new(&described("x", way), &resolver(), |name| (name == "SECRET").then(|| "hush".to_owned())).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_parts(1_700_000_600, 250_000)
}

fn notice() -> Notice {
    Notice::of("k-1".to_owned(), "Example", (vec![IncidentChange::Opened], now()), incident())
}

/// One in which every name tries to do harm.
fn harm() -> Notice {
    Notice::of("k-2".to_owned(), "Evil\r\nX-Injected: yes", (vec![IncidentChange::Opened], now()), hostile())
}

fn written(text: String) -> Confidential {
    Confidential::Written(text)
}

/// A webhook at this port, by a name which only the resolver knows.
fn hook(port: u16) -> AlertWay {
    let url = written(format!("http://hooks.example.com:{port}/T0KEN"));
    AlertWay::Webhook { url, secret: Some(Confidential::Environment("SECRET".to_owned())) }
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn a_webhook_gets_the_notice_with_its_key_and_a_signature_which_can_be_checked() {
    run(async {
        let (listener, port) = listener().await;
        let (sink, notice) = (sink(hook(port)), notice());
        let (heard, sent) = tokio::join!(hear(&listener, "204 No Content"), sink.send(&notice, now()));
        sent.unwrap();
        assert_eq!(serde_json::from_slice::<Notice>(&heard.body).unwrap(), notice);
        let header = |name: &str| heard.headers[name].as_str();
        assert_eq!(header("idempotency-key"), "k-1");
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("x-faultline-timestamp"), "1700000600");
        let signature = post::signature(b"hush", "1700000600", &heard.body).unwrap();
        assert_eq!(header("x-faultline-signature"), signature);
        assert_ne!(signature, post::signature(b"other", "1700000600", &heard.body).unwrap());
        assert_ne!(signature, post::signature(b"hush", "1700000601", &heard.body).unwrap());
    });
}

// Why: receivers compute it themselves. The value is that of `printf '1.{}' | openssl dgst -sha256 -hmac key`.
#[test]
fn the_signature_is_the_hmac_of_timestamp_full_stop_and_body() {
    let expected = "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";
    assert_eq!(post::signature(b"key", "1", b"{}").unwrap(), expected);
}

#[test]
fn an_answer_tells_whether_another_attempt_is_worth_it_and_no_message_shows_the_address() {
    run(async {
        let (listener, port) = listener().await;
        let sink = sink(hook(port));
        for (answer, again) in [
            ("500 Internal Server Error", true),
            ("429 Too Many Requests", true),
            ("404 Not Found", false),
            ("302 Found\r\nLocation: http://127.0.0.1:9/", false),
        ] {
            let notice = notice();
            let (_, sent) = tokio::join!(hear(&listener, answer), sink.send(&notice, now()));
            let failure = sent.unwrap_err();
            assert_eq!(failure.again, again, "{answer}");
            assert!(failure.words.contains(&answer[..3]) && !failure.words.contains("T0KEN"), "{failure}");
        }
        drop(listener);
        let failure = sink.send(&notice(), now()).await.unwrap_err();
        assert!(failure.again && failure.words.starts_with("no connection"), "{failure}");
        assert!(!failure.words.contains("T0KEN") && !failure.words.contains("hush"), "{failure}");
    });
}

#[test]
fn slack_gets_words_in_which_nothing_is_a_link_or_a_mention() {
    run(async {
        let (listener, port) = listener().await;
        let sink = sink(AlertWay::Slack { url: written(format!("http://hooks.example.com:{port}/T0KEN")) });
        let harm = harm();
        let (heard, sent) = tokio::join!(hear(&listener, "200 OK"), sink.send(&harm, now()));
        sent.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&heard.body).unwrap();
        let text = body["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt; &lt;https://evil.example|click&gt;"), "{text}");
        assert!(!text.contains(['<', '>', '\u{1b}', '\r']), "{text}");
        assert_eq!((&body["mrkdwn"], &body["unfurl_links"]), (&false.into(), &false.into()));
    });
}

/// A server which takes one message of mail in the clear; gives everything which it was told.
async fn mail_server(listener: TcpListener) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut told, mut line, mut in_data) = (String::new(), String::new(), false);
    stream.write_all(b"220 here ESMTP\r\n").await.unwrap();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return told;
        }
        told += &line;
        let answer = match line.trim_end() {
            "." if in_data => {
                in_data = false;
                "250 taken\r\n"
            }
            _ if in_data => "",
            "DATA" => {
                in_data = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            hello if hello.starts_with("EHLO") => "250-here\r\n250 8BITMIME\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn mail(port: u16) -> AlertWay {
    AlertWay::Email(Mail {
        server: "mail.example.com".to_owned(),
        port,
        tls: MailTls::None,
        login: None,
        from: "faultline@example.com".to_owned(),
        to: vec!["noc@example.com".to_owned(), "boss@example.com".to_owned()],
    })
}

#[test]
fn mail_goes_to_its_receivers_alone_and_no_name_becomes_a_header() {
    run(async {
        let (listener, port) = listener().await;
        let (sink, harm) = (sink(mail(port)), harm());
        let (told, sent) = tokio::join!(mail_server(listener), async {
            let sent = sink.send(&harm, now()).await;
            drop(sink);
            sent
        });
        sent.unwrap();
        let receivers: Vec<&str> = told.lines().filter(|line| line.starts_with("RCPT")).collect();
        assert_eq!(receivers, ["RCPT TO:<noc@example.com>", "RCPT TO:<boss@example.com>"]);
        let message = told.split_once("DATA\r\n").unwrap().1;
        let (headers, body) = message.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> =
            headers.lines().filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect();
        assert!(!names.contains(&"Bcc") && !names.contains(&"X-Injected"), "{headers}");
        assert!(names.contains(&"Subject") && names.contains(&"Auto-Submitted"), "{headers}");
        assert!(headers.contains("Message-ID: <k-2@example.com>"), "{headers}");
        assert!(headers.contains("Date: Tue, 14 Nov 2023 22:23:20 +0000"), "{headers}");
        assert!(!body.lines().any(|line| line.starts_with("Bcc:")), "{body}");
    });
}

#[test]
fn a_mail_server_which_refuses_for_good_is_not_asked_again() {
    run(async {
        let (listener, port) = listener().await;
        let (sink, notice) = (sink(mail(port)), notice());
        for (greeting, again) in [("554 no\r\n", false), ("421 later\r\n", true)] {
            let server = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(greeting.as_bytes()).await.unwrap();
            };
            let ((), sent) = tokio::join!(server, sink.send(&notice, now()));
            assert_eq!(sent.unwrap_err().again, again, "{greeting}");
        }
    });
}

/// The line, without the process id.
fn line_of(text: &str) -> String {
    text.replace(&format!(" {} incident ", std::process::id()), " PID incident ")
}

const LINE: &str = "<26>1 2023-11-14T22:23:20.250000Z - faultline PID incident - \u{feff}[Example] incident 7 begins: Web cannot be reached (key k-1)";

#[test]
fn syslog_gets_a_line_of_rfc_5424_by_each_way() {
    run(async {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let mut bytes = vec![0; 65_536];
        sink(AlertWay::Syslog(SyslogWay::Udp { server: "log.example.com".to_owned(), port })).send(&notice(), now()).await.unwrap();
        let length = server.recv(&mut bytes).await.unwrap();
        assert_eq!(line_of(std::str::from_utf8(&bytes[..length]).unwrap()), LINE);

        let (listener, port) = listener().await;
        let sending = sink(AlertWay::Syslog(SyslogWay::Tcp { server: "log.example.com".to_owned(), port }));
        sending.send(&notice(), now()).await.unwrap();
        let mut text = String::new();
        listener.accept().await.unwrap().0.read_to_string(&mut text).await.unwrap();
        let (length, line) = text.split_once(' ').unwrap();
        assert_eq!((length.parse(), line_of(line).as_str()), (Ok(line.len()), LINE));
        drop(listener);
        let failure = sending.send(&notice(), now()).await.unwrap_err();
        assert!(failure.again && failure.words.starts_with(&format!("127.0.0.1:{port}: ")), "{failure}");
    });
}

#[cfg(unix)]
#[test]
fn the_machines_own_syslog_is_told_over_its_socket() {
    run(async {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log");
        let sink = sink(AlertWay::Syslog(SyslogWay::Local { path: path.clone() }));
        assert!(sink.send(&notice(), now()).await.unwrap_err().again, "nobody is there yet");
        let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
        sink.send(&notice(), now()).await.unwrap();
        let mut bytes = vec![0; 65_536];
        let length = socket.recv(&mut bytes).await.unwrap();
        assert_eq!(line_of(std::str::from_utf8(&bytes[..length]).unwrap()), LINE);
    });
}

#[cfg(unix)]
#[test]
fn a_command_reads_the_notice_and_sees_no_secret() {
    run(async {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("out");
        let shell = |script: String| sink(AlertWay::Command { command: vec!["/bin/sh".to_owned(), "-c".to_owned(), script] });
        shell(format!("cat > '{0}'; env > '{0}.env'", out.display())).send(&notice(), now()).await.unwrap();
        let read: Notice = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        assert_eq!(read, notice());
        let environment = std::fs::read_to_string(out.with_extension("env")).unwrap();
        assert!(!environment.contains("hush") && !environment.contains("CARGO"), "{environment}");
        let failure = shell("exit 3".to_owned()).send(&notice(), now()).await.unwrap_err();
        assert!(failure.again && failure.words.contains("exit status: 3"), "{failure}");
        let none = sink(AlertWay::Command { command: vec!["/no/such/program".to_owned()] });
        assert!(none.send(&notice(), now()).await.unwrap_err().words.contains("cannot be started"));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_which_does_not_end_is_killed() {
    run(async {
        let (listener, port) = listener().await;
        // The connection is the program's: it is closed when the program is gone.
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; exec cat <&3");
        let command = vec!["/bin/bash".to_owned(), "-c".to_owned(), script];
        let mut described = described("x", AlertWay::Command { command });
        described.timeout = Span::from_micros(500_000);
        let sink = Sink::new(&described, &resolver(), |_| None).unwrap();
        let notice = notice();
        let (sent, accepted) = tokio::join!(sink.send(&notice, now()), listener.accept());
        assert_eq!(sent, Err(Failure::passing("not done within 0.5 s")));
        let mut rest = Vec::new();
        accepted.unwrap().0.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    });
}

#[test]
fn a_file_gets_a_line_a_notice_even_after_one_which_was_cut_off() {
    run(async {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/notices.jsonl");
        let sink = sink(AlertWay::File { path: path.clone() });
        sink.send(&notice(), now()).await.unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"cut")).unwrap();
        sink.send(&harm(), now()).await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[1]), (3, "{\"cut"));
        assert_eq!(serde_json::from_str::<Notice>(lines[0]).unwrap(), notice());
        assert_eq!(serde_json::from_str::<Notice>(lines[2]).unwrap(), harm());
        let nowhere = super::Sink::new(&described("x", AlertWay::File { path: path.join("x") }), &resolver(), |_| None).unwrap();
        assert!(nowhere.send(&notice(), now()).await.unwrap_err().again);
    });
}

#[test]
fn a_secret_which_is_not_there_is_an_error_which_names_its_place() {
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let with = |secret| AlertWay::Webhook { url: written("https://h.example/".to_owned()), secret: Some(secret) };
    let error = |way| Sink::new(&described("x", way), &resolver(), |_| None).err().unwrap();
    assert_eq!(
        error(with(Confidential::Environment("GONE".to_owned()))),
        "the environment variable GONE cannot be read: it is not set"
    );
    assert_eq!(error(with(Confidential::File(empty.clone()))), format!("the file {} is empty", empty.display()));
    let missing = error(with(Confidential::File(home.path().join("missing"))));
    assert!(missing.contains("missing cannot be read: "), "{missing}");
    let nonsense = error(AlertWay::Slack { url: written("ftp://h.example/T0KEN".to_owned()) });
    assert!(nonsense.contains("the address to post to is none") && !nonsense.contains("T0KEN"), "{nonsense}");
}
