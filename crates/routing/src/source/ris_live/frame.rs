//! Frames of RIS Live: one JSON object each.
//!
//! What the server of 2019 to 2026 was seen to write differs in small things (names of types, of hosts and of origins, empty lists or none,
//! a number as text): all of it is understood. Nothing is stated here.

use crate::source::hexadecimal;
use crate::time::Timestamp;
use crate::vantage::Asn;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message which a collector recorded.
    Message(Message),
    /// The server is not content; it may close the connection next.
    Error(String),
    /// A subscription holds from now on.
    Subscribed,
    /// An answer to a ping.
    Pong,
    /// Not of a server: who recorded the stream says how late it is.
    Clock(Timestamp),
    /// Not of a server: who recorded the stream had no connection from the first time to the second.
    Lost(Timestamp, Timestamp),
    /// Something else, by its type.
    Other(String),
}

/// A message which a collector recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When.
    pub at: Timestamp,
    /// The collector's name, without its domain.
    pub collector: String,
    /// The peer's address.
    pub peer: IpAddr,
    /// The peer's AS number.
    pub asn: Asn,
    /// What was recorded.
    pub what: Recorded,
}

/// What a collector recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// An UPDATE with prefixes.
    Update {
        /// Announced, each once.
        announced: Vec<IpNet>,
        /// Withdrawn, each once.
        withdrawn: Vec<IpNet>,
        /// The AS_PATH.
        path: Vec<Hop>,
    },
    /// A message whose bytes say what its fields do not (RFC 4271 §4).
    Bytes(Vec<u8>),
    /// A message of which nothing but its coming is known.
    SignOfLife,
    /// A KEEPALIVE.
    Keepalive,
    /// An OPEN of the peer.
    Open,
    /// A NOTIFICATION; whether it only settles which of two connections stays (RFC 4271 §6.8).
    Notification {
        /// It does.
        collision: bool,
    },
    /// The session is up, or down.
    State {
        /// It is up.
        up: bool,
    },
    /// Something which says nothing of the peer, by its type: a message which the collector sent, or of a type that is not known.
    Else(String),
}

/// A step of an AS_PATH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// Of an AS_SEQUENCE.
    One(Asn),
    /// An AS_SET.
    Set(Vec<Asn>),
}

/// What a recording says beside frames: types of lines which are not the server's.
const CLOCK: &str = "faultline_clock";
const LOST: &str = "faultline_lost";
/// The collector of messages which name none.
const UNNAMED: &str = "ris-live";
/// NOTIFICATION: Cease, Connection Collision Resolution (RFC 4486).
const COLLISION: (u8, u8) = (6, 7);

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// What whoever recorded a stream noted.
#[derive(Serialize, Deserialize)]
struct Noted {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Data<'a> {
    timestamp: f64,
    #[serde(borrow)]
    peer: Cow<'a, str>,
    #[serde(deserialize_with = "asn")]
    peer_asn: Asn,
    #[serde(borrow, default)]
    host: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    raw: Option<Cow<'a, str>>,
    #[serde(default)]
    path: Vec<Hop>,
    #[serde(borrow, default)]
    announcements: Vec<Announcement<'a>>,
    #[serde(borrow, default)]
    withdrawals: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    direction: Option<Cow<'a, str>>,
    notification: Option<Notification>,
}

#[derive(Deserialize)]
struct Announcement<'a> {
    #[serde(borrow)]
    prefixes: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Notification {
    code: u8,
    #[serde(default)]
    subcode: u8,
}

impl Frame {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &[u8]) -> Result<Frame, String> {
        let outer: Outer<'_> = serde_json::from_slice(text).map_err(|error| format!("is no frame of RIS Live: {error}"))?;
        let data = outer.data.map_or("null", RawValue::get);
        match &*outer.kind {
            "ris_message" => {
                let data = serde_json::from_str(data).map_err(|error| format!("a message cannot be read: {error}"))?;
                message(data).map(Frame::Message)
            }
            "ris_error" => {
                let told: Value = serde_json::from_str(data).unwrap_or_default();
                let words = told.get("message").and_then(Value::as_str).map_or_else(|| told.to_string(), str::to_owned);
                Ok(Frame::Error(words))
            }
            "ris_subscribe_ok" => Ok(Frame::Subscribed),
            "pong" => Ok(Frame::Pong),
            CLOCK => noted(data).map(|Noted { until, .. }| Frame::Clock(until)),
            LOST => noted(data).map(|Noted { from, until }| Frame::Lost(from.unwrap_or(until), until)),
            other => Ok(Frame::Other(other.to_owned())),
        }
    }
}

/// A line which says how late it is.
pub fn clock_line(until: Timestamp) -> String {
    json!({"type": CLOCK, "data": Noted { from: None, until }}).to_string()
}

/// A line which says that there was no connection.
pub fn lost_line(from: Timestamp, until: Timestamp) -> String {
    json!({"type": LOST, "data": Noted { from: Some(from), until }}).to_string()
}

impl Message {
    /// A frame which says the same.
    pub fn to_frame(&self) -> String {
        let Message { at, collector, peer, asn, what } = self;
        #[allow(clippy::cast_precision_loss, reason = "a double holds microseconds exactly until the year 2255")]
        let timestamp = at.micros() as f64 / 1e6;
        let mut data = json!({"timestamp": timestamp, "peer": peer, "peer_asn": asn.0.to_string(), "host": collector});
        let (kind, more) = match what {
            Recorded::Update { announced, withdrawn, path } => {
                let announcements =
                    if announced.is_empty() { json!([]) } else { json!([{"next_hop": peer, "prefixes": announced}]) };
                ("UPDATE", json!({"path": path, "announcements": announcements, "withdrawals": withdrawn}))
            }
            Recorded::Bytes(bytes) => ("UPDATE", json!({"announcements": [], "withdrawals": [], "raw": hexadecimal::text(bytes)})),
            Recorded::SignOfLife => ("UPDATE", json!({"announcements": [], "withdrawals": []})),
            Recorded::Keepalive => ("KEEPALIVE", json!({})),
            Recorded::Open => ("OPEN", json!({"direction": "received"})),
            Recorded::Notification { collision: true } => {
                ("NOTIFICATION", json!({"notification": {"code": COLLISION.0, "subcode": COLLISION.1}}))
            }
            Recorded::Notification { collision: false } => ("NOTIFICATION", json!({})),
            Recorded::State { up } => ("STATE", json!({"state": if *up { "connected" } else { "down" }})),
            Recorded::Else(name) => (name.as_str(), json!({})),
        };
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.insert("type".to_owned(), kind.into());
            data.extend(more);
        }
        json!({"type": "ris_message", "data": data}).to_string()
    }
}

fn noted(data: &str) -> Result<Noted, String> {
    serde_json::from_str(data).map_err(|error| format!("a note of the recording cannot be read: {error}"))
}

fn message(data: Data<'_>) -> Result<Message, String> {
    let peer = data.peer.parse().map_err(|_| format!("the peer `{}` is no address", data.peer))?;
    let host = data.host.split('.').next().filter(|host| !host.is_empty());
    let collector = host.unwrap_or(UNNAMED).to_owned();
    Ok(Message { at: time(data.timestamp)?, collector, peer, asn: data.peer_asn, what: recorded(data)? })
}

fn recorded(data: Data<'_>) -> Result<Recorded, String> {
    let has_prefixes = !data.announcements.is_empty() || !data.withdrawals.is_empty();
    let kind = match (&data.kind, &data.state) {
        (Some(kind), _) => &**kind,
        (None, Some(_)) => "STATE",
        (None, None) if has_prefixes || data.raw.is_some() => "UPDATE",
        (None, None) => "",
    };
    Ok(match (kind, data.direction.as_deref()) {
        (_, Some("sent")) => Recorded::Else("messages sent by the collector".to_owned()),
        // A path may be empty, or missing: the bytes tell.
        ("UPDATE", _) if has_prefixes && (data.raw.is_none() || data.announcements.is_empty() || !data.path.is_empty()) => {
            update(data)?
        }
        ("UPDATE", _) => data.raw.as_deref().map_or(Ok(Recorded::SignOfLife), |raw| bytes(raw).map(Recorded::Bytes))?,
        ("KEEPALIVE", _) => Recorded::Keepalive,
        ("OPEN", _) => Recorded::Open,
        ("NOTIFICATION", _) => {
            let told = data.notification.as_ref().map(|told| (told.code, told.subcode));
            Recorded::Notification { collision: told == Some(COLLISION) }
        }
        ("STATE" | "RIS_PEER_STATE", _) => match data.state.as_deref() {
            Some("connected" | "up" | "established") => Recorded::State { up: true },
            Some("down") => Recorded::State { up: false },
            state => Recorded::Else(format!("states `{}`", state.unwrap_or("not told"))),
        },
        ("", _) => Recorded::Else("messages without a type".to_owned()),
        (other, _) => Recorded::Else(format!("messages of the type `{other}`")),
    })
}

/// A route may be told once a next hop: it counts once. One which is both withdrawn and announced is announced (RFC 4271 §4.3).
fn update(data: Data<'_>) -> Result<Recorded, String> {
    let announced = data.announcements.iter().flat_map(|announcement| &announcement.prefixes);
    let announced = each_once(announced)?;
    let withdrawn = each_once(data.withdrawals.iter())?;
    Ok(Recorded::Update { announced, withdrawn, path: data.path })
}

fn each_once<'a>(texts: impl Iterator<Item = &'a Cow<'a, str>>) -> Result<Vec<IpNet>, String> {
    let mut prefixes: Vec<IpNet> = Vec::new();
    let mut seen = std::collections::HashSet::<IpNet, foldhash::fast::FixedState>::default();
    for text in texts {
        let prefix: IpNet = text.parse().map_err(|_| format!("`{text}` is no prefix"))?;
        let prefix = prefix.trunc();
        if seen.insert(prefix) {
            prefixes.push(prefix);
        }
    }
    Ok(prefixes)
}

/// Seconds since the epoch, with a fraction. A double holds microseconds exactly until the year 2255.
#[allow(clippy::cast_possible_truncation, reason = "it was looked at before")]
fn time(seconds: f64) -> Result<Timestamp, String> {
    let micros = (seconds * 1e6).round();
    if (0.0..9e15).contains(&micros) { Ok(Timestamp::from_micros(micros as i64)) } else { Err(format!("{seconds} is no time")) }
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    hexadecimal::bytes(hex).ok_or_else(|| "the raw message is not in hexadecimal".to_owned())
}

/// An AS number, which the server writes as text.
fn asn<'de, D: Deserializer<'de>>(from: D) -> Result<Asn, D::Error> {
    struct Number;
    impl de::Visitor<'_> for Number {
        type Value = Asn;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an AS number")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Asn, E> {
            u32::try_from(number).map(Asn).map_err(|_| E::custom(format!("{number} is no AS number")))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Asn, E> {
            text.parse().map(Asn).map_err(|_| E::custom(format!("`{text}` is no AS number")))
        }
    }
    from.deserialize_any(Number)
}

impl<'de> Deserialize<'de> for Hop {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Step;
        impl<'de> de::Visitor<'de> for Step {
            type Value = Hop;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an AS number or a list of them")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Hop, E> {
                u32::try_from(number).map(|asn| Hop::One(Asn(asn))).map_err(|_| E::custom(format!("{number} is no AS number")))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Hop, A::Error> {
                let mut set = Vec::new();
                while let Some(asn) = list.next_element::<u32>()? {
                    set.push(Asn(asn));
                }
                Ok(Hop::Set(set))
            }
        }
        from.deserialize_any(Step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(data: &str) -> Message {
        let common = r#""timestamp":1638000000.25,"peer":"192.0.2.1","peer_asn":"64500","host":"rrc01.ripe.net""#;
        match Frame::read(format!(r#"{{"type":"ris_message","data":{{{common},{data}}}}}"#).as_bytes()) {
            Ok(Frame::Message(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn hosts_times_and_numbers_as_text() {
        let told = message(r#""type":"KEEPALIVE""#);
        assert_eq!((&*told.collector, told.asn, told.at), ("rrc01", Asn(64500), Timestamp::from_micros(1_638_000_000_250_000)));
    }

    #[test]
    fn both_spellings_of_a_state() {
        let state = |kind: &str, state: &str| message(&format!(r#""type":"{kind}","state":"{state}""#)).what;
        assert_eq!(state("RIS_PEER_STATE", "down"), Recorded::State { up: false });
        assert_eq!(state("STATE", "connected"), Recorded::State { up: true });
        assert_eq!(state("STATE", "odd"), Recorded::Else("states `odd`".to_owned()));
    }

    // Why: 2021 told a route once for each next hop, 2026 writes IPv6 withdrawals out.
    #[test]
    fn a_route_told_for_two_next_hops_is_one_and_zeros_do_not_count() {
        let two = r#""announcements":[{"next_hop":"2001:db8::1","prefixes":["2001:db8:1::/48"]},{"next_hop":"fe80::1","prefixes":["2001:db8:1::/48"]}]"#;
        let told =
            message(&format!(r#""type":"UPDATE","path":[64500,[64501,64502]],{two},"withdrawals":["2a12:ca42:0:0:0:0:0:0/32"]"#));
        let expected = Recorded::Update {
            announced: vec!["2001:db8:1::/48".parse().unwrap()],
            withdrawn: vec!["2a12:ca42::/32".parse().unwrap()],
            path: vec![Hop::One(Asn(64500)), Hop::Set(vec![Asn(64501), Asn(64502)])],
        };
        assert_eq!(told.what, expected);
    }

    #[test]
    fn what_the_fields_leave_out_is_taken_from_the_bytes() {
        assert_eq!(
            message(r#""type":"UPDATE","announcements":[],"withdrawals":[],"raw":"ff0A""#).what,
            Recorded::Bytes(vec![255, 10])
        );
        assert_eq!(message(r#""type":"UPDATE","announcements":[],"withdrawals":[]"#).what, Recorded::SignOfLife);
    }

    #[test]
    fn a_message_written_again_says_the_same() {
        let bodies = [
            r#""type":"UPDATE","path":[64500,[64501,64502]],"announcements":[{"next_hop":"192.0.2.1","prefixes":["192.0.2.0/24"]}],"withdrawals":["2001:db8::/32"]"#,
            r#""type":"UPDATE","announcements":[],"withdrawals":["192.0.2.0/24"]"#,
            r#""type":"UPDATE","announcements":[],"withdrawals":[],"raw":"ff0A""#,
            r#""type":"UPDATE","announcements":[],"withdrawals":[]"#,
            r#""type":"KEEPALIVE""#,
            r#""type":"OPEN","direction":"received""#,
            r#""type":"NOTIFICATION","notification":{"code":6,"subcode":7}"#,
            r#""type":"NOTIFICATION","notification":{"code":6,"subcode":2}"#,
            r#""type":"STATE","state":"connected""#,
            r#""type":"RIS_PEER_STATE","state":"down""#,
        ];
        for body in bodies {
            let told = message(body);
            assert_eq!(Frame::read(told.to_frame().as_bytes()), Ok(Frame::Message(told)), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let data =
            r#""timestamp":1,"peer":"192.0.2.1","peer_asn":"64500","host":"rrc01","type":"UPDATE","withdrawals":["nonsense"]"#;
        let said = Frame::read(format!(r#"{{"type":"ris_message","data":{{{data}}}}}"#).as_bytes()).unwrap_err();
        assert_eq!(said, "`nonsense` is no prefix");
        assert!(Frame::read(b"<html>").unwrap_err().starts_with("is no frame of RIS Live"));
    }

    #[test]
    fn errors_keep_their_words() {
        let error = Frame::read(br#"{"type":"ris_error","data":{"message":"Unknown command type","command_type":"wrong"}}"#);
        assert_eq!(error, Ok(Frame::Error("Unknown command type".to_owned())));
        assert_eq!(Frame::read(br#"{"type":"pong"}"#), Ok(Frame::Pong));
        let (from, until) = (Timestamp::from_parts(100, 250_000), Timestamp::from_parts(160, 0));
        assert_eq!(Frame::read(lost_line(from, until).as_bytes()), Ok(Frame::Lost(from, until)));
        assert_eq!(Frame::read(clock_line(until).as_bytes()), Ok(Frame::Clock(until)));
        assert_eq!(Frame::read(br#"{"type":"ris_rrc_list","data":["rrc00"]}"#), Ok(Frame::Other("ris_rrc_list".to_owned())));
    }
}
