//! The verdict: the first row of the table (docs/method.md, "Verdicts") which fits the facts of a service.
//!
//! A pure function of the evidence. Order, dependency and overlap decide; lag and correlation are supporting figures.

mod rows;
mod words;

use super::Incident;
use super::facts::ServiceFacts;
use super::reason::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which layer broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The monitor is blind: nothing can be said.
    Undetermined,
    /// A layer below failed first; the withdrawal is a consequence.
    LowerLayerFirst,
    /// Name servers unreachable: DNS is the casualty.
    RoutingNameServers,
    /// Service addresses unreachable.
    RoutingServiceAddresses,
    /// A possible blackhole behind the covering route.
    RoutingBlackhole,
    /// A more specific was lost, and the cover delivers.
    RoutingCoverDelivers,
    /// Lost at named vantages behind a named transit.
    RoutingLocal,
    /// Lost and back, again and again perhaps, each time before the loss had held.
    RoutingFlapping,
    /// Another origin announces it: a possible hijack, no withdrawal.
    RoutingForeignOrigin,
    /// Another origin announces it; impact was not observed.
    ForeignOriginNoImpact,
    /// The authoritative servers are down.
    DnsAuthorities,
    /// DNSSEC, or the resolver.
    DnsResolver,
    /// The application.
    Application,
    /// Host or path, not visible in BGP.
    HostOrPath,
    /// Prefixes were withdrawn, and nothing was observed to suffer.
    RoutingNoImpact,
    /// Prefixes unreachable; the impact on the service was not measured.
    RoutingNotProbed,
    /// Nothing happened to it.
    Healthy,
    /// Nothing is known of it: nobody probed it, and nothing it is known to depend on was lost.
    NotProbed,
}

/// How bad it is: compared in the order of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Severity {
    /// True if the service fails.
    pub fails: bool,
    /// Share of its dependencies which is lost, in thousandths: the larger of name servers and addresses.
    pub dependencies_lost: u32,
    /// Name servers lost.
    pub name_servers_lost: usize,
    /// Addresses lost.
    pub addresses_lost: usize,
    /// Vantages where it fails, in thousandths of those which probed it.
    pub vantages_failing: u32,
}

/// The verdict on one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceVerdict {
    /// Its name.
    pub service: String,
    /// The verdict.
    pub verdict: Verdict,
    /// In a sentence.
    pub sentence: String,
    /// How bad it is.
    pub severity: Severity,
    /// Name servers lost, and known: "4 of 4".
    pub name_servers: (usize, usize),
    /// Addresses lost, and known.
    pub addresses: (usize, usize),
    /// What speaks for it.
    pub reasons_for: Vec<Reason>,
    /// What speaks against it, or limits it.
    pub reasons_against: Vec<Reason>,
    /// What would change it.
    pub would_change: Vec<String>,
}

/// The verdict on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentVerdict {
    /// That of its most severe service; of the routing alone where no service is known.
    pub verdict: Verdict,
    /// In a sentence.
    pub sentence: String,
    /// Every service, in the profile's order.
    pub services: Vec<ServiceVerdict>,
}

impl Verdict {
    /// Every word which [`layer`](Self::layer) gives.
    pub const LAYERS: [&str; 9] = [
        "undetermined",
        "a layer below",
        "routing",
        "foreign origin",
        "DNS",
        "application",
        "host or path",
        "healthy",
        "not probed",
    ];

    /// The word for the layer at fault.
    pub const fn layer(self) -> &'static str {
        match self {
            Verdict::Undetermined => "undetermined",
            Verdict::LowerLayerFirst => "a layer below",
            Verdict::RoutingNameServers
            | Verdict::RoutingServiceAddresses
            | Verdict::RoutingBlackhole
            | Verdict::RoutingCoverDelivers
            | Verdict::RoutingLocal
            | Verdict::RoutingFlapping
            | Verdict::RoutingForeignOrigin
            | Verdict::RoutingNoImpact
            | Verdict::RoutingNotProbed => "routing",
            Verdict::ForeignOriginNoImpact => "foreign origin",
            Verdict::DnsAuthorities | Verdict::DnsResolver => "DNS",
            Verdict::Application => "application",
            Verdict::HostOrPath => "host or path",
            Verdict::Healthy => "healthy",
            Verdict::NotProbed => "not probed",
        }
    }

    /// The verdict in a phrase.
    pub const fn phrase(self) -> &'static str {
        match self {
            Verdict::Undetermined => "undetermined: too little was observed to tell the layer",
            Verdict::LowerLayerFirst => "a layer below failed first; the withdrawal is a consequence",
            Verdict::RoutingNameServers => "routing: name servers unreachable, DNS is the casualty",
            Verdict::RoutingServiceAddresses => "routing: service addresses unreachable",
            Verdict::RoutingBlackhole => "routing: possible blackhole behind the covering route",
            Verdict::RoutingCoverDelivers => "routing event without impact: the covering route delivers",
            Verdict::RoutingLocal => "routing, local: lost at some vantages only",
            Verdict::RoutingFlapping => "routing: prefixes flap, each loss shorter than the hold",
            Verdict::RoutingForeignOrigin => "routing: foreign origin (possible hijack); no withdrawal",
            Verdict::ForeignOriginNoImpact => "foreign origin, impact not observed",
            Verdict::DnsAuthorities => "DNS: authoritative servers down",
            Verdict::DnsResolver => "DNS: DNSSEC or resolver",
            Verdict::Application => "application",
            Verdict::HostOrPath => "host or path, not visible in BGP",
            Verdict::RoutingNoImpact => "routing event without observed impact",
            Verdict::RoutingNotProbed => "routing: prefixes unreachable, service impact not measured",
            Verdict::Healthy => "healthy",
            Verdict::NotProbed => "not probed",
        }
    }
}

/// Judges every service, and the incident.
pub(super) fn judge(incident: &Incident) -> IncidentVerdict {
    let scenes = incident.evidence.services.iter().filter(|scene| !scene.not_yet);
    let services: Vec<ServiceVerdict> = scenes.map(|scene| service(incident, &ServiceFacts::of(incident, scene))).collect();
    let worst = services
        .iter()
        .filter(|service| !matches!(service.verdict, Verdict::Healthy | Verdict::NotProbed))
        .max_by(|a, b| a.severity.cmp(&b.severity).then(b.verdict.cmp(&a.verdict)));
    let verdict = worst.map_or_else(|| rows::without_service(incident), |worst| worst.verdict);
    let sentence = words::headline(incident, verdict, &services);
    IncidentVerdict { verdict, sentence, services }
}

fn service(incident: &Incident, facts: &ServiceFacts<'_>) -> ServiceVerdict {
    let verdict = rows::first_fit(incident, facts);
    let (reasons_for, reasons_against) = words::reasons(incident, facts, verdict);
    let thousandths = |part: usize, whole: usize| u32::try_from((part * 1000).checked_div(whole).unwrap_or(0)).unwrap_or(1000);
    let (servers, addresses) = (&facts.name_servers, &facts.addresses);
    ServiceVerdict {
        service: facts.scene.name.clone(),
        verdict,
        sentence: words::sentence(facts, verdict),
        severity: Severity {
            fails: facts.service_fails(),
            dependencies_lost: thousandths(servers.lost, servers.total).max(thousandths(addresses.lost, addresses.total)),
            name_servers_lost: servers.lost,
            addresses_lost: addresses.lost,
            vantages_failing: thousandths(facts.failing_vantages().len(), facts.probing_vantages().len()),
        },
        name_servers: (servers.lost, servers.total),
        addresses: (addresses.lost, addresses.total),
        reasons_for,
        reasons_against,
        would_change: words::would_change(incident, facts, verdict),
    }
}
