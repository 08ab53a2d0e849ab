//! What an error of the system means: a word of the network about the target, or trouble of the prober itself.
//!
//! Only what is known to be of the network is taken for it; everything else is the prober's own.

use super::ProberTrouble;
use crate::probe::dns;
use std::error::Error;
use std::io::{self, ErrorKind};

/// How an attempt to speak ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// The host is there, the process is not.
    Refused,
    /// No way to get there.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The other side hung up, or does not speak as it should.
    Broken,
    /// The prober is in trouble.
    Own(ProberTrouble),
}

const UNREACHABLE: [ErrorKind; 3] = [ErrorKind::HostUnreachable, ErrorKind::NetworkUnreachable, ErrorKind::NetworkDown];
const BROKEN: [ErrorKind; 7] = [
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::BrokenPipe,
    ErrorKind::NotConnected,
    ErrorKind::UnexpectedEof,
    ErrorKind::WriteZero,
    ErrorKind::InvalidData,
];

impl Ending {
    /// Of an error of the system while it was `doing` something.
    pub(super) fn of(error: &io::Error, doing: &'static str) -> Ending {
        let kind = error.kind();
        let words = error.to_string();
        let reason = words.split(" (os error").next().unwrap_or_default();
        if kind == ErrorKind::ConnectionRefused {
            Ending::Refused
        } else if UNREACHABLE.contains(&kind) || dns::is_unreachable(reason) {
            Ending::Unreachable
        } else if kind == ErrorKind::TimedOut {
            Ending::TimedOut
        } else if error.raw_os_error().is_none() || BROKEN.contains(&kind) {
            // Without a number of the system it comes from a protocol on top of the connection.
            Ending::Broken
        } else {
            Ending::Own(ProberTrouble { doing, reason: words })
        }
    }

    /// Of an error of a library, by the system's error behind it.
    pub(super) fn behind(error: &(dyn Error + 'static), doing: &'static str) -> Ending {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(system) = error.downcast_ref::<io::Error>().filter(|system| system.raw_os_error().is_some()) {
                return Ending::of(system, doing);
            }
            next = error.source();
        }
        Ending::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as Linux has them; other systems have others for some.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_network_says_is_told_from_what_the_prober_lacks() {
        for (number, expected) in [
            (111, Some(Ending::Refused)),
            (113, Some(Ending::Unreachable)),
            (101, Some(Ending::Unreachable)),
            (112, Some(Ending::Unreachable)),
            (110, Some(Ending::TimedOut)),
            (104, Some(Ending::Broken)),
            (32, Some(Ending::Broken)),
            // No descriptor for the process, none for the system, no address, no permission, no buffer, no such family.
            (24, None),
            (23, None),
            (99, None),
            (1, None),
            (13, None),
            (105, None),
            (97, None),
            (22, None),
        ] {
            let ending = Ending::of(&io::Error::from_raw_os_error(number), "asking");
            match expected {
                Some(expected) => assert_eq!(ending, expected, "{number}"),
                None => assert!(matches!(ending, Ending::Own(_)), "{number}: {ending:?}"),
            }
        }
        assert_eq!(Ending::of(&io::Error::new(ErrorKind::InvalidData, "no TLS"), "asking"), Ending::Broken);
    }
}
