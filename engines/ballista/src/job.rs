//! The outages of every origin, as a job.

use crate::table::{ArchiveTable, TableKind};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::UInt32Type;
use datafusion::common::{DataFusionError, Result, exec_err, internal_err};
use datafusion::prelude::SessionContext;
use faultline::report::{SurveyShare, SurveyView};
use faultline::settings::Settings;
use faultline::source::InputFile;
use faultline::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Job {
    /// Over which files.
    pub files: Vec<InputFile>,
    /// In how many shares of all prefixes. What is found does not depend on it.
    pub shares: u32,
    /// When the report is made.
    pub generated: Timestamp,
}

/// Runs it where the context runs plans.
///
/// # Errors
/// If a file cannot be read, or the cluster is lost.
pub async fn outages(context: &SessionContext, job: Job) -> Result<SurveyView> {
    let Job { files, shares, generated } = job;
    let table = ArchiveTable { files, kind: TableKind::Survey { shares, generated } };
    let batches = context.read_table(Arc::new(table))?.collect().await?;
    let mut told: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for batch in &batches {
        let number = |column: usize| batch.column(column).as_primitive::<UInt32Type>();
        let found = batch.column(3).as_string::<i32>();
        for row in 0..batch.num_rows() {
            let (share, piece) = (number(0).value(row), number(1).value(row));
            counts.insert(share, number(2).value(row));
            if told.entry(share).or_default().insert(piece, found.value(row).to_owned()).is_some() {
                return internal_err!("piece {piece} of share {share} came twice");
            }
        }
    }
    let mut found = Vec::new();
    for share in 0..shares {
        let pieces = told.remove(&share).unwrap_or_default();
        if pieces.is_empty() || counts.get(&share).is_none_or(|count| *count as usize != pieces.len()) {
            return exec_err!("what share {share} found did not come whole; run it again");
        }
        let text: String = pieces.into_values().collect();
        let share: SurveyShare = serde_json::from_str(&text).map_err(|error| DataFusionError::External(error.into()))?;
        found.push(share);
    }
    SurveyView::joined(found, &Settings::default()).map_or_else(|| exec_err!("there are no shares"), Ok)
}
