//! Headers of MRT records (RFC 6396 §2, §3): what stands before a record's body, and whether it can be one.

use crate::time::Timestamp;

/// Length of the common header (RFC 6396 §2).
pub(super) const HEADER: usize = 12;
/// BGP4MP_ET, whose header has microseconds (RFC 6396 §3).
pub(super) const EXTENDED: u16 = 17;
/// No record is longer (bgpkit-parser's own limit).
pub(super) const LONGEST: u32 = 16 * 1024 * 1024;
/// No record found while searching is longer: table records of a thousand peers stay below it.
pub(super) const LONGEST_SEARCHED: u32 = 1024 * 1024;

/// The part of a header which shows whether it is one.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) at: Timestamp,
    pub(super) kind: u16,
    pub(super) subtype: u16,
    pub(super) length: u32,
}

impl Header {
    pub(super) fn read(bytes: &[u8; HEADER]) -> Self {
        let two = |i: usize| u16::from_be_bytes([bytes[i], bytes[i + 1]]);
        let four = |i: usize| u32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        Header { at: Timestamp::from_parts(i64::from(four(0)), 0), kind: two(4), subtype: two(6), length: four(8) }
    }
}

/// Length of what stands before a record's body (RFC 6396 §2, §3).
pub(super) const fn head(kind: u16) -> usize {
    if kind == EXTENDED { HEADER + 4 } else { HEADER }
}

/// The microseconds of a record's time, where its type has them.
pub(super) fn micros(kind: u16, record: &[u8]) -> u32 {
    match record.get(HEADER..HEADER + 4) {
        Some(&[a, b, c, d]) if kind == EXTENDED => u32::from_be_bytes([a, b, c, d]).min(999_999),
        _ => 0,
    }
}

/// Record types which carry BGP, with their subtypes (RFC 6396 §4, RFC 6397, RFC 8050; type 5 of MRT before it).
pub(super) fn is_known(header: Header) -> bool {
    let subtypes = match header.kind {
        5 => 0..=7,
        12 => 1..=2,
        13 => 1..=12,
        16 | 17 => 0..=11,
        _ => return false,
    };
    subtypes.contains(&header.subtype) && header.length <= LONGEST
}

/// Record types which carry something else: other routing protocols (RFC 6396 §4.1, §4.5–4.7) and those long given up (§5).
pub(super) fn is_foreign(header: Header) -> bool {
    matches!(header.kind, 0..=4 | 6..=11 | 32 | 33 | 48 | 49) && header.subtype <= 16 && header.length <= LONGEST_SEARCHED
}
