//! `faultline incident`: what a watch knows of incidents, and what it is to know of them from people.
//!
//! The journal itself is not opened: the watch may have it. Requests go into the folder beside it, and the watch takes them up.

use crate::alert::spool::{self, Known, KnownIncident, Request};
use crate::alert::{Acknowledgement, Silence, Silenced};
use crate::analysis::Outcome;
use crate::cli::{Format, IncidentArgs, IncidentCommand, Said};
use crate::report::plain;
use crate::time::{Span, Timestamp};
use miette::{IntoDiagnostic, WrapErr};
use std::path::Path;

/// Runs it.
///
/// # Errors
/// If nothing is known of the journal, or the folder beside it cannot be read or written.
pub fn run(typed: IncidentArgs, now: Timestamp) -> miette::Result<Outcome> {
    match typed.command {
        IncidentCommand::List { journal, format } => list(&journal.journal, format)?,
        IncidentCommand::Ack { incident, journal, said } => {
            let known = known(&journal.journal)?;
            if !known.incidents.iter().any(|known| known.number == incident) {
                let help = "`faultline incident list` tells the numbers";
                return Err(miette::miette!(help = help, "there is no incident {incident}"));
            }
            let Said { by, note } = said;
            let acknowledgement = Acknowledgement { since: now, by, note };
            ask(&journal.journal, &Request::Acknowledge { incident, acknowledgement }, &name(now))?;
        }
        IncidentCommand::Silence { journal, incident, prefix, service, duration, until, said } => {
            let what = incident.map(Silenced::Incident).or(prefix.map(|prefix| Silenced::Prefix(prefix.trunc())));
            let Some(what) = what.or(service.map(Silenced::Service)) else {
                return Err(miette::miette!("nothing to silence was named; use --incident, --prefix or --service"));
            };
            let until = until.unwrap_or(now + duration.unwrap_or(Span::ZERO));
            if until <= now {
                return Err(miette::miette!("the silence would end before it begins: {}", until.in_words()));
            }
            known(&journal.journal)?;
            let silence = Silence { id: name(now), what, until, by: said.by, note: said.note };
            ask(&journal.journal, &Request::Silence(silence.clone()), &silence.id)?;
            super::print(&format!("{}\n", silence.id))?;
        }
        IncidentCommand::Lift { silence, journal } => {
            if !known(&journal.journal)?.silences.iter().any(|known| known.id == silence) {
                let help = "`faultline incident list` tells those which last";
                return Err(miette::miette!(help = help, "there is no silence `{silence}`"));
            }
            ask(&journal.journal, &Request::Lift { id: silence }, &name(now))?;
        }
    }
    Ok(Outcome::NoIncident)
}

/// A name which no other request has: when it was made, to the microsecond, and by which process.
fn name(now: Timestamp) -> String {
    format!("{}-{}", now.micros(), std::process::id())
}

fn ask(journal: &Path, request: &Request, name: &str) -> miette::Result<()> {
    let folder = spool::folder(journal);
    let asked = spool::ask(journal, request, name).into_diagnostic();
    asked.wrap_err_with(|| format!("{} cannot be written", folder.display()))?;
    super::tell("asked; a watch which runs takes it up within a second, another one when it starts");
    Ok(())
}

fn known(journal: &Path) -> miette::Result<Known> {
    let folder = spool::folder(journal);
    let known = spool::known(&folder).into_diagnostic();
    let known = known.wrap_err_with(|| format!("{} cannot be read", folder.join("incidents.json").display()))?;
    known.ok_or_else(|| {
        let help = "name the file which `faultline watch --journal` was given";
        miette::miette!(help = help, "nothing is known of a journal {}", journal.display())
    })
}

fn list(journal: &Path, format: Format) -> miette::Result<()> {
    let known = known(journal)?;
    if format == Format::Json {
        return super::print(&format!("{}\n", serde_json::to_string_pretty(&known).into_diagnostic()?));
    }
    let mut lines = vec![format!("{}, as of {}", known.organization, known.written.in_words())];
    lines.extend(known.incidents.iter().flat_map(incident));
    if known.incidents.is_empty() {
        lines.push("no incident is known".to_owned());
    }
    lines.extend(known.silences.iter().map(|silence| {
        let note = silence.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        format!("silence {}: {} until {}{note}", silence.id, silence.what, silence.until.in_words())
    }));
    lines.extend(known.undelivered.iter().map(|waiting| {
        let given_up = waiting.given_up.as_ref().map(|reason| format!(", given up: {reason}")).unwrap_or_default();
        let since = waiting.made.in_words();
        format!(
            "undelivered to {}: incident {}, since {since}, {} attempts{given_up}",
            waiting.sink, waiting.incident, waiting.attempts
        )
    }));
    let waiting = spool::requests(&spool::folder(journal)).into_diagnostic()?.len();
    if waiting > 0 {
        lines.push(format!("{waiting} requests are not taken up yet"));
    }
    let lines: String = lines.iter().map(|line| format!("{}\n", plain(&line.replace('\n', " ")))).collect();
    super::print(&lines)
}

fn incident(known: &KnownIncident) -> Vec<String> {
    let state = match (known.open, known.as_intended) {
        (true, _) => "open",
        (false, true) => "over, as intended",
        (false, false) => "over",
    };
    let mut lines = vec![format!("incident {}: {state}, since {}: {}", known.number, known.began, known.headline)];
    lines.extend(known.acknowledged.as_ref().map(|acknowledged| {
        let by = acknowledged.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let note = acknowledged.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        format!("  acknowledged{by} {}{note}", acknowledged.since.in_words())
    }));
    lines.extend(known.held.iter().map(|held| format!("  {} was not told of the last change: {}", held.sink, held.reason)));
    lines
}
