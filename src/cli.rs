//! What was typed. Nothing is read or decided here; each command turns its part into what it means.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Which layer broke — routing, DNS, the application, or our own eyes —, since when, seen by whom, and what proves it.
#[derive(Debug, Parser)]
#[command(name = "faultline", version, max_term_width = 100, after_help = EXIT_STATUS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 ran, no incident; 1 an incident was found; 2 failed; \
3 no incident was found, but too little was seen to say that there was none.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read archives and recorded probe results; find incidents, say which layer broke, and write a report
    #[command(after_help = EXIT_STATUS)]
    Analyze(Analyze),
    /// Print every observation behind a verdict, down to file and record number
    #[command(after_help = EXIT_STATUS)]
    Explain(Explain),
    /// Work with organization profiles
    Org(Org),
    /// Turn a written timeline into archives, probe results and service status, to rehearse with
    Drill(Drill),
}

/// What to read.
#[derive(Debug, Args)]
pub struct Inputs {
    /// The organization's profile (TOML), then BGP archives: MRT files (plain, gz, bz2, zst, xz), RIPEstat answers, folders,
    /// globs, or - for standard input. With --all-origins: archives only
    #[arg(required = true, value_name = "ORG.toml> <FILES")]
    pub inputs: Vec<PathBuf>,
    /// An archive file, folder or glob with the name of the collector it is from, where its own name does not tell
    #[arg(long = "collector", value_name = "NAME=PATH")]
    pub collectors: Vec<String>,
    /// Recorded probe results: files, folders or globs (Faultline's own JSON Lines and Parquet, RIPE Atlas, zdns, service status)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub probes: Vec<PathBuf>,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A summary for people.
    Text,
    /// JSON for machines.
    Json,
}

/// `faultline analyze`
#[derive(Debug, Args)]
pub struct Analyze {
    /// What to read.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Watch every origin AS in the input instead of one organization
    #[arg(long, conflicts_with = "probes")]
    pub all_origins: bool,
    /// Write incidents.json, report.md and Parquet tables into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Draw the course of the incident under the summary: visibility, DNS and services on one axis of time
    #[arg(long, conflicts_with = "all_origins")]
    pub timeline: bool,
}

/// `faultline explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// What to read.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Which incident: its number in the summary, or the beginning of its name
    #[arg(long, value_name = "INCIDENT", default_value = "1")]
    pub incident: String,
    /// Only what concerns this service
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

/// `faultline org`
#[derive(Debug, Args)]
pub struct Org {
    /// What to do.
    #[command(subcommand)]
    pub command: OrgCommand,
}

/// What to do with a profile.
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Validate a profile: every error with line, column and what to write
    Check {
        /// The profile (TOML)
        #[arg(value_name = "ORG.toml")]
        profile: PathBuf,
    },
}

/// `faultline drill`
#[derive(Debug, Args)]
pub struct Drill {
    /// The timeline (TOML); docs/drill.md lists what may stand in it
    #[arg(value_name = "TIMELINE.toml")]
    pub timeline: PathBuf,
    /// The folder to write into; it must be new or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
