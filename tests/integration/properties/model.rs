//! The naive model: METHOD.md §2 and §3 word by word, without any care for speed. It shares no code with the program.

use faultline::vantage::Family;
use faultline::visibility::Visibility;
use std::collections::BTreeMap;

/// A dump does not overwrite what was said less than this before it (seconds).
const SLACK: i64 = 60;
/// A peer silent for so long is suspended: where KEEPALIVEs are recorded, and elsewhere.
const SILENCE: [i64; 2] = [300, 3_600];

#[derive(Clone, Copy, PartialEq)]
enum Live {
    Never,
    Up,
    Suspended,
    Down,
}

#[derive(Clone, Copy, PartialEq)]
enum Says {
    Nothing,
    Present,
    Withdrawn,
    /// It spoke, and then its session was lost.
    Forgotten,
}

struct Peer {
    collector: usize,
    asn: u32,
    live: Live,
    heard: i64,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    says: Says,
    /// When an update last spoke of it in this session.
    spoke: i64,
    /// It had a route at some time.
    had: bool,
}

/// All peers and what they say of all prefixes.
pub struct Model {
    peers: Vec<Peer>,
    families: Vec<Family>,
}

impl Model {
    pub fn new(sessions: &[(usize, u32)], prefixes: &[&str]) -> Model {
        let cells = vec![Cell { says: Says::Nothing, spoke: i64::MIN, had: false }; prefixes.len()];
        let peer = |(collector, asn): &(usize, u32)| Peer {
            collector: *collector,
            asn: *asn,
            live: Live::Never,
            heard: i64::MIN,
            cells: cells.clone(),
        };
        let families = prefixes.iter().map(|prefix| if prefix.contains(':') { Family::Ipv6 } else { Family::Ipv4 }).collect();
        Model { peers: sessions.iter().map(peer).collect(), families }
    }

    /// Time passes: who is silent for too long is suspended.
    pub fn pass(&mut self, now: i64) {
        for peer in self.peers.iter_mut().filter(|peer| peer.live == Live::Up) {
            if peer.heard + SILENCE[peer.collector] <= now {
                peer.live = Live::Suspended;
            }
        }
    }

    /// Any message: it is up.
    pub fn hear(&mut self, now: i64, peer: usize) {
        self.peers[peer].live = Live::Up;
        self.peers[peer].heard = now;
    }

    pub fn announce(&mut self, now: i64, peer: usize, prefix: usize) {
        self.hear(now, peer);
        self.peers[peer].cells[prefix] = Cell { says: Says::Present, spoke: now, had: true };
    }

    /// Whoever withdraws a route nobody saw had it before; but with a table known, it had none.
    pub fn withdraw(&mut self, now: i64, peer: usize, prefix: usize) {
        self.hear(now, peer);
        let cell = &mut self.peers[peer].cells[prefix];
        (cell.says, cell.spoke) = (Says::Withdrawn, now);
    }

    /// The session is lost: whatever it said is forgotten. Who is down already cannot lose anything.
    pub fn lose(&mut self, peer: usize) {
        let peer = &mut self.peers[peer];
        if matches!(peer.live, Live::Up | Live::Suspended) {
            peer.live = Live::Down;
            for cell in peer.cells.iter_mut().filter(|cell| cell.says != Says::Nothing) {
                (cell.says, cell.spoke) = (Says::Forgotten, i64::MIN);
            }
        }
    }

    /// Nothing was recorded for a while: as if all sessions of the collector had been lost.
    pub fn gap(&mut self, collector: usize) {
        for peer in 0..self.peers.len() {
            if self.peers[peer].collector == collector {
                self.lose(peer);
            }
        }
    }

    /// The table was told to its end: what was forgotten and not told again is not there.
    pub fn end_of_rib(&mut self, now: i64, peer: usize, family: Family) {
        self.hear(now, peer);
        for (cell, of) in self.peers[peer].cells.iter_mut().zip(&self.families) {
            if *of == family && cell.says == Says::Forgotten {
                (cell.says, cell.spoke) = (Says::Withdrawn, now);
            }
        }
    }

    /// A dump of all peers of a collector, each with a full table of both families: it confirms or corrects, but for what an update said
    /// just before. A route in it shows that the session is up.
    pub fn dump(&mut self, now: i64, collector: usize, listed: &dyn Fn(usize, usize) -> bool) {
        for (number, peer) in self.peers.iter_mut().enumerate().filter(|(_, peer)| peer.collector == collector) {
            for (prefix, cell) in peer.cells.iter_mut().enumerate() {
                let fresh = cell.spoke > now - SLACK;
                let listed = listed(number, prefix);
                if listed {
                    (peer.live, peer.heard) = (Live::Up, now);
                }
                match (fresh, listed) {
                    (true, _) => {}
                    (false, true) => (cell.says, cell.had) = (Says::Present, true),
                    (false, false) => cell.says = Says::Withdrawn,
                }
            }
        }
    }

    /// Votes by AS: seeing if one session sees; else unknown if one is unknown; else lost. Who never had the prefix has no vote.
    pub fn visibility(&self, prefix: usize) -> Visibility {
        let mut by_as: BTreeMap<u32, Vec<Says>> = BTreeMap::new();
        for peer in self.peers.iter().filter(|peer| peer.cells[prefix].had) {
            let says = if peer.live == Live::Up { peer.cells[prefix].says } else { Says::Forgotten };
            by_as.entry(peer.asn).or_default().push(says);
        }
        let mut count = Visibility::default();
        for says in by_as.values() {
            if says.contains(&Says::Present) {
                count.seeing += 1;
            } else if says.contains(&Says::Forgotten) {
                count.unknown += 1;
            } else {
                count.lost += 1;
            }
        }
        count
    }
}
