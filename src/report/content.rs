//! What a report says, in the order of the questions: what happened, which layer, since when, seen by whom, what proves it, is it over;
//! then what else was seen, how complete the data was, and which thresholds were in force.
//!
//! Takes a view, gives a [`Page`]. Nothing is decided here.

mod completeness;
mod incident;
mod loss;
mod roll_up;
mod withdrawal;

use super::chart::outages::outages;
use super::chart::{Detail, figures};
use super::page::Page;
use super::view::ReportView;
use super::view::dependency::{AddressView, DependenciesView};
use super::view::survey::{OutageView, SurveyView};
use super::words;
use crate::settings::SettingInForce;

/// Rows of tables which may grow with the input.
const ROWS: usize = 200;

/// Doubts which are read before what was found.
const DOUBTS: usize = 4;

/// The value of a setting in force, as it is written in a profile.
fn in_force<'a>(view: &'a ReportView, key: &str) -> &'a str {
    view.settings.iter().find(|setting| setting.key == key).map_or("", |setting| setting.value.as_str())
}

/// The report about an organization.
pub(super) fn report(view: &ReportView, detail: Detail) -> Page {
    let mut page = Page::default();
    page.heading(1, &format!("Incident report: {}", view.organization.name));
    if let Some(note) = &view.organization.note {
        page.quote(note);
    }
    match &view.incidents[..] {
        [only] => {
            page.strong(&only.headline);
            page.list(&only.in_short);
        }
        _ => page.strong(&view.outcome.sentence),
    }
    summary(&mut page, view);
    doubts(&mut page, &view.doubts);
    page.paragraph(&recorded(view));
    for incident in &view.incidents {
        incident::write(&mut page, view, incident, detail);
    }
    if let Some(timeline) = &view.timeline {
        page.heading(2, "The recording");
        for figure in figures("recording", timeline, "/timeline", &[], detail) {
            page.figure(figure);
        }
    }
    observed(&mut page, view);
    prefixes(&mut page, view);
    dependencies(&mut page, &view.dependencies);
    completeness::write(&mut page, &view.completeness);
    settings(&mut page, &view.settings);
    page.paragraph(&format!("Made by Faultline at {} from the profile {}.", view.generated_at, view.organization.profile));
    page
}

/// The survey of every origin.
pub(super) fn survey(view: &SurveyView, detail: Detail) -> Page {
    let mut page = Page::default();
    page.heading(1, "Survey of all origins");
    page.strong(&view.outcome.sentence);
    doubts(&mut page, &view.doubts);
    if let Some(recorded) = &view.recorded_bgp {
        page.paragraph(&format!("BGP recorded {}.", recorded.words));
    }
    page.heading(2, "Outages by size");
    if let Some(figure) = outages(view, detail) {
        page.figure(figure);
    }
    let rows = view.outages.iter().map(outage_row);
    let heads = ["origin", "prefixes", "began (UTC)", "ended (UTC)", "lasted", "lost by ASes at most", "peers", "which"];
    page.table(&heads, rows, ROWS);
    if let Some(roll_up) = &view.roll_up {
        roll_up::write(&mut page, roll_up);
    }
    completeness::write(&mut page, &view.completeness);
    settings(&mut page, &view.settings);
    page.paragraph(&format!("Made by Faultline at {}.", view.generated_at));
    page
}

/// Why the absence of more would prove nothing: a few of many, so that what was found stays in sight.
fn doubts(page: &mut Page, doubts: &[String]) {
    let shown = if doubts.len() <= DOUBTS + 1 { doubts.len() } else { DOUBTS };
    page.titled("Where too little was seen to say that there was nothing more:", &doubts[..shown]);
    page.fold(&format!("{} more of these", words::grouped(words::size(doubts.len() - shown))), |page| page.list(&doubts[shown..]));
}

fn outage_row(outage: &OutageView) -> Vec<String> {
    vec![
        outage.origin.map_or_else(|| "unknown".to_owned(), |origin| origin.to_string()),
        words::grouped(words::size(outage.prefix_count)),
        words::moment(outage.began),
        outage.ended.map_or_else(|| "not over".to_owned(), |ended| words::clock(ended, outage.began)),
        outage.lasted.clone(),
        format!("{} of {}", outage.trough.lost, outage.trough.eligible),
        outage.peers_lost.to_string(),
        words::some(outage.prefixes.iter().map(|prefix| &prefix.prefix), 4),
    ]
}

fn summary(page: &mut Page, view: &ReportView) {
    if view.incidents.len() < 2 {
        return;
    }
    let rows: Vec<Vec<String>> = view
        .incidents
        .iter()
        .map(|incident| {
            let state = incident.ended.as_ref().map_or_else(|| "not over".to_owned(), |ended| ended.on(incident.day()));
            vec![
                incident.number.to_string(),
                incident.headline.clone(),
                words::bounds(incident.began.bounds(), crate::time::Timestamp::MIN),
                state,
                incident.lasted.clone(),
            ]
        })
        .collect();
    page.table(&["", "what", "began (UTC)", "ended (UTC)", "lasted"], rows, ROWS);
}

fn recorded(view: &ReportView) -> String {
    let side = |name: &str, period: &Option<super::Period>| match period {
        Some(period) => format!("{name}: {}.", period.words),
        None => format!("{name}: none recorded."),
    };
    format!("{} {}", side("BGP", &view.recorded_bgp), side("Probe results", &view.recorded_probes))
}

fn observed(page: &mut Page, view: &ReportView) {
    page.heading(2, "Observed, and no incident");
    if view.observed.is_empty() {
        page.paragraph("Nothing.");
    }
    let rows: Vec<Vec<String>> = view
        .observed
        .iter()
        .map(|seen| {
            let baseline = seen.withdrawal.as_ref().map(|lost| format!("; baseline {}", lost.baseline)).unwrap_or_default();
            vec![words::moment(seen.at), format!("{}{baseline}", seen.sentence)]
        })
        .collect();
    page.table(&["when (UTC)", "what"], rows, ROWS);
}

fn prefixes(page: &mut Page, view: &ReportView) {
    page.heading(2, "Watched prefixes at the end of the recording");
    let row = |prefix: &super::PrefixView| {
        let seen = prefix.at_end.as_ref().map_or("never seen: nothing was said of it", |seen| seen.words.as_str());
        vec![prefix.prefix.clone(), prefix.relation.word().to_owned(), prefix.label.clone().unwrap_or_default(), seen.to_owned()]
    };
    let rows = view.prefixes.iter().map(row);
    page.long_table("prefixes", &["prefix", "relation", "label", "visibility"], rows, ROWS);
}

fn dependencies(page: &mut Page, view: &DependenciesView) {
    page.heading(2, "Dependencies");
    let held = |address: &AddressView| {
        let origins = if address.origins.is_empty() { String::new() } else { format!(" of {}", words::all(&address.origins)) };
        let learned = if address.learned_from.is_some() { "; learned from an answer" } else { "" };
        match &address.prefix {
            Some(prefix) => format!("{} in {prefix}{origins}{learned}", address.address),
            None => format!("{} in no prefix seen{learned}", address.address),
        }
    };
    let mut rows = Vec::new();
    for service in &view.services {
        let hosts = service.hostnames.iter().map(|host| {
            let aliases: String = host.cnames.iter().map(|alias| format!(" → {alias}")).collect();
            format!("{}{aliases}", host.name)
        });
        rows.push(vec![service.service.clone(), "host names".to_owned(), words::all(hosts)]);
        for server in service.name_servers() {
            let addresses = words::all(server.addresses.iter().map(held));
            rows.push(vec![service.service.clone(), format!("name server {}", server.name), addresses]);
        }
        for address in service.own_addresses() {
            rows.push(vec![service.service.clone(), "address".to_owned(), held(address)]);
        }
    }
    page.long_table("dependencies", &["service", "needs", "which"], rows, ROWS);
    page.titled("Missing:", &view.missing);
}

fn settings(page: &mut Page, settings: &[SettingInForce]) {
    page.heading(2, "Settings in force");
    let row = |setting: &SettingInForce| {
        vec![
            setting.key.to_string(),
            setting.value.clone(),
            if setting.overridden { format!("{} (overridden by the profile)", setting.default) } else { setting.default.clone() },
            setting.reason.to_string(),
            setting.source.to_string(),
        ]
    };
    let rows = settings.iter().map(row);
    page.long_table("settings", &["setting", "in force", "default", "what it does", "source of the default"], rows, usize::MAX);
}
