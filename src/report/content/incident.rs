//! One incident: its facts, chain of causes, verdicts and limits, with its pictures.

use super::{ROWS, loss, withdrawal};
use crate::incident::Verdict;
use crate::reachability::Layer;
use crate::report::chart::marks::Mark;
use crate::report::chart::{Detail, figures};
use crate::report::page::Page;
use crate::report::view::ReportView;
use crate::report::view::chain::{LinkView, Order, Phase};
use crate::report::view::incident::IncidentView;
use crate::report::view::loss::kinds_words;
use crate::report::view::service::{LayerView, ServiceView};
use crate::report::words;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Writes it.
pub(super) fn write(page: &mut Page, view: &ReportView, incident: &IncidentView, detail: Detail) {
    page.heading(2, &format!("Incident {}: {}, {}", incident.number, incident.layer, words::moment(incident.day())));
    // The only one of a report is told at the head of the page.
    if view.incidents.len() > 1 {
        page.strong(&incident.headline);
        page.list(&incident.in_short);
    }
    facts(page, incident);
    let (name, source) = (format!("incident-{}", incident.number), format!("/incidents/{}/timeline", incident.number - 1));
    let mut pictures = figures(&name, &incident.timeline, &source, &Mark::of(&incident.chain), detail).into_iter().peekable();
    let mut picture = |page: &mut Page, kind: &str| {
        if let Some(figure) = pictures.next_if(|figure| figure.id.ends_with(kind)) {
            page.figure(figure);
        }
    };
    picture(page, "-glance");
    chain(page, incident);
    picture(page, "-onset");
    picture(page, "-recovery");
    verdict(page, view, incident);
    withdrawal::write(page, view, incident);
    picture(page, "-visibility");
    picture(page, "-map");
    withdrawal::tables(page, view, incident);
    withdrawal::foreign(page, incident);
    loss::write(page, incident);
    picture(page, "-lanes");
    limits(page, view, incident);
    evidence(page, incident);
}

fn facts(page: &mut Page, incident: &IncidentView) {
    let ended = match &incident.ended {
        Some(ended) => format!("{} (lasted {})", ended.words, incident.lasted),
        None => format!("not over when its data ends ({} until then)", incident.lasted),
    };
    let decided = incident.deciding().map(|service| format!("{}: {}", service.service, service.severity.words));
    page.facts(&[
        ("layer at fault", incident.layer.to_string()),
        ("verdict", incident.phrase.to_string()),
        ("began", incident.began.words.clone()),
        ("ended, all layers", ended),
        ("still broken at the end", incident.lasting.join("; ")),
        ("seen by", incident.seen_by.clone()),
        ("hit hardest", decided.unwrap_or_default()),
        ("address space withdrawn", words::all(incident.address_space.iter().map(|space| space.words.clone()))),
        ("proof", incident.proof.clone()),
    ]);
}

fn verdict(page: &mut Page, view: &ReportView, incident: &IncidentView) {
    page.heading(3, "Verdict by service");
    if incident.services.is_empty() {
        page.paragraph("No service is known which this concerns.");
    }
    let row = |service: &ServiceView| {
        vec![
            service.service.clone(),
            service.layer.to_string(),
            service.sentence.clone(),
            service.severity.words.clone(),
            service.first_failure.as_ref().map_or_else(|| "–".to_owned(), |first| first.on(incident.day())),
            match (&service.first_failure, &service.last_recovery) {
                (None, _) => "–".to_owned(),
                (Some(_), Some(last)) => last.on(incident.day()),
                (Some(_), None) => "not recovered".to_owned(),
            },
        ]
    };
    let rows = incident.services.iter().map(row);
    page.table(&["service", "layer", "verdict", "severity", "first failure (UTC)", "last recovery (UTC)"], rows, ROWS);
    let judged = |name: &&String| incident.services.iter().any(|service| service.service == **name);
    let not_yet: Vec<&String> = view.organization.services.iter().filter(|name| !judged(name)).collect();
    if !not_yet.is_empty() {
        page.paragraph(&format!("Not judged, because by the profile it did not exist yet: {}.", words::all(not_yet)));
    }
    for group in incident.service_groups() {
        let Some(first) = group.first() else { continue };
        let title = format!("Why: {}", words::all(group.iter().map(|service| &service.service)));
        // The one which decides is read first; the others are there for those who ask.
        if group.iter().any(|service| Some(&service.service) == incident.decided_by.as_ref()) {
            page.heading(4, &title);
            why(page, first, incident.day());
        } else {
            page.fold(&title, |page| why(page, first, incident.day()));
        }
    }
}

fn why(page: &mut Page, service: &ServiceView, day: Timestamp) {
    page.paragraph(&format!("{}.", words::capital(&service.sentence)));
    page.titled("For:", service.reasons_for.iter().map(words::reason));
    page.titled("Against, or limiting:", service.reasons_against.iter().map(words::reason));
    page.titled("What would change it:", &service.would_change);
    let rows = service.layers.iter().map(|layer| layer_row(layer, day));
    page.table(&["layer", "probed at", "fails at", "first failure (UTC)", "well again (UTC)", "how"], rows, ROWS);
}

fn layer_row(layer: &LayerView, day: Timestamp) -> Vec<String> {
    let first = layer.first_failure.as_ref().map_or_else(|| "–".to_owned(), |first| first.on(day));
    let last = match (&layer.last_recovery, layer.still_failing) {
        (_, open) if open > 0 => "not recovered".to_owned(),
        (Some(last), _) => last.on(day),
        (None, _) => "–".to_owned(),
    };
    let probed = if layer.vantages.is_empty() { "nobody probed it".to_owned() } else { words::some(&layer.vantages, 6) };
    let failing = if layer.vantages.is_empty() {
        "–".to_owned()
    } else {
        format!("{} of {}", layer.failing.len(), words::count(words::size(layer.vantages.len()), "vantage", "vantages"))
    };
    vec![words::layer(layer.layer).to_owned(), probed, failing, first, last, kinds_words(&layer.kinds)]
}

fn chain(page: &mut Page, incident: &IncidentView) {
    page.heading(3, "Chain of causes, in time order");
    for (phase, title) in [(Phase::Breaks, "What broke:"), (Phase::ComesBack, "What came back:")] {
        let row = |(number, link): (usize, &LinkView)| {
            let delay =
                |delay: &Option<crate::report::DelayView>| delay.as_ref().map_or_else(String::new, |delay| delay.words.clone());
            vec![
                number.to_string(),
                link.at.on(incident.day()),
                link.layer.word().to_owned(),
                link.what.clone(),
                delay(&link.after_first),
                delay(&link.after_previous),
                link.proof.as_ref().map(words::record).unwrap_or_default(),
            ]
        };
        let mut rows = (1..).zip(&incident.chain).filter(|(_, link)| link.phase == phase).map(row).peekable();
        if rows.peek().is_some() {
            page.paragraph(title);
        }
        page.table(&["", "when (UTC)", "layer", "what", "after the first", "after the one before", "shown by"], rows, ROWS);
    }
    page.paragraph(
        "Sorted by the time at which each had happened at the latest. A delay from − to + says that which of the two came first is not \
         decided. In pictures a band reaches from the earliest to the latest time at which a step may have happened, and its line stands at the \
         latest.",
    );
    page.titled("Not back at the end of what is known:", &incident.lasting);
}

/// What is not known, and what speaks against the verdict.
fn limits(page: &mut Page, view: &ReportView, incident: &IncidentView) {
    page.heading(3, "What is not known");
    let mut limits: Vec<String> = Vec::new();
    if let Some(note) = &view.organization.note {
        limits.push(format!("how far the input is what really happened: {note}"));
    }
    if let Some(order) = Order::of(&incident.chain).filter(|order| !order.undecided.is_empty()) {
        let others = words::all(order.undecided.iter().map(|(name, _)| name));
        limits.push(format!("whether {} or {others} broke first: the bounds of their times overlap", order.first));
    }
    let blind = incident.routing_blind.iter();
    limits.extend(blind.map(|b| format!("{} from {} to {} UTC", b.what, words::moment(b.from), words::clock(b.until, b.from))));
    if incident.began.earliest.is_none() {
        limits.push("when it began: a target was never seen up before".to_owned());
    }
    if incident.withdrawals.iter().any(|lost| lost.inferred_state) {
        limits.push(
            "what some vantage points saw before: they had no table dump, so it is inferred from their updates (inferred state)"
                .to_owned(),
        );
    }
    if incident.withdrawals.iter().any(|lost| !lost.covers_known) {
        limits.push("whether a covering route was left: no table dump was read".to_owned());
    }
    if incident.controls.probed.is_empty() || !incident.controls.failing.is_empty() {
        limits.push(incident.controls.words.clone());
    }
    let layers = incident.services.iter().flat_map(|service| service.layers.iter().map(move |layer| (service, layer)));
    let mut unprobed: BTreeMap<Layer, Vec<&str>> = BTreeMap::new();
    for (service, layer) in layers.filter(|(_, layer)| layer.vantages.is_empty()) {
        unprobed.entry(layer.layer).or_default().push(&service.service);
    }
    limits.extend(
        unprobed.iter().map(|(layer, services)| format!("{}: not probed for {}", words::layer(*layer), words::some(services, 6))),
    );
    let unjudged = incident.services.iter().filter(|service| service.verdict == Verdict::NotProbed);
    let unjudged: Vec<&String> = unjudged.map(|service| &service.service).collect();
    if !unjudged.is_empty() {
        limits.push(format!(
            "how it was with {}: nobody probed it, and nothing it is known to need was lost",
            words::some(unjudged, 6)
        ));
    }
    let asked: BTreeSet<&str> = lanes_of(incident, Layer::Authority);
    let servers = view.dependencies.services.iter().flat_map(|service| service.name_servers()).map(|server| server.name.as_str());
    let unasked: BTreeSet<&str> = servers.filter(|server| !asked.contains(server)).collect();
    if !unasked.is_empty() && !asked.is_empty() {
        limits.push(format!("how these name servers were, which nobody asked directly: {}", words::some(unasked, 6)));
    }
    if let Some(late) = &incident.outlasted {
        limits.push(format!("what kept services down so long: {}", late.trim_end_matches('.')));
    }
    limits.push("which command or fault caused it: BGP, DNS and probes show what could not be reached, not why".to_owned());
    page.list(limits);
}

/// The names of the lanes of a layer.
fn lanes_of(incident: &IncidentView, layer: Layer) -> BTreeSet<&str> {
    incident.timeline.lanes.iter().filter(|lane| lane.layer == layer).map(|lane| lane.name.as_str()).collect()
}

/// Every statement and every failed attempt, by file and record.
fn evidence(page: &mut Page, incident: &IncidentView) {
    page.heading(3, "Evidence");
    page.paragraph(&format!(
        "{}. The chain names a record for each of its steps. All of it is in incidents.json; faultline explain with --incident {} prints it. An attempt which serves several checks is one attempt \
         here, and stands with each of them below.",
        words::capital(&incident.proof),
        incident.number
    ));
    page.fold("BGP statements", |page| withdrawal::statements(page, incident));
    page.fold("Failed attempts", |page| loss::attempts(page, incident));
}
