//! The node of a plan which reads files: one partition of its leaf names a file, the same partition of what it gives is what was in it.

use crate::archives::{OnDisk, on_disk};
use crate::rows::{self, ROWS, StatementRows};
use datafusion::arrow::array::{Array, AsArray, LargeBinaryArray, RecordBatch, StringArray, UInt32Array};
use datafusion::arrow::datatypes::{SchemaRef, UInt32Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use faultline::source::{InputFile, Interest, Merge, Resources, Squeezed, WatchedPrefixes, squeeze};
use faultline::vantage::Vantages;
use futures::StreamExt;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::sync::Arc;

/// Bytes of a stand-in which are passed on at once: well below what a message of the cluster may hold.
const PIECE: usize = 1024 * 1024;

/// What is made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Rows of UPDATEs.
    Updates {
        /// Of which columns.
        columns: Vec<usize>,
        /// To what their prefixes are related; `None`: to anything.
        watched: Option<Vec<IpNet>>,
    },
    /// Rows of table dumps.
    Ribs {
        /// Of which columns.
        columns: Vec<usize>,
        /// To what their prefixes are related; `None`: to anything.
        watched: Option<Vec<IpNet>>,
    },
    /// A row of what was in it.
    Files {
        /// Of which columns.
        columns: Vec<usize>,
    },
    /// Its stand-in, once for each share.
    Squeeze {
        /// Their keys, by the number of the share.
        keys: Vec<u32>,
    },
}

/// The node.
#[derive(Debug, Clone)]
pub struct PerFileExec {
    child: Arc<dyn ExecutionPlan>,
    work: Work,
    properties: Arc<PlanProperties>,
}

impl Work {
    fn schema(&self) -> Result<SchemaRef> {
        let (schema, columns) = match self {
            Work::Updates { columns, .. } => (rows::updates_schema(), columns),
            Work::Ribs { columns, .. } => (rows::ribs_schema(), columns),
            Work::Files { columns } => (rows::files_schema(), columns),
            Work::Squeeze { .. } => return Ok(rows::pieces_schema()),
        };
        Ok(Arc::new(schema.project(columns)?))
    }

    /// Does it; `give` is false once nobody wants more.
    fn run(&self, (number, file): (u32, &InputFile), on_disk: &OnDisk, give: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        match self {
            Work::Updates { columns, watched } => read(true, file, on_disk, (columns, watched.as_deref()), give),
            Work::Ribs { columns, watched } => read(false, file, on_disk, (columns, watched.as_deref()), give),
            Work::Files { columns } => {
                let (mut vantages, mut next) = (Vantages::default(), VecDeque::new());
                let account = match open(file, on_disk, Interest::Watched(WatchedPrefixes::default())) {
                    Ok(mut merge) => {
                        while !{
                            merge.next_some(&mut vantages, &mut next);
                            next.is_empty()
                        } {}
                        merge.accounts().first().cloned()
                    }
                    // A file of which nothing can be read has a row too, which says so.
                    Err(error) => {
                        let mut account =
                            faultline::source::FileAccount::new(file.path.clone(), file.collector.clone(), file.bytes);
                        account.error = Some(error.to_string());
                        Some(account)
                    }
                };
                let Some(mut account) = account else { return internal_err!("a file without an account") };
                account.path.clone_from(&file.path);
                give(rows::file_row(&account, columns)?);
                Ok(())
            }
            Work::Squeeze { keys } => {
                let squeezed = squeeze(file.bytes, || Ok(Box::new(File::open(on_disk.path())?))).map_err(|error| {
                    DataFusionError::Execution(format!("{}: {error}; check that every executor can read it", file.path.display()))
                })?;
                pieces(number, keys, &squeezed, give)
            }
        }
    }
}

fn open(file: &InputFile, on_disk: &OnDisk, interest: Interest) -> Result<Merge> {
    let here = InputFile { path: on_disk.path().to_owned(), ..file.clone() };
    Merge::open(vec![here], interest, &Resources::default()).map_err(|error| DataFusionError::External(error.into()))
}

/// Rows of statements on prefixes which are related to watched ones, and perhaps on others.
fn read(
    updates: bool,
    file: &InputFile,
    on_disk: &OnDisk,
    (columns, watched): (&[usize], Option<&[IpNet]>),
    give: &mut dyn FnMut(RecordBatch) -> bool,
) -> Result<()> {
    let interest = watched.map_or(Interest::Everything, |nets| Interest::Watched(WatchedPrefixes::new(nets.iter().copied())));
    let mut merge = match open(file, on_disk, interest) {
        Ok(merge) => merge,
        // What stands in a folder beside archives is no mistake; its row in `files` says what it is.
        Err(_) if !file.expected => return Ok(()),
        Err(error) => return Err(error),
    };
    let (mut vantages, mut next) = (Vantages::default(), VecDeque::new());
    let mut rows = StatementRows::new(updates, file.path.display().to_string());
    loop {
        merge.next_some(&mut vantages, &mut next);
        if next.is_empty() {
            break;
        }
        for observation in &next {
            rows.push(observation, &vantages);
            if rows.len() == ROWS && !give(rows.take(columns)?) {
                return Ok(());
            }
        }
    }
    if rows.len() > 0 {
        give(rows.take(columns)?);
    }
    Ok(())
}

fn pieces(number: u32, keys: &[u32], squeezed: &Squeezed, give: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
    let original = serde_json::to_string(&squeezed.of).map_err(|error| DataFusionError::External(error.into()))?;
    let chunks: Vec<&[u8]> = if squeezed.bytes.is_empty() { vec![&[]] } else { squeezed.bytes.chunks(PIECE).collect() };
    let count = u32::try_from(chunks.len()).map_err(|error| DataFusionError::External(error.into()))?;
    for (piece, bytes) in (0..count).zip(chunks) {
        let known = if piece == 0 { original.as_str() } else { "" };
        for key in keys {
            let one = |number: u32| Arc::new(UInt32Array::from(vec![number])) as Arc<dyn Array>;
            let known: Arc<dyn Array> = Arc::new(StringArray::from(vec![known]));
            let bytes: Arc<dyn Array> = Arc::new(LargeBinaryArray::from(vec![bytes]));
            let row = vec![one(*key), one(number), one(piece), one(count), known, bytes];
            if !give(RecordBatch::try_new(rows::pieces_schema(), row)?) {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl PerFileExec {
    /// Does this to each file which the child names.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn new(child: Arc<dyn ExecutionPlan>, work: Work) -> Result<Self> {
        let partitions = child.properties().output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(work.schema()?),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(PerFileExec { child, work, properties: Arc::new(properties) })
    }

    /// What it does.
    pub fn work(&self) -> &Work {
        &self.work
    }
}

impl DisplayAs for PerFileExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = |watched: &Option<Vec<IpNet>>| match watched {
            None => "every prefix".to_owned(),
            Some(nets) => format!("prefixes related to {}", nets.iter().map(IpNet::to_string).collect::<Vec<_>>().join(", ")),
        };
        match &self.work {
            Work::Updates { watched: nets, .. } => write!(f, "MrtScan: UPDATEs, {}", watched(nets)),
            Work::Ribs { watched: nets, .. } => write!(f, "MrtScan: table dumps, {}", watched(nets)),
            Work::Files { .. } => write!(f, "MrtScan: accounts of files"),
            Work::Squeeze { keys } => write!(f, "Squeeze: for {} shares", keys.len()),
        }
    }
}

impl ExecutionPlan for PerFileExec {
    fn name(&self) -> &'static str {
        "PerFileExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.child]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let [child] =
            <[_; 1]>::try_from(children).map_err(|_| DataFusionError::Internal("PerFileExec has one child".to_owned()))?;
        Ok(Arc::new(PerFileExec::new(child, self.work.clone())?))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut named = self.child.execute(partition, context)?;
        let work = self.work.clone();
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), 2);
        let out = stream.tx();
        stream.spawn(async move {
            while let Some(batch) = named.next().await {
                let batch = batch?;
                let (numbers, files) = (batch.column(0).as_primitive::<UInt32Type>(), batch.column(1).as_string::<i32>());
                for (number, told) in numbers.iter().flatten().zip(files.iter().flatten()) {
                    let file: InputFile = serde_json::from_str(told).map_err(|error| DataFusionError::External(error.into()))?;
                    let on_disk = on_disk(&file).await?;
                    let (work, out) = (work.clone(), out.clone());
                    let done = tokio::task::spawn_blocking(move || {
                        work.run((number, &file), &on_disk, &mut |batch| out.blocking_send(Ok(batch)).is_ok())
                    });
                    done.await.map_err(|error| DataFusionError::External(error.into()))??;
                }
            }
            Ok(())
        });
        Ok(stream.build())
    }
}
