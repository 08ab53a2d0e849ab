//! Who is who at a collector: its own addresses, its peers, and their AS numbers.
//!
//! Needed for two habits of the programs which write archives: OpenBGPD swaps the local and the peer side of its state-change records,
//! and an OPEN is recorded before the peer's four-byte AS number is known, so it carries AS 23456 or 0. Both are put right from what
//! the collector's other messages say. Sessions themselves are not followed here.

use super::scan::Envelope;
use crate::vantage::{Asn, VantageId};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// AS_TRANS, which stands in for any AS number that does not fit two bytes (RFC 6793 §9).
const AS_TRANS: Asn = Asn(23456);

/// What the messages of one collector have told about its sessions.
#[derive(Default, Debug)]
pub(in crate::source) struct Sessions {
    local: HashSet<IpAddr, foldhash::fast::FixedState>,
    peers: HashMap<IpAddr, Asn, foldhash::fast::FixedState>,
    /// Who was met lately, as long as nothing new is learnt of the peers: each where its address says. Everybody is met again and again.
    lately: Vec<Option<Known>>,
}

/// Whose messages begin with this envelope.
#[derive(Clone, Copy, Debug)]
struct Known {
    envelope: [u8; Envelope::LONGEST],
    length: u8,
    from: VantageId,
}

/// [`Sessions::lately`] has two to this power of places.
const LATELY: u32 = 12;

/// One end of a session, as a record has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source) struct End {
    pub(in crate::source) address: IpAddr,
    pub(in crate::source) asn: Asn,
}

impl End {
    /// True if its AS number is its own, and not a stand-in.
    pub(in crate::source) fn is_named(&self) -> bool {
        self.asn != Asn(0) && self.asn != AS_TRANS
    }
}

impl Sessions {
    /// Learns from a message or a table which names both ends of a session.
    pub(in crate::source) fn learn(&mut self, peer: End, local: Option<IpAddr>) {
        if peer.address.is_unspecified() {
            return;
        }
        if peer.is_named() && self.peers.get(&peer.address) != Some(&peer.asn) {
            self.peers.insert(peer.address, peer.asn);
            self.lately.clear();
        }
        if let Some(local) = local
            && !local.is_unspecified()
            && !self.local.contains(&local)
        {
            self.local.insert(local);
        }
    }

    /// Whose messages have this envelope, if that was asked before and nothing was learnt since which could change it.
    #[inline]
    pub(super) fn known(&self, envelope: Envelope<'_>) -> Option<VantageId> {
        let known = self.lately.get(place(envelope))?.as_ref()?;
        let told = known.envelope.get(..usize::from(known.length))?;
        (told == envelope.bytes()).then_some(known.from)
    }

    /// Remembers whose messages have this envelope.
    pub(super) fn know(&mut self, envelope: Envelope<'_>, from: VantageId) {
        let bytes = envelope.bytes();
        let mut known = Known { envelope: [0; Envelope::LONGEST], length: 0, from };
        if let (Some(room), Ok(length)) = (known.envelope.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            room.copy_from_slice(bytes);
            known.length = length;
            self.lately.resize(1 << LATELY, None);
            self.lately[place(envelope)] = Some(known);
        }
    }

    /// The peer with its true AS number, as far as known.
    pub(in crate::source) fn resolve(&self, peer: End) -> End {
        match self.peers.get(&peer.address) {
            Some(asn) if !peer.is_named() => End { asn: *asn, ..peer },
            _ => peer,
        }
    }

    /// True if the address is one of the collector's own.
    pub(in crate::source) fn is_local(&self, address: IpAddr) -> bool {
        self.local.contains(&address)
    }

    /// The peer of a state-change record, whose two ends may be swapped: the collector is on the peer's side if its address is known to be
    /// the collector's, or if no message of it is known and only the other side's AS number is missing, since a collector knows its own.
    pub(in crate::source) fn peer_of_change(&self, peer: End, local: End) -> End {
        let swapped = !local.address.is_unspecified()
            && !self.is_local(local.address)
            && (self.is_local(peer.address)
                || (local.asn == Asn(0) && peer.asn != Asn(0) && !self.peers.contains_key(&peer.address)));
        self.resolve(if swapped { local } else { peer })
    }
}

/// Where an envelope stands in [`Sessions::lately`]: by the last eight bytes of it, or of its peer's IPv6 address.
#[allow(clippy::cast_possible_truncation, reason = "twelve bits are left")]
fn place(envelope: Envelope<'_>) -> usize {
    let bytes = envelope.bytes();
    let end = if bytes.len() < 40 { bytes.len() } else { bytes.len() - 16 };
    let word = bytes[..end].last_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    // Multiplicative hashing (Knuth, TAOCP 6.4).
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - LATELY)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(address: &str, asn: u32) -> End {
        End { address: address.parse().unwrap(), asn: Asn(asn) }
    }

    #[test]
    fn openbgpds_swapped_state_changes_are_put_right() {
        let mut sessions = Sessions::default();
        let (collector, peer) = (end("192.0.2.104", 64499), end("192.0.2.5", 65541));
        // Before any message only the missing AS number tells, and it stays missing.
        let early = sessions.peer_of_change(collector, End { asn: Asn(0), ..peer });
        assert_eq!(early, End { asn: Asn(0), ..peer });
        sessions.learn(peer, Some(collector.address));
        assert_eq!(sessions.peer_of_change(collector, peer), peer, "swapped");
        assert_eq!(sessions.peer_of_change(peer, collector), peer, "in order");
        assert_eq!(sessions.peer_of_change(collector, End { asn: Asn(0), ..peer }), peer, "swapped, AS number not told");
    }

    #[test]
    fn as_trans_gives_way_to_the_number_learnt() {
        let mut sessions = Sessions::default();
        sessions.learn(end("192.0.2.6", 131_072), None);
        sessions.learn(end("192.0.2.6", 23456), None);
        assert_eq!(sessions.resolve(end("192.0.2.6", 23456)), end("192.0.2.6", 131_072));
        assert_eq!(sessions.resolve(end("192.0.2.7", 23456)), end("192.0.2.7", 23456));
    }
}
