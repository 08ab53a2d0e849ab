//! What became of routes in an incident: withdrawals, who saw them last, announcements by other origins, and every statement.

use super::{ROWS, in_force};
use crate::report::page::Page;
use crate::report::view::ReportView;
use crate::report::view::foreign::ForeignView;
use crate::report::view::incident::IncidentView;
use crate::report::view::withdrawal::{StatementView, WithdrawalView};
use crate::report::words;
use crate::time::Timestamp;
use crate::vantage::Asn;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Statements shown: a page stays one which can be opened and sent on.
const STATEMENTS: usize = 1_500;
/// What stands for a file where nothing was said.
const SILENCE: &str = "none: silence";

/// Writes them.
pub(super) fn write(page: &mut Page, view: &ReportView, incident: &IncidentView) {
    if incident.withdrawals.is_empty() {
        return;
    }
    let day = incident.day();
    page.heading(3, "Withdrawals");
    page.list(incident.withdrawal_groups.iter().map(|group| {
        format!(
            "{}: {}, onset {}, {} at worst; {}; {}",
            words::some(&group.prefixes, 8),
            group.level.word(),
            group.onset.on(day),
            group.trough.words,
            group.route_left,
            group.recovered.as_ref().map_or_else(|| "not recovered".to_owned(), |back| format!("recovered {}", back.on(day)))
        )
    }));
    last_seen(page, view, incident);
}

/// Every time of every prefix, and what was left of it.
pub(super) fn tables(page: &mut Page, view: &ReportView, incident: &IncidentView) {
    if incident.withdrawals.is_empty() {
        return;
    }
    let day = incident.day();
    let rows = incident.withdrawals.iter().map(|lost| times_row(lost, day));
    let heads = [
        "prefix",
        "level",
        "first statement",
        "onset",
        "below warn",
        "warn held",
        "below open",
        "below critical",
        "fewest saw it",
        "first back",
        "back at open",
        "recovered",
        "recovery held",
    ];
    page.table(&heads, rows, ROWS);
    page.paragraph(&format!(
        "Shares are of what is usual for the prefix: warn {}, open {}, critical {}; recovered from {} on. A level counts when it has \
         held for {}, a recovery when it has held for {}. Onset: the change point before the crossing.",
        in_force(view, "warn_percent"),
        in_force(view, "open_percent"),
        in_force(view, "critical_percent"),
        in_force(view, "close_percent"),
        in_force(view, "open_hold"),
        in_force(view, "close_hold"),
    ));
    page.fold("Each prefix: origin, what is usual, what was left, who lost it", |page| witnesses(page, incident));
}

fn witnesses(page: &mut Page, incident: &IncidentView) {
    let rows = incident.withdrawals.iter().map(|lost| witness_row(lost, incident.day()));
    let heads = [
        "prefix",
        "origin",
        "baseline",
        "at worst",
        "route left",
        "lost by",
        "common transit",
        "stragglers, the last first",
        "zombies",
        "statements",
    ];
    page.table(&heads, rows, ROWS);
}

/// Who still saw the prefixes when most had lost them.
fn last_seen(page: &mut Page, view: &ReportView, incident: &IncidentView) {
    let day = incident.day();
    let mut last: BTreeMap<Asn, Vec<(Timestamp, &str)>> = BTreeMap::new();
    for lost in &incident.withdrawals {
        lost.stragglers.iter().for_each(|late| last.entry(late.asn).or_default().push((late.at, &lost.prefix)));
    }
    last.values_mut().for_each(|late| late.sort_by_key(|(at, _)| Reverse(*at)));
    let mut last: Vec<_> = last.into_iter().collect();
    last.sort_by_key(|(asn, late)| (late.first().map(|(at, _)| Reverse(*at)), *asn));
    let late = last.iter().filter_map(|(asn, late)| {
        let (at, _) = late.first()?;
        Some(format!("{asn} at {} ({})", words::clock(*at, day), words::some(late.iter().map(|(_, prefix)| prefix), 2)))
    });
    if !last.is_empty() {
        let title = "Stragglers, the last first";
        page.paragraph(&format!(
            "{title} (lost more than {} after the onset): {}.",
            in_force(view, "grouping"),
            words::some(late, 20)
        ));
    }
    let mut zombies: BTreeMap<Asn, Vec<&str>> = BTreeMap::new();
    for lost in &incident.withdrawals {
        lost.zombies.iter().for_each(|asn| zombies.entry(*asn).or_default().push(&lost.prefix));
    }
    page.titled(
        "Who still showed a route long after (zombies):",
        zombies.iter().map(|(asn, prefixes)| format!("{asn}: {}", words::some(prefixes, 6))),
    );
    let still: u32 = incident.withdrawals.iter().map(|lost| lost.trough.seeing).sum();
    if still == 0 {
        page.paragraph("When fewest saw them, none of the ASes whose vote counts had a route to any of them.");
    }
}

/// Every statement, in time order.
pub(super) fn statements(page: &mut Page, incident: &IncidentView) {
    let mut said: Vec<(&WithdrawalView, &StatementView)> =
        incident.withdrawals.iter().flat_map(|lost| lost.statements.iter().map(move |said| (lost, said))).collect();
    said.sort_by_key(|(_, said)| said.at);
    let heads = ["prefix", "when (UTC)", "vantage point", "said", "path", "file", "record"];
    let is_named = |said: &StatementView| {
        let mut proofs = incident.chain.iter().filter_map(|link| link.proof.as_ref());
        proofs.any(|proof| said.file.as_ref() == Some(&proof.file) && said.record == Some(proof.record))
    };
    let named: Vec<Vec<String>> =
        said.iter().filter(|(_, said)| is_named(said)).map(|(lost, said)| statement_row(lost, said)).collect();
    if !named.is_empty() {
        page.paragraph("In the records which the chain names:");
        page.table(&heads, named, ROWS);
        page.paragraph("All, in time order:");
    }
    let (first, last) = match said.len() {
        few if few <= STATEMENTS => (&said[..], &[][..]),
        many => (&said[..STATEMENTS / 2], &said[many - STATEMENTS / 2..]),
    };
    let rows = |part: &[(&WithdrawalView, &StatementView)]| -> Vec<Vec<String>> {
        part.iter().map(|(lost, said)| statement_row(lost, said)).collect()
    };
    page.table(&heads, rows(first), STATEMENTS);
    if !last.is_empty() {
        let between = words::grouped(words::size(said.len() - first.len() - last.len()));
        page.paragraph(&format!("… {between} between these and the last ones: the JSON form has all of them."));
        page.table(&heads, rows(last), STATEMENTS);
    }
    let mut taken: Vec<_> = incident.foreign_origins.iter().flat_map(|f| f.statements.iter().map(move |said| (f, said))).collect();
    taken.sort_by_key(|(_, said)| said.at);
    let rows = taken.into_iter().map(|(foreign, said)| {
        vec![
            foreign.prefix.clone(),
            foreign.origin.to_string(),
            said.at.clock(),
            said.vantage.clone(),
            words::took(said.taken).to_owned(),
            said.file.clone().unwrap_or_else(|| SILENCE.to_owned()),
            said.record.map(|record| record.to_string()).unwrap_or_default(),
        ]
    });
    page.table(&["prefix", "origin", "when (UTC)", "vantage point", "did", "file", "record"], rows, STATEMENTS);
}

fn times_row(lost: &WithdrawalView, day: Timestamp) -> Vec<String> {
    let clock = |at| words::clock_or_dash(at, day);
    vec![
        lost.prefix.clone(),
        lost.level.word().to_owned(),
        words::clock(lost.first_statement, day),
        lost.onset.on(day),
        clock(lost.crossed.partial),
        words::clock(lost.opened, day),
        clock(lost.crossed.major),
        clock(lost.crossed.full),
        words::clock(lost.trough.at, day),
        clock(lost.first_back),
        clock(lost.back_at_open),
        lost.recovered.as_ref().map_or_else(|| words::clock_or_dash(None, day), |back| back.on(day)),
        clock(lost.closed),
    ]
}

fn witness_row(lost: &WithdrawalView, day: Timestamp) -> Vec<String> {
    let label = lost.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let inferred = if lost.inferred_state { " (inferred state)" } else { "" };
    let mut late: Vec<_> = lost.stragglers.iter().collect();
    late.sort_by_key(|late| (Reverse(late.at), late.asn));
    let late = late.into_iter().map(|late| format!("{} {}", late.asn, words::clock(late.at, day)));
    vec![
        format!("{}{label}", lost.prefix),
        if lost.origins.is_empty() { "never seen".to_owned() } else { words::all(&lost.origins) },
        format!("{}{inferred}", lost.baseline),
        lost.trough.words.clone(),
        lost.route_left.clone(),
        words::some(&lost.lost_by, 10),
        words::all(&lost.common_transit),
        words::some(late, 10),
        words::some(&lost.zombies, 10),
        words::grouped(words::size(lost.statements.len())),
    ]
}

fn statement_row(lost: &WithdrawalView, statement: &StatementView) -> Vec<String> {
    vec![
        lost.prefix.clone(),
        statement.at.clock(),
        statement.vantage.clone(),
        words::said(statement.said).to_owned(),
        statement.path.clone().unwrap_or_default(),
        statement.file.clone().unwrap_or_else(|| SILENCE.to_owned()),
        statement.record.map(|record| record.to_string()).unwrap_or_default(),
    ]
}

/// Writes announcements by other origins.
pub(super) fn foreign(page: &mut Page, incident: &IncidentView) {
    if incident.foreign_origins.is_empty() {
        return;
    }
    page.heading(3, "Foreign origins");
    let day = incident.day();
    let row = |foreign: &ForeignView| {
        vec![
            foreign.prefix.clone(),
            foreign.origin.to_string(),
            words::clock(foreign.first, day),
            words::clock_or_dash(foreign.opened, day),
            foreign.ended.map_or_else(|| "not over".to_owned(), |ended| words::clock(ended, day)),
            format!("{} of {}: {}", foreign.taken_by.len(), foreign.eligible, words::some(&foreign.taken_by, 10)),
            words::grouped(words::size(foreign.statements.len())),
        ]
    };
    let rows = incident.foreign_origins.iter().map(row);
    page.table(&["prefix", "origin", "first (UTC)", "counted (UTC)", "gone (UTC)", "taken by ASes", "statements"], rows, ROWS);
}
