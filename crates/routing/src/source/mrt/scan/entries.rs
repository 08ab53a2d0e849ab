//! The entries of a TABLE_DUMP_V2 record (RFC 6396 §4.3.4, RFC 8050 §4.2).

use super::{Path, ends_in_header, four, path, two};
use ipnet::IpNet;

/// A table record's entries, not read yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Entries {
    /// The prefix they are of.
    pub(in crate::source::mrt) prefix: IpNet,
    /// Where in the record's body their number stands, and then they.
    pub(super) start: usize,
    /// They have path identifiers (RFC 8050).
    pub(super) path_ids: bool,
    /// Each deserves a statement.
    pub(super) routes: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::source::mrt) struct TableEntry {
    /// Place of the peer in the PEER_INDEX_TABLE.
    pub(in crate::source::mrt) peer: u16,
    /// Path identifier; 0 without.
    pub(in crate::source::mrt) path_id: u32,
    /// The AS_PATH.
    pub(in crate::source::mrt) path: Path,
}

impl Entries {
    /// Whether its routes are told, and not only counted.
    pub(in crate::source::mrt) const fn tells_routes(&self) -> bool {
        self.routes
    }

    /// Where in the record's body their number stands.
    pub(in crate::source::mrt) const fn start(&self) -> usize {
        self.start
    }

    /// What stands before the attributes of each: peer index, time of origin, perhaps a path identifier, length of the attributes.
    pub(in crate::source::mrt) const fn head(&self) -> usize {
        if self.path_ids { 12 } else { 8 }
    }

    /// Whose entries they are, in order, into `peers`; gives one more than the last of their places. `None` if they are not as many as promised, or
    /// one is not plain.
    pub(in crate::source::mrt) fn peers(&self, body: &[u8], peers: &mut Vec<u16>) -> Option<usize> {
        peers.clear();
        let (count, mut at, mut most) = (two(body, self.start)?, self.start + 2, 0);
        let head = self.head();
        for _ in 0..count {
            let (peer, length) = (two(body, at)?, usize::from(two(body, at + head - 2)?));
            at += head + length;
            let attributes = body.get(at - length..at)?;
            if ends_in_header(attributes) {
                return None;
            }
            most = most.max(usize::from(peer) + 1);
            peers.push(peer);
        }
        Some(most)
    }

    /// Each entry with its route, in order, into `list`; `None` if they are not as many as promised, or one is not plain.
    pub(in crate::source::mrt) fn read(&self, body: &[u8], list: &mut Vec<TableEntry>) -> Option<()> {
        list.clear();
        let count = two(body, self.start)?;
        let mut rest = body.get(self.start + 2..)?;
        let head = self.head();
        for _ in 0..count {
            let (entry, after) = rest.split_at_checked(head)?;
            let (attributes, after) = after.split_at_checked(usize::from(two(entry, head - 2)?))?;
            let path = path(attributes, body.len() - after.len() - attributes.len(), 4)?;
            let path_id = if self.path_ids { four(entry, 6)? } else { 0 };
            list.push(TableEntry { peer: two(entry, 0)?, path_id, path });
            rest = after;
        }
        Some(())
    }
}
