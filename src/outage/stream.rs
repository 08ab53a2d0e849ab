//! Outages of origin ASes while statements come in.
//!
//! Takes the steps of withdrawals in order of time; gives what begins, changes or ends with them. Costs nothing where no step happens. At any time the
//! outages it has told of are those which [`Survey::outages`](crate::analysis::Survey::outages) would find if the recording ended there.

use super::{Chains, Joined};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::vantage::Asn;
use crate::withdrawal::{Level, WithdrawalStep};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What happens to an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutageChange {
    /// It begins.
    Opened,
    /// More of its prefixes are withdrawn, or some to a worse level, or another outage turns out to be part of it.
    Changed,
    /// It was over, and one more prefix belongs to it.
    Reopened,
    /// All of its prefixes are back.
    Ended,
}

/// An outage at the moment when something happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageEvent {
    /// When it was decided: a level, or a recovery, had held long enough.
    pub at: Timestamp,
    /// What happens.
    pub change: OutageChange,
    /// The number of the outage, from 1, in the order in which they opened.
    pub number: usize,
    /// Whose; `None` for prefixes whose origin was never seen.
    pub origin: Option<Asn>,
    /// The worst level of a prefix so far.
    pub level: Level,
    /// The first onset known by now.
    pub began: Timestamp,
    /// When the last prefix was back; `None` while one is not.
    pub ended: Option<Timestamp>,
    /// How many withdrawals belong to it.
    pub prefix_count: usize,
    /// How many of them are not over.
    pub withdrawn: usize,
    /// Prefixes which are withdrawn, or on a worse level, since now.
    pub prefixes: Vec<IpNet>,
    /// Numbers of outages which turn out to be this one: they are not told of again.
    pub absorbed: Vec<usize>,
}

/// Follows the outages of every origin.
#[derive(Debug)]
pub struct OutageStream {
    chains: Chains<Option<Asn>>,
    /// By the number of the chain.
    outages: Vec<Outage>,
    /// Withdrawals under way, by prefix and the time at which they opened.
    open: HashMap<(IpNet, Timestamp), Open>,
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    origin: Option<Asn>,
    level: Level,
    began: Timestamp,
    /// The latest recovery so far.
    back: Option<Timestamp>,
    prefix_count: usize,
    withdrawn: usize,
    /// The outage which it turned out to be.
    is: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    outage: usize,
    level: Level,
}

/// What steps of one moment do to one outage.
#[derive(Debug, Default)]
struct Touched {
    is_new: bool,
    was_over: bool,
    prefixes: Vec<IpNet>,
    absorbed: Vec<usize>,
}

impl OutageStream {
    /// Nothing happened yet.
    pub fn new(settings: &Settings) -> Self {
        OutageStream { chains: Chains::new(settings.grouping), outages: Vec::new(), open: HashMap::new() }
    }

    /// Takes steps in order of time. Those of one moment and one outage make one event, so steps of one moment should come together.
    pub fn take(&mut self, steps: &[WithdrawalStep]) -> Vec<OutageEvent> {
        let mut events = Vec::new();
        for moment in steps.chunk_by(|one, other| one.at == other.at) {
            let mut touched = BTreeMap::new();
            for step in moment.iter().filter(|step| step.level > Level::Partial) {
                self.step(step, &mut touched);
            }
            let at = moment[0].at;
            events.extend(touched.into_iter().flat_map(|(number, touched)| self.events(at, number, touched)));
        }
        events
    }

    /// How many outages there are, and how many of them are not over.
    pub fn count(&self) -> (usize, usize) {
        let all = self.outages.iter().filter(|outage| outage.is.is_none());
        (all.clone().count(), all.filter(|outage| outage.withdrawn > 0).count())
    }

    fn step(&mut self, step: &WithdrawalStep, touched: &mut BTreeMap<usize, Touched>) {
        let id = (step.prefix, step.opened);
        let known = self.open.get(&id).copied();
        let number = match known {
            Some(known) => self.outage_of(known.outage),
            None => self.join(step, touched),
        };
        let outage = &mut self.outages[number];
        let of_it = touch(number, outage, touched);
        if known.is_none_or(|known| step.level > known.level) {
            outage.level = outage.level.max(step.level);
            of_it.prefixes.push(step.prefix);
        }
        if known.is_none() {
            outage.prefix_count += 1;
            outage.withdrawn += 1;
        }
        match step.recovered {
            None => {
                self.open.insert(id, Open { outage: number, level: step.level });
            }
            Some(recovered) => {
                outage.back = outage.back.max(Some(recovered));
                outage.withdrawn -= 1;
                self.open.remove(&id);
            }
        }
    }

    /// The outage of a withdrawal which belonged to none yet.
    fn join(&mut self, step: &WithdrawalStep, touched: &mut BTreeMap<usize, Touched>) -> usize {
        let Joined { number, absorbed } = self.chains.join(step.origin, step.onset);
        if number == self.outages.len() {
            let WithdrawalStep { origin, level, onset: began, .. } = *step;
            self.outages.push(Outage { origin, level, began, back: None, prefix_count: 0, withdrawn: 0, is: None });
            touched.insert(number, Touched { is_new: true, ..Touched::default() });
        }
        if let Some(absorbed) = absorbed {
            self.absorb(number, absorbed, touched);
        }
        let outage = &mut self.outages[number];
        outage.began = outage.began.min(step.onset);
        number
    }

    /// An outage turns out to be another one.
    fn absorb(&mut self, number: usize, other: usize, touched: &mut BTreeMap<usize, Touched>) {
        let before = touched.remove(&other).unwrap_or_default();
        let of_it = touch(number, &self.outages[number], touched);
        of_it.prefixes.extend(before.prefixes);
        of_it.absorbed.extend(before.absorbed);
        // What begins in this very moment was never told of.
        of_it.absorbed.extend((!before.is_new).then_some(other + 1));
        self.outages[other].is = Some(number);
        let other = self.outages[other];
        let outage = &mut self.outages[number];
        outage.level = outage.level.max(other.level);
        outage.began = outage.began.min(other.began);
        outage.back = outage.back.max(other.back);
        outage.prefix_count += other.prefix_count;
        outage.withdrawn += other.withdrawn;
    }

    /// What became of the outage with this number.
    fn outage_of(&self, mut number: usize) -> usize {
        while let Some(is) = self.outages[number].is {
            number = is;
        }
        number
    }

    /// What is told of an outage: that it began, changed or goes on, and that it is over.
    fn events(&self, at: Timestamp, number: usize, touched: Touched) -> impl Iterator<Item = OutageEvent> + use<> {
        let outage = self.outages[number];
        let is_over = outage.withdrawn == 0;
        let more = !touched.prefixes.is_empty() || !touched.absorbed.is_empty();
        let first = match touched {
            Touched { is_new: true, .. } => Some(OutageChange::Opened),
            Touched { was_over: true, .. } if !is_over => Some(OutageChange::Reopened),
            Touched { .. } => more.then_some(OutageChange::Changed),
        };
        let last = (is_over && !touched.was_over).then_some(OutageChange::Ended);
        let event = move |change, ended, (prefixes, absorbed)| OutageEvent {
            at,
            change,
            number: number + 1,
            origin: outage.origin,
            level: outage.level,
            began: outage.began,
            ended,
            prefix_count: outage.prefix_count,
            withdrawn: outage.withdrawn,
            prefixes,
            absorbed,
        };
        let ended = outage.back.filter(|_| is_over);
        let first = first.map(|change| event(change, ended, (touched.prefixes, touched.absorbed)));
        first.into_iter().chain(last.map(|change| event(change, ended, Default::default())))
    }
}

/// What steps of this moment do to an outage.
fn touch<'t>(number: usize, outage: &Outage, touched: &'t mut BTreeMap<usize, Touched>) -> &'t mut Touched {
    touched.entry(number).or_insert_with(|| Touched { was_over: outage.withdrawn == 0, ..Touched::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_parts(minutes * 60, 0)
    }

    /// A prefix of AS64500 was withdrawn and is back, at these minutes; the step is decided at another.
    fn step(decided: i64, number: u8, onset: i64, level: Level, recovered: Option<i64>) -> WithdrawalStep {
        let prefix = format!("192.0.{number}.0/24").parse().unwrap();
        let (origin, recovered) = (Some(Asn(64500)), recovered.map(at));
        WithdrawalStep { at: at(decided), prefix, origin, opened: at(onset + 1), onset: at(onset), level, recovered }
    }

    /// Events in short: minute, change, number, level, withdrawn of all, prefixes told, outages absorbed.
    fn told(steps: &[WithdrawalStep]) -> Vec<String> {
        let mut stream = OutageStream::new(&Settings::default());
        let events = steps.chunk_by(|one, other| one.at == other.at).flat_map(|steps| stream.take(steps)).map(|event| {
            let prefixes: Vec<String> = event.prefixes.iter().map(ToString::to_string).collect();
            let OutageEvent { at, change, number, level, withdrawn, prefix_count, absorbed, ended, .. } = event;
            let (minute, over) =
                (at.seconds() / 60, ended.map_or(String::new(), |ended| format!(" over {}", ended.seconds() / 60)));
            format!("{minute} {change:?} {number} {level:?} {withdrawn}/{prefix_count} {} {absorbed:?}{over}", prefixes.join(" "))
        });
        events.collect()
    }

    #[test]
    fn it_opens_grows_worsens_and_ends() {
        use Level::{Full, Major};
        let steps = [
            step(1, 1, 0, Major, None),
            step(1, 2, 0, Major, None),
            step(4, 3, 3, Major, None),
            step(5, 1, 0, Full, None),
            step(20, 1, 0, Full, Some(15)),
            step(30, 2, 0, Major, Some(24)),
            step(30, 3, 3, Major, Some(25)),
        ];
        let expected = [
            "1 Opened 1 Major 2/2 192.0.1.0/24 192.0.2.0/24 []",
            "4 Changed 1 Major 3/3 192.0.3.0/24 []",
            "5 Changed 1 Full 3/3 192.0.1.0/24 []",
            "30 Ended 1 Full 0/3  [] over 25",
        ];
        assert_eq!(told(&steps), expected, "that one of three is back is no event");
    }

    #[test]
    fn a_partial_withdrawal_is_none_until_it_is_worse() {
        let steps = [step(1, 1, 0, Level::Partial, None), step(9, 1, 0, Level::Major, None), step(9, 2, 8, Level::Partial, None)];
        assert_eq!(told(&steps), ["9 Opened 1 Major 1/1 192.0.1.0/24 []"]);
    }

    #[test]
    fn an_onset_which_is_known_late_joins_two_outages_to_one() {
        use Level::Full;
        let steps =
            [step(1, 1, 0, Full, None), step(12, 2, 11, Full, None), step(13, 3, 6, Full, None), step(40, 2, 11, Full, Some(30))];
        let expected = [
            "1 Opened 1 Full 1/1 192.0.1.0/24 []",
            "12 Opened 2 Full 1/1 192.0.2.0/24 []",
            "13 Changed 1 Full 3/3 192.0.3.0/24 [2]",
        ];
        assert_eq!(told(&steps), expected);
    }

    #[test]
    fn what_was_over_can_open_again_and_what_comes_back_at_once_ends() {
        use Level::Full;
        let steps = [
            step(1, 1, 0, Full, None),
            step(2, 1, 0, Full, Some(1)),
            step(6, 2, 5, Full, None),
            step(9, 2, 5, Full, Some(7)),
            step(9, 3, 90, Full, Some(9)),
        ];
        let expected = [
            "1 Opened 1 Full 1/1 192.0.1.0/24 []",
            "2 Ended 1 Full 0/1  [] over 1",
            "6 Reopened 1 Full 1/2 192.0.2.0/24 []",
            "9 Ended 1 Full 0/2  [] over 7",
            "9 Opened 2 Full 0/1 192.0.3.0/24 [] over 9",
            "9 Ended 2 Full 0/1  [] over 9",
        ];
        assert_eq!(told(&steps), expected);
    }

    #[test]
    fn the_count_is_of_outages_which_stand_for_themselves() {
        let mut stream = OutageStream::new(&Settings::default());
        stream.take(&[step(1, 1, 0, Level::Full, None), step(12, 2, 11, Level::Full, None)]);
        assert_eq!(stream.count(), (2, 2));
        stream.take(&[step(13, 3, 6, Level::Full, None)]);
        assert_eq!(stream.count(), (1, 1));
    }
}
