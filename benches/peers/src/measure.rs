//! One run of one command: processor time, wall time, peak memory, first byte.
//!
//! A small process in between starts the command and asks the system what its children took: the system adds up for all children
//! together, so each run has a parent of its own. What that parent needs itself is not counted.

use clap::Args;
use miette::{IntoDiagnostic, WrapErr};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What to run.
#[derive(Args, Debug)]
pub struct Order {
    /// On one core only
    #[arg(long)]
    one_core: bool,
    /// Read what it prints, and tell the beginning of it; else it is thrown away by the system
    #[arg(long)]
    listen: bool,
    /// The command
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// What a run took.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// Seconds of processor time in the program.
    pub user: f64,
    /// Seconds of processor time in the system on its behalf.
    pub system: f64,
    /// Seconds from start to end.
    pub wall: f64,
    /// Peak of memory in KiB.
    pub peak: i64,
    /// Seconds from start until it had printed something, where that was asked for.
    pub first_byte: Option<f64>,
    /// The first line it printed, where that was asked for.
    pub line: String,
    /// What it printed as JSON on standard error, line by line.
    pub stats: Vec<String>,
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
}

impl Run {
    /// Seconds of processor time.
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

impl Order {
    /// Runs the command and prints a [`Run`].
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(self) -> miette::Result<()> {
        if self.one_core {
            stay_on_one_core().into_diagnostic().wrap_err("the system does not let a process stay on one core")?;
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(miette::miette!("name a command after --"));
        };
        let out = if self.listen { Stdio::piped() } else { Stdio::null() };
        #[allow(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()
            .into_diagnostic()
            .wrap_err_with(|| format!("`{program}` could not be started; install it"))?;
        let errors = child.stderr.take();
        let errors = std::thread::spawn(move || errors.map(json_lines).unwrap_or_default());
        let mut run = Run::default();
        if let Some(mut out) = child.stdout.take() {
            let mut text = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = out.read(&mut text) {
                if run.first_byte.is_none() {
                    run.first_byte = Some(started.elapsed().as_secs_f64());
                    run.line = String::from_utf8_lossy(&text[..read.min(200)]).lines().next().unwrap_or_default().to_owned();
                }
            }
        }
        run.status = child.wait().into_diagnostic().wrap_err("the command was lost")?.code();
        run.wall = started.elapsed().as_secs_f64();
        run.stats = errors.join().unwrap_or_default();
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).into_diagnostic().wrap_err("the system does not tell what it took")?;
        run.user = seconds(usage.user_time().num_microseconds());
        run.system = seconds(usage.system_time().num_microseconds());
        run.peak = usage.max_rss();
        println!("{}", serde_json::to_string(&run).into_diagnostic()?);
        Ok(())
    }
}

/// The lines which are JSON objects; the others are read, too, so that nobody has to wait.
fn json_lines(text: impl Read) -> Vec<String> {
    let lines = BufReader::new(text).split(b'\n').map_while(Result::ok).filter(|line| line.starts_with(b"{"));
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a run takes less than the 285 years of microseconds which fit exactly")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

fn stay_on_one_core() -> nix::Result<()> {
    let mine = Pid::from_raw(0);
    let allowed = sched_getaffinity(mine)?;
    let Some(last) = (0..CpuSet::count()).rev().find(|core| allowed.is_set(*core).unwrap_or(false)) else { return Ok(()) };
    let mut one = CpuSet::new();
    one.set(last)?;
    sched_setaffinity(mine, &one)
}
