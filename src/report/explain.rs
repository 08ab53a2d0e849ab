//! Every observation behind a verdict, down to file and record number.
//!
//! Takes an analysis and the name of an incident; gives an [`ExplanationView`], or the same as plain text. Nothing is cut: what a report
//! only counts is listed here, so that a verdict can be checked by hand.

use super::view::ReportView;
use super::view::explanation::{ExplainedLoss, ExplanationView};
use super::view::incident::IncidentView;
use super::view::loss::kinds_words;
use super::view::service::ServiceView;
use super::view::withdrawal::{StatementView, WithdrawalView};
use super::{terminal, words};
use crate::analysis::Analysis;
use crate::time::Timestamp;
use std::fmt::Write;

/// Why nothing can be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The analysis found none.
    #[error("no incident was found, so there is none to explain")]
    NoIncident,
    /// None is called so.
    #[error("no incident is called `{asked}`; there are: {}", known.join(", "))]
    NoSuchIncident {
        /// What was asked for.
        asked: String,
        /// Numbers and names of those there are.
        known: Vec<String>,
    },
    /// Several begin so.
    #[error("`{asked}` fits several incidents: {}", fitting.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// Those which fit.
        fitting: Vec<String>,
    },
    /// The profile has no such service.
    #[error("no service is called `{asked}`; there are: {}", known.join(", "))]
    NoSuchService {
        /// What was asked for.
        asked: String,
        /// Those there are.
        known: Vec<String>,
    },
}

/// Explains an incident, named by its number, its name or the beginning of it; of one service, or of all.
///
/// # Errors
/// If no incident or several fit, or the incident has no such service.
pub fn explanation(analysis: &Analysis, incident: &str, service: Option<&str>) -> Result<ExplanationView, ExplainError> {
    let view = ReportView::of(analysis, Timestamp::MIN);
    let incident = find(&view.incidents, incident.trim())?;
    let only = match service {
        None => None,
        Some(asked) => {
            let found = incident.services.iter().find(|service| service.service.eq_ignore_ascii_case(asked.trim()));
            let known = || incident.services.iter().map(|service| service.service.clone()).collect();
            Some(found.ok_or_else(|| ExplainError::NoSuchService { asked: asked.to_owned(), known: known() })?)
        }
    };
    Ok(ExplanationView::of(analysis, &view, incident, only))
}

/// The [`explanation`] as text. Of failed attempts it lists the records.
///
/// # Errors
/// As for [`explanation`].
pub fn explain(analysis: &Analysis, incident: &str, service: Option<&str>) -> Result<String, ExplainError> {
    Ok(explanation_text(&explanation(analysis, incident, service)?))
}

/// An explanation for people.
pub fn explanation_text(view: &ExplanationView) -> String {
    let mut text = Explanation::default();
    text.head(view);
    for service in &view.services {
        text.service(service);
    }
    text.routing(view);
    text.losses("Failed attempts", &view.losses);
    text.losses("Muted: failed attempts at vantages whose controls failed too", &view.muted_losses);
    text.losses("Controls which failed", &view.control_losses);
    text.files(view);
    text.0
}

fn find<'a>(incidents: &'a [IncidentView], asked: &str) -> Result<&'a IncidentView, ExplainError> {
    let name = |incident: &IncidentView| format!("{} ({})", incident.number, incident.id);
    if incidents.is_empty() {
        return Err(ExplainError::NoIncident);
    }
    let by_number = asked.parse::<usize>().ok();
    if let Some(found) = incidents.iter().find(|incident| Some(incident.number) == by_number || incident.id == asked) {
        return Ok(found);
    }
    // Shorter than a year is a number, and no beginning of a name.
    let fits = |incident: &&IncidentView| asked.len() >= 4 && incident.id.starts_with(asked);
    let fitting: Vec<&IncidentView> = incidents.iter().filter(fits).collect();
    match fitting[..] {
        [] => Err(ExplainError::NoSuchIncident { asked: asked.to_owned(), known: incidents.iter().map(name).collect() }),
        [one] => Ok(one),
        _ => Err(ExplainError::Ambiguous { asked: asked.to_owned(), fitting: fitting.into_iter().map(name).collect() }),
    }
}

#[derive(Default)]
struct Explanation(String);

impl Explanation {
    /// One line; control characters which came from outside are taken out.
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.0, "{:indent$}{}", "", terminal::clean(text));
    }

    fn title(&mut self, text: &str) {
        self.0.push('\n');
        self.line(0, text);
    }

    fn head(&mut self, view: &ExplanationView) {
        let incident = &view.incident;
        self.line(0, &format!("Incident {} of {}: {}", incident.number, view.organization.name, incident.id));
        if let Some(note) = &view.organization.note {
            self.line(0, note);
        }
        self.line(0, &incident.headline);
        self.line(0, &format!("Began {}.", incident.began.words));
        match &incident.ended {
            Some(ended) => self.line(0, &format!("Ended {}; lasted {}.", ended.words, incident.lasted)),
            None => self.line(0, &format!("Not over when its data ends; {} until then.", incident.lasted)),
        }
        self.line(0, &format!("Seen by: {}.", incident.seen_by));
        self.line(0, &format!("Proof: {}.", incident.proof));
        for space in &incident.address_space {
            self.line(0, &format!("Withdrawn: {}.", space.words));
        }
        for blind in &incident.routing_blind {
            self.line(0, &format!("Blind: {} from {} to {}.", blind.what, blind.from, blind.until));
        }
    }

    fn service(&mut self, service: &ServiceView) {
        self.title(&format!("Service {}: {}", service.service, service.sentence));
        self.line(2, &format!("severity  {}", service.severity.words));
        for reason in &service.reasons_for {
            self.line(2, &format!("for       {}", words::reason(reason)));
        }
        for reason in &service.reasons_against {
            self.line(2, &format!("against   {}", words::reason(reason)));
        }
        for change in &service.would_change {
            self.line(2, &format!("changes   {change}"));
        }
    }

    fn routing(&mut self, view: &ExplanationView) {
        for withdrawal in &view.withdrawals {
            self.withdrawal(withdrawal);
        }
        if view.withdrawals_left_out > 0 {
            let count = words::count(view.withdrawals_left_out, "withdrawal", "withdrawals");
            self.title(&format!("{count} of prefixes which this service is not known to need: left out; ask without a service."));
        }
        for foreign in &view.foreign_origins {
            self.title(&format!("Foreign origin: {}", foreign.sentence));
            for statement in &foreign.statements {
                let took = words::took(statement.taken);
                let place = place(statement.file.as_deref(), statement.record);
                self.line(2, &format!("{}  {}  {took}  {place}", statement.at, statement.vantage));
            }
        }
    }

    fn withdrawal(&mut self, lost: &WithdrawalView) {
        self.title(&format!("Withdrawal of {}: {}, {} at {}", lost.prefix, lost.level.word(), lost.trough.words, lost.trough.at));
        self.line(
            2,
            &format!("baseline {}, onset {}, opened {}; {}", lost.baseline, lost.onset.words, lost.opened, lost.route_left),
        );
        for statement in &lost.statements {
            self.line(2, &said(statement));
        }
    }

    fn losses(&mut self, title: &str, losses: &[ExplainedLoss]) {
        if losses.is_empty() {
            return;
        }
        self.title(title);
        for ExplainedLoss { loss, .. } in losses {
            let layer = words::layer(loss.layer);
            self.line(2, &format!("{} at {} ({layer}): {}", loss.named_target(), loss.vantage, kinds_words(&loss.kinds)));
            let recovery = loss.recovery.as_ref().map_or("not recovered", |recovery| recovery.words.as_str());
            self.line(4, &format!("onset {}; recovery {recovery}", loss.onset.words));
            for error in &loss.extended_errors {
                self.line(4, &format!("extended error {} ({}) ×{}", error.code, error.words, error.count));
            }
            for records in &loss.evidence {
                self.line(
                    4,
                    &format!("{}: {} {}", records.file, if records.count == 1 { "record" } else { "records" }, records.records),
                );
            }
        }
    }

    fn files(&mut self, view: &ExplanationView) {
        self.title("Files (BLAKE3)");
        for file in &view.files {
            self.line(2, &format!("{}  {}", file.blake3, file.path));
        }
    }
}

fn said(statement: &StatementView) -> String {
    let path = statement.path.as_ref().map(|path| format!(" [{path}]")).unwrap_or_default();
    let place = place(statement.file.as_deref(), statement.record);
    format!("{}  {}  {}{path}  {place}", statement.at, statement.vantage, words::said(statement.said))
}

fn place(file: Option<&str>, record: Option<u64>) -> String {
    match (file, record) {
        (Some(file), Some(record)) => format!("{file} record {record}"),
        _ => "by silence: no record".to_owned(),
    }
}
