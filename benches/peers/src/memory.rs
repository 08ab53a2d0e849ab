//! The relevance scan against bgpkit-parser's elements, both in memory: what reading costs when nothing is unpacked.
//!
//! Both take the same million messages in turn, in one process and on one thread, so a busy machine slows both and the ratio stays.

use crate::inputs::{Size, prepare};
use crate::places::Places;
use crate::readers::{elements, unpack, watched};
use bgpkit_parser::BgpkitParser;
use clap::Args;
use faultline::source::scan_alone;
use std::hint::black_box;
use std::io::Cursor;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The scan is at least so many times faster.
const TARGET: f64 = 25.0;

/// How often it is measured.
#[derive(Args, Debug)]
pub struct Memory {
    /// A tenth of the input
    #[arg(long)]
    quick: bool,
    /// Pairs, after one which does not count
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,
    /// End with exit status 1 if the target is missed
    #[arg(long)]
    check: bool,
}

impl Memory {
    /// Measures, and prints the ratios and their median.
    ///
    /// # Errors
    /// If the inputs could not be made or read.
    pub fn run(&self) -> miette::Result<ExitCode> {
        let inputs = prepare(&Places::find()?, Size::of(self.quick))?;
        let (records, interest) = (unpack(&inputs.updates("gz"))?, watched(&inputs.profile)?);
        let mut ratios = Vec::new();
        for run in 0..=self.runs {
            let (taken, again) = (records.clone(), records.clone());
            let scan = time(|| scan_alone(taken, &interest));
            let bgpkit = time(|| elements(BgpkitParser::from_reader(Cursor::new(again))));
            if run > 0 {
                ratios.push(bgpkit.as_secs_f64() / scan.as_secs_f64());
                println!("scan {:.3} s, bgpkit-parser {:.3} s", scan.as_secs_f64(), bgpkit.as_secs_f64());
            }
        }
        ratios.sort_by(f64::total_cmp);
        let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
        let held = median >= TARGET;
        println!("the scan is {median:.1} times faster in memory (median of {}; target {TARGET})", ratios.len());
        Ok(if self.check && !held { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

#[allow(clippy::disallowed_methods, reason = "the clock measures, and decides nothing")]
fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}
