//! `faultline watch --all-origins`: the outages of every origin AS, or of a share of all prefixes, while they happen.

use super::begin::tables_known;
use super::{clock, sharing};
use crate::analysis::Outcome;
use crate::cli::{Lines, Watch};
use crate::command::progress::Progress;
use crate::holder::Holders;
use crate::outage::{OutageChange, OutageEvent};
use crate::report::{OutageLine, line, plain};
use crate::scope::Scope;
use crate::source::discover;
use crate::time::Timestamp;
use crate::watch::connection::Event;
use crate::watch::hearing::Hearing;
use crate::watch::ledger::Ledger;
use crate::watch::run::WAITING;
use crate::watch::survey::LiveSurvey;
use miette::IntoDiagnostic;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often it is noted how late it is.
const EVERY: Duration = Duration::from_millis(250);

/// A bus on which nothing is put for so long has nobody who publishes.
const QUIET: Duration = Duration::from_secs(30);

/// Runs it.
///
/// # Errors
/// If what it begins with cannot be read, or what it finds cannot be written.
pub(super) fn run(typed: &Watch, now: Timestamp) -> miette::Result<Outcome> {
    let scope = typed.sharing.share.map_or(Scope::Everything, Scope::Share);
    let mut telling = Telling {
        ledger: typed.sharing.outages.as_deref().map(Ledger::open).transpose().into_diagnostic()?,
        format: typed.format,
        any: false,
    };
    let mut specs = super::super::analyze::specs(&typed.seeds, &typed.collectors)?;
    specs.extend(super::super::fetch::seeds(&typed.newest, now)?);
    let mut survey = LiveSurvey::new(scope, &typed.stream);
    if !specs.is_empty() {
        let files = discover(&specs).into_diagnostic()?;
        let progress = Progress::working("reading what there is to begin with");
        let (seeded, events) = survey.seeded(files, 1).into_diagnostic()?;
        drop(progress);
        survey = seeded;
        telling.tell(events)?;
    }
    super::super::tell(&tables_known(survey.known_tables(), survey.seeded_until().unwrap_or(Timestamp::MIN)));
    if let Some(ledger) = &telling.ledger
        && ledger.earlier() > 0
    {
        super::super::tell(&format!("{} lines of an earlier run are not told again when they are found again", ledger.earlier()));
    }
    let stream = sharing::stream_of_everything(typed, survey.seeded_until())?;
    let publishing = sharing::publishing(typed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let (any, watched) = runtime.block_on(async {
        let (sender, mut events) = mpsc::channel(WAITING);
        let mut tasks = JoinSet::new();
        let has_clock = stream.has_clock();
        stream.hear(&mut tasks, sender, publishing.as_ref().map(sharing::Publishing::events));
        let mut hearing = Hearing::new(&typed.stream, clock(typed));
        let mut looking = interval(EVERY);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = crate::command::ending::told_to_end();
        tokio::pin!(stop);
        let mut quiet = false;
        loop {
            let (said, ended) = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        quiet = false;
                        let ended = matches!(event, Event::Ended(_));
                        (hearing.take(event, &mut super::super::tell), ended)
                    }
                    None => break,
                },
                _ = looking.tick(), if !has_clock => (hearing.look(&mut super::super::tell), false),
                () = sleep(QUIET), if has_clock && !quiet => {
                    quiet = true;
                    super::super::tell(&format!("{} tells nothing: see to who publishes", typed.stream));
                    continue;
                }
                () = &mut stop => break,
            };
            let told = telling.tell(survey.take(said));
            if told.is_err() || ended {
                return (telling.any, told);
            }
        }
        (telling.any, Ok(()))
    });
    // Tasks which still hear the stream go with it.
    drop(runtime);
    watched?;
    publishing.map_or(Ok(()), sharing::Publishing::end)?;
    let (outages, not_over) = survey.count();
    super::super::tell(&format!("{outages} outages, of which {not_over} are not over"));
    Ok(if any { Outcome::Incident } else { Outcome::NoIncident })
}

/// Tells what happens to outages.
struct Telling {
    ledger: Option<Ledger>,
    format: Lines,
    /// Whether there was anything to tell.
    any: bool,
}

impl Telling {
    fn tell(&mut self, events: Vec<OutageEvent>) -> miette::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.any = true;
        let new = match &mut self.ledger {
            Some(ledger) => ledger.take(events, in_json).into_diagnostic()?,
            None => events,
        };
        let shown = new.iter().map(|event| match self.format {
            Lines::Jsonl => in_json(event),
            Lines::Text => words(event) + "\n",
        });
        super::super::print(&shown.collect::<String>())
    }
}

fn in_json(event: &OutageEvent) -> String {
    line(&OutageLine::event(event.clone(), &Holders::default()))
}

fn words(event: &OutageEvent) -> String {
    let what = match event.change {
        OutageChange::Opened => "begins",
        OutageChange::Changed => "is another now",
        OutageChange::Reopened => "goes on after all",
        OutageChange::Ended => "is over",
    };
    let whose = event.origin.map_or("prefixes whose origin was never seen".to_owned(), |origin| format!("AS{}", origin.0));
    let (withdrawn, all) = (event.withdrawn, event.prefix_count);
    plain(&format!(
        "{}  outage {} of {whose} {what}: {withdrawn} of {all} prefixes withdrawn, first since {}",
        event.at.in_words(),
        event.number,
        event.began.in_words()
    ))
}
