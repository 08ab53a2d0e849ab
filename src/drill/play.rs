//! Plays a script: keeps every session's table and writes down what the collectors hear.

use super::cast::{Cast, Feed, Station, Way};
use super::script::{Cut, Script, Step, What};
use crate::source::mrt_writer::{self, Envelope, MrtWriteError, SessionState, TableRow};
use crate::time::{Span, Timestamp};
use crate::vantage::Asn;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How long before the start the routes of the first dump were learned.
const AGE: Span = Span::from_seconds(86_400);

/// What one collector recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording {
    /// Records in the order written, each with its time.
    pub(super) updates: Vec<(Timestamp, Vec<u8>)>,
    /// Table dumps.
    pub(super) tables: Vec<(Timestamp, Vec<u8>)>,
    /// Spans in which nothing was recorded.
    pub(super) cuts: Vec<Cut>,
}

/// A session's table: path, and since when.
type Table = BTreeMap<IpNet, (Vec<Asn>, Timestamp)>;

struct Player<'a> {
    cast: &'a Cast,
    tables: Vec<Table>,
    /// How many reasons a session has to be down.
    down: Vec<u32>,
    recordings: Vec<Recording>,
}

/// Plays the script from `start` to `end`; one recording a collector.
///
/// # Errors
/// A time or a message which MRT has no room for.
pub(super) fn play(cast: &Cast, script: &Script, start: Timestamp, end: Timestamp) -> Result<Vec<Recording>, MrtWriteError> {
    let mut player = Player {
        cast,
        tables: (0..cast.sessions.len()).map(|number| first_table(cast, number, start - AGE)).collect(),
        down: cast.sessions.iter().map(|session| u32::from(session.feed == Feed::Idle)).collect(),
        recordings: vec![Recording::default(); cast.collectors.len()],
    };
    for cut in &script.cuts {
        player.recordings[cut.collector].cuts.push(cut.clone());
    }
    let mut dumps = dumps(&cast.collectors, start, end).into_iter().peekable();
    for step in &script.steps {
        while let Some((at, collector)) = dumps.next_if(|(at, _)| *at <= step.at) {
            player.dump(at, collector)?;
        }
        player.step(step)?;
    }
    for (at, collector) in dumps {
        player.dump(at, collector)?;
    }
    Ok(player.recordings)
}

fn first_table(cast: &Cast, number: usize, since: Timestamp) -> Table {
    let session = &cast.sessions[number];
    let background = cast.groups_of(session).flat_map(|group| group.prefixes.iter().map(move |prefix| (prefix, &group.facts)));
    let routes = cast
        .announced
        .routes
        .iter()
        .filter(|(prefix, _)| session.feed == Feed::Full && crate::vantage::Family::of(prefix) == session.family);
    background.chain(routes).map(|(prefix, facts)| (*prefix, (facts.path(session, Way::Usual), since))).collect()
}

/// When which collector dumps its tables, in time order.
fn dumps(collectors: &[Station], start: Timestamp, end: Timestamp) -> Vec<(Timestamp, usize)> {
    let mut dumps = Vec::new();
    for (number, station) in collectors.iter().enumerate() {
        dumps.push((start, number));
        let Some(every) = station.rib_every else { continue };
        let mut at = start + every;
        while at < end {
            dumps.push((at, number));
            at = at + every;
        }
    }
    dumps.sort_unstable();
    dumps
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<(), MrtWriteError> {
        let number = step.session;
        let session = &self.cast.sessions[number];
        let station = &self.cast.collectors[session.collector];
        let envelope = Envelope { session: session.mrt, at: step.at, clock: station.clock };
        let up = self.down[number] == 0;
        match &step.what {
            What::Announce { prefixes, path, repeat } => {
                let table = &mut self.tables[number];
                let new = |prefix: &&IpNet| *repeat || table.get(*prefix).is_none_or(|(old, _)| old != path);
                let said: Vec<IpNet> = prefixes.iter().filter(new).copied().collect();
                table.extend(said.iter().map(|prefix| (*prefix, (path.clone(), step.at))));
                if up && !said.is_empty() {
                    self.record(step, mrt_writer::announce(envelope, &said, path)?);
                }
            }
            What::Withdraw(prefixes) => {
                let table = &mut self.tables[number];
                let said: Vec<IpNet> = prefixes.iter().filter(|prefix| table.remove(*prefix).is_some()).copied().collect();
                if up && !said.is_empty() {
                    self.record(step, mrt_writer::withdraw(envelope, &said)?);
                }
            }
            What::Down => {
                self.down[number] += 1;
                if up && station.state_changes {
                    self.record(step, mrt_writer::state_change(envelope, SessionState::Established, SessionState::Idle)?);
                }
            }
            What::Up => {
                self.down[number] = self.down[number].saturating_sub(1);
                if self.down[number] == 0 {
                    if station.state_changes {
                        let up = mrt_writer::state_change(envelope, SessionState::OpenConfirm, SessionState::Established)?;
                        self.record(step, up);
                    }
                    self.transfer(step, envelope)?;
                }
            }
            What::Transfer if up => self.transfer(step, envelope)?,
            What::Keepalive if up => self.record(step, mrt_writer::keepalive(envelope)?),
            What::Transfer | What::Keepalive => {}
            What::Vain if station.state_changes => {
                let mut tries = mrt_writer::state_change(envelope, SessionState::Connect, SessionState::Active)?;
                tries.extend(mrt_writer::state_change(envelope, SessionState::Active, SessionState::Idle)?);
                self.record(step, tries);
            }
            What::StateChange([old, new]) if station.state_changes => {
                self.record(step, mrt_writer::state_change(envelope, *old, *new)?);
            }
            What::Vain | What::StateChange(_) => {}
        }
        Ok(())
    }

    /// The whole table and its end, all at the time of the step: nothing can come between.
    fn transfer(&mut self, step: &Step, envelope: Envelope) -> Result<(), MrtWriteError> {
        let mut by_path: BTreeMap<&[Asn], Vec<IpNet>> = BTreeMap::new();
        for (prefix, (path, _)) in &self.tables[step.session] {
            by_path.entry(path).or_default().push(*prefix);
        }
        let mut records = Vec::with_capacity(by_path.len() + 1);
        for (path, prefixes) in by_path {
            records.push(mrt_writer::announce(envelope, &prefixes, path)?);
        }
        records.push(mrt_writer::end_of_rib(envelope)?);
        for record in records {
            self.record(step, record);
        }
        Ok(())
    }

    fn record(&mut self, step: &Step, bytes: Vec<u8>) {
        let recording = &mut self.recordings[self.cast.sessions[step.session].collector];
        if !cut(&recording.cuts, step.at) {
            recording.updates.push((step.at, bytes));
        }
    }

    fn dump(&mut self, at: Timestamp, collector: usize) -> Result<(), MrtWriteError> {
        if cut(&self.recordings[collector].cuts, at) {
            return Ok(());
        }
        let station = &self.cast.collectors[collector];
        let mut peers: Vec<(IpAddr, Asn)> = Vec::new();
        let mut rows: BTreeMap<IpNet, Vec<TableRow>> = BTreeMap::new();
        for (place, number) in (0u16..).zip(&station.sessions) {
            let session = &self.cast.sessions[*number];
            peers.push((session.mrt.peer, session.mrt.peer_asn));
            if self.down[*number] > 0 {
                continue;
            }
            for (prefix, (path, since)) in &self.tables[*number] {
                rows.entry(*prefix).or_default().push(TableRow { peer: place, since: *since, path: path.clone() });
            }
        }
        let bytes = mrt_writer::table_dump(at, &station.name, &peers, rows.iter())?;
        self.recordings[collector].tables.push((at, bytes));
        Ok(())
    }
}

/// True if the time lies in a span in which nothing was recorded.
pub(super) fn cut(cuts: &[Cut], at: Timestamp) -> bool {
    cuts.iter().any(|cut| cut.from <= at && at < cut.until)
}
