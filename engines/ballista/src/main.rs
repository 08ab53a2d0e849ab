//! The program: what was typed, and where it runs.

use clap::{Args, Parser, Subcommand, ValueEnum};
use datafusion::arrow::csv::WriterBuilder;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use faultline::report;
use faultline::source::InputSpec;
use faultline::time::Timestamp;
use faultline_ballista::{Executor, Job, find, local, outages, remote, run_executor, run_scheduler};
use miette::{IntoDiagnostic, WrapErr, miette};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Faultline beyond one machine: SQL over BGP archives, and the outages of every origin.
#[derive(Parser)]
#[command(name = "faultline-ballista", version, propagate_version = true)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ask a question in SQL over `updates('FILES')`, `ribs('FILES')` and `files('FILES')`; `within(prefix, 'NET')` says whether a prefix is inside of a network
    Sql {
        /// The question
        question: String,
        /// How the answer is printed
        #[arg(long, value_enum, default_value_t = Printed::Table)]
        format: Printed,
        #[command(flatten)]
        place: Place,
    },
    /// Find the outages of every origin, as `faultline analyze --all-origins` does
    Outages {
        /// MRT files, folders and globs of them, and URLs of object stores, such as s3://BUCKET/PREFIX; NAME=PATH names the collector too
        #[arg(required = true)]
        inputs: Vec<String>,
        /// In how many shares all prefixes are followed; as many as can be followed at a time, if not given. What is found does not depend on it
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256))]
        shares: Option<u32>,
        /// Write the report in every format into this folder
        #[arg(long)]
        out: Option<PathBuf>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Run a scheduler
    Scheduler {
        /// Where it listens
        #[arg(long, default_value = "127.0.0.1:50050")]
        listen: SocketAddr,
    },
    /// Run an executor
    Executor {
        /// The scheduler, HOST:PORT
        #[arg(long, default_value = "127.0.0.1:50050")]
        scheduler: String,
        /// Where it listens; the port after this one is taken as well
        #[arg(long, default_value = "127.0.0.1:50051")]
        listen: SocketAddr,
        /// The name or address by which the others reach it; that on which it listens, if not given
        #[arg(long)]
        reached_at: Option<String>,
        /// Tasks at a time; as many as there are processors, if not given
        #[arg(long)]
        tasks: Option<usize>,
        /// Where it keeps what is passed on between stages; a folder which goes with it, if not given
        #[arg(long)]
        folder: Option<PathBuf>,
    },
}

/// As many shares as there are blocks of IPv4 addresses.
const SHARES: u32 = 256;

/// Columns of a report on a terminal.
const WIDTH: usize = 100;

/// Where a plan runs.
#[derive(Args)]
struct Place {
    /// Run in this process: the default
    #[arg(long, conflicts_with = "scheduler")]
    local: bool,
    /// Run on the cluster of this scheduler, HOST:PORT
    #[arg(long)]
    scheduler: Option<String>,
    /// Partitions after a shuffle, and threads in this process; as many as there are processors here, if not given
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    partitions: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Printed {
    Table,
    Csv,
    Jsonl,
}

fn main() -> miette::Result<ExitCode> {
    let typed = Typed::parse();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Runtime::new().into_diagnostic()?;
    runtime.block_on(run(typed.command))
}

async fn run(command: Command) -> miette::Result<ExitCode> {
    match command {
        Command::Sql { question, format, place } => {
            let context = place.context().await?;
            let answer = context.sql(&question).await.into_diagnostic()?.collect().await;
            let batches = answer.map_err(|error| place.said(&error))?;
            let mut out = Vec::new();
            match format {
                Printed::Table => writeln!(out, "{}", pretty_format_batches(&batches).into_diagnostic()?).into_diagnostic()?,
                Printed::Csv => {
                    let mut csv = WriterBuilder::new().with_header(true).build(&mut out);
                    batches.iter().try_for_each(|batch| csv.write(batch)).into_diagnostic()?;
                }
                Printed::Jsonl => {
                    let mut lines = LineDelimitedWriter::new(&mut out);
                    lines.write_batches(&batches.iter().collect::<Vec<_>>()).into_diagnostic()?;
                    lines.finish().into_diagnostic()?;
                }
            }
            print(&out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Outages { inputs, shares, out, json, place } => {
            let specs: Vec<InputSpec> = inputs.iter().map(|input| faultline_ballista::spec_of(input)).collect();
            let files = find(&specs).await.into_diagnostic()?;
            let shares = shares.unwrap_or_else(|| u32::try_from(place.partitions()).unwrap_or(SHARES).min(SHARES));
            let context = place.context().await?;
            let view = outages(&context, Job { files, shares, generated: now()? }).await.map_err(|error| place.said(&error))?;
            if let Some(folder) = out {
                report::write_dir(&folder, &report::files(&view)).into_diagnostic()?;
            }
            let text = if json { report::json(&view) } else { report::terminal(&view, WIDTH, std::io::stdout().is_terminal()) };
            print(text.as_bytes())?;
            Ok(ExitCode::from(view.outcome.exit_status))
        }
        Command::Scheduler { listen } => {
            tell(&format!("the scheduler listens at {listen}"));
            run_scheduler(listen).await.into_diagnostic().wrap_err_with(|| format!("the scheduler at {listen} ended"))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Executor { scheduler, listen, reached_at, tasks, folder } => {
            let (host, port) =
                scheduler.rsplit_once(':').ok_or_else(|| miette!("`{scheduler}` names no port; write it as HOST:PORT"))?;
            let kept = tempfile::tempdir().into_diagnostic()?;
            let executor = Executor {
                listen,
                reached_at: reached_at.unwrap_or_else(|| listen.ip().to_string()),
                scheduler: host.to_owned(),
                scheduler_port: port.parse().into_diagnostic()?,
                tasks: tasks.unwrap_or_else(processors),
                folder: folder.unwrap_or_else(|| kept.path().to_owned()),
            };
            tell(&format!("the executor listens at {listen}, for the scheduler at {scheduler}"));
            let ended = run_executor(executor).await;
            ended
                .into_diagnostic()
                .wrap_err_with(|| format!("the executor at {listen} ended; is there a scheduler at {scheduler}?"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Place {
    async fn context(&self) -> miette::Result<SessionContext> {
        match &self.scheduler {
            Some(scheduler) => remote(scheduler, self.partitions()).await.into_diagnostic(),
            None => Ok(local(self.partitions())),
        }
    }

    fn partitions(&self) -> usize {
        self.partitions.map_or_else(processors, usize::from)
    }

    fn said(&self, error: &datafusion::common::DataFusionError) -> miette::Report {
        match &self.scheduler {
            Some(scheduler) => miette!(
                help = "look whether the scheduler runs (`faultline-ballista scheduler` starts one) and has executors, then run it again",
                "the cluster at {scheduler} could not do it: {error}"
            ),
            None => miette!("{error}"),
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[allow(clippy::disallowed_methods, reason = "the one reading of the clock: when the report is made")]
fn now() -> miette::Result<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).into_diagnostic()?;
    Ok(Timestamp::from_micros(i64::try_from(since.as_micros()).into_diagnostic()?))
}

/// Tells people something, on standard error.
fn tell(text: &str) {
    // Nobody is left to tell that nobody can be told.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn print(bytes: &[u8]) -> miette::Result<()> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.into_diagnostic(),
    }
}
