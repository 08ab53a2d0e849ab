//! Servers which go wrong after the connection is up.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async;

type Served = WebSocketStream<TcpStream>;

/// What [`keep`] tells of a server which does `harm` to its first connection, and which keeps the second one; until that is up.
async fn told<F: Future<Output = ()> + Send + 'static>(harm: impl FnOnce(Served) -> F + Send + 'static) -> (Vec<Event>, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Source::new(&format!("ws://{}/", listener.local_addr().unwrap()), vec![json!({"type": "ris_subscribe"})], None);
    let server: JoinHandle<()> = tokio::spawn(async move {
        let first = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        harm(first).await;
        let second = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        std::future::pending::<()>().await;
        drop(second);
    });
    let (sender, mut events) = mpsc::channel(64);
    let client = tokio::spawn(keep(source.unwrap(), sender));
    let mut told = Vec::new();
    let mut up = None;
    while told.iter().filter(|event| **event == Event::Up).count() < 2 {
        told.push(events.recv().await.unwrap());
        // Connecting takes no time which counts; from then on nobody need wait for it.
        if up.is_none() {
            tokio::time::pause();
            up = Some(Instant::now());
        } else if matches!(told.last(), Some(Event::Down { .. })) {
            tokio::time::resume();
        }
    }
    let took = up.unwrap().elapsed();
    client.abort();
    server.abort();
    (told, took)
}

fn reason(told: &[Event]) -> &str {
    match told {
        [Event::Up, .., Event::Down { reason, was_up: true }, Event::Up] => reason,
        _ => panic!("{told:?}"),
    }
}

#[tokio::test]
async fn a_server_which_keeps_the_connection_and_says_nothing_is_left() {
    let (told, took) = told(|mut socket| async move {
        // It takes what it is asked, and does not answer.
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    assert_eq!(reason(&told), "the server said nothing for 75 s");
    assert!(took >= SILENT && took < SILENT + Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_server_which_breaks_off_within_a_frame_is_asked_again() {
    let (told, _) = told(|mut socket| async move {
        socket.send(Text::text("{}")).await.unwrap();
        // The head of a frame of 100 bytes, and three of them.
        socket.get_mut().write_all(b"\x81\x64{\"t").await.unwrap();
    })
    .await;
    assert_eq!(told[1], Event::Frame("{}".to_owned()));
    assert!(reason(&told).contains("without closing handshake"), "{told:?}");
}

#[tokio::test]
async fn a_server_which_sends_what_is_no_frame_is_left() {
    let (told, _) = told(|mut socket| async move {
        socket.get_mut().write_all(&[0xff; 64]).await.unwrap();
        let _ = socket.get_mut().read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert!(!reason(&told).is_empty());
}
