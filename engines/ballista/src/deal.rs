//! By which keys shares are dealt to partitions, so that each has as many.
//!
//! A shuffle sends a row where the hash of its key says, so a few numbers in a row would often go to one task together, and the others would have nothing to do. Keys are chosen by asking
//! the partitioner itself. What is found does not depend on them.

use datafusion::arrow::array::{AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, UInt32Type};
use datafusion::common::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::repartition::BatchPartitioner;
use std::sync::Arc;

/// Keys among which there is one for every share, most probably.
const TRIED_FOR_EACH: u32 = 64;

/// A key for each share, all different.
///
/// # Errors
/// None but by a mistake in here.
pub fn keys(shares: u32, partitions: usize) -> Result<Vec<u32>> {
    let schema = Arc::new(Schema::new(vec![Field::new("key", DataType::UInt32, false)]));
    let tried = u32::try_from(partitions).unwrap_or(u32::MAX).max(shares).saturating_mul(TRIED_FOR_EACH);
    let batch = RecordBatch::try_new(schema, vec![Arc::new(UInt32Array::from_iter_values(0..tried))])?;
    let mut of_partition: Vec<Vec<u32>> = vec![Vec::new(); partitions.max(1)];
    let mut partitioner =
        BatchPartitioner::new_hash_partitioner(vec![Arc::new(Column::new("key", 0))], partitions.max(1), Time::default())?;
    partitioner.partition(batch, |partition, keys| {
        of_partition[partition].extend(keys.column(0).as_primitive::<UInt32Type>().values().iter().rev());
        Ok(())
    })?;
    let mut next = |share: u32| {
        let place = share as usize % of_partition.len();
        let key = of_partition[place].pop();
        key.or_else(|| of_partition.iter_mut().find_map(Vec::pop)).unwrap_or(tried + share)
    };
    Ok((0..shares).map(&mut next).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_partition_has_as_many_shares() {
        for (shares, partitions) in [(1, 1), (2, 2), (3, 3), (8, 8), (16, 4), (256, 64), (5, 40)] {
            let keys = keys(shares, partitions).unwrap();
            assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), shares as usize);
            let schema = Arc::new(Schema::new(vec![Field::new("share", DataType::UInt32, false)]));
            let batch = RecordBatch::try_new(schema, vec![Arc::new(UInt32Array::from(keys))]).unwrap();
            let mut partitioner =
                BatchPartitioner::new_hash_partitioner(vec![Arc::new(Column::new("share", 0))], partitions, Time::default())
                    .unwrap();
            let mut counts = vec![0; partitions];
            partitioner
                .partition(batch, |partition, rows| {
                    counts[partition] += rows.num_rows();
                    Ok(())
                })
                .unwrap();
            let (least, most) = (shares as usize / partitions, (shares as usize).div_ceil(partitions));
            assert!(counts.iter().all(|count| (least..=most).contains(count)), "{shares} over {partitions}: {counts:?}");
        }
    }
}
