//! What can be asked of a network: one DNS question to one server, one page of one host.
//!
//! Inert values: whoever plans makes them, `ask` sends them. Each becomes a [`Target`] under which its results are recorded.

use super::{AskedAddress, DnsServer, Target};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A question.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each variant says what its field is")]
pub enum Question {
    /// Of the DNS.
    Dns(DnsQuestion),
    /// To a web server, or for a handshake alone.
    Http(HttpQuestion),
}

/// A name and a type, asked of one server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DnsQuestion {
    /// Whom.
    pub server: NameServer,
    /// As what it is asked: a resolver is told that recursion is desired, an authority is not. Its address is that of `server`.
    pub role: DnsServer,
    /// Lower case, no final dot.
    pub name: Arc<str>,
    /// The type of records.
    pub record_type: AskedType,
}

/// A server of the DNS, and how it is spoken to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NameServer {
    /// Address and port.
    pub address: SocketAddr,
    /// How.
    pub transport: DnsTransport,
}

/// How a DNS message gets to a server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "each variant says what its fields mean; their types say the rest")]
pub enum DnsTransport {
    /// Datagrams, and TCP for an answer which was truncated (RFC 1035 §4.2.1, RFC 7766 §5).
    Udp,
    /// TCP (RFC 7766).
    Tcp,
    /// TLS (RFC 7858); the name its certificate is for.
    Tls { name: Arc<str> },
    /// HTTPS (RFC 8484): the name its certificate is for, and the path.
    Https { name: Arc<str>, path: Arc<str> },
}

/// The types of records which probes ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AskedType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Name servers.
    Ns,
    /// Start of authority.
    Soa,
}

/// A page, or a handshake.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HttpQuestion {
    /// How far it goes.
    pub scheme: Scheme,
    /// The host: server name of the handshake, `Host` of the request. Lower case, no final dot; may be an address.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// Path and query, from the `/` on.
    pub path: Arc<str>,
    /// Where it is asked.
    pub address: HttpAddress,
    /// What its results are called.
    pub label: Arc<str>,
}

/// Where a page is asked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each variant says what its field is")]
pub enum HttpAddress {
    /// Here: DNS is no part of the attempt.
    Fixed(IpAddr),
    /// Where the first of these resolvers which answers says.
    ByName(Arc<[NameServer]>),
}

/// How far an attempt at a web server goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// A request over TLS.
    Https,
    /// A request over TCP.
    Http,
    /// A TLS handshake.
    Tls,
    /// A TCP connection.
    Tcp,
}

impl Question {
    /// What its results are about.
    pub fn target(&self) -> Target {
        match self {
            Question::Dns(question) => Target::Dns {
                server: question.role.clone(),
                name: Arc::clone(&question.name),
                record_type: question.record_type.word().into(),
            },
            Question::Http(question) => {
                let address = match question.address {
                    HttpAddress::Fixed(address) => AskedAddress::Fixed(address),
                    HttpAddress::ByName(_) => AskedAddress::ByName,
                };
                Target::Http { host: Arc::clone(&question.host), address, label: Arc::clone(&question.label) }
            }
        }
    }
}

impl AskedType {
    /// Its mnemonic.
    pub const fn word(self) -> &'static str {
        match self {
            AskedType::A => "A",
            AskedType::Aaaa => "AAAA",
            AskedType::Ns => "NS",
            AskedType::Soa => "SOA",
        }
    }
}

impl Scheme {
    /// As profiles write it.
    pub const fn word(self) -> &'static str {
        match self {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::Tls => "tls",
            Scheme::Tcp => "tcp",
        }
    }

    /// Does it shake hands over TLS?
    pub const fn is_encrypted(self) -> bool {
        match self {
            Scheme::Https | Scheme::Tls => true,
            Scheme::Http | Scheme::Tcp => false,
        }
    }

    /// The port where none is named; TCP alone has none.
    pub const fn port(self) -> Option<u16> {
        match self {
            Scheme::Https | Scheme::Tls => Some(443),
            Scheme::Http => Some(80),
            Scheme::Tcp => None,
        }
    }
}

impl DnsTransport {
    /// The port where none is named (RFC 1035 §4.2, RFC 7858 §3.1, RFC 8484 §5).
    pub const fn port(&self) -> u16 {
        match self {
            DnsTransport::Udp | DnsTransport::Tcp => 53,
            DnsTransport::Tls { .. } => 853,
            DnsTransport::Https { .. } => 443,
        }
    }
}

impl fmt::Display for DnsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DnsTransport::Udp => "udp",
            DnsTransport::Tcp => "tcp",
            DnsTransport::Tls { .. } => "tls",
            DnsTransport::Https { .. } => "https",
        })
    }
}
