//! A client of RIS Live made of bgpkit-parser alone: asks for everything, hands every frame to it, and counts.
//!
//! Takes the address of a stream, such as that of `faultline replay --listen`; gives what was parsed and what was not, by bgpkit-parser's own words. Nothing of
//! Faultline is used.

use bgpkit_parser::models::ElemType;
use bgpkit_parser::parse_ris_live_message;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// What came of a stream.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Frames which came.
    pub frames: u64,
    /// Prefixes announced in them.
    pub announced: u64,
    /// Prefixes withdrawn in them.
    pub withdrawn: u64,
    /// Frames which bgpkit-parser refuses, by its reason.
    pub refused: BTreeMap<String, u64>,
    /// Why the server ended the stream.
    pub end: String,
}

/// Reads a stream to its end.
///
/// # Errors
/// If no connection can be made, or it breaks.
pub async fn read(address: &str) -> Result<Parsed, Box<dyn std::error::Error>> {
    let (mut socket, _) = connect_async(address).await?;
    socket.send(Message::text(r#"{"type":"ris_subscribe","data":{"socketOptions":{"includeRaw":true}}}"#)).await?;
    let mut parsed = Parsed::default();
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(frame) => parsed.take(&frame),
            Message::Close(close) => parsed.end = close.map(|close| close.reason.to_string()).unwrap_or_default(),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    Ok(parsed)
}

impl Parsed {
    fn take(&mut self, frame: &str) {
        self.frames += 1;
        match parse_ris_live_message(frame) {
            Ok(elements) => {
                for element in elements {
                    match element.elem_type {
                        ElemType::ANNOUNCE => self.announced += 1,
                        ElemType::WITHDRAW => self.withdrawn += 1,
                    }
                }
            }
            Err(error) => *self.refused.entry(error.to_string()).or_default() += 1,
        }
    }
}

#[allow(dead_code, clippy::print_stdout, reason = "the test beside it reads streams without a command line")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("name a stream, such as ws://127.0.0.1:8080/")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let parsed = runtime.block_on(read(&address))?;
    println!("{} frames, {} announced and {} withdrawn prefixes", parsed.frames, parsed.announced, parsed.withdrawn);
    parsed.refused.iter().for_each(|(reason, count)| println!("{count} refused: {reason}"));
    Ok(())
}
