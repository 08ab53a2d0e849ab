//! Messages of which no prefix is watched: millions, so they are told together, and their room is used again.

use super::RecordRef;
use crate::time::Timestamp;
use crate::vantage::VantageId;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::Ipv4Addr;

/// Messages of which no prefix is watched, in order of time: they show who speaks, and how large tables are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Others {
    messages: Vec<Message>,
    prefixes: Prefixes,
    /// How many prefixes are of these messages; those after them are of the next.
    closed: [usize; 2],
}

/// Prefixes of both families.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Prefixes {
    /// IPv4.
    pub v4: Vec<V4Prefix>,
    /// IPv6.
    pub v6: Vec<Ipv6Net>,
}

/// An IPv4 prefix in one word: its address, then eight bits of its length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct V4Prefix(u64);

/// A message of [`Others`]: how many prefixes it has, by [`Family::index`](crate::vantage::Family::index). They stand in the order of messages,
/// those which it withdraws before those which it announces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// When.
    pub at: Timestamp,
    /// Where it was read.
    pub source: RecordRef,
    /// Whose.
    pub from: VantageId,
    /// How many prefixes it withdraws.
    pub withdrawn: [u32; 2],
    /// How many it announces.
    pub announced: [u32; 2],
}

/// One message of [`Others`] with its prefixes.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    /// When.
    pub at: Timestamp,
    /// Where it was read.
    pub source: RecordRef,
    /// Whose.
    pub from: VantageId,
    /// What it announces.
    pub announced: Spoken<'a>,
    /// What it withdraws.
    pub withdrawn: Spoken<'a>,
}

/// What is said of prefixes of both families.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    /// IPv4.
    pub v4: &'a [V4Prefix],
    /// IPv6.
    pub v6: &'a [Ipv6Net],
}

impl V4Prefix {
    /// The prefix of this address and length; bits behind the length are left out. `None` if it is longer than 32.
    #[inline]
    pub fn new(address: u32, length: u8) -> Option<Self> {
        let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        (length <= 32).then_some(V4Prefix(u64::from(address & !host) << 8 | u64::from(length)))
    }

    /// The address in the upper 32 of 40 bits, the length in the lower 8: to hash by.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Address and length.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a word of 32 and 8 bits is taken apart")]
    pub const fn parts(self) -> (u32, u8) {
        ((self.0 >> 8) as u32, self.0 as u8)
    }
}

impl From<Ipv4Net> for V4Prefix {
    fn from(net: Ipv4Net) -> Self {
        V4Prefix(u64::from(u32::from(net.network())) << 8 | u64::from(net.prefix_len()))
    }
}

impl From<V4Prefix> for IpNet {
    fn from(prefix: V4Prefix) -> Self {
        let (address, length) = prefix.parts();
        IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from(address), length))
    }
}

impl Spoken<'_> {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Each of them.
    pub fn nets(self) -> impl Iterator<Item = IpNet> {
        self.v4.iter().map(|prefix| IpNet::from(*prefix)).chain(self.v6.iter().map(|prefix| IpNet::V6(*prefix)))
    }
}

impl Prefixes {
    /// How many there are, by [`Family::index`](crate::vantage::Family::index).
    #[inline]
    pub fn len(&self) -> [usize; 2] {
        [self.v4.len(), self.v6.len()]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The first so many, and the others.
    pub fn split_at(&self, [v4, v6]: [usize; 2]) -> (Spoken<'_>, Spoken<'_>) {
        let ((first_v4, v4), (first_v6, v6)) = (self.v4.split_at(v4), self.v6.split_at(v6));
        (Spoken { v4: first_v4, v6: first_v6 }, Spoken { v4, v6 })
    }

    /// Forgets all but the first so many.
    #[inline]
    pub fn truncate(&mut self, [v4, v6]: [usize; 2]) {
        self.v4.truncate(v4);
        self.v6.truncate(v6);
    }

    /// Appends a prefix.
    pub fn push(&mut self, net: &IpNet) {
        match net {
            IpNet::V4(net) => self.v4.push(V4Prefix::from(*net)),
            IpNet::V6(net) => self.v6.push(net.trunc()),
        }
    }
}

impl Others {
    /// Messages told together: few enough to stay in a processor's nearest cache.
    const MESSAGES: usize = 256;

    /// Where the prefixes of the next message are appended, the withdrawn ones first, before it is [closed](Others::close).
    #[inline]
    pub fn open(&mut self) -> &mut Prefixes {
        &mut self.prefixes
    }

    /// How many prefixes were appended, by [`Family::index`](crate::vantage::Family::index).
    #[inline]
    pub fn opened(&self) -> [usize; 2] {
        let now = self.prefixes.len();
        [now[0] - self.closed[0], now[1] - self.closed[1]]
    }

    /// What was appended is a message. Of each family the first so many of it as `withdrawn` says are withdrawn, the others announced.
    #[inline]
    pub fn close(&mut self, (at, source): (Timestamp, RecordRef), from: VantageId, withdrawn: [usize; 2]) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let opened = self.opened();
        let announced = [0, 1].map(|family| count(opened[family].saturating_sub(withdrawn[family])));
        self.messages.push(Message { at, source, from, withdrawn: withdrawn.map(count), announced });
        self.closed = self.prefixes.len();
    }

    /// What was appended is no message.
    #[inline]
    pub fn discard(&mut self) {
        self.prefixes.truncate(self.closed);
    }

    /// Appends a message which announces and withdraws these prefixes.
    pub fn push(&mut self, place: (Timestamp, RecordRef), from: VantageId, announced: &[IpNet], withdrawn: &[IpNet]) {
        withdrawn.iter().for_each(|net| self.prefixes.push(net));
        let [v4, v6] = self.prefixes.len();
        announced.iter().for_each(|net| self.prefixes.push(net));
        self.close(place, from, [v4 - self.closed[0], v6 - self.closed[1]]);
    }

    /// Whether it is time to tell them.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.messages.len() >= Others::MESSAGES || self.closed[0] + self.closed[1] >= 16 * Others::MESSAGES
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// When the last one was.
    pub fn until(&self) -> Option<Timestamp> {
        self.messages.last().map(|message| message.at)
    }

    /// The prefixes of all of them.
    pub fn prefixes(&self) -> Spoken<'_> {
        Spoken { v4: &self.prefixes.v4[..self.closed[0]], v6: &self.prefixes.v6[..self.closed[1]] }
    }

    /// Forgets all; their room is kept.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.prefixes.truncate([0; 2]);
        self.closed = [0; 2];
    }

    /// Each message without its prefixes.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Each message.
    pub fn iter(&self) -> impl Iterator<Item = Other<'_>> {
        let Spoken { mut v4, mut v6 } = self.prefixes();
        self.messages.iter().map(move |message| {
            let mut next = |counts: [u32; 2]| Spoken { v4: take(&mut v4, counts[0]), v6: take(&mut v6, counts[1]) };
            let (withdrawn, announced) = (next(message.withdrawn), next(message.announced));
            Other { at: message.at, source: message.source, from: message.from, announced, withdrawn }
        })
    }
}

fn take<'a, T>(list: &mut &'a [T], count: u32) -> &'a [T] {
    let (taken, rest) = list.split_at(list.len().min(count as usize));
    *list = rest;
    taken
}
