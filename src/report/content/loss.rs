//! What clients could not reach in an incident, and every failed attempt.

use super::ROWS;
use crate::report::page::Page;
use crate::report::view::incident::IncidentView;
use crate::report::view::loss::{LossView, kinds_words};
use crate::report::words;
use crate::time::Timestamp;

/// Writes them.
pub(super) fn write(page: &mut Page, incident: &IncidentView) {
    page.heading(3, "Reachability losses");
    page.paragraph(&format!("{}.", words::capital(&incident.controls.words)));
    if incident.losses.is_empty() {
        page.paragraph("None.");
    }
    let day = incident.day();
    let rows = incident.loss_groups.iter().map(|group| {
        vec![
            words::layer(group.layer).to_owned(),
            group.vantage.clone(),
            words::grouped(group.targets),
            group.first_onset.on(day),
            group.last_recovery.as_ref().map_or_else(|| "not recovered".to_owned(), |last| last.on(day)),
            kinds_words(&group.kinds),
            words::grouped(group.failed_attempts),
        ]
    });
    let heads = ["layer", "vantage", "targets", "first onset (UTC)", "last recovery (UTC)", "how", "failed attempts"];
    page.table(&heads, rows, ROWS);
    for (title, losses) in [
        ("Each of them", &incident.losses),
        ("Muted: controls failed at the same vantage, so these say nothing of the organization", &incident.muted_losses),
        ("Controls which failed", &incident.control_losses),
    ] {
        page.fold(title, |page| {
            let heads = [
                "layer",
                "vantage",
                "target",
                "onset (UTC)",
                "recovery (UTC)",
                "lasted",
                "how",
                "extended errors",
                "recovery shown by",
            ];
            page.table(&heads, losses.iter().map(|loss| loss_row(loss, day)), ROWS);
        });
    }
}

/// Every failed attempt, by file and record.
pub(super) fn attempts(page: &mut Page, incident: &IncidentView) {
    let losses = incident.losses.iter().chain(&incident.muted_losses).chain(&incident.control_losses);
    let rows = losses.flat_map(|loss| {
        loss.evidence.iter().map(|records| {
            vec![
                words::layer(loss.layer).to_owned(),
                loss.vantage.clone(),
                loss.named_target(),
                words::grouped(records.count),
                records.file.clone(),
                records.records.clone(),
            ]
        })
    });
    page.table(&["layer", "vantage", "target", "failed", "file", "records"], rows, ROWS);
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
        loss.recovered_by.as_ref().map(words::record).unwrap_or_default(),
    ]
}
