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
use super::watching::Watched;
use std::io::{self, Write};

/// Events of the watched organization, of a thousand. The first event is one of them.
const WATCHED: u64 = 4;
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
    watched: &'a Watched,
    dice: Dice,
    events: Vec<Event>,
    /// Places of the event and the peer of the last message.
    last: (usize, usize),
    body: Vec<u8>,
    said: Said,
}

impl<'a> UpdateStream<'a> {
    /// The stream which belongs to this seed.
    pub fn new(universe: &'a Universe, peers: &'a [Peer], watched: &'a Watched, seed: u64) -> Self {
        let (dice, events) = (Dice::new(seed), Vec::with_capacity(RESTLESS));
        let mut stream =
            UpdateStream { universe, peers, watched, dice, events, last: (0, 0), body: Vec::new(), said: Said::default() };
        for _ in 0..RESTLESS {
            let event = stream.event();
            stream.events.push(event);
        }
        stream
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
            self.events[place] = self.event();
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

    /// An origin becomes restless: a few of its routes are concerned, neighbours of each other.
    fn event(&mut self) -> Event {
        let wanted = 1 + self.dice.place(14) + if self.dice.chance(120) { 40 } else { 0 };
        let own = self.events.is_empty() || self.dice.chance(WATCHED);
        let family = usize::from(self.dice.chance(320));
        let (origin, family, prefixes) = if own { self.own(family, wanted) } else { self.any(wanted) };
        let (left, variant) = (2 + self.dice.below(160), self.dice.below(4));
        let total = self.peers.iter().map(|peer| peer.weight).sum();
        let peers = std::array::from_fn(|_| weighted(self.peers, self.dice.below(total)));
        Event { origin, family, prefixes, left, variant, peers }
    }

    /// Any network which has routes: the first ones mostly.
    fn any(&mut self, wanted: usize) -> (usize, usize, Vec<Prefix>) {
        loop {
            let networks = &self.universe.networks;
            let origin = TOP.len() + index(self.dice.skewed((networks.len() - TOP.len()) as u64, 4));
            let family = usize::from(self.dice.chance(320));
            let routes = &networks[origin].routes[family];
            let first = self.dice.place(routes.len());
            let nth = |nth: usize| self.universe.routes[family][routes[(first + nth) % routes.len()]].prefix;
            if !routes.is_empty() {
                return (origin, family, (0..wanted.min(routes.len())).map(nth).collect());
            }
        }
    }

    /// The watched organization, if it has routes.
    fn own(&mut self, family: usize, wanted: usize) -> (usize, usize, Vec<Prefix>) {
        let family = if self.watched.routes[family].is_empty() { 1 - family } else { family };
        let routes = &self.watched.routes[family];
        let first = self.dice.place(routes.len());
        let Some(route) = routes.get(first) else { return self.any(wanted) };
        let same = routes[first..].iter().take_while(|next| next.origin == route.origin).take(wanted);
        (route.origin, family, same.map(|route| route.prefix).collect())
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
