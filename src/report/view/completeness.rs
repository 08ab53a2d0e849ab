//! How complete the data was: every file, peer, note and gap, and what follows from it. Absence is told, never left out.

use super::file::{BgpFileView, ProbeFileView};
use super::place::{Files, Period};
use super::withdrawal::MomentView;
use crate::analysis::Analysis;
use crate::feed::{FeedEvent, FeedNote, Feeds, FullFeedRule, Liveness};
use crate::pipeline::{BlindSpan, RoutingFindings};
use crate::reachability::{Layer, SeriesCoverage, Unmatched};
use crate::report::words;
use crate::settings::Settings;
use crate::source::FileAccount;
use crate::time::Timestamp;
use crate::vantage::{Asn, Family, VantageId, Vantages};
use crate::withdrawal::Moment;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// How complete the data was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletenessView {
    /// In a few sentences.
    pub summary: Vec<String>,
    /// Every BGP file.
    pub bgp_files: Vec<BgpFileView>,
    /// Every probe file.
    pub probe_files: Vec<ProbeFileView>,
    /// Files in a folder of probe results which hold none: passed over.
    pub passed_over: Vec<String>,
    /// Every collector.
    pub collectors: Vec<CollectorView>,
    /// Every vantage point which spoke.
    pub peers: Vec<PeerView>,
    /// Vantage points which had no vote in a family, and why.
    pub excluded_peers: Vec<ExcludedPeer>,
    /// Lost sessions, silences, gaps, tables sent again.
    pub feed_notes: Vec<FeedNoteView>,
    /// Vantage points with state changes of sessions which were not up: these say nothing of routes.
    pub vain_state_changes: Vec<VainStateChanges>,
    /// Spans in which too few could tell of an own prefix.
    pub blind: Vec<BlindView>,
    /// Thresholds crossed where too few could tell.
    pub insufficient: Vec<InsufficientView>,
    /// Every probed series.
    pub series: Vec<SeriesView>,
    /// Probe results which could not be used, or not wholly.
    pub unmatched_results: Vec<UnmatchedView>,
}

/// A collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectorView {
    /// Its name.
    pub name: String,
    /// Vantage points which spoke there.
    pub vantage_points: usize,
    /// Their ASes.
    pub ases: usize,
    /// ASes with a full feed of IPv4.
    pub full_feed_ipv4: usize,
    /// ASes with a full feed of IPv6.
    pub full_feed_ipv6: usize,
    /// When it last said anything.
    pub last_heard: Option<Timestamp>,
}

/// A vantage point which spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerView {
    /// Its name: statements refer to it.
    pub vantage: String,
    /// Its collector.
    pub collector: String,
    /// Its address.
    pub peer: String,
    /// Its AS.
    pub asn: Asn,
    /// Full feed of IPv4.
    pub full_feed_ipv4: bool,
    /// Full feed of IPv6.
    pub full_feed_ipv6: bool,
}

/// A vantage point without a vote in a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcludedPeer {
    /// Its name.
    pub vantage: String,
    /// The family.
    pub family: Family,
    /// Why.
    pub why: String,
}

/// A note on a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedNoteView {
    /// When it began.
    pub at: Timestamp,
    /// When it ended; `null` if it had not, or if it is a moment.
    pub until: Option<Timestamp>,
    /// The vantage point or collector.
    pub whom: String,
    /// What happened, as a code.
    pub event: FeedEvent,
    /// For people.
    pub words: Cow<'static, str>,
    /// The file; `null` for silence.
    pub file: Option<String>,
    /// The record in it, from 1.
    pub record: Option<u64>,
}

/// State changes of a session which was not up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VainStateChanges {
    /// The vantage point.
    pub vantage: String,
    /// How many.
    pub count: u64,
}

/// A span in which too few could tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlindView {
    /// Of which prefix.
    pub prefix: String,
    /// From when to when.
    pub period: Period,
    /// Who could tell least.
    pub worst: MomentView,
}

/// A threshold crossed where too few could tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsufficientView {
    /// Of which prefix.
    pub prefix: String,
    /// When, and who saw it.
    pub moment: MomentView,
}

/// A probed series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesView {
    /// Who asked.
    pub vantage: String,
    /// What it tests.
    pub layer: Layer,
    /// The profile's name for it.
    pub check: String,
    /// What was asked of whom.
    pub target: String,
    /// The first attempt began.
    pub first: Timestamp,
    /// The last attempt ended.
    pub last: Timestamp,
    /// Attempts.
    pub attempts: u64,
    /// Attempts which found it up.
    pub successes: u64,
    /// Spans in which nobody probed: no health, only absence.
    pub gaps: Vec<Period>,
}

/// Results which could not be used, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmatchedView {
    /// How many.
    pub results: u64,
    /// Why, with an example.
    pub words: String,
    /// The first of them.
    pub file: Option<String>,
    /// The record in it.
    pub record: Option<u64>,
}

impl CompletenessView {
    pub(super) fn of(analysis: &Analysis, files: &Files) -> Self {
        let mut view =
            Self::routing((&analysis.routing, &analysis.vantages, &analysis.organization.settings), &analysis.bgp_files, files);
        // A foreign file which merely lay in the folder is no mistake.
        let (foreign, own): (Vec<_>, Vec<_>) =
            analysis.probe_files.iter().partition(|file| file.in_folder && file.format.is_none());
        view.probe_files = own.into_iter().map(ProbeFileView::of).collect();
        view.passed_over = foreign.into_iter().map(|file| file.path.display().to_string()).collect();
        view.series = analysis.reachability.coverage.iter().map(SeriesView::of).collect();
        view.unmatched_results =
            analysis.reachability.unmatched.iter().map(|unmatched| UnmatchedView::of(unmatched, files)).collect();
        view.summary = super::summary::of(&view);
        view
    }

    /// The routing side alone.
    pub(super) fn routing(
        (routing, vantages, settings): (&RoutingFindings, &Vantages, &Settings),
        bgp: &[FileAccount],
        files: &Files,
    ) -> Self {
        let feeds = &routing.feeds;
        let spoke = |id: &VantageId| feeds.liveness(*id) != Liveness::Never;
        let ids: Vec<VantageId> = vantages.iter().map(|(id, _)| id).filter(spoke).collect();
        let mut view = CompletenessView {
            summary: Vec::new(),
            bgp_files: bgp.iter().map(BgpFileView::of).collect(),
            probe_files: Vec::new(),
            passed_over: Vec::new(),
            collectors: collectors(&ids, vantages, feeds),
            peers: ids.iter().map(|id| PeerView::of(*id, vantages, feeds)).collect(),
            excluded_peers: ids.iter().flat_map(|id| excluded(*id, (feeds, vantages), settings)).collect(),
            feed_notes: routing.notes.iter().map(|note| FeedNoteView::of(note, vantages, files)).collect(),
            vain_state_changes: feeds.vain_state_changes().map(|vain| VainStateChanges::of(vain, vantages)).collect(),
            blind: routing.blind.iter().map(BlindView::of).collect(),
            insufficient: routing.insufficient.iter().map(InsufficientView::of).collect(),
            series: Vec::new(),
            unmatched_results: Vec::new(),
        };
        view.summary = super::summary::of(&view);
        view
    }
}

impl PeerView {
    fn of(id: VantageId, vantages: &Vantages, feeds: &Feeds) -> Self {
        let point = vantages.point(id);
        PeerView {
            vantage: point.to_string(),
            collector: point.collector.to_string(),
            peer: point.peer.to_string(),
            asn: point.asn,
            full_feed_ipv4: feeds.is_full_feed(id, Family::Ipv4),
            full_feed_ipv6: feeds.is_full_feed(id, Family::Ipv6),
        }
    }
}

impl FeedNoteView {
    fn of(note: &FeedNote, vantages: &Vantages, files: &Files) -> Self {
        let (file, record) = files.place(note.source);
        let words = words::feed_event(note.what).into();
        FeedNoteView { at: note.at, until: note.until, whom: note.whom.name(vantages), event: note.what, words, file, record }
    }
}

impl VainStateChanges {
    fn of((id, count): (VantageId, u64), vantages: &Vantages) -> Self {
        VainStateChanges { vantage: vantages.point(id).to_string(), count }
    }
}

impl BlindView {
    fn of(blind: &BlindSpan) -> Self {
        let period = Period::between(blind.from, blind.until);
        BlindView { prefix: blind.prefix.to_string(), period, worst: MomentView::of(blind.from, blind.worst) }
    }
}

impl InsufficientView {
    fn of((prefix, moment): &(IpNet, Moment)) -> Self {
        InsufficientView { prefix: prefix.to_string(), moment: MomentView::of(moment.at, moment.visibility) }
    }
}

impl SeriesView {
    fn of(coverage: &SeriesCoverage) -> Self {
        SeriesView {
            vantage: coverage.series.vantage.to_string(),
            layer: coverage.series.layer,
            check: coverage.series.check.to_string(),
            target: coverage.series.target_in_words(),
            first: coverage.first,
            last: coverage.last,
            attempts: coverage.attempts,
            successes: coverage.successes,
            gaps: coverage.gaps.iter().map(|gap| Period::between(gap.earliest, gap.latest)).collect(),
        }
    }
}

impl UnmatchedView {
    fn of(unmatched: &Unmatched, files: &Files) -> Self {
        let (file, record) = files.place(Some(unmatched.source));
        UnmatchedView { results: unmatched.results, words: unmatched.to_string(), file, record }
    }
}

fn collectors(ids: &[VantageId], vantages: &Vantages, feeds: &Feeds) -> Vec<CollectorView> {
    let of = |collector| {
        let here: Vec<VantageId> = ids.iter().copied().filter(|id| vantages.collector_of(*id) == collector).collect();
        let ases = |ids: &[VantageId]| ids.iter().map(|id| vantages.point(*id).asn).collect::<BTreeSet<Asn>>().len();
        let full = |family| {
            let full: Vec<VantageId> = here.iter().copied().filter(|id| feeds.is_full_feed(*id, family)).collect();
            ases(&full)
        };
        CollectorView {
            name: vantages.collector_name(collector).to_string(),
            vantage_points: here.len(),
            ases: ases(&here),
            full_feed_ipv4: full(Family::Ipv4),
            full_feed_ipv6: full(Family::Ipv6),
            last_heard: feeds.last_heard(collector),
        }
    };
    vantages.collectors().map(|(collector, _)| of(collector)).collect()
}

/// A vantage point which tells nothing at all of one family and is full feed of the other is no loss to that family.
fn excluded(id: VantageId, (feeds, vantages): (&Feeds, &Vantages), settings: &Settings) -> Vec<ExcludedPeer> {
    let mut excluded = Vec::new();
    for (family, other) in [(Family::Ipv4, Family::Ipv6), (Family::Ipv6, Family::Ipv4)] {
        if feeds.is_full_feed(id, family) {
            continue;
        }
        let least = |percent| format!("below {percent} %");
        let why = match feeds.standing(id, family) {
            Some(FullFeedRule::Table { size, largest }) if size > 0 => format!(
                "no full feed: a table of {} against {} in its collector's largest, {}",
                words::count(size.into(), "prefix", "prefixes"),
                words::grouped(largest.into()),
                least(settings.full_feed_percent)
            ),
            Some(FullFeedRule::Spoken { prefixes, quartile }) if prefixes > 0 => format!(
                "no full feed: spoke of {} against {} in the upper quartile of its collector's peers, {}",
                words::count(prefixes, "prefix", "prefixes"),
                words::grouped(quartile),
                least(settings.full_feed_spoken_percent)
            ),
            Some(_) | None if feeds.is_full_feed(id, other) => continue,
            Some(_) | None => format!("told no {family} routes"),
        };
        excluded.push(ExcludedPeer { vantage: vantages.point(id).to_string(), family, why });
    }
    excluded
}
