//! One function a table of the profile: sections in, values of `org` out.
//!
//! Every key of a table is asked for on every path, so that unknown keys are found; a bad value is reported and left out, and reading
//! goes on. Defaults are set here.

use super::consistency::{self, Places};
use super::field::{Field, Section};
use super::problem::{Findings, nearest};
use super::{alert, threshold, value};
use crate::org::{
    BmpRouter, Maintenance, NameServer, Organization, PrefixLengths, ProbeKind, ProbeTarget, ProbeVantage, Service, UpWhen,
    WatchedPrefix, Zone,
};
use crate::vantage::Asn;
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::Path;

/// The whole document; `None` where not even an outline could be read. Only sound if no problem was found.
pub(super) fn organization(mut root: Section, path: &Path, findings: &mut Findings) -> Option<Organization> {
    let mut places = Places::default();
    let mut head = root
        .required("organization", "a table [organization] with `name`, `as_numbers` and `prefixes`", findings)
        .and_then(|field| field.section("organization", findings));
    let mut organization = Organization {
        name: String::new(),
        note: None,
        as_numbers: Vec::new(),
        prefixes: Vec::new(),
        zones: Vec::new(),
        services: Vec::new(),
        controls: Vec::new(),
        probe_vantages: Vec::new(),
        probing: super::probing::probing(root.field("probing"), findings),
        maintenance: Vec::new(),
        alerts: Vec::new(),
        bmp_routers: Vec::new(),
        settings: threshold::settings(root.field("settings"), findings),
        file: path.to_owned(),
    };
    if let Some(head) = head.as_mut() {
        places.organization = head.span();
        organization.name =
            head.required("name", "name = \"…\"", findings).and_then(|f| f.text(findings)).unwrap_or_default().to_owned();
        organization.note = head.text("note", findings);
        places.as_numbers_written = head.items("as_numbers").len();
        organization.as_numbers = as_numbers(head, "as_numbers", findings);
        for item in head.items("prefixes") {
            short_prefix(item, &mut organization, &mut places, findings);
        }
    }
    for section in root.tables("prefixes", "prefixes", findings) {
        long_prefix(section, &mut organization, &mut places, findings);
    }
    for section in root.tables("zones", "zones", findings) {
        zone(section, &mut organization, &mut places, findings);
    }
    for section in root.tables("services", "services", findings) {
        service(section, &mut organization, &mut places, findings);
    }
    for section in root.tables("controls", "controls", findings) {
        places.controls.extend(probe(section, None, findings).map(|(span, control)| {
            organization.controls.push(control);
            span
        }));
    }
    for section in root.tables("probe_vantages", "probe_vantages", findings) {
        probe_vantage(section, &mut organization, &mut places, findings);
    }
    for section in root.tables("maintenance", "maintenance", findings) {
        maintenance(section, &mut organization, &mut places, findings);
    }
    for section in root.tables("alerts", "alerts", findings) {
        alert::alert(section, &mut organization, &mut places, findings);
    }
    if let Some(section) = root.field("bmp").and_then(|field| field.section("bmp", findings)) {
        bmp(section, &mut organization, findings);
    }
    let head = head.map(|head| head.finish(findings));
    root.finish(findings);
    head?;
    consistency::check(&organization, &places, findings);
    Some(organization)
}

fn as_numbers(section: &mut Section, key: &'static str, findings: &mut Findings) -> Vec<Asn> {
    section.items(key).into_iter().filter_map(|item| item.read_number(findings, value::as_number)).collect()
}

fn short_prefix(item: Field, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    places.prefixes_written += 1;
    if let Some((prefix, lengths)) = item.called("prefixes").read(findings, value::prefix_with_operator) {
        places.prefixes.push(item.span());
        organization.prefixes.push(WatchedPrefix { prefix, lengths, origins: Vec::new(), label: None });
    }
}

fn long_prefix(mut section: Section, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    places.prefixes_written += 1;
    let field = section.required("prefix", "prefix = \"192.0.2.0/24\", with an operator such as ^+ if meant", findings);
    let read: Option<(IpNet, PrefixLengths)> = field.and_then(|f| f.read(findings, value::prefix_with_operator));
    let origins = as_numbers(&mut section, "origins", findings);
    let label = section.text("label", findings);
    section.finish(findings);
    if let (Some(field), Some((prefix, lengths))) = (field, read) {
        places.prefixes.push(field.span());
        organization.prefixes.push(WatchedPrefix { prefix, lengths, origins, label });
    }
}

fn zone(mut section: Section, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    let field = section.required("name", "name = \"example.com\"", findings);
    let name = field.and_then(|f| f.read(findings, value::host_name));
    let mut name_servers = Vec::new();
    for mut server in section.tables("name_servers", "zones.name_servers", findings) {
        let field = server.required("name", "name = \"ns1.example.com\"", findings);
        let addresses = addresses(&mut server, "addresses", places, findings);
        if let Some(name) = field.and_then(|f| f.read(findings, value::host_name)) {
            places.name_servers.extend(field.map(|f| f.span()));
            name_servers.push(NameServer { name, addresses });
        }
        server.finish(findings);
    }
    section.finish(findings);
    if let (Some(field), Some(name)) = (field, name) {
        places.zones.push(field.span());
        organization.zones.push(Zone { name, name_servers });
    }
}

/// Addresses which BGP must be able to reach; their places are kept to look them up among the prefixes.
fn addresses(section: &mut Section, key: &'static str, places: &mut Places, findings: &mut Findings) -> Vec<IpAddr> {
    let read = section.items(key).into_iter().filter_map(|item| Some((item.span(), item.read(findings, value::address)?)));
    let read: Vec<_> = read.collect();
    places.addresses.extend(read.iter().cloned());
    read.into_iter().map(|(_, address)| address).collect()
}

fn service(mut section: Section, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    let span = section.span();
    let name = section.required("name", "name = \"…\", as reports shall call it", findings);
    let span = name.map_or(span, |f| f.span());
    let told = ["hostnames", "addresses", "status_names", "probes"].iter().any(|key| !section.items(key).is_empty());
    let name = name.and_then(|f| f.text(findings)).map(str::to_owned);
    let mut hostnames = Vec::new();
    for item in section.items("hostnames") {
        if let Some(host) = item.read(findings, value::host_name) {
            places.hostnames.push((item.span(), host.clone()));
            hostnames.push(host);
        }
    }
    let addresses = addresses(&mut section, "addresses", places, findings);
    let status_names = section.list("status_names", findings, value::words);
    let since = section.field("since").and_then(|f| f.time(findings));
    let mut probes = Vec::new();
    for entry in section.tables("probes", "services.probes", findings) {
        if let Some((span, target)) = probe(entry, hostnames.first().map(String::as_str), findings) {
            places.probes.push(span);
            probes.push(target);
        }
    }
    section.finish(findings);
    places.services.push((span, told));
    let name = name.unwrap_or_default();
    organization.services.push(Service { name, hostnames, addresses, probes, status_names, since });
}

/// A probe of a service, or a control; `None` (and a problem) without a name, a kind and something to ask.
fn probe(
    mut section: Section,
    default_host: Option<&str>,
    findings: &mut Findings,
) -> Option<(std::ops::Range<usize>, ProbeTarget)> {
    let name = section.required("name", "name = \"…\", as reports shall call it", findings);
    let span = name.map_or(section.span(), |f| f.span());
    let name = name.and_then(|f| f.text(findings)).map(str::to_owned);
    let kind = section.required("kind", "kind = \"http\", \"dns\" or \"ping\"", findings).and_then(|f| probe_kind(f, findings));
    let address = section.field("address").map(|f| f.read(findings, value::address));
    let host = match section.field("host") {
        Some(field) => field.read(findings, value::host_name),
        None => match (default_host, address.flatten()) {
            (Some(host), _) => Some(host.to_owned()),
            (None, Some(address)) => Some(address.to_string()),
            (None, None) => {
                findings.problem(section.span(), "this probe asks for no host", "add host = \"www.example.com\", or an address");
                None
            }
        },
    };
    let page = super::probing::page(&mut section, kind, findings);
    let up = section.field("up").map(|f| (f.span(), f.section("up", findings)));
    let up = match (up, kind) {
        (Some((_, Some(up))), Some(kind)) => up_when(up, kind, findings),
        (Some(_), _) | (None, _) => UpWhen::default(),
    };
    section.finish(findings);
    Some((span, ProbeTarget { name: name?, kind: kind?, host: host?, address: address.flatten(), page, up }))
}

fn probe_kind(field: Field, findings: &mut Findings) -> Option<ProbeKind> {
    let text = field.text(findings)?;
    match text {
        "http" => Some(ProbeKind::Http),
        "dns" => Some(ProbeKind::Dns),
        "ping" => Some(ProbeKind::Ping),
        _ => {
            let help = match nearest(text, &["http", "dns", "ping"]) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "write \"http\" (TLS and TCP handshakes too), \"dns\" or \"ping\"".to_owned(),
            };
            findings.problem(field.span(), format!("`{text}` is not a kind of probe"), help);
            None
        }
    }
}

fn up_when(mut section: Section, kind: ProbeKind, findings: &mut Findings) -> UpWhen {
    for (key, of) in
        [("status", ProbeKind::Http), ("body_contains", ProbeKind::Http), ("server", ProbeKind::Http), ("answers", ProbeKind::Dns)]
    {
        if let Some(field) = section.field(key).filter(|_| kind != of) {
            let means = if of == ProbeKind::Http { "http" } else { "dns" };
            findings.problem(
                field.span(),
                format!("`{key}` means nothing for this kind of probe"),
                format!("it is for kind = \"{means}\""),
            );
        }
    }
    let statuses: Vec<_> =
        section.items("status").into_iter().filter_map(|item| item.read_number(findings, value::status_codes)).collect();
    let body_contains = section.field("body_contains").and_then(|f| body(f, findings));
    let server = section.text("server", findings);
    let answers = section.list("answers", findings, |text| Ok(text.trim().trim_end_matches('.').to_lowercase()));
    section.finish(findings);
    UpWhen { statuses: if statuses.is_empty() { UpWhen::default().statuses } else { statuses }, body_contains, server, answers }
}

/// Recordings keep the first 1,024 characters of a body.
fn body(field: Field, findings: &mut Findings) -> Option<String> {
    let text = field.text(findings)?;
    if text.chars().count() > 1_024 {
        findings.problem(field.span(), "longer than what recordings keep of a body", "write at most 1,024 characters");
        return None;
    }
    Some(text.to_owned())
}

fn probe_vantage(mut section: Section, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    let name = section.required("name", "name = \"…\", as the recorded results write it", findings);
    let span = name.map_or(section.span(), |f| f.span());
    let asn = section.field("asn").and_then(|f| f.read_number(findings, value::as_number));
    let upstreams = as_numbers(&mut section, "upstreams", findings);
    section.finish(findings);
    if let Some(name) = name.and_then(|f| f.text(findings)) {
        places.probe_vantages.push(span);
        organization.probe_vantages.push(ProbeVantage { name: name.to_owned(), asn, upstreams });
    }
}

fn maintenance(mut section: Section, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    let from = section.required("from", "from = 2021-10-04T15:00:00Z", findings).and_then(|f| f.time(findings));
    let until = section.required("until", "until = 2021-10-04T16:00:00Z", findings);
    let span = until.map(|f| f.span());
    let until = until.and_then(|f| f.time(findings));
    let prefixes = section.list("prefixes", findings, value::prefix);
    let note = section.text("note", findings);
    section.finish(findings);
    if let (Some(from), Some(until), Some(span)) = (from, until, span) {
        places.maintenance.push(span);
        organization.maintenance.push(Maintenance { from, until, prefixes, note });
    }
}

fn bmp(mut section: Section, organization: &mut Organization, findings: &mut Findings) {
    for mut entry in section.tables("routers", "bmp.routers", findings) {
        let field = entry.required("address", "address = \"192.0.2.1\", from which the router connects", findings);
        let name = entry.text("name", findings);
        entry.finish(findings);
        let Some((field, address)) = field.and_then(|field| Some((field, field.read(findings, value::address)?))) else { continue };
        if organization.bmp_routers.iter().any(|router| router.address == address) {
            findings.problem(field.span(), format!("the router at {address} is listed twice"), "write each address once");
        } else {
            organization.bmp_routers.push(BmpRouter { address, name });
        }
    }
    section.finish(findings);
}
