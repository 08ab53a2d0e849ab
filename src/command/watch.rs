//! `faultline watch`: an organization against RIS Live, while things happen.

mod alerts;

use crate::analysis::Outcome;
use crate::cli::{Lines, Watch};
use crate::command::progress::Progress;
use crate::dashboard::{Publisher, Serving, Token, serve};
use crate::org::Organization;
use crate::replay::server::END;
use crate::report::{IncidentLine, ReportView};
use crate::source::{InputSpec, discover};
use crate::time::Timestamp;
use crate::watch::board::Lookout;
use crate::watch::connection::Source;
use crate::watch::record::{Part, Recorder, recorded};
use crate::watch::run::{Clock, Told, Watching, run as watch};
use crate::watch::{IncidentEvent, Live};
use alerts::Alerts;
use miette::IntoDiagnostic;
use std::sync::Arc;

/// Runs it.
///
/// # Errors
/// If the profile is not valid, or standard output cannot be written.
pub fn run(typed: &Watch, now: Timestamp) -> miette::Result<Outcome> {
    let organization = super::analyze::read_profile(&typed.profile)?;
    if typed.test_alert {
        return alerts::test(&organization);
    }
    let (alerts, life) = Alerts::begin(&organization, typed.journal.as_deref(), typed.replayed)?;
    let mut live = begin(organization, typed, now)?.continued(life);
    let seen_until = typed.record.as_ref().map(|_| live.now()).filter(|seen| *seen > Timestamp::MIN);
    let recorder = typed.record.as_deref().map(Recorder::begin).transpose().into_diagnostic()?;
    if let Some(recorder) = &recorder {
        live.record(recorder.first_of_probes().to_owned());
    }
    let source = Source::new(&typed.stream, live.subscriptions(typed.everything), typed.replayed.then_some(END));
    let source = source.map_err(|problem| {
        let help = "write it as wss://ris-live.ripe.net/v1/ws/ or, for a replay, ws://127.0.0.1:8080/";
        miette::miette!(help = help, "`{}` is no address of a stream: {problem}", typed.stream)
    })?;
    let mut shown = show(typed, &live, now)?;
    let clock = if typed.replayed { Clock::Stream } else { Clock::System };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let stop = async {
        // Without a signal to wait for it goes on until it is ended otherwise.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let watching = Watching { live, source, clock, results: None, recorder, seen_until };
    let watched = runtime.block_on(watch(watching, stop, |told| tell(told, (typed, &alerts, shown.as_mut()))));
    alerts.end();
    Ok(watched?.outcome())
}

/// Who publishes to the dashboard, and the dashboard, which ends with it.
struct Shown {
    publisher: Publisher,
    _serving: Serving,
}

/// Begins the dashboard, if it is wanted.
fn show(typed: &Watch, live: &Live, now: Timestamp) -> miette::Result<Option<Shown>> {
    let Some(address) = typed.dashboard else { return Ok(None) };
    let token = match (&typed.dashboard_token_file, std::env::var("FAULTLINE_TOKEN")) {
        (Some(path), _) => Some(std::fs::read_to_string(path).map_err(|error| {
            miette::miette!(help = "it holds the token, and nothing else", "{} cannot be read: {error}", path.display())
        })?),
        // A variable which is empty is one which is not set, to most who write it so.
        (None, token) => token.ok().filter(|token| !token.is_empty()),
    };
    let token = token.as_deref().map(Token::new).transpose()?;
    let lookout = Lookout::new(&typed.stream, typed.replayed, now);
    let (publisher, snapshots) = Publisher::new(lookout, live, now);
    let serving = serve(address, token, snapshots)?;
    super::tell(&format!("the dashboard is at http://{}/", serving.address));
    Ok(Some(Shown { publisher, _serving: serving }))
}

/// Reads what there is to begin with: archives, and what was recorded here before. Tells what is known by it.
fn begin(organization: Organization, typed: &Watch, now: Timestamp) -> miette::Result<Live> {
    let (stream, probes) = match &typed.record {
        Some(folder) => {
            let files =
                |part| recorded(folder, part).map_err(|error| miette::miette!("{} cannot be read: {error}", folder.display()));
            (files(Part::Stream)?, files(Part::Probes)?)
        }
        None => (Vec::new(), Vec::new()),
    };
    let mut specs = super::analyze::specs(&typed.seeds, &typed.collectors)?;
    specs.extend(super::fetch::seeds(&typed.newest, now)?);
    specs.extend(stream.into_iter().map(|path| InputSpec { path, collector: None }));
    let files = if specs.is_empty() { Vec::new() } else { discover(&specs).into_diagnostic()? };
    let archives = u32::try_from(files.len()).into_diagnostic()?;
    let before = super::analyze::read_probes(&probes, archives + 1)?;
    let live = Live::after_probes(organization, &typed.stream, before, archives);
    let live = if files.is_empty() {
        live
    } else {
        let progress = Progress::working("reading what there is to begin with");
        let live = live.seeded(files, 1).into_diagnostic()?;
        drop(progress);
        live
    };
    super::tell(&match live.known_tables() {
        (0, _) => {
            "nobody's table is known: a prefix counts as seen from its first announcement on, and --seed begins with archives, --seed-newest fetches them"
                .to_owned()
        }
        (known, all) => {
            format!("the tables of {known} of {all} vantage points are known as of {}; the others' are not", live.now().in_words())
        }
    });
    Ok(live)
}

fn tell(told: Told<'_>, (typed, alerts, shown): (&Watch, &Alerts, Option<&mut Shown>)) -> miette::Result<()> {
    let mut publisher = shown.map(|shown| &mut shown.publisher);
    let mut note = |note: &dyn Fn(&mut Lookout)| {
        if let Some(publisher) = &mut publisher {
            note(&mut publisher.lookout);
        }
    };
    match told {
        Told::Up => {
            note(&Lookout::up);
            super::tell(&format!("connected to {}", typed.stream));
        }
        Told::NoConnection(reason) => {
            note(&|lookout| lookout.down(reason));
            super::tell(&format!("no connection to {}: {reason}; trying again", typed.stream));
        }
        Told::Down(reason) => {
            note(&|lookout| lookout.down(reason));
            super::tell(&format!("the connection to {} is lost: {reason}; trying again", typed.stream));
        }
        Told::Error(words) => {
            note(&|lookout| lookout.complaint(words));
            super::tell(&format!("the server says: {words}"));
        }
        Told::Silent(since) => super::tell(&format!(
            "the connection to {} is up and nothing comes: nobody spoke of the beacons of RIS which turned at {}; what happened since is not known",
            typed.stream,
            since.in_words()
        )),
        Told::Recording(words) => super::tell(&format!("the recording is not whole: {words}")),
        Told::Unasked(addresses) => {
            let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let list = list.join(", ");
            super::tell(&format!("services need {list}, too, which the stream is asked about from the next start of watch on"));
        }
        Told::Incidents(analysis, news, life) => {
            let at = analysis.routing.last;
            let view = ReportView::of(analysis, at);
            // First kept, then told.
            alerts.take((&view, at), news, life);
            print((&view, at), news, typed.format)?;
            if let Some(publisher) = publisher {
                publisher.incidents(Arc::new(view), news, at);
            }
        }
        Told::Looked(live, at) => {
            if let Some(publisher) = publisher {
                publisher.looked(live, at);
            }
        }
    }
    Ok(())
}

fn print((view, at): (&ReportView, Timestamp), news: &[IncidentEvent], format: Lines) -> miette::Result<()> {
    for event in news {
        let line = IncidentLine::of(*event, view, at);
        let text = match format {
            Lines::Jsonl => serde_json::to_string(&line).into_diagnostic()?,
            Lines::Text => words(&line),
        };
        super::print(&format!("{}\n", crate::report::plain(&text)))?;
    }
    Ok(())
}

fn words(line: &IncidentLine) -> String {
    let what = line.event.phrase();
    let headline = line.headline.as_deref().unwrap_or_default();
    format!("{}  incident {} {what}  {headline}", line.at.in_words(), line.incident)
}
