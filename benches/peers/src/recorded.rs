//! What is compared on recorded archives, where there are some: a folder with `mrt/` and `events/routeviews2-2008-02/`.

use crate::compare::{Figure, Plan, Target};
use crate::places::Places;
use crate::rows::Rows;
use crate::tools;
use miette::{IntoDiagnostic, WrapErr};
use std::path::{Path, PathBuf};

/// The organization of the recorded day: the AS whose 92 prefixes are lost together.
const ORIGIN: &str = "AS33776";
/// The beacons which RIPE RIS announces and withdraws every two hours; in every archive of RIS since 2002.
const BEACONS: (&str, &str) = ("AS12654", "84.205.64.0/19");

/// Everything on recorded archives.
///
/// # Errors
/// If the folder cannot be read.
pub fn plan(places: &Places, program: &str, folder: &Path) -> miette::Result<Plan> {
    let mut plan = Plan::new(places);
    let found = below(folder)?;
    let named = |start: &str, ending: &str| -> Vec<PathBuf> {
        let fits = |file: &&PathBuf| {
            let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let path = file.to_string_lossy();
            name.contains(start) && name.ends_with(ending) && path.contains("/mrt/") && !path.contains("test_expect")
        };
        found.iter().filter(fits).cloned().collect()
    };
    let places = &plan.places.clone();
    let (profile, list) = organization(places, BEACONS.0, BEACONS.1)?;
    for (input, files, target) in [
        ("recorded gz updates", named("updates.", ".gz"), Target::AtMost(1.5)),
        ("recorded gz table dumps", named("bview.", ".gz"), Target::AtMost(1.2)),
    ] {
        if files.is_empty() {
            plan.skip(format!("{input}: none below {}", folder.display()));
            continue;
        }
        let ours = tools::faultline_each(program, &profile, &files);
        let input = format!("{input}: {} files, each on its own", files.len());
        let mut rows = Rows { input: &input, files: &files, prefixes: &list, ours, plan: &mut plan };
        rows.gz_limits(target);
        rows.bgpdump(Target::Told);
        if input.contains("table") {
            rows.bgpkit(Target::Told);
            plan.skip(format!("routecore on {input}: it reads neither TABLE_DUMP nor ADD-PATH, and stops at them"));
        } else {
            rows.libraries(Target::Told, Target::Told);
        }
    }
    day(&mut plan, program, &folder.join("events/routeviews2-2008-02"))?;
    Ok(plan)
}

/// The day of route-views2: 94 bzip2 files.
fn day(plan: &mut Plan, program: &str, folder: &Path) -> miette::Result<()> {
    let (day, oracle) = (folder.join("2008-02-23"), folder.join("oracle-origin-outages.csv"));
    let text = std::fs::read_to_string(&oracle).unwrap_or_default();
    let Some(prefixes) = text.lines().find(|line| line.starts_with(ORIGIN)).and_then(|line| line.rsplit(',').next()) else {
        plan.skip(format!("recorded day: {} is not there, or has no row for {ORIGIN}", oracle.display()));
        return Ok(());
    };
    let files = below(&day)?;
    let (profile, list) = organization(&plan.places, ORIGIN, prefixes)?;
    let input = format!("recorded bz2 day: {} files", files.len());
    let ours = tools::faultline(program, &profile, &files);
    let mut rows = Rows { input: &input, files: &files, prefixes: &list, ours, plan };
    rows.bz2_limits();
    rows.libraries(Target::Told, Target::Told);
    rows.bgpdump(Target::Told);
    let input = format!("{input}, --all-origins");
    let ours = tools::faultline_all(program, &files);
    let mut rows = Rows { input: &input, files: &files, prefixes: &list, ours, plan };
    rows.perhaps(Figure::Cpu, tools::unpacker("bzip2", &files), Target::Told);
    rows.bgpdump(Target::Told);
    plan.linear("recorded bz2 day", &files, |files| tools::faultline(program, &profile, files));
    Ok(())
}

/// Writes a profile and a list of prefixes, which are given with spaces between.
fn organization(places: &Places, origin: &str, prefixes: &str) -> miette::Result<(PathBuf, PathBuf)> {
    let folder = places.target.join("bench-inputs/recorded");
    let (profile, list) = (folder.join(format!("{origin}.toml")), folder.join(format!("{origin}.txt")));
    let prefixes: Vec<&str> = prefixes.trim_matches('"').split_whitespace().collect();
    let text = format!(
        "[organization]\nname = \"{origin}\"\nas_numbers = [{}]\nprefixes = {prefixes:?}\n",
        origin.trim_start_matches("AS")
    );
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&profile, text))
        .and_then(|()| std::fs::write(&list, prefixes.join("\n")));
    written.into_diagnostic().wrap_err_with(|| format!("`{}` could not be written; make room there", folder.display()))?;
    Ok((profile, list))
}

/// All files below a folder, in order.
fn below(folder: &Path) -> miette::Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).into_diagnostic();
    let listed =
        listed.wrap_err_with(|| format!("`{}` cannot be listed; name the folder of recorded archives", folder.display()))?;
    let mut found = Vec::new();
    for entry in listed {
        let path = entry.into_diagnostic()?.path();
        if path.is_dir() { found.extend(below(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}
