//! `faultline watch`: an organization against RIS Live, while things happen.

use crate::analysis::{Analysis, Outcome};
use crate::cli::{Lines, Watch};
use crate::command::progress::Progress;
use crate::org::BmpRouter;
use crate::replay::server::END;
use crate::report::{IncidentLine, ReportView};
use crate::source::discover;
use crate::watch::bmp_station::Station;
use crate::watch::connection::Source;
use crate::watch::run::{Clock, Heard, Told, run as watch};
use crate::watch::{IncidentChange, IncidentEvent, Live};
use miette::IntoDiagnostic;

/// Runs it.
///
/// # Errors
/// If the profile is not valid, or standard output cannot be written.
pub fn run(typed: &Watch) -> miette::Result<Outcome> {
    let organization = super::analyze::read_profile(&typed.profile)?;
    let routers = organization.bmp_routers.clone();
    let address = if typed.bmp_only { "no stream" } else { &typed.stream };
    let live = begin(Live::new(organization, address), typed)?;
    let source = Source::new(&typed.stream, live.subscriptions(typed.everything), typed.replayed.then_some(END));
    let source = source.map_err(|problem| {
        let help = "write it as wss://ris-live.ripe.net/v1/ws/ or, for a replay, ws://127.0.0.1:8080/";
        miette::miette!(help = help, "`{}` is no address of a stream: {problem}", typed.stream)
    })?;
    let clock = if typed.replayed { Clock::Stream } else { Clock::System };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let stop = async {
        // Without a signal to wait for it goes on until it is ended otherwise.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let analysis = runtime.block_on(async {
        let station = station(typed, &routers).await?;
        let heard = Heard { stream: (!typed.bmp_only).then_some(source), station };
        watch(live, heard, clock, stop, |told| tell(told, typed)).await
    })?;
    Ok(analysis.outcome())
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

/// Reads the archives to begin with, and tells what is known by them.
fn begin(live: Live, typed: &Watch) -> miette::Result<Live> {
    let specs = super::analyze::specs(&typed.seeds, &typed.collectors)?;
    let live = if specs.is_empty() {
        live
    } else {
        let progress = Progress::working("reading the archives to begin with");
        let live = live.seeded(discover(&specs).into_diagnostic()?, 1).into_diagnostic()?;
        drop(progress);
        live
    };
    super::tell(&match live.known_tables() {
        (0, _) => {
            "nobody's table is known: a prefix counts as seen from its first announcement on, and --seed begins with archives"
                .to_owned()
        }
        (known, all) => {
            format!("the tables of {known} of {all} vantage points are known as of {}; the others' are not", live.now().in_words())
        }
    });
    Ok(live)
}

fn tell(told: Told<'_>, typed: &Watch) -> miette::Result<()> {
    match told {
        Told::Up => super::tell(&format!("connected to {}", typed.stream)),
        Told::NoConnection(reason) => {
            super::tell(&format!("no connection to {}: {reason}; trying again", typed.stream));
        }
        Told::Down(reason) => super::tell(&format!("the connection to {} is lost: {reason}; trying again", typed.stream)),
        Told::Router(words) => super::tell(words),
        Told::Error(words) => super::tell(&format!("the server says: {words}")),
        Told::Incidents(analysis, news) => return print(analysis, news, typed.format),
    }
    Ok(())
}

fn print(analysis: &Analysis, news: &[IncidentEvent], format: Lines) -> miette::Result<()> {
    let at = analysis.routing.last;
    let view = ReportView::of(analysis, at);
    for event in news {
        let line = IncidentLine::of(*event, &view, at);
        let text = match format {
            Lines::Jsonl => serde_json::to_string(&line).into_diagnostic()?,
            Lines::Text => words(&line),
        };
        super::print(&format!("{}\n", crate::report::plain(&text)))?;
    }
    Ok(())
}

fn words(line: &IncidentLine) -> String {
    let what = match line.event {
        IncidentChange::Opened => "begins",
        IncidentChange::Worsened => "gets worse",
        IncidentChange::Improved => "gets better",
        IncidentChange::Changed => "is judged anew",
        IncidentChange::Reopened => "goes on after all",
        IncidentChange::Closed => "is over",
        IncidentChange::Withdrawn => "is part of another one, or none",
    };
    let headline = line.headline.as_deref().unwrap_or_default();
    format!("{}  incident {} {what}  {headline}", line.at.in_words(), line.incident)
}
