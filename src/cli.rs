//! What was typed. Nothing is read or decided here; each command turns its part into what it means.

mod fetch;
mod org_init;
mod sharing;

pub use fetch::{ArchiveMirrors, Fetch, Ribs, SeedNewest};
pub use org_init::OrgInit;
pub use sharing::Sharing;

use crate::replay::Speed;
use crate::time::{Span, Timestamp};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Which layer broke — routing, DNS, the application, or our own eyes —, since when, seen by whom, and what proves it.
#[derive(Debug, Parser)]
#[command(name = "faultline", version, max_term_width = 100, after_help = exit_status())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the exit statuses of an analysis mean.
pub const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "ran, no incident"),
    ("1", "an incident was found"),
    ("2", "failed"),
    ("3", "no incident was found, but too little was seen to say that there was none"),
];

/// What those of probing mean.
pub const PROBE_EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "everything was up when it was asked last"),
    ("1", "something was down"),
    ("2", "failed"),
    ("3", "nothing was down, but not everything could be asked"),
];

fn exit_status() -> String {
    meanings(EXIT_STATUS)
}

fn meanings(statuses: &[(&str, &str)]) -> String {
    let meanings: Vec<String> = statuses.iter().map(|(status, meaning)| format!("{status} {meaning}")).collect();
    format!("Exit status: {}.", meanings.join("; "))
}

const FETCH_EXIT: &str =
    "Exit status: 0 everything is there which should have been published; 2 failed; 3 something is missing or damaged.";
// The profile and the archives are one list, since a survey has no profile; only a usage written out can say so.
const ANALYZE_USAGE: &str = "faultline analyze [OPTIONS] <ORG.toml> [FILES]...
       faultline analyze [OPTIONS] --all-origins <FILES>...";
const EXPLAIN_USAGE: &str = "faultline explain [OPTIONS] <ORG.toml> [FILES]...";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read archives and recorded probe results; find incidents, say which layer broke, and write a report
    #[command(after_help = exit_status(), override_usage = ANALYZE_USAGE)]
    Analyze(Analyze),
    /// Print every observation behind a verdict, down to file and record number
    #[command(after_help = exit_status(), override_usage = EXPLAIN_USAGE)]
    Explain(Explain),
    /// Render a report again from its incidents.json, without the archives
    #[command(after_help = exit_status())]
    Report(Report),
    /// Work with organization profiles
    Org(Org),
    /// Fetch archives of RIPE RIS and RouteViews for a window of time, resumed and verified
    #[command(after_help = FETCH_EXIT)]
    Fetch(Fetch),
    /// Turn a written timeline into archives, probe results and service status, to rehearse with
    Drill(Drill),
    /// Watch an organization against RIS Live: incidents as they open, change and close
    #[command(after_help = exit_status())]
    Watch(Watch),
    /// List, acknowledge and silence incidents of a watch which keeps a journal, while it runs or not
    Incident(IncidentArgs),
    /// Probe an organization's services, name servers and controls, once or on a schedule, and record every attempt
    #[command(after_help = meanings(PROBE_EXIT_STATUS))]
    Probe(Probe),
    /// Replay archives as a stream of RIS Live, at any speed: to rehearse with, and to test clients
    Replay(Replay),
    /// Print a script which completes commands, options and files in a shell
    Completions(Completions),
    /// Print the manual page, or write the pages of all commands into a folder
    Man(Man),
}

/// What to read.
#[derive(Debug, Args)]
pub struct Inputs {
    /// First the organization's profile (TOML), then BGP archives: MRT files (plain, gz, bz2, zst, xz), RIPEstat answers,
    /// recordings of RIS Live or BMP, folders, globs, or - for standard input
    // As for the probes: folders are meant too, but only after this hint bash goes on into a folder.
    #[arg(required = true, value_name = "FILES", value_hint = ValueHint::FilePath)]
    pub inputs: Vec<PathBuf>,
    /// An archive file, folder or glob with the name of the collector it is from, where its own name does not tell
    #[arg(long = "collector", value_name = "NAME=PATH")]
    pub collectors: Vec<String>,
    /// Recorded probe results: files, folders or globs (Faultline's own JSON Lines and Parquet, RIPE Atlas, zdns, service status)
    #[arg(long, value_name = "PATH", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub probes: Vec<PathBuf>,
    /// How many threads unpack archives in advance, while one more reads them; 1: one thread does everything. What is found does not depend on
    /// it [default: one a processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    Text,
    /// JSON for machines.
    Json,
}

/// What an analysis prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Printed {
    /// Text for people.
    Text,
    /// JSON for machines.
    Json,
    /// With --all-origins: a line of JSON as soon as an outage begins, changes or ends, while archives are read; a summary last
    Jsonl,
}

/// `faultline analyze`
#[derive(Debug, Args)]
pub struct Analyze {
    /// What to read.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Watch every origin AS in the input instead of one organization: all files are archives, none is a profile
    #[arg(long, conflicts_with = "probes")]
    pub all_origins: bool,
    /// Roll outages up by organization and country: a CSV table of who holds an AS, with the columns asn,org,country
    #[arg(long, value_name = "FILE", requires = "all_origins", value_hint = ValueHint::FilePath)]
    pub organizations: Option<PathBuf>,
    /// Write report.html, report.md, incidents.json, pictures and Parquet tables into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Printed::Text)]
    pub format: Printed,
    /// Draw the course of the incident under the summary: visibility, DNS and services on one axis of time
    #[arg(long, conflicts_with = "all_origins")]
    pub timeline: bool,
    /// Print on standard error where the time went, as text or, with --stats=json, as a line of JSON
    #[arg(long, value_enum, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub stats: Option<Format>,
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
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `faultline report`
#[derive(Debug, Args)]
pub struct Report {
    /// An incidents.json, of an organization or a survey, the folder which holds it, or - for standard input
    #[arg(required_unless_present = "schema", value_name = "INCIDENTS.json")]
    pub input: Option<PathBuf>,
    /// Write report.html, report.md, incidents.json and the pictures into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Draw the course of the incident under the summary: visibility, DNS and services on one axis of time
    #[arg(long)]
    pub timeline: bool,
    /// Print the JSON Schema of a format instead
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["input", "out", "format"])]
    pub schema: Option<Schema>,
}

/// The formats which have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// A report about an organization: faultline-incidents.
    Incidents,
    /// A survey of every origin: faultline-survey.
    Survey,
    /// A line of `analyze --all-origins --format jsonl`: faultline-outage-events.
    Events,
    /// A line of `watch --format jsonl`: faultline-incident-events.
    IncidentEvents,
    /// What is said of an incident to receivers of alerts: faultline-notice.
    Notices,
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
        #[arg(value_name = "ORG.toml", value_hint = ValueHint::FilePath)]
        profile: PathBuf,
        /// What to print on standard output
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Begin a profile: prefixes by their origin from table dumps, name servers and addresses from the DNS, with remarks, to edit
    Init(OrgInit),
}

/// `faultline drill`
#[derive(Debug, Args)]
pub struct Drill {
    /// The timeline (TOML); docs/drill.md lists what may stand in it
    #[arg(value_name = "TIMELINE.toml", value_hint = ValueHint::FilePath)]
    pub timeline: PathBuf,
    /// The folder to write into; it must be new or empty
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What is printed line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// Text for people.
    Text,
    /// A line of JSON each.
    Jsonl,
}

/// `faultline watch`
#[derive(Debug, Args)]
pub struct Watch {
    /// The organization's profile (TOML)
    #[arg(value_name = "ORG.toml", required_unless_present_any = ["publish", "all_origins"], value_hint = ValueHint::FilePath)]
    pub profile: Option<PathBuf>,
    /// Several who watch together.
    #[command(flatten)]
    pub sharing: Sharing,
    /// Archives to begin with: the newest table dump of each collector, and updates since. Files, folders or globs, as for analyze
    #[arg(long = "seed", value_name = "PATH", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub seeds: Vec<PathBuf>,
    /// The newest archives.
    #[command(flatten)]
    pub newest: SeedNewest,
    /// An archive to begin with, and the name of its collector, where its own name does not tell
    #[arg(long = "collector", value_name = "NAME=PATH")]
    pub collectors: Vec<String>,
    /// Where the stream is: a server of RIS Live, as wss://HOST/PATH or ws://HOST:PORT/, or a bus which keeps what such a server says, as nats://HOST:4222/NAME
    #[arg(long, value_name = "URL", default_value = concat!("wss://ris-live.ripe.net/v1/ws/?client=faultline-", env!("CARGO_PKG_VERSION")))]
    pub stream: String,
    /// Ask for everything, and not only for what concerns the organization: it shows who carries a full table, and takes some megabytes a second
    #[arg(long)]
    pub everything: bool,
    /// Keep what comes in this folder, to be analyzed later, and begin with what was kept there before
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub record: Option<PathBuf>,
    /// The stream is a replay: its own clock counts, and it has an end. Routers' clocks count, too, and not when they are heard
    #[arg(long)]
    pub replayed: bool,
    /// Keep incidents, alerts which wait, and what was told to whom in this file, over restarts; without it they are gone with the program
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub journal: Option<PathBuf>,
    /// Send a test notice to everybody whom the profile names under [[alerts]], and tell whether it was delivered; nothing is watched
    #[arg(long, conflicts_with_all = ["seeds", "journal", "replayed", "everything"])]
    pub test_alert: bool,
    /// Serve a dashboard on this address and port: can I see, what is lost, since when; with it /metrics, /healthz and a JSON API. Elsewhere
    /// than on loopback it asks for a token, from the environment variable FAULTLINE_TOKEN or a file [default: none; without ADDRESS 127.0.0.1:8480]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:8480")]
    pub dashboard: Option<SocketAddr>,
    /// A file which holds the token of the dashboard, and nothing else; the variable is not read then
    #[arg(long, value_name = "FILE", requires = "dashboard", value_hint = ValueHint::FilePath)]
    pub dashboard_token_file: Option<PathBuf>,
    /// Do not probe: watch what is said in BGP alone. Nothing is probed either where the profile names neither services nor zones, or with --replayed
    #[arg(long)]
    pub no_probes: bool,
    /// Listen on this address and port for routers which speak BMP (RFC 7854); the profile lists them under [bmp]. May be repeated
    #[arg(long = "bmp", value_name = "ADDRESS")]
    pub bmp: Vec<String>,
    /// Hear only routers, and no stream
    #[arg(long, requires = "bmp", conflicts_with_all = ["stream", "everything"])]
    pub bmp_only: bool,
    /// What to print on standard output when something happens to an incident
    #[arg(long, value_enum, default_value_t = Lines::Text)]
    pub format: Lines,
}

/// `faultline incident`
#[derive(Debug, Args)]
pub struct IncidentArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: IncidentCommand,
}

/// What to do with incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// List incidents, silences and notices which wait, as the watch knew them last
    List {
        /// Whose.
        #[command(flatten)]
        journal: JournalOf,
        /// What to print on standard output
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Say that somebody works on an incident: no more notices of it but that it is worse, or over
    Ack {
        /// The number of the incident
        #[arg(value_name = "NUMBER")]
        incident: usize,
        /// Whose.
        #[command(flatten)]
        journal: JournalOf,
        /// Who says so, and why.
        #[command(flatten)]
        said: Said,
    },
    /// Tell nothing of something for a while; that an incident is over is told to whoever heard that it began
    #[command(group = ArgGroup::new("what").required(true).args(["incident", "prefix", "service"]))]
    #[command(group = ArgGroup::new("end").required(true).args(["duration", "until"]))]
    Silence {
        /// Whose.
        #[command(flatten)]
        journal: JournalOf,
        /// The incident of this number
        #[arg(long, value_name = "NUMBER")]
        incident: Option<usize>,
        /// Incidents which concern nothing outside of this prefix
        #[arg(long, value_name = "PREFIX")]
        prefix: Option<IpNet>,
        /// Incidents which concern this service alone
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// For how long, such as 30min or 2h
        #[arg(long = "for", value_name = "SPAN")]
        duration: Option<Span>,
        /// Until when, such as 2026-12-01T05:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// Who says so, and why.
        #[command(flatten)]
        said: Said,
    },
    /// End a silence before its time
    Lift {
        /// The name of the silence, as list shows it
        #[arg(value_name = "SILENCE")]
        silence: String,
        /// Whose.
        #[command(flatten)]
        journal: JournalOf,
    },
}

/// Whose incidents.
#[derive(Debug, Args)]
pub struct JournalOf {
    /// The journal of the watch
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub journal: PathBuf,
}

/// Who says something, and why.
#[derive(Debug, Args)]
pub struct Said {
    /// Who
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// `faultline probe`
#[derive(Debug, Args)]
pub struct Probe {
    /// The organization's profile (TOML)
    #[arg(value_name = "ORG.toml", value_hint = ValueHint::FilePath)]
    pub profile: PathBuf,
    /// Ask everything again and again, each question once in this time, until it is ended; 60s, 5min. Without it everything is asked once
    #[arg(long, value_name = "SPAN")]
    pub every: Option<Span>,
    /// End after so many rounds
    #[arg(long, value_name = "COUNT", requires = "every", value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: Option<u64>,
    /// Record every attempt in this file, for analyze --probes: lines are added to a .jsonl file as attempts end; a .parquet file is
    /// written in the end
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// What to print on standard output: with jsonl every attempt as it is recorded; else a table or, on a schedule, what changes
    #[arg(long, value_enum, default_value_t = Lines::Text)]
    pub format: Lines,
}

/// `faultline replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// BGP archives: MRT files (plain, gz, bz2, zst, xz), folders, globs, or - for standard input. Table dumps in them are left out
    #[arg(required = true, value_name = "FILES", value_hint = ValueHint::FilePath)]
    pub archives: Vec<PathBuf>,
    /// An archive file, folder or glob with the name of the collector it is from, where its own name does not tell
    #[arg(long = "collector", value_name = "NAME=PATH")]
    pub collectors: Vec<String>,
    /// Serve a WebSocket on this address and port, as ris-live.ripe.net does, and honour subscriptions; else every frame is printed
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// How fast recorded time passes: 1x, 60x, 0.5x or max
    #[arg(long, value_name = "SPEED", default_value = "1x")]
    pub speed: Speed,
    /// Tell the time at which a message is passed on as its time, as if everything happened now: for watch as it runs live, with its own clock
    #[arg(long)]
    pub as_now: bool,
    /// Print the bytes of messages too; over a WebSocket clients ask for them
    #[arg(long, conflicts_with = "listen")]
    pub raw: bool,
}

/// `faultline completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell which is to read the script
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `faultline man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write one page for each command into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}
