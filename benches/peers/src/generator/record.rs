//! MRT records (RFC 6396 §2 and §3).

use std::io::{self, Write};

/// Kind and subtype of a record.
pub type Kind = (u16, u16);
/// BGP4MP_ET, BGP4MP_MESSAGE_AS4.
pub const MESSAGE: Kind = (17, 4);
/// BGP4MP_ET, BGP4MP_STATE_CHANGE_AS4.
pub const STATE_CHANGE: Kind = (17, 5);
/// TABLE_DUMP_V2, PEER_INDEX_TABLE.
pub const PEERS: Kind = (13, 1);
/// TABLE_DUMP_V2, RIB_IPV4_UNICAST and RIB_IPV6_UNICAST.
pub const RIB: [Kind; 2] = [(13, 2), (13, 4)];

/// Writes a record; `micros` since 1970, of which only the seconds are written unless the kind has room for more.
pub fn write(out: &mut impl Write, micros: u64, (kind, subtype): Kind, body: &[u8]) -> io::Result<()> {
    let fine = kind == 17;
    let length = length(body.len())? + if fine { 4 } else { 0 };
    out.write_all(&seconds(micros).to_be_bytes())?;
    out.write_all(&kind.to_be_bytes())?;
    out.write_all(&subtype.to_be_bytes())?;
    out.write_all(&length.to_be_bytes())?;
    if fine {
        out.write_all(&super::dice::long(micros % 1_000_000).to_be_bytes())?;
    }
    out.write_all(body)
}

/// The seconds of a time, as MRT counts them.
pub const fn seconds(micros: u64) -> u32 {
    super::dice::long(micros / 1_000_000)
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::Error::other("a record longer than MRT can say"))
}

/// The length of a part of a record, as two bytes. What this generator writes is always shorter than 64 KiB.
pub fn short(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}
