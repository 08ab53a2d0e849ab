//! How a withdrawal begins: what is told of it when its first level has held.

use super::baseline::History;
use super::detect::Scene;
use super::lulls::Lulls;
use super::onset::onset;
use super::watch::{Records, Remembered, Unrest};
use super::{Cover, Level, Moment, Said, Statement, Withdrawal};
use crate::rib::{PrefixId, RouteState, View};
use crate::settings::Settings;
use crate::time::{Bounds, Span, Timestamp};
use crate::vantage::{Asn, VantageId};
use crate::visibility::{Electorate, Vote};
use std::collections::BTreeSet;

impl Unrest {
    /// A withdrawal begins; gives it, and when zombies are due.
    pub fn begin(
        &mut self,
        at: Timestamp,
        (prefix, level): (PrefixId, Level),
        (history, records, lulls): (&History, &Records, &Lulls),
        (scene, settings): (Scene<'_>, &Settings),
    ) -> (Withdrawal, Timestamp) {
        let now = scene.votes.visibility(prefix);
        let crossing = self.below.iter().flatten().min().copied().unwrap_or(at);
        let run = self.turns.iter().copied().filter(|turn| turn.at <= crossing);
        let onset = onset(run, now.eligible(), settings).unwrap_or(crossing);
        let said = self.said(prefix, lulls, settings);
        self.statements.clear();
        self.lulls_from = lulls.count();
        let first_statement = first_statement(&said, crossing, settings.grouping).min(onset);
        let first_words = self.first_words(prefix, &said, (first_statement, settings.straggler_tail), scene);
        let evidence = evidence(first_words, &said, first_statement, records);
        let whole = evidence.iter().all(|statement| statement.at.micros() % 1_000_000 == 0);
        let Electorate { rib, feeds, .. } = scene.state;
        let family = rib.family_of(prefix);
        let views: Vec<View> = rib.views(prefix).collect();
        let origins: BTreeSet<Asn> = views.iter().filter_map(|view| rib.origin_of(view.route?)).collect();
        let lowest = self.lowest.unwrap_or(Moment { at, visibility: now });
        let mut withdrawal = Withdrawal {
            prefix: rib.prefix_of(prefix),
            id: prefix,
            origins: origins.into_iter().collect(),
            level,
            baseline: history.baseline(crossing, settings, &mut Vec::new()),
            inferred: views.iter().any(|view| !feeds.is_seeded(view.from, family)),
            covers_known: views.iter().any(|view| feeds.is_seeded(view.from, family)),
            first_statement,
            onset: Bounds { earliest: onset, latest: if whole { onset + Span::from_micros(999_999) } else { onset } },
            crossed: [None; 3],
            opened: at,
            trough: lowest,
            first_back: evidence.iter().find(|e| e.said == Said::Announced && e.at > lowest.at).map(|e| e.at),
            back_at_open: None,
            recovered: None,
            unseen_since: None,
            closed: None,
            stragglers: Vec::new(),
            zombies: Vec::new(),
            covers: covers(prefix, scene),
            cover: None,
            lost_by: scene.votes.voters(prefix, Vote::Lost, scene.state),
            common_transit: Vec::new(),
            evidence,
        };
        self.dark = withdrawal.lost_by.iter().filter_map(|asn| scene.votes.voter(*asn)).collect();
        self.dark.sort_unstable();
        withdrawal.note_paths(scene);
        (withdrawal, onset + settings.zombie_after)
    }

    /// What first tables told from a time on, as far as it would be remembered still: it follows from what was said next, or is said now.
    fn first_words(
        &self,
        prefix: PrefixId,
        said: &[Remembered],
        (since, tail): (Timestamp, Span),
        scene: Scene<'_>,
    ) -> Vec<Statement> {
        let rib = scene.state.rib;
        let family = rib.family_of(prefix);
        let reaches = said.last().map_or(Timestamp::MIN, |last| last.at - tail);
        let since = since.max(reaches).max(self.closed.unwrap_or(Timestamp::MIN));
        let first_word = |from: VantageId| {
            let at = rib.first_table(from, family)?;
            if at < since {
                return None;
            }
            let next = said.iter().find(|next| next.from == from).map(|next| next.before);
            let said = match next.or_else(|| rib.view(prefix, from).map(|view| view.state))? {
                RouteState::Present => Said::InTable,
                RouteState::Withdrawn => Said::AbsentFromTable,
                RouteState::Unknown => return None,
            };
            Some(Statement { at, from, said, route: None, source: None })
        };
        scene.state.vantages.iter().filter_map(|(from, _)| first_word(from)).collect()
    }
}

/// The statements from a time on.
fn evidence(first_words: Vec<Statement>, said: &[Remembered], from: Timestamp, records: &Records) -> Vec<Statement> {
    let any = !first_words.is_empty();
    let said = said.iter().filter(|said| said.at >= from).map(|said| records.statement(said));
    let mut evidence: Vec<Statement> = first_words.into_iter().chain(said).collect();
    if any {
        evidence.sort_by_key(|statement| statement.at);
    }
    evidence
}

/// The first withdraw statement of the run which led to the crossing: no pause in it is longer than the grouping time.
fn first_statement(said: &[Remembered], crossing: Timestamp, grouping: Span) -> Timestamp {
    let mut first = crossing;
    for statement in said.iter().rev().filter(|statement| statement.at <= crossing) {
        if first.since(statement.at) > grouping {
            break;
        }
        if matches!(statement.said, Said::Withdrew | Said::TreatedAsWithdraw) {
            first = statement.at;
        }
    }
    first
}

impl Withdrawal {
    /// ASes which all lost paths share and no surviving path has: the origin and the witnesses themselves do not count.
    pub(super) fn note_paths(&mut self, scene: Scene<'_>) {
        let rib = scene.state.rib;
        if rib.keeps_origins_only() {
            return;
        }
        let (mut lost, mut surviving): (Option<BTreeSet<Asn>>, BTreeSet<Asn>) = (None, BTreeSet::new());
        for view in rib.views(self.id) {
            let Some(route) = view.route else { continue };
            let witness = scene.state.vantages.point(view.from).asn;
            let route = rib.route_of(route);
            let path: BTreeSet<Asn> =
                route.path.iter().copied().filter(|asn| *asn != witness && Some(*asn) != route.origin).collect();
            match view.state {
                RouteState::Present => surviving.extend(path),
                RouteState::Withdrawn => lost = Some(lost.map_or(path.clone(), |common| &common & &path)),
                RouteState::Unknown => {}
            }
        }
        self.common_transit = match lost {
            Some(common) if !surviving.is_empty() => common.difference(&surviving).copied().collect(),
            _ => Vec::new(),
        };
    }
}

/// Less specific prefixes which at least half of their eligible ASes see, and somebody who lost the prefix, longest first: where the cover was
/// lost with it, it covers nothing.
fn covers(prefix: PrefixId, scene: Scene<'_>) -> Vec<Cover> {
    let rib = scene.state.rib;
    let covers = rib.covers(&rib.prefix_of(prefix)).into_iter().map(|cover| (cover, scene.votes.visibility(cover)));
    let losers = scene.votes.voters(prefix, Vote::Lost, scene.state);
    let reaches = |cover: PrefixId| scene.votes.voters(cover, Vote::Seeing, scene.state).iter().any(|asn| losers.contains(asn));
    let seen = covers.filter(|(cover, seen)| seen.seeing > 0 && seen.seeing * 2 >= seen.eligible() && reaches(*cover));
    seen.map(|(cover, visibility)| {
        let present = rib.views(cover).filter(|view| view.state == RouteState::Present);
        let origins: BTreeSet<Asn> = present.filter_map(|view| rib.origin_of(view.route?)).collect();
        Cover { prefix: rib.prefix_of(cover), visibility, origins: origins.into_iter().collect() }
    })
    .collect()
}
