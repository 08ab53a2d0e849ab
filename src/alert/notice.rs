//! What is said of an incident: one document for programs, with a subject and a text for people in it.
//!
//! Made from the view of a report, so that a notice and a report never disagree. What people read holds no character which could steer a
//! terminal or begin another line of a header: names in it come from profiles and from the network.

use crate::incident::Verdict;
use crate::org::alert::Urgency;
use crate::report::{self, IncidentView, ServiceView, When};
use crate::time::Timestamp;
use crate::watch::IncidentChange;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Of the format.
const VERSION: u32 = 1;
/// No header need be longer.
const LONGEST_SUBJECT: usize = 200;

/// What is said of an incident to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "faultline-notice")]
pub struct Notice {
    /// Always `faultline-notice`.
    #[schemars(extend("const" = Notice::FORMAT))]
    pub format: Cow<'static, str>,
    /// Of the format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Unlike that of any other notice: one which comes with the same key is the same one again.
    pub key: String,
    /// True: nothing has happened, somebody tries whether alerts arrive.
    pub test: bool,
    /// Whose incident it is.
    pub organization: String,
    /// What happened to it since the last notice, in order; more than one if they could not be delivered one by one.
    pub changes: Vec<IncidentChange>,
    /// When the last of them happened, by what had been said.
    pub at: Timestamp,
    /// The incident as it was then; `null` if nothing has happened.
    pub incident: Option<IncidentBrief>,
    /// One line for people.
    pub subject: String,
    /// Some lines for people.
    pub text: String,
}

/// An incident in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentBrief {
    /// Its number, from 1: the same in every notice about it, over restarts too if there is a journal.
    #[schemars(extend("minimum" = 1))]
    pub number: usize,
    /// Its name, which tells when it began. It changes if an earlier beginning is found.
    pub id: String,
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// The verdict, as a code.
    pub verdict: Verdict,
    /// The layer at fault.
    #[schemars(extend("enum" = Verdict::LAYERS))]
    pub layer: Cow<'static, str>,
    /// The headline.
    pub headline: String,
    /// It began in here.
    pub began: When,
    /// It ended in here; `null` if it has not, or if that was not seen.
    pub ended: Option<When>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// Prefixes which are withdrawn, or were.
    #[schemars(with = "Vec<String>")]
    pub prefixes: Vec<IpNet>,
    /// Prefixes which another origin announces, or did.
    #[schemars(with = "Vec<String>")]
    pub foreign_prefixes: Vec<IpNet>,
    /// Services which are concerned.
    pub services: Vec<NoticeService>,
    /// Plain sentences: routing, DNS, services, what came first, whether it is over.
    pub in_short: Vec<String>,
    /// Who saw it, in a sentence.
    pub seen_by: String,
    /// What proves it, in a sentence.
    pub proof: String,
}

/// A service which is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeService {
    /// Its name.
    pub service: String,
    /// The verdict on it, as a code.
    pub verdict: Verdict,
    /// True if it fails for those who use it.
    pub fails: bool,
    /// The verdict in a sentence.
    pub sentence: String,
}

impl IncidentBrief {
    /// Of an incident as a report shows it, with the number which it has while it is watched.
    pub fn of(number: usize, view: &IncidentView) -> Self {
        let services: Vec<NoticeService> = view.services.iter().filter(|service| is_concerned(service)).map(service).collect();
        let prefixes = |all: Vec<&String>| all.into_iter().filter_map(|prefix| prefix.parse().ok()).collect::<Vec<IpNet>>();
        IncidentBrief {
            number,
            id: view.id.clone(),
            urgency: urgency(view.verdict, services.iter().any(|service| service.fails)),
            verdict: view.verdict,
            layer: view.layer.clone(),
            headline: view.headline.clone(),
            began: view.began.clone(),
            ended: view.ended.clone(),
            lasted: view.lasted.clone(),
            prefixes: prefixes(view.withdrawals.iter().map(|withdrawal| &withdrawal.prefix).collect()),
            foreign_prefixes: prefixes(view.foreign_origins.iter().map(|foreign| &foreign.prefix).collect()),
            services,
            in_short: view.in_short.clone(),
            seen_by: view.seen_by.clone(),
            proof: view.proof.clone(),
        }
    }
}

fn is_concerned(service: &ServiceView) -> bool {
    !matches!(service.verdict, Verdict::Healthy | Verdict::NotProbed)
}

fn service(view: &ServiceView) -> NoticeService {
    let ServiceView { service, verdict, sentence, severity, .. } = view;
    NoticeService { service: service.clone(), verdict: *verdict, fails: severity.fails, sentence: sentence.clone() }
}

/// How soon somebody should look: a function of the verdict and of whether a service fails.
fn urgency(verdict: Verdict, fails: bool) -> Urgency {
    match verdict {
        _ if fails => Urgency::Critical,
        Verdict::LowerLayerFirst
        | Verdict::RoutingNameServers
        | Verdict::RoutingServiceAddresses
        | Verdict::RoutingBlackhole
        | Verdict::RoutingFlapping
        | Verdict::RoutingForeignOrigin
        | Verdict::RoutingNotProbed
        | Verdict::DnsAuthorities
        | Verdict::DnsResolver
        | Verdict::Application
        | Verdict::HostOrPath => Urgency::Critical,
        Verdict::RoutingCoverDelivers | Verdict::RoutingLocal | Verdict::RoutingNoImpact | Verdict::ForeignOriginNoImpact => {
            Urgency::Warning
        }
        Verdict::Undetermined | Verdict::Healthy | Verdict::NotProbed => Urgency::Note,
    }
}

impl Notice {
    /// What it names as its format.
    pub const FORMAT: &'static str = "faultline-notice";

    /// That these changes happened to an incident, the last of them at this time.
    pub fn of(key: String, organization: &str, (changes, at): (Vec<IncidentChange>, Timestamp), incident: IncidentBrief) -> Self {
        let happened: Vec<&str> = changes.iter().map(|change| change.phrase()).collect();
        let what = format!("incident {} {}", incident.number, happened.join(", then "));
        let subject = one_line(&format!("[{organization}] {what}: {}", incident.headline));
        let text = text(&format!("{organization}: {what} ({}).", at.in_words()), &incident, &key);
        Notice {
            format: Self::FORMAT.into(),
            version: VERSION,
            test: false,
            organization: organization.to_owned(),
            incident: Some(incident),
            key,
            changes,
            at,
            subject,
            text,
        }
    }

    /// That nothing has happened: it tries whether notices arrive.
    pub fn test(key: String, organization: &str, at: Timestamp) -> Self {
        let subject = one_line(&format!("[{organization}] TEST of alerts: nothing has happened"));
        let told = "This is a test of alerts by `faultline watch --test-alert`. Nothing has happened.";
        let text = report::plain(&format!("{told}\n{organization}, {}\nKey of this notice: {key}\n", at.in_words()));
        Notice {
            format: Self::FORMAT.into(),
            version: VERSION,
            test: true,
            organization: organization.to_owned(),
            incident: None,
            changes: Vec::new(),
            key,
            at,
            subject,
            text,
        }
    }
}

fn text(first: &str, incident: &IncidentBrief, key: &str) -> String {
    let mut lines = vec![first.to_owned(), incident.headline.clone(), String::new()];
    lines.extend(incident.in_short.iter().cloned());
    lines.extend(incident.services.iter().map(|service| format!("- {}: {}", service.service, service.sentence)));
    lines.push(String::new());
    lines.push(format!("Began: {}", incident.began.words));
    lines.extend(incident.ended.as_ref().map(|ended| format!("Ended: {} (lasted {})", ended.words, incident.lasted)));
    lines.extend([&incident.seen_by, &incident.proof].into_iter().filter(|line| !line.is_empty()).cloned());
    lines.push(format!("Key of this notice: {key}"));
    // A name with a line break in it is still one line.
    lines.iter().map(|line| format!("{}\n", report::plain(&line.replace(['\n', '\r'], " ")))).collect()
}

/// A text as one line without anything which steers, cut where it is too long for a header.
fn one_line(text: &str) -> String {
    let line = report::plain(&text.replace(['\n', '\r'], " "));
    match line.char_indices().nth(LONGEST_SUBJECT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
pub(crate) mod tests;
