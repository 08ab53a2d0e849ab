//! The view of an analysis: everything decided, counted, cut to what is shown, and put into words, before any format sees it.
//!
//! Takes an [`Analysis`] or a [`Survey`](crate::analysis::Survey) and the time of generation; gives plain values which serialize. Times
//! are exact to the microsecond here; what is cut to the second for people stands beside them in `words`.

mod brief;
pub mod chain;
pub mod completeness;
pub mod dependency;
pub mod explanation;
pub mod file;
pub mod foreign;
pub mod incident;
pub mod incident_line;
pub mod loss;
pub mod observed;
mod only;
pub mod outage_line;
pub mod place;
pub mod roll_up;
pub mod service;
pub mod space;
mod summary;
pub mod survey;
pub mod timeline;
pub mod withdrawal;

use crate::analysis::{Analysis, Outcome};
use crate::org::Organization;
use crate::report::{Shown, words};
use crate::scope::Relation;
use crate::settings::SettingInForce;
use crate::time::Timestamp;
use crate::vantage::Asn;
use completeness::CompletenessView;
use dependency::DependenciesView;
use incident::IncidentView;
use ipnet::IpNet;
use observed::ObservedView;
use place::{Files, Period};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;
use timeline::TimelineView;
use withdrawal::{MomentView, Witnesses};

/// Changed whenever a field of the JSON forms changes its meaning or goes away.
pub(super) const VERSION: u32 = 1;

/// Everything a report about one organization shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "faultline-incidents")]
pub struct ReportView {
    /// Always `faultline-incidents`.
    #[schemars(extend("const" = Self::FORMAT))]
    pub format: Cow<'static, str>,
    /// Of the format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// When this was made: the only field which differs between two runs over the same input.
    pub generated_at: Timestamp,
    /// Whose report.
    pub organization: OrganizationView,
    /// What BGP was recorded; `null` if none.
    pub recorded_bgp: Option<Period>,
    /// What probes were recorded; `null` if none.
    pub recorded_probes: Option<Period>,
    /// What it comes to.
    pub outcome: OutcomeView,
    /// Why the absence of an incident would prove nothing.
    pub doubts: Vec<String>,
    /// In order of their beginning.
    pub incidents: Vec<IncidentView>,
    /// What pictures of the whole recording are drawn from; `null` where there are incidents, which have their own, and where
    /// nothing was recorded.
    pub timeline: Option<TimelineView>,
    /// Told, and no incident, in order of time.
    pub observed: Vec<ObservedView>,
    /// Every prefix of the organization, what covers it and what it depends on, as seen at the end.
    pub prefixes: Vec<PrefixView>,
    /// What services need.
    pub dependencies: DependenciesView,
    /// How complete the data was.
    pub completeness: CompletenessView,
    /// The thresholds in force.
    pub settings: Vec<SettingInForce>,
}

/// Whose report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationView {
    /// Its name.
    pub name: String,
    /// The profile's remark, such as "rebuilt, not recorded".
    pub note: Option<String>,
    /// The profile.
    pub profile: String,
    /// Its AS numbers.
    pub as_numbers: Vec<Asn>,
    /// Its services.
    pub services: Vec<String>,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeView {
    /// As a code.
    pub code: Outcome,
    /// The exit status of the program.
    #[schemars(extend("enum" = [0, 1, 3]))]
    pub exit_status: u8,
    /// In a sentence.
    pub sentence: String,
}

/// A prefix at the end of the recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixView {
    /// The prefix.
    pub prefix: String,
    /// What the profile calls it.
    pub label: Option<String>,
    /// What it is to the organization.
    pub relation: Relation,
    /// Who saw it at the end; `null` if nothing was ever said of it.
    pub at_end: Option<MomentView>,
}

impl ReportView {
    /// Makes the view; `generated` is the only time in it which is not of the input.
    pub fn of(analysis: &Analysis, generated: Timestamp) -> ReportView {
        let files = Files::of(analysis);
        let probes = Period::over(analysis.probe_files.iter().map(|file| (file.first, file.last)));
        let bgp = analysis.routing.first.map(|first| Period::between(first, analysis.routing.last));
        let recorded = bgp.iter().chain(&probes).map(|period| (period.from, period.until));
        let recorded = recorded.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let witnesses = Witnesses {
            vantages: &analysis.vantages,
            rib: &analysis.routing.rib,
            files: &files,
            labels: analysis.organization.labels(),
            recorded: recorded.unwrap_or((analysis.routing.last, analysis.routing.last)),
            bgp_until: analysis.routing.last,
        };
        let incidents = analysis.correlation.incidents.iter().enumerate();
        let doubts = analysis.doubts();
        let none = match (&bgp, &probes) {
            (Some(_), None) => "No incident: none was found in routing; whether services worked was not measured.",
            (None, Some(_)) => "No incident: none was found by the probes; routing was not observed.",
            (Some(_), Some(_)) if analysis.organization.services.is_empty() => {
                "No incident: none was found in routing; the profile names no service, so whether anything worked was not judged."
            }
            (Some(_), Some(_)) | (None, None) => "No incident: none was found, and enough was seen to find one.",
        };
        ReportView {
            format: Self::FORMAT.into(),
            version: VERSION,
            generated_at: generated,
            organization: OrganizationView::of(&analysis.organization),
            recorded_bgp: bgp,
            recorded_probes: probes,
            outcome: OutcomeView::of(analysis.outcome(), words::count(words::size(incidents.len()), "incident", "incidents"), none),
            doubts,
            incidents: incidents.map(|(i, incident)| IncidentView::of(i + 1, incident, analysis, &witnesses)).collect(),
            timeline: recorded
                .filter(|_| analysis.correlation.incidents.is_empty())
                .map(|recorded| TimelineView::of_recording(analysis, recorded)),
            observed: observed::observed(analysis, &witnesses),
            prefixes: prefixes(analysis),
            dependencies: DependenciesView::of(analysis, &files),
            completeness: CompletenessView::of(analysis, &files),
            settings: analysis.organization.settings.in_force(),
        }
    }
}

impl OrganizationView {
    fn of(organization: &Organization) -> Self {
        OrganizationView {
            name: organization.name.clone(),
            note: organization.note.clone(),
            profile: organization.file.display().to_string(),
            as_numbers: organization.as_numbers.clone(),
            services: organization.services.iter().map(|service| service.name.clone()).collect(),
        }
    }
}

impl OutcomeView {
    /// "No incident" and "could not tell" differ in words, and "no incident" says what was looked at: `none` is its sentence.
    fn of(outcome: Outcome, found: String, none: &str) -> Self {
        let sentence = match outcome {
            Outcome::Incident => format!("{found} found."),
            Outcome::NoIncident => none.to_owned(),
            Outcome::CouldNotTell => {
                let what = none.split(':').next().unwrap_or(none).to_lowercase();
                format!("Could not tell: {what} was found, but too little was seen to say that there was none.")
            }
        };
        OutcomeView { code: outcome, exit_status: outcome.exit_status(), sentence }
    }
}

/// The profile's prefixes first, whether seen or not; then everything else seen which concerns the organization.
fn prefixes(analysis: &Analysis) -> Vec<PrefixView> {
    let routing = &analysis.routing;
    let at_end = |id| MomentView::of(routing.last, routing.votes.visibility(id));
    let own = &analysis.organization.prefixes;
    let mut shown: Vec<PrefixView> = own
        .iter()
        .map(|own| PrefixView {
            prefix: own.prefix.to_string(),
            label: own.label.clone(),
            relation: Relation::Own,
            at_end: routing.rib.id_of(&own.prefix).map(at_end),
        })
        .collect();
    let named: HashSet<IpNet> = own.iter().map(|own| own.prefix).collect();
    let mut others: Vec<_> = routing.rib.prefixes().filter(|(_, prefix)| !named.contains(prefix)).collect();
    others.sort_by_key(|(_, prefix)| *prefix);
    for (id, prefix) in others {
        if let Some(what) = routing.scope.relation(&prefix) {
            shown.push(PrefixView { prefix: prefix.to_string(), label: None, relation: what, at_end: Some(at_end(id)) });
        }
    }
    shown
}
