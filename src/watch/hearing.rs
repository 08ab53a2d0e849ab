//! What comes from a stream as what is said, with notes of how late it is and of when nothing could be heard: the form in which a
//! [bus](Said) keeps it, and in which [every origin](super::survey) is followed.

use super::canary::Canary;
use super::connection::{Event, Said};
use super::lateness::Lateness;
use super::run::{Clock, heard, system};
use crate::source::ris_live::AHEAD;
use crate::source::ris_live::frame::{Frame, Message, Recorded};
use crate::time::Timestamp;

/// Hears a stream.
pub struct Hearing {
    address: String,
    clock: Clock,
    canary: Canary,
    lateness: Lateness,
    /// Since when nothing can be heard.
    lost_at: Option<Timestamp>,
    newest: Timestamp,
    /// There has been a connection.
    was_up: bool,
    /// Frames which could not be read, or believed.
    unread: u64,
}

impl Hearing {
    /// Nothing came yet from the stream at this address.
    pub fn new(address: &str, clock: Clock) -> Self {
        Hearing {
            address: address.to_owned(),
            clock,
            canary: Canary::at(address),
            lateness: Lateness::new(system()),
            lost_at: None,
            newest: Timestamp::MIN,
            was_up: false,
            unread: 0,
        }
    }

    /// Somebody heard it until then, and nothing since. What a replay tells is not what was missed.
    pub fn missed_since(&mut self, until: Option<Timestamp>) {
        self.lost_at = until.filter(|_| self.clock == Clock::System);
    }

    /// Takes what happens; gives what is said.
    pub fn take(&mut self, event: Event, tell: &mut impl FnMut(&str)) -> Vec<Said> {
        match event {
            Event::Up => {
                tell(&format!("connected to {}", self.address));
                let late = self.late();
                self.canary.listens(late);
                self.was_up = true;
                let from = self.lost_at.take().filter(|from| *from > Timestamp::MIN);
                from.map(|from| Said::Lost(from.min(late), late)).into_iter().collect()
            }
            Event::Frame(text) => self.frame(&text, tell).map(Said::Message).into_iter().collect(),
            Event::Down { reason, was_up } => {
                self.lost_at.get_or_insert(self.late());
                tell(&match was_up {
                    true => format!("the connection to {} is lost: {reason}; trying again", self.address),
                    false => format!("no connection to {}: {reason}; trying again", self.address),
                });
                Vec::new()
            }
            Event::Ended(_) => vec![Said::End],
            // A bus has kept what was missed.
            Event::Joined => {
                tell(&format!("connected to {}", self.address));
                self.lost_at = None;
                Vec::new()
            }
            Event::Said(said) => said,
            Event::Current => Vec::new(),
            Event::Trouble(words) => {
                tell(&format!("{}: {words}", self.address));
                Vec::new()
            }
        }
    }

    /// Looks at the clock; gives what is to be noted of a stream which does not do so itself.
    pub fn look(&mut self, tell: &mut impl FnMut(&str)) -> Vec<Said> {
        if self.clock == Clock::Stream || self.lost_at.is_some() || !self.was_up {
            return Vec::new();
        }
        let now = system();
        let mut said = Vec::new();
        if let Some(turn) = self.canary.missed(now) {
            self.canary.listens(now);
            tell(&format!("{} is silent: nobody spoke of the beacons of RIS which turned at {}", self.address, turn.in_words()));
            said.push(Said::Lost(turn, now));
        }
        said.push(Said::Clock(now - self.lateness.wait(now)));
        said
    }

    fn frame(&mut self, text: &str, tell: &mut impl FnMut(&str)) -> Option<Message> {
        match Frame::read(text.as_bytes()) {
            Ok(Frame::Message(message)) if self.clock == Clock::System && message.at > system() + AHEAD => {
                self.unread(&format!("is of a time, {}, which has not come yet", message.at), tell);
                None
            }
            Ok(Frame::Message(message)) => {
                self.hears(&message);
                Some(message)
            }
            Ok(Frame::Error(words)) => {
                tell(&format!("the server says: {words}"));
                None
            }
            Ok(Frame::Subscribed | Frame::Pong | Frame::Clock(_) | Frame::Lost(..) | Frame::Other(_)) => None,
            Err(problem) => {
                self.unread(&problem, tell);
                None
            }
        }
    }

    /// A frame is left out; told of the first, the second, the fourth and so on.
    fn unread(&mut self, problem: &str, tell: &mut impl FnMut(&str)) {
        self.unread += 1;
        if self.unread.is_power_of_two() {
            tell(&format!("{} frames are left out, the last one since it {problem}", self.unread));
        }
    }

    fn hears(&mut self, message: &Message) {
        self.newest = self.newest.max(message.at);
        if self.clock == Clock::System {
            heard(message.at);
            self.lateness.came(message.at, system());
        }
        if let Recorded::Update { announced, withdrawn, .. } = &message.what
            && self.canary.prefixes().iter().any(|beacon| announced.contains(beacon) || withdrawn.contains(beacon))
        {
            self.canary.hears(message.at);
        }
    }

    fn late(&self) -> Timestamp {
        match self.clock {
            Clock::System => system(),
            Clock::Stream => self.newest,
        }
    }
}
