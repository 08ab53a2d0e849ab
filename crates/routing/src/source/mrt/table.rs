//! Table dumps to statements.
//!
//! Takes TABLE_DUMP (version 1) and TABLE_DUMP_V2 records in the order of the file; gives a begin, an entry a watched prefix, peer and
//! path, and an end with every peer's table sizes. A dump is applied as one moment: all its statements carry the time of its first
//! record, however long writing it took. One file may hold several dumps.

mod tally;

use super::frame::Frame;
use super::header::HEADER;
use super::scan::{Entries, Path, TableEntry};
use super::session::End;
use super::{Context, Place};
use crate::observation::Statement;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, VantageId};
use bgpkit_parser::RawMrtRecord;
use bgpkit_parser::models::{PeerIndexTable, RibAfiEntries, TableDumpMessage, TableDumpV2Message, TableDumpV2Type};
use bytes::{BufMut, Bytes, BytesMut};
use ipnet::IpNet;
use std::collections::HashMap;
use std::sync::Arc;
use tally::Tally;

/// A pause this long between two TABLE_DUMP records means another dump, since version 1 has nothing which begins one.
const PAUSE: Span = Span::from_seconds(600);

/// How entries which stand for no peer are counted.
const OWN_ENTRIES: &str = "table entries of the collector itself";

/// A dump which is being read.
pub(super) struct Table {
    at: Timestamp,
    version: u8,
    latest: Timestamp,
    /// By peer index, the place in `peers`; `None` for entries which stand for no peer.
    index: Vec<Option<usize>>,
    peers: Vec<VantageId>,
    by_vantage: HashMap<VantageId, usize, foldhash::fast::FixedState>,
    tally: Tally,
    entries: u64,
    damaged: bool,
    /// The entries of the record being read, or a bit for each place in `peers` which they are of.
    list: Vec<TableEntry>,
    holders: Vec<u64>,
}

impl Table {
    fn new(at: Timestamp, told: Timestamp, version: u8) -> Self {
        Table {
            at,
            version,
            latest: told,
            index: Vec::new(),
            peers: Vec::new(),
            by_vantage: HashMap::default(),
            tally: Tally::default(),
            entries: 0,
            damaged: false,
            list: Vec::new(),
            holders: Vec::new(),
        }
    }

    /// The moment of the dump.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// Notes that part of the dump could not be read.
    pub(super) fn damage(&mut self) {
        self.damaged = true;
    }

    /// True if a record belongs to this dump.
    pub(super) fn goes_on_with(&self, frame: &Frame) -> bool {
        match (self.version, frame.kind) {
            (1, 12) => frame.at.since(self.latest) < PAUSE,
            (2, 13) => frame.subtype != TableDumpV2Type::PeerIndexTable as u16,
            _ => false,
        }
    }

    /// States the end of the dump.
    pub(super) fn end(self, record: u64, ctx: &mut Context<'_>) {
        let counts = self.tally.counts(self.peers.len());
        let sizes = self.peers.iter().copied().zip(counts).collect();
        let complete = !self.damaged && self.entries > 0;
        let place = Place { at: self.at, told: self.at, record, offset: 0 };
        ctx.say(place, Statement::TableEnd { collector: ctx.collector, complete, sizes });
    }

    fn place_of(&mut self, vantage: VantageId) -> usize {
        let peers = &mut self.peers;
        *self.by_vantage.entry(vantage).or_insert_with(|| {
            peers.push(vantage);
            peers.len() - 1
        })
    }

    /// Reads the entries of a TABLE_DUMP_V2 record which the scan found plain; false, and nothing is done, if the full decoder must say what is
    /// wrong with them.
    pub(super) fn scanned(&mut self, entries: &Entries, body: &[u8], place: Place, ctx: &mut Context<'_>) -> bool {
        self.version == 2
            && if entries.tells_routes() { self.told(entries, body, place, ctx) } else { self.counted(entries, body, ctx) }
    }

    fn told(&mut self, entries: &Entries, body: &[u8], place: Place, ctx: &mut Context<'_>) -> bool {
        let mut list = std::mem::take(&mut self.list);
        let whole =
            entries.read(body, &mut list).is_some() && list.iter().all(|entry| self.index.get(usize::from(entry.peer)).is_some());
        if whole {
            ctx.account.table_entries += list.len() as u64;
            let (mut own, prefix) = (0, entries.prefix);
            self.tally.meet(prefix);
            for TableEntry { peer, path_id, path } in &list {
                let Some(Some(slot)) = self.index.get(usize::from(*peer)).copied() else {
                    own += 1;
                    continue;
                };
                self.count(slot);
                let (from, route) = (self.peers[slot], ctx.routes.of_path(*path, body, ctx.interest));
                let what = Statement::TableEntry { from, prefix, path_id: *path_id, route };
                ctx.say(Place { at: self.at, ..place }, what);
            }
            ctx.account.count_other(OWN_ENTRIES, own);
        }
        self.list = list;
        whole
    }

    /// The same of a prefix which nobody watches: its entries are only counted.
    fn counted(&mut self, entries: &Entries, body: &[u8], ctx: &mut Context<'_>) -> bool {
        self.holders.resize(self.peers.len().div_ceil(64), 0);
        self.holders.fill(0);
        let (index, holders, mut own) = (&self.index, &mut self.holders, 0);
        let read = entries.peers(body, |peer| {
            match *index.get(usize::from(peer))? {
                Some(slot) => holders[slot / 64] |= 1 << (slot % 64),
                None => own += 1,
            }
            Some(())
        });
        let Some(read) = read else { return false };
        ctx.account.table_entries += read;
        self.entries += read - own;
        self.tally.meet(entries.prefix);
        self.tally.hold_all(&self.holders);
        ctx.account.count_other(OWN_ENTRIES, own);
        true
    }

    /// Counts an entry of the prefix met last.
    fn count(&mut self, place: usize) {
        self.entries += 1;
        self.tally.hold(place);
    }
}

/// Reads a TABLE_DUMP_V2 record.
pub(super) fn version_two(
    table: &mut Option<Table>,
    message: TableDumpV2Message,
    (subtype, body): (u16, &[u8]),
    place: Place,
    ctx: &mut Context<'_>,
) {
    match message {
        TableDumpV2Message::PeerIndexTable(peers) => *table = Some(begin(&peers, place, ctx)),
        TableDumpV2Message::RibAfi(entries) => match table {
            Some(table) => rib(table, &entries, entry_count(subtype, body), place, ctx),
            None => ctx.damage(
                place,
                (HEADER + body.len()) as u64,
                "table entries before any PEER_INDEX_TABLE: whose they are is not told".to_owned(),
            ),
        },
        TableDumpV2Message::RibGeneric(_) => ctx.account.count_other("RIB_GENERIC records", 1),
        TableDumpV2Message::GeoPeerTable(_) => ctx.account.count_other("GEO_PEER_TABLE records", 1),
    }
}

fn begin(peers: &PeerIndexTable, place: Place, ctx: &mut Context<'_>) -> Table {
    let mut table = Table::new(place.at, place.told, 2);
    let last = peers.id_peer_map.keys().copied().max();
    for number in last.map_or(0..0, |last| 0..u32::from(last) + 1) {
        let peer = u16::try_from(number).ok().and_then(|number| peers.id_peer_map.get(&number));
        let slot = peer.and_then(|peer| {
            let end = End { address: peer.peer_ip, asn: Asn(peer.peer_asn.to_u32()) };
            // BIRD, FRR and GoBGP fill place 0 with 0.0.0.0 and AS 0, OpenBGPD with itself.
            if end.address.is_unspecified() || end.asn == Asn(0) || ctx.sessions.is_local(end.address) {
                return None;
            }
            ctx.sessions.learn(end, None);
            let end = ctx.sessions.resolve(end);
            Some(table.place_of(ctx.vantages.vantage(ctx.collector, end.address, end.asn)))
        });
        table.index.push(slot);
    }
    ctx.account.tables += 1;
    let peers: Arc<[VantageId]> = table.peers.as_slice().into();
    ctx.say(place, Statement::TableBegin { collector: ctx.collector, peers });
    table
}

fn rib(table: &mut Table, entries: &RibAfiEntries, promised: Option<usize>, place: Place, ctx: &mut Context<'_>) {
    if promised.is_none_or(|promised| promised != entries.rib_entries.len()) {
        let (read, promised) = (entries.rib_entries.len(), promised.unwrap_or(0));
        ctx.damage(place, 0, format!("only {read} of the {promised} table entries of {} can be read", entries.prefix.prefix));
        table.damage();
    }
    let multicast = match entries.rib_type {
        TableDumpV2Type::RibIpv4Multicast | TableDumpV2Type::RibIpv4MulticastAddPath => Some("IPv4 multicast table entries"),
        TableDumpV2Type::RibIpv6Multicast | TableDumpV2Type::RibIpv6MulticastAddPath => Some("IPv6 multicast table entries"),
        TableDumpV2Type::PeerIndexTable
        | TableDumpV2Type::RibIpv4Unicast
        | TableDumpV2Type::RibIpv6Unicast
        | TableDumpV2Type::RibGeneric
        | TableDumpV2Type::GeoPeerTable
        | TableDumpV2Type::RibIpv4UnicastAddPath
        | TableDumpV2Type::RibIpv6UnicastAddPath
        | TableDumpV2Type::RibGenericAddPath => None,
    };
    if let Some(name) = multicast {
        ctx.account.count_other(name, entries.rib_entries.len() as u64);
        return;
    }
    // The record's own prefix: the MP_REACH_NLRI of GoBGP's entries holds others as well.
    let prefix = entries.prefix.prefix.trunc();
    let concerns = ctx.interest.concerns(&prefix);
    table.tally.meet(prefix);
    for entry in &entries.rib_entries {
        ctx.account.table_entries += 1;
        match table.index.get(usize::from(entry.peer_index)) {
            Some(Some(slot)) => {
                let slot = *slot;
                table.count(slot);
                if concerns {
                    let (from, route) = (table.peers[slot], ctx.routes.of(&entry.attributes, ctx.interest));
                    let path_id = entry.path_id.unwrap_or(0);
                    ctx.say(Place { at: table.at, ..place }, Statement::TableEntry { from, prefix, path_id, route });
                }
            }
            Some(None) => ctx.account.count_other(OWN_ENTRIES, 1),
            None => {
                ctx.damage(
                    place,
                    0,
                    format!("a table entry of {prefix} names peer {}, which the PEER_INDEX_TABLE lacks", entry.peer_index),
                );
                table.damage();
            }
        }
    }
}

/// How many entries a RIB record says it has: after the sequence number, the family (RIB_GENERIC only) and the prefix.
fn entry_count(subtype: u16, body: &[u8]) -> Option<usize> {
    let prefix = if matches!(subtype, 6 | 12) { 7 } else { 4 };
    let at = prefix + 1 + usize::from(*body.get(prefix)?).div_ceil(8);
    Some(usize::from(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?])))
}

/// The dump which a TABLE_DUMP record belongs to. It begins with an empty list of peers, which stands for those which have entries.
pub(super) fn version_one<'a>(table: &'a mut Option<Table>, place: Place, ctx: &mut Context<'_>) -> &'a mut Table {
    let table = table.get_or_insert_with(|| {
        ctx.account.tables += 1;
        ctx.say(place, Statement::TableBegin { collector: ctx.collector, peers: Arc::from([]) });
        Table::new(place.at, place.told, 1)
    });
    table.latest = table.latest.max(place.told);
    table
}

impl Table {
    /// Reads the entries of a TABLE_DUMP record.
    pub(super) fn messages(&mut self, messages: &[TableDumpMessage], place: Place, ctx: &mut Context<'_>) {
        for message in messages {
            let peer = End { address: message.peer_ip, asn: Asn(message.peer_asn.to_u32()) };
            let prefix = message.prefix.prefix.trunc();
            if let Some(from) = self.entry(peer, prefix, ctx)
                && ctx.interest.concerns(&prefix)
            {
                let route = ctx.routes.of(&message.attributes, ctx.interest);
                ctx.say(Place { at: self.at, ..place }, Statement::TableEntry { from, prefix, path_id: 0, route });
            }
        }
    }

    /// Reads a TABLE_DUMP record which the scan found plain.
    pub(super) fn scanned_entry(
        &mut self,
        (peer, prefix, path): (End, IpNet, Option<Path>),
        body: &[u8],
        place: Place,
        ctx: &mut Context<'_>,
    ) {
        if let (Some(from), Some(path)) = (self.entry(peer, prefix, ctx), path) {
            let what = Statement::TableEntry { from, prefix, path_id: 0, route: ctx.routes.of_path(path, body, ctx.interest) };
            ctx.say(Place { at: self.at, ..place }, what);
        }
    }

    /// Counts an entry of a TABLE_DUMP record; gives whose it is, if it stands for a peer.
    fn entry(&mut self, peer: End, prefix: IpNet, ctx: &mut Context<'_>) -> Option<VantageId> {
        ctx.account.table_entries += 1;
        ctx.sessions.learn(peer, None);
        let peer = ctx.sessions.resolve(peer);
        if peer.address.is_unspecified() || peer.asn == Asn(0) {
            ctx.account.count_other(OWN_ENTRIES, 1);
            return None;
        }
        let from = ctx.vantages.vantage(ctx.collector, peer.address, peer.asn);
        let slot = self.place_of(from);
        self.tally.meet(prefix);
        self.count(slot);
        Some(from)
    }
}

/// A RIB_GENERIC record (RFC 6396 §4.3.3, RFC 8050 §4.2) as the specific record which says the same: they differ in the AFI and SAFI
/// alone, which bgpkit-parser does not read. The name of what it holds if there is no such record.
pub(super) fn specific(raw: &RawMrtRecord) -> Result<RawMrtRecord, String> {
    let body = &raw.message_bytes;
    let Some((head, [high, low, safi])) = body.get(..4).zip(body.get(4..7).and_then(|rest| <&[u8; 3]>::try_from(rest).ok())) else {
        return Err("RIB_GENERIC records which are too short".to_owned());
    };
    let add_path = raw.common_header.entry_subtype == TableDumpV2Type::RibGenericAddPath as u16;
    let afi = u16::from_be_bytes([*high, *low]);
    let kind = match (afi, safi, add_path) {
        (1, 1, false) => TableDumpV2Type::RibIpv4Unicast,
        (1, 2, false) => TableDumpV2Type::RibIpv4Multicast,
        (2, 1, false) => TableDumpV2Type::RibIpv6Unicast,
        (2, 2, false) => TableDumpV2Type::RibIpv6Multicast,
        (1, 1, true) => TableDumpV2Type::RibIpv4UnicastAddPath,
        (1, 2, true) => TableDumpV2Type::RibIpv4MulticastAddPath,
        (2, 1, true) => TableDumpV2Type::RibIpv6UnicastAddPath,
        (2, 2, true) => TableDumpV2Type::RibIpv6MulticastAddPath,
        _ => return Err(format!("RIB_GENERIC records of AFI {afi} SAFI {safi}")),
    };
    let mut bytes = BytesMut::with_capacity(body.len());
    bytes.put_slice(head);
    bytes.put_slice(&body[7..]);
    let mut specific = raw.clone();
    specific.common_header.entry_subtype = kind as u16;
    specific.message_bytes = Bytes::from(bytes);
    Ok(specific)
}
