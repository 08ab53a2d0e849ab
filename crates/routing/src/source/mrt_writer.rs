//! Writing MRT (RFC 6396): table dumps, UPDATEs, KEEPALIVEs and state changes, one record at a time.
//!
//! Takes sessions, times and routes; gives the bytes of MRT records. Used for drills and tests. It decides nothing about what is
//! said or when, and it neither compresses nor touches files.

use crate::time::Timestamp;
use crate::vantage::{Asn, Family};
use bgpkit_parser::error::EncodingError;
use bgpkit_parser::models::{
    Afi, AsPath, Asn as MrtAsn, AttrFlags, Attribute, AttributeValue, Attributes, Bgp4MpEnum, Bgp4MpMessage, Bgp4MpStateChange,
    Bgp4MpType, BgpMessage, BgpState, BgpUpdateMessage, CommonHeader, EntryType, MrtMessage, NetworkPrefix, Nlri, Origin, Peer,
    PeerIndexTable, RibAfiEntries, RibEntry, Safi, TableDumpV2Message, TableDumpV2Type,
};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// Bytes of one UPDATE which may hold prefixes: the message limit of RFC 4271 §4.1 (4,096) less room for header and attributes.
const NLRI_BYTES: usize = 3_000;

/// A BGP session of a collector, as the records name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MrtSession {
    /// The peer's address.
    pub peer: IpAddr,
    /// The peer's AS number.
    pub peer_asn: Asn,
    /// The collector's address; of the same family as the peer's.
    pub local: IpAddr,
    /// The collector's AS number.
    pub local_asn: Asn,
}

/// How fine the times of the records are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MrtClock {
    /// Whole seconds: BGP4MP (RFC 6396 §4.4).
    Seconds,
    /// Microseconds: BGP4MP_ET (RFC 6396 §3).
    Microseconds,
}

/// Session, time and clock: what every BGP4MP record begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Whose message it is.
    pub session: MrtSession,
    /// When the collector received it.
    pub at: Timestamp,
    /// How fine the time is written.
    pub clock: MrtClock,
}

/// The states of the BGP finite state machine (RFC 4271 §8.2.2) which drills use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// Not trying.
    Idle,
    /// Waiting for TCP.
    Connect,
    /// Listening for TCP.
    Active,
    /// Waiting for the other side's OPEN.
    OpenSent,
    /// Waiting for the first KEEPALIVE.
    OpenConfirm,
    /// Up.
    Established,
}

/// A route in a table dump.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableRow {
    /// Place of the peer in the list of peers given with it.
    pub peer: u16,
    /// Since when the peer has had it.
    pub since: Timestamp,
    /// AS_PATH, nearest AS first.
    pub path: Vec<Asn>,
}

/// What MRT has no room for.
#[derive(Debug, thiserror::Error)]
pub enum MrtWriteError {
    /// The encoder refused.
    #[error("MRT cannot hold this: {0}")]
    Encode(#[from] EncodingError),
    /// MRT counts seconds in 32 bits: 1970 to 2106.
    #[error("MRT cannot hold the time {0}; it reaches from 1970 to 2106")]
    Time(Timestamp),
}

/// UPDATEs which announce `prefixes` with one path; as many as needed. All prefixes are of the session's family.
pub fn announce(envelope: Envelope, prefixes: &[IpNet], path: &[Asn]) -> Result<Vec<u8>, MrtWriteError> {
    let mut bytes = Vec::new();
    for chunk in chunks(prefixes) {
        let update = match family(envelope.session.peer) {
            Family::Ipv4 => BgpUpdateMessage {
                attributes: attributes(path, AttributeValue::NextHop(envelope.session.peer)),
                announced_prefixes: chunk,
                ..Default::default()
            },
            Family::Ipv6 => {
                let reach = AttributeValue::MpReachNlri(nlri(chunk, Some(envelope.session.peer)));
                BgpUpdateMessage { attributes: attributes(path, reach), ..Default::default() }
            }
        };
        bytes.extend(message(envelope, BgpMessage::Update(update))?);
    }
    Ok(bytes)
}

/// UPDATEs which withdraw `prefixes`; as many as needed. All prefixes are of the session's family.
pub fn withdraw(envelope: Envelope, prefixes: &[IpNet]) -> Result<Vec<u8>, MrtWriteError> {
    let mut bytes = Vec::new();
    for chunk in chunks(prefixes) {
        let update = match family(envelope.session.peer) {
            Family::Ipv4 => BgpUpdateMessage { withdrawn_prefixes: chunk, ..Default::default() },
            Family::Ipv6 => unreach(chunk),
        };
        bytes.extend(message(envelope, BgpMessage::Update(update))?);
    }
    Ok(bytes)
}

/// The End-of-RIB marker of the session's family (RFC 4724 §2).
pub fn end_of_rib(envelope: Envelope) -> Result<Vec<u8>, MrtWriteError> {
    let update = match family(envelope.session.peer) {
        Family::Ipv4 => BgpUpdateMessage::default(),
        Family::Ipv6 => unreach(Vec::new()),
    };
    message(envelope, BgpMessage::Update(update))
}

/// A KEEPALIVE (RFC 4271 §4.4).
pub fn keepalive(envelope: Envelope) -> Result<Vec<u8>, MrtWriteError> {
    message(envelope, BgpMessage::KeepAlive)
}

/// BGP4MP_STATE_CHANGE_AS4 (RFC 6396 §4.4.4).
pub fn state_change(envelope: Envelope, old: SessionState, new: SessionState) -> Result<Vec<u8>, MrtWriteError> {
    let session = envelope.session;
    let change = Bgp4MpStateChange {
        msg_type: Bgp4MpType::StateChangeAs4,
        peer_asn: MrtAsn::new_32bit(session.peer_asn.0),
        local_asn: MrtAsn::new_32bit(session.local_asn.0),
        interface_index: 0,
        peer_ip: session.peer,
        local_addr: session.local,
        old_state: old.into(),
        new_state: new.into(),
    };
    bgp4mp(envelope, Bgp4MpEnum::StateChange(change), Bgp4MpType::StateChangeAs4)
}

/// A TABLE_DUMP_V2 dump (RFC 6396 §4.3): the peer index table, then one record a prefix, in the order given.
pub fn table_dump<'a>(
    at: Timestamp,
    view: &str,
    peers: &[(IpAddr, Asn)],
    rows: impl Iterator<Item = (&'a IpNet, &'a Vec<TableRow>)>,
) -> Result<Vec<u8>, MrtWriteError> {
    let mut index = PeerIndexTable { view_name: view.to_owned(), ..Default::default() };
    for (place, (address, asn)) in (0u16..).zip(peers) {
        let identifier = match address {
            IpAddr::V4(address) => *address,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        index.id_peer_map.insert(place, Peer::new(identifier, *address, MrtAsn::new_32bit(asn.0)));
    }
    let mut bytes = dump_record(at, TableDumpV2Message::PeerIndexTable(index), TableDumpV2Type::PeerIndexTable)?;
    for (sequence, (prefix, rows)) in (0u32..).zip(rows) {
        let rib_type = match prefix {
            IpNet::V4(_) => TableDumpV2Type::RibIpv4Unicast,
            IpNet::V6(_) => TableDumpV2Type::RibIpv6Unicast,
        };
        let mut entries = RibAfiEntries {
            rib_type,
            sequence_number: sequence,
            prefix: NetworkPrefix::new(*prefix, None),
            rib_entries: Vec::with_capacity(rows.len()),
        };
        for row in rows {
            let hop = peers.get(usize::from(row.peer)).map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |(address, _)| *address);
            let next_hop = match prefix {
                IpNet::V4(_) => AttributeValue::NextHop(hop),
                IpNet::V6(_) => AttributeValue::MpReachNlri(nlri(vec![NetworkPrefix::new(*prefix, None)], Some(hop))),
            };
            entries.rib_entries.push(RibEntry {
                peer_index: row.peer,
                originated_time: seconds(row.since)?,
                path_id: None,
                attributes: attributes(&row.path, next_hop),
            });
        }
        bytes.extend(dump_record(at, TableDumpV2Message::RibAfi(entries), rib_type)?);
    }
    Ok(bytes)
}

impl From<SessionState> for BgpState {
    fn from(state: SessionState) -> BgpState {
        match state {
            SessionState::Idle => BgpState::Idle,
            SessionState::Connect => BgpState::Connect,
            SessionState::Active => BgpState::Active,
            SessionState::OpenSent => BgpState::OpenSent,
            SessionState::OpenConfirm => BgpState::OpenConfirm,
            SessionState::Established => BgpState::Established,
        }
    }
}

fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}

fn seconds(at: Timestamp) -> Result<u32, MrtWriteError> {
    u32::try_from(at.seconds()).map_err(|_| MrtWriteError::Time(at))
}

/// Splits prefixes so that each UPDATE stays below the message limit.
fn chunks(prefixes: &[IpNet]) -> impl Iterator<Item = Vec<NetworkPrefix>> {
    prefixes.chunks(NLRI_BYTES / 17).map(|chunk| chunk.iter().map(|prefix| NetworkPrefix::new(*prefix, None)).collect())
}

fn nlri(prefixes: Vec<NetworkPrefix>, next_hop: Option<IpAddr>) -> Nlri {
    Nlri {
        afi: Afi::Ipv6,
        safi: Safi::Unicast,
        next_hop: next_hop.map(Into::into),
        prefixes,
        labeled_prefixes: None,
        link_state_nlris: None,
        flowspec_nlris: None,
    }
}

fn unreach(prefixes: Vec<NetworkPrefix>) -> BgpUpdateMessage {
    let attributes = Attributes::from(vec![attribute(AttributeValue::MpUnreachNlri(nlri(prefixes, None)))]);
    BgpUpdateMessage { attributes, ..Default::default() }
}

fn attributes(path: &[Asn], next_hop: AttributeValue) -> Attributes {
    let path: Vec<u32> = path.iter().map(|asn| asn.0).collect();
    let values = [AttributeValue::Origin(Origin::IGP), AttributeValue::AsPath(AsPath::from_sequence(path)), next_hop];
    values.into_iter().map(attribute).collect()
}

/// Attributes of IPv6 prefixes may exceed 255 bytes, and the encoder wants to be told (RFC 4271 §4.3: Extended Length).
fn attribute(value: AttributeValue) -> Attribute {
    let long = matches!(&value, AttributeValue::MpReachNlri(nlri) | AttributeValue::MpUnreachNlri(nlri) if nlri.prefixes.len() > 8);
    let mut attribute = Attribute::from(value);
    if long {
        attribute.flag |= AttrFlags::EXTENDED;
    }
    attribute
}

fn message(envelope: Envelope, bgp_message: BgpMessage) -> Result<Vec<u8>, MrtWriteError> {
    let session = envelope.session;
    let message = Bgp4MpMessage {
        msg_type: Bgp4MpType::MessageAs4,
        peer_asn: MrtAsn::new_32bit(session.peer_asn.0),
        local_asn: MrtAsn::new_32bit(session.local_asn.0),
        interface_index: 0,
        peer_ip: session.peer,
        local_ip: session.local,
        bgp_message,
    };
    bgp4mp(envelope, Bgp4MpEnum::Message(message), Bgp4MpType::MessageAs4)
}

fn bgp4mp(envelope: Envelope, body: Bgp4MpEnum, subtype: Bgp4MpType) -> Result<Vec<u8>, MrtWriteError> {
    let (entry_type, micros) = match envelope.clock {
        MrtClock::Seconds => (EntryType::BGP4MP, None),
        MrtClock::Microseconds => {
            let micros = u32::try_from(envelope.at.micros().rem_euclid(1_000_000)).map_err(|_| MrtWriteError::Time(envelope.at))?;
            (EntryType::BGP4MP_ET, Some(micros))
        }
    };
    record(seconds(envelope.at)?, micros, (entry_type, subtype.into()), MrtMessage::Bgp4Mp(body))
}

fn dump_record(at: Timestamp, body: TableDumpV2Message, subtype: TableDumpV2Type) -> Result<Vec<u8>, MrtWriteError> {
    record(seconds(at)?, None, (EntryType::TABLE_DUMP_V2, subtype as u16), MrtMessage::TableDumpV2Message(body))
}

/// Header and body. (`MrtRecord::encode` would want the length beforehand.)
fn record(timestamp: u32, micros: Option<u32>, kind: (EntryType, u16), body: MrtMessage) -> Result<Vec<u8>, MrtWriteError> {
    let (entry_type, entry_subtype) = kind;
    let body = body.encode(entry_subtype)?;
    let too_long =
        |_| EncodingError::ValueTooLarge { field: "MRT record message length", actual: body.len(), max: u32::MAX as usize };
    let length = u32::try_from(body.len()).map_err(too_long)?;
    let header = CommonHeader { timestamp, microsecond_timestamp: micros, entry_type, entry_subtype, length }.encode();
    Ok([&header[..], &body[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgpkit_parser::BgpkitParser;
    use bgpkit_parser::models::{ElemType, MrtRecord};
    use std::io::Cursor;

    fn envelope(peer: &str, local: &str, clock: MrtClock) -> Envelope {
        let session = MrtSession {
            peer: peer.parse().unwrap(),
            peer_asn: Asn(4_200_000_001),
            local: local.parse().unwrap(),
            local_asn: Asn(64_496),
        };
        Envelope { session, at: "2021-10-04T15:39:00.250001Z".parse().unwrap(), clock }
    }

    fn records(bytes: &[u8]) -> Vec<MrtRecord> {
        BgpkitParser::from_reader(Cursor::new(bytes.to_vec())).into_fallible_record_iter().map(Result::unwrap).collect()
    }

    // Why: a reader must find exactly the prefixes and the path which were written, in both families.
    #[test]
    fn what_is_announced_and_withdrawn_is_read_back() {
        for (peer, local, prefixes) in [
            ("198.18.0.1", "192.0.2.1", ["10.0.0.0/24", "10.0.1.0/24"]),
            ("2001:db8::1", "2001:db8::2", ["2001:db8:1::/48", "2001:db8:2::/47"]),
        ] {
            let envelope = envelope(peer, local, MrtClock::Microseconds);
            let prefixes: Vec<IpNet> = prefixes.iter().map(|p| p.parse().unwrap()).collect();
            let mut bytes = announce(envelope, &prefixes, &[Asn(4_200_000_001), Asn(65_001)]).unwrap();
            bytes.extend(withdraw(envelope, &prefixes).unwrap());
            let elems: Vec<_> = BgpkitParser::from_reader(Cursor::new(bytes)).into_iter().collect();
            let kinds: Vec<_> = elems.iter().map(|e| (e.elem_type, e.prefix.prefix)).collect();
            assert_eq!(
                kinds,
                [
                    (ElemType::ANNOUNCE, prefixes[0]),
                    (ElemType::ANNOUNCE, prefixes[1]),
                    (ElemType::WITHDRAW, prefixes[0]),
                    (ElemType::WITHDRAW, prefixes[1])
                ]
            );
            assert_eq!(elems[0].as_path.as_ref().unwrap().to_u32_vec_opt(false).unwrap(), [4_200_000_001, 65_001]);
        }
    }

    #[test]
    fn times_are_as_fine_as_the_clock_says() {
        let micros = records(&keepalive(envelope("198.18.0.1", "192.0.2.1", MrtClock::Microseconds)).unwrap());
        assert_eq!(micros[0].common_header.microsecond_timestamp, Some(250_001));
        let seconds = records(&keepalive(envelope("198.18.0.1", "192.0.2.1", MrtClock::Seconds)).unwrap());
        assert_eq!(seconds[0].common_header.entry_type, EntryType::BGP4MP);
        assert_eq!(seconds[0].common_header.timestamp, 1_633_361_940);
    }

    // Why: a full table in one call must become several messages, none longer than RFC 4271 allows.
    #[test]
    fn many_prefixes_become_several_updates() {
        let v4 = |n: u32| format!("10.{}.{}.0/24", n / 256, n % 256);
        let v6 = |n: u32| format!("2001:db8:{n:x}::/48");
        let sessions = [("198.18.0.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::2")];
        for ((peer, local), name) in sessions.into_iter().zip([&v4 as &dyn Fn(u32) -> String, &v6]) {
            let prefixes: Vec<IpNet> = (0..1000).map(|n| name(n).parse().unwrap()).collect();
            let envelope = envelope(peer, local, MrtClock::Seconds);
            for bytes in [announce(envelope, &prefixes, &[Asn(64_512)]).unwrap(), withdraw(envelope, &prefixes).unwrap()] {
                let read = records(&bytes);
                assert!(read.len() > 1 && read.iter().all(|r| r.common_header.length < 4096));
                assert_eq!(BgpkitParser::from_reader(Cursor::new(bytes)).into_iter().count(), 1000);
            }
        }
    }

    #[test]
    fn a_table_dump_names_its_peers() {
        let peers = [("198.18.0.1".parse().unwrap(), Asn(64_512)), ("2001:db8::1".parse().unwrap(), Asn(4_200_000_001))];
        let since = "2021-10-04T15:00:00Z".parse().unwrap();
        let row = |peer| vec![TableRow { peer, since, path: vec![Asn(64_512), Asn(32_934)] }];
        let table: Vec<(IpNet, _)> = vec![("129.134.0.0/17".parse().unwrap(), row(0)), ("2a03:2880::/32".parse().unwrap(), row(1))];
        let bytes = table_dump(since, "rrc00", &peers, table.iter().map(|(p, r)| (p, r))).unwrap();
        let elems: Vec<_> = BgpkitParser::from_reader(Cursor::new(bytes)).into_iter().collect();
        let seen: Vec<_> =
            elems.iter().map(|e| (e.prefix.to_string(), e.peer_asn.to_u32(), e.origin_asns.clone().unwrap()[0].to_u32())).collect();
        assert_eq!(seen, [("129.134.0.0/17".to_owned(), 64_512, 32_934), ("2a03:2880::/32".to_owned(), 4_200_000_001, 32_934)]);
    }

    #[test]
    fn state_changes_and_end_of_rib_are_records() {
        for peer in [("198.18.0.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::2")] {
            let envelope = envelope(peer.0, peer.1, MrtClock::Microseconds);
            let mut bytes = state_change(envelope, SessionState::Established, SessionState::Idle).unwrap();
            bytes.extend(end_of_rib(envelope).unwrap());
            let read = records(&bytes);
            assert!(matches!(&read[0].message, MrtMessage::Bgp4Mp(Bgp4MpEnum::StateChange(c)) if c.new_state == BgpState::Idle));
            assert!(
                matches!(&read[1].message, MrtMessage::Bgp4Mp(Bgp4MpEnum::Message(m)) if matches!(m.bgp_message, BgpMessage::Update(_)))
            );
        }
    }
}
