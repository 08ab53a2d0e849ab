//! The node of a plan which follows a share of all prefixes over all files, from their stand-ins.
//!
//! Takes pieces of stand-ins, in any order; gives what its shares found, in pieces. State is kept for each vantage point in order of time across the borders of files, as one process does: it is
//! the same code, which reads the stand-ins in place of the archives. A piece which does not come, or comes twice, ends the job: nothing is found in half of the data.

use crate::rows;
use datafusion::arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt32Array};
use datafusion::arrow::datatypes::UInt32Type;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, exec_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use faultline::analysis::Survey;
use faultline::observation::Observation;
use faultline::pipeline::Pipeline;
use faultline::report::SurveyShare;
use faultline::scope::{Scope, Share};
use faultline::settings::Settings;
use faultline::source::{InputFile, Interest, Merge, Original, Resources, StandIn};
use faultline::time::Timestamp;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Bytes of text which are passed on at once.
const PIECE: usize = 1024 * 1024;

/// The node.
#[derive(Debug, Clone)]
pub struct SurveyExec {
    child: Arc<dyn ExecutionPlan>,
    files: Arc<Vec<InputFile>>,
    keys: Vec<u32>,
    generated: Timestamp,
    properties: Arc<PlanProperties>,
}

impl SurveyExec {
    /// Follows shares of all prefixes, of these keys, over these files, of which the child gives pieces.
    ///
    /// # Errors
    /// None but by a mistake in here.
    pub fn new(child: Arc<dyn ExecutionPlan>, files: Arc<Vec<InputFile>>, keys: Vec<u32>, generated: Timestamp) -> Result<Self> {
        let partitions = child.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(rows::found_schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Ok(SurveyExec { child, files, keys, generated, properties: Arc::new(properties) })
    }

    /// The files.
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// The keys of the shares, by their number.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }

    /// When the report is made.
    pub const fn generated(&self) -> Timestamp {
        self.generated
    }
}

impl DisplayAs for SurveyExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Survey: {} shares over {} files", self.keys.len(), self.files.len())
    }
}

impl ExecutionPlan for SurveyExec {
    fn name(&self) -> &'static str {
        "SurveyExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.child]
    }

    /// Every piece of a share comes to one task.
    #[allow(deprecated, reason = "what came after it is for nodes of several children")]
    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::HashPartitioned(vec![Arc::new(Column::new("key", 0))])]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let [child] = <[_; 1]>::try_from(children).map_err(|_| DataFusionError::Internal("SurveyExec has one child".to_owned()))?;
        Ok(Arc::new(SurveyExec::new(child, self.files.clone(), self.keys.clone(), self.generated)?))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut input = self.child.execute(partition, context)?;
        let (files, keys, generated) = (self.files.clone(), self.keys.clone(), self.generated);
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), 2);
        let out = stream.tx();
        stream.spawn(async move {
            let mut gathered = Gathered::new()?;
            while let Some(batch) = input.next().await {
                gathered.take(&batch?)?;
            }
            let done = tokio::task::spawn_blocking(move || {
                for (key, stand_ins) in gathered.shares() {
                    let number = keys.iter().zip(0..).find_map(|(known, number)| (*known == key).then_some(number));
                    let of = u32::try_from(keys.len()).map_err(|error| DataFusionError::External(error.into()))?;
                    let Some((number, share)) = number.and_then(|number| Some((number, Share::new(number, of)?))) else {
                        return internal_err!("{key} is the key of no share");
                    };
                    let found = survey(share, stand_ins.of(&files)?, generated)?;
                    for batch in pieces(number, &found)? {
                        if out.blocking_send(Ok(batch)).is_err() {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            });
            done.await.map_err(|error| DataFusionError::External(error.into()))?
        });
        Ok(stream.build())
    }
}

/// Stand-ins as they come, on the disk.
struct Gathered {
    folder: TempDir,
    shares: BTreeMap<u32, StandIns>,
}

/// Those of one share, by the number of the file.
#[derive(Default)]
struct StandIns(BTreeMap<u32, Coming>);

/// A stand-in which is coming.
struct Coming {
    path: PathBuf,
    original: Option<Original>,
    /// Where its pieces stand in the file here.
    pieces: Vec<Option<(u64, u64)>>,
    written: u64,
}

impl Gathered {
    fn new() -> Result<Self> {
        Ok(Gathered { folder: tempfile::tempdir()?, shares: BTreeMap::new() })
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let number = |column: usize| batch.column(column).as_primitive::<UInt32Type>();
        let (shares, files, pieces, counts) = (number(0), number(1), number(2), number(3));
        let (originals, bytes) = (batch.column(4).as_string::<i32>(), batch.column(5).as_binary::<i64>());
        for row in 0..batch.num_rows() {
            let (share, file, count) = (shares.value(row), files.value(row), counts.value(row));
            let path = self.folder.path().join(format!("{share}-{file}"));
            let known = &mut self.shares.entry(share).or_default().0;
            let new = || Coming { path, original: None, pieces: vec![None; count as usize], written: 0 };
            let coming = known.entry(file).or_insert_with(new);
            coming.take((file, pieces.value(row)), originals.value(row), bytes.value(row))?;
        }
        Ok(())
    }

    fn shares(&self) -> impl Iterator<Item = (u32, &StandIns)> {
        self.shares.iter().map(|(number, stand_ins)| (*number, stand_ins))
    }
}

impl Coming {
    fn take(&mut self, (file, piece): (u32, u32), original: &str, bytes: &[u8]) -> Result<()> {
        match self.pieces.get_mut(piece as usize) {
            Some(place @ None) => *place = Some((self.written, bytes.len() as u64)),
            Some(Some(_)) => return internal_err!("piece {piece} of file {file} came twice"),
            None => return internal_err!("piece {piece} of file {file}, which has {}", self.pieces.len()),
        }
        if piece == 0 {
            self.original = Some(serde_json::from_str(original).map_err(|error| DataFusionError::External(error.into()))?);
        }
        let mut out = File::options().create(true).append(true).open(&self.path)?;
        out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// The whole file; its pieces put in order, if they came in another.
    fn whole(&self, file: &Path) -> Result<StandIn> {
        let came: Vec<(u64, u64)> = self.pieces.iter().flatten().copied().collect();
        let (Some(original), true) = (&self.original, came.len() == self.pieces.len()) else {
            return exec_err!("of {} only {} of {} pieces came; run it again", file.display(), came.len(), self.pieces.len());
        };
        if !came.is_sorted() {
            let bytes = std::fs::read(&self.path)?;
            let piece = |(at, length): &(u64, u64)| bytes.get(usize::try_from(*at).ok()?..usize::try_from(at + length).ok()?);
            let ordered: Option<Vec<&[u8]>> = came.iter().map(piece).collect();
            let Some(ordered) = ordered else { return internal_err!("{} is not as it was written", self.path.display()) };
            std::fs::write(&self.path, ordered.concat())?;
        }
        Ok(StandIn { path: self.path.clone(), of: original.clone() })
    }
}

impl StandIns {
    /// The files, each with its stand-in.
    fn of(&self, files: &[InputFile]) -> Result<Vec<InputFile>> {
        let with = |(number, file): (u32, &InputFile)| match self.0.get(&number) {
            Some(coming) => Ok(InputFile { stand_in: Some(coming.whole(&file.path)?), ..file.clone() }),
            None => exec_err!("nothing of {} came; run it again", file.path.display()),
        };
        (0..).zip(files).map(with).collect()
    }
}

/// What is found of a share.
fn survey(share: Share, files: Vec<InputFile>, generated: Timestamp) -> Result<String> {
    let outside = |error: faultline::source::SourceError| DataFusionError::External(error.into());
    let (settings, resources) = (Settings::default(), Resources::default());
    let mut pipeline = Pipeline::new(Scope::Share(share), &settings);
    let merge = Merge::open(files, Interest::Origins, &resources).map_err(outside)?;
    let mut last = Timestamp::MIN;
    let read = merge.for_each(1, &resources.timing, |observations, vantages| {
        last = observations.iter().map(Observation::until).fold(last, Timestamp::max);
        pipeline.observe_all(observations, vantages);
        Ok(())
    });
    let (vantages, bgp_files) = read.map_err(outside)?;
    let end = bgp_files.iter().filter_map(|file| file.last).max().map_or(last, |end| end.max(last));
    let routing = pipeline.finish(end, &vantages);
    let survey = Survey { settings, vantages, routing, outages: Vec::new(), roll_up: None, bgp_files };
    serde_json::to_string(&SurveyShare::of(&survey, generated)).map_err(|error| DataFusionError::External(error.into()))
}

fn pieces(share: u32, found: &str) -> Result<Vec<RecordBatch>> {
    let mut parts = Vec::new();
    let mut left = found;
    while !left.is_empty() {
        let at = left.floor_char_boundary(PIECE.min(left.len()));
        let (part, rest) = left.split_at(at);
        parts.push(part);
        left = rest;
    }
    let count = u32::try_from(parts.len()).map_err(|error| DataFusionError::External(error.into()))?;
    let one = |number: u32| Arc::new(UInt32Array::from(vec![number])) as Arc<dyn Array>;
    let row = |(piece, part): (u32, &str)| {
        let columns = vec![one(share), one(piece), one(count), Arc::new(StringArray::from(vec![part]))];
        Ok(RecordBatch::try_new(rows::found_schema(), columns)?)
    };
    (0..count).zip(parts).map(row).collect()
}
