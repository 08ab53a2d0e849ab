//! What is put into one message of the bus, as bytes.
//!
//! A byte for the version of this format; then, deflated, in the compact form of postcard, a stretch of the stream: who speaks and what is said, without paths; or
//! the paths of it which one share needs. Both name the stretch, so that they find each other.

use crate::source::ris_live::frame::{Hop, Message, Recorded};
use crate::time::Timestamp;
use crate::vantage::Asn;
use crate::watch::connection::Said;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use ipnet::IpNet;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::IpAddr;

/// The format.
const VERSION: u8 = 1;
/// Nobody writes more into one message, unpacked.
const MOST: u64 = 8 << 20;

/// Which stretch: the run of who published it, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// By chance.
    pub run: u64,
    /// From 1.
    pub number: u64,
}

/// A stretch of the stream, for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Which.
    pub key: Key,
    /// What is said.
    pub said: Vec<Said>,
    /// The shares which have paths of it.
    pub paths_of: Vec<u32>,
}

/// Paths of a stretch, each with the place of its message in what is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Of which.
    pub key: Key,
    /// In order of place.
    pub paths: Vec<(u32, Vec<Hop>)>,
}

#[derive(Serialize, Deserialize)]
struct PackedStretch {
    key: Key,
    paths_of: Vec<u32>,
    peers: Vec<(String, IpAddr, Asn)>,
    said: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct PackedPaths {
    key: Key,
    paths: Vec<(u32, Vec<Step>)>,
}

#[derive(Serialize, Deserialize)]
enum Line {
    Message {
        /// Its place in the list.
        peer: u32,
        /// By how many microseconds it is later than what stands before it.
        later: i64,
        what: What,
    },
    Clock(i64),
    Lost(i64, i64),
    End,
}

#[derive(Serialize, Deserialize)]
enum What {
    Update { announced: Vec<IpNet>, withdrawn: Vec<IpNet>, path: Vec<Step> },
    Bytes(Vec<u8>),
    SignOfLife,
    Keepalive,
    Open,
    Notification { collision: bool },
    State { up: bool },
    Else(String),
}

#[derive(Serialize, Deserialize)]
enum Step {
    One(Asn),
    Set(Vec<Asn>),
}

impl Stretch {
    /// As bytes.
    ///
    /// # Errors
    /// What the compressor says.
    pub fn write(self) -> Result<Vec<u8>, String> {
        let Stretch { key, said, paths_of } = self;
        let mut packed = PackedStretch { key, paths_of, peers: Vec::new(), said: Vec::with_capacity(said.len()) };
        let mut places: HashMap<(String, IpAddr, Asn), u32> = HashMap::new();
        let mut before = 0;
        for one in said {
            packed.said.push(match one {
                Said::Message(Message { at, collector, peer, asn, what }) => {
                    let next = u32::try_from(packed.peers.len()).unwrap_or(u32::MAX);
                    let peer = *places.entry((collector, peer, asn)).or_insert_with_key(|who| {
                        packed.peers.push(who.clone());
                        next
                    });
                    let later = at.micros() - before;
                    before = at.micros();
                    Line::Message { peer, later, what: what.into() }
                }
                Said::Clock(at) => Line::Clock(at.micros()),
                Said::Lost(from, until) => Line::Lost(from.micros(), until.micros()),
                Said::End => Line::End,
            });
        }
        pack(&packed)
    }

    /// What stands in bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(bytes: &[u8]) -> Result<Stretch, String> {
        let PackedStretch { key, paths_of, peers, said } = unpack(bytes)?;
        let mut before: i64 = 0;
        let said = said.into_iter().map(|line| {
            Ok(match line {
                Line::Message { peer, later, what } => {
                    let Some((collector, peer, asn)) = peers.get(peer as usize).cloned() else {
                        return Err("it names a peer which it does not list".to_owned());
                    };
                    before = before.saturating_add(later);
                    Said::Message(Message { at: time(before)?, collector, peer, asn, what: what.into() })
                }
                Line::Clock(at) => Said::Clock(time(at)?),
                Line::Lost(from, until) => Said::Lost(time(from)?, time(until)?),
                Line::End => Said::End,
            })
        });
        Ok(Stretch { key, said: said.collect::<Result<_, String>>()?, paths_of })
    }

    /// Gives messages their paths.
    pub fn join(&mut self, paths: Paths) {
        for (place, path) in paths.paths {
            if let Some(Said::Message(message)) = self.said.get_mut(place as usize) {
                message.give_path(path);
            }
        }
    }
}

impl Paths {
    /// As bytes.
    ///
    /// # Errors
    /// What the compressor says.
    pub fn write(self) -> Result<Vec<u8>, String> {
        let paths = self.paths.into_iter().map(|(place, path)| (place, path.into_iter().map(Step::from).collect()));
        pack(&PackedPaths { key: self.key, paths: paths.collect() })
    }

    /// What stands in bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(bytes: &[u8]) -> Result<Paths, String> {
        let PackedPaths { key, paths } = unpack(bytes)?;
        let paths = paths.into_iter().map(|(place, path)| (place, path.into_iter().map(Hop::from).collect()));
        Ok(Paths { key, paths: paths.collect() })
    }
}

/// As frames of RIS Live may tell them.
fn time(micros: i64) -> Result<Timestamp, String> {
    let is_time = (0..9_000_000_000_000_000).contains(&micros);
    is_time.then(|| Timestamp::from_micros(micros)).ok_or_else(|| format!("{micros} is no time"))
}

fn pack(what: &impl Serialize) -> Result<Vec<u8>, String> {
    let plain = postcard::to_stdvec(what).map_err(|error| error.to_string())?;
    let mut packed = DeflateEncoder::new(vec![VERSION], Compression::fast());
    packed.write_all(&plain).and_then(|()| packed.finish()).map_err(|error| error.to_string())
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let Some((&VERSION, packed)) = bytes.split_first() else {
        let version = bytes.first().map_or("nothing".to_owned(), u8::to_string);
        return Err(format!("it is of another program, or version (it begins with {version}, not with {VERSION})"));
    };
    let mut plain = Vec::new();
    DeflateDecoder::new(packed).take(MOST + 1).read_to_end(&mut plain).map_err(|error| error.to_string())?;
    if plain.len() as u64 > MOST {
        return Err(format!("it is longer than {MOST} bytes"));
    }
    postcard::from_bytes(&plain).map_err(|error| error.to_string())
}

impl From<Hop> for Step {
    fn from(hop: Hop) -> Self {
        match hop {
            Hop::One(asn) => Step::One(asn),
            Hop::Set(set) => Step::Set(set),
        }
    }
}

impl From<Step> for Hop {
    fn from(step: Step) -> Self {
        match step {
            Step::One(asn) => Hop::One(asn),
            Step::Set(set) => Hop::Set(set),
        }
    }
}

impl From<Recorded> for What {
    fn from(what: Recorded) -> Self {
        match what {
            Recorded::Update { announced, withdrawn, path } => {
                What::Update { announced, withdrawn, path: path.into_iter().map(Step::from).collect() }
            }
            Recorded::Bytes(bytes) => What::Bytes(bytes),
            Recorded::SignOfLife => What::SignOfLife,
            Recorded::Keepalive => What::Keepalive,
            Recorded::Open => What::Open,
            Recorded::Notification { collision } => What::Notification { collision },
            Recorded::State { up } => What::State { up },
            Recorded::Else(name) => What::Else(name),
        }
    }
}

impl From<What> for Recorded {
    fn from(what: What) -> Self {
        match what {
            What::Update { announced, withdrawn, path } => {
                Recorded::Update { announced, withdrawn, path: path.into_iter().map(Hop::from).collect() }
            }
            What::Bytes(bytes) => Recorded::Bytes(bytes),
            What::SignOfLife => Recorded::SignOfLife,
            What::Keepalive => Recorded::Keepalive,
            What::Open => Recorded::Open,
            What::Notification { collision } => Recorded::Notification { collision },
            What::State { up } => Recorded::State { up },
            What::Else(name) => Recorded::Else(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seconds: i64, peer: &str, what: Recorded) -> Said {
        let at = Timestamp::from_parts(seconds, 250_000);
        Said::Message(Message { at, collector: "rrc00".to_owned(), peer: peer.parse().unwrap(), asn: Asn(64_500), what })
    }

    fn all() -> Vec<Said> {
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpNet>>();
        let path = vec![Hop::One(Asn(64_500)), Hop::Set(vec![Asn(1), Asn(4_200_000_000)])];
        let update =
            Recorded::Update { announced: nets(&["192.0.2.0/24", "0.0.0.0/0"]), withdrawn: nets(&["2001:db8::/32"]), path };
        vec![
            message(100, "192.0.2.1", update),
            message(99, "2001:db8::1", Recorded::Bytes(vec![255, 0, 7])),
            Said::Clock(Timestamp::from_parts(101, 5)),
            message(200, "192.0.2.1", Recorded::SignOfLife),
            message(200, "192.0.2.1", Recorded::Keepalive),
            message(200, "192.0.2.1", Recorded::Open),
            message(200, "192.0.2.1", Recorded::Notification { collision: true }),
            message(200, "192.0.2.1", Recorded::State { up: false }),
            message(200, "192.0.2.1", Recorded::Else("messages without a type".to_owned())),
            Said::Lost(Timestamp::from_parts(201, 0), Timestamp::from_parts(260, 1)),
            Said::End,
        ]
    }

    const KEY: Key = Key { run: u64::MAX, number: 7 };

    #[test]
    fn what_is_written_is_read() {
        let stretch = Stretch { key: KEY, said: all(), paths_of: vec![0, 15] };
        assert_eq!(Stretch::read(&stretch.clone().write().unwrap()), Ok(stretch));
        let paths = Paths { key: KEY, paths: vec![(0, vec![Hop::One(Asn(1)), Hop::Set(vec![Asn(2), Asn(3)])]), (9, Vec::new())] };
        assert_eq!(Paths::read(&paths.clone().write().unwrap()), Ok(paths));
    }

    #[test]
    fn paths_find_their_messages() {
        let mut stretch = Stretch { key: KEY, said: all(), paths_of: vec![0] };
        let Some(Said::Message(first)) = stretch.said.first_mut() else { panic!("a message") };
        let path = first.take_path();
        assert_ne!(stretch.said, all());
        // A place which is none of a message with a path is none of ours.
        stretch.join(Paths { key: KEY, paths: vec![(0, path), (2, Vec::new()), (99, Vec::new())] });
        assert_eq!(stretch.said, all());
    }

    #[test]
    fn what_is_damaged_is_refused_and_nothing_panics() {
        let whole = Stretch { key: KEY, said: all(), paths_of: vec![0, 15] }.write().unwrap();
        assert_eq!(Stretch::read(&[]).unwrap_err(), "it is of another program, or version (it begins with nothing, not with 1)");
        assert!(Stretch::read(b"{}").unwrap_err().contains("begins with 123"));
        for length in 0..whole.len() {
            assert!(Stretch::read(&whole[..length]).is_err(), "{length} bytes");
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << bit;
                let _ = (Stretch::read(&damaged), Paths::read(&damaged));
            }
        }
        let mut packed = DeflateEncoder::new(vec![VERSION], Compression::best());
        (0..10).for_each(|_| packed.write_all(&[0; 1 << 20]).unwrap());
        assert!(Stretch::read(&packed.finish().unwrap()).unwrap_err().contains("longer than"));
    }
}
