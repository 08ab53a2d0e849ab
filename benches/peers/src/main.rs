//! Faultline against its peers and its limits: `cargo run --release -p faultline-peers -- --help`.
//!
//! One program: it makes the inputs, starts everybody in turn, and prints a table. The peers which are libraries are subcommands of it, so
//! that each runs as a process of its own and is measured like any other program. docs/performance.md says what the table means.

mod compare;
mod inputs;
mod instructions;
mod measure;
mod memory;
mod page;
mod places;
mod readers;
mod recorded;
mod rows;
mod scale;
mod tools;

use clap::{Args, Parser, Subcommand};
use miette::{IntoDiagnostic, WrapErr};
use places::Places;
use std::path::PathBuf;
use std::process::ExitCode;

/// Faultline against its peers and its limits, on inputs which this program makes itself.
#[derive(Parser, Debug)]
#[command(args_conflicts_with_subcommands = true)]
struct Typed {
    #[command(flatten)]
    bench: Bench,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What is compared, and how often.
#[derive(Args, Debug, Clone)]
pub struct Bench {
    /// A tenth of the input, three pairs, without what takes longest: to see that everything works, not what it comes to
    #[arg(long)]
    quick: bool,
    /// Pairs to run of each comparison, after one which does not count [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// Write the table to a file as well
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A folder of recorded archives (`mrt/`, `events/routeviews2-2008-02/`), compared as well
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only comparisons whose input or peer contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The program to measure [default: `faultline` beside this one, built if it is missing or older than its sources]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// End with exit status 1 if a target is missed
    #[arg(long)]
    check: bool,
}

/// Parts of it, which it starts itself.
#[derive(Subcommand, Debug)]
enum Part {
    /// Only make the inputs, and say where they are
    Inputs {
        /// A tenth of them
        #[arg(long)]
        quick: bool,
    },
    /// Compare instruction counts (valgrind) of reading MRT, which do not depend on how busy the machine is
    Instructions,
    /// The relevance scan against bgpkit-parser's elements, both in memory
    Memory(memory::Memory),
    /// Put a million prefixes at a thousand peers through the pipeline, and say how much memory and time that takes
    Scale(scale::Scale),
    /// Run a command, and say in JSON what it took
    #[command(hide = true)]
    Measure(measure::Order),
    /// One of the peers
    #[command(flatten)]
    Reader(readers::Reader),
}

fn main() -> miette::Result<ExitCode> {
    let typed = Typed::parse();
    match typed.part {
        None => bench(&typed.bench),
        Some(Part::Inputs { quick }) => {
            let inputs = inputs::prepare(&Places::find()?, inputs::Size::of(quick))?;
            println!("{}", inputs.folder.display());
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::Instructions) => instructions::compare(&Places::find()?),
        Some(Part::Memory(memory)) => memory.run(),
        Some(Part::Scale(scale)) => scale.run(),
        Some(Part::Measure(order)) => order.run().map(|()| ExitCode::SUCCESS),
        Some(Part::Reader(reader)) => reader.run().map(|()| ExitCode::SUCCESS),
    }
}

fn bench(typed: &Bench) -> miette::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return Err(miette::miette!("a debug build measures nothing; run `cargo run --release -p faultline-peers`"));
    }
    let places = Places::find()?;
    let program = places.program(typed.program.as_deref())?;
    let inputs = inputs::prepare(&places, inputs::Size::of(typed.quick))?;
    let mut plan = rows::plan(&places, &program, &inputs, typed.quick);
    if let Some(folder) = &typed.data {
        plan.add(recorded::plan(&places, &program, folder)?);
    }
    if let Some(text) = &typed.only {
        plan.keep(text);
    }
    let runs = typed.runs.unwrap_or(if typed.quick { 3 } else { 5 });
    let results = plan.run(runs);
    let page = page::markdown(&results, &inputs, runs);
    println!("{page}");
    if let Some(out) = &typed.out {
        std::fs::write(out, &page)
            .into_diagnostic()
            .wrap_err_with(|| format!("`{}` could not be written; name a file in a folder which exists", out.display()))?;
    }
    Ok(if typed.check && page::fails(&results) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
