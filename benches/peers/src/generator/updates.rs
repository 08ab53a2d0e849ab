//! What peers say as it happens: UPDATEs, KEEPALIVEs and state changes.
//!
//! At any time a few dozen origins are restless, each at its own favourite peers: an event goes through several messages, often one
//! after the other from one peer, and then another origin takes its turn. That is what makes real archives repeat themselves.

use super::BEGINS;
use super::attributes::{Place, Told};
use super::dice::{Dice, index};
use super::networks::{Prefix, TOP, Universe};
use super::record::{self, MESSAGE, STATE_CHANGE, short};
use super::session::Peer;
use std::io::{self, Write};

/// Origins which are restless at a time.
const RESTLESS: usize = 28;

/// What was written, to compare readers with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Said {
    /// Prefixes announced.
    pub announced: u64,
    /// Prefixes withdrawn.
    pub withdrawn: u64,
}

/// A restless origin.
#[derive(Debug)]
struct Event {
    origin: usize,
    family: usize,
    prefixes: Vec<Prefix>,
    /// Messages until it is over.
    left: u64,
    variant: u64,
    peers: [usize; 6],
}

/// A collector's stream of messages, as many files of it as wanted.
#[derive(Debug)]
pub struct UpdateStream<'a> {
    universe: &'a Universe,
    peers: &'a [Peer],
    dice: Dice,
    events: Vec<Event>,
    /// Places of the event and the peer of the last message.
    last: (usize, usize),
    body: Vec<u8>,
    said: Said,
}

impl<'a> UpdateStream<'a> {
    /// The stream which belongs to this seed.
    pub fn new(universe: &'a Universe, peers: &'a [Peer], seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let events = (0..RESTLESS).map(|_| event(&mut dice, universe, peers)).collect();
        UpdateStream { universe, peers, dice, events, last: (0, 0), body: Vec::new(), said: Said::default() }
    }

    /// Writes a file's worth: so many messages, from so many seconds after [`BEGINS`] on, within so many seconds.
    pub fn write(&mut self, messages: u64, (after, during): (u64, u64), out: &mut impl Write) -> io::Result<Said> {
        self.said = Said::default();
        let begins = (BEGINS + after) * 1_000_000;
        let ends = begins + during * 1_000_000 - 1;
        let (mut at, step) = (begins, during * 1_000_000 / messages.max(1));
        for _ in 0..messages {
            at = (at + self.dice.below(2 * step)).min(ends);
            self.body.clear();
            let kind = match self.dice.below(100_000) {
                0..15 => self.state_change(),
                15..600 => self.keepalive(),
                _ => self.update(),
            };
            record::write(out, at, kind, &self.body)?;
        }
        Ok(self.said)
    }

    fn anybody(&mut self) -> &'a Peer {
        &self.peers[self.dice.place(self.peers.len())]
    }

    /// The session comes up (OpenConfirm to Established) or goes down.
    fn state_change(&mut self) -> record::Kind {
        self.anybody().encode(&mut self.body);
        let states: [u8; 4] = if self.dice.chance(500) { [0, 6, 0, 1] } else { [0, 5, 0, 6] };
        self.body.extend_from_slice(&states);
        STATE_CHANGE
    }

    fn keepalive(&mut self) -> record::Kind {
        self.anybody().encode(&mut self.body);
        self.body.extend_from_slice(&[0xff; 16]);
        self.body.extend_from_slice(&[0, 19, 4]);
        MESSAGE
    }

    fn update(&mut self) -> record::Kind {
        let place = if self.dice.chance(450) { self.last.0 } else { self.dice.place(self.events.len()) };
        let speaker = self.speaker(place);
        self.last = (place, speaker);
        let peer = &self.peers[speaker];
        peer.encode(&mut self.body);
        let start = self.body.len();
        self.body.extend_from_slice(&[0xff; 16]);
        self.body.extend_from_slice(&[0, 0, 2]);
        let variant = self.dice.chance(80).then(|| self.dice.below(5));
        let event = &mut self.events[place];
        event.variant = variant.unwrap_or(event.variant);
        let count = prefixes_in_message(&mut self.dice).min(event.prefixes.len());
        let first = self.dice.place(event.prefixes.len() - count + 1);
        let prefixes = &event.prefixes[first..first + count];
        let v6 = event.family == 1;
        if self.dice.chance(55) {
            self.said.withdrawn += count as u64;
            withdraw(prefixes, v6, &mut self.body);
        } else {
            self.said.announced += count as u64;
            let told = Told { universe: self.universe, peer, origin: event.origin, variant: event.variant, v6 };
            announce(&told, prefixes, &mut self.body);
        }
        let length = short(self.body.len() - start);
        self.body[start + 16..start + 18].copy_from_slice(&length);
        event.left -= 1;
        if event.left == 0 {
            *event = self::event(&mut self.dice, self.universe, self.peers);
        }
        MESSAGE
    }

    /// Who speaks: often the last one again, else mostly one of the event's favourites.
    fn speaker(&mut self, place: usize) -> usize {
        if self.dice.chance(550) {
            self.last.1
        } else if self.dice.chance(850) {
            self.dice.one_of(&self.events[place].peers)
        } else {
            self.dice.place(self.peers.len())
        }
    }
}

/// An origin becomes restless: one which has routes, a few of which are concerned.
fn event(dice: &mut Dice, universe: &Universe, peers: &[Peer]) -> Event {
    loop {
        let origin = TOP.len() + index(dice.skewed((universe.networks.len() - TOP.len()) as u64, 4));
        let family = usize::from(dice.chance(320));
        let routes = &universe.networks[origin].routes[family];
        if routes.is_empty() {
            continue;
        }
        let wanted = 1 + dice.place(14) + if dice.chance(120) { 40 } else { 0 };
        let first = dice.place(routes.len());
        let nth = |nth: usize| universe.routes[family][routes[(first + nth) % routes.len()]].prefix;
        let prefixes = (0..wanted.min(routes.len())).map(nth).collect();
        let left = 2 + dice.below(160);
        let variant = dice.below(4);
        let total = peers.iter().map(|peer| peer.weight).sum();
        let favourites = std::array::from_fn(|_| weighted(peers, dice.below(total)));
        return Event { origin, family, prefixes, left, variant, peers: favourites };
    }
}

/// The place of the peer at this point of the sum of all weights.
fn weighted(peers: &[Peer], mut point: u64) -> usize {
    for (place, peer) in peers.iter().enumerate() {
        match point.checked_sub(peer.weight) {
            None => return place,
            Some(rest) => point = rest,
        }
    }
    0
}

/// Most messages are of one prefix; a few of dozens.
fn prefixes_in_message(dice: &mut Dice) -> usize {
    match dice.below(100) {
        0..54 => 1,
        54..77 => 2,
        77..89 => 3,
        89..98 => 4 + dice.place(8),
        _ => 10 + dice.place(40),
    }
}

fn withdraw(prefixes: &[Prefix], v6: bool, body: &mut Vec<u8>) {
    let mut routes = if v6 { vec![0, 2, 1] } else { Vec::new() };
    prefixes.iter().for_each(|prefix| prefix.encode(&mut routes));
    if v6 {
        // MP_UNREACH_NLRI (RFC 4760 §4), the only attribute.
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&short(routes.len() + 4));
        body.extend_from_slice(&[0x90, 15]);
        body.extend_from_slice(&short(routes.len()));
        body.extend_from_slice(&routes);
    } else {
        body.extend_from_slice(&short(routes.len()));
        body.extend_from_slice(&routes);
        body.extend_from_slice(&[0, 0]);
    }
}

fn announce(told: &Told<'_>, prefixes: &[Prefix], body: &mut Vec<u8>) {
    body.extend_from_slice(&[0, 0]);
    let length_at = body.len();
    body.extend_from_slice(&[0, 0]);
    told.encode(Place::Update(prefixes), body);
    let length = short(body.len() - length_at - 2);
    body[length_at..length_at + 2].copy_from_slice(&length);
    if !told.v6 {
        prefixes.iter().for_each(|prefix| prefix.encode(body));
    }
}
