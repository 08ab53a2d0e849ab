//! Many statements at a time: nearly all are of somebody who is up, on routes, while nothing is due.
//!
//! What they do to feeds and to routing state does not depend on each other then, so feeds are told of many before the state is.

use super::Pipeline;
use crate::observation::{Observation, Others, Statement};
use crate::rib::PrefixId;
use crate::time::Timestamp;
use crate::vantage::{Family, VantageId, Vantages};

/// Observations whose prefixes are looked up together: what is fetched for them fits into a processor's cache.
const MET: usize = 256;

/// Whose statement on a route, and whether there is one now.
type Told = (VantageId, bool);

impl Pipeline {
    /// Takes observations where everything is watched.
    pub(super) fn observe_met(&mut self, observations: &[Observation], vantages: &Vantages) {
        // A table tells of the prefixes which were met before its end.
        let ends = |observation: &Observation| matches!(observation.what, Statement::TableEnd { .. });
        let mut met = std::mem::take(&mut self.met);
        for part in observations.split_inclusive(ends).flat_map(|part| part.chunks(MET)) {
            self.stages.rib.meet_all(part, |prefix| self.scope.concerns(prefix), &mut met);
            if self.numbers_all() {
                let numbered = part.iter().zip(&met).filter_map(|(observation, prefix)| Some((observation, (*prefix)?)));
                numbered.for_each(|(observation, prefix)| self.stages.feeds.fetch(&observation.what, prefix.number()));
            }
            let (mut part, mut met) = (part, met.as_slice());
            while let ([first, ..], [prefix, ..]) = (part, met) {
                let plain = self.hear_plain(part, met);
                if plain == 0 {
                    self.take_one(first, *prefix, vantages);
                }
                part.iter().zip(met).take(plain).for_each(|(plain, prefix)| self.take_plain(plain, *prefix, vantages));
                (part, met) = (&part[plain.max(1)..], &met[plain.max(1)..]);
            }
        }
        self.met = met;
    }

    /// Tells feeds of statements as long as they are plain; gives how many.
    fn hear_plain(&mut self, part: &[Observation], met: &[Option<PrefixId>]) -> usize {
        let state_due = self.votes.next_due(&self.stages.feeds).min(self.rest_at);
        let review_at = self.votes.review_at();
        let numbers_all = self.numbers_all();
        let mut numbered = std::mem::take(&mut self.numbered);
        let mut heard = 0;
        for message in part.chunk_by(is_of_same_message) {
            let Some((first, (from, announced))) = message.first().and_then(|first| Some((first, told(&first.what)?))) else {
                break;
            };
            if first.at >= state_due.min(self.stages.feeds.next_due(review_at)) {
                break;
            }
            numbered.clear();
            for (observation, prefix) in message.iter().zip(&met[heard..]) {
                let Some(net) = observation.what.prefix() else { continue };
                let number = prefix.filter(|_| numbers_all).map(PrefixId::number);
                numbered.push(Family::of(net), number.unwrap_or_else(|| self.stages.feeds.number_of(net)));
            }
            let said = numbered.said_at_once((first.at, first.source), from, announced);
            if !self.stages.feeds.observe_plain(&said, message.len()) {
                break;
            }
            heard += message.len();
        }
        self.numbered = numbered;
        heard
    }

    /// Takes a statement of which feeds were told.
    fn take_plain(&mut self, observation: &Observation, prefix: Option<PrefixId>, vantages: &Vantages) {
        while self.detector.next_due() <= observation.at {
            self.now = self.now.max(self.detector.next_due());
            self.end_hold(observation.at, vantages);
        }
        self.now = self.now.max(observation.at);
        if self.is_elsewhere(observation, prefix) {
            self.stages.rib.observe_elsewhere(&observation.what, vantages);
        } else {
            self.tell_rib(observation, prefix, vantages);
        }
    }

    /// Takes messages of which no prefix is watched: they only tell of feeds.
    pub(super) fn observe_others(&mut self, others: &Others, vantages: &Vantages) {
        let mut liveness = Vec::new();
        let mut due = self.due();
        let mut numbered = std::mem::take(&mut self.numbered);
        self.stages.feeds.number(others, &mut numbered);
        for other in numbered.said(others) {
            if other.at < due.min(self.stages.feeds.next_silence()) && self.stages.feeds.observe_plain(&other, 1) {
                self.now = self.now.max(other.at);
                continue;
            }
            self.advance(other.at, vantages);
            self.first = self.first.or(Some(other.at));
            self.stages.feeds.observe_other(&other, vantages, &mut liveness);
            if !liveness.is_empty() {
                self.live(&liveness, vantages);
                liveness.clear();
            }
            self.review(other.at, vantages);
            due = self.due();
        }
        self.numbered = numbered;
    }

    /// As long as nobody's liveness changes, nothing but feeds' [silence](crate::feed::Feeds::next_silence) falls due before this.
    fn due(&self) -> Timestamp {
        let judgement = self.stages.feeds.next_due(self.votes.review_at());
        self.detector.next_due().min(self.votes.next_due(&self.stages.feeds)).min(self.rest_at).min(judgement)
    }
}

/// Whose word on a route it is; `None` if it is something else.
fn told(what: &Statement) -> Option<Told> {
    if let Statement::Announce { from, .. } = what {
        Some((*from, true))
    } else if let Statement::Withdraw { from, .. } = what {
        Some((*from, false))
    } else {
        None
    }
}

/// Whether one message says both, and in the same way.
fn is_of_same_message(one: &Observation, other: &Observation) -> bool {
    one.source == other.source && one.at == other.at && told(&one.what).is_some() && told(&one.what) == told(&other.what)
}
