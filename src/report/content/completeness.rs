//! The data as a page has it: what was read, what was not, and what follows from it.

use super::ROWS;
use crate::report::page::Page;
use crate::report::view::completeness::{CompletenessView, FeedNoteView};
use crate::report::view::file::{BgpFileView, ProbeFileView};
use crate::report::words;
use std::collections::BTreeMap;

/// Writes it.
pub(super) fn write(page: &mut Page, view: &CompletenessView) {
    page.heading(2, "Data completeness");
    page.list(&view.summary);
    files(page, view);
    feeds(page, view);
    probes(page, view);
}

fn files(page: &mut Page, view: &CompletenessView) {
    page.heading(3, "BGP files");
    let rows = view.bgp_files.iter().map(bgp_row);
    let heads =
        ["file", "collector", "kind", "records", "from (UTC)", "to (UTC)", "skipped bytes", "not taken again", "error", "BLAKE3"];
    page.long_table("BGP files", &heads, rows, usize::MAX);
    let damage = view.bgp_files.iter().flat_map(|file| {
        file.skipped.iter().map(|damage| {
            vec![
                file.path.clone(),
                damage.offset.to_string(),
                words::grouped(damage.bytes),
                damage.record.to_string(),
                damage.cause.clone(),
            ]
        })
    });
    let rows: Vec<Vec<String>> = damage.collect();
    if !rows.is_empty() {
        page.paragraph("Bytes which could not be read (offsets in the decompressed stream); the records after them were read:");
    }
    page.table(&["file", "offset", "bytes", "record", "cause"], rows, ROWS);
    let other = view.bgp_files.iter().filter(|file| !file.other.is_empty());
    let rows: Vec<Vec<String>> = other
        .map(|file| {
            vec![
                file.path.clone(),
                words::all(file.other.iter().map(|(name, count)| format!("{name} ×{}", words::grouped(*count)))),
            ]
        })
        .collect();
    if !rows.is_empty() {
        page.paragraph("Read, counted and not used:");
    }
    page.table(&["file", "what"], rows, ROWS);
    page.heading(3, "Probe files");
    if view.probe_files.is_empty() {
        page.paragraph("None.");
    }
    let rows = view.probe_files.iter().map(probe_row);
    let heads = ["file", "format", "records", "results", "repeated", "bad records", "from (UTC)", "to (UTC)", "error", "BLAKE3"];
    page.long_table("probe files", &heads, rows, usize::MAX);
    if !view.passed_over.is_empty() {
        let count = words::count(words::size(view.passed_over.len()), "other file", "other files");
        page.paragraph(&format!("{count} in these folders hold no probe results and were passed over."));
    }
    let bad = view
        .probe_files
        .iter()
        .flat_map(|file| file.bad.iter().map(|bad| vec![file.path.clone(), bad.record.to_string(), bad.reason.clone()]));
    let rows: Vec<Vec<String>> = bad.collect();
    page.table(&["file", "record", "why it could not be used"], rows, ROWS);
    let left_out = view.probe_files.iter().flat_map(|file| {
        let fields = file
            .ignored_fields
            .iter()
            .map(|(name, count)| format!("{}: unknown field {name} in {}", file.path, words::count(*count, "record", "records")));
        let kinds = file
            .unsupported
            .iter()
            .map(|(name, count)| format!("{}: {name} not used, {}", file.path, words::count(*count, "record", "records")));
        fields.chain(kinds)
    });
    page.titled("Left out of probe files:", left_out);
}

fn feeds(page: &mut Page, view: &CompletenessView) {
    page.heading(3, "Feeds");
    let rows: Vec<Vec<String>> = view
        .collectors
        .iter()
        .map(|collector| {
            vec![
                collector.name.clone(),
                collector.vantage_points.to_string(),
                collector.ases.to_string(),
                collector.full_feed_ipv4.to_string(),
                collector.full_feed_ipv6.to_string(),
                collector.last_heard.map_or_else(|| "never".to_owned(), words::moment),
            ]
        })
        .collect();
    page.table(&["collector", "vantage points", "ASes", "full feed IPv4", "full feed IPv6", "last heard (UTC)"], rows, ROWS);
    let rows: Vec<Vec<String>> = view.feed_notes.iter().map(note_row).collect();
    if rows.is_empty() {
        page.paragraph("No lost session, no silence, no gap, no table sent again.");
    }
    page.table(&["when (UTC)", "until (UTC)", "who", "what", "file", "record"], rows, ROWS);
    let vain = view.vain_state_changes.iter().map(|vain| vec![vain.vantage.clone(), words::grouped(vain.count)]);
    let rows: Vec<Vec<String>> = vain.collect();
    if !rows.is_empty() {
        page.paragraph("State changes of sessions which were not up:");
    }
    page.table(&["vantage point", "how many"], rows, ROWS);
    let mut excluded: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for peer in &view.excluded_peers {
        excluded.entry((&peer.vantage, &peer.why)).or_default().push(peer.family.to_string());
    }
    let excluded =
        excluded.into_iter().map(|((vantage, why), families)| vec![vantage.to_owned(), words::all(families), why.to_owned()]);
    let rows: Vec<Vec<String>> = excluded.collect();
    if !rows.is_empty() {
        page.paragraph("Vantage points without a vote:");
    }
    page.table(&["vantage point", "family", "why"], rows, ROWS);
    let blind = view.blind.iter().map(|blind| format!("{}: {} at least, {}", blind.prefix, blind.worst.words, blind.period.words));
    page.titled("Too few could tell:", blind);
    let insufficient = view.insufficient.iter().map(|few| {
        format!(
            "{}: {} at {} UTC, lost by {}: too few to judge",
            few.prefix,
            few.moment.words,
            words::moment(few.moment.at),
            few.moment.lost
        )
    });
    page.titled("Lost where too few could tell:", insufficient);
}

fn probes(page: &mut Page, view: &CompletenessView) {
    page.heading(3, "Probed series");
    if view.series.is_empty() {
        page.paragraph("None: whether services worked was not measured.");
    }
    let rows: Vec<Vec<String>> = view
        .series
        .iter()
        .map(|series| {
            let gaps = series.gaps.iter().map(|gap| &gap.words);
            vec![
                words::layer(series.layer).to_owned(),
                series.vantage.clone(),
                if series.check == series.target { series.target.clone() } else { format!("{}: {}", series.check, series.target) },
                format!("{} of {}", words::grouped(series.successes), words::grouped(series.attempts)),
                words::moment(series.first),
                words::clock(series.last, series.first),
                words::some(gaps, 4),
            ]
        })
        .collect();
    let heads = ["layer", "vantage", "target", "good attempts", "from (UTC)", "to (UTC)", "nobody probed"];
    page.long_table("series", &heads, rows, ROWS);
    page.titled("Probe results not used, or not wholly:", view.unmatched_results.iter().map(|unmatched| &unmatched.words));
}

fn bgp_row(file: &BgpFileView) -> Vec<String> {
    let skipped = if file.skipped_count == 0 {
        "0".to_owned()
    } else {
        format!("{} in {} places", words::grouped(file.skipped_bytes), words::grouped(file.skipped_count))
    };
    let again = match &file.copy_of {
        Some(path) => format!("all: the same bytes as {path}"),
        None if file.duplicates_dropped == 0 => "0".to_owned(),
        None => words::count(file.duplicates_dropped, "message", "messages"),
    };
    vec![
        file.path.clone(),
        file.collector.clone(),
        words::file_kind(file.kind).to_owned(),
        words::grouped(file.records),
        file.first.map_or_else(|| "–".to_owned(), words::moment),
        file.last.map_or_else(|| "–".to_owned(), words::moment),
        skipped,
        again,
        file.error.clone().unwrap_or_default(),
        file.blake3.clone(),
    ]
}

fn probe_row(file: &ProbeFileView) -> Vec<String> {
    vec![
        file.path.clone(),
        file.format.clone().unwrap_or_else(|| "none known".to_owned()),
        words::grouped(file.records),
        words::grouped(file.results),
        words::grouped(file.repeated),
        words::grouped(file.bad_count),
        file.first.map_or_else(|| "–".to_owned(), words::moment),
        file.last.map_or_else(|| "–".to_owned(), words::moment),
        file.error.clone().unwrap_or_default(),
        file.blake3.clone(),
    ]
}

fn note_row(note: &FeedNoteView) -> Vec<String> {
    vec![
        words::moment(note.at),
        note.until.map(|until| words::clock(until, note.at)).unwrap_or_default(),
        note.whom.clone(),
        note.words.to_string(),
        note.file.clone().unwrap_or_default(),
        note.record.map(|record| record.to_string()).unwrap_or_default(),
    ]
}
