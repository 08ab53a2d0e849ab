//! The BMP station: routers connect to it and tell of their peers (RFC 7854 §3.2).
//!
//! Takes the addresses to listen on and which routers may speak; hands whole messages on, with the time at which they came. It says nothing to a
//! router, as the protocol wants it, so only the system's keep-alives show that a connection is dead. A router which is not listed is not heard; without
//! a list only this machine's own addresses are. What is no BMP ends its connection. Whoever takes messages slowly slows routers down, and costs no memory.

use super::run::system;
use crate::org::BmpRouter;
use crate::source::bmp::frame::{FrameError, Framer};
use crate::source::bmp::{ConnectionId, RouterEvent};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// So many routers at once; the profile lists the organization's own.
const CONNECTIONS: usize = 64;
/// How long a message which is due is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// A connection on which nothing comes is asked about so soon, then so often; after so many questions without an answer it is dead.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);
/// Bytes which are read at once.
const CHUNK: usize = 16 * 1024;
/// Pause after the system had no more connections to give.
const EXHAUSTED: Duration = Duration::from_secs(1);

/// What the station tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StationEvent {
    /// Something happens to a connection.
    Router(RouterEvent),
    /// Somebody is not heard, for this reason.
    Refused(IpAddr, &'static str),
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error("it closed the connection")]
    Closed,
    #[error("it closed the connection in the middle of a message")]
    Cut,
    #[error("{0}")]
    NoBmp(#[from] FrameError),
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("nothing came for {} ms though a message was due", .0.as_millis())]
    Overdue(Duration),
}

/// The station.
pub struct Station {
    listeners: Vec<TcpListener>,
    routers: Vec<BmpRouter>,
    patience: Duration,
}

impl Station {
    /// Listens on these addresses for these routers.
    ///
    /// # Errors
    /// The first address on which nothing can be listened, and why.
    pub async fn listen(addresses: &[String], routers: &[BmpRouter]) -> Result<Station, (String, io::Error)> {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(TcpListener::bind(address).await.map_err(|error| (address.clone(), error))?);
        }
        Ok(Station { listeners, routers: routers.to_vec(), patience: PATIENCE })
    }

    /// The first message of a router, and the rest of any which has begun, comes within this time, or its connection is over.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Station {
        Station { patience, ..self }
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Hears routers until nobody takes what they say.
    pub async fn serve(self, events: mpsc::Sender<StationEvent>) {
        let heard = Heard {
            room: Arc::new(Semaphore::new(CONNECTIONS)),
            next: Arc::default(),
            routers: self.routers.into(),
            patience: self.patience,
        };
        let mut listening = JoinSet::new();
        for listener in self.listeners {
            listening.spawn(accept(listener, heard.clone(), events.clone()));
        }
        drop(events);
        while listening.join_next().await.is_some() {}
    }
}

/// What all connections share.
#[derive(Clone)]
struct Heard {
    room: Arc<Semaphore>,
    next: Arc<AtomicU64>,
    routers: Arc<[BmpRouter]>,
    patience: Duration,
}

impl Heard {
    /// What the profile calls the router of this address, or why it is not heard.
    fn name(&self, address: IpAddr) -> Result<Option<String>, &'static str> {
        match self.routers.iter().find(|router| router.address == address) {
            Some(router) => Ok(router.name.clone()),
            None if self.routers.is_empty() && address.is_loopback() => Ok(None),
            None if self.routers.is_empty() => Err("the profile lists no routers, so only this machine itself is heard"),
            None => Err("the profile does not list it under [bmp]"),
        }
    }
}

async fn accept(listener: TcpListener, heard: Heard, events: mpsc::Sender<StationEvent>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = events.closed() => return,
        };
        let Ok((stream, from)) = accepted else {
            sleep(EXHAUSTED).await;
            continue;
        };
        let address = from.ip().to_canonical();
        let room = Arc::clone(&heard.room).try_acquire_owned();
        let (name, room) = match (heard.name(address), room) {
            (Ok(name), Ok(room)) => (name, room),
            (Err(reason), _) => {
                if events.send(StationEvent::Refused(address, reason)).await.is_err() {
                    return;
                }
                continue;
            }
            (Ok(_), Err(_)) => {
                if events.send(StationEvent::Refused(address, "as many routers are connected as can be")).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let connection = ConnectionId(heard.next.fetch_add(1, Ordering::Relaxed));
        let (events, patience) = (events.clone(), heard.patience);
        connections.spawn(async move {
            let _room = room;
            let connected = RouterEvent::Connected { connection, address, name };
            if events.send(StationEvent::Router(connected)).await.is_ok() {
                let over = hear(stream, (connection, patience), &events).await;
                let lost = RouterEvent::Lost { connection, reason: over.to_string(), at: system() };
                let _ = events.send(StationEvent::Router(lost)).await;
            }
        });
    }
}

/// Hands a router's messages on until the connection is over; says why it is.
async fn hear(
    mut stream: TcpStream,
    (connection, patience): (ConnectionId, Duration),
    events: &mpsc::Sender<StationEvent>,
) -> Over {
    let (idle, between, questions) = KEEPALIVE;
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(between).with_retries(questions);
    if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
        return error.into();
    }
    let mut framer = Framer::default();
    let mut spoke = false;
    loop {
        let due = !spoke || framer.waits();
        framer.room().reserve(CHUNK);
        let mut chunk = (&mut stream).take(CHUNK as u64);
        let reading = chunk.read_buf(framer.room());
        let read = if due {
            match timeout(patience, reading).await {
                Ok(read) => read,
                Err(_) => return Over::Overdue(patience),
            }
        } else {
            tokio::select! {
                read = reading => read,
                () = events.closed() => return Over::Closed,
            }
        };
        match read {
            Ok(0) if framer.waits() => return Over::Cut,
            Ok(0) => return Over::Closed,
            Ok(_) => {}
            Err(error) => return error.into(),
        }
        let (bytes, after) = framer.take_whole();
        if !bytes.is_empty() {
            spoke = true;
            let messages = RouterEvent::Messages { connection, bytes, at: system() };
            if events.send(StationEvent::Router(messages)).await.is_err() {
                return Over::Closed;
            }
        }
        if let Err(error) = after {
            return error.into();
        }
    }
}
