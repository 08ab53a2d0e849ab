//! The data in a few sentences: what was read, what was damaged, who fell silent, who had no vote.

use super::completeness::CompletenessView;
use super::file::BgpFileView;
use crate::feed::FeedEvent;
use crate::report::words;
use crate::source::FileKind;
use std::collections::BTreeSet;

/// The sentences, the most weighty first.
pub(super) fn of(view: &CompletenessView) -> Vec<String> {
    let mut sentences = vec![read(view)];
    let unread = errors(view);
    if unread > 0 {
        sentences.push(format!("{} could not be read, or not to the end.", words::count(unread, "file", "files")));
    }
    let sum = |count: fn(&BgpFileView) -> u64| view.bgp_files.iter().map(count).sum::<u64>();
    // What is skipped without a byte was understood, and could not be used: a RIPEstat answer which does not tell whose statement it is.
    let bytes = sum(|file| file.skipped_bytes);
    let unused = sum(|file| if file.skipped_bytes == 0 { file.skipped_count } else { 0 });
    let places = sum(|file| file.skipped_count) - unused;
    if unused > 0 {
        sentences.push(format!("{} of BGP files could not be used.", words::count(unused, "record", "records")));
    }
    if places > 0 {
        sentences.push(format!(
            "{} skipped at {} of BGP files.",
            words::count(bytes, "byte", "bytes"),
            words::count(places, "damaged place", "damaged places")
        ));
    }
    let bad: u64 = view.probe_files.iter().map(|file| file.bad_count).sum();
    if bad > 0 {
        sentences.push(format!("{} of probe files could not be used.", words::count(bad, "record", "records")));
    }
    sentences.extend(notes(view));
    if !view.excluded_peers.is_empty() {
        let peers: BTreeSet<&str> = view.excluded_peers.iter().map(|peer| peer.vantage.as_str()).collect();
        sentences.push(format!(
            "{} without a vote in a family (no full feed).",
            words::count(words::size(peers.len()), "vantage point", "vantage points")
        ));
    }
    let gaps: usize = view.series.iter().map(|series| series.gaps.len()).sum();
    if gaps > 0 {
        sentences.push(format!("{} which nobody probed.", words::count(words::size(gaps), "span", "spans")));
    }
    let unmatched: u64 = view.unmatched_results.iter().map(|unmatched| unmatched.results).sum();
    if unmatched > 0 {
        sentences.push(format!("{} not used, or not wholly.", words::count(unmatched, "probe result", "probe results")));
    }
    let ignored: BTreeSet<&str> = view.probe_files.iter().flat_map(|file| file.ignored_fields.keys().map(String::as_str)).collect();
    if !ignored.is_empty() {
        sentences.push(format!("Unknown fields left out of probe files: {}.", words::some(ignored, 4)));
    }
    if sentences.len() == 1 {
        sentences.push("Nothing damaged, nothing missing, nobody silent.".to_owned());
    }
    let vain: u64 = view.vain_state_changes.iter().map(|vain| vain.count).sum();
    if vain > 0 {
        sentences.push(format!(
            "{} of {} without a session: not counted.",
            words::count(vain, "state change", "state changes"),
            words::count(words::size(view.vain_state_changes.len()), "vantage point", "vantage points")
        ));
    }
    sentences
}

fn read(view: &CompletenessView) -> String {
    let mut text = if view.bgp_files.is_empty() { "No BGP file.".to_owned() } else { bgp(view) };
    if !view.probe_files.is_empty() {
        let results: u64 = view.probe_files.iter().map(|file| file.results).sum();
        text += &format!(
            " {} with {}.",
            words::count(words::size(view.probe_files.len()), "probe file", "probe files"),
            words::count(results, "result", "results")
        );
    }
    text
}

fn bgp(view: &CompletenessView) -> String {
    let used = view
        .bgp_files
        .iter()
        .filter(|file| !matches!(file.kind, FileKind::Copy | FileKind::NotBgp | FileKind::Unread | FileKind::Empty));
    let ases: BTreeSet<_> = view.peers.iter().map(|peer| peer.asn).collect();
    let full: BTreeSet<_> =
        view.peers.iter().filter(|peer| peer.full_feed_ipv4 || peer.full_feed_ipv6).map(|peer| peer.asn).collect();
    format!(
        "{} of {}: {} in {}, {} with a full feed.",
        words::count(words::size(used.count()), "BGP file", "BGP files"),
        words::count(words::size(view.collectors.len()), "collector", "collectors"),
        words::count(words::size(view.peers.len()), "vantage point", "vantage points"),
        words::count(words::size(ases.len()), "AS", "ASes"),
        full.len()
    )
}

fn errors(view: &CompletenessView) -> u64 {
    let bgp = view.bgp_files.iter().filter(|file| file.error.is_some()).count();
    let probes = view.probe_files.iter().filter(|file| file.error.is_some()).count();
    words::size(bgp + probes)
}

fn notes(view: &CompletenessView) -> Option<String> {
    let count = |wanted: fn(FeedEvent) -> bool| words::size(view.feed_notes.iter().filter(|note| wanted(note.event)).count());
    let kinds = [
        (count(|event| event == FeedEvent::SessionLost), "lost session", "lost sessions"),
        (count(|event| event == FeedEvent::Silent), "silent peer", "silent peers"),
        (count(|event| event == FeedEvent::TableSentAgain), "table sent again", "tables sent again"),
        (count(|event| matches!(event, FeedEvent::Gap(_))), "feed gap", "feed gaps"),
    ];
    let said = kinds.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| words::count(*count, one, many));
    let said = words::all(said);
    (!said.is_empty()).then(|| format!("{}.", said))
}
