//! What a watch begins with: archives, what was recorded before, and answers which tell on what services depend.

use crate::cli::Watch;
use crate::command::progress::Progress;
use crate::observation::FileId;
use crate::org::Organization;
use crate::probe::ProbeResult;
use crate::probing::{ProbeEvent, Prober, Surroundings};
use crate::source::{InputSpec, discover};
use crate::time::Timestamp;
use crate::watch::record::{Part, recorded};
use crate::watch::{Before, Live};
use miette::IntoDiagnostic;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Events of probing which wait.
const WAITING: usize = 1_024;

/// Reads what there is to begin with, and asks what services need. Tells what is known by it.
pub(super) fn begin(
    organization: Organization,
    typed: &Watch,
    prober: Option<&mut Prober>,
    now: Timestamp,
) -> miette::Result<Live> {
    let (stream, probes) = kept(typed)?;
    let mut specs = super::super::analyze::specs(&typed.seeds, &typed.collectors)?;
    specs.extend(super::super::fetch::seeds(&typed.newest, now)?);
    specs.extend(stream.into_iter().map(|path| InputSpec { path, collector: None }));
    let files = if specs.is_empty() { Vec::new() } else { discover(&specs).into_diagnostic()? };
    let archives = u32::try_from(files.len()).into_diagnostic()?;
    let recorded = super::super::analyze::read_probes(&probes, Live::first_probe_file(archives))?;
    let new = prober.map_or_else(|| Ok(Vec::new()), ask_once)?;
    let address = if typed.bmp_only { "no stream" } else { &typed.stream };
    let live = Live::after_probes(organization, address, Before { recorded, new }, archives);
    let live = if files.is_empty() {
        live
    } else {
        let progress = Progress::working("reading what there is to begin with");
        let live = live.seeded(files, 1).into_diagnostic()?;
        drop(progress);
        live
    };
    super::super::tell(&tables_known(live.known_tables(), live.now()));
    Ok(live)
}

/// Of how many vantage points, of how many, whole tables are known as of a time, in words.
pub(super) fn tables_known((known, all): (usize, usize), at: Timestamp) -> String {
    match known {
        0 => "nobody's table is known: a prefix counts as seen from its first announcement on, and --seed begins with archives"
            .to_owned(),
        known => format!("the tables of {known} of {all} vantage points are known as of {}; the others' are not", at.in_words()),
    }
}

/// What was recorded in the folder before: what was said, and results of probes.
fn kept(typed: &Watch) -> miette::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let Some(folder) = &typed.record else { return Ok((Vec::new(), Vec::new())) };
    let files = |part| recorded(folder, part).map_err(|error| miette::miette!("{} cannot be read: {error}", folder.display()));
    let said = files(Part::Stream)?.into_iter().chain(files(Part::Routers)?).collect();
    Ok((said, files(Part::Probes)?))
}

/// Who probes while it is watched; nobody where nothing follows from the profile, or what is watched is a replay.
pub(super) fn prober(organization: &Organization, typed: &Watch) -> miette::Result<Option<Prober>> {
    if !probes(organization, typed) {
        return Ok(None);
    }
    let surroundings = Surroundings::of_machine(organization).into_diagnostic()?;
    Ok(Some(Prober::new(organization.clone(), surroundings, FileId(0)).into_diagnostic()?))
}

fn probes(organization: &Organization, typed: &Watch) -> bool {
    let any = !organization.services.is_empty() || !organization.zones.is_empty();
    any && !typed.no_probes && !typed.replayed
}

/// Asks everything once, to learn on which addresses services depend: the stream is asked about them.
fn ask_once(prober: &mut Prober) -> miette::Result<Vec<ProbeResult>> {
    let progress = Progress::working("asking once what services need");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let results = runtime.block_on(async {
        let (sender, mut events) = mpsc::channel(WAITING);
        let taking = async {
            let mut results = Vec::new();
            while let Some(event) = events.recv().await {
                if let ProbeEvent::Result(result) = event {
                    results.push(result);
                }
            }
            results
        };
        tokio::join!(prober.once(sender), taking).1
    });
    drop(progress);
    Ok(results)
}
