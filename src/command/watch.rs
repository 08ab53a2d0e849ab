//! `faultline watch`: an organization against RIS Live, its own routers and its own probes, while things happen.

mod alerts;
mod begin;
mod everyone;
mod holes;
mod sharing;
mod shown;

use crate::analysis::Outcome;
use crate::cli::{Lines, Watch};
use crate::org::BmpRouter;
use crate::probing::ProbeEvent;
use crate::report::{IncidentLine, ReportView};
use crate::time::Timestamp;
use crate::watch::IncidentEvent;
use crate::watch::bmp_station::Station;
use crate::watch::record::Recorder;
use crate::watch::run::{Clock, Told, Watching, run as watch};
use alerts::Alerts;
use begin::{begin, prober};
use miette::IntoDiagnostic;
use shown::Shown;
use std::collections::BTreeSet;

/// Runs it.
///
/// # Errors
/// If the profile is not valid, or standard output cannot be written.
pub fn run(typed: &Watch, now: Timestamp) -> miette::Result<Outcome> {
    if typed.sharing.all_origins {
        return everyone::run(typed, now);
    }
    let Some(profile) = &typed.profile else { return sharing::relay(typed) };
    let organization = super::analyze::read_profile(profile)?;
    if typed.test_alert {
        return alerts::test(&organization);
    }
    let (routers, mut prober) = (organization.bmp_routers.clone(), prober(&organization, typed)?);
    let (alerts, life) = Alerts::begin(&organization, typed.journal.as_deref(), typed.replayed)?;
    let archives = super::fetch::archives(typed)?;
    let fetched = archives.iter().flat_map(|archives| &archives.collectors).map(|collector| collector.name.clone());
    let mut live = begin(organization, typed, prober.as_mut(), now)?.continued(life).backfilled(fetched.collect());
    let seen_until = typed.record.as_ref().map(|_| live.now()).filter(|seen| *seen > Timestamp::MIN);
    let recorder = typed.record.as_deref().map(Recorder::begin).transpose().into_diagnostic()?;
    if let Some(recorder) = &recorder {
        live.record(recorder.first_of_probes().to_owned());
    }
    let stream = sharing::stream(typed, &live)?;
    let mut people = People { typed, alerts, shown: Shown::begin(typed, &live, now)?, said: BTreeSet::new() };
    let clock = clock(typed);
    let publishing = sharing::publishing(typed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let watched = runtime.block_on(async {
        let station = station(typed, &routers).await?;
        let stream = (!typed.bmp_only).then_some(stream);
        let also = publishing.as_ref().map(sharing::Publishing::events);
        let watching = Watching { live, clock, stream, also, station, prober, recorder, seen_until, archives };
        watch(watching, super::ending::told_to_end(), |told| people.tell(&told)).await
    });
    // Tasks which still hear the stream go with it.
    drop(runtime);
    let printed = people.alerts.end();
    let outcome = watched?.outcome();
    publishing.map_or(Ok(()), sharing::Publishing::end)?;
    printed.map(|()| outcome)
}

fn clock(typed: &Watch) -> Clock {
    if typed.replayed { Clock::Stream } else { Clock::System }
}

/// Begins to listen for routers, if that was asked for.
async fn station(typed: &Watch, routers: &[BmpRouter]) -> miette::Result<Option<Station>> {
    if typed.bmp.is_empty() {
        return Ok(None);
    }
    let station = Station::listen(&typed.bmp, routers).await.map_err(|(address, error)| {
        let help = "write it as 192.0.2.10:11019 or [::]:11019, an address of this machine and a port which is free";
        miette::miette!(help = help, "cannot listen for BMP on `{address}`: {error}")
    })?;
    let addresses: Vec<String> = station.addresses().iter().map(ToString::to_string).collect();
    super::tell(&format!("listening for routers (BMP) on {}", addresses.join(", ")));
    if routers.is_empty() {
        super::tell("the profile lists no routers under [bmp]: only this machine itself is heard");
    }
    Ok(Some(station))
}

/// Everybody who is told what happens: on the terminal, by alerts, on the dashboard.
struct People<'a> {
    typed: &'a Watch,
    alerts: Alerts,
    shown: Option<Shown>,
    /// What was told of probing already.
    said: BTreeSet<String>,
}

impl People<'_> {
    fn tell(&mut self, told: &Told<'_>) -> miette::Result<()> {
        if let Some(shown) = &mut self.shown {
            shown.outbox(self.alerts.outbox());
            shown.take(told);
        }
        let stream = &self.typed.stream;
        let words = match told {
            Told::Up => format!("connected to {stream}"),
            Told::Current(until) => match until {
                Some(until) => format!("what {stream} kept has been read, until {}", until.in_words()),
                None => format!("{stream} has kept nothing yet"),
            },
            Told::Quiet(since) => format!(
                "nobody has put anything onto {stream} since {}: what happened since is not known; see to who publishes",
                since.in_words()
            ),
            Told::NoConnection(reason) => format!("no connection to {stream}: {reason}; trying again"),
            Told::Down(reason) => format!("the connection to {stream} is lost: {reason}; trying again"),
            Told::Trouble(words) => format!("{stream}: {words}"),
            Told::Error(words) => format!("the server says: {words}"),
            Told::Silent(since) => format!(
                "the connection to {stream} is up and nothing comes: nobody spoke of the beacons of RIS which turned at {}; what happened since is \
                 not known",
                since.in_words()
            ),
            Told::Overlap(begins, until) => format!(
                "the stream begins at {}, and the archives to begin with tell until {}: what it says of the time before counts as said then. Begin a \
                 replay with older archives",
                begins.in_words(),
                until.in_words()
            ),
            Told::Missed(hole) => {
                format!("what was said {} is fetched as soon as archives have it", holes::within(hole))
            }
            Told::Filled(filled) => holes::filled(filled),
            Told::NotFilled(words) => format!("archives do not fill what the stream did not tell: {words}"),
            Told::Router(words) => (*words).to_owned(),
            Told::Probing(event) => return self.probing(event),
            Told::Recording(words) => format!("the recording is not whole: {words}"),
            Told::Unasked(addresses) => {
                let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                let list = list.join(", ");
                format!("services need {list}, too, which the stream is asked about from the next start of watch on")
            }
            Told::Incidents(analysis, news, life) => {
                let at = analysis.routing.last;
                let view = ReportView::of(analysis, at);
                // First kept, then told.
                self.alerts.take((&view, at), news, life, lines((&view, at), news, self.typed.format)?);
                if let Some(shown) = &mut self.shown {
                    shown.incidents(view, news, at);
                }
                return Ok(());
            }
            Told::Looked(..) => return self.alerts.printed(),
        };
        super::tell(&words);
        Ok(())
    }

    /// What happens while probing is told once.
    fn probing(&mut self, event: &ProbeEvent) -> miette::Result<()> {
        let words = match event {
            ProbeEvent::Planned { questions, notes, .. } => {
                let every = format!("asking {questions} questions again and again");
                notes.iter().cloned().chain([every]).collect()
            }
            ProbeEvent::Trouble { trouble, .. } => vec![format!("not asked, for a reason which is not the target's: {trouble}")],
            ProbeEvent::PassedOver(_) => {
                vec!["some questions are passed over, since the ones before are not answered yet".to_owned()]
            }
            ProbeEvent::Result(_) => Vec::new(),
        };
        for words in words {
            if self.said.insert(words.clone()) {
                super::tell(&words);
            }
        }
        Ok(())
    }
}

fn lines((view, at): (&ReportView, Timestamp), news: &[IncidentEvent], format: Lines) -> miette::Result<String> {
    let mut lines = String::new();
    for event in news {
        let line = IncidentLine::of(*event, view, at);
        let text = match format {
            Lines::Jsonl => serde_json::to_string(&line).into_diagnostic()?,
            Lines::Text => words(&line),
        };
        lines += &crate::report::plain(&text);
        lines.push('\n');
    }
    Ok(lines)
}

fn words(line: &IncidentLine) -> String {
    let what = line.event.phrase();
    let headline = line.headline.as_deref().unwrap_or_default();
    format!("{}  incident {} {what}  {headline}", line.at.in_words(), line.incident)
}
