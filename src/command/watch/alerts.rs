//! Alerts of a watch: journal, receivers and the thread which delivers, wired together.

use super::super::tell;
use crate::alert::deliver::{Clock, Delivery, Tally, Tell, run};
use crate::alert::desk::{Change, Desk, Happened, LOCAL};
use crate::alert::journal::Journal;
use crate::alert::resolve::{Resolver, system as look_up};
use crate::alert::sink::Sink;
use crate::alert::{IncidentBrief, Notice};
use crate::analysis::Outcome;
use crate::org::Organization;
use crate::org::alert::{AlertPolicy, AlertSink, AlertWay};
use crate::report::ReportView;
use crate::time::{Span, Timestamp};
use crate::watch::board::OutboxState;
use crate::watch::run::system;
use crate::watch::{IncidentEvent, LifeCycle};
use miette::IntoDiagnostic;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Alerts while they are kept and delivered, each in a thread of its own: neither a slow disk nor a slow receiver delays what is watched.
pub(super) struct Alerts {
    /// What happened, and the lines which tell it, which are printed when it is in the journal.
    happened: mpsc::Sender<(Happened, String)>,
    keeping: JoinHandle<()>,
    kept: Arc<Kept>,
    ending: watch::Sender<bool>,
    delivering: JoinHandle<()>,
}

/// What came of it.
#[derive(Default)]
struct Kept {
    outbox: Mutex<Option<OutboxState>>,
    /// Why nothing can be printed any more.
    unprinted: Mutex<Option<miette::Report>>,
}

/// How often the outbox is looked into.
const OUTBOX_EVERY: Duration = Duration::from_secs(5);

impl Alerts {
    /// Opens the journal and begins to deliver what waits in it; gives what it knows of incidents.
    pub(super) fn begin(
        organization: &Organization,
        journal: Option<&Path>,
        replayed: bool,
    ) -> miette::Result<(Alerts, LifeCycle)> {
        let name = &organization.name;
        let journal = Arc::new(match journal {
            Some(path) => Journal::open(path, name)?,
            None => Journal::in_memory(name)?,
        });
        if journal.path().is_none() && !organization.alerts.is_empty() {
            tell(
                "nothing is kept over a restart: incidents are told of anew then, and alerts which wait are lost; --journal FILE keeps them",
            );
        }
        let life = journal.life()?;
        let open: Vec<String> = life.open().map(|number| number.to_string()).collect();
        if !open.is_empty() {
            tell(&format!("incidents which were open when the journal was written last: {}", open.join(", ")));
        }
        let resolver = Resolver::new(look_up(), Arc::clone(&journal));
        let sinks = sinks(organization, journal.folder().as_deref(), &resolver)?;
        let desk = Arc::new(Desk::new(Arc::clone(&journal), organization, replayed));
        let (ending, listening) = watch::channel(false);
        let (clock, told): (Clock, Tell) = (Arc::new(system), Arc::new(tell));
        let tally = Arc::new(Tally::default());
        let delivery =
            Delivery { journal: Arc::clone(&journal), resolver, clock, tell: told, ending: listening, tally: Arc::clone(&tally) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
        let at_the_desk = Arc::clone(&desk);
        let tells = !sinks.is_empty();
        let delivering = std::thread::spawn(move || runtime.block_on(run(delivery, at_the_desk, sinks)));
        let (happened, waiting) = mpsc::channel();
        let kept = Arc::new(Kept::default());
        let keeper = Keeper { desk, journal, tally, tells, kept: Arc::clone(&kept) };
        let keeping = std::thread::spawn(move || keeper.keep(&waiting));
        Ok((Alerts { happened, keeping, kept, ending, delivering }, life))
    }

    /// Something happens to incidents: it is kept, then `lines` are printed, and then it is told.
    pub(super) fn take(&self, (view, at): (&ReportView, Timestamp), news: &[IncidentEvent], life: &LifeCycle, lines: String) {
        let changes = news.iter().map(|event| Change {
            change: event.change,
            number: event.number,
            incident: event.place.and_then(|place| view.incidents.get(place)).map(|told| IncidentBrief::of(event.number, told)),
        });
        let happened = Happened { at, changes: changes.collect(), life: life.clone() };
        if self.happened.send((happened, lines)).is_err() {
            tell("nothing is kept any more: an error of the program");
        }
    }

    /// What waits for its receivers, and what came of the rest; `None` if there are none.
    pub(super) fn outbox(&self) -> Option<OutboxState> {
        *self.kept.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything which was kept could be printed.
    ///
    /// # Errors
    /// Why not, once.
    pub(super) fn printed(&self) -> miette::Result<()> {
        self.kept.unprinted.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Nothing more comes; what is due is kept, printed and delivered.
    ///
    /// # Errors
    /// If not everything could be printed.
    pub(super) fn end(self) -> miette::Result<()> {
        let Alerts { happened, keeping, kept, ending, delivering } = self;
        drop(happened);
        let kept_all = keeping.join().is_ok();
        ending.send_replace(true);
        if delivering.join().is_err() || !kept_all {
            tell("alerts ended by an error of the program");
        }
        kept.unprinted.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

/// Who keeps what happens.
struct Keeper {
    desk: Arc<Desk>,
    journal: Arc<Journal>,
    tally: Arc<Tally>,
    /// Whether there is any receiver.
    tells: bool,
    kept: Arc<Kept>,
}

impl Keeper {
    fn keep(&self, waiting: &mpsc::Receiver<(Happened, String)>) {
        loop {
            match waiting.recv_timeout(OUTBOX_EVERY) {
                Ok((happened, lines)) => {
                    if let Err(error) = self.desk.take(happened, system()) {
                        tell(&error.to_string());
                    }
                    if let Err(error) = super::super::print(&lines) {
                        self.kept.unprinted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if self.tells {
                *self.kept.outbox.lock().unwrap_or_else(PoisonError::into_inner) = self.outbox();
            }
        }
    }

    fn outbox(&self) -> Option<OutboxState> {
        let rows = self.journal.read(|book| book.outbox()).ok()?;
        let waiting = || rows.iter().filter(|row| row.given_up.is_none());
        let (delivered, failed) = self.tally.counts();
        let count = u64::try_from(waiting().count()).unwrap_or(u64::MAX);
        Some(OutboxState { waiting: count, delivered, failed, oldest: waiting().map(|row| row.made).min() })
    }
}

fn sinks(organization: &Organization, folder: Option<&Path>, resolver: &Resolver) -> miette::Result<Vec<Sink>> {
    let beside = folder.map(|folder| AlertSink {
        name: LOCAL.to_owned(),
        way: AlertWay::File { path: folder.join(LOCAL) },
        policy: AlertPolicy::everything(),
        timeout: Span::from_seconds(20),
    });
    let variable = |name: &str| std::env::var(name).ok();
    let made = organization.alerts.iter().chain(&beside).map(|described| {
        Sink::new(described, resolver, variable).map_err(|error| {
            let help = "correct [[alerts]] in the profile, or what it names";
            miette::miette!(help = help, "alerts cannot go to `{}`: {error}", described.name)
        })
    });
    made.collect()
}

/// Sends a test notice to everybody.
///
/// # Errors
/// If there is nobody, or one was not reached.
pub(super) fn test(organization: &Organization) -> miette::Result<Outcome> {
    if organization.alerts.is_empty() {
        let help = "add [[alerts]]; docs/profile.md lists what may stand in it";
        return Err(miette::miette!(help = help, "the profile names nobody to tell"));
    }
    let journal = Arc::new(Journal::in_memory(&organization.name)?);
    let resolver = Resolver::new(look_up(), Arc::clone(&journal));
    let sinks = sinks(organization, None, &resolver)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let mut failed = 0;
    for sink in &sinks {
        let now = system();
        let (_, key) = journal.change(|book| book.next_key())?;
        let sent = runtime.block_on(sink.send(&Notice::test(key, &organization.name, now), now));
        let came = match &sent {
            Ok(()) => "delivered".to_owned(),
            Err(failure) => format!("not delivered: {failure}"),
        };
        failed += usize::from(sent.is_err());
        super::super::print(&format!("{}\n", crate::report::plain(&format!("{} ({}): {came}", sink.name, sink.kind()))))?;
    }
    match failed {
        0 => Ok(Outcome::NoIncident),
        _ => Err(miette::miette!("{failed} of {} receivers of alerts were not reached", sinks.len())),
    }
}
