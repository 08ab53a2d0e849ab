//! How a query gets to a server and its answer back: datagrams, TCP, TLS, HTTPS.
//!
//! Each way is a function from a query to the answer's message, until a point in time. An answer to another query is passed over, for it may
//! be late or forged; so is garbage among datagrams, which anybody can send: it is told only if nothing better comes.

use super::query::{Came, Query};
use super::{Asker, Ending, ProberTrouble};
use crate::probe::DnsKind;
use crate::probe::intake::Names;
use crate::probe::wire::DnsMessage;
use crate::web::AGENT;
use rustls::pki_types::ServerName;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// Longer datagrams do not come: the query says so.
const LONGEST_DATAGRAM: usize = 8 * 1024;
/// Longest message on a stream (RFC 1035 §4.2.2).
const LONGEST_MESSAGE: usize = 65_535;
/// The type of a DNS message over HTTPS (RFC 8484 §6).
const DNS_MESSAGE: &str = "application/dns-message";

/// Why there is no message.
#[derive(Debug)]
pub(super) enum NoMessage {
    /// For a reason which says something of the server.
    Ended(DnsKind),
    /// The prober is in trouble.
    Own(ProberTrouble),
}

/// A message, and whether there is more of it elsewhere.
pub(super) type Answer = (DnsMessage, bool);

impl From<Ending> for NoMessage {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::TimedOut => NoMessage::Ended(DnsKind::Timeout),
            Ending::Refused | Ending::Unreachable | Ending::Broken => NoMessage::Ended(DnsKind::NetworkError),
            Ending::Own(trouble) => NoMessage::Own(trouble),
        }
    }
}

fn of_system(doing: &'static str) -> impl Fn(io::Error) -> NoMessage {
    move |error| Ending::of(&error, doing).into()
}

/// The address to send from: any of the same family.
pub(super) fn unspecified(other: IpAddr) -> IpAddr {
    if other.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// Over datagrams. One which is lost is sent once more, after half the time.
pub(super) async fn udp(server: SocketAddr, query: &Query, until: Instant) -> Result<Answer, NoMessage> {
    const DOING: &str = "asking over UDP";
    let socket = UdpSocket::bind((unspecified(server.ip()), 0)).await.map_err(of_system("opening a UDP socket"))?;
    // Only what comes from this address is taken, and its "port unreachable" is heard.
    socket.connect(server).await.map_err(of_system(DOING))?;
    let (mut names, mut bytes, mut garbage) = (Names::default(), vec![0; LONGEST_DATAGRAM], false);
    let now = Instant::now();
    for until in [now + until.saturating_duration_since(now) / 2, until] {
        socket.send(&query.bytes).await.map_err(of_system(DOING))?;
        while let Ok(received) = timeout_at(until, socket.recv(&mut bytes)).await {
            let length = received.map_err(of_system(DOING))?;
            match query.came(&bytes[..length], &mut names) {
                Came::Answer { message, truncated } => return Ok((message, truncated)),
                Came::Other => {}
                Came::Garbage => garbage = true,
            }
        }
    }
    Err(NoMessage::Ended(if garbage { DnsKind::Malformed } else { DnsKind::Timeout }))
}

/// Over TCP.
pub(super) async fn tcp(server: SocketAddr, query: &Query, until: Instant) -> Result<Answer, NoMessage> {
    in_time(until, async {
        let stream = TcpStream::connect(server).await.map_err(of_system("opening a TCP connection"))?;
        framed(stream, query).await
    })
    .await
}

/// Over TLS.
pub(super) async fn tls(asker: &Asker, server: SocketAddr, name: &str, query: &Query, until: Instant) -> Result<Answer, NoMessage> {
    in_time(until, async {
        let name = ServerName::try_from(name.to_owned()).map_err(|error| NoMessage::Own(no_name(name, &error.to_string())))?;
        let stream = TcpStream::connect(server).await.map_err(of_system("opening a TCP connection"))?;
        let stream = TlsConnector::from(Arc::clone(&asker.tls)).connect(name, stream).await.map_err(of_system("shaking hands"))?;
        framed(stream, query).await
    })
    .await
}

pub(super) fn no_name(name: &str, reason: &str) -> ProberTrouble {
    ProberTrouble { doing: "naming a server for TLS", reason: format!("`{name}`: {reason}") }
}

async fn in_time(until: Instant, asking: impl Future<Output = Result<Answer, NoMessage>>) -> Result<Answer, NoMessage> {
    timeout_at(until, asking).await.unwrap_or(Err(NoMessage::Ended(DnsKind::Timeout)))
}

/// On a stream each message has its length before it (RFC 1035 §4.2.2).
async fn framed(mut stream: impl AsyncRead + AsyncWrite + Unpin, query: &Query) -> Result<Answer, NoMessage> {
    const DOING: &str = "asking over a connection";
    let length = u16::try_from(query.bytes.len()).unwrap_or(u16::MAX);
    let sent = [&length.to_be_bytes(), query.bytes.as_slice()].concat();
    stream.write_all(&sent).await.map_err(of_system(DOING))?;
    stream.flush().await.map_err(of_system(DOING))?;
    let mut names = Names::default();
    loop {
        let length = stream.read_u16().await.map_err(of_system(DOING))?;
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await.map_err(cut)?;
        match query.came(&bytes, &mut names) {
            Came::Answer { message, .. } => return Ok((message, false)),
            Came::Other => {}
            Came::Garbage => return Err(NoMessage::Ended(DnsKind::Malformed)),
        }
    }
}

/// A message which breaks off is none.
fn cut(error: io::Error) -> NoMessage {
    match error.kind() == io::ErrorKind::UnexpectedEof {
        true => NoMessage::Ended(DnsKind::Malformed),
        false => of_system("reading a message")(error),
    }
}

/// Over HTTPS: a POST, as RFC 8484 §4.1 has it.
pub(super) async fn https(
    asker: &Asker,
    server: SocketAddr,
    (name, path): (&str, &str),
    query: &Query,
    until: Instant,
) -> Result<Answer, NoMessage> {
    in_time(until, async {
        let client = client(asker, server, name)
            .map_err(|error| NoMessage::Own(ProberTrouble { doing: "setting up DNS over HTTPS", reason: error.to_string() }))?;
        let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
        let request = client
            .post(format!("https://{host}:{}{path}", server.port()))
            .header("accept", DNS_MESSAGE)
            .header("content-type", DNS_MESSAGE)
            .body(query.bytes.clone());
        let failed = |error: reqwest::Error| NoMessage::from(Ending::behind(&error, "asking over HTTPS"));
        let mut response = request.send().await.map_err(failed)?;
        let is_message = response.headers().get("content-type").is_some_and(|kind| kind.as_bytes() == DNS_MESSAGE.as_bytes());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST_MESSAGE {
                return Err(NoMessage::Ended(DnsKind::Malformed));
            }
        }
        match query.came(&bytes, &mut Names::default()) {
            Came::Answer { message, .. } if response.status().as_u16() == 200 && is_message => Ok((message, false)),
            Came::Answer { .. } | Came::Other | Came::Garbage => Err(NoMessage::Ended(DnsKind::Malformed)),
        }
    })
    .await
}

/// A client for one request: of the name it takes the certificate alone, the address is known.
fn client(asker: &Asker, server: SocketAddr, name: &str) -> Result<reqwest::Client, reqwest::Error> {
    let mut tls = (*asker.tls).clone();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).user_agent(AGENT).no_proxy();
    let builder = builder.redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0).resolve(name, server);
    builder.build()
}
