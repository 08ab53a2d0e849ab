//! The stream as RIS Live serves it: a WebSocket, subscriptions, and one frame a message.
//!
//! All clients see the same stream: it begins when the first one has subscribed, and who connects later has missed what came before. At a
//! limited speed a client which cannot keep up is told so and the connection ends; at unlimited speed the slowest client sets the pace.

use super::Speed;
use crate::source::ris_live::{Request, Shown, SocketOptions, Subscription};
use crate::time::{Span, Timestamp};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// Messages which wait for one client before it is too slow.
const BEHIND: usize = 65_536;
/// Clients at once.
const CLIENTS: usize = 256;
/// Subscriptions of one client.
const SUBSCRIPTIONS: usize = 10_000;
/// Bytes of what a client says at once.
const SAID: usize = 64 * 1024;
/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A client answers the end of the connection within this time, or is not waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// The close reason after the last message.
pub const END: &str = "end of the replay";

/// What was served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Messages of the archives.
    pub messages: u64,
    /// Clients which were too slow.
    pub too_slow: u64,
}

/// Who listens.
#[derive(Default)]
struct Hub {
    clients: Mutex<Vec<Listener>>,
    /// The first one has subscribed.
    subscribed: Notify,
    collectors: Mutex<BTreeSet<String>>,
}

/// A client which has subscribed.
#[derive(Clone)]
struct Listener {
    messages: mpsc::Sender<Arc<Shown>>,
    /// It was too slow: what it gets is not all.
    behind: Arc<AtomicBool>,
}

type Socket = WebSocketStream<TcpStream>;

/// Serves messages, each when it is due, to whoever connects; ends after the last one. With a clock messages are told as said when they are due by
/// it, where the speed is limited.
///
/// # Errors
/// If no connection can be accepted any more.
pub async fn serve(
    listener: TcpListener,
    mut messages: mpsc::Receiver<Shown>,
    speed: Speed,
    clock: Option<fn() -> Timestamp>,
) -> io::Result<Served> {
    let hub = Arc::new(Hub::default());
    let (end, ended) = watch::channel(false);
    let accepting = tokio::spawn(accept(listener, Arc::clone(&hub), ended));
    hub.subscribed.notified().await;
    let (begun, now) = (Instant::now(), clock.map(|clock| clock()));
    let (mut first, mut served) = (None, Served::default());
    while let Some(mut shown) = messages.recv().await {
        let first = *first.get_or_insert(shown.at);
        if let Some(due) = speed.due(since(first, shown.at)) {
            sleep_until(begun + Duration::from_micros(due.micros().unsigned_abs())).await;
            now.into_iter().for_each(|now| shown.tell_as_of(now + due));
        }
        lock(&hub.collectors).insert(shown.host.clone());
        served.messages += 1;
        served.too_slow += hub.hand_out(shown, speed).await;
    }
    // Without senders clients are told what waits for them, and then that it is the end.
    lock(&hub.clients).clear();
    // Nobody accepts any more if this fails, and then that is told.
    let _ = end.send(true);
    accepting.await.map_err(io::Error::other)??;
    Ok(served)
}

fn since(first: Timestamp, at: Timestamp) -> Span {
    at.since(first).max(Span::ZERO)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Hands a message to every client; gives how many were too slow for it.
    async fn hand_out(&self, shown: Shown, speed: Speed) -> u64 {
        let shown = Arc::new(shown);
        if speed == Speed::Unlimited {
            let clients = lock(&self.clients).clone();
            for client in clients {
                // Who has gone is forgotten below.
                let _ = client.messages.send(Arc::clone(&shown)).await;
            }
            lock(&self.clients).retain(|client| !client.messages.is_closed());
            return 0;
        }
        let mut too_slow = 0;
        lock(&self.clients).retain(|client| match client.messages.try_send(Arc::clone(&shown)) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => {
                client.behind.store(true, Ordering::Relaxed);
                too_slow += 1;
                false
            }
        });
        too_slow
    }
}

/// Accepts clients until the end, and waits for them then.
async fn accept(listener: TcpListener, hub: Arc<Hub>, mut ended: watch::Receiver<bool>) -> io::Result<()> {
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = ended.changed() => break,
        };
        while clients.try_join_next().is_some() {}
        if clients.len() < CLIENTS {
            let (hub, ended) = (Arc::clone(&hub), ended.clone());
            // A client which breaks the protocol harms only itself.
            clients.spawn(async move { client(accepted.0, &hub, ended).await.unwrap_or_default() });
        }
    }
    while clients.join_next().await.is_some() {}
    Ok(())
}

/// What one client asked for.
#[derive(Default)]
struct Asked {
    subscriptions: Vec<Subscription>,
    options: SocketOptions,
}

async fn client(stream: TcpStream, hub: &Hub, mut ended: watch::Receiver<bool>) -> tungstenite::Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().max_message_size(Some(SAID)).max_frame_size(Some(SAID));
    let Ok(socket) = timeout(HANDSHAKE, accept_async_with_config(stream, Some(config))).await else { return Ok(()) };
    let mut socket = socket?;
    let (sender, mut messages) = mpsc::channel(BEHIND);
    let behind = Arc::new(AtomicBool::new(false));
    let mut waiting = Some(Listener { messages: sender, behind: Arc::clone(&behind) });
    let mut asked = Asked::default();
    loop {
        tokio::select! {
            said = socket.next() => match said {
                None | Some(Ok(Message::Close(_))) => return Ok(()),
                Some(Err(error)) => return Err(error),
                Some(Ok(Message::Text(text))) => {
                    answer(&mut socket, &text, &mut asked, hub).await?;
                    if !asked.subscriptions.is_empty() && let Some(listener) = waiting.take() {
                        lock(&hub.clients).push(listener);
                        hub.subscribed.notify_one();
                    }
                }
                Some(Ok(_)) => {}
            },
            shown = messages.recv(), if waiting.is_none() => match shown {
                Some(shown) => pass(&mut socket, &shown, &asked, &mut messages).await?,
                None if behind.load(Ordering::Relaxed) => return give_up(socket).await,
                None => return close(socket, CloseCode::Normal, END).await,
            },
            _ = ended.changed(), if waiting.is_some() => return close(socket, CloseCode::Normal, END).await,
        }
    }
}

/// Sends a message, and those which wait already, if they are asked for.
async fn pass(
    socket: &mut Socket,
    shown: &Shown,
    asked: &Asked,
    waiting: &mut mpsc::Receiver<Arc<Shown>>,
) -> tungstenite::Result<()> {
    feed(socket, shown, asked).await?;
    while let Ok(shown) = waiting.try_recv() {
        feed(socket, &shown, asked).await?;
    }
    socket.flush().await
}

async fn feed(socket: &mut Socket, shown: &Shown, asked: &Asked) -> tungstenite::Result<()> {
    if asked.subscriptions.iter().any(|subscription| subscription.takes(shown))
        && let Ok(frame) = shown.to_frame(asked.options.include_raw)
    {
        socket.feed(Message::text(frame)).await?;
    }
    Ok(())
}

/// Tells a client that it missed something.
async fn give_up(mut socket: Socket) -> tungstenite::Result<()> {
    let problem = format!("closing the connection after being behind by more than {BEHIND} messages");
    socket.send(Message::text(error(&problem).to_string())).await?;
    close(socket, CloseCode::Policy, "too slow").await
}

/// Tells a client that nothing comes any more, and why.
async fn close(mut socket: Socket, code: CloseCode, reason: &'static str) -> tungstenite::Result<()> {
    socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
    // What it still says is not heard; it answers the close.
    while let Ok(Some(Ok(_))) = timeout(FAREWELL, socket.next()).await {}
    Ok(())
}

async fn answer(socket: &mut Socket, text: &str, asked: &mut Asked, hub: &Hub) -> tungstenite::Result<()> {
    let answer = match Request::read(text) {
        Ok(Request::Subscribe(_, _)) if asked.subscriptions.len() >= SUBSCRIPTIONS => {
            Some(error(&format!("more than {SUBSCRIPTIONS} subscriptions")))
        }
        Ok(Request::Subscribe(subscription, options)) => {
            asked.subscriptions.push(subscription);
            asked.options.include_raw |= options.include_raw;
            let told: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            options.acknowledge.then(|| json!({"type": "ris_subscribe_ok", "data": {"subscription": told["data"]}}))
        }
        Ok(Request::Unsubscribe(subscription)) => {
            asked.subscriptions.retain(|known| *known != subscription);
            None
        }
        Ok(Request::Collectors) => Some(json!({"type": "ris_rrc_list", "data": *lock(&hub.collectors)})),
        Ok(Request::Ping) => Some(json!({"type": "pong", "data": null})),
        Err(problem) => Some(error(&problem)),
    };
    match answer {
        Some(answer) => socket.send(Message::text(answer.to_string())).await,
        None => Ok(()),
    }
}

fn error(problem: &str) -> serde_json::Value {
    json!({"type": "ris_error", "data": {"message": problem}})
}
