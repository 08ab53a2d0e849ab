//! The tables which a query names.
//!
//! `updates('FILES', …)`, `ribs('FILES', …)` and `files('FILES', …)` in SQL are an [`ArchiveTable`] each. It plans a leaf of one partition a file and the node which reads them above it: a leaf of our own would be run
//! whole by every task of a cluster, since Ballista takes apart only leaves which it knows.

use crate::archives;
use crate::deal;
use crate::per_file::{PerFileExec, Work};
use crate::prefixes;
use crate::rows;
use crate::survey::SurveyExec;
use async_trait::async_trait;
use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableFunctionImpl, TableProvider};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use faultline::source::{InputFile, InputSpec};
use faultline::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    /// A row for each prefix which an UPDATE announces or withdraws.
    Updates,
    /// A row for each entry of a table dump.
    Ribs,
    /// A row for each file: what was in it, and what could not be read.
    Files,
    /// What each of so many shares found of the outages of every origin, in pieces; not for SQL.
    Survey {
        /// How many.
        shares: u32,
        /// When the report is made.
        generated: Timestamp,
    },
}

/// Archive files as a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveTable {
    /// The files.
    pub files: Vec<InputFile>,
    /// What of them.
    pub kind: TableKind,
}

#[async_trait]
impl TableProvider for ArchiveTable {
    fn schema(&self) -> SchemaRef {
        match self.kind {
            TableKind::Updates => rows::updates_schema(),
            TableKind::Ribs => rows::ribs_schema(),
            TableKind::Files => rows::files_schema(),
            TableKind::Survey { .. } => rows::found_schema(),
        }
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // What the scan leaves out no condition allows; what it gives is checked once more.
        let known = |filter: &&Expr| match (self.kind, prefixes::of(filter)) {
            (TableKind::Updates | TableKind::Ribs, Some(_)) => TableProviderFilterPushDown::Inexact,
            (TableKind::Updates | TableKind::Ribs | TableKind::Files | TableKind::Survey { .. }, _) => {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(known).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        columns: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let keys = match self.kind {
            TableKind::Survey { shares, .. } => deal::keys(shares, session.config_options().execution.target_partitions)?,
            TableKind::Updates | TableKind::Ribs | TableKind::Files => Vec::new(),
        };
        let watched = || prefixes::asked_for(filters);
        let columns = || columns.cloned().unwrap_or_else(|| (0..self.schema().fields().len()).collect());
        let work = match self.kind {
            TableKind::Updates => Work::Updates { columns: columns(), watched: watched() },
            TableKind::Ribs => Work::Ribs { columns: columns(), watched: watched() },
            TableKind::Files => Work::Files { columns: columns() },
            TableKind::Survey { .. } => Work::Squeeze { keys: keys.clone() },
        };
        let per_file = Arc::new(PerFileExec::new(leaf(&self.files)?, work)?);
        match self.kind {
            TableKind::Updates | TableKind::Ribs | TableKind::Files => Ok(per_file),
            TableKind::Survey { generated, .. } => {
                Ok(Arc::new(SurveyExec::new(per_file, Arc::new(self.files.clone()), keys, generated)?))
            }
        }
    }
}

/// A partition for each file, of one row which tells it.
fn leaf(files: &[InputFile]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema =
        Arc::new(Schema::new(vec![Field::new("number", DataType::UInt32, false), Field::new("file", DataType::Utf8, false)]));
    let row = |(number, file): (u32, &InputFile)| {
        let told = serde_json::to_string(file).map_err(|error| DataFusionError::External(error.into()))?;
        let columns: Vec<Arc<dyn datafusion::arrow::array::Array>> =
            vec![Arc::new(datafusion::arrow::array::UInt32Array::from(vec![number])), Arc::new(StringArray::from(vec![told]))];
        Ok(vec![RecordBatch::try_new(schema.clone(), columns)?])
    };
    let partitions = (0..).zip(files).map(row).collect::<Result<Vec<_>>>()?;
    Ok(MemorySourceConfig::try_new_exec(&partitions, schema, None)?)
}

/// A table in SQL: `NAME('FILES', …)`.
#[derive(Debug)]
pub struct TableOf(pub TableKind);

impl TableFunctionImpl for TableOf {
    fn call(&self, named: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        let spec = |expr: &Expr| {
            let text = if let Expr::Literal(value, _) = expr { value.try_as_str().flatten() } else { None };
            text.map_or_else(|| plan_err!("name files as text in quotes, not {expr}"), |text| Ok(spec_of(text)))
        };
        let specs = named.iter().map(spec).collect::<Result<Vec<_>>>()?;
        // Planning waits for nobody, but a list of files in a store has to be asked for.
        let files = std::thread::scope(|scope| {
            let find = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(archives::find(&specs))
            };
            scope.spawn(find).join().unwrap_or_else(|_| Err(DataFusionError::Execution("looking for files failed".to_owned())))
        })?;
        Ok(Arc::new(ArchiveTable { files, kind: self.0 }))
    }
}

/// `FILES`, or `NAME=FILES` where a collector is named too.
pub fn spec_of(text: &str) -> InputSpec {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() && !name.contains(['/', ':']) => {
            InputSpec { path: path.into(), collector: Some(name.to_owned()) }
        }
        _ => InputSpec { path: text.into(), collector: None },
    }
}
