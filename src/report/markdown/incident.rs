//! One incident in Markdown: its verdict, chain of causes, withdrawals, foreign announcements and losses, as the view has them.

use super::ROWS;
use super::page::Page;
use crate::report::view::chain::{LinkView, Phase};
use crate::report::view::foreign::ForeignView;
use crate::report::view::incident::IncidentView;
use crate::report::view::loss::{LossView, kinds_words};
use crate::report::view::service::{LayerView, ServiceView};
use crate::report::view::withdrawal::{StatementView, WithdrawalView};
use crate::report::words;
use crate::time::Timestamp;

/// Statements shown of each group of withdrawals.
const STATEMENTS: usize = 3;

/// Writes it.
pub(super) fn write(page: &mut Page, incident: &IncidentView) {
    page.heading(2, &format!("Incident {}: {}", incident.number, incident.headline));
    facts(page, incident);
    verdict(page, incident);
    chain(page, incident);
    withdrawals(page, incident);
    foreign(page, incident);
    losses(page, incident);
}

fn facts(page: &mut Page, incident: &IncidentView) {
    let ended = match &incident.ended {
        Some(ended) => format!("{} (lasted {})", ended.words, incident.lasted),
        None => format!("not over when the recording ended ({} until then)", incident.lasted),
    };
    let decided = incident.deciding().map(|service| format!("{}: {}", service.service, service.severity.words));
    let blind = incident.routing_blind.iter();
    let blind = blind.map(|b| format!("{} from {} to {}", b.what, words::moment(b.from), words::clock(b.until, b.from)));
    page.facts(&[
        ("name", incident.id.clone()),
        ("layer at fault", incident.layer.to_string()),
        ("verdict", incident.phrase.to_string()),
        ("began", incident.began.words.clone()),
        ("ended", ended),
        ("still broken at the end", incident.lasting.join("; ")),
        ("seen by", incident.seen_by.clone()),
        ("severity", decided.unwrap_or_default()),
        ("address space withdrawn", words::all(incident.address_space.iter().map(|space| space.words.clone()))),
        ("proof", incident.proof.clone()),
        ("blind while it lasted", words::some(blind, 5)),
    ]);
}

fn verdict(page: &mut Page, incident: &IncidentView) {
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
    let rows: Vec<Vec<String>> = incident.services.iter().map(row).collect();
    page.table(&["service", "layer", "verdict", "severity", "first failure (UTC)", "last recovery (UTC)"], &rows, ROWS);
    for group in incident.service_groups() {
        let Some(first) = group.first() else { continue };
        page.heading(4, &format!("Why: {}", words::all(group.iter().map(|service| &service.service))));
        page.paragraph(&format!("{}.", words::capital(&first.sentence)));
        page.titled("For:", first.reasons_for.iter().map(words::reason));
        page.titled("Against, or limiting:", first.reasons_against.iter().map(words::reason));
        page.titled("What would change it:", &first.would_change);
        let rows: Vec<Vec<String>> = first.layers.iter().map(|layer| layer_row(layer, incident.day())).collect();
        page.table(&["layer", "probed at", "fails at", "first failure (UTC)", "well again (UTC)", "how"], &rows, ROWS);
    }
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
        let row = |link: &LinkView| {
            let delay =
                |delay: &Option<crate::report::DelayView>| delay.as_ref().map_or_else(String::new, |delay| delay.words.clone());
            vec![
                link.at.on(incident.day()),
                link.layer.word().to_owned(),
                link.what.clone(),
                delay(&link.after_first),
                delay(&link.after_previous),
            ]
        };
        let rows: Vec<Vec<String>> = incident.chain.iter().filter(|link| link.phase == phase).map(row).collect();
        if !rows.is_empty() {
            page.paragraph(title);
        }
        page.table(&["when (UTC)", "layer", "what", "after the first", "after the one before"], &rows, ROWS);
    }
    page.titled("Not back when the recording ended:", &incident.lasting);
}

fn withdrawals(page: &mut Page, incident: &IncidentView) {
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
            group.recovered.map_or_else(|| "not recovered".to_owned(), |at| format!("recovered {}", words::clock(at, day)))
        )
    }));
    let rows: Vec<Vec<String>> = incident.withdrawals.iter().map(|lost| times_row(lost, day)).collect();
    let heads = [
        "prefix",
        "level",
        "first statement",
        "onset",
        "below warn",
        "below open",
        "below critical",
        "opened",
        "trough",
        "first back",
        "back at open",
        "recovered",
        "closed",
    ];
    page.table(&heads, &rows, ROWS);
    let rows: Vec<Vec<String>> = incident.withdrawals.iter().map(|lost| witness_row(lost, day)).collect();
    let heads = [
        "prefix",
        "origin",
        "baseline",
        "trough",
        "route left",
        "lost by",
        "common transit",
        "stragglers",
        "zombies",
        "statements",
    ];
    page.table(&heads, &rows, ROWS);
    if incident.withdrawals.iter().any(|lost| lost.inferred_state) {
        page.paragraph(
            "Inferred state: some vantage points had no table dump, so what they saw before is inferred from their updates.",
        );
    }
    page.paragraph("First statements of each group (faultline explain prints all):");
    let firsts = incident
        .withdrawal_groups
        .iter()
        .filter_map(|group| incident.withdrawals.iter().find(|lost| Some(&lost.prefix) == group.prefixes.first()));
    let rows: Vec<Vec<String>> =
        firsts.flat_map(|lost| lost.statements.iter().take(STATEMENTS).map(|said| statement_row(lost, said))).collect();
    page.table(&["prefix", "when (UTC)", "vantage point", "said", "path", "file", "record"], &rows, ROWS);
}

fn times_row(lost: &WithdrawalView, day: Timestamp) -> Vec<String> {
    let clock = |at| words::clock_or_dash(at, day);
    vec![
        lost.prefix.clone(),
        lost.level.word().to_owned(),
        words::clock(lost.first_statement, day),
        lost.onset.on(day),
        clock(lost.crossed.partial),
        clock(lost.crossed.major),
        clock(lost.crossed.full),
        words::clock(lost.opened, day),
        words::clock(lost.trough.at, day),
        clock(lost.first_back),
        clock(lost.back_at_open),
        clock(lost.recovered),
        clock(lost.closed),
    ]
}

fn witness_row(lost: &WithdrawalView, day: Timestamp) -> Vec<String> {
    let label = lost.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let inferred = if lost.inferred_state { " (inferred state)" } else { "" };
    let late = lost.stragglers.iter().map(|late| format!("{} {}", late.asn, words::clock(late.at, day)));
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
        statement.file.clone().unwrap_or_else(|| "none: silence".to_owned()),
        statement.record.map(|record| record.to_string()).unwrap_or_default(),
    ]
}

fn foreign(page: &mut Page, incident: &IncidentView) {
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
    let rows: Vec<Vec<String>> = incident.foreign_origins.iter().map(row).collect();
    page.table(&["prefix", "origin", "first (UTC)", "counted (UTC)", "gone (UTC)", "taken by ASes", "statements"], &rows, ROWS);
}

fn losses(page: &mut Page, incident: &IncidentView) {
    page.heading(3, "Reachability losses");
    page.paragraph(&format!("{}.", words::capital(&incident.controls.words)));
    if incident.losses.is_empty() {
        page.paragraph("None.");
    }
    let day = incident.day();
    let rows: Vec<Vec<String>> = incident
        .loss_groups
        .iter()
        .map(|group| {
            vec![
                words::layer(group.layer).to_owned(),
                group.vantage.clone(),
                words::grouped(group.targets),
                group.first_onset.on(day),
                group.last_recovery.as_ref().map_or_else(|| "not recovered".to_owned(), |last| last.on(day)),
                kinds_words(&group.kinds),
                words::grouped(group.failed_attempts),
            ]
        })
        .collect();
    let heads = ["layer", "vantage", "targets", "first onset (UTC)", "last recovery (UTC)", "how", "failed attempts"];
    page.table(&heads, &rows, ROWS);
    for (title, losses) in [
        ("Each of them:", &incident.losses),
        ("Muted: controls failed at the same vantage, so these say nothing of the organization:", &incident.muted_losses),
        ("Controls which failed:", &incident.control_losses),
    ] {
        if !losses.is_empty() {
            page.paragraph(title);
        }
        let rows: Vec<Vec<String>> = losses.iter().map(|loss| loss_row(loss, day)).collect();
        page.table(
            &["layer", "vantage", "target", "onset (UTC)", "recovery (UTC)", "lasted", "how", "extended errors"],
            &rows,
            ROWS,
        );
    }
}

fn loss_row(loss: &LossView, day: Timestamp) -> Vec<String> {
    let errors = loss.extended_errors.iter().map(|error| format!("{} ({}) ×{}", error.code, error.words, error.count));
    vec![
        words::layer(loss.layer).to_owned(),
        loss.vantage.clone(),
        loss.named_target(),
        loss.onset.on(day),
        loss.recovery.as_ref().map_or_else(|| "not recovered".to_owned(), |recovery| recovery.on(day)),
        loss.lasted.clone(),
        kinds_words(&loss.kinds),
        words::all(errors),
    ]
}
