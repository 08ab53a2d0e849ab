//! The entries of a TABLE_DUMP_V2 record (RFC 6396 §4.3.4, RFC 8050 §4.2).

use super::{Path, ends_in_header, four, may_end_in_header, path, two};
use ipnet::IpNet;

/// What stands before the attributes of an entry, without and with a path identifier.
const PLAIN: usize = 8;
const WITH_PATH_ID: usize = 12;

/// Entries which are put aside.
const ASIDE: usize = 32;

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
        if self.path_ids { WITH_PATH_ID } else { PLAIN }
    }

    /// Gives whose entries they are, in order, to `peer`, which says [`None`] if the full decoder must look; tells how many they are. `None` if
    /// they are not as many as promised, or one is not plain.
    pub(in crate::source::mrt) fn peers(&self, body: &[u8], peer: impl FnMut(u16) -> Option<()>) -> Option<u64> {
        if self.path_ids { self.peers_of::<WITH_PATH_ID>(body, peer) } else { self.peers_of::<PLAIN>(body, peer) }
    }

    #[inline]
    fn peers_of<const HEAD: usize>(&self, body: &[u8], mut peer: impl FnMut(u16) -> Option<()>) -> Option<u64> {
        let (count, mut at) = (two(body, self.start)?, self.start + 2);
        // Of every second entry the last bytes look as if its attributes might end in a header. Which, no processor guesses, so they are put
        // aside without a branch, and looked at together.
        let (mut aside, mut next) = ([(0, 0); ASIDE], 0);
        for _ in 0..count {
            let head: &[u8; HEAD] = body.get(at..)?.first_chunk()?;
            peer(u16::from_be_bytes([head[0], head[1]]))?;
            let from = at + HEAD;
            at = from + usize::from(u16::from_be_bytes([head[HEAD - 2], head[HEAD - 1]]));
            let attributes = body.get(from..at)?;
            aside[next] = (from, at);
            next += usize::from(may_end_in_header(attributes));
            if next == ASIDE {
                none_ends_in_header(body, &aside)?;
                next = 0;
            }
        }
        none_ends_in_header(body, &aside[..next])?;
        Some(u64::from(count))
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

/// Whether none of the attributes at these places of a body ends in a header; `None` if one does.
fn none_ends_in_header(body: &[u8], places: &[(usize, usize)]) -> Option<()> {
    places.iter().all(|(from, to)| body.get(*from..*to).is_some_and(|attributes| !ends_in_header(attributes))).then_some(())
}
