//! What a router calls itself (RFC 7854 §4.3, §4.4).

/// A name is cut after so many characters.
const LONGEST_NAME: usize = 64;
/// The type of the information which is the router's name.
const SYS_NAME: u16 = 2;

/// The sysName in an Initiation message, without what cannot be shown; `None` if there is none.
pub(super) fn sys_name(body: &[u8]) -> Option<String> {
    let mut rest = body;
    while let Some(([a, b, c, d], after)) = rest.split_first_chunk::<4>() {
        let (value, next) = after.split_at_checked(usize::from(u16::from_be_bytes([*c, *d])))?;
        if u16::from_be_bytes([*a, *b]) == SYS_NAME {
            let text = String::from_utf8_lossy(value);
            let name: String = text.chars().filter(|c| c.is_alphanumeric() || "-._:/ ".contains(*c)).take(LONGEST_NAME).collect();
            return Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn information(list: &[(u16, &[u8])]) -> Vec<u8> {
        let one = |(kind, value): &(u16, &[u8])| {
            [&kind.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
        };
        list.iter().flat_map(one).collect()
    }

    #[test]
    fn a_name_is_text_and_short() {
        assert_eq!(sys_name(&information(&[(1, b"FRRouting"), (2, b"edge1.example")])).as_deref(), Some("edge1.example"));
        assert_eq!(sys_name(&information(&[(2, b"<b>\x1b[31medge\n")])).as_deref(), Some("b31medge"));
        assert_eq!(sys_name(&information(&[(2, &[b'a'; 999])])).unwrap().len(), LONGEST_NAME);
        assert_eq!(sys_name(&information(&[(1, b"FRRouting"), (2, b" ")])), None);
        assert_eq!(sys_name(&[0, 2, 0, 9, b'x']), None);
    }
}
