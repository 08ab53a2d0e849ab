//! The first screen, for whoever was just woken: which layer, since when, seen by whom, what proves it, is it over.
//!
//! Takes a view and the terminal's width; gives at most 24 lines. The worst incident is shown, the others are counted; long lists are
//! cut, and say so. Nothing is decided here.

mod screen;
mod survey;
pub(super) mod timeline;

use super::view::ReportView;
use super::view::chain::{LinkView, Phase};
use super::view::completeness::CompletenessView;
use super::view::incident::IncidentView;
use super::view::service::ServiceView;
use super::view::withdrawal::{CoverView, WithdrawalView};
use super::words;
use crate::analysis::Outcome;
use crate::scope::Relation;
use crate::time::Bounds;
use crate::vantage::Asn;
use screen::{Look, Screen, Weight};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
pub(super) use survey::survey;

/// The screen about an organization.
pub(super) fn report(view: &ReportView, width: usize, color: bool) -> String {
    let mut screen = Screen::new(width, color);
    head(&mut screen, view);
    match by_urgency(view).split_first() {
        Some((worst, others)) => {
            incident(&mut screen, worst, view.incidents.len());
            more(&mut screen, others);
        }
        None => quiet(&mut screen, view),
    }
    observed(&mut screen, view);
    completeness(&mut screen, &view.completeness);
    if !view.incidents.is_empty() && !view.doubts.is_empty() {
        screen.row(Weight::Should, "doubts", &words::some(&view.doubts, 1), 2);
    }
    screen.finish()
}

/// What was wrong with the data first, then how much there was.
fn completeness(screen: &mut Screen, view: &CompletenessView) {
    let Some((read, troubles)) = view.summary.split_first() else { return };
    screen.row(Weight::Must, "data", &troubles.join(" "), 1);
    screen.row(Weight::May, "", read, 1);
}

/// True for characters which could end a line or steer a terminal: controls, and marks of direction and of zero width.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// On one line, without them.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}

fn look(outcome: Outcome) -> Look {
    match outcome {
        Outcome::NoIncident => Look::Good,
        Outcome::CouldNotTell => Look::Warning,
        Outcome::Incident => Look::Bad,
    }
}

/// The incidents, the most urgent first.
fn by_urgency(view: &ReportView) -> Vec<&IncidentView> {
    let mut incidents: Vec<&IncidentView> = view.incidents.iter().collect();
    incidents.sort_by_key(|incident| Reverse(urgency(incident)));
    incidents
}

/// Open before over, then by services which fail, then by what is lost.
fn urgency(incident: &IncidentView) -> (bool, usize, usize, Reverse<usize>) {
    let failing = incident.services.iter().filter(|service| service.severity.fails).count();
    (incident.open, failing, incident.withdrawals.len() + incident.losses.len(), Reverse(incident.number))
}

fn head(screen: &mut Screen, view: &ReportView) {
    let recorded = view.recorded_bgp.iter().chain(&view.recorded_probes).next();
    let recorded = recorded.map_or("nothing recorded", |period| period.words.as_str());
    screen.text(Weight::Must, Look::Faint, &format!("{} · {recorded}", view.organization.name), 1);
    if let Some(note) = &view.organization.note {
        screen.text(Weight::Must, Look::Warning, note, 1);
    }
}

fn incident(screen: &mut Screen, incident: &IncidentView, of: usize) {
    let place = if of > 1 { format!(" {} of {of}", incident.number) } else { String::new() };
    let state = if incident.open { "NOT OVER" } else { "over" };
    screen.text(Weight::Must, Look::Bad, &format!("INCIDENT{place} ({state}): {}", incident.headline), 2);
    screen.row(Weight::Must, "since", &incident.began.words, 1);
    let over = match &incident.ended {
        Some(ended) => format!("{}, after {}", ended.words, incident.lasted),
        None => format!("no, {} until its data ends; {}", incident.lasted, incident.lasting.join("; ")),
    };
    screen.row(Weight::Must, "over", &over, 2);
    services(screen, incident);
    withdrawals(screen, incident);
    for foreign in incident.foreign_origins.iter().take(2) {
        screen.row(Weight::Must, "foreign", &foreign.sentence, 1);
    }
    if incident.foreign_origins.len() > 2 {
        screen.row(Weight::Must, "", &format!("and {} more foreign origins", incident.foreign_origins.len() - 2), 1);
    }
    screen.row(Weight::Must, "seen by", &incident.seen_by, 2);
    chain(screen, incident, Phase::Breaks, "chain");
    chain(screen, incident, Phase::ComesBack, "back");
    let proof = format!("{}; list them: faultline explain … --incident {}", incident.proof, incident.number);
    screen.row(Weight::Must, "proof", &proof, 2);
    if let Some(service) = incident.deciding() {
        screen.row(Weight::May, "against", &words::some(service.reasons_against.iter().map(|reason| &reason.text), 2), 2);
        screen.row(Weight::May, "unless", &words::some(&service.would_change, 2), 1);
    }
    for blind in incident.routing_blind.iter().take(1) {
        screen.row(Weight::Must, "blind", &format!("{} from {}", blind.what, words::clock(blind.from, incident.day())), 1);
    }
}

/// Services by verdict, those which fail first.
fn services(screen: &mut Screen, incident: &IncidentView) {
    let mut by_verdict: BTreeMap<_, Vec<&ServiceView>> = BTreeMap::new();
    for service in &incident.services {
        by_verdict.entry((Reverse(service.severity.fails), service.verdict)).or_default().push(service);
    }
    let of = incident.services.len();
    let shown = by_verdict.len().min(4);
    for (number, ((fails, verdict), services)) in by_verdict.iter().take(shown).enumerate() {
        let label = if number == 0 { "services" } else { "" };
        let names = words::some(services.iter().map(|service| &service.service), 4);
        let worst = services.iter().max_by_key(|service| (service.severity.name_servers_lost, service.severity.addresses_lost));
        let lost = worst.filter(|worst| worst.severity.prefixes_lost > 0).map(|worst| format!(" ({})", worst.severity.words));
        let state = match (fails.0, *verdict == incident.verdict) {
            (true, true) => "fail".to_owned(),
            (fails, _) => format!("{}{}", if fails { "fail, " } else { "" }, verdict.phrase()),
        };
        screen.row(Weight::Must, label, &format!("{} of {of} {state}: {names}{}", services.len(), lost.unwrap_or_default()), 2);
    }
    if by_verdict.len() > shown {
        screen.row(Weight::Must, "", &format!("and {} more verdicts", by_verdict.len() - shown), 1);
    }
}

fn withdrawals(screen: &mut Screen, incident: &IncidentView) {
    let all = &incident.withdrawals;
    let share = |lost: &WithdrawalView| (lost.trough.seeing + lost.trough.unknown) * 1000 / lost.trough.eligible.max(1);
    let Some(worst) = all.iter().min_by_key(|lost| (share(lost), Reverse(lost.trough.lost))) else {
        return;
    };
    let day = incident.day();
    let levels: BTreeSet<_> = all.iter().map(|lost| lost.level).collect();
    let first = all.iter().map(|lost| lost.onset.latest).min().unwrap_or(day);
    let last = all.iter().map(|lost| lost.onset.latest).max().unwrap_or(day);
    let onset = words::bounds(Bounds::between(first, last), day);
    let prefixes = words::some(all.iter().map(|lost| &lost.prefix), 2);
    let levels = words::all(levels.iter().map(|level| level.word()));
    let what = if all.len() > 2 { format!("{} prefixes", all.len()) } else { prefixes };
    let text = format!("{what} ({levels}), onset {onset}, {} at worst", worst.trough.words);
    screen.row(Weight::Must, "withdrawn", &text, 2);
    transits(screen, all);
    screen.row(Weight::Should, "", &left(all), 2);
}

/// Which AS all lost paths of a prefix share, and no surviving path had, if it is the same for all of them or for some.
fn transits(screen: &mut Screen, all: &[WithdrawalView]) {
    let mut by_transit: BTreeMap<&[Asn], usize> = BTreeMap::new();
    for lost in all.iter().filter(|lost| !lost.common_transit.is_empty()) {
        *by_transit.entry(&lost.common_transit).or_default() += 1;
    }
    let Some((transit, count)) = by_transit.into_iter().max_by_key(|(_, count)| *count) else { return };
    let of = if count == all.len() { String::new() } else { format!("of {count} of {} prefixes ", all.len()) };
    let text = format!("{of}all lost paths cross {}, no surviving path does", words::some(transit, 4));
    screen.row(Weight::Must, "", &text, 1);
}

/// What was left for traffic, over all prefixes.
fn left(all: &[WithdrawalView]) -> String {
    let covers: BTreeMap<&str, &CoverView> =
        all.iter().filter_map(|lost| lost.cover.as_ref()).map(|cover| (cover.prefix.as_str(), cover)).collect();
    let covered = all.iter().filter(|lost| lost.cover.is_some()).count();
    let Some(least) = covers.values().min_by_key(|cover| cover.seeing * 1000 / cover.eligible.max(1)) else {
        let sentences: BTreeSet<&str> = all.iter().map(|lost| lost.route_left.as_str()).collect();
        return words::some(sentences, 2);
    };
    format!(
        "{covered} of {} still covered by {}, seen by {} of {} ASes: traffic is drawn there and may die",
        all.len(),
        words::some(covers.keys(), 2),
        least.seeing,
        least.eligible
    )
}

/// Of what broke, the first of each layer; of what came back, the last.
fn chain(screen: &mut Screen, incident: &IncidentView, phase: Phase, label: &str) {
    let mut links: Vec<&LinkView> = Vec::new();
    for link in incident.chain.iter().filter(|link| link.phase == phase) {
        match links.iter().position(|known| known.layer == link.layer) {
            Some(_) if phase == Phase::Breaks => {}
            Some(place) => {
                links.remove(place);
                links.push(link);
            }
            None => links.push(link),
        }
    }
    for (number, link) in links.iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        let delay = link.after_first.as_ref().map_or_else(String::new, |delay| {
            if delay.words.starts_with(|first: char| first.is_ascii_digit()) {
                format!("+{}", delay.words)
            } else {
                delay.words.clone()
            }
        });
        let clock = words::clock(link.at.latest, incident.day());
        let weight = if phase == Phase::Breaks { Weight::Must } else { Weight::Should };
        screen.row(weight, label, &format!("{clock}  {:7}  {delay:13}  {}", link.layer.word(), link.what), 1);
    }
}

fn more(screen: &mut Screen, others: &[&IncidentView]) {
    let day = |incident: &IncidentView| words::moment(incident.began.latest);
    let line = |incident: &&IncidentView| {
        format!(
            "{} since {} ({})",
            incident.headline.trim_end_matches('.'),
            day(incident),
            if incident.open { "not over" } else { "over" }
        )
    };
    if !others.is_empty() {
        let count = words::count(words::size(others.len()), "more incident", "more incidents");
        screen.row(Weight::Must, "more", &format!("{count}: {}", words::some(others.iter().map(line), 1)), 2);
    }
}

/// What stands before the colon in capitals.
fn loud(sentence: &str) -> String {
    sentence.split_once(':').map_or_else(|| sentence.to_owned(), |(title, rest)| format!("{}:{rest}", title.to_uppercase()))
}

/// Why the absence of an incident proves nothing.
fn because(screen: &mut Screen, doubts: &[String]) {
    for (number, doubt) in doubts.iter().take(4).enumerate() {
        screen.row(Weight::Must, if number == 0 { "because" } else { "" }, doubt, 2);
    }
    if doubts.len() > 4 {
        let more = words::count(words::size(doubts.len() - 4), "more reason", "more reasons");
        screen.row(Weight::Must, "", &format!("and {more}"), 1);
    }
}

fn quiet(screen: &mut Screen, view: &ReportView) {
    screen.text(Weight::Must, look(view.outcome.code), &loud(&view.outcome.sentence), 2);
    because(screen, &view.doubts);
    let own: Vec<_> = view.prefixes.iter().filter(|prefix| prefix.relation == Relation::Own).collect();
    let seen = own.iter().filter(|prefix| prefix.at_end.as_ref().is_some_and(|end| end.seeing > 0)).count();
    let routes = match view.recorded_bgp {
        Some(_) => {
            format!("{seen} of {} of the profile seen at the end", words::count(words::size(own.len()), "prefix", "prefixes"))
        }
        None => "no BGP recorded: routing was not observed".to_owned(),
    };
    screen.row(Weight::Must, "routes", &routes, 1);
    let good: u64 = view.completeness.series.iter().map(|series| series.successes).sum();
    let attempts: u64 = view.completeness.series.iter().map(|series| series.attempts).sum();
    let results: u64 = view.completeness.probe_files.iter().map(|file| file.results).sum();
    let probed = if attempts == 0 && results > 0 {
        format!("{} recorded, none of what the profile names: whether services worked was not measured", words::grouped(results))
    } else if attempts == 0 {
        "none recorded: whether services worked was not measured".to_owned()
    } else {
        format!("{} of {} good", words::grouped(good), words::count(attempts, "attempt", "attempts"))
    };
    screen.row(Weight::Must, "probes", &probed, 1);
}

fn observed(screen: &mut Screen, view: &ReportView) {
    if !view.observed.is_empty() {
        let count = words::count(words::size(view.observed.len()), "event", "events");
        let first = words::some(view.observed.iter().map(|seen| &seen.sentence), 1);
        screen.row(Weight::Should, "no alarm", &format!("{count} observed: {first}"), 2);
    }
}
