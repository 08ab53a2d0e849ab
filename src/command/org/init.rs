//! `faultline org init`: a profile to begin with.

use crate::analysis::Outcome;
use crate::cli::OrgInit;
use crate::command::progress::Progress;
use crate::org::draft::{Draft, SeenTable};
use crate::org::profile;
use crate::source::{InputFile, Originated, discover, originated};
use crate::time::Timestamp;
use crate::vantage::Asn;
use ipnet::IpNet;
use miette::{IntoDiagnostic, WrapErr};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Runs it.
///
/// # Errors
/// If an AS number or a name is none, no table has a prefix of theirs, or the file is there already.
pub fn run(typed: &OrgInit, now: Timestamp) -> miette::Result<Outcome> {
    if let Some(out) = typed.out.as_deref().filter(|out| out.exists() && !typed.force) {
        return Err(taken(out));
    }
    let as_numbers = as_numbers(typed)?;
    let zones = names(&typed.zones)?;
    let hosts = names(&typed.hosts)?;
    let specs = crate::command::analyze::specs(&typed.ribs, &typed.collectors)?;
    if specs.iter().any(|spec| spec.path.as_os_str() == "-") {
        return Err(miette::miette!(
            help = "name files, folders or globs",
            "table dumps are read twice, and standard input cannot be"
        ));
    }
    let files = discover(&specs).into_diagnostic()?;
    let found = read(&files, &as_numbers)?;
    tell(&found);
    if found.own.is_empty() {
        return Err(nothing(&found, &as_numbers));
    }
    let mut draft = draft(typed, &as_numbers, &files, &found);
    if !zones.is_empty() || !hosts.is_empty() {
        ask(&mut draft, typed, (&zones, &hosts), now)?;
    }
    let toml = draft.to_toml();
    let path = typed.out.as_deref().unwrap_or(Path::new("the draft"));
    profile::parse(&toml, path).wrap_err("the draft is no profile; please report this")?;
    match &typed.out {
        Some(out) => {
            write(out, &toml, typed.force)?;
            crate::command::tell(&format!("wrote {}; read it, correct it, and run faultline org check", out.display()));
        }
        None => crate::command::print(&toml)?,
    }
    Ok(Outcome::NoIncident)
}

#[cfg(feature = "live")]
fn ask(draft: &mut Draft, typed: &OrgInit, (zones, hosts): (&[String], &[String]), now: Timestamp) -> miette::Result<()> {
    super::names::ask(draft, typed.resolver, zones, hosts, now)
}

#[cfg(not(feature = "live"))]
fn ask(_: &mut Draft, _: &OrgInit, _: (&[String], &[String]), _: Timestamp) -> miette::Result<()> {
    Err(crate::command::without_live())
}

fn as_numbers(typed: &OrgInit) -> miette::Result<BTreeSet<Asn>> {
    typed.as_numbers.iter().map(|text| profile::as_number(text).map_err(|words| miette::miette!("{words}"))).collect()
}

/// Host names, each once, in the order in which they were typed.
fn names(typed: &[String]) -> miette::Result<Vec<String>> {
    let mut names = Vec::new();
    for text in typed {
        let name = profile::host_name(text).map_err(|words| miette::miette!("{words}"))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn read(files: &[InputFile], as_numbers: &BTreeSet<Asn>) -> miette::Result<Originated> {
    let mut progress = None;
    originated(files, as_numbers, 1, |reading| {
        // The first one must be wiped before the second one draws.
        drop(progress.take());
        progress = Some(Progress::archives(reading, true));
    })
    .into_diagnostic()
}

/// What went wrong while reading, and what to think of the tables.
fn tell(found: &Originated) {
    for account in found.accounts.iter().filter(|account| account.error.is_some()) {
        let error = account.error.as_deref().unwrap_or_default();
        crate::command::tell(&format!("`{}` {error}", account.path.display()));
    }
    for table in found.tables.iter().filter(|table| !table.complete) {
        let words = "is damaged or empty: prefixes may be missing";
        crate::command::tell(&format!("the table of {} of {} {words}", table.collector, table.at.in_words()));
    }
}

fn nothing(found: &Originated, as_numbers: &BTreeSet<Asn>) -> miette::Report {
    let list: Vec<String> = as_numbers.iter().map(ToString::to_string).collect();
    let list = list.join(", ");
    if found.tables.is_empty() {
        let help = "name table dumps: bview.… of RIPE RIS, rib.… of RouteViews; faultline fetch --ribs only fetches them";
        return miette::miette!(help = help, "none of the files holds a table dump");
    }
    let help = "check the number; a collector with more peers may see more";
    miette::miette!(help = help, "no table has a prefix which {list} originates")
}

fn draft(typed: &OrgInit, as_numbers: &BTreeSet<Asn>, files: &[InputFile], found: &Originated) -> Draft {
    let first = as_numbers.first().map(ToString::to_string).unwrap_or_default();
    let count = |origins: &BTreeMap<Asn, BTreeSet<Asn>>| -> BTreeMap<Asn, usize> {
        origins.iter().map(|(asn, seen)| (*asn, seen.len())).collect()
    };
    let inside =
        found.inside.iter().flat_map(|(prefix, origins)| count(origins).into_iter().map(|(asn, seen)| ((*prefix, asn), seen)));
    let mut tables: Vec<SeenTable> = found
        .tables
        .iter()
        .map(|table| SeenTable {
            collector: table.collector.to_string(),
            at: table.at,
            file: files.get(table.file.0 as usize).map(|file| file.path.display().to_string()).unwrap_or_default(),
            peers: table.peers,
        })
        .collect();
    tables.sort();
    Draft {
        name: typed.name.clone().unwrap_or(first),
        as_numbers: as_numbers.iter().copied().collect(),
        seen_by: typed.seen_by,
        tables,
        witnesses: [found.witnesses[0].len(), found.witnesses[1].len()],
        own: found.own.iter().map(|(prefix, origins)| (*prefix, count(origins))).collect::<BTreeMap<IpNet, _>>(),
        inside: inside.collect(),
        resolver: None,
        zones: Vec::new(),
        hosts: Vec::new(),
    }
}

fn taken(out: &Path) -> miette::Report {
    miette::miette!(help = "name another file, or add --force to overwrite it", "{} is there already", out.display())
}

/// Writes the whole file or nothing of it.
fn write(out: &Path, text: &str, force: bool) -> miette::Result<()> {
    let cannot = || format!("{} cannot be written", out.display());
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".faultline-").tempfile_in(folder).into_diagnostic().wrap_err_with(cannot)?;
    file.write_all(text.as_bytes()).into_diagnostic().wrap_err_with(cannot)?;
    let written = if force { file.persist(out) } else { file.persist_noclobber(out) };
    match written {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(taken(out)),
        Err(error) => Err(error.error).into_diagnostic().wrap_err_with(cannot),
    }
}
