//! Records without what nobody reads who follows origins: of paths only the last AS, and of attributes those which say what is announced and withdrawn.
//!
//! Only what the scan settled is made shorter; every other record stays as it is. A record keeps its header but for its length, so it stands in the file as before.

use super::Body;
use super::header::HEADER;
use super::scan::{
    AS_PATH, Entries, MESSAGE_HEADER, MP_REACH_NLRI, MP_UNREACH_NLRI, NEXT_HOP, ORIGIN, Path, Scanned, TableEntry, Update,
};

/// Appends the record, shortened if it can be; false if not. `body`: its bytes behind the header, and microseconds if it has them.
pub(in crate::source) fn shorten(record: &[u8], body: &[u8], what: &Body, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.extend_from_slice(&record[..record.len() - body.len()]);
    let shortened = match what {
        Body::Scanned(Scanned::Update(update)) => shorten_update(update, body, out),
        Body::Scanned(Scanned::Entries(entries)) => shorten_entries(entries, body, out),
        Body::Scanned(Scanned::Keepalive(_) | Scanned::Entry { .. }) | Body::Message(_) | Body::Unsupported(_) => None,
    };
    if shortened.is_none() {
        out.truncate(start);
        out.extend_from_slice(record);
        return false;
    }
    let length = u32::try_from(out.len() - start - HEADER).unwrap_or(u32::MAX);
    out[start + HEADER - 4..start + HEADER].copy_from_slice(&length.to_be_bytes());
    true
}

/// The body of a BGP4MP record which holds an UPDATE (RFC 4271 §4.3).
fn shorten_update(update: &Update, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let envelope = update.sender.envelope(body).bytes();
    let message = body.get(envelope.len()..)?;
    let head = message.get(..MESSAGE_HEADER)?;
    let rest = message.get(MESSAGE_HEADER..usize::from(two(message, 16)?))?;
    let (withdrawn, rest) = rest.split_at_checked(2 + usize::from(two(rest, 0)?))?;
    let (attributes, announced) = rest.get(2..)?.split_at_checked(usize::from(two(rest, 0)?))?;
    out.extend_from_slice(envelope);
    let start = out.len();
    out.extend_from_slice(head);
    out.extend_from_slice(withdrawn);
    let before = out.len();
    out.extend_from_slice(&[0, 0]);
    let mut left = attributes;
    while let [flags, kind, short, ..] = *left {
        let (length, head) = if flags & 0x10 == 0 { (usize::from(short), 3) } else { (usize::from(two(left, 2)?), 4) };
        let (attribute, after) = left.split_at_checked(head + length)?;
        left = after;
        match kind {
            AS_PATH => push_path(update.path, body, out)?,
            ORIGIN | NEXT_HOP | MP_REACH_NLRI | MP_UNREACH_NLRI => out.extend_from_slice(attribute),
            _ => {}
        }
    }
    put_length(out, before, before + 2)?;
    out.extend_from_slice(announced);
    put_length(out, start + 16, start)
}

/// The body of a TABLE_DUMP_V2 record of one prefix (RFC 6396 §4.3.4, RFC 8050 §4.2).
fn shorten_entries(entries: &Entries, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut list = Vec::new();
    entries.read(body, &mut list)?;
    let head = entries.head();
    let (mut left, start) = (body, entries.start() + 2);
    out.extend_from_slice(left.get(..start)?);
    left = &left[start..];
    for TableEntry { path, .. } in list {
        let (entry, after) = left.split_at_checked(head)?;
        left = after.get(usize::from(two(entry, head - 2)?)..)?;
        out.extend_from_slice(entry);
        let before = out.len();
        push_path(path, body, out)?;
        put_length(out, before - 2, before)?;
    }
    // What stands behind the entries.
    out.extend_from_slice(left);
    Some(())
}

/// Appends an AS_PATH which has the same origin. Where it ends in a sequence that is the last AS of it (RFC 4271 §4.3 b); else the path stays.
fn push_path(path: Path, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (value, asn_size) = path.value(body);
    let (mut left, mut last) = (value, None);
    while let [kind, count, rest @ ..] = left {
        let (members, after) = rest.split_at_checked(usize::from(*count) * asn_size)?;
        last = Some((*kind, members));
        left = after;
    }
    // Flags: well-known, with a length of two bytes.
    out.extend_from_slice(&[0x50, AS_PATH]);
    let short = last.and_then(|(kind, members)| members.len().checked_sub(asn_size).filter(|_| kind == 2).map(|at| &members[at..]));
    let length = short.map_or(value.len(), |origin| 2 + origin.len());
    out.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
    match short {
        Some(origin) => {
            out.extend_from_slice(&[2, 1]);
            out.extend_from_slice(origin);
        }
        None => out.extend_from_slice(value),
    }
    Some(())
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Writes at a place how many bytes follow another one.
fn put_length(out: &mut [u8], at: usize, from: usize) -> Option<()> {
    let length = u16::try_from(out.len() - from).ok()?;
    out.get_mut(at..at + 2)?.copy_from_slice(&length.to_be_bytes());
    Some(())
}
