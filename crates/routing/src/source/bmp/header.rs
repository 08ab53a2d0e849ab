//! Whom a message of BMP is about: the per-peer header (RFC 7854 §4.2), with Adj-RIB-Out (RFC 8671) and Loc-RIB (RFC 9069).

use crate::time::Timestamp;
use crate::vantage::Asn;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Its length.
const LENGTH: usize = 42;
/// Flags (RFC 7854 §4.2, RFC 8671 §4): an IPv6 peer, post-policy, AS_PATH with two-byte numbers, Adj-RIB-Out.
const V: u8 = 0x80;
const L: u8 = 0x40;
const A: u8 = 0x20;
const O: u8 = 0x10;

/// Which of a router's tables is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// What the peer said, before the router's policy: what a witness says.
    PrePolicy,
    /// What is left of it after the policy.
    PostPolicy,
    /// What the router itself says to the peer (RFC 8671).
    AdjRibOut,
    /// What the router chose (RFC 9069).
    LocRib,
    /// A type of peer which was not known when this was written.
    Unknown(u8),
}

/// A VRF, by its route distinguisher or the router's own number (RFC 7854 §4.2); zero is the global table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Distinguisher(pub(super) u64);

/// A peer of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerKey {
    pub(super) distinguisher: Distinguisher,
    pub(super) address: IpAddr,
    pub(super) asn: Asn,
}

/// A per-peer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PeerHeader {
    pub(super) peer: PeerKey,
    pub(super) view: View,
    /// AS numbers in AS_PATH have two bytes.
    pub(super) two_byte_asns: bool,
    /// When, by the router; `None` if it does not tell.
    pub(super) told: Option<Timestamp>,
}

impl PeerHeader {
    /// Reads one, and gives what comes after it; `None` if it is cut short.
    pub(super) fn read(body: &[u8]) -> Option<(PeerHeader, &[u8])> {
        let (head, rest) = body.split_first_chunk::<LENGTH>()?;
        let [kind, flags, ..] = *head;
        let four = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let distinguisher = Distinguisher(u64::from(four(2)) << 32 | u64::from(four(6)));
        let six = u128::from(four(10)) << 96 | u128::from(four(14)) << 64 | u128::from(four(18)) << 32 | u128::from(four(22));
        // Of a Loc-RIB the first flag means something else (RFC 9069 §4.2), and the address is zero.
        let address = if kind != 3 && flags & V != 0 { IpAddr::V6(Ipv6Addr::from(six)) } else { Ipv4Addr::from(four(22)).into() };
        let told = match (four(34), four(38)) {
            (0, _) => None,
            (seconds, micros) => Some(Timestamp::from_parts(i64::from(seconds), micros.min(999_999))),
        };
        let view = match (kind, flags & O != 0, flags & L != 0) {
            (0..=2, true, _) => View::AdjRibOut,
            (0..=2, false, false) => View::PrePolicy,
            (0..=2, false, true) => View::PostPolicy,
            (3, ..) => View::LocRib,
            (other, ..) => View::Unknown(other),
        };
        let peer = PeerKey { distinguisher, address, asn: Asn(four(26)) };
        Some((PeerHeader { peer, view, two_byte_asns: kind != 3 && flags & A != 0, told }, rest))
    }
}

impl Distinguisher {
    /// True of the global table.
    pub(super) const fn is_global(self) -> bool {
        self.0 == 0
    }
}

/// As RFC 4364 §4.2 types it: `64500:1`, `192.0.2.1:1`; a number which is none of these stays one.
impl fmt::Display for Distinguisher {
    #[allow(clippy::cast_possible_truncation, reason = "the fields of a route distinguisher are parts of its eight bytes")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Distinguisher(bits) = *self;
        match bits >> 48 {
            0 if bits >> 32 & 0xffff != 0 => write!(f, "{}:{}", bits >> 32 & 0xffff, bits as u32),
            1 => write!(f, "{}:{}", Ipv4Addr::from((bits >> 16) as u32), bits & 0xffff),
            2 => write!(f, "{}:{}", bits >> 16 & 0xffff_ffff, bits & 0xffff),
            _ => write!(f, "{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u8, flags: u8, distinguisher: u64, time: u32) -> PeerHeader {
        let mut bytes = vec![kind, flags];
        bytes.extend(distinguisher.to_be_bytes());
        bytes.extend("2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend([0, 0, 0xfb, 0xf4, 192, 0, 2, 1]);
        bytes.extend(time.to_be_bytes());
        bytes.extend(250_000u32.to_be_bytes());
        bytes.push(9);
        assert_eq!(PeerHeader::read(&bytes[..41]), None);
        let (header, rest) = PeerHeader::read(&bytes).unwrap();
        assert_eq!(rest, [9]);
        header
    }

    #[test]
    fn flags_say_which_table_is_told() {
        let view = |kind, flags| header(kind, flags, 0, 1).view;
        assert_eq!((view(0, 0x80), view(0, 0xc0), view(1, 0x10)), (View::PrePolicy, View::PostPolicy, View::AdjRibOut));
        assert_eq!((view(3, 0x80), view(7, 0)), (View::LocRib, View::Unknown(7)));
        assert_eq!(header(0, 0x80, 0, 1).peer.address, "2001:db8::7".parse::<IpAddr>().unwrap());
        assert_eq!(header(0, 0, 0, 1).peer.address, "0.0.0.7".parse::<IpAddr>().unwrap());
        assert!(header(0, 0x20, 0, 1).two_byte_asns);
    }

    // Why: FRR's End-of-RIB messages have the time 0, which is not 1970.
    #[test]
    fn no_time_is_none() {
        assert_eq!(header(0, 0, 0, 0).told, None);
        assert_eq!(header(0, 0, 0, 100).told, Some(Timestamp::from_parts(100, 250_000)));
    }

    #[test]
    fn distinguishers_are_written_as_their_type_says() {
        for (bits, written) in [
            (0x0000_fbf4_0000_0007, "64500:7"),
            (0x0001_c000_0201_0007, "192.0.2.1:7"),
            (0x0002_0001_0000_0007, "65536:7"),
            (5, "5"),
        ] {
            assert_eq!(Distinguisher(bits).to_string(), written);
        }
    }
}
