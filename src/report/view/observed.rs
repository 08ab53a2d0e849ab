//! What is told without being an incident.

use super::foreign::ForeignView;
use super::loss::LossView;
use super::withdrawal::{MomentView, WithdrawalView, Witnesses};
use crate::analysis::Analysis;
use crate::incident::Observed;
use crate::reachability::{Layer, Series};
use crate::report::words;
use crate::settings::Settings;
use crate::time::{Bounds, Timestamp};
use crate::withdrawal::Churn;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// One observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservedView {
    /// When it began.
    pub at: Timestamp,
    /// What it is.
    pub kind: ObservedKind,
    /// In a sentence.
    pub sentence: String,
    /// The withdrawal, if it is one.
    pub withdrawal: Option<WithdrawalView>,
    /// The foreign origin, if it is one.
    pub foreign_origin: Option<ForeignView>,
    /// The loss, if it is one.
    pub loss: Option<LossView>,
    /// What went and came back, if it is churn.
    pub churn: Vec<ChurnView>,
}

/// A prefix lost by many and back within the hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChurnView {
    /// The prefix.
    pub prefix: String,
    /// When its share fell below the opening threshold.
    pub from: Timestamp,
    /// When it was above it again.
    pub until: Timestamp,
    /// When fewest saw it.
    pub lowest: MomentView,
}

/// Why it is no incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObservedKind {
    /// A partial withdrawal which no incident took in.
    Partial,
    /// A more specific was lost, and its cover delivers.
    CoverDelivers,
    /// Announced in the profile.
    Planned,
    /// A foreign origin which too few ASes took.
    ForeignUnopened,
    /// Prefixes lost by many and back within the hold.
    Churn,
    /// A control failed: the probes' own trouble.
    ControlFailed,
    /// A loss at a vantage whose controls failed too.
    Muted,
}

/// Everything told without being an incident, in order of time.
pub(super) fn observed(analysis: &Analysis, witnesses: &Witnesses<'_>) -> Vec<ObservedView> {
    let mut all: Vec<ObservedView> = analysis.correlation.observed.iter().map(|seen| of(seen, analysis, witnesses)).collect();
    let evidence = analysis.correlation.incidents.iter().map(|incident| &incident.evidence);
    let in_incidents = evidence.flat_map(|e| e.losses.iter().chain(&e.muted).chain(&e.controls));
    let in_incidents: HashSet<(&Series, Bounds)> = in_incidents.map(|loss| (&*loss.series, loss.onset)).collect();
    for loss in analysis.reachability.losses.iter().filter(|loss| !in_incidents.contains(&(&*loss.series, loss.onset))) {
        let view = LossView::of(loss, &analysis.organization, witnesses.files);
        let (kind, why) = if loss.series.layer == Layer::Control {
            (ObservedKind::ControlFailed, "the probes' own trouble")
        } else {
            (ObservedKind::Muted, "controls failed there too, so it says nothing of the organization")
        };
        let sentence = format!("{} failed at {} for {}: {why}", view.check, view.vantage, view.lasted);
        let mut seen = empty(loss.onset.latest, kind, sentence);
        seen.loss = Some(view);
        all.push(seen);
    }
    all.sort_by_key(|seen| seen.at);
    all
}

fn of(seen: &Observed, analysis: &Analysis, witnesses: &Witnesses<'_>) -> ObservedView {
    let (withdrawal, kind, why) = match seen {
        Observed::Partial(withdrawal) => (withdrawal, ObservedKind::Partial, "partial, and no incident".to_owned()),
        Observed::CoverDelivers(withdrawal) => {
            (withdrawal, ObservedKind::CoverDelivers, "its cover delivers, and all probes were well".to_owned())
        }
        Observed::Planned(withdrawal, note) => {
            let note = note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
            (withdrawal, ObservedKind::Planned, format!("planned{note}"))
        }
        Observed::ForeignUnopened(foreign) => {
            let view = ForeignView::of(foreign, witnesses);
            let sentence = format!("{}: too few to count", view.sentence);
            let mut observed = empty(foreign.first, ObservedKind::ForeignUnopened, sentence);
            observed.foreign_origin = Some(view);
            return observed;
        }
        Observed::Churn(churn) => return churned(seen.at(), churn, &analysis.organization.settings),
    };
    let view = WithdrawalView::of(withdrawal, witnesses);
    let by = if view.lost_by.is_empty() { String::new() } else { format!(" (lost by {})", words::some(&view.lost_by, 6)) };
    let transit = if view.common_transit.is_empty() {
        String::new()
    } else {
        format!("; all lost paths cross {}, no surviving path does", words::all(&view.common_transit))
    };
    let sentence = format!("{} was {} at worst{by} for {}: {why}{transit}", view.prefix, view.trough.words, view.lasted);
    let mut observed = empty(withdrawal.onset.earliest, kind, sentence);
    observed.withdrawal = Some(view);
    observed
}

fn churned(at: Timestamp, churn: &[Churn], settings: &Settings) -> ObservedView {
    let prefixes: BTreeSet<IpNet> = churn.iter().map(|churn| churn.prefix).collect();
    let times = if churn.len() > prefixes.len() { format!(", {} times in all", churn.len()) } else { String::new() };
    let worst = churn.iter().min_by_key(|churn| (churn.lowest.visibility.upper(), churn.from));
    let worst = worst
        .map(|worst| format!("; at worst {} was {}", worst.prefix, words::visibility(worst.lowest.visibility)))
        .unwrap_or_default();
    let sentence = format!(
        "{} lost by many and back within {}{times}: churn, no withdrawal{worst}",
        words::count(words::size(prefixes.len()), "prefix", "prefixes"),
        words::length(settings.open_hold)
    );
    let mut observed = empty(at, ObservedKind::Churn, sentence);
    let view = |churn: &Churn| ChurnView {
        prefix: churn.prefix.to_string(),
        from: churn.from,
        until: churn.until,
        lowest: MomentView::of(churn.lowest.at, churn.lowest.visibility),
    };
    observed.churn = churn.iter().map(view).collect();
    observed
}

fn empty(at: Timestamp, kind: ObservedKind, sentence: String) -> ObservedView {
    ObservedView { at, kind, sentence, withdrawal: None, foreign_origin: None, loss: None, churn: Vec::new() }
}
