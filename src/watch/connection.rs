//! The connection to RIS Live: kept up, and given up only when told to.
//!
//! One task reads the socket and hands frames on; it asks the server from time to time whether it is there, since a dead connection looks like
//! a quiet one. After a loss it waits a little longer each time, by chance a little more or less, so that not all clients come back at once.

use crate::source::ris_live::frame::Message;
use crate::time::Timestamp;
use crate::web;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Text};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

/// A connection is made within this time, or not.
const CONNECT: Duration = Duration::from_secs(20);
/// How often the server is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A server which says nothing for so long, though it was asked, is not there.
const SILENT: Duration = Duration::from_secs(75);
/// The first pause before another attempt …
const PAUSE: Duration = Duration::from_secs(1);
/// … and the longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// No frame is longer.
const FRAME: usize = 4 * 1024 * 1024;

/// What happens to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is up, and everything was asked for.
    Up,
    /// A frame.
    Frame(String),
    /// A bus is reached; what it keeps comes first.
    Joined,
    /// What a bus keeps, in order.
    Said(Vec<Said>),
    /// All of what it kept has come.
    Current,
    /// Something is wrong with what it keeps, and it goes on.
    Trouble(String),
    /// It is lost, or was not made, for this reason; another attempt follows.
    Down {
        /// Why.
        reason: String,
        /// It was up.
        was_up: bool,
    },
    /// The server has ended it, for this reason, and it is not to be made again.
    Ended(String),
}

/// What a bus keeps of a stream: with its notes it is all there is to know, and whoever reads it again finds the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A message which a collector recorded.
    Message(Message),
    /// So late it is: what is older was said.
    Clock(Timestamp),
    /// Nothing could be heard from the first time to the second.
    Lost(Timestamp, Timestamp),
    /// The stream, a replay, is over.
    End,
}

impl Said {
    /// Until when it tells what was.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Said::Message(message) => Some(message.at),
            Said::Clock(until) | Said::Lost(_, until) => Some(*until),
            Said::End => None,
        }
    }
}

/// Where to connect to, and what to ask for.
#[derive(Debug, Clone)]
pub struct Source {
    /// The address, as `wss://…` or `ws://…`.
    pub address: String,
    /// What to ask for, each time anew.
    pub subscriptions: Vec<Value>,
    /// An end which the server gives with this reason is one: [`crate::replay::server::END`] of a replay.
    pub end: Option<&'static str>,
}

impl Source {
    /// A stream at this address.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(address: &str, subscriptions: Vec<Value>, end: Option<&'static str>) -> Result<Source, String> {
        let request = address.into_client_request().map_err(|error| error.to_string())?;
        match request.uri().scheme_str() {
            Some("ws" | "wss") => Ok(Source { address: address.to_owned(), subscriptions, end }),
            _ => Err("it begins neither with wss:// nor with ws://".to_owned()),
        }
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Keeps a connection up and tells what comes, until nobody listens any more or the server has ended it.
pub async fn keep(source: Source, events: mpsc::Sender<Event>) {
    let mut pause = PAUSE;
    loop {
        let begun = Instant::now();
        let mut was_up = false;
        match once(&source, &events, &mut was_up).await {
            Ok(reason) => {
                let _ = events.send(Event::Ended(reason)).await;
                return;
            }
            Err(reason) => {
                if events.send(Event::Down { reason, was_up }).await.is_err() {
                    return;
                }
            }
        }
        if begun.elapsed() > LONGEST_PAUSE {
            pause = PAUSE;
        }
        sleep(pause / 2 + pause / 2 * u32::from(chance()) / 256).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A number which nobody can tell before.
fn chance() -> u8 {
    RandomState::new().hash_one(()).to_le_bytes()[0]
}

/// One connection. `Ok` if the server ended it as it should, with its words; else why it was lost.
async fn once(source: &Source, events: &mpsc::Sender<Event>, was_up: &mut bool) -> Result<String, String> {
    let mut socket = connect(&source.address).await?;
    for subscription in &source.subscriptions {
        say(&mut socket, subscription.to_string()).await?;
    }
    let gone = || Ok("nobody listens".to_owned());
    *was_up = true;
    if events.send(Event::Up).await.is_err() {
        return gone();
    }
    let mut ask = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut heard = Instant::now();
    loop {
        let said = tokio::select! {
            said = timeout_at(heard + SILENT, socket.next()) => said,
            _ = ask.tick() => {
                say(&mut socket, json!({"type": "ping", "data": null}).to_string()).await?;
                continue;
            }
            () = events.closed() => return gone(),
        };
        heard = Instant::now();
        match said {
            Err(_) => return Err(format!("the server said nothing for {} s", SILENT.as_secs())),
            Ok(None) => return Err("the server closed the connection".to_owned()),
            Ok(Some(Err(error))) => return Err(words(&error)),
            Ok(Some(Ok(Text::Text(text)))) => {
                if events.send(Event::Frame(text.to_string())).await.is_err() {
                    return gone();
                }
            }
            Ok(Some(Ok(Text::Close(close)))) => return ended(source, close),
            Ok(Some(Ok(_))) => {}
        }
    }
}

fn ended(source: &Source, close: Option<CloseFrame>) -> Result<String, String> {
    let reason = close.map(|close| close.reason.to_string()).unwrap_or_default();
    if source.end.is_some_and(|end| end == reason) {
        Ok(reason)
    } else {
        Err(format!("the server closed the connection ({reason})"))
    }
}

async fn connect(address: &str) -> Result<Socket, String> {
    let config = WebSocketConfig::default().max_message_size(Some(FRAME)).max_frame_size(Some(FRAME));
    let connector = web::tls().map_err(|error| error.to_string())?.into();
    let connecting = connect_async_tls_with_config(address, Some(config), true, Some(Connector::Rustls(connector)));
    match timeout(CONNECT, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(words(&error)),
        Err(_) => Err(format!("no connection within {} s", CONNECT.as_secs())),
    }
}

async fn say(socket: &mut Socket, text: String) -> Result<(), String> {
    match timeout(CONNECT, socket.send(Text::text(text))).await {
        Ok(sent) => sent.map_err(|error| words(&error)),
        Err(_) => Err("the server takes nothing any more".to_owned()),
    }
}

fn words(error: &tungstenite::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
