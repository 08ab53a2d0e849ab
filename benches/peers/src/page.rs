//! The results as a page of Markdown.

use crate::compare::{Figure, Results, Row, Spread, Target};
use crate::inputs::Inputs;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most seconds until something is printed.
const FIRST_BYTE: f64 = 0.050;
/// Most KiB of memory.
const PEAK: i64 = 64 * 1024;

/// The page.
pub fn markdown(results: &Results, inputs: &Inputs, runs: u32) -> String {
    let mut page = String::from("# Faultline, its limits and its peers\n\n");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(", ");
    let _ = writeln!(page, "{cores} cores; load over 1, 5 and 15 minutes at the end: {load}. Medians of {runs} pairs.\n");
    inputs_made(inputs, &mut page);
    table(&results.rows, &mut page);
    limits(results, &mut page);
    notes(results, &mut page);
    page
}

#[allow(clippy::cast_precision_loss, reason = "sizes of files")]
fn inputs_made(inputs: &Inputs, page: &mut String) {
    let packed = |path: &std::path::Path| path.metadata().map_or(0, |facts| facts.len()) as f64 / 1e6;
    let stamp = &inputs.stamp;
    let _ = writeln!(
        page,
        "Made: updates, {} messages with {} prefixes, {:.0} MB (gz {:.0} MB, bz2 {:.0} MB); table dump, {} entries, {:.0} MB (gz {:.0} MB); \
         {} files of {} messages.\n",
        stamp.size.messages,
        stamp.updates_prefixes,
        stamp.updates_bytes as f64 / 1e6,
        packed(&inputs.updates("gz")),
        packed(&inputs.updates("bz2")),
        stamp.table_entries,
        stamp.table_bytes as f64 / 1e6,
        packed(&inputs.table()),
        stamp.size.files,
        stamp.size.messages_each
    );
}

fn table(rows: &[Row], page: &mut String) {
    page.push_str("| input | it | of | ratio | target | measured | least–most | Faultline | it | met |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for row in rows {
        let comparison = &row.comparison;
        let figure = match comparison.figure {
            Figure::Cpu => "CPU, one core",
            Figure::Wall => "wall",
        };
        let (ratio, target) = match comparison.target {
            Target::AtMost(most) => ("Faultline ÷ it", format!("≤ {most}")),
            Target::AtLeast(least) => ("it ÷ Faultline", format!("≥ {least}")),
            Target::Told => ("it ÷ Faultline", "–".to_owned()),
        };
        let _ = write!(page, "| {} | {} | {figure} | {ratio} | {target} | ", comparison.input, comparison.theirs.name);
        let _ = match &row.measured {
            Err(problem) => writeln!(page, "failed: {} | | | | |", problem.replace('|', "/")),
            Ok(measured) => {
                let Spread { median, least, most } = measured.ratio;
                let (ours, theirs) = (measured.ours.median, measured.theirs.median);
                let met = row.met().map_or("", word);
                writeln!(page, "**{median:.2}** | {least:.2}–{most:.2} | {ours:.3} s | {theirs:.3} s | {met} |")
            }
        };
    }
}

fn word(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}

/// Peaks of memory by input, the highest of all runs.
fn peaks(results: &Results) -> BTreeMap<&str, i64> {
    let mut peaks = BTreeMap::new();
    for row in &results.rows {
        if let Ok(measured) = &row.measured {
            let peak = peaks.entry(row.comparison.input.as_str()).or_default();
            *peak = measured.peak.max(*peak);
        }
    }
    peaks
}

fn limits(results: &Results, page: &mut String) {
    page.push_str("\n| Faultline alone | input | target | measured | met |\n|---|---|---|---|---|\n");
    for (input, seconds) in &results.starts {
        let _ = match seconds {
            Ok(seconds) => writeln!(
                page,
                "| start to first byte printed | {input} | ≤ {:.0} ms | **{:.0} ms** ({:.0}–{:.0}) | {} |",
                FIRST_BYTE * 1e3,
                seconds.median * 1e3,
                seconds.least * 1e3,
                seconds.most * 1e3,
                word(seconds.median <= FIRST_BYTE)
            ),
            Err(problem) => writeln!(page, "| start to first byte printed | {input} | | failed: {problem} | |"),
        };
    }
    for (input, peak) in peaks(results) {
        let _ =
            writeln!(page, "| peak memory | {input} | ≤ {} MiB | **{} MiB** | {} |", PEAK / 1024, peak / 1024, word(peak <= PEAK));
    }
}

fn notes(results: &Results, page: &mut String) {
    if !results.skipped.is_empty() {
        page.push_str("\nSKIPPED:\n\n");
        results.skipped.iter().for_each(|line| {
            let _ = writeln!(page, "- {line}");
        });
    }
    page.push_str("\nWhat those who count counted:\n\n");
    for row in &results.rows {
        if let Some(measured) =
            row.measured.as_ref().ok().filter(|measured| row.comparison.theirs.tells && !measured.counted.is_empty())
        {
            let _ = writeln!(page, "- {}: {}: {}", row.comparison.input, row.comparison.theirs.name, measured.counted);
        }
    }
    page.push_str(
        "\nEach program runs as a process of its own: A B A B …, after a pair which does not count; the ratio is taken pair by pair. \
         CPU is user and system time together. Wall time means something only on a machine which does nothing else. \
         What the others print is thrown away by the system. \"Scaled\" times are multiplied by how much less there was to do.\n",
    );
    page.push_str(
        "Faultline also takes a fingerprint (BLAKE3) of every input on the way, which nobody else does: the time it tells for that \
         (`--stats`) is subtracted, but for files which it is given one by one.\n",
    );
}

/// True if a target is missed.
pub fn fails(results: &Results) -> bool {
    results.rows.iter().any(|row| row.met() == Some(false) || row.measured.is_err())
        || results.starts.iter().any(|(_, seconds)| !seconds.as_ref().is_ok_and(|seconds| seconds.median <= FIRST_BYTE))
        || peaks(results).values().any(|peak| *peak > PEAK)
}
