//! What a stream says, cut into stretches which are put onto the bus one after the other.
//!
//! Takes messages and notes in the order in which they come; gives stretches, packed. Reads no clock. What the bus does not take waits, until there is too much: then what comes
//! is left out, and it is noted from when to when.

use super::batch::{Key, Paths, Stretch};
use crate::source::ris_live::PathFor;
use crate::source::ris_live::frame::{Hop, Message, Recorded};
use crate::time::{Span, Timestamp};
use crate::watch::connection::Said;
use std::collections::{BTreeMap, VecDeque};

/// A stretch is no longer, in the time of the stream: whoever reads puts into order what is late by up to 2 s.
const LONGEST: Span = Span::from_seconds(1);
/// Nor larger, about, before it is packed: a server takes messages of 1 MiB.
const LARGEST: usize = 512 << 10;
/// So many bytes wait for the bus: some ten minutes of all that RIS Live says.
const MOST: usize = 512 << 20;

/// Cuts a stream into stretches.
#[derive(Debug)]
pub struct Sets {
    shares: u32,
    next: Key,
    /// Until when what was said is in a stretch.
    until: Option<Timestamp>,
    /// How late it is stands there.
    has_clock: bool,
    open: Open,
    packed: VecDeque<Packed>,
    /// Bytes of these.
    bytes: usize,
    most: usize,
    /// Since when what comes is left out, and until when.
    left_out: Option<(Timestamp, Timestamp)>,
}

/// A stretch which grows.
#[derive(Debug, Default)]
struct Open {
    said: Vec<Said>,
    paths: BTreeMap<u32, Vec<(u32, Vec<Hop>)>>,
    first: Option<Timestamp>,
    size: usize,
}

/// A stretch, ready for the bus.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Which.
    pub key: Key,
    /// What was said until then is in it, or before it.
    pub until: Option<Timestamp>,
    /// For single shares, by their number. To be there before what is for all.
    pub paths: Vec<(u32, Vec<u8>)>,
    /// For all.
    pub all: Vec<u8>,
}

impl Packed {
    fn size(&self) -> usize {
        self.all.len() + self.paths.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    }
}

impl Sets {
    /// Nothing was said yet, in a run of this number.
    pub fn new(shares: u32, run: u64) -> Self {
        let next = Key { run, number: 1 };
        Sets {
            shares,
            next,
            until: None,
            has_clock: false,
            open: Open::default(),
            packed: VecDeque::new(),
            bytes: 0,
            most: MOST,
            left_out: None,
        }
    }

    /// Takes what is said.
    ///
    /// # Errors
    /// What the compressor says.
    pub fn take(&mut self, said: Said) -> Result<(), String> {
        match said {
            Said::Message(message) => self.message(message),
            Said::Clock(_) | Said::Lost(..) | Said::End => self.note(said),
        }
    }

    fn message(&mut self, mut message: Message) -> Result<(), String> {
        if self.bytes >= self.most {
            let (from, until) = self.left_out.unwrap_or((message.at, message.at));
            self.left_out = Some((from.min(message.at), until.max(message.at)));
            return Ok(());
        }
        self.tell_left_out(message.at)?;
        // A message from long before, or after, does not fit to what stands there.
        let first = *self.open.first.get_or_insert(message.at);
        if message.at.since(first).max(first.since(message.at)) >= LONGEST || self.open.size >= LARGEST {
            self.close()?;
            self.open.first = Some(message.at);
        }
        self.open.size += size(&message);
        let place = u32::try_from(self.open.said.len()).unwrap_or(u32::MAX);
        if let PathFor::Some(numbers) = message.path_for(self.shares) {
            let path = message.take_path();
            numbers.into_iter().for_each(|number| self.open.paths.entry(number).or_default().push((place, path.clone())));
        }
        self.open.said.push(Said::Message(message));
        Ok(())
    }

    fn note(&mut self, note: Said) -> Result<(), String> {
        if self.left_out.is_none() {
            self.open.said.push(note);
            return Ok(());
        }
        match note {
            Said::Lost(from, until) => {
                let left_out = self.left_out.get_or_insert((from, until));
                *left_out = (left_out.0.min(from), left_out.1.max(until));
                Ok(())
            }
            // Until when it is left out is told by what is taken next.
            Said::Clock(_) if self.bytes >= self.most => Ok(()),
            Said::Clock(at) => {
                self.tell_left_out(at)?;
                self.open.said.push(note);
                Ok(())
            }
            Said::End | Said::Message(_) => {
                self.tell_left_out(Timestamp::MIN)?;
                self.open.said.push(note);
                Ok(())
            }
        }
    }

    /// Tells, before something of this time, what was left out.
    fn tell_left_out(&mut self, at: Timestamp) -> Result<(), String> {
        let Some((from, until)) = self.left_out.take() else { return Ok(()) };
        self.close()?;
        self.open.said.push(Said::Lost(from, until.max(at)));
        Ok(())
    }

    /// What was said until now makes a stretch, if anything was.
    ///
    /// # Errors
    /// What the compressor says.
    pub fn close(&mut self) -> Result<(), String> {
        let Open { said, paths, .. } = std::mem::take(&mut self.open);
        if said.is_empty() {
            return Ok(());
        }
        let key = self.next;
        self.next.number += 1;
        let paths_of = paths.keys().copied().collect();
        self.has_clock |= said.iter().any(|said| matches!(said, Said::Clock(_)));
        // A message may be ahead of its time.
        let counts = |said: &&Said| !self.has_clock || !matches!(said, Said::Message(_));
        self.until = self.until.max(said.iter().filter(counts).filter_map(Said::until).max());
        let paths = paths.into_iter().map(|(number, paths)| Ok((number, Paths { key, paths }.write()?)));
        let paths = paths.collect::<Result<_, String>>()?;
        let packed = Packed { key, until: self.until, paths, all: Stretch { key, said, paths_of }.write()? };
        self.bytes += packed.size();
        self.packed.push_back(packed);
        Ok(())
    }

    /// The next stretch for the bus.
    pub fn pop(&mut self) -> Option<Packed> {
        let packed = self.packed.pop_front()?;
        self.bytes -= packed.size();
        Some(packed)
    }

    /// Whether anything waits, or grows.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty() && self.open.said.is_empty() && self.left_out.is_none()
    }

    /// Since when what comes is left out, since too much waits.
    pub fn left_out_since(&self) -> Option<Timestamp> {
        self.left_out.map(|(from, _)| from)
    }
}

/// About how many bytes it takes before it is packed.
fn size(message: &Message) -> usize {
    16 + match &message.what {
        Recorded::Update { announced, withdrawn, path } => 17 * (announced.len() + withdrawn.len()) + 6 * path.len(),
        Recorded::Bytes(bytes) => bytes.len(),
        Recorded::SignOfLife
        | Recorded::Keepalive
        | Recorded::Open
        | Recorded::Notification { .. }
        | Recorded::State { .. }
        | Recorded::Else(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vantage::Asn;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn announce(micros: i64, prefix: &str) -> Message {
        let what = Recorded::Update {
            announced: vec![prefix.parse().unwrap()],
            withdrawn: Vec::new(),
            path: vec![Hop::One(Asn(64_500)), Hop::One(Asn(64_501))],
        };
        Message { at: at(micros), collector: "rrc00".to_owned(), peer: "192.0.2.1".parse().unwrap(), asn: Asn(64_500), what }
    }

    /// Everything which waits, as somebody reads it who takes these shares.
    fn read(sets: &mut Sets, takes: &[u32]) -> Vec<Vec<Said>> {
        let read = std::iter::from_fn(|| sets.pop()).map(|packed| {
            let mut stretch = Stretch::read(&packed.all).unwrap();
            for (number, bytes) in packed.paths {
                let paths = Paths::read(&bytes).unwrap();
                assert_eq!(paths.key, stretch.key);
                assert!(stretch.paths_of.contains(&number));
                if takes.contains(&number) {
                    stretch.join(paths);
                }
            }
            stretch.said
        });
        read.collect()
    }

    #[test]
    fn who_takes_all_shares_reads_what_was_said_and_others_no_paths() {
        let mut sets = Sets::new(4, 1);
        let told = [announce(10, "192.0.2.0/24"), announce(20, "193.0.2.0/24"), announce(30, "0.0.0.0/0")];
        told.iter().for_each(|message| sets.message(message.clone()).unwrap());
        sets.note(Said::Clock(at(40))).unwrap();
        sets.close().unwrap();
        let packed = sets.packed.clone();
        let whole: Vec<Said> = told.iter().cloned().map(Said::Message).chain([Said::Clock(at(40))]).collect();
        assert_eq!(read(&mut sets, &[0, 1, 2, 3]), std::slice::from_ref(&whole));
        sets.packed = packed;
        sets.bytes = usize::MAX;
        let mut without = whole;
        let Said::Message(first) = &mut without[0] else { panic!("a message") };
        first.take_path();
        assert_eq!(read(&mut sets, &[1]), [without], "the default route is in every share");
    }

    #[test]
    fn a_stretch_is_short_in_the_time_of_the_stream() {
        let mut sets = Sets::new(4, 1);
        for micros in [0, 500_000, 1_000_000, 1_400_000, 9_000_000, 7_000_000] {
            sets.message(announce(micros, "192.0.2.0/24")).unwrap();
        }
        sets.close().unwrap();
        sets.close().unwrap();
        assert_eq!(read(&mut sets, &[0]).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1, 1]);
        assert!(sets.is_empty());
    }

    #[test]
    fn a_stretch_fits_into_a_message_of_the_server() {
        let mut sets = Sets::new(16, 1);
        let mut chance = 1_u32;
        let mut next = || {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            chance
        };
        for _ in 0..100_000 {
            let mut message = announce(0, "192.0.2.0/24");
            let Recorded::Update { announced, path, .. } = &mut message.what else { panic!("an update") };
            *announced = (0..3).map(|_| format!("{}/32", std::net::Ipv4Addr::from_bits(next())).parse().unwrap()).collect();
            *path = (0..8).map(|_| Hop::One(Asn(next()))).collect();
            sets.message(message).unwrap();
        }
        sets.close().unwrap();
        let largest = std::iter::from_fn(|| sets.pop()).flat_map(|packed| {
            let paths: Vec<usize> = packed.paths.iter().map(|(_, bytes)| bytes.len()).collect();
            paths.into_iter().chain([packed.all.len()])
        });
        let largest = largest.max().unwrap();
        assert!((10_000..1_000_000).contains(&largest), "{largest}");
    }

    #[test]
    fn what_cannot_wait_is_left_out_and_it_is_said_from_when_to_when() {
        let mut sets = Sets::new(4, 1);
        sets.message(announce(10, "192.0.2.0/24")).unwrap();
        sets.close().unwrap();
        sets.most = 1;
        sets.message(announce(20, "192.0.2.0/24")).unwrap();
        sets.note(Said::Clock(at(25))).unwrap();
        sets.message(announce(30, "192.0.2.0/24")).unwrap();
        assert_eq!(sets.left_out_since(), Some(at(20)));
        assert_eq!(read(&mut sets, &[0]).len(), 1);
        assert!(!sets.is_empty(), "what was left out is still to be told");
        sets.message(announce(40, "192.0.2.0/24")).unwrap();
        sets.close().unwrap();
        let told = [Said::Lost(at(20), at(40)), Said::Message(announce(40, "192.0.2.0/24"))];
        assert_eq!(read(&mut sets, &[0]), [told]);
        assert_eq!(sets.left_out_since(), None);
    }
}
