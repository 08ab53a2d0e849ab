//! Where a message of BMP ends (RFC 7854 §4.1).
//!
//! Takes the bytes of a connection; gives messages by the common header's length. A header which cannot be one is an error: after it nobody can
//! tell where the next message begins, so the connection is over. No message is waited for which is longer than [`LONGEST`].

/// Length of the common header: version, length, type.
pub(super) const HEADER: usize = 6;

/// No message is longer. The longest which carries routes has a BGP message of 65,535 bytes (RFC 8654); Route Mirroring may carry a few of
/// them.
pub const LONGEST: usize = 1024 * 1024;

/// The version which there is (RFC 7854 §4.1). Those before it had no length.
const VERSION: u8 = 3;

/// What kind of message it is (RFC 7854 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Kind {
    RouteMonitoring,
    Statistics,
    PeerDown,
    PeerUp,
    Initiation,
    Termination,
    RouteMirroring,
    /// Not known when this was written.
    Other(u8),
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) struct Frame<'a> {
    pub(in crate::source) kind: Kind,
    /// What comes after the common header.
    pub(in crate::source) body: &'a [u8],
}

/// Why these bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Another version, or no BMP at all.
    #[error(
        "a message begins with version {0}, and BMP has version 3 (RFC 7854); let the router speak BMP version 3, and nothing else, to this port"
    )]
    Version(u8),
    /// Shorter than its own header.
    #[error("a message tells a length of {0} bytes, less than its header has")]
    Short(u32),
    /// Longer than any message.
    #[error("a message tells a length of {0} bytes, more than any message of BMP has")]
    Long(u32),
}

/// The length of the message which begins these bytes; `None` if its header is not there yet.
///
/// # Errors
/// If it cannot be the beginning of a message; as soon as that can be told.
pub fn message_length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    match *bytes {
        [version, ..] if version != VERSION => Err(FrameError::Version(version)),
        [_, a, b, c, d, ..] => {
            let told = u32::from_be_bytes([a, b, c, d]);
            let length = usize::try_from(told).unwrap_or(usize::MAX);
            match length {
                length if length < HEADER => Err(FrameError::Short(told)),
                length if length > LONGEST => Err(FrameError::Long(told)),
                length => Ok(Some(length)),
            }
        }
        _ => Ok(None),
    }
}

/// How many of these bytes are whole messages, and why those after them are none, if that can be told.
pub fn whole_messages(bytes: &[u8]) -> (usize, Result<(), FrameError>) {
    let mut whole = 0;
    loop {
        match message_length(bytes.get(whole..).unwrap_or_default()) {
            Ok(Some(length)) if whole + length <= bytes.len() => whole += length,
            Ok(_) => return (whole, Ok(())),
            Err(error) => return (whole, Err(error)),
        }
    }
}

/// The bytes of a connection, until they are whole messages.
#[derive(Debug, Default)]
pub struct Framer(Vec<u8>);

impl Framer {
    /// Where the next bytes go.
    pub fn room(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// True while a message has begun and is not whole.
    pub fn waits(&self) -> bool {
        !self.0.is_empty()
    }

    /// Takes what is whole, and says why what comes after it is no message, if that can be told. What is left is shorter than a message.
    pub fn take_whole(&mut self) -> (Vec<u8>, Result<(), FrameError>) {
        let (whole, after) = whole_messages(&self.0);
        let rest = self.0.split_off(whole);
        (std::mem::replace(&mut self.0, rest), after)
    }
}

/// The message which begins these bytes, and its length; `None` if it is not whole.
///
/// # Errors
/// As for [`message_length`].
pub(in crate::source) fn first_message(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(length) = message_length(bytes)? else { return Ok(None) };
    let Some(whole) = bytes.get(..length) else { return Ok(None) };
    Ok(Some((Frame { kind: Kind::of(whole[HEADER - 1]), body: &whole[HEADER..] }, length)))
}

impl Kind {
    fn of(number: u8) -> Self {
        match number {
            0 => Kind::RouteMonitoring,
            1 => Kind::Statistics,
            2 => Kind::PeerDown,
            3 => Kind::PeerUp,
            4 => Kind::Initiation,
            5 => Kind::Termination,
            6 => Kind::RouteMirroring,
            other => Kind::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_or_waited_for() {
        let bytes = [3, 0, 0, 0, 8, 4, 1, 2, 3, 0];
        assert_eq!(first_message(&bytes), Ok(Some((Frame { kind: Kind::Initiation, body: &[1, 2] }, 8))));
        for short in 0..8 {
            assert_eq!(first_message(&bytes[..short]), Ok(None));
        }
        assert_eq!(whole_messages(&bytes), (8, Ok(())));
    }

    #[test]
    fn what_is_no_message_is_told_as_soon_as_possible() {
        assert_eq!(message_length(b"GET / HTTP/1.1"), Err(FrameError::Version(b'G')));
        assert_eq!(message_length(&[3, 0, 0, 0, 5, 0]), Err(FrameError::Short(5)));
        assert_eq!(message_length(&[3, 0xff, 0, 0, 0]), Err(FrameError::Long(0xff00_0000)));
        assert_eq!(whole_messages(&[3, 0, 0, 0, 6, 4, 2]), (6, Err(FrameError::Version(2))));
    }
}
