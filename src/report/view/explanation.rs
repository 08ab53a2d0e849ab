//! Every observation behind a verdict, for people and programs alike.
//!
//! Takes one incident of a report, and the probe results of the analysis; gives what concerns one service or all: each statement and each
//! failed attempt with its time, who said what, and where it stands. Nothing is cut.

use super::dependency::ServiceDependenciesView;
use super::foreign::ForeignView;
use super::incident::{IncidentBlindView, IncidentView};
use super::loss::LossView;
use super::place::{Files, When};
use super::service::ServiceView;
use super::space::SpaceView;
use super::withdrawal::WithdrawalView;
use super::{OrganizationView, ReportView};
use crate::analysis::Analysis;
use crate::incident::Verdict;
use crate::observation::RecordRef;
use crate::probe::ProbeResult;
use crate::reachability::ReachabilityLoss;
use crate::report::words;
use crate::time::Timestamp;
use ipnet::IpNet;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Changed whenever a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// An incident with every observation behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplanationView {
    /// Always `faultline-explanation`.
    pub format: &'static str,
    /// Of the format.
    pub version: u32,
    /// Whose.
    pub organization: OrganizationView,
    /// The service which was asked for; `null`: all.
    pub service: Option<String>,
    /// Which incident.
    pub incident: ExplainedIncident,
    /// The verdict on each service, with reasons.
    pub services: Vec<ServiceView>,
    /// Withdrawals with every statement.
    pub withdrawals: Vec<WithdrawalView>,
    /// Withdrawals of prefixes which the service is not known to need.
    pub withdrawals_left_out: u64,
    /// Foreign origins with every statement.
    pub foreign_origins: Vec<ForeignView>,
    /// Losses with every failed attempt.
    pub losses: Vec<ExplainedLoss>,
    /// Losses at vantages whose controls failed too.
    pub muted_losses: Vec<ExplainedLoss>,
    /// Losses of controls; of any service.
    pub control_losses: Vec<ExplainedLoss>,
    /// The input, by path.
    pub files: Vec<InputFile>,
}

/// What an incident comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedIncident {
    /// Its place in the report, from 1.
    pub number: usize,
    /// Its name, stable from run to run.
    pub id: String,
    /// The verdict, as a code.
    pub verdict: Verdict,
    /// The layer at fault.
    pub layer: Cow<'static, str>,
    /// The headline.
    pub headline: String,
    /// It began in here.
    pub began: When,
    /// It ended in here; `null` if it had not when the recording ended.
    pub ended: Option<When>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// Who saw it, in a sentence.
    pub seen_by: String,
    /// What proves it, in a sentence.
    pub proof: String,
    /// How much of the organization's address space was withdrawn, per family.
    pub address_space: Vec<SpaceView>,
    /// Spans while it lasted in which the routing side could not tell.
    pub routing_blind: Vec<IncidentBlindView>,
}

/// A loss with every failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedLoss {
    /// The loss.
    #[serde(flatten)]
    pub loss: LossView,
    /// Every failed attempt, in time order.
    pub attempts: Vec<AttemptView>,
}

/// One attempt of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptView {
    /// It began.
    pub at: Timestamp,
    /// Its outcome was known.
    pub until: Timestamp,
    /// Who asked.
    pub vantage: String,
    /// What came of it, as it was recorded. Whether that is up is for the profile to say: see the kinds of the loss.
    pub said: String,
    /// The file.
    pub file: String,
    /// The record in it, from 1.
    pub record: u64,
}

/// A file which was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputFile {
    /// Where.
    pub path: String,
    /// Its BLAKE3 hash, in hexadecimal.
    pub blake3: String,
}

impl ExplanationView {
    /// What concerns one service of an incident of this report, or all of them.
    pub(in crate::report) fn of(
        analysis: &Analysis,
        view: &ReportView,
        incident: &IncidentView,
        only: Option<&ServiceView>,
    ) -> ExplanationView {
        let needs = only.and_then(|service| view.dependencies.services.iter().find(|needs| needs.service == service.service));
        let concerns = |prefix: &str| needs.is_none_or(|needs| needs_prefix(needs, prefix));
        let withdrawals: Vec<WithdrawalView> = incident.withdrawals.iter().filter(|lost| concerns(&lost.prefix)).cloned().collect();
        let attempts = Attempts::of(analysis);
        let found = incident.number.checked_sub(1).and_then(|place| analysis.correlation.incidents.get(place));
        let evidence = found.map(|incident| &incident.evidence);
        let losses = |found: Option<&Vec<ReachabilityLoss>>, shown: &[LossView], only: Option<&ServiceView>| {
            let pairs = found.into_iter().flatten().zip(shown);
            let pairs = pairs.filter(|(_, shown)| only.is_none_or(|service| shown.services.contains(&service.service)));
            pairs.map(|(loss, shown)| ExplainedLoss { loss: shown.clone(), attempts: attempts.of_loss(loss) }).collect()
        };
        ExplanationView {
            format: "faultline-explanation",
            version: VERSION,
            organization: view.organization.clone(),
            service: only.map(|service| service.service.clone()),
            incident: ExplainedIncident::of(incident),
            services: only.map_or_else(|| incident.services.clone(), |service| vec![service.clone()]),
            withdrawals_left_out: words::size(incident.withdrawals.len() - withdrawals.len()),
            withdrawals,
            foreign_origins: incident.foreign_origins.iter().filter(|foreign| concerns(&foreign.prefix)).cloned().collect(),
            losses: losses(evidence.map(|evidence| &evidence.losses), &incident.losses, only),
            muted_losses: losses(evidence.map(|evidence| &evidence.muted), &incident.muted_losses, only),
            control_losses: losses(evidence.map(|evidence| &evidence.controls), &incident.control_losses, None),
            files: files(view),
        }
    }
}

impl ExplainedIncident {
    fn of(incident: &IncidentView) -> Self {
        ExplainedIncident {
            number: incident.number,
            id: incident.id.clone(),
            verdict: incident.verdict,
            layer: incident.layer.clone(),
            headline: incident.headline.clone(),
            began: incident.began.clone(),
            ended: incident.ended.clone(),
            lasted: incident.lasted.clone(),
            seen_by: incident.seen_by.clone(),
            proof: incident.proof.clone(),
            address_space: incident.address_space.clone(),
            routing_blind: incident.routing_blind.clone(),
        }
    }
}

/// Probe results by the record they were read from; a record may hold several.
struct Attempts<'a> {
    results: HashMap<RecordRef, Vec<&'a ProbeResult>>,
    files: Files,
}

impl<'a> Attempts<'a> {
    fn of(analysis: &'a Analysis) -> Self {
        let mut results: HashMap<RecordRef, Vec<&ProbeResult>> = HashMap::new();
        for result in &analysis.results {
            results.entry(result.source).or_default().push(result);
        }
        Attempts { results, files: Files::of(analysis) }
    }

    fn of_loss(&self, loss: &ReachabilityLoss) -> Vec<AttemptView> {
        let series = &loss.series;
        let is_its = |result: &&&ProbeResult| result.vantage == series.vantage && result.target == series.target;
        let found = loss.evidence.iter().flat_map(|source| self.results.get(source).into_iter().flatten().filter(is_its));
        let view = |result: &&ProbeResult| AttemptView {
            at: result.at,
            until: result.end(),
            vantage: result.vantage.to_string(),
            said: words::outcome(&result.outcome),
            file: self.files.name(result.source.file),
            record: result.source.record,
        };
        found.map(view).collect()
    }
}

fn files(view: &ReportView) -> Vec<InputFile> {
    let bgp = view.completeness.bgp_files.iter().map(|file| (&file.path, &file.blake3));
    let probes = view.completeness.probe_files.iter().map(|file| (&file.path, &file.blake3));
    let files: BTreeMap<&String, &String> = bgp.chain(probes).collect();
    files.into_iter().map(|(path, blake3)| InputFile { path: path.clone(), blake3: blake3.clone() }).collect()
}

/// Whether an address the service needs lies in the prefix, or the prefix inside one which holds such an address.
fn needs_prefix(needs: &ServiceDependenciesView, prefix: &str) -> bool {
    let Ok(prefix) = prefix.parse::<IpNet>() else { return true };
    let servers = needs.name_servers();
    let addresses = needs.own_addresses().into_iter().chain(servers.iter().flat_map(|server| &server.addresses));
    let mut addresses = addresses.filter_map(|address| Some((address.address.parse::<IpAddr>().ok()?, address.prefix.as_deref())));
    addresses.any(|(address, held)| {
        let inside = held.and_then(|held| held.parse::<IpNet>().ok()).is_some_and(|held| held.contains(&prefix));
        prefix.contains(&address) || inside
    })
}
