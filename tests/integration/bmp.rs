//! BMP (RFC 7854): what routers tell of their peers, as recordings have it and as it comes. Messages are written byte by byte from the RFC.

use crate::wire::*;
use faultline::source::Interest;
use std::path::{Path, PathBuf};

mod damage;
mod lab;
mod live;
mod statements;
#[cfg(feature = "live")]
mod station;

/// The per-peer header's flags: post-policy, AS_PATH with two-byte numbers, Adj-RIB-Out.
const POST: u8 = 0x40;
const LEGACY: u8 = 0x20;
const OUT: u8 = 0x10;

/// A message (RFC 7854 §4.1).
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![3];
    out.extend((body.len() as u32 + 6).to_be_bytes());
    out.push(kind);
    out.extend(body);
    out
}

/// A per-peer header (RFC 7854 §4.2).
#[derive(Clone, Copy)]
struct Of {
    kind: u8,
    flags: u8,
    distinguisher: u64,
    peer: (&'static str, u32),
    seconds: u32,
}

/// A peer of the global table, before the router's policy.
fn of(peer: (&'static str, u32), seconds: u32) -> Of {
    Of { kind: 0, flags: 0, distinguisher: 0, peer, seconds }
}

impl Of {
    fn header(self) -> Vec<u8> {
        let mut address = address(self.peer.0);
        let v6 = if address.len() == 16 { 0x80 } else { 0 };
        let mut out = vec![self.kind, self.flags | v6];
        out.extend(self.distinguisher.to_be_bytes());
        out.extend(vec![0; 16 - address.len()]);
        out.append(&mut address);
        out.extend(self.peer.1.to_be_bytes());
        out.extend([192, 0, 2, 99]);
        out.extend(self.seconds.to_be_bytes());
        out.extend([0; 4]);
        out
    }

    /// Route Monitoring.
    fn says(self, update: &[u8]) -> Vec<u8> {
        message(0, &[self.header(), update.to_vec()].concat())
    }

    /// Peer Up, with OPENs of these capabilities.
    fn up(self, sent: &[u8], received: &[u8]) -> Vec<u8> {
        let open = |capabilities: &[u8]| {
            let mut body = vec![4, 0xfb, 0xf4, 0, 90, 192, 0, 2, 99];
            let parameters =
                if capabilities.is_empty() { Vec::new() } else { [&[2, capabilities.len() as u8], capabilities].concat() };
            body.push(parameters.len() as u8);
            body.extend(parameters);
            bgp(1, &body)
        };
        let mut local = vec![0; 12];
        local.extend([192, 0, 2, 100, 0, 179, 0x80, 0]);
        message(3, &[self.header(), local, open(sent), open(received)].concat())
    }

    /// Peer Down.
    fn down(self, reason: u8) -> Vec<u8> {
        message(2, &[self.header(), vec![reason]].concat())
    }

    /// Statistics, none of them.
    fn statistics(self) -> Vec<u8> {
        message(1, &[self.header(), vec![0; 4]].concat())
    }
}

/// Initiation of a router of this name.
fn initiation(name: &str) -> Vec<u8> {
    message(4, &[&[0, 2, 0, name.len() as u8], name.as_bytes()].concat())
}

/// A recording of these messages, read.
fn recorded(messages: &[Vec<u8>]) -> Reading {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    std::fs::write(&path, messages.concat()).unwrap();
    read(vec![input(&path, "edge", "recording", None)], Interest::Everything)
}

/// What it states beside signs of life.
fn lines(reading: &Reading) -> Vec<String> {
    reading.lines().into_iter().filter(|line| !line.ends_with(" alive")).collect()
}

/// The bytes of a recorded connection of the lab.
fn recording(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()), &mut bytes).unwrap();
    bytes
}

fn of_case_a(router: &str) -> PathBuf {
    PathBuf::from(format!("data/lab/A/bmp/{router}.1.bmp.gz"))
}
