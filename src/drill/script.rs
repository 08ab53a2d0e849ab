//! From events to steps: who does what at which microsecond.

use super::cast::{Cast, Feed, Way};
use super::dice::Dice;
use super::select::{self, Plan};
use super::timeline::{Action, Document, Event};
use crate::source::mrt_writer::SessionState;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// One thing done by one session.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) session: usize,
    pub(super) what: What,
}

/// What a session does.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Announces; a repetition of what it said before is left out unless `repeat`.
    Announce { prefixes: Vec<IpNet>, path: Vec<Asn>, repeat: bool },
    /// Withdraws those which it has.
    Withdraw(Vec<IpNet>),
    /// The session goes down.
    Down,
    /// The session comes back and sends its table.
    Up,
    /// Sends its whole table again.
    Transfer,
    /// A sign of life.
    Keepalive,
    /// A peer which never comes up tries in vain.
    Vain,
    /// A record of a state change, whether or not anything changed.
    StateChange([SessionState; 2]),
}

/// A span in which a collector recorded nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) collector: usize,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Everything which happens, in time order; equal times keep the order of the timeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) cuts: Vec<Cut>,
}

struct Writer<'a> {
    cast: &'a Cast,
    document: &'a Document,
    script: Script,
}

/// Writes the script of a checked timeline.
///
/// # Errors
/// In words, with the index of the event: it asks for more peers than there are.
pub(super) fn script(document: &Document, cast: &Cast) -> Result<Script, (usize, String)> {
    let mut writer = Writer { cast, document, script: Script::default() };
    for (index, row) in document.events.iter().enumerate() {
        writer.event(row.as_ref(), index).map_err(|message| (index, message))?;
    }
    writer.keepalives();
    writer.background();
    writer.resets();
    let end = document.drill.end;
    writer.script.steps.retain(|step| step.at < end);
    writer.script.steps.sort_by_key(|step| step.at);
    Ok(writer.script)
}

impl Writer<'_> {
    fn add(&mut self, at: Timestamp, session: usize, what: What) {
        self.script.steps.push(Step { at, session, what });
    }

    fn event(&mut self, event: &Event, index: usize) -> Result<(), String> {
        if event.action == Action::FeedCut {
            self.cut(event);
            return Ok(());
        }
        let plan = select::plan(self.cast, event, index, self.document.drill.seed)?;
        let mut dice = Dice::new(self.document.drill.seed, &format!("hunting {index}"));
        match event.action {
            Action::Withdraw => {
                self.withdraw(event, &plan, event.at, &mut dice);
                if let Some(until) = event.until {
                    self.announce(event, &plan, until, &mut dice);
                }
            }
            Action::Announce => self.announce(event, &plan, event.at, &mut dice),
            Action::PathChange => self.path_change(event, &plan, &mut dice),
            Action::Hijack => self.hijack(event, &plan),
            Action::Flap => self.flap(event, &plan, &mut dice),
            Action::SessionDown => {
                for (session, delay) in &plan.moves {
                    self.add(event.at + *delay, *session, What::Down);
                    if let Some(until) = event.until {
                        self.add(until + *delay, *session, What::Up);
                    }
                }
            }
            Action::TableTransfer => {
                for (session, delay) in &plan.moves {
                    self.add(event.at + *delay, *session, What::Transfer);
                }
            }
            Action::StateChange => self.state_changes(event, &plan),
            Action::FeedCut => {}
        }
        Ok(())
    }

    /// The event's prefixes of the session's family.
    fn prefixes(&self, event: &Event, session: usize) -> Vec<IpNet> {
        let family = self.cast.sessions[session].family;
        event.prefixes.iter().copied().filter(|prefix| Family::of(prefix) == family).collect()
    }

    fn withdraw(&mut self, event: &Event, plan: &Plan, at: Timestamp, dice: &mut Dice) {
        for (session, delay) in &plan.moves {
            if *delay > Span::ZERO && dice.percent(event.hunting) {
                let half = Span::from_micros(delay.micros() / 2);
                self.routes(event, *session, at + half, Way::Detour);
            }
            let prefixes = self.prefixes(event, *session);
            self.add(at + *delay, *session, What::Withdraw(prefixes));
        }
        for (session, at) in &plan.late {
            let prefixes = self.prefixes(event, *session);
            self.add(*at, *session, What::Withdraw(prefixes));
        }
    }

    fn announce(&mut self, event: &Event, plan: &Plan, at: Timestamp, dice: &mut Dice) {
        let late = plan.late.iter().map(|(session, _)| (*session, select::spread(event)));
        for (session, delay) in plan.moves.iter().copied().chain(late) {
            if delay > Span::ZERO && dice.percent(event.hunting) {
                let half = Span::from_micros(delay.micros() / 2);
                self.routes(event, session, at + half, Way::Detour);
            }
            self.routes(event, session, at + delay, Way::Usual);
        }
    }

    /// Announces the event's prefixes as they were at the start, or by a detour; one step a path.
    fn routes(&mut self, event: &Event, session: usize, at: Timestamp, way: Way) {
        let mut by_path: BTreeMap<Vec<Asn>, Vec<IpNet>> = BTreeMap::new();
        for prefix in self.prefixes(event, session) {
            if let Some(facts) = self.cast.announced.routes.get(&prefix) {
                by_path.entry(facts.path(&self.cast.sessions[session], way)).or_default().push(prefix);
            }
        }
        for (path, prefixes) in by_path {
            self.add(at, session, What::Announce { prefixes, path, repeat: false });
        }
    }

    /// With path hunting a peer loses its path halfway, and then takes the new one.
    fn path_change(&mut self, event: &Event, plan: &Plan, dice: &mut Dice) {
        let ways = [(Some(event.at), Way::Detour), (event.until, Way::Usual)];
        for (at, way) in ways.into_iter().filter_map(|(at, way)| Some((at?, way))) {
            for (session, delay) in &plan.moves {
                if *delay > Span::ZERO && dice.percent(event.hunting) {
                    let prefixes = self.prefixes(event, *session);
                    self.add(at + Span::from_micros(delay.micros() / 2), *session, What::Withdraw(prefixes));
                }
                self.routes(event, *session, at + *delay, way);
            }
        }
    }

    fn state_changes(&mut self, event: &Event, plan: &Plan) {
        let (Some(states), Some(times), Some(period)) = (event.states, event.times, event.period) else { return };
        for round in 0..i64::from(times) {
            for (session, delay) in &plan.moves {
                self.add(event.at + period.times(round) + *delay, *session, What::StateChange(states));
            }
        }
    }

    fn hijack(&mut self, event: &Event, plan: &Plan) {
        let Some(origin) = event.origin else { return };
        for (session, delay) in &plan.moves {
            let mut ours = Vec::new();
            for prefix in self.prefixes(event, *session) {
                let known = self.cast.announced.routes.get(&prefix);
                let mut facts = known.cloned().unwrap_or_else(|| self.cast.any_facts());
                facts.origin = origin;
                let path = facts.path(&self.cast.sessions[*session], Way::Usual);
                self.add(event.at + *delay, *session, What::Announce { prefixes: vec![prefix], path, repeat: false });
                if known.is_none() {
                    ours.push(prefix);
                }
            }
            if let Some(until) = event.until {
                self.add(until + *delay, *session, What::Withdraw(ours));
                self.routes(event, *session, until + *delay, Way::Usual);
            }
        }
    }

    fn flap(&mut self, event: &Event, plan: &Plan, dice: &mut Dice) {
        let (Some(times), Some(period)) = (event.times, event.period) else { return };
        let down = event.down.unwrap_or(Span::from_micros(period.micros() / 2));
        for round in 0..i64::from(times) {
            let at = event.at + period.times(round);
            self.withdraw(event, plan, at, dice);
            self.announce(event, plan, at + down, dice);
        }
    }

    /// A cut ends with the tables being sent again: the collector has new sessions.
    fn cut(&mut self, event: &Event) {
        for (collector, station) in self.cast.collectors.iter().enumerate() {
            if event.collectors.is_empty() || event.collectors.contains(&station.name) {
                let until = event.until.unwrap_or(self.document.drill.end);
                self.script.cuts.push(Cut { collector, from: event.at, until });
                for session in &station.sessions {
                    self.script.steps.push(Step { at: until, session: *session, what: What::Transfer });
                }
            }
        }
    }

    fn keepalives(&mut self) {
        let drill = &self.document.drill;
        let mut dice = Dice::new(drill.seed, "keepalives");
        for (number, session) in self.cast.sessions.iter().enumerate() {
            let station = &self.cast.collectors[session.collector];
            let (period, idle) = match (session.feed, station.keepalives) {
                (Feed::Idle, _) => (Span::from_seconds(120), true),
                (Feed::Full | Feed::Partial, Some(period)) => (period, false),
                (Feed::Full | Feed::Partial, None) => continue,
            };
            let mut at = drill.start + Span::from_micros(dice.micros_below(period.micros()));
            while at < drill.end {
                self.script.steps.push(Step { at, session: number, what: if idle { What::Vain } else { What::Keepalive } });
                at = at + period;
            }
        }
    }

    /// Other people's routing: paths change, and now and then something goes away for a moment.
    fn background(&mut self) {
        let Some(background) = self.document.background.as_ref().map(AsRef::as_ref) else { return };
        let (start, end) = (self.document.drill.start, self.document.drill.end);
        let length = end.since(start).micros();
        let count = i64::from(background.updates_per_minute).saturating_mul(length) / 60_000_000;
        for station in &self.cast.collectors {
            let mut dice = Dice::new(self.document.drill.seed, &format!("background {}", station.name));
            let live: Vec<usize> =
                station.sessions.iter().copied().filter(|number| self.cast.sessions[*number].feed != Feed::Idle).collect();
            for _ in 0..count {
                let at = start + Span::from_micros(dice.micros_below(length));
                let number = live[dice.below(live.len())];
                let session = &self.cast.sessions[number];
                let groups: Vec<_> = self.cast.groups_of(session).collect();
                let Some(group) = groups.get(dice.below(groups.len())) else { continue };
                let some = 1 + dice.below(group.prefixes.len());
                let prefixes = group.prefixes.get(..some).unwrap_or_default().to_vec();
                let way = if dice.percent(50) { Way::Detour } else { Way::Usual };
                let announce = What::Announce { prefixes: prefixes.clone(), path: group.facts.path(session, way), repeat: true };
                let mut back = at;
                if dice.percent(10) {
                    self.script.steps.push(Step { at, session: number, what: What::Withdraw(prefixes) });
                    back = at + Span::from_seconds(5) + Span::from_micros(dice.micros_below(35_000_000));
                }
                self.script.steps.push(Step { at: back, session: number, what: announce });
            }
        }
    }

    /// Sessions reset now and then, in the middle half of the drill.
    fn resets(&mut self) {
        let Some(background) = self.document.background.as_ref().map(AsRef::as_ref) else { return };
        let (start, end) = (self.document.drill.start, self.document.drill.end);
        let length = end.since(start).micros();
        let mut dice = Dice::new(self.document.drill.seed, "resets");
        let live: Vec<usize> =
            (0..self.cast.sessions.len()).filter(|number| self.cast.sessions[*number].feed == Feed::Full).collect();
        for _ in 0..background.session_resets {
            let Some(session) = live.get(dice.below(live.len())) else { return };
            let at = start + Span::from_micros(length / 4 + dice.micros_below(length / 2));
            let back = at + Span::from_seconds(60) + Span::from_micros(dice.micros_below(120_000_000));
            self.add(at, *session, What::Down);
            self.add(back, *session, What::Up);
        }
    }
}
