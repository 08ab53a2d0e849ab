//! UPDATE messages which the archive's writer cut short.
//!
//! Zebra's collectors of the 2000s wrote records of at most 4,096 bytes, so the longest messages lack their end, though the record itself
//! is whole. Takes such a record; gives it with the prefixes which are complete, and how much is missing. What stands before the cut is
//! what the peer said; what a cut attribute would have said is not guessed.

use bgpkit_parser::RawMrtRecord;
use bytes::Bytes;

/// Marker, length and type of a BGP message (RFC 4271 §4.1).
const HEADER: usize = 19;

/// The record with a message which is as long as it says, and how many bytes are missing; `None` if nothing is, or nothing is left.
pub(super) fn mended(raw: &RawMrtRecord) -> Option<(RawMrtRecord, usize)> {
    let body = &raw.message_bytes;
    let start = envelope(raw.common_header.entry_subtype, body)?;
    let message = body.get(start..)?;
    let told = usize::from(two(message, 16)?);
    if told <= message.len() || *message.get(18)? != 2 {
        return None;
    }
    let add_path = matches!(raw.common_header.entry_subtype, 8..=11);
    let update = whole_part(message.get(HEADER..)?, add_path)?;
    let length = u16::try_from(HEADER + update.len()).ok()?;
    let mut mended = body[..start + 16].to_vec();
    mended.extend(length.to_be_bytes());
    mended.push(2);
    mended.extend(update);
    let mut record = raw.clone();
    record.message_bytes = Bytes::from(mended);
    Some((record, told - message.len()))
}

/// Length of what stands before the message (RFC 6396 §4.4).
fn envelope(subtype: u16, body: &[u8]) -> Option<usize> {
    let asns = match subtype {
        1 | 6 | 8 | 10 => 4,
        4 | 7 | 9 | 11 => 8,
        _ => return None,
    };
    let addresses = match two(body, asns + 2)? {
        1 => 8,
        2 => 32,
        _ => return None,
    };
    Some(asns + 4 + addresses)
}

/// The part of an UPDATE's body which can be read: all withdrawn prefixes, and the announced ones if their attributes are whole.
fn whole_part(body: &[u8], add_path: bool) -> Option<Vec<u8>> {
    let withdrawn_end = 2 + usize::from(two(body, 0)?);
    let mut update = Vec::with_capacity(body.len());
    match two(body, withdrawn_end).map(|length| withdrawn_end + 2 + usize::from(length)) {
        Some(attributes_end) if attributes_end <= body.len() => {
            update.extend(&body[..attributes_end]);
            update.extend(whole_prefixes(&body[attributes_end..], add_path));
        }
        Some(_) | None => {
            let withdrawn = whole_prefixes(&body[2..withdrawn_end.min(body.len())], add_path);
            if withdrawn.is_empty() {
                // An UPDATE with nothing in it would be an End-of-RIB marker.
                return None;
            }
            update.extend(u16::try_from(withdrawn.len()).ok()?.to_be_bytes());
            update.extend(withdrawn);
            update.extend([0, 0]);
        }
    }
    Some(update)
}

fn whole_prefixes(bytes: &[u8], add_path: bool) -> &[u8] {
    let mut end = 0;
    loop {
        let at = end + if add_path { 4 } else { 0 };
        let Some(bits) = bytes.get(at) else { return &bytes[..end] };
        let next = at + 1 + usize::from(*bits).div_ceil(8);
        if next > bytes.len() {
            return &bytes[..end];
        }
        end = next;
    }
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_prefixes_are_taken() {
        assert_eq!(whole_prefixes(&[8, 10, 24, 192, 0, 2, 24, 198, 51], false), [8, 10, 24, 192, 0, 2]);
        assert_eq!(whole_prefixes(&[0, 0, 0, 1, 8, 10, 0, 0, 0, 2, 24], true), [0, 0, 0, 1, 8, 10]);
        assert!(whole_prefixes(&[], false).is_empty());
    }

    #[test]
    fn a_cut_in_the_withdrawn_prefixes_keeps_them_and_one_in_the_attributes_announces_nothing() {
        // Told: 6 bytes of withdrawn prefixes; there: 2 and a half of the second.
        assert_eq!(whole_part(&[0, 6, 8, 10, 24, 192], false).unwrap(), [0, 2, 8, 10, 0, 0]);
        // Told: one withdrawn prefix and 9 bytes of attributes; there: 3 of these.
        assert_eq!(whole_part(&[0, 2, 8, 10, 0, 9, 64, 1, 1], false).unwrap(), [0, 2, 8, 10, 0, 0]);
        // Nothing but cut attributes must not look like an End-of-RIB marker.
        assert_eq!(whole_part(&[0, 0, 0, 9, 64, 1, 1], false), None);
        // Attributes whole, the second announced prefix cut.
        assert_eq!(whole_part(&[0, 0, 0, 1, 7, 8, 10, 24, 1], false).unwrap(), [0, 0, 0, 1, 7, 8, 10]);
    }
}
