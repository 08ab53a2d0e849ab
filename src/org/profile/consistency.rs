//! What only shows when the whole profile is read: duplicates, things which need each other, and what looks like a mistake.
//!
//! Takes the organization and the places of its parts; gives problems and warnings. It changes nothing.

use super::problem::{Findings, nearest};
use crate::org::Organization;
use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;

/// Where the parts of an [`Organization`] stand in the text, in its order.
#[derive(Default)]
pub(super) struct Places {
    pub(super) organization: Range<usize>,
    /// How many prefixes are written, readable or not: a bad one is a problem of its own, and not also the lack of one.
    pub(super) prefixes_written: usize,
    /// How many AS numbers are written, readable or not.
    pub(super) as_numbers_written: usize,
    pub(super) prefixes: Vec<Range<usize>>,
    pub(super) zones: Vec<Range<usize>>,
    /// Of all zones, one after the other.
    pub(super) name_servers: Vec<Range<usize>>,
    /// With it: does anything, readable or not, say what the service is?
    pub(super) services: Vec<(Range<usize>, bool)>,
    /// Of all services, one after the other.
    pub(super) hostnames: Vec<(Range<usize>, String)>,
    /// Of all services, one after the other.
    pub(super) probes: Vec<Range<usize>>,
    /// Of all name servers and services.
    pub(super) addresses: Vec<(Range<usize>, IpAddr)>,
    pub(super) controls: Vec<Range<usize>>,
    pub(super) probe_vantages: Vec<Range<usize>>,
    pub(super) maintenance: Vec<Range<usize>>,
    pub(super) alerts: Vec<Range<usize>>,
    /// Of all alerts, one after the other.
    pub(super) alert_services: Vec<(Range<usize>, String)>,
}

/// Checks the whole.
pub(super) fn check(organization: &Organization, places: &Places, findings: &mut Findings) {
    prefixes(organization, places, findings);
    zones(organization, places, findings);
    services(organization, places, findings);
    probes(organization, places, findings);
    vantages_and_maintenance(organization, places, findings);
    alerts(organization, places, findings);
}

/// Reports every name after the first which was there before, case ignored.
fn unique<'n>(what: &str, named: impl Iterator<Item = (&'n Range<usize>, String)>, findings: &mut Findings) {
    let mut seen: HashMap<String, ()> = HashMap::new();
    for (span, name) in named.filter(|(_, name)| !name.is_empty()) {
        if seen.insert(name.to_lowercase(), ()).is_some() {
            findings.problem(span.clone(), format!("{what} `{name}` is there twice"), "remove one, or give it another name");
        }
    }
}

fn prefixes(organization: &Organization, places: &Places, findings: &mut Findings) {
    if places.prefixes_written == 0 {
        let help = "add prefixes = [\"192.0.2.0/24\"] to [organization]; an empty list is an error, never \"watch nothing\"";
        findings.problem(places.organization.clone(), "the organization has no prefix", help);
    }
    unique("prefix", places.prefixes.iter().zip(organization.prefixes.iter().map(|p| p.prefix.to_string())), findings);
    if places.as_numbers_written == 0 && organization.prefixes.iter().any(|p| p.origins.is_empty()) {
        let help = "add as_numbers = [64500] to [organization], or `origins` to every prefix";
        findings.problem(places.organization.clone(), "no AS number says who may originate the prefixes", help);
    }
    let held = |address: &IpAddr| organization.prefixes.iter().any(|p| p.prefix.contains(address));
    for (span, address) in places.addresses.iter().filter(|(_, address)| !held(address)) {
        let help = "the route which holds it is watched too, whoever originates it; add its prefix if it is the organization's";
        findings.warning(span.clone(), format!("{address} is in none of the prefixes"), help);
    }
}

fn zones(organization: &Organization, places: &Places, findings: &mut Findings) {
    unique("zone", places.zones.iter().zip(organization.zones.iter().map(|z| z.name.clone())), findings);
    let servers = organization.zones.iter().flat_map(|z| z.name_servers.iter().map(move |s| format!("{} of {}", s.name, z.name)));
    unique("name server", places.name_servers.iter().zip(servers), findings);
    for (span, host) in places.hostnames.iter().filter(|(_, host)| !organization.zones.iter().any(|z| z.holds(host))) {
        let help = "its name servers are unknown unless the results hold NS answers; add [[zones]] with its zone";
        findings.warning(span.clone(), format!("`{host}` is in none of the zones"), help);
    }
    for (span, zone) in places.zones.iter().zip(&organization.zones) {
        if zone.name_servers.is_empty() {
            let help = "they are learned from recorded NS answers, if there are any; or add [[zones.name_servers]]";
            findings.warning(span.clone(), format!("zone `{}` has no name servers", zone.name), help);
        }
        let needed = organization.services.iter().any(|service| {
            let hosts = service.hostnames.iter().chain(service.probes.iter().map(|p| &p.host));
            hosts.into_iter().any(|host| zone.holds(host))
        });
        if !needed {
            findings.warning(
                span.clone(),
                format!("no service has a host name in zone `{}`", zone.name),
                "add it to a service, or remove it",
            );
        }
    }
}

fn services(organization: &Organization, places: &Places, findings: &mut Findings) {
    unique(
        "service",
        places.services.iter().map(|(span, _)| span).zip(organization.services.iter().map(|s| s.name.clone())),
        findings,
    );
    for ((span, _), service) in places.services.iter().zip(&organization.services).filter(|((_, told), _)| !told) {
        let help = "add at least one of hostnames, addresses, status_names or [[services.probes]]";
        findings.problem(span.clone(), format!("nothing says what service `{}` is", service.name), help);
    }
    if organization.services.is_empty() {
        let help = "routing is judged, its impact is not; add [[services]]";
        findings.warning(places.organization.clone(), "the organization has no service", help);
    }
}

fn probes(organization: &Organization, places: &Places, findings: &mut Findings) {
    let of_services = organization.services.iter().flat_map(|s| s.probes.iter().map(move |p| format!("{} of {}", p.name, s.name)));
    unique("probe", places.probes.iter().zip(of_services), findings);
    unique("control", places.controls.iter().zip(organization.controls.iter().map(|c| c.name.clone())), findings);
    let own = |host: &String| {
        organization.services.iter().any(|s| s.hostnames.contains(host) || s.probes.iter().any(|p| p.host == *host))
    };
    for (span, control) in places.controls.iter().zip(&organization.controls) {
        if own(&control.host) || organization.zones.iter().any(|zone| zone.holds(&control.host)) {
            let help = "a control belongs to somebody else: it tells \"we are offline\" from \"they are down\"";
            findings.problem(
                span.clone(),
                format!("control `{}` asks the organization's own `{}`", control.name, control.host),
                help,
            );
        }
    }
    if organization.controls.is_empty() && !organization.services.is_empty() {
        let help = "without one, a probe which is offline looks like an outage; add [[controls]] with somebody else's host";
        findings.warning(places.organization.clone(), "there is no control target", help);
    }
}

fn vantages_and_maintenance(organization: &Organization, places: &Places, findings: &mut Findings) {
    unique("probe vantage", places.probe_vantages.iter().zip(organization.probe_vantages.iter().map(|v| v.name.clone())), findings);
    for (span, vantage) in places.probe_vantages.iter().zip(&organization.probe_vantages) {
        if vantage.asn.is_none() && vantage.upstreams.is_empty() {
            let help = "add asn or upstreams, or remove it";
            findings.warning(span.clone(), format!("`{}` cannot be matched to BGP vantage points", vantage.name), help);
        }
    }
    for (span, window) in places.maintenance.iter().zip(&organization.maintenance) {
        if window.until <= window.from {
            findings.problem(span.clone(), "the window ends before it begins", format!("write a time after {}", window.from));
        }
        for prefix in &window.prefixes {
            let known = organization.prefixes.iter().any(|p| p.prefix.contains(prefix) || prefix.contains(&p.prefix));
            if !known {
                let help = "the window has no effect on what is watched; compare it with the prefixes";
                findings.warning(span.clone(), format!("{prefix} has nothing to do with the organization's prefixes"), help);
            }
        }
    }
}

fn alerts(organization: &Organization, places: &Places, findings: &mut Findings) {
    unique("alert", places.alerts.iter().zip(organization.alerts.iter().map(|alert| alert.name.clone())), findings);
    let names: Vec<&str> = organization.services.iter().map(|service| service.name.as_str()).collect();
    for (span, service) in places.alert_services.iter().filter(|(_, service)| !names.contains(&service.as_str())) {
        let help = match nearest(service, &names) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "write the name of a service of this profile".to_owned(),
        };
        findings.problem(span.clone(), format!("there is no service `{service}`"), help);
    }
}
