//! Bytes as hexadecimal text, as RIS Live shows messages and recordings keep them.

use serde::{Deserialize, Deserializer, Serializer};
use std::borrow::Cow;
use std::fmt::Write;

/// Two digits a byte.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String does not fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// The bytes of such a text; `None` if it is none.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

pub(super) fn serialize<S: Serializer>(bytes: &[u8], into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(&text(bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    bytes(&text).ok_or_else(|| serde::de::Error::custom("is no hexadecimal text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_text_and_back() {
        assert_eq!(text(&[0, 0x1f, 0xff]), "001FFF");
        assert_eq!(bytes("001fFF"), Some(vec![0, 0x1f, 0xff]));
        assert_eq!((bytes("0"), bytes("0g"), bytes("é")), (None, None, None));
    }
}
