//! `faultline probe`: asks what follows from a profile, records every attempt, and tells what is down.

mod account;
mod record;

use crate::analysis::Outcome;
use crate::cli::{Lines, Probe};
use crate::observation::FileId;
use crate::org::Organization;
use crate::probe::to_line;
use crate::probing::{ProbeEvent, Prober, Surroundings};
use account::Account;
use miette::IntoDiagnostic;
use record::Record;
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// Events which wait to be written.
const WAITING: usize = 1_024;

/// Runs it.
///
/// # Errors
/// If the profile is not valid, nothing could be asked, or the record cannot be written.
pub fn run(typed: &Probe) -> miette::Result<Outcome> {
    let organization = profile(typed)?;
    let record = Record::open(typed.out.as_deref(), typed.every.is_some() && typed.rounds.is_none())?;
    let surroundings = Surroundings::of_machine(&organization).into_diagnostic()?;
    let every = typed.every.map_or_else(|| "once".to_owned(), |every| format!("every {every}"));
    let heading = format!("{every} as `{}`", surroundings.vantage);
    let account = Account::new(organization.clone());
    let prober = Prober::new(organization, surroundings, FileId(0)).into_diagnostic()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let mut book = Book { typed, heading, account, record, told: BTreeSet::new() };
    runtime.block_on(follow(prober, &mut book))?;
    book.close()
}

/// The profile, with what was typed in its place.
fn profile(typed: &Probe) -> miette::Result<Organization> {
    let mut organization = super::analyze::read_profile(&typed.profile)?;
    let probing = &mut organization.probing;
    if let Some(every) = typed.every {
        let longest = probing.dns_timeout.max(probing.http_timeout);
        if every <= longest {
            let help = "name a longer time, or lower dns_timeout and http_timeout in [probing]";
            return Err(miette::miette!(help = help, "--every {every} is not longer than an attempt may take ({longest})"));
        }
        probing.every = every;
    }
    Ok(organization)
}

/// Takes events until there are no more, or the user has had enough.
async fn follow(mut prober: Prober, book: &mut Book<'_>) -> miette::Result<()> {
    let (sender, mut events) = mpsc::channel(WAITING);
    let rounds = book.typed.rounds;
    let probing = match book.typed.every {
        Some(_) => tokio::spawn(prober.run(rounds, sender)),
        None => tokio::spawn(async move { prober.once(sender).await }),
    };
    let stop = super::ending::told_to_end();
    tokio::pin!(stop);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut stop => break,
        };
        match event {
            Some(event) => book.take(event)?,
            None => break,
        }
    }
    probing.abort();
    // What ended before is recorded still.
    while let Ok(event) = events.try_recv() {
        book.take(event)?;
    }
    Ok(())
}

/// Everything which is kept of events, and where it goes.
struct Book<'a> {
    typed: &'a Probe,
    heading: String,
    account: Account,
    record: Record,
    /// What people were told already.
    told: BTreeSet<String>,
}

impl Book<'_> {
    fn take(&mut self, event: ProbeEvent) -> miette::Result<()> {
        match event {
            ProbeEvent::Planned { questions, notes, dependencies } => {
                self.account.learn(dependencies);
                self.tell(&format!("asking {questions} questions {}", self.heading));
                notes.iter().for_each(|note| self.tell(note));
            }
            ProbeEvent::Result(result) => {
                let line = to_line(&result);
                self.record.add(&result, &line)?;
                let changed = self.account.take(&result);
                match (self.typed.format, changed) {
                    (Lines::Jsonl, _) => super::print(&format!("{line}\n"))?,
                    (Lines::Text, Some(change)) if self.typed.every.is_some() => {
                        super::print(&format!("{}\n", crate::report::plain(&change)))?;
                    }
                    (Lines::Text, _) => {}
                }
            }
            ProbeEvent::Trouble { target: _, trouble } => {
                self.account.not_asked();
                self.tell(&format!("not asked, for a reason which is not the target's: {trouble}"));
            }
            ProbeEvent::PassedOver(_) => {
                self.account.passed_over();
                self.tell("a question is passed over, since the one before it is still unanswered; how often is told in the end");
            }
        }
        Ok(())
    }

    /// Tells people, each thing once.
    fn tell(&mut self, words: &str) {
        if self.told.insert(words.to_owned()) {
            super::tell(words);
        }
    }

    fn close(self) -> miette::Result<Outcome> {
        let outcome = self.account.outcome();
        if self.typed.format == Lines::Text {
            if self.typed.every.is_none() {
                self.account.table().iter().try_for_each(|row| super::print(&format!("{}\n", crate::report::plain(row))))?;
            }
            super::print(&format!("{}\n", self.account.summary()))?;
        }
        self.record.close()?;
        outcome.ok_or_else(|| miette::miette!("nothing could be asked; the reasons are above"))
    }
}
