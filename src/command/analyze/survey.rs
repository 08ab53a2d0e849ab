//! `faultline analyze --all-origins`: outages of every origin AS, told while archives are read, or whole at the end.

use super::{observe, show, specs, threads};
use crate::analysis::{Outcome, Survey};
use crate::cli::{Analyze, Inputs, Printed};
use crate::holder::{Holders, HoldersError};
use crate::outage::OutageStream;
use crate::pipeline::Pipeline;
use crate::report::{self, OutageLine};
use crate::scope::Scope;
use crate::settings::Settings;
use crate::source::{Interest, Resources, discover};
use crate::time::Timestamp;
use crate::timing::{Stage, Timing};
use crate::withdrawal::WithdrawalStep;
use miette::IntoDiagnostic;
use std::path::Path;

/// Runs it.
///
/// # Errors
/// If the table of organizations is not valid, none of the input could be read, or the report could not be written.
pub(super) fn run_survey(typed: &Analyze, now: Timestamp, timing: &Timing) -> miette::Result<Outcome> {
    let holders = typed.organizations.as_deref().map(read_holders).transpose()?;
    let mut lines = (typed.format == Printed::Jsonl)
        .then(|| Lines { stream: OutageStream::new(&Settings::default()), holders: holders.clone().unwrap_or_default() });
    let mut survey = survey_followed(&typed.inputs, lines.as_mut(), timing)?;
    if let Some(holders) = &holders {
        survey = timing.of(Stage::Compare, || survey.rolled_up(holders));
    }
    timing.of(Stage::Report, || {
        if lines.is_none() || typed.out.is_some() {
            show(typed, || report::SurveyView::of(&survey, now), Vec::new())?;
        }
        lines.map_or(Ok(()), |lines| super::super::print(&report::line(&OutageLine::summary(&survey, lines.stream.count()))))
    })?;
    Ok(survey.outcome())
}

/// Everything found about every origin AS.
///
/// # Errors
/// If none of the input could be read.
pub fn survey(inputs: &Inputs, timing: &Timing) -> miette::Result<Survey> {
    survey_followed(inputs, None, timing)
}

fn survey_followed(inputs: &Inputs, lines: Option<&mut Lines>, timing: &Timing) -> miette::Result<Survey> {
    let settings = Settings::default();
    let files = discover(&specs(&inputs.inputs, &inputs.collectors)?).into_diagnostic()?;
    let resources = Resources { threads: threads(inputs), timing: timing.clone(), ..Resources::default() };
    let pipeline = Pipeline::new(Scope::Everything, &settings);
    let pipeline = if lines.is_some() { pipeline.followed() } else { pipeline };
    let (routing, vantages, bgp_files) =
        timing.of(Stage::Archives, || observe(files, Interest::Origins, pipeline, lines, &resources))?;
    let outages = timing.of(Stage::Compare, || Survey::outages(&routing, &settings));
    Ok(Survey { settings, vantages, routing, outages, roll_up: None, bgp_files })
}

fn read_holders(path: &Path) -> miette::Result<Holders> {
    let table = std::fs::read(path).map_err(|error| HoldersError::Unreadable { file: path.to_owned(), error })?;
    Ok(Holders::read(path, &table)?)
}

/// Prints what happens to outages as soon as it does.
pub(super) struct Lines {
    stream: OutageStream,
    holders: Holders,
}

impl Lines {
    /// Takes steps of withdrawals, in order of time.
    ///
    /// # Errors
    /// If standard output could not be written.
    pub(super) fn tell(&mut self, steps: &[WithdrawalStep]) -> miette::Result<()> {
        let events = self.stream.take(steps);
        if events.is_empty() {
            return Ok(());
        }
        let lines = events.into_iter().map(|event| report::line(&OutageLine::event(event, &self.holders)));
        super::super::print(&lines.collect::<String>())
    }
}
