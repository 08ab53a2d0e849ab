//! Changes of incidents in, notices in the outbox: what happened, whom to tell of it, and the state of the life cycle, in one transaction.
//!
//! While the journal cannot be written, since the disk is full, what happened waits here and goes in together later. Requests of other
//! commands are taken up here, too, and receivers whose silence has ended are told of what still lasts.

use super::decision::{Decision, Happening, Hold, Quiet, decide, intended};
use super::journal::{Book, IncidentRow, Journal, JournalError, Outgoing};
use super::notice::{IncidentBrief, Notice};
use super::spool::{self, Held, Known, KnownIncident, Request, Undelivered};
use crate::org::Organization;
use crate::org::alert::AlertPolicy;
use crate::time::Timestamp;
use crate::watch::{IncidentChange, LifeCycle};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The receiver which is told of everything, always: a file beside the journal.
pub const LOCAL: &str = "notices.jsonl";

/// What happened at one time.
#[derive(Debug, Clone)]
pub struct Happened {
    /// When, by what had been said.
    pub at: Timestamp,
    /// Changes, in order.
    pub changes: Vec<Change>,
    /// What was told of incidents, with these changes.
    pub life: LifeCycle,
}

/// A change of an incident.
#[derive(Debug, Clone)]
pub struct Change {
    /// What.
    pub change: IncidentChange,
    /// The number of the incident.
    pub number: usize,
    /// The incident as it is then; `None`: as it was told of last.
    pub incident: Option<IncidentBrief>,
}

/// Where notices are made.
pub struct Desk {
    journal: Arc<Journal>,
    organization: Organization,
    receivers: Vec<Receiver>,
    /// It is as late as what was said last, not as the clock says.
    replayed: bool,
    state: Mutex<State>,
}

struct Receiver {
    name: String,
    /// `None`: everything, always.
    policy: Option<AlertPolicy>,
}

#[derive(Default)]
struct State {
    /// What could not be written yet.
    waiting: Vec<Happened>,
    last: Option<Timestamp>,
    /// Nobody was left untold since it was quiet: until something happens there is nothing to look for.
    settled: bool,
    /// The news which others can read by now.
    published: Option<u64>,
}

impl Desk {
    /// For the receivers of a profile; with a journal on the disk also for the file beside it.
    pub fn new(journal: Arc<Journal>, organization: &Organization, replayed: bool) -> Self {
        let described = organization.alerts.iter();
        let mut receivers: Vec<Receiver> =
            described.map(|alert| Receiver { name: alert.name.clone(), policy: Some(alert.policy.clone()) }).collect();
        if journal.path().is_some() {
            receivers.push(Receiver { name: LOCAL.to_owned(), policy: None });
        }
        Desk { journal, organization: organization.clone(), receivers, replayed, state: Mutex::default() }
    }

    /// Takes what happened: afterwards it is in the journal, or waits.
    ///
    /// # Errors
    /// Why it waits.
    pub fn take(&self, happened: Happened, now: Timestamp) -> Result<(), JournalError> {
        let mut state = self.state();
        state.last = Some(happened.at);
        state.waiting.push(happened);
        self.write(&mut state, now)
    }

    fn write(&self, state: &mut State, now: Timestamp) -> Result<(), JournalError> {
        if state.waiting.is_empty() {
            return Ok(());
        }
        self.journal.change(|book| {
            let silences = book.silences()?;
            for happened in &state.waiting {
                for change in &happened.changes {
                    let Some(row) = self.row(book, change, happened.at)? else { continue };
                    book.set_incident(&row)?;
                    for receiver in &self.receivers {
                        let quiet = self.quiet(&row, &silences, now);
                        tell(book, receiver, &row, &quiet, &self.organization.name)?;
                    }
                }
                book.set_life(&happened.life)?;
            }
            Ok(())
        })?;
        state.waiting.clear();
        state.settled = false;
        self.journal.wake();
        Ok(())
    }

    /// The incident with this change; none if nothing is known of it.
    fn row(&self, book: &Book<'_>, change: &Change, at: Timestamp) -> Result<Option<IncidentRow>, JournalError> {
        let was = book.incident(change.number)?;
        let acknowledged = was.as_ref().and_then(|was| was.acknowledged.clone());
        let acknowledged = acknowledged.filter(|_| change.change != IncidentChange::Reopened);
        let incident = change.incident.clone().or(was.map(|was| was.incident));
        Ok(incident.map(|incident| IncidentRow {
            as_intended: change.change.is_end() && intended(&incident, at, &self.organization.maintenance).is_some(),
            change: change.change,
            at,
            acknowledged,
            incident,
        }))
    }

    fn quiet<'q>(&'q self, row: &'q IncidentRow, silences: &'q [super::Silence], now: Timestamp) -> Quiet<'q> {
        Quiet { acknowledged: row.acknowledged.as_ref(), silences, maintenance: &self.organization.maintenance, now }
    }

    /// What is due though nothing happens: what waits is written, requests are taken up, receivers are told of what was quiet and lasts.
    /// Gives what people should know.
    pub fn tick(&self, now: Timestamp) -> Vec<String> {
        let mut state = self.state();
        let mut words = Vec::new();
        if let Err(error) = self.write(&mut state, now) {
            // It was told when it began.
            drop(error);
            return words;
        }
        match self.journal.folder().map(|folder| self.take_up(&folder)) {
            Some(Ok(told)) => words.extend(told),
            Some(Err(error)) => words.push(format!("requests cannot be taken up: {error}")),
            None => {}
        }
        let at = if self.replayed { state.last } else { Some(now) };
        match at.filter(|_| !state.settled).map(|at| self.again(at, now)) {
            Some(Ok(quiet)) => state.settled = !quiet,
            Some(Err(error)) => words.push(error.to_string()),
            None => {}
        }
        words.extend(self.publish(&mut state, now).err());
        words
    }

    /// Requests of other commands.
    fn take_up(&self, folder: &Path) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        for (path, request) in spool::requests(folder).map_err(|error| error.to_string())? {
            let good = request.is_ok();
            match request {
                Ok(request) => words.push(self.fulfil(&request).map_err(|error| error.to_string())?),
                Err(reason) => words.push(format!("{} is no request and is put aside: {reason}", path.display())),
            }
            spool::done(&path, good).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        if !words.is_empty() {
            self.journal.wake();
        }
        Ok(words)
    }

    fn fulfil(&self, request: &Request) -> Result<String, JournalError> {
        self.journal.change(|book| match request {
            Request::Acknowledge { incident, acknowledgement } => {
                let Some(mut row) = book.incident(*incident)? else { return Ok(format!("there is no incident {incident}")) };
                row.acknowledged = Some(acknowledgement.clone());
                book.set_incident(&row)?;
                Ok(format!("incident {incident} is acknowledged{}", by(acknowledgement.by.as_deref())))
            }
            Request::Silence(silence) => {
                book.set_silence(silence)?;
                let (until, by) = (silence.until.in_words(), by(silence.by.as_deref()));
                Ok(format!("{} is silenced until {until}{by}: {}", silence.what, silence.id))
            }
            Request::Lift { id } => {
                book.lift(id)?;
                Ok(format!("silence {id} is lifted"))
            }
        })
    }

    /// Receivers who were not told of something since it was quiet are told when it is not any more. Gives whether there are such.
    fn again(&self, at: Timestamp, now: Timestamp) -> Result<bool, JournalError> {
        let due = |book: &Book<'_>| {
            let (mut due, mut quiet_still) = (Vec::new(), false);
            let silences = book.silences()?;
            for row in book.incidents()?.into_iter().filter(|row| !row.change.is_end()) {
                for receiver in &self.receivers {
                    let held = book.history(&receiver.name, row.incident.number)?.held;
                    let was_quiet = matches!(held, Some(Hold::Silenced(_) | Hold::AsIntended(_)));
                    let row = IncidentRow { change: IncidentChange::Opened, at: at.max(row.at), ..row.clone() };
                    let happening = Happening { change: row.change, at: row.at, incident: &row.incident };
                    let quiet = self.quiet(&row, &silences, now);
                    let history = book.history(&receiver.name, row.incident.number)?;
                    let told = |policy| decide(&happening, policy, &history, &quiet);
                    quiet_still |= was_quiet;
                    if was_quiet && receiver.policy.as_ref().map(told).is_some_and(|told| matches!(told, Decision::Send(_))) {
                        due.push((receiver, row));
                    }
                }
            }
            Ok((due, silences, quiet_still))
        };
        let (due, silences, quiet_still) = self.journal.read(due)?;
        if due.is_empty() {
            return Ok(quiet_still);
        }
        self.journal.change(|book| {
            due.iter().try_for_each(|(receiver, row)| {
                tell(book, receiver, row, &self.quiet(row, &silences, now), &self.organization.name)
            })
        })?;
        self.journal.wake();
        Ok(true)
    }

    /// Writes what is known for others to read, if anything is new.
    fn publish(&self, state: &mut State, now: Timestamp) -> Result<(), String> {
        let Some(folder) = self.journal.folder() else { return Ok(()) };
        let news = Some(*self.journal.news().borrow());
        if state.published == news {
            return Ok(());
        }
        let known = self.journal.read(|book| self.known(book, now)).map_err(|error| error.to_string())?;
        spool::publish(&folder, &known).map_err(|error| format!("{} cannot be written: {error}", folder.display()))?;
        state.published = news;
        Ok(())
    }

    fn known(&self, book: &Book<'_>, now: Timestamp) -> Result<Known, JournalError> {
        let mut incidents = Vec::new();
        for row in book.incidents()? {
            let mut held = Vec::new();
            for receiver in &self.receivers {
                let reason = book.history(&receiver.name, row.incident.number)?.held;
                held.extend(reason.map(|reason| Held { sink: receiver.name.clone(), reason: reason.to_string() }));
            }
            incidents.push(KnownIncident {
                number: row.incident.number,
                open: !row.change.is_end(),
                as_intended: row.as_intended,
                began: row.incident.began.words,
                ended: row.incident.ended.map(|ended| ended.words),
                id: row.incident.id,
                headline: row.incident.headline,
                acknowledged: row.acknowledged,
                held,
            });
        }
        let undelivered = book.outbox()?.into_iter().map(|row| Undelivered {
            sink: row.sink,
            incident: row.incident,
            made: row.made,
            attempts: row.attempts,
            given_up: row.given_up,
        });
        Ok(Known {
            format: Known::FORMAT.to_owned(),
            version: Known::VERSION,
            organization: self.organization.name.clone(),
            written: now,
            incidents,
            silences: book.silences()?.into_iter().filter(|silence| silence.until > now).collect(),
            undelivered: undelivered.collect(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by(who: Option<&str>) -> String {
    who.map(|who| format!(" by {who}")).unwrap_or_default()
}

/// Decides whether a receiver is told of the last change of an incident, and keeps what follows.
fn tell(book: &Book<'_>, to: &Receiver, row: &IncidentRow, quiet: &Quiet<'_>, organization: &str) -> Result<(), JournalError> {
    let number = row.incident.number;
    let mut history = book.history(&to.name, number)?;
    let happening = Happening { change: row.change, at: row.at, incident: &row.incident };
    match to.policy.as_ref().map(|policy| decide(&happening, policy, &history, quiet)) {
        Some(Decision::Hold(reason)) => history.held = Some(reason),
        Some(Decision::Send(_)) | None => {
            history = super::History { told: !row.change.is_end(), ever: true, last: Some(row.at), held: None };
            add(book, to, row, quiet.now, organization)?;
        }
    }
    book.set_history(&to.name, number, &history)
}

/// Puts a notice into the outbox. It takes in those of the same incident which wait there: they are told as one.
fn add(book: &Book<'_>, to: &Receiver, row: &IncidentRow, now: Timestamp, organization: &str) -> Result<(), JournalError> {
    let number = row.incident.number;
    let (mut changes, mut made) = (Vec::new(), now);
    for waiting in book.outbox()? {
        let same = waiting.sink == to.name && waiting.incident == number;
        if same && !waiting.under_way && waiting.given_up.is_none() {
            changes.extend(waiting.notice.changes);
            made = made.min(waiting.made);
            book.take(waiting.sequence)?;
        }
    }
    changes.push(row.change);
    let (sequence, key) = book.next_key()?;
    book.put(&Outgoing {
        sequence,
        sink: to.name.clone(),
        incident: number,
        made,
        attempts: 0,
        next: now,
        under_way: false,
        given_up: None,
        notice: Notice::of(key, organization, (changes, row.at), row.incident.clone()),
    })
}

#[cfg(test)]
pub(super) mod tests;
