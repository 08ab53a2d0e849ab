//! One attempt at a web server, as far as its scheme goes: addresses, connection, handshake, request, the beginning of the body.
//!
//! Each stage has an ending of its own, and the first which fails is told. Redirections are a status like any other, and not followed; of the
//! body no more is read than is recorded.

use super::{Asker, Ending, ProberTrouble, dns, transport};
use crate::probe::own::BODY_KEPT;
use crate::probe::{HttpAddress, HttpKind, HttpOutcome, HttpQuestion, Scheme};
use crate::time::Timestamp;
use crate::web::AGENT;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig};
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// A response has no more header fields than this, or is broken …
const FIELDS: usize = 100;
/// … and its head no more bytes.
const HEAD: usize = 64 * 1024;
/// Bytes of a body which are read: a character has at most four.
const BODY_READ: usize = 4 * BODY_KEPT;
/// Characters of a server's name which are kept.
const SERVER_KEPT: usize = 200;
/// Addresses of a name which are tried.
const ADDRESSES: usize = 6;

/// Asks; whatever the server or the network does is an outcome.
pub(super) async fn ask(asker: &Asker, question: &HttpQuestion, until: Instant) -> Result<HttpOutcome, ProberTrouble> {
    let addresses = match &question.address {
        HttpAddress::Fixed(address) => vec![*address],
        HttpAddress::ByName(resolvers) => match question.host.parse() {
            Ok(address) => vec![address],
            Err(_) => dns::resolve(asker, &question.host, resolvers, until).await?,
        },
    };
    let mut outcome =
        HttpOutcome { kind: HttpKind::NameNotResolved, address: None, body: None, server: None, cert_not_after: None };
    let stream = match connect(&addresses, question.port, until, &mut outcome).await? {
        Some(stream) => stream,
        None => return Ok(outcome),
    };
    outcome.kind = match question.scheme {
        Scheme::Tcp => HttpKind::Connected,
        Scheme::Http => request(stream, question, until, &mut outcome).await,
        Scheme::Tls | Scheme::Https => match handshake(asker, stream, question, until).await? {
            Ok((stream, not_after)) => {
                outcome.cert_not_after = not_after;
                match question.scheme {
                    Scheme::Https => request(stream, question, until, &mut outcome).await,
                    Scheme::Tls | Scheme::Http | Scheme::Tcp => HttpKind::Connected,
                }
            }
            Err(not_after) => {
                outcome.cert_not_after = not_after;
                HttpKind::TlsFailed
            }
        },
    };
    Ok(outcome)
}

/// A connection to the first address which takes one; without one the outcome tells how the last ended.
async fn connect(
    addresses: &[IpAddr],
    port: u16,
    until: Instant,
    outcome: &mut HttpOutcome,
) -> Result<Option<TcpStream>, ProberTrouble> {
    let addresses = &addresses[..addresses.len().min(ADDRESSES)];
    for (place, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - place).unwrap_or(u32::MAX);
        let now = Instant::now();
        let share: Duration = until.saturating_duration_since(now) / left;
        outcome.address = Some(*address);
        let ending = match timeout_at(now + share, TcpStream::connect((*address, port))).await {
            Ok(Ok(stream)) => return Ok(Some(stream)),
            Ok(Err(error)) => Ending::of(&error, "opening a TCP connection"),
            Err(_) => Ending::TimedOut,
        };
        outcome.kind = not_connected(ending)?;
    }
    Ok(None)
}

fn not_connected(ending: Ending) -> Result<HttpKind, ProberTrouble> {
    match ending {
        Ending::Refused | Ending::Broken => Ok(HttpKind::ConnectRefused),
        Ending::Unreachable => Ok(HttpKind::Unreachable),
        Ending::TimedOut => Ok(HttpKind::ConnectTimeout),
        Ending::Own(trouble) => Err(trouble),
    }
}

type Encrypted = tokio_rustls::client::TlsStream<TcpStream>;

/// The stream and until when the certificate is valid; else, of a certificate which is not any more, until when it was.
async fn handshake(
    asker: &Asker,
    stream: TcpStream,
    question: &HttpQuestion,
    until: Instant,
) -> Result<Result<(Encrypted, Option<Timestamp>), Option<Timestamp>>, ProberTrouble> {
    let name = ServerName::try_from(question.host.to_string());
    let name = name.map_err(|error| transport::no_name(&question.host, &error.to_string()))?;
    let mut tls: ClientConfig = (*asker.tls).clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    match timeout_at(until, TlsConnector::from(Arc::new(tls)).connect(name, stream)).await {
        Ok(Ok(stream)) => {
            let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let not_after = leaf.and_then(not_after);
            Ok(Ok((stream, not_after)))
        }
        Ok(Err(error)) => Ok(Err(expired(&error))),
        Err(_) => Ok(Err(None)),
    }
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    recordable(parsed.validity().not_after.timestamp())
}

/// Until when a certificate was valid which was refused since it is not any more.
fn expired(error: &io::Error) -> Option<Timestamp> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) = error {
        return recordable(i64::try_from(not_after.as_secs()).ok()?);
    }
    None
}

/// Recordings hold the years 1970 to 9999.
fn recordable(seconds: i64) -> Option<Timestamp> {
    (0..253_402_300_800).contains(&seconds).then(|| Timestamp::from_parts(seconds, 0))
}

/// Asks for the page; gives how that ended.
async fn request(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    question: &HttpQuestion,
    until: Instant,
    outcome: &mut HttpOutcome,
) -> HttpKind {
    match timeout_at(until, page(stream, question)).await {
        Ok(Some((status, server, body))) => {
            outcome.server = server;
            outcome.body = Some(body.into());
            HttpKind::Status(status)
        }
        Ok(None) | Err(_) => HttpKind::ReadFailed,
    }
}

/// Status, server name and the beginning of the body; `None` if what came is no whole response.
async fn page(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    question: &HttpQuestion,
) -> Option<(u16, Option<Arc<str>>, String)> {
    let mut builder = http1::Builder::new();
    builder.max_headers(FIELDS).max_header_size(HEAD).max_buf_size(HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
    let host = if question.host.contains(':') { format!("[{}]", question.host) } else { question.host.to_string() };
    let host = if Some(question.port) == question.scheme.port() { host } else { format!("{host}:{}", question.port) };
    let request = hyper::Request::get(&*question.path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(String::new())
        .ok()?;
    let reading = async {
        let response = sender.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let server = response.headers().get(header::SERVER).map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        let server = server.map(|name| name.trim().chars().take(SERVER_KEPT).collect::<String>());
        let body = beginning(response.into_body()).await?;
        Some((status, server.filter(|name| !name.is_empty()).map(Arc::from), body))
    };
    tokio::pin!(connection, reading);
    // The connection moves what is sent and read; it ends before the reading only when there is no more to come.
    tokio::select! {
        read = &mut reading => read,
        _ = &mut connection => reading.await,
    }
}

/// The beginning of a body, as text.
async fn beginning(mut body: Incoming) -> Option<String> {
    let mut bytes = Vec::new();
    while bytes.len() < BODY_READ {
        match poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            None => break,
            Some(frame) => bytes.extend_from_slice(&frame.ok()?.into_data().unwrap_or_default()),
        }
    }
    bytes.truncate(BODY_READ);
    Some(String::from_utf8_lossy(&bytes).chars().take(BODY_KEPT).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Nothing on the machine itself is unreachable, so what the system would say is said here.
    #[test]
    fn a_connection_which_is_not_made_tells_why() {
        let trouble = ProberTrouble { doing: "opening a TCP connection", reason: "Too many open files".to_owned() };
        assert_eq!(not_connected(Ending::Unreachable), Ok(HttpKind::Unreachable));
        assert_eq!(not_connected(Ending::TimedOut), Ok(HttpKind::ConnectTimeout));
        assert_eq!(not_connected(Ending::Refused), Ok(HttpKind::ConnectRefused));
        assert_eq!(not_connected(Ending::Own(trouble.clone())), Err(trouble));
    }
}
