//! `faultline analyze`: archives and recorded probes in, incidents and a report out.

mod survey;

use super::progress::Progress;
use crate::analysis::{Analysis, Outcome};
use crate::cli::{Analyze, Format, Inputs, Printed};
use crate::dependency::Dependencies;
use crate::incident::{Findings, correlate};
use crate::observation::Observation;
use crate::org::profile::ProfileWarning;
use crate::org::{Organization, profile};
use crate::pipeline::{Pipeline, RoutingFindings};
use crate::probe::{ProbeRecording, ProbeResult, read_results_watched};
use crate::reachability::Reachability;
use crate::report::{self, Shown};
use crate::source::{FileAccount, InputFile, InputSpec, Interest, Merge, Resources, WatchedPrefixes, discover};
use crate::table::TableError;
use crate::time::Timestamp;
use crate::timing::{Stage, Timing};
use crate::vantage::Vantages;
use ipnet::IpNet;
use miette::{IntoDiagnostic, WrapErr};
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
pub use survey::survey;
use survey::{Lines, run_survey};

/// Runs it.
///
/// # Errors
/// If the profile is not valid, none of the input could be read, or the report could not be written.
pub fn run(typed: &Analyze, now: Timestamp) -> miette::Result<Outcome> {
    let timing = if typed.stats.is_some() { Timing::on() } else { Timing::default() };
    let outcome = if typed.all_origins { run_survey(typed, now, &timing) } else { run_organization(typed, now, &timing) }?;
    if let Some(format) = typed.stats {
        super::stats::tell(&timing, threads(&typed.inputs), format);
    }
    Ok(outcome)
}

/// Threads which unpack: as many as were asked for, or one a processor.
fn threads(inputs: &Inputs) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    inputs.threads.map_or_else(processors, usize::from)
}

fn run_organization(typed: &Analyze, now: Timestamp, timing: &Timing) -> miette::Result<Outcome> {
    if typed.format == Printed::Jsonl {
        return Err(miette::miette!(
            help = "add --all-origins, or print the whole report with --format json",
            "`--format jsonl` tells outages of every origin AS while archives are read; there is no such thing of one organization"
        ));
    }
    let analysis = analyze(&typed.inputs, timing)?;
    timing.of(Stage::Report, || {
        let tables = match &typed.out {
            Some(_) => tables(&analysis)?,
            None => Vec::new(),
        };
        show(typed, || report::ReportView::of(&analysis, now), tables)
    })?;
    Ok(analysis.outcome())
}

/// Writes the report, if asked to, and prints it, if it is to be printed whole.
fn show<V: Shown>(typed: &Analyze, view: impl FnOnce() -> V, tables: Vec<(&'static str, Vec<u8>)>) -> miette::Result<()> {
    let progress = Progress::working("putting the report together");
    let view = view();
    if let Some(dir) = &typed.out {
        let mut files = report::files(&view);
        files.extend(tables.into_iter().map(|(name, table)| (name.to_owned(), table)));
        progress.now("writing the report");
        report::write_dir(dir, &files)?;
        drop(progress);
        super::tell_written(dir, &files);
    } else {
        drop(progress);
    }
    match typed.format {
        Printed::Text => super::show(&view, Format::Text, typed.timeline),
        Printed::Json => super::show(&view, Format::Json, typed.timeline),
        Printed::Jsonl => Ok(()),
    }
}

/// The Parquet tables; a program without them says so and goes on.
fn tables(analysis: &Analysis) -> miette::Result<Vec<(&'static str, Vec<u8>)>> {
    let progress = Progress::working("making the Parquet tables");
    let tables = report::tables(analysis);
    drop(progress);
    match tables {
        Ok(tables) => Ok(tables),
        Err(TableError::WithoutTables) => {
            super::tell("no Parquet tables: this program was built without the feature `tables`");
            Ok(Vec::new())
        }
        Err(error) => Err(error).into_diagnostic(),
    }
}

/// Everything found about the organization of the profile which stands first among the inputs.
///
/// # Errors
/// If the profile is not valid, or none of the input could be read.
pub fn analyze(inputs: &Inputs, timing: &Timing) -> miette::Result<Analysis> {
    let Some((path, archives)) = inputs.inputs.split_first() else {
        return Err(miette::miette!("no profile was named; write `faultline analyze ORG.toml FILES…`"));
    };
    let organization = read_profile(path)?;
    let specs = specs(archives, &inputs.collectors)?;
    if specs.is_empty() && inputs.probes.is_empty() {
        return Err(miette::miette!("nothing to analyze: name BGP archives after the profile, or probe results with --probes"));
    }
    let files = if specs.is_empty() { Vec::new() } else { discover(&specs).into_diagnostic()? };
    let first_probe_file = u32::try_from(files.len()).into_diagnostic()?;
    let recording = timing.of(Stage::Probes, || read_probes(&inputs.probes, first_probe_file))?;
    if files.is_empty() && recording.files.iter().all(|file| file.error.is_some()) {
        let errors = recording.files.iter().filter_map(|file| Some(format!("\n  {}", file.error.as_ref()?)));
        return Err(miette::miette!("none of the probe results could be read:{}", errors.collect::<String>()));
    }
    let dependencies = Dependencies::from_profile_and_results(&organization, &recording.results);
    let addresses = dependencies.addresses();
    let scope = organization.scope(addresses.iter().copied());
    let interest = Interest::Watched(watched(&organization, &addresses));
    let last_probe = recording.results.iter().map(ProbeResult::end).max();
    let settings = organization.settings.clone();
    let resources = Resources { threads: threads(inputs), timing: timing.clone(), ..Resources::default() };
    let (routing, vantages, bgp_files) = if files.is_empty() {
        let vantages = Vantages::default();
        (Pipeline::new(scope, &settings).finish(last_probe.unwrap_or(Timestamp::MIN), &vantages), vantages, Vec::new())
    } else {
        timing.of(Stage::Archives, || observe(files, interest, Pipeline::new(scope, &settings), None, &resources))?
    };
    let progress = Progress::working("comparing what was seen");
    let (attempts, reachability, correlation) = timing.of(Stage::Compare, || {
        let mut reachability = Reachability::new(&organization, &dependencies);
        let mut attempts = Vec::new();
        recording.results.iter().for_each(|result| reachability.observe_each(result, |attempt| attempts.push(attempt)));
        let reachability = reachability.finish(last_probe.unwrap_or(routing.last));
        let correlation = correlate(Findings {
            organization: &organization,
            dependencies: &dependencies,
            routing: &routing,
            vantages: &vantages,
            reachability: &reachability,
        });
        (attempts, reachability, correlation)
    });
    drop(progress);
    let (results, probe_files) = (recording.results, recording.files);
    Ok(Analysis {
        organization,
        dependencies,
        vantages,
        routing,
        results,
        attempts,
        reachability,
        correlation,
        bgp_files,
        probe_files,
    })
}

/// The profile at a path, its warnings told.
pub(super) fn read_profile(path: &Path) -> miette::Result<Organization> {
    let checked = profile::read(path)?;
    tell_warnings(path, &checked.warnings);
    Ok(checked.organization)
}

/// Tells what in a profile is allowed but looks like a mistake.
pub(super) fn tell_warnings(path: &Path, warnings: &[ProfileWarning]) {
    for warning in warnings {
        super::tell(&format!("{}:{}:{}: warning: {warning}; {}", path.display(), warning.line, warning.column, warning.help));
    }
}

/// The archives which were named, and those named with their collector.
pub(super) fn specs(archives: &[PathBuf], collectors: &[String]) -> miette::Result<Vec<InputSpec>> {
    let named = collectors.iter().map(|text| match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(InputSpec { path: path.into(), collector: Some(name.to_owned()) })
        }
        _ => Err(miette::miette!("`--collector {text}` names no collector; write it as --collector NAME=PATH")),
    });
    archives.iter().map(|path| Ok(InputSpec { path: path.clone(), collector: None })).chain(named).collect()
}

pub(super) fn read_probes(paths: &[PathBuf], first_file: u32) -> miette::Result<ProbeRecording> {
    if paths.is_empty() {
        return Ok(ProbeRecording::default());
    }
    let progress = Progress::bytes("probe results");
    read_results_watched(paths, first_file, progress.watcher()).into_diagnostic().wrap_err("the probe results could not be read")
}

fn watched(organization: &Organization, addresses: &BTreeSet<IpAddr>) -> WatchedPrefixes {
    let own = organization.prefixes.iter().map(|watched| watched.prefix);
    WatchedPrefixes::new(own.chain(addresses.iter().map(|address| IpNet::from(*address))))
}

/// Drives the merged stream through the pipeline, showing progress on a terminal; `lines` follow the steps of withdrawals.
fn observe(
    files: Vec<InputFile>,
    interest: Interest,
    mut pipeline: Pipeline,
    mut lines: Option<&mut Lines>,
    resources: &Resources,
) -> miette::Result<(RoutingFindings, Vantages, Vec<FileAccount>)> {
    // Lines on the same terminal would be drawn over.
    let shown = lines.is_none() || !std::io::stdout().is_terminal();
    let looking = Progress::working("looking at the archives");
    let merge = Merge::open(files, interest, resources).into_diagnostic()?;
    drop(looking);
    let progress = Progress::archives(merge.reading(), shown);
    let mut follow = |pipeline: &mut Pipeline| lines.as_mut().map_or(Ok(()), |lines| lines.tell(&pipeline.steps()));
    let (timing, mut last) = (&resources.timing, Timestamp::MIN);
    let (vantages, accounts) = merge.for_each(resources.threads, timing, |observations, vantages| {
        last = observations.iter().map(Observation::until).fold(last, Timestamp::max);
        timing.of(Stage::State, || pipeline.observe_all(observations, vantages));
        follow(&mut pipeline)
    })?;
    progress.now("judging what was read");
    let end = accounts.iter().filter_map(|file| file.last).max().map_or(last, |end| end.max(last));
    timing.of(Stage::State, || pipeline.advance(end, &vantages));
    follow(&mut pipeline)?;
    let findings = timing.of(Stage::State, || pipeline.finish(end, &vantages));
    Ok((findings, vantages, accounts))
}
