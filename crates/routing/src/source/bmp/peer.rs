//! What is known of one peer of a router: whether it is up, which of its tables counts, and how its prefixes are written.

use super::header::View;
use crate::source::mrt::asn_of_open;
use crate::vantage::Asn;
use bgpkit_parser::models::capabilities::AddPathSendReceive;
use bgpkit_parser::models::{Afi, BgpMessage, BgpOpenMessage, CapabilityValue, ParamValue, Safi};
use bgpkit_parser::parser::bgp::parse_bgp_message;
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Length, type and marker of a BGP message (RFC 4271 §4.1).
const BGP_HEADER: usize = 19;
/// UPDATE.
const UPDATE: u8 = 2;

/// A peer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peer {
    pub(super) is_up: bool,
    pub(super) agreed: Agreed,
    view: Option<View>,
}

/// What the OPENs of a session say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    /// Prefixes have path identifiers (RFC 7911), by [`Family::index`](crate::vantage::Family::index).
    pub(super) path_ids: [bool; 2],
    /// The router's own AS number.
    pub(super) own: Option<Asn>,
}

impl Peer {
    /// The session came up: what was agreed is what its OPENs say.
    pub(super) fn up(&mut self, agreed: Agreed) {
        // Some routers tell the same session once for each of its tables.
        if !self.is_up {
            *self = Peer { is_up: true, agreed, view: None };
        }
    }

    /// Whether what is told from this view counts: what the peer said itself, and what the router's policy left of it only as long as nothing
    /// else is told. An End-of-RIB alone decides nothing: FRR sends one of either view, whatever it tells.
    pub(super) fn chooses(&mut self, view: View, has_routes: bool) -> bool {
        match (self.view, view) {
            (Some(chosen), view) if chosen == view => true,
            (None, View::PrePolicy) if !has_routes => true,
            (None, View::PrePolicy | View::PostPolicy) | (Some(View::PostPolicy), View::PrePolicy) if has_routes => {
                self.view = Some(view);
                true
            }
            (Some(_) | None, _) => false,
        }
    }
}

/// The UPDATE which a Route Monitoring message carries.
pub(super) struct CarriedUpdate<'a>(&'a [u8]);

impl<'a> CarriedUpdate<'a> {
    /// What comes after the per-peer header, if it is one UPDATE and nothing else; else what is wrong with it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let [.., high, low, kind] = *bytes.first_chunk::<BGP_HEADER>().ok_or("a message carries no whole BGP message")?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != UPDATE {
            return Err(format!("a Route Monitoring message carries a BGP message of type {kind}, and not an UPDATE"));
        }
        if length != bytes.len() {
            return Err(format!("an UPDATE tells a length of {length} bytes, and there are {}", bytes.len()));
        }
        Ok(CarriedUpdate(bytes))
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// False of an End-of-RIB marker (RFC 4724 §2).
    pub(super) fn has_routes(&self) -> bool {
        match self.parts() {
            [[], [], []] => false,
            // MP_UNREACH_NLRI of nothing, its length in one byte or in two.
            [[], [0x80..=0x8f, 15, 3, _, _, _], []] | [[], [0x90..=0x9f, 15, 0, 3, _, _, _], []] => false,
            _ => true,
        }
    }

    /// Which of the peer's agreements its prefixes are written by: IPv4 prefixes stand outside of the attributes.
    pub(super) fn has_path_ids(&self, [v4, v6]: [bool; 2]) -> bool {
        let [withdrawn, _, announced] = self.parts();
        if withdrawn.is_empty() && announced.is_empty() { v6 } else { v4 }
    }

    /// Withdrawn routes, path attributes, announced prefixes; all empty if they cannot be told apart, which the decoder will say.
    fn parts(&self) -> [&'a [u8]; 3] {
        let split = |bytes: &'a [u8]| {
            let (length, rest) = bytes.split_first_chunk::<2>()?;
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        };
        let parts = split(self.0.get(BGP_HEADER..).unwrap_or_default())
            .and_then(|(withdrawn, rest)| split(rest).map(|(attributes, announced)| [withdrawn, attributes, announced]));
        parts.unwrap_or_default()
    }
}

/// What two OPENs agree on: prefixes have path identifiers where the router takes them and the peer sends them (RFC 7911 §4). `opens`: those of a
/// Peer Up message, the sent one first.
pub(super) fn agreed(opens: &[u8]) -> Result<Agreed, String> {
    let (sent, rest) = first_open(opens)?;
    let (received, _) = first_open(rest)?;
    let takes = offers(&sent, AddPathSendReceive::Receive);
    let sends = offers(&received, AddPathSendReceive::Send);
    Ok(Agreed { path_ids: [takes[0] && sends[0], takes[1] && sends[1]], own: Some(asn_of_open(&sent)) })
}

fn first_open(bytes: &[u8]) -> Result<(BgpOpenMessage, &[u8]), String> {
    let cut = || "a Peer Up message ends before its OPENs do".to_owned();
    let length = bytes.get(16..18).map(|length| usize::from(u16::from_be_bytes([length[0], length[1]]))).ok_or_else(cut)?;
    let (open, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
    let mut open = Bytes::copy_from_slice(open);
    match catch_unwind(AssertUnwindSafe(|| parse_bgp_message(&mut open, false, &bgpkit_parser::models::AsnLength::Bits16))) {
        Ok(Ok(BgpMessage::Open(open))) => Ok((open, rest)),
        Ok(Ok(_)) => Err("a Peer Up message carries something else than OPENs".to_owned()),
        Ok(Err(error)) => Err(format!("an OPEN of a Peer Up message cannot be read: {error}")),
        Err(_) => Err("the parser failed on an OPEN of a Peer Up message".to_owned()),
    }
}

fn offers(open: &BgpOpenMessage, what: AddPathSendReceive) -> [bool; 2] {
    let capabilities = open.opt_params.iter().flat_map(|param| match &param.param_value {
        ParamValue::Capacities(capabilities) => capabilities.as_slice(),
        ParamValue::Raw(_) => &[],
    });
    let mut offered = [false; 2];
    for capability in capabilities {
        let CapabilityValue::AddPath(add_path) = &capability.value else { continue };
        for family in add_path.address_families.iter().filter(|family| family.safi == Safi::Unicast) {
            let both = family.send_receive == AddPathSendReceive::SendReceive;
            match family.afi {
                Afi::Ipv4 => offered[0] |= both || family.send_receive == what,
                Afi::Ipv6 => offered[1] |= both || family.send_receive == what,
                Afi::LinkState => {}
            }
        }
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_peer_said_itself_counts_as_soon_as_it_is_told() {
        let mut peer = Peer::default();
        assert!(!peer.chooses(View::PostPolicy, false), "an End-of-RIB decides nothing");
        assert!(peer.chooses(View::PrePolicy, false), "of what the peer said it is one");
        assert!(peer.chooses(View::PostPolicy, true), "nothing else is told");
        assert!(peer.chooses(View::PrePolicy, true));
        assert!(!peer.chooses(View::PostPolicy, true), "from now on it would be told twice");
        assert!(!peer.chooses(View::PostPolicy, false) && peer.chooses(View::PrePolicy, false));
        assert!(!Peer::default().chooses(View::LocRib, true) && !Peer::default().chooses(View::AdjRibOut, true));
    }

    fn update(body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff; 16];
        bytes.extend(u16::try_from(BGP_HEADER + body.len()).unwrap().to_be_bytes());
        bytes.push(UPDATE);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn ends_of_ribs_have_no_routes() {
        let has = |body: &[u8]| CarriedUpdate::read(&update(body)).unwrap().has_routes();
        assert!(!has(&[0, 0, 0, 0]));
        assert!(!has(&[0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1]));
        assert!(!has(&[0, 0, 0, 7, 0x90, 15, 0, 3, 0, 2, 1]));
        assert!(has(&[0, 2, 8, 10, 0, 0]));
        assert!(has(&[0, 0, 0, 8, 0x80, 15, 5, 0, 2, 1, 8, 32]));
    }

    #[test]
    fn agreements_are_by_family() {
        let ids = |body: &[u8]| CarriedUpdate::read(&update(body)).unwrap().has_path_ids([true, false]);
        assert!(ids(&[0, 2, 8, 10, 0, 0]) && !ids(&[0, 0, 0, 8, 0x80, 15, 5, 0, 2, 1, 8, 32]));
        let open = |mode: u8| {
            let mut bytes = vec![0xff; 16];
            bytes.extend([0, 19 + 10 + 8, 1, 4, 0xfb, 0xf4, 0, 90, 192, 0, 2, 1, 8, 2, 6, 69, 4, 0, 2, 1, mode]);
            bytes
        };
        for (sent, received, agreed) in [(1, 2, true), (3, 3, true), (2, 2, false), (1, 1, false)] {
            let expected = Agreed { path_ids: [false, agreed], own: Some(Asn(64500)) };
            assert_eq!(super::agreed(&[open(sent), open(received)].concat()), Ok(expected), "{sent} {received}");
        }
        assert!(super::agreed(&open(1)).is_err());
    }

    #[test]
    fn what_is_no_update_is_told() {
        let mut bytes = update(&[0, 0, 0, 0]);
        bytes.push(0);
        assert_eq!(CarriedUpdate::read(&bytes).err().unwrap(), "an UPDATE tells a length of 23 bytes, and there are 24");
        bytes.truncate(18);
        assert!(CarriedUpdate::read(&bytes).is_err());
        bytes.push(4);
        assert!(CarriedUpdate::read(&bytes).err().unwrap().contains("type 4"));
    }
}
