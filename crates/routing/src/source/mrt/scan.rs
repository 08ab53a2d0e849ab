//! The relevance scan: what a record says, read from its bytes where it is of the usual kind.
//!
//! Nearly no record of an archive concerns an organization. The scan walks UPDATEs and KEEPALIVEs of BGP4MP records and the head of table
//! records (RFC 6396, RFC 4271, RFC 4760) without copying; it gives who spoke and of which prefixes. Whatever is not plain goes to the full
//! decoder ([`None`]): a record which concerns a watched prefix, state changes, other messages, records and families of other kinds, and
//! everything malformed or merely odd: what RFC 7606 makes of an UPDATE is decided in one place only. So the scan never judges: it is
//! either sure that the full decoder would say the same, or silent.

mod entries;

use super::session::End;
use crate::observation::{Prefixes, V4Prefix};
use crate::source::interest::{Interest, WatchedPrefixes};
use crate::vantage::Asn;
pub(super) use entries::{Entries, TableEntry};
use ipnet::{IpNet, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr};

/// A record which was understood.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) enum Scanned {
    /// An UPDATE with prefixes.
    Update(Update),
    /// A KEEPALIVE.
    Keepalive(Sender),
    /// A TABLE_DUMP_V2 record of one unicast prefix.
    Entries(Entries),
    /// A TABLE_DUMP record of one entry.
    Entry {
        /// Whose entry.
        peer: End,
        /// Of what.
        prefix: IpNet,
        /// The AS_PATH, where everything is watched.
        path: Option<Path>,
    },
}

/// Where in a record's body an AS_PATH stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Path {
    /// Where it begins and ends.
    place: (usize, usize),
    /// Bytes of an AS number in it.
    asn_size: usize,
}

impl Path {
    /// Its bytes, from the body of the record, and how many an AS number has.
    pub(in crate::source) fn value(self, body: &[u8]) -> (&[u8], usize) {
        (body.get(self.place.0..self.place.1).unwrap_or_default(), self.asn_size)
    }
}

/// The two ends of a session as the body of a BGP4MP message begins with them (RFC 6396 §4.4.2, §4.4.3): AS numbers, interface, family and
/// addresses. Which of the layouts it is in follows from its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Envelope<'a>(&'a [u8]);

/// Who sent a message: the length of its envelope.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Sender(usize);

/// An UPDATE. No prefix of it is both withdrawn and announced.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Update {
    /// Who sent it.
    pub(super) sender: Sender,
    /// How many of the prefixes which were appended are withdrawn, by [`Family::index`](crate::vantage::Family::index): they stand before
    /// the announced ones.
    pub(super) withdrawn: [usize; 2],
    /// The AS_PATH; empty if there is none.
    pub(super) path: Path,
}

impl Sender {
    /// Its envelope, in the body of the record.
    pub(super) fn envelope(self, body: &[u8]) -> Envelope<'_> {
        Envelope(body.get(..self.0).unwrap_or_default())
    }
}

impl<'a> Envelope<'a> {
    /// Its greatest length.
    pub(super) const LONGEST: usize = 2 * 4 + 4 + 2 * 16;

    fn of(body: &'a [u8], asn_size: usize) -> Option<Self> {
        let addresses = 2 * asn_size + 4;
        let length = match two(body, addresses - 2)? {
            1 => addresses + 2 * 4,
            2 => addresses + 2 * 16,
            _ => return None,
        };
        body.get(..length).map(Envelope)
    }

    /// Its bytes.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Who spoke, and the collector's address; `None` if it is no envelope.
    pub(super) fn ends(self) -> Option<(End, IpAddr)> {
        let bytes = self.0;
        let (asn, addresses) = match bytes.len() {
            16 | 40 => (u32::from(two(bytes, 0)?), 8),
            _ => (four(bytes, 0)?, 12),
        };
        let (peer, local) = match bytes.len() - addresses {
            8 => (address::<4>(bytes, addresses)?, address::<4>(bytes, addresses + 4)?),
            _ => (address::<16>(bytes, addresses)?, address::<16>(bytes, addresses + 16)?),
        };
        Some((End { address: peer, asn: Asn(asn) }, local))
    }
}

/// Reads a record's body, without the microseconds of the extended header; `None` if the full decoder must. The prefixes of an UPDATE are
/// appended to `prefixes`, those of a record which is left to the full decoder perhaps in part.
pub(super) fn record(kind: u16, subtype: u16, body: &[u8], interest: &Interest, prefixes: &mut Prefixes) -> Option<Scanned> {
    match (kind, subtype) {
        (16 | 17, _) => message(subtype, body, interest, prefixes),
        (13, 2 | 8) => entries::<false>(body, subtype == 8, interest),
        (13, 4 | 10) => entries::<true>(body, subtype == 10, interest),
        (12, 1) => entry::<4>(body, interest),
        (12, 2) => entry::<16>(body, interest),
        _ => None,
    }
}

/// Length, type and marker of a BGP message (RFC 4271 §4.1).
pub(super) const MESSAGE_HEADER: usize = 19;

/// The attributes which the scan looks at (RFC 4271 §5, RFC 4760, RFC 6793), as bits of [`Reading::seen`].
pub(super) const ORIGIN: u8 = 1;
pub(super) const AS_PATH: u8 = 2;
pub(super) const NEXT_HOP: u8 = 3;
const LOCAL_PREF: u8 = 5;
pub(super) const MP_REACH_NLRI: u8 = 14;
pub(super) const MP_UNREACH_NLRI: u8 = 15;
const AS4_PATH: u8 = 17;
/// All of them.
const LOOKED_AT: u32 =
    1 << ORIGIN | 1 << AS_PATH | 1 << NEXT_HOP | 1 << LOCAL_PREF | 1 << MP_REACH_NLRI | 1 << MP_UNREACH_NLRI | 1 << AS4_PATH;

/// The body of a BGP4MP or BGP4MP_ET record (RFC 6396 §4.4.2, §4.4.3); otherwise as [`record`].
#[inline]
pub(super) fn message(subtype: u16, body: &[u8], interest: &Interest, prefixes: &mut Prefixes) -> Option<Scanned> {
    let watched = interest.watched();
    let (asn_size, path_ids) = match subtype {
        1 => (2, false),
        4 => (4, false),
        // The statements of everything tell path identifiers, and what concerns somebody goes to the full decoder.
        8 if watched.is_some() => (2, true),
        9 if watched.is_some() => (4, true),
        _ => return None,
    };
    let start = Envelope::of(body, asn_size)?.0.len();
    let message = body.get(start..)?;
    let length = usize::from(two(message, 16)?);
    match *message.get(18)? {
        2 if length >= MESSAGE_HEADER => {
            let update = message.get(MESSAGE_HEADER..length)?;
            let from = prefixes.len();
            let mut reading = Reading { watched, prefixes, from, withdrawn: from, asn_size, path_ids, path: (0, 0), seen: 0 };
            reading.update(update, start + MESSAGE_HEADER)?;
            let Reading { withdrawn, path, .. } = reading;
            let withdrawn = [withdrawn[0] - from[0], withdrawn[1] - from[1]];
            Some(Scanned::Update(Update { sender: Sender(start), withdrawn, path: Path { place: path, asn_size } }))
        }
        4 if length == MESSAGE_HEADER => Some(Scanned::Keepalive(Sender(start))),
        _ => None,
    }
}

/// The BGP message in the body of a BGP4MP record whose AS numbers have four bytes.
pub(super) fn bgp_message(body: &[u8]) -> Option<&[u8]> {
    let start = Envelope::of(body, 4)?.0.len();
    body.get(start..)
}

/// An UPDATE being read.
struct Reading<'a> {
    watched: Option<&'a WatchedPrefixes>,
    prefixes: &'a mut Prefixes,
    /// How many prefixes there were before it, by [`Family::index`](crate::vantage::Family::index).
    from: [usize; 2],
    /// How many there are with those which it withdraws.
    withdrawn: [usize; 2],
    asn_size: usize,
    /// Its prefixes have path identifiers (RFC 7911).
    path_ids: bool,
    path: (usize, usize),
    /// Attributes met, by their type.
    seen: u32,
}

impl Reading<'_> {
    /// An UPDATE message (RFC 4271 §4.3), which begins at `start` of the record's body.
    #[inline]
    fn update(&mut self, update: &[u8], start: usize) -> Option<()> {
        let attributes = 2 + usize::from(two(update, 0)?);
        self.list_v4(update.get(2..attributes)?)?;
        self.withdrawn[0] = self.prefixes.v4.len();
        let end = attributes + 2 + usize::from(two(update, attributes)?);
        self.attributes(update.get(attributes + 2..end)?, start + attributes + 2)?;
        let nlri = update.get(end..)?;
        if !nlri.is_empty() {
            // Both in one UPDATE: rare, and the order would matter.
            if self.has(MP_REACH_NLRI) || !self.has(NEXT_HOP) {
                return None;
            }
            self.list_v4(nlri)?;
        }
        let all = self.prefixes.len();
        let announces = all != self.withdrawn;
        // An announcement without these is taken as a withdrawal (RFC 7606 §3 d); an UPDATE without prefixes may mark the end of a table.
        if all == self.from || announces && !(self.has(ORIGIN) && self.has(AS_PATH)) {
            return None;
        }
        if announces && self.watched.is_none() && self.has(AS4_PATH) {
            return None;
        }
        (!announces || self.withdrawn == self.from || !self.overlaps()).then_some(())
    }

    fn has(&self, attribute: u8) -> bool {
        self.seen >> attribute & 1 != 0
    }

    /// Whether one prefix is both withdrawn and announced; true as well if there are too many to compare.
    fn overlaps(&self) -> bool {
        fn shared<T: PartialEq>(list: &[T], from: usize, withdrawn: usize) -> bool {
            let (withdrawn, announced) = list[from..].split_at(withdrawn - from);
            withdrawn.len() * announced.len() > 1_024 || withdrawn.iter().any(|prefix| announced.contains(prefix))
        }
        let Reading { prefixes, from, withdrawn, .. } = self;
        shared(&prefixes.v4, from[0], withdrawn[0]) || shared(&prefixes.v6, from[1], withdrawn[1])
    }

    /// Path attributes (RFC 4271 §4.3), which begin at `start` of the record's body.
    fn attributes(&mut self, bytes: &[u8], start: usize) -> Option<()> {
        let mut rest = bytes;
        while let [flags, kind, short, ..] = *rest {
            let (length, head) = if flags & 0x10 == 0 { (usize::from(short), 3) } else { (usize::from(two(rest, 2)?), 4) };
            let value = rest.get(head..head + length)?;
            rest = &rest[head + length..];
            let bit = 1u32.checked_shl(u32::from(kind)).unwrap_or(0);
            if bit & LOOKED_AT == 0 {
                continue;
            }
            // Compared one by one, not by a table of jumps: their order is nearly always the same, so a processor knows what comes.
            if kind == ORIGIN {
                if length != 1 || value[0] > 2 {
                    return None;
                }
            } else if kind == AS_PATH {
                let end = start + bytes.len() - rest.len();
                self.path = (end - length, end);
                whole_path(value, self.asn_size)?;
            } else if kind == NEXT_HOP || kind == LOCAL_PREF {
                if length != 4 {
                    return None;
                }
            } else if kind == MP_REACH_NLRI {
                self.reach(value)?;
            } else if kind == MP_UNREACH_NLRI {
                self.unreach(value)?;
            }
            if self.seen & bit != 0 {
                return None;
            }
            self.seen |= bit;
        }
        rest.is_empty().then_some(())
    }

    /// MP_REACH_NLRI (RFC 4760 §3), unicast.
    fn reach(&mut self, value: &[u8]) -> Option<()> {
        let next_hop = *value.get(3)?;
        if value[2] != 1 || !matches!(next_hop, 0 | 4 | 16 | 24 | 32 | 48) {
            return None;
        }
        // After the next hop a reserved byte.
        self.family(value, value.get(5 + usize::from(next_hop)..)?)
    }

    /// MP_UNREACH_NLRI (RFC 4760 §4), unicast.
    fn unreach(&mut self, value: &[u8]) -> Option<()> {
        if *value.get(2)? != 1 || self.has(MP_REACH_NLRI) {
            return None;
        }
        self.family(value, &value[3..])?;
        self.withdrawn = self.prefixes.len();
        Some(())
    }

    fn family(&mut self, value: &[u8], nlri: &[u8]) -> Option<()> {
        match two(value, 0)? {
            1 => self.list_v4(nlri),
            2 => self.list_v6(nlri),
            _ => None,
        }
    }

    /// IPv4 prefixes (RFC 4271 §4.3); `None` if one of them is watched, or not plain.
    fn list_v4(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let (prefix, rest) = v4(self.after_path_id(bytes)?)?;
            if self.watched.is_some_and(|watched| watched.concerns_v4(prefix)) {
                return None;
            }
            self.prefixes.v4.push(prefix);
            bytes = rest;
        }
        Some(())
    }

    /// The same of IPv6.
    fn list_v6(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let (prefix, rest) = v6(self.after_path_id(bytes)?)?;
            if self.watched.is_some_and(|watched| watched.concerns_v6(prefix)) {
                return None;
            }
            self.prefixes.v6.push(prefix);
            bytes = rest;
        }
        Some(())
    }

    /// What comes after a path identifier, if there are any. A zero where none is expected is a default route, or an identifier of which the
    /// record does not tell (RFC 7911): the full decoder guesses.
    #[inline]
    fn after_path_id<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if self.path_ids { bytes.get(4..) } else { (bytes[0] != 0).then_some(bytes) }
    }
}

/// Whether an AS_PATH can be read (RFC 4271 §4.3 b, RFC 5065 §3).
fn whole_path(mut value: &[u8], asn_size: usize) -> Option<()> {
    while let [kind, count, rest @ ..] = value {
        if !(1..=4).contains(kind) {
            return None;
        }
        value = rest.get(usize::from(*count) * asn_size..)?;
    }
    value.is_empty().then_some(())
}

/// One IPv4 prefix, without the bits behind its length, and what comes after it.
#[inline]
fn v4(bytes: &[u8]) -> Option<(V4Prefix, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let size = usize::from(*length).div_ceil(8);
    // Four bytes at once where there are as many; those behind the prefix fall off with the bits behind its length.
    let address = match rest.first_chunk() {
        Some(four) => u32::from_be_bytes(*four),
        None => rest.get(..size)?.iter().rev().fold(0, |address, byte| address >> 8 | u32::from(*byte) << 24),
    };
    Some((V4Prefix::new(address, *length)?, rest.get(size..)?))
}

/// One IPv6 prefix, likewise.
#[inline]
fn v6(bytes: &[u8]) -> Option<(Ipv6Net, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let size = usize::from(*length).div_ceil(8);
    let address = match rest.first_chunk() {
        Some(all) => u128::from_be_bytes(*all),
        None => rest.get(..size)?.iter().rev().fold(0, |address, byte| address >> 8 | u128::from(*byte) << 120),
    };
    let host = u128::MAX.checked_shr(u32::from(*length)).unwrap_or(0);
    Some((Ipv6Net::new(Ipv6Addr::from_bits(address & !host), *length).ok()?, rest.get(size..)?))
}

/// A RIB record (RFC 6396 §4.3.2): only its head is looked at.
fn entries<const V6: bool>(body: &[u8], path_ids: bool, interest: &Interest) -> Option<Scanned> {
    let (prefix, rest) = if V6 {
        v6(body.get(4..)?).map(|(net, rest)| (IpNet::V6(net), rest))?
    } else {
        v4(body.get(4..)?).map(|(net, rest)| (IpNet::from(net), rest))?
    };
    let watched = interest.watched();
    let start = body.len() - rest.len();
    let plain = rest.len() >= 2 && !watched.is_some_and(|watched| watched.concerns(&prefix));
    plain.then(|| Scanned::Entries(Entries { prefix, start, path_ids, routes: watched.is_none() }))
}

/// A TABLE_DUMP record (RFC 6396 §4.2) of one entry.
fn entry<const SIZE: usize>(body: &[u8], interest: &Interest) -> Option<Scanned> {
    let (address_of_prefix, length) = (address::<SIZE>(body, 4)?, *body.get(4 + SIZE)?);
    let prefix = IpNet::new(address_of_prefix, length).ok()?.trunc();
    let peer = 4 + SIZE + 6;
    let peer_as = peer + SIZE;
    let attributes = body.get(peer_as + 4..)?;
    if attributes.len() != usize::from(two(body, peer_as + 2)?) {
        return None;
    }
    let path = match interest.watched() {
        None => Some(path(attributes, peer_as + 4, 2)?),
        Some(watched) if may_end_in_header(attributes) && ends_in_header(attributes) || watched.concerns(&prefix) => return None,
        Some(_) => None,
    };
    let peer = End { address: address::<SIZE>(body, peer)?, asn: Asn(u32::from(two(body, peer_as)?)) };
    Some(Scanned::Entry { peer, prefix, path })
}

/// The AS_PATH among path attributes which begin at `start` of a body; `None` if there is not just one, or the full decoder must read them.
fn path(attributes: &[u8], start: usize, asn_size: usize) -> Option<Path> {
    let (mut rest, mut found) = (attributes, None);
    while let [flags, kind, short, ..] = *rest {
        let (length, head) = if flags & 0x10 == 0 { (usize::from(short), 3) } else { (usize::from(two(rest, 2)?), 4) };
        let value = rest.get(head..head + length)?;
        rest = &rest[head + length..];
        if kind == AS_PATH {
            whole_path(value, asn_size)?;
            let end = start + attributes.len() - rest.len();
            if found.replace(Path { place: (end - length, end), asn_size }).is_some() {
                return None;
            }
        } else if kind == AS4_PATH {
            return None;
        }
    }
    found.filter(|_| rest.is_empty())
}

/// Whether path attributes end inside the head of one of them, which is the one thing that makes the full decoder give up a table entry.
fn ends_in_header(attributes: &[u8]) -> bool {
    let mut at = 0;
    while let Some([flags, _, high, low]) = attributes.get(at..).and_then(|rest| rest.first_chunk()) {
        at += if flags & 0x10 == 0 { 3 + usize::from(*high) } else { 4 + usize::from(u16::from_be_bytes([*high, *low])) };
    }
    at + 3 == attributes.len() && may_end_in_header(attributes)
}

/// It takes three last bytes with the flag of a long length first, so that many need no walk.
#[inline]
fn may_end_in_header(attributes: &[u8]) -> bool {
    matches!(attributes, [.., flags, _, _] if flags & 0x10 != 0)
}

fn address<const SIZE: usize>(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let octets = bytes.get(at..at + SIZE)?;
    match SIZE {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(octets).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(octets).ok()?)),
    }
}

#[inline]
fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[inline]
fn four(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
