//! What a watch begins with: archives, read before the stream.

use crate::observation::Observation;
use crate::pipeline::Pipeline;
use crate::source::ris_live::RisLive;
use crate::source::{FileAccount, FileKind, InputFile, Merge, Resources, SourceError};
use crate::time::Timestamp;
use crate::vantage::Family;

/// Reads archives into stages which nothing has reached yet, and lets the stream follow them. Gives what was read, and until when it tells what was.
///
/// # Errors
/// If not one of the files can be read.
pub(super) fn seed(
    files: Vec<InputFile>,
    threads: usize,
    stream: &mut RisLive,
    pipeline: &mut Pipeline,
) -> Result<(Vec<FileAccount>, Timestamp), SourceError> {
    let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
    let resources = Resources { threads, goes_on: true, ..Resources::default() };
    let merge = Merge::open(files, stream.interest().clone(), &resources)?;
    let mut until = Timestamp::MIN;
    let read = merge.for_each(threads, &resources.timing, |observations, vantages| {
        until = observations.iter().map(Observation::until).fold(until, Timestamp::max);
        pipeline.observe_all(observations, vantages);
        Ok::<(), SourceError>(())
    });
    let (vantages, accounts) = read?;
    // A recording says how late it was in the end, though nobody said anything.
    let recordings = accounts.iter().filter(|account| matches!(account.kind, FileKind::RisLive | FileKind::Bmp));
    let until = recordings.filter_map(|account| account.last).fold(until, Timestamp::max);
    stream.after(count, vantages);
    Ok((accounts, until))
}

/// Of how many vantage points the whole table of some family is known, and of how many anything.
pub(super) fn known_tables(stream: &RisLive, pipeline: &Pipeline) -> (usize, usize) {
    let seeded = |from| Family::BOTH.iter().any(|family| pipeline.feeds().is_seeded(from, *family));
    let vantages = stream.vantages();
    (vantages.iter().filter(|(from, _)| seeded(*from)).count(), vantages.len())
}
