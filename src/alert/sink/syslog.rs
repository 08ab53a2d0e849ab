//! Syslog: a line of RFC 5424 in a datagram, over a connection, or to the machine's own daemon.
//!
//! A datagram is sent; whether it arrives nobody knows. Facility `daemon`; the severity follows the urgency.

use super::Failure;
use crate::alert::notice::Notice;
use crate::alert::resolve::Resolver;
use crate::org::alert::{SyslogWay, Urgency};
use crate::time::Timestamp;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

/// RFC 5424 §6.2.1.
const DAEMON: u8 = 3;

/// A daemon.
pub struct Syslog {
    way: SyslogWay,
    resolver: Resolver,
}

impl Syslog {
    pub(super) fn new(way: &SyslogWay, resolver: &Resolver) -> Self {
        Syslog { way: way.clone(), resolver: resolver.clone() }
    }

    pub(super) fn host(&self) -> Option<&str> {
        match &self.way {
            SyslogWay::Udp { server, .. } | SyslogWay::Tcp { server, .. } => Some(server),
            SyslogWay::Local { .. } => None,
        }
    }

    pub(super) async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), Failure> {
        let line = line(notice, now);
        match &self.way {
            SyslogWay::Udp { server, port } => self.to_each(server, *port, |to| datagram(to, &line)).await,
            SyslogWay::Tcp { server, port } => self.to_each(server, *port, |to| counted(to, &line)).await,
            SyslogWay::Local { path } => {
                local(path, &line).await.map_err(|error| Failure::passing(format!("{}: {error}", path.display())))
            }
        }
    }

    /// To the first address which takes it.
    async fn to_each<F>(&self, server: &str, port: u16, send: impl Fn(SocketAddr) -> F) -> Result<(), Failure>
    where
        F: Future<Output = std::io::Result<()>>,
    {
        let addresses = self.resolver.addresses(server).await.map_err(Failure::passing)?;
        let mut last = Failure::passing("there is no address");
        for address in addresses {
            let address = SocketAddr::new(address, port);
            match send(address).await {
                Ok(()) => return Ok(()),
                Err(error) => last = Failure::passing(format!("{address}: {error}")),
            }
        }
        Err(last)
    }
}

async fn datagram(to: SocketAddr, line: &str) -> std::io::Result<()> {
    let own =
        if to.is_ipv4() { SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)) } else { SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)) };
    let socket = UdpSocket::bind(own).await?;
    socket.send_to(line.as_bytes(), to).await.map(drop)
}

/// RFC 6587 §3.4.1: the length, a space, the line.
async fn counted(to: SocketAddr, line: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(format!("{} {line}", line.len()).as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(unix)]
async fn local(path: &std::path::Path, line: &str) -> std::io::Result<()> {
    let socket = tokio::net::UnixDatagram::unbound()?;
    socket.send_to(line.as_bytes(), path).await.map(drop)
}

#[cfg(not(unix))]
async fn local(_: &std::path::Path, _: &str) -> std::io::Result<()> {
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "this system has no socket for syslog; use udp or tcp"))
}

/// RFC 5424 §6: no structured data, and UTF-8 after its mark.
fn line(notice: &Notice, now: Timestamp) -> String {
    let urgency = notice.incident.as_ref().map_or(Urgency::Note, |incident| incident.urgency);
    let over = notice.changes.last().is_some_and(|change| change.is_end());
    let severity = match urgency {
        _ if over => 5,
        Urgency::Note => 5,
        Urgency::Warning => 4,
        Urgency::Critical => 2,
    };
    let priority = DAEMON * 8 + severity;
    let kind = if notice.test { "test" } else { "incident" };
    let process = std::process::id();
    format!("<{priority}>1 {now} - faultline {process} {kind} - \u{feff}{} (key {})", notice.subject, notice.key)
}
