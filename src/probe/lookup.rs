//! One question to a resolver, and its answer.
//!
//! Takes a resolver's address, a name and a type; gives what the answer amounts to and its records. UDP first, TCP where the answer did not fit (RFC 7766
//! §5). Nothing is cached, followed or judged; results of probes are made elsewhere.

use super::dns;
use super::intake::Names;
use super::wire::{self, DnsMessage};
use super::{DnsAnswer, DnsKind};
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long an answer is waited for. Resolvers give up after about as long (RFC 1536 §1 has 5 s for a client's first).
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How often a question is asked over UDP, which loses packets.
const ASKED: usize = 2;
/// The largest answer over UDP which needs no fragments (DNS Flag Day 2020).
const FITS: u16 = 1_232;
/// TC: the answer did not fit (RFC 1035 §4.1.1); in the third byte.
const TRUNCATED: u8 = 0x02;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Name servers.
    Ns,
}

impl Asked {
    /// Its mnemonic.
    pub const fn word(self) -> &'static str {
        match self {
            Asked::A => "A",
            Asked::Aaaa => "AAAA",
            Asked::Ns => "NS",
        }
    }

    const fn record_type(self) -> RecordType {
        match self {
            Asked::A => RecordType::A,
            Asked::Aaaa => RecordType::AAAA,
            Asked::Ns => RecordType::NS,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What it amounts to.
    pub kind: DnsKind,
    /// Its records.
    pub answers: Vec<DnsAnswer>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The name cannot be asked for.
    #[error("`{name}` cannot be asked for: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system's resolver is not known.
    #[error("the system's resolver is not known: {0}; name one with --resolver")]
    NoResolver(String),
    /// Nobody answered in time.
    #[error("{resolver} gave no answer within {} s", PATIENCE.as_secs())]
    Silent {
        /// Who was asked.
        resolver: SocketAddr,
    },
    /// The network said no.
    #[error("{resolver} cannot be asked: {reason}")]
    Network {
        /// Who was asked.
        resolver: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
}

/// The system's resolver: the first one in `/etc/resolv.conf`.
///
/// # Errors
/// If there is none.
pub fn system_resolver() -> Result<SocketAddr, LookupError> {
    let path = "/etc/resolv.conf";
    let text = std::fs::read_to_string(path).map_err(|error| LookupError::NoResolver(format!("{path}: {error}")))?;
    let address = first_resolver(&text).ok_or_else(|| LookupError::NoResolver(format!("{path} names none")))?;
    Ok(SocketAddr::new(address, 53))
}

fn first_resolver(text: &str) -> Option<IpAddr> {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok()).flatten()
    };
    text.lines().find_map(of_line)
}

/// Asks.
///
/// # Errors
/// If the name is none, or nobody answers.
pub async fn look_up(resolver: SocketAddr, name: &str, asked: Asked, patience: Duration) -> Result<Answered, LookupError> {
    let bad = |reason: String| LookupError::Name { name: name.to_owned(), reason };
    let network = |reason| LookupError::Network { resolver, reason };
    let mut fqdn = Name::from_ascii(name).map_err(|error| bad(error.to_string()))?;
    fqdn.set_fqdn(true);
    let mut edns = Edns::new();
    edns.set_max_payload(FITS);
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(fqdn, asked.record_type()));
    message.set_edns(edns);
    let question = message.to_vec().map_err(|error| bad(error.to_string()))?;
    for _ in 0..ASKED {
        let Ok(answer) = timeout(patience, over_udp(resolver, &question, name, asked)).await else { continue };
        let (bytes, message) = answer.map_err(network)?;
        if bytes.get(2).is_none_or(|flags| flags & TRUNCATED == 0) {
            return Ok(answered(message, asked));
        }
        let whole = timeout(patience, over_tcp(resolver, &question, name, asked)).await;
        return match whole {
            Ok(message) => Ok(answered(message.map_err(network)?, asked)),
            Err(_) => Err(LookupError::Silent { resolver }),
        };
    }
    Err(LookupError::Silent { resolver })
}

fn answered(message: DnsMessage, asked: Asked) -> Answered {
    let kind = if message.damaged { DnsKind::Malformed } else { dns::kind(message.code, asked.word(), &message.answers) };
    Answered { kind, answers: message.answers }
}

/// Waits for the answer; what does not fit the question is let pass, for anybody can send it.
async fn over_udp(resolver: SocketAddr, question: &[u8], name: &str, asked: Asked) -> io::Result<(Vec<u8>, DnsMessage)> {
    let here: SocketAddr = if resolver.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(here).await?;
    socket.connect(resolver).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let bytes = &buffer[..length];
        if let Some(message) = fitting(bytes, question, name, asked) {
            return Ok((bytes.to_vec(), message));
        }
    }
}

async fn over_tcp(resolver: SocketAddr, question: &[u8], name: &str, asked: Asked) -> io::Result<DnsMessage> {
    let mut stream = TcpStream::connect(resolver).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    fitting(&bytes, question, name, asked).ok_or_else(|| io::Error::other("what it sends is no answer to the question"))
}

/// The message, if it is a response with the identifier and the question asked (RFC 5452 §9.1).
fn fitting(bytes: &[u8], question: &[u8], name: &str, asked: Asked) -> Option<DnsMessage> {
    let response = bytes.get(2)? & 0x80 != 0 && bytes.get(..2) == question.get(..2);
    let message = wire::decode(bytes, &mut Names::default()).filter(|_| response)?;
    let (of, kind) = message.question.as_ref()?;
    (*of == dns::host(name) && kind == asked.word()).then_some(message)
}

#[cfg(test)]
mod tests;
