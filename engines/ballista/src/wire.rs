//! What a plan is made of, on its way to the scheduler and to executors.
//!
//! Everything of ours travels as JSON under a name of its own; everything else as Ballista writes it.

use crate::per_file::{PerFileExec, Work};
use crate::prefixes::{WITHIN, within};
use crate::survey::SurveyExec;
use crate::table::ArchiveTable;
use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference, internal_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use faultline::source::InputFile;
use faultline::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;

/// A table of ours.
#[derive(Serialize, Deserialize)]
struct TableOnWire {
    faultline_table: ArchiveTable,
}

/// A node of ours.
#[derive(Serialize, Deserialize)]
enum NodeOnWire {
    FaultlinePerFile(Work),
    FaultlineSurvey { files: Vec<InputFile>, keys: Vec<u32>, generated: Timestamp },
}

fn write(what: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, what).map_err(|error| DataFusionError::External(error.into()))
}

/// Of what users ask for.
#[derive(Debug, Default)]
pub struct Logical {
    others: BallistaLogicalExtensionCodec,
}

impl LogicalExtensionCodec for Logical {
    fn try_decode(&self, bytes: &[u8], inputs: &[LogicalPlan], context: &TaskContext) -> Result<Extension> {
        self.others.try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, out: &mut Vec<u8>) -> Result<()> {
        self.others.try_encode(node, out)
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        name: &TableReference,
        schema: SchemaRef,
        context: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        match serde_json::from_slice::<TableOnWire>(bytes) {
            Ok(TableOnWire { faultline_table }) => Ok(Arc::new(faultline_table)),
            Err(_) => self.others.try_decode_table_provider(bytes, name, schema, context),
        }
    }

    fn try_encode_table_provider(&self, name: &TableReference, table: Arc<dyn TableProvider>, out: &mut Vec<u8>) -> Result<()> {
        let any: &dyn Any = table.as_ref();
        match any.downcast_ref::<ArchiveTable>() {
            Some(table) => write(&TableOnWire { faultline_table: table.clone() }, out),
            None => self.others.try_encode_table_provider(name, table, out),
        }
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        if name == WITHIN { Ok(Arc::new(within())) } else { self.others.try_decode_udf(name, bytes) }
    }

    fn try_encode_udf(&self, function: &ScalarUDF, out: &mut Vec<u8>) -> Result<()> {
        if function.name() == WITHIN { Ok(()) } else { self.others.try_encode_udf(function, out) }
    }
}

/// Of what executors run.
#[derive(Debug, Default)]
pub struct Physical {
    others: BallistaPhysicalExtensionCodec,
}

impl PhysicalExtensionCodec for Physical {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok(node) = serde_json::from_slice::<NodeOnWire>(bytes) else {
            return self.others.try_decode(bytes, inputs, context, converter);
        };
        let [child] = inputs else { return internal_err!("a node of Faultline has one child, not {}", inputs.len()) };
        Ok(match node {
            NodeOnWire::FaultlinePerFile(work) => Arc::new(PerFileExec::new(child.clone(), work)?),
            NodeOnWire::FaultlineSurvey { files, keys, generated } => {
                Arc::new(SurveyExec::new(child.clone(), Arc::new(files), keys, generated)?)
            }
        })
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        out: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let any: &dyn Any = node.as_ref();
        if let Some(node) = any.downcast_ref::<PerFileExec>() {
            return write(&NodeOnWire::FaultlinePerFile(node.work().clone()), out);
        }
        if let Some(node) = any.downcast_ref::<SurveyExec>() {
            let (files, keys, generated) = (node.files().to_vec(), node.keys().to_vec(), node.generated());
            return write(&NodeOnWire::FaultlineSurvey { files, keys, generated }, out);
        }
        self.others.try_encode(node, out, converter)
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        if name == WITHIN { Ok(Arc::new(within())) } else { self.others.try_decode_udf(name, bytes) }
    }

    fn try_encode_udf(&self, function: &ScalarUDF, out: &mut Vec<u8>) -> Result<()> {
        if function.name() == WITHIN { Ok(()) } else { self.others.try_encode_udf(function, out) }
    }

    fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        self.others.try_decode_udaf(name, bytes)
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, out: &mut Vec<u8>) -> Result<()> {
        self.others.try_encode_udaf(function, out)
    }
}
