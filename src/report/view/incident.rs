//! An incident as reports show it.

use super::brief;
use super::chain::{LinkView, chain};
use super::foreign::ForeignView;
use super::loss::{self, LossGroup, LossView};
use super::place::{When, lasted};
use super::service::ServiceView;
use super::space::SpaceView;
use super::timeline::TimelineView;
use super::withdrawal::{self, WithdrawalGroup, WithdrawalView, Witnesses};
use crate::analysis::Analysis;
use crate::incident::{Evidence, Incident, Verdict};
use crate::reachability::{Layer, ReachabilityLoss};
use crate::report::words;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// One incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentView {
    /// Its place in the report, from 1.
    pub number: usize,
    /// Its name, stable from run to run.
    pub id: String,
    /// The verdict, as a code.
    pub verdict: Verdict,
    /// The layer at fault.
    #[schemars(extend("enum" = Verdict::LAYERS))]
    pub layer: Cow<'static, str>,
    /// The verdict in a few words.
    pub phrase: Cow<'static, str>,
    /// The headline.
    pub headline: String,
    /// The service whose verdict it is; `null` if no service is concerned.
    pub decided_by: Option<String>,
    /// It began in here.
    pub began: When,
    /// It ended in here; `null` if it had not when the recording ended.
    pub ended: Option<When>,
    /// True if it had not ended when the recording did.
    pub open: bool,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// Plain sentences: routing, DNS, services, what came first, whether it is over.
    pub in_short: Vec<String>,
    /// How much longer services were down than what they need, if they were; one of `in_short`.
    pub outlasted: Option<String>,
    /// Who saw it, in a sentence.
    pub seen_by: String,
    /// What proves it, in a sentence.
    pub proof: String,
    /// Every service with its own verdict.
    pub services: Vec<ServiceView>,
    /// What broke and came back, in time order.
    pub chain: Vec<LinkView>,
    /// Layers which had not come back.
    pub lasting: Vec<String>,
    /// Withdrawals which look alike, together.
    pub withdrawal_groups: Vec<WithdrawalGroup>,
    /// Every withdrawal.
    pub withdrawals: Vec<WithdrawalView>,
    /// How much of the organization's address space was withdrawn, per family.
    pub address_space: Vec<SpaceView>,
    /// Every foreign origin.
    pub foreign_origins: Vec<ForeignView>,
    /// Losses by layer and vantage.
    pub loss_groups: Vec<LossGroup>,
    /// Every loss of the organization's services and names.
    pub losses: Vec<LossView>,
    /// Losses at vantages whose controls failed too: they say nothing of the organization.
    pub muted_losses: Vec<LossView>,
    /// Losses of controls while it lasted.
    pub control_losses: Vec<LossView>,
    /// Where controls were probed.
    pub controls: ControlView,
    /// Spans while it lasted in which the routing side could not tell.
    pub routing_blind: Vec<IncidentBlindView>,
    /// What its pictures are drawn from.
    pub timeline: TimelineView,
}

/// Where controls were probed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlView {
    /// Vantages which probed a control.
    pub probed: Vec<String>,
    /// Those where it failed.
    pub failing: Vec<String>,
    /// For people.
    pub words: String,
}

/// A span in which the routing side could not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentBlindView {
    /// It began.
    pub from: Timestamp,
    /// It ended.
    pub until: Timestamp,
    /// What was missing.
    pub what: String,
}

impl IncidentView {
    pub(super) fn of(number: usize, incident: &Incident, analysis: &Analysis, witnesses: &Witnesses<'_>) -> Self {
        let (evidence, organization) = (&incident.evidence, &analysis.organization);
        let verdict = incident.verdict();
        let decided = verdict.services.iter().filter(|service| service.verdict == verdict.verdict);
        let decided_by = decided.min_by_key(|service| Reverse(service.severity)).map(|service| service.service.clone());
        let loss = |loss: &ReachabilityLoss| LossView::of(loss, organization, witnesses.files);
        let (chain, lasting) = chain(evidence, witnesses.files);
        let blind = evidence.routing_blind.iter();
        IncidentView {
            number,
            id: incident.id.clone(),
            verdict: verdict.verdict,
            layer: verdict.verdict.layer().into(),
            phrase: verdict.verdict.phrase().into(),
            headline: verdict.sentence,
            decided_by,
            began: When::of(incident.began),
            ended: incident.ended.map(When::of),
            open: incident.is_open(),
            lasted: lasted(incident.began, incident.ended, open_until(evidence).unwrap_or(witnesses.recorded.1)),
            in_short: brief::brief(incident, &verdict.services, &chain, &lasting),
            outlasted: brief::outlasted(incident),
            seen_by: seen_by(incident, witnesses),
            proof: proof(incident),
            services: verdict.services.into_iter().filter_map(|service| ServiceView::of(incident, service)).collect(),
            chain,
            lasting,
            withdrawal_groups: withdrawal::groups(&evidence.withdrawals),
            withdrawals: evidence.withdrawals.iter().map(|lost| WithdrawalView::of(lost, witnesses)).collect(),
            address_space: SpaceView::of(&evidence.withdrawals, organization),
            foreign_origins: evidence.foreign_origins.iter().map(|foreign| ForeignView::of(foreign, witnesses)).collect(),
            loss_groups: loss::groups(&evidence.losses),
            losses: evidence.losses.iter().map(loss).collect(),
            muted_losses: evidence.muted.iter().map(loss).collect(),
            control_losses: evidence.controls.iter().map(loss).collect(),
            controls: ControlView::of(incident),
            routing_blind: blind.map(|b| IncidentBlindView { from: b.from, until: b.until, what: b.what.clone() }).collect(),
            timeline: TimelineView::of_incident(incident, analysis, witnesses.recorded),
        }
    }

    /// The day it began, for clocks.
    pub(in crate::report) fn day(&self) -> Timestamp {
        self.began.latest
    }

    /// Services which are judged alike, the first of each standing for all, in the profile's order.
    pub(in crate::report) fn service_groups(&self) -> Vec<Vec<&ServiceView>> {
        let mut groups: Vec<Vec<&ServiceView>> = Vec::new();
        for service in &self.services {
            match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.is_like(service))) {
                Some(group) => group.push(service),
                None => groups.push(vec![service]),
            }
        }
        groups
    }

    /// The service which decides, if one does.
    pub(in crate::report) fn deciding(&self) -> Option<&ServiceView> {
        let name = self.decided_by.as_deref()?;
        self.services.iter().find(|service| service.service == name)
    }
}

impl ControlView {
    fn of(incident: &Incident) -> Self {
        let controls = &incident.evidence.control_vantages;
        let words = match (controls.probed.len(), controls.failing.len()) {
            (0, _) => "no control was probed: failures of the probes themselves cannot be excluded".to_owned(),
            (probed, 0) => format!("controls were well at {}", words::count(words::size(probed), "vantage", "vantages")),
            (probed, failing) => {
                format!("controls failed at {failing} of {probed} vantages: {}", words::some(&controls.failing, 4))
            }
        };
        ControlView { probed: controls.probed.clone(), failing: controls.failing.clone(), words }
    }

    /// In as few words as will do.
    fn brief(&self) -> &'static str {
        match (self.probed.is_empty(), self.failing.is_empty()) {
            (true, _) => "no controls",
            (false, true) => "controls well",
            (false, false) => "controls failed too",
        }
    }
}

/// Until when it is known not to be over: each source tells that only as far as it goes.
fn open_until(evidence: &Evidence) -> Option<Timestamp> {
    let routes = evidence.withdrawals.iter().any(|lost| lost.recovered.is_none())
        || evidence.foreign_origins.iter().any(|foreign| foreign.ended.is_none());
    let failing = evidence.losses.iter().filter(|loss| loss.recovery.is_none()).map(|loss| loss.last_failure);
    routes.then_some(evidence.recorded_until).into_iter().chain(failing).max()
}

/// Who saw it: never a count without its denominator.
fn seen_by(incident: &Incident, witnesses: &Witnesses<'_>) -> String {
    let evidence = &incident.evidence;
    let mut parts = Vec::new();
    if let Some(worst) = evidence.withdrawals.iter().max_by_key(|withdrawal| withdrawal.trough.visibility.lost) {
        let visible = worst.trough.visibility;
        let said = worst.evidence.iter().chain(evidence.withdrawals.iter().flat_map(|withdrawal| &withdrawal.evidence));
        let collectors: BTreeSet<_> = said.map(|statement| witnesses.vantages.collector_of(statement.from)).collect();
        let unknown = if visible.unknown > 0 { format!(" ({} unknown)", visible.unknown) } else { String::new() };
        parts.push(format!(
            "lost by {} of {} ASes{unknown} at {}",
            visible.lost,
            visible.eligible(),
            words::count(words::size(collectors.len()), "collector", "collectors")
        ));
    }
    if let Some(widest) = evidence.foreign_origins.iter().max_by_key(|foreign| foreign.taken_by.len()) {
        parts.push(format!("foreign route taken by {} of {} ASes", widest.taken_by.len(), widest.eligible));
    }
    // Those who report a status are no vantages: they stand for many places.
    let probed = evidence.services.iter().flat_map(|scene| &scene.probed).filter(|probed| probed.layer != Layer::Status);
    let probed: BTreeSet<&str> = probed.flat_map(|probed| probed.vantages.iter().map(|name| &**name)).collect();
    let (reported, lost): (Vec<&ReachabilityLoss>, Vec<&ReachabilityLoss>) =
        evidence.losses.iter().partition(|loss| loss.series.layer == Layer::Status);
    let vantages = |losses: &[&'_ ReachabilityLoss]| -> BTreeSet<String> {
        losses.iter().map(|loss| loss.series.vantage.to_string()).collect()
    };
    if !probed.is_empty() {
        let count = words::count(words::size(probed.len()), "probe vantage", "probe vantages");
        parts.push(format!("fails at {} of {count}", vantages(&lost).len()));
        parts.push(ControlView::of(incident).brief().to_owned());
    }
    if !reported.is_empty() {
        parts.push(format!("reported by {}", words::some(vantages(&reported), 3)));
    }
    if !evidence.probed {
        parts.push("no probes: impact not measured".to_owned());
    }
    parts.join("; ")
}

/// What proves it, counted.
fn proof(incident: &Incident) -> String {
    let evidence = &incident.evidence;
    let said = evidence.withdrawals.iter().flat_map(|withdrawal| withdrawal.evidence.iter().map(|s| (s.from, s.source)));
    let foreign = evidence.foreign_origins.iter().flat_map(|foreign| foreign.evidence.iter().map(|s| (s.from, s.source)));
    let statements: Vec<_> = said.chain(foreign).collect();
    let points: BTreeSet<_> = statements.iter().map(|(from, _)| *from).collect();
    // An attempt which serves two checks is one.
    let failed: BTreeSet<_> = evidence.losses.iter().flat_map(|loss| loss.evidence.iter().copied()).collect();
    let sources = statements.iter().filter_map(|(_, source)| *source).chain(failed.iter().copied());
    let files: BTreeSet<_> = sources.map(|source| source.file).collect();
    let mut parts = Vec::new();
    if !statements.is_empty() {
        parts.push(format!(
            "{} of {}",
            words::count(words::size(statements.len()), "BGP statement", "BGP statements"),
            words::count(words::size(points.len()), "vantage point", "vantage points")
        ));
    }
    if !failed.is_empty() {
        parts.push(words::count(words::size(failed.len()), "failed attempt", "failed attempts"));
    }
    if parts.is_empty() {
        return "nothing".to_owned();
    }
    format!("{}, in {}", parts.join(" and "), words::count(words::size(files.len()), "file", "files"))
}
